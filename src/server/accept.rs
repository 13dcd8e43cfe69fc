//! Accepts connections, and serves HTTP on each until it ends or becomes a socket. Does not know the requests.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::room::{Place, Room};
use crate::config::Settings;
use crate::http;
use crate::peer::Peer;
use crate::reply::{HttpStream, RouteBody, Turn};
use crate::state::App;

/// The most headers of one request, and their most bytes together. Beyond them the answer is 431.
const HEADERS: usize = 64;
const HEADER_BYTES: usize = 16 * 1024;
/// On a connection of the reserve the headers of a request must arrive within this time.
const HURRY: Duration = Duration::from_secs(1);
/// The pause after a failed accept. File descriptors or memory are short then, and an immediate retry would spin.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until it is aborted.
pub(super) async fn accept(
    listener: TcpListener,
    app: Arc<App>,
    connections: TaskTracker,
    draining: CancellationToken,
) {
    let room = Room::new(&app.settings);
    let routes = http::Routes::new(&app);
    let http = builder(&app.settings);
    loop {
        let (tcp, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            // the client disconnected before it was accepted
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::warn!(error.message = %error, "cannot accept a connection; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let turn = Turn::default();
        let Some(place) = room.enter(address.ip(), turn.clone()) else {
            continue;
        };
        // only on Linux does a connection inherit TCP_NODELAY from the listener
        if !cfg!(target_os = "linux") && tcp.set_nodelay(true).is_err() {
            continue; // the client has disconnected
        }
        let (seat, mut http) = (place.seat, http.clone());
        if seat.is_reserved {
            http.header_read_timeout(HURRY.min(app.settings.handshake_timeout));
        }
        let stream = HttpStream::new(tcp, app.settings.clone(), turn.clone());
        let served = Served {
            turn,
            address,
            routes: routes.clone(),
            draining: draining.clone(),
            place,
        };
        let task = connections.spawn(serve(http, stream, served));
        room.is_served(seat, task.abort_handle());
    }
}

pub(super) fn builder(settings: &Settings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(settings.handshake_timeout)
        // a client that has sent everything may end its half and still wants its answers
        .half_close(true)
        .max_headers(HEADERS)
        .max_header_size(HEADER_BYTES)
        .max_buf_size(HEADER_BYTES);
    builder
}

/// A connection, apart from its bytes.
struct Served {
    turn: Turn,
    address: SocketAddr,
    routes: http::Routes,
    draining: CancellationToken,
    place: Place,
}

/// Serves one connection until it is closed or becomes a socket.
async fn serve(http: http1::Builder, stream: HttpStream, served: Served) {
    let Served {
        turn,
        address,
        routes,
        draining,
        place,
    } = served;
    let is_reserved = place.seat.is_reserved;
    let line = stream.line();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(address));
        request.extensions_mut().insert(line.clone());
        let (routes, at_work) = (routes.clone(), turn.of_route());
        async move {
            let answer = if is_reserved {
                routes.answer_in_reserve(request).await
            } else {
                routes.answer(request).await
            };
            let answer = answer.map(|body| RouteBody { body, at_work });
            Ok::<Response<RouteBody>, std::convert::Infallible>(answer)
        }
    });
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
    drop(place);
}
