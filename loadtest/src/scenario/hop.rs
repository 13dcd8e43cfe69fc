//! `hop`: two instances, one writer at the first, a watcher at each. Measures how much later an event arrives at the
//! second than at the first, beside the time through Redis alone in the same seconds.

use crate::board::Arrivals;
use crate::crowd::Admission;
use crate::limit;
use crate::lock::lock;
use crate::meter::{Latency, latency, micros};
use crate::pace::Pace;
use crate::report::Report;
use crate::report::plot::Plot;
use crate::server_options::ServerOptions;
use crate::stage::{Audience, Stage, measure};
use crate::target::Server;
use crate::trouble::Trouble;
use clap::Args;
use serde::Serialize;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// One watcher at each instance. `fanout` measures the cost of more watchers.
pub(crate) const WATCHERS: usize = 2;

/// `hop`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Hop {
    /// The second instance, when --url names the first [default: both are started]
    #[arg(long, value_name = "URL")]
    #[serde(skip)]
    pub(crate) other_url: Option<String>,
    /// Events a second, and messages of Redis between them
    #[arg(long, value_parser = crate::options::rate, default_value_t = 100.0)]
    pub(crate) rate: f64,
    /// Seconds that are measured
    #[arg(long, value_parser = crate::options::measured, default_value_t = 8.0)]
    pub(crate) seconds: f64,
    /// Seconds of warm-up before that
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 1.0)]
    pub(crate) warm_up: f64,
}

/// How late the events arrived at the second instance.
struct Lag {
    /// How much later than at the first, in µs; 0 for an event that arrived at the second first.
    behind: Latency,
    /// How many arrived at the second first.
    ahead: usize,
}

impl Hop {
    /// Measures both at the same time.
    pub(crate) async fn run(&self, server: &Server, options: &ServerOptions) -> Result<Report, Trouble> {
        let redis = options.redis_url.as_deref();
        let redis =
            redis.ok_or_else(|| Trouble::setup("hop needs --redis-url, the Redis of both instances"))?;
        let other = Server::beside(options, self.other_url.as_deref())?;
        let audience = Audience {
            accounts: 1,
            watchers: WATCHERS,
            admission: Admission { opening: WATCHERS },
        };
        let mut stage = Stage::of_tasks(server, &[server, &other], audience).await?;
        let pace = Pace::Rate {
            per_second: self.rate,
            burst: 1,
        };
        let warm_up = Duration::from_secs_f64(self.warm_up.max(2.0 / self.rate));
        stage.writer.run(pace, warm_up).await?;
        let (bytes, before) = (stage.writer.board.lock().sample.len(), stage.writer.head);
        let measuring = measure(server, &mut stage.writer, pace, 0.0, self.seconds);
        let limit = limit::hop::measure(redis, bytes, self.rate, self.seconds);
        let (flow, limit) = tokio::join!(measuring, limit);
        let (mut flow, limit) = (flow?, limit?);
        stage.verify(&mut flow.faults);
        let lag = lag(&stage.arrivals, before);

        let mut report = Report::new(
            "hop",
            format!("{} events/s from one instance to another", self.rate),
        );
        report.put("events", flow.events as f64, "");
        report.put("frame", bytes as f64, "bytes");
        for (quantile, name) in [(0.5, "p50"), (0.99, "p99")] {
            let beyond = lag.behind.value_at_quantile(quantile) as f64;
            let least = limit.value_at_quantile(quantile) as f64;
            report.put(format!("beyond the local push, {name}"), beyond, "µs");
            report.put(format!("limit: publish to receive, {name}"), least, "µs");
            report.put(format!("{name}, times the limit"), beyond / least, "×");
        }
        report.put("came there first", lag.ahead as f64, "events");
        report.put_latency(&flow.latency);
        report.put_cores(flow.spent, flow.seconds);
        let plot = Plot::percentiles("from instance to instance");
        report.plots.push(
            plot.of("beyond the local push", &lag.behind)
                .of("limit: Redis, publish to receive", &limit),
        );
        report.checked = format!(
            "order, gaps and duplicates of {} events at both instances, and that acknowledged events arrived at the \
             second",
            flow.events
        );
        report.faults = flow.faults;
        Ok(report)
    }
}

/// How much later the events after `before` arrived at the last watcher than at the first.
fn lag(arrivals: &[Arrivals], before: u64) -> Lag {
    let mut lag = Lag {
        behind: latency(),
        ahead: 0,
    };
    let [here, .., there] = arrivals else {
        return lag;
    };
    let here: HashMap<u64, Instant> = lock(here).iter().copied().collect();
    for (seq, there) in lock(there).iter().filter(|(seq, _)| *seq > before) {
        match here.get(seq).map(|here| there.checked_duration_since(*here)) {
            Some(Some(behind)) => lag.behind.saturating_record(micros(behind)),
            Some(None) => {
                lag.ahead += 1;
                lag.behind.saturating_record(0);
            }
            // The event is missing at the first watcher. The board has counted that.
            None => {}
        }
    }
    lag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_the_time_from_the_first_to_the_second() {
        let start = Instant::now();
        let at = |times: &[(u64, u64)]| -> Arrivals {
            let times = times
                .iter()
                .map(|(seq, micros)| (*seq, start + Duration::from_micros(*micros)));
            Arrivals::new(times.collect::<Vec<_>>().into())
        };
        let lag = lag(
            &[
                at(&[(1, 0), (2, 1000), (3, 2000), (4, 3000)]),
                at(&[(1, 900), (2, 1100), (3, 1990), (4, 3300)]),
            ],
            1,
        );
        assert_eq!((lag.ahead, lag.behind.len()), (1, 3));
        assert_eq!((lag.behind.value_at_quantile(0.5), lag.behind.max()), (100, 300));
    }
}
