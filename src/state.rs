//! What every request and socket of a node shares. Holds the parts together; does nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::Instant;

use crate::auth::limits::{Network, Windows};
use crate::config::Settings;
use crate::engine::Engine;
use crate::follow::{Admission, Entrance, Registry};

/// Addresses whose HTTP requests are counted one by one.
const ADDRESSES: usize = 100_000;

/// The stages of a node's life, in order.
const SERVING: u8 = 0;
const LEAVING: u8 = 1;
const DRAINING: u8 = 2;

/// What every request and socket of a node shares.
#[derive(Debug)]
pub struct App {
    /// The settings.
    pub settings: Arc<Settings>,
    /// Carries requests out.
    pub engine: Engine,
    /// The sockets.
    pub sockets: Arc<Registry>,
    /// The door for new sockets.
    pub admission: Admission,
    /// Where readers are let in.
    pub entrance: Arc<Entrance>,
    /// HTTP requests by address.
    pub requests: Windows<Network>,
    /// The numbers of `GET /metrics`; `None` when they are off.
    pub metrics: Option<PrometheusHandle>,
    stage: AtomicU8,
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
            admission: Admission::new(&settings, 0),
            entrance: Arc::new(Entrance::new(engine.clone(), settings.clone())),
            settings,
            engine,
            sockets,
            requests,
            metrics,
            stage: AtomicU8::new(SERVING),
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

    /// The node stops soon: probes say so from now on, and nothing else changes.
    pub fn leave(&self) {
        self.stage.fetch_max(LEAVING, Ordering::AcqRel);
    }

    /// Nothing new is taken on from now on.
    pub fn drain(&self) {
        self.stage.fetch_max(DRAINING, Ordering::AcqRel);
    }

    /// Whether the node is about to stop: nobody should be sent here any more.
    pub fn is_leaving(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= LEAVING
    }

    /// Whether new sockets are refused.
    pub fn is_draining(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= DRAINING
    }
}
