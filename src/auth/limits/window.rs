//! Sliding windows in memory: while there are so many in a window of a key, it takes no more. Does not know what is counted.

use std::collections::VecDeque;

use super::Allowance;
use super::bounded::Bounded;
use super::table::Rule;
use super::who::Key;

/// The most times that a key's window keeps, about. A larger number is counted in this many parts of the window, each with
/// the time of its last one: so it never lets one too many pass, and a key never takes more than 600 bytes.
const PARTS: u32 = 32;

/// The windows of one limit, by key.
#[derive(Debug)]
pub(super) struct Windows {
    rule: Rule,
    /// Times within the same grain are kept as one.
    grain_ms: i64,
    by_key: Bounded<Window>,
}

/// What a key used.
#[derive(Debug, Default)]
struct Window {
    parts: VecDeque<Part>,
    used: u32,
}

/// A few at nearly the same time.
#[derive(Debug)]
struct Part {
    /// When the last of them came.
    at_ms: i64,
    count: u32,
}

impl Windows {
    pub(super) fn new(rule: Rule) -> Windows {
        let grain_ms = if rule.number <= PARTS {
            1
        } else {
            (rule.window_ms / i64::from(PARTS)).max(1)
        };
        Windows {
            grain_ms,
            by_key: Bounded::new(rule.keys),
            rule,
        }
    }

    /// Counts one more of this key, if there is room; what is refused is not counted.
    pub(super) fn take(&self, key: Key, now_ms: i64) -> Allowance {
        let Rule {
            number, window_ms, ..
        } = self.rule;
        let mut window = self
            .by_key
            .of(key, now_ms, |window| window.is_over(now_ms, window_ms));
        window.forget(now_ms, window_ms);
        let allowed = window.used < number;
        let waits_for_ms = if allowed {
            window.add(1, now_ms, self.grain_ms);
            window.parts.front().map_or(now_ms, |part| part.at_ms)
        } else {
            window.makes_room_ms(number).unwrap_or(now_ms)
        };
        let left_ms = waits_for_ms.saturating_add(window_ms).saturating_sub(now_ms);
        Allowance::of(number, window.used, left_ms.max(0).unsigned_abs(), allowed)
    }

    /// Counts so many more of this key, whether or not there is room.
    pub(super) fn charge(&self, key: Key, many: u32, now_ms: i64) {
        let window_ms = self.rule.window_ms;
        let mut window = self
            .by_key
            .of(key, now_ms, |window| window.is_over(now_ms, window_ms));
        window.add(many, now_ms, self.grain_ms);
    }

    /// Takes back what was counted at this time.
    pub(super) fn give_back(&self, key: Key, at_ms: i64) {
        if let Some(mut window) = self.by_key.find(key) {
            window.give_back(at_ms, self.grain_ms);
        }
    }
}

impl Window {
    fn is_over(&self, now_ms: i64, window_ms: i64) -> bool {
        self.parts
            .back()
            .is_none_or(|part| part.at_ms.saturating_add(window_ms) <= now_ms)
    }

    fn forget(&mut self, now_ms: i64, window_ms: i64) {
        while let Some(part) = self.parts.front()
            && part.at_ms.saturating_add(window_ms) <= now_ms
        {
            self.used = self.used.saturating_sub(part.count);
            self.parts.pop_front();
        }
    }

    /// The time of the part after whose end there is room for one more.
    fn makes_room_ms(&self, number: u32) -> Option<i64> {
        let mut used = self.used;
        let mut parts = self.parts.iter();
        let found = parts.find(|part| {
            used = used.saturating_sub(part.count);
            used < number
        });
        found.map(|part| part.at_ms)
    }

    fn add(&mut self, many: u32, now_ms: i64, grain_ms: i64) {
        self.used = self.used.saturating_add(many);
        match self.parts.back_mut() {
            Some(part) if part.at_ms / grain_ms == now_ms / grain_ms => {
                part.at_ms = part.at_ms.max(now_ms);
                part.count = part.count.saturating_add(many);
            }
            _ => self.parts.push_back(Part {
                at_ms: now_ms,
                count: many,
            }),
        }
    }

    /// Of the part that it was counted in, if that is still there: never of what others used.
    fn give_back(&mut self, at_ms: i64, grain_ms: i64) {
        let of_then = |part: &Part| part.at_ms / grain_ms == at_ms / grain_ms;
        let Some(i) = self.parts.iter().position(of_then) else {
            return;
        };
        let Some(part) = self.parts.get_mut(i) else { return };
        part.count = part.count.saturating_sub(1);
        self.used = self.used.saturating_sub(1);
        if part.count == 0 {
            // an empty part would be the oldest, and tell the wrong time
            self.parts.remove(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(number: u32, keys: usize) -> Windows {
        Windows::new(Rule {
            number,
            window_ms: 60_000,
            keys,
        })
    }

    fn passes(windows: &Windows, key: u128, now_ms: i64) -> bool {
        // keys are hashes: far from the few that are shared
        windows.take(Key(key << 64), now_ms).retry_after_ms.is_none()
    }

    #[test]
    fn a_window_slides() {
        let windows = windows(2, 10);
        let at = |now_ms| windows.take(Key(1), now_ms);
        assert_eq!(
            at(5_000),
            Allowance {
                limit: 2,
                remaining: 1,
                reset_seconds: 60,
                retry_after_ms: None
            }
        );
        assert_eq!(
            at(35_000),
            Allowance {
                limit: 2,
                remaining: 0,
                reset_seconds: 30,
                retry_after_ms: None
            }
        );
        assert_eq!(at(36_000).retry_after_ms, Some(29_000));
        assert_eq!(at(64_999).retry_after_ms, Some(1));
        assert_eq!(at(65_000).retry_after_ms, None, "the first one left");
        assert_eq!(
            at(65_001).retry_after_ms,
            Some(29_999),
            "the second one is still there"
        );
        assert_eq!(at(95_000).retry_after_ms, None);
    }

    #[test]
    fn a_large_number_takes_little_memory_and_is_never_exceeded_in_any_window() {
        let windows = windows(1000, 10);
        let mut passed: Vec<i64> = Vec::new();
        for now_ms in (0..300_000).step_by(7) {
            if passes(&windows, 1, now_ms) {
                passed.push(now_ms);
            }
        }
        for (i, began) in passed.iter().enumerate() {
            let within = passed[i..].iter().take_while(|at| **at < began + 60_000);
            assert!(within.count() <= 1000);
        }
        assert!(
            passed.len() >= 4_500,
            "a window holds nearly all that it may: {}",
            passed.len()
        );
        let window = windows.by_key.find(Key(1 << 64)).unwrap();
        assert!(window.parts.len() <= PARTS as usize + 1, "{}", window.parts.len());
    }

    #[test]
    fn what_was_refused_elsewhere_is_given_back() {
        let windows = windows(1, 10);
        assert!(passes(&windows, 1, 5) && !passes(&windows, 1, 6));
        windows.give_back(Key(1 << 64), 5);
        assert!(passes(&windows, 1, 7) && !passes(&windows, 1, 8));
    }

    #[test]
    fn each_gives_back_its_own_part_and_none_of_what_others_use() {
        for (number, grain_ms) in [(10, 1), (1000, 1875)] {
            let windows = windows(number, 10);
            assert_eq!(windows.grain_ms, grain_ms);
            let key = Key(1 << 64);
            let (a, b) = (0, 10 * grain_ms);
            windows.take(key, a);
            windows.take(key, b);
            windows.give_back(key, a);
            windows.give_back(key, a);
            let left = windows.take(key, b);
            assert_eq!(left.remaining, number - 2, "one of b, and this one");
            assert_eq!(left.reset_seconds, 60, "nothing older is there");
            windows.give_back(key, b);
            windows.give_back(key, b);
            let window = windows.by_key.find(key).unwrap();
            assert!(window.parts.is_empty() && window.used == 0);
        }
    }

    #[test]
    fn what_is_charged_above_the_number_keeps_later_ones_out() {
        let windows = windows(10, 10);
        let key = Key(1 << 64);
        let take = |now_ms| windows.take(key, now_ms);
        assert_eq!(take(0).remaining, 9);
        windows.charge(key, 24, 1000);
        // when the first one leaves, 24 are still there
        assert_eq!(take(2000).retry_after_ms, Some(59_000));
        assert_eq!(take(60_500).retry_after_ms, Some(500));
        assert_eq!(take(61_000).remaining, 9);
    }

    #[test]
    fn when_all_windows_run_new_keys_share_places_and_none_is_evicted() {
        let windows = windows(2, 2);
        assert!(passes(&windows, 1, 0) && passes(&windows, 2, 0));
        assert!(passes(&windows, 3, 0) && passes(&windows, 4, 0));
        assert!(!passes(&windows, 5, 0), "3 and 4 used up the shared place");
        assert!(passes(&windows, 1, 0) && !passes(&windows, 1, 0));
        assert_eq!(windows.by_key.len(), 3);
        assert!(passes(&windows, 5, 60_000), "what is over is removed");
        assert_eq!(windows.by_key.len(), 1);
    }

    #[test]
    fn threads_share_a_limit_exactly() {
        let windows = windows(1000, 10);
        let passed: usize = std::thread::scope(|scope| {
            let threads =
                [(); 4].map(|()| scope.spawn(|| (0..500).filter(|_| passes(&windows, 1, 0)).count()));
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert_eq!(passed, 1000);
    }
}
