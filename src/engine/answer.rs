//! Makes a group's answers from its decisions and from the positions of their log entries. Each answer is encoded once.
//! A repeated op_id gets the first answer again.

use super::frame;
use super::submission::{Submission, Work};
use super::write::{Memo, Placed};
use super::{Body, Caller, Reply, Then};
use crate::ops;
use crate::ops::world::World;
use crate::store::ops::Remembered;
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use taskwire_protocol::{Failure, OpId, StreamId, UserId};

/// What was decided for a submission or a part of one.
pub(super) enum Verdict {
    Done(Done),
    Parts(Vec<Verdict>),
    /// The same op_id earlier in this group.
    Repeats((UserId, OpId)),
    /// The same op_id in an earlier group.
    Remembered(Arc<str>),
    Refused(Failure),
}

impl Verdict {
    /// Which of the group's log entries are its own.
    pub(super) fn entries(&self) -> Range<usize> {
        match self {
            Verdict::Done(done) => done.from..done.to,
            Verdict::Parts(parts) => {
                let own = parts.iter().map(Verdict::entries).filter(|own| !own.is_empty());
                own.reduce(|all, own| all.start.min(own.start)..all.end.max(own.end))
                    .unwrap_or_default()
            }
            Verdict::Repeats(_) | Verdict::Remembered(_) | Verdict::Refused(_) => Range::default(),
        }
    }

    /// Whether no part of it was refused.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Verdict::Done(_) | Verdict::Repeats(_) | Verdict::Remembered(_) => true,
            Verdict::Parts(parts) => parts.iter().all(Verdict::is_done),
            Verdict::Refused(_) => false,
        }
    }

    /// How many mutations it is about.
    pub(super) fn mutations(&self) -> usize {
        match self {
            Verdict::Parts(parts) => parts.len(),
            Verdict::Done(_) | Verdict::Repeats(_) | Verdict::Remembered(_) | Verdict::Refused(_) => 1,
        }
    }
}

/// An accepted mutation: its output, and which of the group's log entries are its own.
pub(super) struct Done {
    pub(super) data: Arc<str>,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The answers in the order of the submissions, and what the op_ids did.
pub(super) fn answers(
    submissions: &[Submission],
    verdicts: Vec<Verdict>,
    world: &World,
    placed: &[Placed],
) -> (Vec<Result<Reply, Failure>>, Vec<Memo>) {
    let mut answers = Answers {
        world,
        placed,
        memory: HashMap::new(),
    };
    let replies = submissions
        .iter()
        .zip(verdicts)
        .map(|(submission, verdict)| answers.of_submission(submission, verdict))
        .collect();
    (replies, answers.memory.into_iter().collect())
}

/// A group's answers while they are made.
struct Answers<'a> {
    world: &'a World,
    placed: &'a [Placed],
    /// What the group's op_ids did so far. Repeats get it as their answer, and the group writes it.
    memory: HashMap<(UserId, OpId), Remembered>,
}

impl Answers<'_> {
    fn of_submission(&mut self, submission: &Submission, verdict: Verdict) -> Result<Reply, Failure> {
        let caller = &*submission.caller;
        let user = caller.user.id;
        let key = submission.op_id.map(|op_id| (user, op_id));
        let (verdicts, batch) = match (verdict, &submission.work) {
            (Verdict::Parts(verdicts), Work::Batch(batch)) => (verdicts, batch),
            (Verdict::Done(done), Work::One(step)) if step.own => return Ok(Reply::data(done.data)),
            (verdict, _) => return self.one(verdict, key, submission.hash(), caller),
        };
        let mut results = Vec::with_capacity(verdicts.len());
        let mut at = BTreeMap::new();
        for (part, verdict) in batch.parts.iter().zip(verdicts) {
            if let Verdict::Done(done) = &verdict {
                at.extend(self.positions(done, caller));
            }
            let hash = part.step.as_ref().map_or(0, |step| step.hash);
            let key = part.op_id.map(|op_id| (user, op_id));
            let result = self.one(verdict, key, hash, caller);
            results.push(result_of(submission, result));
        }
        let data = format!("{{\"results\":[{}]}}", results.join(","));
        Ok(self.done(&at, &data, key, submission.hash()))
    }

    fn one(
        &mut self,
        verdict: Verdict,
        key: Option<(UserId, OpId)>,
        hash: i64,
        caller: &Caller,
    ) -> Result<Reply, Failure> {
        let replay = |text| Reply {
            body: Body::Logged(text),
            replayed: true,
            then: Then::Nothing,
            by: None,
        };
        match verdict {
            Verdict::Refused(failure) => Err(failure),
            Verdict::Remembered(body) => Ok(replay(body)),
            Verdict::Repeats(key) => {
                let first = self
                    .memory
                    .get(&key)
                    .map(|remembered| replay(remembered.reply.clone()));
                first.ok_or_else(|| ops::bug("a repeated op_id has no first answer"))
            }
            Verdict::Parts(_) => Err(ops::bug("only a batch has parts, and batches cannot be nested")),
            Verdict::Done(done) => {
                let at = self.positions(&done, caller);
                Ok(self.done(&at, &done.data, key, hash))
            }
        }
    }

    /// Encodes an answer, and remembers it.
    fn done(
        &mut self,
        at: &BTreeMap<StreamId, i64>,
        data: &str,
        key: Option<(UserId, OpId)>,
        hash: i64,
    ) -> Reply {
        let body: Arc<str> = frame::reply(at, data).into();
        if let Some(key) = key {
            let reply = body.clone();
            self.memory.insert(key, Remembered { hash, reply });
        }
        Reply {
            body: Body::Logged(body),
            replayed: false,
            then: Then::Nothing,
            by: None,
        }
    }

    /// The last seq that a mutation produced in each stream that its caller may read.
    fn positions(&self, done: &Done, caller: &Caller) -> BTreeMap<StreamId, i64> {
        let user = caller.user.id;
        let entries = self.placed.get(done.from..done.to).unwrap_or_default();
        let readable = entries.iter().filter(|placed| match placed.stream {
            StreamId::User(id) => id == user && caller.reaches_own(),
            StreamId::Workspace(id) => self.world.role(id, user).is_some() && caller.reaches(id),
        });
        readable.map(|placed| (placed.stream, placed.seq)).collect()
    }
}

/// One entry of a batch's results.
fn result_of(batch: &Submission, reply: Result<Reply, Failure>) -> String {
    match reply {
        Ok(reply) => {
            let mut text = String::with_capacity(reply.size() + 24);
            text.push('{');
            reply.write(&mut text);
            text.push('}');
            text
        }
        Err(failure) => {
            let failure = batch.trace().named(failure, batch.queued.elapsed());
            format!("{{\"error\":{}}}", ops::json(&failure).unwrap_or_default())
        }
    }
}
