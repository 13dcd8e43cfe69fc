//! The invariants, and the violations of each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// What must hold under every fault; tests/README.md says how each is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// Each acknowledged operation is in the log exactly once, with its content.
    I1,
    /// `seq` is 1..head in every stream.
    I2,
    /// One `op_id` has one effect, and each retry gets the same reply.
    I3,
    /// After `last` a client sees `last` + 1, or an explicit `resumed:false` with a true reason.
    I4,
    /// The fold of the log equals the tables, each snapshot and each replica.
    I5,
    /// An operation without an acknowledgement is wholly in the log, or not at all.
    I6,
    /// After the last fault every client is at the head within 5 s. Nobody waits for longer than 10 s while nobody can
    /// write, unless PostgreSQL is away; and no reader is cut while it takes bytes.
    I7,
    /// A socket gets no event outside its memberships, and none from 1 s after a removal.
    I8,
    /// Sockets, topics, descriptors, threads and memory return to the baseline.
    I9,
    /// An operation acknowledged before another began has the lower `seq`.
    I10,
    /// A session's tokens are accepted while it lives. From 1 s after its end its sockets get no event and are closed with
    /// 4403, and its tokens are refused.
    I11,
    /// The file of each acknowledged upload is served whole. Each attachment has its file and each file its attachment, once
    /// what faults left was cleared.
    I12,
}

/// All of them, in order.
pub(crate) const ALL: [Invariant; 12] = [
    Invariant::I1,
    Invariant::I2,
    Invariant::I3,
    Invariant::I4,
    Invariant::I5,
    Invariant::I6,
    Invariant::I7,
    Invariant::I8,
    Invariant::I9,
    Invariant::I10,
    Invariant::I11,
    Invariant::I12,
];

impl Invariant {
    /// The invariant in a few words, for the table of a report.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Invariant::I1 => "acknowledged = in the log once, with its content",
            Invariant::I2 => "seq is 1..head",
            Invariant::I3 => "one op_id, one effect, one reply",
            Invariant::I4 => "clients see last + 1, or resumed:false with a true reason",
            Invariant::I5 => "fold of the log = tables = snapshots = replicas",
            Invariant::I6 => "unacknowledged = wholly in the log, or not at all",
            Invariant::I7 => "at the head 5 s after the last fault, able to write and read",
            Invariant::I8 => "no event outside memberships, none after a removal",
            Invariant::I9 => "sockets, descriptors, memory back at the baseline",
            Invariant::I10 => "acknowledged before another began = lower seq",
            Invariant::I11 => "tokens and sockets end with their session, not before",
            Invariant::I12 => "uploads are served whole; attachments and files match",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The findings of all checks.
#[derive(Default)]
pub(crate) struct Verdicts(Mutex<BTreeMap<Invariant, Finding>>);

/// The findings about one invariant.
#[derive(Clone, Default)]
pub(crate) struct Finding {
    /// How many checks ran.
    pub(crate) checked: u64,
    /// How many of them failed.
    pub(crate) violations: u64,
    /// The first few violations, in words.
    pub(crate) examples: Vec<String>,
}

/// Examples kept: enough to start looking.
const EXAMPLES: usize = 20;

impl Verdicts {
    /// Counts `times` checks.
    pub(crate) fn checked(&self, invariant: Invariant, times: u64) {
        self.with(invariant, |finding| finding.checked += times);
    }

    /// Counts a violation, and keeps its description if it is among the first.
    pub(crate) fn violated(&self, invariant: Invariant, what: impl Into<String>) {
        self.with(invariant, |finding| {
            finding.violations += 1;
            if finding.examples.len() < EXAMPLES {
                finding.examples.push(what.into());
            }
        });
    }

    /// The findings about one invariant.
    pub(crate) fn of(&self, invariant: Invariant) -> Finding {
        let mut found = Finding::default();
        self.with(invariant, |finding| found = finding.clone());
        found
    }

    /// The number of all violations.
    pub(crate) fn violations(&self) -> u64 {
        ALL.iter().map(|invariant| self.of(*invariant).violations).sum()
    }

    fn with(&self, invariant: Invariant, change: impl FnOnce(&mut Finding)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(invariant).or_default());
    }
}
