//! Settings: from the JSON that the host hands over to the plugin's own type.
//!
//! Called by the generated `configure` and by [`testing`](crate::testing). Never lets a key pass that the type does not know, whether or not
//! the author thought of serde's `deny_unknown_fields`: a misspelled setting that is ignored is a policy that does not hold.

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Reads settings; empty text is an empty table. The error is [`Error::Invalid`] and names the key with its path (`rules[1].who[0]`).
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let mut unknown: Option<String> = None;
    let parsed = {
        let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
        serde_ignored::deserialize(tracked, |path| {
            unknown.get_or_insert_with(|| written(&path));
        })
    };
    let value = parsed.map_err(|error| Error::Invalid(describe(&track.path().to_string(), &without_position(&error))))?;
    reader.end().map_err(|error| Error::Invalid(without_position(&error)))?;
    match unknown {
        None => Ok(value),
        Some(key) => Err(Error::Invalid(format!("{key}: this plugin knows no such setting"))),
    }
}

/// As serde_path_to_error writes a path, so that all messages look alike.
fn written(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", written(parent)),
        Path::Map { parent, key } => {
            let above = written(parent);
            if above.is_empty() { key.clone() } else { format!("{above}.{key}") }
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => written(parent),
    }
}

fn describe(path: &str, message: &str) -> String {
    if path.is_empty() || path == "." { message.to_owned() } else { format!("{path}: {message}") }
}

/// The operator wrote TOML: a line and column of the JSON between us would send them to the wrong place.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::NoSettings;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    struct Rules {
        rules: Vec<Rule>,
        #[serde(default)]
        keep_days: u32,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Rule {
        who: Vec<String>,
    }

    fn refusal(text: &str) -> String {
        match parse::<Rules>(text) {
            Err(Error::Invalid(message)) => message,
            other => panic!("should be refused as invalid, was {other:?}"),
        }
    }

    #[test]
    fn settings_become_the_plugins_type() {
        let parsed: Rules = parse(r#"{"rules":[{"who":["a"]}],"keep-days":3}"#).unwrap();
        assert_eq!(parsed, Rules { rules: vec![Rule { who: vec!["a".into()] }], keep_days: 3 });
    }

    #[test]
    fn empty_text_and_an_empty_object_are_no_settings() {
        assert_eq!(parse::<NoSettings>(""), Ok(NoSettings {}));
        assert_eq!(parse::<NoSettings>("{}"), Ok(NoSettings {}));
        assert_eq!(refusal(""), "missing field `rules`");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_path() {
        assert_eq!(
            refusal(r#"{"rules":[{"who":["a"]},{"who":[7]}]}"#),
            "rules[1].who[0]: invalid type: integer `7`, expected a string"
        );
        assert_eq!(refusal(r#"{"rules":[],"keep-days":-1}"#), "keep-days: invalid value: integer `-1`, expected u32");
    }

    #[test]
    fn a_key_that_the_type_does_not_know_is_refused_without_the_authors_help() {
        assert_eq!(refusal(r#"{"rules":[{"who":[],"wo":[]}]}"#), "rules[0].wo: this plugin knows no such setting");
        assert!(parse::<NoSettings>(r#"{"root":"/blobs"}"#).is_err());
    }
}
