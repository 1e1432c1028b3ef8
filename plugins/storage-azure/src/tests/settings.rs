//! A mistake in the settings stops the start, with the setting's name.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::testing::{FakeHost, configure};

use super::{KEY, SETTINGS};
use crate::blobs::Blobs;

fn with(extra: &str) -> Result<Blobs> {
    configure(&format!(r#"{{"account":"contoso","container":"layers",{extra}}}"#))
}

#[test]
fn a_mistake_names_its_setting() {
    let _host = FakeHost::new().secret("key", KEY).secret("sas", "?sv=1&sig=x").secret("odd", "no key").install();
    assert!(configure::<Blobs>(SETTINGS).is_ok());
    for (settings, name) in [
        (r#""shared-key":"key","sas":"sas""#, "shared-key"),
        (r#""prefix":"""#, "shared-key"),
        (r#""shared-key":"odd""#, "shared-key"),
        (r#""sas":"odd""#, "sas"),
        (r#""identity":"169.254.169.254""#, "identity"),
        (r#""shared-key":"key","client-id":"x""#, "client-id"),
        (r#""identity":"http://169.254.169.254","client-id":"a&b""#, "client-id"),
        (r#""shared-key":"key","prefix":"team""#, "prefix"),
        (r#""shared-key":"key","prefix":"../""#, "prefix"),
        (r#""shared-key":"key","part-bytes":1000"#, "part-bytes"),
        (r#""shared-key":"key","part-bytes":67108865"#, "part-bytes"),
        (r#""shared-key":"key","endpoint":"contoso""#, "endpoint"),
        (r#""shared-key":"key","endpoint":"https://a.example/?x""#, "endpoint"),
        (r#""shared-key":"key","link-endpoint":"https://a.example/../b""#, "link-endpoint"),
        (r#""shared-key":"key","access-tier":"archive""#, "access-tier"),
        (r#""shared-key":"key","tier":"hot""#, "tier"),
    ] {
        let Err(Error::Invalid(text)) = with(settings) else { panic!("{settings} is a mistake") };
        assert!(text.starts_with(&format!("{name}: ")) || text.contains(&format!("`{name}`")), "{settings}: {text}");
        assert!(!text.contains("no key") || !settings.contains("odd"), "no secret in {text}");
    }
    for (account, container) in
        [("Contoso", "layers"), ("co", "layers"), ("contoso", "Layers"), ("contoso", "a--b"), ("contoso", "-ab")]
    {
        let settings = format!(r#"{{"account":"{account}","container":"{container}","shared-key":"key"}}"#);
        assert!(matches!(configure::<Blobs>(&settings), Err(Error::Invalid(_))), "{settings}");
    }
}

#[test]
fn a_secret_that_was_not_granted_stops_the_start() {
    let _host = FakeHost::new().install();
    assert!(matches!(configure::<Blobs>(SETTINGS), Err(Error::Denied(text)) if text.starts_with("shared-key: secret `key`")));
    assert!(with(r#""identity":"http://169.254.169.254""#).is_ok(), "the metadata service may be away for the moment");
}
