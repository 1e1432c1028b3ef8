//! Runs the contract of each plugin kind against every plugin of that kind, as components, in the real runtime, and compares what plugins say
//! of themselves with what they are.

mod accounts;
mod authenticators;
mod authorizers;
mod manifests;
mod stage;
mod storage;
mod stores;
mod world;
