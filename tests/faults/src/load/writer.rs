//! A writer: invokes mutations through raw frames, several in flight, and records each. It sends a mutation without an
//! answer again with the same `op_id`, to any instance, until it gets an answer.

use super::accounts::{Accounts, User};
use super::lease::Lease;
use super::record::{Operation, Outcome, What};
use super::{Phase, Shared, hash};
use crate::socket::{Pace, Socket};
use crate::verdict::Invariant;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use taskwire_protocol::Failure;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Operations under way at the same time.
const DEPTH: usize = 6;
/// The most tasks that a writer changes.
const TASKS: usize = 400;
/// One in this many answered operations is sent again, to check that it gets the same answer.
const ECHO: u32 = 25;
/// When an answer takes longer, the writer gives up the connection.
const PATIENCE: Duration = Duration::from_secs(12);
/// How many milliseconds a writer stays with an instance. It moves, so that restarted instances get writers too.
const STAY: std::ops::Range<u64> = 2000..10_000;
/// After this many sends without an answer an operation is a violation.
const TRIES: u16 = 400;

/// An operation that waits for its answer.
struct Pending {
    number: u64,
    text: String,
    /// The index of its record.
    record: usize,
    /// The index in `Writer::flat` of the task that it changes.
    task: Option<usize>,
    /// It was answered before; this is the repeat that checks for the same answer.
    echo: bool,
    sent: Instant,
}

#[derive(Clone)]
struct Mine {
    id: Uuid,
    deleted: bool,
    completed: bool,
    busy: bool,
}

/// A writer.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    accounts: Arc<Accounts>,
    user: User,
    random: StdRng,
    label: usize,
    next: u64,
    records: Vec<Operation>,
    pending: VecDeque<Pending>,
    tasks: BTreeMap<usize, Vec<Mine>>,
    flat: Vec<(usize, usize)>,
}

/// An answer as the server sent it.
#[derive(Deserialize)]
struct Answer<'a> {
    r#type: &'a str,
    id: Option<u64>,
    #[serde(borrow, default)]
    at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    replayed: bool,
    #[serde(default)]
    error: Option<Box<Failure>>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, accounts: Arc<Accounts>, label: usize, seed: u64) -> Writer {
        let user = accounts.users[label % accounts.users.len()].clone();
        Writer {
            shared,
            accounts,
            user,
            random: StdRng::seed_from_u64(seed),
            label,
            next: 0,
            records: Vec::new(),
            pending: VecDeque::new(),
            tasks: BTreeMap::new(),
            flat: Vec::new(),
        }
    }

    /// Writes until the load is over and every operation has its answer.
    pub(crate) async fn run(mut self) -> Vec<Operation> {
        while self.shared.phase() < Phase::Over {
            if self.shared.phase() > Phase::Load && self.pending.is_empty() {
                break;
            }
            let instances = &self.shared.world.instances;
            let instance = &instances[self.random.random_range(0..instances.len())];
            let how = (&*instance.address(), Pace::default(), 0);
            // a writer moves long before its token ends, so it renews nothing
            match Lease::open(&self.shared, &self.user.session, how, &json!([]), None).await {
                Ok((socket, ..)) => {
                    self.shared.counts.connections.fetch_add(1, Relaxed);
                    self.converse(socket).await;
                }
                Err(_) => sleep(Duration::from_millis(self.random.random_range(50..400))).await,
            }
        }
        self.records
    }

    /// Uses one connection until it ends or nothing is left to do.
    async fn converse(&mut self, mut socket: Socket) {
        for at in 0..self.pending.len() {
            if self.resend(&mut socket, at).await.is_err() {
                return;
            }
        }
        let ends = Instant::now() + Duration::from_millis(self.random.random_range(STAY));
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        loop {
            tokio::select! {
                text = socket.next() => {
                    let Ok(text) = text else { return };
                    match self.take(&text) {
                        Some(again) => {
                            // a retryable error: try again later
                            sleep(Duration::from_millis(self.random.random_range(20..200))).await;
                            if let Some(at) = self.pending.iter().position(|pending| pending.number == again)
                                && self.resend(&mut socket, at).await.is_err()
                            {
                                return;
                            }
                        }
                        None => tokio::task::yield_now().await,
                    }
                }
                _ = tick.tick() => {
                    let late = self.pending.front().is_some_and(|first| first.sent.elapsed() > PATIENCE);
                    // leave in the middle of operations: the old instance still carries them out
                    let moves = Instant::now() > ends && self.shared.phase() == Phase::Load;
                    if late || moves {
                        return;
                    }
                }
            }
            let over = self.shared.phase() > Phase::Load;
            if over && self.pending.is_empty() {
                return socket.close().await;
            }
            while !over && self.pending.len() < DEPTH && self.shared.take_leave() {
                self.invoke();
                if let Some(last) = self.pending.back_mut() {
                    last.sent = Instant::now();
                    if socket.send(last.text.clone()).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn resend(&mut self, socket: &mut Socket, at: usize) -> Result<(), crate::Failed> {
        let pending = &mut self.pending[at];
        pending.sent = Instant::now();
        let record = &mut self.records[pending.record];
        record.sent = record.sent.saturating_add(1);
        if record.sent == TRIES {
            let what = format!(
                "{:?} {} has no answer after {TRIES} tries",
                record.what, record.op_id
            );
            self.shared.verdicts.violated(Invariant::I3, what);
        }
        self.shared.counts.resent.fetch_add(1, Relaxed);
        socket.send(pending.text.clone()).await
    }

    /// Takes an answer; returns the number of an operation to send again.
    fn take(&mut self, text: &str) -> Option<u64> {
        let answer: Answer<'_> = serde_json::from_str(text).ok()?;
        let at = self
            .pending
            .iter()
            .position(|pending| Some(pending.number) == answer.id)?;
        let pending = &self.pending[at];
        if answer.r#type == "error" {
            self.shared.counts.errors.fetch_add(1, Relaxed);
            if answer.error.as_ref().is_some_and(|failure| failure.retryable) {
                return answer.id;
            }
        }
        let record = &mut self.records[pending.record];
        if answer.r#type == "ok" {
            let (at, data) = (
                answer.at.map_or("", RawValue::get),
                answer.data.map_or("", RawValue::get),
            );
            let reply = hash(format!("{at}|{data}").as_bytes());
            if answer.replayed {
                self.shared.counts.replayed.fetch_add(1, Relaxed);
            }
            if pending.echo {
                self.shared.verdicts.checked(Invariant::I3, 1);
                if reply != record.reply || !answer.replayed {
                    let what = format!(
                        "{:?} {}: the repeat got another answer: {text}",
                        record.what, record.op_id
                    );
                    self.shared.verdicts.violated(Invariant::I3, what);
                }
            } else {
                record.outcome = Outcome::Acknowledged;
                record.answered = self.shared.now();
                record.reply = reply;
                record.at = place(at, &self.shared, record.stream);
                self.shared.counts.acknowledged.fetch_add(1, Relaxed);
            }
        } else {
            let what = format!(
                "{:?} {} (sent {} times) was refused: {text}",
                record.what, record.op_id, record.sent
            );
            self.shared.verdicts.violated(Invariant::I3, what);
            if !pending.echo {
                record.outcome = Outcome::Refused;
                record.answered = self.shared.now();
            }
        }
        let done = self.pending.remove(at)?;
        self.finish(done)
    }

    /// After an answer: frees the task, and sometimes repeats the operation. Returns the number of the repeat.
    fn finish(&mut self, mut done: Pending) -> Option<u64> {
        self.shared.pending.fetch_sub(1, Relaxed);
        if let Some((workspace, task)) = done.task.map(|at| self.flat[at])
            && let Some(mine) = self
                .tasks
                .get_mut(&workspace)
                .and_then(|tasks| tasks.get_mut(task))
        {
            mine.busy = false;
        }
        if done.echo || !self.random.random_ratio(1, ECHO) {
            return None;
        }
        done.echo = true;
        done.task = None;
        let number = done.number;
        self.shared.pending.fetch_add(1, Relaxed);
        self.pending.push_back(done);
        Some(number)
    }

    /// Chooses a mutation, records it as begun, and adds it to `pending`.
    fn invoke(&mut self) {
        let workspace = self.user.workspaces[self.random.random_range(0..self.user.workspaces.len())];
        let id = self.accounts.workspaces[workspace].id;
        let free = (!self.flat.is_empty() && self.random.random_ratio(11, 20))
            .then(|| self.random.random_range(0..self.flat.len()))
            .filter(|at| {
                let (workspace, task) = self.flat[*at];
                !self.tasks[&workspace][task].busy
            });
        let made = match free {
            Some(at) => self.change(at),
            None if self.random.random_ratio(1, 8) => self.batch(id),
            None => self.create(workspace, id),
        };
        let (name, what, data, content, entries, task, id) = made;
        self.next += 1;
        let op_id = Uuid::from_u64_pair(self.random.random(), self.random.random());
        let request = json!({"type": name, "id": self.next, "op_id": op_id, "data": data});
        self.records.push(Operation {
            op_id,
            what,
            stream: self.shared.stream(id),
            entries,
            sent: 1,
            outcome: Outcome::Open,
            began: self.shared.now(),
            answered: 0,
            at: 0,
            content,
            reply: 0,
        });
        self.shared.counts.invoked.fetch_add(1, Relaxed);
        self.shared.pending.fetch_add(1, Relaxed);
        self.pending.push_back(Pending {
            number: self.next,
            text: request.to_string(),
            record: self.records.len() - 1,
            task,
            echo: false,
            sent: Instant::now(),
        });
    }

    fn title(&self, part: usize) -> String {
        format!("writer {} thought {} part {part}", self.label, self.next)
    }

    /// A new task's id, a UUIDv7. Its time is a constant plus the number of operations so far: it needs no clock.
    fn new_id(&mut self) -> Uuid {
        let (high, low): (u64, u64) = (self.random.random(), self.random.random());
        uuid::Builder::from_unix_timestamp_millis(1_790_000_000_000 + self.next, &{
            let mut bytes = [0; 10];
            bytes[..8].copy_from_slice(&high.to_be_bytes());
            bytes[8..].copy_from_slice(&low.to_be_bytes()[..2]);
            bytes
        })
        .into_uuid()
    }

    fn create(&mut self, number: usize, workspace: Uuid) -> Made {
        let (title, id) = (self.title(0), self.new_id());
        let mut data = json!({"id": id, "workspace_id": workspace, "title": title});
        if self.random.random_ratio(1, 12) {
            let members = &self.accounts.workspaces[number].members;
            let who = members[self.random.random_range(0..members.len())];
            data["assignee_ids"] = json!([self.accounts.users[who].id]);
        }
        let task = self.own(number, id);
        (
            "task.create",
            What::Create,
            data,
            hash(title.as_bytes()),
            1,
            task,
            workspace,
        )
    }

    fn own(&mut self, workspace: usize, id: Uuid) -> Option<usize> {
        if self.flat.len() >= TASKS {
            return None;
        }
        let tasks = self.tasks.entry(workspace).or_default();
        tasks.push(Mine {
            id,
            deleted: false,
            completed: false,
            busy: true,
        });
        self.flat.push((workspace, tasks.len() - 1));
        Some(self.flat.len() - 1)
    }

    fn batch(&mut self, workspace: Uuid) -> Made {
        let parts = self.random.random_range(2..=5);
        let ops: Vec<Value> = (0..parts)
            .map(|part| json!({"type": "task.create", "data": {"workspace_id": workspace, "title": self.title(part)}}))
            .collect();
        (
            "batch",
            What::Batch,
            json!({"ops": ops}),
            0,
            parts as u16,
            None,
            workspace,
        )
    }

    fn change(&mut self, at: usize) -> Made {
        let (workspace, task) = self.flat[at];
        let title = self.title(0);
        let chance = self.random.random_range(0..10);
        let stream = self.accounts.workspaces[workspace].id;
        let Some(mine) = self
            .tasks
            .get_mut(&workspace)
            .and_then(|tasks| tasks.get_mut(task))
        else {
            return self.create(workspace, stream);
        };
        mine.busy = true;
        let id = mine.id;
        let (name, what, data, content) = if mine.deleted {
            mine.deleted = false;
            ("task.restore", What::Restore, json!({"id": id}), 0)
        } else if chance == 0 {
            mine.deleted = true;
            ("task.delete", What::Delete, json!({"id": id}), 0)
        } else if chance < 4 {
            mine.completed = !mine.completed;
            if chance == 1 {
                let stage = if mine.completed { "done" } else { "doing" };
                ("task.move", What::Complete, json!({"id": id, "stage": stage}), 0)
            } else {
                let data = json!({"id": id, "completed": mine.completed});
                ("task.complete", What::Complete, data, 0)
            }
        } else {
            let data = json!({"id": id, "title": title});
            ("task.update", What::Update, data, hash(title.as_bytes()))
        };
        (name, what, data, content, 1, Some(at), stream)
    }
}

/// Name, kind, parameters, hash of the title, entries, task, workspace.
type Made = (&'static str, What, Value, u64, u16, Option<usize>, Uuid);

/// The `seq` of a stream in an answer's `at`; 0 for none.
pub(crate) fn place(at: &str, shared: &Shared, stream: u32) -> u64 {
    let at: BTreeMap<String, u64> = serde_json::from_str(at).unwrap_or_default();
    let found = at
        .iter()
        .find(|(name, _)| super::stream_id(name).is_some_and(|id| shared.stream(id) == stream));
    found.map_or(0, |(_, seq)| *seq)
}
