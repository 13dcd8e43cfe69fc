//! Tasks as a group needs them in memory: by their ids, and by their relations to others.

use super::row::{COLUMNS, TaskRow};
use super::stage;
use crate::store::bind::Kind::Id;
use crate::store::sql::Sql;
use crate::store::statement::{Batch, Statement, statement};
use crate::store::table::{Part, text};
use crate::store::{Reader, Result, Transaction};
use crate::unicode::name_key;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use taskwire_protocol::tag::Tag;
use taskwire_protocol::task::Task;
use taskwire_protocol::{ProjectId, TaskId, UserId, WorkspaceId};
use uuid::Uuid;

pub(in crate::store) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("t.$", TaskRow::TABLE.read),
        Part::Plain(" from v cross join tasks t where t.id = v.id and {rows}"),
    ],
);

/// The tasks with these ids.
pub async fn load(tx: &mut Transaction, ids: impl IntoIterator<Item = TaskId>) -> Result<Vec<Task>> {
    tx.load::<TaskRow>(&LOAD, Batch::ids(ids)).await
}

pub(in crate::store) static SUBTASKS: Statement = statement(
    &[("id", Id)],
    "select v.id, (select count(*) from tasks t where t.parent_id = v.id and t.is_deleted = false) from v where {rows}",
);

/// How many subtasks each of these tasks has, without deleted ones.
pub async fn count_subtasks(
    tx: &mut Transaction,
    tasks: impl IntoIterator<Item = TaskId>,
) -> Result<Vec<(TaskId, u64)>> {
    let counted: Vec<(Uuid, i64)> = tx.fetch(&SUBTASKS, Batch::ids(tasks)).await?;
    let counted = counted.into_iter();
    Ok(counted
        .map(|(task, number)| (TaskId(task), number.unsigned_abs()))
        .collect())
}

/// The most tasks that one lookup brings for several mutations together.
pub const MANY_TOGETHER: usize = 2_000;
/// The most tasks that one lookup brings for a mutation or batch that runs alone and can be refused.
pub const MOST: usize = 20_000;

/// The first part has what is right below a task of the list, the second what is right below a subtask that is not in the
/// list: so no task is in both. The limit is one more than [`MANY_TOGETHER`].
pub(in crate::store) static BELOW: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("t.$", TaskRow::TABLE.read),
        Part::Plain(" from v cross join tasks t where t.parent_id = v.id and {rows} union all select "),
        Part::Each("t.$", TaskRow::TABLE.read),
        Part::Plain(
            " from v cross join tasks s cross join tasks t where s.parent_id = v.id and t.parent_id = s.id
              and s.id not in (select v.id from v where {rows}) and {rows} limit 2001"
        ),
    ],
);

/// The subtasks of these tasks, and the subtasks of those. `None` if they are more than [`MANY_TOGETHER`].
pub async fn load_below(
    tx: &mut Transaction,
    tasks: impl IntoIterator<Item = TaskId>,
) -> Result<Option<Vec<Task>>> {
    let below = tx.load::<TaskRow>(&BELOW, Batch::ids(tasks)).await?;
    Ok((below.len() <= MANY_TOGETHER).then_some(below))
}

/// Tasks whose number nothing bounds.
#[derive(Clone, Copy)]
pub enum Many<'a> {
    /// The subtasks of these tasks, and the subtasks of those.
    Below(&'a BTreeSet<TaskId>),
    /// The tasks that these block.
    BlockedBy(&'a BTreeSet<TaskId>),
    /// The tasks of these projects.
    OfProjects(&'a BTreeSet<ProjectId>),
    /// The tasks of a workspace that a user is assigned to.
    Assigned(WorkspaceId, UserId),
    /// The tasks that carry a tag, deleted ones included.
    Tagged(&'a Tag),
    /// The tasks of a workspace that are in one of these stages, deleted ones included.
    InStages(WorkspaceId, &'a [&'a str]),
}

impl Many<'_> {
    /// A query for columns of these tasks `t`, without its end.
    fn select(self, columns: &str) -> Sql {
        let mut sql = Sql::new(&format!("select {columns} from "));
        match self {
            Many::Below(ids) => {
                let ids = || ids.iter().map(|id| id.0);
                sql.push("tasks t where t.parent_id in (").bind_all(ids());
                sql.push(&format!(
                    ") union all select {columns} from tasks s cross join tasks t where t.parent_id = s.id
                       and s.parent_id in ("
                ));
                sql.bind_all(ids())
                    .push(") and s.id not in (")
                    .bind_all(ids())
                    .push(")");
            }
            Many::BlockedBy(ids) => {
                sql.push("task_blocks b join tasks t on t.id = b.task_id where b.blocker_id in (");
                sql.bind_all(ids.iter().map(|id| id.0)).push(")");
            }
            Many::OfProjects(ids) => {
                sql.push("tasks t where t.project_id in (");
                sql.bind_all(ids.iter().map(|id| id.0)).push(")");
            }
            Many::Assigned(workspace, user) => {
                sql.push("task_assignees a join tasks t on t.id = a.task_id where a.user_id = ");
                sql.bind(user.0).push(" and a.workspace_id = ").bind(workspace.0);
            }
            Many::Tagged(tag) => {
                sql.push("task_tags g join tasks t on t.id = g.task_id where g.workspace_id = ");
                sql.bind(tag.workspace_id.0)
                    .push(" and g.tag = ")
                    .bind(name_key(&tag.name));
            }
            Many::InStages(workspace, stages) => {
                sql.push("tasks_by_workspace t where t.workspace_id = ");
                sql.bind(workspace.0).push(" and ");
                stage::is_in(&mut sql, stages);
            }
        }
        sql
    }
}

/// These tasks, all or at most `limit`, in no order.
pub async fn load_many(tx: &mut Transaction, many: Many<'_>, limit: Option<usize>) -> Result<Vec<Task>> {
    let mut sql = many.select(COLUMNS);
    if let Some(limit) = limit {
        sql.limit(limit as i64);
    }
    tx.list::<TaskRow>(sql).await
}

/// How many these tasks are; of more than `limit` there are `limit`.
pub async fn count_many(tx: &mut Transaction, many: Many<'_>, limit: usize) -> Result<usize> {
    let mut sql = many.select("t.id").after_text("select count(*) from (");
    sql.limit(limit as i64).push(") many");
    let counted: Vec<(i64,)> = tx.select(sql).await?;
    Ok(counted.first().map_or(0, |(number,)| *number as usize))
}

/// The ids of these tasks, at most `limit`, in no order.
pub async fn find_many(reader: &mut Reader, many: Many<'_>, limit: usize) -> Result<Vec<TaskId>> {
    let mut sql = many.select("t.id");
    sql.limit(limit as i64);
    let found: Vec<(Uuid,)> = reader.fetch(sql).await?;
    Ok(found.into_iter().map(|(id,)| TaskId(id)).collect())
}

/// Which of these tasks have a subtask, with deleted ones, and which of the tasks `top` have a subtask of a subtask. Those of
/// `tasks` do not count at either level.
pub async fn load_levels(
    tx: &mut Transaction,
    tasks: &BTreeSet<TaskId>,
    top: &BTreeSet<TaskId>,
) -> Result<[Vec<TaskId>; 2]> {
    let named = || tasks.iter().map(|task| task.0);
    let mut one = Sql::new("select p.id from tasks p where p.id in (");
    one.bind_all(named());
    one.push(") and exists (select 1 from tasks t where t.parent_id = p.id and t.id not in (");
    one.bind_all(named()).push("))");
    let mut two = Sql::new("select p.id from tasks p where p.id in (");
    two.bind_all(top.iter().map(|task| task.0));
    two.push(
        ") and exists (select 1 from tasks s cross join tasks t where s.parent_id = p.id and t.parent_id = s.id
           and s.id not in (",
    );
    two.bind_all(named())
        .push(") and t.id not in (")
        .bind_all(named())
        .push("))");
    let mut found = [Vec::new(), Vec::new()];
    for (ids, sql) in found.iter_mut().zip([one, two]) {
        let rows: Vec<(Uuid,)> = tx.select(sql).await?;
        ids.extend(rows.into_iter().map(|(id,)| TaskId(id)));
    }
    Ok(found)
}

/// How many tasks an import looks at together that block others.
pub const MOST_BEFORE: usize = 20_000;
/// How many tasks a batch looks at together that block others.
pub const MOST_BLOCKING: usize = 5_000;

/// These tasks and all tasks that block them, directly or through others: each with the tasks that block it, the nearest
/// `limit` of them.
pub async fn load_blockers(
    tx: &mut Transaction,
    tasks: impl IntoIterator<Item = TaskId>,
    limit: usize,
) -> Result<BTreeMap<TaskId, Vec<TaskId>>> {
    let mut sql = Sql::new("with recursive up (id) as (select id from tasks where id in (");
    sql.bind_all(tasks.into_iter().map(|task| task.0)).push(
        ") union select b.blocker_id from up join task_blocks b on b.task_id = up.id),
          nearest as (select id from up",
    );
    sql.limit(limit as i64);
    sql.push(
        ") select nearest.id, b.blocker_id from nearest left join task_blocks b on b.task_id = nearest.id",
    );
    let edges: Vec<(Uuid, Option<Uuid>)> = tx.select(sql).await?;
    let mut found: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
    for (task, blocker) in edges {
        found.entry(TaskId(task)).or_default().extend(blocker.map(TaskId));
    }
    Ok(found)
}

/// Tasks that were deleted before a moment, those deleted last first, after the one that the previous page ended with: when
/// each was deleted, its id and its workspace. What was deleted together comes with the newest task first, so mostly subtasks
/// before their parents.
pub async fn deleted_before(
    reader: &mut Reader,
    (deleted_at, id): (i64, Uuid),
    limit: i64,
) -> Result<Vec<(i64, TaskId, WorkspaceId)>> {
    let mut sql = Sql::new(
        "select deleted_at, id, workspace_id from tasks where deleted_at is not null and (deleted_at, id) < (",
    );
    sql.bind(deleted_at).push(", ").bind(id);
    sql.push(") order by deleted_at desc, id desc").limit(limit);
    let rows: Vec<(i64, Uuid, Uuid)> = reader.fetch(sql).await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(at, task, home)| (at, TaskId(task), WorkspaceId(home)))
        .collect())
}

/// These tasks and their ancestors: each task, its parent, and the parent's parent. Tasks nest no deeper; deeper ancestors,
/// which an older version allowed, are not needed.
pub async fn load_ancestors(
    tx: &mut Transaction,
    tasks: impl IntoIterator<Item = TaskId>,
) -> Result<Vec<Task>> {
    let mut sql = Sql::new(
        "with recursive up (id, parent_id, depth) as (
           select t.id, t.parent_id, 0 from tasks t where t.id in (",
    );
    sql.bind_all(tasks.into_iter().map(|task| task.0)).push(
        ") union all select t.id, t.parent_id, up.depth + 1 from up join tasks t on t.id = up.parent_id
          where up.depth < 2) ",
    );
    sql.push(&format!(
        "select {COLUMNS} from (select distinct id from up) line join tasks t on t.id = line.id"
    ));
    tx.list::<TaskRow>(sql).await
}

/// How many places one statement looks at: it compares each task's place with all of them.
const PLACES: usize = 32;

/// For each of these places in a workspace's manual order: the place before it and the place after it, as far as there is
/// one, without those of the tasks `but`. Nothing finds tasks by their places, so this looks at all tasks of the workspace,
/// once for up to [`PLACES`] places.
pub async fn places_beside(
    tx: &mut Transaction,
    workspace: WorkspaceId,
    places: &[Arc<str>],
    but: &[TaskId],
) -> Result<Vec<[Option<String>; 2]>> {
    let mut found = Vec::with_capacity(places.len());
    for places in places.chunks(PLACES) {
        let mut sql = Sql::new("select ");
        for (i, place) in places.iter().enumerate() {
            sql.push(if i > 0 { " || ' ' || " } else { "" });
            sql.push("coalesce(max(case when t.position < ")
                .bind(place.clone());
            sql.push(" then t.position end), '') || ' ' || coalesce(min(case when t.position > ");
            sql.bind(place.clone()).push(" then t.position end), '')");
        }
        sql.push(" from tasks_by_workspace t where t.workspace_id = ")
            .bind(workspace.0);
        if !but.is_empty() {
            sql.push(" and t.id not in (")
                .bind_all(but.iter().map(|id| id.0))
                .push(")");
        }
        let texts: Vec<(String,)> = tx.select(sql).await?;
        let mut words = texts.first().map_or("", |(text,)| text).split(' ');
        let mut word = || words.next().filter(|word| !word.is_empty()).map(str::to_owned);
        found.extend(places.iter().map(|_| [word(), word()]));
    }
    Ok(found)
}

/// The nearest tasks before or after a position in a workspace's manual order, with their positions.
pub async fn load_neighbours(
    tx: &mut Transaction,
    workspace: WorkspaceId,
    (position, id): (&str, TaskId),
    before: bool,
    limit: usize,
) -> Result<Vec<(TaskId, Arc<str>)>> {
    let (beyond, order) = if before {
        ("<", "t.position desc, t.id desc")
    } else {
        (">", "t.position, t.id")
    };
    let mut sql = Sql::new("select t.id, t.position from tasks_by_workspace t where t.workspace_id = ");
    sql.bind(workspace.0);
    sql.push(&format!(" and (t.position, t.id) {beyond} ("))
        .bind(position)
        .push(", ")
        .bind(id.0);
    sql.push(&format!(") order by {order}")).limit(limit as i64);
    let near: Vec<(Uuid, String)> = tx.select(sql).await?;
    Ok(near
        .into_iter()
        .map(|(task, position)| (TaskId(task), position.into()))
        .collect())
}
