//! Admits new readers: at a bounded rate, and up to a maximum. Decides before any token is checked, so that a storm of
//! connections costs only their handshakes. Does not know users; `registry` counts the readers of each.

use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Resource, getrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::limits::Bucket;
use crate::config::Settings;

/// How many refused readers may be sent a close frame at a time. Each holds a file until its peer has received the
/// frame. Further ones are disconnected without a frame.
const FAREWELLS: usize = 1024;

/// Limits how many readers are admitted.
#[derive(Debug)]
pub struct Admission {
    bucket: Mutex<Bucket>,
    most: usize,
    farewells: Arc<Semaphore>,
}

/// How to refuse a reader.
#[derive(Debug)]
pub enum NotAdmitted {
    /// Close it with 1013, and hold the permit until that is done.
    Politely(OwnedSemaphorePermit),
    /// Disconnect it without a close frame: too many others are being sent one already.
    Silently,
}

impl Admission {
    /// An admission with the limits of the settings. `now_ms` may count from any moment.
    pub fn new(settings: &Settings, now_ms: i64) -> Admission {
        let (rate, burst) = (
            settings.sockets_admitted_per_second,
            settings.sockets_admitted_burst,
        );
        Admission {
            bucket: Mutex::new(Bucket::new(rate, burst, now_ms)),
            most: settings.max_sockets.unwrap_or_else(as_many_as_files),
            farewells: Arc::new(Semaphore::new(FAREWELLS)),
        }
    }

    /// Whether another reader is admitted when `open` are open already.
    pub fn admit(&self, open: usize, now_ms: i64) -> Result<(), NotAdmitted> {
        let within_rate = || {
            // no code panics while it holds this lock
            let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
            bucket.take(1, now_ms).is_ok()
        };
        if open < self.most && within_rate() {
            return Ok(());
        }
        metrics::counter!("taskwire_sockets_refused_total").increment(1);
        Err(match self.farewells.clone().try_acquire_owned() {
            Ok(turn) => NotAdmitted::Politely(turn),
            Err(_) => NotAdmitted::Silently,
        })
    }
}

/// Nine tenths of the files that the process may open. The rest is for the database, requests over HTTP, and the close
/// frames of refused readers.
fn as_many_as_files() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files / 10 * 9).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(pairs: &[(&str, &str)]) -> Admission {
        let settings = Settings::from_pairs(pairs).unwrap_or_else(|error| panic!("{error}"));
        Admission::new(&settings, 0)
    }

    #[test]
    fn a_burst_is_admitted_and_then_as_many_as_the_rate_allows() {
        let admission = admission(&[
            ("sockets_admitted_per_second", "100"),
            ("sockets_admitted_burst", "5"),
            ("rate_limit_enabled", "false"),
        ]);
        let admitted = |now_ms| (0..50).filter(|_| admission.admit(0, now_ms).is_ok()).count();
        assert_eq!((admitted(0), admitted(0), admitted(30)), (5, 0, 3));
    }

    #[test]
    fn a_node_admits_no_more_than_max_sockets() {
        let admission = admission(&[("max_sockets", "2")]);
        assert!(admission.admit(1, 0).is_ok());
        assert!(matches!(admission.admit(2, 0), Err(NotAdmitted::Politely(_))));
    }

    #[test]
    fn while_many_close_frames_are_being_sent_further_readers_get_none() {
        let admission = admission(&[("max_sockets", "1")]);
        let refused: Vec<_> = (0..FAREWELLS).map(|_| admission.admit(1, 0)).collect();
        assert!(matches!(admission.admit(1, 0), Err(NotAdmitted::Silently)));
        drop(refused);
        assert!(matches!(admission.admit(1, 0), Err(NotAdmitted::Politely(_))));
    }

    #[test]
    fn the_defaults_admit_ten_thousand_at_once() {
        let admission = admission(&[]);
        assert!((0..10_000).all(|_| admission.admit(0, 0).is_ok()));
    }
}
