//! Takes tasks in steps from what goes, while others have a turn in between: from a project before it is deleted, and from a
//! person who left a workspace. Does not know what a step changes (`ops/detach`).

use super::accounts::acting_for;
use super::authorize::authorize;
use super::submission::{Step, Submission, Work};
use super::{Caller, Engine, spawned};
use crate::domain::account::DELETED;
use crate::ops::detach::{Detach, Going};
use crate::ops::{Decide, Target};
use crate::store::jobs::Unassign;
use crate::store::tasks::{self, MANY_TOGETHER, Many};
use crate::store::users;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{ErrorCode, Failure, ProjectId, SessionId, TaskId};
use tokio::time::{sleep, timeout_at};

/// The tasks of a step: with so few, each has an event, and others wait for some hundredths of a second.
const STEP: usize = 200;
/// How long a request may take tasks from its project: the deletion itself follows, and all of it has ten seconds.
const TIME: Duration = Duration::from_secs(7);
/// When a request may go on that had no time left.
const AGAIN_MS: u64 = 200;

impl Engine {
    /// Takes tasks from a project, since `began`, until few enough are left for the deletion itself. What refuses a step
    /// refuses that too, unless its op_id tells that it was done.
    pub(super) async fn empty(
        &self,
        caller: &Arc<Caller>,
        decide: &dyn Decide,
        project: ProjectId,
        request_id: Option<&Arc<str>>,
        began: Instant,
    ) -> Result<(), Failure> {
        let emptied = self.take_all(caller, decide, project, request_id);
        match timeout_at((began + TIME).into(), emptied).await {
            Ok(Err(failure)) if !failure.retryable => Ok(()),
            Ok(done) => done,
            Err(_) => Err(unfinished()),
        }
    }

    async fn take_all(
        &self,
        caller: &Arc<Caller>,
        decide: &dyn Decide,
        project: ProjectId,
        request_id: Option<&Arc<str>>,
    ) -> Result<(), Failure> {
        authorize(&self.0.store, caller, decide.access(), Target::Project(project)).await?;
        loop {
            let (engine, user) = (self.clone(), caller.user.id);
            let found = spawned(async move {
                let projects = BTreeSet::from([project]);
                let many = Many::OfProjects(&projects);
                tasks::find_many(&mut *engine.short_page(user).await?, many, MANY_TOGETHER + 1).await
            });
            let found = found.await?;
            if found.len() <= MANY_TOGETHER {
                return Ok(());
            }
            for tasks in found.chunks(STEP) {
                let step = Instant::now();
                self.detach(caller.clone(), Going::Project(project), tasks, request_id)
                    .await?;
                sleep(step.elapsed()).await;
            }
        }
    }

    /// Takes a person who left a workspace from up to 200 of its tasks. Returns whether there may be more.
    pub async fn unassign(&self, left: &Unassign) -> Result<bool, Failure> {
        let (store, workspace, user) = (self.0.store.clone(), left.workspace, left.user);
        let found = spawned(async move {
            tasks::find_many(&mut store.read().await?, Many::Assigned(workspace, user), STEP).await
        });
        let (tasks, from) = (found.await?, Going::Person(workspace, user));
        if tasks.is_empty() {
            return Ok(false);
        }
        let actor = self.known(left.actor.clone()).await?;
        let caller = acting_for(user, SessionId(self.0.ids.next()), actor);
        let step = Instant::now();
        let goes = self.act(caller, Detach { from, tasks }).await?;
        sleep(step.elapsed()).await;
        Ok(goes)
    }

    /// An actor by a name that they still have: their account may have been deleted since.
    async fn known(&self, actor: Actor) -> Result<Actor, Failure> {
        let Actor::User { id, .. } = actor else {
            return Ok(actor);
        };
        let store = self.0.store.clone();
        let found = spawned(async move { users::find(&mut store.read().await?, id).await }).await?;
        Ok(match found {
            Some(_) => actor,
            None => Actor::user(id, DELETED.into()),
        })
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
}

/// Many tasks are left in a project that is to be deleted.
fn unfinished() -> Failure {
    let message = "the project has so many tasks that there was no time to take all of them out of it; send the request \
                   again, and it goes on from there";
    Failure::new(ErrorCode::Unavailable, message).after(AGAIN_MS)
}
