//! Sockets that are cut and reconnect. Each remembers its positions and must resume there. `storm` and `resume` use
//! this. Does not know what happens while the sockets are away.

use crate::accounts::{Account, SOCKET};
use crate::board::{Board, Watch};
use crate::check::Ledger;
use crate::crowd::{self, Admission};
use crate::fault::Fault;
use crate::link::Link;
use crate::lock::lock;
use crate::meter::{Latency, latency, micros};
use crate::target::Server;
use crate::trouble::Trouble;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use taskwire_protocol::account::{Resume, Streams};
use taskwire_protocol::frames::Welcome;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A socket that was cut, and its positions.
pub(crate) struct Away {
    number: usize,
    watch: Watch,
}

/// Sockets that are connected, each read by a task.
pub(crate) struct Present {
    tasks: JoinSet<Option<Away>>,
    cut: watch::Sender<()>,
}

/// State that all sockets share.
pub(crate) struct Crowd {
    server: SocketAddr,
    pub(crate) accounts: Vec<Account>,
    streams: Streams,
    epoch: String,
    pub(crate) board: Arc<Board>,
    /// How many attempts to connect the server refused.
    retries: AtomicU64,
}

/// How long a crowd took to reconnect.
pub(crate) struct Return {
    /// From the start to the last `welcome`.
    pub(crate) seconds: f64,
    /// From the start to each `welcome`, in µs.
    pub(crate) each: Latency,
}

impl Crowd {
    /// Opens sockets that follow `streams`. The first one notes the operations that it sees in `ledger`.
    pub(crate) async fn gather(
        server: &Server,
        accounts: Vec<Account>,
        sockets: usize,
        streams: Streams,
        ledger: Option<&Arc<Mutex<Ledger>>>,
        admission: Admission,
    ) -> Result<(Crowd, Present), Trouble> {
        let epoch = Mutex::new(String::new());
        let opened = crowd::gather(sockets, admission, |number| {
            let (account, epoch, streams) = (&accounts[number % accounts.len()], &epoch, streams.clone());
            let ledger = ledger.filter(|_| number == 0).cloned();
            async move {
                let (link, welcome) = crowd::join(server.address, number, account, streams).await?;
                lock(epoch).clone_from(&welcome.epoch);
                let watch = Watch::of(&welcome, ledger);
                Ok((link, Away { number, watch }))
            }
        });
        let opened = opened.await?;
        let crowd = Crowd {
            server: server.address,
            accounts,
            streams,
            epoch: lock(&epoch).clone(),
            board: Board::new(server.patience),
            retries: AtomicU64::new(0),
        };
        let present = crowd.read(opened);
        Ok((crowd, present))
    }

    fn read(&self, sockets: Vec<(Link, Away)>) -> Present {
        let (cut, cuts) = watch::channel(());
        let mut tasks = JoinSet::new();
        for (link, away) in sockets {
            tasks.spawn(stay(link, away, self.board.clone(), cuts.clone()));
        }
        Present { tasks, cut }
    }

    /// How many attempts to connect the server refused.
    pub(crate) fn retries(&self) -> u64 {
        self.retries.load(Relaxed)
    }

    /// Reconnects all these sockets. The time counts from `start`.
    pub(crate) async fn bring_back(
        &self,
        away: Vec<Away>,
        start: Instant,
        admission: Admission,
    ) -> Result<(Present, Return), Trouble> {
        let (each, count) = (Mutex::new(latency()), away.len());
        let away = Mutex::new(away);
        let back = crowd::gather(count, admission, |_| {
            let next = lock(&away).pop();
            let each = &each;
            async move {
                let socket = next.ok_or_else(|| Trouble::setup("a socket was cut too early"))?;
                let (link, sent_away) = crowd::admitted(|| self.try_back(&socket), Trouble::may_pass).await?;
                self.retries.fetch_add(sent_away, Relaxed);
                lock(each).saturating_record(micros(start.elapsed()));
                Ok((link, socket))
            }
        });
        let back = back.await?;
        let seconds = start.elapsed().as_secs_f64();
        let each = lock(&each).clone();
        Ok((self.read(back), Return { seconds, each }))
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
            .authenticate(&account.token, self.streams.clone(), Some(resume))
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

impl Present {
    /// Cuts all sockets.
    pub(crate) async fn cut(mut self) -> Result<Vec<Away>, Trouble> {
        // This fails only when every task has ended; joining the tasks shows that.
        let _ = self.cut.send(());
        let mut away = Vec::with_capacity(self.tasks.len());
        while let Some(ended) = self.tasks.join_next().await {
            away.extend(ended.map_err(|error| Trouble::setup(error.to_string()))?);
        }
        Ok(away)
    }
}

/// Reads a socket until it is cut. A socket that ends earlier is a fault.
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
