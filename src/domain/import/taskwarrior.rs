//! Taskwarrior: what `task export` prints, a list or an object on each line. Annotations are comments, `depends` is what
//! blocks a task, and a rhythm goes to the newest task of its series.

use super::dates;
use super::errors::unreadable;
use super::items::{Item, Lines, list};
use super::lost::shown;
use super::plan::{Plan, PlannedComment, PlannedTask};
use super::{Given, text_of};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use taskwire_protocol::task::Priority;
use taskwire_protocol::{Failure, Timestamp};

/// Fields that are read, and those that follow from others.
const KNOWN: [&str; 24] = [
    "annotations",
    "depends",
    "description",
    "due",
    "end",
    "entry",
    "id",
    "imask",
    "last",
    "mask",
    "modified",
    "parent",
    "priority",
    "project",
    "recur",
    "rtype",
    "scheduled",
    "start",
    "status",
    "tags",
    "template",
    "until",
    "urgency",
    "uuid",
];

pub(super) fn read(given: &Given<'_>) -> Result<Plan, Failure> {
    let text = text_of(given.bytes)?;
    let lines = Lines::of(text);
    let mut plan = Plan::default();
    let raws = list(text)?;
    let series = series(&raws, &lines);
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut depends: Vec<(usize, u64, Vec<String>)> = Vec::new();
    for raw in raws {
        let line = lines.line(raw.get());
        let item = Item::read(raw, &lines);
        let item = item.ok_or_else(|| unreadable(line, None, "a task must be an object"))?;
        let uuid = item.text("uuid").unwrap_or_default();
        let Some(task) = task(&mut plan, &item, &series) else {
            continue;
        };
        let place = plan.add(task)?;
        places.insert(uuid, place);
        let blockers = blockers(&item);
        plan.count_names(blockers.len(), Some(line))?;
        if !blockers.is_empty() {
            depends.push((place, line, blockers));
        }
    }
    for (place, line, uuids) in depends {
        for uuid in uuids {
            if let Some(blocker) = places.get(&uuid) {
                plan.tasks[place].blocked_by.push(*blocker);
                continue;
            }
            let title = shown(&plan.tasks[place].title);
            let what = format!("that {} blocks “{title}”", shown(&uuid));
            plan.lost.add(line, what, "this task is not imported");
        }
    }
    Ok(plan)
}

fn blockers(item: &Item<'_>) -> Vec<String> {
    let list = item.texts("depends");
    // before 2.6 it was a text
    let text = item
        .text("depends")
        .filter(|_| list.is_empty())
        .unwrap_or_default();
    let words = text.split(',').map(str::trim).filter(|uuid| !uuid.is_empty());
    list.into_iter().chain(words.map(str::to_owned)).collect()
}

/// Of each series that repeats, the task that goes on repeating: the pending one that is due last.
fn series(raws: &[&RawValue], lines: &Lines<'_>) -> BTreeMap<String, String> {
    let mut last: BTreeMap<String, (Option<Timestamp>, String)> = BTreeMap::new();
    for item in raws.iter().filter_map(|&raw| Item::read(raw, lines)) {
        let status = item.text("status").unwrap_or_default();
        let is_open = matches!(status.as_str(), "pending" | "waiting");
        if let (Some(parent), Some(uuid), true) = (item.text("parent"), item.text("uuid"), is_open) {
            let due = item.text("due").and_then(|due| dates::basic(&due));
            let newest = last.entry(parent).or_insert_with(|| (due, uuid.clone()));
            if due > newest.0 {
                *newest = (due, uuid);
            }
        }
    }
    last.into_iter()
        .map(|(parent, (_, uuid))| (parent, uuid))
        .collect()
}

fn task(plan: &mut Plan, item: &Item<'_>, series: &BTreeMap<String, String>) -> Option<PlannedTask> {
    let title = item.text("description").unwrap_or_default();
    let (uuid, named) = (item.text("uuid").unwrap_or_default(), shown(&title));
    let status = item.text("status").unwrap_or_else(|| "pending".to_owned());
    match status.as_str() {
        "deleted" => {
            plan.skipped += 1;
            plan.lost.add(
                item.line,
                format!("the task “{named}”"),
                "it is deleted in Taskwarrior",
            );
            return None;
        }
        // the pattern of a series whose tasks are in the file
        "recurring" if series.contains_key(&uuid) => {
            plan.skipped += 1;
            return None;
        }
        "pending" | "waiting" | "completed" | "recurring" => {}
        other => {
            let what = format!("the status of “{named}”: {}", shown(other));
            plan.lost
                .add(item.line, what, "it is not known; the task is pending");
        }
    }
    let project = item
        .text("project")
        .map(|name| plan.project(Some(item.line), &name));
    let time = |name: &str| item.text(name).and_then(|text| dates::basic(&text));
    let completed = status == "completed";
    let mut task = PlannedTask {
        line: Some(item.line),
        title,
        project,
        is_begun: item.has("start") && !completed,
        completed,
        completed_at: time("end").filter(|_| completed),
        priority: match item.text("priority").as_deref() {
            Some("H") => Priority::High,
            Some("M") => Priority::Medium,
            Some("L") => Priority::Low,
            _ => Priority::None,
        },
        due_at: time("due"),
        tags: item.texts("tags"),
        created_at: time("entry"),
        updated_at: time("modified"),
        ..PlannedTask::default()
    };
    for annotation in item.items("annotations") {
        task.comments.push(PlannedComment {
            line: Some(annotation.line),
            body: annotation.text("description").unwrap_or_default(),
            created_at: annotation.text("entry").and_then(|text| dates::basic(&text)),
            ..PlannedComment::default()
        });
    }
    let repeats = status == "recurring"
        || item
            .text("parent")
            .is_some_and(|parent| series.get(&parent) == Some(&uuid));
    if let Some(rhythm) = item.text("recur").filter(|_| repeats) {
        repeat(plan, item, &mut task, &rhythm);
    }
    lose(plan, item, &task);
    Some(task)
}

fn repeat(plan: &mut Plan, item: &Item<'_>, task: &mut PlannedTask, rhythm: &str) {
    let named = shown(&task.title);
    let Some(mut rule) = dates::every(rhythm) else {
        let what = format!("how “{named}” repeats: {}", shown(rhythm));
        plan.lost.add(
            item.line,
            what,
            "it is not understood for sure; it does not repeat",
        );
        return;
    };
    if let Some(until) = item.text("until") {
        match dates::basic(&until) {
            Some(_) => rule = format!("{rule};UNTIL={until}"),
            None => plan.lost.add(
                item.line,
                format!("until when “{named}” repeats"),
                "it is no date",
            ),
        }
    }
    task.recurrence = rule;
}

/// What a task has no place for.
fn lose(plan: &mut Plan, item: &Item<'_>, task: &PlannedTask) {
    let named = shown(&task.title);
    for (field, why) in [
        ("wait", "a task does not hide; it is there at once"),
        ("scheduled", "a task has no such date"),
    ] {
        if item.has(field) {
            plan.lost.add(item.line, format!("{field} of “{named}”"), why);
        }
    }
    if task.recurrence.is_empty() && item.has("until") && !item.has("recur") {
        plan.lost
            .add(item.line, format!("until of “{named}”"), "a task does not expire");
    }
    if task.due_at.is_none() && item.has("due") {
        plan.lost
            .add(item.line, format!("due of “{named}”"), "it is no date");
    }
    let own = item
        .fields()
        .filter(|(name, _)| *name != "wait" && !KNOWN.contains(name));
    for (name, value) in own {
        let what = format!("{} of “{named}”: {}", shown(name), shown(value));
        plan.lost
            .add(item.line, what, "a task has no fields of one's own");
    }
    let priority = item
        .text("priority")
        .filter(|priority| !matches!(priority.as_str(), "H" | "M" | "L"));
    if let Some(priority) = priority {
        let what = format!("the priority of “{named}”: {}", shown(&priority));
        plan.lost.add(item.line, what, "it is not known");
    }
}
