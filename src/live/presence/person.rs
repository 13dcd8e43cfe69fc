//! One user's presence in one workspace: the states of their readers here and on other instances, merged into one.

use serde::{Deserialize, Serialize};
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::presence::{Presence, PresenceChanged, PresenceNow, PresenceState};
use taskwire_protocol::{InstanceId, TaskId, Timestamp, WorkspaceId};
use tokio::time::Instant;

/// A presence, of one reader or of several merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) state: PresenceState,
    pub(crate) task: Option<TaskId>,
    /// When this state began.
    pub(crate) since: Timestamp,
    /// When it was last set.
    pub(crate) set_at: Timestamp,
}

impl Shown {
    /// Online wins over away. Between equal states, the one set last gives the task, and `since` is the earlier one.
    pub(super) fn merge(self, other: Shown) -> Shown {
        let rank = |shown: &Shown| (shown.state == PresenceState::Online, shown.set_at, shown.task);
        let (last, first) = if rank(&self) >= rank(&other) {
            (self, other)
        } else {
            (other, self)
        };
        if last.state != first.state {
            return last;
        }
        Shown {
            since: last.since.min(first.since),
            ..last
        }
    }

    /// The presence as the contract shows it.
    pub(crate) fn presence(self, user: PublicUser) -> Presence {
        Presence {
            user,
            state: self.state,
            task_id: self.task,
            since: self.since,
        }
    }
}

/// One user's state on one instance, merged from all of their readers there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) workspace: WorkspaceId,
    pub(crate) user: PublicUser,
    /// Grows with every change on that instance, so that late notes are recognized.
    pub(crate) version: u64,
    /// `None` when the user left.
    pub(crate) shown: Option<Shown>,
}

/// A user's state on another instance.
pub(super) struct Remote {
    pub(super) version: u64,
    pub(super) shown: Option<Shown>,
    pub(super) until: Instant,
}

/// A user in one workspace.
pub(super) struct Person {
    pub(super) user: PublicUser,
    /// By reader.
    pub(super) here: Vec<(u64, Shown)>,
    /// What the last reader here said, until this moment: it may come back.
    pub(super) left: Option<(Shown, Instant)>,
    /// By instance. Entries of users who left stay until they expire, so that older notes about them are recognized.
    pub(super) elsewhere: Vec<(InstanceId, Remote)>,
    /// The version of the last change of `here`.
    pub(super) version: u64,
}

impl Person {
    pub(super) fn here(&self) -> Option<Shown> {
        let readers = self.here.iter().map(|(_, shown)| *shown);
        readers.reduce(Shown::merge).or(self.left.map(|(shown, _)| shown))
    }

    /// Whether nothing is said of them.
    pub(super) fn is_unknown(&self) -> bool {
        self.here.is_empty() && self.left.is_none() && self.elsewhere.is_empty()
    }

    /// Whether a reader of theirs looks at a task.
    pub(super) fn looks_at(&self, task: TaskId) -> bool {
        let here = self.here.iter().map(|(_, shown)| shown);
        let left = self.left.iter().map(|(shown, _)| shown);
        let elsewhere = self
            .elsewhere
            .iter()
            .filter_map(|(_, remote)| remote.shown.as_ref());
        here.chain(left)
            .chain(elsewhere)
            .any(|shown| shown.task == Some(task))
    }

    /// None of their readers looks at this task any more.
    pub(super) fn forget_task(&mut self, task: TaskId) {
        let here = self.here.iter_mut().map(|(_, shown)| shown);
        let left = self.left.iter_mut().map(|(shown, _)| shown);
        let elsewhere = self
            .elsewhere
            .iter_mut()
            .filter_map(|(_, remote)| remote.shown.as_mut());
        for shown in here.chain(left).chain(elsewhere) {
            shown.task = shown.task.filter(|of| *of != task);
        }
    }

    pub(super) fn shown(&self) -> Option<Shown> {
        let elsewhere = self.elsewhere.iter().filter_map(|(_, remote)| remote.shown);
        self.here().into_iter().chain(elsewhere).reduce(Shown::merge)
    }
}

/// The change that users can see, if there is one.
pub(super) fn seen(
    workspace_id: WorkspaceId,
    user: &PublicUser,
    before: Option<Shown>,
    after: Option<Shown>,
    now: Timestamp,
) -> Option<PresenceChanged> {
    let look = |shown: Shown| (shown.state, shown.task);
    if before.map(look) == after.map(look) {
        return None;
    }
    Some(PresenceChanged {
        workspace_id,
        user: user.clone(),
        state: after.map_or(PresenceNow::Offline, |shown| shown.state.into()),
        task_id: after.and_then(|shown| shown.task),
        since: after.map_or(now, |shown| shown.since),
    })
}
