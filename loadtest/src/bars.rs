//! `bars`: every scenario against the bars, three times, and the median of each number. Each round runs every scenario
//! once, so that other work of the machine affects all of them alike. Does not know how a number is measured.

use crate::fault::Fault;
use crate::goals::BARS;
use crate::limit::commits;
use crate::report::run::Run;
use crate::report::verdict::{HEADING, RIGHT, Verdict};
use crate::report::{Report, table};
use crate::scenario::Scenario;
use crate::server_options::ServerOptions;
use crate::target::Server;
use crate::trouble::Trouble;
use crate::{crowd, progress, stop};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use tokio::runtime::Runtime;

/// Sockets of the scenario that needs the most.
const SOCKETS: usize = 9_600;
/// Operations in a commit of the limit: as many as `ops` has clients.
const GROUP: usize = 32;

/// `bars`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Bars {
    /// Runs of each scenario; the median counts
    #[arg(long, value_parser = crate::options::count, default_value_t = 3)]
    runs: usize,
    /// Also run `fanout` and `ops` on this PostgreSQL; without --postmaster the row of its CPU is left out
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// With --postgres: also run `hop`, two instances on that PostgreSQL and this Redis
    #[arg(long, value_name = "URL", requires = "postgres")]
    redis: Option<String>,
    /// Do not pin: the server and this program share all cores
    #[arg(long)]
    unpinned: bool,
    /// Only the scenarios whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// The end of the name of a scenario that runs on PostgreSQL.
const POSTGRES: &str = "-postgres";

/// The names of all scenarios.
fn all() -> Vec<&'static str> {
    let mut names: Vec<_> = BARS.iter().map(|bar| bar.scenario).collect();
    names.dedup();
    names
}

/// The command line of a bar's scenario, which can also be run by hand.
fn typed(name: &str) -> &'static str {
    match name.trim_end_matches(POSTGRES) {
        "idle" => "idle",
        "fanout" => "fanout --with-limit",
        "fanout-small" => "fanout --with-limit --event small",
        "burst" => "fanout --with-limit --burst 8 --rate 10",
        "burst-small" => "fanout --with-limit --burst 8 --rate 10 --event small",
        "saturated" => "fanout --with-limit --saturate --seconds 3",
        "storm" => "storm --with-limit",
        "hop" => "hop",
        "sign-ins" => "sign-ins --people 50 --seconds 5",
        "latency" => "ops --clients 1 --seconds 2",
        _ => "ops --seconds 4",
    }
}

impl Bars {
    /// Runs everything.
    pub(crate) fn run(&self, options: &ServerOptions, runtime: &Runtime) -> Result<Run, Trouble> {
        self.check()?;
        crowd::allow(SOCKETS)?;
        let mut options = options.clone();
        options.pin = !self.unpinned;
        if self.postgres.is_some() && options.postmaster.is_none() {
            progress::say("the CPU of PostgreSQL is not measured without --postmaster: its row is left out");
        }
        let reports = self.reports(&options, runtime);
        let rows = BARS
            .iter()
            .filter_map(|bar| Verdict::of(bar, &whole(reports.get(bar.scenario)?)))
            .collect();
        let settings = json!({
            "bars": self.scenarios(), "runs": self.runs,
            "postgres": self.postgres.is_some(), "redis": self.redis.is_some(),
            "server": options.settings(),
        });
        let run = Run::new(settings, reports.into_values().flatten().collect(), rows);
        print(&run);
        Ok(run)
    }

    /// The reports of each scenario; fewer when the run is interrupted.
    fn reports(&self, options: &ServerOptions, runtime: &Runtime) -> BTreeMap<&'static str, Vec<Report>> {
        let mut reports: BTreeMap<_, Vec<Report>> = BTreeMap::new();
        for run in 1..=self.runs {
            for name in self.scenarios() {
                progress::say(&format!("run {run} of {}: {name}", self.runs));
                let report = stop::attend(runtime, self.once(name, options));
                let is_interrupted = matches!(report, Err(Trouble::Interrupted)) || stop::is_asked();
                let mut report = report.unwrap_or_else(|trouble| unfinished(name, &trouble));
                if is_interrupted && report.is_clean() {
                    let what = || format!("{name}, run {run} of {}: ended early", self.runs);
                    report.faults.add(Fault::Failed, 1, what);
                }
                if self.runs > 1 {
                    report.title = format!("{}, run {run} of {}", report.title, self.runs);
                }
                reports.entry(name).or_default().push(report);
                if is_interrupted {
                    return reports;
                }
            }
        }
        reports
    }

    /// Refuses an `--only` that matches no scenario: such a run would succeed without any check.
    fn check(&self) -> Result<(), Trouble> {
        if !self.scenarios().is_empty() {
            return Ok(());
        }
        Err(Trouble::setup(format!(
            "--only {} matches no scenario of: {} (those of PostgreSQL need --postgres, hop also needs --redis)",
            self.only.as_deref().unwrap_or_default(),
            all().join(", ")
        )))
    }

    fn scenarios(&self) -> Vec<&'static str> {
        let mut names = all();
        names.retain(|name| !name.ends_with(POSTGRES) || self.postgres.is_some());
        names.retain(|name| *name != "hop" || self.redis.is_some());
        if let Some(only) = &self.only {
            names.retain(|name| name.contains(only.as_str()));
        }
        names
    }

    async fn once(&self, name: &str, options: &ServerOptions) -> Result<Report, Trouble> {
        let mut options = options.clone();
        if name == "hop" || name.ends_with(POSTGRES) {
            options.database_url.clone_from(&self.postgres);
        } else {
            options.postmaster = None;
        }
        if name == "hop" {
            options.redis_url.clone_from(&self.redis);
        }
        let mut report = {
            let mut server = Server::at(&options)?;
            Scenario::typed(typed(name))?.run(&mut server, &options).await?
        };
        // Several bars may run the same scenario, so runs are compared by the bar's name.
        report.scenario = name.into();
        if name.starts_with("ops") && !stop::is_asked() {
            let limit = commits::measure(&options, options.database_url.as_deref(), GROUP, 2.0).await?;
            report.numbers.extend(limit.numbers);
        }
        Ok(report)
    }
}

/// The reports of runs that were not ended early. The others measured less than a bar asks for.
fn whole(reports: &[Report]) -> Vec<Report> {
    let whole = reports.iter().filter(|report| !report.ended_early);
    whole.cloned().collect()
}

/// A failed run as a report, so that the numbers of the others are not lost.
fn unfinished(name: &str, trouble: &Trouble) -> Report {
    let mut report = Report::new(name, "not finished");
    report
        .faults
        .add(Fault::Failed, 1, || format!("{name}: {trouble}"));
    report
}

/// Prints the table of the bars and the faults.
fn print(run: &Run) {
    let mut rows = vec![HEADING.map(String::from).to_vec()];
    rows.extend(run.bars.iter().map(Verdict::cells));
    print!("\n{}", table(&rows, &RIGHT));
    if run.is_clean() {
        println!("\nevery check of every run held");
        return;
    }
    let faults = run.faults();
    println!("\nFAILED: {faults}");
    for report in run.reports.iter().filter(|report| !report.is_clean()) {
        println!("  {}: {}", report.title, report.faults);
    }
    for example in &faults.examples {
        println!("    {example}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_run_is_left_out_of_the_median() {
        let ops = |rate: f64, ended_early| {
            let mut report = Report::new("ops", "a run");
            report.put("operations", rate, "per second");
            report.ended_early = ended_early;
            report
        };
        let bar = BARS.iter().find(|bar| bar.scenario == "ops").expect("a bar");
        assert!(Verdict::of(bar, &whole(&[ops(3.0, true)])).is_none());
        let row = Verdict::of(bar, &whole(&[ops(5.0, false), ops(3.0, true), ops(4.0, true)]));
        assert_eq!(row.expect("a row").cells()[1], "5.00");
    }

    #[test]
    fn every_scenario_of_the_bars_can_be_typed() {
        for bar in BARS {
            assert!(Scenario::typed(typed(bar.scenario)).is_ok(), "{}", bar.scenario);
        }
    }
}
