//! Against a server on the loopback that speaks just enough HTTP.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;

struct Server {
    url: String,
    grant: HttpGrant,
    client: Client,
    /// The request as it came.
    heard: JoinHandle<Vec<u8>>,
}

impl Server {
    /// Reads a request's head and as much of its body as `takes` says, gives this answer, and closes.
    async fn answering(answer: &'static [u8], takes: fn(&[u8]) -> bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/key", listener.local_addr().unwrap());
        let heard = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let heard = hear(&mut stream, takes).await;
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
            heard
        });
        let grant = HttpGrant { origins: vec![url.trim_end_matches("/key").parse().unwrap()], ..HttpGrant::default() };
        Self { url, grant, client: Client::new().unwrap(), heard }
    }

    fn sender(&self) -> Sender<'_> {
        Sender { client: &self.client, grant: &self.grant, idle: Duration::from_secs(20) }
    }

    fn request(&self, method: &str, headers: &[(&str, &str)]) -> HttpRequest {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        HttpRequest { method: method.to_owned(), url: self.url.clone(), headers, body: Vec::new() }
    }
}

async fn hear(stream: &mut TcpStream, takes: fn(&[u8]) -> bool) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    while !takes(&heard) {
        match stream.read(&mut piece).await.unwrap() {
            0 => break,
            count => heard.extend_from_slice(&piece[..count]),
        }
    }
    heard
}

fn head(heard: &[u8]) -> bool {
    heard.windows(4).any(|end| end == b"\r\n\r\n")
}

fn ten_bytes(heard: &[u8]) -> bool {
    heard.ends_with(b"0123456789")
}

fn last_chunk(heard: &[u8]) -> bool {
    heard.ends_with(b"0\r\n\r\n")
}

async fn whole(source: &mut HttpSource, most: u32) -> Result<Vec<u8>, PluginError> {
    let mut all = Vec::new();
    loop {
        let piece = source.read(most).await?;
        assert!(piece.len() <= most as usize);
        if piece.is_empty() {
            return Ok(all);
        }
        all.extend_from_slice(&piece);
    }
}

#[tokio::test]
async fn a_source_gives_the_answers_body_in_pieces() {
    let server = Server::answering(b"HTTP/1.1 206 x\r\ncontent-length: 10\r\n\r\n0123456789", head).await;
    let request = server.request("GET", &[("Range", "bytes=0-9")]);
    let mut source = HttpSource::open(server.sender(), request).await.unwrap();
    assert_eq!(source.passage(), Passage::Host);
    assert_eq!(whole(&mut source, 3).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn a_source_that_breaks_off_is_an_error_not_an_end() {
    let server = Server::answering(b"HTTP/1.1 200 x\r\ncontent-length: 10\r\n\r\n01234", head).await;
    let mut source = HttpSource::open(server.sender(), server.request("GET", &[])).await.unwrap();
    assert!(matches!(whole(&mut source, 100).await, Err(PluginError::Unavailable { .. })));
}

#[tokio::test]
async fn the_whole_is_not_taken_for_a_range_and_a_redirect_for_nothing() {
    let server = Server::answering(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n", head).await;
    let answer = HttpSource::open(server.sender(), server.request("GET", &[("range", "bytes=1-2")])).await;
    assert!(matches!(answer.err(), Some(PluginError::Nonsense(_))));
    let server =
        Server::answering(b"HTTP/1.1 302 x\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", head).await;
    let answer = HttpSource::open(server.sender(), server.request("GET", &[])).await;
    assert!(matches!(answer.err(), Some(PluginError::Nonsense(_))));
    let server = Server::answering(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n", head).await;
    let answer = HttpSource::open(server.sender(), server.request("GET", &[])).await;
    assert_eq!(answer.err(), Some(PluginError::NotFound));
}

#[tokio::test]
async fn a_sink_sends_a_body_of_known_length_with_its_length() {
    let server = Server::answering(b"HTTP/1.1 200 x\r\netag: \"e\"\r\ncontent-length: 0\r\n\r\n", ten_bytes).await;
    let mut sink = HttpSink::open(server.sender(), server.request("PUT", &[]), Some(10)).unwrap();
    sink.write(Bytes::from_static(b"01234")).await.unwrap();
    sink.write(Bytes::from_static(b"56789")).await.unwrap();
    let answer = sink.finish().await.unwrap().unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.headers.contains(&("etag".to_owned(), "\"e\"".to_owned())));
    let heard = String::from_utf8(server.heard.await.unwrap()).unwrap();
    assert!(heard.contains("content-length: 10\r\n") && !heard.contains("transfer-encoding"), "{heard}");
}

#[tokio::test]
async fn a_sink_of_unknown_length_is_chunked() {
    let server = Server::answering(b"HTTP/1.1 201 x\r\ncontent-length: 0\r\n\r\n", last_chunk).await;
    let mut sink = HttpSink::open(server.sender(), server.request("PUT", &[]), None).unwrap();
    sink.write(Bytes::from_static(b"01234")).await.unwrap();
    assert_eq!(sink.finish().await.unwrap().unwrap().status, 201);
    assert!(String::from_utf8(server.heard.await.unwrap()).unwrap().contains("transfer-encoding: chunked\r\n"));
}

#[tokio::test]
async fn a_body_that_ends_early_is_never_acknowledged() {
    let server = Server::answering(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n", ten_bytes).await;
    let mut sink = HttpSink::open(server.sender(), server.request("PUT", &[]), Some(10)).unwrap();
    sink.write(Bytes::from_static(b"01234")).await.unwrap();
    assert!(matches!(sink.finish().await, Err(PluginError::Unavailable { .. })));
}

#[tokio::test]
async fn a_refusal_in_the_midst_of_a_body_is_that_refusal() {
    let server = Server::answering(b"HTTP/1.1 403 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", head).await;
    let mut sink = HttpSink::open(server.sender(), server.request("PUT", &[]), None).unwrap();
    let mut refusal = None;
    while refusal.is_none() {
        refusal = sink.write(Bytes::from_static(&[b'x'; 65_536])).await.err();
    }
    // The system may tell of the closed connection before the answer is read.
    assert!(matches!(refusal, Some(PluginError::Denied(_) | PluginError::Unavailable { .. })), "{refusal:?}");
}

#[tokio::test]
async fn an_origin_that_is_not_granted_is_never_asked() {
    let server = Server::answering(b"", head).await;
    let mut request = server.request("PUT", &[]);
    request.url = "http://127.0.0.1:1/".to_owned();
    assert!(matches!(HttpSink::open(server.sender(), request.clone(), None).err(), Some(PluginError::NotGranted(_))));
    assert!(matches!(HttpSource::open(server.sender(), request).await.err(), Some(PluginError::NotGranted(_))));
}
