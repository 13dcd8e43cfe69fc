//! `ops`: people who each make tasks in their own workspace, one after the other, while their other socket watches.
//! Durable operations a second, what one costs, how long it takes; with one client, the latency of an idle server.

use crate::accounts::{self, Account};
use crate::board::{Board, Latency, Watch, latency, lock, micros};
use crate::check::{Fault, Faults, Ledger};
use crate::crowd;
use crate::link::{Answer, Link, PATIENCE};
use crate::report::Report;
use crate::target::Server;
use crate::trouble::Trouble;
use crate::writer::{create, note};
use clap::Args;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskwire_protocol::account::Streams;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// `ops`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Ops {
    /// People, each with one request under way
    #[arg(long, value_parser = crate::options::count, default_value_t = 32)]
    pub(crate) clients: usize,
    /// Seconds that are measured
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Seconds before that
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 1.0)]
    pub(crate) warm_up: f64,
}

const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// What all clients share.
struct Shared {
    phase: AtomicU8,
    /// Of the measured operations, in µs.
    latency: Mutex<Latency>,
    board: Arc<Board>,
}

impl Ops {
    /// Runs the closed loop and checks every operation.
    pub(crate) async fn run(&self, server: &Server) -> Result<Report, Trouble> {
        let accounts = accounts::make(server, self.clients).await?;
        let shared = Arc::new(Shared {
            phase: AtomicU8::new(WARM_UP),
            latency: Mutex::new(latency()),
            board: Board::new(server.patience),
        });
        let (mut watchers, mut clients, mut ledgers) = (JoinSet::new(), JoinSet::new(), Vec::new());
        for n in 0..self.clients {
            let ledger = Arc::new(Mutex::new(Ledger::default()));
            let account = &accounts[n % accounts.len()];
            let link = client(server, account, &ledger, &shared, &mut watchers).await?;
            clients.spawn(make_tasks(link, ledger.clone(), shared.clone()));
            ledgers.push(ledger);
        }
        sleep(Duration::from_secs_f64(self.warm_up)).await;
        let (usage, start) = (server.processes.usage(), Instant::now());
        shared.phase.store(MEASURE, Relaxed);
        sleep(Duration::from_secs_f64(self.seconds)).await;
        shared.phase.store(STOP, Relaxed);
        let seconds = start.elapsed().as_secs_f64();
        let spent = server.processes.usage().since(&usage);
        while let Some(ended) = clients.join_next().await {
            let trouble = ended
                .map_err(|error| Trouble::setup(error.to_string()))
                .and_then(|ended| ended);
            if let Err(trouble) = trouble {
                shared.board.fault(Fault::Cut, 1, || trouble.to_string());
            }
        }
        let faults = verify(&ledgers, &shared.board).await;
        let measured = lock(&shared.latency).clone();
        let ops = measured.len().max(1) as f64;

        let mut report = Report::new(format!(
            "ops: {} clients, task.create in a closed loop",
            self.clients
        ));
        report.put("operations", measured.len() as f64 / seconds, "per second");
        if server.processes.server.is_some() {
            report.put("CPU per operation", (spent.server + spent.database) / ops, "µs");
            report.put("of that the server", spent.server / ops, "µs");
        }
        report.put_latency(&measured);
        report.put_cores(spent, seconds);
        if self.clients == 1 {
            put_commit(&mut report, server, &measured);
        }
        let acknowledgements: u64 = ledgers.iter().map(|ledger| lock(ledger).acknowledgements()).sum();
        report.checked = format!(
            "each of {acknowledgements} acknowledged operations came to the other socket once, in order"
        );
        report.faults = faults;
        Ok(report)
    }
}

/// Opens both sockets of a client: one that watches everything of theirs, and one that asks.
async fn client(
    server: &Server,
    account: &Account,
    ledger: &Arc<Mutex<Ledger>>,
    shared: &Shared,
    watchers: &mut JoinSet<()>,
) -> Result<Link, Trouble> {
    let (link, welcome) = crowd::join(server.address, 0, account, Streams::default()).await?;
    let watch = Watch::of(&welcome, Some(ledger.clone()));
    crowd::watch(&shared.board, watchers, vec![(link, watch)]);
    let (link, _) = crowd::join(server.address, 0, account, Streams::These(Vec::new())).await?;
    Ok(link)
}

/// One task after the other, each as soon as the one before is acknowledged.
async fn make_tasks(mut link: Link, ledger: Arc<Mutex<Ledger>>, shared: Arc<Shared>) -> Result<(), Trouble> {
    let (mut id, mut text) = (0, String::new());
    loop {
        let phase = shared.phase.load(Relaxed);
        if phase == STOP {
            return Ok(());
        }
        id += 1;
        let op_id = crate::writer::op_id();
        create(&mut text, id, op_id, None);
        let start = Instant::now();
        link.send(&text).await?;
        let mut answered = None;
        let answering = async {
            while answered.is_none() {
                link.read(|now, text| {
                    if let Some(answer) = Answer::read(text) {
                        answered = Some(now);
                        note(answer, |_| Some(op_id), &ledger, &shared.board);
                    }
                })
                .await?;
            }
            Ok::<(), Trouble>(())
        };
        timeout(PATIENCE, answering)
            .await
            .map_err(|_| Trouble::TooLate("task.create", PATIENCE))??;
        // What was under way when the phase ended is not of it.
        if phase == MEASURE && shared.phase.load(Relaxed) == MEASURE {
            let took = answered.map_or(Duration::ZERO, |now| now - start);
            lock(&shared.latency).saturating_record(micros(took));
        }
    }
}

/// Waits until the watchers have seen everything, then says what is wrong.
async fn verify(ledgers: &[Arc<Mutex<Ledger>>], board: &Board) -> Faults {
    let end = Instant::now() + board.patience;
    while Instant::now() < end && !ledgers.iter().all(|ledger| lock(ledger).is_settled()) {
        sleep(Duration::from_millis(10)).await;
    }
    let mut faults = board.lock().faults.clone();
    for ledger in ledgers {
        lock(ledger).verify(&mut faults);
    }
    faults
}

/// What a commit costs at least, where the server's commits go, and what an operation takes beyond it.
fn put_commit(report: &mut Report, server: &Server, measured: &Latency) {
    let Some(commit) = server.folder().and_then(|folder| one_commit(folder).ok()) else {
        return;
    };
    let operation = measured.value_at_quantile(0.5) as f64 / 1000.0;
    report.put("one durable write, p50", commit, "ms");
    report.put("latency p50 beyond it", operation - commit, "ms");
}

/// The median of appending 4 KiB to a file and waiting until they are on the disk, in ms.
fn one_commit(folder: &Path) -> std::io::Result<f64> {
    let mut file = File::create(folder.join("commit"))?;
    let mut times = latency();
    for _ in 0..500 {
        let start = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.saturating_record(micros(start.elapsed()));
    }
    Ok(times.value_at_quantile(0.5) as f64 / 1000.0)
}
