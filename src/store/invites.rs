//! The table of invitations that were not answered. It has no token: the server makes a token of the row's id and its secret
//! (`auth/codes`). Names in a row are those of the moment at which the invitation was made.

use super::bind::{Cell, Kind::Id};
use super::entity::{Changes, Keyed};
use super::members::{code, role};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::{Reader, Result, Transaction};
use crate::unicode::email_key;
use std::sync::Arc;
use taskwire_protocol::InviteId;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::member::Role;
use taskwire_protocol::{Email, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

/// An invitation.
#[derive(Clone, Debug, PartialEq)]
pub struct InviteRecord {
    /// The link's token is made of this.
    pub id: InviteId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub workspace_name: Arc<str>,
    /// The invited address; `None` for a link for anybody.
    pub email: Option<Email>,
    /// The new member's role.
    pub role: Role,
    /// How many may accept it; `None` for any number.
    pub max_uses: Option<u32>,
    /// How many accepted it.
    pub uses: u32,
    /// The member who invited.
    pub invited_by: PublicUser,
    /// The user in whose own stream it is.
    pub shown_to: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it is refused.
    pub expires_at: Timestamp,
}

impl InviteRecord {
    /// Whether it names this address.
    pub fn names(&self, email: &str) -> bool {
        let own = self.email.as_deref().map(email_key);
        own.is_some_and(|own| own == email_key(email))
    }
}

/// An invitation and its workspace, by their ids.
pub type Place = (InviteId, WorkspaceId);

table! {
    /// An invitation's row.
    struct InviteRow {
        id: Uuid = fixed,
        workspace_id: Uuid = fixed,
        workspace_name: String = fixed,
        email: Option<String> = fixed,
        role: i64 = fixed,
        max_uses: Option<i64> = fixed,
        uses: i64,
        invited_by: String = fixed,
        shown_to: Option<Uuid>,
        created_at: i64 = fixed,
        expires_at: i64 = fixed,
    }
    written {
        email_key: Option<String>,
    }
}

const COLUMNS: &str = text![Part::Each("$", InviteRow::TABLE.read)];

impl Stored for InviteRow {
    type Value = InviteRecord;

    fn read(self) -> Result<InviteRecord> {
        Ok(InviteRecord {
            id: InviteId(self.id),
            workspace: WorkspaceId(self.workspace_id),
            workspace_name: self.workspace_name.into(),
            email: self.email.map(Email::from),
            role: role(self.role)?,
            max_uses: self.max_uses.and_then(|uses| u32::try_from(uses).ok()),
            uses: u32::try_from(self.uses).unwrap_or(u32::MAX),
            invited_by: serde_json::from_str(&self.invited_by)?,
            shown_to: self.shown_to.map(UserId),
            created_at: Timestamp(self.created_at),
            expires_at: Timestamp(self.expires_at),
        })
    }
}

/// The workspace of an invitation.
pub async fn find_workspace(reader: &mut Reader, id: InviteId) -> Result<Option<WorkspaceId>> {
    let mut sql = Sql::new("select workspace_id from invites where id = ");
    sql.bind(id.0);
    Ok(reader.scalar::<Uuid>(sql).await?.map(WorkspaceId))
}

/// A page of a workspace's invitations that may be accepted at `now`, after `after`, by id.
pub async fn list(
    reader: &mut Reader,
    workspace: WorkspaceId,
    now: Timestamp,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<InviteRecord>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from invites where workspace_id = "));
    sql.bind(workspace.0).after("expires_at", now.0);
    sql.page("id", after, limit);
    reader.list::<InviteRow>(sql).await
}

/// How many invitations of a workspace may be accepted at `now`.
pub async fn count(reader: &mut Reader, workspace: WorkspaceId, now: Timestamp) -> Result<u64> {
    let mut sql = Sql::new("select count(*) from invites where workspace_id = ");
    sql.bind(workspace.0).after("expires_at", now.0);
    reader.count(sql).await
}

/// The invitations in a user's own stream, by id.
pub async fn shown_to(reader: &mut Reader, user: UserId) -> Result<Vec<InviteRecord>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from invites where shown_to = "));
    sql.bind(user.0).push(" order by id");
    reader.list::<InviteRow>(sql).await
}

/// Some invitations of a workspace.
pub async fn of_workspace(reader: &mut Reader, workspace: WorkspaceId, limit: i64) -> Result<Vec<Place>> {
    let mut sql = Sql::new("select id, workspace_id from invites where workspace_id = ");
    sql.bind(workspace.0).push(" order by id").limit(limit);
    places(reader, sql).await
}

/// Some invitations that expired before `before`.
pub async fn expired(reader: &mut Reader, before: i64, limit: i64) -> Result<Vec<Place>> {
    let mut sql = Sql::new("select id, workspace_id from invites where expires_at <= ");
    sql.bind(before).push(" order by expires_at").limit(limit);
    places(reader, sql).await
}

/// Some invitations that name an address, may be accepted at `now`, and are not in the own stream of the user whose address
/// it is. Not those to workspaces of theirs.
pub async fn not_shown(
    reader: &mut Reader,
    email: &str,
    user: UserId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Place>> {
    let mut sql = Sql::new("select id, workspace_id from invites where email_key = ");
    sql.bind(email_key(email)).after("expires_at", now.0);
    sql.push(" and (shown_to is null or shown_to <> ")
        .bind(user.0)
        .push(") and not exists (select 1 from members m where m.workspace_id = invites.workspace_id and m.user_id = ")
        .bind(user.0);
    sql.push(") order by id").limit(limit);
    places(reader, sql).await
}

/// Some invitations in a user's own stream that do not name this address of theirs; all of them without one.
pub async fn misshown(
    reader: &mut Reader,
    email: Option<&str>,
    user: UserId,
    limit: i64,
) -> Result<Vec<Place>> {
    let mut sql = Sql::new("select id, workspace_id from invites where shown_to = ");
    sql.bind(user.0);
    if let Some(email) = email {
        sql.push(" and email_key <> ").bind(email_key(email));
    }
    sql.push(" order by id").limit(limit);
    places(reader, sql).await
}

async fn places(reader: &mut Reader, sql: Sql) -> Result<Vec<Place>> {
    let rows: Vec<(Uuid, Uuid)> = reader.fetch(sql).await?;
    let places = rows.into_iter();
    Ok(places
        .map(|(id, workspace)| (InviteId(id), WorkspaceId(workspace)))
        .collect())
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("i.$", InviteRow::TABLE.read),
        Part::Plain(" from v cross join invites i where i.id = v.id and {rows}"),
    ],
);

/// The invitations with these ids.
pub async fn load(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = InviteId>,
) -> Result<Vec<InviteRecord>> {
    tx.load::<InviteRow>(&LOAD, Batch::ids(ids)).await
}

pub(super) static LOAD_OF: Statement = statement(
    &[("workspace_id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("i.$", InviteRow::TABLE.read),
        Part::Plain(" from v cross join invites i where i.workspace_id = v.workspace_id and {rows}"),
    ],
);

/// All invitations of these workspaces.
pub async fn load_of(
    tx: &mut Transaction,
    workspaces: impl IntoIterator<Item = WorkspaceId>,
) -> Result<Vec<InviteRecord>> {
    tx.load::<InviteRow>(&LOAD_OF, Batch::ids(workspaces)).await
}

static UPSERT: Statement = statement(
    InviteRow::TABLE.written,
    upsert!("invites", "id", InviteRow::TABLE),
);

pub(super) static DELETE: Statement = statement(
    &[("id", Id)],
    "delete from invites where id in (select id from v where {rows})",
);

impl Keyed<InviteId, InviteRecord> for InviteRecord {
    fn keyed(self) -> (InviteId, InviteRecord) {
        (self.id, self)
    }
}

/// Writes the invitations that a group made or changed, and deletes those that ended.
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, InviteId, InviteRecord>,
) -> Result<()> {
    let mut rows = Vec::new();
    for (_, invite) in changes.written() {
        rows.push([
            invite.id.0.into(),
            invite.workspace.0.into(),
            invite.workspace_name.clone().into(),
            Cell::Text(invite.email.clone().map(Arc::from)),
            code(invite.role).into(),
            Cell::Int(invite.max_uses.map(i64::from)),
            i64::from(invite.uses).into(),
            serde_json::to_string(&invite.invited_by)?.into(),
            Cell::Id(invite.shown_to.map(|user| user.0)),
            invite.created_at.0.into(),
            invite.expires_at.0.into(),
            Cell::Text(invite.email.as_deref().map(|email| email_key(email).into())),
        ]);
    }
    tx.execute(&UPSERT, Batch::of(rows)).await?;
    tx.execute(&DELETE, Batch::ids(changes.removed())).await
}
