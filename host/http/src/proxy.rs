//! Where a request comes from, when a proxy brought it.
//!
//! `X-Forwarded-For` and `X-Forwarded-Proto` are words that anybody can send. They count where the other end of the connection is one of the
//! proxies that the configuration names, and never further than the first address that is not one of them. Used by `peer`; the server
//! makes the list.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A text that names no proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address such as 192.0.2.7 or 2001:db8::7 nor a range such as 10.0.0.0/8")]
pub struct ProxyError(String);

/// A proxy's address, or a range of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxy(IpNet);

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let error = || ProxyError(text.to_owned());
        if let Ok(net) = text.parse::<IpNet>() {
            // 10.0.0.1/8 is more likely a slip than a range.
            return if net.trunc() == net { Ok(Self(net)) } else { Err(error()) };
        }
        text.parse::<IpAddr>().map(|address| Self(IpNet::from(address.to_canonical()))).map_err(|_| error())
    }
}

/// The proxies whose word is taken. By default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl FromIterator<Proxy> for Proxies {
    fn from_iter<T: IntoIterator<Item = Proxy>>(proxies: T) -> Self {
        Self(proxies.into_iter().map(|proxy| proxy.0).collect())
    }
}

impl Proxies {
    /// Reads a list.
    ///
    /// # Errors
    /// [`ProxyError`] about the first text that is none.
    pub fn parse<'a>(list: impl IntoIterator<Item = &'a str>) -> Result<Self, ProxyError> {
        list.into_iter().map(str::parse::<Proxy>).collect()
    }

    /// Whether this is one of them.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// The client of a request that `proxy`, one of these, brought: the last address of the list that is no proxy. Each proxy appends whom it
    /// got the request from, so what stands before that address is the client's own word. Where the list ends, or makes no sense, it is the
    /// last proxy that is known.
    pub(crate) fn client(&self, proxy: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut known = proxy;
        // Several lines are one list.
        for line in headers.get_all(FORWARDED_FOR).iter().rev() {
            let Ok(line) = line.to_str() else { return known };
            for entry in line.rsplit(',').map(str::trim).filter(|entry| !entry.is_empty()) {
                let Some(address) = address(entry) else { return known };
                known = address;
                if !self.contains(address) {
                    return known;
                }
            }
        }
        known
    }
}

/// Whether the request speaks of another client than the connection's other end.
pub(crate) fn forwards(headers: &HeaderMap) -> bool {
    headers.contains_key(FORWARDED_FOR) || headers.contains_key(FORWARDED_PROTO)
}

/// Whether the client of a proxy's request used TLS; none: the proxy does not say. The last value is the word of the nearest proxy.
pub(crate) fn client_encrypted(headers: &HeaderMap) -> Option<bool> {
    let last = headers.get_all(FORWARDED_PROTO).iter().next_back()?;
    let last = last.to_str().ok()?.rsplit(',').next()?.trim();
    Some(last.eq_ignore_ascii_case("https"))
}

/// `192.0.2.7`, `192.0.2.7:1234`, `2001:db8::7`, `[2001:db8::7]` or `[2001:db8::7]:1234`: proxies differ.
fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => {
            let (bare, port) = rest.split_once(']')?;
            if !port.is_empty() && !is_port(port.strip_prefix(':')?) {
                return None;
            }
            bare
        }
        // One colon alone divides an address from a port.
        None => match text.split_once(':') {
            Some((bare, port)) if is_port(port) => bare,
            _ => text,
        },
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn proxies() -> Proxies {
        Proxies::parse(["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"]).unwrap()
    }

    fn client(proxy: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        proxies().client(proxy.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn proxies_are_addresses_and_ranges_and_nothing_else() {
        let proxies = proxies();
        for one in ["10.1.2.3", "192.0.2.7", "2001:db8:1::7"] {
            assert!(proxies.contains(one.parse().unwrap()), "{one}");
        }
        for none in ["11.0.0.1", "192.0.2.8", "2001:db8:2::7", "::1"] {
            assert!(!proxies.contains(none.parse().unwrap()), "{none}");
        }
        for bad in ["", "proxy.test", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0", "192.0.2.7:80", "*"] {
            assert_eq!(Proxies::parse([bad]), Err(ProxyError(bad.to_owned())));
        }
        assert!(!Proxies::default().contains("127.0.0.1".parse().unwrap()));
        assert!(Proxies::parse(["::ffff:10.0.0.1"]).unwrap().contains("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        // What a client made up stands before what the first proxy appended.
        assert_eq!(client("10.0.0.1", &["203.0.113.9, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9", "198.51.100.1 , 10.0.0.2,192.0.2.7"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["10.9.9.9, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("2001:db8:1::1", &["2001:db8:ffff::5, 2001:db8:1::2"]), "2001:db8:ffff::5");
    }

    #[test]
    fn where_the_list_ends_or_makes_no_sense_it_is_the_last_proxy_that_is_known() {
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["", " , "]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(client("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"]), "10.0.0.2");
        for bad in ["unknown", "_hidden", "198.51.100.1:port", "[::1", "[::1]x", "\u{e9}", "198.51.100.1:123456"] {
            assert_eq!(client("10.0.0.1", &["198.51.100.1", bad]), "10.0.0.1", "{bad}");
        }
    }

    #[test]
    fn a_request_that_somebody_forwarded_is_told_from_others() {
        let with = |name: &'static str| HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static("x"))]);
        assert!(forwards(&with("x-forwarded-for")) && forwards(&with("x-forwarded-proto")));
        assert!(!forwards(&with("forwarded")) && !forwards(&HeaderMap::new()));
    }

    #[test]
    fn an_address_is_read_in_each_form_that_proxies_write() {
        for (text, expected) in [
            ("192.0.2.9", "192.0.2.9"),
            ("192.0.2.9:1234", "192.0.2.9"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:443", "2001:db8::7"),
            ("::ffff:192.0.2.9", "192.0.2.9"),
        ] {
            assert_eq!(address(text).map(|address| address.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_nearest_proxy_says_whether_the_client_used_tls() {
        let said = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (FORWARDED_PROTO, HeaderValue::from_str(line).unwrap()));
            let mut headers = HeaderMap::new();
            lines.for_each(|(name, value)| {
                headers.append(name, value);
            });
            client_encrypted(&headers)
        };
        assert_eq!(said(&[]), None);
        assert_eq!((said(&["https"]), said(&["HTTPS"]), said(&["http"])), (Some(true), Some(true), Some(false)));
        assert_eq!((said(&["https, http"]), said(&["http", "https"])), (Some(false), Some(true)));
        assert_eq!((said(&[""]), said(&["httpsx"])), (Some(false), Some(false)));
    }
}
