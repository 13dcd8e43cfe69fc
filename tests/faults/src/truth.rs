//! What really happened, read from PostgreSQL: every entry of the log as first read, and the tables at the end.

use crate::Failed;
use crate::load::record::weigh;
use crate::load::{Shared, hash};
use crate::verdict::Invariant;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::{Connection, PgConnection, Row};
use std::collections::HashMap;
use uuid::Uuid;

/// Entries of one query.
const PAGE: i64 = 20_000;

/// Everything that the log ever had.
#[derive(Default)]
pub(crate) struct Truth {
    /// By the number of the stream.
    pub(crate) streams: HashMap<u32, Story>,
    pub(crate) ops: HashMap<Uuid, Vec<Entry>>,
    /// By task: what its newest entry says.
    pub(crate) tasks: HashMap<Uuid, TaskState>,
    /// By workspace and user: whether the log leaves them a member.
    pub(crate) members: HashMap<(Uuid, Uuid), bool>,
    ids: HashMap<u32, (Uuid, bool)>,
    pub(crate) entries: u64,
    /// Whether a log may begin after seq 1, because it was cut before it was read.
    cut: bool,
}

/// One stream's log.
#[derive(Default)]
pub(crate) struct Story {
    /// The seq of the first entry that was read: 1, unless `Truth::cut`.
    pub(crate) first: u64,
    /// `sums[n]` is the sum of `record::weigh` over the first n + 1 entries.
    pub(crate) sums: Vec<u64>,
}

impl Story {
    /// The last entry's seq.
    pub(crate) fn head(&self) -> u64 {
        self.first + self.sums.len() as u64 - 1
    }
}

/// One entry that an operation made.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) stream: u32,
    pub(crate) seq: u64,
    /// Whether the stream is a workspace's.
    pub(crate) workspace: bool,
    /// Hash of the title, when the entry has one.
    pub(crate) content: u64,
}

/// What the log says about a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskState {
    pub(crate) workspace: Uuid,
    pub(crate) version: i64,
    /// A hash of the whole entity as JSON in the log; 0 when read from the table.
    pub(crate) whole: u64,
    pub(crate) title: u64,
    pub(crate) completed: bool,
    pub(crate) is_deleted: bool,
}

#[derive(Deserialize)]
struct Frame<'a> {
    stream: &'a str,
    seq: u64,
    event: &'a str,
    #[serde(default)]
    op_id: Option<Uuid>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    id: Option<Uuid>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    version: i64,
    #[serde(default)]
    completed: bool,
    #[serde(default)]
    is_deleted: bool,
    #[serde(default)]
    user: Option<Person>,
    #[serde(default)]
    user_id: Option<Uuid>,
}

#[derive(Deserialize)]
struct Person {
    id: Uuid,
}

impl Truth {
    /// The truth of logs that may have been cut before they are read.
    pub(crate) fn of_a_cut_log() -> Truth {
        Truth {
            cut: true,
            ..Truth::default()
        }
    }

    /// Reads the entries that were written since the last call.
    pub(crate) async fn read_on(&mut self, shared: &Shared) -> Result<(), Failed> {
        let mut link = PgConnection::connect(&shared.world.database).await?;
        let heads: Vec<(Uuid, i64, i64)> = sqlx::query_as("select id, kind, seq from streams")
            .fetch_all(&mut link)
            .await?;
        for (id, kind, head) in heads {
            let stream = shared.stream(id);
            self.ids.insert(stream, (id, kind == 1));
            loop {
                let known = self.streams.get(&stream).map_or(0, Story::head);
                if known >= head as u64 {
                    break;
                }
                let rows = sqlx::query(
                    "select seq, frame from log where stream = $1 and seq > $2 order by seq limit $3",
                )
                .bind(id)
                .bind(known as i64)
                .bind(PAGE)
                .fetch_all(&mut link)
                .await?;
                if rows.is_empty() {
                    break;
                }
                for row in rows {
                    let (seq, frame): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
                    self.take(shared, stream, id, kind == 1, seq as u64, &frame)?;
                }
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        shared: &Shared,
        stream: u32,
        id: Uuid,
        workspace: bool,
        seq: u64,
        text: &str,
    ) -> Result<(), Failed> {
        let frame: Frame<'_> = serde_json::from_str(text)?;
        let kind = if workspace { "workspace" } else { "user" };
        let story = self.streams.entry(stream).or_insert_with(|| Story {
            first: seq,
            sums: vec![],
        });
        let expected = story.first + story.sums.len() as u64;
        shared.verdicts.checked(Invariant::I2, 1);
        if seq != expected
            || frame.seq != seq
            || frame.stream != format!("{kind}:{id}")
            || (story.first != 1 && !self.cut)
        {
            let what = format!(
                "{kind}:{id}: row {seq} has a frame of {} with seq {}; expected seq {expected}",
                frame.stream, frame.seq
            );
            shared.verdicts.violated(Invariant::I2, what);
        }
        let before = story.sums.last().copied().unwrap_or_default();
        story.sums.push(before.wrapping_add(weigh(seq, text.as_bytes())));
        self.entries += 1;
        let data: Data = serde_json::from_str(frame.data.get())?;
        if let Some(op_id) = frame.op_id {
            let content = data.title.as_ref().map_or(0, |title| hash(title.as_bytes()));
            self.ops.entry(op_id).or_default().push(Entry {
                stream,
                seq,
                workspace,
                content,
            });
        }
        if workspace {
            self.fold(id, frame.event, &data, frame.data.get());
        }
        Ok(())
    }

    fn fold(&mut self, workspace: Uuid, event: &str, data: &Data, text: &str) {
        match (event, data.id) {
            (event, Some(id)) if event.starts_with("task.") => {
                let state = TaskState {
                    workspace,
                    version: data.version,
                    whole: hash(text.as_bytes()),
                    title: data.title.as_ref().map_or(0, |title| hash(title.as_bytes())),
                    completed: data.completed,
                    is_deleted: data.is_deleted,
                };
                let newer = self
                    .tasks
                    .get(&id)
                    .is_none_or(|known| known.version <= state.version);
                if newer {
                    self.tasks.insert(id, state);
                }
            }
            ("member.added", _) => {
                if let Some(user) = &data.user {
                    self.members.insert((workspace, user.id), true);
                }
            }
            ("member.removed", _) => {
                if let Some(user) = data.user_id {
                    self.members.insert((workspace, user), false);
                }
            }
            _ => {}
        }
    }

    /// A stream's id, and whether it is a workspace's.
    pub(crate) fn id(&self, stream: u32) -> Option<(Uuid, bool)> {
        self.ids.get(&stream).copied()
    }
}

/// The tables at the time of reading.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) tasks: HashMap<Uuid, TaskState>,
    pub(crate) members: Vec<(Uuid, Uuid)>,
    pub(crate) heads: HashMap<Uuid, u64>,
    /// The op_ids that are stored.
    pub(crate) ops: std::collections::HashSet<Uuid>,
}

impl Tables {
    /// Reads them.
    pub(crate) async fn read(database: &str) -> Result<Tables, Failed> {
        let mut link = PgConnection::connect(database).await?;
        let mut tables = Tables::default();
        let rows = sqlx::query("select id, workspace_id, version, title, completed, is_deleted from tasks")
            .fetch_all(&mut link)
            .await?;
        for row in rows {
            let title: String = row.try_get(3)?;
            let state = TaskState {
                workspace: row.try_get(1)?,
                version: row.try_get(2)?,
                whole: 0,
                title: hash(title.as_bytes()),
                completed: row.try_get(4)?,
                is_deleted: row.try_get(5)?,
            };
            tables.tasks.insert(row.try_get(0)?, state);
        }
        tables.members = sqlx::query_as("select workspace_id, user_id from members")
            .fetch_all(&mut link)
            .await?;
        tables.heads = heads(&mut link).await?;
        let ops: Vec<(Uuid,)> = sqlx::query_as("select op_id from ops")
            .fetch_all(&mut link)
            .await?;
        tables.ops = ops.into_iter().map(|(op_id,)| op_id).collect();
        Ok(tables)
    }
}

/// The head of every stream.
pub(crate) async fn heads(link: &mut PgConnection) -> Result<HashMap<Uuid, u64>, Failed> {
    let heads: Vec<(Uuid, i64)> = sqlx::query_as("select id, seq from streams")
        .fetch_all(link)
        .await?;
    Ok(heads.into_iter().map(|(id, seq)| (id, seq as u64)).collect())
}
