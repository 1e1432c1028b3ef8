use serde_json::{Value, json};

use crate::testing::{Answer, World, as_user, sha256};

mod blobs;
mod deletes;
mod lists;
mod manifests;
mod pushes;
mod uploads;

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
