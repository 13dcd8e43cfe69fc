//! A mutation that waits for its turn in the lane, and the channel for its answer.

use super::Reply;
use super::item::Whose;
use super::trace::Trace;
use crate::ops::{Caller, Decide, Needs, Target};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Instant;
use taskwire_protocol::{Access, Failure, OpId};
use tokio::sync::oneshot;

/// One mutation of a submission.
pub(super) struct Step {
    pub(super) decide: Box<dyn Decide>,
    /// Tells whether a repeated `op_id` carries the same request.
    pub(super) hash: i64,
    /// One of the server's own steps. Its answer is its output alone, without positions in the log.
    pub(super) own: bool,
}

impl Step {
    pub(super) fn new(decide: Box<dyn Decide>) -> Step {
        let hash = hash(decide.name(), &decide.canonical());
        let own = false;
        Step { decide, hash, own }
    }

    /// One of the server's own steps. It has no op_id, so nothing compares its hash.
    pub(super) fn own(decide: Box<dyn Decide>) -> Step {
        let (hash, own) = (0, true);
        Step { decide, hash, own }
    }
}

/// Tells requests apart: the beginning of a SHA-256 of the operation and its parameters.
pub(super) fn hash(name: &str, canonical: &str) -> i64 {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([0])
        .chain_update(canonical)
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}

/// One mutation of a batch, or why it cannot be read.
pub(super) struct Part {
    pub(super) op_id: Option<OpId>,
    pub(super) step: Result<Step, Failure>,
}

/// Several mutations in one request.
pub(super) struct Batch {
    pub(super) atomic: bool,
    pub(super) parts: Vec<Part>,
    pub(super) hash: i64,
}

/// Prefixes the failure's field with its place in the batch.
pub(super) fn within(mut failure: Failure, i: usize) -> Failure {
    failure.field = Some(match failure.field.as_deref() {
        None | Some("data") => format!("ops[{i}].data"),
        Some("type") => format!("ops[{i}].type"),
        Some(field) => format!("ops[{i}].data.{field}"),
    });
    failure
}

/// What a submission does.
pub(super) enum Work {
    One(Step),
    Batch(Batch),
}

impl Work {
    /// Whether it is one of the server's own steps.
    fn is_own(&self) -> bool {
        matches!(self, Work::One(step) if step.own)
    }

    /// Its mutations that can be read, with the op_ids that they have of their own in a batch.
    pub(super) fn steps(&self) -> impl Iterator<Item = (&dyn Decide, Option<OpId>)> {
        let (one, parts) = match self {
            Work::One(step) => (Some((step, None)), &[][..]),
            Work::Batch(batch) => (None, &batch.parts[..]),
        };
        let parts = parts
            .iter()
            .filter_map(|part| Some((part.step.as_ref().ok()?, part.op_id)));
        one.into_iter()
            .chain(parts)
            .map(|(step, op_id)| (&*step.decide, op_id))
    }

    /// The same without op_ids.
    pub(super) fn decides(&self) -> impl Iterator<Item = &dyn Decide> {
        self.steps().map(|(decide, _)| decide)
    }

    /// Its mutations that can be read, to tell them what was found before they take their place in the lane.
    pub(super) fn decides_mut(&mut self) -> impl Iterator<Item = &mut Box<dyn Decide>> {
        let (one, parts) = match self {
            Work::One(step) => (Some(step), <&mut [Part]>::default()),
            Work::Batch(batch) => (None, &mut batch.parts[..]),
        };
        let parts = parts.iter_mut().filter_map(|part| part.step.as_mut().ok());
        one.into_iter().chain(parts).map(|step| &mut step.decide)
    }

    /// How many changes of the caller's own profile it has.
    pub(super) fn profile_changes(&self) -> usize {
        self.decides().filter(|decide| decide.changes_profile()).count()
    }
}

/// Whose streams a submission locks first. All submissions of a group are of one kind. Groups of workspaces lock users'
/// counters at their end; groups of users lock nothing more. So groups never wait for each other in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Workspace,
    Both,
}

/// A mutation or a batch of them in the lane's queue.
pub(super) struct Submission {
    pub(super) caller: Arc<Caller>,
    /// The line in which it waits.
    pub(super) whose: Whose,
    pub(super) op_id: Option<OpId>,
    pub(super) work: Work,
    pub(super) needs: Needs,
    pub(super) kind: Kind,
    pub(super) queued: Instant,
    /// The id that the transport gave the request.
    pub(super) request_id: Option<Arc<str>>,
    /// It needed too much to share a transaction with others.
    pub(super) is_large: bool,
    answer: Option<oneshot::Sender<Result<Reply, Failure>>>,
}

impl Submission {
    pub(super) fn new(caller: Arc<Caller>, op_id: Option<OpId>, work: Work) -> Submission {
        let (needs, kind) = needs(&caller, &work);
        let whose = match Whose::of(&caller) {
            Whose::User(user) if work.is_own() => Whose::Steps(user),
            whose => whose,
        };
        Submission {
            caller,
            whose,
            op_id,
            work,
            needs,
            kind,
            queued: Instant::now(),
            request_id: None,
            is_large: false,
            answer: None,
        }
    }

    /// Returns the channel on which the answer will arrive.
    pub(super) fn ask(&mut self) -> oneshot::Receiver<Result<Reply, Failure>> {
        let (answer, asked) = oneshot::channel();
        self.answer = Some(answer);
        asked
    }

    /// Sends the answer. If the caller has disconnected, the mutation stays done.
    pub(super) fn answer(self, reply: Result<Reply, Failure>) {
        if let Some(answer) = self.answer {
            let _ = answer.send(reply);
        }
    }

    /// Whether it is one of the server's own steps, a part of another request such as a sign-in.
    pub(super) fn is_own(&self) -> bool {
        self.work.is_own()
    }

    /// How log lines identify the submission.
    pub(super) fn trace(&self) -> Trace {
        Trace {
            operation: match &self.work {
                Work::One(step) => step.decide.name(),
                Work::Batch(_) => "batch",
            },
            request_id: self.request_id.clone(),
            caller: Some(self.caller.clone()),
        }
    }

    /// Tells whether a repeated `op_id` carries the same request.
    pub(super) fn hash(&self) -> i64 {
        match &self.work {
            Work::One(step) => step.hash,
            Work::Batch(batch) => batch.hash,
        }
    }

    /// How many mutations it counts for.
    pub(super) fn weight(&self) -> usize {
        match &self.work {
            Work::One(_) => 1,
            Work::Batch(batch) => batch.parts.len(),
        }
    }

    /// Whether it gets a group of its own.
    pub(super) fn is_alone(&self) -> bool {
        self.is_large || self.needs.alone
    }

    /// Every `op_id` in it.
    pub(super) fn op_ids(&self) -> impl Iterator<Item = OpId> {
        let parts = match &self.work {
            Work::One(_) => &[][..],
            Work::Batch(batch) => &batch.parts[..],
        };
        self.op_id
            .into_iter()
            .chain(parts.iter().filter_map(|part| part.op_id))
    }
}

/// What a submission needs in memory. It is collected before the submission enters the queue; in the lane, all other
/// submissions would wait.
fn needs(caller: &Caller, work: &Work) -> (Needs, Kind) {
    let (one, parts) = match work {
        Work::One(step) => (Some(step), &[][..]),
        Work::Batch(batch) => (None, &batch.parts[..]),
    };
    let parts = parts.iter().filter_map(|part| part.step.as_ref().ok());
    let (mut needs, mut kind) = (Needs::default(), None);
    for step in one.into_iter().chain(parts) {
        let of_step = match step.decide.target(caller) {
            Target::Own => {
                needs.streams.insert(caller.user.id.into());
                Kind::User
            }
            Target::User(id) => {
                needs.streams.insert(id.into());
                Kind::User
            }
            Target::Workspace(id) | Target::Outside(id) => {
                needs.streams.insert(id.into());
                Kind::Workspace
            }
            Target::Task(id) => {
                needs.tasks.insert(id);
                Kind::Workspace
            }
            Target::Comment(id) => {
                needs.comments.insert(id);
                needs.homeless.insert(Target::Comment(id));
                Kind::Workspace
            }
            Target::Attachment(id) => {
                needs.attachments.insert(id);
                needs.homeless.insert(Target::Attachment(id));
                Kind::Workspace
            }
            Target::Project(id) => {
                needs.projects.insert(id);
                needs.homeless.insert(Target::Project(id));
                Kind::Workspace
            }
            Target::Tag(id) => {
                needs.tags.insert(id);
                needs.homeless.insert(Target::Tag(id));
                Kind::Workspace
            }
        };
        kind = Some(kind.map_or(of_step, |kind| if kind == of_step { kind } else { Kind::Both }));
        if step.decide.access() == Access::ServerAdmin {
            needs.accounts.insert(caller.user.id);
        }
        step.decide.needs(caller, &mut needs);
    }
    (needs, kind.unwrap_or(Kind::User))
}

#[cfg(test)]
impl Submission {
    /// A mutation of a user in a session, for tests of the queue.
    pub(super) fn of_user(user: u128, session: u128, decide: Box<dyn Decide>) -> Submission {
        Submission::new(tests::caller(user, session), None, Work::One(Step::new(decide)))
    }

    /// One of the server's own steps for a user.
    pub(super) fn step_of_user(user: u128, session: u128, decide: Box<dyn Decide>) -> Submission {
        Submission::new(tests::caller(user, session), None, Work::One(Step::own(decide)))
    }

    /// Mutations of a user in a session, as a batch.
    pub(super) fn batch_of_user(user: u128, session: u128, decides: Vec<Box<dyn Decide>>) -> Submission {
        let part = |decide| Part {
            op_id: None,
            step: Ok(Step::new(decide)),
        };
        let parts = decides.into_iter().map(part).collect();
        let (atomic, hash) = (false, 0);
        let work = Work::Batch(Batch { atomic, parts, hash });
        Submission::new(tests::caller(user, session), None, work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::account::{GlobalRole, PublicUser};
    use taskwire_protocol::{SessionId, UserId, WorkspaceId};
    use uuid::Uuid;

    pub(super) fn caller(user: u128, session: u128) -> Arc<Caller> {
        let user = PublicUser {
            id: UserId(Uuid::from_u128(user)),
            username: "u".into(),
            name: "n".into(),
            photo_url: None,
        };
        let (session, personal) = (SessionId(Uuid::from_u128(session)), WorkspaceId(Uuid::nil()));
        Arc::new(Caller::new(user, session, GlobalRole::User, personal))
    }
}
