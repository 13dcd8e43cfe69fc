//! Serves `metrics_listen`: probes and metrics at an address of their own, with a room of its own. So operators and health
//! checks get in whatever strangers do at the public address. Does not know what the routes answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::accept::{ACCEPT_PAUSE, builder};
use super::{StartError, listen};
use crate::http::Routes;
use crate::peer::Peer;
use crate::state::App;

/// The most connections at once.
const CONNECTIONS: usize = 64;
/// The longest life of a connection. A scraper connects again.
const LONGEST: std::time::Duration = std::time::Duration::from_mins(10);

/// Serves the address until it is aborted. Without the setting there is none.
pub(super) async fn bind(app: &App) -> Result<Option<TcpListener>, StartError> {
    match &app.settings.metrics_listen {
        Some(address) => {
            let listener = listen::at(address, "metrics_listen").await?;
            tracing::info!(address = %listener.local_addr()?, "serving probes and metrics");
            Ok(Some(listener))
        }
        None => Ok(None),
    }
}

/// Accepts connections until it is aborted.
pub(super) async fn serve(listener: TcpListener, app: Arc<App>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let routes = Routes::inside(&app);
    loop {
        // the next connection waits in the kernel until one ends
        let Ok(place) = room.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((tcp, from)) => {
                let connection = answer(tcp, from, routes.clone(), app.clone(), place);
                drop(tokio::spawn(timeout(LONGEST, connection)));
            }
            Err(error) => {
                tracing::warn!(error.message = %error, "cannot accept a connection at metrics_listen; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer(
    tcp: TcpStream,
    from: SocketAddr,
    routes: Routes,
    app: Arc<App>,
    place: OwnedSemaphorePermit,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(from));
        let routes = routes.clone();
        async move { Ok::<_, Infallible>(routes.answer(request).await) }
    });
    // an error is the client's, or a stalled request
    let _ended = builder(&app.settings)
        .serve_connection(TokioIo::new(tcp), service)
        .await;
    drop(place);
}
