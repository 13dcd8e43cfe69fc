//! Calendar feeds: the hashes of their secrets, and the tasks that a feed shows.

use super::bind::Kind::Id;
use super::entity::{Changes, Keyed};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::tasks::{COLUMNS as TASK_COLUMNS, TaskRow};
use super::{Reader, Result, Transaction};
use std::sync::Arc;
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, Timestamp, UserId};
use uuid::Uuid;

/// A calendar feed.
#[derive(Clone, Debug)]
pub struct CalendarRecord {
    /// The user whose tasks it shows.
    pub user: UserId,
    /// SHA-256 of its secret, in hexadecimal.
    pub hash: Arc<str>,
    /// When it was made.
    pub created_at: Timestamp,
}

table! {
    /// A feed's row.
    struct CalendarRow {
        user_id: Uuid = fixed,
        hash: String,
        created_at: i64,
    }
}

impl Stored for CalendarRow {
    type Value = CalendarRecord;

    fn read(self) -> Result<CalendarRecord> {
        Ok(CalendarRecord {
            user: UserId(self.user_id),
            hash: self.hash.into(),
            created_at: Timestamp(self.created_at),
        })
    }
}

/// The user of the feed with this hash, if the account is active.
pub async fn find_user(reader: &mut Reader, hash: &str) -> Result<Option<UserId>> {
    let mut sql = Sql::new(
        "select c.user_id from calendars c join users u on u.id = c.user_id where u.is_active = true and c.hash = ",
    );
    sql.bind(hash);
    let found: Option<Uuid> = reader.scalar(sql).await?;
    Ok(found.map(UserId))
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("c.$", CalendarRow::TABLE.read),
        Part::Plain(" from v cross join calendars c where c.user_id = v.id and {rows}"),
    ],
);

/// The feeds of these users.
pub async fn load(
    tx: &mut Transaction,
    users: impl IntoIterator<Item = UserId>,
) -> Result<Vec<CalendarRecord>> {
    tx.load::<CalendarRow>(&LOAD, Batch::ids(users)).await
}

static UPSERT: Statement = statement(
    CalendarRow::TABLE.written,
    upsert!("calendars", "user_id", CalendarRow::TABLE),
);

pub(super) static DELETE: Statement = statement(
    &[("id", Id)],
    "delete from calendars where user_id in (select id from v where {rows})",
);

impl Keyed<UserId, CalendarRecord> for CalendarRecord {
    fn keyed(self) -> (UserId, CalendarRecord) {
        (self.user, self)
    }
}

/// Writes the feeds that a group made, and deletes those that it ended.
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, UserId, CalendarRecord>,
) -> Result<()> {
    let rows = changes.written().map(|(_, feed)| {
        [
            feed.user.0.into(),
            feed.hash.clone().into(),
            feed.created_at.0.into(),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await?;
    tx.execute(&DELETE, Batch::ids(changes.removed())).await
}

/// A task of a feed, and what tells whether it has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The task.
    pub id: TaskId,
    /// Its version.
    pub version: i64,
    /// When it is due.
    pub due_at: i64,
    /// Of a task that repeats: the name of its creator's time zone.
    pub zone: Option<String>,
}

/// The fields of `Shown`.
const SHOWN: &str = "select t.id, t.version, t.due_at,
    case when t.recurrence is not null then (select u.timezone from users u where u.id = t.created_by) end";

/// What a feed shows: pending tasks with a date.
const PENDING: &str = "t.due_at is not null and t.completed = false and t.is_deleted = false";
/// In a workspace that the user whose id follows may read.
const READABLE: &str =
    "exists (select 1 from members m where m.workspace_id = t.workspace_id and m.user_id = ";

/// The tasks that a user's feed shows: those assigned to them, and those that they created and nobody is assigned to; the
/// first `limit` of each by their dates. Of what they are assigned to, the newest `most` are looked at.
pub async fn shown(reader: &mut Reader, user: UserId, limit: i64, most: i64) -> Result<Vec<Shown>> {
    let mut assigned = Sql::new(SHOWN);
    assigned
        .push(" from (select task_id from task_assignees where user_id = ")
        .bind(user.0)
        .push(" order by workspace_id desc, task_id desc")
        .limit(most);
    assigned
        .push(") a join tasks t on t.id = a.task_id where ")
        .push(PENDING)
        .push(" and ")
        .push(READABLE);
    assigned
        .bind(user.0)
        .push(") order by t.due_at, t.id")
        .limit(limit);
    let mut own = Sql::new(SHOWN);
    own.push(" from tasks t where t.created_by = ")
        .bind(user.0)
        .push(" and t.assignee_ids = '[]' and ")
        .push(PENDING)
        .push(" and ")
        .push(READABLE);
    own.bind(user.0).push(") order by t.due_at, t.id").limit(limit);
    let mut found: Vec<(Uuid, i64, i64, Option<String>)> = reader.fetch(assigned).await?;
    found.append(&mut reader.fetch(own).await?);
    Ok(found
        .into_iter()
        .map(|(id, version, due_at, zone)| Shown {
            id: TaskId(id),
            version,
            due_at,
            zone,
        })
        .collect())
}

/// Those of these tasks that a feed of this user may still show.
pub async fn tasks(reader: &mut Reader, user: UserId, ids: &[TaskId]) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!("select {TASK_COLUMNS} from tasks t where {PENDING}"));
    sql.among("t.id", Some(ids)).push(" and ").push(READABLE);
    sql.bind(user.0).push(")");
    reader.list::<TaskRow>(sql).await
}
