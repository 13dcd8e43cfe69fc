//! Somebody who can read and write in Redis, and has no secret: records what instances say, and makes up messages of their form.

use super::number;
use crate::support::redis::shared_url;
use crate::support::{Server, eventually, http, text};
use futures_util::StreamExt;
use redis::aio::MultiplexedConnection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex};
use tokio::task::AbortHandle;

/// The kinds of messages, as in the first bytes of each.
pub const ENTRIES: u8 = 1;
pub const NOTE: u8 = 4;
pub const PROBE: u8 = 5;
/// The bytes before the body, and behind it.
const HEADER: usize = 34;
const SEAL: usize = 16;

/// A message that was published.
#[derive(Clone)]
pub struct Heard {
    pub channel: String,
    pub bytes: Vec<u8>,
}

impl Heard {
    pub fn kind(&self) -> u8 {
        self.bytes.get(1).copied().unwrap_or_default()
    }

    pub fn sender(&self) -> &[u8] {
        self.bytes.get(2..10).unwrap_or_default()
    }

    /// The words of a note about administration.
    pub fn words(&self) -> Option<Value> {
        let body = self.bytes.get(HEADER..self.bytes.len().checked_sub(SEAL)?)?;
        let note: Value = serde_json::from_slice(body).ok()?;
        (note["about"] == "admin").then(|| note["words"].clone())
    }
}

/// Somebody who can read and write in Redis.
pub struct Stranger {
    pub link: MultiplexedConnection,
    pub prefix: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    hearing: AbortHandle,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

impl Stranger {
    pub async fn listens(prefix: &str) -> Stranger {
        let client = redis::Client::open(shared_url()).expect("a client");
        let mut ears = client.get_async_pubsub().await.expect("a connection");
        ears.psubscribe(format!("{prefix}:*")).await.expect("subscribed");
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let noted = heard.clone();
        let hearing = tokio::spawn(async move {
            let mut messages = ears.into_on_message();
            while let Some(message) = messages.next().await {
                noted.lock().expect("no panic").push(Heard {
                    channel: message.get_channel_name().to_owned(),
                    bytes: message.get_payload_bytes().to_vec(),
                });
            }
        });
        let link = client.get_multiplexed_async_connection().await;
        Stranger {
            link: link.expect("a connection"),
            prefix: prefix.to_owned(),
            heard,
            hearing: hearing.abort_handle(),
        }
    }

    /// What was heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no panic").clone()
    }

    pub async fn publish(&mut self, channel: &str, bytes: &[u8]) {
        let said = redis::cmd("PUBLISH")
            .arg(format!("{}:{channel}", self.prefix))
            .arg(bytes)
            .query_async::<u64>(&mut self.link)
            .await;
        assert!(
            said.is_ok_and(|listeners| listeners > 0),
            "nobody listens on {channel}"
        );
    }
}

/// A message as an instance writes it, with a seal that the forger makes up.
pub fn forged(kind: u8, sender: u64, epoch: &Value, body: &[u8]) -> Vec<u8> {
    let epoch = Sha256::digest(text(epoch).as_bytes());
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("a time").as_millis() as u64;
    let number = u64::MAX / 2;
    [
        &[2, kind][..],
        &sender.to_be_bytes(),
        &epoch[..8],
        &number.to_be_bytes(),
        &now_ms.to_be_bytes(),
        body,
        &[7; SEAL],
    ]
    .concat()
}

/// The same in the first version, without number, time and seal.
pub fn forged_as_of_old(kind: u8, epoch: &Value, body: &[u8]) -> Vec<u8> {
    let new = forged(kind, 77, epoch, body);
    [&[1, kind][..], &new[2..18], body].concat()
}

pub fn entry(seq: u64, frame: &str) -> Vec<u8> {
    let length = u32::try_from(frame.len()).expect("short");
    [&seq.to_be_bytes()[..], &length.to_be_bytes(), frame.as_bytes()].concat()
}

pub fn note(words: &Value) -> Vec<u8> {
    json!({ "about": "admin", "words": words })
        .to_string()
        .into_bytes()
}

/// How many messages an instance refused, for any reason.
pub async fn refused(server: &Server) -> f64 {
    let metrics = http::get(server, "/metrics").await.text().await.expect("numbers");
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with("taskwire_bus_refused_total{"));
    let numbers = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    numbers.sum()
}

pub async fn refused_for(server: &Server, reason: &str) -> f64 {
    number(
        server,
        &format!("taskwire_bus_refused_total{{reason=\"{reason}\"}}"),
    )
    .await
}

/// Waits until an instance has refused so many more messages than `before`.
pub async fn refuses(server: &Server, before: f64, more: usize) {
    eventually("the messages are refused", async || {
        (refused(server).await >= before + more as f64).then_some(())
    })
    .await;
}

/// The questions and answers about sockets that were heard: each with the id of the question.
pub fn about_sockets(stranger: &Stranger, what: &str) -> Vec<Value> {
    let heard = stranger.heard().into_iter();
    let words = heard.filter_map(|heard| heard.words());
    words
        .map(|words| words[what].clone())
        .filter(|words| !words.is_null())
        .collect()
}
