use std::fs;
use std::path::Path;

use rcgen::string::{BmpString, Ia5String, PrintableString, TeletexString};
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, SanType, date_time_ymd};
use tempfile::TempDir;

use super::certificate::CertificateError;
use super::*;
use crate::testing::certificates::{Authority, files, named};

/// A directory with a pair of this authority.
fn served(authority: &Authority) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    authority.server().put(directory.path());
    directory
}

fn failure(files: &TlsFiles) -> String {
    match ServerTls::load(files) {
        Ok(_) => panic!("{files:?} was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_pair_is_taken_and_its_end_is_known() {
    let (authority, directory) = (Authority::new(), tempfile::tempdir().unwrap());
    let mut params = named("registry.test");
    params.not_after = date_time_ymd(2030, 1, 1);
    authority.sign(&params).put(directory.path());
    let tls = ServerTls::load(&files(directory.path(), Some(&authority))).unwrap();
    assert_eq!(tls.expires(), Timestamp(1_893_456_000_000));
    assert_eq!(tls.config().alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
}

#[test]
fn what_cannot_be_used_is_named_and_never_shown() {
    let authority = Authority::new();
    let directory = served(&authority);
    let good = files(directory.path(), Some(&authority));
    let put = |name: &str, text: &str| {
        fs::write(directory.path().join(name), text).unwrap();
        directory.path().join(name)
    };
    let secret = fs::read_to_string(&good.key).unwrap();
    let encrypted = secret.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let cut = secret.lines().take(2).collect::<Vec<_>>().join("\n");
    let other_key = put("other.key", &authority.server().key);
    let missing = directory.path().join("missing");
    let with_certificate = |file: &Path| TlsFiles { certificate: file.to_owned(), ..good.clone() };
    let with_key = |file: &Path| TlsFiles { key: file.to_owned(), ..good.clone() };
    let with_authorities = |file: &Path| TlsFiles { client_authorities: Some(file.to_owned()), ..good.clone() };
    for (files, file, why) in [
        (with_certificate(&missing), "missing", "cannot be read"),
        (with_certificate(directory.path()), "", "cannot be read"),
        (with_certificate(&put("empty", "")), "empty", "has no certificate"),
        (with_certificate(&good.key), "tls.key", "has no certificate"),
        (with_certificate(&put("cut.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n")), "cut.crt", "is damaged"),
        (
            with_certificate(&put("odd", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
            "odd",
            "cannot be read",
        ),
        (with_certificate(&put("large", &"x".repeat(1024 * 1024 + 1))), "large", "larger than 1 MiB"),
        (with_key(&good.certificate), "tls.crt", "has no private key"),
        (with_key(&put("encrypted", &encrypted)), "encrypted", "is not encrypted"),
        (with_key(&put("cut.key", &cut)), "cut.key", "is damaged"),
        (with_key(&other_key), "other.key", "cannot be used together"),
        (with_authorities(&missing), "missing", "cannot be read"),
        (with_authorities(&put("none", "text")), "none", "has no certificate"),
        (with_authorities(&put("bad", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")), "bad", "an authority"),
    ] {
        let message = failure(&files);
        assert!(message.contains(file) && message.contains(why), "{message}");
        assert!(!secret.lines().filter(|line| line.len() > 40).any(|line| message.contains(line)), "{message}");
    }
}

#[test]
fn a_renewed_pair_is_taken_and_the_same_one_is_not() {
    let authority = Authority::new();
    let directory = served(&authority);
    let tls = ServerTls::load(&files(directory.path(), None)).unwrap();
    let before = tls.config();
    assert_eq!(tls.reload().unwrap(), Reloaded::Unchanged);
    // Written again, and yet the same.
    let same = fs::read(directory.path().join("tls.crt")).unwrap();
    fs::write(directory.path().join("tls.crt"), same).unwrap();
    assert_eq!(tls.reload().unwrap(), Reloaded::Unchanged);
    assert!(Arc::ptr_eq(&before, &tls.config()));
    authority.server().put(directory.path());
    assert_eq!(tls.reload().unwrap(), Reloaded::Renewed);
    assert!(!Arc::ptr_eq(&before, &tls.config()));
}

#[test]
fn authorities_that_change_are_taken_too() {
    let authority = Authority::new();
    let directory = served(&authority);
    let tls = ServerTls::load(&files(directory.path(), Some(&authority))).unwrap();
    files(directory.path(), Some(&Authority::new()));
    assert_eq!(tls.reload().unwrap(), Reloaded::Renewed);
}

#[test]
fn a_pair_that_cannot_be_used_leaves_the_old_one_in_place() {
    let authority = Authority::new();
    let directory = served(&authority);
    let tls = ServerTls::load(&files(directory.path(), None)).unwrap();
    let before = tls.config();
    let next = authority.server();
    // Half of the next pair; nothing; no file at all.
    fs::write(directory.path().join("tls.crt"), &next.certificate).unwrap();
    assert!(tls.reload().is_err());
    fs::write(directory.path().join("tls.crt"), "").unwrap();
    assert!(tls.reload().is_err());
    fs::remove_file(directory.path().join("tls.crt")).unwrap();
    assert!(tls.reload().is_err());
    assert!(Arc::ptr_eq(&before, &tls.config()));
    next.put(directory.path());
    assert_eq!(tls.reload().unwrap(), Reloaded::Renewed);
}

fn read(params: &CertificateParams) -> Result<bulkhead_core::ports::auth::Certificate, CertificateError> {
    read_certificate(&Authority::new().sign(params).der())
}

fn subject(parts: Vec<(DnType, DnValue)>) -> String {
    let mut params = named("x");
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in parts {
        params.distinguished_name.push(kind, value);
    }
    read(&params).unwrap().subject
}

#[test]
fn a_subject_is_written_as_rfc_4514_has_it() {
    let text = |text: &str| DnValue::Utf8String(text.to_owned());
    assert_eq!(subject(vec![]), "");
    let parts = vec![
        (DnType::CountryName, DnValue::PrintableString(PrintableString::try_from("DE").unwrap())),
        (DnType::OrganizationName, text("Contoso")),
        (DnType::OrganizationalUnitName, text("CI")),
        (DnType::CommonName, DnValue::Ia5String(Ia5String::try_from("builder").unwrap())),
    ];
    assert_eq!(subject(parts), "CN=builder,OU=CI,O=Contoso,C=DE");
    let component = DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 25]);
    assert_eq!(subject(vec![(component, text("contoso"))]), "DC=contoso");
    assert_eq!(subject(vec![(DnType::CommonName, DnValue::BmpString(BmpString::try_from("Jürgen").unwrap()))]), "CN=Jürgen");
    // Of a kind without a keyword, and of a text whose letters nobody knows for certain: the encoding.
    assert_eq!(subject(vec![(DnType::CustomDnType(vec![1, 2, 3]), text("ab"))]), "1.2.3=#0c026162");
    let teletex = DnValue::TeletexString(TeletexString::try_from("ab").unwrap());
    assert_eq!(subject(vec![(DnType::CommonName, teletex)]), "CN=#14026162");
}

#[test]
fn no_value_of_a_subject_can_pass_for_another_part() {
    for (value, written) in [
        ("x,O=Contoso", "x\\,O=Contoso"),
        ("x+CN=y", "x\\+CN=y"),
        (" x ", "\\ x\\ "),
        ("#0c", "\\#0c"),
        ("a\"b\\c<d>e;f", "a\\\"b\\\\c\\<d\\>e\\;f"),
        ("a\nb\0c\u{85}", "a\\0Ab\\00c\\C2\\85"),
        (" ", "\\ "),
        ("", ""),
        ("a#b c=d", "a#b c=d"),
    ] {
        let of = subject(vec![(DnType::CommonName, DnValue::Utf8String(value.to_owned()))]);
        assert_eq!(of, format!("CN={written}"), "{value:?}");
    }
}

#[test]
fn alternative_names_are_told_by_their_kind() {
    let mut params = named("x");
    let text = |text: &str| Ia5String::try_from(text).unwrap();
    params.subject_alt_names = vec![
        SanType::DnsName(text("CI.Contoso.test")),
        SanType::Rfc822Name(text("ci@contoso.test")),
        SanType::URI(text("spiffe://contoso.test/ci")),
        SanType::IpAddress("192.0.2.7".parse().unwrap()),
        SanType::IpAddress("2001:db8::7".parse().unwrap()),
    ];
    params.not_after = date_time_ymd(2030, 1, 1);
    let pair = Authority::new().sign(&params);
    let certificate = read_certificate(&pair.der()).unwrap();
    assert_eq!(
        certificate.names,
        ["dns:ci.contoso.test", "email:ci@contoso.test", "uri:spiffe://contoso.test/ci", "ip:192.0.2.7", "ip:2001:db8::7"]
    );
    assert_eq!(certificate.expires, Timestamp(1_893_456_000_000));
    let digest = crate::testing::sha256(&pair.der());
    assert_eq!(format!("sha256:{}", certificate.fingerprint), digest.as_str());
}

#[test]
fn a_certificate_of_which_not_all_can_be_told_is_refused_whole() {
    let names = |names: Vec<String>| {
        let mut params = named("x");
        params.subject_alt_names =
            names.into_iter().map(|name| SanType::URI(Ia5String::try_from(name.as_str()).unwrap())).collect();
        read(&params).map(|certificate| certificate.names.len())
    };
    assert_eq!(names(vec!["a:b".to_owned(); 64]), Ok(64));
    assert_eq!(names(vec!["a:b".to_owned(); 65]), Err(CertificateError::TooManyNames));
    assert_eq!(names(vec!["a".repeat(508)]), Ok(1));
    assert_eq!(names(vec!["a".repeat(509)]), Err(CertificateError::TooManyNames));
    for strange in ["a\0b", "a b", "a\nb", ""] {
        assert_eq!(names(vec![strange.to_owned()]), Err(CertificateError::StrangeName), "{strange:?}");
    }
    assert_eq!(read(&named(&"a".repeat(1021))).unwrap().subject.len(), 1024);
    assert_eq!(read(&named(&"a".repeat(1022))).unwrap_err(), CertificateError::LongSubject);
    assert_eq!(read_certificate(b"no certificate").unwrap_err(), CertificateError::Malformed);
}
