//! Rules for the fields of a task, and the task that results from an update.

use super::{Result, text};
use std::sync::Arc;
use taskwire_protocol::task::{CreateTask, ReplaceTask, Task, UpdateTask};
use taskwire_protocol::{Failure, Patch, TaskId, Timestamp, UserId, limits};

pub fn title(given: &str) -> Result<String> {
    text::checked("title", given, 1, limits::TITLE)
}

/// An empty description becomes `None`.
pub fn description(given: Option<String>) -> Result<Option<String>> {
    text::optional("description", given, limits::DESCRIPTION)
}

/// Trims and checks tags. They keep their order; repeated ones are dropped.
pub fn tags(given: &[String]) -> Result<Vec<String>> {
    let mut tags: Vec<String> = Vec::with_capacity(given.len());
    for (i, tag) in given.iter().enumerate() {
        let tag =
            text::checked("tag", tag, 1, limits::TAG).map_err(|failure| failure.at(format!("tags[{i}]")))?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.len() > limits::TAGS {
        return Err(Failure::invalid(
            "tags",
            format!("a task can have at most {} tags", limits::TAGS),
        ));
    }
    Ok(tags)
}

/// The users in the given order, without repeated ones.
pub fn once(given: &[UserId]) -> Vec<UserId> {
    let mut people: Vec<UserId> = Vec::with_capacity(given.len());
    for user in given {
        if !people.contains(user) {
            people.push(*user);
        }
    }
    people
}

/// Checks the number of assignees. Repeated ones are dropped.
pub fn assignees(given: &[UserId]) -> Result<Vec<UserId>> {
    let people = once(given);
    if people.len() > limits::ASSIGNEES {
        let message = format!("a task can have at most {} assignees", limits::ASSIGNEES);
        return Err(Failure::invalid("assignee_ids", message));
    }
    Ok(people)
}

/// The frequencies that a recurrence rule can have.
const FREQUENCIES: [&str; 7] = [
    "SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY",
];

/// Checks the form of a recurrence rule: `NAME=VALUE` pairs, one of them a frequency (RFC 5545, section 3.3.10).
pub fn recurrence(given: Option<String>) -> Result<Option<String>> {
    let Some(rule) = text::optional("recurrence", given, limits::RECURRENCE)? else {
        return Ok(None);
    };
    let pairs = rule.strip_prefix("RRULE:").unwrap_or(&rule).split(';');
    let pairs: Option<Vec<(&str, &str)>> = pairs.map(|pair| pair.split_once('=')).collect();
    let fine = pairs.is_some_and(|pairs| {
        pairs
            .iter()
            .any(|(name, value)| *name == "FREQ" && FREQUENCIES.contains(value))
            && pairs
                .iter()
                .all(|(name, value)| !name.is_empty() && !value.is_empty())
    });
    if fine {
        Ok(Some(rule))
    } else {
        Err(Failure::invalid(
            "recurrence",
            "recurrence must be a rule like FREQ=WEEKLY;BYDAY=MO",
        ))
    }
}

/// Checks an id that a client chose.
pub fn own_id(id: Option<TaskId>) -> Result<Option<TaskId>> {
    if id.is_some_and(|id| id.0.get_version_num() != 7) {
        return Err(Failure::invalid("id", "id must be a UUIDv7"));
    }
    Ok(id)
}

/// Trims and checks the fields of a new task. Assignees stay as they were given, because an error names one by its
/// index.
pub fn check_create(mut given: CreateTask) -> Result<CreateTask> {
    given.id = own_id(given.id)?;
    given.title = title(&given.title)?;
    given.description = description(given.description)?;
    given.tags = given.tags.as_deref().map(tags).transpose()?;
    assignees(given.assignee_ids.as_deref().unwrap_or_default())?;
    given.recurrence = recurrence(given.recurrence)?;
    Ok(given)
}

/// Trims and checks the fields of a replacement.
pub fn check_replace(mut given: ReplaceTask) -> Result<ReplaceTask> {
    given.title = title(&given.title)?;
    given.description = description(given.description)?;
    given.tags = tags(&given.tags)?;
    Ok(given)
}

/// Trims and checks the fields of an update. Assignees stay as they were given.
pub fn check_update(mut given: UpdateTask) -> Result<UpdateTask> {
    given.title = given.title.map(|text| title(&text)).transpose()?;
    given.description = patch(given.description, |text| description(Some(text)))?;
    given.recurrence = patch(given.recurrence, |text| recurrence(Some(text)))?;
    given.tags = patch(given.tags, |names| Ok(Some(tags(&names)?)))?;
    if let Patch::Set(people) = &given.assignee_ids {
        assignees(people)?;
    }
    Ok(given)
}

fn patch<T>(given: Patch<T>, check: impl FnOnce(T) -> Result<Option<T>>) -> Result<Patch<T>> {
    match given {
        Patch::Set(value) => Ok(check(value)?.map_or(Patch::Clear, Patch::Set)),
        other => Ok(other),
    }
}

/// Marks a task as completed or not.
pub fn complete(task: &mut Task, completed: bool, now: Timestamp) {
    if task.completed != completed {
        task.completed = completed;
        task.completed_at = completed.then_some(now);
    }
}

/// The task after an update.
pub fn updated(task: &Task, update: &UpdateTask, now: Timestamp) -> Task {
    let mut task = task.clone();
    if let Some(title) = &update.title {
        set_text(&mut task.title, title);
    }
    if let Some(description) = update.description.clone().change() {
        set_optional(&mut task.description, description.as_deref());
    }
    if let Some(rule) = update.recurrence.clone().change() {
        set_optional(&mut task.recurrence, rule.as_deref());
    }
    if let Some(completed) = update.completed {
        complete(&mut task, completed, now);
    }
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
    task.remind_at = update.remind_at.clone().change().unwrap_or(task.remind_at);
    task.project_id = update.project_id.clone().change().unwrap_or(task.project_id);
    task.parent_id = update.parent_id.clone().change().unwrap_or(task.parent_id);
    if let Some(people) = update.assignee_ids.clone().change() {
        task.assignee_ids = once(&people.unwrap_or_default());
    }
    task
}

/// The task after a replacement.
pub fn replaced(task: &Task, with: &ReplaceTask, now: Timestamp) -> Task {
    let mut task = task.clone();
    set_text(&mut task.title, &with.title);
    set_optional(&mut task.description, with.description.as_deref());
    complete(&mut task, with.completed, now);
    task.priority = with.priority;
    task.due_at = with.due_at;
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
    fn a_rule_needs_a_frequency() {
        assert!(recurrence(Some("FREQ=WEEKLY;BYDAY=MO".into())).is_ok());
        assert!(recurrence(Some("BYDAY=MO".into())).is_err());
        assert!(recurrence(Some("weekly".into())).is_err());
        assert_eq!(recurrence(Some("  ".into())).ok(), Some(None));
    }

    #[test]
    fn repeated_tags_are_dropped_and_an_error_names_the_invalid_tag() {
        assert_eq!(tags(&[" a ".into(), "a".into()]).ok(), Some(vec!["a".to_owned()]));
        let failure = tags(&["a".into(), String::new()]).err();
        assert_eq!(failure.and_then(|f| f.field).as_deref(), Some("tags[1]"));
    }
}
