//! The place of a task among the others: a text that is compared byte by byte. There is always a text between two
//! others, so a move changes only one task. Read it as a fraction in base 36: digits after the point, never ending in
//! 0.
//!
//! The end of the order is the place of a task that is created now. So a task that is moved to the end stays before
//! every task that is created later.

use uuid::Uuid;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The place after every task with an older id. It needs no read of other tasks, because the time in a UUIDv7 grows.
pub fn at_end(id: Uuid) -> String {
    // twelve bytes hold the milliseconds and the counter; the counter orders ids of one millisecond
    let mut text = id.simple().to_string();
    text.truncate(24);
    text.push('1');
    text
}

/// A place after the last task: normally the end, as for a task that is created now with this id. But the last task may
/// already be after that, because an instance whose clock is ahead created it, or an older version moved it. Then the
/// result is the next place after the last task.
pub fn behind(last: &str, id: Uuid) -> String {
    let end = at_end(id);
    if *end > *last { end } else { next(last) }
}

/// A place between `before` (`None`: the beginning) and `after`. If `after` is not greater than `before`, it is
/// ignored.
pub fn between(before: Option<&str>, after: &str) -> String {
    let (before, after) = (values(before.unwrap_or_default()), values(after));
    text(&middle(&before, (before < after).then_some(&after)))
}

/// A greater place close to this one. It counts up the last digit, so that the text rarely grows.
fn next(place: &str) -> String {
    let mut digits = values(place);
    match digits.last_mut().filter(|digit| **digit < DIGITS.len() - 1) {
        Some(digit) => *digit += 1,
        None => digits.push(1),
    }
    text(&digits)
}

fn text(digits: &[usize]) -> String {
    digits.iter().map(|digit| char::from(DIGITS[*digit])).collect()
}

fn values(text: &str) -> Vec<usize> {
    text.bytes()
        .map(|byte| DIGITS.iter().position(|digit| *digit == byte).unwrap_or_default())
        .collect()
}

/// The shortest fraction between `low` and `high`, about in the middle. `None` for `high` means 1.
fn middle(low: &[usize], high: Option<&[usize]>) -> Vec<usize> {
    let mut made = Vec::new();
    let (mut low, mut high) = (low, high);
    loop {
        let first = low.first().copied().unwrap_or(0);
        let limit = high.map_or(DIGITS.len(), |high| high.first().copied().unwrap_or(DIGITS.len()));
        let rest = low.get(1..).unwrap_or_default();
        if first == limit {
            made.push(first);
            high = high
                .and_then(|high| high.get(1..))
                .filter(|high| !high.is_empty());
        } else if limit - first > 1 {
            made.push(usize::midpoint(first, limit));
            return made;
        } else if high.is_some_and(|high| high.len() > 1) {
            made.push(limit);
            return made;
        } else {
            made.push(first);
            high = None;
        }
        low = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The id of the task that is created as number `n`.
    fn id(n: usize) -> Uuid {
        Uuid::from_u128((1 << 125) + ((n as u128) << 32))
    }

    #[test]
    fn a_later_id_comes_after_even_within_a_millisecond() {
        let counter = uuid::ContextV7::new();
        let id = || Uuid::new_v7(uuid::Timestamp::from_unix(&counter, 1_800_000_000, 0));
        let places: Vec<String> = (0..1000).map(|_| at_end(id())).collect();
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
    }

    #[test]
    fn there_is_always_a_place_between_two_others() {
        let (first, mut last) = (at_end(id(1)), at_end(id(2)));
        for _ in 0..200 {
            let between = between(Some(&first), &last);
            assert!(first < between && between < last, "{first} {between} {last}");
            last = between;
        }
        assert!(between(None, &first) < first);
    }

    #[test]
    fn the_place_after_a_task_from_a_fast_clock_is_near_it() {
        let ahead = at_end(id(5));
        let behind_it = behind(&ahead, id(1));
        assert!(ahead < behind_it && behind_it < at_end(id(6)), "{behind_it}");
        let mut last = "i".to_owned();
        for n in 0..200 {
            let place = behind(&last, id(n));
            assert!(place > last, "{place} {last}");
            last = place;
        }
        assert_eq!(last.len(), 7, "one more digit every 35 times");
    }

    proptest! {
        #[test]
        fn places_stay_in_order_however_tasks_are_made_and_moved(
            steps in prop::collection::vec(any::<Option<[prop::sample::Index; 2]>>(), 1..200),
        ) {
            let mut places: Vec<String> = Vec::new();
            for (n, step) in steps.into_iter().enumerate() {
                match step.filter(|_| places.len() > 1) {
                    None => places.push(at_end(id(n))),
                    Some([from, to]) => {
                        places.remove(from.index(places.len()));
                        let to = to.index(places.len() + 1);
                        let before = to.checked_sub(1).map(|i| &*places[i]);
                        let place = match (before, places.get(to)) {
                            (before, Some(after)) => between(before, after),
                            (before, None) => behind(before.unwrap_or_default(), id(n)),
                        };
                        places.insert(to, place);
                    }
                }
            }
            prop_assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
            prop_assert!(places.iter().all(|place| !place.ends_with('0')));
        }
    }
}
