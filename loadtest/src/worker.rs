//! One person who makes tasks by the clock, on a socket without events. Shows what others feel of a load.

use crate::accounts::Account;
use crate::crowd;
use crate::link::Link;
use crate::meter::{Latency, latency, micros};
use crate::metronome::Metronome;
use crate::target::Server;
use crate::trouble::Trouble;
use std::time::{Duration, Instant};
use taskwire_protocol::account::Streams;
use taskwire_protocol::task::CreateTask;

/// The person.
pub(crate) struct Worker {
    link: Link,
    task: CreateTask,
    /// Operations a second.
    rate: f64,
}

impl Worker {
    /// The person of this account, at `rate` operations a second.
    pub(crate) async fn new(server: &Server, account: &Account, rate: f64) -> Result<Worker, Trouble> {
        let (link, _) = crowd::join(server.address, 0, account, Streams::These(Vec::new())).await?;
        let task = serde_json::from_str(r#"{"title":"A task while others are busy"}"#)?;
        Ok(Worker { link, task, rate })
    }

    /// Makes tasks. A latency counts from the turn.
    pub(crate) async fn work(&mut self, seconds: f64) -> Result<Latency, Trouble> {
        let mut times = latency();
        let start = Instant::now();
        let end = start + Duration::from_secs_f64(seconds);
        let (metronome, mut turns) = Metronome::start(1, self.rate, start, end);
        if let Some(turns) = turns.first_mut() {
            while let Some(turn) = turns.recv().await {
                self.link.call(&self.task).await?;
                times.saturating_record(micros(turn.elapsed()));
            }
        }
        match metronome.end()? {
            0 => Ok(times),
            dropped => Err(Trouble::setup(format!("{dropped} operations were not sent"))),
        }
    }
}
