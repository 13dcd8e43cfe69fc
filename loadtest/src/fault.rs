//! The faults of a run: the promises of the contract that the server broke, counted by kind.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A promise of the contract that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// An event did not arrive, but later ones did.
    Gap,
    /// An event arrived after a later one.
    Reordered,
    /// An event arrived twice.
    Duplicate,
    /// Events were still missing when the run had ended.
    Missing,
    /// An acknowledged operation is not in the stream.
    LostAck,
    /// An operation is in the stream more than once.
    DoneTwice,
    /// An operation's event does not have the `seq` of its acknowledgement.
    WrongPlace,
    /// An event of a stream that the socket does not follow.
    Stray,
    /// The server did not resume from a position that its log holds.
    NotResumed,
    /// An answer arrived before the answer to an earlier request.
    OutOfTurn,
    /// A query did not see a mutation that the socket sent before it.
    Stale,
    /// A frame looks like an event but cannot be read.
    Unreadable,
    /// A request was answered with an error, or not at all.
    Refused,
    /// No request was sent for a turn of the clock, so its latency is missing from the numbers.
    Dropped,
    /// A socket ended, and the harness had not ended it.
    Cut,
    /// Somebody hostile took more from others than they may.
    Slowed,
    /// A run could not be finished.
    Failed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Gap => "gap",
            Fault::Reordered => "reordered",
            Fault::Duplicate => "duplicate",
            Fault::Missing => "missing at the end",
            Fault::LostAck => "lost acknowledgement",
            Fault::DoneTwice => "done twice",
            Fault::WrongPlace => "not where the acknowledgement said",
            Fault::Stray => "stray event",
            Fault::NotResumed => "not resumed",
            Fault::OutOfTurn => "answered out of turn",
            Fault::Stale => "stale query",
            Fault::Unreadable => "unreadable frame",
            Fault::Refused => "refused request",
            Fault::Dropped => "turn dropped",
            Fault::Cut => "socket cut",
            Fault::Slowed => "others slowed down",
            Fault::Failed => "run not finished",
        })
    }
}

/// The faults of a run: how many of each kind, and the first few as examples.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Faults {
    pub(crate) count: BTreeMap<Fault, u64>,
    pub(crate) examples: Vec<String>,
}

impl Faults {
    /// Examples kept: enough to start looking, few enough to read.
    const EXAMPLES: usize = 12;

    /// Counts `times` faults of a kind; `what` describes the first few.
    pub(crate) fn add(&mut self, fault: Fault, times: u64, what: impl FnOnce() -> String) {
        if times == 0 {
            return;
        }
        *self.count.entry(fault).or_default() += times;
        if self.examples.len() < Self::EXAMPLES {
            self.examples.push(format!("{fault}: {}", what()));
        }
    }

    /// Removes one gap: its event arrived late.
    pub(crate) fn gap_was_filled(&mut self) {
        if let Some(gaps) = self.count.get_mut(&Fault::Gap) {
            *gaps = gaps.saturating_sub(1);
        }
        self.count.retain(|_, times| *times > 0);
    }

    pub(crate) fn extend(&mut self, other: Faults) {
        for (fault, times) in other.count {
            *self.count.entry(fault).or_default() += times;
        }
        let room = Self::EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.into_iter().take(room));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<String> = self
            .count
            .iter()
            .map(|(fault, n)| format!("{n} × {fault}"))
            .collect();
        f.write_str(&kinds.join(", "))
    }
}
