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
    /// The number of its workspace's stream.
    pub(crate) stream: u32,
    /// Entries that it makes there.
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
