//! The connections that are not sockets (yet), by network. Nobody has shown a token yet, so what counts is the address. A
//! full room closes a connection on which no request is under way, of the network that has the most, and lets the new one
//! in. Where all are busy, a reserve is left for probes, upgrades and requests with a token. Does not serve connections.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::auth::holdings::Holdings;
use crate::auth::limits::Network;
use crate::config::Settings;
use crate::reply::Turn;

/// The reserve is this part of the room, and is beside it.
const RESERVE: usize = 16;
/// A network may have this part of its share of connections on which no request came yet.
const SILENT: usize = 4;
/// So many networks, and of each so many connections twice, are looked at for one to close.
const NETWORKS: usize = 16;
const LOOKS: usize = 16;
/// The time between two lines in the log about networks that have their share.
const QUIET: Duration = Duration::from_mins(1);

/// The connections of a node.
pub(super) struct Room {
    settings: Arc<Settings>,
    /// How many one network may have while there is little room; `None`: any number.
    share: Option<usize>,
    guests: Mutex<Guests>,
}

#[derive(Default)]
struct Guests {
    next: u64,
    ordinary: Holdings<Guest>,
    reserve: Holdings<Guest>,
    told: Option<Instant>,
}

/// A connection, seen from the room.
struct Guest {
    /// Tells whether a request is under way.
    turn: Turn,
    /// Its task, once it was started.
    task: Option<AbortHandle>,
    /// Clients of a proxy share its connections.
    is_of_proxy: bool,
}

/// Where in the room a connection is.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    network: Network,
    key: u64,
    /// It is in the reserve.
    pub(super) is_reserved: bool,
}

/// The task of a connection that was taken away.
struct Displaced(Option<AbortHandle>);

/// A connection's place, until this is dropped.
pub(super) struct Place {
    room: Arc<Room>,
    pub(super) seat: Seat,
}

/// What came of a connection, and which other one left for it.
enum Entered {
    Ordinary(Option<Displaced>),
    Reserve(Option<Displaced>),
    Refused,
}

impl Room {
    /// An empty room, as large as the settings say.
    pub(super) fn new(settings: &Arc<Settings>) -> Arc<Room> {
        let percent = settings.address_share as usize;
        let counts = settings.rate_limit_enabled && percent < 100;
        Arc::new(Room {
            share: counts.then(|| (settings.max_connections * percent / 100).max(1)),
            settings: settings.clone(),
            guests: Mutex::default(),
        })
    }

    /// Lets a connection in, or not. For it another one may be closed.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr, turn: Turn) -> Option<Place> {
        let network = Network::from(address);
        let is_of_proxy = self.is_proxy(address);
        let mut guests = self.guests();
        let (displaced, is_reserved) = match self.make_room(&mut guests, network, is_of_proxy) {
            Entered::Ordinary(displaced) => (displaced, false),
            Entered::Reserve(displaced) => (displaced, true),
            Entered::Refused => {
                metrics::counter!("taskwire_connections_refused_total").increment(1);
                return None;
            }
        };
        guests.next += 1;
        let key = guests.next;
        let guest = Guest {
            turn,
            task: None,
            is_of_proxy,
        };
        guests.of(is_reserved).add(network, key, guest);
        drop(guests);
        if let Some(Displaced(task)) = displaced {
            metrics::counter!("taskwire_connections_displaced_total").increment(1);
            task.iter().for_each(AbortHandle::abort);
        }
        metrics::gauge!("taskwire_connections").increment(1.0);
        let seat = Seat {
            network,
            key,
            is_reserved,
        };
        Some(Place {
            room: self.clone(),
            seat,
        })
    }

    /// A connection is served by this task, which ends when another connection needs the place.
    pub(super) fn is_served(&self, seat: Seat, task: AbortHandle) {
        if let Some(guest) = self.guests().of(seat.is_reserved).get_mut(seat.network, seat.key) {
            guest.task = Some(task);
        }
    }

    fn make_room(&self, guests: &mut Guests, network: Network, is_of_proxy: bool) -> Entered {
        let most = self.settings.max_connections;
        let mut displaced = None;
        if let Some(share) = self.share
            && guests.ordinary.total() > most / 4 * 3
            && !is_of_proxy
        {
            let own = guests.ordinary.of(network);
            if own >= share {
                displaced = close_one_of(&mut guests.ordinary, network, Turn::is_idle);
                if displaced.is_none() {
                    guests.tell(network, own, share);
                    return Entered::Refused;
                }
            } else if own >= share.div_ceil(SILENT) {
                displaced = close_one_of(&mut guests.ordinary, network, Turn::is_new);
            }
        }
        if displaced.is_some() || guests.ordinary.total() < most {
            return Entered::Ordinary(displaced);
        }
        if let Some(displaced) = close_one(&mut guests.ordinary) {
            return Entered::Ordinary(Some(displaced));
        }
        self.make_room_in_reserve(&mut guests.reserve, network, is_of_proxy)
    }

    /// A network may have a part of the reserve, as of the room, but at any time: so little is soon taken.
    fn make_room_in_reserve(
        &self,
        reserve: &mut Holdings<Guest>,
        network: Network,
        is_of_proxy: bool,
    ) -> Entered {
        let most = self.settings.max_connections / RESERVE;
        let part = most * self.settings.address_share as usize / 100;
        if self.share.is_some() && !is_of_proxy && reserve.of(network) >= part.max(1) {
            let displaced = close_one_of(reserve, network, Turn::is_idle);
            return displaced.map_or(Entered::Refused, |displaced| Entered::Reserve(Some(displaced)));
        }
        if reserve.total() < most {
            return Entered::Reserve(None);
        }
        close_one(reserve).map_or(Entered::Refused, |displaced| Entered::Reserve(Some(displaced)))
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        let mut proxies = self.settings.trusted_proxies.iter();
        proxies.any(|proxies| proxies.contains(address))
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        // no code panics while it holds this lock
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guests {
    fn of(&mut self, is_reserved: bool) -> &mut Holdings<Guest> {
        if is_reserved {
            &mut self.reserve
        } else {
            &mut self.ordinary
        }
    }

    /// Says once a minute that a network has its share: it may be a proxy whose address is missing in the settings.
    fn tell(&mut self, network: Network, connections: usize, share: usize) {
        let now = Instant::now();
        if self.told.is_none_or(|told| now.duration_since(told) >= QUIET) {
            self.told = Some(now);
            tracing::warn!(
                connections,
                share,
                client.network = ?network,
                "an address has its share of the connections, all of them busy, and gets no more (address_share); if it \
                 is your proxy, add it to trusted_proxies"
            );
        }
    }
}

/// Takes away a connection without a request of the network that has the most. Those of proxies come last, because they
/// are everybody's.
fn close_one(guests: &mut Holdings<Guest>) -> Option<Displaced> {
    let mut networks: Vec<_> = guests.greediest().take(NETWORKS).collect();
    networks.sort_by_key(|network| {
        let first = guests.oldest(*network, 0).next();
        first.is_some_and(|(_, guest)| guest.is_of_proxy)
    });
    networks
        .into_iter()
        .find_map(|network| close_one_of(guests, network, Turn::is_idle))
}

/// Takes away a connection of a network that may be closed: one of its oldest, or one of some others.
fn close_one_of(guests: &mut Holdings<Guest>, network: Network, may: fn(&Turn) -> bool) -> Option<Displaced> {
    let (first, _) = guests.oldest(network, 0).next()?;
    let last = guests.newest(network)?;
    let somewhere = first + rand::random::<u64>() % (last - first + 1);
    let key = [first, somewhere].into_iter().find_map(|from| {
        let mut looks = guests.oldest(network, from).take(LOOKS);
        looks.find(|(_, guest)| may(&guest.turn)).map(|(key, _)| key)
    })?;
    guests.remove(network, key).map(|guest| Displaced(guest.task))
}

impl Drop for Place {
    fn drop(&mut self) {
        let Seat {
            network,
            key,
            is_reserved,
        } = self.seat;
        self.room.guests().of(is_reserved).remove(network, key);
        metrics::gauge!("taskwire_connections").decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(pairs: &[(&str, &str)]) -> Arc<Room> {
        let settings = Settings::from_pairs(pairs).unwrap_or_else(|error| panic!("{error}"));
        Room::new(&Arc::new(settings))
    }

    fn address(n: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, n])
    }

    /// A room, and the connections that test code holds. They stay as long as the room lets them.
    struct Hall {
        room: Arc<Room>,
        places: Vec<Place>,
    }

    impl Hall {
        fn new(pairs: &[(&str, &str)]) -> Hall {
            Hall {
                room: room(pairs),
                places: Vec::new(),
            }
        }

        /// A connection comes, on which no request is under way; whether it was let in as an ordinary one.
        fn comes(&mut self, n: u8) -> Option<bool> {
            let place = self.room.enter(address(n), Turn::default())?;
            let is_ordinary = !place.seat.is_reserved;
            self.places.push(place);
            Some(is_ordinary)
        }

        /// The same, with a request that never ends.
        fn comes_busy(&mut self, n: u8) -> Option<bool> {
            let turn = Turn::default();
            let place = self.room.enter(address(n), turn.clone())?;
            let is_ordinary = !place.seat.is_reserved;
            std::mem::forget(turn.of_route());
            self.places.push(place);
            Some(is_ordinary)
        }

        fn of(&self, n: u8) -> usize {
            self.room.guests().ordinary.of(Network::from(address(n)))
        }
    }

    #[test]
    fn a_full_room_closes_connections_of_whoever_has_the_most() {
        let mut hall = Hall::new(&[("max_connections", "64"), ("rate_limit_enabled", "false")]);
        assert!((0..50).all(|_| hall.comes(1) == Some(true)));
        assert!((0..14).all(|_| hall.comes(2) == Some(true)));
        assert!((0..20).all(|_| hall.comes(3) == Some(true)));
        assert_eq!((hall.of(1), hall.of(2), hall.of(3)), (30, 14, 20));
        assert!((0..1000).all(|_| hall.comes(4) == Some(true)));
        assert_eq!((hall.of(2), hall.room.guests().ordinary.total()), (14, 64));
    }

    #[test]
    fn while_there_is_room_a_network_may_have_most_of_it_and_then_only_its_share() {
        let mut hall = Hall::new(&[("max_connections", "64")]);
        assert!((0..49).all(|_| hall.comes(1) == Some(true)));
        assert_eq!(hall.of(1), 49);
        assert!((0..100).all(|_| hall.comes(1) == Some(true)));
        assert_eq!(hall.of(1), 49, "each closes another one of its network");
        // four of 16 may be silent
        assert!((0..10).all(|_| hall.comes(2) == Some(true)));
        assert_eq!(hall.of(2), 4);
        assert!((0..8).all(|_| hall.comes_busy(3) == Some(true)));
        assert_eq!(hall.of(3), 8);
    }

    #[test]
    fn a_network_with_its_share_of_busy_connections_gets_no_more() {
        let mut hall = Hall::new(&[("max_connections", "64")]);
        assert!((0..49).all(|_| hall.comes_busy(1) == Some(true)));
        assert_eq!(hall.comes(1), None);
        assert_eq!(hall.comes(2), Some(true));
    }

    #[test]
    fn when_all_are_busy_there_is_a_reserve() {
        let mut hall = Hall::new(&[("max_connections", "64"), ("rate_limit_enabled", "false")]);
        assert!((0..64).all(|_| hall.comes_busy(1) == Some(true)));
        assert!((0..100).all(|_| hall.comes(2) == Some(false)));
        assert_eq!(hall.room.guests().reserve.total(), 4);
        hall.places.clear();
        assert_eq!(hall.comes(2), Some(true));
    }

    #[test]
    fn a_network_has_a_part_of_the_reserve() {
        let mut hall = Hall::new(&[("max_connections", "128")]);
        assert!((0..128).all(|n| hall.comes_busy(n % 16) == Some(true)));
        // a quarter of eight
        assert!((0..2).all(|_| hall.comes_busy(20) == Some(false)));
        assert_eq!(hall.comes_busy(20), None);
        assert_eq!(hall.comes(21), Some(false));
    }

    #[test]
    fn connections_of_a_proxy_have_no_share_and_are_closed_last() {
        let mut hall = Hall::new(&[
            ("max_connections", "64"),
            ("trusted_proxies", "192.0.2.1,2001:db8::7"),
        ]);
        assert!((0..60).all(|_| hall.comes(1) == Some(true)));
        assert!((0..4).all(|_| hall.comes(2) == Some(true)));
        assert_eq!(hall.comes(3), Some(true));
        assert_eq!((hall.of(1), hall.of(2)), (60, 3));
    }
}
