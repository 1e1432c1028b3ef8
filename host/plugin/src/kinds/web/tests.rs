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
        Self::answering_in_turn(&[answer], takes).await
    }

    /// The same for one request after the other, each on a connection of its own. An empty answer breaks off. What was heard of the last is kept.
    async fn answering_in_turn(answers: &[&'static [u8]], takes: fn(&[u8]) -> bool) -> Self {
        let answers = answers.to_vec();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/key", listener.local_addr().unwrap());
        let heard = tokio::spawn(async move {
            let mut heard = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                heard = hear(&mut stream, takes).await;
                stream.write_all(answer).await.unwrap();
                let _ = stream.shutdown().await;
            }
            heard
        });
        let grant = HttpGrant { origins: vec![url.trim_end_matches("/key").parse().unwrap()], ..HttpGrant::default() };
        Self { url, grant, client: Client::new().unwrap(), heard }
    }

    fn sender(&self) -> Sender {
        Sender { client: self.client.clone(), grant: self.grant.clone(), idle: Duration::from_secs(20) }
    }

    fn part(&self, most: u64) -> HttpPart {
        HttpPart { sender: self.sender(), request: self.request("PUT", &[]), short: None, head: None, most }
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
    let mut source = HttpSource::open(&server.sender(), request).await.unwrap();
    assert_eq!(whole(&mut source, 3).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn a_source_that_breaks_off_is_an_error_not_an_end() {
    let server = Server::answering(b"HTTP/1.1 200 x\r\ncontent-length: 10\r\n\r\n01234", head).await;
    let mut source = HttpSource::open(&server.sender(), server.request("GET", &[])).await.unwrap();
    assert!(matches!(whole(&mut source, 100).await, Err(PluginError::Unavailable { .. })));
}

#[tokio::test]
async fn the_whole_is_not_taken_for_a_range_and_a_redirect_for_nothing() {
    let server = Server::answering(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n", head).await;
    let answer = HttpSource::open(&server.sender(), server.request("GET", &[("range", "bytes=1-2")])).await;
    assert!(matches!(answer.err(), Some(PluginError::Nonsense(_))));
    let server =
        Server::answering(b"HTTP/1.1 302 x\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", head).await;
    let answer = HttpSource::open(&server.sender(), server.request("GET", &[])).await;
    assert!(matches!(answer.err(), Some(PluginError::Nonsense(_))));
    let server = Server::answering(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n", head).await;
    let answer = HttpSource::open(&server.sender(), server.request("GET", &[])).await;
    assert_eq!(answer.err(), Some(PluginError::NotFound));
}

#[tokio::test]
async fn a_part_is_sent_with_its_length() {
    let server = Server::answering(b"HTTP/1.1 200 x\r\netag: \"e\"\r\ncontent-length: 0\r\n\r\n", ten_bytes).await;
    let pieces = vec![Bytes::from_static(b"01234"), Bytes::from_static(b"56789")];
    let answer = server.part(10).send(pieces).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.headers.contains(&("etag".to_owned(), "\"e\"".to_owned())));
    let heard = String::from_utf8(server.heard.await.unwrap()).unwrap();
    assert!(heard.contains("content-length: 10\r\n") && !heard.contains("transfer-encoding"), "{heard}");
}

#[tokio::test]
async fn a_part_without_bytes_says_so() {
    let server = Server::answering(b"HTTP/1.1 201 x\r\ncontent-length: 0\r\n\r\n", head).await;
    assert_eq!(server.part(10).send(Vec::new()).await.unwrap().status, 201);
    let heard = String::from_utf8(server.heard.await.unwrap()).unwrap();
    assert!(heard.contains("content-length: 0\r\n"), "{heard}");
}

#[tokio::test]
async fn a_part_that_is_not_full_is_sent_by_the_other_request() {
    let server = Server::answering(b"HTTP/1.1 201 x\r\ncontent-length: 0\r\n\r\n", ten_bytes).await;
    let short = server.request("PUT", &[("x-short", "yes")]);
    let part = HttpPart { short: Some(short), ..server.part(11) };
    part.send(vec![Bytes::from_static(b"0123456789")]).await.unwrap();
    assert!(String::from_utf8(server.heard.await.unwrap()).unwrap().contains("x-short: yes"));
}

#[tokio::test]
async fn what_lies_at_the_service_already_goes_ahead() {
    let answers: [&[u8]; 2] = [
        b"HTTP/1.1 200 x\r\ncontent-length: 5\r\nconnection: close\r\n\r\n01234",
        b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n",
    ];
    let server = Server::answering_in_turn(&answers, |heard| heard.starts_with(b"GET") && head(heard) || ten_bytes(heard)).await;
    let ahead = Head { request: server.request("GET", &[]), length: 5 };
    let part = HttpPart { head: Some(ahead), ..server.part(10) };
    assert_eq!(part.room(), 5);
    part.send(vec![Bytes::from_static(b"56789")]).await.unwrap();
    assert!(server.heard.await.unwrap().ends_with(b"0123456789"));
}

#[tokio::test]
async fn a_part_is_sent_again_where_the_service_was_away_for_a_moment() {
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 503 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        b"HTTP/1.1 429 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        b"",
        b"HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n",
    ];
    let server = Server::answering_in_turn(&answers, ten_bytes).await;
    assert_eq!(server.part(10).send(vec![Bytes::from_static(b"0123456789")]).await.unwrap().status, 200);
    assert!(server.heard.await.unwrap().ends_with(b"0123456789"), "all of it is sent each time");
}

#[tokio::test]
async fn a_part_with_a_condition_is_sent_once() {
    let server = Server::answering(b"HTTP/1.1 503 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", ten_bytes).await;
    let part = HttpPart { request: server.request("PUT", &[("if-none-match", "*")]), ..server.part(10) };
    let answer = part.send(vec![Bytes::from_static(b"0123456789")]).await;
    assert!(matches!(answer, Err(PluginError::Unavailable { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_refusal_of_a_part_is_for_the_guest_to_read() {
    let server = Server::answering(b"HTTP/1.1 403 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", ten_bytes).await;
    assert_eq!(server.part(10).send(vec![Bytes::from_static(b"0123456789")]).await.unwrap().status, 403);
}

#[tokio::test]
async fn an_origin_that_is_not_granted_is_never_asked() {
    let server = Server::answering(b"", head).await;
    let mut request = server.request("PUT", &[]);
    request.url = "http://127.0.0.1:1/".to_owned();
    let part = |part: HttpPart| part.checked().err();
    let elsewhere = || Some(request.clone());
    assert!(matches!(part(HttpPart { request: request.clone(), ..server.part(10) }), Some(PluginError::NotGranted(_))));
    assert!(matches!(part(HttpPart { short: elsewhere(), ..server.part(10) }), Some(PluginError::NotGranted(_))));
    let ahead = Some(Head { request: request.clone(), length: 1 });
    assert!(matches!(part(HttpPart { head: ahead, ..server.part(10) }), Some(PluginError::NotGranted(_))));
    assert!(matches!(HttpSource::open(&server.sender(), request).await.err(), Some(PluginError::NotGranted(_))));
}

#[tokio::test]
async fn a_part_without_room_or_of_too_many_bytes_is_nonsense() {
    let server = Server::answering(b"", head).await;
    for most in [0, MAX_PART_BYTES + 1] {
        assert!(matches!(server.part(most).checked().err(), Some(PluginError::Nonsense(_))), "{most}");
    }
    let ahead = Some(Head { request: server.request("GET", &[]), length: 10 });
    assert!(matches!(HttpPart { head: ahead, ..server.part(10) }.checked().err(), Some(PluginError::Nonsense(_))));
}
