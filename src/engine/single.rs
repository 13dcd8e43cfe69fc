//! A single writer on the queue: it runs one group at a time.

use super::company::Last;
use super::group::Writer;
use super::item::{GROUP, Item};
use super::shared::Shared;
use super::submission::Submission;
use futures_util::FutureExt;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tokio::sync::mpsc;

/// Runs the items of the queue.
pub(super) async fn drain(mut queue: mpsc::Receiver<Item>, shared: Shared) {
    let mut writer = Writer::new(shared.clone());
    let mut waiting: VecDeque<Item> = VecDeque::with_capacity(GROUP);
    let mut received = Vec::with_capacity(GROUP);
    let mut last = Last::default();
    loop {
        if waiting.len() < GROUP {
            let room = GROUP - waiting.len();
            // items that are here already join the group; the writer waits only when there are none
            if waiting.is_empty() && queue.recv_many(&mut received, room).await == 0 {
                return;
            }
            last.company(&mut queue, &mut received, room, waiting.len()).await;
            waiting.extend(received.drain(..));
        }
        let broke = match waiting.pop_front() {
            Some(Item::Submission(submission)) => {
                let submissions = gather(submission, &mut waiting);
                metrics::histogram!("taskwire_group_size").record(submissions.len() as f64);
                let (size, began) = (submissions.len(), Instant::now());
                // boxed, because the future is large
                let broke = breaks(Box::pin(writer.run(submissions))).await;
                last = Last::new(size, began.elapsed());
                broke
            }
            Some(Item::Chore(errand)) => breaks(errand(&mut writer.tx)).await,
            Some(Item::Stop(done)) => {
                queue.close();
                writer.tx.close().await;
                let _ = done.send(());
                return;
            }
            None => false,
        };
        if broke {
            tracing::error!("a group of mutations panicked; a new writer continues");
            // the group may have committed
            shared.sessions.outdate();
            writer = Writer::new(shared.clone());
        }
    }
}

/// Whether work on the writer panics. The panic must be caught: without the only writer, nothing could be written any
/// more.
async fn breaks(work: impl Future<Output = ()>) -> bool {
    // unwind safe: the half-changed writer is never used again, because it and its connection are replaced
    AssertUnwindSafe(work).catch_unwind().await.is_err()
}

/// The submissions that share a transaction: in order, of one kind, up to the next chore, up to the group's size. A
/// submission that must be alone gets its own group.
fn gather(first: Box<Submission>, waiting: &mut VecDeque<Item>) -> Vec<Submission> {
    let (kind, mut weight) = (first.kind, first.weight());
    let mut submissions = vec![*first];
    if submissions[0].needs.alone {
        return submissions;
    }
    while let Some(Item::Submission(next)) = waiting.front() {
        weight += next.weight();
        if weight > GROUP || next.kind != kind || next.needs.alone {
            break;
        }
        if let Some(Item::Submission(next)) = waiting.pop_front() {
            submissions.push(*next);
        }
    }
    submissions
}
