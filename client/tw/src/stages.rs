//! `move`, `next`, `stages`.

use crate::{
    args::{MoveArgs, NextArgs, StagesArgs},
    fault::Fault,
    list,
    output::Output,
    paging, resolve, tasks,
    terminal::plain,
};
use taskwire_client::{
    Client,
    protocol::{
        Patch,
        stage::StageKind,
        task::{Everywhere, ListTasks, MoveTask, Sort, Task, Where},
        workspace::GetWorkspace,
    },
};

/// The last word is the stage, the others are tasks.
pub(crate) async fn r#move(client: &Client, output: &Output, args: MoveArgs) -> Result<(), Fault> {
    let mut words = args.words;
    let stage = words.pop();
    let ids = resolve::tasks(client, &words).await?;
    let calls = ids.into_iter().map(|id| MoveTask {
        id,
        project_id: Patch::Keep,
        parent_id: Patch::Keep,
        stage: stage.clone(),
        before: None,
        after: None,
    });
    tasks::change(client, output, calls).await
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
    let none = "nothing is ready; `tw ls --status pending` lists what is left";
    list::show(client, output, params, args.limit, (|_: &Task| true, none)).await
}

pub(crate) async fn stages(client: &Client, output: &Output, args: StagesArgs) -> Result<(), Fault> {
    let workspace_id = resolve::workspace_or_personal(client, args.workspace.as_deref()).await?;
    let workspace = paging::call(client, &GetWorkspace { workspace_id }).await?;
    if output.json {
        return output.value(&workspace.stages);
    }
    workspace.stages.iter().try_for_each(|stage| {
        let kind = match stage.kind {
            StageKind::Open => "open",
            StageKind::Active => "active",
            StageKind::Done => "done",
        };
        output.line(&format!("{}  {}  {kind}", plain(&stage.key), plain(&stage.name)))
    })
}
