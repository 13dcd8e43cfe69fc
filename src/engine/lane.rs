//! The entrance to the writers' queue, which is bounded and drained in groups. A group is what arrived during the
//! previous commit, so an idle server adds no delay. One writer drains the queue (`single`), or several do (`lanes`).

use super::Reply;
use super::item::{Chore, Errand, Item};
use super::line::{Closed, Line};
use super::recovery::{ANSWERED_WITHIN, unanswered, unknown_outcome};
use super::shared::Shared;
use super::submission::Submission;
use super::{lanes, single};
use crate::store::{StoreError, Transaction};
use std::sync::Arc;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::{mpsc, oneshot};

/// The most items in the queue. Further ones wait in `line`.
const QUEUE: usize = 1024;

/// The entrance to the queue.
pub(super) struct Lane(pub(super) Arc<Line>);

impl Lane {
    /// Starts as many writers as the database allows, at most `wanted`.
    pub(super) fn start(shared: Shared, wanted: usize) -> Lane {
        let (sender, queue) = mpsc::channel(QUEUE);
        match shared.store.writers(wanted) {
            0 | 1 => drop(tokio::spawn(single::drain(queue, shared))),
            several => drop(tokio::spawn(lanes::drain(
                queue,
                shared,
                several.min(lanes::MOST),
            ))),
        }
        Lane(Line::new(sender))
    }

    /// Takes a place in the queue, or in the line before it, at the first poll, and waits for the answer. If the caller
    /// stops waiting, a submission in the queue is carried out and a submission in the line is dropped. The wait is
    /// limited: a submission that is not answered in time is answered with an unknown outcome.
    pub(super) async fn submit(&self, mut submission: Box<Submission>) -> Result<Reply, Failure> {
        let asked = submission.ask();
        let _place = self
            .0
            .enter(Item::Submission(submission))
            .map_err(|Closed| stopping())?;
        match tokio::time::timeout(ANSWERED_WITHIN, asked).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(self.lost())),
            Err(_) => Err(unanswered()),
        }
    }

    /// Runs a chore between groups.
    pub(super) async fn chore<C: Chore>(&self, chore: C) -> Result<C::Output, Failure> {
        let (answer, asked) = oneshot::channel();
        let errand: Errand = Box::new(move |tx| {
            Box::pin(async move {
                let _ = answer.send(transaction(tx, chore).await);
            })
        });
        let _place = self.0.enter(Item::Chore(errand)).map_err(|Closed| stopping())?;
        Ok(asked.await.map_err(|_| self.lost())??)
    }

    /// Why an item got no answer: the node stops, or its group panicked.
    fn lost(&self) -> Failure {
        if self.0.is_closed() {
            return stopping();
        }
        let why = "the server failed while it wrote; its log has the cause";
        unknown_outcome(ErrorCode::InternalError, why)
    }

    /// Waits until everything that is queued now is done, and ends the writers.
    pub(super) async fn stop(&self) {
        let (done, wait) = oneshot::channel();
        if let Ok(_place) = self.0.enter(Item::Stop(done)) {
            let _ = wait.await;
        }
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
