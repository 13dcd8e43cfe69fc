//! Which parts of a group run: all of it together, and if that fails, each mutation alone, or those apart because of which it
//! failed. A mutation that needs too many rows, or whose rows take too long, runs alone; the others of its group run together
//! without it.

use super::super::costs::Costs;
use super::super::recovery::{BEGUN_WITHIN, DONE_WITHIN, divided, give_up_late};
use super::super::submission::Submission;
use super::{Outcome, Writer};
use crate::store::{StoreError, Trouble};
use std::collections::{BTreeSet, VecDeque};
use taskwire_protocol::Failure;

/// Submissions that failed together, and why.
pub(super) struct Failed {
    pub(super) submissions: Vec<Submission>,
    /// Those because of which they failed, by their places. Empty if it is not known.
    pub(super) whose: BTreeSet<usize>,
    pub(super) error: StoreError,
    /// Whether a commit with them was sent whose outcome is not known.
    pub(super) unknown: bool,
}

impl Writer {
    /// Runs the submissions and answers each of them, up to the first one that needs a transaction for itself. Others have
    /// their turn before the next such one.
    pub(in crate::engine) async fn run(&mut self, submissions: Vec<Submission>) -> Outcome {
        let mut groups = VecDeque::from([(submissions, false)]);
        let (mut left, mut had_large, mut costs) = (Vec::new(), false, Costs::default());
        while let Some((submissions, unknown)) = groups.pop_front() {
            if had_large && !unknown {
                left.extend(submissions);
                continue;
            }
            let within = if unknown { DONE_WITHIN } else { BEGUN_WITHIN };
            let submissions = give_up_late(submissions, within, unknown);
            if submissions.is_empty() {
                continue;
            }
            had_large |= submissions.iter().any(|submission| submission.is_large);
            let Failed {
                mut submissions,
                whose,
                error,
                unknown,
            } = match self.run_together(submissions, unknown, &mut costs).await {
                Ok(()) => continue,
                Err(failed) => failed,
            };
            // while the database is unavailable, each submission alone would wait as long as all of them together
            let is_away = matches!(error.trouble, Trouble::Unavailable | Trouble::Late) && whose.is_empty();
            if submissions.len() == 1 || is_away {
                refuse(submissions, error);
                continue;
            }
            metrics::counter!("taskwire_groups_split_total").increment(1);
            if error.trouble == Trouble::Late
                && whose.len() == 1
                && let Some(place) = whose.first()
            {
                // it had the statement's time for itself, and would take it again
                refuse(vec![submissions.remove(*place)], error);
                groups.push_front((submissions, unknown));
                continue;
            }
            for (i, submission) in submissions.iter_mut().enumerate() {
                submission.is_large |= whose.contains(&i);
            }
            let parts = if whose.is_empty() {
                submissions
                    .into_iter()
                    .map(|submission| vec![submission])
                    .collect()
            } else {
                divided(submissions, &whose)
            };
            for part in parts.into_iter().rev() {
                groups.push_front((part, unknown));
            }
        }
        let bills = costs.bills(self.tx.usual());
        Outcome { bills, left }
    }
}

fn refuse(submissions: Vec<Submission>, error: StoreError) {
    let failure = match &submissions[..] {
        [submission] => refusal(submission, error),
        _ => Failure::from(error),
    };
    for submission in submissions {
        submission.answer(Err(failure.clone()));
    }
}

/// The answer to a submission on which the database failed. The answer and its log line have the same request id.
fn refusal(submission: &Submission, error: StoreError) -> Failure {
    let (trace, id) = (submission.trace(), submission.trace().id());
    let mut failure = trace.of_failure(&id).in_scope(|| Failure::from(error));
    // a step of a sign-in is answered under the id of the sign-in
    if !submission.is_own() {
        failure.request_id = id;
    }
    failure
}
