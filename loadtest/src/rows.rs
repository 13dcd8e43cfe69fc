//! The rows that a `task.create` leaves behind (the task, its notification, two entries of the log, counters, the memory
//! of its op_id), written by SQL alone: what a database could commit if no server were in the way, and a quick way to a
//! large database. Follows the schema in `migrations/`, and a test holds it to that.

use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, PgConnection, Result, SqliteConnection};
use std::str::FromStr;
use uuid::Uuid;

pub(crate) const SQLITE_SCHEMA: &str = include_str!("../../migrations/sqlite/0001_core.sql");
pub(crate) const POSTGRES_SCHEMA: &str = include_str!("../../migrations/postgres/0001_core.sql");

/// The server's own.
const MOVE_KEYS: &str = include_str!("../../src/store/move_keys.sql");

/// A database that rows are written to.
pub(crate) enum Database {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// Whose rows: SQL over `i`, the number of an operation.
#[derive(Clone)]
pub(crate) struct Whose {
    /// The hexadecimal digits of the workspace's id, and of its user's.
    pub(crate) workspace: String,
    pub(crate) user: String,
    /// The places of the entries in their logs.
    pub(crate) workspace_seq: String,
    pub(crate) user_seq: String,
}

impl Whose {
    /// Operation `i` is number `i` of one workspace, whose user's log is `ahead` entries ahead of it.
    pub(crate) fn one(workspace: Uuid, user: Uuid, ahead: i64) -> Whose {
        Whose {
            workspace: format!("'{}'", workspace.simple()),
            user: format!("'{}'", user.simple()),
            workspace_seq: "i".into(),
            user_seq: format!("i + ({ahead})"),
        }
    }
}

impl Database {
    /// Opens a database by its URL, like `sqlite:FILE` or `postgres://…`, with the settings that the server writes with.
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

    /// A whole number that a query finds.
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
            // Every call costs SQLite's driver two thread switches: the whole transaction is one text.
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

    /// Makes the table that operations are prepared in, for this connection alone.
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

    /// The statement that prepares operations: all that takes time and is no work of the database's on its rows.
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

    /// The statement that forgets all operations that were prepared but these.
    pub(crate) fn forget(&self) -> String {
        let (first, last) = self.parameters();
        format!("delete from made where i < {first} or i > {last}")
    }

    /// The statements for all rows of operations that were prepared, but their streams' counters.
    pub(crate) fn operations(&self) -> Vec<String> {
        let (first, last) = self.parameters();
        let these = format!("from made where i between {first} and {last}");
        let (column, words) = self.dialect().words();
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

    /// The statement for entries of the workspaces' logs alone.
    pub(crate) fn entries(&self) -> String {
        let (first, last) = self.parameters();
        format!(
            "insert into log (stream, seq, at, task_id, frame) select workspace, workspace_seq, at, task, created \
             from made where i between {first} and {last}"
        )
    }

    /// How the numbers of the first and the last operation are written: every statement binds both, in this order.
    fn parameters(&self) -> (&'static str, &'static str) {
        match self {
            Database::Sqlite(_) => ("?", "?"),
            Database::Postgres(_) => ("$1::bigint", "$2::bigint"),
        }
    }

    /// Indexes the words of tasks that wait for it, as the server does in steps. PostgreSQL's stand in the task's row.
    pub(crate) async fn index(&mut self) -> Result<()> {
        match self {
            Database::Sqlite(_) => {
                self.run(
                    "begin immediate; insert into task_search (rowid, scope, title, description, tags) \
                     select number, hex(workspace_id), title, description, tags from tasks \
                     where number > coalesce((select max(id) from task_search_docsize), 0); commit",
                )
                .await
            }
            Database::Postgres(_) => Ok(()),
        }
    }

    /// Moves SQLite's new keys to the others, as the server does every so many rows.
    pub(crate) async fn move_keys(&mut self) -> Result<()> {
        let Database::Sqlite(_) = self else { return Ok(()) };
        self.run(&format!("begin immediate; {MOVE_KEYS}; commit")).await
    }

    /// The statements for new streams: a workspace and a user of each operation.
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

    /// The statement that counts one operation more of every stream that there is.
    pub(crate) fn advance(&self) -> String {
        // It is about all streams, and binds the numbers as every statement does.
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

    /// A UUID of a stream, as a value of this database.
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

/// What the two write differently.
#[derive(Clone, Copy)]
enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The words of a task's title, where they stand in its row: the column and its value.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Dialect::Sqlite => ("", ""),
            Dialect::Postgres => (
                ", search",
                ", ('''task'':1 ''' || i || ''':2 ''of'':3 ''a'':4 ''load'':5 ''test'':6 ''as'':7,9 ''long'':8 \
                 ''titles'':10 ''are'':11')::tsvector",
            ),
        }
    }

    /// The operations, as `n (i)`.
    fn series(self) -> &'static str {
        match self {
            Dialect::Sqlite => "with recursive n (i) as (select ? union all select i + 1 from n where i < ?)",
            Dialect::Postgres => "with n (i) as (select generate_series($1::bigint, $2::bigint))",
        }
    }

    /// The hexadecimal digits of a UUIDv7 that bears the operation's moment; `kind` is the digit that tells ids of one
    /// operation apart.
    fn id(self, base_ms: i64, kind: char) -> String {
        match self {
            Dialect::Sqlite => format!("printf('%012x7%03x{kind}%015x', {base_ms} + i, i & 4095, i)"),
            Dialect::Postgres => format!(
                "(lpad(to_hex({base_ms} + i), 12, '0') || '7' || lpad(to_hex(i & 4095), 3, '0') || '{kind}' || \
                 lpad(to_hex(i), 15, '0'))"
            ),
        }
    }

    /// A value of a column of ids.
    fn uuid(self, hex: &str) -> String {
        match self {
            Dialect::Sqlite => format!("unhex({hex})"),
            Dialect::Postgres => format!("({hex})::uuid"),
        }
    }

    /// An id as frames write it.
    fn text(self, hex: &str) -> String {
        match self {
            Dialect::Sqlite => {
                let part = |from: u8, length: u8| format!("substr({hex}, {from}, {length})");
                let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
                parts.join(" || '-' || ")
            }
            Dialect::Postgres => format!("({hex})::uuid::text"),
        }
    }

    /// An event frame, about as long as real ones are.
    fn frame(self, kind: &str, stream: &str, seq: &str, event: &str, entity: &str) -> String {
        let (stream, entity) = (self.text(stream), self.text(entity));
        let filling = "\"title\":\"Task of a load test, as long as titles are\",\"description\":null,\"completed\":false,\
                       \"priority\":\"medium\",\"tags\":[],\"version\":1";
        format!(
            "'{{\"type\":\"event\",\"stream\":\"{kind}:' || {stream} || '\",\"seq\":' || ({seq}) || \
             ',\"event\":\"{event}\",\"at\":\"2026-01-01T00:00:00.000Z\",\"actor\":null,\"data\":{{\"id\":\"' || {entity} || \
             '\",{filling}}}}}'"
        )
    }
}
