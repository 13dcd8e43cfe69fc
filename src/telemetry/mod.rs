//! Writes log lines to stderr, one for each event, for people or for machines. Does not know what is logged, nor
//! metrics.
//!
//! - `levels`   decides which lines are written
//! - `mask`     masks what looks like a credential
//! - `repeats`  counts a warning that repeats, instead of writing it again

mod levels;
mod mask;
mod repeats;

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Registry, registry};

use crate::config::{LogFormat, Settings};
use mask::Masking;
use repeats::Repeats;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum NoLog {
    /// The process already has a subscriber.
    #[error(transparent)]
    Taken(#[from] TryInitError),
    /// The thread that writes the number of repeated warnings cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}

/// The process's log. When it is dropped, the warnings that were counted and not written are told.
pub struct Log {
    levels: reload::Handle<Targets, Registry>,
    repeats: Repeats,
}

impl Log {
    /// Writes the warnings that were counted and not written, so that lines which follow are the last ones.
    pub fn report_repeats(&self) {
        self.repeats.report_all();
    }

    /// Changes which lines pass.
    pub fn set_levels(&self, wanted: &Targets) {
        // fails only when the log has gone, and then nothing is written anyway
        let _ = self.levels.reload(levels::limited(wanted));
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.report_repeats();
    }
}

/// Sends the process's log lines to stderr. Fails if the process already has a subscriber.
pub fn init(settings: &Settings) -> Result<Log, NoLog> {
    let colours =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (subscriber, log) = subscriber(settings.log_format, &settings.log_level, colours, io::stderr);
    subscriber.try_init()?;
    log.repeats.report()?;
    Ok(log)
}

/// What `init` installs, on any writer.
fn subscriber<W>(
    format: LogFormat,
    wanted: &Targets,
    colours: bool,
    to: W,
) -> (Box<dyn Subscriber + Send + Sync>, Log)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, levels) = reload::Layer::new(levels::limited(wanted));
    let repeats = Repeats::default();
    let lines = tracing_subscriber::fmt::layer().with_writer(Masking(to));
    let kept = registry().with(filter).with(repeats.clone());
    let subscriber: Box<dyn Subscriber + Send + Sync> = match format {
        LogFormat::Pretty => Box::new(kept.with(lines.with_ansi(colours))),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            Box::new(kept.with(lines))
        }
    };
    (subscriber, Log { levels, repeats })
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::filter::{LevelFilter, Targets};

    use super::subscriber;
    use crate::config::LogFormat;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .expect("no panic while writing")
                .extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, levels: &Targets, act: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let (subscriber, log) = subscriber(format, levels, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            act();
            drop(log);
        });
        let bytes = lines.0.lock().expect("no panic while writing").clone();
        String::from_utf8(bytes).expect("text")
    }

    fn info() -> Targets {
        Targets::new().with_default(LevelFilter::INFO)
    }

    #[test]
    fn json_lines_are_objects_with_their_fields_and_span() {
        let text = logged(LogFormat::Json, &info(), || {
            let _span = tracing::info_span!("request", request.id = "r1").entered();
            tracing::info!(task.id = "t1", "created");
        });
        let line: serde_json::Value = serde_json::from_str(&text).expect("one object");
        assert_eq!(line["message"], "created");
        assert_eq!(line["task.id"], "t1");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["span"]["request.id"], "r1");
    }

    #[test]
    fn pretty_is_one_plain_line() {
        let text = logged(LogFormat::Pretty, &info(), || {
            tracing::warn!(task.id = "t1", "slow\nsecond");
        });
        assert!(text.contains("WARN") && text.contains("task.id"), "{text}");
        assert!(!text.contains('\u{1b}') && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn levels_and_their_exceptions_apply() {
        let text = logged(
            LogFormat::Pretty,
            &info().with_target("loud", LevelFilter::DEBUG),
            || {
                tracing::debug!("quiet");
                tracing::debug!(target: "loud::part", "heard");
            },
        );
        assert!(text.contains("heard") && !text.contains("quiet"), "{text}");
    }

    #[test]
    fn no_credential_reaches_a_line() {
        for format in [LogFormat::Pretty, LogFormat::Json] {
            let text = logged(format, &info(), || {
                tracing::error!(
                    error = "cannot reach postgres://ada:s3cret@db/tasks",
                    header = "Bearer tw_s3cret",
                    "token eyJs3cret.eyJs3cret.s3cret refused"
                );
            });
            assert!(text.contains("postgres://***@db/tasks"), "{text}");
            assert!(!text.contains("s3cret"), "{text}");
        }
    }

    #[test]
    fn a_warning_that_repeats_is_written_once_and_its_number_at_the_end() {
        let text = logged(LogFormat::Pretty, &info(), || {
            for n in 0..57 {
                tracing::warn!(error.message = "no file is free", n, "cannot accept a connection");
                tracing::info!("served");
            }
        });
        let lines = |part: &str| text.lines().filter(|line| line.contains(part)).count();
        assert_eq!(
            (lines("cannot accept a connection"), lines("served")),
            (2, 57),
            "{text}"
        );
        assert!(text.contains("(56 times more, not written)"), "{text}");
    }

    #[test]
    fn each_outage_is_told_and_a_flood_of_refused_sign_ins_is_counted() {
        let text = logged(LogFormat::Pretty, &info(), || {
            for _ in 0..3 {
                tracing::warn!(target: "taskwire::outage", "Redis is away");
            }
            for _ in 0..100 {
                tracing::info!(target: "taskwire::sign_in", "a sign-in was refused");
            }
        });
        let lines = |part: &str| text.lines().filter(|line| line.contains(part)).count();
        assert_eq!(
            (lines("Redis is away"), lines("a sign-in was refused")),
            (3, 61),
            "{text}"
        );
        assert!(
            text.contains("INFO") && text.contains("(40 times more, not written)"),
            "{text}"
        );
    }

    #[test]
    fn a_new_cause_is_written_although_the_message_repeats() {
        let text = logged(LogFormat::Pretty, &info(), || {
            for cause in ["no server", "no server", "no space", "no server", "no space"] {
                tracing::warn!(error = %cause, "the database failed");
                tracing::warn!(error.message = cause, "a job failed");
            }
        });
        let lines = |part: &str| text.lines().filter(|line| line.contains(part)).count();
        assert_eq!((lines("no server"), lines("no space")), (2, 2), "{text}");
        assert_eq!(lines("(3 times more, not written)"), 2, "{text}");
    }

    #[test]
    fn what_was_counted_can_be_told_before_the_last_line() {
        let lines = Lines::default();
        let writer = lines.clone();
        let (subscriber, log) = subscriber(LogFormat::Json, &info(), false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..5 {
                tracing::warn!("slow");
            }
            log.report_repeats();
            tracing::info!("drained");
            drop(log);
        });
        let bytes = lines.0.lock().expect("no panic while writing").clone();
        let text = String::from_utf8(bytes).expect("text");
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("an object"))
            .collect();
        assert_eq!(lines.len(), 3, "{text}");
        let (repeats, within_s) = (lines[1]["repeats"].as_u64(), lines[1]["within_s"].as_u64());
        assert_eq!((repeats, within_s), (Some(4), Some(1)), "{text}");
        assert_eq!(lines[2]["message"], "drained", "{text}");
    }

    #[test]
    fn levels_are_changed_while_it_runs() {
        let lines = Lines::default();
        let writer = lines.clone();
        let (subscriber, log) = subscriber(LogFormat::Pretty, &info(), false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!("before");
            log.set_levels(&Targets::new().with_default(LevelFilter::DEBUG));
            tracing::debug!("after");
        });
        let bytes = lines.0.lock().expect("no panic while writing").clone();
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.contains("after") && !text.contains("before"), "{text}");
    }
}
