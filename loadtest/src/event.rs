//! Reads fields at fixed positions of an event frame. It does not parse JSON, because it runs for every delivery. Does
//! not know the entity in the event.

use uuid::Uuid;

/// How every event frame begins.
const START: &[u8] = b"{\"type\":\"event\",\"stream\":\"";
const SEQ: &[u8] = b",\"seq\":";
const NAME: &[u8] = b",\"event\":\"";
const OP_ID: &[u8] = b"\"op_id\":\"";
/// How the name of every event of a task begins.
const OF_TASK: &[u8] = b"task.";
const SMALL: &[u8] = b"notification.deleted\"";
const DATA: &[u8] = b",\"data\":{\"id\":\"";

/// The kind of a text frame.
pub(crate) enum Frame<'a> {
    /// A durable event.
    Event(Event<'a>),
    /// A text that begins like an event but is not one.
    Broken,
    /// An answer, a signal, a pong.
    Other,
}

/// A durable event.
pub(crate) struct Event<'a> {
    /// Like `workspace:0199…`.
    pub(crate) stream: &'a [u8],
    /// Its place in the stream.
    pub(crate) seq: u64,
    /// The frame from the event's name on.
    rest: &'a [u8],
}

/// Reads a text frame.
pub(crate) fn read(text: &[u8]) -> Frame<'_> {
    let Some(rest) = text.strip_prefix(START) else {
        return Frame::Other;
    };
    event(rest).map_or(Frame::Broken, Frame::Event)
}

fn event(rest: &[u8]) -> Option<Event<'_>> {
    let end = memchr::memchr(b'"', rest)?;
    let (stream, rest) = (&rest[..end], rest[end + 1..].strip_prefix(SEQ)?);
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 16 {
        return None;
    }
    let seq = rest[..digits]
        .iter()
        .fold(0, |seq, digit| seq * 10 + u64::from(digit - b'0'));
    let rest = rest[digits..].strip_prefix(NAME)?;
    Some(Event { stream, seq, rest })
}

impl Event<'_> {
    /// Whether writers of this harness cause such events: events of tasks, and deleted notifications.
    pub(crate) fn is_awaited(&self) -> bool {
        self.rest.starts_with(OF_TASK) || self.rest.starts_with(SMALL)
    }

    /// Identifies the mutation that caused it: its `op_id`, or the notification that was deleted without one.
    pub(crate) fn cause(&self) -> Option<Uuid> {
        self.uuid_after(OP_ID).or_else(|| {
            let is_small = self.rest.starts_with(SMALL);
            is_small.then(|| self.uuid_after(DATA)).flatten()
        })
    }

    /// The UUID after `name`, which must be near the beginning of the frame.
    fn uuid_after(&self, name: &[u8]) -> Option<Uuid> {
        let head = &self.rest[..self.rest.len().min(600)];
        let start = memchr::memmem::find(head, name)? + name.len();
        Uuid::try_parse_ascii(head.get(start..start + 36)?).ok()
    }
}

/// The same event with another `seq`. The limit uses this to send a server's frame again.
pub(crate) fn renumbered(text: &[u8], seq: u64) -> Option<Vec<u8>> {
    let rest = text.strip_prefix(START)?;
    let before = START.len() + memchr::memchr(b'"', rest)? + 1 + SEQ.len();
    let digits = text[before..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let mut frame = Vec::with_capacity(text.len() + 8);
    frame.extend_from_slice(&text[..before]);
    frame.extend_from_slice(seq.to_string().as_bytes());
    frame.extend_from_slice(&text[before + digits..]);
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &str = r#"{"type":"event","stream":"workspace:019a","seq":42,"event":"task.created","at":"2026-01-01T00:00:00.000Z","actor":{"id":"1","name":"Ada"},"op_id":"0d9f1c1e-3b0c-4f55-9a08-1a5d0f6b7c11","data":{"id":"7"}}"#;

    fn event_of(text: &str) -> Event<'_> {
        match read(text.as_bytes()) {
            Frame::Event(event) => event,
            _ => panic!("not an event: {text}"),
        }
    }

    #[test]
    fn the_stream_and_seq_of_an_event_are_read_without_json() {
        let event = event_of(FRAME);
        assert_eq!((event.stream, event.seq), (&b"workspace:019a"[..], 42));
        assert!(event.is_awaited());
        let op_id = event.cause().expect("an op_id");
        assert_eq!(op_id.to_string(), "0d9f1c1e-3b0c-4f55-9a08-1a5d0f6b7c11");
    }

    #[test]
    fn a_deleted_notification_is_identified_by_its_id() {
        let id = "0d9f1c1e-3b0c-4f55-9a08-1a5d0f6b7c12";
        let small = |name: &str| {
            format!(
                r#"{{"type":"event","stream":"user:1","seq":7,"event":"{name}","at":"x","actor":null,"data":{{"id":"{id}","unread":5}}}}"#
            )
        };
        let (deleted, other) = (small("notification.deleted"), small("notification.created"));
        let (deleted, other) = (event_of(&deleted), event_of(&other));
        assert_eq!(deleted.cause().map(|id| id.to_string()).as_deref(), Some(id));
        assert!(deleted.is_awaited() && !other.is_awaited() && other.cause().is_none());
    }

    #[test]
    fn a_text_that_only_begins_like_an_event_is_broken() {
        assert!(matches!(read(br#"{"type":"ok","id":1}"#), Frame::Other));
        for rest in [
            r#"user:1"}"#,
            r#"user:1","seq":,"event":"x""#,
            r#"user:1","seq":"4""#,
        ] {
            let text = format!(r#"{{"type":"event","stream":"{rest}"#);
            assert!(matches!(read(text.as_bytes()), Frame::Broken), "{text}");
        }
    }

    #[test]
    fn renumbering_a_frame_changes_only_its_seq() {
        let other = renumbered(FRAME.as_bytes(), 1000).expect("an event");
        let other = String::from_utf8(other).expect("text");
        assert_eq!(other, FRAME.replace("\"seq\":42", "\"seq\":1000"));
    }
}
