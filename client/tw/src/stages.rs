//! `move`, `next`, `stages`.

use crate::{
    args::{MoveArgs, NewStage, NextArgs, StagesArgs},
    fault::Fault,
    list,
    output::Output,
    paging, resolve,
    table::{Cell, Row},
    tasks,
};
use taskwire_client::{
    Client,
    protocol::{
        Patch, TaskId,
        stage::{DefineStage, StageKind, Stages},
        task::{Everywhere, ListTasks, MoveTask, Sort, Task, Where},
        workspace::{GetWorkspace, UpdateWorkspace},
    },
};

/// Without an option, the last word is the stage; the others are tasks.
pub(crate) async fn r#move(client: &Client, output: &Output, args: MoveArgs) -> Result<(), Fault> {
    let (mut words, mut stage) = (args.words, args.stage);
    let is_told = [&stage, &args.before, &args.after, &args.parent]
        .into_iter()
        .any(Option::is_some);
    if !is_told {
        stage = words.pop();
    }
    if words.is_empty() {
        return Err(Fault::usage(
            "say where to: `tw move ID STAGE` (`tw stages` lists them), or --before, --after or --parent with an id",
        ));
    }
    let ids = resolve::tasks(client, &words).await?;
    let parent_id = tasks::place(client, args.parent.as_deref()).await?;
    let before = neighbour(client, args.before.as_deref()).await?;
    let mut after = neighbour(client, args.after.as_deref()).await?;
    let calls = ids.into_iter().map(|id| {
        // the next one comes after this one, so that they keep the order in which they are named
        let place = after;
        after = after.map(|_| id);
        MoveTask {
            id,
            project_id: Patch::Keep,
            parent_id: parent_id.clone(),
            stage: stage.clone(),
            before,
            after: place,
        }
    });
    tasks::change(client, output, calls).await
}

async fn neighbour(client: &Client, text: Option<&str>) -> Result<Option<TaskId>, Fault> {
    match text {
        Some(text) => resolve::task(client, text).await.map(Some),
        None => Ok(None),
    }
}

pub(crate) async fn next(client: &Client, output: &Output, args: NextArgs) -> Result<(), Fault> {
    let workspace_id = match &args.workspace {
        None => Where::Everywhere(Everywhere::All),
        Some(workspace) => Where::One(resolve::workspace(client, workspace).await?),
    };
    let params = ListTasks {
        workspace_id: Some(workspace_id),
        ready: Some(true),
        sort: Some(Sort::DueAt),
        ..ListTasks::default()
    };
    let none = "nothing is ready; `tw ls` lists what is left";
    list::show(client, output, params, args.limit, (|_: &Task| true, none)).await
}

pub(crate) async fn stages(client: &Client, output: &Output, args: StagesArgs) -> Result<(), Fault> {
    let workspace_id = resolve::workspace_or_personal(client, args.workspace.as_deref()).await?;
    let mut workspace = paging::call(client, &GetWorkspace { workspace_id }).await?;
    if !args.set.is_empty() {
        let stages = args.set.into_iter().map(|new| defined(new, &workspace.stages));
        let params = UpdateWorkspace {
            workspace_id,
            name: None,
            stages: Some(stages.collect::<Result<_, _>>()?),
        };
        workspace = paging::call(client, &params).await?;
    }
    if output.json {
        return output.value(&workspace.stages);
    }
    let rows: Vec<Row> = workspace
        .stages
        .iter()
        .map(|stage| {
            let kind = match stage.kind {
                StageKind::Open => "open",
                StageKind::Active => "active",
                StageKind::Done => "done",
            };
            vec![Cell::from(&*stage.key), Cell::from(&*stage.name), kind.into()]
        })
        .collect();
    output.table(&rows, 1)
}

/// A stage keeps what it has and somebody does not write.
fn defined(new: NewStage, stages: &Stages) -> Result<DefineStage, Fault> {
    let old = stages.find(&new.key);
    let kind = new.kind.or(old.map(|old| old.kind)).ok_or_else(|| {
        let key = &new.key;
        Fault::usage(format!(
            "there is no stage {key:?} yet, so write its kind too: {key}:open, {key}:active or {key}:done"
        ))
    })?;
    let name = new.name.or(old.map(|old| old.name.to_string()));
    Ok(DefineStage {
        name: name.unwrap_or_else(|| titled(&new.key)),
        kind,
        color: new
            .color
            .or(old.and_then(|old| Some(old.color.as_ref()?.to_string()))),
        key: new.key,
    })
}

/// A key as a name: `in-review` is “In review”.
fn titled(key: &str) -> String {
    let spaced = key.replace(['-', '_'], " ");
    let mut chars = spaced.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
