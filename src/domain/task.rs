//! Rules for the fields of a task, and the task that results from an update.

use super::{Result, recurrence, stage, text};
use crate::unicode::name_key;
use std::sync::Arc;
use taskwire_protocol::stage::{StageKind, Stages};
use taskwire_protocol::task::{CreateTask, ReplaceTask, Task, UpdateTask};
use taskwire_protocol::{ErrorCode, Failure, Patch, TaskId, Timestamp, UserId, limits};

pub fn title(given: &str) -> Result<String> {
    text::title("title", given, 1, limits::TITLE)
}

/// An empty description becomes `None`.
pub fn description(given: Option<String>) -> Result<Option<String>> {
    text::optional("description", given, limits::DESCRIPTION)
}

/// Trims and checks tags. They keep their order; repeated ones are dropped. `Home` and `home` are one tag, and the first
/// spelling stays.
pub fn tags(given: &[String]) -> Result<Vec<String>> {
    let room = given.len().min(limits::TAGS);
    let mut tags: Vec<String> = Vec::with_capacity(room);
    let mut keys: Vec<String> = Vec::with_capacity(room);
    for (i, tag) in given.iter().enumerate() {
        let tag =
            text::name("tag", tag, 1, limits::TAG).map_err(|failure| failure.at(format!("tags[{i}]")))?;
        let key = name_key(&tag);
        if keys.contains(&key) {
            continue;
        }
        // so each tag is compared with few others, however many there are
        if tags.len() == limits::TAGS {
            let message = format!("a task can have at most {} tags", limits::TAGS);
            return Err(Failure::invalid("tags", message));
        }
        tags.push(tag);
        keys.push(key);
    }
    Ok(tags)
}

/// The different ones in their order; `None` if there are more than `most`. It stops at the first one too many, so it takes
/// no longer than its input is long.
pub fn different<T: Copy + PartialEq>(given: &[T], most: usize) -> Option<Vec<T>> {
    let mut found: Vec<T> = Vec::with_capacity(given.len().min(most));
    for one in given {
        if found.contains(one) {
            continue;
        }
        if found.len() == most {
            return None;
        }
        found.push(*one);
    }
    Some(found)
}

/// Checks the number of assignees. Repeated ones are dropped.
pub fn assignees(given: &[UserId]) -> Result<Vec<UserId>> {
    different(given, limits::ASSIGNEES).ok_or_else(|| {
        let message = format!("a task can have at most {} assignees", limits::ASSIGNEES);
        Failure::invalid("assignee_ids", message)
    })
}

/// Checks the number of tasks that block a task. Repeated ones are dropped.
pub fn blockers(given: &[TaskId]) -> Result<Vec<TaskId>> {
    different(given, limits::BLOCKERS).ok_or_else(|| {
        let message = format!("a task can be blocked by at most {} tasks", limits::BLOCKERS);
        Failure::invalid("blocked_by", message)
    })
}

/// A task does not block itself.
fn not_itself(task: Option<TaskId>, blockers: &[TaskId]) -> Result<()> {
    match task {
        Some(task) if blockers.contains(&task) => {
            let message = "a task cannot be blocked by itself";
            Err(Failure::new(ErrorCode::Conflict, message).at("blocked_by"))
        }
        _ => Ok(()),
    }
}

/// When a task is due or reminds of itself: calendars end with the year 9999, and nothing is due before 1970.
fn date(field: &str, given: Option<Timestamp>) -> Result<()> {
    const FIRST_AND_LAST: std::ops::RangeInclusive<i64> = 0..=253_402_300_799_999;
    match given {
        Some(time) if !FIRST_AND_LAST.contains(&time.0) => {
            let message = format!("{field} must be between 1970-01-01 and 9999-12-31");
            Err(Failure::invalid(field, message))
        }
        _ => Ok(()),
    }
}

/// When a task is due that is due on a day: midnight UTC of its date.
pub fn day(due_at: Option<Timestamp>) -> Option<Timestamp> {
    const DAY: i64 = 86_400_000;
    due_at.map(|at| Timestamp(at.0.div_euclid(DAY) * DAY))
}

/// How a task repeats; an empty rule is none.
fn repeats(given: Option<String>) -> Result<Option<String>> {
    let rule = text::optional("recurrence", given, limits::RECURRENCE)?;
    if let Some(rule) = &rule {
        recurrence::check(rule)?;
    }
    Ok(rule)
}

/// Checks an id that a client chose.
pub fn own_id(id: Option<TaskId>) -> Result<Option<TaskId>> {
    if id.is_some_and(|id| id.0.get_version_num() != 7) {
        return Err(Failure::invalid("id", "id must be a UUIDv7"));
    }
    Ok(id)
}

/// Trims and checks the fields of a new task. Assignees and blockers stay as they were given, because an error names one
/// by its index.
pub fn check_create(mut given: CreateTask) -> Result<CreateTask> {
    given.id = own_id(given.id)?;
    given.title = title(&given.title)?;
    given.description = description(given.description)?;
    given.tags = given.tags.as_deref().map(tags).transpose()?;
    assignees(given.assignee_ids.as_deref().unwrap_or_default())?;
    let blockers = blockers(given.blocked_by.as_deref().unwrap_or_default())?;
    not_itself(given.id, &blockers)?;
    date("due_at", given.due_at)?;
    if given.all_day == Some(true) {
        given.due_at = day(given.due_at);
    }
    date("remind_at", given.remind_at)?;
    given.recurrence = repeats(given.recurrence)?;
    Ok(given)
}

/// Trims and checks the fields of a replacement.
pub fn check_replace(mut given: ReplaceTask) -> Result<ReplaceTask> {
    given.title = title(&given.title)?;
    given.description = description(given.description)?;
    given.tags = tags(&given.tags)?;
    date("due_at", given.due_at)?;
    Ok(given)
}

/// Trims and checks the fields of an update. Assignees and blockers stay as they were given.
pub fn check_update(mut given: UpdateTask) -> Result<UpdateTask> {
    given.title = given.title.map(|text| title(&text)).transpose()?;
    given.description = patch(given.description, |text| description(Some(text)))?;
    given.recurrence = patch(given.recurrence, |text| repeats(Some(text)))?;
    date("due_at", given.due_at.clone().change().flatten())?;
    date("remind_at", given.remind_at.clone().change().flatten())?;
    given.tags = patch(given.tags, |names| Ok(Some(tags(&names)?)))?;
    if let Patch::Set(people) = &given.assignee_ids {
        assignees(people)?;
    }
    if let Patch::Set(tasks) = &given.blocked_by {
        not_itself(Some(given.id), &blockers(tasks)?)?;
    }
    Ok(given)
}

fn patch<T>(given: Patch<T>, check: impl FnOnce(T) -> Result<Option<T>>) -> Result<Patch<T>> {
    match given {
        Patch::Set(value) => Ok(check(value)?.map_or(Patch::Clear, Patch::Set)),
        other => Ok(other),
    }
}

/// Puts a task into the stage that an update names, or into one that is right for `completed`.
fn staged(task: &mut Task, update: &UpdateTask, stages: &Stages, now: Timestamp) -> Result<()> {
    let Some(key) = &update.stage else {
        if let Some(completed) = update.completed {
            stage::complete(task, completed, stages, now);
        }
        return Ok(());
    };
    let stage = stage::known(stages, key)?;
    let completes = stage.kind == StageKind::Done;
    if update.completed.is_some_and(|completed| completed != completes) {
        let message = format!(
            "a task in the stage `{key}` is {}completed; give stage or completed, not both",
            if completes { "" } else { "not " }
        );
        return Err(Failure::invalid("completed", message));
    }
    stage::enter(task, stage, now);
    Ok(())
}

/// The task after an update.
///
/// # Errors
/// A stage that the workspace does not have, or that contradicts `completed`.
pub fn updated(before: &Task, update: &UpdateTask, stages: &Stages, now: Timestamp) -> Result<Task> {
    let mut task = before.clone();
    if let Some(title) = &update.title {
        set_text(&mut task.title, title);
    }
    if let Some(description) = update.description.clone().change() {
        set_optional(&mut task.description, description.as_deref());
    }
    if let Some(rule) = update.recurrence.clone().change() {
        set_optional(&mut task.recurrence, rule.as_deref());
    }
    staged(&mut task, update, stages, now)?;
    if let Some(tags) = update.tags.clone().change() {
        task.tags = tags.unwrap_or_default().into_iter().map(Arc::from).collect();
    }
    task.priority = update
        .priority
        .clone()
        .change()
        .map_or(task.priority, Option::unwrap_or_default);
    task.due_at = update.due_at.clone().change().unwrap_or(task.due_at);
    task.all_day = update.all_day.unwrap_or(task.all_day);
    // not of one that stays as an older version kept it: what changes nothing must change nothing
    if task.all_day && (!before.all_day || task.due_at != before.due_at) {
        task.due_at = day(task.due_at);
    }
    task.remind_at = update.remind_at.clone().change().unwrap_or(task.remind_at);
    task.project_id = update.project_id.clone().change().unwrap_or(task.project_id);
    task.parent_id = update.parent_id.clone().change().unwrap_or(task.parent_id);
    if let Some(people) = update.assignee_ids.clone().change() {
        task.assignee_ids = assignees(&people.unwrap_or_default())?;
    }
    if let Some(tasks) = update.blocked_by.clone().change() {
        task.blocked_by = blockers(&tasks.unwrap_or_default())?;
    }
    Ok(task)
}

/// The task after a replacement.
pub fn replaced(task: &Task, with: &ReplaceTask, stages: &Stages, now: Timestamp) -> Task {
    let mut task = task.clone();
    set_text(&mut task.title, &with.title);
    set_optional(&mut task.description, with.description.as_deref());
    stage::complete(&mut task, with.completed, stages, now);
    task.priority = with.priority;
    task.due_at = if task.all_day {
        day(with.due_at)
    } else {
        with.due_at
    };
    task.tags = with.tags.iter().map(|tag| Arc::from(tag.as_str())).collect();
    task
}

fn set_text(place: &mut Arc<str>, text: &str) {
    if &**place != text {
        *place = text.into();
    }
}

fn set_optional(place: &mut Option<Arc<str>>, text: Option<&str>) {
    if place.as_deref() != text {
        *place = text.map(Arc::from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_from_1970_to_9999() {
        let time = |text: &str| Timestamp::parse(text);
        for good in ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"] {
            assert!(
                time(good).is_some() && date("due_at", time(good)).is_ok(),
                "{good}"
            );
        }
        for bad in [
            "1969-12-31T23:59:59.999Z",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00+01:00",
        ] {
            let failure = date("due_at", time(bad)).err();
            assert_eq!(failure.and_then(|f| f.field).as_deref(), Some("due_at"), "{bad}");
        }
    }

    #[test]
    fn a_day_is_midnight_of_its_date() {
        let day = |text: &str| day(Timestamp::parse(text));
        for text in [
            "2027-03-01T00:00:00Z",
            "2027-03-01T15:00:00Z",
            "2027-03-02T01:59:59.999+02:00",
        ] {
            assert_eq!(day(text), Timestamp::parse("2027-03-01T00:00:00Z"), "{text}");
        }
        assert_eq!(super::day(None), None);
    }

    #[test]
    fn the_first_one_too_many_ends_a_list() {
        #[derive(Clone, Copy)]
        struct Counted<'c>(usize, &'c std::cell::Cell<usize>);
        impl PartialEq for Counted<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.1.set(self.1.get() + 1);
                self.0 == other.0
            }
        }
        let compared = std::cell::Cell::new(0);
        let many: Vec<Counted<'_>> = (0..10_000).map(|n| Counted(n, &compared)).collect();
        assert!(different(&many, 50).is_none());
        assert!(
            compared.take() <= 50 * 51,
            "it goes on behind the first one too many"
        );
        let equal: Vec<Counted<'_>> = (0..10_000).map(|n| Counted(n % 50, &compared)).collect();
        let found = different(&equal, 50).expect("few different ones");
        assert!(found.iter().map(|one| one.0).eq(0..50));
        assert!(compared.get() <= 50 * 10_000, "{}", compared.get());
    }

    #[test]
    fn ten_thousand_tags_are_refused_at_the_twenty_first() {
        let mut many: Vec<String> = (0..10_500).map(|n| format!("t{n}")).collect();
        // no tag behind the first one too many is looked at
        many.push(String::new());
        let failure = tags(&many).expect_err("too many tags");
        assert_eq!(failure.field.as_deref(), Some("tags"));
        let equal = vec!["Home".to_owned(); 10_500];
        assert_eq!(tags(&equal).ok(), Some(vec!["Home".to_owned()]));
        assert_eq!(tags(&many[..20]).ok().map(|tags| tags.len()), Some(20));
    }

    #[test]
    fn repeated_tags_are_dropped_and_an_error_names_the_invalid_tag() {
        assert_eq!(tags(&[" a ".into(), "a".into()]).ok(), Some(vec!["a".to_owned()]));
        let equal = ["Äpfel", "äPFEL", "a\u{308}pfel", "Apfel"].map(str::to_owned);
        assert_eq!(
            tags(&equal).ok(),
            Some(vec!["Äpfel".to_owned(), "Apfel".to_owned()])
        );
        let failure = tags(&["a".into(), String::new()]).err();
        assert_eq!(failure.and_then(|f| f.field).as_deref(), Some("tags[1]"));
    }
}
