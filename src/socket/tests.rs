//! What a socket does before anybody is signed in, through real connections: handshakes, framing, close codes, limits.

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

use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::Engine;
use crate::server;
use crate::state::App;

const PATIENCE: Duration = Duration::from_secs(10);

/// A node on a port of its own, stopped when it is dropped.
struct Node {
    address: SocketAddr,
    app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Node {
    async fn start(pairs: &[(&str, &str)]) -> Node {
        let folder = tempfile::tempdir().expect("a folder");
        let data_dir = folder.path().to_string_lossy().into_owned();
        let mut pairs = pairs.to_vec();
        pairs.push(("data_dir", &data_dir));
        let settings = Settings::from_pairs(&pairs).unwrap_or_else(|error| panic!("{error}"));
        let engine = Engine::start(&settings, Clock::system())
            .await
            .expect("an engine");
        let app = App::new(Arc::new(settings), engine, None);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let run = server::run(listener, app.clone(), async {
            let _dropped = stopped.await;
        });
        Node {
            address,
            app,
            stop: Some(stop),
            task: tokio::spawn(run),
            _folder: folder,
        }
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends a request, returns all that comes back.
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
        let mut tcp = self.tcp().await;
        let request = self.upgrade("");
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
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

/// The code of the close frame that ends what comes.
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

#[tokio::test]
async fn each_break_of_the_protocol_has_its_close_code() {
    let node = Node::start(&[]).await;
    let breaks: [(&str, Vec<u8>, u16); 9] = [
        ("binary", frame(0x82, b"x"), 1003),
        ("invalid UTF-8", frame(0x81, b"\xff\xfe"), 1007),
        ("unmasked", vec![0x81, 1, b'x'], 1002),
        ("reserved bit", frame(0xc1, b"x"), 1002),
        ("reserved opcode", frame(0x83, b"x"), 1002),
        ("continuation of nothing", frame(0x80, b"x"), 1002),
        ("control frame too long", frame(0x89, &[b'x'; 126]), 1002),
        (
            "frame far too large",
            frame(0x81, &vec![b' '; 4 * 65536 + 1]),
            1009,
        ),
        (
            "fragments far too large",
            [frame(0x01, &[b' '; 65536]), frame(0x00, &[b' '; 65536]).repeat(4)].concat(),
            1009,
        ),
    ];
    for (name, bytes, code) in breaks {
        let mut tcp = node.raw().await;
        tcp.write_all(&bytes).await.expect("sent");
        assert_eq!(close_code(&mut tcp).await, code, "{name}");
    }
}

#[tokio::test]
async fn a_clean_close_is_answered_with_its_code() {
    let node = Node::start(&[]).await;
    let mut tcp = node.raw().await;
    tcp.write_all(&frame(0x88, &1000_u16.to_be_bytes()))
        .await
        .expect("sent");
    assert_eq!(close_code(&mut tcp).await, 1000);
}

#[tokio::test]
async fn an_oversize_frame_is_answered_with_its_id_and_the_socket_stays() {
    let node = Node::start(&[]).await;
    let mut client = node.socket().await;
    let text = json!({ "type": "task.create", "data": { "title": "x".repeat(70_000) }, "id": 7 }).to_string();
    client.send(text).await;
    let answer = client.next().await.expect("a frame");
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(7), &json!("PAYLOAD_TOO_LARGE"))
    );
    client.send(r#"{"type":"ping","id":8}"#).await;
    assert_eq!(client.next().await, Ok(json!({ "type": "pong", "id": 8 })));
}

#[tokio::test]
async fn the_tenth_bad_frame_closes_and_each_is_answered() {
    let node = Node::start(&[]).await;
    let mut client = node.socket().await;
    for bad in ["", "no json", "[]", r#"{"id":1}"#, r#"{"type":7}"#]
        .iter()
        .cycle()
        .take(10)
    {
        client.send(*bad).await;
    }
    for _ in 0..10 {
        assert_eq!(client.error_code().await, "BAD_FRAME");
    }
    assert_eq!(client.next().await, Err(4400));
}

#[tokio::test]
async fn a_stranger_may_only_sign_in_ping_and_read_the_contract() {
    let node = Node::start(&[("auth_timeout_seconds", "1")]).await;
    let mut client = node.socket().await;
    client.send(r#"{"type":"task.list","id":1}"#).await;
    client.send(r#"{"type":"no.such","id":2}"#).await;
    client.send(r#"{"type":"protocol.describe","id":3}"#).await;
    client
        .send(r#"{"type":"auth","id":4,"data":{"token":"x","colour":1}}"#)
        .await;
    assert_eq!(client.error_code().await, "AUTH_REQUIRED");
    assert_eq!(client.error_code().await, "AUTH_REQUIRED");
    let described = client.next().await.expect("a frame");
    assert_eq!((&described["type"], &described["id"]), (&json!("ok"), &json!(3)));
    let refused = client.next().await.expect("a frame");
    assert_eq!(
        (&refused["id"], &refused["error"]["field"]),
        (&json!(4), &json!("colour"))
    );
    assert!(
        refused["error"]["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );
    assert_eq!(client.next().await, Err(4401), "the deadline");
}

#[tokio::test]
async fn ignoring_the_rate_limit_closes() {
    let node = Node::start(&[("ops_burst", "5"), ("ops_per_second", "1")]).await;
    let mut client = node.socket().await;
    for _ in 0..105 {
        client.send(r#"{"type":"ping"}"#).await;
    }
    for _ in 0..5 {
        assert_eq!(client.next().await, Ok(json!({ "type": "pong", "id": null })));
    }
    let first = client.next().await.expect("a frame");
    assert_eq!(first["error"]["code"], "RATE_LIMITED");
    assert!(
        first["error"]["retry_after_ms"]
            .as_u64()
            .is_some_and(|wait| wait > 0 && wait <= 1000)
    );
    for _ in 1..100 {
        assert_eq!(client.error_code().await, "RATE_LIMITED");
    }
    assert_eq!(client.next().await, Err(4429));
}

#[tokio::test]
async fn handshakes_that_are_wrong_are_refused_before_the_upgrade() {
    let node = Node::start(&[("allowed_origins", "https://app.example.com")]).await;
    let own = format!("Origin: http://{}\r\n", node.address);
    let cases = [
        (String::new(), "101"),
        (own, "101"),
        ("Origin: https://app.example.com\r\n".to_owned(), "101"),
        ("Origin: https://example.com\r\n".to_owned(), "403"),
        ("Origin: null\r\n".to_owned(), "403"),
        ("Sec-WebSocket-Protocol: other, taskwire.v1\r\n".to_owned(), "101"),
        ("Sec-WebSocket-Protocol: other\r\n".to_owned(), "400"),
        ("Authorization: Bearer x\r\n".to_owned(), "101"),
    ];
    for (headers, status) in cases {
        let mut tcp = node.tcp().await;
        tcp.write_all(node.upgrade(&headers).as_bytes())
            .await
            .expect("sent");
        let mut answer = [0; 12];
        timeout(PATIENCE, tcp.read_exact(&mut answer))
            .await
            .expect("an answer")
            .expect("read");
        assert_eq!(
            String::from_utf8_lossy(&answer),
            format!("HTTP/1.1 {status}"),
            "{headers}"
        );
    }
    let plain = node.get("/v1/socket", "").await;
    assert!(plain.starts_with("HTTP/1.1 426"), "{plain}");
    let version = node
        .upgrade("")
        .replace("Version: 13", "Version: 8")
        .replace("keep-alive, ", "close, ");
    let answer = node.http(&version).await;
    assert!(
        answer.starts_with("HTTP/1.1 426") && answer.contains("sec-websocket-version: 13"),
        "{answer}"
    );
    let key = node
        .upgrade("")
        .replace("dGhlIHNhbXBsZSBub25jZQ==", "short")
        .replace("keep-alive, ", "close, ");
    assert!(node.http(&key).await.starts_with("HTTP/1.1 400"));
    let accepted = node.upgrade("Sec-WebSocket-Protocol: taskwire.v1\r\n");
    let mut tcp = node.tcp().await;
    tcp.write_all(accepted.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 512];
    let read = timeout(PATIENCE, tcp.read(&mut answer))
        .await
        .expect("an answer")
        .expect("read");
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(
        answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        "{answer}"
    );
    assert!(answer.contains("sec-websocket-protocol: taskwire.v1"), "{answer}");
}

#[tokio::test]
async fn a_stalled_handshake_is_closed_and_a_large_one_refused() {
    let node = Node::start(&[("handshake_timeout_seconds", "1")]).await;
    for begun in ["", "GET /v1/socket HTTP/1.1\r\nHost: a\r\n"] {
        let mut tcp = node.tcp().await;
        tcp.write_all(begun.as_bytes()).await.expect("sent");
        let mut rest = Vec::new();
        timeout(PATIENCE, tcp.read_to_end(&mut rest))
            .await
            .expect("closed in time")
            .expect("read");
    }
    let long = format!("X-Long: {}\r\n", "x".repeat(20_000));
    assert!(node.get("/livez", &long).await.starts_with("HTTP/1.1 431"));
    let many: String = (0..70).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert!(node.get("/livez", &many).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn pings_of_a_peer_that_never_reads_are_not_kept() {
    let node = Node::start(&[("rate_limit_enabled", "false"), ("auth_timeout_seconds", "300")]).await;
    let mut tcp = node.raw().await;
    let flood = frame(0x89, &[b'x'; 125]).repeat(1000);
    // more than both kernels and the node's queue hold: at some point nothing is taken any more
    let stuck = async {
        for _ in 0..1000 {
            tcp.write_all(&flood).await.expect("taken");
        }
    };
    assert!(
        timeout(Duration::from_secs(3), stuck).await.is_err(),
        "131 MB of pings were taken"
    );
}

#[tokio::test]
async fn pings_are_answered_in_order() {
    let node = Node::start(&[]).await;
    let mut tcp = node.raw().await;
    tcp.write_all(&[frame(0x89, b"one"), frame(0x88, &1000_u16.to_be_bytes())].concat())
        .await
        .expect("sent");
    let mut bytes = Vec::new();
    timeout(PATIENCE, tcp.read_to_end(&mut bytes))
        .await
        .expect("closed")
        .expect("read");
    assert_eq!(
        bytes,
        [&[0x8a, 3][..], b"one", &[0x88, 2], &1000_u16.to_be_bytes()].concat()
    );
}

#[tokio::test]
async fn a_silent_peer_is_dead_after_a_ping_and_eight_seconds() {
    let node = Node::start(&[("heartbeat_seconds", "1"), ("auth_timeout_seconds", "300")]).await;
    let mut tcp = node.raw().await;
    let begun = tokio::time::Instant::now();
    let mut bytes = Vec::new();
    timeout(Duration::from_secs(20), tcp.read_to_end(&mut bytes))
        .await
        .expect("closed")
        .expect("read");
    assert_eq!(bytes[..2], [0x89, 0], "a ping");
    assert!(
        bytes.ends_with(b"no sign of life") && bytes[4..6] == 4408_u16.to_be_bytes(),
        "{bytes:?}"
    );
    assert!((8..12).contains(&begun.elapsed().as_secs()));
}

#[tokio::test]
async fn draining_says_goodbye_and_closes_with_1012() {
    let mut node = Node::start(&[]).await;
    let (mut one, mut two) = (node.socket().await, node.socket().await);
    one.send(r#"{"type":"ping","id":1}"#).await;
    two.send(r#"{"type":"ping","id":1}"#).await;
    assert!(one.next().await.is_ok() && two.next().await.is_ok());
    node.stop.take().expect("running").send(()).expect("running");
    let mut delays = Vec::new();
    for client in [&mut one, &mut two] {
        let goodbye = client.next().await.expect("a frame");
        assert_eq!(goodbye["signal"], "server.goodbye");
        delays.push(goodbye["data"]["reconnect_after_ms"].as_u64().expect("a delay"));
        assert_eq!(client.next().await, Err(1012));
    }
    assert_ne!(delays[0], delays[1]);
    drop((one, two));
    timeout(PATIENCE, node.task)
        .await
        .expect("drained in time")
        .expect("no panic");
    assert_eq!(node.app.sockets.count(), 0);
}

#[tokio::test]
async fn http_errors_have_one_shape_and_every_answer_an_id() {
    let node = Node::start(&[("rate_limit_requests", "3")]).await;
    let missing = node.get("/nowhere", "X-Request-ID: mine-1\r\n").await;
    assert!(
        missing.starts_with("HTTP/1.1 404") && missing.contains("x-request-id: mine-1"),
        "{missing}"
    );
    let body: Value = serde_json::from_str(missing.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!(body["success"], false);
    assert_eq!(
        (&body["error"]["code"], &body["request_id"]),
        (&json!("NOT_FOUND"), &json!("mine-1"))
    );
    assert!(node.get("/v1/rpc", "").await.starts_with("HTTP/1.1 405"));
    let insane = node.get("/livez", "X-Request-ID: <script>\r\n").await;
    assert!(
        insane.starts_with("HTTP/1.1 200") && !insane.contains("<script>"),
        "{insane}"
    );
    assert!(insane.contains("x-content-type-options: nosniff"));
    let page = node.get("/", "").await;
    assert!(
        page.contains("Taskwire") && page.contains("style-src 'sha256-"),
        "{page}"
    );
    let wrong = node.post("/v1/rpc", "text/plain", "{}").await;
    assert!(wrong.starts_with("HTTP/1.1 415"), "{wrong}");
    let large = node
        .post("/v1/rpc", "application/json", &" ".repeat(1_100_000))
        .await;
    assert!(
        large.starts_with("HTTP/1.1 413") && large.contains("x-ratelimit-remaining: 0"),
        "{large}"
    );
    let limited = node.get("/v1/auth/me", "").await;
    assert!(
        limited.starts_with("HTTP/1.1 429") && limited.contains("retry-after: "),
        "{limited}"
    );
    assert!(
        limited.contains("x-ratelimit-limit: 3") && limited.contains("RATE_LIMITED"),
        "{limited}"
    );
}

#[tokio::test]
async fn rpc_answers_one_frame_or_an_array() {
    let node = Node::start(&[]).await;
    let one = node
        .post("/v1/rpc", "application/json", r#"{"type":"ping","id":1}"#)
        .await;
    assert!(
        one.starts_with("HTTP/1.1 200") && one.ends_with(r#"{"type":"pong","id":1}"#),
        "{one}"
    );
    let refused = node
        .post("/v1/rpc", "application/json", r#"{"type":"task.list","id":"a"}"#)
        .await;
    assert!(
        refused.starts_with("HTTP/1.1 401") && refused.contains("www-authenticate: Bearer"),
        "{refused}"
    );
    let frame: Value = serde_json::from_str(refused.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!(
        (&frame["type"], &frame["id"], &frame["error"]["code"]),
        (&json!("error"), &json!("a"), &json!("AUTH_REQUIRED"))
    );
    let several = node
        .post(
            "/v1/rpc",
            "application/json",
            r#"[{"type":"ping","id":1},{"type":7},{"type":"auth","id":2,"data":{"token":"x"}}]"#,
        )
        .await;
    assert!(several.starts_with("HTTP/1.1 200"), "{several}");
    let frames: Vec<Value> =
        serde_json::from_str(several.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!(frames[0]["type"], "pong");
    assert_eq!(
        (&frames[1]["error"]["code"], &frames[2]["error"]["code"]),
        (&json!("BAD_FRAME"), &json!("VALIDATION_ERROR"))
    );
    let bad = node.post("/v1/rpc", "application/json", "nonsense").await;
    assert!(
        bad.starts_with("HTTP/1.1 400") && bad.contains("BAD_FRAME"),
        "{bad}"
    );
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused() {
    let node = Node::start(&[("allowed_hosts", "tasks.example.com")]).await;
    let refused = node.get("/livez", "").await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    let asked = node
        .http("GET /livez HTTP/1.1\r\nHost: tasks.example.com\r\nConnection: close\r\n\r\n")
        .await;
    assert!(asked.starts_with("HTTP/1.1 200"), "{asked}");
}

impl Node {
    async fn post(&self, path: &str, kind: &str, body: &str) -> String {
        let length = body.len();
        self.http(&format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}",
            self.address
        ))
        .await
    }
}
