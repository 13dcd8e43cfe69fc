//! Where a task stands among the others: a text between two others, compared byte by byte, so that a move changes one
//! task only. Read it as a fraction in base 36: digits after the point, never ending in 0.

use uuid::Uuid;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Behind everything made before: the time in a UUIDv7 grows. No other task has to be read for it.
pub fn at_end(id: Uuid) -> String {
    // ten bytes hold the milliseconds and the counter
    let mut text = id.simple().to_string();
    text.truncate(20);
    text.push('1');
    text
}

/// A place between two others; `None` is the beginning or the end. When there is no room (the two stand at the same
/// place, where ties go by id), the place right behind the first.
pub fn between(before: Option<&str>, after: Option<&str>) -> String {
    let (before, after) = (values(before.unwrap_or_default()), after.map(values));
    let after = after.filter(|after| before < *after);
    middle(&before, after.as_deref())
        .into_iter()
        .map(|digit| char::from(DIGITS[digit]))
        .collect()
}

fn values(text: &str) -> Vec<usize> {
    text.bytes()
        .map(|byte| DIGITS.iter().position(|digit| *digit == byte).unwrap_or_default())
        .collect()
}

/// The shortest fraction between two, about in the middle; no upper one means 1.
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

    #[test]
    fn a_later_id_stands_behind() {
        assert!(at_end(Uuid::from_u128(1 << 90)) < at_end(Uuid::from_u128(2 << 90)));
    }

    #[test]
    fn there_is_always_room_between_two() {
        let (first, mut last) = (at_end(Uuid::from_u128(1 << 90)), at_end(Uuid::from_u128(2 << 90)));
        for _ in 0..200 {
            let between = between(Some(&first), Some(&last));
            assert!(first < between && between < last, "{first} {between} {last}");
            last = between;
        }
        assert!(between(None, Some(&first)) < first);
        assert!(between(Some(&first), None) > first);
    }

    proptest! {
        #[test]
        fn places_stay_in_order_however_tasks_are_moved(moves in prop::collection::vec(any::<prop::sample::Index>(), 1..200)) {
            let mut places: Vec<String> = Vec::new();
            for at in moves {
                let at = at.index(places.len() + 1);
                let before = at.checked_sub(1).map(|i| places[i].clone());
                let place = between(before.as_deref(), places.get(at).map(String::as_str));
                places.insert(at, place);
            }
            prop_assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
            prop_assert!(places.iter().all(|place| !place.ends_with('0')));
        }
    }
}
