//! A month of a team, made up from a seed: who does what, and when. Knows neither the engine nor ids: people, projects
//! and tasks are numbers.

use super::Wanted;
use super::calendar::{self, DAY_MS, HOUR_MS};
use super::texts::{COMMENTS, DESCRIPTIONS, PARTS, ROUTINES, THEMES};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use taskwire_protocol::task::Priority;

/// Days that the story lasts.
pub(super) const DAYS: i64 = 30;

/// Something that somebody does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Act {
    /// Unix milliseconds.
    pub(super) at: i64,
    pub(super) who: usize,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Add(usize, Box<Draft>),
    /// To the stage with this key.
    Move(usize, &'static str),
    Complete(usize, bool),
    Delete(usize),
    Restore(usize),
    /// A comment, and the person whom it speaks to.
    Comment(usize, &'static str, usize),
    Assign(usize, usize),
    ReadNotifications,
}

/// A task before it is made.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) description: Option<&'static str>,
    pub(super) project: usize,
    pub(super) parent: Option<usize>,
    pub(super) priority: Priority,
    pub(super) due_at: Option<i64>,
    pub(super) all_day: bool,
    pub(super) recurrence: Option<&'static str>,
    pub(super) tags: Vec<&'static str>,
    pub(super) assignees: Vec<usize>,
    pub(super) blocked_by: Option<usize>,
}

/// Tells the story that ends at `now`.
pub(super) fn tell(wanted: Wanted, now: i64) -> Vec<Act> {
    let teller = Teller {
        random: StdRng::seed_from_u64(wanted.seed),
        people: wanted.people,
        begin: calendar::midnight(now) - DAYS * DAY_MS,
        now,
        acts: Vec::new(),
        latest: [None; THEMES.len()],
    };
    teller.tell(wanted.tasks)
}

struct Teller {
    random: StdRng,
    people: usize,
    begin: i64,
    now: i64,
    acts: Vec<Act>,
    /// The newest task of each project that may block the next one, and when it was made.
    latest: [Option<(usize, i64)>; THEMES.len()],
}

impl Teller {
    fn tell(mut self, tasks: usize) -> Vec<Act> {
        let routines = ROUTINES.len().min(tasks / 20);
        for task in 0..routines {
            self.routine(task);
        }
        let mut task = routines;
        while task < tasks {
            let at = self.moment(task, tasks);
            let draft = self.draft(at, task);
            let maker = self.random.random_range(0..self.people);
            let project = draft.project;
            let parts = if self.chance(0.06) {
                self.random.random_range(2..5)
            } else {
                0
            };
            if parts == 0 && self.chance(0.02) {
                self.throw_away(task, maker, at, draft);
            } else {
                self.live(task, maker, at, draft);
            }
            let first = task;
            task += 1;
            for part in 0..parts {
                if task < tasks {
                    self.part(task, first, part, project, maker, at);
                    task += 1;
                }
            }
        }
        self.read_notifications();
        // It keeps the order of what happens at the same moment.
        self.acts.sort_by_key(|act| act.at);
        self.acts
    }

    /// When a task is made. A tenth lies there already when the story begins.
    fn moment(&mut self, task: usize, tasks: usize) -> i64 {
        loop {
            let day = if task < tasks / 10 {
                0
            } else {
                self.random.random_range(0..=DAYS)
            };
            let at = calendar::during(self.begin + day * DAY_MS, &mut self.random);
            let at = calendar::next_at_work(at, &mut self.random);
            // a minute later its parts are made
            if at <= self.now - 60_000 {
                return at;
            }
        }
    }

    fn draft(&mut self, at: i64, task: usize) -> Draft {
        let project = self.random.random_range(0..THEMES.len());
        let theme = &THEMES[project];
        let title = format!("{} {}", self.one_of(theme.deeds), self.one_of(theme.things));
        let description = if self.chance(0.3) {
            Some(self.one_of(&DESCRIPTIONS))
        } else {
            None
        };
        let all_day = self.chance(0.7);
        let due_at = self.chance(0.6).then(|| self.due(at, all_day));
        let mut assignees = Vec::new();
        for chance in [0.8, 0.15] {
            let person = self.random.random_range(0..self.people);
            if self.chance(chance) && !assignees.contains(&person) {
                assignees.push(person);
            }
        }
        let mut tags = Vec::new();
        for chance in [0.6, 0.2] {
            let tag = self.one_of(theme.tags);
            if self.chance(chance) && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        let earlier = self.latest[project]
            .filter(|(_, made)| *made < at)
            .map(|(task, _)| task);
        let blocked_by = if self.chance(0.08) { earlier } else { None };
        self.latest[project] = Some((task, at));
        Draft {
            title,
            description,
            project,
            parent: None,
            priority: self.priority(),
            due_at,
            all_day: all_day && due_at.is_some(),
            recurrence: None,
            tags,
            assignees,
            blocked_by,
        }
    }

    fn due(&mut self, at: i64, all_day: bool) -> i64 {
        let day = at + self.random.random_range(1..=14) * DAY_MS;
        let due = calendar::next_at_work(day, &mut self.random);
        // whole quarters of an hour look like a person's choice
        let unit = if all_day { DAY_MS } else { HOUR_MS / 4 };
        due - due.rem_euclid(unit)
    }

    fn priority(&mut self) -> Priority {
        match self.random.random_range(0..100) {
            0..50 => Priority::None,
            50..65 => Priority::Low,
            65..85 => Priority::Medium,
            85..96 => Priority::High,
            _ => Priority::Urgent,
        }
    }

    /// What becomes of a task: it is talked about, taken up, completed, and now and then taken back.
    fn live(&mut self, task: usize, maker: usize, at: i64, draft: Draft) {
        let doer = draft.assignees.first().copied().unwrap_or(maker);
        let is_old = at < self.begin + 2 * DAY_MS;
        self.act(at, maker, What::Add(task, Box::new(draft)));
        let mut at = self.later(at, 1.0, 40.0);
        if self.chance(0.1) {
            let other = self.random.random_range(0..self.people);
            self.act(at, doer, What::Assign(task, other));
        }
        self.talk(task, doer, maker, at);
        if !self.chance(if is_old { 0.9 } else { 0.75 }) {
            return;
        }
        self.act(at, doer, What::Move(task, "doing"));
        if !self.chance(0.85) {
            return;
        }
        at = self.later(at, 0.5, 90.0);
        self.act(at, doer, What::Complete(task, true));
        if self.chance(0.04) {
            at = self.later(at, 1.0, 20.0);
            self.act(at, maker, What::Complete(task, false));
            at = self.later(at, 4.0, 60.0);
            self.act(at, doer, What::Complete(task, true));
        }
    }

    /// A task that somebody deletes, and perhaps misses soon.
    fn throw_away(&mut self, task: usize, who: usize, at: i64, draft: Draft) {
        // it blocks no other task
        self.latest[draft.project] = None;
        self.act(at, who, What::Add(task, Box::new(draft)));
        let gone = self.later(at, 1.0, 80.0);
        self.act(gone, who, What::Delete(task));
        if self.chance(0.3) {
            let back = self.later(gone, 0.1, 5.0);
            self.act(back, who, What::Restore(task));
        }
    }

    fn talk(&mut self, task: usize, doer: usize, maker: usize, from: i64) {
        let (mut at, mut pair) = (from, [doer, maker]);
        while self.chance(0.4) {
            at = self.later(at, 0.1, 20.0);
            let text = self.one_of(&COMMENTS);
            self.act(at, pair[0], What::Comment(task, text, pair[1]));
            pair.swap(0, 1);
        }
    }

    /// A part of a larger task.
    fn part(&mut self, task: usize, whole: usize, number: usize, project: usize, maker: usize, made: i64) {
        let draft = Draft {
            title: PARTS[(whole + number) % PARTS.len()].to_owned(),
            description: None,
            project,
            parent: Some(whole),
            priority: Priority::None,
            due_at: None,
            all_day: false,
            recurrence: None,
            tags: Vec::new(),
            assignees: vec![maker],
            blocked_by: None,
        };
        // a minute after the whole, which may be deleted later
        self.act(made + 60_000, maker, What::Add(task, Box::new(draft)));
    }

    /// A task that comes back. It is completed once, so that the next one is there too.
    fn routine(&mut self, task: usize) {
        let (title, rule, hour) = ROUTINES[task];
        let who = task % self.people;
        let at = calendar::next_at_work(self.begin + 9 * HOUR_MS, &mut self.random);
        let draft = Draft {
            title: title.to_owned(),
            description: None,
            project: THEMES.len() - 2,
            parent: None,
            priority: Priority::None,
            due_at: Some(calendar::midnight(self.now - 3 * DAY_MS) + hour * HOUR_MS),
            all_day: false,
            recurrence: Some(rule),
            tags: Vec::new(),
            assignees: vec![who],
            blocked_by: None,
        };
        self.act(at, who, What::Add(task, Box::new(draft)));
        let done = calendar::midnight(self.now - 2 * DAY_MS) + 9 * HOUR_MS;
        self.act(done, who, What::Complete(task, true));
    }

    /// Everybody reads what there is on most evenings, but not on the last two days.
    fn read_notifications(&mut self) {
        for day in 0..DAYS - 2 {
            let evening = self.begin + day * DAY_MS + 18 * HOUR_MS;
            for who in 0..self.people {
                if !calendar::is_weekend(evening) && self.chance(0.8) {
                    self.act(evening + who as i64 * 60_000, who, What::ReadNotifications);
                }
            }
        }
    }

    /// A moment of work after another, by a time between these hours.
    fn later(&mut self, at: i64, least: f64, most: f64) -> i64 {
        let hours = self.random.random_range(least..most);
        let at = at + (hours * HOUR_MS as f64) as i64;
        calendar::next_at_work(at, &mut self.random)
    }

    /// What has not happened yet does not happen.
    fn act(&mut self, at: i64, who: usize, what: What) {
        if at <= self.now {
            self.acts.push(Act { at, who, what });
        }
    }

    fn chance(&mut self, part: f64) -> bool {
        self.random.random_bool(part)
    }

    fn one_of(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.random.random_range(0..texts.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Saturday 2026-01-31, 12:00 UTC.
    const NOW: i64 = 1_769_860_800_000;

    fn wanted(seed: u64) -> Wanted {
        Wanted {
            people: 8,
            tasks: 2000,
            seed,
            until: None,
        }
    }

    #[test]
    fn a_seed_tells_the_same_story_again() {
        assert_eq!(tell(wanted(1), NOW), tell(wanted(1), NOW));
        assert_ne!(tell(wanted(1), NOW), tell(wanted(2), NOW));
    }

    #[test]
    fn everything_happens_in_the_month_and_to_tasks_that_are_there() {
        let (mut made, mut gone, mut before) = (HashSet::new(), HashSet::new(), 0);
        for Act { at, who, what } in tell(wanted(3), NOW) {
            assert!((before..=NOW).contains(&at) && at >= NOW - (DAYS + 1) * DAY_MS && who < 8);
            before = at;
            let task = match what {
                What::Add(task, draft) => {
                    let earlier = draft.parent.into_iter().chain(draft.blocked_by);
                    assert!(
                        earlier
                            .into_iter()
                            .all(|other| made.contains(&other) && !gone.contains(&other))
                    );
                    assert!(made.insert(task));
                    task
                }
                What::Delete(task) => {
                    gone.insert(task);
                    continue;
                }
                What::Restore(task) => {
                    assert!(gone.remove(&task));
                    task
                }
                What::Move(task, _)
                | What::Complete(task, _)
                | What::Comment(task, _, _)
                | What::Assign(task, _) => task,
                What::ReadNotifications => continue,
            };
            assert!(made.contains(&task) && !gone.contains(&task), "{task}");
        }
        assert_eq!(made.len(), 2000);
    }
}
