//! How far a large file is, on a line of standard error that a person watches.

use crate::terminal::plain;
use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::{Duration, Instant},
};

/// Smaller files are there before anybody could read the line.
const LARGE: u64 = 1_000_000;
/// The time between two updates of the line.
const UPDATES: Duration = Duration::from_millis(200);

/// A line about one file; it is removed with this.
pub(crate) struct Progress {
    name: String,
    size: Option<u64>,
    /// When the line was written last; `None` when there is none to write.
    shown: Option<Instant>,
    has_begun: bool,
}

impl Progress {
    /// No line.
    pub(crate) fn none() -> Progress {
        Progress {
            name: String::new(),
            size: None,
            shown: None,
            has_begun: false,
        }
    }

    /// A line about a file of this size, if it is large and standard error is a terminal.
    pub(crate) fn of(name: &str, size: Option<u64>) -> Progress {
        let shows = size.is_none_or(|size| size > LARGE) && stderr().is_terminal();
        Progress {
            name: plain(name),
            size,
            shown: shows.then(Instant::now),
            has_begun: false,
        }
    }

    /// So many bytes were sent or have arrived.
    pub(crate) fn at(&mut self, bytes: u64) {
        let Some(shown) = self.shown.filter(|shown| shown.elapsed() >= UPDATES) else {
            return;
        };
        let of = self.size.map(|size| format!(" of {}", size_of(size)));
        let (name, of) = (&self.name, of.unwrap_or_default());
        let _ = write!(stderr().lock(), "\r\x1b[K{name}  {}{of}", size_of(bytes));
        self.shown = Some(shown + shown.elapsed());
        self.has_begun = true;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.has_begun {
            let _ = write!(stderr().lock(), "\r\x1b[K");
        }
    }
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
    use super::size_of;

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
}
