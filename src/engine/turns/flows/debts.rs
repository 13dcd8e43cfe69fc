//! Owners for whom a writer worked for long. While they owe that, they have no seat: others go first.

use super::super::super::item::{Bill, Whose};
use super::{Flows, Line, Turn, Waiting, worth};
use std::cmp::Reverse;
use std::time::{Duration, Instant};

/// How much longer than its work took a debt lasts, for a lone debtor: so that what takes a quarter of a second delays one of
/// a hundred mutations of others at most. Beside others it lasts longer, since all of them delay the same mutations.
const TIMES: u32 = 4;
/// The same for wasted work: for what takes 40 ms the debt is the longest.
const TIMES_WASTED: u32 = 25;
/// With so many other debtors a debt does not grow any more.
const BESIDE: u32 = 16;
/// The longest debt: several costly mutations of a user are still done in time, one after the other.
const LARGEST: Duration = Duration::from_secs(1);
/// For wasted work it is so many times as long beside other debtors. Other work must not wait longer because of them.
const LARGEST_BESIDE: u32 = 3;
/// The most debtors.
const DEBTORS: usize = 4096;

impl<T> Flows<T> {
    /// Makes an owner a debtor, for longer than the work took. If debtors are too many, the one is let go whose debt ends
    /// first.
    pub(in super::super) fn owe(&mut self, bill: Bill, now: Instant) {
        let line = self.lines.get(&bill.whose);
        let is_new = line.is_none_or(|line| line.owes.is_none());
        if is_new
            && self.debtors.len() >= DEBTORS
            && let Some(Reverse((_, first))) = self.debtors.pop()
        {
            self.forgive(first);
        }
        let others = self.debtors.len() - usize::from(!is_new);
        let others = u32::try_from(others).unwrap_or(BESIDE).min(BESIDE);
        let (mut times, mut largest) = (TIMES * (1 + others), LARGEST);
        if bill.is_wasted {
            times = times.max(TIMES_WASTED);
            largest *= (1 + others).min(LARGEST_BESIDE);
        }
        let debt = bill.work.min(largest) * times;
        let line = self.lines.entry(bill.whose);
        let line = line.or_insert_with(|| Line::new(Waiting::new(), 0, worth(bill.whose)));
        let owed = line.owes.unwrap_or(now).max(now);
        // a debt does not become smaller
        let until = (owed + debt).min(owed.max(now + largest));
        line.owes = Some(until);
        if is_new {
            line.seat = 0;
            self.held += line.waiting.len();
            self.debtors.push(Reverse((until, bill.whose)));
        }
    }

    /// Seats those whose debts have ended.
    pub(in super::super) fn release(&mut self, now: Instant) {
        while let Some(Reverse((until, whose))) = self.debtors.peek().copied()
            && until <= now
        {
            self.debtors.pop();
            let line = self.lines.get(&whose);
            match line.and_then(|line| line.owes).filter(|later| *later > now) {
                Some(later) => self.debtors.push(Reverse((later, whose))),
                None => self.forgive(whose),
            }
        }
    }

    /// Ends a debt. Those who wait already have their turns first.
    fn forgive(&mut self, whose: Whose) {
        let Some(line) = self.lines.get_mut(&whose) else {
            return;
        };
        line.owes = None;
        self.held -= line.waiting.len();
        if line.waiting.is_empty() {
            self.retire(whose);
        } else {
            self.seat(whose, self.round + 1, worth(whose));
        }
    }

    /// Gives a turn to one debtor, for one item: the next may cost as much.
    pub(in super::super) fn offer_debtor(&mut self, mut turn: impl FnMut(&mut Waiting<T>, usize) -> Turn) {
        let mut offered = Vec::new();
        while let Some(Reverse((until, whose))) = self.debtors.pop() {
            offered.push(Reverse((until, whose)));
            let line = self.lines.get_mut(&whose);
            let Some(line) = line.filter(|line| !line.waiting.is_empty()) else {
                continue;
            };
            let before = line.waiting.len();
            let turn = turn(&mut line.waiting, 1);
            let given = before - line.waiting.len();
            (self.len, self.held) = (self.len - given, self.held - given);
            if !matches!(turn, Turn::Passed) {
                break;
            }
        }
        self.debtors.extend(offered);
    }
}
