//! Over TLS.

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::date_time_ymd;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::testing::certificates::{Authority, Pair, SERVER, files, named};
use crate::tls::{Reloaded, ServerTls};

struct Secured {
    running: Running,
    tls: Arc<ServerTls>,
    authority: Authority,
    directory: TempDir,
}

async fn start_tls(limits: HttpLimits) -> Secured {
    secure(World::limited(limits))
}

/// A server whose clients may show certificates of the same authority.
fn secure(world: World) -> Secured {
    let (authority, directory) = (Authority::new(), tempfile::tempdir().unwrap());
    authority.server().put(directory.path());
    let tls = Arc::new(ServerTls::load(&files(directory.path(), Some(&authority))).unwrap());
    let made = Arc::clone(&tls);
    let running = start_with(world, |listener| Listener::Tls(listener, made));
    Secured { running, tls, authority, directory }
}

async fn connect(server: &Secured, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(server.running.address).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(SERVER).unwrap(), stream).await
}

async fn client(server: &Secured, shown: Option<&Pair>) -> TlsStream<TcpStream> {
    connect(server, server.authority.trusted(shown)).await.unwrap()
}

/// Asks for `target`, and says what came back: head and body.
async fn get(stream: &mut TlsStream<TcpStream>, target: &str) -> (String, Vec<u8>) {
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: {SERVER}\r\n\r\n").as_bytes()).await.unwrap();
    read_answer(stream).await
}

/// Whether a client with this certificate is refused, at the handshake or by the alert that comes after it (TLS 1.3).
async fn is_refused(server: &Secured, shown: &Pair) -> bool {
    match connect(server, server.authority.trusted(Some(shown))).await {
        Err(_) => true,
        Ok(mut stream) => {
            let asked = stream.write_all(format!("GET /v2/ HTTP/1.1\r\nHost: {SERVER}\r\n\r\n").as_bytes()).await;
            let mut answer = Vec::new();
            asked.is_err() || stream.read_to_end(&mut answer).await.is_err() && answer.is_empty()
        }
    }
}

#[tokio::test]
async fn a_request_over_tls_is_answered_and_challenged_with_https() {
    let server = start_tls(HttpLimits::default()).await;
    let mut stream = client(&server, None).await;
    for _ in 0..2 {
        assert!(get(&mut stream, "/healthz").await.0.starts_with("http/1.1 200"));
    }
    let (head, _) = get(&mut stream, "/v2/").await;
    assert!(head.starts_with("http/1.1 401") && head.contains("realm=\"https://registry.test/oauth2/token\""), "{head}");
    stream.write_all(&[put(b"content", "").as_bytes(), b"content"].concat()).await.unwrap();
    assert!(read_answer(&mut stream).await.0.starts_with("http/1.1 201"));
}

#[tokio::test]
async fn http2_is_settled_on_in_the_handshake() {
    let server = start_tls(HttpLimits::default()).await;
    let mut config = server.authority.trusted(None);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = connect(&server, config).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let driven = tokio::spawn(connection);
    for (target, status) in [("/healthz", 200), ("/v2/", 401)] {
        let uri = format!("https://{SERVER}{target}");
        let request = axum::http::Request::get(uri).body(axum::body::Body::empty()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), status, "{target}");
    }
    drop(sender);
    driven.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_certificate_of_the_authority_says_who_its_holder_is() {
    let server = start_tls(HttpLimits::default()).await;
    let alice = server.authority.client("alice");
    let mut stream = client(&server, Some(&alice)).await;
    assert!(get(&mut stream, "/v2/").await.0.starts_with("http/1.1 200"));
    // Who shows one that nobody in the chain knows, and who shows none, are nobody.
    let mut params = named("");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "Contoso");
    let stranger = server.authority.sign(&params);
    for shown in [Some(&stranger), None] {
        let mut stream = client(&server, shown).await;
        assert!(get(&mut stream, "/v2/public/a/manifests/v1").await.0.starts_with("http/1.1 404"));
        assert!(get(&mut stream, "/v2/").await.0.starts_with("http/1.1 401"));
    }
}

#[tokio::test]
async fn a_certificate_of_nobodys_authority_or_after_its_end_is_refused_in_the_handshake() {
    let server = start_tls(HttpLimits::default()).await;
    assert!(is_refused(&server, &Authority::new().client("alice")).await);
    let mut ended = named("alice");
    ended.not_after = date_time_ymd(2020, 1, 1);
    assert!(is_refused(&server, &server.authority.sign(&ended)).await);
    let mut strange = named("alice");
    let name = rcgen::string::Ia5String::try_from("a b").unwrap();
    strange.subject_alt_names = vec![rcgen::SanType::URI(name)];
    let mut stream = client(&server, Some(&server.authority.sign(&strange))).await;
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or_default(), 0, "whose certificate cannot be told is cut off");
}

#[tokio::test]
async fn who_speaks_no_tls_gets_no_answer() {
    let server = start_tls(HttpLimits::default()).await;
    let mut stream = TcpStream::connect(server.running.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // An alert, and the end, in whichever way.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.windows(4).any(|window| window == b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_gives_its_slot_back() {
    let head = Duration::from_secs(3600);
    let limits = HttpLimits { handshake: Duration::from_millis(20), head, connections: 1, ..HttpLimits::default() };
    let server = start_tls(limits).await;
    let mut silent = TcpStream::connect(server.running.address).await.unwrap();
    let mut stream = client(&server, None).await;
    assert!(get(&mut stream, "/healthz").await.0.starts_with("http/1.1 200"));
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or_default(), 0);
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut_off_with_tls_and_without() {
    // No deadline but that for stalled answers can end these.
    let limits =
        HttpLimits { idle: Duration::from_millis(200), head: Duration::from_secs(3600), connections: 1, ..HttpLimits::default() };
    // More than the kernel keeps for a client that does not read.
    let content = vec![b'x'; 16 * 1024 * 1024];
    let target = format!("/v2/public/a/blobs/{}", sha256(&content));
    let ask = format!("GET {target} HTTP/1.1\r\nHost: {SERVER}\r\n\r\n");
    let server = secure(World::roomy(limits.clone()));
    server.running.world.put_blob("public/a", content.clone()).await;
    let mut stalled = client(&server, None).await;
    stalled.write_all(ask.as_bytes()).await.unwrap();
    // There is one slot.
    assert!(get(&mut client(&server, None).await, "/healthz").await.0.starts_with("http/1.1 200"));
    let server = start_with(World::roomy(limits), Listener::Plain);
    server.world.put_blob("public/a", content).await;
    let mut stalled = TcpStream::connect(server.address).await.unwrap();
    stalled.write_all(ask.as_bytes()).await.unwrap();
    let mut next = TcpStream::connect(server.address).await.unwrap();
    next.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(read_answer(&mut next).await.0.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_renewed_certificate_serves_new_connections_and_a_bad_one_none() {
    let server = start_tls(HttpLimits::default()).await;
    let shown = |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let mut old = client(&server, None).await;
    let before = shown(&old);
    let next = server.authority.server();
    next.put(server.directory.path());
    assert_eq!(server.tls.reload().unwrap(), Reloaded::Renewed);
    let mut new = client(&server, None).await;
    assert!(before != next.der() && shown(&new) == next.der());
    std::fs::write(server.directory.path().join("tls.key"), "damaged").unwrap();
    assert!(server.tls.reload().is_err());
    let mut newer = client(&server, None).await;
    assert_eq!(shown(&newer), next.der());
    for stream in [&mut old, &mut new, &mut newer] {
        assert!(get(stream, "/healthz").await.0.starts_with("http/1.1 200"));
    }
}

#[tokio::test]
async fn an_authority_that_is_gone_lets_nobody_in_not_even_with_a_session_of_before() {
    let server = start_tls(HttpLimits::default()).await;
    let alice = server.authority.client("alice");
    // One configuration, so that its sessions are kept from one connection to the next.
    let config = server.authority.trusted(Some(&alice));
    let mut stream = connect(&server, config.clone()).await.unwrap();
    assert!(get(&mut stream, "/v2/").await.0.starts_with("http/1.1 200"));
    files(server.directory.path(), Some(&Authority::new()));
    assert_eq!(server.tls.reload().unwrap(), Reloaded::Renewed);
    let refused = match connect(&server, config).await {
        Err(_) => true,
        Ok(mut stream) => {
            let _ = stream.write_all(format!("GET /v2/ HTTP/1.1\r\nHost: {SERVER}\r\n\r\n").as_bytes()).await;
            !stream.read(&mut [0; 1]).await.is_ok_and(|count| count > 0)
        }
    };
    assert!(refused);
}

#[tokio::test]
async fn a_stopping_server_ends_idle_connections_with_tls_too() {
    let server = start_tls(HttpLimits::default()).await;
    let mut idle = client(&server, None).await;
    get(&mut idle, "/healthz").await;
    // This one has not even begun its handshake; its slot is taken once a later connection has been answered.
    let mut silent = TcpStream::connect(server.running.address).await.unwrap();
    get(&mut client(&server, None).await, "/healthz").await;
    server.running.stop.send(()).unwrap();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap_or_default(), 0);
    assert_eq!(timeout(Duration::from_secs(60), server.running.ended).await.unwrap().unwrap(), Drained::Whole);
}
