//! Sockets that are abandoned, read slowly or reconnect all at once; one op_id sent many times; memberships that end in
//! the middle of a fan-out.

use crate::Failed;
use crate::load::accounts::{Caller, User};
use crate::load::record::{Operation, Outcome, Removal, What};
use crate::load::{hash, writer};
use crate::stage::Stage;
use crate::verdict::Invariant;
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// One client in this many is affected.
const SHARE: u32 = 10;

pub(super) fn half_open(stage: &Stage, random: &mut StdRng) -> String {
    let mut vanished = 0;
    for desk in stage.desks.iter().filter(|_| random.random_ratio(1, SHARE)) {
        desk.order.store(1, Relaxed);
        desk.nudge.notify_one();
        vanished += 1;
    }
    format!("{vanished} clients")
}

pub(super) async fn slow_readers(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let slow: Vec<_> = stage
        .desks
        .iter()
        .filter(|_| random.random_ratio(1, SHARE))
        .collect();
    for desk in &slow {
        desk.pace.store(1024, Relaxed);
    }
    sleep(Duration::from_secs(8)).await;
    for desk in &slow {
        desk.pace.store(0, Relaxed);
    }
    Ok(format!("{} clients", slow.len()))
}

/// The size of a small receive buffer; the kernel doubles it. The reader's window is nearly always closed.
const SMALL: u32 = 4096;

pub(super) async fn small_windows(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let slow: Vec<_> = stage
        .readers()
        .iter()
        .filter(|_| random.random_ratio(1, SHARE))
        .collect();
    for desk in &slow {
        desk.reconnect(SMALL);
    }
    // they read slowly once they have their welcome
    sleep(Duration::from_secs(3)).await;
    for desk in &slow {
        desk.pace.store(random.random_range(1024..=8192), Relaxed);
    }
    let length = Duration::from_secs_f64((60.0 * stage.scale).max(10.0));
    sleep(length).await;
    for desk in &slow {
        desk.pace.store(0, Relaxed);
        desk.reconnect(0);
    }
    Ok(format!("{} clients for {length:?}", slow.len()))
}

pub(super) fn storm(stage: &Stage) -> String {
    stage.shared.storm.send_modify(|storms| *storms += 1);
    format!("{} clients", stage.desks.len())
}

/// A mutation that a fault invokes for a user.
struct Intent<'a> {
    user: &'a User,
    name: &'a str,
    data: &'a Value,
    op_id: Uuid,
}

impl Intent<'_> {
    /// Sends it once. Returns the `ok`, or `None` when it must be sent again.
    async fn once(&self, stage: &Stage, address: &str) -> Result<Option<Value>, Failed> {
        let asked = async {
            let mut caller = Caller::of(&stage.shared, self.user, address).await?;
            caller.ask(self.name, Some(self.op_id), self.data).await
        };
        match asked.await {
            Ok(answer) if answer["type"] == "ok" => Ok(Some(answer)),
            Ok(answer) if answer["error"]["retryable"] == false => {
                Err(format!("{}: {answer}", self.name).into())
            }
            _ => Ok(None),
        }
    }

    /// Sends it to one instance after the other until there is an answer.
    async fn insist(&self, stage: &Stage, from: usize) -> Result<Value, Failed> {
        let deadline = Instant::now() + Duration::from_secs(90);
        let instances = &stage.shared.world.instances;
        for at in from.. {
            if let Some(answer) = self
                .once(stage, &instances[at % instances.len()].address())
                .await?
            {
                return Ok(answer);
            }
            if Instant::now() > deadline {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err(format!("{} {}: no answer in 90 s", self.name, self.op_id).into())
    }
}

/// A hash of an answer without `replayed`.
fn reply(answer: &Value) -> u64 {
    hash(format!("{}|{}", answer["at"], answer["data"]).as_bytes())
}

fn operation(stage: &Stage, what: What, op_id: Uuid, workspace: Uuid) -> Operation {
    Operation {
        op_id,
        what,
        stream: stage.shared.stream(workspace),
        entries: 1,
        sent: 1,
        outcome: Outcome::Open,
        began: stage.shared.now(),
        answered: 0,
        at: 0,
        content: 0,
        reply: 0,
    }
}

/// How often the same op_id is sent.
const TIMES: usize = 50;

pub(super) async fn same_op(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let workspace = &stage.accounts.workspaces[random.random_range(0..stage.accounts.workspaces.len())];
    let owner = &stage.accounts.users[workspace.members[0]];
    let title = format!("fifty times {:016x}", random.random::<u64>());
    let data = json!({"workspace_id": workspace.id, "title": title});
    let op_id = Uuid::from_u64_pair(random.random(), random.random());
    let mut record = operation(stage, What::Create, op_id, workspace.id);
    (record.sent, record.content) = (TIMES as u16, hash(title.as_bytes()));
    let intent = Intent {
        user: owner,
        name: "task.create",
        data: &data,
        op_id,
    };
    let all = (0..TIMES).map(|from| intent.insist(stage, from));
    let mut first: Option<u64> = None;
    let mut effects = 0;
    let answers = futures_util::future::join_all(all).await;
    for answer in answers {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                stage
                    .shared
                    .verdicts
                    .violated(Invariant::I3, format!("the same op_id {TIMES} times: {error}"));
                continue;
            }
        };
        stage.shared.verdicts.checked(Invariant::I3, 1);
        effects += usize::from(answer["replayed"] != true);
        let reply = reply(&answer);
        if *first.get_or_insert(reply) != reply {
            let what = format!("the same op_id {TIMES} times: different answers, {answer}");
            stage.shared.verdicts.violated(Invariant::I3, what);
        }
        record.outcome = Outcome::Acknowledged;
        record.at = writer::place(&answer["at"].to_string(), &stage.shared, record.stream);
    }
    // an answer may be lost with its connection, and then every answer that arrives is a repeat
    if effects > 1 {
        let what = format!("the same op_id {TIMES} times: {effects} answers claim to be the first");
        stage.shared.verdicts.violated(Invariant::I3, what);
    }
    (record.answered, record.reply) = (stage.shared.now(), first.unwrap_or_default());
    stage.record(record);
    Ok(format!("sent {TIMES} times, {effects} answers without replayed"))
}

pub(super) async fn revoke(stage: &Stage, random: &mut StdRng) -> Result<String, Failed> {
    let at = random.random_range(0..stage.accounts.guests.len());
    let (guest, workspace) = (&stage.accounts.guests[at], &stage.accounts.workspaces[at]);
    let _turn = stage.guests[at].lock().await;
    let owner = &stage.accounts.users[workspace.members[0]];
    let data = json!({"workspace_id": workspace.id, "user_id": guest.id});
    let removed = member(stage, random, owner, What::RemoveMember, &data, workspace.id).await?;
    let stream = stage.shared.stream(workspace.id);
    // long enough to see an event that arrives too late
    let length = Duration::from_millis(random.random_range(4500..7000));
    sleep(length).await;
    // 1 s with Redis, 3.5 s while it is disturbed; and this program may notice an event late itself
    let disturbed = &stage.shared.disturbed;
    let calm = disturbed.redis.rested(removed.answered, stage.shared.now());
    let grace = if calm { 1_000_000_000 } else { 3_500_000_000 } + 4 * disturbed.lag.load(Relaxed);
    let data = json!({"workspace_id": workspace.id, "username": guest.username, "role": "member"});
    let added = member(stage, random, owner, What::AddMember, &data, workspace.id).await?;
    let removal = Removal {
        user: guest.id,
        stream,
        seq: removed.at,
        at: removed.answered,
        grace,
        until: added.at,
    };
    stage
        .removals
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(removal);
    Ok(format!("guest {at} for {length:?}"))
}

async fn member(
    stage: &Stage,
    random: &mut StdRng,
    user: &User,
    what: What,
    data: &Value,
    workspace: Uuid,
) -> Result<Operation, Failed> {
    let op_id = Uuid::from_u64_pair(random.random(), random.random());
    let mut record = operation(stage, what, op_id, workspace);
    let name = if what == What::AddMember {
        "member.add"
    } else {
        "member.remove"
    };
    let intent = Intent {
        user,
        name,
        data,
        op_id,
    };
    let answer = intent.insist(stage, random.random_range(0..3)).await;
    if let Ok(answer) = &answer {
        record.outcome = Outcome::Acknowledged;
        record.answered = stage.shared.now();
        record.at = writer::place(&answer["at"].to_string(), &stage.shared, record.stream);
        record.reply = reply(answer);
    }
    stage.record(record.clone());
    answer.map(|_| record)
}
