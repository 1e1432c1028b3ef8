//! A query string, or a form, as `application/x-www-form-urlencoded`.

use std::borrow::Cow;

use super::ParseError;
use super::path::{Plus, percent};

/// More parameters than any client sends.
const MAX_PARAMETERS: usize = 256;

/// Decoded parameters, in order.
pub(crate) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Decodes all of them, known or not.
    ///
    /// # Errors
    /// [`ParseError::Query`] if one is wrongly encoded or has control characters, [`ParseError::TooManyParameters`] if there are more
    /// than 256.
    pub(crate) fn parse(text: Option<&'a str>) -> Result<Self, ParseError> {
        let mut parameters = Vec::new();
        for pair in text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            if parameters.len() == MAX_PARAMETERS {
                return Err(ParseError::TooManyParameters);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text| percent(text, Plus::Space).ok_or(ParseError::Query);
            parameters.push((decode(name)?, decode(value)?));
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter that may occur once.
    ///
    /// # Errors
    /// [`ParseError::Repeated`]: which of the two was meant, nobody can say.
    pub(crate) fn one(&self, name: &'static str) -> Result<Option<&str>, ParseError> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() { Err(ParseError::Repeated(name)) } else { Ok(first) }
    }

    /// The values of a parameter that may occur several times.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }
}
