//! Progress on stderr, for a person who waits. On a terminal it is one line that is rewritten; elsewhere it is a new
//! line every 10 seconds.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The time between two lines when stderr is not a terminal.
const NOW_AND_THEN: Duration = Duration::from_secs(10);

static LAST: Mutex<Option<Instant>> = Mutex::new(None);

/// A bar like `[####······]`.
fn bar(part: f64) -> String {
    let full = (part.clamp(0.0, 1.0) * 24.0).round() as usize;
    format!("[{}{}]", "#".repeat(full), "·".repeat(24 - full))
}

/// Shows the part of the work that is done.
pub(crate) fn show(part: f64, text: &str) {
    let mut err = stderr();
    let mut last = crate::lock::lock(&LAST);
    // Errors are ignored: when stderr is closed, nobody reads it.
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K{} {text}", bar(part));
        let _ = err.flush();
        return;
    }
    let due = last.is_none_or(|last| last.elapsed() >= NOW_AND_THEN);
    if due && last.is_some() {
        let _ = writeln!(err, "{:3.0}% {text}", part.clamp(0.0, 1.0) * 100.0);
    }
    if due {
        *last = Some(Instant::now());
    }
}

/// Prints what the program does now, on a separate line.
pub(crate) fn say(text: &str) {
    let mut err = stderr();
    if err.is_terminal() {
        let _ = write!(err, "\r\x1b[K");
    }
    let _ = writeln!(err, "{text}");
    *crate::lock::lock(&LAST) = Some(Instant::now());
}

/// Removes the line that is rewritten.
pub(crate) fn done() {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_bar_shows_the_part_that_is_done() {
        assert_eq!(super::bar(0.0).matches('#').count(), 0);
        assert_eq!(super::bar(0.5).matches('#').count(), 12);
        assert_eq!(super::bar(7.0).chars().count(), 26);
    }
}
