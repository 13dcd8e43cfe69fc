//! A shift: people work for a while, first to warm up, then measured. At the end, the event of every acknowledged
//! operation must have arrived at the watchers. Every scenario with people uses this. Does not know who the people are.

use crate::board::Board;
use crate::check::Ledger;
use crate::fault::Fault;
use crate::lock::lock;
use crate::meter::{Latency, Meter, latency, micros};
use crate::metronome::Metronome;
use crate::mind::Desk;
use crate::mix::Kind;
use crate::person::{Person, Turns};
use crate::processes::Spent;
use crate::report::Report;
use crate::report::plot::Plot;
use crate::stop;
use crate::target::Server;
use crate::timeline::{self, Sample, Timeline};
use crate::trouble::Trouble;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The name of the server's part of `CPU per operation`.
pub(crate) const OF_SERVER: &str = "of that the server";
/// The name of the server's part when the database's part is not known.
pub(crate) const SERVER_ALONE: &str = "of the server alone, per operation";

/// How long a shift is, and how people take turns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    pub(crate) warm_up: f64,
    pub(crate) seconds: f64,
    /// Requests a second in all, by the clock; `None`: each as soon as the previous one is answered.
    pub(crate) rate: Option<f64>,
}

/// The results of a shift.
pub(crate) struct Outcome {
    pub(crate) latency: Latency,
    kinds: Vec<(Kind, Latency)>,
    /// The measured time. With a rate, it lasts until the last turn was answered: late answers must not raise the rate.
    pub(crate) seconds: f64,
    pub(crate) spent: Spent,
    pub(crate) samples: Vec<Sample>,
    /// Events that arrived at watchers, the warm-up included.
    delivered: u64,
    is_local: bool,
    /// Whether the database's CPU is in `spent`.
    is_whole: bool,
}

/// Counts the answers.
struct Counter {
    board: Arc<Board>,
    ledger: Arc<Mutex<Ledger>>,
    from: Instant,
    until: Instant,
    by_clock: bool,
    /// When the shift ended.
    over: OnceLock<Instant>,
    dropped: AtomicU64,
    meter: Mutex<Meter>,
    kinds: Mutex<[Latency; 4]>,
    expected: AtomicU64,
}

impl Desk for Counter {
    fn board(&self) -> &Board {
        &self.board
    }

    fn ledger(&self) -> &Mutex<Ledger> {
        &self.ledger
    }

    fn is_over(&self) -> bool {
        self.over.get().is_some()
    }

    fn is_late(&self) -> bool {
        self.over
            .get()
            .is_some_and(|at| at.elapsed() > self.board.patience)
    }

    fn dropped(&self, turns: u64) {
        self.dropped.fetch_add(turns, Relaxed);
    }

    fn done(&self, kind: Kind, intended: Instant, now: Instant, audience: u64) {
        self.expected.fetch_add(audience, Relaxed);
        // With a rate, a request counts by its turn, even if its answer is late: slow ones must not be left out.
        let last = if self.by_clock { intended } else { now };
        if intended < self.from || last >= self.until {
            return;
        }
        let took = now.saturating_duration_since(intended);
        lock(&self.meter).record(took);
        lock(&self.kinds)[kind as usize].saturating_record(micros(took));
    }
}

impl Shift {
    /// Lets people work, measures, and checks.
    pub(crate) async fn run(
        self,
        server: &Server,
        people: Vec<Person>,
        board: &Arc<Board>,
        ledger: &Arc<Mutex<Ledger>>,
    ) -> Result<Outcome, Trouble> {
        let start = Instant::now();
        let counter = self.counter(board, ledger, start);
        board.begin(0);
        let _measuring = stop::measuring();
        let (metronome, mut work) = self.start(people, &counter, start);
        stop::sleep(counter.from.saturating_duration_since(Instant::now())).await;
        let (usage, began) = (server.processes.usage(), Instant::now());
        let desk = counter.clone();
        let total = Duration::from_secs_f64(self.seconds);
        let timeline = Timeline::record(server.processes, total, move || lock(&desk.meter).look());
        stop::sleep(counter.until.saturating_duration_since(Instant::now())).await;
        counter.over.get_or_init(Instant::now);
        if let Some(metronome) = &metronome {
            metronome.stop();
            wait(&mut work, board).await;
        }
        let (seconds, spent) = (
            began.elapsed().as_secs_f64(),
            server.processes.usage().since(&usage),
        );
        let samples = timeline.end();
        wait(&mut work, board).await;
        let late = metronome.map_or(Ok(0), Metronome::end)?;
        let dropped = counter.dropped.load(Relaxed) + late;
        board.fault(Fault::Dropped, dropped, || {
            "the server is far too slow for this rate".into()
        });
        board.all(counter.expected.load(Relaxed)).await;
        lock(ledger).verify(&mut board.lock().faults);
        let kinds = lock(&counter.kinds).clone();
        let latency = lock(&counter.meter).whole().clone();
        Ok(Outcome {
            latency,
            kinds: Kind::ALL.into_iter().zip(kinds).collect(),
            seconds,
            spent,
            samples,
            delivered: board.lock().delivered,
            is_local: server.processes.server.is_some(),
            is_whole: server.is_whole,
        })
    }

    /// The counter for this shift.
    fn counter(self, board: &Arc<Board>, ledger: &Arc<Mutex<Ledger>>, start: Instant) -> Arc<Counter> {
        let from = start + Duration::from_secs_f64(self.warm_up);
        Arc::new(Counter {
            board: board.clone(),
            ledger: ledger.clone(),
            from,
            until: from + Duration::from_secs_f64(self.seconds),
            by_clock: self.rate.is_some(),
            over: OnceLock::new(),
            dropped: AtomicU64::new(0),
            meter: Mutex::new(Meter::new()),
            kinds: Mutex::new(std::array::from_fn(|_| latency())),
            expected: AtomicU64::new(0),
        })
    }

    /// Starts the people's work.
    fn start(
        self,
        people: Vec<Person>,
        counter: &Arc<Counter>,
        start: Instant,
    ) -> (Option<Metronome>, JoinSet<Result<(), Trouble>>) {
        let mut work = JoinSet::new();
        let clock = self
            .rate
            .map(|rate| Metronome::start(people.len(), rate, start, counter.until));
        let (metronome, turns) =
            clock.map_or((None, Vec::new()), |(metronome, turns)| (Some(metronome), turns));
        let by_clock = turns.into_iter().map(Turns::ByClock);
        let turns = by_clock.chain(std::iter::repeat_with(|| Turns::AsAnswered));
        for (person, turns) in people.into_iter().zip(turns) {
            work.spawn(person.work(counter.clone(), turns));
        }
        (metronome, work)
    }
}

/// Waits until all people have their last answer. A person's error is a fault of the run.
async fn wait(work: &mut JoinSet<Result<(), Trouble>>, board: &Board) {
    while let Some(ended) = work.join_next().await {
        let ended = ended.map_err(|error| Trouble::setup(error.to_string()));
        if let Err(trouble) = ended.and_then(|ended| ended) {
            board.fault(Fault::Cut, 1, || trouble.to_string());
        }
    }
}

impl Outcome {
    /// Adds the CPU of an operation. If the database's CPU is unknown, the server's part has another name, so that it
    /// is not mistaken for the sum.
    fn put_cpu(&self, report: &mut Report, ops: f64) {
        let (server, database) = (self.spent.server / ops, self.spent.database / ops);
        match (self.is_local, self.is_whole) {
            (false, _) => {}
            (true, true) => {
                report.put("CPU per operation", server + database, "µs");
                report.put(OF_SERVER, server, "µs");
            }
            (true, false) => report.put(SERVER_ALONE, server, "µs"),
        }
    }

    /// Adds the results to a report.
    pub(crate) fn put(&self, report: &mut Report) {
        let ops = self.latency.len() as f64;
        report.put(
            "operations",
            self.latency.len() as f64 / self.seconds,
            "per second",
        );
        self.put_cpu(report, ops);
        report.put_latency(&self.latency);
        let kinds: Vec<_> = self
            .kinds
            .iter()
            .filter(|(_, latency)| !latency.is_empty())
            .collect();
        let mut percentiles = Plot::percentiles("latency by percentile").of("all", &self.latency);
        if kinds.len() > 1 {
            for (kind, latency) in &kinds {
                let name = kind.name();
                let share = latency.len() as f64 / ops * 100.0;
                report.put(format!("{name}: share"), share, "%");
                report.put(
                    format!("{name}: p50"),
                    crate::meter::millis_at(latency, 0.5),
                    "ms",
                );
                report.put(
                    format!("{name}: p99"),
                    crate::meter::millis_at(latency, 0.99),
                    "ms",
                );
                percentiles = percentiles.of(name, latency);
            }
        }
        report.put("events delivered, with the warm-up", self.delivered as f64, "");
        report.put_cores(self.spent, self.seconds);
        report.plots.extend(timeline::plots(&self.samples, "operations"));
        report.plots.push(percentiles);
    }
}
