//! Takes tasks in steps from what goes, while others have a turn in between: from a project before it is deleted, and from a
//! person who left a workspace. Does not know what a step changes (`ops/detach`).

use super::accounts::acting_for;
use super::authorize::authorize;
use super::submission::{Step, Submission, Work};
use super::{Caller, Engine, spawned};
use crate::ops::detach::{Detach, Going};
use crate::ops::{Decide, Target};
use crate::store::jobs::Unassign;
use crate::store::tasks::{self, MANY_TOGETHER, Many};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskwire_protocol::{ErrorCode, Failure, ProjectId, SessionId, TaskId};

/// The tasks of a step: with so few, each has an event, and others wait for some hundredths of a second.
const STEP: usize = 200;
/// How long a request may take tasks from its project: the deletion itself follows, and all of it has ten seconds.
const TIME: Duration = Duration::from_secs(7);
/// When a request may go on that had no time left.
const AGAIN_MS: u64 = 200;

impl Engine {
    /// Takes tasks from a project until few enough are left for the deletion itself.
    pub(super) async fn empty(
        &self,
        caller: &Arc<Caller>,
        decide: &dyn Decide,
        project: ProjectId,
        request_id: Option<&Arc<str>>,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        authorize(&self.0.store, caller, decide.access(), Target::Project(project)).await?;
        loop {
            let found = self.tasks_of(Going::Project(project), MANY_TOGETHER + 1).await?;
            if found.len() <= MANY_TOGETHER {
                return Ok(());
            }
            for tasks in found.chunks(STEP) {
                if began.elapsed() > TIME {
                    return Err(unfinished());
                }
                let step = Instant::now();
                self.detach(caller.clone(), Going::Project(project), tasks, request_id)
                    .await?;
                tokio::time::sleep(step.elapsed()).await;
            }
        }
    }

    /// Takes a person who left a workspace from up to 200 of its tasks. Returns whether there may be more.
    pub async fn unassign(&self, left: &Unassign) -> Result<bool, Failure> {
        let from = Going::Person(left.workspace, left.user);
        let found = self.tasks_of(from, STEP).await?;
        let caller = acting_for(left.user, SessionId(self.0.ids.next()), left.actor.clone());
        let is_full = found.len() == STEP;
        let goes: bool = self.act(caller, Detach { from, tasks: found }).await?;
        Ok(goes && is_full)
    }

    async fn detach(
        &self,
        caller: Arc<Caller>,
        from: Going,
        tasks: &[TaskId],
        request_id: Option<&Arc<str>>,
    ) -> Result<(), Failure> {
        let tasks = tasks.to_vec();
        let step = Work::One(Step::new(Box::new(Detach { from, tasks })));
        let mut submission = Box::new(Submission::new(caller, None, step));
        submission.request_id = request_id.cloned();
        self.0.lane.submit(submission).await.map(drop)
    }

    /// Up to so many tasks that something which goes still has.
    async fn tasks_of(&self, from: Going, limit: usize) -> Result<Vec<TaskId>, Failure> {
        let store = self.0.store.clone();
        spawned(async move {
            let mut reader = store.read().await?;
            match from {
                Going::Project(project) => {
                    let projects = BTreeSet::from([project]);
                    tasks::find_many(&mut reader, Many::OfProjects(&projects), limit).await
                }
                Going::Person(workspace, user) => {
                    tasks::find_many(&mut reader, Many::Assigned(workspace, user), limit).await
                }
            }
        })
        .await
    }
}

/// Many tasks are left in a project that is to be deleted.
fn unfinished() -> Failure {
    let message = "the project has so many tasks that there was no time to take all of them out of it; send the request \
                   again, and it goes on from there";
    Failure::new(ErrorCode::Unavailable, message).after(AGAIN_MS)
}
