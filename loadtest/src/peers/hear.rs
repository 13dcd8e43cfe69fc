//! Classifies a text from a peer: an event, an answer, or something else. It reads how the text begins and does not
//! parse JSON. For every peer, the number of an event is in its task's title, `Task 7 of …`.

use super::peer::Peer;
use crate::trouble::Trouble;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// A text from a server.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Heard<'a> {
    /// The event with this number.
    Event(u64),
    /// A success.
    Ok(&'a [u8]),
    /// A refusal.
    Refused(&'a [u8]),
    /// Anything else: greetings, other events.
    Other(&'a [u8]),
}

impl Heard<'_> {
    /// The error, if this is a refusal of `what`.
    pub(super) fn refusal(&self, what: &'static str) -> Option<Trouble> {
        match self {
            Heard::Refused(why) => Some(Trouble::Declined(what, String::from_utf8_lossy(why).into_owned())),
            _ => None,
        }
    }
}

static TITLE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""title":"Task "#));

/// Reads a text.
pub(super) fn text(peer: Peer, text: &[u8]) -> Heard<'_> {
    let (event, answer) = match peer {
        Peer::Socketio => (
            text.starts_with(br#"42["event","#),
            text.strip_prefix(b"43").map(without_number),
        ),
        _ => (text.starts_with(br#"{"type":"event""#), Some(text)),
    };
    if event {
        return number(text).map_or(Heard::Other(text), Heard::Event);
    }
    match answer {
        Some(answer) if answer.starts_with(br#"{"type":"ok""#) => Heard::Ok(answer),
        Some(answer) if answer.starts_with(br#"{"type":"error""#) => Heard::Refused(answer),
        _ if peer == Peer::Socketio && text.starts_with(b"44") => Heard::Refused(text),
        _ => Heard::Other(text),
    }
}

/// The list of an acknowledgement, `7[…]`, without its number and bracket.
fn without_number(text: &[u8]) -> &[u8] {
    let begin = text.iter().position(|byte| *byte == b'[').map_or(0, |at| at + 1);
    &text[begin..]
}

/// The number in the title of an event's task.
fn number(text: &[u8]) -> Option<u64> {
    let begin = TITLE.find(text)? + TITLE.needle().len();
    let mut number = None;
    for byte in &text[begin..] {
        match byte {
            b'0'..=b'9' => number = Some(number.unwrap_or(0) * 10 + u64::from(byte - b'0')),
            _ => break,
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_answers_and_other_texts_are_distinguished() {
        let event =
            br#"{"type":"event","seq":3,"event":"task.created","data":{"title":"Task 41 of a load test"}}"#;
        assert_eq!(text(Peer::Taskwire, event), Heard::Event(41));
        let note = br#"{"type":"event","event":"notification.created","data":{"title":"Task created"}}"#;
        assert_eq!(text(Peer::Taskwire, note), Heard::Other(note));
        let ok = br#"{"type":"ok","id":1,"data":{"title":"Task 41 of a load test"}}"#;
        assert_eq!(text(Peer::Fastapi, ok), Heard::Ok(ok));
        let event = br#"42["event",{"type":"event","data":{"title":"Task 5 of"}}]"#;
        assert_eq!(text(Peer::Socketio, event), Heard::Event(5));
        assert_eq!(
            text(Peer::Socketio, br#"4312[{"type":"error"}]"#),
            Heard::Refused(br#"{"type":"error"}]"#)
        );
        assert_eq!(text(Peer::Socketio, b"44{}"), Heard::Refused(b"44{}"));
    }
}
