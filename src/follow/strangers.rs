//! Readers without an owner: how many places they may have, and which of them leaves when there is no place for another.
//! Anybody can open such readers, so they must not keep out those who bring a valid token. Does not know how one is closed.

use std::collections::{HashMap, HashSet};

use crate::auth::holdings::Holdings;
use crate::auth::limits::Network;

/// Readers of which one place is kept free of strangers: an eighth of all places.
const RESERVE: usize = 8;
/// Of a network's share of all readers, this part may be strangers.
const UNKNOWN: usize = 4;

/// How many readers there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) most: usize,
    /// How many strangers a network may have while others need places too.
    of_one: usize,
}

impl Bounds {
    /// At most so many readers; `address_share` is the percentage that one network may have.
    pub(super) fn new(most: usize, address_share: u32) -> Bounds {
        let part = (most / UNKNOWN).saturating_mul(address_share as usize) / 100;
        Bounds {
            most,
            of_one: if address_share < 100 {
                part.max(1)
            } else {
                usize::MAX
            },
        }
    }

    /// How many strangers may be there beside so many readers with an owner: the free places without the reserve, and
    /// always half of what is free, because everybody comes in as a stranger.
    fn strangers(self, members: usize) -> usize {
        let free = self.most.saturating_sub(members);
        free - (self.most / RESERVE).min(free / 2)
    }
}

/// The strangers among the readers. `K` reaches one.
#[derive(Debug)]
pub(super) struct Strangers<K> {
    /// They have sent no token, or it was refused.
    silent: Holdings<K>,
    /// Their token is being checked. They leave only where nobody is silent.
    asking: Holdings<K>,
    /// The network of each of them.
    networks: HashMap<u64, Network>,
    /// They were told to leave for others, and have not left yet.
    leaving: HashSet<u64>,
}

impl<K> Default for Strangers<K> {
    fn default() -> Strangers<K> {
        Strangers {
            silent: Holdings::default(),
            asking: Holdings::default(),
            networks: HashMap::new(),
            leaving: HashSet::new(),
        }
    }
}

impl<K> Strangers<K> {
    /// A new reader has no owner.
    pub(super) fn enter(&mut self, network: Network, key: u64, reader: K) {
        self.networks.insert(key, network);
        self.silent.add(network, key, reader);
    }

    /// The token of a reader is being checked, or was checked in vain.
    pub(super) fn asks(&mut self, key: u64, asks: bool) {
        let Some(network) = self.networks.get(&key).copied() else {
            return;
        };
        let (from, to) = if asks {
            (&mut self.silent, &mut self.asking)
        } else {
            (&mut self.asking, &mut self.silent)
        };
        if let Some(reader) = from.remove(network, key) {
            to.add(network, key, reader);
        }
    }

    /// A reader gets its owner. False: it was told to leave before.
    pub(super) fn known(&mut self, key: u64) -> bool {
        self.take(key);
        !self.leaving.contains(&key)
    }

    /// A reader is gone.
    pub(super) fn left(&mut self, key: u64) {
        self.take(key);
        self.leaving.remove(&key);
    }

    fn take(&mut self, key: u64) -> Option<K> {
        let network = self.networks.remove(&key)?;
        let silent = self.silent.remove(network, key);
        silent.or_else(|| self.asking.remove(network, key))
    }

    fn len(&self) -> usize {
        self.silent.total() + self.asking.total()
    }

    /// Whether another one may enter where `open` readers are. `leave` is called for those that leave for it.
    pub(super) fn make_room(
        &mut self,
        network: Network,
        bounds: Bounds,
        open: usize,
        mut leave: impl FnMut(K),
    ) -> bool {
        let open = open.saturating_sub(self.leaving.len());
        let most = bounds.strangers(open.saturating_sub(self.len()));
        if most == 0 {
            return false;
        }
        let own = self.silent.of(network) + self.asking.of(network);
        if self.len() > most / 2 && own >= bounds.of_one {
            self.displace(Some(network), &mut leave);
        }
        while self.len() >= most {
            self.displace(None, &mut leave);
        }
        true
    }

    /// The oldest stranger of this network, or of the greediest, leaves.
    fn displace(&mut self, network: Option<Network>, leave: &mut impl FnMut(K)) {
        let oldest = [&self.silent, &self.asking].into_iter().find_map(|those| {
            let network = network.or_else(|| those.greediest().next())?;
            those.oldest(network, 0).next().map(|(key, _)| key)
        });
        if let Some(key) = oldest
            && let Some(reader) = self.take(key)
        {
            self.leaving.insert(key);
            leave(reader);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn network(n: usize) -> Network {
        Network::from(IpAddr::from((n as u32).to_be_bytes()))
    }

    /// A node whose readers leave as soon as they are told to.
    struct Node {
        strangers: Strangers<(Network, u64)>,
        bounds: Bounds,
        members: usize,
        next: u64,
    }

    impl Node {
        fn new(most: usize) -> Node {
            Node {
                strangers: Strangers::default(),
                bounds: Bounds::new(most, 25),
                members: 0,
                next: 0,
            }
        }

        /// A stranger comes: who left for it, if it was let in.
        fn comes(&mut self, n: usize) -> Option<Vec<Network>> {
            let open = self.members + self.strangers.len();
            let (mut gone, network) = (Vec::new(), network(n));
            let enters = self
                .strangers
                .make_room(network, self.bounds, open, |who| gone.push(who));
            for (_, key) in &gone {
                self.strangers.left(*key);
            }
            if !enters {
                return None;
            }
            self.next += 1;
            self.strangers.enter(network, self.next, (network, self.next));
            assert!(self.members + self.strangers.len() <= self.bounds.most);
            Some(gone.into_iter().map(|(of, _)| of).collect())
        }

        /// The stranger that came last authenticates.
        fn is_known(&mut self) {
            assert!(self.strangers.known(self.next));
            self.members += 1;
        }
    }

    #[test]
    fn strangers_of_one_network_make_place_for_each_other() {
        let mut node = Node::new(800);
        // an idle node lets a crowd of one network in
        assert!((0..351).all(|_| node.comes(1) == Some(vec![])));
        // then its share counts
        assert_eq!(node.comes(1), Some(vec![network(1)]));
        assert_eq!(node.comes(2), Some(vec![]));
    }

    #[test]
    fn when_there_is_no_place_the_oldest_of_the_greediest_network_leaves() {
        let mut node = Node::new(80);
        for n in 0..70 {
            assert_eq!(node.comes(n % 30), Some(vec![]), "{n}");
        }
        // the networks 0 to 9 have three each
        for n in 0..10 {
            assert_eq!(node.comes(100 + n), Some(vec![network(n)]));
        }
    }

    #[test]
    fn members_get_every_place_whatever_strangers_do() {
        let mut node = Node::new(100);
        for n in 0..100 {
            for of in 0..50 {
                node.comes(1000 + of);
            }
            assert!(node.comes(n % 7).is_some(), "member {n}");
            node.is_known();
        }
        assert_eq!(node.members, 100);
        assert_eq!(node.comes(1), None, "only members are there");
    }

    #[test]
    fn who_was_told_to_leave_is_told_once() {
        let mut strangers = Strangers::default();
        let bounds = Bounds::new(8, 100);
        for key in 0..7 {
            strangers.enter(network(1), key, key);
        }
        let mut told = Vec::new();
        for open in 7..9 {
            assert!(strangers.make_room(network(2), bounds, open, |key| told.push(key)));
            strangers.enter(network(2), 10 + open as u64, 0);
        }
        assert_eq!(told, [0, 1]);
        for key in told {
            strangers.left(key);
        }
        assert!(strangers.leaving.is_empty());
        assert_eq!(strangers.networks.len(), strangers.len());
    }

    #[test]
    fn the_silent_leave_before_those_whose_token_is_being_checked() {
        let (mut strangers, bounds) = (Strangers::default(), Bounds::new(8, 100));
        for key in 0..7 {
            strangers.enter(network(1), key, key);
            strangers.asks(key, key < 5);
        }
        strangers.asks(4, false);
        let mut told = Vec::new();
        for n in 0..4 {
            assert!(strangers.make_room(network(1), bounds, 7 + n, |key| told.push(key)));
            let key = 10 + n as u64;
            strangers.enter(network(1), key, key);
            strangers.asks(key, true);
        }
        assert_eq!(told, [4, 5, 6, 0]);
        assert!(!strangers.known(0) && strangers.known(1));
    }
}
