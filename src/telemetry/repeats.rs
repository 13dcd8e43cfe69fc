//! Repeated warnings: the first is written, and the further ones of a minute become one line with their number. So a
//! fault that lasts can be seen in the log, and does not fill the disk. A new cause of the same warning is written too:
//! another text in its field `error`. Callers write warnings as ever; this layer sees all of them, those of libraries
//! too. It limits some other lines too, which a client or a network could make without end. Does not know what the
//! lines say.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
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
/// Causes of one warning that are told apart. A new one is written within the window; beyond this number causes count
/// as repetitions.
const CAUSES: usize = 8;
/// Longest kept text of a warning, in characters.
const TEXT: usize = 200;
/// The most bytes of a message or a cause that are compared.
const COMPARED: usize = 1024;

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
    /// The level, and how many lines may be written.
    kind: (Level, u32),
    text: String,
    /// At most [`CAUSES`].
    causes: Vec<Cause>,
}

/// A cause that was written.
struct Cause {
    hash: u64,
    /// Whether it came within this window.
    recent: bool,
}

/// How often a warning came that was not written.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    level: Level,
    text: String,
    times: u64,
    /// How long they were counted.
    within: Duration,
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
        let summaries = self.0.counts().take_all(Instant::now());
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
        kind: (Level, u32),
        Said { message, cause }: &Said,
        now: Instant,
    ) -> Option<u64> {
        let mut key = self.hasher.hash_one((place, message.as_str()));
        let mut shown = message.as_str();
        if self.lines.len() >= DIFFERENT && !self.lines.contains_key(&key) {
            self.lines
                .retain(|_, line| line.held_back > 0 || now < line.began + WINDOW);
            if self.lines.len() >= DIFFERENT {
                (key, shown) = (0, "other warnings");
            }
        }
        let cause = self.hasher.hash_one(cause.as_str());
        let fresh = || Line {
            began: now,
            written: 0,
            held_back: 0,
            kind,
            text: shown.chars().take(TEXT).collect(),
            causes: Vec::new(),
        };
        let line = self.lines.entry(key).or_insert_with(fresh);
        if line.held_back == 0 && now >= line.began + WINDOW {
            *line = fresh();
        }
        let is_news = line.notes(cause);
        if line.written < kind.1 || is_news {
            line.written = line.written.saturating_add(1);
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

    /// The numbers whose window is over.
    fn take(&mut self, now: Instant) -> Vec<Summary> {
        let over = |line: &&mut Line| line.held_back > 0 && now >= line.began + WINDOW;
        self.lines
            .values_mut()
            .filter(over)
            .map(|line| line.sum_up(now))
            .collect()
    }

    /// All numbers, although their window is not over.
    fn take_all(&mut self, now: Instant) -> Vec<Summary> {
        let counted = self.lines.values_mut().filter(|line| line.held_back > 0);
        counted.map(|line| line.sum_up(now)).collect()
    }
}

impl Line {
    /// Remembers that a cause came. Whether it is new and there is room for it.
    fn notes(&mut self, cause: u64) -> bool {
        if let Some(known) = self.causes.iter_mut().find(|known| known.hash == cause) {
            known.recent = true;
            return false;
        }
        let has_room = self.causes.len() < CAUSES;
        if has_room {
            self.causes.push(Cause {
                hash: cause,
                recent: true,
            });
        }
        has_room
    }

    /// Ends the window, and begins the next one. If only one line may be written within a window, the line that tells
    /// the number is that line. The causes of the old window are no news in the next one.
    fn sum_up(&mut self, now: Instant) -> Summary {
        let (level, most) = self.kind;
        let summary = Summary {
            level,
            text: self.text.clone(),
            times: std::mem::take(&mut self.held_back),
            within: now.saturating_duration_since(self.began),
        };
        self.began = now;
        self.written = u32::from(most == 1);
        self.causes.retain(|cause| cause.recent);
        self.causes.iter_mut().for_each(|cause| cause.recent = false);
        summary
    }
}

impl Summary {
    fn write(self) {
        let within_s = self.seconds();
        let Summary {
            level, text, times, ..
        } = self;
        let text = format!("{text} ({times} times more, not written)");
        match level {
            Level::ERROR => tracing::error!(target: SUMMARIES, repeats = times, within_s, "{text}"),
            Level::WARN => tracing::warn!(target: SUMMARIES, repeats = times, within_s, "{text}"),
            _ => tracing::info!(target: SUMMARIES, repeats = times, within_s, "{text}"),
        }
    }

    /// The time that it covers, rounded to seconds; less than one counts as one.
    fn seconds(&self) -> u64 {
        (self.within.as_secs_f64().round() as u64).max(1)
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
        let mut said = Said::default();
        event.record(&mut said);
        let (place, kind) = (metadata.callsite(), (*metadata.level(), most));
        let held_back = self.0.counts().hold_back(place, kind, &said, Instant::now());
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

/// What an event says, as far as it is compared.
#[derive(Default)]
struct Said {
    message: String,
    /// Its field `error` or `error.message`; empty without one.
    cause: String,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = beginning(value),
            "error" | "error.message" => self.cause = beginning(value),
            _ => {}
        }
    }
}

/// The first [`COMPARED`] bytes of a value's text. The rest is not even made: a library's error may quote a lot.
fn beginning(value: &dyn fmt::Debug) -> String {
    let mut beginning = Beginning(String::new());
    // an error means only that the text is longer
    let _ = write!(beginning, "{value:?}");
    beginning.0
}

struct Beginning(String);

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = COMPARED - self.0.len();
        let fits = text.floor_char_boundary(room);
        self.0.push_str(&text[..fits]);
        if fits < text.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WARNING: (Level, u32) = (Level::WARN, WARNINGS);
    const ERROR: (Level, u32) = (Level::ERROR, ERRORS);

    fn said(message: &str, cause: &str) -> Said {
        Said {
            message: message.to_owned(),
            cause: cause.to_owned(),
        }
    }

    /// What is written of `times` lines that come every `every`, and the summaries: how many times each tells of.
    fn flood(kind: (Level, u32), times: u64, every: Duration) -> (u64, Vec<u64>) {
        let (mut counts, start) = (Counts::default(), Instant::now());
        let (mut written, mut told) = (0, Vec::new());
        for n in 0..times {
            let now = start + every * u32::try_from(n).expect("few");
            told.extend(counts.take(now).into_iter().map(|summary| summary.times));
            let said = said("no room", "");
            written += u64::from(counts.hold_back("here", kind, &said, now).is_none());
        }
        told.extend(
            counts
                .take_all(Instant::now() + WINDOW * 1000)
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
        assert_eq!((written, told.len()), (u64::from(ERRORS) * 3, 3));
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
            assert_eq!(counts.hold_back(place, WARNING, &said(text, ""), now), None);
            assert_eq!(counts.hold_back(place, WARNING, &said(text, ""), now), Some(1));
        }
        let written = (0..5000)
            .filter(|n| {
                let said = said(&n.to_string(), "");
                counts.hold_back("c", WARNING, &said, now).is_none()
            })
            .count();
        assert!(
            written <= DIFFERENT && counts.lines.len() <= DIFFERENT + 1,
            "{written}"
        );
    }

    #[test]
    fn after_a_burst_a_slow_sequence_is_written_line_by_line_again() {
        for kind in [ERROR, (Level::WARN, 10), (Level::INFO, 60)] {
            let (mut counts, start) = (Counts::default(), Instant::now());
            let written =
                |counts: &mut Counts, now| counts.hold_back("here", kind, &said("no", ""), now).is_none();
            let burst = (0..200).filter(|_| written(&mut counts, start)).count();
            assert_eq!(burst, kind.1 as usize);
            let end = start + WINDOW;
            assert_eq!(counts.take(end).len(), 1);
            for n in 0..200 {
                let now = end + WINDOW / kind.1 * n;
                assert_eq!(counts.take(now).len(), 0);
                assert!(written(&mut counts, now), "{kind:?}: line {n} was held back");
            }
        }
    }

    #[test]
    fn a_new_cause_of_a_warning_is_written_and_the_number_of_causes_is_bounded() {
        let (mut counts, start) = (Counts::default(), Instant::now());
        let written = |counts: &mut Counts, cause: &str, now| {
            let said = said("the database failed", cause);
            counts.hold_back("here", WARNING, &said, now).is_none()
        };
        for cause in ["connection refused", "disk full"] {
            assert!(written(&mut counts, cause, start), "{cause}");
            assert!(!written(&mut counts, cause, start), "{cause}");
        }
        let more = (0..5000).filter(|n| written(&mut counts, &n.to_string(), start));
        assert_eq!(more.count(), CAUSES - 2);
        assert!(counts.lines.values().all(|line| line.causes.len() <= CAUSES));
        let next = start + WINDOW;
        assert_eq!(counts.take(next).len(), 1);
        assert!(
            !written(&mut counts, "disk full", next),
            "it lasts, and is no news"
        );
        let last = next + WINDOW;
        assert_eq!(counts.take(last).len(), 1);
        assert!(!written(&mut counts, "disk full", last));
        assert!(written(&mut counts, "connection refused", last), "it was away");
    }

    #[test]
    fn long_texts_are_compared_by_their_beginning() {
        let long = "\u{e4}".repeat(COMPARED);
        let compared = beginning(&format_args!("x{long}"));
        assert!(
            compared.len() == COMPARED - 1 && compared.starts_with("x\u{e4}"),
            "{compared}"
        );
        assert_eq!(beginning(&format_args!("short")), "short");
    }

    #[test]
    fn a_number_that_is_told_early_names_the_time_that_it_covers() {
        let (mut counts, start) = (Counts::default(), Instant::now());
        for _ in 0..3 {
            counts.hold_back("here", WARNING, &said("no", ""), start);
        }
        let early = counts.take_all(start + Duration::from_millis(3600));
        assert_eq!((early[0].times, early[0].seconds()), (2, 4));
        counts.hold_back("here", WARNING, &said("no", ""), start + Duration::from_secs(4));
        let at_once = counts.take_all(start + Duration::from_millis(3601));
        assert_eq!(at_once[0].seconds(), 1, "never 0");
        counts.hold_back("here", WARNING, &said("no", ""), start + Duration::from_secs(4));
        let whole = counts.take(start + Duration::from_millis(63_650));
        assert_eq!(whole[0].seconds(), 60);
    }
}
