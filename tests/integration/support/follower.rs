//! A client that knows its position in each stream. It waits for the events of its own requests. It panics at a gap,
//! and at an event of a request that should change nothing.

use super::{Client, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A socket with its positions.
pub struct Follower {
    pub client: Client,
    pub heads: BTreeMap<String, u64>,
}

/// The result of a mutation.
pub struct Done {
    pub data: Value,
    pub at: BTreeMap<String, u64>,
    /// Its events and those before them, one stream after the other.
    pub events: Vec<Value>,
}

impl Done {
    /// The names of the events.
    pub fn names(&self) -> Vec<&str> {
        names(&self.events)
    }

    /// The one event with this name.
    #[track_caller]
    pub fn event(&self, name: &str) -> &Value {
        let mut found = self.events.iter().filter(|event| event["event"] == name);
        let event = found
            .next()
            .unwrap_or_else(|| panic!("no {name}: {:?}", self.events));
        assert!(found.next().is_none(), "two {name}: {:?}", self.events);
        event
    }
}

/// The names of events.
pub fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap_or_default())
        .collect()
}

impl Follower {
    /// A new account that follows all of its streams.
    pub async fn sign_up(server: &Server, name: &str) -> Follower {
        Follower::new(Client::sign_up(server, name).await)
    }

    /// Follows from the heads in `welcome`.
    pub fn new(client: Client) -> Follower {
        let streams = client.welcome["data"]["streams"].as_array().expect("streams");
        let heads = streams
            .iter()
            .map(|state| (text(&state["stream"]), state["seq"].as_u64().expect("a seq")));
        let heads = heads.collect();
        Follower { client, heads }
    }

    /// Sends a mutation that must succeed, and waits for its events.
    pub async fn act(&mut self, name: &str, data: Value) -> Done {
        let answer = self.client.call(name, data).await;
        assert_eq!(answer["type"], "ok", "{name}: {answer}");
        self.finish(&answer).await
    }

    /// Sends a mutation with an `op_id`. Returns the whole answer.
    pub async fn act_once(&mut self, op_id: &str, name: &str, data: Value) -> Value {
        once(&mut self.client, op_id, name, data).await
    }

    /// Waits for the events of an answer.
    pub async fn finish(&mut self, answer: &Value) -> Done {
        let at: BTreeMap<String, u64> =
            serde_json::from_value(answer["at"].clone()).expect("positions in `at`");
        let mut events = Vec::new();
        // the user's stream first: it says which workspaces are followed from now on
        for (stream, seq) in &at {
            events.extend(self.catch_up(stream, *seq).await);
        }
        Done {
            data: answer["data"].clone(),
            at,
            events,
        }
    }

    /// Sends a mutation that must change nothing. Returns its output.
    pub async fn unchanged(&mut self, name: &str, data: Value) -> Value {
        let answer = self.client.call(name, data).await;
        assert_eq!(answer["type"], "ok", "{name}: {answer}");
        assert_eq!(answer["at"], json!({}), "{name} changed something: {answer}");
        answer["data"].clone()
    }

    /// Sends a request that must be refused. Returns the code and field of the error.
    pub async fn refused(&mut self, name: &str, data: Value) -> (String, Option<String>) {
        let error = self.client.refused(name, data).await;
        (text(&error["code"]), error["field"].as_str().map(str::to_owned))
    }

    /// Takes the events of a stream up to `seq`, without a gap.
    pub async fn catch_up(&mut self, stream: &str, seq: u64) -> Vec<Value> {
        let mut events = Vec::new();
        while self.heads.get(stream).is_some_and(|head| *head < seq) {
            let event = self.client.next_of(stream).await;
            let head = self.heads.get_mut(stream).expect("a followed stream");
            assert_eq!(event["seq"], *head + 1, "a gap: {event}");
            *head += 1;
            if event["event"] == "access.granted" {
                let granted = &event["data"];
                let joined = format!("workspace:{}", text(&granted["workspace"]["id"]));
                self.heads.insert(joined, granted["seq"].as_u64().expect("a seq"));
            }
            events.push(event);
        }
        events
    }

    /// Takes the events of another client's mutation, in the streams that this client follows.
    pub async fn witness(&mut self, done: &Done) -> Vec<Value> {
        let mut events = Vec::new();
        for (stream, seq) in &done.at {
            events.extend(self.catch_up(stream, *seq).await);
        }
        events
    }

    /// Takes all events of the user's own stream so far.
    pub async fn own_events(&mut self) -> Vec<Value> {
        let stream = format!("user:{}", self.client.user_id());
        let head = self.head_of(&stream).await;
        self.catch_up(&stream, head).await
    }

    /// The head of a stream by its history.
    pub async fn head_of(&mut self, stream: &str) -> u64 {
        let mut after = self.heads.get(stream).copied().unwrap_or_default();
        loop {
            let asked = json!({ "stream": stream, "after": after, "limit": 500 });
            let page = self.client.ok("stream.history", asked).await;
            let events = page["events"].as_array().expect("events");
            after = events
                .last()
                .map_or(after, |event| event["seq"].as_u64().expect("a seq"));
            if page["has_more"] == false {
                return after;
            }
        }
    }
}

/// Sends a request with an `op_id`. Returns the whole answer.
pub async fn once(client: &mut Client, op_id: &str, name: &str, data: Value) -> Value {
    let id = format!("once {op_id}");
    client
        .send(&json!({ "type": name, "id": id, "op_id": op_id, "data": data }))
        .await;
    client.answer(id).await
}

/// A JSON string.
#[track_caller]
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a string"))
        .to_owned()
}

/// The values of one field of a list's items.
pub fn pluck(list: &Value, field: &str) -> Vec<Value> {
    let items = list.as_array().or_else(|| list["items"].as_array());
    let items = items.unwrap_or_else(|| panic!("{list} is not a list"));
    items.iter().map(|item| item[field].clone()).collect()
}
