//! Starts and stops a node. `run(listener, app, shutdown)` is the whole node except its settings and parts; tests pass
//! it a listener on port 0.
//!
//! - `listen`  opens the listening socket, and raises the limit of open files
//! - `accept`  serves connections until they end or become sockets; `room` says how many there may be, and of whom
//! - `inside`  serves probes and metrics at an address of their own
//! - `drained` the last line of the log: what was left at the end of a drain
//! - `first_admin` the link that makes the first administrator: kept and shown
//! - `orders`  carries out a test's orders, in builds with fail points

mod accept;
mod drained;
mod first_admin;
mod inside;
mod listen;
mod orders;
mod room;

use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use drained::Left;

use drained::Drained;

use crate::auth::operators::Operators;
use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::{Engine, EngineError};
use crate::failpoint;
use crate::http;
use crate::jobs;
use crate::state::App;

/// The most time for closing the database.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// The least time for closing the database, even if `drain_seconds` is shorter.
const SHORTEST_MOMENT: Duration = Duration::from_millis(250);
/// The time between two upkeeps of the metrics recorder.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why a node did not start, or failed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The node cannot listen on the address.
    #[error("cannot listen on {address}: {error}; check `{setting}`")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system says.
        error: io::Error,
        /// The setting that has the address.
        setting: &'static str,
    },
    /// The operating system refuses something that every node needs.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// The database or another part cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A standby took over, a backup was restored, or somebody began another epoch.
    #[error("the database's epoch changed while this node was running: restart it, so that clients sync")]
    Outdated,
    /// A second signal arrived while the node drained.
    #[error("a second signal stopped this node before it answered every request")]
    Interrupted,
}

/// Runs a node until SIGTERM or SIGINT; a second signal ends it at once. It also ends when the database's epoch
/// changes, so that the next start begins in the new epoch. SIGHUP calls `reload`, which may read files. `done` is
/// called after the drain, before the last line of the log.
pub async fn serve(
    settings: Settings,
    reload: impl Fn() + Clone + Send + 'static,
    done: impl FnOnce(),
) -> Result<(), StartError> {
    listen::raise_file_limit();
    // from here on it ends nothing; one that comes during the start is obeyed after it
    let mut hang_up = signal(SignalKind::hangup())?;
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let starting = async {
        let listener = listen::at(&settings.listen, "listen").await?;
        Ok::<_, StartError>((listener, build(settings).await?))
    };
    // this may take long, while another instance migrates the schema or a name does not resolve
    let started = tokio::select! {
        started = starting => Some(started?),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    let Some((listener, app)) = started else {
        tracing::info!("a signal stopped this node during its start");
        return Ok(());
    };
    let address = listener.local_addr()?;
    let inside = inside::bind(&app).await?;
    // until the end of the drain: who watches the node sees it
    let _inside = inside.map(|listener| AbortOnDrop(tokio::spawn(inside::serve(listener, app.clone()))));
    warn_of_weak_secret(&app.settings, address);
    let closing = last_moment(&app.settings).max(SHORTEST_MOMENT);
    let engine = app.engine.clone();
    let runner = jobs::Runner::start(&engine, &app.settings, jobs::KINDS);
    first_admin::offer(&engine, &app.settings, address).await;
    let database = engine.database_health().await.kind;
    tracing::info!(%address, database, instance = app.settings.instance, "serving");
    // an error is ignored: nobody has to read the standard output
    let _ready = writeln!(io::stdout(), "listening on http://{address}");
    let stop = CancellationToken::new();
    let sockets = app.sockets.clone();
    let mut node = pin!(run(listener, app, stop.clone().cancelled_owned()));
    let (mut ended, mut since) = (Ok(()), Instant::now());
    let left = loop {
        tokio::select! {
            left = &mut node => break left,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {
                drop(tokio::task::spawn_blocking(reload.clone()));
                continue;
            }
            () = engine.outdated(), if !stop.is_cancelled() => {
                tracing::error!("the database's epoch changed: this node drains and exits with code 1; restart it");
                ended = Err(StartError::Outdated);
            }
        }
        if stop.is_cancelled() {
            tracing::warn!(
                sockets = sockets.count(),
                "a second signal ended the drain; what was left is cut off"
            );
            return Err(StartError::Interrupted);
        }
        tracing::info!(sockets = sockets.count(), "draining");
        since = Instant::now();
        stop.cancel();
    };
    let (jobs_released, database_closed) = close(runner, &engine, Instant::now() + closing).await;
    let drained = Drained {
        since,
        left,
        jobs_released,
        database_closed,
    };
    drained.tell(done);
    ended
}

/// In development a weak secret is allowed. Who reaches the node from elsewhere may guess it, and sign in as anybody.
fn warn_of_weak_secret(settings: &Settings, address: SocketAddr) {
    if let (Some(why), false) = (settings.weak_secret(), address.ip().to_canonical().is_loopback()) {
        tracing::warn!(
            %address,
            "jwt_secret {why}, and others reach this node: use at least 32 random bytes (`openssl rand -base64 48`)"
        );
    }
}

/// Ends the jobs and closes the database. Returns whether the jobs were released, and whether the database closed in
/// time.
async fn close(runner: jobs::Runner, engine: &Engine, ends: Instant) -> (bool, bool) {
    let mut released = false;
    let end = async {
        released = runner
            .stop(ends.saturating_duration_since(Instant::now()) / 2)
            .await;
        engine.stop().await;
    };
    let closed = tokio::time::timeout_at(ends, end).await.is_ok();
    if closed {
        let left = ends.saturating_duration_since(Instant::now());
        engine.close(left.max(SHORTEST_MOMENT)).await;
    }
    (released, closed)
}

/// Brings the database's schema up to date.
pub async fn migrate(settings: &Settings) -> Result<(), StartError> {
    Ok(Engine::migrate(settings).await?)
}

/// The parts of a node.
async fn build(settings: Settings) -> Result<Arc<App>, StartError> {
    // first, because some parts record metrics when they start
    let recorder = if settings.metrics_enabled {
        http::recorder()
    } else {
        None
    };
    let engine = Engine::start(&settings, Clock::system()).await?;
    engine.recall_tokens().await;
    // the engine has generated one if none is set
    let keys = settings.jwt_keys()?;
    let operators = Operators::new(
        settings.metrics_token.as_ref(),
        Some(&keys.current),
        keys.previous.as_ref(),
    );
    let settings = Arc::new(settings);
    failpoint::obey(orders::carry_out(&engine, &settings))?;
    Ok(App::new(settings, engine, operators, recorder))
}

/// Serves a listener until `shutdown`. Then `/readyz` answers 503, and nothing else changes for `drain_delay_seconds`.
/// After that the node drains: it accepts no new sockets, tells each socket when to reconnect, answers pending
/// requests, and closes sockets with 1012. Together this takes at most `drain_seconds` minus the time for closing the
/// database. Returns what was left then.
pub async fn run(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()>) -> Left {
    let connections = TaskTracker::new();
    let draining = CancellationToken::new();
    let _upkeep = app.metrics.clone().map(|recorder| {
        let tidy = async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                recorder.run_upkeep();
            }
        };
        AbortOnDrop(tokio::spawn(tidy))
    });
    listen::tune(&listener, &app.settings);
    // spawned onto a worker thread: if this thread accepted, every connection would have to move to another thread
    let accept = accept::accept(listener, app.clone(), connections.clone(), draining.clone());
    let mut accepting = AbortOnDrop(tokio::spawn(accept));
    let mut shutdown = pin!(shutdown);
    tokio::select! {
        _ = &mut accepting.0 => return Left::default(),
        () = &mut shutdown => {}
    }
    let ends = Instant::now() + app.settings.drain - last_moment(&app.settings);
    app.leave();
    if !app.settings.drain_delay.is_zero() {
        tokio::select! {
            _ = &mut accepting.0 => {}
            () = tokio::time::sleep(app.settings.drain_delay) => {}
        }
    }
    app.drain();
    app.sockets.goodbye(app.settings.drain);
    let drain = async {
        // new connections are still answered, so that probes see that the node drains
        tokio::select! {
            _ = &mut accepting.0 => {}
            () = app.sockets.close_all() => {}
        }
        accepting.0.abort();
        draining.cancel();
        connections.close();
        connections.wait().await;
    };
    match tokio::time::timeout_at(ends, drain).await {
        Ok(()) => Left::default(),
        Err(_) => Left {
            sockets: app.sockets.count(),
            connections: connections.len(),
        },
    }
}

/// The part of `drain_seconds` that is reserved for closing the database.
fn last_moment(settings: &Settings) -> Duration {
    (settings.drain / 4).min(LAST_MOMENT)
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
