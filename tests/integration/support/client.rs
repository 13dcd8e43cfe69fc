//! A WebSocket client that speaks plain JSON. It keeps frames until a test takes them, and checks each against the
//! contract.

use super::contract::Conversation;
use super::{PATIENCE, Server, http};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A socket, and the frames that the test has not taken yet.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    waiting: VecDeque<Value>,
    conversation: Conversation,
    next_id: i64,
    pub tokens: Value,
    pub welcome: Value,
}

impl Client {
    /// A socket that has not authenticated.
    pub async fn connect(server: &Server) -> Client {
        Client::dial(server.address).await
    }

    /// A socket that has not authenticated, of somebody whose address a trusted proxy names.
    pub async fn connect_from(server: &Server, from: &str) -> Client {
        let mut upgrade = upgrade(server.address);
        let from = from.parse().expect("the value of a header");
        upgrade.headers_mut().insert("x-forwarded-for", from);
        Client::open(upgrade).await
    }

    async fn dial(address: SocketAddr) -> Client {
        Client::open(upgrade(address)).await
    }

    async fn open(upgrade: Request) -> Client {
        let (socket, _) = timeout(PATIENCE, connect_async(upgrade))
            .await
            .expect("in time")
            .expect("a socket");
        Client {
            socket,
            waiting: VecDeque::new(),
            conversation: Conversation::default(),
            next_id: 0,
            tokens: Value::Null,
            welcome: Value::Null,
        }
    }

    /// Makes an account `NAME@example.com`, and an authenticated socket of it that follows everything.
    pub async fn sign_up(server: &Server, name: &str) -> Client {
        let tokens = http::sign_up(server, name).await;
        Client::with_tokens(server, &tokens, json!({})).await
    }

    /// An authenticated socket; `more` is added to the data of `auth` (`streams`, `resume`).
    pub async fn with_tokens(server: &Server, tokens: &Value, more: Value) -> Client {
        Client::connect(server).await.signed_in(tokens, more).await
    }

    /// An authenticated socket through a proxy.
    pub async fn through(proxy: SocketAddr, tokens: &Value) -> Client {
        Client::dial(proxy).await.signed_in(tokens, json!({})).await
    }

    async fn signed_in(self, tokens: &Value, more: Value) -> Client {
        let mut client = self;
        client.tokens = tokens.clone();
        let mut data = json!({ "token": tokens["access_token"] });
        for (key, value) in more.as_object().expect("an object") {
            data[key] = value.clone();
        }
        client
            .send(&json!({ "type": "auth", "id": "auth", "data": data }))
            .await;
        client.welcome = client.take("the welcome", |frame| frame["id"] == "auth").await;
        assert_eq!(client.welcome["type"], "welcome", "{}", client.welcome);
        client
    }

    /// An authenticated socket of a new session of the account `NAME@example.com`.
    pub async fn log_in(server: &Server, name: &str) -> Client {
        let email = format!("{name}@example.com");
        let login = json!({ "email": email, "password": super::PASSWORD, "token_delivery": "body" });
        let answer = http::post(server, "/v1/auth/login", &login).await;
        let tokens = answer.json().await.expect("tokens");
        Client::with_tokens(server, &tokens, json!({})).await
    }

    /// Another socket of the same session.
    pub async fn another(&self, server: &Server) -> Client {
        Client::with_tokens(server, &self.tokens, json!({})).await
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends a text as it is.
    pub async fn send_text(&mut self, text: &str) {
        self.conversation.sent(text);
        self.socket
            .send(Message::text(text))
            .await
            .expect("a socket that takes a frame");
    }

    /// Sends a request without waiting. Returns its id.
    pub async fn ask(&mut self, name: &str, data: Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "type": name, "id": id, "data": data })).await;
        id
    }

    /// Waits for the answer to a request: an `ok`, `error`, `pong` or `welcome` frame.
    pub async fn answer(&mut self, id: impl Into<Value>) -> Value {
        let id = id.into();
        let is_answer = |frame: &Value| frame["type"] != "event" && frame["type"] != "signal";
        self.take("an answer", |frame| is_answer(frame) && frame["id"] == id)
            .await
    }

    /// Sends a request, and waits for its answer of any type.
    pub async fn call(&mut self, name: &str, data: Value) -> Value {
        let id = self.ask(name, data).await;
        self.answer(id).await
    }

    /// Sends a request that must succeed. Returns its output.
    pub async fn ok(&mut self, name: &str, data: Value) -> Value {
        let answer = self.call(name, data).await;
        assert_eq!(answer["type"], "ok", "{name}: {answer}");
        answer["data"].clone()
    }

    /// Sends a request that must be refused. Returns the error.
    pub async fn refused(&mut self, name: &str, data: Value) -> Value {
        let answer = self.call(name, data).await;
        assert_eq!(answer["type"], "error", "{name}: {answer}");
        answer["error"].clone()
    }

    /// Takes the next event with this name. Other frames are kept.
    pub async fn event(&mut self, name: &str) -> Value {
        self.take(name, |frame| frame["type"] == "event" && frame["event"] == name)
            .await
    }

    /// Takes the next event of a stream.
    pub async fn next_of(&mut self, stream: &str) -> Value {
        self.take(stream, |frame| {
            frame["type"] == "event" && frame["stream"] == stream
        })
        .await
    }

    /// Takes the next signal with this name.
    pub async fn signal(&mut self, name: &str) -> Value {
        self.take(name, |frame| frame["type"] == "signal" && frame["signal"] == name)
            .await
    }

    /// Takes a signal with this name if one has arrived.
    pub fn took(&mut self, name: &str) -> Option<Value> {
        let is_it = |frame: &Value| frame["type"] == "signal" && frame["signal"] == name;
        let at = self.waiting.iter().position(is_it)?;
        self.waiting.remove(at)
    }

    /// How many frames of a type have arrived and were not taken yet.
    pub fn waiting(&self, kind: &str) -> usize {
        self.waiting.iter().filter(|frame| frame["type"] == kind).count()
    }

    /// Takes the first frame that fits: one that has arrived, or else a later one.
    pub async fn take(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(at).expect("it is there");
        }
        let arriving = async {
            loop {
                let frame = self
                    .frame()
                    .await
                    .unwrap_or_else(|code| panic!("the socket closed with {code:?} before {what} arrived"));
                if fits(&frame) {
                    return frame;
                }
                self.waiting.push_back(frame);
            }
        };
        let arrived = timeout(PATIENCE, arriving).await;
        arrived.unwrap_or_else(|_| panic!("{what} did not arrive; frames not taken: {:?}", self.waiting))
    }

    /// The next frame, or the code with which the socket closed.
    async fn frame(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).expect("JSON");
                    self.conversation.received(&frame);
                    return Ok(frame);
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Takes all frames until the socket is closed. Returns them and the close code.
    pub async fn until_closed(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut frames: Vec<Value> = self.waiting.drain(..).collect();
        let closing = async {
            loop {
                match self.frame().await {
                    Ok(frame) => frames.push(frame),
                    Err(code) => return code,
                }
            }
        };
        let code = timeout(PATIENCE, closing).await.expect("a close in time");
        (frames, code)
    }

    /// Takes the events so far. A round trip first makes sure that all events sent before it have arrived.
    pub async fn events_so_far(&mut self) -> Vec<Value> {
        // a ping would not do: its answer skips the queue
        self.ok("profile.get", json!({})).await;
        let is_event = |frame: &Value| frame["type"] == "event";
        let (events, rest): (Vec<Value>, Vec<Value>) = self.waiting.drain(..).partition(is_event);
        self.waiting = rest.into();
        events
    }

    /// Drops the events that have arrived.
    pub fn forget_events(&mut self) {
        self.waiting.retain(|frame| frame["type"] != "event");
    }

    /// The id of the personal workspace.
    pub fn personal(&self) -> String {
        let streams = self.welcome["data"]["streams"].as_array().expect("streams");
        let personal = streams
            .iter()
            .find(|stream| stream["workspace"]["kind"] == "personal");
        personal.expect("a personal workspace")["workspace"]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// The caller's id.
    pub fn user_id(&self) -> String {
        self.welcome["data"]["user"]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// Resets the connection: what the server has not answered yet, nobody waits for.
    pub fn reset(self) {
        if let MaybeTlsStream::Plain(tcp) = self.socket.get_ref() {
            tcp.set_zero_linger().expect("a reset");
        }
    }

    /// Ends the connection without a close frame.
    pub fn cut(self) {
        drop(self);
    }
}

/// The request that opens a socket.
fn upgrade(address: SocketAddr) -> Request {
    let url = format!("ws://{address}/v1/socket");
    url.into_client_request().expect("a request")
}
