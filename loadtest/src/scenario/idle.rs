//! `idle`: many sockets that only are there. What each costs the server in memory, and how fast they come.

use crate::accounts::{self, Account, SOCKET};
use crate::board::{Board, Watch, lock};
use crate::check::Fault;
use crate::crowd::{self, Admission};
use crate::link::Link;
use crate::meter::{Meter, millis_at};
use crate::report::Report;
use crate::report::plot::Plot;
use crate::target::Server;
use crate::timeline::{self, Timeline};
use crate::trouble::Trouble;
use crate::writer::create;
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
    /// Sockets that are there before, so that what the server needs once is not counted
    #[arg(long, default_value_t = 500)]
    pub(crate) before: usize,
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
    /// Opens the sockets, measures, and proves that each of them is subscribed.
    pub(crate) async fn run(&self, server: &Server) -> Result<Report, Trouble> {
        let accounts = accounts::make(server, self.accounts).await?;
        let (board, mut tasks) = (Board::new(server.patience), JoinSet::new());
        let meter = Arc::new(Mutex::new(Meter::new()));
        self.open(server, &accounts, 0..self.before, &board, &meter, &mut tasks)
            .await?;
        let settle = Duration::from_secs_f64(self.settle);
        sleep(settle).await;

        lock(&meter).reset();
        let course = meter.clone();
        let timeline = Timeline::record(server.processes, settle, move || lock(&course).look());
        let (memory, usage, start) = (
            server.processes.memory(),
            server.processes.usage(),
            Instant::now(),
        );
        let all = self.before + self.sockets;
        self.open(server, &accounts, self.before..all, &board, &meter, &mut tasks)
            .await?;
        let took = start.elapsed().as_secs_f64();
        let samples = timeline.end();
        let spent = server.processes.usage().since(&usage);
        sleep(settle).await;

        let mut report = Report::new(
            "idle",
            format!("{} sockets of {} accounts", self.sockets, accounts.len()),
        );
        let sockets = self.sockets as f64;
        if let (Some(before), Some(after)) = (memory, server.processes.memory()) {
            report.put(
                "memory per socket",
                (after.proportional - before.proportional) / sockets,
                "KiB",
            );
            report.put(
                "resident per socket",
                (after.resident - before.resident) / sockets,
                "KiB",
            );
            report.put("resident in all", after.resident / 1024.0, "MiB");
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
        prove(server, &accounts, all, &board).await?;
        report.faults.extend(board.lock().faults.clone());
        report.checked = format!("every one of {all} sockets got an event, in order, once");
        Ok(report)
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

/// Makes a task in each account's own workspace: every socket has to hear of one.
async fn prove(server: &Server, accounts: &[Account], sockets: usize, board: &Board) -> Result<(), Trouble> {
    let mut text = String::new();
    let mut links = Vec::new();
    for account in accounts.iter().take(sockets) {
        let mut link = Link::open(server.address, SOCKET, 0).await?;
        link.authenticate(&account.token, Streams::These(Vec::new()), None)
            .await?;
        create(&mut text, 1, crate::writer::op_id(), None);
        link.send(&text).await?;
        links.push(link);
    }
    if !board.until(sockets as u64).await {
        let missing = sockets as u64 - board.lock().of_tasks;
        board.fault(Fault::Missing, missing, || {
            format!("{missing} sockets got no event")
        });
    }
    Ok(())
}
