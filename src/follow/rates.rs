//! How fast new readers are admitted: all together, and those of one network. While few arrive, a network may use much
//! more than its part, so clients of one address that reconnect together are let in. Does not count who is there.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use crate::auth::limits::{Bucket, Network};
use crate::config::Settings;

/// So many networks have a bucket of their own. Further ones share some.
const NETWORKS: usize = 1 << 14;
/// How many buckets those share.
const SHARED: u64 = 256;
/// The time between two searches for buckets that are full again, in milliseconds.
const SWEEP_MS: i64 = 1000;

/// The buckets of a node.
#[derive(Debug)]
pub(super) struct Rates {
    all: Bucket,
    /// What may arrive before networks are told apart.
    calm: Bucket,
    networks: HashMap<Network, Used>,
    shared: HashMap<u64, Bucket>,
    /// A second and burst of one network.
    of_one: (u32, u32),
    swept_ms: i64,
}

#[derive(Debug)]
struct Used {
    bucket: Bucket,
    last_ms: i64,
}

impl Rates {
    /// Full buckets.
    pub(super) fn new(settings: &Settings, now_ms: i64) -> Rates {
        let (rate, burst) = (
            settings.sockets_admitted_per_second,
            settings.sockets_admitted_burst,
        );
        let part = |of: u32| (u64::from(of) * u64::from(settings.address_share) / 100).max(1) as u32;
        Rates {
            all: Bucket::new(rate, burst, now_ms),
            calm: Bucket::new(part(rate), burst / 2, now_ms),
            networks: HashMap::new(),
            shared: HashMap::new(),
            of_one: (part(rate), part(burst)),
            swept_ms: now_ms,
        }
    }

    /// Whether one more may arrive now. `None`: networks do not count.
    pub(super) fn take(&mut self, network: Option<Network>, now_ms: i64) -> bool {
        let is_fair = network.is_none_or(|network| {
            self.calm.take(1, now_ms).is_ok() || self.of(network, now_ms).take(1, now_ms).is_ok()
        });
        is_fair && self.all.take(1, now_ms).is_ok()
    }

    fn of(&mut self, network: Network, now_ms: i64) -> &mut Bucket {
        let (rate, burst) = self.of_one;
        if self.networks.len() >= NETWORKS && now_ms.saturating_sub(self.swept_ms) >= SWEEP_MS {
            self.swept_ms = now_ms;
            let full_after_ms = i64::from(burst) * 1000 / i64::from(rate);
            self.networks
                .retain(|_, used| now_ms.saturating_sub(used.last_ms) < full_after_ms);
        }
        if self.networks.len() >= NETWORKS && !self.networks.contains_key(&network) {
            let place = self.networks.hasher().hash_one(network) % SHARED;
            let shared = self.shared.entry(place);
            return shared.or_insert_with(|| Bucket::new(rate, burst, now_ms));
        }
        let used = self.networks.entry(network).or_insert_with(|| Used {
            bucket: Bucket::new(rate, burst, now_ms),
            last_ms: now_ms,
        });
        used.last_ms = now_ms;
        &mut used.bucket
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn rates(pairs: &[(&str, &str)]) -> Rates {
        let settings = Settings::from_pairs(pairs).unwrap_or_else(|error| panic!("{error}"));
        Rates::new(&settings, 0)
    }

    fn network(n: u32) -> Network {
        Network::from(IpAddr::from(n.to_be_bytes()))
    }

    #[test]
    fn a_burst_is_admitted_and_then_as_many_as_the_rate_allows() {
        let mut rates = rates(&[
            ("sockets_admitted_per_second", "100"),
            ("sockets_admitted_burst", "5"),
        ]);
        let mut admitted = |now_ms| (0..50).filter(|_| rates.take(None, now_ms)).count();
        assert_eq!((admitted(0), admitted(0), admitted(30)), (5, 0, 3));
    }

    #[test]
    fn the_defaults_admit_ten_thousand_of_one_network_at_once() {
        let mut rates = rates(&[]);
        assert!((0..10_000).all(|_| rates.take(Some(network(1)), 0)));
    }

    #[test]
    fn a_network_that_connects_for_ever_leaves_room_for_others() {
        let mut rates = rates(&[
            ("sockets_admitted_per_second", "1000"),
            ("sockets_admitted_burst", "2000"),
        ]);
        for ms in 0..10_000 {
            for _ in 0..10 {
                rates.take(Some(network(1)), ms);
            }
            if ms % 10 == 0 {
                assert!(rates.take(Some(network(2)), ms), "after {ms} ms");
            }
        }
    }

    #[test]
    fn any_number_of_networks_takes_bounded_memory() {
        let mut rates = rates(&[
            ("sockets_admitted_per_second", "1000000"),
            ("sockets_admitted_burst", "2"),
        ]);
        for n in 0..100_000 {
            rates.take(Some(network(n)), 0);
        }
        assert_eq!(rates.networks.len(), NETWORKS);
        assert!(rates.shared.len() <= SHARED as usize);
        for _ in 0..3 {
            rates.take(Some(network(100_001)), 5_000);
        }
        assert!(rates.networks.len() <= 2, "what is full again is forgotten");
    }
}
