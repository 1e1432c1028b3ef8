use bulkhead_plugin_sdk::testing::{basic, configure, context};

use super::*;

#[test]
fn only_the_password_opens() {
    let mut plugin: Hello = configure(r#"{ "password": "open sesame" }"#).unwrap();
    let mut login = |user, password| plugin.authenticate(&context(), &basic(user, password));
    assert_eq!(login("alice", "open sesame"), Ok(Authentication::accept("alice")));
    assert_eq!(login("alice", "please"), Ok(Authentication::reject("wrong password")));
}

#[test]
fn a_misspelled_setting_is_refused() {
    assert!(configure::<Hello>(r#"{ "pasword": "open sesame" }"#).is_err());
    assert!(configure::<Hello>(r#"{ "password": "open sesame", "colour": "blue" }"#).is_err());
}
