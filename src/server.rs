//! Starting, accepting, stopping. `run(listener, app, shutdown)` is all of a node but its settings and its parts;
//! tests give it a listener on port 0. Knows connections, not what is said on them.

use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::{Engine, EngineError};
use crate::failpoint::{self, Command};
use crate::http;
use crate::jobs;
use crate::peer::Peer;
use crate::reply::HttpStream;
use crate::state::App;

/// Headers of one request, and their bytes together: beyond them 431.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 * 1024;
/// Connections that are not sockets (yet): stalled handshakes cannot take more. Each ends within seconds.
const CONNECTIONS: usize = 8192;
/// Connections that wait to be accepted: a whole node's clients come back at once.
const BACKLOG: i32 = 4096;
/// What the kernel keeps for a peer that reads slowly; it counts twice.
const SEND_BUFFER: usize = 64 * 1024;
/// After an accept that failed: descriptors or memory are short, and trying again at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Open files that a node asks for.
const FILES: u64 = 1 << 20;
/// For closing the database, at most.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// And at least, whatever `drain_seconds` says.
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
    #[error("the database has another epoch than at the start: start again, so that clients sync")]
    Outdated,
    /// A second signal came while draining.
    #[error("stopped before everything was answered")]
    Interrupted,
}

/// Runs a node until SIGTERM or SIGINT; a second one ends it at once. It ends too when the database has another epoch, for
/// the next start to begin in it.
pub async fn serve(settings: Settings) -> Result<(), StartError> {
    raise_file_limit();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let starting = async {
        let listener = bind(&settings).await?;
        Ok::<_, StartError>((listener, build(settings).await?))
    };
    // it may wait for long: for another instance that changes the schema, for a name that nobody resolves
    let started = tokio::select! {
        started = starting => Some(started?),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    let Some((listener, app)) = started else {
        tracing::info!("stopped before the start was done");
        return Ok(());
    };
    let address = listener.local_addr()?;
    let closing = last_moment(&app.settings).max(SHORTEST_MOMENT);
    let engine = app.engine.clone();
    let runner = jobs::Runner::start(&engine, &app.settings, jobs::KINDS);
    let database = engine.database_health().await.kind;
    tracing::info!(%address, database, instance = app.settings.instance, "serving");
    // a reader that has gone is no reason not to serve
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
                tracing::error!("the database has another epoch: this node ends, to be started again");
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
        runner.stop().await;
        engine.stop().await;
    };
    if tokio::time::timeout(closing, end).await.is_err() {
        tracing::warn!("the database did not end what is under way; nobody was told that it was done");
    }
    ended
}

/// Brings the database's schema up to date.
pub async fn migrate(settings: &Settings) -> Result<(), StartError> {
    Ok(Engine::migrate(settings).await?)
}

/// The parts of a node.
async fn build(settings: Settings) -> Result<Arc<App>, StartError> {
    // first: what counts itself when it is made must be heard
    let recorder = if settings.metrics_enabled {
        http::recorder()
    } else {
        None
    };
    let engine = Engine::start(&settings, Clock::system()).await?;
    let settings = Arc::new(settings);
    failpoint::obey(obedient(&engine, &settings))?;
    Ok(App::new(settings, engine, recorder))
}

/// Carries out the orders of a test.
fn obedient(engine: &Engine, settings: &Arc<Settings>) -> impl Fn(Command) + Send + 'static {
    let (engine, settings) = (engine.clone(), settings.clone());
    move |command| match command {
        Command::Clock(by_ms) => engine.clock().step(by_ms),
        Command::Retention(events) => {
            let mut settings = Settings::clone(&settings);
            settings.log_retention = Some(Duration::ZERO);
            settings.log_retention_events = events;
            let engine = engine.clone();
            tokio::spawn(async move {
                if let Err(failure) = jobs::round(&engine, &settings).await {
                    tracing::warn!(error = %failure, "the ordered retention stopped early");
                }
            });
        }
    }
}

/// Serves a listener until `shutdown`. Then `/readyz` says 503, and after `drain_delay_seconds` in which nothing else
/// changes the node drains: no socket is taken on, each is told when to come back, what is under way is answered,
/// sockets close with 1012. All within `drain_seconds`, of which a moment is left for closing the database.
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
    if let Err(error) = SockRef::from(&listener).set_send_buffer_size(SEND_BUFFER) {
        tracing::warn!(error.message = %error, "the send buffer keeps the system's size");
    }
    // without it small frames wait for the peer's acknowledgement of the one before
    if let Err(error) = SockRef::from(&listener).set_tcp_nodelay(true) {
        tracing::warn!(error.message = %error, "small frames may be late");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(&listener).set_tcp_user_timeout(Some(patience(&app.settings))) {
        tracing::warn!(error.message = %error, "peers that are gone may stay while something is sent to them");
    }
    // in a task of its own: from the thread that runs this one, each connection would be handed across
    let accept = accept(listener, app.clone(), connections.clone(), draining.clone());
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
        // requests on connections that are open go on being answered; probes see that the node drains
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
        tracing::warn!(sockets = app.sockets.count(), "the time to drain is over");
    }
}

/// How long the kernel waits for a peer to take what was sent. A socket sees that its bytes were written, not whether
/// they left this machine: one that is written to now and then would outlive its peer.
#[cfg(target_os = "linux")]
fn patience(settings: &Settings) -> Duration {
    settings.heartbeat + crate::socket::SILENCE
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

/// Accepts for ever.
async fn accept(listener: TcpListener, app: Arc<App>, connections: TaskTracker, draining: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let routes = http::Routes::new(&app);
    let http = builder(&app.settings);
    loop {
        let (tcp, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            // the peer left before it was accepted
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::warn!(error.message = %error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = room.clone().try_acquire_owned() else {
            metrics::counter!("taskwire_connections_refused_total").increment(1);
            continue;
        };
        let connection = converse(
            http.clone(),
            app.settings.clone(),
            tcp,
            address,
            routes.clone(),
            draining.clone(),
            permit,
        );
        connections.spawn(connection);
    }
}

fn builder(settings: &Settings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(settings.handshake_timeout)
        .max_headers(HEADERS)
        .max_header_size(HEADER_BYTES)
        .max_buf_size(HEADER_BYTES);
    builder
}

/// One connection, until it is closed or becomes a socket.
async fn converse(
    http: http1::Builder,
    settings: Arc<Settings>,
    tcp: TcpStream,
    address: SocketAddr,
    routes: http::Routes,
    draining: CancellationToken,
    permit: OwnedSemaphorePermit,
) {
    // elsewhere than on Linux a connection does not inherit it
    if !cfg!(target_os = "linux") && tcp.set_nodelay(true).is_err() {
        return; // gone already
    }
    metrics::gauge!("taskwire_connections").increment(1.0);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(address));
        let routes = routes.clone();
        async move { Ok::<Response<Body>, std::convert::Infallible>(routes.answer(request).await) }
    });
    let stream = HttpStream::new(tcp, settings);
    let mut connection = pin!(http.serve_connection(stream, service).with_upgrades());
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error.message = %error, "a connection ended badly");
    }
    metrics::gauge!("taskwire_connections").decrement(1.0);
    drop(permit);
}

/// Listens where the settings say.
async fn bind(settings: &Settings) -> Result<TcpListener, StartError> {
    let failed = |error| StartError::Listen {
        address: settings.listen.to_string(),
        error,
    };
    let addresses = tokio::net::lookup_host(settings.listen.host_and_port())
        .await
        .map_err(failed)?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // a restarted node takes its port back from connections that still end
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Every socket is a file: asks for as many as the system gives.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wished = limit.maximum.map_or(FILES, |most| most.min(FILES));
    if limit.current.is_some_and(|current| current < wished) {
        let raised = Rlimit {
            current: Some(wished),
            maximum: limit.maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(error.message = %error, "the limit of open files stays");
        }
    }
}
