//! Starting a node and migrating its database, once the rest of the server is there.

use crate::config::Settings;

/// Why a node did not start, or ended with a failure.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// This part of the program is missing.
    #[error("{0} is not built yet")]
    NotBuilt(&'static str),
}

/// Runs a node until it is told to stop.
#[allow(clippy::unused_async, reason = "what takes its place waits for sockets")]
pub async fn serve(_settings: Settings) -> Result<(), StartError> {
    Err(StartError::NotBuilt("the server"))
}

/// Brings the database's schema up to date.
#[allow(clippy::unused_async, reason = "what takes its place waits for the database")]
pub async fn migrate(_settings: &Settings) -> Result<(), StartError> {
    Err(StartError::NotBuilt("the store"))
}
