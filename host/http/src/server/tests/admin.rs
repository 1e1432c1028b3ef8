//! Over the administration's socket.

use std::os::unix::fs::MetadataExt as _;

use super::*;

async fn ask(path: &Path, target: &str) -> (String, Vec<u8>) {
    let mut stream = UnixStream::connect(path).await.unwrap();
    // HTTP/1.1 wants a Host, and any will do.
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    read_answer(&mut stream).await
}

#[tokio::test]
async fn the_socket_is_its_owners_alone_and_takes_the_place_of_an_old_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin.sock");
    drop(bind_admin(&path).unwrap());
    let _socket = bind_admin(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn what_is_no_socket_is_not_taken_away() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("admin.sock");
    fs::write(&file, "somebody's").unwrap();
    assert!(bind_admin(&file).is_err());
    assert_eq!(fs::read(&file).unwrap(), b"somebody's");
    // Nor is the target of a link.
    let link = directory.path().join("link");
    let _socket = bind_admin(&directory.path().join("other.sock")).unwrap();
    std::os::unix::fs::symlink(directory.path().join("other.sock"), &link).unwrap();
    assert!(bind_admin(&link).is_err() && directory.path().join("other.sock").exists());
    assert!(bind_admin(&directory.path().join("x".repeat(200))).is_err());
}

#[tokio::test]
async fn the_operator_is_answered_there_also_while_the_server_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin.sock");
    let admin = bind_admin(&path).unwrap();
    let world = World::limited(HttpLimits { connections: 1, ..HttpLimits::default() });
    let server = start_on(world, |listener| vec![Listener::Plain(listener), Listener::Admin(admin)]);
    let mut held = TcpStream::connect(server.address).await.unwrap();
    held.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_answer(&mut held).await;
    assert!(ask(&path, "/api/v1/registries/default/principals").await.0.starts_with("http/1.1 200"));
    assert!(ask(&path, "/healthz").await.0.starts_with("http/1.1 200"));
    for target in ["/v2/", "/v2/_catalog", "/oauth2/token", "/oauth2/keys", "/acr/v1/a"] {
        assert!(ask(&path, target).await.0.starts_with("http/1.1 404"), "{target}");
    }
    drop(held);
    server.stop.send(()).unwrap();
    assert_eq!(timeout(Duration::from_secs(60), server.ended).await.unwrap().unwrap(), Drained::Whole);
    assert!(UnixStream::connect(&path).await.is_err());
}
