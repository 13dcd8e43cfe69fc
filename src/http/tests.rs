//! What the layers do when a route panics or takes too long. The real routes do neither, so these are the tests' own, behind
//! the layers of a node.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::*;
use crate::auth::operators::Operators;
use crate::clock::Clock;
use crate::engine::Engine;

/// The routes of the tests.
const BROKEN: &str = "/v1/broken";
const GOOD: &str = "/v1/good";
const SLOW: &str = "/v1/slow";
/// What a panic says: it is in the log, and in no answer.
const SAID: &str = "the shelf broke";

async fn app(folder: &TempDir) -> Arc<App> {
    let data_dir = folder.path().to_string_lossy();
    let settings = Settings::from_pairs(&[("data_dir", &data_dir)]).expect("settings");
    let engine = Engine::start(&settings, Clock::system())
        .await
        .expect("an engine");
    App::new(Arc::new(settings), engine, Operators::default(), None)
}

/// The lines of the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends a request on a connection that stays open. Returns the head and the body of the answer.
async fn ask(tcp: &mut TcpStream, path: &str, id: &str) -> (String, Value) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: {id}\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = timeout(Duration::from_secs(10), tcp.read_u8()).await;
        head.push(byte.expect("an answer").expect("an open connection"));
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.split("content-length: ").nth(1).expect("a length");
    let length = length
        .split("\r\n")
        .next()
        .expect("a line")
        .parse()
        .expect("a number");
    let mut body = vec![0; length];
    tcp.read_exact(&mut body).await.expect("a body");
    (head, serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn a_request_that_panics_gets_an_error_of_the_usual_shape_and_its_connection_goes_on() {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(log.finish());
    let folder = tempfile::tempdir().expect("a folder");
    let routes = Router::new()
        .route(BROKEN, get(async || broken()))
        .route(GOOD, get(async || "{}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = axum::serve(listener, layered(routes, app(&folder).await));
    let serving = tokio::spawn(serving.into_future());
    let mut tcp = TcpStream::connect(address).await.expect("a connection");
    // a line that a test beside this one reaches first counts as wanted by nobody, because that test collects none
    ask(&mut tcp, BROKEN, "zeroth").await;
    tracing::callsite::rebuild_interest_cache();
    for id in ["first", "second"] {
        let (head, body) = ask(&mut tcp, BROKEN, id).await;
        assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
        assert!(head.contains(&format!("x-request-id: {id}\r\n")), "{head}");
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        assert_eq!(
            json!([body["success"], body["error"]["code"], body["request_id"]]),
            json!([false, "INTERNAL_ERROR", id])
        );
        assert!(!format!("{head}{body}").contains(SAID), "{body}");
        let (head, _) = ask(&mut tcp, GOOD, id).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let log = lines.text();
        let mut panics = log.lines().filter(|line| line.contains("a request panicked"));
        assert!(
            panics.any(|line| line.contains(SAID) && line.contains(id)),
            "{log}"
        );
    }
    serving.abort();
}

fn broken() -> Response {
    panic!("{SAID}")
}

#[tokio::test]
async fn a_handshake_that_panics_gets_an_error_too() {
    let answer = caught(async { broken() }).await;
    assert_eq!(answer.status(), 500);
}

/// The clock stands still except for the time limit, so the test does not wait for it.
#[tokio::test]
async fn a_request_that_takes_too_long_is_ended_and_gets_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app(&folder).await;
    let routes = Router::new().route(SLOW, get(std::future::pending::<Response>));
    let node = layered(routes, app.clone());
    tokio::time::pause();
    let begun = Instant::now();
    let request = Request::get(SLOW)
        .header("host", "localhost")
        .header("x-request-id", "mine");
    let answer = node
        .oneshot(request.body(Body::empty()).expect("a request"))
        .await;
    let Ok(answer) = answer;
    assert_eq!(answer.status(), ErrorCode::Timeout.status());
    assert_eq!(answer.headers()["x-request-id"], "mine");
    let waited = begun.elapsed();
    assert!(
        waited >= outer::PATIENCE && waited < outer::PATIENCE * 2,
        "{waited:?}"
    );
    let body = axum::body::to_bytes(answer.into_body(), BODY)
        .await
        .expect("a body");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        json!([body["error"]["code"], body["request_id"]]),
        json!(["TIMEOUT", "mine"])
    );
}
