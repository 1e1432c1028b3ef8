//! Where content may lie that the registry need not hold.
//!
//! A client that fetches such content reads the URL by its own rules, which need not be ours. So a URL passes only if it is written in the one
//! plain form in which nobody can read another host or path into it.

use serde::Deserialize;
use url::Url;

/// An origin, or a path at one and all that is below it.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct Prefix {
    text: String,
    url: Url,
}

impl Prefix {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is the same scheme, host and port, and the same path or one below it.
    pub fn covers(&self, url: &Url) -> bool {
        let below = self.url.path().trim_end_matches('/');
        let same_path = url.path().strip_prefix(below).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        url.scheme() == self.url.scheme() && url.host() == self.url.host() && url.port() == self.url.port() && same_path
    }
}

impl TryFrom<String> for Prefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // The path of an origin is `/`, which people leave out.
        let whole = if text.matches('/').count() == 2 { format!("{text}/") } else { text.clone() };
        let url = plain(&whole)?;
        if text.contains('*') {
            return Err(format!("`{text}` holds `*`: it is no pattern, but covers all that is below it"));
        }
        if url.query().is_some() {
            return Err(format!("`{text}` has a query: write the URL up to its `?`"));
        }
        Ok(Self { text, url })
    }
}

/// A URL in its plain form. The error says what is wrong with it.
pub fn plain(text: &str) -> Result<Url, String> {
    let shown = crate::content::quoted(text);
    let url = Url::parse(text).map_err(|error| format!("{shown} is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("{shown} is no URL of http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{shown} carries a user's name or password"));
    }
    if url.fragment().is_some() {
        return Err(format!("{shown} has a `#`"));
    }
    if url.as_str() != text {
        return Err(format!("{shown} is not in its plain form, which is {}", crate::content::quoted(url.as_str())));
    }
    let path = url.path().to_ascii_lowercase();
    if ["%2f", "%5c", "%00"].iter().any(|hidden| path.contains(hidden)) {
        return Err(format!("{shown} hides a `/`, a `\\` or a NUL in its path"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(prefix: &str, url: &str) -> bool {
        let prefix = Prefix::try_from(prefix.to_owned()).unwrap();
        plain(url).is_ok_and(|url| prefix.covers(&url))
    }

    #[test]
    fn an_origin_covers_all_paths_of_the_same_scheme_host_and_port() {
        for prefix in ["https://mcr.microsoft.com/", "https://mcr.microsoft.com"] {
            assert!(covers(prefix, "https://mcr.microsoft.com/v2/windows/blobs/sha256:aa"));
            assert!(covers(prefix, "https://mcr.microsoft.com/a?sig=1"));
            for other in [
                "http://mcr.microsoft.com/a",
                "https://mcr.microsoft.com:8443/a",
                "https://mcr.microsoft.com.evil.example/a",
                "https://evil.example/https://mcr.microsoft.com/",
                "https://xmcr.microsoft.com/a",
                "https://mcr.microsoft.com./a",
            ] {
                assert!(!covers(prefix, other), "{other}");
            }
        }
    }

    #[test]
    fn a_path_ends_where_a_segment_ends() {
        for prefix in ["https://a.example/layers", "https://a.example/layers/"] {
            assert!(covers(prefix, "https://a.example/layers/x") && covers(prefix, "https://a.example/layers"));
            assert!(!covers(prefix, "https://a.example/layers2") && !covers(prefix, "https://a.example/x/layers/y"));
        }
    }

    #[test]
    fn a_url_that_somebody_could_read_otherwise_passes_nowhere() {
        for trick in [
            "https://mcr.microsoft.com@evil.example/a",
            "https://mcr.microsoft.com:x@evil.example/a",
            "https://@mcr.microsoft.com/a",
            "https://evil.example\\@mcr.microsoft.com/a",
            "https://mcr.microsoft.com\\.evil.example/a",
            "https://mcr.microsoft.com/a/../../b",
            "https://mcr.microsoft.com/a/%2e%2E/b",
            "https://mcr.microsoft.com/a%2f..%2Fb",
            "https://mcr.microsoft.com/a%5Cb",
            "https://mcr.microsoft.com/a#b",
            "https://mcr.microsoft.com#@evil.example/",
            "https://MCR.microsoft.com/a",
            "https://mcr.microsoft.com:443/a",
            "https:/mcr.microsoft.com/a",
            "https:mcr.microsoft.com/a",
            "https:///mcr.microsoft.com/a",
            "//mcr.microsoft.com/a",
            " https://mcr.microsoft.com/a",
            "https://mcr.micro\tsoft.com/a",
            "https://mcr.microsoft.com/a b",
            "https://m\u{441}r.microsoft.com/a",
            "file:///etc/passwd",
            "ftp://mcr.microsoft.com/a",
            "",
        ] {
            assert!(plain(trick).is_err(), "{trick:?}");
        }
    }

    #[test]
    fn a_prefix_is_an_origin_with_or_without_a_path() {
        for bad in [
            "mcr.microsoft.com",
            "https://",
            "ftp://a/",
            "https://a/?b",
            "https://u@a/",
            "https://a/../b",
            "https://A/",
            "https://*/",
        ] {
            assert!(Prefix::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(covers("http://[::1]:5000/v2", "http://[::1]:5000/v2/a") && covers("http://10.0.0.1/", "http://10.0.0.1/a"));
    }
}
