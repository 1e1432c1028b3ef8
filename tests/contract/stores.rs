//! Object stores that run outside: one of each for the whole process, and a part of it for each test.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bulkhead_tests::azurite::{self, Azurite};
use bulkhead_tests::garage::Garage;
use bulkhead_tests::moto::Moto;
use bulkhead_tests::s3::Access;
use serde_json::{Value, json};

use crate::world::Storage;

/// A part of a store that no other test has.
fn prefix() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("test-{}/", NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn s3(access: &Access) -> Storage {
    let settings = json!({
        "endpoint": access.endpoint,
        "region": access.region,
        "bucket": access.bucket,
        "prefix": prefix(),
        "credentials": {"access-key-id": access.access_key_id, "secret-access-key": "s3-key"},
    });
    Storage {
        origin: Some(access.endpoint.clone()),
        secrets: vec![("s3-key", access.secret_access_key.clone())],
        ..Storage::new("storage-s3", settings)
    }
}

/// S3 as moto has it.
pub fn moto() -> Storage {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    s3(&MOTO.get_or_init(Moto::start).access())
}

/// S3 on a distributed engine.
pub fn garage() -> Storage {
    static GARAGE: OnceLock<Garage> = OnceLock::new();
    s3(&GARAGE.get_or_init(Garage::start).access())
}

/// Azure's blobs as Azurite has them, with what signs its requests.
pub fn azure(signing: (&'static str, &'static str)) -> Storage {
    static AZURITE: OnceLock<Azurite> = OnceLock::new();
    let azurite = AZURITE.get_or_init(Azurite::start);
    let mut settings = json!({
        "account": azurite::ACCOUNT,
        "container": azurite::CONTAINER,
        "endpoint": azurite.endpoint(),
        "prefix": prefix(),
    });
    settings[signing.0] = Value::from("azure-key");
    Storage {
        origin: Some(azurite.origin()),
        secrets: vec![("azure-key", signing.1.to_owned())],
        ..Storage::new("storage-azure", settings)
    }
}
