//! A stream with its watchers and its writer, for `fanout`, `slow`, `hop` and `growth`. Watchers may be at other
//! instances than the writer. Does not know what is measured.

use crate::accounts::{self, Account};
use crate::board::{Arrivals, Board, Watch};
use crate::check::Ledger;
use crate::crowd::{self, Admission};
use crate::fault::Faults;
use crate::link::Link;
use crate::lock::lock;
use crate::meter::Latency;
use crate::pace::Pace;
use crate::processes::Spent;
use crate::requests::fill;
use crate::stop;
use crate::target::Server;
use crate::timeline::{Sample, Timeline};
use crate::trouble::Trouble;
use crate::writer::{Source, Wish, Writer};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskwire_protocol::account::Streams;
use taskwire_protocol::notification::ListNotifications;
use taskwire_protocol::{NotificationId, StreamId};
use tokio::task::JoinSet;

/// A stream with its watchers and its writer.
pub(crate) struct Stage {
    pub(crate) writer: Writer,
    pub(crate) accounts: Vec<Account>,
    pub(crate) stream: StreamId,
    /// With several servers: when each event arrived at the first watcher of each of them.
    pub(crate) arrivals: Vec<Arrivals>,
    ledger: Arc<Mutex<Ledger>>,
    /// The tasks that read the watchers' sockets. Dropping this ends them.
    _watching: JoinSet<()>,
}

/// The watchers of a stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Audience {
    /// How many people watch.
    pub(crate) accounts: usize,
    /// How many sockets they have.
    pub(crate) watchers: usize,
    pub(crate) admission: Admission,
}

/// Notifications in a page.
const PAGE: u32 = 100;

/// The results while one wrote and many watched.
pub(crate) struct Flow {
    pub(crate) events: u64,
    pub(crate) deliveries: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    pub(crate) spent: Spent,
    /// Whether the server's CPU is known.
    pub(crate) is_local: bool,
    pub(crate) latency: Latency,
    pub(crate) samples: Vec<Sample>,
    /// The text of an event, which the limit sends again.
    pub(crate) sample: Vec<u8>,
    pub(crate) faults: Faults,
}

impl Flow {
    /// CPU of a delivery in µs; `None` when it is unknown or there was no delivery.
    pub(crate) fn cost(&self) -> Option<f64> {
        (self.is_local && self.deliveries > 0).then(|| self.spent.server / self.deliveries as f64)
    }

    /// Deliveries a second.
    pub(crate) fn rate(&self) -> f64 {
        self.deliveries as f64 / self.seconds
    }
}

impl Stage {
    /// A workspace: one person makes tasks in it at `written`, and sockets of others watch it. The sockets are spread
    /// over the servers `watched`.
    pub(crate) async fn of_tasks(
        written: &Server,
        watched: &[&Server],
        audience: Audience,
    ) -> Result<Stage, Trouble> {
        let accounts = accounts::make(written, audience.accounts + 1).await?;
        let workspace = accounts::share(written.address, &accounts).await?;
        let (writes, watch) = accounts.split_at(usize::from(accounts.len() > 1));
        let author = writes.first().unwrap_or(&accounts[0]);
        let (link, _) = crowd::join(written.address, 0, author, Streams::These(Vec::new())).await?;
        let watch = watch.to_vec();
        let mut stage = Stage::open(
            link,
            Wish::Task(workspace),
            workspace.into(),
            watched,
            watch,
            audience,
        )
        .await?;
        stage.accounts = accounts;
        Ok(stage)
    }

    /// A person's own stream: that person deletes at most `events` notifications at `written`, and all watchers are that
    /// person's sockets.
    pub(crate) async fn of_notifications(
        written: &Server,
        watched: &[&Server],
        audience: Audience,
        events: usize,
    ) -> Result<Stage, Trouble> {
        let accounts = accounts::make(written, 1).await?;
        let author = accounts.first().ok_or_else(|| Trouble::setup("no account"))?;
        let streams = Streams::These(Vec::new());
        let (mut link, welcome) = crowd::join(written.address, 0, author, streams).await?;
        let wish = Wish::Deletion(notifications(&mut link, events, written).await?);
        Stage::open(link, wish, welcome.user.id.into(), watched, accounts, audience).await
    }

    async fn open(
        link: Link,
        wish: Wish,
        stream: StreamId,
        watched: &[&Server],
        watch: Vec<Account>,
        audience: Audience,
    ) -> Result<Stage, Trouble> {
        let patience = watched.first().map_or(Duration::ZERO, |server| server.patience);
        let board = Board::new(patience);
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let timed = if watched.len() > 1 { watched.len() } else { 0 };
        let arrivals: Vec<Arrivals> = (0..timed).map(|_| Arrivals::default()).collect();
        let sockets = crowd::gather(audience.watchers, audience.admission, |n| {
            let (account, at) = (&watch[n % watch.len()], watched[n % watched.len()]);
            // The first watcher at the last server notes operations: acknowledged ones must arrive there too.
            let ledger = (n + 1 == watched.len()).then(|| ledger.clone());
            let arrivals = arrivals.get(n).cloned();
            async move {
                let (link, welcome) = crowd::join(at.address, n, account, accounts::only(stream)).await?;
                let head = welcome.streams.first().map_or(0, |state| state.seq);
                Ok((head, (link, Watch::of(&welcome, ledger).timed(arrivals))))
            }
        });
        let (heads, sockets): (Vec<u64>, Vec<_>) = sockets.await?.into_iter().unzip();
        let mut watching = JoinSet::new();
        crowd::watch(&board, &mut watching, sockets);
        let writer = Writer {
            link,
            source: Source::of(wish, ledger.clone()),
            board,
            watchers: audience.watchers,
            head: heads.into_iter().max().unwrap_or(0),
        };
        Ok(Stage {
            writer,
            accounts: watch,
            stream,
            arrivals,
            ledger,
            _watching: watching,
        })
    }

    /// Adds the faults of acknowledgements. Call it when everything should have arrived.
    pub(crate) fn verify(&self, faults: &mut Faults) {
        lock(&self.ledger).verify(faults);
    }
}

/// Makes at least `count` notifications of the socket's user: each task makes one.
async fn notifications(
    link: &mut Link,
    count: usize,
    server: &Server,
) -> Result<Vec<NotificationId>, Trouble> {
    let (board, ledger) = (Board::new(server.patience), Mutex::default());
    fill(link, None, count as u64, &ledger, &board).await?;
    let mut found = Vec::with_capacity(count);
    let mut request = ListNotifications {
        limit: Some(PAGE),
        ..ListNotifications::default()
    };
    while found.len() < count {
        let page = link.call(&request).await?;
        found.extend(page.items.iter().map(|notification| notification.id));
        request.cursor = page.next_cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    if found.len() < count {
        let faults = board.lock().faults.to_string();
        return Err(Trouble::setup(format!(
            "{count} tasks made only {} notifications: {faults}",
            found.len()
        )));
    }
    Ok(found)
}

/// Lets the writer warm up, then measures.
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
        // The next measurement must not report these faults again.
        faults: std::mem::take(&mut tally.faults),
    })
}
