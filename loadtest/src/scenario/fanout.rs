//! `fanout`: many watchers of one workspace, one writer. Measures the cost of a delivery, the deliveries a second, and
//! their latency. On request it also measures the limit, in the same run, with the same frames and number of watchers.

use crate::accounts::SOCKET;
use crate::board::{Board, Watch};
use crate::crowd::{self, Admission};
use crate::limit;
use crate::link::Link;
use crate::meter::millis_at;
use crate::pace::Pace;
use crate::processes::Spent;
use crate::report::Report;
use crate::report::plot::Plot;
use crate::server_options::ServerOptions;
use crate::stage::{Audience, Flow, Stage, measure};
use crate::stop;
use crate::target::Server;
use crate::timeline;
use crate::trouble::Trouble;
use crate::writer::{Source, Writer};
use clap::{Args, ValueEnum};
use serde::Serialize;
use tokio::task::JoinSet;

/// `fanout`.
#[derive(Args, Clone, Debug, Serialize)]
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
    /// The events that the writer causes
    #[arg(long, value_enum, default_value_t = EventKind::Task)]
    pub(crate) event: EventKind,
    /// Send events as fast as the watchers receive them, instead of at a rate
    #[arg(long, conflicts_with = "event")]
    pub(crate) saturate: bool,
    /// With --saturate: events under way
    #[arg(long, value_parser = crate::options::count, default_value_t = 128)]
    pub(crate) window: usize,
    /// Seconds that are measured
    #[arg(long, value_parser = crate::options::measured, default_value_t = 5.0)]
    pub(crate) seconds: f64,
    /// Seconds of warm-up before that
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

/// The kind of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    /// A task is made in a shared workspace: the event is the whole task
    Task,
    /// A notification is deleted, and all watchers are sockets of its user: about 280 bytes
    Small,
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
    pub(crate) async fn run(&self, server: &Server, options: &ServerOptions) -> Result<Report, Trouble> {
        self.across(server, server, options).await
    }

    /// Runs like `run`, with the watchers at another instance than the writer.
    pub(crate) async fn across(
        &self,
        server: &Server,
        watched: &Server,
        options: &ServerOptions,
    ) -> Result<Report, Trouble> {
        let flow = self.through_server(server, watched).await?;
        let mut report = self.report(&flow);
        let mut percentiles = Plot::percentiles("latency by percentile").of("server", &flow.latency);
        // An interrupted run is not compared with the limit.
        if self.with_limit && !stop::is_asked() {
            let limit = self.through_limit(options, flow.sample.clone()).await?;
            percentiles = percentiles.of("limit", &limit.latency);
            beside(&mut report, &flow, &limit);
        }
        report.plots.push(percentiles);
        report.faults.extend(flow.faults);
        Ok(report)
    }

    /// The numbers of the server, without the faults.
    fn report(&self, flow: &Flow) -> Report {
        let pace = if self.saturate {
            "as fast as possible".to_owned()
        } else {
            format!("{} events/s in bursts of {}", self.rate, self.burst)
        };
        let kind = match self.event {
            EventKind::Task => "",
            EventKind::Small => ", small events",
        };
        let mut report = Report::new("fanout", format!("{} watchers, {pace}{kind}", self.watchers));
        if let Some(cost) = flow.cost() {
            report.put("server CPU per delivery", cost, "µs");
        }
        if flow.spent.database > 0.0 {
            let cost = flow.spent.database / flow.events as f64;
            report.put("database CPU per event", cost, "µs");
        }
        report.put("deliveries", flow.rate(), "per second");
        report.put("events", flow.events as f64 / flow.seconds, "per second");
        report.put("frame", flow.bytes as f64 / flow.deliveries as f64, "bytes");
        report.put_latency(&flow.latency);
        report.put_cores(flow.spent, flow.seconds);
        report.plots = timeline::plots(&flow.samples, "deliveries");
        report.checked = format!(
            "order, gaps and duplicates of {} deliveries at {} sockets, {} acknowledgements",
            flow.deliveries, self.watchers, flow.events
        );
        report
    }

    async fn through_server(&self, server: &Server, watched: &Server) -> Result<Flow, Trouble> {
        let audience = Audience {
            accounts: self.accounts,
            watchers: self.watchers,
            admission: self.admission,
        };
        let mut stage = match self.event {
            EventKind::Task => Stage::of_tasks(server, &[watched], audience).await?,
            EventKind::Small => {
                // Warm-up and measurement may each end within a burst.
                let events = (self.rate * (self.warm_up + self.seconds)).ceil() as usize + 2 * self.burst;
                Stage::of_notifications(server, &[watched], audience, events).await?
            }
        };
        let mut flow = self.measure(server, &mut stage.writer).await?;
        stage.verify(&mut flow.faults);
        Ok(flow)
    }

    async fn through_limit(&self, options: &ServerOptions, sample: Vec<u8>) -> Result<Flow, Trouble> {
        let usual = if self.saturate { 8 } else { self.burst };
        let server = Server::bare_writer(options, self.frames_per_write.unwrap_or(usual))?;
        let stream = stream_of(&sample)
            .ok_or_else(|| Trouble::setup("no event arrived that the limit could send again"))?;
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
            link: Link::open(server.address, limit::fanout::PUBLISH, 0).await?,
            source: Source::Frames { sample },
            board,
            watchers: self.watchers,
            head: 0,
        };
        self.measure(&server, &mut writer).await
    }

    async fn measure(&self, server: &Server, writer: &mut Writer) -> Result<Flow, Trouble> {
        measure(server, writer, self.pace(), self.warm_up, self.seconds).await
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
    report.put("limit: latency p50", millis_at(&limit.latency, 0.5), "ms");
    report.put("limit: latency p99", millis_at(&limit.latency, 0.99), "ms");
    let busy = |micros| Spent::of_a_core(micros, limit.seconds);
    report.put("limit: its own", busy(limit.spent.server), "% of a core");
    report.put("limit: this program", busy(limit.spent.harness), "% of a core");
    report.faults.extend(limit.faults.clone());
}
