//! The arguments of commands about stages, and of `next`.

use clap::Args as Group;
use taskwire_client::protocol::stage::StageKind;

#[derive(Group)]
pub(crate) struct MoveArgs {
    /// The tasks' ids, or the ends of them; then the stage's key, as `tw stages` shows it, unless an option says where to.
    #[arg(required = true, value_name = "ID... STAGE")]
    pub(crate) words: Vec<String>,
    /// The key of the stage, beside another option.
    #[arg(long, short)]
    pub(crate) stage: Option<String>,
    /// Place them right before this task: its id, or the end of it.
    #[arg(long, value_name = "ID", conflicts_with = "after")]
    pub(crate) before: Option<String>,
    /// Place them right after this task: its id, or the end of it.
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    /// Make them parts of this task: its id, or the end of it; `none` makes them tasks of their own.
    #[arg(long, value_name = "ID")]
    pub(crate) parent: Option<String>,
}

#[derive(Group)]
pub(crate) struct NextArgs {
    /// The workspace: its id, the end of its id, or its name; by default all of yours.
    #[arg(long, short)]
    pub(crate) workspace: Option<String>,
    /// The largest number of items.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

#[derive(Group)]
pub(crate) struct StagesArgs {
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    pub(crate) workspace: Option<String>,
    /// Make these the stages of the workspace, in this order: repeat it for each of them. The key alone keeps a stage as it
    /// is; a new one needs its kind (open, active or done), and may have a name: `--set review:active:"In review"`.
    #[arg(long, value_name = "KEY[:KIND[:NAME[:#COLOR]]]", value_parser = stage)]
    pub(crate) set: Vec<NewStage>,
}

/// A stage as somebody writes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewStage {
    pub(crate) key: String,
    pub(crate) kind: Option<StageKind>,
    pub(crate) name: Option<String>,
    pub(crate) color: Option<String>,
}

fn stage(text: &str) -> Result<NewStage, String> {
    let (text, color) = match text.rsplit_once(':') {
        Some((rest, color)) if color.starts_with('#') => (rest, Some(color.to_owned())),
        _ => (text, None),
    };
    let mut parts = text.splitn(3, ':');
    let key = parts.next().unwrap_or_default().to_owned();
    let kind = match parts.next() {
        None => None,
        Some("open") => Some(StageKind::Open),
        Some("active") => Some(StageKind::Active),
        Some("done") => Some(StageKind::Done),
        Some(other) => return Err(format!("the kind {other:?} is none of open, active and done")),
    };
    Ok(NewStage {
        key,
        kind,
        name: parts.next().map(str::to_owned),
        color,
    })
}

#[derive(Group)]
pub(crate) struct BoardArgs {
    /// The workspace: its id, the end of its id, or its name; by default your personal workspace.
    pub(crate) workspace: Option<String>,
    /// Only the tasks of this project: its id, the end of its id, or its name.
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// Only tasks that are assigned to you.
    #[arg(long, short)]
    pub(crate) mine: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_a_key_and_as_much_as_somebody_writes() {
        let of = |kind, name: Option<&str>, color: Option<&str>| NewStage {
            key: "review".to_owned(),
            kind,
            name: name.map(str::to_owned),
            color: color.map(str::to_owned),
        };
        let active = Some(StageKind::Active);
        for (text, expected) in [
            ("review", of(None, None, None)),
            ("review:active", of(active, None, None)),
            (
                "review:active:In review: by Bob",
                of(active, Some("In review: by Bob"), None),
            ),
            (
                "review:active:In review:#ff0000",
                of(active, Some("In review"), Some("#ff0000")),
            ),
            ("review:#ff0000", of(None, None, Some("#ff0000"))),
        ] {
            assert_eq!(stage(text), Ok(expected), "{text}");
        }
        assert!(stage("review:later").is_err());
    }
}
