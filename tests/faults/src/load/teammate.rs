//! A teammate: does one thing after the other that teams do, and knows exactly what each must leave (`scenes`). It records
//! each mutation, and sends one without an answer again with the same `op_id`, to any instance, until there is an answer.

use super::accounts::{Accounts, Caller, User};
use super::kept::Kept;
use super::post::Post;
use super::record::{Operation, Outcome, What};
use super::session::anywhere;
use super::{Phase, Shared, hash, writer};
use crate::Failed;
use crate::verdict::Invariant;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use serde_json::Value;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// For how many milliseconds a teammate stays with an instance.
const STAY: std::ops::Range<u64> = 500..5000;
/// For how many milliseconds it thinks before a mutation.
const THINKS: std::ops::Range<u64> = 20..120;
/// One in this many answered mutations is sent again, to check that it gets the same answer.
const ECHO: u32 = 25;
/// A mutation without an answer for longer is a violation.
const PATIENCE: Duration = Duration::from_secs(90);
/// How many entries a mutation makes: one or more, the teammate cannot say.
pub(super) const SOME: u16 = 0;

/// A teammate.
pub(crate) struct Teammate {
    pub(super) shared: Arc<Shared>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) user: User,
    /// Two accounts that nobody else uses: they come and go.
    pub(super) newcomers: [User; 2],
    /// The newcomers' workspace, once it is there, and the number of its owner.
    pub(super) club: Option<Uuid>,
    pub(super) owner: usize,
    pub(super) random: StdRng,
    pub(super) label: usize,
    pub(super) number: u64,
    records: Vec<Operation>,
    /// The open socket, whose it is, and when to leave it.
    line: Option<(Caller, Uuid, Instant)>,
}

/// A mutation to carry out.
pub(super) struct Act<'a> {
    pub(super) name: &'static str,
    pub(super) data: Value,
    /// The stream, and how many entries it gets.
    pub(super) stream: Uuid,
    pub(super) entries: u16,
    pub(super) who: &'a User,
    /// The request, if it goes over HTTP; then `data` is not used.
    pub(super) post: Option<Post>,
}

impl Teammate {
    /// A teammate who is the user with this number, and two newcomers of the same number.
    pub(crate) fn new(shared: Arc<Shared>, accounts: Arc<Accounts>, label: usize, seed: u64) -> Teammate {
        let user = accounts.users[label % accounts.users.len()].clone();
        let newcomers = [0, 1].map(|n| accounts.newcomers[label * 2 + n].clone());
        Teammate {
            shared,
            accounts,
            user,
            newcomers,
            club: None,
            owner: 0,
            random: StdRng::seed_from_u64(seed),
            label,
            number: 0,
            records: Vec::new(),
            line: None,
        }
    }

    /// Works until the load is over and its last mutation has an answer.
    pub(crate) async fn run(mut self) -> Vec<Operation> {
        while self.shared.phase() == Phase::Load {
            if self.shared.pause.load(Relaxed) {
                sleep(Duration::from_millis(50)).await;
                continue;
            }
            // a scene ends early when the load is over, or after a violation
            let _ = self.scene().await;
        }
        self.records
    }

    /// Records something that must be there at the end.
    pub(super) fn keep(&self, record: impl FnOnce(&mut Kept)) {
        record(&mut self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The answer to the last mutation told the place of an entry that the server made after it, not on anybody's behalf.
    pub(super) fn ended_elsewhere(&mut self) {
        if let Some(record) = self.records.last_mut() {
            record.at = 0;
        }
    }

    /// Carries out a mutation. Returns its answer's data; `None` when the load is over, or it was refused.
    pub(super) async fn act(&mut self, act: Act<'_>) -> Option<Value> {
        let record = self.begin(&act).await?;
        let op_id = self.records[record].op_id;
        let answer = self.insist(&act, op_id, record).await;
        if let Some(answer) = &answer
            && self.random.random_ratio(1, ECHO)
        {
            self.echo(&act, op_id, answer).await;
        }
        self.shared.pending.fetch_sub(1, Relaxed);
        answer.map(|mut answer| answer["data"].take())
    }

    /// Waits for its turn, and records the mutation as begun.
    async fn begin(&mut self, act: &Act<'_>) -> Option<usize> {
        sleep(Duration::from_millis(self.random.random_range(THINKS))).await;
        while self.shared.pause.load(Relaxed) && self.shared.phase() == Phase::Load {
            sleep(Duration::from_millis(20)).await;
        }
        if self.shared.phase() > Phase::Load {
            return None;
        }
        // it counts as one of the run's mutations; but writers, who are many more, would leave none
        self.shared.take_leave();
        self.records.push(Operation {
            op_id: Uuid::from_u64_pair(self.random.random(), self.random.random()),
            what: What::Named(act.name),
            stream: self.shared.stream(act.stream),
            entries: act.entries,
            sent: 0,
            outcome: Outcome::Open,
            began: self.shared.now(),
            answered: 0,
            at: 0,
            content: 0,
            reply: 0,
        });
        self.shared.counts.invoked.fetch_add(1, Relaxed);
        self.shared.pending.fetch_add(1, Relaxed);
        Some(self.records.len() - 1)
    }

    /// Sends a mutation until there is an answer.
    async fn insist(&mut self, act: &Act<'_>, op_id: Uuid, record: usize) -> Option<Value> {
        let began = Instant::now();
        loop {
            let sent = &mut self.records[record].sent;
            *sent = sent.saturating_add(1);
            if *sent > 1 {
                self.shared.counts.resent.fetch_add(1, Relaxed);
            }
            match self.once(act, op_id).await {
                Ok(answer) if answer["type"] == "ok" => {
                    self.acknowledged(record, &answer);
                    return Some(answer);
                }
                Ok(answer) if answer["error"]["retryable"] == false => {
                    self.refused(record, &answer.to_string());
                    return None;
                }
                Ok(_) => {
                    self.shared.counts.errors.fetch_add(1, Relaxed);
                }
                Err(_) => self.line = None,
            }
            if self.late(began, record) {
                return None;
            }
            sleep(Duration::from_millis(self.random.random_range(20..200))).await;
        }
    }

    fn acknowledged(&mut self, record: usize, answer: &Value) {
        let record = &mut self.records[record];
        record.outcome = Outcome::Acknowledged;
        record.answered = self.shared.now();
        record.at = writer::place(&answer["at"].to_string(), &self.shared, record.stream);
        record.reply = reply(answer);
        self.shared.counts.acknowledged.fetch_add(1, Relaxed);
        if answer["replayed"] == true {
            self.shared.counts.replayed.fetch_add(1, Relaxed);
        }
    }

    fn refused(&mut self, record: usize, answer: &str) {
        let record = &mut self.records[record];
        record.outcome = Outcome::Refused;
        record.answered = self.shared.now();
        let what = format!(
            "{:?} {} (sent {} times) was refused: {answer}",
            record.what, record.op_id, record.sent
        );
        self.shared.verdicts.violated(Invariant::I3, what);
    }

    /// Whether a mutation waits for too long.
    fn late(&self, began: Instant, record: usize) -> bool {
        let is_late = began.elapsed() > PATIENCE;
        if is_late {
            let record = &self.records[record];
            let what = format!(
                "{:?} {} has no answer after {} tries",
                record.what, record.op_id, record.sent
            );
            self.shared.verdicts.violated(Invariant::I3, what);
        }
        is_late
    }

    /// Sends a mutation once, on the open socket if there is one and it does not go over HTTP.
    async fn once(&mut self, act: &Act<'_>, op_id: Uuid) -> Result<Value, Failed> {
        if let Some(post) = &act.post {
            let address = anywhere(&self.shared.world, &mut self.random);
            return post.send(&address, act.who, op_id).await;
        }
        let fits = |line: &(Caller, Uuid, Instant)| line.1 == act.who.id && line.2 > Instant::now();
        if !self.line.as_ref().is_some_and(fits) {
            self.line = None;
            let address = anywhere(&self.shared.world, &mut self.random);
            let caller = Caller::of(&self.shared, act.who, &address).await?;
            self.shared.counts.connections.fetch_add(1, Relaxed);
            let stay = Duration::from_millis(self.random.random_range(STAY));
            self.line = Some((caller, act.who.id, Instant::now() + stay));
        }
        match &mut self.line {
            Some((caller, ..)) => caller.ask(act.name, Some(op_id), &act.data).await,
            None => Err("no socket".into()),
        }
    }

    /// Asks something. `None` when the load is over.
    pub(super) async fn ask(&mut self, who: &User, name: &'static str, data: &Value) -> Option<Value> {
        while self.shared.phase() == Phase::Load {
            let address = anywhere(&self.shared.world, &mut self.random);
            if let Ok(mut caller) = Caller::of(&self.shared, who, &address).await
                && let Ok(data) = caller.call(name, data).await
            {
                return Some(data);
            }
            sleep(Duration::from_millis(self.random.random_range(20..200))).await;
        }
        None
    }

    /// I3: a repeat gets the same answer.
    async fn echo(&mut self, act: &Act<'_>, op_id: Uuid, first: &Value) {
        let Ok(again) = self.once(act, op_id).await else {
            self.line = None;
            return;
        };
        if again["error"]["retryable"] == true {
            return;
        }
        self.shared.verdicts.checked(Invariant::I3, 1);
        let told = again["replayed"] == true || act.post.as_ref().is_some_and(|post| !post.tells);
        if !told || reply(&again) != reply(first) {
            let what = format!("{} {op_id}: the repeat got another answer: {again}", act.name);
            self.shared.verdicts.violated(Invariant::I3, what);
        }
    }
}

/// A hash of an answer without `replayed`.
fn reply(answer: &Value) -> u64 {
    hash(format!("{}|{}", answer["at"], answer["data"]).as_bytes())
}
