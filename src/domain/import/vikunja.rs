//! Vikunja: the ZIP of an export, or its `data.json` alone. Projects, tasks and labels have their likes; buckets are stages;
//! subtasks and blockers come from the relations of tasks.

use super::errors::unreadable;
use super::html;
use super::items::{Few, Item, Lines, whole};
use super::lost::shown;
use super::plan::{Person, Plan, PlannedComment, PlannedProject, PlannedStage, PlannedTag, PlannedTask};
use super::{Given, kinds, text_of, zip};
use crate::unicode::cut;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::task::Priority;
use taskwire_protocol::{Failure, Timestamp, limits};

/// Projects nest in projects, and older exports have lists in namespaces.
const DEEPEST: usize = 20;
const DATA: &str = "data.json";

pub(super) fn read(given: &Given<'_>) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    if !zip::is_archive(given.bytes) {
        data(&mut plan, text_of(given.bytes)?)?;
        return Ok(plan);
    }
    let entries = zip::entries(given.bytes)?;
    let found = entries.iter().find(|entry| entry.name == DATA);
    let Some(entry) = found else {
        let message = "the archive has no data.json: it is no export of Vikunja";
        return Err(unreadable(None, None, message));
    };
    let content = entry.unpack(given.bytes, given.most)?;
    data(&mut plan, text_of(&content)?)?;
    for entry in &entries {
        match entry.name.as_str() {
            DATA | "VERSION" => {}
            "filters.json" => plan.lost.add(None, "saved filters", "Taskwire has none"),
            name if name.ends_with('/') => {}
            name => plan
                .lost
                .add(None, shown(name), "files are not imported; attach them again"),
        }
    }
    Ok(plan)
}

/// What the tasks of the whole file are called by others.
#[derive(Default)]
struct Known<'f> {
    tasks: BTreeMap<String, usize>,
    relations: Vec<(usize, u64, Item<'f>)>,
    tags: BTreeMap<String, Option<String>>,
    stages: BTreeMap<String, usize>,
    /// The titles of projects, and of which project each in the plan is a part.
    titles: BTreeMap<String, String>,
    above: Vec<(usize, String)>,
}

fn data(plan: &mut Plan, text: &str) -> Result<(), Failure> {
    let raws = whole::<Few<'_>>(text)?.0;
    let (lines, mut known) = (Lines::of(text), Known::default());
    for raw in raws {
        let line = lines.line(raw.get());
        let item = Item::read(raw, &lines);
        let item = item.ok_or_else(|| unreadable(line, None, "a project must be an object"))?;
        project(plan, &mut known, &item, None, DEEPEST)?;
    }
    for (place, above) in std::mem::take(&mut known.above) {
        plan.projects[place].above = known.titles.get(&above).cloned();
    }
    for (task, line, relations) in std::mem::take(&mut known.relations) {
        relate(plan, &known, task, line, &relations);
    }
    for (name, color) in known.tags {
        plan.tags.push(PlannedTag {
            line: None,
            name,
            color,
        });
    }
    Ok(())
}

fn color(item: &Item<'_>) -> Option<String> {
    let color = item.text("hex_color")?;
    let digits = color.trim_start_matches('#');
    Some(format!("#{digits}"))
}

fn project<'f>(
    plan: &mut Plan,
    known: &mut Known<'f>,
    item: &Item<'f>,
    within: Option<&str>,
    deepest: usize,
) -> Result<(), Failure> {
    let title = item.text("title").unwrap_or_default();
    let id = item.text("id").unwrap_or_default();
    // each of its parts gets it, so no more of it is kept than a project may have
    let kept = cut(&title, limits::PROJECT_NAME).to_owned();
    known.titles.insert(id.clone(), kept);
    // Vikunja's own lists of favourites and filters have numbers below 0
    let is_own = item.number("id").is_none_or(|id| id >= 0.0);
    if is_own && (!item.has("lists") || item.has("tasks")) {
        for (field, what) in [
            ("description", "description"),
            ("identifier", "identifier"),
            ("background_information", "background"),
        ] {
            if item.has(field) {
                let what = format!("the {what} of {}", shown(&title));
                plan.lost.add(item.line, what, "a project has none");
            }
        }
        if item.truth("is_favorite") {
            let what = format!("that {} is a favourite", shown(&title));
            plan.lost.add(item.line, what, "there are none");
        }
        let place = plan.projects.len();
        plan.projects.push(PlannedProject {
            line: Some(item.line),
            name: title.clone(),
            is_listed: true,
            color: color(item),
            is_archived: item.truth("is_archived"),
            created_at: item.time("created"),
            updated_at: item.time("updated"),
            ..PlannedProject::default()
        });
        let above = item.text("parent_project_id").filter(|id| id != "0");
        if let Some(above) = above.or_else(|| within.map(str::to_owned)) {
            known.above.push((place, above));
        }
        let buckets = buckets(plan, known, item);
        plan.count(1, Some(item.line))?;
        for raw in in_order(item) {
            if let Some(task) = Item::below(raw, item) {
                self::task(plan, known, &task, place, &buckets)?;
            }
        }
    }
    for below in item.items("child_projects").chain(item.items("lists")) {
        if deepest == 0 {
            plan.lost
                .add(below.line, "projects in projects", "they nest too deep");
            break;
        }
        project(plan, known, &below, Some(id.as_str()), deepest - 1)?;
    }
    if item
        .number("parent_project_id")
        .is_some_and(|parent| parent > 0.0)
    {
        let what = format!("the project above {}", shown(&title));
        plan.lost.add(item.line, what, "projects do not nest");
    }
    Ok(())
}

/// The tasks of a project in the order of its list: newer exports have a position of each task in each view, older ones in
/// the task.
fn in_order<'f>(project: &Item<'f>) -> Vec<&'f RawValue> {
    let is_list = |view: &Item<'_>| view.text("view_kind").as_deref() == Some("list");
    let list = project
        .items("views")
        .find(is_list)
        .and_then(|view| view.text("id"));
    let mut places: BTreeMap<String, f64> = BTreeMap::new();
    for entry in project.items("positions") {
        let is_of_list = list.is_none() || entry.text("project_view_id") == list;
        if let (Some(task), Some(place), true) = (entry.text("task_id"), entry.number("position"), is_of_list)
        {
            places.entry(task).or_insert(place);
        }
    }
    let place = |task: &Item<'_>| {
        let in_list = task.text("id").and_then(|id| places.get(&id).copied());
        in_list
            .or_else(|| task.number("position"))
            .filter(|place| *place > 0.0)
    };
    let raws = project.raws("tasks").into_iter();
    let placed = raws.filter_map(|raw| Some((place(&Item::below(raw, project)?).unwrap_or(f64::MAX), raw)));
    let mut placed: Vec<(f64, &RawValue)> = placed.collect();
    placed.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    placed.into_iter().map(|(_, raw)| raw).collect()
}

/// The stage of each bucket, and the bucket of each task where the file says it apart.
struct Buckets {
    stages: BTreeMap<String, usize>,
    of_task: BTreeMap<String, String>,
}

fn buckets(plan: &mut Plan, known: &mut Known<'_>, project: &Item<'_>) -> Buckets {
    let mut done: BTreeSet<String> = project.text("done_bucket_id").into_iter().collect();
    done.extend(
        project
            .items("views")
            .filter_map(|view| view.text("done_bucket_id")),
    );
    let mut stages = BTreeMap::new();
    for bucket in project.items("buckets") {
        let (Some(id), Some(name)) = (bucket.text("id"), bucket.text("title")) else {
            continue;
        };
        let is_done = bucket.truth("is_done_bucket") || done.contains(&id);
        let place = *known.stages.entry(name.clone()).or_insert_with(|| {
            plan.stages.push(PlannedStage {
                line: Some(bucket.line),
                key: None,
                // only the project says which bucket is for what is done
                kind: match kinds::of(&name) {
                    _ if is_done => StageKind::Done,
                    StageKind::Done => StageKind::Open,
                    other => other,
                },
                name,
                color: None,
            });
            plan.stages.len() - 1
        });
        if bucket.number("limit").is_some_and(|limit| limit > 0.0) {
            let what = format!("the limit of the bucket {}", shown(&plan.stages[place].name));
            plan.lost.add(bucket.line, what, "a stage has none");
        }
        stages.insert(id, place);
    }
    let pairs = project.items("task_buckets");
    let of_task = pairs.filter_map(|pair| Some((pair.text("task_id")?, pair.text("bucket_id")?)));
    Buckets {
        of_task: of_task.collect(),
        stages,
    }
}

fn task<'f>(
    plan: &mut Plan,
    known: &mut Known<'f>,
    item: &Item<'f>,
    project: usize,
    buckets: &Buckets,
) -> Result<(), Failure> {
    let title = item.text("title").unwrap_or_default();
    let (id, named) = (item.text("id").unwrap_or_default(), shown(&title));
    let bucket = buckets
        .of_task
        .get(&id)
        .cloned()
        .or_else(|| item.text("bucket_id"));
    let due_at = item.time("due_date").or_else(|| item.time("end_date"));
    let completed = item.truth("done");
    let mut task = PlannedTask {
        line: Some(item.line),
        title,
        description: html::plain(&item.text("description").unwrap_or_default()),
        project: Some(project),
        stage: bucket.and_then(|bucket| buckets.stages.get(&bucket).copied()),
        completed,
        completed_at: item.time("done_at").filter(|_| completed),
        priority: match item.number("priority").map_or(0, |number| number as i64) {
            1 => Priority::Low,
            2 => Priority::Medium,
            3 => Priority::High,
            4.. => Priority::Urgent,
            _ => Priority::None,
        },
        due_at,
        remind_at: reminder(plan, item, &named),
        recurrence: repeat(plan, item, &named),
        created_at: item.time("created"),
        updated_at: item.time("updated"),
        ..PlannedTask::default()
    };
    for label in item.items("labels") {
        if let Some(name) = label.text("title") {
            if !known.tags.contains_key(&name) {
                known.tags.insert(name.clone(), color(&label));
                if label.has("description") {
                    let what = format!("the description of the label {}", shown(&name));
                    plan.lost.add(label.line, what, "a tag has none");
                }
            }
            task.tags.push(name);
        }
    }
    for person in item.items("assignees") {
        task.people.extend(self::person(&person));
    }
    for comment in item.items("comments") {
        let author = comment.item("author").and_then(|author| person(&author));
        task.comments.push(PlannedComment {
            line: Some(comment.line),
            body: html::plain(&comment.text("comment").unwrap_or_default()),
            author,
            created_at: comment.time("created"),
            updated_at: comment.time("updated"),
            ..PlannedComment::default()
        });
    }
    lose(plan, item, &named, due_at);
    let place = plan.add(task)?;
    if let Some(relations) = item.item("related_tasks").filter(|_| item.has("related_tasks")) {
        known.relations.push((place, item.line, relations));
    }
    known.tasks.insert(id, place);
    Ok(())
}

fn person(user: &Item<'_>) -> Option<Person> {
    Person::called(user.text("username"), user.text("name"))
}

fn lose(plan: &mut Plan, item: &Item<'_>, named: &str, due_at: Option<Timestamp>) {
    if item.number("priority").is_some_and(|priority| priority >= 5.0) {
        let what = format!("that “{named}” is to be done now");
        plan.lost.add(item.line, what, "no priority is above urgent");
    }
    for (field, why) in [
        ("attachments", "files are not imported; attach them again"),
        ("start_date", "a task has no start date"),
        ("percent_done", "a task has no such number"),
        ("hex_color", "a task has no color"),
        ("is_favorite", "there are no favourites"),
        ("reactions", "there are none"),
    ] {
        if item.has(field) && (field != "start_date" || item.time(field).is_some()) {
            plan.lost.add(item.line, format!("{field} of “{named}”"), why);
        }
    }
    if item.time("end_date").is_some_and(|end| Some(end) != due_at) {
        plan.lost
            .add(item.line, format!("end_date of “{named}”"), "it has a due date");
    }
}

fn reminder(plan: &mut Plan, item: &Item<'_>, named: &str) -> Option<Timestamp> {
    let list = item.items("reminders");
    let mut times: Vec<Timestamp> = list.filter_map(|one| one.time("reminder")).collect();
    times.extend(
        item.texts("reminder_dates")
            .iter()
            .filter_map(|text| Timestamp::parse(text)),
    );
    times.sort_unstable();
    if times.len() > 1 {
        let what = format!("{} reminders of “{named}”", times.len() - 1);
        plan.lost
            .add(item.line, what, "a task has one; the first is kept");
    }
    times.first().copied()
}

/// Seconds between two times, or a month with the mode 1.
fn repeat(plan: &mut Plan, item: &Item<'_>, named: &str) -> String {
    let seconds = item.number("repeat_after").unwrap_or(0.0);
    let mode = item.number("repeat_mode").unwrap_or(0.0) as i64;
    let every = |unit: f64| {
        let number = seconds / unit;
        (number >= 1.0 && number.fract() == 0.0 && number <= 1000.0).then_some(number as u32)
    };
    if mode == 1 {
        return "FREQ=MONTHLY".to_owned();
    }
    if seconds <= 0.0 {
        return String::new();
    }
    if mode == 2 {
        let what = format!("that “{named}” repeats from the day on which it is done");
        plan.lost.add(item.line, what, "it repeats from its date");
    }
    let rule = match (every(604_800.0), every(86_400.0), every(3600.0)) {
        (Some(weeks), ..) => format!("FREQ=WEEKLY;INTERVAL={weeks}"),
        (_, Some(days), _) => format!("FREQ=DAILY;INTERVAL={days}"),
        (_, _, Some(hours)) => format!("FREQ=HOURLY;INTERVAL={hours}"),
        _ => {
            let what = format!("how “{named}” repeats: every {seconds} seconds");
            plan.lost
                .add(item.line, what, "there is no rule for it; it does not repeat");
            return String::new();
        }
    };
    rule.strip_suffix(";INTERVAL=1").unwrap_or(&rule).to_owned()
}

/// What the relations of a task say. A relation is told on both sides, so one of them is enough.
fn relate(plan: &mut Plan, known: &Known<'_>, task: usize, line: u64, relations: &Item<'_>) {
    for (kind, others) in relations.lists() {
        for other in others {
            let place = other.text("id").and_then(|id| known.tasks.get(&id).copied());
            match (kind, place) {
                ("subtask", Some(below)) => {
                    plan.tasks[below].parent = plan.tasks[below].parent.or(Some(task));
                }
                ("parenttask", Some(above)) => {
                    plan.tasks[task].parent = plan.tasks[task].parent.or(Some(above));
                }
                ("blocked" | "follows", Some(blocker)) => plan.tasks[task].blocked_by.push(blocker),
                ("blocking" | "precedes", Some(blocked)) => plan.tasks[blocked].blocked_by.push(task),
                (_, place) => {
                    let what = format!(
                        "the relation {} of “{}” to “{}”",
                        shown(kind),
                        shown(&plan.tasks[task].title),
                        shown(&other.text("title").unwrap_or_default())
                    );
                    let why = match place {
                        Some(_) => "there is no such relation",
                        None => "the other task is not in the file",
                    };
                    plan.lost.add(line, what, why);
                }
            }
        }
    }
}
