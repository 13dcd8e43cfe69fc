//! What is written is read as it was; nothing else is.

use super::*;
use aws_lc_rs::hmac;
use serde_json::value::RawValue;
use taskwire_protocol::{UserId, WorkspaceId};
use uuid::Uuid;

/// The seals of a secret.
pub(in crate::live::redis) fn seals(secret: &str) -> Seals {
    Seals::new(vec![hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())])
}

fn stream() -> StreamId {
    StreamId::Workspace(WorkspaceId(Uuid::from_u128(7)))
}

/// What another instance reads of a message without its seal.
fn read_back(writing: Writing, stream: Option<StreamId>) -> Option<Message> {
    let bytes = finished(writing);
    read_bytes(&bytes, stream)
}

fn finished(writing: Writing) -> Vec<u8> {
    let mut bytes = writing.finish(&seals("a"), "c", 3, 1_000);
    bytes.truncate(bytes.len() - SEAL);
    bytes
}

fn read_bytes(bytes: &[u8], stream: Option<StreamId>) -> Option<Message> {
    let (header, body) = Header::read(bytes)?;
    read(Kind::read(header.kind)?, body, stream)
}

fn stamp() -> Stamp {
    Stamp::new(2, "epoch")
}

#[test]
fn a_header_says_who_sent_the_message_when_and_as_which_one() {
    let bytes = Writing::probe(stamp(), 42).finish(&seals("a"), "c", u64::MAX - 1, -5);
    let (header, body) = Header::read(&bytes).expect("a header");
    let expected = Header {
        kind: Kind::Probe as u8,
        stamp: stamp(),
        number: u64::MAX - 1,
        sent_ms: -5,
    };
    assert_eq!((header, body.len()), (expected, 8 + SEAL));
    assert_eq!(Stamp::read(&bytes), Some(stamp()));
}

#[test]
fn entries_arrive_unchanged_with_their_removals() {
    let user = UserId(Uuid::from_u128(9));
    let removal: Frame = format!(
        r#"{{"type":"event","stream":"x","seq":5,"event":"member.removed","data":{{"user_id":"{user}"}}}}"#
    )
    .into();
    let purge: Frame = r#"{"type":"event","stream":"x","seq":7,"event":"task.purged","data":{}}"#.into();
    let mut writing = Writing::entries(stamp());
    writing.entry(5, Some(&removal));
    writing.entry(6, None);
    writing.entry(7, Some(&purge));
    let message = read_back(writing, Some(stream()));
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
fn a_purge_has_the_last_seq_that_was_rewritten() {
    let message = read_back(Writing::forget(stamp(), 9), Some(stream()));
    assert!(matches!(message, Some(Message::Forget(9))), "{message:?}");
}

#[test]
fn a_probe_has_its_number() {
    let message = read_back(Writing::probe(stamp(), 42), None);
    assert!(matches!(message, Some(Message::Probe(42))), "{message:?}");
    assert!(read_back(Writing::probe(stamp(), 42), Some(stream())).is_none());
}

#[test]
fn a_note_arrives_unchanged() {
    let words = RawValue::from_string(r#"{"a":1}"#.to_owned()).expect("JSON");
    let note = Note {
        about: "presence".to_owned(),
        words,
    };
    let note = serde_json::to_vec(&note).expect("JSON");
    let message = read_back(Writing::note(stamp(), &note), None);
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
    let mut writing = Writing::entries(stamp());
    writing.entry(1, Some(&"{}".into()));
    writing.entry(2, Some(&"{}".into()));
    let bytes = finished(writing);
    for end in 0..bytes.len() {
        match read_bytes(&bytes[..end], Some(stream())) {
            None => {}
            Some(Message::Entries { entries, .. }) => assert!(end >= HEADER && entries.len() < 2),
            Some(other) => panic!("{other:?}"),
        }
    }
    let mut newer = bytes;
    newer[0] = VERSION + 1;
    assert!(Header::read(&newer).is_none());
    assert!(Stamp::read(&newer).is_some(), "but the epoch can be compared");
}
