//! A position over all streams of a reader, as one opaque text: the `id:` of an event, which the client returns as
//! `Last-Event-ID`. It is all that the server needs to continue, so any instance can, and nothing is stored for it.
//! It gives no access: who may read a stream is asked when the stream is joined, whatever the position names.
//!
//! The text is base64url of: the version of this layout, the length of the epoch, the epoch, and for each stream its
//! kind, its id, and the last seq as a variable-length integer (LEB128).

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use taskwire_protocol::account::Resume;
use taskwire_protocol::{StreamId, UserId, WorkspaceId};
use uuid::Uuid;

/// The version of the layout.
const LAYOUT: u8 = 1;
const USER: u8 = b'u';
const WORKSPACE: u8 = b'w';
/// Numbers of the contract stay below it.
const TOO_LARGE: u64 = 1 << 53;
/// The most bytes of such a number: seven bits in each.
const NUMBER: usize = 8;
/// The most bytes of one stream.
const STREAM: usize = 1 + size_of::<Uuid>() + NUMBER;

/// Where a reader is in each of its streams.
pub(super) struct Position {
    epoch: Arc<str>,
    /// The last seq of each stream that was sent.
    seqs: Vec<(StreamId, u64)>,
}

impl Position {
    /// Positions are valid within the epoch.
    pub(super) fn new(epoch: Arc<str>, seqs: Vec<(StreamId, u64)>) -> Position {
        Position { epoch, seqs }
    }

    /// How many streams it has.
    pub(super) fn len(&self) -> usize {
        self.seqs.len()
    }

    /// Everything of the stream up to `seq` was sent.
    pub(super) fn moves(&mut self, stream: StreamId, seq: u64) {
        match self.seqs.iter_mut().find(|(known, _)| *known == stream) {
            Some((_, before)) => *before = seq,
            None => self.seqs.push((stream, seq)),
        }
    }

    /// The stream is not read any more.
    pub(super) fn leaves(&mut self, stream: StreamId) {
        self.seqs.retain(|(known, _)| *known != stream);
    }

    /// The most characters of its text.
    pub(super) fn size(&self) -> usize {
        (2 + self.epoch.len() + self.seqs.len() * STREAM).div_ceil(3) * 4
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(2 + self.epoch.len() + self.seqs.len() * STREAM);
        let epoch = self.epoch.as_bytes();
        bytes.extend([LAYOUT, u8::try_from(epoch.len()).unwrap_or(u8::MAX)]);
        bytes.extend(epoch.iter().take(usize::from(u8::MAX)));
        for (stream, seq) in &self.seqs {
            bytes.push(match stream {
                StreamId::User(_) => USER,
                StreamId::Workspace(_) => WORKSPACE,
            });
            bytes.extend(stream.uuid().as_bytes());
            write_number(&mut bytes, *seq);
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// The positions of a text; `None` when it is none of ours.
pub(super) fn read(text: &str) -> Option<Resume> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()?;
    let ([LAYOUT, length], rest) = bytes.split_first_chunk()? else {
        return None;
    };
    let (epoch, mut rest) = rest.split_at_checked(usize::from(*length))?;
    let mut positions = BTreeMap::new();
    while !rest.is_empty() {
        let stream = read_stream(&mut rest)?;
        let seq = read_number(&mut rest)?;
        positions.insert(stream.to_string(), seq);
    }
    Some(Resume {
        epoch: std::str::from_utf8(epoch).ok()?.to_owned(),
        positions,
    })
}

fn read_stream(bytes: &mut &[u8]) -> Option<StreamId> {
    let (kind, rest) = bytes.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    *bytes = rest;
    let id = Uuid::from_bytes(*id);
    match *kind {
        USER => Some(UserId(id).into()),
        WORKSPACE => Some(WorkspaceId(id).into()),
        _ => None,
    }
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..NUMBER {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return (number < TOO_LARGE).then_some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng};

    fn user(n: u128) -> StreamId {
        UserId(Uuid::from_u128(n)).into()
    }

    fn workspace(n: u128) -> StreamId {
        WorkspaceId(Uuid::from_u128(n)).into()
    }

    fn positions(position: &Position) -> Vec<(String, u64)> {
        let read = read(&position.text()).expect("our own text");
        assert_eq!(read.epoch, "an epoch");
        read.positions.into_iter().collect()
    }

    #[test]
    fn a_text_has_the_last_seq_of_each_stream() {
        let streams = vec![(user(1), 0), (workspace(1), 127), (workspace(2), 128)];
        let mut position = Position::new("an epoch".into(), streams);
        position.moves(workspace(2), TOO_LARGE - 1);
        position.moves(workspace(3), 300);
        position.leaves(workspace(1));
        let expected = [(user(1), 0), (workspace(2), TOO_LARGE - 1), (workspace(3), 300)];
        let expected: Vec<_> = expected.map(|(stream, seq)| (stream.to_string(), seq)).into();
        assert_eq!(positions(&position), expected);
        assert!(position.text().len() <= position.size());
    }

    #[test]
    fn the_positions_of_as_many_streams_as_events_have_fit_into_a_line_of_a_proxy() {
        let streams = (0..256).map(|n| (workspace(n), 2_000_000)).collect();
        let position = Position::new("0199a1b2-0000-7000-8000-000000000000".into(), streams);
        assert!(position.text().len() < 8000, "{}", position.text().len());
    }

    #[test]
    fn what_is_no_position_is_refused() {
        let good = Position::new("an epoch".into(), vec![(workspace(1), 7)]).text();
        let padded = format!("{good}{}", ["", "=", "==", "="][good.len() % 4]);
        assert!(read(&padded).is_some());
        let bytes = URL_SAFE_NO_PAD.decode(&good).expect("base64");
        for cut in 1..bytes.len() {
            let is_whole = cut == 10;
            let read = read(&URL_SAFE_NO_PAD.encode(&bytes[..cut]));
            assert_eq!(read.is_some(), is_whole, "cut after {cut}");
        }
        for bad in ["", "42", "workspace:1", "äöü", "AgA", "*", "null"] {
            assert!(read(bad).is_none(), "{bad}");
        }
        let mut endless = bytes.clone();
        endless.pop();
        endless.extend([0xff; 9]);
        assert!(read(&URL_SAFE_NO_PAD.encode(endless)).is_none());
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..20_000 {
            let mut bytes = vec![0; random.random_range(0..80)];
            random.fill(&mut bytes[..]);
            if let [first, second, ..] = &mut bytes[..] {
                (*first, *second) = (LAYOUT, *second % 8);
            }
            if let Some(resume) = read(&URL_SAFE_NO_PAD.encode(&bytes)) {
                assert!(resume.positions.values().all(|seq| *seq < TOO_LARGE));
            }
        }
    }
}
