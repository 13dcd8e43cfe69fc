//! Repeated warnings: the first is written, and the further ones of a minute become one line with their number. So a
//! fault that lasts can be seen in the log, and does not fill the disk. Callers write warnings as ever; this layer sees
//! all of them, those of libraries too. It limits some other lines too, which a client or a network could make without
//! end. Does not know what the lines say.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// For how long repetitions are counted before their number is written.
const WINDOW: Duration = Duration::from_mins(1);
/// Lines of one warning within the window.
const WARNINGS: u32 = 1;
/// Lines of one error within the window. A client's report names the `request_id` of an error, so a few of them are
/// written.
const ERRORS: u32 = 10;
/// Lines from these places are limited whatever their level is.
const PLACES: [(&str, u32); 2] = [
    // each is news, as long as the network does not come and go
    ("taskwire::outage", 10),
    // at `info`; people mistype, and programs guess passwords
    ("taskwire::sign_in", 60),
];
/// Different warnings that are told apart. Beyond them all share one count.
const DIFFERENT: usize = 1024;
/// Longest kept text of a warning, in characters.
const TEXT: usize = 200;

/// The layer. Clones share their counts.
#[derive(Clone, Default)]
pub(super) struct Repeats(Arc<Shared>);

#[derive(Default)]
struct Shared {
    counts: Mutex<Counts>,
    /// Something was held back.
    held_back: Condvar,
}

#[derive(Default)]
struct Counts {
    hasher: RandomState,
    lines: HashMap<u64, Line>,
}

/// A warning within its window.
struct Line {
    began: Instant,
    written: u32,
    held_back: u64,
    level: Level,
    text: String,
}

/// How often a warning came that was not written.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    level: Level,
    text: String,
    times: u64,
}

impl Repeats {
    /// Writes the numbers when their window is over, until the process ends.
    pub(super) fn report(&self) -> std::io::Result<()> {
        let shared = self.0.clone();
        let reporter = std::thread::Builder::new().name("repeated warnings".to_owned());
        reporter.spawn(move || shared.report()).map(drop)
    }

    /// Writes every number now: the process ends.
    pub(super) fn report_all(&self) {
        let summaries = self.0.counts().take(Instant::now() + WINDOW);
        summaries.into_iter().for_each(Summary::write);
    }
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self) -> ! {
        loop {
            let counts = self.counts();
            let waited = match counts.next_end() {
                None => self.held_back.wait(counts).map_err(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    let waited = self.held_back.wait_timeout(counts, left);
                    waited
                        .map(|(counts, _)| counts)
                        .map_err(|error| error.into_inner().0)
                }
            };
            let summaries = waited.unwrap_or_else(|counts| counts).take(Instant::now());
            // without the lock: these lines come back through this layer
            summaries.into_iter().for_each(Summary::write);
        }
    }
}

impl Counts {
    /// `None`: the line is to be written. Otherwise how many were held back, with this one.
    fn hold_back(
        &mut self,
        place: impl Hash,
        (level, most): (Level, u32),
        text: &str,
        now: Instant,
    ) -> Option<u64> {
        let mut key = self.hasher.hash_one((place, text));
        let mut shown = text;
        if self.lines.len() >= DIFFERENT && !self.lines.contains_key(&key) {
            self.lines
                .retain(|_, line| line.held_back > 0 || now < line.began + WINDOW);
            if self.lines.len() >= DIFFERENT {
                (key, shown) = (0, "other warnings");
            }
        }
        let fresh = || Line {
            began: now,
            written: 0,
            held_back: 0,
            level,
            text: shown.chars().take(TEXT).collect(),
        };
        let line = self.lines.entry(key).or_insert_with(fresh);
        if line.held_back == 0 && now >= line.began + WINDOW {
            *line = fresh();
        }
        if line.written < most {
            line.written += 1;
            return None;
        }
        line.held_back += 1;
        Some(line.held_back)
    }

    /// When the next number is to be written.
    fn next_end(&self) -> Option<Instant> {
        let held_back = self.lines.values().filter(|line| line.held_back > 0);
        held_back.map(|line| line.began + WINDOW).min()
    }

    /// The numbers whose window is over. The line that tells one is the first line of the next window.
    fn take(&mut self, now: Instant) -> Vec<Summary> {
        let over = |line: &&mut Line| line.held_back > 0 && now >= line.began + WINDOW;
        let summaries = self.lines.values_mut().filter(over).map(|line| {
            let times = std::mem::take(&mut line.held_back);
            line.began = now;
            line.written = u32::MAX;
            Summary {
                level: line.level,
                text: line.text.clone(),
                times,
            }
        });
        summaries.collect()
    }
}

impl Summary {
    fn write(self) {
        let Summary { level, text, times } = self;
        let within_s = WINDOW.as_secs();
        let text = format!("{text} ({times} times more, not written)");
        match level {
            Level::ERROR => tracing::error!(target: SUMMARIES, repeats = times, within_s, "{text}"),
            Level::WARN => tracing::warn!(target: SUMMARIES, repeats = times, within_s, "{text}"),
            _ => tracing::info!(target: SUMMARIES, repeats = times, within_s, "{text}"),
        }
    }
}

/// Where summaries come from; they are always written.
const SUMMARIES: &str = "taskwire::repeats";

impl<S: Subscriber> Layer<S> for Repeats {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        let Some(most) = most(metadata) else {
            return true;
        };
        let mut text = Text(String::new());
        event.record(&mut text);
        let (place, kind) = (metadata.callsite(), (*metadata.level(), most));
        let held_back = self.0.counts().hold_back(place, kind, &text.0, Instant::now());
        if held_back == Some(1) {
            self.0.held_back.notify_one();
        }
        held_back.is_none()
    }
}

/// How many such lines are written within the window; `None`: all.
fn most(metadata: &Metadata<'_>) -> Option<u32> {
    let (place, level) = (metadata.target(), *metadata.level());
    if place == SUMMARIES {
        return None;
    }
    let limited = PLACES.iter().find(|(limited, _)| *limited == place);
    match (limited, level) {
        (Some((_, most)), _) => Some(*most),
        (None, Level::ERROR) => Some(ERRORS),
        (None, Level::WARN) => Some(WARNINGS),
        _ => None,
    }
}

/// The message of an event.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: (Level, u32) = (Level::WARN, WARNINGS);
    const ERROR: (Level, u32) = (Level::ERROR, ERRORS);

    /// What is written of `times` lines that come every `every`, and the summaries: how many times each tells of.
    fn flood(kind: (Level, u32), times: u64, every: Duration) -> (u64, Vec<u64>) {
        let (mut counts, start) = (Counts::default(), Instant::now());
        let (mut written, mut told) = (0, Vec::new());
        for n in 0..times {
            let now = start + every * u32::try_from(n).expect("few");
            told.extend(counts.take(now).into_iter().map(|summary| summary.times));
            written += u64::from(counts.hold_back("here", kind, "no room", now).is_none());
        }
        told.extend(
            counts
                .take(Instant::now() + WINDOW * 1000)
                .into_iter()
                .map(|summary| summary.times),
        );
        (written, told)
    }

    #[test]
    fn a_flood_is_one_line_a_minute_and_every_line_is_counted() {
        let (written, told) = flood(WARNING, 3000, Duration::from_millis(50));
        assert_eq!((written, told.len()), (1, 3));
        assert_eq!(written + told.iter().sum::<u64>(), 3000);
        let (written, told) = flood(ERROR, 3000, Duration::from_millis(50));
        assert_eq!(written + told.iter().sum::<u64>(), 3000);
        assert_eq!((written, told.len()), (u64::from(ERRORS), 3));
    }

    #[test]
    fn what_comes_rarely_is_written_every_time() {
        assert_eq!(flood(WARNING, 5, WINDOW), (5, Vec::new()));
        assert_eq!(flood(ERROR, 9, Duration::from_secs(1)), (9, Vec::new()));
    }

    #[test]
    fn other_texts_and_other_places_are_told_apart_and_memory_is_bounded() {
        let (mut counts, now) = (Counts::default(), Instant::now());
        for (place, text) in [("a", "x"), ("a", "y"), ("b", "x")] {
            assert_eq!(counts.hold_back(place, WARNING, text, now), None);
            assert_eq!(counts.hold_back(place, WARNING, text, now), Some(1));
        }
        let written = (0..5000)
            .filter(|n| counts.hold_back("c", WARNING, &n.to_string(), now).is_none())
            .count();
        assert!(
            written <= DIFFERENT && counts.lines.len() <= DIFFERENT + 1,
            "{written}"
        );
    }
}
