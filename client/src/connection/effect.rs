//! The effect of a call on the streams that the socket follows, read from the request and from its answer.

use serde::Deserialize;
use taskwire_protocol::{
    Operation as _, StreamId,
    account::SyncUser,
    stream::{Subscribe, Subscribed, Unsubscribe},
    workspace::SyncWorkspace,
};

/// The effect of an answered call on the streams that the socket follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    /// The first page of a snapshot: the stream continues after its `seq`.
    Sync(StreamId),
    SyncUser,
    Subscribe(StreamId, Option<u64>),
    Unsubscribe(StreamId),
}

impl Effect {
    /// The effect of a request. Parameters that cannot be read have none: the server will refuse them.
    pub(super) fn of(name: &str, data: &str) -> Effect {
        let effect = match name {
            SyncWorkspace::NAME => serde_json::from_str::<SyncWorkspace>(data)
                .ok()
                .filter(|sync| sync.cursor.is_none())
                .map(|sync| Effect::Sync(sync.workspace_id.into())),
            SyncUser::NAME => Some(Effect::SyncUser),
            Subscribe::NAME => serde_json::from_str::<Subscribe>(data)
                .ok()
                .map(|subscribe| Effect::Subscribe(subscribe.stream, subscribe.since)),
            Unsubscribe::NAME => serde_json::from_str::<Unsubscribe>(data)
                .ok()
                .map(|unsubscribe| Effect::Unsubscribe(unsubscribe.stream)),
            _ => None,
        };
        effect.unwrap_or(Effect::None)
    }

    /// The change that this answer makes; `own` is the user's stream.
    pub(super) fn with_answer(self, own: Option<StreamId>, data: &str) -> Option<Change> {
        match self {
            Effect::None => None,
            Effect::Unsubscribe(stream) => Some(Change::Left(stream)),
            Effect::Sync(stream) => Some(Change::Continues(stream, snapshot_seq(data)?)),
            Effect::SyncUser => Some(Change::Continues(own?, snapshot_seq(data)?)),
            Effect::Subscribe(stream, since) => {
                let done: Subscribed = serde_json::from_str(data).ok()?;
                let seq = since.filter(|_| done.resumed).unwrap_or(done.seq);
                Some(Change::Continues(stream, seq))
            }
        }
    }
}

/// A change of one stream.
pub(super) enum Change {
    /// The stream continues after this `seq`.
    Continues(StreamId, u64),
    /// The stream is no longer followed.
    Left(StreamId),
}

fn snapshot_seq(data: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Snapshot {
        seq: u64,
    }
    serde_json::from_str(data)
        .ok()
        .map(|snapshot: Snapshot| snapshot.seq)
}
