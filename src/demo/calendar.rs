//! When the people of the demo work: Monday to Friday, in the day's hours of UTC. Times are Unix milliseconds.

use chrono::{DateTime, Datelike, Weekday};
use rand::RngExt as _;
use rand::rngs::StdRng;

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;
/// The hours between which people work.
const BEGIN: i64 = 8;
const END: i64 = 18;

/// The midnight before a moment.
pub(super) fn midnight(at: i64) -> i64 {
    at - at.rem_euclid(DAY_MS)
}

/// Whether nobody works on the day of this moment.
pub(super) fn is_weekend(at: i64) -> bool {
    let day = DateTime::from_timestamp_millis(at).map(|at| at.weekday());
    matches!(day, Some(Weekday::Sat | Weekday::Sun))
}

/// A moment of work on the day of `at`.
pub(super) fn during(at: i64, random: &mut StdRng) -> i64 {
    midnight(at) + random.random_range(BEGIN * HOUR_MS..END * HOUR_MS)
}

/// The moment itself if people work then, or else one in the first hours of the next day of work.
pub(super) fn next_at_work(at: i64, random: &mut StdRng) -> i64 {
    let hour = at.rem_euclid(DAY_MS) / HOUR_MS;
    if !is_weekend(at) && (BEGIN..END).contains(&hour) {
        return at;
    }
    let mut day = if hour < BEGIN && !is_weekend(at) {
        midnight(at)
    } else {
        midnight(at) + DAY_MS
    };
    while is_weekend(day) {
        day += DAY_MS;
    }
    day + BEGIN * HOUR_MS + random.random_range(0..3 * HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    /// Friday 2026-01-02, 00:00 UTC.
    const FRIDAY: i64 = 1_767_312_000_000;

    #[test]
    fn what_falls_into_the_weekend_happens_on_monday() {
        let random = &mut StdRng::seed_from_u64(1);
        assert_eq!(next_at_work(FRIDAY + 9 * HOUR_MS, random), FRIDAY + 9 * HOUR_MS);
        let early = next_at_work(FRIDAY + 2 * HOUR_MS, random);
        assert_eq!(midnight(early), FRIDAY);
        for late in [FRIDAY + 19 * HOUR_MS, FRIDAY + DAY_MS, FRIDAY + 2 * DAY_MS] {
            assert_eq!(midnight(next_at_work(late, random)), FRIDAY + 3 * DAY_MS);
        }
    }
}
