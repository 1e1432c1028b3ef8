//! What a caller is called: a text with `{cn}` and the like in it.

use std::fmt;

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
    Of(Source),
}

/// What of a certificate a name is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A part of the subject, by its type in capitals.
    Part(&'static str),
    /// An alternative name, by what it begins with.
    Name(&'static str),
    /// All of the subject.
    Subject,
    /// The digest of the whole.
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
            let source = Source::named(name);
            pieces.push(Piece::Of(source.ok_or_else(|| format!("`{{{name}}}` is nothing of a certificate: there are {KNOWN}"))?));
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        if text.is_empty() || text.len() > MOST || text.contains('\\') || text.chars().any(char::is_control) || rest.contains('}')
        {
            return Err(format!("`{}` is no name of 1 to {MOST} bytes, with {KNOWN} in it", text.escape_debug()));
        }
        Ok(Self(pieces))
    }

    /// What of a certificate it takes.
    pub fn sources(&self) -> impl Iterator<Item = Source> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Of(source) => Some(*source),
        })
    }

    /// The name. The error says what the certificate lacks, or has too many of to say which is meant.
    pub fn fill(&self, certificate: &Certificate, subject: &Parts) -> Result<String, String> {
        let mut name = String::new();
        for piece in &self.0 {
            name.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Of(source) => source.take(certificate, subject)?,
            });
        }
        let is_name = !name.is_empty() && name.len() <= MOST && !name.chars().any(char::is_control);
        if is_name { Ok(name) } else { Err(format!("what the certificate gives is no name of 1 to {MOST} bytes")) }
    }
}

impl Source {
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

    fn take<'a>(self, certificate: &'a Certificate, subject: &'a Parts) -> Result<&'a str, String> {
        match self {
            Self::Subject => Ok(&certificate.subject),
            Self::Fingerprint => Ok(&certificate.fingerprint),
            Self::Part(kind) => {
                let of_kind = subject.iter().flatten().filter(move |(other, _)| other == kind).map(|(_, value)| value.as_str());
                only(of_kind, kind)
            }
            Self::Name(kind) => only(certificate.names.iter().filter_map(|name| name.strip_prefix(kind)), kind),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(kind) => write!(f, "the {kind} of the subject"),
            Self::Name(kind) => write!(f, "the name that begins with `{kind}`"),
            Self::Subject => f.write_str("all of the subject"),
            Self::Fingerprint => f.write_str("the fingerprint"),
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
