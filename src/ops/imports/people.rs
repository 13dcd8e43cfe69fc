//! Who in the workspace a person of the file is. Nobody becomes a member by an import.

use super::super::rows::Members;
use super::super::world::World;
use crate::domain::import::lost::{Lost, shown};
use crate::domain::import::plan::{Person, Plan};
use crate::ops::{Act, Login};
use crate::store::users::username_key;
use crate::unicode::name_key;
use foldhash::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use taskwire_protocol::member::Role;
use taskwire_protocol::{UserId, WorkspaceId};

/// The most e-mail addresses of a file that are looked up.
const ADDRESSES: usize = 500;

/// The members of a workspace by what files call them.
pub(super) struct People<'w> {
    world: &'w World,
    workspace: WorkspaceId,
    usernames: HashMap<String, UserId>,
    /// `None`: several members have this name.
    names: HashMap<String, Option<UserId>>,
    /// Whether addresses name members. They are not public, but admins add members by them.
    by_address: bool,
}

/// People who are not found, or in whose place the import takes somebody else, with how often and on which line first.
#[derive(Default)]
pub(super) struct Counted(BTreeMap<String, (u64, Option<u64>)>);

impl Counted {
    pub(super) fn add(&mut self, name: &str, line: Option<u64>) {
        self.0.entry(shown(name)).or_insert((0, line)).0 += 1;
    }

    /// Lists each of them once.
    pub(super) fn list(self, lost: &mut Lost, what: impl Fn(&str, u64) -> String, why: &str) {
        for (name, (number, line)) in self.0 {
            let name = if name.is_empty() { "somebody" } else { &name };
            lost.add(line, what(name, number), why);
        }
    }
}

/// The addresses by which a file names people.
pub(super) fn addresses(plan: &Plan) -> BTreeSet<Login> {
    let people = plan.tasks.iter().flat_map(|task| &task.people);
    let addresses = people.filter(|person| is_address(&person.name));
    addresses
        .map(|person| Login::email(&person.name))
        .take(ADDRESSES)
        .collect()
}

fn is_address(name: &str) -> bool {
    name.len() <= taskwire_protocol::limits::EMAIL
        && name
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

impl<'w> People<'w> {
    pub(super) fn of(act: &Act<'_>, world: &'w World, workspace: WorkspaceId) -> People<'w> {
        let (mut usernames, mut names) = (HashMap::default(), HashMap::default());
        for member in world.members(workspace).into_iter().flat_map(Members::iter) {
            let user = &member.user;
            usernames.insert(username_key(&user.username), user.id);
            names
                .entry(name_key(&user.name))
                .and_modify(|named| *named = None)
                .or_insert(Some(user.id));
        }
        People {
            world,
            workspace,
            usernames,
            names,
            by_address: act.place.is_some_and(|(_, role)| role >= Role::Admin),
        }
    }

    /// The member who a person is.
    pub(super) fn find(&self, person: &Person) -> Option<UserId> {
        let is_member = |id: &UserId| self.world.role(self.workspace, *id).is_some();
        let by_id = person.id.filter(is_member);
        by_id
            .or_else(|| self.named(&person.name))
            .or_else(|| self.named(&person.other))
            .or_else(|| {
                let found = self
                    .world
                    .logins
                    .get(&Login::email(&person.name))
                    .filter(|_| self.by_address);
                found.map(|user| user.id).filter(is_member)
            })
    }

    fn named(&self, name: &str) -> Option<UserId> {
        let name = name.trim().trim_start_matches('@');
        if name.is_empty() {
            return None;
        }
        let by_username = self.usernames.get(&username_key(name)).copied();
        by_username.or_else(|| self.names.get(&name_key(name)).copied().flatten())
    }
}
