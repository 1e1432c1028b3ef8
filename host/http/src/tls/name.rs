//! A distinguished name as one line of text (RFC 4514): the last part first, and nothing in a value that could be taken for another part.

use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, Tag, ToDer as _};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The table of RFC 4514, section 3, and two more that certificates have.
const KEYWORDS: [(&str, &str); 11] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("2.5.4.5", "serialNumber"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// The name as text; empty if it has no part. None: a value of it cannot be read.
pub(super) fn rfc4514(name: &X509Name<'_>) -> Option<String> {
    let mut text = String::new();
    let parts: Vec<_> = name.iter_rdn().collect();
    for (index, part) in parts.into_iter().rev().enumerate() {
        if index > 0 {
            text.push(',');
        }
        for (index, attribute) in part.iter().enumerate() {
            if index > 0 {
                text.push('+');
            }
            write_attribute(&mut text, attribute)?;
        }
    }
    Some(text)
}

fn write_attribute(text: &mut String, attribute: &AttributeTypeAndValue<'_>) -> Option<()> {
    let oid = attribute.attr_type().to_id_string();
    let value = attribute.attr_value();
    match KEYWORDS.iter().find(|(known, _)| *known == oid) {
        Some((_, keyword)) => {
            let _ = write!(text, "{keyword}=");
            match string(value)? {
                Some(value) => write_escaped(text, &value),
                None => write_hex(text, value)?,
            }
        }
        // Section 2.4: of a type without a keyword, the encoding itself.
        None => {
            let _ = write!(text, "{oid}=");
            write_hex(text, value)?;
        }
    }
    Some(())
}

/// A value of one of the types of text. Some none: it is of another type. None: it is not what its type says.
fn string(value: &Any<'_>) -> Option<Option<String>> {
    match value.tag() {
        Tag::NumericString | Tag::PrintableString | Tag::Ia5String if !value.data.is_ascii() => None,
        Tag::NumericString | Tag::PrintableString | Tag::Ia5String | Tag::Utf8String => {
            String::from_utf8(value.data.to_vec()).ok().map(Some)
        }
        Tag::BmpString if !value.data.len().is_multiple_of(2) => None,
        Tag::BmpString => {
            let units = value.data.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
            char::decode_utf16(units).collect::<Result<String, _>>().ok().map(Some)
        }
        _ => Some(None),
    }
}

/// Section 2.4. What cannot be seen is escaped too, byte by byte, so that a line of a log stays one.
fn write_escaped(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (index, character) in value.chars().enumerate() {
        let at_an_end = index == 0 || index == last;
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', character]),
            '#' if index == 0 => text.push_str("\\#"),
            ' ' if at_an_end => text.push_str("\\ "),
            hidden if hidden.is_control() => {
                for byte in hidden.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(text, "\\{byte:02X}");
                }
            }
            other => text.push(other),
        }
    }
}

fn write_hex(text: &mut String, value: &Any<'_>) -> Option<()> {
    text.push('#');
    for byte in value.to_der_vec().ok()? {
        let _ = write!(text, "{byte:02x}");
    }
    Some(())
}
