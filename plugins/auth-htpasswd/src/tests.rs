//! Through the SDK's fake host. Most hashes are made here, with bcrypt's least cost; those of other programs are published test vectors.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::testing::{FakeHost, Installed, basic, configure, context};

use crate::check::Htpasswd;
use crate::hash::Hash;
use crate::users::Users;

const SETTLED: u64 = 1_767_225_600_000;

fn hashed(password: &str) -> String {
    bcrypt::hash_with_salt(password, 4, *b"0123456789abcdef").unwrap().format_for_version(bcrypt::Version::TwoY)
}

fn plugin(file: &str, settings: &str) -> (Installed, Htpasswd) {
    let host = FakeHost::new().now(SETTLED - 60_000).file("/users", file).install();
    host.set_now(SETTLED);
    let plugin = configure(settings).unwrap();
    (host, plugin)
}

fn login(plugin: &mut Htpasswd, user: &str, password: &str) -> Result<Authentication> {
    plugin.authenticate(&context(), &basic(user, password))
}

fn is_accepted(plugin: &mut Htpasswd, user: &str, password: &str) -> bool {
    matches!(login(plugin, user, password), Ok(Authentication::Accepted(_)))
}

#[test]
fn the_right_password_is_accepted_with_the_users_groups() {
    let file = format!("# staff\n\nalice:{}\r\nbob:{}\n", hashed("s3cret"), hashed("other"));
    let (_host, mut plugin) = plugin(&file, r#"{"reuse-seconds":5,"groups":{"ops":["alice"],"dev":["alice","bob"],"hr":[]}}"#);
    let Ok(Authentication::Accepted(acceptance)) = login(&mut plugin, "alice", "s3cret") else { panic!("not accepted") };
    assert_eq!(acceptance.identity, Identity::new("alice").with_groups(["dev", "ops"]));
    assert_eq!(acceptance.reuse, 5);
}

#[test]
fn a_wrong_password_is_rejected_and_an_unknown_user_is_left_to_the_next() {
    let (_host, mut plugin) = plugin(&format!("alice:{}", hashed("s3cret")), "{}");
    assert_eq!(login(&mut plugin, "alice", "S3cret"), Ok(Authentication::reject("wrong user name or password")));
    assert_eq!(login(&mut plugin, "alice", ""), Ok(Authentication::reject("wrong user name or password")));
    assert_eq!(login(&mut plugin, "Alice", "s3cret"), Ok(Authentication::Abstained));
    assert_eq!(login(&mut plugin, "", "s3cret"), Ok(Authentication::Abstained));
}

#[test]
fn other_credentials_are_left_to_the_next() {
    let (_host, mut plugin) = plugin("", "{}");
    assert_eq!(plugin.authenticate(&context(), &Credential::Bearer("t".into())), Ok(Authentication::Abstained));
}

#[test]
fn hashes_that_other_programs_made_are_understood() {
    // The test vectors of OpenBSD's and crypt_blowfish's bcrypt, and of the argon2 reference implementation.
    assert!(Hash::parse("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").verify("U*U").unwrap());
    assert!(Hash::parse("$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").verify("U*U").unwrap());
    assert!(Hash::parse("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW").verify("U*U").unwrap());
    let argon2 = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    assert!(Hash::parse(argon2).verify("password").unwrap());
    assert!(!Hash::parse(argon2).verify("passwore").unwrap());
    let argon2i = "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8";
    assert!(Hash::parse(argon2i).verify("password").unwrap());
}

#[test]
fn a_user_with_a_weak_or_broken_hash_is_rejected_with_a_line_in_the_log() {
    let weak = [
        ("$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", "apr1"),
        ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "SHA-1"),
        ("rqXexS6ZhobKA", "crypt"),
        ("password", "plain"),
        ("", "plain"),
        ("$2y$04$short", "malformed bcrypt"),
        ("$argon2id$v=19$m=256,t=2,p=1$", "malformed argon2"),
    ];
    for (hash, word) in weak {
        let (host, mut plugin) = plugin(&format!("alice:{hash}"), "{}");
        assert_eq!(login(&mut plugin, "alice", "password"), Ok(Authentication::reject("wrong user name or password")), "{hash}");
        assert!(host.logged("alice cannot log in") && host.logged(word), "{hash}");
    }
}

#[test]
fn a_hash_that_cannot_be_checked_is_an_error_with_its_reason() {
    // 2 TiB.
    let hash = "$argon2id$v=19$m=2147483647,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let (_host, mut plugin) = plugin(&format!("alice:{hash}"), "{}");
    let answer = login(&mut plugin, "alice", "password");
    assert!(
        matches!(&answer, Err(Error::Internal(text)) if text.contains("2147483647 KiB") && text.contains("limits.memory")),
        "{answer:?}"
    );
}

#[test]
fn an_unknown_users_password_costs_as_much_as_the_slowest_hash_of_the_file() {
    let bcrypt = |cost: &str| format!("$2y${cost}$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
    let argon2 =
        |m: u32, t: u32| format!("$argon2id$v=19$m={m},t={t},p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
    let slowest = |hashes: &[&String]| {
        let lines: String = hashes.iter().zip('a'..).map(|(hash, user)| format!("{user}:{hash}\n")).collect();
        let _host = FakeHost::new().install();
        Users::parse(&lines).yardstick().cloned()
    };
    let (quick, usual, slow) = (bcrypt("05"), bcrypt("10"), bcrypt("12"));
    let (small, large) = (argon2(256, 2), argon2(1_048_576, 3));
    let weak = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".to_owned();
    for (hashes, expected) in [
        (vec![&quick, &slow, &usual], &slow),
        (vec![&slow, &quick], &slow),
        (vec![&weak, &quick], &quick),
        (vec![&small, &usual], &usual),
        (vec![&usual, &large, &slow], &large),
        (vec![&small, &quick], &quick),
    ] {
        assert_eq!(slowest(&hashes), Some(Hash::parse(expected)), "{hashes:?}");
    }
    assert_eq!(slowest(&[&weak]), None);
}

#[test]
fn a_changed_file_counts_at_the_next_login() {
    let (host, mut plugin) = plugin(&format!("alice:{}", hashed("old")), "{}");
    assert!(is_accepted(&mut plugin, "alice", "old"));
    host.set_file("/users", format!("alice:{}", hashed("new")));
    assert!(!is_accepted(&mut plugin, "alice", "old"));
    assert!(is_accepted(&mut plugin, "alice", "new"));
    // Again within the same tick, and of the same length.
    host.set_file("/users", format!("alice:{}", hashed("odd")));
    assert!(is_accepted(&mut plugin, "alice", "odd"));
}

#[test]
fn a_user_is_known_as_long_as_the_line_stays_the_same() {
    let (host, mut plugin) = plugin(&format!("alice:{}", hashed("s3cret")), r#"{"groups":{"ops":["alice"]}}"#);
    let Ok(Authentication::Accepted(acceptance)) = login(&mut plugin, "alice", "s3cret") else { panic!("not accepted") };
    let proof = acceptance.proof.unwrap();
    assert!(proof.len() == 16 && proof.bytes().all(|byte| byte.is_ascii_hexdigit()), "{proof}");
    let mut lookup = |subject: &str, proof: Option<&str>| plugin.lookup(&context(), subject, proof).unwrap();
    let known = Standing::Known(Identity::new("alice").with_groups(["ops"]));
    assert_eq!(lookup("alice", Some(&proof)), known);
    assert_eq!(lookup("alice", None), known, "an operator asks without a credential");
    assert_eq!(lookup("alice", Some("")), Standing::Gone);
    assert_eq!(lookup("bob", Some(&proof)), Standing::Gone);

    host.set_file("/users", format!("bob:{}\nalice:{}", hashed("x"), hashed("another")));
    assert_eq!(lookup("alice", Some(&proof)), Standing::Gone, "the password is another one");
    assert_eq!(lookup("alice", None), known);
    host.set_file("/users", "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=");
    assert_eq!(lookup("alice", None), Standing::Gone, "nobody logs in with such a hash");
    host.set_file("/users", "");
    assert_eq!(lookup("alice", Some(&proof)), Standing::Gone);
}

#[test]
fn nobody_is_known_while_the_file_is_gone() {
    let (host, mut plugin) = plugin(&format!("alice:{}", hashed("s3cret")), "{}");
    host.remove_file("/users");
    assert!(matches!(plugin.lookup(&context(), "alice", None), Err(Error::Unavailable(_))));
}

#[test]
fn a_file_that_is_gone_or_unreadable_lets_nobody_in() {
    let (host, mut plugin) = plugin(&format!("alice:{}", hashed("s3cret")), "{}");
    host.remove_file("/users");
    assert!(matches!(login(&mut plugin, "alice", "s3cret"), Err(Error::Unavailable(_))));
    host.set_file("/users", vec![0xff]);
    assert!(matches!(login(&mut plugin, "alice", "s3cret"), Err(Error::Invalid(_))));
}

#[test]
fn the_first_of_two_lines_for_one_user_counts_and_nonsense_is_passed_over() {
    let file = format!("nonsense\n:x\nalice:{}\nalice:{}\n", hashed("first"), hashed("second"));
    let (host, mut plugin) = plugin(&file, "{}");
    assert!(is_accepted(&mut plugin, "alice", "first") && !is_accepted(&mut plugin, "alice", "second"));
    assert!(
        host.logged("line 1 is not of the form") && host.logged("line 2 is not") && host.logged("line 4: alice is there already")
    );
}

#[test]
fn a_file_that_cannot_be_read_stops_the_start() {
    let _host = FakeHost::new().directory("/etc").file("/long", "x".repeat(1024 * 1024 + 1)).install();
    let refusal = |settings: &str| configure::<Htpasswd>(settings).err();
    assert!(
        matches!(refusal(r#"{"file":"/etc/users"}"#), Some(Error::Invalid(text)) if text == "file: cannot read `/etc/users`: not found")
    );
    assert!(matches!(refusal("{}"), Some(Error::Denied(text)) if text.starts_with("file: cannot read `/users`")));
    assert!(matches!(refusal(r#"{"file":"/long"}"#), Some(Error::Invalid(_))));
    assert!(matches!(refusal(r#"{"fil":"/users"}"#), Some(Error::Invalid(text)) if text.contains("reuse-seconds")));
}
