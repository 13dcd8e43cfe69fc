//! The cost of more data: the latency of `task.create` and `task.list` in one workspace, by its tasks and by the
//! entries of its log, how fast the whole workspace is fetched, and how
//! long its lists by all orders and filters and its statistics take. `seed` makes the rows; the operations that are
//! measured are real.

use super::ground::{Ground, sizes};
use super::seed::{Home, Made};
use super::{lists, search, stats, sync, upkeep};
use crate::accounts::{self, Account};
use crate::crowd;
use crate::fault::Faults;
use crate::report::Report;
use crate::report::plot::{Axis, Plot};
use crate::rows::PROJECT;
use crate::scenario::Scenario;
use crate::stop;
use crate::target::Server;
use crate::trouble::Trouble;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use taskwire_protocol::account::Streams;
use uuid::Uuid;

/// Seeded rows have times of the last day, so that retention does not delete them.
const DAY_MS: i64 = 86_400_000;

/// The shortest measurement, in seconds, that is made after one that was too short for an answer.
const SHORTEST: f64 = 0.1;

/// Latency by the number of tasks.
pub(super) async fn tasks(ground: &Ground<'_>) -> Result<Report, Trouble> {
    let with = "one person in a workspace with more and more tasks (seeded by SQL)";
    let report = Report::new("growth of tasks", with);
    let sizes = sizes(1000, ground.growth.tasks);
    grow(ground, report, Made::Tasks, "tasks", sizes).await
}

/// Latency by the number of log entries.
pub(super) async fn log(ground: &Ground<'_>) -> Result<Report, Trouble> {
    let with = "one person in a workspace with a longer and longer log (seeded by SQL)";
    let report = Report::new("growth of the log", with);
    let sizes = sizes(10_000, ground.growth.entries);
    grow(ground, report, Made::Entries, "entries", sizes).await
}

async fn grow(
    ground: &Ground<'_>,
    mut report: Report,
    made: Made,
    what: &str,
    sizes: Vec<usize>,
) -> Result<Report, Trouble> {
    let mut server = Server::at(ground.options)?;
    let account = accounts::make(&server, 1).await?;
    let account = account.first().ok_or_else(|| Trouble::setup("no account"))?;
    let home = home(&server, account).await?;
    let (mut creates, mut newest, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    let mut slowest_lists = Vec::new();
    let largest = sizes.last().copied().unwrap_or_default();
    let mut points = sizes.into_iter();
    while let Some(size) = ground.next(&mut points, &mut report) {
        let resting = server.rest(ground.options)?;
        let database = resting.database();
        home.fill(&database, made, size).await?;
        server = resting.wake()?;
        server.tokens = vec![account.token.clone()];
        let [create, list] = latencies(ground, &mut server, &mut report.faults).await?;
        for (kind, p50, curve) in [("create", create, &mut creates), ("list", list, &mut newest)] {
            report.put(format!("{size} {what}: task.{kind}, p50"), p50, "ms");
            curve.push((size as f64, p50));
        }
        if made == Made::Tasks {
            let whole = Whole {
                server: &server,
                account,
                database: &database,
                workspace: home.workspace,
                size,
            };
            // first, because the server counts all tasks anew after they were written without it
            whole.put_stats(&mut report).await?;
            let rate = whole.put_sync(&mut report).await?;
            rates.push((size as f64, rate));
            let slowest = whole.put_lists(&mut report).await?;
            slowest_lists.push((size as f64, slowest));
            whole.put_search(&mut report).await?;
            // it leaves many tasks behind
            if size == largest {
                whole.put_upkeep(&mut report, ground.growth.seconds).await?;
            }
        }
    }
    let plot = Plot::new(
        format!("latency by {what}"),
        Axis::log(what),
        Axis::linear("ms, p50"),
    );
    report.plots = vec![
        plot.curve("task.create", creates)
            .curve("task.list", newest)
            .curve("the slowest task.list", slowest_lists),
    ];
    report.checked = "every acknowledgement; a list shows the task made before it".into();
    if made == Made::Tasks {
        let plot = Plot::new("fetching all of it", Axis::log(what), Axis::linear("MB/s"));
        report.plots.push(plot.curve("workspace.sync", rates));
        report.checked += "; a workspace is fetched whole, in order, each task once";
    }
    Ok(report)
}

/// A workspace of so many tasks, of which a report tells more.
struct Whole<'w> {
    server: &'w Server,
    account: &'w Account,
    /// Where the server has its data.
    database: &'w str,
    workspace: Uuid,
    size: usize,
}

impl Whole<'_> {
    /// How fast it is fetched, in MB/s.
    async fn put_sync(&self, report: &mut Report) -> Result<f64, Trouble> {
        let rate = sync::rate(self.server, self.account, self.workspace, self.size).await?;
        report.put(format!("{} tasks: workspace.sync", self.size), rate, "MB/s");
        Ok(rate)
    }

    /// Its lists. Returns the p50 of the slowest, in ms.
    async fn put_lists(&self, report: &mut Report) -> Result<f64, Trouble> {
        let size = self.size;
        let times = lists::times(
            self.server,
            self.account,
            (self.database, self.workspace),
            PROJECT,
        )
        .await?;
        report.put(format!("{size} tasks: lists are quick after"), times.first, "s");
        let slowest = times.p50s.iter().map(|(_, p50)| *p50).fold(0.0, f64::max);
        let lists = times.p50s.len();
        report.put(
            format!("{size} tasks: the slowest of {lists} lists, p50"),
            slowest,
            "ms",
        );
        for (list, p50) in times.p50s {
            report.put(format!("{size} tasks: task.list by {list}, p50"), p50, "ms");
        }
        for (rows, p50) in times.limits {
            report.put(format!("{size} tasks: limit, {rows}, p50"), p50, "ms");
        }
        Ok(slowest)
    }

    async fn put_stats(&self, report: &mut Report) -> Result<(), Trouble> {
        let size = self.size;
        let [first, p50] = stats::times(self.server, self.account, self.workspace).await?;
        report.put(format!("{size} tasks: stats.get, the first"), first, "s");
        report.put(format!("{size} tasks: stats.get after a change, p50"), p50, "ms");
        Ok(())
    }

    async fn put_search(&self, report: &mut Report) -> Result<(), Trouble> {
        for found in search::times(self.server, self.account, self.workspace, self.size).await? {
            let of = format!("{} tasks: {}", self.size, found.what);
            report.put(format!("{of}, p50"), found.p50, "ms");
            report.put(format!("{of}, p99"), found.p99, "ms");
        }
        Ok(())
    }

    /// What lists cost those who write: one person, and many at once.
    async fn put_upkeep(&self, report: &mut Report, seconds: f64) -> Result<(), Trouble> {
        for sockets in [1, 16] {
            let found = upkeep::of(self.server, self.account, self.workspace, sockets, seconds).await?;
            let Some(found) = found else { continue };
            let of = format!("{} tasks: CPU of task.create, {sockets} at once", self.size);
            report.put(of.clone(), found.alone, "µs");
            report.put(format!("{of}, with a list a second"), found.ratio, "×");
        }
        Ok(())
    }
}

/// The p50 of `task.create` and of `task.list`, in ms. If one of them has no answer at all, because the machine
/// stalled, it measures again for twice as long, until the server's patience is over.
async fn latencies(
    ground: &Ground<'_>,
    server: &mut Server,
    faults: &mut Faults,
) -> Result<[f64; 2], Trouble> {
    let (patience, mut seconds) = (server.patience, ground.growth.seconds);
    let end = Instant::now() + patience;
    loop {
        let line = format!("ops --clients 1 --mix create=1,list=1 --seconds {seconds} --warm-up 1");
        let found = Scenario::typed(&line)?.run(server, ground.options).await?;
        let p50s = [found.get("create: p50"), found.get("list: p50")];
        faults.extend(found.faults);
        if let [Some(create), Some(list)] = p50s {
            return Ok([create, list]);
        }
        if stop::is_asked() {
            return Err(Trouble::Interrupted);
        }
        if Instant::now() >= end {
            return Err(Trouble::TooLate("an answer to each kind of request", patience));
        }
        seconds = (seconds * 2.0).max(SHORTEST);
    }
}

/// The account's own workspace.
async fn home(server: &Server, account: &Account) -> Result<Home, Trouble> {
    let (_link, welcome) = crowd::join(server.address, 0, account, Streams::default()).await?;
    let own = welcome
        .streams
        .iter()
        .find_map(|state| Uuid::parse_str(state.stream.strip_prefix("workspace:")?).ok());
    #[allow(
        clippy::disallowed_methods,
        reason = "seeded rows have times of the day before this run"
    )]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(Home {
        workspace: own.ok_or_else(|| Trouble::setup("an account without a workspace"))?,
        user: welcome.user.id.0,
        base_ms: now.map_or(0, |since| since.as_millis() as i64) - DAY_MS,
    })
}
