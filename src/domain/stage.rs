//! Rules on stages: which lists of them are valid, and that a task is completed exactly in a stage of kind `done`. Does
//! not know which tasks a change of stages concerns.

use super::{Result, text};
use std::collections::BTreeSet;
use std::sync::Arc;
use taskwire_protocol::stage::{DefineStage, Stage, StageKind, Stages};
use taskwire_protocol::task::Task;
use taskwire_protocol::{Failure, Timestamp, limits};

/// Trims and checks the stages of a workspace.
pub fn defined(given: Vec<DefineStage>) -> Result<Vec<DefineStage>> {
    if !(limits::STAGES_MIN..=limits::STAGES).contains(&given.len()) {
        let (min, max) = (limits::STAGES_MIN, limits::STAGES);
        let message = format!("a workspace has {min} to {max} stages");
        return Err(Failure::invalid("stages", message));
    }
    let stages = given.into_iter().enumerate();
    let stages = stages.map(|(i, stage)| one(stage, &format!("stages[{i}]")));
    let stages: Vec<DefineStage> = stages.collect::<Result<_>>()?;
    let mut keys = BTreeSet::new();
    if let Some(i) = stages.iter().position(|stage| !keys.insert(stage.key.as_str())) {
        let message = format!("the key `{}` is there twice", stages[i].key);
        return Err(Failure::invalid(format!("stages[{i}].key"), message));
    }
    for (kind, name) in [(StageKind::Open, "open"), (StageKind::Done, "done")] {
        if stages.iter().all(|stage| stage.kind != kind) {
            let message = format!("at least one stage must be of kind `{name}`");
            return Err(Failure::invalid("stages", message));
        }
    }
    Ok(stages)
}

fn one(mut stage: DefineStage, field: &str) -> Result<DefineStage> {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let length = stage.key.len();
    if length == 0 || length > limits::STAGE_KEY || !stage.key.bytes().all(is_plain) {
        let message = format!(
            "a key must be 1 to {} characters of `a-z 0-9 _ -`",
            limits::STAGE_KEY
        );
        return Err(Failure::invalid(format!("{field}.key"), message));
    }
    stage.name = text::name("name", &stage.name, 1, limits::STAGE_NAME)
        .map_err(|failure| failure.at(format!("{field}.name")))?;
    if let Some(color) = &mut stage.color {
        *color = text::color(&format!("{field}.color"), color)?;
    }
    Ok(stage)
}

/// The stages of this definition, which was checked.
pub fn of(defined: &[DefineStage]) -> Stages {
    let stages = defined.iter().map(|stage| Stage {
        key: stage.key.as_str().into(),
        name: stage.name.as_str().into(),
        kind: stage.kind,
        color: stage.color.as_deref().map(Arc::from),
    });
    stages.collect::<Vec<_>>().into()
}

/// The stage with this key.
pub fn known<'s>(stages: &'s Stages, key: &str) -> Result<&'s Stage> {
    stages.find(key).ok_or_else(|| {
        let message = format!(
            "the workspace has no such stage; its stages are {}",
            stages.keys()
        );
        Failure::invalid("stage", message)
    })
}

/// Puts a task into a stage, which completes or reopens it.
pub fn enter(task: &mut Task, stage: &Stage, now: Timestamp) {
    if task.stage != stage.key {
        task.stage = stage.key.clone();
    }
    let completed = stage.kind == StageKind::Done;
    if task.completed != completed {
        task.completed = completed;
        task.completed_at = completed.then_some(now);
    }
}

/// Completes a task in the first stage of kind `done`, or reopens it in the first of kind `open`. A task that is
/// completed, or pending, already stays in its stage.
pub fn complete(task: &mut Task, completed: bool, stages: &Stages, now: Timestamp) {
    let kind = if completed {
        StageKind::Done
    } else {
        StageKind::Open
    };
    // every workspace has a stage of both kinds
    if task.completed != completed
        && let Some(stage) = stages.first(kind)
    {
        enter(task, stage, now);
    }
}

/// Whether the tasks of a stage change when the stages of their workspace do: they move, or are completed or reopened.
pub fn changes(stage: &Stage, now: &Stages) -> bool {
    let is_done = |stage: &Stage| stage.kind == StageKind::Done;
    now.find(&stage.key)
        .is_none_or(|kept| is_done(kept) != is_done(stage))
}

/// Where the tasks of a stage are when the stages of their workspace have changed: there, or in the first one of the same
/// kind, or else in the first of kind `open`.
pub fn successor<'s>(stage: &Stage, now: &'s Stages) -> Option<&'s Stage> {
    let of_kind = || now.first(stage.kind);
    now.find(&stage.key)
        .or_else(of_kind)
        .or_else(|| now.first(StageKind::Open))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(key: &str, kind: StageKind) -> DefineStage {
        DefineStage {
            key: key.to_owned(),
            name: format!(" {key}! "),
            kind,
            color: None,
        }
    }

    fn field(given: Vec<DefineStage>) -> Option<String> {
        defined(given).err().and_then(|failure| failure.field)
    }

    #[test]
    fn a_list_of_stages_is_checked_and_an_error_names_the_field() {
        use StageKind::{Active, Done, Open};
        let good = vec![stage("a", Open), stage("b-1_", Done)];
        let names = defined(good.clone()).map(|stages| stages[0].name.clone());
        assert_eq!(names.ok().as_deref(), Some("a!"));
        assert_eq!(field(vec![stage("a", Open)]).as_deref(), Some("stages"));
        assert_eq!(field(vec![stage("a", Open); 21]).as_deref(), Some("stages"));
        for (key, kind, wrong) in [
            ("a", Active, "stages[2].key"),
            ("B", Active, "stages[2].key"),
            ("", Active, "stages[2].key"),
            (&"k".repeat(33), Active, "stages[2].key"),
        ] {
            let more = [good.clone(), vec![stage(key, kind)]].concat();
            assert_eq!(field(more).as_deref(), Some(wrong), "{key}");
        }
        assert_eq!(
            field(vec![stage("a", Open), stage("b", Active)]).as_deref(),
            Some("stages")
        );
        assert_eq!(
            field(vec![stage("a", Active), stage("b", Done)]).as_deref(),
            Some("stages")
        );
        for (color, wrong) in [
            ("#12aB9f", None),
            ("12ab9f", Some("stages[0].color")),
            ("#12ab9", Some("stages[0].color")),
        ] {
            let mut colored = good.clone();
            colored[0].color = Some(color.to_owned());
            assert_eq!(field(colored).as_deref(), wrong, "{color}");
        }
    }

    #[test]
    fn tasks_of_a_stage_that_goes_away_stay_in_its_kind_or_become_open() {
        let before = Stages::default();
        let now = of(&[
            stage("later", StageKind::Open),
            stage("doing", StageKind::Done),
            stage("done", StageKind::Done),
        ]);
        let found = before.iter().map(|old| {
            let new = successor(old, &now).map(|stage| stage.key.to_string());
            (changes(old, &now), new.unwrap_or_default())
        });
        let expected = [(true, "later"), (true, "doing"), (false, "done")];
        assert_eq!(
            found.collect::<Vec<_>>(),
            expected.map(|(changes, key)| (changes, key.to_owned()))
        );
        let none_active = of(&[stage("x", StageKind::Open), stage("y", StageKind::Done)]);
        let doing = before.find("doing").and_then(|old| successor(old, &none_active));
        assert_eq!(doing.map(|stage| &*stage.key), Some("x"));
    }
}
