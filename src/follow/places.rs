//! A few places for what only some may do at a time. Who finds none free waits, and networks take turns: one that waits with
//! many does not keep others back. Does not know what is done in a place.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::oneshot;

use super::handle::lock;
use crate::auth::limits::Network;

/// Places, some of them taken.
#[derive(Debug)]
pub struct Places {
    /// How many one network may hold.
    of_one: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: u32,
    next: u64,
    /// Networks that hold a place or wait for one. `None`: all whose network does not matter.
    lines: HashMap<Option<Network>, Line>,
    /// Networks that wait and may hold more, each once: the first gets the next place.
    turns: VecDeque<Option<Network>>,
}

#[derive(Debug, Default)]
struct Line {
    held: u32,
    waiting: BTreeMap<u64, oneshot::Sender<Place>>,
    has_turn: bool,
}

/// A place, or some of them together, until this is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    network: Option<Network>,
    size: u32,
}

/// Ends the wait of somebody who does not wait any more.
struct Waiting<'a> {
    places: &'a Places,
    network: Option<Network>,
    ticket: u64,
}

impl Places {
    /// So many places, of which a network may hold `of_one`.
    pub fn new(all: u32, of_one: u32) -> Arc<Places> {
        Arc::new(Places {
            of_one: of_one.clamp(1, all),
            state: Mutex::new(State {
                free: all,
                next: 0,
                lines: HashMap::new(),
                turns: VecDeque::new(),
            }),
        })
    }

    /// Takes a place, once there is one for this network.
    pub async fn take(self: Arc<Places>, network: Option<Network>) -> Option<Place> {
        let (waiting, place) = {
            let mut state = self.state();
            let line = state.lines.entry(network).or_default();
            let (held, ahead) = (line.held, line.waiting.len());
            if held < self.of_one && ahead == 0 && state.free > 0 {
                return Some(self.place(&mut state, network));
            }
            let ticket = state.next;
            state.next += 1;
            let (sender, place) = oneshot::channel();
            if let Some(line) = state.lines.get_mut(&network) {
                line.waiting.insert(ticket, sender);
            }
            state.gets_turn(network, self.of_one);
            let waiting = Waiting {
                places: &self,
                network,
                ticket,
            };
            (waiting, place)
        };
        let place = place.await.ok();
        drop(waiting);
        place
    }

    /// Adds so many places to one that is held. False if they are not free, or too many for the network.
    pub fn widen(&self, place: &mut Place, by: u32) -> bool {
        let mut state = self.state();
        let State { free, lines, .. } = &mut *state;
        let Some(line) = lines.get_mut(&place.network) else {
            return false;
        };
        if *free < by || line.held + by > self.of_one {
            return false;
        }
        (*free, line.held, place.size) = (*free - by, line.held + by, place.size + by);
        true
    }

    fn place(self: &Arc<Places>, state: &mut State, network: Option<Network>) -> Place {
        state.free -= 1;
        state.lines.entry(network).or_default().held += 1;
        Place {
            places: self.clone(),
            network,
            size: 1,
        }
    }

    /// Takes a place back, and gives what is free to those who wait.
    fn release(self: &Arc<Places>, network: Option<Network>, size: u32) {
        let mut given = Vec::new();
        {
            let mut state = self.state();
            state.free += size;
            if let Some(line) = state.lines.get_mut(&network) {
                line.held -= size;
            }
            state.gets_turn(network, self.of_one);
            while state.free > 0
                && let Some(next) = state.turns.pop_front()
            {
                let Some(line) = state.lines.get_mut(&next) else {
                    continue;
                };
                line.has_turn = false;
                if line.held < self.of_one
                    && let Some((_, waiting)) = line.waiting.pop_first()
                {
                    given.push((waiting, self.place(&mut state, next)));
                }
                state.gets_turn(next, self.of_one);
            }
        }
        for (waiting, place) in given {
            // one that does not wait any more gives its place back at once
            drop(waiting.send(place));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Gives a network a turn, if it waits and may hold more; forgets it if it neither waits nor holds anything.
    fn gets_turn(&mut self, network: Option<Network>, of_one: u32) {
        let Some(line) = self.lines.get_mut(&network) else {
            return;
        };
        if line.waiting.is_empty() {
            if line.held == 0 && !line.has_turn {
                self.lines.remove(&network);
            }
        } else if line.held < of_one && !line.has_turn {
            line.has_turn = true;
            self.turns.push_back(network);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.places.state();
        if let Some(line) = state.lines.get_mut(&self.network) {
            line.waiting.remove(&self.ticket);
        }
        state.gets_turn(self.network, self.places.of_one);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.clone().release(self.network, self.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::net::IpAddr;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    type Taking = Pin<Box<dyn Future<Output = Option<Place>>>>;

    fn network(n: u8) -> Network {
        Network::from(IpAddr::from([192, 0, 2, n]))
    }

    fn poll(taking: &mut Taking) -> Option<Place> {
        match taking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(place) => Some(place.expect("a place")),
            Poll::Pending => None,
        }
    }

    /// Asks for a place, and gets one.
    fn takes(places: &Arc<Places>, network: Network) -> Place {
        let mut taking: Taking = Box::pin(places.clone().take(Some(network)));
        poll(&mut taking).expect("a free place")
    }

    /// Asks for a place where none is free.
    fn waits(places: &Arc<Places>, network: Network) -> Taking {
        let mut taking: Taking = Box::pin(places.clone().take(Some(network)));
        assert!(poll(&mut taking).is_none(), "there is a free place");
        taking
    }

    #[test]
    fn a_network_holds_no_more_than_its_part() {
        let places = Places::new(4, 2);
        let first: Vec<_> = (0..2).map(|_| takes(&places, network(1))).collect();
        let mut third = waits(&places, network(1));
        let other = takes(&places, network(2));
        drop(other);
        assert!(
            poll(&mut third).is_none(),
            "a place of another network is not its own"
        );
        drop(first);
        assert!(poll(&mut third).is_some());
    }

    #[test]
    fn networks_take_turns_however_many_wait_of_one() {
        let places = Places::new(1, 1);
        let held = takes(&places, network(1));
        let mut crowd: Vec<_> = (0..100).map(|_| waits(&places, network(1))).collect();
        let mut one = waits(&places, network(2));
        drop(held);
        let second = poll(&mut one).or_else(|| {
            // the crowd's turn came first
            drop(crowd.iter_mut().find_map(poll).expect("a place"));
            poll(&mut one)
        });
        assert!(second.is_some());
        drop(second);
        for taking in &mut crowd {
            drop(poll(taking));
        }
        drop(takes(&places, network(3)));
    }

    #[test]
    fn who_does_not_wait_any_more_keeps_nothing() {
        let places = Places::new(1, 1);
        let held = takes(&places, network(1));
        let gone: Vec<_> = (0..10).map(|n| waits(&places, network(n))).collect();
        let mut patient = waits(&places, network(9));
        drop(gone);
        drop(held);
        let place = poll(&mut patient).expect("its turn");
        // a place that was given to somebody who left before it took it
        let left = waits(&places, network(2));
        drop(place);
        drop(left);
        drop(takes(&places, network(3)));
        let state = places.state();
        assert_eq!((state.free, state.lines.len(), state.turns.len()), (1, 0, 0));
    }

    #[test]
    fn a_place_is_widened_only_by_what_is_free() {
        let places = Places::new(8, 5);
        let mut place = takes(&places, network(1));
        assert!(places.widen(&mut place, 3));
        assert!(!places.widen(&mut place, 2), "above the part of a network");
        let mut other = takes(&places, network(2));
        assert!(!places.widen(&mut other, 4), "not free");
        assert!(places.widen(&mut other, 3));
        drop((place, other));
        assert_eq!(places.state().free, 8);
    }
}
