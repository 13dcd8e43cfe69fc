//! Imports: who may begin one, reading the file on a thread of its own, and the mutations that it becomes: one for up to
//! 10,000 rows, or steps, between which others have their turn. A step that was done answers what it did, so an import that
//! broke off goes on where it stopped when it is sent again with its `op_id`.

use super::authorize::authorize;
use super::download::{Place, Room, Running};
use super::{Caller, Engine, Reply, finished, spawned};
use crate::auth::limits::Limit;
use crate::domain::import::plan::Plan;
use crate::domain::import::{self, Given};
use crate::ops::imports::{AT_ONCE, BLOCKED_AT_ONCE, Import, Key, Part, Progress, Waiting};
use crate::ops::{Target, bug};
use crate::store::ops;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskwire_protocol::import::{ImportFormat, Imported};
use taskwire_protocol::{ErrorCode, Failure, Kind, OpId, Timestamp, WorkspaceId};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Each holds a file, or what was made of it, in memory.
static ROOM: Room = Room {
    each: 2,
    all: 6,
    already: "two imports of yours are under way; wait until one of them has ended",
    too_many: "too many imports at once; try again shortly",
    retry_after_ms: 2000,
};
/// The rows of a step: with so few, each has an event, and others wait for some hundredths of a second.
const STEP: usize = 200;
/// How often a step is sent again that failed for a reason that may pass.
const TRIES: u32 = 5;
/// The pause before that, if the failure names none.
const PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// An archive may be so many times as large when it is unpacked.
const UNPACKED: usize = 4;

/// How many files are read at once: each needs a CPU, and memory for what an archive has.
const READ_AT_ONCE: usize = 2;
/// How long a file waits until it is read. Another one takes some seconds.
const READ_WITHIN: Duration = Duration::from_mins(1);

/// Who imports now, and the largest file.
pub(super) struct Imports {
    running: Running,
    reading: Arc<Semaphore>,
    most: usize,
}

impl Imports {
    pub(super) fn new(most: usize) -> Imports {
        let running = Running::new(&ROOM);
        let reading = Arc::new(Semaphore::new(READ_AT_ONCE));
        Imports {
            running,
            reading,
            most,
        }
    }
}

/// What a request says about an import.
pub struct Wanted {
    /// The workspace that gets it.
    pub workspace: WorkspaceId,
    /// The format of the file.
    pub format: ImportFormat,
    /// The project of tasks that have none.
    pub project: Option<String>,
    /// Whether it only says what would happen.
    pub dry_run: bool,
    /// Makes the import exactly-once.
    pub op_id: Option<OpId>,
    /// The id of the request.
    pub request_id: Arc<str>,
}

/// An import that may begin. It has its place among the imports until it is dropped.
pub struct Importing {
    caller: Arc<Caller>,
    wanted: Wanted,
    most: usize,
    _place: Place,
}

impl Importing {
    /// The most bytes that the file may have.
    pub fn most(&self) -> usize {
        self.most
    }
}

impl Engine {
    /// Checks whether the caller may import, before any of the file is read. It is checked again with each mutation.
    pub async fn may_import(&self, caller: Arc<Caller>, wanted: Wanted) -> Result<Importing, Failure> {
        caller.may(Import::NAME, Kind::Mutation, Import::ACCESS)?;
        self.note_use(&caller);
        let (store, by, workspace) = (self.0.store.clone(), caller.clone(), wanted.workspace);
        let target = Target::Workspace(workspace);
        finished(async move { authorize(&store, &by, Import::ACCESS, target).await }).await?;
        let Imports { running, most, .. } = &self.0.imports;
        let place = running.take(caller.user.id)?;
        self.0.limits.take(Limit::Imports, caller.user.id).await?;
        Ok(Importing {
            caller,
            wanted,
            most: *most,
            _place: place,
        })
    }

    /// Imports a file. Runs to its end, also when nobody waits for the answer. Returns the answer as JSON.
    pub async fn import(&self, importing: Importing, file: Vec<u8>) -> Result<Reply, Failure> {
        let engine = self.clone();
        finished(async move { engine.read_and_import(importing, file).await }).await
    }

    async fn read_and_import(&self, importing: Importing, file: Vec<u8>) -> Result<Reply, Failure> {
        // the session may have ended while the file arrived
        self.check_session(&importing.caller).await?;
        let Importing { caller, wanted, .. } = &importing;
        let now = Timestamp(self.0.clock.now_ms());
        let (format, project) = (wanted.format, wanted.project.clone());
        let most = importing.most.saturating_mul(UNPACKED);
        let request = format!("{} {} {:?} ", wanted.workspace, format.name(), wanted.project);
        let reading = self.0.imports.reading.clone().acquire_owned();
        let Ok(Ok(turn)) = timeout(READ_WITHIN, reading).await else {
            return Err(Failure::new(ErrorCode::Unavailable, ROOM.too_many).after(ROOM.retry_after_ms));
        };
        let read = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let given = Given {
                bytes: &file,
                now,
                project: project.as_deref(),
                most,
            };
            let digest = Sha256::digest(&file);
            (import::read(format, &given), digest)
        });
        let broke = |error| {
            tracing::error!(error = %error, "reading an import failed");
            bug("the file cannot be read; the server's log has the reason")
        };
        let (plan, digest) = read.await.map_err(broke)?;
        let mut request = request;
        for byte in digest {
            let _ = write!(request, "{byte:02x}");
        }
        let steps = Steps {
            engine: self,
            caller,
            wanted,
            key: Key::new(
                caller.user.id,
                wanted.workspace,
                wanted.op_id,
                self.0.ids.next(),
                &request,
            ),
            request: request.into(),
            plan: Arc::new(Plan::default()),
        };
        if !wanted.dry_run && self.did_import(caller, wanted.op_id).await? {
            return steps.submit(Part::Again, wanted.op_id).await;
        }
        let plan = Arc::new(plan?);
        let steps = Steps { plan, ..steps };
        if !wanted.dry_run && !steps.has_steps() && self.did_import(caller, steps.first()).await? {
            return Err(used());
        }
        steps.all().await
    }

    async fn did_import(&self, caller: &Caller, op_id: Option<OpId>) -> Result<bool, Failure> {
        let Some(op_id) = op_id else { return Ok(false) };
        let (store, user) = (self.0.store.clone(), caller.user.id);
        spawned(async move { ops::is_known(&mut store.read().await?, user, op_id).await }).await
    }
}

/// The mutations of one import.
struct Steps<'e> {
    engine: &'e Engine,
    caller: &'e Arc<Caller>,
    wanted: &'e Wanted,
    plan: Arc<Plan>,
    key: Key,
    request: Arc<str>,
}

/// Another file with many rows was begun with the op_id of this one.
fn used() -> Failure {
    let message = "another import with this op_id was begun; use a new op_id for each file";
    Failure::new(ErrorCode::Conflict, message).at("op_id")
}

impl Steps<'_> {
    /// Whether it is more than one mutation.
    fn has_steps(&self) -> bool {
        self.plan.rows() > AT_ONCE
    }

    /// The op_id of its first step, if that follows from its own.
    fn first(&self) -> Option<OpId> {
        Some(Key::first(self.caller.user.id, self.wanted.op_id?))
    }

    async fn all(self) -> Result<Reply, Failure> {
        if self.wanted.dry_run {
            return self.submit(Part::Check, None).await;
        }
        if !self.has_steps() {
            return self.submit(Part::Whole, self.wanted.op_id).await;
        }
        // what the workspace does not allow is known before anything is written
        self.submit(Part::Check, None).await?;
        let mut done = Progress::default();
        match self.in_steps(&mut done).await {
            Ok(()) => self.submit(Part::End(Box::new(done)), self.wanted.op_id).await,
            Err(failure) => Err(self.broken_off(failure, &done.whole())),
        }
    }

    async fn in_steps(&self, done: &mut Progress) -> Result<(), Failure> {
        let mut number = 0;
        *done = self.step(Part::Names, &mut number).await?;
        let begun = done.begun;
        let parts = parts(&self.plan);
        for places in &parts {
            let step = self.step(Part::Tasks(places.clone(), begun), &mut number).await?;
            done.add(step);
        }
        for waiting in later_blockers(&self.plan, &parts, &done.there) {
            let step = self.step(Part::Blockers(waiting, begun), &mut number).await?;
            done.add(step);
        }
        Ok(())
    }

    /// Carries out a step, again if it failed for a reason that may pass. Then others have a turn as long as it took.
    async fn step(&self, part: Part, number: &mut u64) -> Result<Progress, Failure> {
        *number += 1;
        let first = self.first().filter(|_| matches!(part, Part::Names));
        let op_id = first.unwrap_or_else(|| self.key.step(*number));
        let mut tries = 0;
        let began = Instant::now();
        let reply = loop {
            self.engine.check_session(self.caller).await?;
            match self.submit(part.clone(), Some(op_id)).await {
                Err(failure) if failure.retryable && tries < TRIES => {
                    tries += 1;
                    let named = failure.retry_after_ms.map(Duration::from_millis);
                    tokio::time::sleep(named.unwrap_or(PAUSE * tries).min(LONGEST_PAUSE)).await;
                }
                answer => break answer?,
            }
        };
        let output = output(&reply)?;
        if !reply.replayed {
            tokio::time::sleep(began.elapsed().min(LONGEST_PAUSE)).await;
        }
        Ok(output)
    }

    async fn submit(&self, part: Part, op_id: Option<OpId>) -> Result<Reply, Failure> {
        let import = Import {
            workspace: self.wanted.workspace,
            plan: self.plan.clone(),
            part,
            key: self.key.clone(),
            request: self.request.clone(),
        };
        let request_id = Some(self.wanted.request_id.clone());
        let engine = self.engine.clone();
        engine
            .submit_one(self.caller.clone(), op_id, Box::new(import), request_id)
            .await
    }

    /// Says how far an import came.
    fn broken_off(&self, mut failure: Failure, report: &Imported) -> Failure {
        let goes_on = match self.wanted.op_id {
            Some(_) => "send it again with the same op_id, and it goes on from there",
            None => "it has no op_id, so sending it again imports these tasks again",
        };
        let (tasks, all) = (report.made.tasks, self.plan.tasks.len());
        failure.message = format!(
            "{}; {tasks} of {all} tasks were imported: {goes_on}",
            failure.message
        );
        failure.context = Some(json!({ "done": report }));
        failure
    }
}

fn output<T: DeserializeOwned>(reply: &Reply) -> Result<T, Failure> {
    reply
        .output()
        .ok_or_else(|| bug("the answer to a step of an import cannot be read"))
}

/// The tasks of each step: about as many rows, each task with its comments.
fn parts(plan: &Plan) -> Vec<Range<usize>> {
    let (mut parts, mut from, mut rows) = (Vec::new(), 0, 0);
    for (place, task) in plan.tasks.iter().enumerate() {
        let more = 1 + task.comments.len();
        if rows + more > STEP && place > from {
            parts.push(from..place);
            (from, rows) = (place, 0);
        }
        rows += more;
    }
    if from < plan.tasks.len() {
        parts.push(from..plan.tasks.len());
    }
    parts
}

/// The new tasks that something blocks which a later step makes, in steps.
fn later_blockers(plan: &Plan, parts: &[Range<usize>], there: &[usize]) -> Vec<Vec<Waiting>> {
    let there: std::collections::BTreeSet<usize> = there.iter().copied().collect();
    let all = parts.iter().flat_map(|part| {
        let from = part.end;
        part.clone().map(move |task| Waiting { task, from })
    });
    let waiting = all.filter(|task| !there.contains(&task.task) && task.later(plan).next().is_some());
    let waiting: Vec<Waiting> = waiting.collect();
    waiting.chunks(BLOCKED_AT_ONCE).map(<[Waiting]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::import::plan::{PlannedComment, PlannedTask};

    #[test]
    fn steps_have_about_as_many_rows_and_all_tasks() {
        let mut plan = Plan::default();
        for n in 0..500 {
            let mut task = PlannedTask::default();
            if n == 300 {
                task.comments = vec![PlannedComment::default(); 2000];
                task.blocked_by = vec![1, 499];
            }
            plan.tasks.push(task);
        }
        let parts = parts(&plan);
        assert_eq!(parts, [0..200, 200..300, 300..301, 301..500]);
        let (task, from) = (300, 301);
        assert_eq!(later_blockers(&plan, &parts, &[]), [[Waiting { task, from }]]);
        assert!(later_blockers(&plan, &parts, &[300]).is_empty());
    }
}
