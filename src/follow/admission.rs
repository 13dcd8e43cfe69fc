//! Which new readers are taken on: at a bounded rate, and up to a number. Decides before any token is checked, so that a
//! storm costs no more than its handshakes. Does not know users; `registry` counts theirs.

use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Resource, getrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::limits::Bucket;
use crate::config::Settings;

/// How many refused readers may be sent a close frame at a time. Each holds a file until its peer has taken the frame.
/// Further ones are cut without a frame.
const FAREWELLS: usize = 1024;

/// Bounds how many readers come in.
#[derive(Debug)]
pub struct Admission {
    bucket: Mutex<Bucket>,
    most: usize,
    farewells: Arc<Semaphore>,
}

/// A reader that is not taken on.
#[derive(Debug)]
pub enum NotAdmitted {
    /// Close it with 1013; the turn is held until that is done.
    Politely(OwnedSemaphorePermit),
    /// Cut it: too many others are being told already.
    Silently,
}

impl Admission {
    /// By the settings. `now_ms` may count from any moment.
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

    /// Whether another reader is taken on when there are `open` already.
    pub fn admit(&self, open: usize, now_ms: i64) -> Result<(), NotAdmitted> {
        let within_rate = || {
            // nothing panics while it holds this lock
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

/// Nine tenths of the files that the process may open. The rest is for the database, requests over HTTP, and refused
/// readers that are being told so.
fn as_many_as_files() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files / 10 * 9).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(pairs: &[(&str, &str)]) -> Admission {
        let settings = Settings::from_pairs(pairs).unwrap_or_else(|error| panic!("{error}"));
        Admission::new(&settings, 0)
    }

    #[test]
    fn a_burst_passes_and_then_as_many_as_the_rate_lets() {
        let door = door(&[
            ("sockets_admitted_per_second", "100"),
            ("sockets_admitted_burst", "5"),
            ("rate_limit_enabled", "false"),
        ]);
        let admitted = |now_ms| (0..50).filter(|_| door.admit(0, now_ms).is_ok()).count();
        assert_eq!((admitted(0), admitted(0), admitted(30)), (5, 0, 3));
    }

    #[test]
    fn no_more_sockets_than_there_may_be() {
        let door = door(&[("max_sockets", "2")]);
        assert!(door.admit(1, 0).is_ok());
        assert!(matches!(door.admit(2, 0), Err(NotAdmitted::Politely(_))));
    }

    #[test]
    fn whoever_comes_while_many_are_told_is_cut() {
        let door = door(&[("max_sockets", "1")]);
        let told: Vec<_> = (0..FAREWELLS).map(|_| door.admit(1, 0)).collect();
        assert!(matches!(door.admit(1, 0), Err(NotAdmitted::Silently)));
        drop(told);
        assert!(matches!(door.admit(1, 0), Err(NotAdmitted::Politely(_))));
    }

    #[test]
    fn the_defaults_take_a_storm_of_ten_thousand_at_once() {
        let door = door(&[]);
        assert!((0..10_000).all(|_| door.admit(0, 0).is_ok()));
    }
}
