//! `socket`: frames by hand.

use crate::{connect::Context, fault::Fault, output::Output, terminal, waiting::waiting};
use serde_json::Value;
use std::{collections::BTreeMap, io::BufRead as _, time::Duration};
use taskwire_client::{
    RawFrame, RawSocket,
    protocol::frames::{NotARequest, RequestFrame, RequestId},
};
use tokio::sync::mpsc;

/// After the end of the input, the command waits this long for the next frame.
const LAST_FRAMES: Duration = Duration::from_secs(10);
/// Lines that wait to be sent.
const WAITING: usize = 16;

/// Sends each line of standard input as a frame, and prints each frame that arrives. After the end of the input it waits
/// for the answers to what it sent, and for the events of the changes that they tell of.
pub(crate) async fn socket(context: &Context, output: &Output) -> Result<(), Fault> {
    let mut socket = RawSocket::open(&context.anonymous()).await?;
    terminal::note(&format!(
        "tw: connected to {}; the first frame is `auth`",
        context.url
    ));
    let mut input = Some(lines());
    let mut due = Due::default();
    let mut silent = false;
    while input.is_some() || !due.is_empty() {
        tokio::select! {
            line = next(&mut input) => match line {
                Some(line) => {
                    due.sent(&line);
                    socket.send(&line).await?;
                }
                None => input = None,
            },
            frame = socket.next() => match frame {
                RawFrame::Text(text) => {
                    output.frame(&text)?;
                    due.received(&text);
                }
                RawFrame::Closed(code, reason) => return Err(closed(code, &reason)),
                _ => {}
            },
            () = waiting("the next frame", tokio::time::sleep(LAST_FRAMES)), if input.is_none() => {
                silent = true;
                break;
            }
        }
    }
    socket.close().await;
    match due.unanswered.len() {
        // An event may be missing too, but not every change is one that the socket may see.
        missing if silent && missing > 0 => Err(Fault::other(format!(
            "{missing} of the frames have no answer; nothing arrived for {} s",
            LAST_FRAMES.as_secs()
        ))),
        _ => Ok(()),
    }
}

fn closed(code: Option<u16>, reason: &str) -> Fault {
    match code {
        Some(code) => Fault::other(format!("the server closed the socket with {code}: {reason}")),
        None => Fault::other("the connection was cut"),
    }
}

/// The lines of standard input. A thread reads them: a read of a terminal cannot be cancelled.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(WAITING);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if !line.trim().is_empty() && sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The next line; waits for ever after the last one.
async fn next(input: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match input {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// What the server still has to send: answers, and the events of changes that were answered. Events may come after the
/// answer.
#[derive(Default)]
struct Due {
    /// The ids that answers will have. It is `null` for a line that is no request.
    unanswered: Vec<Value>,
    /// The streams that the socket follows.
    streams: BTreeMap<String, Stream>,
}

/// Positions in a stream.
#[derive(Default)]
struct Stream {
    /// The last event that arrived, or the position from which events come.
    seen: u64,
    /// The last change that was answered.
    changed: u64,
}

impl Due {
    fn sent(&mut self, line: &str) {
        let id = match RequestFrame::parse(line) {
            Ok(RequestFrame { id: None, .. }) => return, // it is only answered if it is refused
            Ok(RequestFrame { id: Some(id), .. }) | Err(NotARequest::Invalid(Some(id), _)) => match id {
                RequestId::Number(number) => number.into(),
                RequestId::Text(text) => text.into(),
            },
            Err(NotARequest::Invalid(None, _) | NotARequest::BadFrame(_)) => Value::Null,
        };
        self.unanswered.push(id);
    }

    fn received(&mut self, text: &str) {
        let frame = read(text);
        // Events and signals have no id.
        let answered = frame.get("id");
        let answered = self.unanswered.iter().position(|id| Some(id) == answered);
        if let Some(answered) = answered {
            self.unanswered.swap_remove(answered);
        }
        match frame["type"].as_str() {
            Some("welcome") => {
                let streams = frame["data"]["streams"].as_array().into_iter().flatten();
                for state in streams.filter(|state| is_followed(state)) {
                    self.seen(state);
                }
            }
            Some("event") => self.seen(&frame),
            _ => {}
        }
        for (stream, seq) in frame["at"].as_object().into_iter().flatten() {
            if let Some(stream) = self.streams.get_mut(stream) {
                stream.changed = stream.changed.max(seq.as_u64().unwrap_or_default());
            }
        }
    }

    /// Everything up to this position of a stream has arrived.
    fn seen(&mut self, position: &Value) {
        if let (Some(stream), Some(seq)) = (position["stream"].as_str(), position["seq"].as_u64()) {
            self.streams.entry(stream.to_owned()).or_default().seen = seq;
        }
    }

    fn is_empty(&self) -> bool {
        self.unanswered.is_empty() && self.streams.values().all(|stream| stream.seen >= stream.changed)
    }
}

/// Whether the events of a stream that `welcome` names arrive here.
fn is_followed(state: &Value) -> bool {
    !matches!(state["reason"].as_str(), Some("no_access" | "limit"))
}

/// A frame of any shape: this command sends what it is given.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
