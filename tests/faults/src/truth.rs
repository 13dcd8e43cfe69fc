//! What really happened, read from PostgreSQL: every entry of the log as first read, and the tables at the end.

use crate::Failed;
use crate::load::record::weigh;
use crate::load::{Shared, hash};
use crate::verdict::Invariant;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::{Connection, PgConnection, Row};
use std::collections::{HashMap, HashSet};
use taskwire_protocol::task::Task;
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
    /// By task: how many comments and attachments it has by the newest entry that tells.
    pub(crate) counts: HashMap<Uuid, Counts>,
    pub(crate) tags: HashMap<Uuid, Thing>,
    pub(crate) projects: HashMap<Uuid, Thing>,
    /// By workspace and user: whether the log leaves them a member.
    pub(crate) members: HashMap<(Uuid, Uuid), bool>,
    /// Workspaces that were deleted: their logs go, perhaps before they are read.
    pub(crate) deleted: HashSet<Uuid>,
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
    /// Hash of the title, when the entry has one.
    pub(crate) content: u64,
}

/// What the log says about a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskState {
    pub(crate) workspace: Uuid,
    pub(crate) version: i64,
    /// A hash of the entity as JSON in the log, without its counts; 0 when read from the table.
    pub(crate) whole: u64,
    pub(crate) title: u64,
    pub(crate) completed: bool,
    pub(crate) is_deleted: bool,
}

/// How many comments and attachments a task has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Counts {
    #[serde(rename = "comment_count")]
    pub(crate) comments: i64,
    #[serde(rename = "attachment_count")]
    pub(crate) attachments: i64,
}

/// What is known of a tag or a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) workspace: Uuid,
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) is_archived: bool,
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
    #[serde(default)]
    workspace_id: Option<Uuid>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    is_archived: bool,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default, rename = "comment_count")]
    comments: i64,
    #[serde(default, rename = "attachment_count")]
    attachments: i64,
    #[serde(default)]
    task: Option<Counted>,
}

#[derive(Deserialize)]
struct Counted {
    id: Uuid,
    #[serde(flatten)]
    counts: Counts,
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
        self.read_with(shared, &mut link).await
    }

    /// The same, on this connection.
    pub(crate) async fn read_with(&mut self, shared: &Shared, link: &mut PgConnection) -> Result<(), Failed> {
        let heads: Vec<(Uuid, i64, i64)> = sqlx::query_as("select id, kind, seq from streams")
            .fetch_all(&mut *link)
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
                .fetch_all(&mut *link)
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
            self.ops
                .entry(op_id)
                .or_default()
                .push(Entry { stream, seq, content });
        }
        if workspace {
            self.fold(id, frame.event, &data, frame.data.get());
        } else if frame.event == "access.lost" && data.reason.as_deref() == Some("deleted") {
            self.deleted.extend(data.workspace_id);
        }
        Ok(())
    }

    fn fold(&mut self, workspace: Uuid, event: &str, data: &Data, text: &str) {
        match (event, data.id) {
            (event, Some(id)) if event.starts_with("task.") => {
                let state = TaskState {
                    workspace,
                    version: data.version,
                    whole: serde_json::from_str(text).map_or(0, |task| whole(&task)),
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
                let (comments, attachments) = (data.comments, data.attachments);
                let counts = Counts {
                    comments,
                    attachments,
                };
                self.counts.insert(id, counts);
            }
            ("tag.created" | "tag.updated", Some(id)) => {
                self.tags.insert(id, thing(workspace, data));
            }
            ("tag.deleted", Some(id)) => drop(self.tags.remove(&id)),
            ("project.created" | "project.updated", Some(id)) => {
                self.projects.insert(id, thing(workspace, data));
            }
            ("project.deleted", Some(id)) => drop(self.projects.remove(&id)),
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
            _ => {
                if let Some(task) = &data.task {
                    self.counts.insert(task.id, task.counts);
                }
            }
        }
    }

    /// A stream's id, and whether it is a workspace's.
    pub(crate) fn id(&self, stream: u32) -> Option<(Uuid, bool)> {
        self.ids.get(&stream).copied()
    }
}

fn thing(workspace: Uuid, data: &Data) -> Thing {
    Thing {
        workspace,
        version: data.version,
        name: data.name.clone().unwrap_or_default(),
        is_archived: data.is_archived,
    }
}

/// A hash of a task without its counts: events about comments and files change these, and not the task's version.
pub(crate) fn whole(task: &Task) -> u64 {
    let mut task = task.clone();
    (task.comment_count, task.attachment_count) = (0, 0);
    serde_json::to_string(&task).map_or(0, |text| hash(text.as_bytes()))
}

/// A connection that sees the database as it is at its first question: jobs go on meanwhile.
pub(crate) async fn still(database: &str) -> Result<PgConnection, Failed> {
    let mut link = PgConnection::connect(database).await?;
    sqlx::raw_sql("begin isolation level repeatable read, read only")
        .execute(&mut link)
        .await?;
    Ok(link)
}

/// The tables at the time of reading.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) tasks: HashMap<Uuid, TaskState>,
    /// By task: what its row counts.
    pub(crate) counts: HashMap<Uuid, Counts>,
    pub(crate) tags: HashMap<Uuid, Thing>,
    pub(crate) projects: HashMap<Uuid, Thing>,
    /// By comment: its task, and the hash of its body.
    pub(crate) comments: HashMap<Uuid, (Uuid, u64)>,
    /// By attachment: its task, and its size.
    pub(crate) attachments: HashMap<Uuid, (Option<Uuid>, i64)>,
    /// How often somebody was told of something about a task: user, task, type.
    pub(crate) notices: HashMap<(Uuid, Uuid, String), usize>,
    /// How many tasks have a title, by its hash.
    pub(crate) titles: HashMap<u64, usize>,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) members: Vec<(Uuid, Uuid)>,
    pub(crate) heads: HashMap<Uuid, u64>,
    /// The op_ids that are stored.
    pub(crate) ops: HashSet<Uuid>,
}

impl Tables {
    /// Reads them.
    pub(crate) async fn read(link: &mut PgConnection) -> Result<Tables, Failed> {
        let mut tables = Tables::default();
        tables.read_tasks(link).await?;
        tables.read_things(link).await?;
        tables.read_told(link).await?;
        tables.members = sqlx::query_as("select workspace_id, user_id from members")
            .fetch_all(&mut *link)
            .await?;
        tables.heads = heads(link).await?;
        let ops: Vec<(Uuid,)> = sqlx::query_as("select op_id from ops").fetch_all(link).await?;
        tables.ops = ops.into_iter().map(|(op_id,)| op_id).collect();
        Ok(tables)
    }

    async fn read_tasks(&mut self, link: &mut PgConnection) -> Result<(), Failed> {
        let rows = sqlx::query(
            "select id, workspace_id, version, title, completed, is_deleted, comment_count, attachment_count from tasks",
        );
        for row in rows.fetch_all(&mut *link).await? {
            let (id, title): (Uuid, String) = (row.try_get(0)?, row.try_get(3)?);
            let title = hash(title.as_bytes());
            let state = TaskState {
                workspace: row.try_get(1)?,
                version: row.try_get(2)?,
                whole: 0,
                title,
                completed: row.try_get(4)?,
                is_deleted: row.try_get(5)?,
            };
            let counts = Counts {
                comments: row.try_get(6)?,
                attachments: row.try_get(7)?,
            };
            self.tasks.insert(id, state);
            self.counts.insert(id, counts);
            *self.titles.entry(title).or_default() += 1;
        }
        Ok(())
    }

    async fn read_things(&mut self, link: &mut PgConnection) -> Result<(), Failed> {
        let things = [
            (
                "select id, workspace_id, version, name, false from tags",
                &mut self.tags,
            ),
            (
                "select id, workspace_id, version, name, is_archived from projects",
                &mut self.projects,
            ),
        ];
        for (query, into) in things {
            for row in sqlx::query(query).fetch_all(&mut *link).await? {
                let thing = Thing {
                    workspace: row.try_get(1)?,
                    version: row.try_get(2)?,
                    name: row.try_get(3)?,
                    is_archived: row.try_get(4)?,
                };
                into.insert(row.try_get(0)?, thing);
            }
        }
        let comments: Vec<(Uuid, Uuid, String)> = sqlx::query_as("select id, task_id, body from comments")
            .fetch_all(&mut *link)
            .await?;
        let comments = comments.into_iter();
        self.comments = comments
            .map(|(id, task, body)| (id, (task, hash(body.as_bytes()))))
            .collect();
        let attachments: Vec<(Uuid, Option<Uuid>, i64)> =
            sqlx::query_as("select id, task_id, size from attachments")
                .fetch_all(link)
                .await?;
        let attachments = attachments.into_iter();
        self.attachments = attachments.map(|(id, task, size)| (id, (task, size))).collect();
        Ok(())
    }

    async fn read_told(&mut self, link: &mut PgConnection) -> Result<(), Failed> {
        let told: Vec<(Uuid, Uuid, String)> =
            sqlx::query_as("select user_id, task_id, type from notifications where task_id is not null")
                .fetch_all(&mut *link)
                .await?;
        for notice in told {
            *self.notices.entry(notice).or_default() += 1;
        }
        let now = sqlx::query_as("select cast(extract(epoch from now()) * 1000 as bigint)");
        (self.now,) = now.fetch_one(link).await?;
        Ok(())
    }
}

/// The head of every stream.
pub(crate) async fn heads(link: &mut PgConnection) -> Result<HashMap<Uuid, u64>, Failed> {
    let heads: Vec<(Uuid, i64)> = sqlx::query_as("select id, seq from streams")
        .fetch_all(link)
        .await?;
    Ok(heads.into_iter().map(|(id, seq)| (id, seq as u64)).collect())
}
