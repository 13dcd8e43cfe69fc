//! `reminders`: many reminders are due at one moment. Measures how late they arrive, and how much longer the operations
//! of somebody else take meanwhile.

use crate::accounts::{self, Account};
use crate::crowd;
use crate::fault::{Fault, Faults};
use crate::link::Link;
use crate::lock::lock;
use crate::meter::{Latency, latency, micros};
use crate::report::Report;
use crate::report::plot::Plot;
use crate::target::Server;
use crate::trouble::Trouble;
use crate::worker::Worker;
use clap::Args;
use memchr::memmem;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use taskwire_protocol::account::Streams;
use taskwire_protocol::batch::{Batch, BatchOp, BatchResult};
use taskwire_protocol::stream::Subscribe;
use taskwire_protocol::{StreamId, Timestamp};
use tokio::task::JoinSet;
use uuid::Uuid;

/// Tasks that one request makes.
const BATCH: usize = 100;
/// People who make their tasks at the same time.
const MAKING: crowd::Admission = crowd::Admission { opening: 8 };
/// Tasks a second that a slow server makes: the moment is far enough away for it.
const SLOW: f64 = 2_500.0;

/// `reminders`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Reminders {
    /// Reminders that are due at one moment
    #[arg(long = "reminders", value_parser = crate::options::count, default_value_t = 100_000)]
    pub(crate) count: usize,
    /// People who are reminded, each on one socket
    #[arg(long, value_parser = crate::options::count, default_value_t = 100)]
    pub(crate) people: usize,
    /// Operations a second of the person at work
    #[arg(long, value_parser = crate::options::rate, default_value_t = 100.0)]
    pub(crate) rate: f64,
    /// Seconds in which the reminders should arrive; after twice that time the missing ones count as lost
    #[arg(long, value_parser = crate::options::measured, default_value_t = 60.0)]
    pub(crate) within: f64,
    /// Seconds that the person works before the moment, at least
    #[arg(long, value_parser = crate::options::measured, default_value_t = 10.0)]
    pub(crate) seconds: f64,
}

/// The moment at which all reminders are due.
#[derive(Clone, Copy)]
struct Moment {
    instant: Instant,
    clock: Timestamp,
}

/// A person who waits for reminders.
struct Person {
    link: Link,
    /// The tasks whose reminders have not arrived yet.
    awaited: HashSet<Uuid>,
}

/// What arrived, at all sockets together.
struct Heard {
    late: Latency,
    missing: usize,
    faults: Faults,
}

/// The part of an event's data that counts here.
#[derive(Deserialize)]
struct Notified {
    task_id: Option<Uuid>,
}

/// The part of an event that counts here.
#[derive(Deserialize)]
struct Event {
    data: Notified,
}

impl Reminders {
    /// Makes the tasks, measures the person at work before the moment, and after it.
    pub(crate) async fn run(&self, server: &Server) -> Result<Report, Trouble> {
        let accounts = accounts::make(server, self.people + 1).await?;
        let (at_work, reminded) = accounts
            .split_first()
            .ok_or_else(|| Trouble::setup("no account"))?;
        if reminded.len() < self.people {
            return Err(Trouble::setup("give one --token more than --people"));
        }
        let moment = Moment::after(self.count as f64 / SLOW + self.seconds + 3.0);
        let heard = Arc::new(Mutex::new(Heard::nothing(self.count)));
        let watchers = Mutex::new(JoinSet::new());
        let make = async |number: usize| {
            let person = self.person(server, number, &reminded[number], moment).await?;
            // It listens from here on: the server closes a socket that does not answer its pings.
            lock(&watchers).spawn(person.listen(moment, heard.clone()));
            Ok(())
        };
        crowd::gather(self.people, MAKING, make).await?;
        let left = moment
            .instant
            .saturating_duration_since(Instant::now())
            .as_secs_f64();
        if left < self.seconds {
            return Err(Trouble::setup(
                "the tasks were not made in time: try fewer --reminders",
            ));
        }
        let mut worker = Worker::new(server, at_work, self.rate).await?;
        let alone = worker.work(left - 1.0).await?;
        tokio::time::sleep_until(moment.instant.into()).await;
        let watchers = watchers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let loaded = self.work_meanwhile(&mut worker, watchers, &heard, moment).await?;
        let report = self.report(&alone, &loaded, &mut lock(&heard));
        Ok(report)
    }

    /// Signs a person in and makes their share of the tasks, then follows their own stream.
    async fn person(
        &self,
        server: &Server,
        number: usize,
        account: &Account,
        moment: Moment,
    ) -> Result<Person, Trouble> {
        let (mut link, welcome) =
            crowd::join(server.address, number, account, Streams::These(Vec::new())).await?;
        let share = self.count / self.people + usize::from(number < self.count % self.people);
        #[allow(
            clippy::disallowed_methods,
            reason = "a client's ids, which no server has made"
        )]
        let ids: Vec<Uuid> = (0..share).map(|_| Uuid::now_v7()).collect();
        for ids in ids.chunks(BATCH) {
            let ops = ids.iter().map(|id| task(*id, moment)).collect();
            let batch = Batch { ops, atomic: None };
            for result in link.call(&batch).await?.results {
                if let BatchResult::Refused { error } = result {
                    return Err(Trouble::Refused("task.create", Box::new(error)));
                }
            }
        }
        let stream = StreamId::User(welcome.user.id);
        link.call(&Subscribe { stream, since: None }).await?;
        let awaited = ids.into_iter().collect();
        Ok(Person { link, awaited })
    }

    /// Works until all reminders have arrived, or twice the time for it is over.
    async fn work_meanwhile(
        &self,
        worker: &mut Worker,
        mut watchers: JoinSet<Trouble>,
        heard: &Mutex<Heard>,
        moment: Moment,
    ) -> Result<Latency, Trouble> {
        let mut loaded = latency();
        while lock(heard).missing > 0 && moment.instant.elapsed().as_secs_f64() < 2.0 * self.within {
            let part = worker.work(1.0).await?;
            // Both have the same bounds, so nothing can be out of range.
            let _ = loaded.add(&part);
            if let Some(Ok(trouble)) = watchers.try_join_next() {
                return Err(trouble);
            }
        }
        Ok(loaded)
    }

    fn report(&self, alone: &Latency, loaded: &Latency, heard: &mut Heard) -> Report {
        let title = format!("{} at one moment, {} people", self.count, self.people);
        let mut report = Report::new("reminders", title);
        report.put(
            "first half after",
            heard.late.value_at_quantile(0.5) as f64 / 1e6,
            "s",
        );
        let last = heard.late.max() as f64 / 1e6;
        report.put("last after", last, "s");
        report.put("reminders", heard.late.len() as f64 / last, "/s");
        report.put_beside(alone, loaded, "meanwhile");
        let plot = Plot::percentiles("how late a reminder arrives");
        report.plots.push(plot.of("reminders", &heard.late));
        report.checked = format!("each of {} reminders arrived exactly once", self.count);
        heard.faults.add(Fault::Missing, heard.missing as u64, || {
            "reminders that did not arrive".to_owned()
        });
        report.faults = std::mem::take(&mut heard.faults);
        report
    }
}

impl Person {
    /// Counts the reminders, until the socket ends.
    async fn listen(mut self, moment: Moment, heard: Arc<Mutex<Heard>>) -> Trouble {
        loop {
            let awaited = &mut self.awaited;
            let read = self.link.read(|at, text| {
                if let Some(task) = reminded(text) {
                    lock(&heard).count(
                        at.saturating_duration_since(moment.instant),
                        awaited.remove(&task),
                    );
                }
            });
            if let Err(trouble) = read.await {
                return trouble;
            }
        }
    }
}

impl Heard {
    fn nothing(awaited: usize) -> Heard {
        Heard {
            late: latency(),
            missing: awaited,
            faults: Faults::default(),
        }
    }

    fn count(&mut self, late: Duration, is_awaited: bool) {
        if is_awaited {
            self.late.saturating_record(micros(late));
            self.missing -= 1;
        } else {
            self.faults.add(Fault::Duplicate, 1, || {
                "a task's reminder arrived again".to_owned()
            });
        }
    }
}

impl Moment {
    fn after(seconds: f64) -> Moment {
        #[allow(
            clippy::disallowed_methods,
            reason = "a reminder is due at a time of the clock"
        )]
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let wait = Duration::from_secs_f64(seconds);
        let clock = now.map_or(0, |now| (now + wait).as_millis() as i64);
        Moment {
            instant: Instant::now() + wait,
            clock: Timestamp(clock),
        }
    }
}

/// A task with a reminder.
fn task(id: Uuid, moment: Moment) -> BatchOp {
    let data = serde_json::json!({ "id": id, "title": "Water the plants", "remind_at": moment.clock });
    BatchOp {
        r#type: "task.create".to_owned(),
        op_id: None,
        data: data.into(),
    }
}

/// The task whose reminder a frame carries.
fn reminded(text: &[u8]) -> Option<Uuid> {
    memmem::find(text, br#""type":"TASK_REMINDER""#)?;
    let event: Event = serde_json::from_slice(text).ok()?;
    event.data.task_id
}
