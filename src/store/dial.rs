//! Opens one connection to PostgreSQL, and bounds what is asked on it at a start. Does not know what it is for.

use super::OpenError;
use super::database::ACQUIRE;
use super::fitness;
use super::trust::WAIT;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

/// Connects to a server, and checks that it can be used.
pub(super) async fn connect(
    options: &PgConnectOptions,
    shown: &str,
) -> std::result::Result<PgConnection, OpenError> {
    let unfit = |faults: Vec<String>| OpenError::Unfit(shown.to_owned(), faults.join("; "));
    let asking = async {
        let mut link = match options.connect().await {
            Err(error) if fitness::is_of_a_pooler(&error) => {
                return Err(unfit(vec![fitness::POOLER.to_owned()]));
            }
            connected => connected.map_err(|error| OpenError::Open(shown.to_owned(), error))?,
        };
        let faults = fitness::faults(&mut link).await?;
        if faults.is_empty() {
            Ok(link)
        } else {
            Err(unfit(faults))
        }
    };
    let asked = tokio::time::timeout(ACQUIRE, asking).await;
    asked.map_err(|_| OpenError::Silent(shown.to_owned(), ACQUIRE.as_secs()))?
}

/// The answer, unless it takes longer than any may take.
pub(super) async fn in_time<T>(asked: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(WAIT, asked).await.ok()
}
