//! From what was decided and where it came to stand to the answers: each encoded once, repeats get the first one's.

use super::Reply;
use super::frame;
use super::job::{Job, Work};
use super::write::{Memo, Placed};
use crate::ops;
use crate::ops::world::World;
use crate::store::ops::Remembered;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use taskwire_protocol::{Failure, OpId, StreamId, UserId};

/// What was decided for a job or a part of one.
pub(super) enum Verdict {
    Done(Done),
    Parts(Vec<Verdict>),
    /// The same op_id earlier in this group.
    Repeats((UserId, OpId)),
    /// The same op_id in an earlier group.
    Remembered(Arc<str>),
    Refused(Failure),
}

/// A mutation that takes place: its output, and its entries in the log.
pub(super) struct Done {
    pub(super) data: String,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The answers in the order of the jobs, and what the op_ids did.
pub(super) fn answers(
    jobs: &[Job],
    verdicts: Vec<Verdict>,
    world: &World,
    placed: &[Placed],
) -> (Vec<Result<Reply, Failure>>, Vec<Memo>) {
    let mut answered: HashMap<(UserId, OpId), Arc<str>> = HashMap::new();
    let mut memos = Vec::new();
    let mut replies = Vec::with_capacity(jobs.len());
    for (job, verdict) in jobs.iter().zip(verdicts) {
        let user = job.caller.user.id;
        let reply = match verdict {
            Verdict::Parts(verdicts) => {
                let Work::Batch(batch) = &job.work else {
                    unreachable_parts(&mut replies);
                    continue;
                };
                let mut results = Vec::with_capacity(verdicts.len());
                let mut at = BTreeMap::new();
                for (part, verdict) in batch.parts.iter().zip(verdicts) {
                    if let Verdict::Done(done) = &verdict {
                        at.extend(positions(done, user, world, placed));
                    }
                    let hash = part.step.as_ref().map_or(0, |step| step.hash);
                    let key = part.op_id.map(|op_id| (user, op_id));
                    let reply = reply(verdict, key, hash, user, world, placed, &mut answered, &mut memos);
                    results.push(result(reply));
                }
                let data = format!("{{\"results\":[{}]}}", results.join(","));
                let body: Arc<str> = frame::reply(&at, &data).into();
                note(
                    job.op_id.map(|op_id| (user, op_id)),
                    job.hash(),
                    &body,
                    &mut answered,
                    &mut memos,
                );
                Ok(Reply {
                    body,
                    replayed: false,
                    subscribe: None,
                })
            }
            verdict => {
                let key = job.op_id.map(|op_id| (user, op_id));
                reply(
                    verdict,
                    key,
                    job.hash(),
                    user,
                    world,
                    placed,
                    &mut answered,
                    &mut memos,
                )
            }
        };
        replies.push(reply);
    }
    (replies, memos)
}

fn unreachable_parts(replies: &mut Vec<Result<Reply, Failure>>) {
    replies.push(Err(ops::bug("a single mutation has no parts")));
}

#[allow(
    clippy::too_many_arguments,
    reason = "one place encodes replies; a struct would only rename its parts"
)]
fn reply(
    verdict: Verdict,
    key: Option<(UserId, OpId)>,
    hash: i64,
    user: UserId,
    world: &World,
    placed: &[Placed],
    answered: &mut HashMap<(UserId, OpId), Arc<str>>,
    memos: &mut Vec<Memo>,
) -> Result<Reply, Failure> {
    let replay = |body| Reply {
        body,
        replayed: true,
        subscribe: None,
    };
    match verdict {
        Verdict::Refused(failure) => Err(failure),
        Verdict::Remembered(body) => Ok(replay(body)),
        Verdict::Repeats(key) => {
            let body = answered
                .get(&key)
                .cloned()
                .ok_or_else(|| ops::bug("a repeated op_id has no first answer"))?;
            Ok(replay(body))
        }
        Verdict::Parts(_) => Err(ops::bug("a part of a batch has no parts")),
        Verdict::Done(done) => {
            let at = positions(&done, user, world, placed);
            let body: Arc<str> = frame::reply(&at, &done.data).into();
            note(key, hash, &body, answered, memos);
            Ok(Reply {
                body,
                replayed: false,
                subscribe: None,
            })
        }
    }
}

fn note(
    key: Option<(UserId, OpId)>,
    hash: i64,
    body: &Arc<str>,
    answered: &mut HashMap<(UserId, OpId), Arc<str>>,
    memos: &mut Vec<Memo>,
) {
    if let Some(key) = key {
        answered.insert(key, body.clone());
        memos.push((
            key,
            Remembered {
                hash,
                reply: body.clone(),
            },
        ));
    }
}

/// One entry of a batch's results.
fn result(reply: Result<Reply, Failure>) -> String {
    match reply {
        Ok(Reply {
            body, replayed: true, ..
        }) => format!("{{{body},\"replayed\":true}}"),
        Ok(Reply { body, .. }) => format!("{{{body}}}"),
        Err(failure) => format!("{{\"error\":{}}}", ops::json(&failure).unwrap_or_default()),
    }
}

/// The last seq that a mutation produced in each stream its caller may read.
fn positions(done: &Done, user: UserId, world: &World, placed: &[Placed]) -> BTreeMap<StreamId, i64> {
    let entries = placed.get(done.from..done.to).unwrap_or_default();
    let readable = entries.iter().filter(|placed| match placed.stream {
        StreamId::User(id) => id == user,
        StreamId::Workspace(id) => world.role(id, user).is_some(),
    });
    readable.map(|placed| (placed.stream, placed.seq)).collect()
}
