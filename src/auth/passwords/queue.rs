//! The queue before the threads that hash: who waits, and whose turn is next. Devices that their account knows wait apart from
//! strangers and go first, three to one. Of each kind networks take turns, and a network has few places: so a crowd of
//! strangers delays those who signed in before by a few hashes, and a network delays the others by one of its own. Does not
//! know what is hashed.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::HashMap;

use crate::auth::limits::{Device, Network};

/// While both kinds wait, so many known devices have their turn before a stranger has one.
const KNOWN_FIRST: usize = 3;
/// The most strangers of a network that wait.
const STRANGERS: usize = 4;
/// The most of a /48 of IPv6: who gets one has 65,536 networks.
const OF_WIDE: usize = 16;
/// The most known devices of a network that wait.
const KNOWN: usize = 16;

/// Who waits for a password to be hashed.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    device: Device,
    address: Option<IpAddr>,
}

impl Asker {
    /// A device at this address.
    pub fn of(device: Device, address: Option<IpAddr>) -> Asker {
        Asker { device, address }
    }

    /// Somebody who is signed in.
    pub fn known(address: Option<IpAddr>) -> Asker {
        Asker::of(Device::Known, address)
    }

    /// Somebody who is not known yet.
    pub fn stranger(address: Option<IpAddr>) -> Asker {
        Asker::of(Device::Stranger, address)
    }

    /// The server itself, its operator or an administrator.
    pub fn server() -> Asker {
        Asker::known(None)
    }

    pub(super) fn device(&self) -> Device {
        self.device
    }

    fn network(&self) -> Option<Network> {
        self.address.map(Network::from)
    }

    fn wide(&self) -> Option<u128> {
        match self.address?.to_canonical() {
            IpAddr::V6(v6) => Some(v6.to_bits() >> 80),
            IpAddr::V4(_) => None,
        }
    }
}

/// Jobs that wait for the threads.
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    /// A job waits, or the queue has ended.
    ready: Condvar,
    /// Networks have only so many places.
    bounds_networks: bool,
    /// The most jobs of a kind that wait.
    most: usize,
}

struct State<J> {
    known: Class<J>,
    strangers: Class<J>,
    /// How many strangers of a /48 wait.
    wide: HashMap<u128, usize>,
    /// How many known devices had their turn since a stranger had one, up to [`KNOWN_FIRST`].
    in_a_row: usize,
    running: usize,
    last: u64,
    ended: bool,
}

/// The jobs of a kind.
struct Class<J> {
    of: HashMap<Option<Network>, VecDeque<Waiting<J>>>,
    /// The networks, in the order of their turns.
    turns: VecDeque<Option<Network>>,
    number: usize,
}

struct Waiting<J> {
    number: u64,
    wide: Option<u128>,
    job: J,
}

/// Why a job does not wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too many wait already; so many have their turn before it.
    Full(usize),
    /// This many of its network wait, which are all that may.
    Network { most: usize, ahead: usize },
}

/// What a thread does next.
pub(super) enum Next<J> {
    Job(J),
    /// No job came for so long.
    Idle,
    Ended,
}

/// A place in the queue. A job whose place is dropped before its turn is removed.
pub(super) struct Place<J> {
    queue: Arc<Queue<J>>,
    asker: Asker,
    number: u64,
}

impl<J> Queue<J> {
    pub(super) fn new(most: usize, bounds_networks: bool) -> Queue<J> {
        let state = State {
            known: Class::new(),
            strangers: Class::new(),
            wide: HashMap::default(),
            in_a_row: 0,
            running: 0,
            last: 0,
            ended: false,
        };
        Queue {
            state: Mutex::new(state),
            ready: Condvar::new(),
            bounds_networks,
            most,
        }
    }

    /// Lets a job wait, if `is_soon` says so of the number of jobs that have their turn before it.
    pub(super) fn enter(
        self: &Arc<Self>,
        asker: Asker,
        job: J,
        is_soon: impl FnOnce(usize) -> bool,
    ) -> Result<Place<J>, Refused> {
        let mut state = self.state();
        let ahead = state.ahead(&asker);
        if self.bounds_networks
            && let Some(most) = state.no_place(&asker)
        {
            return Err(Refused::Network { most, ahead });
        }
        if state.class(asker.device).number >= self.most || !is_soon(ahead) {
            return Err(Refused::Full(ahead));
        }
        state.last += 1;
        let number = state.last;
        let wide = asker.wide().filter(|_| asker.device == Device::Stranger);
        if let Some(wide) = wide {
            *state.wide.entry(wide).or_default() += 1;
        }
        let waiting = Waiting { number, wide, job };
        state.class(asker.device).push(asker.network(), waiting);
        drop(state);
        self.ready.notify_one();
        let queue = self.clone();
        Ok(Place { queue, asker, number })
    }

    /// Waits for the next job, which then runs until [`Queue::done`]; with `idle` only so long.
    pub(super) fn take(&self, idle: Option<Duration>) -> Next<J> {
        let mut state = self.state();
        loop {
            if state.ended {
                return Next::Ended;
            }
            if let Some(job) = state.pop() {
                state.running += 1;
                return Next::Job(job);
            }
            state = match idle {
                None => self.ready.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(idle) => {
                    let waited = self.ready.wait_timeout(state, idle);
                    let (state, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
                    if timed_out.timed_out() && state.is_empty() && !state.ended {
                        return Next::Idle;
                    }
                    state
                }
            }
        }
    }

    /// A job has ended.
    pub(super) fn done(&self) {
        let mut state = self.state();
        state.running = state.running.saturating_sub(1);
    }

    /// How many jobs would have their turn before one of this asker.
    pub(super) fn ahead(&self, asker: &Asker) -> usize {
        self.state().ahead(asker)
    }

    /// The threads end.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.ready.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> Drop for Place<J> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        let network = self.asker.network();
        let removed = state.class(self.asker.device).remove(network, self.number);
        if let Some(job) = removed {
            state.left(&job);
        }
    }
}

impl<J> State<J> {
    fn class(&mut self, device: Device) -> &mut Class<J> {
        match device {
            Device::Known => &mut self.known,
            Device::Stranger => &mut self.strangers,
        }
    }

    fn is_empty(&self) -> bool {
        self.known.number + self.strangers.number == 0
    }

    fn ahead(&self, asker: &Asker) -> usize {
        let network = asker.network();
        let waiting = match asker.device {
            Device::Known => {
                let known = self.known.ahead(network);
                known + self.strangers.number.min(known / KNOWN_FIRST + 1)
            }
            Device::Stranger => {
                let strangers = self.strangers.ahead(network);
                strangers + self.known.number.min(KNOWN_FIRST * (strangers + 1))
            }
        };
        self.running + waiting
    }

    /// The number of places of its network, if all are taken.
    fn no_place(&mut self, asker: &Asker) -> Option<usize> {
        let network = asker.network()?;
        let waiting = self
            .class(asker.device)
            .of
            .get(&Some(network))
            .map_or(0, VecDeque::len);
        let most = match asker.device {
            Device::Known => KNOWN,
            Device::Stranger => STRANGERS,
        };
        if waiting >= most {
            return Some(most);
        }
        let wide = asker.wide().filter(|_| asker.device == Device::Stranger)?;
        let waiting = self.wide.get(&wide).copied().unwrap_or(0);
        (waiting >= OF_WIDE).then_some(OF_WIDE)
    }

    fn pop(&mut self) -> Option<J> {
        let known = self.known.number > 0 && (self.strangers.number == 0 || self.in_a_row < KNOWN_FIRST);
        let waiting = if known {
            self.in_a_row = KNOWN_FIRST.min(self.in_a_row + 1);
            self.known.pop()
        } else {
            self.in_a_row = 0;
            self.strangers.pop()
        }?;
        self.left(&waiting);
        Some(waiting.job)
    }

    /// A job waits no longer.
    fn left(&mut self, waiting: &Waiting<J>) {
        let Some(wide) = waiting.wide else { return };
        if let Some(number) = self.wide.get_mut(&wide) {
            *number -= 1;
            if *number == 0 {
                self.wide.remove(&wide);
            }
        }
    }
}

impl<J> Class<J> {
    fn new() -> Class<J> {
        Class {
            of: HashMap::default(),
            turns: VecDeque::new(),
            number: 0,
        }
    }

    fn push(&mut self, network: Option<Network>, waiting: Waiting<J>) {
        let own = self.of.entry(network).or_default();
        if own.is_empty() {
            self.turns.push_back(network);
        }
        own.push_back(waiting);
        self.number += 1;
    }

    /// How many jobs have their turn before another one of a network: its own, and of each other network one more.
    fn ahead(&self, network: Option<Network>) -> usize {
        let own = self.of.get(&network).map_or(0, VecDeque::len);
        let others = self.of.iter().filter(|(other, _)| **other != network);
        own + others.map(|(_, jobs)| jobs.len().min(own + 1)).sum::<usize>()
    }

    /// The next job of the network whose turn it is.
    fn pop(&mut self) -> Option<Waiting<J>> {
        let network = self.turns.pop_front()?;
        let own = self.of.get_mut(&network)?;
        let waiting = own.pop_front();
        if own.is_empty() {
            self.of.remove(&network);
        } else {
            self.turns.push_back(network);
        }
        self.number -= usize::from(waiting.is_some());
        waiting
    }

    fn remove(&mut self, network: Option<Network>, number: u64) -> Option<Waiting<J>> {
        let own = self.of.get_mut(&network)?;
        let at = own.iter().position(|waiting| waiting.number == number)?;
        let waiting = own.remove(at);
        if own.is_empty() {
            self.of.remove(&network);
            self.turns.retain(|turn| *turn != network);
        }
        self.number -= usize::from(waiting.is_some());
        waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(bounds_networks: bool) -> Arc<Queue<&'static str>> {
        Arc::new(Queue::new(100, bounds_networks))
    }

    fn asker(device: Device, address: &str) -> Asker {
        Asker::of(device, Some(address.parse().expect("an address")))
    }

    fn strange(address: &str) -> Asker {
        asker(Device::Stranger, address)
    }

    fn known(address: &str) -> Asker {
        asker(Device::Known, address)
    }

    /// The jobs in the order of their turns.
    fn all(queue: &Queue<&'static str>) -> Vec<&'static str> {
        let mut jobs = Vec::new();
        while let Next::Job(job) = queue.take(Some(Duration::ZERO)) {
            queue.done();
            jobs.push(job);
        }
        jobs
    }

    #[test]
    fn networks_take_turns_and_known_devices_go_first_three_to_one() {
        let queue = queue(true);
        let enter = |asker, job| queue.enter(asker, job, |_| true).expect("a place");
        let _places = [
            enter(strange("192.0.2.1"), "flood 1"),
            enter(strange("192.0.2.1"), "flood 2"),
            enter(strange("192.0.2.1"), "flood 3"),
            enter(strange("192.0.2.2"), "new"),
            enter(known("198.51.100.1"), "office 1"),
            enter(known("198.51.100.1"), "office 2"),
            enter(known("198.51.100.1"), "office 3"),
            enter(known("198.51.100.2"), "home"),
        ];
        let expected = [
            "office 1", "home", "office 2", "flood 1", "office 3", "new", "flood 2", "flood 3",
        ];
        assert_eq!(all(&queue), expected);
    }

    #[test]
    fn a_network_has_four_strangers_or_sixteen_known_devices_and_a_48_has_sixteen_strangers() {
        let queue = queue(true);
        let mut places = Vec::new();
        let mut enter = |asker| queue.enter(asker, "", |_| true).map(|place| places.push(place));
        for _ in 0..4 {
            assert!(enter(strange("192.0.2.1")).is_ok());
        }
        let refused = Err(Refused::Network { most: 4, ahead: 4 });
        assert_eq!(enter(strange("192.0.2.1")), refused);
        assert!(enter(strange("192.0.2.2")).is_ok());
        for _ in 0..16 {
            assert!(enter(known("192.0.2.1")).is_ok());
        }
        assert!(matches!(
            enter(known("192.0.2.1")),
            Err(Refused::Network { most: 16, .. })
        ));
        for n in 0..16 {
            assert!(enter(strange(&format!("2001:db8:7:{n:x}::1"))).is_ok());
        }
        let more = enter(strange("2001:db8:7:ffff::1"));
        assert!(matches!(more, Err(Refused::Network { most: 16, .. })), "{more:?}");
        assert!(enter(strange("2001:db8:8::1")).is_ok());
        for _ in 0..20 {
            assert!(enter(Asker::server()).is_ok());
        }
        places.clear();
        let state = queue.state();
        assert!(state.is_empty() && state.wide.is_empty() && state.strangers.turns.is_empty());
    }

    #[test]
    fn strangers_that_wait_hold_up_known_devices_by_a_few_hashes() {
        let queue = queue(false);
        let mut places: Vec<_> = (0..40)
            .map(|_| queue.enter(strange("192.0.2.1"), "", |_| true).expect("a place"))
            .collect();
        let ahead = || [known("192.0.2.1"), strange("192.0.2.1")].map(|asker| queue.ahead(&asker));
        assert_eq!(ahead(), [1, 40]);
        places.extend((0..6).map(|_| queue.enter(known("192.0.2.1"), "", |_| true).expect("a place")));
        assert_eq!(ahead(), [9, 46]);
        let refused = queue.enter(strange("192.0.2.1"), "", |ahead| ahead < 46);
        assert_eq!(refused.map(drop), Err(Refused::Full(46)));
    }

    #[test]
    fn a_network_with_nobody_waiting_waits_for_one_of_each_other_network() {
        let queue = queue(true);
        let enter = |asker, job| queue.enter(asker, job, |_| true).expect("a place");
        let flood = |n: usize| strange(&format!("198.51.100.{}", n % 20));
        let _flood: Vec<_> = (0..80).map(|n| enter(flood(n), "flood")).collect();
        assert_eq!(queue.ahead(&strange("192.0.2.1")), 20);
        let _place = enter(strange("192.0.2.1"), "new");
        assert_eq!(
            queue.ahead(&strange("192.0.2.1")),
            41,
            "a second one after the first one"
        );
        assert_eq!(all(&queue)[20], "new");
    }
}
