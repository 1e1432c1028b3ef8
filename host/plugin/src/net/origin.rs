//! Origins: scheme, host and port (RFC 6454, section 4). What an operator grants, and what a request's URL is held against.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// An origin such as `https://ci.example.com` or `http://127.0.0.1:8080`. Compared as the URL standard normalizes it: the host in lower
/// case, an international name in its ASCII form, an address in its usual form (`http://0x7f.1` is `http://127.0.0.1`), the port filled in.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: Scheme,
    host: Box<str>,
    port: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Scheme {
    Http,
    Https,
}

/// Why a text is no origin, or a URL has none that could be granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Not an absolute URL.
    #[error("`{0}` is not a URL: an origin is such as https://ci.example.com or http://127.0.0.1:8080")]
    NotAUrl(String),
    /// Neither http nor https.
    #[error("`{0}` is neither http nor https")]
    Scheme(String),
    /// A name or password in front of the host.
    #[error("a URL must not have a user name or password in it")]
    UserInfo,
    /// A path, query or fragment behind the host.
    #[error("`{0}` has more than scheme, host and port: an origin ends there")]
    MoreThanOrigin(String),
}

impl Origin {
    /// The origin of a request's URL.
    ///
    /// # Errors
    /// [`OriginError`] where the URL has none that can be granted.
    pub(crate) fn of(url: &Url) -> Result<Self, OriginError> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(OriginError::Scheme(other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::UserInfo);
        }
        match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) if !host.is_empty() => Ok(Self { scheme, host: host.into(), port }),
            _ => Err(OriginError::NotAUrl(url.as_str().to_owned())),
        }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text).map_err(|_| OriginError::NotAUrl(text.to_owned()))?;
        let origin = Self::of(&url)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError::MoreThanOrigin(text.to_owned()));
        }
        Ok(origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = match self.scheme {
            Scheme::Http => ("http", 80),
            Scheme::Https => ("https", 443),
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    fn of(url: &str) -> Result<Origin, OriginError> {
        Origin::of(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_url_is_of_the_origin_that_its_scheme_host_and_port_say() {
        for (granted, url) in [
            ("https://ci.example.com", "https://CI.example.com:443/hook?a=b"),
            ("http://ci.example.com:8080", "http://ci.example.com:8080/"),
            ("http://127.0.0.1", "http://2130706433/"),
            ("http://127.0.0.1", "http://0x7f.1/"),
            ("http://[::1]:5000", "http://[0:0::1]:5000/x"),
            ("https://xn--bcher-kva.example", "https://bücher.example/"),
        ] {
            assert_eq!(of(url).unwrap(), origin(granted), "{url}");
        }
    }

    #[test]
    fn another_scheme_host_or_port_is_another_origin() {
        let granted = origin("https://ci.example.com");
        for url in [
            "http://ci.example.com/",
            "https://ci.example.com:8443/",
            "https://ci.example.com.evil.example/",
            "https://example.com/",
            "https://ci.example.com./",
        ] {
            assert_ne!(of(url).unwrap(), granted, "{url}");
        }
    }

    #[test]
    fn a_url_that_could_be_read_two_ways_is_refused() {
        assert_eq!(of("https://ci.example.com@evil.example/"), Err(OriginError::UserInfo));
        assert_eq!(of("https://a:b@evil.example/"), Err(OriginError::UserInfo));
        assert_eq!(of("ftp://ci.example.com/"), Err(OriginError::Scheme("ftp".to_owned())));
        assert_eq!(of("file:///etc/passwd"), Err(OriginError::Scheme("file".to_owned())));
    }

    #[test]
    fn a_grant_ends_behind_the_port() {
        for bad in ["https://a.example/x", "https://a.example/?q", "https://a.example/#f", "a.example", "//a.example", ""] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
        assert_eq!(origin("HTTPS://A.example:443/").to_string(), "https://a.example");
        assert_eq!(origin("http://a.example:81").to_string(), "http://a.example:81");
    }
}
