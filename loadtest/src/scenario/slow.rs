//! `slow`: a few readers, the crawlers, read very slowly. They must not affect the others: one run alternates between
//! turns without and with crawlers, and compares the latency of the others. The crawlers must lose nothing: at the end
//! they read at full speed and catch up from the log.

use crate::accounts;
use crate::board::{Board, Watch};
use crate::crowd::Admission;
use crate::fault::{Fault, Faults};
use crate::link::Link;
use crate::meter::{Latency, latency, millis_at};
use crate::pace::Pace;
use crate::report::Report;
use crate::report::plot::Plot;
use crate::stage::{Audience, Stage, measure};
use crate::stop;
use crate::target::Server;
use crate::trouble::Trouble;
use clap::Args;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The kernel's receive buffer of a crawler, in bytes.
const BUFFER: u32 = 4096;

/// `slow`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Slow {
    /// Watchers that read as fast as they can
    #[arg(long, value_parser = crate::options::count, default_value_t = 1000)]
    pub(crate) watchers: usize,
    /// Readers that read slowly
    #[arg(long, value_parser = crate::options::count, default_value_t = 4)]
    pub(crate) crawlers: usize,
    /// Bytes a second that each of them reads
    #[arg(long, value_parser = crate::options::count, default_value_t = 1024)]
    pub(crate) crawl: usize,
    /// Events a second
    #[arg(long, value_parser = crate::options::rate, default_value_t = 100.0)]
    pub(crate) rate: f64,
    /// Turns with and turns without crawlers
    #[arg(long, value_parser = crate::options::count, default_value_t = 2)]
    pub(crate) rounds: usize,
    /// Seconds of a turn
    #[arg(long, value_parser = crate::options::measured, default_value_t = 4.0)]
    pub(crate) seconds: f64,
    /// Accounts that the watchers belong to
    #[arg(long, value_parser = crate::options::count, default_value_t = 8)]
    pub(crate) accounts: usize,
    #[command(flatten)]
    pub(crate) admission: Admission,
}

/// Readers that crawl until `let_loose` is called.
struct Crawlers {
    board: Arc<Board>,
    tasks: JoinSet<()>,
    loose: watch::Sender<bool>,
    count: usize,
}

impl Slow {
    fn audience(&self) -> Audience {
        Audience {
            accounts: self.accounts,
            watchers: self.watchers,
            admission: self.admission,
        }
    }

    pub(crate) async fn run(&self, server: &Server) -> Result<Report, Trouble> {
        let mut stage = Stage::of_tasks(server, &[server], self.audience()).await?;
        let pace = Pace::Rate {
            per_second: self.rate,
            burst: 1,
        };
        let (mut without, mut with, mut faults) = (latency(), latency(), Faults::default());
        for _ in 0..self.rounds {
            if stop::is_asked() {
                break;
            }
            let flow = measure(server, &mut stage.writer, pace, 0.5, self.seconds).await?;
            add(&mut without, &flow.latency);
            faults.extend(flow.faults);
            let crawlers = self.crawlers(server, &stage).await?;
            let head = stage.writer.head;
            let flow = measure(server, &mut stage.writer, pace, 0.5, self.seconds).await?;
            add(&mut with, &flow.latency);
            faults.extend(flow.faults);
            faults.extend(crawlers.let_loose(stage.writer.head - head).await);
        }
        stage.verify(&mut faults);
        let mut report = Report::new(
            "slow",
            format!(
                "{} of {} readers crawl at {} B/s",
                self.crawlers, self.watchers, self.crawl
            ),
        );
        let (before, after) = (millis_at(&without, 0.99), millis_at(&with, 0.99));
        if !without.is_empty() {
            report.put("p50 without slow readers", millis_at(&without, 0.5), "ms");
            report.put("p99 without slow readers", before, "ms");
        }
        // An interrupted run may have no turn with crawlers.
        if !with.is_empty() {
            report.put("p50 with them", millis_at(&with, 0.5), "ms");
            report.put("p99 with them", after, "ms");
            report.put("p99, with by without", after / before, "×");
        }
        report.plots.push(
            Plot::percentiles("latency of the others")
                .of("without slow readers", &without)
                .of("with them", &with),
        );
        report.checked = format!(
            "order, gaps and duplicates at {} watchers, and at {} that crawled and then caught up",
            self.watchers, self.crawlers
        );
        report.faults = faults;
        Ok(report)
    }

    async fn crawlers(&self, server: &Server, stage: &Stage) -> Result<Crawlers, Trouble> {
        let (loose, let_loose) = watch::channel(false);
        let mut crawlers = Crawlers {
            board: Board::new(server.patience),
            tasks: JoinSet::new(),
            loose,
            count: self.crawlers,
        };
        for n in 0..self.crawlers {
            let account = &stage.accounts[n % stage.accounts.len()];
            let mut link = Link::open_with(server.address, accounts::SOCKET, n, Some(BUFFER)).await?;
            let streams = accounts::only(stage.stream);
            let welcome = link.authenticate(&account.token, streams, None).await?;
            let watch = Watch::of(&welcome, None);
            let (board, let_loose, crawl) = (crawlers.board.clone(), let_loose.clone(), self.crawl);
            crawlers
                .tasks
                .spawn(async move { read(link, watch, &board, let_loose, crawl).await });
        }
        Ok(crawlers)
    }
}

impl Crawlers {
    /// Lets the crawlers read at full speed. Each must get all of these events.
    async fn let_loose(self, events: u64) -> Faults {
        // An error means that every task has ended; each has added a fault then.
        let _ = self.loose.send(true);
        let all = events * self.count as u64;
        self.board.all(all).await;
        drop(self.tasks);
        std::mem::take(&mut self.board.lock().faults)
    }
}

async fn read(
    mut link: Link,
    mut watch: Watch,
    board: &Board,
    mut loose: watch::Receiver<bool>,
    crawl: usize,
) {
    let ended = tokio::select! {
        trouble = board.crawl(&mut link, &mut watch, crawl) => Some(trouble),
        _ = loose.wait_for(|loose| *loose) => None,
    };
    let trouble = match ended {
        Some(trouble) => trouble,
        None => board.follow(&mut link, &mut watch).await,
    };
    board.fault(Fault::Cut, 1, || format!("a slow reader: {trouble}"));
}

fn add(all: &mut Latency, some: &Latency) {
    // Both have the same bounds, so nothing can be out of range.
    let _ = all.add(some);
}
