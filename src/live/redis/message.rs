//! The messages between instances, in bytes: a header, then entries, a signal, a note or a probe, and a seal at the end.
//! The channel names the stream. Does not know how messages travel, nor which may be read: see `gate`.

use super::seal::{SEAL, Seals};
use crate::live::Note;
use crate::live::{Frame, Published, control};
use sha2::{Digest, Sha256};
use taskwire_protocol::StreamId;

/// The largest event frame that is sent; of a larger one only the seq is sent.
pub(super) const FRAME: usize = 8 * 1024;
/// Once a message has this many bytes, no further entry is put into it.
pub(super) const MESSAGE: usize = 64 * 1024;

/// The first byte. An instance with another version drops the message, and reads the entries from the log. The places of
/// sender and epoch are the same in every version.
const VERSION: u8 = 2;
/// The bytes of version, kind, sender and epoch.
const STAMP: usize = 2 + 8 + 8;
/// The bytes of the stamp, the number and the time.
const HEADER: usize = STAMP + 8 + 8;
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

    /// The sender and the epoch that a message of any version claims.
    pub(super) fn read(bytes: &[u8]) -> Option<Stamp> {
        let (sender, rest) = number(bytes.get(2..)?)?;
        let (epoch, _) = number(rest)?;
        Some(Stamp { sender, epoch })
    }
}

/// What stands before the body of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// A [`Kind`], or one of a later version.
    pub(super) kind: u8,
    pub(super) stamp: Stamp,
    /// Grows with each message of a sender.
    pub(super) number: u64,
    /// When it was sent, by the sender's clock.
    pub(super) sent_ms: i64,
}

impl Header {
    /// The header of a message of this version, and what follows it.
    pub(super) fn read(bytes: &[u8]) -> Option<(Header, &[u8])> {
        let [VERSION, kind, ..] = *bytes else {
            return None;
        };
        let stamp = Stamp::read(bytes)?;
        let (number, rest) = self::number(bytes.get(STAMP..)?)?;
        let (sent_ms, body) = self::number(rest)?;
        let header = Header {
            kind,
            stamp,
            number,
            sent_ms: sent_ms.cast_signed(),
        };
        Some((header, body))
    }
}

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Entries = 1,
    Forget = 2,
    Signal = 3,
    Note = 4,
    Probe = 5,
    Compare = 6,
}

impl Kind {
    pub(super) fn read(kind: u8) -> Option<Kind> {
        let all = [
            Kind::Entries,
            Kind::Forget,
            Kind::Signal,
            Kind::Note,
            Kind::Probe,
            Kind::Compare,
        ];
        all.into_iter().find(|known| *known as u8 == kind)
    }
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
    /// The number of a probe.
    Probe(u64),
}

/// A message being written.
pub(super) struct Writing(Vec<u8>);

impl Writing {
    fn new(kind: Kind, stamp: Stamp, room: usize) -> Writing {
        let mut bytes = Vec::with_capacity(HEADER + room + SEAL);
        bytes.extend([VERSION, kind as u8]);
        bytes.extend(stamp.sender.to_be_bytes());
        bytes.extend(stamp.epoch.to_be_bytes());
        bytes.extend([0; HEADER - STAMP]); // `finish` fills it
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

    /// Completes the message for its channel, and seals it.
    pub(super) fn finish(self, seals: &Seals, channel: &str, number: u64, sent_ms: i64) -> Vec<u8> {
        let mut bytes = self.0;
        let late = number.to_be_bytes().into_iter().chain(sent_ms.to_be_bytes());
        for (place, byte) in bytes.iter_mut().skip(STAMP).zip(late) {
            *place = byte;
        }
        seals.close(channel, &mut bytes);
        bytes
    }
}

/// Reads the body of a message. `stream` is the stream that the channel names, if any.
pub(super) fn read(kind: Kind, body: &[u8], stream: Option<StreamId>) -> Option<Message> {
    match (kind, stream) {
        (Kind::Entries, Some(stream)) => read_entries(body, stream),
        (Kind::Forget, Some(_)) => Some(Message::Forget(number(body)?.0)),
        (Kind::Signal, Some(_)) => Some(Message::Signal(text(body)?)),
        (Kind::Compare, None) => Some(Message::Compare),
        (Kind::Note, None) => serde_json::from_slice(body).ok().map(Message::Note),
        (Kind::Probe, None) => body
            .try_into()
            .ok()
            .map(|number| Message::Probe(u64::from_be_bytes(number))),
        _ => None,
    }
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
pub(super) mod tests;
