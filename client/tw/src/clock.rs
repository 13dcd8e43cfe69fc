//! The current time: the one place in `tw` that reads the clock.

use chrono::{DateTime, Local};

/// The time in the person's time zone.
#[allow(clippy::disallowed_methods)] // a command reads it once and prints; no test has to move it
pub(crate) fn now() -> DateTime<Local> {
    Local::now()
}

/// The time in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    now().timestamp_millis()
}
