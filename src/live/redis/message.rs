//! The messages between instances, in bytes: the sender and its epoch, then entries, a signal, a note or a probe. The
//! channel names the stream. Does not know how messages travel. Bytes that cannot be read are ignored.

use crate::live::Note;
use crate::live::{Frame, Published, control};
use sha2::{Digest, Sha256};
use taskwire_protocol::StreamId;

/// The largest event frame that is sent; of a larger one only the seq is sent.
pub(super) const FRAME: usize = 8 * 1024;
/// Once a message has this many bytes, no further entry is put into it.
pub(super) const MESSAGE: usize = 64 * 1024;

/// The first byte. An instance with another version ignores the message, and reads the entries from the log.
const VERSION: u8 = 1;
/// The bytes of version, kind, sender and epoch.
const HEADER: usize = 2 + 8 + 8;
/// Stands in place of a length when the frame is only in the log.
const IN_LOG: u32 = u32::MAX;

/// The sender of a message, and its epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// A number that is new at each start of an instance.
    pub(super) sender: u64,
    /// A hash of the epoch's name.
    pub(super) epoch: u64,
}

impl Stamp {
    pub(super) fn new(sender: u64, epoch: &str) -> Stamp {
        let hash = Sha256::digest(epoch.as_bytes());
        let epoch = hash
            .iter()
            .take(8)
            .fold(0, |all, byte| all << 8 | u64::from(*byte));
        Stamp { sender, epoch }
    }
}

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Entries = 1,
    Forget = 2,
    Signal = 3,
    Note = 4,
    Probe = 5,
    Compare = 6,
}

/// A message of another instance.
#[derive(Debug)]
pub(super) enum Message {
    /// Entries of one stream.
    Entries {
        entries: Vec<Published>,
        /// Entries whose frames are only in the log.
        in_log: Vec<u64>,
        /// The last entry that rewrote earlier ones.
        rewrites: Option<u64>,
    },
    /// The log was rewritten up to this seq.
    Forget(u64),
    /// Every stream may have entries in the log that were not published.
    Compare,
    Signal(Frame),
    Note(Note),
}

/// A message being written.
pub(super) struct Writing(Vec<u8>);

impl Writing {
    fn new(kind: Kind, stamp: Stamp, room: usize) -> Writing {
        let mut bytes = Vec::with_capacity(HEADER + room);
        bytes.extend([VERSION, kind as u8]);
        bytes.extend(stamp.sender.to_be_bytes());
        bytes.extend(stamp.epoch.to_be_bytes());
        Writing(bytes)
    }

    /// Begins a message of one stream's entries.
    pub(super) fn entries(stamp: Stamp) -> Writing {
        Writing::new(Kind::Entries, stamp, 1024)
    }

    /// Adds an entry. `frame` is `None` when it is only in the log.
    pub(super) fn entry(&mut self, seq: u64, frame: Option<&Frame>) {
        self.0.extend(seq.to_be_bytes());
        let length = frame.map_or(IN_LOG, |frame| frame.len() as u32);
        self.0.extend(length.to_be_bytes());
        self.0
            .extend_from_slice(frame.map_or(&[][..], |frame| frame.as_bytes()));
    }

    pub(super) fn forget(stamp: Stamp, last: u64) -> Writing {
        let mut writing = Writing::new(Kind::Forget, stamp, 8);
        writing.0.extend(last.to_be_bytes());
        writing
    }

    pub(super) fn compare(stamp: Stamp) -> Writing {
        Writing::new(Kind::Compare, stamp, 0)
    }

    pub(super) fn signal(stamp: Stamp, frame: &Frame) -> Writing {
        let mut writing = Writing::new(Kind::Signal, stamp, frame.len());
        writing.0.extend_from_slice(frame.as_bytes());
        writing
    }

    /// A message of a note that is already encoded.
    pub(super) fn note(stamp: Stamp, note: &[u8]) -> Writing {
        let mut writing = Writing::new(Kind::Note, stamp, note.len());
        writing.0.extend_from_slice(note);
        writing
    }

    pub(super) fn probe(stamp: Stamp, number: u64) -> Writing {
        let mut writing = Writing::new(Kind::Probe, stamp, 8);
        writing.0.extend(number.to_be_bytes());
        writing
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a message of another instance in the same epoch. `stream` is the stream that the channel names, if any.
pub(super) fn read(bytes: &[u8], stream: Option<StreamId>, own: Stamp) -> Option<Message> {
    let (kind, stamp, body) = header(bytes)?;
    if stamp.sender == own.sender || stamp.epoch != own.epoch {
        return None;
    }
    match (kind, stream) {
        (kind, Some(stream)) if kind == Kind::Entries as u8 => read_entries(body, stream),
        (kind, Some(_)) if kind == Kind::Forget as u8 => Some(Message::Forget(number(body)?.0)),
        (kind, Some(_)) if kind == Kind::Signal as u8 => Some(Message::Signal(text(body)?)),
        (kind, None) if kind == Kind::Compare as u8 => Some(Message::Compare),
        (kind, None) if kind == Kind::Note as u8 => serde_json::from_slice(body).ok().map(Message::Note),
        _ => None,
    }
}

/// Reads a probe of any instance in the same epoch: its sender and its number.
pub(super) fn read_probe(bytes: &[u8], own: Stamp) -> Option<(u64, u64)> {
    let (kind, stamp, body) = header(bytes)?;
    let number = body.try_into().ok().map(u64::from_be_bytes)?;
    (kind == Kind::Probe as u8 && stamp.epoch == own.epoch).then_some((stamp.sender, number))
}

fn header(bytes: &[u8]) -> Option<(u8, Stamp, &[u8])> {
    let ([VERSION, kind], rest) = bytes.split_first_chunk::<2>()? else {
        return None;
    };
    let (sender, rest) = number(rest)?;
    let (epoch, rest) = number(rest)?;
    Some((*kind, Stamp { sender, epoch }, rest))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), rest))
}

fn read_entries(mut body: &[u8], stream: StreamId) -> Option<Message> {
    let (mut entries, mut in_log, mut rewrites) = (Vec::new(), Vec::new(), None);
    while !body.is_empty() {
        let (seq, rest) = number(body)?;
        let (length, rest) = rest.split_first_chunk()?;
        body = rest;
        match u32::from_be_bytes(*length) {
            IN_LOG => in_log.push(seq),
            length => {
                let (frame, rest) = body.split_at_checked(length as usize)?;
                body = rest;
                let frame = text(frame)?;
                if control::rewrites_past(&frame) {
                    rewrites = rewrites.max(Some(seq));
                }
                // read from the entry itself: the message has no field for the user whose access ends
                let removed = match stream {
                    StreamId::Workspace(_) => control::removed_member(&frame),
                    StreamId::User(_) => None,
                };
                entries.push(Published {
                    stream,
                    seq,
                    frame,
                    removed,
                });
            }
        }
    }
    Some(Message::Entries {
        entries,
        in_log,
        rewrites,
    })
}

/// Copies the text: a slice would keep the whole message in memory while the ring has the frame.
fn text(bytes: &[u8]) -> Option<Frame> {
    std::str::from_utf8(bytes).ok().map(Frame::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;
    use taskwire_protocol::{UserId, WorkspaceId};
    use uuid::Uuid;

    fn stream() -> StreamId {
        StreamId::Workspace(WorkspaceId(Uuid::from_u128(7)))
    }

    fn others() -> Stamp {
        Stamp::new(2, "epoch")
    }

    fn own() -> Stamp {
        Stamp::new(1, "epoch")
    }

    #[test]
    fn entries_arrive_unchanged_with_their_removals() {
        let user = UserId(Uuid::from_u128(9));
        let removal: Frame =
            format!(r#"{{"type":"event","stream":"x","seq":5,"event":"member.removed","data":{{"user_id":"{user}"}}}}"#)
                .into();
        let purge: Frame = r#"{"type":"event","stream":"x","seq":7,"event":"task.purged","data":{}}"#.into();
        let mut writing = Writing::entries(others());
        writing.entry(5, Some(&removal));
        writing.entry(6, None);
        writing.entry(7, Some(&purge));
        let message = read(&writing.finish(), Some(stream()), own());
        let Some(Message::Entries {
            entries,
            in_log,
            rewrites: Some(7),
        }) = message
        else {
            panic!("{message:?}");
        };
        assert_eq!(in_log, [6]);
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].seq, entries[0].removed), (5, Some(user)));
        assert_eq!(entries[0].frame, removal);
        assert_eq!((entries[1].seq, entries[1].removed), (7, None));
    }

    #[test]
    fn messages_of_this_instance_and_of_another_epoch_are_ignored() {
        let sent = |stamp| Writing::signal(stamp, &"{}".into()).finish();
        assert!(read(&sent(others()), Some(stream()), own()).is_some());
        assert!(read(&sent(own()), Some(stream()), own()).is_none());
        assert!(read(&sent(Stamp::new(2, "another")), Some(stream()), own()).is_none());
    }

    #[test]
    fn a_purge_has_the_last_seq_that_was_rewritten() {
        let message = read(&Writing::forget(others(), 9).finish(), Some(stream()), own());
        assert!(matches!(message, Some(Message::Forget(9))), "{message:?}");
    }

    #[test]
    fn a_probe_names_its_sender() {
        let probe = Writing::probe(own(), 42).finish();
        assert_eq!(read_probe(&probe, own()), Some((1, 42)));
        assert_eq!(read_probe(&probe, others()), Some((1, 42)));
        assert_eq!(read_probe(&probe, Stamp::new(1, "another")), None);
    }

    #[test]
    fn a_note_arrives_unchanged() {
        let words = RawValue::from_string(r#"{"a":1}"#.to_owned()).expect("JSON");
        let note = Note {
            about: "presence".to_owned(),
            words,
        };
        let note = serde_json::to_vec(&note).expect("JSON");
        let message = read(&Writing::note(others(), &note).finish(), None, own());
        let Some(Message::Note(heard)) = message else {
            panic!("{message:?}")
        };
        assert_eq!(
            (heard.about.as_str(), heard.words.get()),
            ("presence", r#"{"a":1}"#)
        );
    }

    #[test]
    fn a_message_cut_at_any_byte_is_ignored_or_has_only_whole_entries() {
        let mut writing = Writing::entries(others());
        writing.entry(1, Some(&"{}".into()));
        writing.entry(2, Some(&"{}".into()));
        let bytes = writing.finish();
        for end in 0..bytes.len() {
            match read(&bytes[..end], Some(stream()), own()) {
                None => {}
                Some(Message::Entries { entries, .. }) => assert!(end >= HEADER && entries.len() < 2),
                Some(other) => panic!("{other:?}"),
            }
        }
        let mut newer = bytes;
        newer[0] = VERSION + 1;
        assert!(read(&newer, Some(stream()), own()).is_none());
    }
}
