//! What time it is: the one place of `tw` that asks.

use chrono::{DateTime, Local};

/// Now, where the person is.
#[allow(clippy::disallowed_methods)] // a command asks once and prints; there is nothing to move in tests
pub(crate) fn now() -> DateTime<Local> {
    Local::now()
}

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    now().timestamp_millis()
}
