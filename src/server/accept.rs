//! Connections: accepting them, and answering on each until it ends or becomes a socket. Does not know what is said on
//! them.

use std::io;
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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Settings;
use crate::http;
use crate::peer::Peer;
use crate::reply::HttpStream;
use crate::state::App;

/// Headers of one request, and their bytes together: beyond them 431.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 * 1024;
/// Connections that are not sockets (yet), at most. Each ends within seconds, also a stalled handshake.
const CONNECTIONS: usize = 8192;
/// The pause after a failed accept. Descriptors or memory are short then, and an immediate retry would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Accepts for ever.
pub(super) async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    connections: TaskTracker,
    draining: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let routes = http::Routes::new(&app);
    let http = builder(&app.settings);
    loop {
        let (tcp, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            // the peer left before it was accepted
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::warn!(error.message = %error, "cannot accept a connection");
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
    // only on Linux does a connection inherit it from the listener
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
        tracing::debug!(error.message = %error, "a connection ended with an error");
    }
    metrics::gauge!("taskwire_connections").decrement(1.0);
    drop(permit);
}
