//! Decides which messages of Redis are taken. Redis is not trusted: a message must have been sealed by an instance of this
//! deployment, for its channel, in this epoch; and one that has an effect each time must be recent and new. What fails is
//! dropped, counted, and told to the operator once a minute. Does not know what a message says.

use super::channels::{Channels, Place};
use super::message::{Header, Kind, Stamp};
use super::replays::{Number, Replays};
use super::seal::Seals;
use crate::clock::Clock;
use crate::live::lock;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskwire_protocol::StreamId;
use tokio::time::Instant;

/// How much the sender's clock may differ from the own one, with the time that the message took.
pub(super) const FRESH: Duration = Duration::from_mins(2);
/// How much the clocks of instances may differ at the start of this one: what others sent since then is for it.
const LEEWAY: Duration = Duration::from_secs(2);
/// The time between two lines in the log.
const TOLD: Duration = Duration::from_mins(1);
/// No instance sends a longer message: entries are added until [`super::message::MESSAGE`], and notes have bounded parts.
const LONGEST: usize = 128 * 1024;

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Crowd,
    Early,
    Epoch,
    Late,
    Replay,
    Seal,
    Shape,
    Version,
}

impl Refused {
    /// The label in metrics.
    fn label(self) -> &'static str {
        match self {
            Refused::Crowd => "crowd",
            Refused::Early => "early",
            Refused::Epoch => "epoch",
            Refused::Late => "late",
            Refused::Replay => "replay",
            Refused::Seal => "seal",
            Refused::Shape => "shape",
            Refused::Version => "version",
        }
    }

    /// What the operator is told.
    fn reason(self) -> &'static str {
        match self {
            Refused::Crowd => "more than 256 instances sent messages within five minutes",
            Refused::Early => "they were sent before this instance began",
            Refused::Epoch => "they are of another database; use another redis_prefix for it",
            Refused::Late => {
                "their sender's clock differs by more than two minutes, or they were recorded and sent again"
            }
            Refused::Replay => "they came before",
            Refused::Seal => "no instance with this jwt_secret sealed them",
            Refused::Shape => "they are no messages of Taskwire",
            Refused::Version => "another version of Taskwire sent them",
        }
    }

    /// Whether it may be a message of an instance that shares the database, and is not understood.
    pub(super) fn hides_an_instance(self) -> bool {
        matches!(
            self,
            Refused::Crowd | Refused::Late | Refused::Seal | Refused::Version
        )
    }
}

/// A message that may be read.
#[derive(Debug)]
pub(super) struct Passed<'a> {
    pub(super) kind: Kind,
    pub(super) sender: u64,
    /// The stream whose channel it came on.
    pub(super) stream: Option<StreamId>,
    pub(super) body: &'a [u8],
}

/// The gate of this instance.
pub(super) struct Gate {
    pub(super) stamp: Stamp,
    channels: Arc<Channels>,
    seals: Arc<Seals>,
    clock: Clock,
    began: Instant,
    replays: Mutex<Replays>,
    told: Mutex<Told>,
}

/// What the operator was told.
#[derive(Default)]
struct Told {
    at: Option<Instant>,
    /// Dropped since then, or ever.
    dropped: u64,
}

impl Gate {
    pub(super) fn new(stamp: Stamp, channels: Arc<Channels>, seals: Arc<Seals>, clock: Clock) -> Gate {
        Gate {
            stamp,
            channels,
            seals,
            clock,
            began: Instant::now(),
            replays: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Checks a message. `None`: it is one's own, which comes back; of these only probes are of interest.
    pub(super) fn pass<'a>(&self, channel: &str, sealed: &'a [u8]) -> Result<Option<Passed<'a>>, Refused> {
        if sealed.len() > LONGEST {
            return Err(Refused::Shape);
        }
        // nothing of this is believed before the seal was checked
        let stamp = Stamp::read(sealed).ok_or(Refused::Shape)?;
        if stamp.epoch != self.stamp.epoch {
            return Err(Refused::Epoch);
        }
        let (header, _) = Header::read(sealed).ok_or(Refused::Version)?;
        let own = stamp.sender == self.stamp.sender;
        if own && header.kind != Kind::Probe as u8 {
            return Ok(None);
        }
        let message = self.seals.open(channel, sealed).ok_or(Refused::Seal)?;
        let (header, body) = Header::read(message).ok_or(Refused::Shape)?;
        let kind = Kind::read(header.kind).ok_or(Refused::Version)?;
        let stream = match (kind, self.channels.place(channel)) {
            (Kind::Entries | Kind::Forget | Kind::Signal, Some(Place::Stream(stream))) => Some(stream),
            (Kind::Compare | Kind::Note, Some(Place::Notes)) | (Kind::Probe, Some(Place::Probes)) => None,
            _ => return Err(Refused::Shape),
        };
        if !own {
            self.is_new(kind, &header)?;
        }
        Ok(Some(Passed {
            kind,
            sender: stamp.sender,
            stream,
            body,
        }))
    }

    /// Entries and rewrites have their place in a stream, so they may come again, or late: only exact repetitions are dropped.
    fn is_new(&self, kind: Kind, header: &Header) -> Result<(), Refused> {
        let number = if matches!(kind, Kind::Entries | Kind::Forget) {
            lock(&self.replays).take_of_known(header.stamp.sender, header.number)
        } else {
            let age_ms = i128::from(self.clock.now_ms()) - i128::from(header.sent_ms);
            let fresh_ms = FRESH.as_millis() as i128;
            if age_ms > fresh_ms || age_ms < -fresh_ms {
                return Err(Refused::Late);
            }
            // what was sent before this instance began is not for it
            let began_before_ms = (self.began.elapsed() + LEEWAY).as_millis() as i128;
            if age_ms > began_before_ms {
                return Err(Refused::Early);
            }
            lock(&self.replays).take(header.stamp.sender, header.number, Instant::now())
        };
        match number {
            Number::New => Ok(()),
            Number::Old => Err(Refused::Replay),
            Number::OfOneTooMany => Err(Refused::Crowd),
        }
    }

    /// Counts a message that was dropped, and tells the operator, once a minute.
    pub(super) fn dropped(&self, why: Refused) {
        metrics::counter!("taskwire_bus_refused_total", "reason" => why.label()).increment(1);
        if why == Refused::Early {
            // at each start of an instance, and nothing is wrong
            return;
        }
        let now = Instant::now();
        let dropped = {
            let mut told = lock(&self.told);
            told.dropped += 1;
            if told.at.is_some_and(|at| now.duration_since(at) < TOLD) {
                return;
            }
            told.at = Some(now);
            std::mem::take(&mut told.dropped)
        };
        tracing::warn!(
            reason = why.label(),
            dropped,
            "messages in Redis were dropped: {}; the events are read from the database",
            why.reason()
        );
    }
}

#[cfg(test)]
mod tests;
