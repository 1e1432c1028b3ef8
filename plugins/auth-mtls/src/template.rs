//! What a caller is called: a text with `{cn}` and the like in it.

use bulkhead_plugin_sdk::authenticator::Certificate;

use crate::name::Parts;

/// The longest name, in bytes.
const MOST: usize = 256;

/// A name that is made of a certificate.
#[derive(Debug)]
pub struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    /// A part of the subject, by its type in capitals.
    Part(&'static str),
    /// An alternative name, by what it begins with.
    Name(&'static str),
    Subject,
    Fingerprint,
}

const KNOWN: &str = "`{cn}`, `{ou}`, `{o}`, `{uid}`, `{dns}`, `{email}`, `{uri}`, `{subject}`, `{fingerprint}`";

impl Template {
    /// The error says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or_else(|| format!("`{text}` has a `{{` without a `}}`"))?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces
                .push(Piece::named(name).ok_or_else(|| format!("`{{{name}}}` is nothing of a certificate: there are {KNOWN}"))?);
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        if text.is_empty() || text.len() > MOST || text.contains('\\') || text.chars().any(char::is_control) || rest.contains('}')
        {
            return Err(format!("`{}` is no name of 1 to {MOST} bytes, with {KNOWN} in it", text.escape_debug()));
        }
        Ok(Self(pieces))
    }

    /// The name. The error says what the certificate lacks, or has too many of to say which is meant.
    pub fn fill(&self, certificate: &Certificate, subject: &Parts) -> Result<String, String> {
        let mut name = String::new();
        for piece in &self.0 {
            name.push_str(piece.fill(certificate, subject)?);
        }
        let is_name = !name.is_empty() && name.len() <= MOST && !name.chars().any(char::is_control);
        if is_name { Ok(name) } else { Err(format!("what the certificate gives is no name of 1 to {MOST} bytes")) }
    }
}

impl Piece {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cn" => Self::Part("CN"),
            "ou" => Self::Part("OU"),
            "o" => Self::Part("O"),
            "uid" => Self::Part("UID"),
            "dns" => Self::Name("dns:"),
            "email" => Self::Name("email:"),
            "uri" => Self::Name("uri:"),
            "subject" => Self::Subject,
            "fingerprint" => Self::Fingerprint,
            _ => return None,
        })
    }

    fn fill<'a>(&'a self, certificate: &'a Certificate, subject: &'a Parts) -> Result<&'a str, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Subject => Ok(&certificate.subject),
            Self::Fingerprint => Ok(&certificate.fingerprint),
            Self::Part(kind) => {
                let of_kind = subject.iter().flatten().filter(|(other, _)| other == kind).map(|(_, value)| value.as_str());
                only(of_kind, kind)
            }
            Self::Name(kind) => only(certificate.names.iter().filter_map(|name| name.strip_prefix(kind)), kind),
        }
    }
}

fn only<'a>(mut values: impl Iterator<Item = &'a str>, what: &str) -> Result<&'a str, String> {
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err(format!("the certificate has no {what} to make a name of")),
        (Some(_), Some(_)) => Err(format!("the certificate has more than one {what}, and it is not clear which one is the name")),
    }
}
