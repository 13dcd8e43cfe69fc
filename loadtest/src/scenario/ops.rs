//! `ops`: people work in their own workspaces while their other sockets watch. They send one request after the other,
//! or at a rate. Measures durable operations a second, their cost and their latency; with one client, the latency of an
//! idle server.

use crate::accounts::{self, Account};
use crate::board::{Board, Watch};
use crate::check::Ledger;
use crate::crowd;
use crate::lock::lock;
use crate::meter::{Latency, latency, micros, millis_at};
use crate::mind::Workplace;
use crate::mix::Mix;
use crate::person::Person;
use crate::report::Report;
use crate::shift::Shift;
use crate::target::Server;
use crate::trouble::Trouble;
use clap::Args;
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use taskwire_protocol::account::Streams;
use tokio::task::JoinSet;

/// `ops`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Ops {
    /// People, each with two sockets
    #[arg(long, value_parser = crate::options::count, default_value_t = 32)]
    pub(crate) clients: usize,
    /// Seconds that are measured
    #[arg(long, value_parser = crate::options::measured, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Seconds of warm-up before that
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 1.0)]
    pub(crate) warm_up: f64,
    /// Their operations: `create`, `real`, or shares like `create=1,update=2,complete=1,list=4`
    #[arg(long, default_value_t = Mix::CREATE)]
    pub(crate) mix: Mix,
    /// Requests a second in all, by the clock [default: each as soon as the previous one is answered]
    #[arg(long, value_parser = crate::options::rate)]
    pub(crate) rate: Option<f64>,
}

impl Ops {
    /// Lets people work and checks every operation.
    pub(crate) async fn run(&self, server: &Server) -> Result<Report, Trouble> {
        let accounts = accounts::make(server, self.clients).await?;
        let board = Board::new(server.patience);
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let (mut watching, mut people) = (JoinSet::new(), Vec::new());
        for n in 0..self.clients {
            let account = &accounts[n % accounts.len()];
            // Several clients with one token see the same events, so only one of their watchers notes operations.
            let ledger = (n < accounts.len()).then(|| ledger.clone());
            people.push(
                self.person(server, account, n, ledger, &board, &mut watching)
                    .await?,
            );
        }
        let shift = Shift {
            warm_up: self.warm_up,
            seconds: self.seconds,
            rate: self.rate,
        };
        let outcome = shift.run(server, people, &board, &ledger).await?;
        let pace = self.rate.map_or("in a closed loop".to_owned(), |rate| {
            format!("at {rate} a second")
        });
        let mut report = Report::new("ops", format!("{} clients, {} {pace}", self.clients, self.mix));
        outcome.put(&mut report);
        if self.clients == 1 {
            put_commit(&mut report, server, &outcome.latency);
        }
        report.checked = format!(
            "answers in order; each of {} acknowledged operations arrived at the other socket once, in order",
            lock(&ledger).acknowledgements()
        );
        report.faults = std::mem::take(&mut board.lock().faults);
        Ok(report)
    }

    /// Opens both sockets of a client: one watches all streams of the account, the other sends requests.
    async fn person(
        &self,
        server: &Server,
        account: &Account,
        n: usize,
        ledger: Option<Arc<Mutex<Ledger>>>,
        board: &Arc<Board>,
        watching: &mut JoinSet<()>,
    ) -> Result<Person, Trouble> {
        let (link, welcome) = crowd::join(server.address, 0, account, Streams::default()).await?;
        crowd::watch(board, watching, vec![(link, Watch::of(&welcome, ledger))]);
        let (link, _) = crowd::join(server.address, 0, account, Streams::These(Vec::new())).await?;
        let shared = server.tokens.len().max(1);
        let sharing = if server.tokens.is_empty() {
            1
        } else {
            sharing(self.clients, shared, n)
        };
        let own = Workplace {
            workspace: None,
            audience: sharing,
        };
        Ok(Person::new(link, vec![own], self.mix, n as u64))
    }
}

/// How many of `clients` share one of `tokens` tokens with client `n`, itself included.
fn sharing(clients: usize, tokens: usize, n: usize) -> u64 {
    (0..clients).filter(|other| other % tokens == n % tokens).count() as u64
}

/// Adds the shortest time of a commit on the server's disk, and how much longer an operation takes.
fn put_commit(report: &mut Report, server: &Server, measured: &Latency) {
    let Some(commit) = server.folder().and_then(|folder| one_commit(folder).ok()) else {
        return;
    };
    let operation = millis_at(measured, 0.5);
    report.put("one durable write, p50", commit, "ms");
    report.put("latency p50 beyond it", operation - commit, "ms");
}

/// The median time to append 4 KiB to a file and sync it to the disk, in ms.
fn one_commit(folder: &Path) -> std::io::Result<f64> {
    let mut file = File::create(folder.join("commit"))?;
    let mut times = latency();
    for _ in 0..500 {
        let start = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.saturating_record(micros(start.elapsed()));
    }
    Ok(millis_at(&times, 0.5))
}
