//! Trello: the JSON file of a board. The board is a project, its lists are stages, cards are tasks, labels tags, check items
//! subtasks, and comments come from the actions, which Trello limits to the newest 1,000.

use super::items::{Few, Item, Lines, whole};
use super::lost::shown;
use super::plan::{Person, Plan, PlannedComment, PlannedStage, PlannedTag, PlannedTask};
use super::settle::TAG_NAMES;
use super::{Given, dates, kinds, text_of};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
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
    labels: Few<'f>,
    #[serde(default, borrow)]
    members: Few<'f>,
    #[serde(default, borrow)]
    actions: Few<'f>,
    #[serde(default, borrow, rename = "customFields")]
    custom_fields: Few<'f>,
}

/// What the parts of a board are called by others.
#[derive(Default)]
struct Known<'f> {
    stages: BTreeMap<String, (usize, bool)>,
    people: BTreeMap<String, Person>,
    /// The colors of labels by their names.
    labels: BTreeMap<String, Option<String>>,
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
    for label in items(&board.labels.0, &lines) {
        known.label(&mut plan, &label, false);
    }
    for member in items(&board.members.0, &lines) {
        if let (Some(id), Some(person)) = (member.text("id"), person(&member)) {
            known.people.insert(id, person);
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
    let place = plan.stages.len();
    if let Some(id) = list.text("id") {
        known.stages.insert(id, (place, list.truth("closed")));
    }
    plan.stages.push(PlannedStage {
        line: Some(list.line),
        key: None,
        kind: kinds::of(&name),
        color: list.text("color").and_then(|color| color_of(&color)),
        name,
    });
    if list.number("softLimit").is_some_and(|limit| limit > 0.0) {
        let what = format!("the limit of the list {}", shown(&plan.stages[place].name));
        plan.lost.add(list.line, what, "a stage has none");
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
    known.comments.entry(card).or_default().push(PlannedComment {
        line: Some(action.line),
        body,
        author: person(&by),
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
        task.tags.extend(known.label(plan, &label, true));
    }
    for member in card.texts("idMembers") {
        known.assign(plan, &mut task, &member);
    }
    lose(plan, card, &named);
    let place = plan.add(task)?;
    let lists = known.checklists.remove(&id).unwrap_or_default();
    for list in lists.iter().filter_map(|&raw| Item::read(raw, lines)) {
        check_items(plan, known, &list, (place, project, lists.len()), lines)?;
    }
    Ok(())
}

fn lose(plan: &mut Plan, card: &Item<'_>, named: &str) {
    for (field, what, why) in LOST {
        if card.has(field) {
            plan.lost.add(card.line, format!("{what} of “{named}”"), *why);
        }
    }
    // every card says that it has none
    let cover = card.item("cover").unwrap_or_default();
    if ["color", "idAttachment", "idUploadedBackground"]
        .iter()
        .any(|field| cover.has(field))
    {
        plan.lost
            .add(card.line, format!("the cover of “{named}”"), "a task has none");
    }
    // a card that shows another one or a page has its address as its name
    if let Some(role) = card.text("cardRole") {
        let what = format!("that “{named}” is a card of the kind {}", shown(&role));
        plan.lost.add(
            card.line,
            what,
            "there are no such tasks; it is a task with this title",
        );
    }
    if card.truth("isTemplate") {
        let what = format!("that “{named}” is a template");
        plan.lost.add(card.line, what, "there are none; it is a task");
    }
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
    ("pluginData", "what power-ups keep", "a task has no such fields"),
];

fn reminder(due: Option<Timestamp>, card: &Item<'_>) -> Option<Timestamp> {
    let minutes = card
        .number("dueReminder")
        .filter(|minutes| (0.0..=525_600.0).contains(minutes))?;
    due.map(|due| Timestamp(due.0 - minutes as i64 * 60_000))
}

fn check_items(
    plan: &mut Plan,
    known: &Known<'_>,
    list: &Item<'_>,
    (card, project, lists): (usize, usize, usize),
    lines: &Lines<'_>,
) -> Result<(), Failure> {
    let name = list.text("name").unwrap_or_default();
    // what Trello calls the first one says nothing
    if lists > 1 || !matches!(name.as_str(), "" | "Checklist") {
        let what = format!("the checklist {}", shown(&name));
        let why = "the items of all checklists of a card are its subtasks";
        plan.lost.add(list.line, what, why);
    }
    for item in sorted(list.raws("checkItems"), lines) {
        let id = item.text("id").unwrap_or_default();
        let due_at = item.time("due");
        let mut task = PlannedTask {
            line: Some(item.line),
            title: item.text("name").unwrap_or_default(),
            project: Some(project),
            parent: Some(card),
            completed: item.text("state").as_deref() == Some("complete"),
            due_at,
            remind_at: reminder(due_at, &item),
            created_at: dates::of_object(&id),
            ..PlannedTask::default()
        };
        if let Some(member) = item.text("idMember") {
            known.assign(plan, &mut task, &member);
        }
        plan.add(task)?;
    }
    Ok(())
}

/// The colors of labels and lists. Each is there twice more, lighter and darker.
const COLORS: [(&str, &str); 10] = [
    ("green", "#61bd4f"),
    ("yellow", "#f2d600"),
    ("orange", "#ff9f1a"),
    ("red", "#eb5a46"),
    ("purple", "#c377e0"),
    ("blue", "#0079bf"),
    ("sky", "#00c2e0"),
    ("lime", "#51e898"),
    ("pink", "#ff78cb"),
    ("black", "#344563"),
];

fn color_of(name: &str) -> Option<String> {
    let base = name.split('_').next().unwrap_or_default();
    let found = COLORS.iter().find(|(name, _)| *name == base);
    found.map(|(_, color)| (*color).to_owned())
}

impl Known<'_> {
    /// The tag that a label becomes. One without a name is called by its color, and is nothing while no card has it.
    fn label(&mut self, plan: &mut Plan, label: &Item<'_>, is_used: bool) -> Option<String> {
        let (name, color) = (label.text("name"), label.text("color"));
        let tag = name.or_else(|| color.clone().filter(|_| is_used))?;
        let color = color.and_then(|color| color_of(&color));
        match self.labels.get(&tag) {
            // with so many the file is refused
            None if self.labels.len() > TAG_NAMES => {}
            None => {
                self.labels.insert(tag.clone(), color.clone());
                plan.tags.push(PlannedTag {
                    line: Some(label.line),
                    name: tag.clone(),
                    color,
                });
            }
            Some(first) if *first != color && !is_used => {
                let what = format!("the color of another label {}", shown(&tag));
                plan.lost
                    .add(label.line, what, "both are one tag, which has one color");
            }
            Some(_) => {}
        }
        Some(tag)
    }

    fn assign(&self, plan: &mut Plan, task: &mut PlannedTask, member: &str) {
        if let Some(person) = self.people.get(member) {
            task.people.push(person.clone());
        } else {
            let what = format!("a member of “{}”", shown(&task.title));
            plan.lost.add(task.line, what, "the file does not name them");
        }
    }
}

fn person(member: &Item<'_>) -> Option<Person> {
    Person::called(member.text("username"), member.text("fullName"))
}
