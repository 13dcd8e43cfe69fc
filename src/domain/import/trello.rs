//! Trello: the JSON file of a board. The board is a project, its lists are stages, cards are tasks, labels tags, check items
//! subtasks, and comments come from the actions, which Trello limits to the newest 1,000.

use super::dates;
use super::items::{Few, Item, Lines, whole};
use super::lost::shown;
use super::plan::{Person, Plan, PlannedComment, PlannedStage, PlannedTask};
use super::{Given, text_of};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::{Failure, Timestamp};

/// What is read of a board.
#[derive(Deserialize)]
struct Board<'f> {
    #[serde(default)]
    name: String,
    #[serde(default)]
    desc: String,
    #[serde(borrow)]
    lists: Few<'f>,
    #[serde(borrow)]
    cards: Few<'f>,
    #[serde(default, borrow)]
    checklists: Few<'f>,
    #[serde(default, borrow)]
    members: Few<'f>,
    #[serde(default, borrow)]
    actions: Few<'f>,
    #[serde(default, borrow, rename = "customFields")]
    custom_fields: Few<'f>,
}

/// Words of lists whose cards are done, or are worked on.
const DONE: [&str; 10] = [
    "done",
    "complete",
    "completed",
    "finished",
    "closed",
    "erledigt",
    "fertig",
    "fait",
    "hecho",
    "shipped",
];
const ACTIVE: [&str; 8] = [
    "doing", "progress", "active", "review", "testing", "working", "started", "arbeit",
];

/// What the parts of a board are called by others.
#[derive(Default)]
struct Known<'f> {
    stages: BTreeMap<String, (usize, bool)>,
    people: BTreeMap<String, Person>,
    checklists: BTreeMap<String, Vec<&'f RawValue>>,
    comments: BTreeMap<String, Vec<PlannedComment>>,
}

pub(super) fn read(given: &Given<'_>) -> Result<Plan, Failure> {
    let text = text_of(given.bytes)?;
    let board: Board<'_> = whole(text)?;
    let lines = Lines::of(text);
    let mut plan = Plan::default();
    let name = given.project.unwrap_or(if board.name.is_empty() {
        "Trello"
    } else {
        &board.name
    });
    let project = plan.project(Some(1), name);
    if !board.desc.is_empty() {
        plan.lost
            .add(None, "the description of the board", "a project has none");
    }
    if !board.custom_fields.0.is_empty() {
        let what = format!("{} custom fields of the board", board.custom_fields.0.len());
        plan.lost.add(None, what, "a task has no fields of one's own");
    }
    let mut known = Known::default();
    for list in sorted(board.lists.0, &lines) {
        stage(&mut plan, &mut known, &list);
    }
    for member in items(&board.members.0, &lines) {
        let names = [member.text("username"), member.text("fullName")];
        if let (Some(id), Some(name)) = (member.text("id"), names.into_iter().flatten().next()) {
            known.people.insert(id, Person::named(&name));
        }
    }
    for &raw in &board.checklists.0 {
        let list = Item::read(raw, &lines);
        if let Some(card) = list.and_then(|list| list.text("idCard")) {
            known.checklists.entry(card).or_default().push(raw);
        }
    }
    // actions come newest first
    for action in items(&board.actions.0, &lines).rev() {
        comment(&mut known, &action);
    }
    for card in sorted(board.cards.0, &lines) {
        self::card(&mut plan, &mut known, project, &card, &lines)?;
    }
    if board.actions.0.len() >= 1000 {
        let why = "Trello exports the newest 1,000 actions only; older comments are not in the file";
        plan.lost.add(None, "perhaps some comments", why);
    }
    Ok(plan)
}

fn items<'f>(raws: &[&'f RawValue], lines: &Lines<'f>) -> impl DoubleEndedIterator<Item = Item<'f>> {
    raws.iter().filter_map(move |&raw| Item::read(raw, lines))
}

/// Objects in the order of their `pos`.
fn sorted<'f>(raws: Vec<&'f RawValue>, lines: &Lines<'f>) -> impl Iterator<Item = Item<'f>> {
    let place = |item: &Item<'_>| item.number("pos").unwrap_or(f64::MAX);
    let placed = raws.into_iter();
    let placed = placed.filter_map(|raw| Some((place(&Item::read(raw, lines)?), raw)));
    let mut placed: Vec<(f64, &RawValue)> = placed.collect();
    placed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    placed
        .into_iter()
        .filter_map(move |(_, raw)| Item::read(raw, lines))
}

fn stage(plan: &mut Plan, known: &mut Known<'_>, list: &Item<'_>) {
    let name = list.text("name").unwrap_or_else(|| "List".to_owned());
    if let Some(id) = list.text("id") {
        known.stages.insert(id, (plan.stages.len(), list.truth("closed")));
    }
    plan.stages.push(PlannedStage {
        line: Some(list.line),
        key: None,
        kind: kind(&name),
        name,
        color: None,
    });
}

/// What the cards of a list are, by its name.
fn kind(name: &str) -> StageKind {
    let name = name.to_lowercase();
    let has = |words: &[&str]| {
        name.split(|c: char| !c.is_alphanumeric())
            .any(|word| words.contains(&word))
    };
    if has(&DONE) {
        StageKind::Done
    } else if has(&ACTIVE) {
        StageKind::Active
    } else {
        StageKind::Open
    }
}

/// A comment of a card, if the action is one.
fn comment(known: &mut Known<'_>, action: &Item<'_>) {
    let kind = action.text("type").unwrap_or_default();
    let data = action.item("data").unwrap_or_default();
    let card = data.item("card").and_then(|card| card.text("id"));
    let (Some(card), Some(body)) = (card, data.text("text")) else {
        return;
    };
    if kind != "commentCard" && kind != "copyCommentCard" {
        return;
    }
    let by = action.item("memberCreator").unwrap_or_default();
    let name = by.text("username").or_else(|| by.text("fullName"));
    known.comments.entry(card).or_default().push(PlannedComment {
        line: Some(action.line),
        body,
        author: name.map(|name| Person::named(&name)),
        created_at: action.time("date"),
        ..PlannedComment::default()
    });
}

fn card<'f>(
    plan: &mut Plan,
    known: &mut Known<'f>,
    project: usize,
    card: &Item<'f>,
    lines: &Lines<'f>,
) -> Result<(), Failure> {
    let title = card.text("name").unwrap_or_default();
    let id = card.text("id").unwrap_or_default();
    let stage = card
        .text("idList")
        .and_then(|list| known.stages.get(&list).copied());
    let is_archived = card.truth("closed") || stage.is_some_and(|(_, is_closed)| is_closed);
    let named = shown(&title);
    if is_archived {
        let why = "Taskwire has no archive of tasks; it is completed instead";
        plan.lost
            .add(card.line, format!("that “{named}” is archived"), why);
    }
    let due_at = card.time("due");
    let mut task = PlannedTask {
        line: Some(card.line),
        title,
        description: card.text("desc").unwrap_or_default(),
        project: Some(project),
        stage: stage.map(|(stage, _)| stage),
        completed: card.truth("dueComplete") || is_archived,
        due_at,
        remind_at: reminder(due_at, card),
        created_at: dates::of_object(&id),
        updated_at: card.time("dateLastActivity"),
        comments: known.comments.remove(&id).unwrap_or_default(),
        ..PlannedTask::default()
    };
    if task.completed {
        task.completed_at = card.time("dateCompleted").or(task.updated_at);
    }
    for label in card.items("labels") {
        task.tags
            .extend(label.text("name").or_else(|| label.text("color")));
    }
    for member in card.texts("idMembers") {
        match known.people.get(&member) {
            Some(person) => task.people.push(person.clone()),
            None => plan.lost.add(
                card.line,
                format!("a member of “{named}”"),
                "the file does not name them",
            ),
        }
    }
    for (field, what, why) in LOST {
        if card.has(field) {
            plan.lost.add(card.line, format!("{what} of “{named}”"), *why);
        }
    }
    let place = plan.add(task)?;
    let lists = known.checklists.remove(&id).unwrap_or_default();
    for list in lists.iter().filter_map(|&raw| Item::read(raw, lines)) {
        check_items(plan, &list, (place, project), lists.len() > 1, lines)?;
    }
    Ok(())
}

/// What cards have and tasks do not.
const LOST: &[(&str, &str, &str)] = &[
    (
        "attachments",
        "attachments",
        "the file has their addresses only; upload them again",
    ),
    (
        "customFieldItems",
        "custom fields",
        "a task has no fields of one's own",
    ),
    ("start", "the start date", "a task has no start date"),
    ("stickers", "stickers", "a task has none"),
    ("idMembersVoted", "votes", "a task has none"),
    ("coordinates", "the place", "a task has none"),
];

fn reminder(due: Option<Timestamp>, card: &Item<'_>) -> Option<Timestamp> {
    let minutes = card
        .number("dueReminder")
        .filter(|minutes| (0.0..=525_600.0).contains(minutes))?;
    due.map(|due| Timestamp(due.0 - minutes as i64 * 60_000))
}

fn check_items(
    plan: &mut Plan,
    list: &Item<'_>,
    (card, project): (usize, usize),
    is_named: bool,
    lines: &Lines<'_>,
) -> Result<(), Failure> {
    let name = list.text("name").unwrap_or_default();
    if is_named {
        let what = format!("the checklist {}", shown(&name));
        let why = "the items of all checklists of a card are its subtasks";
        plan.lost.add(list.line, what, why);
    }
    for item in sorted(list.raws("checkItems"), lines) {
        let id = item.text("id").unwrap_or_default();
        plan.add(PlannedTask {
            line: Some(item.line),
            title: item.text("name").unwrap_or_default(),
            project: Some(project),
            parent: Some(card),
            completed: item.text("state").as_deref() == Some("complete"),
            due_at: item.time("due"),
            created_at: dates::of_object(&id),
            ..PlannedTask::default()
        })?;
    }
    Ok(())
}
