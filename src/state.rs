//! What every request and socket of a node shares. Holds the parts together; does nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::auth::limits::{Network, Windows};
use crate::config::Settings;
use crate::engine::Engine;
use crate::socket::Registry;

/// Addresses whose HTTP requests are counted one by one.
const ADDRESSES: usize = 100_000;
/// Sockets that are welcomed at the same time: each joins topics and reads its user's workspaces.
const WELCOMES: usize = 64;

/// What every request and socket of a node shares.
#[derive(Debug)]
pub struct App {
    /// The settings.
    pub settings: Arc<Settings>,
    /// Carries requests out.
    pub engine: Engine,
    /// The sockets.
    pub sockets: Arc<Registry>,
    /// HTTP requests by address.
    pub requests: Windows<Network>,
    /// A turn for each socket that is being welcomed.
    pub(crate) welcomes: Semaphore,
    /// The numbers of `GET /metrics`; `None` when they are off.
    pub metrics: Option<PrometheusHandle>,
    draining: AtomicBool,
    started: Instant,
}

impl App {
    /// A node's shared parts, not draining.
    pub fn new(settings: Arc<Settings>, engine: Engine, metrics: Option<PrometheusHandle>) -> Arc<App> {
        let requests = if settings.rate_limit_enabled {
            Windows::new(
                settings.rate_limit_requests,
                settings.rate_limit_window,
                ADDRESSES,
            )
        } else {
            Windows::unlimited()
        };
        let sockets = Arc::new(Registry::default());
        engine.attend(sockets.clone());
        Arc::new(App {
            settings,
            engine,
            sockets,
            requests,
            welcomes: Semaphore::new(WELCOMES),
            metrics,
            draining: AtomicBool::new(false),
            started: Instant::now(),
        })
    }

    /// Milliseconds since the start: for limits, which must not follow a clock that jumps.
    pub fn elapsed_ms(&self) -> i64 {
        self.started.elapsed().as_millis() as i64
    }

    /// Counts an HTTP request of this address.
    pub fn count_request(&self, address: IpAddr) -> Option<crate::auth::limits::Allowance> {
        self.requests.take(address.into(), self.elapsed_ms())
    }

    /// Nothing new is taken on from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the node is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
