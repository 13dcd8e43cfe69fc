//! The current time: the one place in `tw` that reads the clock.

use jiff::Zoned;

/// The time in the person's time zone.
pub(crate) fn now() -> Zoned {
    Zoned::now()
}

/// The time in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    now().timestamp().as_millisecond()
}
