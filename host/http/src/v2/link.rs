//! Where the next page of a list is (RFC 8288; OCI distribution specification, "Listing tags").

use axum::http::HeaderValue;

use crate::headers;

/// `Link` to the page after `last`; `parameters` are those of the request that still hold.
pub(super) fn next(path: &str, last: &str, parameters: &[(&str, &str)]) -> HeaderValue {
    let mut text = format!("<{path}?last=");
    encode(&mut text, last);
    for (name, value) in parameters {
        text.push('&');
        text.push_str(name);
        text.push('=');
        encode(&mut text, value);
    }
    text.push_str(">; rel=\"next\"");
    headers::value(text)
}

/// Percent-encodes all but the unreserved characters (RFC 3986, 2.3).
fn encode(into: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
            into.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_what_comes_after_the_last() {
        assert_eq!(next("/v2/a/b/tags/list", "v1.0", &[("n", "2")]), "</v2/a/b/tags/list?last=v1.0&n=2>; rel=\"next\"");
        assert_eq!(next("/v2/_catalog", "a/b>c", &[]), "</v2/_catalog?last=a%2Fb%3Ec>; rel=\"next\"");
    }
}
