//! The state a group of mutations decides on, and what they changed of it. Filled by the engine before, written by it
//! after; in between nothing waits. Later mutations of a group see what the earlier ones did.

use super::rows::Rows;
use super::{Act, Login, Result, bug, json};

pub use super::rows::Members;

use crate::store::sessions::SessionRecord;
use crate::store::streams::Counters;
use crate::store::users::Account;
use foldhash::HashMap;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::Arc;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::member::{Member, Role};
use taskwire_protocol::notification::Notification;
use taskwire_protocol::task::{Purged, Task};
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{
    NotificationId, OpId, SessionId, StreamId, TaskId, Timestamp, UserId, WorkspaceId, frames::Actor,
};

/// What became of the members that changed.
pub struct MemberChanges<'a> {
    /// New and changed ones.
    pub written: Vec<(WorkspaceId, &'a Member)>,
    /// Those who are gone.
    pub removed: Vec<(WorkspaceId, UserId)>,
}

/// An entry for the log, whose seq is known once its stream's counter was advanced.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The log.
    pub stream: StreamId,
    /// The wire name of what happened.
    pub event: &'static str,
    /// The payload as JSON: an object.
    pub data: Arc<str>,
    /// Who did it.
    pub actor: Option<Actor>,
    /// The client's name for it.
    pub op_id: Option<OpId>,
    /// The task concerned.
    pub task: Option<TaskId>,
    /// What it adds to the user's unread notifications; the payload gets the count.
    pub unread: Option<i64>,
    /// Whose access to the stream it ends.
    pub removes: Option<UserId>,
}

impl Entry {
    /// Leaves nothing of the content but whose it was.
    fn forget(&mut self) {
        let id = serde_json::from_str::<Value>(&self.data).map_or(Value::Null, |data| data["id"].clone());
        self.data = serde_json::json!({ "id": id, "purged": true }).to_string().into();
    }
}

/// Proof that the log has an entry with such a payload.
#[derive(Debug)]
pub struct Logged<P> {
    data: Arc<str>,
    payload: PhantomData<P>,
}

impl<P> Logged<P> {
    /// The payload, as it was encoded.
    pub(super) fn encoded(self) -> Arc<str> {
        self.data
    }
}

/// What the group decides on.
#[derive(Clone, Default)]
pub struct World {
    /// Tasks.
    pub tasks: Rows<TaskId, Task>,
    /// Workspaces.
    pub workspaces: Rows<WorkspaceId, Workspace>,
    /// Accounts.
    pub accounts: Rows<UserId, Account>,
    /// Sessions.
    pub sessions: Rows<SessionId, SessionRecord>,
    /// Notifications.
    pub notifications: Rows<(UserId, NotificationId), Notification>,
    /// Who has these logins.
    pub logins: HashMap<Login, PublicUser>,
    /// The tasks above these, nearest first, in the database.
    pub ancestors: HashMap<TaskId, Vec<TaskId>>,
    members: HashMap<WorkspaceId, Arc<Members>>,
    changed_members: BTreeSet<(WorkspaceId, UserId)>,
    counters: HashMap<StreamId, Counters>,
    deltas: BTreeMap<StreamId, Counters>,
    entries: Vec<Entry>,
    purged: Vec<TaskId>,
    newest: HashMap<UserId, Timestamp>,
    read_all: BTreeSet<UserId>,
}

impl World {
    /// The counters of a locked stream.
    pub fn loaded_counters(&mut self, stream: StreamId, counters: Counters) {
        self.counters.insert(stream, counters);
    }

    /// The members of a locked workspace.
    pub fn loaded_members(&mut self, workspace: WorkspaceId, members: Arc<Members>) {
        self.members.insert(workspace, members);
    }

    /// When the newest of a user's notifications was made.
    pub fn loaded_newest(&mut self, user: UserId, at: Timestamp) {
        self.newest.insert(user, at);
    }

    /// A stream's counters with what the group added so far. Exact for locked streams.
    pub fn counters(&self, stream: StreamId) -> Counters {
        let base = self.counters.get(&stream).copied().unwrap_or_default();
        let delta = self.deltas.get(&stream).copied().unwrap_or_default();
        Counters {
            seq: base.seq + delta.seq,
            acl_version: base.acl_version + delta.acl_version,
            unread: base.unread + delta.unread,
            pending: base.pending + delta.pending,
            completed: base.completed + delta.completed,
            deleted: base.deleted + delta.deleted,
        }
    }

    /// The members of a workspace; `None` where there is no such workspace.
    pub fn members(&self, workspace: WorkspaceId) -> Option<&Members> {
        self.members.get(&workspace).map(Arc::as_ref)
    }

    /// What somebody is in a workspace.
    pub fn role(&self, workspace: WorkspaceId, user: UserId) -> Option<Role> {
        self.members(workspace)?.role(user)
    }

    /// Writes a task, new or changed, and counts it.
    pub fn put_task(&mut self, task: Task) {
        let stream = StreamId::from(task.workspace_id);
        let before = self.tasks.get(task.id).map(status);
        let delta = self.deltas.entry(stream).or_default();
        if let Some(before) = before {
            *before.of(delta) -= 1;
        }
        *status(&task).of(delta) += 1;
        self.tasks.put(task.id, task);
    }

    /// Takes a task out for good: its row, and its content in the log, that of this group's entries too.
    pub fn purge_task(&mut self, id: TaskId) {
        for entry in self.entries.iter_mut().filter(|entry| entry.task == Some(id)) {
            entry.forget();
        }
        if let Some(task) = self.tasks.remove(id) {
            let delta = self.deltas.entry(task.workspace_id.into()).or_default();
            *status(&task).of(delta) -= 1;
            self.purged.push(id);
        }
    }

    /// Writes a workspace.
    pub fn put_workspace(&mut self, workspace: Workspace) {
        self.workspaces.put(workspace.id, workspace);
    }

    /// Writes an account.
    pub fn put_account(&mut self, account: Account) {
        self.accounts.put(account.user.id, account);
    }

    /// Writes a session.
    pub fn put_session(&mut self, session: SessionRecord) {
        self.sessions.put(session.id, session);
    }

    /// Writes a member.
    pub fn put_member(&mut self, workspace: WorkspaceId, member: Member) {
        self.changed_members.insert((workspace, member.user.id));
        let members = self.change_members(workspace);
        members.by_user.insert(member.user.id, member);
    }

    /// Removes a member.
    pub fn remove_member(&mut self, workspace: WorkspaceId, user: UserId) {
        self.changed_members.insert((workspace, user));
        self.change_members(workspace).by_user.remove(&user);
    }

    fn change_members(&mut self, workspace: WorkspaceId) -> &mut Members {
        self.deltas.entry(workspace.into()).or_default().acl_version += 1;
        let members = Arc::make_mut(self.members.entry(workspace).or_default());
        members.acl_version += 1;
        members
    }

    /// Logs what happened.
    pub fn emit<P: Serialize>(
        &mut self,
        act: &Act<'_>,
        stream: impl Into<StreamId>,
        event: &'static str,
        payload: &P,
    ) -> Result<Logged<P>> {
        self.log(act, stream.into(), event, payload, |_| {})
    }

    /// Logs what happened to a task.
    pub fn emit_task(&mut self, act: &Act<'_>, event: &'static str, task: &Task) -> Result<Logged<Task>> {
        self.log(act, task.workspace_id.into(), event, task, |entry| {
            entry.task = Some(task.id);
        })
    }

    /// Logs that a task is gone for good.
    pub fn emit_purged(
        &mut self,
        act: &Act<'_>,
        workspace: WorkspaceId,
        purged: &Purged,
    ) -> Result<Logged<Purged>> {
        let event = taskwire_protocol::events::names::TaskPurged;
        self.log(act, workspace.into(), event, purged, |entry| {
            entry.task = Some(purged.id);
        })
    }

    /// Logs that somebody's access to a workspace's stream ends with this entry.
    pub fn emit_removal<P: Serialize>(
        &mut self,
        act: &Act<'_>,
        workspace: WorkspaceId,
        event: &'static str,
        payload: &P,
        user: UserId,
    ) -> Result<Logged<P>> {
        self.log(act, workspace.into(), event, payload, |entry| {
            entry.removes = Some(user);
        })
    }

    /// Logs what happened to a user's notifications; the payload gets the count of unread ones.
    pub fn emit_unread<P: Serialize>(
        &mut self,
        act: &Act<'_>,
        user: UserId,
        event: &'static str,
        payload: &P,
        task: Option<TaskId>,
        unread: i64,
    ) -> Result<Logged<P>> {
        self.deltas.entry(user.into()).or_default().unread += unread;
        self.log(act, user.into(), event, payload, |entry| {
            entry.task = task;
            entry.unread = Some(unread);
        })
    }

    fn log<P: Serialize>(
        &mut self,
        act: &Act<'_>,
        stream: StreamId,
        event: &'static str,
        payload: &P,
        more: impl FnOnce(&mut Entry),
    ) -> Result<Logged<P>> {
        let data: Arc<str> = json(payload)?.into();
        if !data.starts_with('{') {
            return Err(bug("an event's payload is an object"));
        }
        let user = &act.caller.user;
        let actor = Some(Actor {
            id: user.id,
            name: user.name.clone(),
        });
        let op_id = act.op_id;
        let mut entry = Entry {
            stream,
            event,
            data: data.clone(),
            actor,
            op_id,
            task: None,
            unread: None,
            removes: None,
        };
        more(&mut entry);
        self.deltas.entry(stream).or_default().seq += 1;
        self.entries.push(entry);
        Ok(Logged {
            data,
            payload: PhantomData,
        })
    }

    /// Writes a notification and logs it on its user's stream.
    pub fn notify(&mut self, act: &Act<'_>, user: UserId, notification: Notification) -> Result<()> {
        use taskwire_protocol::events::names;
        self.emit_unread(
            act,
            user,
            names::NotificationCreated,
            &notification,
            notification.task_id,
            1,
        )?;
        self.notifications.put((user, notification.id), notification);
        Ok(())
    }

    /// Writes a notification that was there.
    pub fn put_notification(&mut self, user: UserId, notification: Notification) {
        self.notifications.put((user, notification.id), notification);
    }

    /// Removes a notification.
    pub fn remove_notification(&mut self, user: UserId, id: NotificationId) {
        self.notifications.remove((user, id));
    }

    /// A moment up to which all of a user's notifications were made: now, or later where the clock that dated one of them
    /// was ahead of this one.
    pub fn all_made_by(&self, act: &Act<'_>, user: UserId) -> Timestamp {
        self.newest
            .get(&user)
            .map_or(act.now, |newest| act.now.max(*newest))
    }

    /// Marks all of a user's notifications as read: those in memory here, the others where they are.
    pub fn read_all(&mut self, user: UserId) {
        let unread = self
            .notifications
            .iter()
            .filter(|((of, _), row)| *of == user && !row.is_read);
        let unread: Vec<_> = unread.map(|(key, row)| (*key, row.clone())).collect();
        for (key, row) in unread {
            let (is_read, version) = (true, row.version + 1);
            self.notifications.put(
                key,
                Notification {
                    is_read,
                    version,
                    ..row
                },
            );
        }
        self.read_all.insert(user);
    }

    /// How many entries there are: what came since shows what a mutation logged.
    pub fn logged(&self) -> usize {
        self.entries.len()
    }

    /// The entries since there were `from`.
    pub fn entries(&self, from: usize) -> &[Entry] {
        self.entries.get(from..).unwrap_or_default()
    }

    /// What the group adds to each stream's counters, in the order of locking.
    pub fn deltas(&self) -> Vec<(StreamId, Counters)> {
        let mut deltas: Vec<_> = self
            .deltas
            .iter()
            .map(|(stream, delta)| (*stream, *delta))
            .collect();
        deltas.sort_by_key(|(stream, _)| stream.uuid());
        deltas
    }

    /// The members written, and those removed.
    pub fn member_changes(&self) -> MemberChanges<'_> {
        let (mut written, mut removed) = (Vec::new(), Vec::new());
        for (workspace, user) in &self.changed_members {
            match self.members(*workspace).and_then(|members| members.get(*user)) {
                Some(member) => written.push((*workspace, member)),
                None => removed.push((*workspace, *user)),
            }
        }
        MemberChanges { written, removed }
    }

    /// The members of the workspaces in which they changed.
    pub fn changed_workspaces(&self) -> impl Iterator<Item = (WorkspaceId, Arc<Members>)> {
        let ids: BTreeSet<WorkspaceId> = self
            .changed_members
            .iter()
            .map(|(workspace, _)| *workspace)
            .collect();
        ids.into_iter()
            .filter_map(|id| Some((id, self.members.get(&id)?.clone())))
    }

    /// Whether there is nothing to write.
    pub fn is_unchanged(&self) -> bool {
        self.deltas.is_empty() && self.sessions.is_unchanged()
    }

    /// Whether accounts, sessions, workspaces or their members changed.
    pub fn concerns_accounts(&self) -> bool {
        let rows = [
            self.accounts.is_unchanged(),
            self.sessions.is_unchanged(),
            self.workspaces.is_unchanged(),
            self.changed_members.is_empty(),
        ];
        rows.contains(&false)
    }

    /// The tasks purged.
    pub fn purged(&self) -> &[TaskId] {
        &self.purged
    }

    /// Whose notifications are all read.
    pub fn all_read(&self) -> impl Iterator<Item = UserId> {
        self.read_all.iter().copied()
    }
}

/// By what a workspace counts its tasks.
#[derive(Clone, Copy)]
enum Counted {
    Pending,
    Completed,
    Deleted,
}

impl Counted {
    fn of(self, counters: &mut Counters) -> &mut i64 {
        match self {
            Counted::Pending => &mut counters.pending,
            Counted::Completed => &mut counters.completed,
            Counted::Deleted => &mut counters.deleted,
        }
    }
}

fn status(task: &Task) -> Counted {
    match (task.is_deleted, task.completed) {
        (true, _) => Counted::Deleted,
        (false, true) => Counted::Completed,
        (false, false) => Counted::Pending,
    }
}
