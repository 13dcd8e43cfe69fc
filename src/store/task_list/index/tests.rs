//! Compares lists from an index with lists that look at every task.

use super::facets::Facet;
use super::held::{By, COMPLETED, DELETED, Fact, NO_DATE, STATES, Tasks};
use super::select::{Found, select};
use crate::store::task_list::order::PageEnd;
use crate::unicode::{title_key, title_key_bytes};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use taskwire_protocol::task::{ListTasks, Priority, Sort, Status};
use taskwire_protocol::{ProjectId, Timestamp, UserId};
use uuid::Uuid;

/// Numbers that a seed determines (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn some<T>(&mut self, percent: u64, make: impl FnOnce(&mut Dice) -> T) -> Option<T> {
        self.chance(percent).then(|| make(self))
    }
}

/// A task as it is, beside what the index is told.
#[derive(Clone)]
struct Whole {
    title: String,
    fact: Fact,
}

const TITLES: [&str; 6] = ["a", "B", "ä", "a longer title", "a longer title too", "10"];
const PRIORITIES: [Priority; 5] = Priority::ALL;

fn whole(dice: &mut Dice, id: Uuid, created: i64, ids: &[Uuid]) -> Whole {
    let title = TITLES[dice.below(6) as usize].to_owned();
    let priority = dice.below(5) as i64;
    let completed = dice.chance(30);
    let stage = if completed { "done" } else { "todo" };
    let mut facets = vec![Facet::Priority(priority), Facet::Stage(stage.into())];
    facets.extend(dice.some(50, |dice| Facet::Project(Uuid::from_u128(dice.below(3).into()))));
    facets.extend(dice.some(50, |dice| {
        Facet::Tag(["home", "work"][dice.below(2) as usize].to_owned())
    }));
    facets.extend(dice.some(50, |dice| Facet::Assignee(Uuid::from_u128(dice.below(2).into()))));
    let deleted = dice.chance(20);
    let blockers = dice.some(20, |dice| ids[dice.below(ids.len() as u64) as usize]);
    let fact = Fact {
        id,
        created,
        updated: dice.below(50) as i64,
        due: dice.some(60, |dice| dice.below(20) as i64).unwrap_or(NO_DATE),
        priority,
        title: title_key_bytes(&title),
        position: format!("a{}", dice.below(40)),
        state: if completed { COMPLETED } else { 0 } | if deleted { DELETED } else { 0 },
        facets,
        blockers: blockers.into_iter().collect(),
    };
    Whole { title, fact }
}

const SORTS: [Sort; 12] = [
    Sort::CreatedAt,
    Sort::CreatedAtDesc,
    Sort::UpdatedAt,
    Sort::UpdatedAtDesc,
    Sort::DueAt,
    Sort::DueAtDesc,
    Sort::Priority,
    Sort::PriorityDesc,
    Sort::Title,
    Sort::TitleDesc,
    Sort::Position,
    Sort::PositionDesc,
];

fn wanted(dice: &mut Dice) -> ListTasks {
    let status = [Status::All, Status::Pending, Status::Completed, Status::Deleted];
    ListTasks {
        sort: Some(SORTS[dice.below(12) as usize]),
        status: dice.some(60, |dice| status[dice.below(4) as usize]),
        include_deleted: dice.some(30, |_| true),
        priority: dice.some(20, |dice| PRIORITIES[dice.below(5) as usize]),
        stage: dice.some(20, |dice| {
            ["todo", "done", "other"][dice.below(3) as usize].into()
        }),
        project_id: dice.some(20, |dice| ProjectId(Uuid::from_u128(dice.below(4).into()))),
        tag: dice.some(20, |dice| {
            ["home", " WORK ", "none"][dice.below(3) as usize].into()
        }),
        assignee_id: dice.some(20, |dice| UserId(Uuid::from_u128(dice.below(3).into()))),
        ready: dice.some(15, |_| true),
        due_after: dice.some(20, |dice| Timestamp(dice.below(20) as i64)),
        due_before: dice.some(20, |dice| Timestamp(dice.below(20) as i64)),
        date_from: dice.some(15, |dice| Timestamp(dice.below(600) as i64)),
        date_to: dice.some(15, |dice| Timestamp(dice.below(600) as i64)),
        ..ListTasks::default()
    }
}

fn matches(all: &BTreeMap<Uuid, Whole>, task: &Fact, wanted: &ListTasks) -> bool {
    let (completed, deleted) = (task.state & COMPLETED > 0, task.state & DELETED > 0);
    let has = |facet: Facet| task.facets.contains(&facet);
    let status = match wanted.status {
        Some(Status::All) => true,
        Some(Status::Deleted) => deleted,
        Some(Status::Pending) => !completed && (!deleted || wanted.include_deleted == Some(true)),
        Some(Status::Completed) => completed && (!deleted || wanted.include_deleted == Some(true)),
        None => !deleted || wanted.include_deleted == Some(true),
    };
    let is_open = |id: &Uuid| all.get(id).is_some_and(|task| task.fact.state == 0);
    let ready = task.state == 0 && !task.blockers.iter().any(is_open);
    let priority = |priority| {
        PRIORITIES
            .iter()
            .position(|known| *known == priority)
            .unwrap_or_default() as i64
    };
    status
        && (wanted.ready != Some(true) || ready)
        && wanted
            .priority
            .is_none_or(|wanted| task.priority == priority(wanted))
        && wanted
            .stage
            .as_deref()
            .is_none_or(|stage| has(Facet::Stage(Arc::from(stage))))
        && wanted
            .project_id
            .is_none_or(|project| has(Facet::Project(project.0)))
        && wanted
            .tag
            .as_deref()
            .is_none_or(|tag| has(Facet::Tag(tag.trim().to_lowercase())))
        && wanted.assignee_id.is_none_or(|user| has(Facet::Assignee(user.0)))
        && wanted
            .due_after
            .is_none_or(|at| task.due != NO_DATE && task.due > at.0)
        && wanted
            .due_before
            .is_none_or(|at| task.due != NO_DATE && task.due < at.0)
        && wanted.date_from.is_none_or(|at| task.created >= at.0)
        && wanted.date_to.is_none_or(|at| task.created <= at.0)
}

/// The key of a task in a list, and the page's end at that task.
fn key(task: &Whole, sort: Sort) -> (String, PageEnd) {
    let (fact, id) = (&task.fact, task.fact.id);
    let number = |number: i64| (format!("{number:020}"), PageEnd::Number(number, id));
    match sort {
        Sort::CreatedAt | Sort::CreatedAtDesc => number(fact.created),
        Sort::UpdatedAt | Sort::UpdatedAtDesc => number(fact.updated),
        Sort::DueAt | Sort::DueAtDesc if fact.due == NO_DATE => (String::new(), PageEnd::Void(id)),
        Sort::DueAt | Sort::DueAtDesc => number(fact.due),
        Sort::Priority | Sort::PriorityDesc => number(fact.priority),
        Sort::Title | Sort::TitleDesc => (title_key(&task.title), PageEnd::Text(title_key(&task.title), id)),
        Sort::Position | Sort::PositionDesc => {
            (fact.position.clone(), PageEnd::Text(fact.position.clone(), id))
        }
    }
}

fn listed<'t>(all: &'t BTreeMap<Uuid, Whole>, wanted: &ListTasks) -> Vec<&'t Whole> {
    let sort = wanted.sort.expect("a sort");
    let descending = SORTS
        .iter()
        .position(|known| *known == sort)
        .is_some_and(|at| at % 2 == 1);
    let by_due = matches!(sort, Sort::DueAt | Sort::DueAtDesc);
    let mut tasks: Vec<&Whole> = all
        .values()
        .filter(|task| matches(all, &task.fact, wanted))
        .collect();
    tasks.sort_by(|one, other| {
        let dated = |task: &Whole| !by_due || task.fact.due != NO_DATE;
        let keys = key(one, sort)
            .0
            .cmp(&key(other, sort).0)
            .then(one.fact.id.cmp(&other.fact.id));
        match (dated(one), dated(other)) {
            (true, true) if descending => keys.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ => keys,
        }
    });
    tasks
}

fn compare(tasks: &Tasks, all: &BTreeMap<Uuid, Whole>, wanted: &ListTasks, limit: usize) {
    let expected = listed(all, wanted);
    let mut after = None;
    for page in expected.chunks(limit).chain(std::iter::once(&[][..])) {
        let found = select(tasks, wanted, after.as_ref(), limit);
        let ids = page.iter().map(|task| task.fact.id).collect();
        let total = expected.len() as u64;
        assert_eq!(found, Found { ids, total }, "after {after:?}: {wanted:?}");
        after = page.last().map(|task| key(task, wanted.sort.expect("a sort")).1);
        if after.is_none() {
            break;
        }
    }
}

#[test]
fn a_list_from_an_index_is_that_of_all_tasks_in_turn() {
    let dice = &mut Dice(0x5eed);
    let mut all: BTreeMap<Uuid, Whole> = BTreeMap::new();
    let mut tasks = Tasks::default();
    let ids: Vec<Uuid> = (0..400)
        .map(|n| Uuid::from_u128(n + (u128::from(dice.below(1 << 30)) << 90)))
        .collect();
    for (n, id) in ids.iter().enumerate().take(150) {
        let whole = whole(dice, *id, n as i64, &ids);
        tasks.append(&whole.fact);
        all.insert(*id, whole);
    }
    tasks.sort();
    for round in 0..60 {
        for _ in 0..round % 20 {
            let id = ids[dice.below(400) as usize];
            if dice.chance(20) {
                all.remove(&id);
                tasks.remove(id);
                continue;
            }
            let created = all.get(&id).map(|task| task.fact.created);
            let late = dice.below(600) as i64;
            let whole = whole(dice, id, created.unwrap_or(late), &ids);
            tasks.put(&whole.fact);
            all.insert(id, whole);
        }
        for _ in 0..60 {
            let limit = 1 + dice.below(30) as usize;
            compare(&tasks, &all, &wanted(dice), limit);
        }
    }
    let orders = (0..STATES).map(|state| {
        let order = tasks.order(state, By::Title);
        order.walk(order.end(false), false).count()
    });
    assert_eq!(orders.sum::<usize>(), all.len());
    assert!(tasks.size() > 0);
}
