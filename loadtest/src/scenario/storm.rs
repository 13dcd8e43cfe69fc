//! `storm`: all sockets are cut at once and reconnect at once. Measures the seconds until all are authenticated and
//! resumed, and proves that each resumes from its position.

use crate::accounts;
use crate::away::Crowd;
use crate::crowd::{self, Admission};
use crate::limit;
use crate::report::Report;
use crate::report::plot::Plot;
use crate::requests::send_one;
use crate::server_options::ServerOptions;
use crate::stop;
use crate::target::Server;
use crate::trouble::Trouble;
use clap::Args;
use serde::Serialize;
use std::time::Instant;
use taskwire_protocol::account::Streams;

const ALL: &str = "until all are back";

/// `storm`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Storm {
    /// Sockets that are cut
    #[arg(long, value_parser = crate::options::count, default_value_t = 5000)]
    pub(crate) sockets: usize,
    /// Accounts that they belong to, all of them members of one workspace
    #[arg(long, value_parser = crate::options::count, default_value_t = 50)]
    pub(crate) accounts: usize,
    /// Also measure a bare writer to which all reconnect, and the ratio to it
    #[arg(long)]
    pub(crate) with_limit: bool,
    #[command(flatten)]
    pub(crate) admission: Admission,
}

impl Storm {
    /// Opens the sockets, cuts them and reconnects them. Then measures the limit when asked to.
    pub(crate) async fn run(&self, server: &Server, options: &ServerOptions) -> Result<Report, Trouble> {
        let mut report = self.through_server(server).await?;
        if self.with_limit && !stop::is_asked() {
            let limit = limit::storm::measure(options, self.sockets, self.admission).await?;
            if let (Some(all), Some(least)) = (report.get(ALL), limit.get("limit: until all are back")) {
                report.put("until all are back, times the limit", all / least, "×");
            }
            report.join(limit);
        }
        Ok(report)
    }

    async fn through_server(&self, server: &Server) -> Result<Report, Trouble> {
        let accounts = accounts::make(server, self.accounts).await?;
        let workspace = accounts::share(server.address, &accounts).await?;
        let all = self.sockets as u64;
        let (crowd, present) = Crowd::gather(
            server,
            accounts,
            self.sockets,
            Streams::default(),
            None,
            self.admission,
        )
        .await?;
        let account = &crowd.accounts[0];
        let (mut writer, _) = crowd::join(server.address, 0, account, Streams::These(Vec::new())).await?;
        send_one(&mut writer, workspace).await?;
        crowd.board.all(all).await;

        let (start, usage) = (Instant::now(), server.processes.usage());
        let away = present.cut().await?;
        // Every socket must get this event once, either as a missed event or live.
        crowd.board.begin(0);
        send_one(&mut writer, workspace).await?;
        let (_present, back) = crowd.bring_back(away, start, self.admission).await?;
        let spent = server.processes.usage().since(&usage);
        crowd.board.all(all).await;
        let mut report = Report::new(
            "storm",
            format!(
                "{} sockets of {} accounts cut at once",
                self.sockets, self.accounts
            ),
        );
        report.put(ALL, back.seconds, "s");
        report.put(
            "until half are back",
            back.each.value_at_quantile(0.5) as f64 / 1e6,
            "s",
        );
        report.put("sent away and tried again", crowd.retries() as f64, "times");
        if server.processes.server.is_some() {
            report.put("server CPU per socket", spent.server / self.sockets as f64, "µs");
        }
        report.put_cores(spent, back.seconds);
        report
            .plots
            .push(Plot::percentiles("time until a socket is back").of("sockets", &back.each));
        report.checked = format!(
            "each of {} sockets resumed every stream and got the next event, once",
            self.sockets
        );
        report.faults = std::mem::take(&mut crowd.board.lock().faults);
        Ok(report)
    }
}
