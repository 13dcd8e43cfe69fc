//! The records of a run: small enough for a million, and complete enough to find the cause of a violation.

use uuid::Uuid;

/// The kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Create,
    Update,
    Complete,
    Delete,
    Restore,
    /// Several tasks, all or none.
    Batch,
    AddMember,
    RemoveMember,
    /// Any other, by its name.
    Named(&'static str),
}

impl What {
    /// Its name in a report.
    pub(crate) fn name(self) -> String {
        match self {
            What::Named(name) => name.to_owned(),
            other => format!("{other:?}").to_lowercase(),
        }
    }
}

/// How an operation ended for the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// No answer has arrived.
    Open,
    /// `ok`.
    Acknowledged,
    /// An error that is not retryable.
    Refused,
}

/// One operation, from its first sending to its first answer.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) op_id: Uuid,
    pub(crate) what: What,
    /// The number of its stream.
    pub(crate) stream: u32,
    /// Entries that it makes there; 0: one or more.
    pub(crate) entries: u16,
    /// How often it was sent.
    pub(crate) sent: u16,
    pub(crate) outcome: Outcome,
    /// Nanoseconds since the beginning: first sent, first answered.
    pub(crate) began: u64,
    pub(crate) answered: u64,
    /// The seq of its last entry by the answer; 0 when the answer did not say.
    pub(crate) at: u64,
    /// The hash of the title that it set; 0 for none.
    pub(crate) content: u64,
    /// The hash of the first answer.
    pub(crate) reply: u64,
}

/// What one reader saw of one stream without a gap: the events after `after` up to `last`, and the sum of their hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) stream: u32,
    /// The number of backups that were restored before it: each restore begins another log.
    pub(crate) era: u64,
    pub(crate) after: u64,
    pub(crate) last: u64,
    pub(crate) sum: u64,
}

/// One event's part of a segment's sum: a hash of its seq and bytes.
pub(crate) fn weigh(seq: u64, frame: &[u8]) -> u64 {
    super::hash(frame).rotate_left((seq % 64) as u32) ^ seq.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// An event that a guest received.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) reader: u32,
    pub(crate) stream: u32,
    pub(crate) seq: u64,
    pub(crate) at: u64,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It signed out.
    LogOut,
    /// Another session of the user revoked it.
    Revoke,
    /// A refresh token was used that had been replaced twice.
    Reuse,
}

/// A session that ended. Times are by `Shared::now`.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) user: Uuid,
    pub(crate) way: Way,
    /// When somebody first asked to end it.
    pub(crate) began: u64,
    /// When that was acknowledged.
    pub(crate) at: u64,
    /// Nanoseconds until everybody must know of it.
    pub(crate) grace: u64,
    pub(crate) sockets: Vec<Parting>,
    /// What instances did with its tokens after it.
    pub(crate) attempts: Vec<Attempt>,
}

/// The end of a socket.
#[derive(Clone, Debug)]
pub(crate) struct Parting {
    /// When its last event arrived; 0 for never.
    pub(crate) last: u64,
    pub(crate) ended: u64,
    pub(crate) how: Farewell,
}

/// How a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// The client left it open.
    Open,
    /// By a close frame with this code.
    Closed(u16),
    /// Without a close frame.
    Broken { instance_died: bool },
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Access,
    Refresh,
}

/// A token that was sent to an instance.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) instance: usize,
    pub(crate) token: Kind,
    pub(crate) began: u64,
    pub(crate) accepted: bool,
}

/// A membership that was removed.
#[derive(Clone, Debug)]
pub(crate) struct Removal {
    /// The user who lost it.
    pub(crate) user: Uuid,
    pub(crate) stream: u32,
    /// The seq of the removal in the workspace's stream.
    pub(crate) seq: u64,
    /// When it was acknowledged.
    pub(crate) at: u64,
    /// Nanoseconds that events may still arrive.
    pub(crate) grace: u64,
    /// Where the next membership begins; `u64::MAX` for never.
    pub(crate) until: u64,
}
