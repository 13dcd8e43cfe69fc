//! Starting and stopping. `run(listener, app, shutdown)` is all of a node except its settings and its parts; tests give
//! it a listener on port 0.
//!
//! - `listen`  the listening socket, and what the system is asked for
//! - `accept`  connections, until they end or become sockets
//! - `orders`  what a test orders a node to do, in builds with fail points

mod accept;
mod listen;
mod orders;

use std::future::Future;
use std::io::{self, Write as _};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::{Engine, EngineError};
use crate::failpoint;
use crate::http;
use crate::jobs;
use crate::state::App;

/// The longest time for closing the database.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// The shortest, whatever `drain_seconds` says.
const SHORTEST_MOMENT: Duration = Duration::from_millis(250);
/// Between two tidyings of the recorder.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why a node did not start, or ended with a failure.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// The operating system refuses something that every node needs.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    /// The database or another part cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A standby took over, a backup was restored, or somebody began another epoch.
    #[error("the database has another epoch than at the start: restart this node, so that clients sync")]
    Outdated,
    /// A second signal came while draining.
    #[error("a second signal stopped the node before every request was answered")]
    Interrupted,
}

/// Runs a node until SIGTERM or SIGINT; a second signal ends it at once. It also ends when the database's epoch changes,
/// so that the next start begins in the new epoch.
pub async fn serve(settings: Settings) -> Result<(), StartError> {
    listen::raise_file_limit();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let starting = async {
        let listener = listen::bind(&settings).await?;
        Ok::<_, StartError>((listener, build(settings).await?))
    };
    // this may take long: another instance changes the schema, or a name does not resolve
    let started = tokio::select! {
        started = starting => Some(started?),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    let Some((listener, app)) = started else {
        tracing::info!("stopped during the start");
        return Ok(());
    };
    let address = listener.local_addr()?;
    let closing = last_moment(&app.settings).max(SHORTEST_MOMENT);
    let engine = app.engine.clone();
    let runner = jobs::Runner::start(&engine, &app.settings, jobs::KINDS);
    let database = engine.database_health().await.kind;
    tracing::info!(%address, database, instance = app.settings.instance, "serving");
    // serves even if nobody reads the standard output
    let _ready = writeln!(io::stdout(), "listening on http://{address}");
    let stop = CancellationToken::new();
    let mut node = pin!(run(listener, app, stop.clone().cancelled_owned()));
    let mut ended = Ok(());
    loop {
        tokio::select! {
            () = &mut node => break,
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = engine.outdated(), if !stop.is_cancelled() => {
                tracing::error!("the database's epoch changed (another epoch began): this node drains and ends, and must be restarted");
                ended = Err(StartError::Outdated);
            }
        }
        if stop.is_cancelled() {
            return Err(StartError::Interrupted);
        }
        tracing::info!("draining");
        stop.cancel();
    }
    let end = async {
        runner.stop(closing / 2).await;
        engine.stop().await;
    };
    if tokio::time::timeout(closing, end).await.is_err() {
        tracing::warn!("the database did not finish in time; requests that were under way are not answered");
    }
    ended
}

/// Brings the database's schema up to date.
pub async fn migrate(settings: &Settings) -> Result<(), StartError> {
    Ok(Engine::migrate(settings).await?)
}

/// The parts of a node.
async fn build(settings: Settings) -> Result<Arc<App>, StartError> {
    // first, because some parts record metrics when they are made
    let recorder = if settings.metrics_enabled {
        http::recorder()
    } else {
        None
    };
    let engine = Engine::start(&settings, Clock::system()).await?;
    let settings = Arc::new(settings);
    failpoint::obey(orders::carry_out(&engine, &settings))?;
    Ok(App::new(settings, engine, recorder))
}

/// Serves a listener until `shutdown`. Then `/readyz` answers 503, and nothing else changes for `drain_delay_seconds`.
/// After that the node drains: it accepts no sockets, tells each socket when to come back, answers requests that are
/// under way, and closes sockets with 1012. All of it takes `drain_seconds` at most, less the time for closing the
/// database.
pub async fn run(listener: TcpListener, app: Arc<App>, shutdown: impl Future<Output = ()>) {
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
    // in a task of its own, on a worker: from this thread every connection would move to another thread
    let accept = accept::accept(listener, app.clone(), connections.clone(), draining.clone());
    let mut accepting = AbortOnDrop(tokio::spawn(accept));
    let mut shutdown = pin!(shutdown);
    tokio::select! {
        _ = &mut accepting.0 => return,
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
        // open connections are still answered, so probes see that the node drains
        tokio::select! {
            _ = &mut accepting.0 => {}
            () = app.sockets.close_all() => {}
        }
        accepting.0.abort();
        draining.cancel();
        connections.close();
        connections.wait().await;
    };
    if tokio::time::timeout_at(ends, drain).await.is_err() {
        tracing::warn!(
            sockets = app.sockets.count(),
            "drain_seconds are over; the remaining sockets are cut"
        );
    }
}

/// What is left of `drain_seconds` for closing the database.
fn last_moment(settings: &Settings) -> Duration {
    (settings.drain / 4).min(LAST_MOMENT)
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
