//! Who is present where. Merges the states of the readers here and of other instances, finds what changed, and drops
//! states that are not repeated. Pure bookkeeping: the caller passes the time; nothing here sends or waits.

use super::person::{Person, Remote, Shown, Told, seen};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::presence::{Presence, PresenceChanged, PresenceState};
use taskwire_protocol::{InstanceId, TaskId, Timestamp, UserId, WorkspaceId};
use tokio::time::Instant;

/// How long a presence of another instance is valid without being repeated. The presences of a killed instance must end
/// within a minute: this time and the time between two searches together are shorter.
pub(crate) const HOLDS: Duration = Duration::from_secs(50);
/// The most presences of other instances that are kept; further ones are ignored.
const KEPT: usize = 200_000;

type Room = BTreeMap<UserId, Person>;

/// Who is present where.
#[derive(Default)]
pub(crate) struct Roster {
    rooms: HashMap<WorkspaceId, Room>,
    /// Grows with every change of a reader here.
    version: u64,
    /// Changes that must be sent to other instances, with their versions.
    untold: HashMap<(WorkspaceId, UserId), (u64, PublicUser)>,
    /// How many entries of other instances there are.
    elsewhere: usize,
    /// Who left and may come back, until when: the oldest first.
    leaving: VecDeque<(Instant, WorkspaceId, UserId)>,
}

/// A change that users can see, if there is one.
pub(crate) type Changed = Option<PresenceChanged>;

impl Roster {
    /// Sets the state of a reader here. Returns the user's presence, merged from all their readers.
    pub(crate) fn set(
        &mut self,
        key: u64,
        workspace: WorkspaceId,
        user: &PublicUser,
        (state, task): (PresenceState, Option<TaskId>),
        now: Timestamp,
    ) -> (Presence, Changed) {
        let mut merged = None;
        let changed = self.change(workspace, user, now, |person| {
            // a reader that comes while the user is in this state, or has just left, joins in it
            let here = person.here();
            person.left = None;
            let before = person.here.iter().position(|(of, _)| *of == key);
            let before = before.map(|at| person.here.swap_remove(at).1);
            let since = [before, here].into_iter().flatten();
            let since = since
                .filter(|shown| shown.state == state)
                .map(|shown| shown.since);
            let shown = Shown {
                state,
                task,
                since: since.min().unwrap_or(now),
                set_at: now,
            };
            person.here.push((key, shown));
            merged = person.shown();
        });
        self.tell_of(workspace, user.id);
        let shown = merged.unwrap_or(Shown {
            state,
            task,
            since: now,
            set_at: now,
        });
        (shown.presence(user.clone()), changed)
    }

    /// Ends the presence of a reader here. With `until`, the user's last presence here stays until then.
    pub(crate) fn end(
        &mut self,
        key: u64,
        workspace: WorkspaceId,
        user: UserId,
        now: Timestamp,
        until: Option<Instant>,
    ) -> Changed {
        let user = self.rooms.get(&workspace)?.get(&user)?.user.clone();
        let mut leaves = false;
        let changed = self.change(workspace, &user, now, |person| {
            let said = person.here.iter().position(|(of, _)| *of == key);
            let said = said.map(|at| person.here.swap_remove(at).1);
            if person.here.is_empty() && said.is_some() {
                person.left = said.zip(until);
                leaves = person.left.is_some();
            }
        });
        if leaves && let Some(until) = until {
            self.leaving.push_back((until, workspace, user.id));
        }
        self.tell_of_end(workspace, &user);
        changed
    }

    /// Ends the presences of those who left and did not come back.
    pub(crate) fn end_left(&mut self, now: Timestamp, at: Instant) -> Vec<PresenceChanged> {
        let mut ended = Vec::new();
        while let Some((until, workspace, user)) = self.leaving.front().copied()
            && until <= at
        {
            self.leaving.pop_front();
            let Some(person) = self.person(workspace, user) else {
                continue;
            };
            if person.left.is_none_or(|(_, until)| at < until) {
                continue; // came back, and perhaps left again
            }
            let user = person.user.clone();
            ended.extend(self.change(workspace, &user, now, |person| person.left = None));
            self.tell_of_end(workspace, &user);
        }
        ended
    }

    /// Takes a user's state from another instance. An older version changes nothing; the same version again only renews
    /// the expiry.
    pub(crate) fn hear(&mut self, from: InstanceId, told: Told, now: Timestamp, at: Instant) -> Changed {
        let Told {
            workspace,
            user,
            version,
            shown,
        } = told;
        let room = self.rooms.get(&workspace).and_then(|room| room.get(&user.id));
        let known = room.is_some_and(|person| person.elsewhere.iter().any(|(of, _)| *of == from));
        if !known && self.elsewhere >= KEPT {
            return None;
        }
        self.elsewhere += usize::from(!known);
        let until = at + HOLDS;
        self.change(workspace, &user, now, |person| {
            match person.elsewhere.iter_mut().find(|(of, _)| *of == from) {
                Some((_, remote)) if version < remote.version => {}
                Some((_, remote)) => {
                    *remote = Remote {
                        version,
                        shown,
                        until,
                    }
                }
                None => person.elsewhere.push((
                    from,
                    Remote {
                        version,
                        shown,
                        until,
                    },
                )),
            }
        })
    }

    /// Drops the states that other instances did not repeat in time.
    pub(crate) fn expire(&mut self, now: Timestamp, at: Instant) -> Vec<PresenceChanged> {
        self.drop_remotes(now, |_, remote| remote.until <= at)
    }

    /// Another instance stopped: drops its states. Its people may come back on the others: what it said holds until then.
    pub(crate) fn gone(&mut self, from: InstanceId, until: Instant) {
        let people = self.rooms.values_mut().flat_map(BTreeMap::values_mut);
        for (_, remote) in people
            .flat_map(|person| &mut person.elsewhere)
            .filter(|(of, _)| *of == from)
        {
            remote.until = remote.until.min(until);
        }
    }

    /// Takes a task out of all presences in its workspace.
    pub(crate) fn forget_task(
        &mut self,
        workspace: WorkspaceId,
        task: TaskId,
        now: Timestamp,
    ) -> Vec<PresenceChanged> {
        let people = self.rooms.get(&workspace).into_iter().flat_map(BTreeMap::values);
        let users: Vec<PublicUser> = people
            .filter(|person| person.looks_at(task))
            .map(|person| person.user.clone())
            .collect();
        let mut changed = Vec::new();
        for user in users {
            changed.extend(self.change(workspace, &user, now, |person| person.forget_task(task)));
            self.tell_of(workspace, user.id);
        }
        changed
    }

    /// Who is present in a workspace, ordered by user id.
    pub(crate) fn list(&self, workspace: WorkspaceId, most: usize) -> Vec<Presence> {
        let people = self.rooms.get(&workspace).into_iter().flat_map(BTreeMap::values);
        people
            .filter_map(|person| Some(person.shown()?.presence(person.user.clone())))
            .take(most)
            .collect()
    }

    /// Takes the changes since the last call.
    pub(crate) fn untold(&mut self) -> Vec<Told> {
        let untold = std::mem::take(&mut self.untold);
        let told = |((workspace, id), (version, user)): ((WorkspaceId, UserId), (u64, PublicUser))| Told {
            workspace,
            version,
            shown: self.person(workspace, id).and_then(Person::here),
            user,
        };
        untold.into_iter().map(told).collect()
    }

    /// The states of the users present here that `part` selects, to be sent again.
    pub(crate) fn told(&self, part: impl Fn(UserId) -> bool) -> Vec<Told> {
        let people = self
            .rooms
            .iter()
            .flat_map(|(workspace, room)| room.values().map(move |person| (*workspace, person)));
        people
            .filter(|(_, person)| part(person.user.id))
            .filter_map(|(workspace, person)| {
                Some(Told {
                    workspace,
                    user: person.user.clone(),
                    version: person.version,
                    shown: Some(person.here()?),
                })
            })
            .collect()
    }

    fn person(&self, workspace: WorkspaceId, user: UserId) -> Option<&Person> {
        self.rooms.get(&workspace)?.get(&user)
    }

    /// As [`Roster::tell_of`], for somebody who may no longer be here.
    fn tell_of_end(&mut self, workspace: WorkspaceId, user: &PublicUser) {
        self.untold
            .entry((workspace, user.id))
            .or_insert_with(|| (0, user.clone()));
        self.tell_of(workspace, user.id);
    }

    /// A user's state here changed: gives it a new version, and keeps it to be sent.
    fn tell_of(&mut self, workspace: WorkspaceId, user: UserId) {
        self.version += 1;
        let version = self.version;
        let person = self
            .rooms
            .get_mut(&workspace)
            .and_then(|room| room.get_mut(&user));
        let name = person.map(|person| {
            person.version = version;
            person.user.clone()
        });
        if let Some(name) = name {
            self.untold.insert((workspace, user), (version, name));
        } else if let Some((untold, _)) = self.untold.get_mut(&(workspace, user)) {
            *untold = version;
        }
    }

    /// Changes a user's entry; returns the change that users can see.
    fn change(
        &mut self,
        workspace: WorkspaceId,
        user: &PublicUser,
        now: Timestamp,
        change: impl FnOnce(&mut Person),
    ) -> Changed {
        let room = self.rooms.entry(workspace).or_default();
        let person = room.entry(user.id).or_insert_with(|| Person {
            user: user.clone(),
            here: Vec::new(),
            left: None,
            elsewhere: Vec::new(),
            version: 0,
        });
        let before = person.shown();
        change(person);
        person.user = user.clone();
        let after = person.shown();
        if person.is_unknown() {
            room.remove(&user.id);
            if room.is_empty() {
                self.rooms.remove(&workspace);
            }
        }
        seen(workspace, user, before, after, now)
    }

    fn drop_remotes(
        &mut self,
        now: Timestamp,
        ends: impl Fn(InstanceId, &Remote) -> bool,
    ) -> Vec<PresenceChanged> {
        let mut changed = Vec::new();
        let elsewhere = &mut self.elsewhere;
        self.rooms.retain(|workspace, room| {
            room.retain(|_, person| {
                if !person.elsewhere.iter().any(|(of, remote)| ends(*of, remote)) {
                    return true;
                }
                let before = person.shown();
                let count = person.elsewhere.len();
                person.elsewhere.retain(|(of, remote)| !ends(*of, remote));
                *elsewhere -= count - person.elsewhere.len();
                changed.extend(seen(*workspace, &person.user, before, person.shown(), now));
                !person.is_unknown()
            });
            !room.is_empty()
        });
        changed
    }
}
