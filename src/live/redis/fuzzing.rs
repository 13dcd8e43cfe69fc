//! For fuzzers: messages of Redis, which anybody may have written.

use super::message::{self, Header, Kind, Message};
use super::seal::Seals;
use aws_lc_rs::hmac;
use taskwire_protocol::{StreamId, WorkspaceId};

/// No bytes pass for a sealed message, and what was sealed is opened as it was. Whoever has the key may write anything: it is
/// read or dropped, and is no longer than its message.
pub(crate) fn message(bytes: &[u8]) {
    let seals = Seals::new(vec![hmac::Key::new(hmac::HMAC_SHA256, b"a secret")]);
    assert!(seals.open("channel", bytes).is_none());
    let mut sealed = bytes.to_vec();
    seals.close("channel", &mut sealed);
    assert_eq!(seals.open("channel", &sealed), Some(bytes));
    assert!(seals.open("another", &sealed).is_none());

    let _ = Header::read(bytes);
    let stream = StreamId::Workspace(WorkspaceId(uuid::Uuid::nil()));
    let Some((kind, body)) = bytes.split_first() else {
        return;
    };
    let Some(kind) = Kind::read(kind % 7) else { return };
    for stream in [Some(stream), None] {
        if let Some(Message::Entries { entries, in_log, .. }) = message::read(kind, body, stream) {
            let frames: usize = entries.iter().map(|entry| entry.frame.len() + 12).sum();
            assert_eq!(frames + in_log.len() * 12, body.len());
        }
    }
}
