//! The entrance to the writers' queue (`turns`), which they drain in groups. A group is what arrived during the previous
//! commit, so an idle server adds no delay. One writer drains the queue (`single`), or several do (`lanes`).

use super::Reply;
use super::homes::Homes;
use super::item::{Chore, Errand, Whose};
use super::recovery::{ANSWERED_WITHIN, not_begun, unanswered, unknown_outcome};
use super::shared::Shared;
use super::submission::Submission;
use super::turns::{Closed, Turns};
use super::{lanes, single};
use crate::store::{StoreError, Transaction};
use std::sync::Arc;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::oneshot;

/// The entrance to the queue.
pub(super) struct Lane {
    turns: Arc<Turns>,
    homes: Arc<Homes>,
    /// How many writers there are.
    lanes: usize,
}

impl Lane {
    /// Starts as many writers as the database allows, at most `wanted`.
    pub(super) fn start(shared: Shared, wanted: usize) -> Lane {
        let (turns, homes) = (Turns::new(), shared.homes.clone());
        let lanes = shared.store.writers(wanted).clamp(1, lanes::MOST);
        match lanes {
            1 => drop(tokio::spawn(single::drain(turns.clone(), shared))),
            several => drop(tokio::spawn(lanes::drain(turns.clone(), shared, several))),
        }
        Lane { turns, homes, lanes }
    }

    /// Takes a place in the queue at the first poll, and waits for the answer. If the caller stops waiting, the first
    /// submissions of a user are carried out, and the others are dropped. The wait is limited: a submission that still
    /// waits then is dropped, and the outcome of one that was begun is unknown.
    pub(super) async fn submit(&self, mut submission: Box<Submission>) -> Result<Reply, Failure> {
        let asked = submission.ask();
        let lanes = lanes::lanes_of(&submission, &self.homes, self.lanes);
        let place = self
            .turns
            .submit(submission, lanes)
            .map_err(|Closed| stopping())?;
        match tokio::time::timeout(ANSWERED_WITHIN, asked).await {
            Ok(answer) => {
                place.done();
                answer.unwrap_or_else(|_| Err(self.lost()))
            }
            Err(_) if place.give_up() => Err(not_begun()),
            Err(_) => Err(unanswered()),
        }
    }

    /// Runs a chore between groups, when it is its owner's turn.
    pub(super) async fn chore<C: Chore>(&self, whose: Whose, chore: C) -> Result<C::Output, Failure> {
        let (answer, asked) = oneshot::channel();
        let errand: Errand = Box::new(move |tx| {
            Box::pin(async move {
                let _ = answer.send(transaction(tx, chore).await);
            })
        });
        let place = self.turns.send(whose, errand).map_err(|Closed| stopping())?;
        let answer = asked.await;
        place.done();
        Ok(answer.map_err(|_| self.lost())??)
    }

    /// How many mutations and batches wait, and how many users have some, about.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.turns.waiting(), self.turns.owners())
    }

    /// Why an item got no answer: the node stops, or its group panicked.
    fn lost(&self) -> Failure {
        if self.turns.is_closed() {
            return stopping();
        }
        let why = "the server failed while it wrote; its log has the cause";
        unknown_outcome(ErrorCode::InternalError, why)
    }

    /// Takes nothing more in, waits until everything that is queued now is done, and ends the writers.
    pub(super) async fn stop(&self) {
        self.turns.stop().await;
    }
}

async fn transaction<C: Chore>(tx: &mut Transaction, chore: C) -> Result<C::Output, StoreError> {
    let outcome = async {
        if C::FREES {
            tx.begin_stretched().await?;
        } else {
            tx.begin().await?;
        }
        let output = chore.run(tx).await?;
        tx.commit().await?;
        Ok(output)
    };
    let outcome = outcome.await;
    if let Err(error) = &outcome {
        tx.note(error);
        tx.rollback().await;
        tx.disconnect();
    }
    outcome
}

fn stopping() -> Failure {
    Failure::new(ErrorCode::Unavailable, "the server is stopping; reconnect").after(1000)
}
