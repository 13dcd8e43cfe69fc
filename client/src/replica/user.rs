//! The user's own state: profile, memberships, invitations, notifications, at one `seq` of the user's stream.

use super::map_difference;
use std::collections::BTreeMap;
use taskwire_protocol::{
    Event, NotificationId, Timestamp, WorkspaceId,
    account::{User, UserSnapshot},
    invite::Invite,
    limits,
    notification::Notification,
    workspace::Workspace,
};
use uuid::Uuid;

const WINDOW: usize = limits::SYNC_NOTIFICATIONS as usize;

/// The user's own state, at one `seq` of the user's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct UserReplica {
    seq: u64,
    user: User,
    workspaces: BTreeMap<WorkspaceId, Workspace>,
    invites: BTreeMap<Uuid, Invite>,
    /// The newest ones, at most as many as in a snapshot.
    notifications: BTreeMap<NotificationId, Notification>,
    unread: u64,
    /// Whether notifications older than the held ones exist or existed.
    truncated: bool,
}

impl UserReplica {
    pub(super) fn of(snapshot: UserSnapshot) -> UserReplica {
        let workspaces = snapshot.workspaces.into_iter();
        let invites = snapshot.invites.into_iter();
        let notifications = snapshot.notifications;
        UserReplica {
            seq: snapshot.seq,
            user: snapshot.user,
            workspaces: workspaces.map(|workspace| (workspace.id, workspace)).collect(),
            invites: invites.map(|invite| (invite.id, invite)).collect(),
            truncated: notifications.len() >= WINDOW,
            notifications: notifications.into_iter().map(|n| (n.id, n)).collect(),
            unread: snapshot.unread,
        }
    }

    /// The `seq` of the last event applied.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The account.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The user's workspaces, each with the user's role.
    pub fn workspaces(&self) -> &BTreeMap<WorkspaceId, Workspace> {
        &self.workspaces
    }

    /// Invitations without an answer.
    pub fn invites(&self) -> &BTreeMap<Uuid, Invite> {
        &self.invites
    }

    /// The newest notifications, at most 100.
    pub fn notifications(&self) -> &BTreeMap<NotificationId, Notification> {
        &self.notifications
    }

    /// The number of unread notifications, including those that are not held.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    pub(super) fn apply(&mut self, seq: u64, event: Event) {
        self.seq = seq;
        match event {
            Event::NotificationCreated(changed) | Event::NotificationUpdated(changed) => {
                self.unread = changed.unread;
                self.take_notification(changed.notification);
            }
            Event::NotificationAllRead(all) => {
                self.unread = all.unread;
                self.read_all(all.up_to);
            }
            Event::NotificationDeleted(gone) => {
                self.unread = gone.unread;
                self.notifications.remove(&gone.id);
            }
            Event::AccessGranted(granted) => {
                let workspace = Workspace {
                    role: Some(granted.role),
                    ..granted.workspace
                };
                self.workspaces.insert(workspace.id, workspace);
            }
            Event::AccessChanged(changed) => {
                if let Some(workspace) = self.workspaces.get_mut(&changed.workspace_id) {
                    workspace.role = Some(changed.role);
                }
            }
            Event::AccessLost(lost) => {
                self.workspaces.remove(&lost.workspace_id);
            }
            Event::InviteReceived(invite) => {
                self.invites.insert(invite.id, *invite);
            }
            Event::InviteRevoked(gone) => {
                self.invites.remove(&gone.id.0);
            }
            Event::ProfileUpdated(user) if user.version >= self.user.version => self.user = *user,
            _ => {}
        }
    }

    /// Takes what the workspace's own stream tells about it: other names reach the user's stream in no event.
    pub(super) fn take_workspace(&mut self, workspace: &Workspace) {
        if let Some(held) = self.workspaces.get_mut(&workspace.id)
            && workspace.version >= held.version
        {
            let role = held.role;
            *held = Workspace {
                role,
                ..workspace.clone()
            };
        }
    }

    fn take_notification(&mut self, notification: Notification) {
        if let Some(held) = self.notifications.get(&notification.id) {
            if notification.version < held.version {
                return;
            }
        } else if self.truncated && self.oldest().is_some_and(|oldest| notification.id < oldest) {
            return; // older than all held ones: there may be others in between
        }
        self.notifications.insert(notification.id, notification);
        if self.notifications.len() > WINDOW {
            self.truncated = true;
            if let Some(oldest) = self.oldest() {
                self.notifications.remove(&oldest);
            }
        }
    }

    fn read_all(&mut self, up_to: Timestamp) {
        for notification in self.notifications.values_mut() {
            if !notification.is_read && notification.created_at <= up_to {
                notification.is_read = true;
                notification.version += 1;
            }
        }
    }

    /// The oldest by id, which is the server's order. The order of `created_at` differs when a clock was set back.
    fn oldest(&self) -> Option<NotificationId> {
        self.notifications.keys().next().copied()
    }

    pub(super) fn difference(&self, other: &UserReplica) -> Option<String> {
        if self.seq != other.seq {
            return Some(format!("seq: {} and {}", self.seq, other.seq));
        }
        if self.user != other.user {
            return Some(format!("{:?} and {:?}", self.user, other.user));
        }
        if self.unread != other.unread {
            return Some(format!("unread: {} and {}", self.unread, other.unread));
        }
        map_difference("workspace", &self.workspaces, &other.workspaces)
            .or_else(|| map_difference("invite", &self.invites, &other.invites))
            .or_else(|| map_difference("notification", &self.shared(other), &other.shared(self)))
    }

    /// The notifications that both sides must hold: those not older than the oldest of a truncated side.
    fn shared(&self, other: &UserReplica) -> BTreeMap<NotificationId, Notification> {
        let edge = |side: &UserReplica| side.oldest().filter(|_| side.truncated);
        let from = edge(self).max(edge(other));
        let held = self.notifications.iter();
        held.filter(|(id, _)| from.is_none_or(|from| **id >= from))
            .map(|(id, notification)| (*id, notification.clone()))
            .collect()
    }
}
