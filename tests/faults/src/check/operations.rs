//! I1, I3, I6, I7, I10: what writers invoked and how it was answered, against the log.

use crate::load::record::{Operation, Outcome};
use crate::truth::{Entry, Truth};
use crate::verdict::{Invariant, Verdicts};
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;
use uuid::Uuid;

/// I1 and I3: the stream has the entries of an acknowledged operation once, at the seq of its answer and with its
/// content. It has no entry of a refused operation.
pub(crate) fn acknowledged(operations: &[Operation], truth: &Truth, verdicts: &Verdicts) {
    for operation in operations {
        let entries = entries(operation, truth);
        let found = entries.len();
        match operation.outcome {
            Outcome::Acknowledged => {
                verdicts.checked(Invariant::I1, 1);
                if !is_all(operation, found) {
                    let invariant = if found == 0 { Invariant::I1 } else { Invariant::I3 };
                    let what = format!("{} has {found} entries in its stream", named(operation));
                    verdicts.violated(invariant, what);
                    continue;
                }
                let last = entries.iter().map(|entry| entry.seq).max();
                if operation.at != 0 && last != Some(operation.at) {
                    let what = format!(
                        "{} is at seq {last:?}, but its answer said {}",
                        named(operation),
                        operation.at
                    );
                    verdicts.violated(Invariant::I1, what);
                }
                if operation.content != 0 && entries.iter().any(|entry| entry.content != operation.content) {
                    verdicts.violated(Invariant::I1, format!("{} has another title", named(operation)));
                }
            }
            Outcome::Refused if found > 0 => {
                verdicts.violated(
                    Invariant::I3,
                    format!("{} was refused, but is in the log", named(operation)),
                );
            }
            Outcome::Refused | Outcome::Open => {}
        }
    }
}

/// I6: an operation without an acknowledgement is in the log with all its entries, and its op_id is stored; or neither.
/// And a writer invoked every entry of the log.
pub(crate) fn whole(
    operations: &[Operation],
    truth: &Truth,
    remembered: &HashSet<Uuid>,
    verdicts: &Verdicts,
) {
    for operation in operations {
        let found = entries(operation, truth).len();
        let memory = remembered.contains(&operation.op_id);
        verdicts.checked(Invariant::I6, 1);
        let partly = found != 0 && !is_all(operation, found);
        if partly || memory != (found != 0) {
            let what = format!(
                "{}, {:?}: {found} of {} entries, remembered: {memory}",
                named(operation),
                operation.outcome,
                operation.entries
            );
            verdicts.violated(Invariant::I6, what);
        }
    }
    let invoked: HashSet<Uuid> = operations.iter().map(|operation| operation.op_id).collect();
    for op_id in truth.ops.keys().filter(|op_id| !invoked.contains(op_id)) {
        verdicts.violated(
            Invariant::I6,
            format!("op_id {op_id} is in the log, but nobody invoked it"),
        );
    }
}

/// I10: within a stream, an operation that was acknowledged before another began has the lower seq.
pub(crate) fn order(operations: &[Operation], verdicts: &Verdicts) {
    let mut streams: BTreeMap<u32, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        if operation.outcome == Outcome::Acknowledged && operation.at != 0 {
            streams.entry(operation.stream).or_default().push(operation);
        }
    }
    for operations in streams.values_mut() {
        operations.sort_unstable_by_key(|operation| operation.at);
        // from the end: the operation that was acknowledged first, of those with a higher seq
        let mut earliest: Option<&Operation> = None;
        for operation in operations.iter().rev() {
            verdicts.checked(Invariant::I10, 1);
            if let Some(later) = earliest.filter(|later| later.answered < operation.began) {
                let what = format!(
                    "{} was acknowledged at seq {} before {} began, which has the lower seq {}",
                    named(later),
                    later.at,
                    named(operation),
                    operation.at
                );
                verdicts.violated(Invariant::I10, what);
            }
            if earliest.is_none_or(|later| operation.answered < later.answered) {
                earliest = Some(operation);
            }
        }
    }
}

/// Whether an operation makes so many entries.
fn is_all(operation: &Operation, found: usize) -> bool {
    match usize::from(operation.entries) {
        0 => found > 0,
        entries => found == entries,
    }
}

/// The entries of an operation in its stream.
fn entries<'a>(operation: &Operation, truth: &'a Truth) -> Vec<&'a Entry> {
    let all = truth.ops.get(&operation.op_id);
    all.into_iter()
        .flatten()
        .filter(|entry| entry.stream == operation.stream)
        .collect()
}

fn named(operation: &Operation) -> String {
    format!(
        "{:?} {} (sent {} times)",
        operation.what, operation.op_id, operation.sent
    )
}

/// The longest time in which nobody can write, while PostgreSQL can be reached.
const UNWRITABLE: u64 = 10_000_000_000;

/// I7: while anybody waits for an answer, somebody gets one. Returns the longest time in which nobody did. Outages of
/// PostgreSQL, each from and to, do not count. `lag`: how late the records may be.
pub(crate) fn writable(
    operations: &[Operation],
    outages: &[(u64, u64)],
    lag: u64,
    verdicts: &Verdicts,
) -> Duration {
    let answered = |operation: &Operation| match operation.answered {
        0 => u64::MAX,
        at => at,
    };
    let mut by_answer: Vec<(u64, u64)> = operations
        .iter()
        .map(|operation| (answered(operation), operation.began))
        .collect();
    by_answer.sort_unstable();
    // for each answer, when the first of the operations began that were not answered before it
    let mut first = u64::MAX;
    for (_, began) in by_answer.iter_mut().rev() {
        first = first.min(*began);
        *began = first;
    }
    let (mut last, mut longest) = (0, 0);
    for (at, waiting) in by_answer.into_iter().filter(|(at, _)| *at != u64::MAX) {
        let begun = waiting.max(last);
        let during = outages.iter().filter(|(out, back)| *out < at && *back > begun);
        let over = during.map(|(_, back)| *back).max().unwrap_or(0);
        let from = begun.max(over.min(at));
        verdicts.checked(Invariant::I7, 1);
        let wait = at.saturating_sub(from);
        if wait > UNWRITABLE + 4 * lag {
            let what = format!(
                "nobody could write for {:.1} s, until {:.1} s",
                wait as f64 / 1e9,
                at as f64 / 1e9
            );
            verdicts.violated(Invariant::I7, what);
        }
        (last, longest) = (at, longest.max(wait));
    }
    Duration::from_nanos(longest)
}
