//! Tests through real connections: each node has a separate database. Raw bytes, unauthenticated clients, and members.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::auth::operators::Operators;
use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::Engine;
use crate::server;
use crate::state::App;

mod framing;
mod handshake;
mod life;
mod members;
mod strangers;
mod web;

const PATIENCE: Duration = Duration::from_secs(10);

/// A node on a free port, stopped when it is dropped.
struct Node {
    address: SocketAddr,
    app: Arc<App>,
    clock: Clock,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<server::Left>,
    _folder: tempfile::TempDir,
}

impl Node {
    async fn start(pairs: &[(&str, &str)]) -> Node {
        Node::start_with(pairs, |_| {}).await
    }

    /// Starts a node after `change` has set values that the settings would refuse.
    async fn start_with(pairs: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Node {
        let folder = tempfile::tempdir().expect("a folder");
        let data_dir = folder.path().to_string_lossy().into_owned();
        let mut pairs = pairs.to_vec();
        pairs.push(("data_dir", &data_dir));
        let mut settings = Settings::from_pairs(&pairs).unwrap_or_else(|error| panic!("{error}"));
        change(&mut settings);
        let clock = Clock::system();
        let engine = Engine::start(&settings, clock.clone()).await.expect("an engine");
        let app = App::new(Arc::new(settings), engine, Operators::default(), None);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let run = server::run(listener, app.clone(), async {
            let _dropped = stopped.await;
        });
        Node {
            address,
            app,
            clock,
            stop: Some(stop),
            task: tokio::spawn(run),
            _folder: folder,
        }
    }

    async fn post(&self, path: &str, kind: &str, body: &str) -> String {
        let length = body.len();
        self.http(&format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}",
            self.address
        ))
        .await
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends a request; returns everything that the node answers.
    async fn http(&self, request: &str) -> String {
        let mut tcp = self.tcp().await;
        tcp.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        timeout(PATIENCE, tcp.read_to_end(&mut answer))
            .await
            .expect("an answer")
            .expect("read");
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn get(&self, path: &str, headers: &str) -> String {
        self.http(&format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n",
            self.address
        ))
        .await
    }

    /// A raw socket after its upgrade.
    async fn raw(&self) -> TcpStream {
        self.raw_with("").await
    }

    /// The same; `headers` are lines of its request.
    async fn raw_with(&self, headers: &str) -> TcpStream {
        let mut tcp = self.tcp().await;
        let request = self.upgrade(headers);
        tcp.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(
                timeout(PATIENCE, tcp.read_u8())
                    .await
                    .expect("an answer")
                    .expect("read"),
            );
        }
        assert!(
            answer.starts_with(b"HTTP/1.1 101 "),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        tcp
    }

    fn upgrade(&self, headers: &str) -> String {
        format!(
            "GET /v1/socket HTTP/1.1\r\nHost: {}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n",
            self.address
        )
    }

    async fn socket(&self) -> Client {
        let request = format!("ws://{}/v1/socket", self.address)
            .into_client_request()
            .expect("a request");
        Client(connect_async(request).await.expect("a socket").0)
    }
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn send(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.expect("sent");
    }

    /// The next frame, or the close code.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("something in time") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn error_code(&mut self) -> String {
        let frame = self.next().await.expect("a frame");
        frame["error"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("{frame}"))
            .to_owned()
    }
}

/// A masked frame whose mask is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            bytes.push(0xfe);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0xff);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

/// Reads to the end; returns the code of the close frame there.
async fn close_code(tcp: &mut TcpStream) -> u16 {
    let mut bytes = Vec::new();
    timeout(PATIENCE, tcp.read_to_end(&mut bytes))
        .await
        .expect("a close in time")
        .expect("no reset");
    let at = bytes
        .iter()
        .rposition(|byte| *byte == 0x88)
        .unwrap_or_else(|| panic!("no close frame in {bytes:?}"));
    u16::from_be_bytes([bytes[at + 2], bytes[at + 3]])
}

#[test]
fn an_idle_socket_is_small() {
    use super::connection::Connection;
    fn output<A, F>(_: impl Fn(A) -> F) -> usize {
        size_of::<F>()
    }
    let sizes = [
        size_of::<Connection>(),
        output(Connection::run),
        size_of::<crate::follow::Follower>(),
    ];
    println!("bytes of connection, of its task, of its follower: {sizes:?}");
    assert!(
        sizes
            .iter()
            .zip([688, 128, 112])
            .all(|(size, most)| *size <= most),
        "{sizes:?}"
    );
}
