use super::*;

fn request(url: &str, headers: &[(&str, &str)]) -> HttpRequest {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    HttpRequest { method: "POST".to_owned(), url: url.to_owned(), headers, body: Vec::new() }
}

fn send(url: &str, headers: &[(&str, &str)]) -> Result<Request, SendError> {
    head(&["https://ci.example.com".parse().unwrap(), "http://127.0.0.1:81".parse().unwrap()], &request(url, headers))
}

#[test]
fn only_a_granted_origin_is_reached() {
    assert!(send("https://ci.example.com/hook?x=1", &[]).is_ok());
    assert!(send("http://127.0.0.1:81/", &[]).is_ok());
    for url in ["http://ci.example.com/", "https://ci.example.com:444/", "http://127.0.0.1/", "http://169.254.169.254/"] {
        assert!(matches!(send(url, &[]), Err(SendError::NotGranted(_))), "{url}");
    }
    for url in ["", "/hook", "file:///etc/passwd", "https://user@ci.example.com/", "https://a:b@ci.example.com/"] {
        assert!(matches!(send(url, &[]), Err(SendError::Invalid(_))), "{url}");
    }
}

#[test]
fn a_plugin_does_not_speak_for_the_connection() {
    let url = "https://ci.example.com/";
    for (name, value) in [
        ("Transfer-Encoding", "chunked"),
        ("connection", "close"),
        ("Upgrade", "websocket"),
        ("Proxy-Authorization", "x"),
        ("Host", "other.example.com"),
        ("bad name", "x"),
        ("x-line", "a\r\nb: c"),
    ] {
        assert!(matches!(send(url, &[(name, value)]), Err(SendError::Invalid(_))), "{name}");
    }
    let sent = send(url, &[("Host", "ci.example.com"), ("Content-Length", "7"), ("X-A", "1"), ("X-A", "2")]).unwrap();
    assert_eq!(headers_of(sent.headers()), [("x-a".to_owned(), "1".to_owned()), ("x-a".to_owned(), "2".to_owned())]);
}

#[test]
fn the_host_header_may_be_the_urls_own() {
    assert!(send("http://127.0.0.1:81/", &[("host", "127.0.0.1:81")]).is_ok());
    assert!(send("https://ci.example.com/", &[("host", "CI.example.com:443")]).is_ok());
    assert!(send("http://127.0.0.1:81/", &[("host", "127.0.0.1")]).is_err());
}

#[test]
fn requests_are_bounded() {
    let long = "x".repeat(MAX_HEADER_BYTES);
    assert!(send("https://ci.example.com/", &[("x-long", &long)]).is_err());
    let many = vec![("x-many", "1"); MAX_HEADERS + 1];
    assert!(send("https://ci.example.com/", &many).is_err());
    assert!(send(&format!("https://ci.example.com/{}", "x".repeat(MAX_URL_BYTES)), &[]).is_err());
    let mut connect = request("https://ci.example.com/", &[]);
    connect.method = "CONNECT".to_owned();
    assert!(head(&["https://ci.example.com".parse().unwrap()], &connect).is_err());
}

#[test]
fn a_status_of_the_storage_is_told_apart() {
    let error = |status: u16| status_error(StatusCode::from_u16(status).unwrap(), &HeaderMap::new());
    assert_eq!(error(404), PluginError::NotFound);
    assert!(matches!(error(403), PluginError::Denied(_)));
    assert!(matches!(error(503), PluginError::Unavailable { .. }) && matches!(error(429), PluginError::Unavailable { .. }));
    assert!(matches!(error(302), PluginError::Nonsense(_)) && matches!(error(204), PluginError::Nonsense(_)));
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]);
    let PluginError::Unavailable { retry_after, .. } = status_error(StatusCode::SERVICE_UNAVAILABLE, &headers) else { panic!() };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}
