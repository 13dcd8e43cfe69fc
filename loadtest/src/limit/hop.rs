//! The limit of `hop`: Redis alone. A bare publisher sends payloads as long as events to a bare subscriber, each on its
//! own connection. This measures the time through Redis without any other work.

use crate::connection::PATIENCE;
use crate::meter::{Latency, latency, micros};
use crate::pace::moment;
use crate::stop;
use crate::trouble::Trouble;
use futures_util::{FutureExt, StreamExt};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use uuid::Uuid;

/// Publishes payloads of `bytes` at a rate for `seconds` seconds, each halfway between two events of the writer.
/// Returns the times from just before each `PUBLISH` to the arrival.
pub(crate) async fn measure(url: &str, bytes: usize, rate: f64, seconds: f64) -> Result<Latency, Trouble> {
    let wrong = |error: redis::RedisError| Trouble::setup(format!("Redis: {error}"));
    let client = redis::Client::open(url).map_err(wrong)?;
    #[allow(clippy::disallowed_methods, reason = "no other program uses this channel")]
    let channel = format!("taskwire-load-{}", Uuid::new_v4());
    let mut subscriber = client.get_async_pubsub().await.map_err(wrong)?;
    subscriber.subscribe(&channel).await.map_err(wrong)?;
    let mut messages = subscriber.into_on_message();
    let mut publisher = client.get_multiplexed_async_connection().await.map_err(wrong)?;
    let payload = vec![b'x'; bytes];
    let mut publish = redis::cmd("PUBLISH");
    publish.arg(&channel).arg(&payload);
    let (mut took, start) = (latency(), Instant::now());
    for n in 0_u32.. {
        let turn = Duration::from_secs_f64((f64::from(n) + 0.5) / rate);
        if turn.as_secs_f64() >= seconds || stop::is_asked() {
            break;
        }
        moment(start + turn).await;
        let sent = Instant::now();
        let arrival = messages.next().map(|message| message.map(|_| sent.elapsed()));
        let both = async { tokio::join!(publish.query_async::<i64>(&mut publisher), arrival) };
        let (published, arrived) = timeout(PATIENCE, both)
            .await
            .map_err(|_| Trouble::TooLate("a message of Redis", PATIENCE))?;
        published.map_err(wrong)?;
        took.saturating_record(micros(arrived.ok_or(Trouble::Ended)?));
    }
    Ok(took)
}
