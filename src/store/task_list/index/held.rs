//! The tasks of a workspace in memory, as far as lists need them: by what they are ordered, and by what they are filtered.
//!
//! Each task has a number. Numbers follow the order of creation, so a set of numbers is a list by creation; the few tasks that
//! came late (`strays`) are apart. Numbers of tasks that are gone stay unused until the index is built again. Does not know
//! where tasks come from.

use super::facets::{Facet, Facets};
use super::order::Order;
use super::texts::{Texts, push};
use foldhash::HashMap;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use roaring::RoaringBitmap;
use std::cmp::Ordering;
use std::hash::BuildHasher;
use uuid::Uuid;

/// The date of a task without one.
pub(super) const NO_DATE: i64 = i64::MIN;

/// The states of a task: pending, completed, and the same two of deleted tasks.
pub(super) const STATES: usize = 4;
pub(super) const COMPLETED: usize = 1;
pub(super) const DELETED: usize = 2;

/// How many numbers may be unused, or those of strays, in an index of some size before it is built again.
const SLACK: u64 = 4096;

/// What a list needs to know of a task.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) id: Uuid,
    pub(super) created: i64,
    pub(super) updated: i64,
    /// Or [`NO_DATE`].
    pub(super) due: i64,
    pub(super) priority: i64,
    /// The key of its title, in bytes.
    pub(super) title: Vec<u8>,
    pub(super) position: String,
    pub(super) state: usize,
    pub(super) facets: Vec<Facet>,
    pub(super) blockers: Vec<Uuid>,
}

/// What orders tasks, besides their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Updated,
    /// Only tasks with a date.
    Due,
    /// The others, by id.
    Undated,
    Priority,
    Title,
    Position,
}

impl By {
    const ALL: [By; 6] = [
        By::Updated,
        By::Due,
        By::Undated,
        By::Priority,
        By::Title,
        By::Position,
    ];
}

/// What orders tasks, by their numbers.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) ids: Vec<Uuid>,
    pub(super) created: Vec<i64>,
    pub(super) updated: Vec<i64>,
    pub(super) due: Vec<i64>,
    pub(super) priority: Vec<i8>,
    pub(super) state: Vec<u8>,
    pub(super) titles: Texts,
    pub(super) positions: Texts,
}

impl Columns {
    pub(super) fn compare(&self, by: By, one: u32, other: u32) -> Ordering {
        let (a, b) = (one as usize, other as usize);
        let keys = match by {
            By::Updated => self.updated[a].cmp(&self.updated[b]),
            By::Due => self.due[a].cmp(&self.due[b]),
            By::Undated => Ordering::Equal,
            By::Priority => self.priority[a].cmp(&self.priority[b]),
            By::Title => self.titles.get(one).cmp(self.titles.get(other)),
            By::Position => self.positions.get(one).cmp(self.positions.get(other)),
        };
        keys.then_with(|| self.ids[a].cmp(&self.ids[b]))
    }

    /// The creation of a task. No two are equal.
    pub(super) fn creation(&self, task: u32) -> (i64, Uuid) {
        (self.created[task as usize], self.ids[task as usize])
    }

    /// The beginning of a key, as a number: most keys differ there.
    fn head(&self, by: By, task: u32) -> u64 {
        let number = |number: i64| (number as u64) ^ (1 << 63);
        let text = |text: &[u8]| {
            let mut head = [0; 8];
            let length = text.len().min(8);
            head[..length].copy_from_slice(&text[..length]);
            u64::from_be_bytes(head)
        };
        match by {
            By::Updated => number(self.updated[task as usize]),
            By::Due => number(self.due[task as usize]),
            By::Undated => 0,
            By::Priority => number(self.priority[task as usize].into()),
            By::Title => text(self.titles.get(task)),
            By::Position => text(self.positions.get(task)),
        }
    }

    fn is_in(&self, by: By, task: u32) -> bool {
        let is_dated = self.due[task as usize] != NO_DATE;
        match by {
            By::Due => is_dated,
            By::Undated => !is_dated,
            _ => true,
        }
    }

    fn push(&mut self, fact: &Fact) {
        push(&mut self.ids, fact.id);
        push(&mut self.created, fact.created);
        push(&mut self.updated, fact.updated);
        push(&mut self.due, fact.due);
        push(&mut self.priority, fact.priority as i8);
        push(&mut self.state, fact.state as u8);
        self.titles.push(&fact.title);
        self.positions.push(fact.position.as_bytes());
    }

    fn set(&mut self, task: u32, fact: &Fact) {
        let at = task as usize;
        self.updated[at] = fact.updated;
        self.due[at] = fact.due;
        self.priority[at] = fact.priority as i8;
        self.state[at] = fact.state as u8;
        self.titles.set(task, &fact.title);
        self.positions.set(task, fact.position.as_bytes());
    }

    fn size(&self) -> usize {
        let numbers = self.created.capacity() + self.updated.capacity() + self.due.capacity();
        let small = self.priority.capacity() + self.state.capacity();
        let ids = self.ids.capacity() * size_of::<Uuid>();
        ids + numbers * size_of::<i64>() + small + self.titles.size() + self.positions.size()
    }
}

/// The tasks of a workspace.
#[derive(Default)]
pub(super) struct Tasks {
    pub(super) columns: Columns,
    /// The numbers by id.
    numbers: HashTable<u32>,
    hasher: RandomState,
    pub(super) states: [RoaringBitmap; STATES],
    pub(super) facets: Facets,
    /// Tasks that were created before one with a lower number, also those that are gone since.
    pub(super) strays: RoaringBitmap,
    /// The orders of each state's tasks.
    orders: [[Order; By::ALL.len()]; STATES],
    /// What blocks a task, for the few that are blocked by others.
    blockers: HashMap<u32, Vec<Uuid>>,
    blocks: HashMap<Uuid, Vec<u32>>,
    /// The tasks that something pending blocks.
    pub(super) waiting: RoaringBitmap,
    /// The newest creation.
    newest: Option<(i64, Uuid)>,
    gone: u64,
}

impl Tasks {
    /// How many numbers there are, unused ones too.
    pub(super) fn numbers(&self) -> u32 {
        self.columns.ids.len() as u32
    }

    pub(super) fn order(&self, state: usize, by: By) -> &Order {
        &self.orders[state][by as usize]
    }

    /// Whether building the index again would make it much better.
    pub(super) fn is_worn(&self) -> bool {
        self.gone + self.strays.len() > SLACK + u64::from(self.numbers()) / 8
    }

    /// The memory that it takes, about.
    pub(super) fn size(&self) -> usize {
        let orders: usize = self.orders.iter().flatten().map(Order::size).sum();
        let blockers = (self.blockers.len() + self.blocks.len()) * 160;
        let sets = self.columns.ids.len() * STATES / 8;
        self.columns.size() + self.facets.size() + orders + blockers + sets + self.numbers.capacity() * 6
    }

    /// Adds a task, which is in no order until [`Tasks::sort`].
    pub(super) fn append(&mut self, fact: &Fact) -> u32 {
        let number = self.numbers();
        self.columns.push(fact);
        self.facets.push(&fact.facets);
        self.states[fact.state].insert(number);
        let hash = self.hasher.hash_one(fact.id);
        let (ids, hasher) = (&self.columns.ids, &self.hasher);
        let rehash = |number: &u32| hasher.hash_one(ids[*number as usize]);
        self.numbers.insert_unique(hash, number, rehash);
        let creation = (fact.created, fact.id);
        if self.newest.is_some_and(|newest| newest > creation) {
            self.strays.insert(number);
        } else {
            self.newest = Some(creation);
        }
        self.block(number, &fact.blockers);
        number
    }

    /// Puts all tasks into their orders.
    pub(super) fn sort(&mut self) {
        for state in 0..STATES {
            for by in By::ALL {
                let tasks = self.states[state].iter();
                let tasks = tasks.filter(|task| self.columns.is_in(by, *task));
                let mut keyed: Vec<(u64, u32)> =
                    tasks.map(|task| (self.columns.head(by, task), task)).collect();
                keyed.sort_unstable_by(|(a, one), (b, other)| {
                    a.cmp(b).then_with(|| self.columns.compare(by, *one, *other))
                });
                let sorted: Vec<u32> = keyed.into_iter().map(|(_, task)| task).collect();
                self.orders[state][by as usize] = Order::of(&sorted);
            }
        }
        let blocked: Vec<u32> = self.blockers.keys().copied().collect();
        for task in blocked {
            self.look_at_blockers(task);
        }
    }

    /// Takes over what a task is now.
    pub(super) fn put(&mut self, fact: &Fact) {
        let Some(task) = self.find(fact.id) else {
            let task = self.append(fact);
            for by in By::ALL {
                self.enter(by, task);
            }
            self.look_at_blockers(task);
            self.look_at_blocked(fact.id);
            return;
        };
        let before = usize::from(self.columns.state[task as usize]);
        let left = By::ALL.map(|by| before != fact.state || self.changes(by, task, fact));
        for by in By::ALL.into_iter().filter(|by| left[*by as usize]) {
            self.leave(by, task);
        }
        self.columns.set(task, fact);
        for by in By::ALL.into_iter().filter(|by| left[*by as usize]) {
            self.enter(by, task);
        }
        self.facets.set(task, &fact.facets);
        self.unblock(task);
        self.block(task, &fact.blockers);
        self.look_at_blockers(task);
        if before != fact.state {
            self.states[before].remove(task);
            self.states[fact.state].insert(task);
            self.look_at_blocked(fact.id);
        }
    }

    /// Forgets a task that is gone.
    pub(super) fn remove(&mut self, id: Uuid) {
        let Some(task) = self.find(id) else { return };
        for by in By::ALL {
            self.leave(by, task);
        }
        self.states[usize::from(self.columns.state[task as usize])].remove(task);
        self.facets.set(task, &[]);
        self.unblock(task);
        self.waiting.remove(task);
        let found = self
            .numbers
            .find_entry(self.hasher.hash_one(id), |number| *number == task);
        if let Ok(entry) = found {
            entry.remove();
        }
        self.gone += 1;
        self.look_at_blocked(id);
    }

    fn find(&self, id: Uuid) -> Option<u32> {
        let is_it = |number: &u32| self.columns.ids[*number as usize] == id;
        self.numbers.find(self.hasher.hash_one(id), is_it).copied()
    }

    /// Whether a task has another place in an order when it is as `fact` says.
    fn changes(&self, by: By, task: u32, fact: &Fact) -> bool {
        let at = task as usize;
        match by {
            By::Updated => self.columns.updated[at] != fact.updated,
            By::Due => self.columns.due[at] != fact.due,
            By::Undated => (self.columns.due[at] == NO_DATE) != (fact.due == NO_DATE),
            By::Priority => i64::from(self.columns.priority[at]) != fact.priority,
            By::Title => self.columns.titles.get(task) != fact.title,
            By::Position => self.columns.positions.get(task) != fact.position.as_bytes(),
        }
    }

    fn enter(&mut self, by: By, task: u32) {
        if self.columns.is_in(by, task) {
            let (columns, order) = self.order_of(by, task);
            order.insert(task, |other| columns.compare(by, other, task).is_lt());
        }
    }

    fn leave(&mut self, by: By, task: u32) {
        if self.columns.is_in(by, task) {
            let (columns, order) = self.order_of(by, task);
            order.remove(task, |other| columns.compare(by, other, task).is_lt());
        }
    }

    fn order_of(&mut self, by: By, task: u32) -> (&Columns, &mut Order) {
        let state = usize::from(self.columns.state[task as usize]);
        (&self.columns, &mut self.orders[state][by as usize])
    }

    fn block(&mut self, task: u32, blockers: &[Uuid]) {
        if blockers.is_empty() {
            return;
        }
        for blocker in blockers {
            self.blocks.entry(*blocker).or_default().push(task);
        }
        self.blockers.insert(task, blockers.to_vec());
    }

    fn unblock(&mut self, task: u32) {
        for blocker in self.blockers.remove(&task).unwrap_or_default() {
            if let Some(blocked) = self.blocks.get_mut(&blocker) {
                blocked.retain(|other| *other != task);
                if blocked.is_empty() {
                    self.blocks.remove(&blocker);
                }
            }
        }
    }

    /// Whether something pending blocks a task.
    fn look_at_blockers(&mut self, task: u32) {
        let pending = |id: &Uuid| {
            self.find(*id)
                .is_some_and(|blocker| self.columns.state[blocker as usize] == 0)
        };
        let waits = self
            .blockers
            .get(&task)
            .is_some_and(|ids| ids.iter().any(pending));
        if waits {
            self.waiting.insert(task);
        } else {
            self.waiting.remove(task);
        }
    }

    fn look_at_blocked(&mut self, blocker: Uuid) {
        for task in self.blocks.get(&blocker).cloned().unwrap_or_default() {
            self.look_at_blockers(task);
        }
    }
}
