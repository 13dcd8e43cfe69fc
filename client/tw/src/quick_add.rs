//! `quick`: adds a task in one line, as the board's quick add does: `pay rent friday 9am every month #home !high @ada`.
//!
//! - `words`  the words of a line
//! - `dates`  those that say when it is due; `rules` those that say how often it repeats
//! - this file: the signs `#`, `/`, `!` and `@`, and what is left as the title
//!
//! `tests/quick-add.json` is the table of cases for this and the board.

mod dates;
mod rules;
#[cfg(test)]
mod tests;
mod words;

use crate::{args::QuickArgs, clock, due::Due, fault::Fault, output::Output, paging, resolve};
use jiff::Zoned;
use taskwire_client::{
    Client,
    protocol::{
        ProjectId, WorkspaceId,
        task::{CreateTask, Priority},
    },
};
use words::{ENDINGS, Word};

/// Characters of a tag, at most.
const LONGEST_TAG: usize = 50;

pub(crate) async fn quick(client: &Client, output: &Output, args: QuickArgs) -> Result<(), Fault> {
    let text = args.text.join(" ");
    let workspace = resolve::workspace_or_personal(client, args.workspace.as_deref()).await?;
    let (known, projects) = known(client, workspace, &text).await?;
    let line = read(&text, &clock::now(), &known);
    if line.title.is_empty() {
        return Err(Fault::usage(format!(
            "{text:?} says nothing to do; a backslash before a word keeps it as text"
        )));
    }
    let params = CreateTask {
        id: None,
        workspace_id: Some(workspace),
        project_id: line.project.and_then(|place| projects.get(place).copied()),
        parent_id: None,
        title: line.title,
        description: None,
        priority: line.priority,
        stage: None,
        blocked_by: None,
        due_at: line.due.map(|due| due.at),
        all_day: line.due.map(|due| due.all_day),
        tags: (!line.tags.is_empty()).then_some(line.tags),
        assignee_ids: if line.people.is_empty() {
            None
        } else {
            Some(resolve::people(client, workspace, &line.people).await?)
        },
        remind_at: None,
        recurrence: line.every,
    };
    output.task(&paging::call(client, &params).await?)
}

/// What exists in a workspace, as far as the line can mean it, and the ids of the projects.
async fn known(
    client: &Client,
    workspace: WorkspaceId,
    text: &str,
) -> Result<(Known, Vec<ProjectId>), Fault> {
    let mut known = Known::default();
    let mut ids = Vec::new();
    if text.contains(['#', '/']) {
        let projects = resolve::projects(client, workspace).await?;
        for project in projects.into_iter().filter(|project| !project.is_archived) {
            known.projects.push(project.name);
            ids.push(project.id);
        }
        let tags = resolve::tags(client, workspace).await?;
        known.tags = tags.into_iter().map(|tag| tag.name.to_string()).collect();
    }
    if text.contains('@') {
        let members = resolve::members(client, workspace).await?;
        known.members = members.into_iter().map(|(_, username)| username).collect();
    }
    Ok((known, ids))
}

/// What exists in the workspace of the task.
#[derive(Default)]
struct Known {
    projects: Vec<String>,
    tags: Vec<String>,
    /// Usernames.
    members: Vec<String>,
}

/// What a line says.
struct Line {
    title: String,
    due: Option<Due>,
    every: Option<String>,
    priority: Option<Priority>,
    /// Its place among the known ones.
    project: Option<usize>,
    tags: Vec<String>,
    /// Usernames, and `me`.
    people: Vec<String>,
}

fn read(text: &str, now: &Zoned, known: &Known) -> Line {
    let mut words = words::split(text);
    let marks = find_marks(&mut words, known);
    let every = rules::find(&mut words);
    let due = dates::find(&mut words, now, every.as_deref());
    Line {
        title: title(&words),
        due,
        every,
        priority: marks.iter().find_map(|mark| match mark {
            Mark::Priority(priority) => Some(*priority),
            _ => None,
        }),
        project: marks.iter().find_map(|mark| match mark {
            Mark::Project(place) => Some(*place),
            _ => None,
        }),
        tags: names(&marks, |mark| match mark {
            Mark::Tag(name) => Some(name),
            _ => None,
        }),
        people: names(&marks, |mark| match mark {
            Mark::Person(name) => Some(name),
            _ => None,
        }),
    }
}

/// What a word with a sign in front says.
enum Mark {
    Priority(Priority),
    Project(usize),
    Tag(String),
    Person(String),
}

/// Finds the marks, and takes their words. Of priorities and projects the last one counts.
fn find_marks(words: &mut [Word], known: &Known) -> Vec<Mark> {
    let (mut marks, mut has_priority, mut has_project) = (Vec::new(), false, false);
    for word in words.iter_mut().rev().filter(|word| word.is_free()) {
        let Some(mark) = mark(word, known) else { continue };
        let is_another = match mark {
            Mark::Priority(_) => std::mem::replace(&mut has_priority, true),
            Mark::Project(_) => std::mem::replace(&mut has_project, true),
            Mark::Tag(_) | Mark::Person(_) => false,
        };
        if !is_another {
            word.taken = true;
            marks.push(mark);
        }
    }
    marks.reverse();
    marks
}

fn mark(word: &Word, known: &Known) -> Option<Mark> {
    let name = word.name();
    match word.text.chars().next()? {
        '!' => either(name, |name| Priority::of(&name.to_lowercase())).map(Mark::Priority),
        '@' => {
            let person = either(name, |name| find(&known.members, name));
            let person = person.and_then(|place| known.members.get(place)).cloned();
            let is_me = || {
                either(name, |name| {
                    (name.to_lowercase() == "me").then(|| "me".to_owned())
                })
            };
            person.or_else(is_me).map(Mark::Person)
        }
        '/' => either(name, |name| find(&known.projects, name)).map(Mark::Project),
        '#' => {
            let tag = either(name, |name| find(&known.tags, name));
            if let Some(place) = tag {
                return known
                    .tags
                    .get(place)
                    .filter(|name| is_tag(name))
                    .cloned()
                    .map(Mark::Tag);
            }
            let project = either(name, |name| find(&known.projects, name)).map(Mark::Project);
            let new = name.trim_end_matches(ENDINGS);
            project.or_else(|| is_tag(new).then(|| Mark::Tag(new.to_owned())))
        }
        _ => None,
    }
}

/// A name as it stands, or without what ends a sentence.
fn either<T>(name: &str, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    find(name).or_else(|| find(name.trim_end_matches(ENDINGS)))
}

/// The place of a name. Case makes no difference.
fn find(names: &[String], name: &str) -> Option<usize> {
    let name = name.to_lowercase();
    names.iter().position(|other| other.to_lowercase() == name)
}

fn is_tag(name: &str) -> bool {
    let has_letter = name.chars().any(char::is_alphanumeric);
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    has_letter && !is_number && name.chars().count() <= LONGEST_TAG
}

/// The names of some marks, each once.
fn names<'m>(marks: &'m [Mark], name: impl Fn(&'m Mark) -> Option<&'m String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in marks.iter().filter_map(name) {
        if find(&names, name).is_none() {
            names.push(name.clone());
        }
    }
    names
}

/// The words that nothing took.
fn title(words: &[Word]) -> String {
    let left: Vec<&str> = words.iter().filter(|word| !word.taken).map(Word::shown).collect();
    left.join(" ").trim_end_matches([' ', ',']).to_owned()
}
