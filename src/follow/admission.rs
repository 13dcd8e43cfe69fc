//! Admits new readers: at a bounded rate, and up to a maximum. Decides before any token is checked, so that a storm of
//! connections costs only their handshakes. Networks are told apart, so that one of them cannot use up what others need.
//! Does not know users; `registry` counts the readers of each.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rustix::process::{Resource, getrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::handle::lock;
use super::places::Places;
use super::rates::Rates;
use super::registry::Registry;
use super::strangers::Bounds;
use crate::auth::limits::Network;
use crate::config::Settings;

/// How many refused readers may be sent a close frame at a time. Each holds a file until its peer has received the
/// frame. Further ones are disconnected without a frame.
const FAREWELLS: usize = 1024;
/// Places for first messages that are long, each for as much as `frame_bytes`.
const LONG_MESSAGES: u32 = 64;
/// How many of these one network may hold.
const LONG_MESSAGES_OF_ONE: u32 = 16;

/// Limits how many readers are admitted.
#[derive(Debug)]
pub struct Admission {
    rates: Mutex<Rates>,
    bounds: Bounds,
    /// Networks have parts of their own. Not without limiters.
    networks_count: bool,
    farewells: Arc<Semaphore>,
    long_messages: Arc<Places>,
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
        let most = settings.max_sockets.unwrap_or_else(as_many_as_files);
        let networks_count = settings.rate_limit_enabled;
        let of_one = if networks_count {
            LONG_MESSAGES_OF_ONE
        } else {
            LONG_MESSAGES
        };
        Admission {
            rates: Mutex::new(Rates::new(settings, now_ms)),
            bounds: Bounds::new(most, settings.address_share),
            networks_count,
            farewells: Arc::new(Semaphore::new(FAREWELLS)),
            long_messages: Places::new(LONG_MESSAGES, of_one),
        }
    }

    /// The network that a reader from this address counts for, if networks count.
    pub fn network(&self, address: Option<IpAddr>) -> Option<Network> {
        address.filter(|_| self.networks_count).map(Network::from)
    }

    /// Whether another reader is admitted.
    pub fn admit(
        &self,
        readers: &Registry,
        network: Option<Network>,
        now_ms: i64,
    ) -> Result<(), NotAdmitted> {
        // no code panics while it holds this lock
        let within_rate = || lock(&self.rates).take(network, now_ms);
        if readers.has_room_for(network, self.bounds) && within_rate() {
            return Ok(());
        }
        metrics::counter!("taskwire_sockets_refused_total").increment(1);
        Err(match self.farewell() {
            Some(turn) => NotAdmitted::Politely(turn),
            None => NotAdmitted::Silently,
        })
    }

    /// A permit to send a close frame to a reader that has no place here, if not too many are being sent one.
    pub fn farewell(&self) -> Option<OwnedSemaphorePermit> {
        self.farewells.clone().try_acquire_owned().ok()
    }

    /// The places for long messages of readers without an owner.
    pub fn long_messages(&self) -> &Arc<Places> {
        &self.long_messages
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
    use super::super::registry::tests::wakeup;
    use super::*;

    fn admission(pairs: &[(&str, &str)]) -> Admission {
        let settings = Settings::from_pairs(pairs).unwrap_or_else(|error| panic!("{error}"));
        Admission::new(&settings, 0)
    }

    #[test]
    fn without_limiters_a_node_admits_no_more_than_max_sockets() {
        let admission = admission(&[("max_sockets", "2"), ("rate_limit_enabled", "false")]);
        let network = admission.network(Some(IpAddr::from([192, 0, 2, 1])));
        let readers = Arc::new(Registry::default());
        let _first = readers.enter(wakeup(), network);
        assert!(admission.admit(&readers, network, 0).is_ok());
        let _second = readers.enter(wakeup(), network);
        let refused = admission.admit(&readers, network, 0);
        assert!(matches!(refused, Err(NotAdmitted::Politely(_))));
    }

    #[test]
    fn while_many_close_frames_are_being_sent_further_readers_get_none() {
        let admission = admission(&[("max_sockets", "1"), ("rate_limit_enabled", "false")]);
        let readers = Arc::new(Registry::default());
        let _only = readers.enter(wakeup(), None);
        let admit = || admission.admit(&readers, None, 0);
        let refused: Vec<_> = (0..FAREWELLS).map(|_| admit()).collect();
        assert!(matches!(admit(), Err(NotAdmitted::Silently)));
        drop(refused);
        assert!(matches!(admit(), Err(NotAdmitted::Politely(_))));
    }
}
