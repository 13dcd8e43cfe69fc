//! Stages: the columns of a workspace's board. Each task is in one of them.

use crate::limits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};

/// What a stage means for the tasks in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// Its tasks wait to be begun.
    Open,
    /// Somebody works on its tasks.
    Active,
    /// Its tasks are completed.
    Done,
}

/// A stage of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// What tasks call it; unique in its workspace.
    pub key: Arc<str>,
    /// Its name, for people.
    pub name: Arc<str>,
    /// What it means for its tasks.
    pub kind: StageKind,
    /// The color as `#rrggbb`; `null` for none.
    pub color: Option<Arc<str>>,
}

/// A stage, as `workspace.update` defines it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefineStage {
    /// Up to 32 characters of `a-z 0-9 _ -`; unique in its workspace.
    #[schemars(length(min = 1, max = limits::STAGE_KEY))]
    pub key: String,
    /// 1 to 50 characters.
    #[schemars(length(min = 1, max = limits::STAGE_NAME))]
    pub name: String,
    /// What it means for its tasks.
    pub kind: StageKind,
    /// The color as `#rrggbb`; none when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// The stages of a workspace in the order of its board, from left to right. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stages(Arc<[Stage]>);

static STANDARD: LazyLock<Stages> = LazyLock::new(|| {
    let stages = [
        (FIRST_OPEN, "To do", StageKind::Open),
        ("doing", "Doing", StageKind::Active),
        (FIRST_DONE, "Done", StageKind::Done),
    ];
    let stages = stages.into_iter().map(|(key, name, kind)| Stage {
        key: key.into(),
        name: name.into(),
        kind,
        color: None,
    });
    Stages(stages.collect())
});

/// The key of the standard stage for tasks that are not completed.
pub const FIRST_OPEN: &str = "todo";
/// The key of the standard stage for completed tasks.
pub const FIRST_DONE: &str = "done";

impl Default for Stages {
    /// Those of a new workspace: `todo`, `doing`, `done`.
    fn default() -> Stages {
        STANDARD.clone()
    }
}

impl From<Vec<Stage>> for Stages {
    fn from(stages: Vec<Stage>) -> Stages {
        Stages(stages.into())
    }
}

impl Stages {
    /// The stages in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Stage> {
        self.0.iter()
    }

    /// The stage with this key.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<&Stage> {
        self.0.iter().find(|stage| &*stage.key == key)
    }

    /// The first stage of this kind.
    #[must_use]
    pub fn first(&self, kind: StageKind) -> Option<&Stage> {
        self.0.iter().find(|stage| stage.kind == kind)
    }

    /// The keys in their order, with commas between them.
    #[must_use]
    pub fn keys(&self) -> String {
        let keys: Vec<&str> = self.0.iter().map(|stage| &*stage.key).collect();
        keys.join(", ")
    }
}

/// A valid list of stages, for examples: the first, so many in the middle, and the last.
pub(crate) fn example(middle: usize) -> Vec<DefineStage> {
    let of = |key: &str, name: &str, kind| DefineStage {
        key: key.to_owned(),
        name: name.to_owned(),
        kind,
        color: None,
    };
    let mut stages = vec![of(FIRST_OPEN, "To do", StageKind::Open)];
    let more = [("doing", "Doing"), ("review", "In review")].into_iter();
    stages.extend(
        more.take(middle)
            .map(|(key, name)| of(key, name, StageKind::Active)),
    );
    stages.push(of(FIRST_DONE, "Done", StageKind::Done));
    stages
}
