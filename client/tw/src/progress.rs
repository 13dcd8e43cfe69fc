//! How far a large file is: a bar on a line of standard error that a person watches.

use crate::{table, terminal};
use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::{Duration, Instant},
};

/// Smaller files are there before anybody could read the line.
const LARGE: u64 = 1_000_000;
/// The time between two updates of the line.
const UPDATES: Duration = Duration::from_millis(200);
/// Characters of the bar.
const BAR: u64 = 24;

/// A line about one file; it is removed with this.
pub(crate) struct Progress {
    name: String,
    size: Option<u64>,
    shows: bool,
    /// When the line was written last.
    shown: Option<Instant>,
}

impl Progress {
    /// No line.
    pub(crate) fn none() -> Progress {
        Progress {
            name: String::new(),
            size: None,
            shows: false,
            shown: None,
        }
    }

    /// A line about a file of this size, if it is large and standard error is a terminal.
    pub(crate) fn of(name: &str, size: Option<u64>) -> Progress {
        let mut progress = Progress::of_work(name, size);
        progress.shows &= size.is_none_or(|size| size > LARGE);
        progress
    }

    /// A line about a file with which the server has work to do, however small it is.
    pub(crate) fn of_work(name: &str, size: Option<u64>) -> Progress {
        Progress {
            name: terminal::plain(name),
            size,
            shows: stderr().is_terminal(),
            shown: None,
        }
    }

    /// Whether a person sees the line.
    pub(crate) fn is_shown(&self) -> bool {
        self.shows
    }

    /// So many bytes were sent or have arrived.
    pub(crate) fn at(&mut self, bytes: u64) {
        let is_new = self.shown.is_none_or(|shown| shown.elapsed() >= UPDATES);
        if self.shows && (is_new || Some(bytes) == self.size) {
            self.write(&far(bytes, self.size));
        }
    }

    /// All bytes are there, and something else goes on.
    pub(crate) fn goes_on(&mut self, what: &str) {
        if self.shows {
            self.write(what);
        }
    }

    /// The name gives way where the line would not fit.
    fn write(&mut self, text: &str) {
        let room = terminal::columns().saturating_sub(text.chars().count() + 3);
        let name = table::beginning(&self.name, room);
        let cut = if name.len() < self.name.len() { "…" } else { "" };
        let _ = write!(stderr().lock(), "\r\x1b[K{name}{cut}  {text}");
        self.shown = Some(Instant::now());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(stderr().lock(), "\r\x1b[K");
        }
    }
}

/// `[██████░░░░░░░░░░░░░░░░░░]  25 %  1.2 MB of 5.0 MB`; without a size only the bytes.
fn far(bytes: u64, size: Option<u64>) -> String {
    let Some(size) = size.filter(|size| *size > 0) else {
        return size_of(bytes);
    };
    let share = |of: u64| u64::try_from(u128::from(bytes.min(size)) * u128::from(of) / u128::from(size));
    let (percent, full) = (share(100).unwrap_or(100), share(BAR).unwrap_or(BAR));
    let bar = |length: u64, with: &str| with.repeat(usize::try_from(length).unwrap_or_default());
    format!(
        "[{}{}] {percent:>3} %  {} of {}",
        bar(full, "█"),
        bar(BAR - full, "░"),
        size_of(bytes),
        size_of(size)
    )
}

/// A number of bytes as people write it.
pub(crate) fn size_of(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut number, mut unit) = (bytes as f64 / 1000.0, 0);
    while number >= 999.95 && unit + 1 < units.len() {
        number /= 1000.0;
        unit += 1;
    }
    format!("{number:.1} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_999, "1.0 MB"),
            (25_000_000, "25.0 MB"),
        ] {
            assert_eq!(size_of(bytes), text);
        }
    }

    #[test]
    fn a_bar_is_as_full_as_the_file_is_far() {
        for (bytes, full, percent) in [(0, 0, "  0 %"), (1_250_000, 6, " 25 %"), (5_000_000, 24, "100 %")] {
            let shown = far(bytes, Some(5_000_000));
            assert_eq!(shown.matches('█').count(), full, "{shown}");
            assert!(
                shown.contains(&format!("] {percent}  ")) && shown.ends_with(" of 5.0 MB"),
                "{shown}"
            );
        }
        assert_eq!(far(u64::MAX, Some(u64::MAX)).matches('░').count(), 0);
        assert_eq!(far(9, Some(5)).matches('█').count(), 24, "a file that grew");
        assert_eq!(far(1_250_000, None), "1.2 MB");
    }
}
