//! The invariants, and what was found against each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// What must hold whatever breaks. In the words of tests/README.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// Each acknowledged operation is in the log exactly once, with its content.
    I1,
    /// `seq` is 1..head in every stream.
    I2,
    /// One `op_id` has one effect, and each retry gets the same reply.
    I3,
    /// A client sees exactly last + 1, or an explicit and honest `resumed:false`.
    I4,
    /// The fold of the log equals the tables, each snapshot and each replica.
    I5,
    /// An operation without an acknowledgement is wholly in or wholly out.
    I6,
    /// After the last fault every client is at the head within 5 s.
    I7,
    /// Nothing reaches a socket outside its memberships, and nothing 1 s after a revocation.
    I8,
    /// Tasks, descriptors and memory return to the base line.
    I9,
    /// An operation acknowledged before another began has the lower `seq`.
    I10,
}

/// All of them, in order.
pub(crate) const ALL: [Invariant; 10] = [
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
];

impl Invariant {
    /// In a line.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Invariant::I1 => "acknowledged = in the log once, with its content",
            Invariant::I2 => "seq is 1..head",
            Invariant::I3 => "one op_id, one effect, one reply",
            Invariant::I4 => "clients see last + 1, or an honest resumed:false",
            Invariant::I5 => "fold of the log = tables = snapshots = replicas",
            Invariant::I6 => "unacknowledged = wholly in or out",
            Invariant::I7 => "all at the head within 5 s of the last fault",
            Invariant::I8 => "nothing outside memberships, nothing after a revocation",
            Invariant::I9 => "sockets, descriptors, memory back at the base line",
            Invariant::I10 => "acknowledged before begun has the lower seq",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What was found, from wherever.
#[derive(Default)]
pub(crate) struct Verdicts(Mutex<BTreeMap<Invariant, Finding>>);

/// What was found about one invariant.
#[derive(Clone, Default)]
pub(crate) struct Finding {
    /// How many things were looked at.
    pub(crate) checked: u64,
    /// How many were wrong.
    pub(crate) violations: u64,
    /// The first few, in words.
    pub(crate) examples: Vec<String>,
}

/// Examples kept: enough to start looking.
const EXAMPLES: usize = 20;

impl Verdicts {
    /// These many things were looked at.
    pub(crate) fn checked(&self, invariant: Invariant, times: u64) {
        self.with(invariant, |finding| finding.checked += times);
    }

    /// Something is wrong.
    pub(crate) fn violated(&self, invariant: Invariant, what: impl Into<String>) {
        self.with(invariant, |finding| {
            finding.violations += 1;
            if finding.examples.len() < EXAMPLES {
                finding.examples.push(what.into());
            }
        });
    }

    /// What was found about one.
    pub(crate) fn of(&self, invariant: Invariant) -> Finding {
        let mut found = Finding::default();
        self.with(invariant, |finding| found = finding.clone());
        found
    }

    /// All violations.
    pub(crate) fn violations(&self) -> u64 {
        ALL.iter().map(|invariant| self.of(*invariant).violations).sum()
    }

    fn with(&self, invariant: Invariant, change: impl FnOnce(&mut Finding)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(invariant).or_default());
    }
}
