//! The place of a task among the others: a text that is compared byte by byte. There is always a text between two
//! others, so a move changes only one task. Read it as a fraction in base 36: digits after the point, never ending in
//! 0.
//!
//! The end of the order is the place of a task that is created now. So a task that is moved to the end stays before
//! every task that is created later.
//!
//! Each move into the same gap makes places longer, a digit for every five of them. So a place that would be longer than
//! [`LONG`] is not taken: the tasks around it get new places too, spread over the room that there is ([`spread`]).

use uuid::Uuid;

/// The most characters of a place that is taken without a look at the ones around it.
pub const LONG: usize = 40;
/// The most characters of places that come with a file.
pub const TAKEN: usize = 48;
/// Places that were spread should have at most so many: then there is room for some moves between them.
pub const ROOMY: usize = 32;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The most characters of a place that somebody else made.
const LONGEST: usize = 200;

/// Whether a text is a place.
pub fn is_place(text: &str) -> bool {
    let is_digit = |byte: u8| DIGITS.contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_digit) && !text.ends_with('0')
}

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

/// A place between two neighbours (`None`: there is none on that side). At the end of the order it is that of a task that is
/// created now with this id, as far as [`behind`] allows.
pub fn beside(before: Option<&str>, after: Option<&str>, id: Uuid) -> String {
    match after {
        Some(after) => between(before, after),
        None => behind(before.unwrap_or_default(), id),
    }
}

/// A place between `before` (`None`: the beginning) and `after`. If `after` is not greater than `before`, it is
/// ignored.
pub fn between(before: Option<&str>, after: &str) -> String {
    let (before, after) = (values(before.unwrap_or_default()), values(after));
    text(&middle(&before, (before < after).then_some(&after)))
}

/// How many tasks on each side of a new place may get new ones: first the smallest number is tried.
const WINDOWS: [usize; 4] = [8, 64, 512, ALL];
/// More tasks on each side than any move needs to change.
pub const ALL: usize = 16_384;

/// New places for a task that comes before the one at `at`, and for tasks around it: for as few as give all of them short
/// places. `order` has at least `room` places and one more on each side, or all that there are; the new places are for
/// `room` tasks on each side at most. `end` is the end of the order. Returns the first task that gets a new place, and all
/// places from there on, the new task's among them.
pub fn rebalanced(order: &[&str], at: usize, room: usize, end: &str) -> (usize, Vec<String>) {
    let (mut made, mut from) = (Vec::new(), at);
    for window in WINDOWS.into_iter().filter(|window| *window <= room) {
        let to = at.saturating_add(window).min(order.len());
        from = at.saturating_sub(window);
        let below = from.checked_sub(1).map(|below| order[below]);
        made = spread(below, order.get(to).unwrap_or(&end), to - from + 1);
        if made.iter().all(|place| place.len() <= ROOMY) {
            break;
        }
    }
    (from, made)
}

/// So many places, in order, about where those from `first` to `last` are: for places that are too long to be taken over.
pub fn shortened(first: &str, last: &str, number: usize) -> Vec<String> {
    let cut = |place: &str| {
        let short: String = place.chars().take(KEPT).collect();
        short.trim_end_matches('0').to_owned()
    };
    spread(Some(&cut(first)), &next(&cut(last)), number)
}

/// How many characters of a place tell about where it is.
const KEPT: usize = 24;

/// So many places between two others (`None`: the beginning), in order. They are spread evenly, and as short as leaves
/// each of them room on both sides. If `after` is not greater than `before`, it is ignored.
fn spread(before: Option<&str>, after: &str, number: usize) -> Vec<String> {
    let (low, high) = (values(before.unwrap_or_default()), values(after));
    let parts = number as u128 + 1;
    let room = room(&low, (low < high).then_some(&*high), parts * BASE);
    let places = (1..parts).map(|n| {
        let mut digits = room.begin.to_vec();
        digits.extend(digits_of(
            room.from + (room.to - room.from) * n / parts,
            room.length,
        ));
        let end = digits.iter().rposition(|digit| *digit != 0);
        text(&digits[..end.map_or(0, |last| last + 1)])
    });
    places.collect()
}

const BASE: u128 = DIGITS.len() as u128;

/// Places that begin with the same digits, and continue with a number of so many digits between `from` and `to`.
struct Room<'a> {
    begin: &'a [usize],
    length: usize,
    from: u128,
    to: u128,
}

/// The room between two places (`None`: 1) for more than `wanted` others, with as few digits as possible.
fn room<'a>(low: &'a [usize], high: Option<&'a [usize]>, wanted: u128) -> Room<'a> {
    let mut begin = high.map_or(&low[..0], |high| &high[..shared(low, high)]);
    let mut high = high;
    loop {
        for length in 1..=WIDEST {
            let from = number_of(low, begin.len(), length);
            let to = high.map_or(BASE.pow(length as u32), |high| {
                number_of(high, begin.len(), length)
            });
            if to - from > wanted {
                return Room {
                    begin,
                    length,
                    from,
                    to,
                };
            }
        }
        // the two differ by one in a digit, and the lower one continues with the last digits there are: what begins like it
        // and is greater is below the other one
        begin = &low[..=begin.len()];
        high = None;
    }
}

/// How many digits after those that two places share may tell them apart: what a number holds, with room to multiply.
const WIDEST: usize = 16;

/// How many digits two places have in common at their beginning. What is missing at an end is 0.
fn shared(low: &[usize], high: &[usize]) -> usize {
    let low = low.iter().chain(std::iter::repeat(&0));
    high.iter().zip(low).take_while(|(high, low)| high == low).count()
}

/// The digits after the first `skip` ones as a number.
fn number_of(digits: &[usize], skip: usize, length: usize) -> u128 {
    let digit = |at: usize| digits.get(at).copied().unwrap_or(0) as u128;
    (skip..skip + length).fold(0, |number, at| number * BASE + digit(at))
}

fn digits_of(mut number: u128, length: usize) -> Vec<usize> {
    let mut digits = vec![0; length];
    for digit in digits.iter_mut().rev() {
        *digit = (number % BASE) as usize;
        number /= BASE;
    }
    digits
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
    fn places_are_spread_with_as_few_digits_as_leave_room() {
        assert_eq!(spread(None, "i", 2), ["6", "c"]);
        let deep = "z".repeat(40);
        let places = spread(Some(&format!("a0{deep}")), "a1", 3);
        assert!(
            places
                .iter()
                .all(|place| place.len() <= 45 && place.starts_with("a0zz")),
            "{places:?}"
        );
        assert!(
            spread(Some(&deep), "1", 5).iter().all(|place| place.len() <= 43),
            "the end of all places"
        );
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

    /// Moves a task as the server does. Returns how many got new places.
    fn moved(order: &mut Vec<String>, from: usize, to: usize, end: &str) -> usize {
        order.remove(from);
        let below = to.checked_sub(1).map(|below| &*order[below]);
        let place = beside(below, order.get(to).map(String::as_str), id(9_999));
        if place.len() <= LONG {
            order.insert(to, place);
            return 1;
        }
        let places: Vec<&str> = order.iter().map(String::as_str).collect();
        let (first, made) = rebalanced(&places, to, 512, end);
        order.insert(to, String::new());
        let number = made.len();
        order[first..first + number].clone_from_slice(&made);
        number
    }

    #[test]
    fn places_stay_short_whoever_moves_tasks_into_the_same_gap() {
        let end = at_end(id(10_000));
        for number in [2, 3, 40, 700] {
            let mut order: Vec<String> = (0..number).map(|n| at_end(id(n))).collect();
            let mut written = 0;
            for step in 0..20_000 {
                // the last one before the first one, over and over; and two that leap over each other
                let (from, to) = if step % 2 == 0 {
                    (number - 1, number / 2)
                } else {
                    (0, number / 2)
                };
                written += moved(&mut order, from, to, &end);
            }
            assert!(order.is_sorted_by(|a, b| a < b));
            assert!(order.iter().all(|place| place.len() <= LONG), "{order:?}");
            assert!(
                written < 3 * 20_000,
                "{number}: {written} writes for 20,000 moves"
            );
        }
    }

    proptest! {
        #[test]
        fn places_are_spread_between_two_others(low in "[0-9a-z]{0,40}", high in "[0-9a-z]{0,40}", number in 1..1100_usize) {
            let [low, high] = [low, high].map(|text| text.trim_end_matches('0').to_owned());
            let places = spread(Some(&low), &high, number);
            prop_assert_eq!(places.len(), number);
            let all: Vec<&str> = std::iter::once(&*low).chain(places.iter().map(String::as_str)).collect();
            prop_assert!(all.is_sorted_by(|a, b| a < b), "{:?}", all);
            prop_assert!(low >= high || places.last().is_none_or(|last| **last < *high));
            prop_assert!(places.iter().all(|place| !place.ends_with('0')));
        }

        #[test]
        fn places_of_a_file_become_short_and_stay_where_they_are(
            first in "[0-9a-z]{1,200}", last in "[0-9a-z]{1,200}", number in 1..2000_usize,
        ) {
            let mut ends = [first, last].map(|text| format!("{}1", text.trim_end_matches('0')));
            ends.sort();
            let places = shortened(&ends[0], &ends[1], number);
            prop_assert_eq!(places.len(), number);
            prop_assert!(places.is_sorted_by(|a, b| a < b), "{:?}", places);
            prop_assert!(places.iter().all(|place| place.len() <= TAKEN && is_place(place)), "{:?}", places);
        }

        /// Each move is made again and again, as somebody does who wants long places.
        #[test]
        fn places_stay_short_and_in_order_however_tasks_are_made_and_moved(
            steps in prop::collection::vec((any::<Option<[prop::sample::Index; 2]>>(), 1..60_usize), 1..60),
        ) {
            let end = at_end(id(10_000));
            let mut places: Vec<String> = Vec::new();
            for (n, (step, times)) in steps.into_iter().enumerate() {
                match step.filter(|_| places.len() > 1) {
                    None => places.push(behind(places.last().map_or("", String::as_str), id(n))),
                    Some([from, to]) => for _ in 0..times {
                        let (from, to) = (from.index(places.len()), to.index(places.len()));
                        moved(&mut places, from, to, &end);
                    },
                }
                prop_assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
                prop_assert!(places.iter().all(|place| place.len() <= LONG && is_place(place)), "{places:?}");
            }
        }
    }
}
