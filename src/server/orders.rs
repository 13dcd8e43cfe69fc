//! Carries out the orders that a test gives to a node: steps the clock, runs retention.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Settings;
use crate::engine::Engine;
use crate::failpoint::Command;
use crate::jobs;

/// A function that carries out one order.
pub(super) fn carry_out(engine: &Engine, settings: &Arc<Settings>) -> impl Fn(Command) + Send + 'static {
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
                    tracing::warn!(error = %failure, "retention that a test ordered failed");
                }
            });
        }
    }
}
