//! `idle`: many idle sockets. Measures the server's memory for each, and how fast they connect.

use crate::accounts::{self, Account, SOCKET};
use crate::board::{Board, Watch};
use crate::crowd::{self, Admission};
use crate::fault::Fault;
use crate::link::Link;
use crate::lock::lock;
use crate::meter::{Meter, millis_at};
use crate::processes::{Memory, Spent};
use crate::report::Report;
use crate::report::plot::Plot;
use crate::requests::{create, op_id};
use crate::server_options::ServerOptions;
use crate::target::Server;
use crate::timeline::{self, Timeline};
use crate::trouble::Trouble;
use clap::Args;
use serde::Serialize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskwire_protocol::account::Streams;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// `idle`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Idle {
    /// Sockets that are measured
    #[arg(long, value_parser = crate::options::count, default_value_t = 9000)]
    pub(crate) sockets: usize,
    /// Accounts that the sockets belong to
    #[arg(long, value_parser = crate::options::count, default_value_t = 100)]
    pub(crate) accounts: usize,
    /// Seconds to wait before the memory is read
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 1.5)]
    pub(crate) settle: f64,
    #[command(flatten)]
    pub(crate) admission: Admission,
}

impl Idle {
    /// Opens the sockets in two halves, measures, and proves that each of them is subscribed.
    pub(crate) async fn run(&self, server: &mut Server, options: &ServerOptions) -> Result<Report, Trouble> {
        let accounts = accounts::make(server, self.accounts).await?;
        // Hashing passwords took memory. The sockets would reuse it, and their own need would not show.
        server.restart(options)?;
        let server = &*server;
        let (board, mut tasks) = (Board::new(server.patience), JoinSet::new());
        let meter = Arc::new(Mutex::new(Meter::new()));
        // The first socket makes the server allocate the memory that it needs only once.
        drop(crowd::join(server.address, 0, &accounts[0], Streams::default()).await?);
        let settle = Duration::from_secs_f64(self.settle);
        sleep(settle).await;

        let course = meter.clone();
        let timeline = Timeline::record(server.processes, settle, move || lock(&course).look());
        let (mut memory, mut spent, mut took) = (vec![server.processes.memory()], Spent::default(), 0.0);
        let half = self.sockets / 2;
        for numbers in [0..half, half..self.sockets] {
            let (usage, start) = (server.processes.usage(), Instant::now());
            self.open(server, &accounts, numbers, &board, &meter, &mut tasks)
                .await?;
            took += start.elapsed().as_secs_f64();
            spent += server.processes.usage().since(&usage);
            sleep(settle).await;
            memory.push(server.processes.memory());
        }
        let samples = timeline.end();

        let mut report = Report::new(
            "idle",
            format!("{} sockets of {} accounts", self.sockets, accounts.len()),
        );
        let sockets = self.sockets as f64;
        if let [Some(before), Some(halfway), Some(after)] = memory[..] {
            self.put_memory(&mut report, before, halfway, after);
        }
        report.put("connect rate", sockets / took, "sockets/s");
        if server.processes.server.is_some() {
            report.put("server CPU per connect", spent.server / sockets, "µs");
        }
        report.put(
            "connect p50, that many at a time",
            millis_at(lock(&meter).whole(), 0.5),
            "ms",
        );
        report.put("connect p99", millis_at(lock(&meter).whole(), 0.99), "ms");
        report.put_cores(spent, took);
        report.plots = timeline::plots(&samples, "connects");
        let percentiles = Plot::percentiles("time of a connect");
        report
            .plots
            .push(percentiles.of("connect, upgrade, auth, welcome", lock(&meter).whole()));
        prove(server, &accounts, self.sockets, &board).await?;
        report.faults.extend(board.lock().faults.clone());
        report.checked = format!(
            "every one of {} sockets got an event, in order, once",
            self.sockets
        );
        Ok(report)
    }

    /// Adds the memory before the first socket, after the first half, and after the last.
    fn put_memory(&self, report: &mut Report, before: Memory, halfway: Memory, after: Memory) {
        let sockets = self.sockets as f64;
        let second_half = (self.sockets - self.sockets / 2) as f64;
        let whole = (after.proportional - before.proportional) / sockets;
        let slope = (after.proportional - halfway.proportional) / second_half;
        report.put("memory per socket", whole.max(slope), "KiB");
        report.put("from before the first to the last", whole, "KiB per socket");
        report.put("from the middle one to the last", slope, "KiB per socket");
        let resident = (after.resident - before.resident) / sockets;
        report.put("resident per socket, from the first on", resident, "KiB");
        report.put("resident before the first", before.resident / 1024.0, "MiB");
        report.put("resident in all", after.resident / 1024.0, "MiB");
    }

    async fn open(
        &self,
        server: &Server,
        accounts: &[Account],
        numbers: std::ops::Range<usize>,
        board: &Arc<Board>,
        meter: &Mutex<Meter>,
        tasks: &mut JoinSet<()>,
    ) -> Result<(), Trouble> {
        let sockets = crowd::gather(numbers.len(), self.admission, |n| {
            let number = numbers.start + n;
            let account = &accounts[number % accounts.len()];
            async move {
                let begun = Instant::now();
                let (link, welcome) =
                    crowd::join(server.address, number, account, Streams::default()).await?;
                lock(meter).record(begun.elapsed());
                Ok((link, Watch::of(&welcome, None)))
            }
        });
        crowd::watch(board, tasks, sockets.await?);
        Ok(())
    }
}

/// Makes a task in each account's own workspace. Every socket has to get the event of its account's task.
async fn prove(server: &Server, accounts: &[Account], sockets: usize, board: &Board) -> Result<(), Trouble> {
    let mut text = String::new();
    let mut links = Vec::new();
    for account in accounts.iter().take(sockets) {
        let mut link = Link::open(server.address, SOCKET, 0).await?;
        link.authenticate(&account.token, Streams::These(Vec::new()), None)
            .await?;
        create(&mut text, 1, op_id(), None);
        link.send(&text).await?;
        links.push(link);
    }
    if !board.until(sockets as u64).await {
        let missing = sockets as u64 - board.lock().awaited;
        board.fault(Fault::Missing, missing, || {
            format!("{missing} sockets got no event")
        });
    }
    Ok(())
}
