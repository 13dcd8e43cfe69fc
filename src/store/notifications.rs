//! The table of notifications.

use super::bind::{Cell, Kind::Id};
use super::entity::{Changes, Keyed};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, RowType, Statement, statement, statement_of};
use super::table::{Part, insert, table, text};
use super::users::public;
use super::{Reader, Result, StoreError, Transaction};
use std::sync::Arc;
use taskwire_protocol::notification::{Notification, NotificationSort, NotificationType};
use taskwire_protocol::{NotificationId, TaskId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

table! {
    /// A notification's row.
    pub(super) struct NotificationRow {
        user_id: Uuid = fixed,
        id: Uuid = fixed,
        r#type: String = fixed,
        title: String = fixed,
        message: String = fixed,
        is_read: bool,
        task_id: Option<Uuid> = fixed,
        workspace_id: Option<Uuid> = fixed,
        actor_id: Option<Uuid> = fixed,
        version: i64,
        created_at: i64 = fixed,
    }
}

/// A notification, and who caused it.
#[derive(sqlx::FromRow)]
struct NotificationAndActor {
    #[sqlx(flatten)]
    row: NotificationRow,
    actor_username: Option<String>,
    actor_name: Option<String>,
    actor_photo: Option<String>,
}

const COLUMNS: &str = text![
    Part::Each("n.$", NotificationRow::TABLE.read),
    Part::Plain(", u.username as actor_username, u.name as actor_name, u.photo_url as actor_photo"),
];

impl Stored for NotificationAndActor {
    type Value = (UserId, Notification);

    fn read(self) -> Result<(UserId, Notification)> {
        let row = self.row;
        let Some(r#type) = NotificationType::parse(&row.r#type) else {
            return Err(StoreError::corrupt(format!(
                "{:?} is not a type of notification",
                row.r#type
            )));
        };
        let actor = match (row.actor_id, self.actor_username, self.actor_name) {
            (Some(id), Some(username), Some(name)) => Some(public((id, username, name, self.actor_photo))),
            _ => None,
        };
        let notification = Notification {
            id: NotificationId(row.id),
            r#type,
            title: row.title.into(),
            message: row.message.into(),
            is_read: row.is_read,
            task_id: row.task_id.map(TaskId),
            workspace_id: row.workspace_id.map(WorkspaceId),
            actor,
            version: row.version,
            created_at: Timestamp(row.created_at),
        };
        Ok((UserId(row.user_id), notification))
    }
}

/// Which notifications a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection {
    /// Only unread notifications.
    pub unread_only: bool,
    /// The order: by id, which grows with time.
    pub sort: NotificationSort,
    /// The last notification of the previous page.
    pub after: Option<Uuid>,
    /// How many notifications at most.
    pub limit: i64,
}

/// The condition that a purge does not hide the notification.
fn seen(table: &str) -> String {
    format!(
        "not exists (select 1 from purges p where p.task_id = {table}.task_id and p.stream = {table}.user_id)"
    )
}

/// A page of a user's notifications.
pub async fn list(reader: &mut Reader, user: UserId, wanted: Selection) -> Result<Vec<Notification>> {
    // select the page first, then join its users: SQLite could not read only a page of a view that is joined
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from (select * from notifications_by_user where user_id = "
    ));
    sql.bind(user.0)
        .push(" and ")
        .push(&seen("notifications_by_user"));
    if wanted.unread_only {
        sql.push(" and is_read = false");
    }
    let (beyond, order) = match wanted.sort {
        NotificationSort::CreatedAt => (" and id > ", ""),
        NotificationSort::CreatedAtDesc => (" and id < ", " desc"),
    };
    if let Some(after) = wanted.after {
        sql.push(beyond).bind(after);
    }
    sql.push(" order by id").push(order).limit(wanted.limit);
    sql.push(") n left join users u on u.id = n.actor_id");
    let mut rows: Vec<NotificationAndActor> = reader.fetch(sql).await?;
    rows.sort_unstable_by_key(|found| found.row.id); // a join promises no order
    if wanted.sort == NotificationSort::CreatedAtDesc {
        rows.reverse();
    }
    rows.into_iter().map(|found| Ok(found.read()?.1)).collect()
}

/// How many notifications a user has.
pub async fn count(reader: &mut Reader, user: UserId) -> Result<u64> {
    let mut sql = Sql::new("select count(*) from notifications_by_user where user_id = ");
    sql.bind(user.0);
    reader.count(sql).await
}

/// One of a user's notifications.
pub async fn find(reader: &mut Reader, user: UserId, id: NotificationId) -> Result<Option<Notification>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from notifications n left join users u on u.id = n.actor_id where n.user_id = "
    ));
    sql.bind(user.0).push(" and n.id = ").bind(id.0);
    sql.push(" and ").push(&seen("n"));
    let found = reader.one::<NotificationAndActor>(sql).await?;
    Ok(found.map(|(_, notification)| notification))
}

/// When the newest of a user's notifications was made. The newest id does not tell, because the clocks of the instances
/// that made the ids differ.
pub async fn newest(tx: &mut Transaction, user: UserId) -> Result<Option<Timestamp>> {
    let mut sql = Sql::new("select max(created_at) from notifications_by_user where user_id = ");
    sql.bind(user.0);
    let rows: Vec<(Option<i64>,)> = tx.select(sql).await?;
    Ok(rows.into_iter().find_map(|(at,)| at).map(Timestamp))
}

pub(super) static LOAD: Statement = statement(
    &[("user_id", Id), ("id", Id)],
    text![
        Part::Plain("select "),
        Part::Plain(COLUMNS),
        Part::Plain(
            " from v cross join notifications n left join users u on u.id = n.actor_id
             where n.user_id = v.user_id and n.id = v.id and {rows}
               and not exists (select 1 from purges p where p.task_id = n.task_id and p.stream = n.user_id)"
        ),
    ],
);

/// The notifications with these keys, unless a purge hides them.
pub async fn load(
    tx: &mut Transaction,
    keys: impl IntoIterator<Item = (UserId, NotificationId)>,
) -> Result<Vec<(UserId, Notification)>> {
    let rows = keys.into_iter().map(|(user, id)| [user.0.into(), id.0.into()]);
    tx.load::<NotificationAndActor>(&LOAD, Batch::of(rows)).await
}

/// All users' notifications about a task.
pub async fn of_task(tx: &mut Transaction, task: TaskId) -> Result<Vec<(UserId, Notification)>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from notifications n left join users u on u.id = n.actor_id where n.task_id = "
    ));
    sql.bind(task.0);
    tx.list::<NotificationAndActor>(sql).await
}

/// Some of a user's notifications about a task, also those that its purge hides.
pub async fn about(
    tx: &mut Transaction,
    user: UserId,
    task: TaskId,
    limit: i64,
) -> Result<Vec<(UserId, Notification)>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from notifications n left join users u on u.id = n.actor_id where n.task_id = "
    ));
    sql.bind(task.0).push(" and n.user_id = ").bind(user.0);
    sql.limit(limit);
    tx.list::<NotificationAndActor>(sql).await
}

/// The oldest of a user's notifications whose ids are before `before`.
pub async fn load_before(
    tx: &mut Transaction,
    user: UserId,
    before: Uuid,
    limit: i64,
) -> Result<Vec<(UserId, Notification)>> {
    let mut sql = Sql::new("select id from notifications_by_user where user_id = ");
    sql.bind(user.0).push(" and id < ").bind(before);
    sql.push(" order by id").limit(limit);
    let found: Vec<(Uuid,)> = tx.select(sql).await?;
    load(tx, found.into_iter().map(|(id,)| (user, NotificationId(id)))).await
}

/// The users after `after`, by id, and whether each has notifications whose ids are before `before`.
pub async fn who_has_before(
    reader: &mut Reader,
    before: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, bool)>> {
    // the oldest one of each: asked whether there is any, PostgreSQL may read the notifications of everybody
    let mut sql = Sql::new(
        "select u.id, cast(case when (
           select n.id from notifications_by_user n where n.user_id = u.id order by n.id limit 1
         ) < ",
    );
    sql.bind(before)
        .push(" then 1 else 0 end as bigint) from users u where u.id > ");
    sql.bind(after).push(" order by u.id").limit(limit);
    let rows: Vec<(Uuid, i64)> = reader.fetch(sql).await?;
    Ok(rows
        .into_iter()
        .map(|(user, has_some)| (user, has_some == 1))
        .collect())
}

static UPSERT: Statement = statement_of(
    RowType::Notification,
    NotificationRow::TABLE.written,
    insert!(
        "notifications",
        NotificationRow::TABLE,
        Part::Plain(" on conflict ({postgres:user_id, }id) do update set "),
        Part::Changing("$ = excluded.$", NotificationRow::TABLE),
    ),
);

impl Keyed<(UserId, NotificationId), Notification> for (UserId, Notification) {
    fn keyed(self) -> ((UserId, NotificationId), Notification) {
        ((self.0, self.1.id), self.1)
    }
}

/// Writes the notifications that a group made or changed, and deletes those that it removed.
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, (UserId, NotificationId), Notification>,
) -> Result<()> {
    let rows = changes.written().map(|((user, _), notification)| {
        [
            user.0.into(),
            notification.id.0.into(),
            Arc::<str>::from(notification.r#type.as_str()).into(),
            notification.title.clone().into(),
            notification.message.clone().into(),
            notification.is_read.into(),
            Cell::Id(notification.task_id.map(Uuid::from)),
            Cell::Id(notification.workspace_id.map(Uuid::from)),
            Cell::Id(notification.actor.as_ref().map(|actor| actor.id.0)),
            notification.version.into(),
            notification.created_at.0.into(),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await?;
    let gone = changes.removed().map(|(user, id)| [user.0.into(), id.0.into()]);
    tx.execute(&DELETE, Batch::of(gone)).await
}

pub(super) static DELETE: Statement = statement(
    &[("user_id", Id), ("id", Id)],
    "delete from notifications where ({postgres:user_id, }id) in (select {postgres:user_id, }id from v where {rows})",
);

pub(super) static READ_ALL: Statement = statement(
    &[("user_id", Id)],
    "update notifications set is_read = true, version = notifications.version + 1 from v
     where {postgres:notifications.user_id = v.user_id}{sqlite:notifications.number in (
       select number from notifications_by_user k where k.user_id = v.user_id)}
       and notifications.is_read = false and {rows}",
);

/// Marks all notifications of these users as read.
pub async fn read_all(tx: &mut Transaction, users: impl IntoIterator<Item = UserId>) -> Result<()> {
    tx.execute(&READ_ALL, Batch::ids(users)).await
}
