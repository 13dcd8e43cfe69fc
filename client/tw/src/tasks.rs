//! `add`, `show`, `done`, `edit`, `remind`, `rm`, `restore`.

use crate::{
    args::{self, AddArgs, EditArgs, NewDue, NewRule},
    attachments, comments,
    fault::Fault,
    names::{Names, known},
    output::Output,
    paging, projects, resolve,
    terminal::note,
    text::{Around, day_or_moment, sheet, short},
};
use taskwire_client::{
    Client,
    protocol::{
        Operation, Patch, TaskId,
        task::{CompleteTask, CreateTask, DeleteTask, Deleted, GetTask, RestoreTask, Task, UpdateTask},
    },
};

pub(crate) async fn add(client: &Client, output: &Output, args: AddArgs) -> Result<(), Fault> {
    let due = args.due;
    let parent = match &args.parent {
        Some(parent) => {
            let id = resolve::task(client, parent).await?;
            Some(paging::call(client, &GetTask { id }).await?)
        }
        None => None,
    };
    let workspace_id = match (&args.workspace, &parent) {
        (Some(workspace), _) => Some(resolve::workspace(client, workspace).await?),
        // a part of a task is where the task is
        (None, Some(parent)) => Some(parent.workspace_id),
        (None, None) => None,
    };
    let assignee_ids = if args.assign.is_empty() {
        None
    } else {
        let workspace = match workspace_id {
            Some(workspace) => workspace,
            None => resolve::personal(client).await?,
        };
        Some(resolve::people(client, workspace, &args.assign).await?)
    };
    let blocked_by = match args.blocked_by.as_slice() {
        [] => None,
        ids => Some(resolve::tasks(client, ids).await?),
    };
    // the last step before the task itself: it may make the project
    let project_id = match &args.project {
        Some(project) => {
            let workspace = match workspace_id {
                Some(workspace) => workspace,
                None => resolve::personal(client).await?,
            };
            Some(projects::found_or_made(client, output, workspace, project).await?)
        }
        None => None,
    };
    let params = CreateTask {
        id: None,
        workspace_id,
        project_id,
        parent_id: parent.map(|parent| parent.id),
        title: args.title.join(" "),
        description: args.description,
        priority: args.priority,
        stage: args.stage,
        blocked_by,
        due_at: due.map(|due| due.at),
        all_day: due.map(|due| due.all_day),
        tags: (!args.tags.is_empty()).then_some(args.tags),
        assignee_ids,
        remind_at: args.remind,
        recurrence: args.every,
    };
    let task = match paging::call(client, &params).await {
        Err(error) if workspace_id.is_none() => return Err(resolve::in_personal(error)),
        task => task?,
    };
    output.task(&task)
}

pub(crate) async fn show(client: &Client, output: &Output, id: &str) -> Result<(), Fault> {
    let id = resolve::task(client, id).await?;
    let task = paging::call(client, &GetTask { id }).await?;
    if output.json {
        return output.value(&task);
    }
    let around = around(client, &task).await?;
    output.line(&sheet(&task, &around))?;
    if task.attachment_count > 0 {
        attachments::below(client, output, id).await?;
    }
    if task.comment_count == 0 {
        return Ok(());
    }
    comments::below(client, output, id).await
}

/// The names that the sheet of a task shows.
async fn around(client: &Client, task: &Task) -> Result<Around, Fault> {
    let project = match task.project_id {
        Some(id) => {
            let projects = known(resolve::projects(client, task.workspace_id).await)?;
            let mut projects = projects.unwrap_or_default().into_iter();
            let project = projects.find(|project| project.id == id);
            project.map(|project| project.name)
        }
        None => None,
    };
    let parent = match task.parent_id {
        Some(id) => known(paging::call(client, &GetTask { id }).await)?,
        None => None,
    };
    Ok(Around {
        names: Names::of_task(client, task).await?,
        project,
        parent: parent.map(|parent| parent.title.to_string()),
    })
}

pub(crate) async fn done(client: &Client, output: &Output, ids: &[String], undo: bool) -> Result<(), Fault> {
    let completed = Some(!undo);
    let ids = resolve::tasks(client, ids).await?;
    let calls = ids.into_iter().map(|id| CompleteTask { id, completed });
    change(client, output, calls).await
}

/// Changes tasks one after the other and shows them. After an error, it shows those that were changed before.
pub(crate) async fn change<O: Operation<Output = Task> + Clone>(
    client: &Client,
    output: &Output,
    calls: impl Iterator<Item = O>,
) -> Result<(), Fault> {
    let (tasks, done) = each(client, calls).await;
    if !tasks.is_empty() {
        output.tasks(&tasks)?;
    }
    done
}

/// Makes the calls until one fails. Returns the outputs so far, and the error.
async fn each<O: Operation + Clone>(
    client: &Client,
    calls: impl Iterator<Item = O>,
) -> (Vec<O::Output>, Result<(), Fault>) {
    let mut outputs = Vec::new();
    for params in calls {
        match paging::call(client, &params).await {
            Ok(output) => outputs.push(output),
            Err(error) => return (outputs, Err(error.into())),
        }
    }
    (outputs, Ok(()))
}

pub(crate) async fn edit(client: &Client, output: &Output, args: EditArgs) -> Result<(), Fault> {
    let mut update = UpdateTask::of(resolve::task(client, &args.id).await?);
    update.title = args.title;
    update.description = match args.description {
        None => Patch::Keep,
        Some(text) if text.is_empty() => Patch::Clear,
        Some(text) => Patch::Set(text),
    };
    update.priority = args.priority.map_or(Patch::Keep, Patch::Set);
    match args.due {
        None => {}
        Some(NewDue::Clear) => (update.due_at, update.all_day) = (Patch::Clear, Some(false)),
        Some(NewDue::Set(due)) => (update.due_at, update.all_day) = (Patch::Set(due.at), Some(due.all_day)),
    }
    update.recurrence = match args.every {
        None => Patch::Keep,
        Some(NewRule::Clear) => Patch::Clear,
        Some(NewRule::Set(rule)) => Patch::Set(rule),
    };
    if args.no_tags {
        update.tags = Patch::Clear;
    } else if !args.tags.is_empty() {
        update.tags = Patch::Set(args.tags);
    }
    update.project_id = match args.project.as_deref() {
        None => Patch::Keep,
        Some("none") => Patch::Clear,
        Some(project) => {
            let task = paging::call(client, &GetTask { id: update.id }).await?;
            Patch::Set(resolve::project(client, task.workspace_id, project).await?)
        }
    };
    update.parent_id = place(client, args.parent.as_deref()).await?;
    update.stage = args.stage;
    if args.not_blocked {
        update.blocked_by = Patch::Clear;
    } else if !args.blocked_by.is_empty() {
        update.blocked_by = Patch::Set(resolve::tasks(client, &args.blocked_by).await?);
    }
    update.if_version = args.if_version;
    if !args.assign.is_empty() || !args.unassign.is_empty() {
        // One update makes the whole edit or nothing. Because of the version, the server refuses it if somebody changed
        // the task meanwhile.
        let task = paging::call(client, &GetTask { id: update.id }).await?;
        let add = resolve::people(client, task.workspace_id, &args.assign).await?;
        let remove = resolve::people(client, task.workspace_id, &args.unassign).await?;
        let mut people = task.assignee_ids;
        people.extend(add);
        people.retain(|person| !remove.contains(person));
        let mut seen = std::collections::BTreeSet::new();
        people.retain(|person| seen.insert(*person));
        update.assignee_ids = Patch::Set(people);
        update.if_version = update.if_version.or(Some(task.version));
    }
    if update == UpdateTask::of(update.id) {
        return Err(Fault::usage(
            "the edit changes nothing; `tw edit --help` lists the fields",
        ));
    }
    output.task(&paging::call(client, &update).await?)
}

/// The task that another one shall be a part of; `none` for none.
pub(crate) async fn place(client: &Client, parent: Option<&str>) -> Result<Patch<TaskId>, Fault> {
    Ok(match parent {
        None => Patch::Keep,
        Some("none") => Patch::Clear,
        Some(parent) => Patch::Set(resolve::task(client, parent).await?),
    })
}

pub(crate) async fn remind(client: &Client, output: &Output, id: &str, when: &[String]) -> Result<(), Fault> {
    let when = when.join(" ");
    let remind_at = match &*when {
        "none" => Patch::Clear,
        when => Patch::Set(args::moment(when).map_err(Fault::usage)?),
    };
    let mut update = UpdateTask::of(resolve::task(client, id).await?);
    update.remind_at = remind_at;
    let task = paging::call(client, &update).await?;
    output.task(&task)?;
    match task.remind_at {
        _ if output.json => {}
        Some(at) => note(&format!("the reminder comes {}", day_or_moment(at, false))),
        None => note("no reminder comes"),
    }
    Ok(())
}

pub(crate) async fn remove(
    client: &Client,
    output: &Output,
    ids: &[String],
    permanent: bool,
) -> Result<(), Fault> {
    let permanent = permanent.then_some(true);
    let ids = resolve::tasks(client, ids).await?;
    let calls = ids.into_iter().map(|id| DeleteTask { id, permanent });
    let (gone, done) = each(client, calls).await;
    if output.json && !gone.is_empty() {
        output.value(&gone)?;
        return done;
    }
    gone.iter().try_for_each(|gone| match gone {
        Deleted::Task(task) => output.task(task),
        Deleted::Purged(purged) => output.line(&format!("{}  gone for good", short(purged.id))),
    })?;
    done
}

pub(crate) async fn restore(client: &Client, output: &Output, ids: &[String]) -> Result<(), Fault> {
    let ids = resolve::tasks(client, ids).await?;
    change(client, output, ids.into_iter().map(|id| RestoreTask { id })).await
}
