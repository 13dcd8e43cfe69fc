//! The parts that every request and socket of a node shares, and the stage of the node's life. Does no work itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::Instant;

use crate::auth::operators::Operators;
use crate::config::Settings;
use crate::engine::Engine;
use crate::follow::{Admission, Entrance, Registry};
use crate::peer::Strangers;

/// The stages of a node's life, in order.
const SERVING: u8 = 0;
const LEAVING: u8 = 1;
const DRAINING: u8 = 2;

/// The parts that every request and socket of a node shares.
#[derive(Debug)]
pub struct App {
    pub settings: Arc<Settings>,
    /// Carries out requests.
    pub engine: Engine,
    /// The open sockets.
    pub sockets: Arc<Registry>,
    /// Limits how many new sockets are admitted.
    pub admission: Admission,
    /// Authenticates readers and opens their streams.
    pub entrance: Arc<Entrance>,
    /// Pages that were refused.
    pub strangers: Strangers,
    /// What opens the node's numbers on its public address.
    pub operators: Operators,
    /// Renders `GET /metrics`; `None` if metrics are off.
    pub metrics: Option<PrometheusHandle>,
    stage: AtomicU8,
    started: Instant,
}

impl App {
    /// A node's shared parts, in the stage of serving.
    pub fn new(
        settings: Arc<Settings>,
        engine: Engine,
        operators: Operators,
        metrics: Option<PrometheusHandle>,
    ) -> Arc<App> {
        let sockets = Arc::new(Registry::default());
        engine.attend(sockets.clone());
        Arc::new(App {
            admission: Admission::new(&settings, 0),
            entrance: Arc::new(Entrance::new(engine.clone(), settings.clone())),
            operators,
            settings,
            engine,
            sockets,
            strangers: Strangers::default(),
            metrics,
            stage: AtomicU8::new(SERVING),
            started: Instant::now(),
        })
    }

    /// Milliseconds since the start. Limits use this, because the system's clock may jump.
    pub fn elapsed_ms(&self) -> i64 {
        self.started.elapsed().as_millis() as i64
    }

    /// Marks the node as about to stop: from now on `/readyz` answers 503. Nothing else changes.
    pub fn leave(&self) {
        self.stage.fetch_max(LEAVING, Ordering::AcqRel);
    }

    /// Refuses new sockets from now on.
    pub fn drain(&self) {
        self.stage.fetch_max(DRAINING, Ordering::AcqRel);
    }

    /// Whether the node is about to stop, or drains. A load balancer should send nothing more.
    pub fn is_leaving(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= LEAVING
    }

    /// Whether new sockets are refused.
    pub fn is_draining(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= DRAINING
    }
}
