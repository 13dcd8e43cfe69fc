//! `resume`: all sockets are away for some events, then all reconnect. Measures the time until all have caught up, and
//! its cost, by the number of missed events. The server reads a few missed events from the ring, many from pages of the
//! log.

use crate::accounts;
use crate::away::Crowd;
use crate::check::Ledger;
use crate::crowd::{self, Admission};
use crate::lock::lock;
use crate::report::Report;
use crate::report::plot::{Axis, Plot};
use crate::requests::fill;
use crate::stop;
use crate::target::Server;
use crate::trouble::Trouble;
use clap::Args;
use serde::Serialize;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use taskwire_protocol::account::Streams;

/// `resume`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Resume {
    /// Sockets that are cut
    #[arg(long, value_parser = crate::options::count, default_value_t = 200)]
    pub(crate) sockets: usize,
    /// Accounts that they belong to, all of them members of one workspace
    #[arg(long, value_parser = crate::options::count, default_value_t = 10)]
    pub(crate) accounts: usize,
    /// Events that they miss, one distance after the other
    #[arg(long, value_parser = crate::options::count, value_delimiter = ',', default_values_t = [1, 10, 100, 1000, 10_000])]
    pub(crate) distances: Vec<usize>,
    #[command(flatten)]
    pub(crate) admission: Admission,
}

impl Resume {
    pub(crate) async fn run(&self, server: &Server) -> Result<Report, Trouble> {
        let accounts = accounts::make(server, self.accounts).await?;
        let workspace = accounts::share(server.address, &accounts).await?;
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let streams = accounts::only(workspace);
        let (crowd, mut present) = Crowd::gather(
            server,
            accounts,
            self.sockets,
            streams,
            Some(&ledger),
            self.admission,
        )
        .await?;
        let (mut writer, _) =
            crowd::join(server.address, 0, &crowd.accounts[0], Streams::These(Vec::new())).await?;
        let mut report = Report::new("resume", format!("{} sockets away for some events", self.sockets));
        let (mut times, mut costs) = (Vec::new(), Vec::new());
        let _measuring = stop::measuring();
        for distance in self.distances.iter().take_while(|_| !stop::is_asked()) {
            let away = present.cut().await?;
            crate::progress::say(&format!("away for {distance} events"));
            fill(
                &mut writer,
                Some(workspace),
                *distance as u64,
                &ledger,
                &crowd.board,
            )
            .await?;
            crowd.board.begin(0);
            let (start, usage) = (Instant::now(), server.processes.usage());
            let (back, _) = crowd.bring_back(away, start, self.admission).await?;
            present = back;
            let all = (self.sockets * distance) as u64;
            crowd.board.all(all).await;
            let seconds = start.elapsed().as_secs_f64();
            let spent = server.processes.usage().since(&usage);
            let x = *distance as f64;
            report.put(format!("{distance} events: until all have them"), seconds, "s");
            times.push((x, seconds));
            if server.processes.server.is_some() {
                let cost = spent.server / self.sockets as f64;
                report.put(format!("{distance} events: server CPU per socket"), cost, "µs");
                report.put(format!("{distance} events: server CPU per event"), cost / x, "µs");
                costs.push((x, cost / x));
            }
        }
        let behind = || Axis::log("events missed");
        report.plots = vec![
            Plot::new("resume: time by distance", behind(), Axis::log("s"))
                .curve("until all have them", times),
            Plot::new(
                "resume: cost by distance",
                behind(),
                Axis::log("µs of server CPU"),
            )
            .curve("per event and socket", costs),
        ];
        lock(&ledger).verify(&mut crowd.board.lock().faults);
        report.checked = format!(
            "each of {} sockets resumed and got every missed event once, in order",
            self.sockets
        );
        report.faults = std::mem::take(&mut crowd.board.lock().faults);
        Ok(report)
    }
}
