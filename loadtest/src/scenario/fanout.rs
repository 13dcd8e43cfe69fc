//! `fanout`: many watchers of one workspace, one writer. What a delivery costs, how many there are a second, and how
//! late they are; on request beside the limit, in the same run, with the same frames and the same watchers.

use crate::accounts::{self, SOCKET};
use crate::board::{Board, Latency, Watch};
use crate::check::{Faults, Ledger};
use crate::crowd::{self, Admission};
use crate::limit;
use crate::link::Link;
use crate::machine::Spent;
use crate::report::Report;
use crate::target::{Place, Server};
use crate::trouble::Trouble;
use crate::writer::{Pace, Source, Writer};
use clap::Args;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskwire_protocol::account::Streams;
use tokio::task::JoinSet;

/// `fanout`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Fanout {
    /// Watchers of the workspace
    #[arg(long, value_parser = crate::options::count, default_value_t = 1000)]
    pub(crate) watchers: usize,
    /// Events a second; each is delivered to every watcher
    #[arg(long, value_parser = crate::options::rate, default_value_t = 10.0)]
    pub(crate) rate: f64,
    /// Events sent at a time
    #[arg(long, value_parser = crate::options::count, default_value_t = 1)]
    pub(crate) burst: usize,
    /// As fast as the watchers get them, instead of at a rate
    #[arg(long)]
    pub(crate) saturate: bool,
    /// With --saturate: events under way
    #[arg(long, value_parser = crate::options::count, default_value_t = 128)]
    pub(crate) window: usize,
    /// Seconds that are measured
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Seconds before that
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 1.0)]
    pub(crate) warm_up: f64,
    /// Accounts that the watchers belong to
    #[arg(long, value_parser = crate::options::count, default_value_t = 8)]
    pub(crate) accounts: usize,
    /// Also measure a bare writer of the same frames, and the ratio to it
    #[arg(long)]
    pub(crate) with_limit: bool,
    /// With --with-limit: frames in one write [default: the burst; 8 with --saturate]
    #[arg(long)]
    pub(crate) frames_per_write: Option<usize>,
    #[command(flatten)]
    pub(crate) admission: Admission,
}

/// What was measured of one server.
struct Flow {
    events: u64,
    deliveries: u64,
    bytes: u64,
    seconds: f64,
    spent: Spent,
    /// Whether the server's CPU can be known.
    is_local: bool,
    latency: Latency,
    sample: Vec<u8>,
    faults: Faults,
}

impl Flow {
    fn cost(&self) -> Option<f64> {
        self.is_local
            .then(|| self.spent.server / self.deliveries.max(1) as f64)
    }

    fn rate(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }
}

impl Fanout {
    fn pace(&self) -> Pace {
        if self.saturate {
            return Pace::Full { window: self.window };
        }
        Pace::Rate {
            per_second: self.rate,
            burst: self.burst,
        }
    }

    /// Measures the server, then the limit when asked to.
    pub(crate) async fn run(&self, server: &Server, place: &Place) -> Result<Report, Trouble> {
        let flow = self.through_server(server).await?;
        let pace = if self.saturate {
            "as fast as possible".to_owned()
        } else {
            format!("{} events/s in bursts of {}", self.rate, self.burst)
        };
        let mut report = Report::new(format!("fanout: {} watchers, {pace}", self.watchers));
        if let Some(cost) = flow.cost() {
            report.put("server CPU per delivery", cost, "µs");
        }
        if flow.spent.database > 0.0 {
            report.put(
                "database CPU per event",
                flow.spent.database / flow.events.max(1) as f64,
                "µs",
            );
        }
        report.put("deliveries", flow.rate(), "per second");
        report.put("events", flow.events as f64 / flow.seconds, "per second");
        report.put(
            "frame",
            flow.bytes as f64 / flow.deliveries.max(1) as f64,
            "bytes",
        );
        report.put_latency(&flow.latency);
        report.put_cores(flow.spent, flow.seconds);
        report.checked = format!(
            "order, gaps and duplicates of {} deliveries at {} sockets, {} acknowledgements",
            flow.deliveries, self.watchers, flow.events
        );
        if self.with_limit {
            let limit = self.through_limit(place, flow.sample.clone()).await?;
            beside(&mut report, &flow, &limit);
        }
        report.faults.extend(flow.faults);
        Ok(report)
    }

    async fn through_server(&self, server: &Server) -> Result<Flow, Trouble> {
        let accounts = accounts::make(server, self.accounts + 1).await?;
        let workspace = accounts::share(server, &accounts).await?;
        let (writes, watch) = accounts.split_at(usize::from(accounts.len() > 1));
        let board = Board::new(server.patience);
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let sockets = crowd::gather(self.watchers, self.admission, |n| {
            let account = &watch[n % watch.len()];
            let ledger = (n == 0).then(|| ledger.clone());
            async move {
                let streams = accounts::only(workspace);
                let (link, welcome) = crowd::join(server.address, n, account, streams).await?;
                let head = welcome.streams.first().map_or(0, |state| state.seq);
                Ok((head, (link, Watch::of(&welcome, ledger))))
            }
        });
        let (heads, sockets): (Vec<u64>, Vec<_>) = sockets.await?.into_iter().unzip();
        let mut tasks = JoinSet::new();
        crowd::watch(&board, &mut tasks, sockets);
        let account = writes.first().unwrap_or(&accounts[0]);
        let (link, _) = crowd::join(server.address, 0, account, Streams::These(Vec::new())).await?;
        let mut writer = Writer {
            link,
            source: Source::tasks(workspace, ledger.clone()),
            board,
            watchers: self.watchers,
            head: heads.into_iter().max().unwrap_or(0),
        };
        let mut flow = self.measure(server, &mut writer).await?;
        crate::board::lock(&ledger).verify(&mut flow.faults);
        Ok(flow)
    }

    async fn through_limit(&self, place: &Place, sample: Vec<u8>) -> Result<Flow, Trouble> {
        let usual = if self.saturate { 8 } else { self.burst };
        let server = Server::bare_writer(place, self.frames_per_write.unwrap_or(usual))?;
        let stream = stream_of(&sample).ok_or_else(|| Trouble::setup("no event to send again came"))?;
        let sockets = crowd::gather(self.watchers, self.admission, |n| {
            let (address, stream) = (server.address, stream.clone());
            async move {
                let mut watch = Watch::default();
                watch.positions.start(&stream, 0);
                Ok((Link::open(address, SOCKET, n).await?, watch))
            }
        });
        let (board, mut tasks) = (Board::new(server.patience), JoinSet::new());
        crowd::watch(&board, &mut tasks, sockets.await?);
        let mut writer = Writer {
            link: Link::open(server.address, limit::PUBLISH, 0).await?,
            source: Source::Frames { sample },
            board,
            watchers: self.watchers,
            head: 0,
        };
        self.measure(&server, &mut writer).await
    }

    /// A while to warm up, then what counts.
    async fn measure(&self, server: &Server, writer: &mut Writer) -> Result<Flow, Trouble> {
        writer
            .run(self.pace(), Duration::from_secs_f64(self.warm_up))
            .await?;
        let (usage, start) = (server.processes.usage(), Instant::now());
        let events = writer
            .run(self.pace(), Duration::from_secs_f64(self.seconds))
            .await?;
        let seconds = start.elapsed().as_secs_f64();
        let spent = server.processes.usage().since(&usage);
        let tally = writer.board.lock();
        Ok(Flow {
            events,
            deliveries: tally.delivered,
            bytes: tally.bytes,
            seconds,
            spent,
            is_local: server.processes.server.is_some(),
            latency: tally.latency.clone(),
            sample: tally.sample.clone(),
            faults: tally.faults.clone(),
        })
    }
}

/// The stream of an event frame.
fn stream_of(sample: &[u8]) -> Option<String> {
    match crate::event::read(sample) {
        crate::event::Frame::Event(event) => String::from_utf8(event.stream.to_vec()).ok(),
        _ => None,
    }
}

/// Adds the limit's numbers and the ratios to them.
fn beside(report: &mut Report, flow: &Flow, limit: &Flow) {
    if let (Some(cost), Some(least)) = (flow.cost(), limit.cost()) {
        report.put("limit: CPU per delivery", least, "µs");
        report.put("CPU, times the limit", cost / least, "×");
    }
    report.put("limit: deliveries", limit.rate(), "per second");
    report.put("deliveries, part of the limit", flow.rate() / limit.rate(), "×");
    report.put(
        "limit: latency p50",
        limit.latency.value_at_quantile(0.5) as f64 / 1000.0,
        "ms",
    );
    report.put(
        "limit: latency p99",
        limit.latency.value_at_quantile(0.99) as f64 / 1000.0,
        "ms",
    );
    let busy = |micros: f64| micros / limit.seconds / 10_000.0;
    report.put("limit: its own", busy(limit.spent.server), "% of a core");
    report.put("limit: this program", busy(limit.spent.harness), "% of a core");
    report.faults.extend(limit.faults.clone());
}
