//! Lines of waiting work, one for each owner, and whose turn it is. A turn is worth some mutations; who takes more has the
//! next turn so many rounds later (deficit round robin, Shreedhar and Varghese 1995). An owner who had nothing waiting has
//! the first turn, and then waits like the others until the round is over (RFC 8290), so who sends little waits little.
//!
//! What a turn made a writer do is known afterwards. An owner for whom that was much is a debtor for a while (`debts`): the
//! line has no seat among the others then. Does not know what waits.

mod debts;

use super::super::item::{GROUP, Whose};
use foldhash::{HashMap, HashMapExt};
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Instant;

/// What a user's turn is worth. With a small number many owners share a group.
pub(super) const TURN: usize = 4;
/// What a turn of the server is worth: reminders, purges and the steps of all jobs share its line.
const TURN_OF_SERVER: usize = GROUP / 4;
/// The most that a turn counts for.
const MOST: usize = 1024;
/// Lines that nobody uses are kept with their memory, up to this many.
const SPARE: usize = 64;
/// A longer line gives its memory back.
const LONG: usize = 128;
/// Of how many lines it is looked for something to give, when they have nothing. After that the others come first.
const LOOKED_AT: usize = 512;

/// Items in the order of their arrival, with their numbers.
pub(super) type Waiting<T> = VecDeque<(u64, T)>;

/// The lines.
pub(super) struct Flows<T> {
    lines: HashMap<Whose, Line<T>>,
    /// Whose turn is next. An owner without items keeps the seat until the turn comes.
    seats: BinaryHeap<Reverse<Seat>>,
    /// The debtors, and when their debts end. A debt may have grown since.
    debtors: BinaryHeap<Reverse<(Instant, Whose)>>,
    /// The round that goes on.
    round: u64,
    /// Who could not join what the others gave, and begins next time.
    leader: Option<Seat>,
    spare: Vec<Waiting<T>>,
    len: usize,
    /// How many items of these are debtors'.
    held: usize,
    drawn: u64,
}

struct Line<T> {
    waiting: Waiting<T>,
    /// What is left of the turn.
    credit: usize,
    /// The number of the seat. Another seat of the owner's was given up.
    seat: u64,
    /// Until when the owner is a debtor.
    owes: Option<Instant>,
}

/// A line's place in the order of turns.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Seat {
    round: u64,
    /// Owners who had nothing waiting come first.
    returns: bool,
    number: u64,
    whose: Whose,
}

/// What a line did when it was its turn.
pub(super) enum Turn {
    /// It gave items, which count for so many together.
    Gave(usize),
    /// It has nothing that can join what the others gave.
    Passed,
    /// Nothing more is wanted.
    Enough,
}

impl<T> Flows<T> {
    pub(super) fn new() -> Flows<T> {
        Flows {
            lines: HashMap::new(),
            seats: BinaryHeap::new(),
            debtors: BinaryHeap::new(),
            round: 0,
            leader: None,
            spare: Vec::new(),
            len: 0,
            held: 0,
            drawn: 0,
        }
    }

    /// How many items wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many of them are debtors'.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// How many owners there are, about.
    pub(super) fn owners(&self) -> usize {
        self.lines.len()
    }

    /// Adds an item at the end of its owner's line. Returns its number.
    pub(super) fn push(&mut self, whose: Whose, item: T) -> u64 {
        self.drawn += 1;
        let number = self.drawn;
        self.line(whose, true).push_back((number, item));
        number
    }

    /// Whether an owner has such an item waiting.
    pub(super) fn has(&self, whose: Whose, is_such: impl Fn(&T) -> bool) -> bool {
        let line = self.lines.get(&whose);
        line.is_some_and(|line| line.waiting.iter().any(|(_, item)| is_such(item)))
    }

    /// Adds an item that was taken out at the beginning of its owner's line. It cannot leave any more.
    pub(super) fn push_first(&mut self, whose: Whose, item: T) {
        self.line(whose, false).push_front((0, item));
    }

    /// The line to which an item is about to be added. `is_fresh`: an owner who had nothing waiting has the next turn.
    fn line(&mut self, whose: Whose, is_fresh: bool) -> &mut Waiting<T> {
        self.len += 1;
        let line = match self.lines.entry(whose) {
            Entry::Occupied(line) => line.into_mut(),
            Entry::Vacant(place) => {
                self.drawn += 1;
                let seat = self.drawn;
                self.seats.push(Reverse(Seat {
                    round: self.round,
                    returns: !is_fresh,
                    number: seat,
                    whose,
                }));
                let waiting = self.spare.pop().unwrap_or_default();
                place.insert(Line::new(waiting, seat, worth(whose)))
            }
        };
        self.held += usize::from(line.owes.is_some());
        &mut line.waiting
    }

    /// Removes an item that nobody waits for any more, unless it is among the first `kept` of its line.
    pub(super) fn leave(&mut self, whose: Whose, number: u64, kept: usize) -> Option<T> {
        let line = self.lines.get_mut(&whose)?;
        let at = line
            .waiting
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()?;
        let (_, left) = (at >= kept).then(|| line.waiting.remove(at))??;
        self.len -= 1;
        self.held -= usize::from(line.owes.is_some());
        Some(left)
    }

    /// Gives turns until `turn` has enough or nobody has anything to give. `turn` takes items out of a line, up to its
    /// credit. Returns whether it was offered all lines but the debtors'.
    pub(super) fn go_round(&mut self, mut turn: impl FnMut(&mut Waiting<T>, usize) -> Turn) -> bool {
        let mut first = self.leader.take();
        let leader = first.as_ref().map(|seat| seat.number);
        let (mut led, mut gave, mut passed) = (false, Vec::new(), Vec::new());
        while let Some(seat) = first.take().or_else(|| Some(self.seats.pop()?.0)) {
            let line = self.lines.get_mut(&seat.whose);
            let Some(line) = line.filter(|line| line.seat == seat.number) else {
                continue;
            };
            if line.waiting.is_empty() {
                self.retire(seat.whose);
                continue;
            }
            let before = line.waiting.len();
            let turn = turn(&mut line.waiting, line.credit);
            self.len -= before - line.waiting.len();
            match turn {
                Turn::Gave(cost) => {
                    led |= leader == Some(seat.number);
                    self.round = self.round.max(seat.round);
                    if cost < line.credit && !line.waiting.is_empty() {
                        line.credit -= cost;
                        gave.push(seat);
                    } else {
                        let more = cost.min(MOST).saturating_sub(line.credit);
                        self.seat_later(seat.whose, more);
                    }
                }
                Turn::Passed => passed.push(seat),
                Turn::Enough => {
                    self.seats.push(Reverse(seat));
                    break;
                }
            }
            if passed.len() >= LOOKED_AT {
                break;
            }
        }
        self.put_back(led, gave, passed)
    }

    /// Puts those back to their seats who have something left. Returns false if not all lines were offered.
    fn put_back(&mut self, led: bool, gave: Vec<Seat>, mut passed: Vec<Seat>) -> bool {
        let is_cut = passed.len() >= LOOKED_AT;
        // a leader who had nothing to give leads next time too; after one who had, the usual order comes first
        if !led && !passed.is_empty() {
            self.leader = Some(passed.remove(0));
        }
        self.seats.extend(gave.into_iter().map(Reverse));
        let next = self.seats.peek().map(|Reverse(next)| next.round + 1);
        let behind = next.filter(|_| is_cut);
        for mut seat in passed {
            seat.round = behind.unwrap_or(seat.round);
            self.seats.push(Reverse(seat));
        }
        !is_cut
    }

    /// After a turn, the owner has the next one in the next round, or after as many as it took more than its turn is worth.
    fn seat_later(&mut self, whose: Whose, more: usize) {
        let worth = worth(whose);
        let (rounds, rest) = (1 + more / worth, more % worth);
        self.seat(whose, self.round + rounds as u64, worth - rest);
    }

    fn seat(&mut self, whose: Whose, round: u64, credit: usize) {
        self.drawn += 1;
        let number = self.drawn;
        if let Some(line) = self.lines.get_mut(&whose) {
            (line.seat, line.credit) = (number, credit);
            let returns = true;
            self.seats.push(Reverse(Seat {
                round,
                returns,
                number,
                whose,
            }));
        }
    }

    /// Takes everything out, in no order.
    pub(super) fn clear(&mut self) -> Vec<T> {
        let lines = std::mem::replace(self, Flows::new()).lines;
        let items = lines.into_values().flat_map(|line| line.waiting);
        items.map(|(_, item)| item).collect()
    }

    /// Forgets an owner who has nothing waiting.
    fn retire(&mut self, whose: Whose) {
        let Some(line) = self.lines.remove(&whose) else {
            return;
        };
        if self.spare.len() < SPARE && line.waiting.capacity() <= LONG {
            self.spare.push(line.waiting);
        }
    }
}

impl<T> Line<T> {
    fn new(waiting: Waiting<T>, seat: u64, credit: usize) -> Line<T> {
        let owes = None;
        Line {
            waiting,
            credit,
            seat,
            owes,
        }
    }
}

/// What a turn of an owner is worth.
fn worth(whose: Whose) -> usize {
    match whose {
        Whose::User(_) | Whose::Steps(_) => TURN,
        Whose::Server => TURN_OF_SERVER,
    }
}
