//! The table of comments. Knows rows; `ops/comments` says who may write them, and the task's row counts them.

use super::bind::Cell;
use super::bind::Kind::{self, Id, Text};
use super::entity::{Changes, Keyed};
use super::members;
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, with};
use super::users::public;
use super::{Reader, Result, Transaction, words};
use taskwire_protocol::comment::Comment;
use taskwire_protocol::member::Role;
use taskwire_protocol::{CommentId, TaskId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

/// A comment, with what only the server sees.
#[derive(Clone, Debug)]
pub struct CommentRecord {
    /// What everybody sees.
    pub comment: Comment,
    /// The workspace of its task.
    pub workspace: WorkspaceId,
    /// Who was told that it mentions them, now or before.
    pub told: Vec<UserId>,
}

table! {
    /// A comment's row.
    struct CommentRow {
        id: Uuid = fixed,
        workspace_id: Uuid = fixed,
        task_id: Uuid = fixed,
        author_id: Uuid = fixed,
        body: String,
        mentions: String,
        told: String,
        version: i64,
        created_at: i64 = fixed,
        updated_at: i64,
    }
}

/// A comment, and its author as they are now.
#[derive(sqlx::FromRow)]
struct CommentAndAuthor {
    #[sqlx(flatten)]
    row: CommentRow,
    author_username: String,
    author_name: String,
    author_photo: Option<String>,
}

/// The columns of [`CommentAndAuthor`], from the tables `c` and `u`.
const COLUMNS: &str = text![
    Part::Each("c.$", CommentRow::TABLE.read),
    Part::Plain(", u.username as author_username, u.name as author_name, u.photo_url as author_photo"),
];

impl Stored for CommentAndAuthor {
    type Value = CommentRecord;

    fn read(self) -> Result<CommentRecord> {
        let row = self.row;
        let author = (
            row.author_id,
            self.author_username,
            self.author_name,
            self.author_photo,
        );
        let comment = Comment {
            id: CommentId(row.id),
            task_id: TaskId(row.task_id),
            body: row.body.into(),
            author: public(author),
            mentions: serde_json::from_str(&row.mentions)?,
            version: row.version,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        };
        Ok(CommentRecord {
            comment,
            workspace: WorkspaceId(row.workspace_id),
            told: serde_json::from_str(&row.told)?,
        })
    }
}

/// A page of a task's comments after `after`, oldest first.
pub async fn list(
    reader: &mut Reader,
    task: TaskId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Comment>> {
    let mut sql = select();
    sql.push("c.task_id = ").bind(task.0).page("c.id", after, limit);
    views(reader, sql).await
}

/// All comments of these tasks: those of a task together, oldest first. For tasks that have only a few.
pub async fn list_of(reader: &mut Reader, tasks: &[TaskId]) -> Result<Vec<Comment>> {
    let mut sql = select();
    sql.push("c.task_id in (")
        .bind_all(tasks.iter().map(|task| task.0))
        .push(") order by c.task_id, c.id");
    views(reader, sql).await
}

/// A page of the comments that a user wrote in the workspaces that they are in, after `after`, oldest first.
pub async fn list_by(
    reader: &mut Reader,
    author: UserId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Comment>> {
    let mut sql = select();
    sql.push("c.author_id = ").bind(author.0);
    sql.push(" and exists (select 1 from members m where m.workspace_id = c.workspace_id and m.user_id = ");
    sql.bind(author.0).push(")").page("c.id", after, limit);
    views(reader, sql).await
}

/// How many comments a user has written.
pub async fn count_by(reader: &mut Reader, author: UserId) -> Result<u64> {
    let mut sql = Sql::new("select count(*) from comments where author_id = ");
    sql.bind(author.0);
    reader.count(sql).await
}

fn select() -> Sql {
    Sql::new(&format!(
        "select {COLUMNS} from comments c join users u on u.id = c.author_id where "
    ))
}

async fn views(reader: &mut Reader, sql: Sql) -> Result<Vec<Comment>> {
    let found = reader.list::<CommentAndAuthor>(sql).await?;
    Ok(found.into_iter().map(|record| record.comment).collect())
}

/// How many comments a task has, as its row counts them.
pub async fn count(reader: &mut Reader, task: TaskId) -> Result<u64> {
    let mut sql = Sql::new("select comment_count from tasks where id = ");
    sql.bind(task.0);
    let found: Option<i64> = reader.scalar(sql).await?;
    Ok(found.unwrap_or_default().max(0) as u64)
}

/// The workspace of a comment and the user's role there. `None` if there is no such comment, or if the user is not a
/// member of its workspace.
pub async fn find_role(
    reader: &mut Reader,
    user: UserId,
    comment: CommentId,
) -> Result<Option<(WorkspaceId, Role)>> {
    let mut sql = Sql::new("select workspace_id from comments where id = ");
    sql.bind(comment.0);
    members::find_role_at(reader, user, sql).await
}

pub(super) static PLACES: Statement = statement(
    &[("id", Id)],
    "select c.task_id, c.workspace_id from v cross join comments c where c.id = v.id and {rows}",
);

/// The tasks and workspaces of these comments. They never change, so they may be read before the streams are locked.
pub async fn places(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = CommentId>,
) -> Result<Vec<(TaskId, WorkspaceId)>> {
    let found: Vec<(Uuid, Uuid)> = tx.fetch(&PLACES, Batch::ids(ids)).await?;
    let places = found.into_iter();
    Ok(places
        .map(|(task, workspace)| (TaskId(task), WorkspaceId(workspace)))
        .collect())
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Plain(COLUMNS),
        Part::Plain(
            " from v cross join comments c join users u on u.id = c.author_id where c.id = v.id and {rows}"
        ),
    ],
);

/// The comments with these ids.
pub async fn load(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = CommentId>,
) -> Result<Vec<CommentRecord>> {
    tx.load::<CommentAndAuthor>(&LOAD, Batch::ids(ids)).await
}

/// The columns that are written: those of the table, and the words, which only PostgreSQL keeps here.
static WRITTEN: [(&str, Kind); 11] = with(CommentRow::TABLE.written, [("search", Text)]);

static UPSERT: Statement = statement(
    &WRITTEN,
    text![
        Part::Plain("insert into comments ("),
        Part::Each("$", CommentRow::TABLE.written),
        Part::Plain("{postgres:, search, words_at}) select "),
        Part::Each("$", CommentRow::TABLE.written),
        Part::Plain(
            "{postgres:, search::tsvector, version} from v where {rows} on conflict (id) do update set "
        ),
        Part::Changing("$ = excluded.$", CommentRow::TABLE),
        Part::Plain("{postgres:, search = excluded.search, words_at = excluded.words_at}"),
    ],
);

pub(super) static DELETE: Statement = statement(
    &[("id", Id)],
    "delete from comments where id in (select id from v where {rows})",
);

pub(super) static DELETE_OF_TASKS: Statement = statement(
    &[("task_id", Id)],
    "delete from comments where task_id in (select task_id from v where {rows})",
);

impl Keyed<CommentId, CommentRecord> for CommentRecord {
    fn keyed(self) -> (CommentId, CommentRecord) {
        (self.comment.id, self)
    }
}

/// Writes the comments that a group made or changed, and deletes those that it removed.
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, CommentId, CommentRecord>,
) -> Result<()> {
    let mut rows = Vec::new();
    let in_row = !tx.is_alone();
    for (id, record) in changes.written() {
        let comment = &record.comment;
        let words = in_row.then(|| words::vector(record.workspace, [&*comment.body]).into());
        rows.push([
            id.0.into(),
            record.workspace.0.into(),
            comment.task_id.0.into(),
            comment.author.id.0.into(),
            comment.body.clone().into(),
            serde_json::to_string(&comment.mentions)?.into(),
            serde_json::to_string(&record.told)?.into(),
            comment.version.into(),
            comment.created_at.0.into(),
            comment.updated_at.0.into(),
            Cell::Text(words),
        ]);
    }
    tx.execute(&UPSERT, Batch::of(rows)).await?;
    tx.execute(&DELETE, Batch::ids(changes.removed())).await
}

/// Deletes all comments on these tasks.
pub async fn delete_of(tx: &mut Transaction, tasks: impl IntoIterator<Item = TaskId>) -> Result<()> {
    tx.execute(&DELETE_OF_TASKS, Batch::ids(tasks)).await
}
