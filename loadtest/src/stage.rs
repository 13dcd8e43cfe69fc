//! A workspace, those who watch it and the one who writes: what `fanout`, `slow` and `growth` set up. Watchers may be on
//! another instance than the writer. Does not know what is measured.

use crate::accounts::{self, Account};
use crate::board::{Board, Watch, lock};
use crate::check::{Faults, Ledger};
use crate::crowd::{self, Admission};
use crate::machine::Spent;
use crate::meter::Latency;
use crate::stop;
use crate::target::Server;
use crate::timeline::{Sample, Timeline};
use crate::trouble::Trouble;
use crate::writer::{Pace, Source, Writer};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskwire_protocol::WorkspaceId;
use taskwire_protocol::account::Streams;
use tokio::task::JoinSet;

/// A workspace that is watched and written to.
pub(crate) struct Stage {
    pub(crate) writer: Writer,
    pub(crate) accounts: Vec<Account>,
    pub(crate) workspace: WorkspaceId,
    ledger: Arc<Mutex<Ledger>>,
    /// Reads the watchers' sockets for as long as it lives.
    _watching: JoinSet<()>,
}

/// What was measured while one wrote and many watched.
pub(crate) struct Flow {
    pub(crate) events: u64,
    pub(crate) deliveries: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    pub(crate) spent: Spent,
    /// Whether the server's CPU can be known.
    pub(crate) is_local: bool,
    pub(crate) latency: Latency,
    pub(crate) samples: Vec<Sample>,
    /// An event, to send the same as the limit does.
    pub(crate) sample: Vec<u8>,
    pub(crate) faults: Faults,
}

impl Flow {
    /// CPU of a delivery in µs.
    pub(crate) fn cost(&self) -> Option<f64> {
        self.is_local
            .then(|| self.spent.server / self.deliveries.max(1) as f64)
    }

    /// Deliveries a second.
    pub(crate) fn rate(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }
}

impl Stage {
    /// Makes the workspace; `watchers` sockets of `accounts` people watch it at `watched`, one more writes at `written`.
    pub(crate) async fn set(
        written: &Server,
        watched: &Server,
        accounts: usize,
        watchers: usize,
        admission: Admission,
    ) -> Result<Stage, Trouble> {
        let accounts = accounts::make(written, accounts + 1).await?;
        let workspace = accounts::share(written, &accounts).await?;
        let (writes, watch) = accounts.split_at(usize::from(accounts.len() > 1));
        let board = Board::new(written.patience);
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let sockets = crowd::gather(watchers, admission, |n| {
            let account = &watch[n % watch.len()];
            let ledger = (n == 0).then(|| ledger.clone());
            async move {
                let streams = accounts::only(workspace);
                let (link, welcome) = crowd::join(watched.address, n, account, streams).await?;
                let head = welcome.streams.first().map_or(0, |state| state.seq);
                Ok((head, (link, Watch::of(&welcome, ledger))))
            }
        });
        let (heads, sockets): (Vec<u64>, Vec<_>) = sockets.await?.into_iter().unzip();
        let mut watching = JoinSet::new();
        crowd::watch(&board, &mut watching, sockets);
        let account = writes.first().unwrap_or(&accounts[0]);
        let (link, _) = crowd::join(written.address, 0, account, Streams::These(Vec::new())).await?;
        let writer = Writer {
            link,
            source: Source::tasks(workspace, ledger.clone()),
            board,
            watchers,
            head: heads.into_iter().max().unwrap_or(0),
        };
        Ok(Stage {
            writer,
            accounts,
            workspace,
            ledger,
            _watching: watching,
        })
    }

    /// What is wrong with acknowledgements, once everything should have come.
    pub(crate) fn verify(&self, faults: &mut Faults) {
        lock(&self.ledger).verify(faults);
    }
}

/// Has a writer warm up, then measures.
pub(crate) async fn measure(
    server: &Server,
    writer: &mut Writer,
    pace: Pace,
    warm_up: f64,
    seconds: f64,
) -> Result<Flow, Trouble> {
    writer.run(pace, Duration::from_secs_f64(warm_up)).await?;
    let _measuring = stop::measuring();
    let (usage, start) = (server.processes.usage(), Instant::now());
    let total = Duration::from_secs_f64(seconds);
    let board = writer.board.clone();
    let timeline = Timeline::record(server.processes, total, move || board.lock().meter.look());
    let events = writer.run(pace, total).await?;
    let seconds = start.elapsed().as_secs_f64();
    let spent = server.processes.usage().since(&usage);
    let samples = timeline.end();
    let mut tally = writer.board.lock();
    Ok(Flow {
        events,
        deliveries: tally.delivered,
        bytes: tally.bytes,
        seconds,
        spent,
        is_local: server.processes.server.is_some(),
        latency: tally.meter.whole().clone(),
        samples,
        sample: tally.sample.clone(),
        // Whoever measures again must not find these a second time.
        faults: std::mem::take(&mut tally.faults),
    })
}
