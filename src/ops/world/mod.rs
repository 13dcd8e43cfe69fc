//! The state a group of mutations decides on, and what they changed of it. Filled by the engine before, written by it
//! after; in between nothing waits. Later mutations of a group see what the earlier ones did.
//!
//! - `entry`   what is logged, and the proof that it was
//! - `counts`  the streams' counters, and what the group adds to them

mod counts;
mod entry;

pub use super::rows::Members;
pub use entry::{Entry, Logged};

use super::rows::Rows;
use super::{Act, Login, Result};
use crate::store::sessions::SessionRecord;
use crate::store::streams::Counters;
use crate::store::users::Account;
use counts::Counts;
use foldhash::HashMap;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::events::names;
use taskwire_protocol::member::{Member, Role};
use taskwire_protocol::notification::Notification;
use taskwire_protocol::task::{Purged, Task};
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{NotificationId, SessionId, StreamId, TaskId, Timestamp, UserId, WorkspaceId};

/// What became of the members that changed.
pub struct MemberChanges<'a> {
    /// New and changed ones.
    pub written: Vec<(WorkspaceId, &'a Member)>,
    /// Those who are gone.
    pub removed: Vec<(WorkspaceId, UserId)>,
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
    counts: Counts,
    entries: Vec<Entry>,
    purged: Vec<TaskId>,
    newest: HashMap<UserId, Timestamp>,
    read_all: BTreeSet<UserId>,
}

impl World {
    /// The counters of a locked stream.
    pub fn loaded_counters(&mut self, stream: StreamId, counters: Counters) {
        self.counts.load(stream, counters);
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
        self.counts.now(stream)
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
        if let Some(before) = self.tasks.get(task.id) {
            self.counts.task(before, -1);
        }
        self.counts.task(&task, 1);
        self.tasks.put(task.id, task);
    }

    /// Takes a task out for good: its row, and its content in the log, that of this group's entries too.
    pub fn purge_task(&mut self, id: TaskId) {
        for entry in self.entries.iter_mut().filter(|entry| entry.task == Some(id)) {
            entry.forget();
        }
        if let Some(task) = self.tasks.remove(id) {
            self.counts.task(&task, -1);
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
        self.counts.delta(workspace.into()).acl_version += 1;
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
        let (entry, logged) = Entry::new(act, stream.into(), event, payload)?;
        self.log(entry);
        Ok(logged)
    }

    /// Logs what happened to a task.
    pub fn emit_task(&mut self, act: &Act<'_>, event: &'static str, task: &Task) -> Result<Logged<Task>> {
        let (entry, logged) = Entry::new(act, task.workspace_id.into(), event, task)?;
        let task = Some(task.id);
        self.log(Entry { task, ..entry });
        Ok(logged)
    }

    /// Logs that a task is gone for good.
    pub fn emit_purged(
        &mut self,
        act: &Act<'_>,
        workspace: WorkspaceId,
        purged: &Purged,
    ) -> Result<Logged<Purged>> {
        let (entry, logged) = Entry::new(act, workspace.into(), names::TaskPurged, purged)?;
        let task = Some(purged.id);
        self.log(Entry { task, ..entry });
        Ok(logged)
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
        let (entry, logged) = Entry::new(act, workspace.into(), event, payload)?;
        let removes = Some(user);
        self.log(Entry { removes, ..entry });
        Ok(logged)
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
        let (entry, logged) = Entry::new(act, user.into(), event, payload)?;
        self.counts.delta(user.into()).unread += unread;
        let unread = Some(unread);
        self.log(Entry {
            task,
            unread,
            ..entry
        });
        Ok(logged)
    }

    fn log(&mut self, entry: Entry) {
        self.counts.delta(entry.stream).seq += 1;
        self.entries.push(entry);
    }

    /// Writes a notification and logs it on its user's stream.
    pub fn notify(&mut self, act: &Act<'_>, user: UserId, notification: Notification) -> Result<()> {
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
        self.counts.deltas()
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
        self.counts.is_unchanged() && self.sessions.is_unchanged()
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
