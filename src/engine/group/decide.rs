//! What the mutations of a group decide, one after the other, on one world in memory. Does not know how it was loaded, nor how
//! it is written.

use super::super::answer::{Done, Verdict};
use super::super::authorize::authorize_loaded;
use super::super::costs::Costs;
use super::super::load::Memory;
use super::super::narrow;
use super::super::recovery::Fault;
use super::super::submission::{Batch, Step, Submission, Work, within};
use super::Writer;
use crate::ops::world::World;
use crate::ops::{Act, Caller, Needs};
use crate::store::StoreError;
use foldhash::{HashMap, HashMapExt};
use std::time::Instant;
use taskwire_protocol::{ErrorCode, Failure, OpId, Timestamp, UserId};

/// What a group knows beside its world.
pub(super) struct Basis {
    pub(super) memory: Memory,
    /// What lookups were for, if they were not for all that the mutations need.
    pub(super) narrowed: Option<Needs>,
    /// The time of its mutations.
    pub(super) now: Timestamp,
}

impl Writer {
    /// Decides the submissions in order. Each submission sees what the submissions before it did.
    pub(super) fn decide(
        &self,
        submissions: &[Submission],
        world: &mut World,
        basis: &Basis,
        costs: &mut Costs,
    ) -> Result<Vec<Verdict>, Fault> {
        let mut began = Instant::now();
        let mut seen: HashMap<(UserId, OpId), i64> = HashMap::new();
        let mut verdicts = Vec::with_capacity(submissions.len());
        for submission in submissions {
            let span = tracing::enabled!(tracing::Level::DEBUG).then(|| submission.trace().span());
            let _entered = span.as_ref().map(tracing::Span::enter);
            let key = submission.op_id.map(|op_id| (submission.caller.user.id, op_id));
            let verdict = match recall(key, submission.hash(), &seen, &basis.memory) {
                Some(verdict) => Ok(verdict),
                None => match &submission.work {
                    Work::One(step) => self.one(step, &submission.caller, submission.op_id, world, basis),
                    Work::Batch(batch) => self.batch(batch, submission, world, basis, &mut seen),
                },
            };
            let now = Instant::now();
            costs.add(submission.whose, now - began);
            began = now;
            let verdict = verdict?;
            remember(key, submission.hash(), &verdict, &mut seen);
            verdicts.push(verdict);
        }
        Ok(verdicts)
    }

    fn one(
        &self,
        step: &Step,
        caller: &Caller,
        op_id: Option<OpId>,
        world: &mut World,
        basis: &Basis,
    ) -> Result<Verdict, Fault> {
        let from = world.logged();
        let place = match self
            .shared
            .sessions
            .refuse_if_ended(step, caller, world)
            .and_then(|()| authorize_loaded(&*step.decide, caller, world, |_| None))
        {
            Ok(place) => place,
            Err(failure) => return Ok(Verdict::Refused(failure)),
        };
        if let Some(loaded) = &basis.narrowed {
            match narrow::of_step(&*step.decide, caller, world) {
                Err(failure) => return Ok(Verdict::Refused(failure)),
                Ok(needs) if !loaded.has_far(&needs) => return Err(Fault::Hopeful),
                Ok(_) => {}
            }
        }
        let act = Act {
            caller,
            now: basis.now,
            bounds: &self.shared.bounds,
            ids: &self.shared.ids,
            op_id,
            place,
        };
        let tried = step.decide.reaches(caller, world);
        if let Some(Err(failure)) = tried.map(|person| self.shared.limits.reach(caller.user.id, &person)) {
            return Ok(Verdict::Refused(failure));
        }
        match step.decide.decide(&act, world) {
            Ok(data) => Ok(Verdict::Done(Done {
                data,
                from,
                to: world.logged(),
            })),
            Err(_) if world.logged() != from => Err(Fault::Failed(StoreError::corrupt(format!(
                "{} changed the world and then refused",
                step.decide.name()
            )))),
            Err(failure) => Ok(Verdict::Refused(failure)),
        }
    }

    fn batch(
        &self,
        batch: &Batch,
        submission: &Submission,
        world: &mut World,
        basis: &Basis,
        seen: &mut HashMap<(UserId, OpId), i64>,
    ) -> Result<Verdict, Fault> {
        let before = batch.atomic.then(|| world.clone());
        let mut verdicts = Vec::with_capacity(batch.parts.len());
        for (i, part) in batch.parts.iter().enumerate() {
            let step = match &part.step {
                Ok(step) => step,
                Err(failure) => {
                    verdicts.push(Verdict::Refused(failure.clone()));
                    continue;
                }
            };
            let key = part.op_id.map(|op_id| (submission.caller.user.id, op_id));
            let verdict = match recall(key, step.hash, seen, &basis.memory) {
                Some(Verdict::Refused(failure)) => Verdict::Refused(failure.at(format!("ops[{i}].op_id"))),
                Some(verdict) => verdict,
                None => match self.one(
                    step,
                    &submission.caller,
                    part.op_id.or(submission.op_id),
                    world,
                    basis,
                )? {
                    Verdict::Refused(failure) => Verdict::Refused(within(failure, i)),
                    verdict => verdict,
                },
            };
            if matches!(verdict, Verdict::Refused(_))
                && let Some(before) = before
            {
                *world = before;
                return Ok(verdict);
            }
            remember(key, step.hash, &verdict, seen);
            verdicts.push(verdict);
        }
        Ok(Verdict::Parts(verdicts))
    }
}

/// What an op_id did before, in this group or an earlier one.
fn recall(
    key: Option<(UserId, OpId)>,
    hash: i64,
    seen: &HashMap<(UserId, OpId), i64>,
    memory: &Memory,
) -> Option<Verdict> {
    let key = key?;
    let (known, verdict) = match (seen.get(&key), memory.get(&key)) {
        (Some(known), _) => (*known, Verdict::Repeats(key)),
        (None, Some(remembered)) => (remembered.hash, Verdict::Remembered(remembered.reply.clone())),
        (None, None) => return None,
    };
    if known == hash {
        return Some(verdict);
    }
    let message = "this op_id was already used for another request; use a new op_id for each request";
    Some(Verdict::Refused(
        Failure::new(ErrorCode::Conflict, message).at("op_id"),
    ))
}

fn remember(
    key: Option<(UserId, OpId)>,
    hash: i64,
    verdict: &Verdict,
    seen: &mut HashMap<(UserId, OpId), i64>,
) {
    if let (Some(key), Verdict::Done(_) | Verdict::Parts(_)) = (key, verdict) {
        seen.insert(key, hash);
    }
}
