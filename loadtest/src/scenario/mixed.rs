//! `mixed`: many workspaces with teams of all sizes, watchers and people at work, as in real use; with `--hostile` once more
//! beside a hostile user, on a server with its limits. `soak` does the same for a long time, and reports the numbers that
//! drift.

use crate::accounts::{self, Account};
use crate::board::{Board, Watch};
use crate::check::Ledger;
use crate::crowd::{self, Admission};
use crate::fault::Fault;
use crate::hostile::Hostile;
use crate::lock::lock;
use crate::meter::millis_at;
use crate::mind::Workplace;
use crate::mix::{Dice, Mix};
use crate::person::Person;
use crate::report::Report;
use crate::server_options::ServerOptions;
use crate::shift::{Outcome, Shift};
use crate::statistics::{median, slope};
use crate::target::Server;
use crate::timeline::Sample;
use crate::trouble::Trouble;
use clap::Args;
use serde::Serialize;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskwire_protocol::WorkspaceId;
use taskwire_protocol::account::Streams;
use tokio::task::JoinSet;

/// Of what others did before, they do at least so much beside a hostile user.
const LEFT: f64 = 0.9;

/// The teams, the people and their sockets.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Company {
    /// Workspaces
    #[arg(long, value_parser = crate::options::count, default_value_t = 40)]
    pub(crate) workspaces: usize,
    /// The smallest team
    #[arg(long, value_parser = crate::options::count, default_value_t = 5)]
    pub(crate) smallest: usize,
    /// The largest team
    #[arg(long, value_parser = crate::options::count, default_value_t = 50)]
    pub(crate) largest: usize,
    /// Accounts; each is in several teams
    #[arg(long, value_parser = crate::options::count, default_value_t = 100)]
    pub(crate) accounts: usize,
    /// Sockets that watch all streams of their account
    #[arg(long, value_parser = crate::options::count, default_value_t = 500)]
    pub(crate) sockets: usize,
    /// People at work, each with one more socket
    #[arg(long, value_parser = crate::options::count, default_value_t = 32)]
    pub(crate) people: usize,
    /// Requests a second in all, by the clock; 0: each as soon as the previous one is answered
    #[arg(long, value_parser = crate::options::rate_or_none, default_value_t = 500.0)]
    pub(crate) rate: f64,
    /// Their operations: `create`, `real`, or shares like `create=1,update=2,complete=1,list=4`
    #[arg(long, default_value_t = Mix::REAL)]
    pub(crate) mix: Mix,
    /// The seed of the teams and of the order of requests
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) admission: Admission,
}

/// `mixed`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Mixed {
    #[command(flatten)]
    pub(crate) company: Company,
    /// Seconds that are measured
    #[arg(long, value_parser = crate::options::measured, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// Seconds of warm-up before that
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 1.0)]
    pub(crate) warm_up: f64,
    /// Measure on a server with its limits, and then once more beside a hostile user, who does what one account may do, as
    /// fast as it is answered: others then do at least 0.9 of what they did before. `--rate 0` shows that best. The teams are
    /// made without limits
    #[arg(long)]
    pub(crate) hostile: bool,
}

/// The accounts of a company, and who works where.
struct Staff {
    accounts: Vec<Account>,
    /// The members of each team, as numbers of accounts. The first one owns the workspace.
    teams: Vec<Vec<usize>>,
    /// Of each team.
    workspaces: Vec<WorkspaceId>,
}

/// `soak`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct Soak {
    #[command(flatten)]
    pub(crate) company: Company,
    /// Seconds that are measured
    #[arg(long, value_parser = crate::options::measured, default_value_t = 600.0)]
    pub(crate) seconds: f64,
    /// Seconds of warm-up before that, in which caches fill
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 5.0)]
    pub(crate) warm_up: f64,
}

impl Company {
    /// How many sockets the scenario opens.
    pub(crate) fn all_sockets(&self) -> usize {
        self.sockets + self.people + self.workspaces
    }

    /// The members of each team, as numbers of accounts. The first one owns the workspace.
    fn teams(&self, accounts: usize) -> Vec<Vec<usize>> {
        let mut dice = Dice::new(self.seed);
        let smallest = self.smallest.min(accounts);
        let largest = self.largest.clamp(smallest, accounts);
        let team = |_| {
            let size = smallest + dice.below((largest - smallest + 1) as u32) as usize;
            let first = dice.below(accounts as u32) as usize;
            (first..first + size).map(|n| n % accounts).collect()
        };
        (0..self.workspaces).map(team).collect()
    }

    /// Makes accounts and teams.
    async fn hire(&self, server: &Server) -> Result<Staff, Trouble> {
        crate::progress::say("making accounts and teams");
        let accounts = accounts::make(server, self.accounts).await?;
        let teams = self.teams(accounts.len());
        let mut workspaces = Vec::with_capacity(teams.len());
        for team in &teams {
            let members: Vec<Account> = team.iter().map(|n| accounts[*n].clone()).collect();
            workspaces.push(accounts::share(server.address, &members).await?);
        }
        Ok(Staff {
            accounts,
            teams,
            workspaces,
        })
    }

    /// Opens sockets, lets people work, and checks.
    async fn work(
        &self,
        server: &Server,
        staff: &Staff,
        warm_up: f64,
        seconds: f64,
    ) -> Result<(Outcome, Report), Trouble> {
        crate::progress::say("opening sockets");
        let board = Board::new(server.patience);
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let mut watching = JoinSet::new();
        self.watch(server, &staff.accounts, &board, &mut watching).await?;
        self.note(server, staff, &ledger, &board, &mut watching).await?;
        let people = self.people(server, staff).await?;
        let rate = (self.rate > 0.0).then_some(self.rate);
        let shift = Shift {
            warm_up,
            seconds,
            rate,
        };
        let outcome = shift.run(server, people, &board, &ledger).await?;
        let mut report = Report::new(
            "mixed",
            format!(
                "{} people in {} workspaces, {} sockets, {}, {}",
                self.people,
                self.workspaces,
                self.all_sockets(),
                self.mix,
                rate.map_or("closed loop".to_owned(), |rate| format!("{rate} a second")),
            ),
        );
        outcome.put(&mut report);
        report.checked = format!(
            "answers in order; order, gaps and duplicates at {} sockets; each of {} acknowledged operations arrived \
             once",
            self.all_sockets(),
            lock(&ledger).acknowledgements()
        );
        report.faults = std::mem::take(&mut board.lock().faults);
        Ok((outcome, report))
    }

    /// Opens the sockets that follow all streams of their accounts.
    async fn watch(
        &self,
        server: &Server,
        accounts: &[Account],
        board: &Arc<Board>,
        watching: &mut JoinSet<()>,
    ) -> Result<(), Trouble> {
        let sockets = crowd::gather(self.sockets, self.admission, |n| {
            let account = &accounts[n % accounts.len()];
            async move {
                let (link, welcome) = crowd::join(server.address, n, account, Streams::default()).await?;
                Ok((link, Watch::of(&welcome, None)))
            }
        });
        crowd::watch(board, watching, sockets.await?);
        Ok(())
    }

    /// Opens a socket for each workspace, which notes the operations that it sees.
    async fn note(
        &self,
        server: &Server,
        staff: &Staff,
        ledger: &Arc<Mutex<Ledger>>,
        board: &Arc<Board>,
        watching: &mut JoinSet<()>,
    ) -> Result<(), Trouble> {
        let sockets = crowd::gather(staff.workspaces.len(), self.admission, |n| async move {
            let owner = &staff.accounts[staff.teams[n][0]];
            let streams = accounts::only(staff.workspaces[n]);
            let (link, welcome) = crowd::join(server.address, n, owner, streams).await?;
            Ok((link, Watch::of(&welcome, Some(ledger.clone()))))
        });
        crowd::watch(board, watching, sockets.await?);
        Ok(())
    }

    async fn people(&self, server: &Server, staff: &Staff) -> Result<Vec<Person>, Trouble> {
        let Staff {
            accounts,
            teams,
            workspaces,
        } = staff;
        let sockets_of = |n: usize| (n..self.sockets).step_by(accounts.len()).count() as u64;
        let workplace = |team: usize| Workplace {
            workspace: Some(workspaces[team]),
            audience: 1 + teams[team].iter().map(|n| sockets_of(*n)).sum::<u64>(),
        };
        // Some accounts are in no team. Only those in a team can work.
        let busy: Vec<usize> = (0..accounts.len())
            .filter(|n| teams.iter().any(|team| team.contains(n)))
            .collect();
        let mut people = Vec::with_capacity(self.people);
        for n in 0..self.people {
            let who = busy[n % busy.len()];
            let member = (0..teams.len()).filter(|team| teams[*team].contains(&who));
            let streams = Streams::These(Vec::new());
            let (link, _) = crowd::join(server.address, 0, &accounts[who], streams).await?;
            let seed = self.seed.wrapping_mul(1_000_003).wrapping_add(n as u64);
            people.push(Person::new(link, member.map(workplace).collect(), self.mix, seed));
        }
        Ok(people)
    }
}

impl Mixed {
    pub(crate) async fn run(&self, server: &mut Server, options: &ServerOptions) -> Result<Report, Trouble> {
        let staff = self.company.hire(server).await?;
        if !self.hostile {
            return self.shift(server, &staff).await.map(|(_, report)| report);
        }
        let hostile = accounts::make(server, 1).await?;
        let hostile = hostile.first().ok_or_else(|| Trouble::setup("no account"))?;
        server.restart_with_limits(options, true)?;
        let report = self.beside(server, &staff, hostile).await;
        server.restart_with_limits(options, false)?;
        report
    }

    async fn shift(&self, server: &Server, staff: &Staff) -> Result<(Outcome, Report), Trouble> {
        self.company.work(server, staff, self.warm_up, self.seconds).await
    }

    /// Measures without the hostile user, then beside them. The report is of the second time.
    async fn beside(&self, server: &Server, staff: &Staff, hostile: &Account) -> Result<Report, Trouble> {
        let (alone, before) = self.shift(server, staff).await?;
        let mut attack = Hostile::begin(server.address, hostile);
        let (beside, mut report) = self.shift(server, staff).await?;
        let (carried_out, refused) = attack.goes_on()?;
        drop(attack);
        report.title = report.title.replacen("mixed", "mixed, beside a hostile user", 1);
        report.faults.extend(before.faults);
        let rate = |outcome: &Outcome| outcome.latency.len() as f64 / outcome.seconds;
        let times = |quantile| millis_at(&beside.latency, quantile) / millis_at(&alone.latency, quantile);
        let left = rate(&beside) / rate(&alone);
        if left < LEFT {
            report.faults.add(Fault::Slowed, 1, || {
                format!("beside a hostile user others did {left:.2} of what they did before, not {LEFT}")
            });
        }
        report.put("operations before the attack", rate(&alone), "per second");
        report.put("operations beside it, by those before", left, "×");
        report.put("p50 before the attack", millis_at(&alone.latency, 0.5), "ms");
        report.put("p50, times as long beside it", times(0.5), "×");
        report.put("p99 before the attack", millis_at(&alone.latency, 0.99), "ms");
        report.put("p99, times as long beside it", times(0.99), "×");
        report.put(
            "requests of the hostile user, carried out",
            carried_out as f64,
            "",
        );
        report.put("requests of the hostile user, refused", refused as f64, "");
        Ok(report)
    }
}

impl Soak {
    pub(crate) async fn run(&self, server: &Server) -> Result<Report, Trouble> {
        let staff = self.company.hire(server).await?;
        let work = self.company.work(server, &staff, self.warm_up, self.seconds);
        let (outcome, mut report) = work.await?;
        report.title = report.title.replacen("mixed", "soak", 1);
        report.scenario = "soak".into();
        put_drift(&mut report, &outcome.samples);
        // The sockets were closed when `work` returned. Descriptors that the server still has after 2 s are leaks.
        tokio::time::sleep(Duration::from_secs(2)).await;
        if let Some(left) = server.processes.descriptors() {
            report.put("descriptors after all sockets were closed", left, "");
        }
        Ok(report)
    }
}

/// Adds the drift after the first fifth: the growth of memory and descriptors an hour, and the p99 at the end divided
/// by the p99 at the start.
fn put_drift(report: &mut Report, samples: &[Sample]) {
    let settled = &samples[samples.len() / 5..];
    let line = |value: &dyn Fn(&Sample) -> Option<f64>| {
        let points: Vec<(f64, f64)> = settled.iter().filter_map(|s| Some((s.at, value(s)?))).collect();
        slope(&points).map(|by_second| by_second * 3600.0)
    };
    if let Some(memory) = line(&|s| Some(s.resident? / 1024.0)) {
        report.put("memory grows", memory, "MiB/h");
    }
    if let Some(files) = line(&|s| s.descriptors) {
        report.put("descriptors grow", files, "per hour");
    }
    let p99 = |part: &[Sample]| median(part.iter().filter_map(Sample::p99));
    let fifth = settled.len() / 4;
    if let (Some(first), Some(last)) = (p99(&settled[..fifth]), p99(&settled[settled.len() - fifth..])) {
        report.put("latency p99, last part by the first", last / first, "×");
    }
}
