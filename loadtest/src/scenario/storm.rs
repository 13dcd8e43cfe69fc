//! `storm`: every socket is cut at once and comes back at once. Seconds until all are authenticated and resumed, and
//! proof that each goes on where it was.

use crate::accounts::{self, Account, SOCKET};
use crate::board::{Board, Watch, latency, lock, micros};
use crate::check::Fault;
use crate::crowd::{self, Admission};
use crate::link::Link;
use crate::report::Report;
use crate::target::Server;
use crate::trouble::Trouble;
use crate::writer::create;
use clap::Args;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use taskwire_protocol::WorkspaceId;
use taskwire_protocol::account::{Resume, Streams};
use taskwire_protocol::frames::Welcome;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// `storm`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Storm {
    /// Sockets that are cut
    #[arg(long, value_parser = crate::options::count, default_value_t = 5000)]
    pub(crate) sockets: usize,
    /// Accounts that they belong to, all of them members of one workspace
    #[arg(long, value_parser = crate::options::count, default_value_t = 50)]
    pub(crate) accounts: usize,
    #[command(flatten)]
    pub(crate) admission: Admission,
}

/// A socket that was cut: whose, and what it knows.
struct Away {
    number: usize,
    watch: Watch,
}

/// What all sockets share.
struct Crowd {
    server: std::net::SocketAddr,
    accounts: Vec<Account>,
    epoch: String,
    board: Arc<Board>,
    /// Attempts that the server sent away.
    retries: AtomicU64,
}

impl Storm {
    /// Opens the sockets, cuts them, and brings them back.
    pub(crate) async fn run(&self, server: &Server) -> Result<Report, Trouble> {
        let accounts = accounts::make(server, self.accounts).await?;
        let workspace = accounts::share(server, &accounts).await?;
        let (crowd, sockets) = self.gather(server, accounts).await?;
        let (cut, cuts) = watch::channel(());
        let mut tasks = JoinSet::new();
        for (link, away) in sockets {
            tasks.spawn(stay(link, away, crowd.board.clone(), cuts.clone()));
        }
        let (mut writer, _) =
            crowd::join(crowd.server, 0, &crowd.accounts[0], Streams::These(Vec::new())).await?;
        send(&mut writer, workspace).await?;
        self.all_told(&crowd).await;

        let (start, usage) = (Instant::now(), server.processes.usage());
        // Every task holds a receiver, so somebody listens.
        let _ = cut.send(());
        let mut away = Vec::with_capacity(self.sockets);
        while let Some(ended) = tasks.join_next().await {
            away.extend(ended.map_err(|error| Trouble::setup(error.to_string()))?);
        }
        // Whether it is missed or comes live: every socket must get it once.
        crowd.board.begin(0);
        send(&mut writer, workspace).await?;
        let each = Mutex::new(latency());
        let away = Mutex::new(away);
        let back = crowd::gather(self.sockets, self.admission, |_| {
            let next = lock(&away).pop();
            let (crowd, each) = (&crowd, &each);
            async move {
                let socket = next.ok_or_else(|| Trouble::setup("a socket was cut before its time"))?;
                let link = crowd.bring_back(&socket).await?;
                lock(each).saturating_record(micros(start.elapsed()));
                Ok((link, socket.watch))
            }
        });
        let back = back.await?;
        let seconds = start.elapsed().as_secs_f64();
        let spent = server.processes.usage().since(&usage);
        let mut tasks = JoinSet::new();
        crowd::watch(&crowd.board, &mut tasks, back);
        self.all_told(&crowd).await;
        let mut report = Report::new(format!(
            "storm: {} sockets of {} accounts cut at once",
            self.sockets, self.accounts
        ));
        report.put("until all are back", seconds, "s");
        report.put(
            "until half are back",
            lock(&each).value_at_quantile(0.5) as f64 / 1e6,
            "s",
        );
        report.put(
            "sent away and tried again",
            crowd.retries.load(Relaxed) as f64,
            "times",
        );
        if server.processes.server.is_some() {
            report.put("server CPU per socket", spent.server / self.sockets as f64, "µs");
        }
        report.put_cores(spent, seconds);
        report.checked = format!(
            "each of {} sockets resumed every stream and got the next event, once",
            self.sockets
        );
        report.faults = std::mem::take(&mut crowd.board.lock().faults);
        Ok(report)
    }

    async fn gather(
        &self,
        server: &Server,
        accounts: Vec<Account>,
    ) -> Result<(Crowd, Vec<(Link, Away)>), Trouble> {
        let epoch = Mutex::new(String::new());
        let sockets = crowd::gather(self.sockets, self.admission, |number| {
            let (account, epoch) = (&accounts[number % accounts.len()], &epoch);
            async move {
                let (link, welcome) =
                    crowd::join(server.address, number, account, Streams::default()).await?;
                lock(epoch).clone_from(&welcome.epoch);
                let watch = Watch::of(&welcome, None);
                Ok((link, Away { number, watch }))
            }
        });
        let sockets = sockets.await?;
        let crowd = Crowd {
            server: server.address,
            accounts,
            epoch: lock(&epoch).clone(),
            board: Board::new(server.patience),
            retries: AtomicU64::new(0),
        };
        Ok((crowd, sockets))
    }

    /// Waits until every socket has what was written.
    async fn all_told(&self, crowd: &Crowd) {
        let sockets = self.sockets as u64;
        if !crowd.board.until(sockets).await {
            let missing = sockets - crowd.board.lock().created;
            crowd.board.fault(Fault::Missing, missing, || {
                format!("{missing} sockets did not get an event")
            });
        }
    }
}

impl Crowd {
    /// Connects, authenticates and resumes; again when the server is not ready for it.
    async fn bring_back(&self, socket: &Away) -> Result<Link, Trouble> {
        let (link, sent_away) = crowd::admitted(|| self.try_back(socket)).await?;
        self.retries.fetch_add(sent_away, Relaxed);
        Ok(link)
    }

    async fn try_back(&self, socket: &Away) -> Result<Link, Trouble> {
        let account = &self.accounts[socket.number % self.accounts.len()];
        let positions = socket.watch.positions.all();
        let resume = Resume {
            epoch: self.epoch.clone(),
            positions: positions.map(|(stream, seq)| (stream.to_owned(), seq)).collect(),
        };
        let mut link = Link::open(self.server, SOCKET, socket.number).await?;
        let welcome = link
            .authenticate(&account.token, Streams::default(), Some(resume))
            .await?;
        self.check(&welcome);
        Ok(link)
    }

    fn check(&self, welcome: &Welcome) {
        for state in welcome.streams.iter().filter(|state| !state.resumed) {
            self.board.fault(Fault::NotResumed, 1, || {
                format!("{}: {:?}", state.stream, state.reason)
            });
        }
    }
}

/// Reads a socket until it is cut. One that ends before is a fault.
async fn stay(
    mut link: Link,
    mut away: Away,
    board: Arc<Board>,
    mut cut: watch::Receiver<()>,
) -> Option<Away> {
    let ended = tokio::select! {
        biased;
        trouble = board.follow(&mut link, &mut away.watch) => Some(trouble),
        _ = cut.changed() => None,
    };
    match ended {
        None => Some(away),
        Some(trouble) => {
            board.fault(Fault::Cut, 1, || trouble.to_string());
            None
        }
    }
}

/// Makes a task that every socket hears of.
async fn send(writer: &mut Link, workspace: WorkspaceId) -> Result<(), Trouble> {
    let mut text = String::new();
    create(&mut text, 1, crate::writer::op_id(), Some(workspace));
    writer.send(&text).await
}
