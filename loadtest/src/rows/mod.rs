//! Writes the rows of a `task.create` (the task, its notification, two entries of the log, counters, its op_id) with
//! SQL only. This shows what a database could commit without a server, and fills a large database quickly. The rows
//! follow the schema in `migrations/`; a test checks that. `dialect` has the SQL that differs between the two
//! databases; `variety` makes tasks differ.

mod dialect;
mod variety;

use dialect::Dialect;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, PgConnection, Result, SqliteConnection};
use std::str::FromStr;
use uuid::Uuid;
pub(crate) use variety::PROJECT;

pub(crate) const SQLITE_SCHEMA: &str = concat!(
    include_str!("../../../migrations/sqlite/0001_core.sql"),
    include_str!("../../../migrations/sqlite/0002_jobs.sql"),
    include_str!("../../../migrations/sqlite/0003_text.sql"),
    include_str!("../../../migrations/sqlite/0015_comments.sql"),
    include_str!("../../../migrations/sqlite/0022_search.sql"),
);
pub(crate) const POSTGRES_SCHEMA: &str = concat!(
    include_str!("../../../migrations/postgres/0001_core.sql"),
    include_str!("../../../migrations/postgres/0002_groups_in_one_statement.sql"),
    include_str!("../../../migrations/postgres/0003_jobs.sql"),
    include_str!("../../../migrations/postgres/0004_text.sql"),
    include_str!("../../../migrations/postgres/0016_comments.sql"),
    include_str!("../../../migrations/postgres/0023_search.sql"),
);

/// The statements by which the server moves new keys.
const MOVE_KEYS: &str = include_str!("../../../src/store/ways/move_keys.sql");

/// A database to which rows are written.
pub(crate) enum Database {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// The owners of the rows, as SQL over `i`, the number of an operation.
#[derive(Clone)]
pub(crate) struct Whose {
    /// The hexadecimal digits of the workspace's id, and of its user's.
    pub(crate) workspace: String,
    pub(crate) user: String,
    /// The `seq`s of the entries in their logs.
    pub(crate) workspace_seq: String,
    pub(crate) user_seq: String,
}

impl Whose {
    /// All operations are in one workspace, whose log is `ahead` entries shorter than its user's.
    pub(crate) fn one(workspace: Uuid, user: Uuid, ahead: i64) -> Whose {
        Whose {
            workspace: format!("'{}'", workspace.simple()),
            user: format!("'{}'", user.simple()),
            workspace_seq: "i".into(),
            user_seq: format!("i + ({ahead})"),
        }
    }
}

/// What the words of a workspace begin with in the indexes.
pub(crate) fn tag(workspace: Uuid) -> String {
    let bits = workspace.as_u128();
    let digit = |i: usize| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(bits >> (5 * i)) as usize & 31]);
    (0..5).map(digit).collect()
}

impl Database {
    /// Opens a database by its URL, like `sqlite:FILE` or `postgres://…`, with the settings of the server's writer.
    pub(crate) async fn open(url: &str) -> Result<Database> {
        if url.starts_with("postgres") {
            return Ok(Database::Postgres(Box::new(PgConnection::connect(url).await?)));
        }
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-65536")
            .pragma("temp_store", "memory")
            .pragma("wal_autocheckpoint", "4000")
            .pragma("journal_size_limit", "67108864")
            .disable_statement_logging();
        Ok(Database::Sqlite(Box::new(options.connect().await?)))
    }

    /// Runs statements without parameters.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<()> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Database::Sqlite(link) => sqlx::raw_sql(sql).execute(&mut **link).await.map(drop),
            Database::Postgres(link) => sqlx::raw_sql(sql).execute(&mut **link).await.map(drop),
        }
    }

    /// The whole number that a query returns.
    pub(crate) async fn number(&mut self, sql: &str) -> Result<i64> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Database::Sqlite(link) => sqlx::query_scalar(sql).fetch_one(&mut **link).await,
            Database::Postgres(link) => sqlx::query_scalar(sql).fetch_one(&mut **link).await,
        }
    }

    /// Runs each statement over the operations `first..=last`, all in one transaction.
    pub(crate) async fn commit(&mut self, statements: &[String], first: i64, last: i64) -> Result<()> {
        match self {
            // Every call costs SQLite's driver two thread switches, so the whole transaction is one text.
            Database::Sqlite(link) => {
                let text = format!("begin immediate;\n{};\ncommit", statements.join(";\n"));
                let mut arguments = SqliteArguments::default();
                for _ in 0..text.matches('?').count() / 2 {
                    arguments
                        .add(first)
                        .and_then(|()| arguments.add(last))
                        .map_err(sqlx::Error::Encode)?;
                }
                sqlx::query_with(AssertSqlSafe(text), arguments)
                    .execute(&mut **link)
                    .await
                    .map(drop)
            }
            Database::Postgres(link) => {
                let mut transaction = link.begin().await?;
                for statement in statements {
                    let query = sqlx::query(AssertSqlSafe(statement.clone()));
                    query.bind(first).bind(last).execute(&mut *transaction).await?;
                }
                transaction.commit().await
            }
        }
    }

    /// Makes the temporary table in which operations are prepared.
    pub(crate) async fn prepare(&mut self) -> Result<()> {
        let (key, id) = match self {
            Database::Sqlite(_) => ("integer", "blob"),
            Database::Postgres(_) => ("bigint", "uuid"),
        };
        self.run(&format!(
            "create temporary table made (i {key} primary key, at {key}, workspace {id}, workspace_seq {key}, owner {id}, \
             owner_seq {key}, task {id}, position text, created text, notification {id}, notified text, op_id {id}, reply text)"
        ))
        .await
    }

    /// The statement that prepares operations. It does all the work except writing their rows.
    pub(crate) fn make(&self, whose: &Whose, base_ms: i64) -> String {
        let dialect = self.dialect();
        let (uuid, text) = (|hex: &str| dialect.uuid(hex), |hex: &str| dialect.text(hex));
        let [task, notification, op_id] = ['8', '9', 'a'].map(|kind| dialect.id(base_ms, kind));
        let Whose {
            workspace,
            user,
            workspace_seq,
            user_seq,
        } = whose;
        format!(
            "insert into made {} select i, {base_ms} + i, {}, {workspace_seq}, {}, {user_seq}, {}, \
             substr({task}, 1, 20) || '1', {}, {}, {}, {}, \
             '\"at\":{{}},\"data\":{{\"id\":\"' || {} || '\",\"title\":\"Task of a load test\"}}' from n",
            dialect.series(),
            uuid(workspace),
            uuid(user),
            uuid(&task),
            dialect.frame("workspace", workspace, workspace_seq, "task.created", &task),
            uuid(&notification),
            dialect.frame("user", user, user_seq, "notification.created", &notification),
            uuid(&op_id),
            text(&task),
        )
    }

    /// The statement that deletes all other prepared operations.
    pub(crate) fn forget(&self) -> String {
        let (first, last) = self.parameters();
        format!("delete from made where i < {first} or i > {last}")
    }

    /// The statements for all rows of prepared operations, except the counters of their streams. `tag` is what the words of
    /// their workspace begin with.
    pub(crate) fn operations(&self, tag: &str) -> Vec<String> {
        let (first, last) = self.parameters();
        let these = format!("from made where i between {first} and {last}");
        let (column, words) = self.dialect().words(tag);
        vec![
            format!(
                "insert into tasks (id, workspace_id, title, completed, priority, all_day, position, tags, assignee_ids, \
                 comment_count, attachment_count, is_deleted, version, created_by, created_at, updated_at, \
                 dated_by_id{column}) select task, workspace, 'Task ' || i || ' of a load test, as long as titles are', \
                 false, 2, false, position, '[]', '[]', 0, 0, false, 1, owner, at, at, true{words} {these}"
            ),
            format!(
                "insert into notifications (user_id, id, type, title, message, is_read, task_id, workspace_id, actor_id, \
                 version, created_at) select owner, notification, 'TASK_CREATED', 'Task created', \
                 'Task ' || i || ' of a load test, as long as titles are', false, task, workspace, owner, 1, at {these}"
            ),
            self.entries(),
            format!("insert into log (stream, seq, at, frame) select owner, owner_seq, at, notified {these}"),
            format!(
                "insert into ops (op_id, user_id, hash, reply, at) select op_id, owner, i, reply, at {these}"
            ),
        ]
    }

    /// The statement for only the entries of the workspaces' logs.
    pub(crate) fn entries(&self) -> String {
        let (first, last) = self.parameters();
        format!(
            "insert into log (stream, seq, at, task_id, frame) select workspace, workspace_seq, at, task, created \
             from made where i between {first} and {last}"
        )
    }

    /// The parameters for the first and the last operation. Every statement binds both, in this order.
    fn parameters(&self) -> (&'static str, &'static str) {
        match self {
            Database::Sqlite(_) => ("?", "?"),
            Database::Postgres(_) => ("$1::bigint", "$2::bigint"),
        }
    }

    /// Indexes the texts of new tasks, as the server does in steps. PostgreSQL stores both indexes in the task's row.
    pub(crate) async fn index(&mut self, tag: &str) -> Result<()> {
        match self {
            Database::Sqlite(_) => {
                let new = "number > coalesce((select max(id) from task_search_docsize), 0)";
                self.run(&format!(
                    "begin immediate; delete from task_search_due; insert into task_titles (number, title_key) \
                     select number, hex(lower(title)) from tasks where {new}; \
                     insert into task_search (rowid, title, description, tags) \
                     select number, '{tag}' || replace(replace(title, ',', ''), ' ', ' {tag}'), '', '' from tasks \
                     where {new}; commit"
                ))
                .await
            }
            Database::Postgres(_) => Ok(()),
        }
    }

    /// Does what a database that grew slowly would have done already, so that it does not disturb what is measured.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        match self {
            Database::Sqlite(_) => self.run("analyze").await,
            Database::Postgres(_) => {
                self.run("vacuum (analyze)").await?;
                self.run("checkpoint").await
            }
        }
    }

    /// Moves SQLite's new keys to the older ones, as the server does after some rows.
    pub(crate) async fn move_keys(&mut self) -> Result<()> {
        let Database::Sqlite(_) = self else { return Ok(()) };
        self.run(&format!("begin immediate; {MOVE_KEYS}; commit")).await
    }

    /// The statements for new streams: a workspace and a user for each operation.
    pub(crate) fn streams(&self, whose: &Whose) -> Vec<String> {
        let dialect = self.dialect();
        let of = |kind: u8, id: &str| {
            format!(
                "insert into streams (id, kind, seq, acl_version, unread, pending, completed, deleted) \
                 {} select {}, {kind}, 0, 0, 0, 0, 0, 0 from n",
                dialect.series(),
                dialect.uuid(id)
            )
        };
        vec![of(1, &whose.workspace), of(0, &whose.user)]
    }

    /// The statement that counts one more operation in every stream.
    pub(crate) fn advance(&self) -> String {
        // It changes all streams, but every statement has to bind both numbers.
        let (first, last) = self.parameters();
        format!(
            "update streams set seq = seq + 1, unread = unread + 1 - kind, pending = pending + kind \
             where {first} <= {last}"
        )
    }

    /// The statement that adds the number of operations to a counter of one stream.
    pub(crate) fn grow(&self, stream: &str, column: &str) -> String {
        let (first, last) = self.parameters();
        format!("update streams set {column} = {column} + 1 - {first} + {last} where id = {stream}")
    }

    /// The UUID of a stream, as SQL of this database.
    pub(crate) fn value(&self, id: Uuid) -> String {
        self.dialect().uuid(&format!("'{}'", id.simple()))
    }

    fn dialect(&self) -> Dialect {
        match self {
            Database::Sqlite(_) => Dialect::Sqlite,
            Database::Postgres(_) => Dialect::Postgres,
        }
    }
}
