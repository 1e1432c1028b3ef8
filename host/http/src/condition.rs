//! Conditions of a request on what is there now (RFC 9110, section 13): entity tags are digests, in quotes.

use axum::http::header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE};
use axum::http::{HeaderMap, HeaderName};
use bulkhead_core::registry::{Condition, Etags, RegistryError};
use bulkhead_oci::Digest;

use crate::error::ApiError;

/// Whether a weak entity tag counts (RFC 9110, 8.8.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// A header that is there, and no list of entity tags.
#[derive(Debug, PartialEq, Eq)]
struct Unreadable;

/// The condition of a push or a deletion.
///
/// # Errors
/// 400 if it cannot be read: a change that its client meant to be conditional is never made without its condition.
pub(crate) fn of_change(headers: &HeaderMap) -> Result<Condition, ApiError> {
    let read = |name, comparison| etags(headers, &name, comparison).map_err(|Unreadable| ApiError::unreadable_condition(&name));
    let if_match = read(IF_MATCH, Comparison::Strong)?;
    Ok(Condition { if_match, if_none_match: read(IF_NONE_MATCH, Comparison::Weak)? })
}

/// Refuses a read of other content than its client wants (RFC 9110, 13.1.1).
///
/// # Errors
/// 412, or 400 if `If-Match` cannot be read.
pub(crate) fn require_match(headers: &HeaderMap, digest: &Digest) -> Result<(), ApiError> {
    let matched = match etags(headers, &IF_MATCH, Comparison::Strong) {
        Ok(None | Some(Etags::Any)) => true,
        Ok(Some(Etags::Of(tags))) => tags.iter().any(|tag| tag == digest.as_str()),
        Err(Unreadable) => return Err(ApiError::unreadable_condition(&IF_MATCH)),
    };
    if matched { Ok(()) } else { Err(RegistryError::ConditionFailed.into()) }
}

/// Whether the client has this content already (RFC 9110, 13.1.2: weak comparison, any of the listed tags, or `*`). A list that cannot be
/// read has it not, and so the content is sent.
pub(crate) fn none_match(headers: &HeaderMap, digest: &Digest) -> bool {
    match etags(headers, &IF_NONE_MATCH, Comparison::Weak) {
        Ok(Some(Etags::Any)) => true,
        Ok(Some(Etags::Of(tags))) => tags.iter().any(|tag| tag == digest.as_str()),
        Ok(None) | Err(Unreadable) => false,
    }
}

/// Whether a `Range` is to be honoured (RFC 9110, 13.1.5: only if the client's part is of this very content).
pub(crate) fn range_applies(headers: &HeaderMap, digest: &Digest) -> bool {
    match headers.get(IF_RANGE) {
        None => true,
        Some(tag) => tag
            .to_str()
            .is_ok_and(|tag| tag.trim().strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) == Some(digest.as_str())),
    }
}

/// All lines of a header as one list. None: there is no such header.
fn etags(headers: &HeaderMap, name: &HeaderName, comparison: Comparison) -> Result<Option<Etags>, Unreadable> {
    let mut values = headers.get_all(name).iter().peekable();
    if values.peek().is_none() {
        return Ok(None);
    }
    let lines: Vec<&str> = values.map(|value| value.to_str()).collect::<Result<_, _>>().map_err(|_| Unreadable)?;
    if let [line] = lines.as_slice()
        && line.trim() == "*"
    {
        return Ok(Some(Etags::Any));
    }
    let (mut tags, mut any_tag) = (Vec::new(), false);
    for line in lines {
        let mut rest = line.trim_start_matches([' ', '\t', ',']);
        while !rest.is_empty() {
            let (strength, tag, after) = entity_tag(rest).ok_or(Unreadable)?;
            any_tag = true;
            if strength == Comparison::Strong || comparison == Comparison::Weak {
                tags.push(tag.to_owned());
            }
            rest = after;
        }
    }
    if any_tag { Ok(Some(Etags::Of(tags))) } else { Err(Unreadable) }
}

/// The first entity tag of a list: its strength, what is in its quotes, and the rest of the list.
fn entity_tag(list: &str) -> Option<(Comparison, &str, &str)> {
    let (strength, quoted) = match list.strip_prefix("W/") {
        Some(quoted) => (Comparison::Weak, quoted),
        None => (Comparison::Strong, list),
    };
    let (tag, rest) = quoted.strip_prefix('"')?.split_once('"')?;
    let rest = rest.trim_start_matches([' ', '\t']);
    let ends = rest.is_empty() || rest.starts_with(',');
    ends.then(|| (strength, tag, rest.trim_start_matches([' ', '\t', ','])))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn digest() -> Digest {
        format!("sha256:{}", "a".repeat(64)).parse().unwrap()
    }

    fn with(name: HeaderName, lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), HeaderValue::from_str(line).unwrap())).fold(
            HeaderMap::new(),
            |mut headers, (name, line)| {
                headers.append(name, line);
                headers
            },
        )
    }

    fn of(tags: &[&str]) -> Option<Etags> {
        Some(Etags::Of(tags.iter().map(|tag| (*tag).to_owned()).collect()))
    }

    #[test]
    fn a_client_that_has_the_content_is_recognised_by_any_of_its_tags() {
        let tag = format!("\"{}\"", digest());
        for list in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), format!(", \"a,b\",{tag} ,"), "*".to_owned()] {
            assert!(none_match(&with(IF_NONE_MATCH, &[&list]), &digest()), "{list}");
        }
        assert!(none_match(&with(IF_NONE_MATCH, &["\"x\"", &tag]), &digest()));
        for list in ["\"x\"".to_owned(), digest().to_string(), String::new()] {
            assert!(!none_match(&with(IF_NONE_MATCH, &[&list]), &digest()), "{list}");
        }
        assert!(!none_match(&HeaderMap::new(), &digest()));
    }

    #[test]
    fn a_range_of_other_content_is_not_honoured() {
        assert!(range_applies(&HeaderMap::new(), &digest()));
        assert!(range_applies(&with(IF_RANGE, &[&format!("\"{}\"", digest())]), &digest()));
        assert!(!range_applies(&with(IF_RANGE, &["\"other\""]), &digest()));
        assert!(!range_applies(&with(IF_RANGE, &["Wed, 21 Oct 2015 07:28:00 GMT"]), &digest()));
    }

    #[test]
    fn a_push_has_the_conditions_that_its_client_wrote() {
        let none = of_change(&HeaderMap::new()).unwrap();
        assert_eq!((none.if_match, none.if_none_match), (None, None));
        let weak = of_change(&with(IF_MATCH, &["W/\"a\", \"b\"", "\"c\""])).unwrap();
        assert_eq!(weak.if_match, of(&["b", "c"]), "a weak tag matches nothing here");
        assert_eq!(of_change(&with(IF_MATCH, &["W/\"a\""])).unwrap().if_match, of(&[]));
        assert_eq!(of_change(&with(IF_MATCH, &["*"])).unwrap().if_match, Some(Etags::Any));
        assert_eq!(of_change(&with(IF_NONE_MATCH, &[" * "])).unwrap().if_none_match, Some(Etags::Any));
        assert_eq!(of_change(&with(IF_NONE_MATCH, &["W/\"a\""])).unwrap().if_none_match, of(&["a"]));
    }

    #[test]
    fn a_condition_that_cannot_be_read_is_never_passed_over() {
        for bad in ["", ",", "sha256:a", "\"a", "\"a\" \"b\"", "*, \"a\"", "\"a\", *", "w/\"a\"", "'a'"] {
            for name in [IF_MATCH, IF_NONE_MATCH] {
                let refused = of_change(&with(name.clone(), &[bad])).unwrap_err().into_response("").status();
                assert_eq!(refused, 400, "{name}: {bad}");
            }
        }
        assert!(of_change(&with(IF_MATCH, &["*", "\"a\""])).is_err());
        assert!(of_change(&HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_bytes(b"\"\xe9\"").unwrap())])).is_err());
    }
}
