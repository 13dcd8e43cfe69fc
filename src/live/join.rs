//! Decides where a new cursor starts: at the head, or after the position that a client sends, if that is still valid.

use super::{Hub, LogUnavailable, ring::Location, topic::Topic};
use std::sync::Arc;
use taskwire_protocol::stream::Reason;

/// Where a cursor starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the head.
    Now,
    /// After the last seq that the client has.
    After(u64),
}

/// The outcome of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The head.
    pub seq: u64,
    /// The entries after the given position will be fed. If false, the cursor is at the head.
    pub resumed: bool,
    /// Why `resumed` is false: `New`, `Expired` or `Unknown`.
    pub reason: Option<Reason>,
}

impl Joined {
    fn resumed(seq: u64) -> Joined {
        Joined {
            seq,
            resumed: true,
            reason: None,
        }
    }

    fn at_head(seq: u64, reason: Reason) -> Joined {
        Joined {
            seq,
            resumed: false,
            reason: Some(reason),
        }
    }

    pub(super) fn position(&self, start: Start) -> u64 {
        match start {
            Start::After(seq) if self.resumed => seq,
            _ => self.seq,
        }
    }
}

/// Decides where a cursor with this start begins. Reads the log only for positions that the ring does not hold.
pub(super) async fn enter(hub: &Hub, topic: &Arc<Topic>, start: Start) -> Result<Joined, LogUnavailable> {
    let Start::After(after) = start else {
        return Ok(Joined::at_head(topic.head().unwrap_or(0), Reason::New));
    };
    let (head, place) = topic.locate(after);
    match place {
        Location::InRing => Ok(Joined::resumed(head)),
        Location::InLog => {
            let tail = match topic.tail() {
                Some(tail) => tail,
                None => hub.range(topic).await?.tail,
            };
            let (head, _) = topic.locate(after);
            Ok(if after < tail {
                Joined::at_head(head, Reason::Expired)
            } else {
                Joined::resumed(head)
            })
        }
        Location::Ahead => {
            // another instance may have sent the client entries that have not arrived here yet: the position is valid
            // if the log has it
            let range = hub.fresh_range(topic).await?;
            let (head, _) = topic.locate(after);
            let resumed = after <= head.max(range.head) && after >= range.tail;
            Ok(if resumed {
                Joined::resumed(head.max(after))
            } else {
                Joined::at_head(head, Reason::Unknown)
            })
        }
    }
}
