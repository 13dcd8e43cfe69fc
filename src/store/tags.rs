//! The table of tags. Which tasks carry a tag is in `task_tags`, by the tag's key; the tasks' rows have its name.

use super::bind::{
    Cell,
    Kind::{Id, Text},
};
use super::entity::{Changes, Keyed};
use super::members;
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::{Reader, Result, Transaction};
use crate::unicode::name_key;
use std::sync::Arc;
use taskwire_protocol::member::Role;
use taskwire_protocol::tag::Tag;
use taskwire_protocol::{TagId, UserId, WorkspaceId};
use uuid::Uuid;

table! {
    /// A tag's row.
    struct TagRow {
        id: Uuid = fixed,
        workspace_id: Uuid = fixed,
        name: String,
        color: Option<String>,
        version: i64,
    }
    written {
        key: String,
    }
}

impl Stored for TagRow {
    type Value = Tag;

    fn read(self) -> Result<Tag> {
        let row = self;
        Ok(Tag {
            id: TagId(row.id),
            workspace_id: WorkspaceId(row.workspace_id),
            name: row.name.into(),
            color: row.color,
            version: row.version,
        })
    }
}

const COLUMNS: &str = text![Part::Each("$", TagRow::TABLE.read)];

fn of_workspace(workspace: WorkspaceId) -> Sql {
    let mut sql = Sql::new(&format!("select {COLUMNS} from tags where workspace_id = "));
    sql.bind(workspace.0);
    sql
}

/// A page of a workspace's tags after a key and id, in the order of keys.
pub async fn list(
    reader: &mut Reader,
    workspace: WorkspaceId,
    after: Option<&(String, Uuid)>,
    limit: i64,
) -> Result<Vec<Tag>> {
    let mut sql = of_workspace(workspace);
    if let Some((key, id)) = after {
        sql.push(" and (key, id) > (").bind(&**key);
        sql.push(", ").bind(*id).push(")");
    }
    sql.push(" order by key, id").limit(limit);
    reader.list::<TagRow>(sql).await
}

/// How many tags a workspace has.
pub async fn count(reader: &mut Reader, workspace: WorkspaceId) -> Result<u64> {
    let mut sql = Sql::new("select count(*) from tags where workspace_id = ");
    sql.bind(workspace.0);
    reader.count(sql).await
}

/// The workspace of a tag and the user's role there. `None` if there is no such tag, or if the user is not a member of its
/// workspace.
pub async fn find_role(reader: &mut Reader, user: UserId, tag: TagId) -> Result<Option<(WorkspaceId, Role)>> {
    let mut sql = Sql::new("select workspace_id from tags where id = ");
    sql.bind(tag.0);
    members::find_role_at(reader, user, sql).await
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("g.$", TagRow::TABLE.read),
        Part::Plain(" from v cross join tags g where g.id = v.id and {rows}"),
    ],
);

/// The tags with these ids.
pub async fn load(tx: &mut Transaction, ids: impl IntoIterator<Item = TagId>) -> Result<Vec<Tag>> {
    tx.load::<TagRow>(&LOAD, Batch::ids(ids)).await
}

/// What a workspace has under a key.
pub enum Named {
    /// A tag.
    Tag(Tag),
    /// No tag. The workspace has so many others.
    Free {
        /// How tasks write it, if an older version put it on them.
        carried: Option<Arc<str>>,
        /// The number of tags.
        tags: u64,
    },
}

/// The spelling of a tag without a row is that of the oldest task which has it.
pub(super) static NAMED: Statement = statement(
    &[("workspace_id", Id), ("key", Text)],
    "select v.workspace_id, v.key, g.id, g.name, g.color, g.version,
       case when g.id is null then (
         select coalesce(m.name, m.tag) from task_tags m where m.workspace_id = v.workspace_id and m.tag = v.key
         order by m.task_id limit 1) end,
       case when g.id is null then (select count(*) from tags o where o.workspace_id = v.workspace_id) end
     from v left join tags g on g.workspace_id = v.workspace_id and g.key = v.key where {rows}",
);

/// What workspaces have under keys.
pub async fn named(
    tx: &mut Transaction,
    keys: impl IntoIterator<Item = (WorkspaceId, String)>,
) -> Result<Vec<(WorkspaceId, String, Named)>> {
    type Found = (
        Uuid,
        String,
        Option<Uuid>,
        Option<String>,
        Option<String>,
        Option<i64>,
        Option<String>,
        Option<i64>,
    );
    let rows = keys
        .into_iter()
        .map(|(workspace, key)| [workspace.0.into(), key.into()]);
    let found: Vec<Found> = tx.fetch(&NAMED, Batch::of(rows)).await?;
    let found = found
        .into_iter()
        .map(|(workspace, key, id, name, color, version, carried, tags)| {
            let workspace_id = WorkspaceId(workspace);
            let named = match (id, name, version) {
                (Some(id), Some(name), Some(version)) => Named::Tag(Tag {
                    id: TagId(id),
                    workspace_id,
                    name: name.into(),
                    color,
                    version,
                }),
                _ => Named::Free {
                    carried: carried.map(Arc::from),
                    tags: tags.unwrap_or_default().unsigned_abs(),
                },
            };
            (workspace_id, key, named)
        });
    Ok(found.collect())
}

/// Keys that tasks have and no tag, in order, after one of them.
pub async fn without_tag(
    reader: &mut Reader,
    (workspace, key): (WorkspaceId, &str),
    limit: i64,
) -> Result<Vec<(WorkspaceId, String)>> {
    let mut sql = Sql::new(
        "select distinct m.workspace_id, m.tag from task_tags m where m.name is not null
         and not exists (select 1 from tags g where g.workspace_id = m.workspace_id and g.key = m.tag)
         and (m.workspace_id, m.tag) > (",
    );
    sql.bind(workspace.0).push(", ").bind(key);
    sql.push(") order by m.workspace_id, m.tag").limit(limit);
    let found: Vec<(Uuid, String)> = reader.fetch(sql).await?;
    let found = found.into_iter();
    Ok(found
        .map(|(workspace, key)| (WorkspaceId(workspace), key))
        .collect())
}

static UPSERT: Statement = statement(TagRow::TABLE.written, upsert!("tags", "id", TagRow::TABLE));

pub(super) static DELETE: Statement = statement(
    &[("id", Id)],
    "delete from tags where id in (select v.id from v where {rows})",
);

impl Keyed<TagId, Tag> for Tag {
    fn keyed(self) -> (TagId, Tag) {
        (self.id, self)
    }
}

/// Writes the tags that a group made, changed or deleted.
pub async fn write<'a>(tx: &mut Transaction, changes: impl Changes<'a, TagId, Tag>) -> Result<()> {
    let gone: Vec<TagId> = changes.removed().collect();
    tx.execute(&DELETE, Batch::ids(gone)).await?;
    let rows = changes.written().map(|(_, tag)| {
        [
            tag.id.0.into(),
            tag.workspace_id.0.into(),
            tag.name.clone().into(),
            Cell::Text(tag.color.as_deref().map(Arc::from)),
            tag.version.into(),
            name_key(&tag.name).into(),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}
