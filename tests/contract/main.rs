//! Runs the contract of each plugin kind against every plugin of that kind, as components, in the real runtime.

mod storage;
mod world;
