//! A reader of `GET /v1/events`: its messages one after the other, and where it was. It checks each frame against the
//! contract. Knows no more of a position than a client does.

use super::contract::Conversation;
use super::http::Response;
use super::{PATIENCE, Server, http, text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::time::timeout;
use uuid::Uuid;

/// A message of the stream; a comment has the name `:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub name: String,
    pub data: Value,
    /// The last id that came, with this message or before.
    pub id: String,
}

/// The stream, and the messages that the test has not taken yet.
pub struct EventReader {
    answer: Response,
    conversation: Conversation,
    rest: Vec<u8>,
    waiting: VecDeque<Message>,
    /// The id of the last message that came.
    pub last: String,
    pub welcome: Value,
}

impl EventReader {
    /// A stream of everything from now on.
    pub async fn open(server: &Server, tokens: &Value) -> EventReader {
        EventReader::opened(server, tokens, "", None).await
    }

    /// A stream that continues after a message.
    pub async fn after(server: &Server, tokens: &Value, last: &str) -> EventReader {
        EventReader::opened(server, tokens, "", Some(last)).await
    }

    /// A stream by this query, and by this header.
    pub async fn opened(server: &Server, tokens: &Value, query: &str, last: Option<&str>) -> EventReader {
        let answer = ask(server, text(&tokens["access_token"]), query, last).await;
        assert_eq!(
            answer.status(),
            200,
            "{}",
            answer.text().await.unwrap_or_default()
        );
        let mut reader = EventReader {
            answer,
            conversation: Conversation::default(),
            rest: Vec::new(),
            waiting: VecDeque::new(),
            last: String::new(),
            welcome: Value::Null,
        };
        let first = reader.next().await.expect("a welcome");
        assert_eq!(first.name, "welcome", "{first:?}");
        assert!(!first.id.is_empty(), "a welcome without a position");
        reader.welcome = json!({ "type": "welcome", "id": null, "data": first.data });
        reader.conversation.received(&reader.welcome);
        reader
    }

    /// The headers of the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers().get(name)?.to_str().ok()
    }

    /// The next message; `None` at the end of the answer.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                self.last.clone_from(&message.id);
                return Some(message);
            }
            let piece = timeout(PATIENCE, self.answer.chunk())
                .await
                .expect("more in time");
            // a server that was killed breaks the answer off
            let piece = piece.ok().flatten()?;
            self.rest.extend_from_slice(&piece);
            self.cut();
        }
    }

    fn cut(&mut self) {
        let mut id = self.waiting.back().map_or(&self.last, |last| &last.id).clone();
        while let Some(end) = self.rest.windows(2).position(|two| two == b"\n\n") {
            let block: Vec<u8> = self.rest.drain(..end + 2).collect();
            let block = String::from_utf8(block).expect("text");
            let (mut name, mut data) = (String::new(), Value::Null);
            for line in block.lines().filter(|line| !line.is_empty()) {
                match line.split_once(": ").expect("a field") {
                    ("id", text) => text.clone_into(&mut id),
                    ("event", text) => text.clone_into(&mut name),
                    ("data", text) => data = serde_json::from_str(text).expect("JSON"),
                    ("", _) => ":".clone_into(&mut name),
                    other => panic!("{other:?}"),
                }
            }
            if name == "event" || name == "signal" {
                assert_eq!(data["type"], *name, "{block}");
                self.conversation.received(&data);
            }
            self.waiting.push_back(Message {
                name,
                data,
                id: id.clone(),
            });
        }
    }

    /// The next event frame. Other messages are dropped.
    pub async fn event(&mut self) -> Value {
        loop {
            let message = self.next().await.expect("an event");
            match message.name.as_str() {
                "event" => return message.data,
                "close" => panic!("it was closed: {message:?}"),
                _ => {}
            }
        }
    }

    /// The next event with this name.
    pub async fn named(&mut self, name: &str) -> Value {
        loop {
            let event = self.event().await;
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Takes the events up to the one of this task.
    pub async fn until_task(&mut self, title: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            events.push(self.event().await);
            if events.last().expect("one")["data"]["title"] == title {
                return events;
            }
        }
    }

    /// The code of the close, with the names of the events and signals before it. The answer ends after it.
    pub async fn closed(&mut self) -> (Vec<String>, u64) {
        let mut names = Vec::new();
        while let Some(message) = self.next().await {
            if message.name == "close" {
                assert!(self.next().await.is_none(), "something came after the close");
                return (names, message.data["code"].as_u64().expect("a code"));
            }
            let signal = message.data["signal"].as_str();
            if message.name != ":" {
                names.push(signal.map_or(message.name, str::to_owned));
            }
        }
        panic!("it ended without a close, after {names:?}");
    }

    /// The streams in the welcome, by name.
    pub fn stream(&self, name: &str) -> Value {
        let streams = self.welcome["data"]["streams"].as_array().expect("streams");
        let found = streams.iter().find(|state| state["stream"] == name);
        found.cloned().unwrap_or_default()
    }

    /// Whether every stream was resumed.
    pub fn is_resumed(&self) -> bool {
        let streams = self.welcome["data"]["streams"].as_array().expect("streams");
        streams.iter().all(|state| state["resumed"] == true)
    }
}

/// The id of an event as a server makes it, with a position in one stream: for one that is older than the log.
pub fn id(epoch: &str, stream: &str, seq: u8) -> String {
    let (kind, id) = stream.split_once(':').expect("the name of a stream");
    let id: Uuid = id.parse().expect("an id");
    let mut bytes = vec![1, u8::try_from(epoch.len()).expect("a short epoch")];
    bytes.extend(epoch.bytes());
    bytes.push(kind.as_bytes()[0]);
    bytes.extend(id.as_bytes());
    bytes.push(seq);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Asks for a stream.
pub async fn ask(server: &Server, token: &str, query: &str, last: Option<&str>) -> Response {
    let path = format!("/v1/events{query}");
    let mut request = http::request(server, Method::GET, &path).bearer_auth(token);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    request.send().await.expect("an answer")
}
