//! What each network holds of something that there is little of: how much, since when, and which network holds the most. Who
//! must make room takes the oldest of the greediest, so many who come from few networks cannot keep others out. Does not know
//! what is held.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::limits::Network;

/// Things that networks hold. A later one has a greater key.
#[derive(Debug)]
pub struct Holdings<T> {
    things: BTreeMap<(Network, u64), T>,
    counts: HashMap<Network, Count>,
    /// The same counts, in order.
    most: BTreeSet<(Count, Network)>,
}

/// How much a network holds, and the key of the oldest: of two that hold as much, the older one is greedier.
type Count = (usize, Reverse<u64>);

impl<T> Default for Holdings<T> {
    fn default() -> Holdings<T> {
        Holdings {
            things: BTreeMap::new(),
            counts: HashMap::new(),
            most: BTreeSet::new(),
        }
    }
}

impl<T> Holdings<T> {
    /// A network holds one more. `key` is new.
    pub fn add(&mut self, network: Network, key: u64, thing: T) {
        if self.things.insert((network, key), thing).is_none() {
            let before = self.counts.get(&network).copied();
            let (held, oldest) = before.unwrap_or((0, Reverse(key)));
            self.count(network, before, Some((held + 1, oldest)));
        }
    }

    /// A network gives this one back; `None`: it does not hold it.
    pub fn remove(&mut self, network: Network, key: u64) -> Option<T> {
        let thing = self.things.remove(&(network, key))?;
        let before = self.counts.get(&network).copied();
        let oldest = self.oldest(network, 0).next().map(|(key, _)| Reverse(key));
        let now = before.zip(oldest).map(|((held, _), oldest)| (held - 1, oldest));
        self.count(network, before, now);
        Some(thing)
    }

    /// What a network holds under this key.
    pub fn get_mut(&mut self, network: Network, key: u64) -> Option<&mut T> {
        self.things.get_mut(&(network, key))
    }

    /// How much all hold together.
    pub fn total(&self) -> usize {
        self.things.len()
    }

    /// How much this network holds.
    pub fn of(&self, network: Network) -> usize {
        self.counts.get(&network).map_or(0, |(held, _)| *held)
    }

    /// The networks that hold something, the greediest first.
    pub fn greediest(&self) -> impl Iterator<Item = Network> + '_ {
        self.most.iter().rev().map(|(_, network)| *network)
    }

    /// What a network holds, the oldest first, from this key on.
    pub fn oldest(&self, network: Network, from: u64) -> impl Iterator<Item = (u64, &T)> + '_ {
        let range = (network, from)..=(network, u64::MAX);
        self.things.range(range).map(|((_, key), thing)| (*key, thing))
    }

    /// The key of a network's newest thing.
    pub fn newest(&self, network: Network) -> Option<u64> {
        let range = (network, 0)..=(network, u64::MAX);
        self.things.range(range).next_back().map(|((_, key), _)| *key)
    }

    fn count(&mut self, network: Network, before: Option<Count>, now: Option<Count>) {
        if let Some(before) = before {
            self.most.remove(&(before, network));
        }
        match now {
            Some(now) => {
                self.counts.insert(network, now);
                self.most.insert((now, network));
            }
            None => drop(self.counts.remove(&network)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn network(n: u8) -> Network {
        Network::from(IpAddr::from([192, 0, 2, n]))
    }

    #[test]
    fn the_greediest_network_is_first_and_its_oldest_thing_too() {
        let mut held = Holdings::default();
        for (n, key) in [(1, 10), (2, 11), (2, 12), (3, 13), (2, 14), (3, 15)] {
            held.add(network(n), key, ());
        }
        held.add(network(4), 9, ());
        assert_eq!(held.greediest().collect::<Vec<_>>(), [2, 3, 4, 1].map(network));
        held.remove(network(4), 9);
        let keys = |held: &Holdings<()>, n, from| {
            let things = held.oldest(network(n), from);
            things.map(|(key, ())| key).collect::<Vec<_>>()
        };
        assert_eq!(
            (keys(&held, 2, 0), keys(&held, 2, 12)),
            (vec![11, 12, 14], vec![12, 14])
        );
        for key in [11, 12, 14] {
            assert_eq!(held.remove(network(2), key), Some(()));
            assert_eq!(held.remove(network(2), key), None, "it is gone already");
        }
        assert_eq!(held.greediest().next(), Some(network(3)));
        assert_eq!(
            (held.total(), held.of(network(2)), held.of(network(3))),
            (3, 0, 2)
        );
    }

    #[test]
    fn who_holds_nothing_takes_no_memory() {
        let mut held = Holdings::default();
        for key in 0..10_000_u64 {
            held.add(network((key % 250) as u8), key, ());
            held.remove(network((key % 250) as u8), key);
        }
        assert_eq!((held.counts.len(), held.most.len(), held.things.len()), (0, 0, 0));
    }
}
