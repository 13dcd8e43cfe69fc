//! A socket that mostly follows nothing and reads no more of an answer than it must: attackers and victims share the machine
//! with the server, so their own side must cost little.

use crate::support::{PATIENCE, Server};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How an event begins.
const EVENT: &str = "{\"type\":\"event\"";

type Socket = WebSocketStream<TcpStream>;

/// A socket.
pub struct Line {
    out: SplitSink<Socket, Message>,
    into: SplitStream<Socket>,
    asked: u64,
}

impl Line {
    /// An authenticated socket from this address.
    pub async fn open(server: &Server, from: Ipv4Addr, tokens: &Value) -> Line {
        let follows_nothing = json!({ "token": tokens["access_token"], "streams": [] });
        Line::welcomed(server, from, &follows_nothing).await.0
    }

    /// The same, which follows all that its user may read. Returns the welcome too.
    pub async fn follow(server: &Server, from: Ipv4Addr, tokens: &Value) -> (Line, Utf8Bytes) {
        Line::welcomed(server, from, &json!({ "token": tokens["access_token"] })).await
    }

    async fn welcomed(server: &Server, from: Ipv4Addr, auth: &Value) -> (Line, Utf8Bytes) {
        let line = Line::connect(server.address, from).await;
        let mut line = line.expect("a socket");
        line.send("auth", &auth.to_string()).await;
        let welcome = line.answer().await.expect("a welcome");
        assert!(welcome.starts_with("{\"type\":\"welcome\""), "{welcome}");
        (line, welcome)
    }

    /// A stranger's socket from this address, unless the server refuses it or does not answer.
    pub async fn connect(server: SocketAddr, from: Ipv4Addr) -> Option<Line> {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).expect("an address of this machine");
        let tcp = timeout(PATIENCE, socket.connect(server)).await.ok()?.ok()?;
        tcp.set_nodelay(true).expect("a socket that does not wait");
        let upgraded = client_async(format!("ws://{server}/v1/socket"), tcp);
        let (socket, _) = timeout(PATIENCE, upgraded).await.ok()?.ok()?;
        let (out, into) = socket.split();
        let asked = 0;
        Some(Line { out, into, asked })
    }

    /// Sends a request; `data` is JSON.
    pub async fn send(&mut self, name: &str, data: &str) {
        let sent = self.try_send(name, data).await;
        sent.expect("a socket that takes a frame");
    }

    /// The same on a socket that the server may have closed.
    pub async fn try_send(&mut self, name: &str, data: &str) -> Result<(), Error> {
        self.asked += 1;
        let text = format!("{{\"type\":\"{name}\",\"id\":{},\"data\":{data}}}", self.asked);
        self.out.send(Message::text(text)).await
    }

    /// The next answer; `None` when the socket has closed. Events and signals are skipped.
    pub async fn answer(&mut self) -> Option<Utf8Bytes> {
        loop {
            match self.into.next().await? {
                Ok(Message::Text(text)) if is_told(&text) => {}
                Ok(Message::Text(text)) => return Some(text),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next event; `None` when the socket has closed. Everything else is skipped.
    pub async fn event(&mut self) -> Option<Utf8Bytes> {
        loop {
            match self.into.next().await? {
                Ok(Message::Text(text)) if text.starts_with(EVENT) => return Some(text),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Sends a request, and waits for its answer, which must be `ok`.
    pub async fn ok(&mut self, name: &str, data: &str) -> Utf8Bytes {
        self.send(name, data).await;
        let answer = timeout(PATIENCE, self.answer()).await.expect("an answer in time");
        let answer = answer.expect("a socket that stays");
        assert!(answer.starts_with("{\"type\":\"ok\""), "{name}: {answer}");
        answer
    }
}

/// Whether nobody asked for a frame.
fn is_told(text: &str) -> bool {
    text.starts_with(EVENT) || text.starts_with("{\"type\":\"signal\"")
}
