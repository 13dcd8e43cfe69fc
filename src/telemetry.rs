//! Writes log lines to stderr, one for each event, for people or for machines. Masks what looks like a credential. Does
//! not know what is logged, nor metrics.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use tracing::Subscriber;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{LogFormat, Settings};

/// Sends the process's log lines to stderr. Fails if the process already has a subscriber.
pub fn init(settings: &Settings) -> Result<(), TryInitError> {
    let colours =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    subscriber(
        settings.log_format,
        settings.log_level.clone(),
        colours,
        io::stderr,
    )
    .try_init()
}

/// What `init` installs, on any writer.
fn subscriber<W>(
    format: LogFormat,
    levels: Targets,
    colours: bool,
    to: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(Masking(to));
    match format {
        LogFormat::Pretty => Box::new(registry().with(levels).with(lines.with_ansi(colours))),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_span_list(false);
            Box::new(registry().with(levels).with(lines))
        }
    }
}

/// A second line of defence. The types of secrets prevent that we print them, but errors from libraries may quote URLs
/// and headers.
struct Masking<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Masking<W> {
    type Writer = MaskingWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        MaskingWriter(self.0.make_writer())
    }
}

struct MaskingWriter<W>(W);

impl<W: Write> Write for MaskingWriter<W> {
    /// `line` is a whole line: the formatter writes each line in one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        // A line break in a value would let a client forge log lines.
        let text = text.trim_end_matches('\n').replace('\n', "\\n");
        self.0
            .write_all(format!("{}\n", mask_credentials(&text)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

const MASK: &str = "***";

/// Masks signed tokens, the text after `Bearer`, and user and password in URLs.
fn mask_credentials(line: &str) -> Cow<'_, str> {
    if !["eyJ", "earer ", "://"].iter().any(|mark| line.contains(mark)) {
        return Cow::Borrowed(line);
    }
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (keep, skip) = credential(rest).unwrap_or((first.len_utf8(), 0));
        kept.push_str(&rest[..keep]);
        if skip > 0 {
            kept.push_str(MASK);
        }
        rest = &rest[keep + skip..];
    }
    Cow::Owned(kept)
}

/// If a credential begins here: how many bytes of its introduction are kept, and how many after them are masked.
fn credential(text: &str) -> Option<(usize, usize)> {
    let run = |text: &str, ends: &str| {
        text.find(|letter: char| letter.is_whitespace() || letter.is_control() || ends.contains(letter))
            .unwrap_or(text.len())
    };
    if text.starts_with("eyJ") {
        let length = run(text, "\"'\\,;:()[]{}<>&?");
        return (text[..length].contains('.')).then_some((0, length));
    }
    if let Some(token) = text
        .strip_prefix("Bearer ")
        .or_else(|| text.strip_prefix("bearer "))
    {
        return Some(("Bearer ".len(), run(token, "\"'\\,;()[]{}<>"))).filter(|(_, length)| *length > 0);
    }
    let place = text.strip_prefix("://")?;
    let user_and_password = place[..run(place, "\"<>")].rfind('@')?;
    Some(("://".len(), user_and_password)).filter(|(_, length)| *length > 0)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::filter::{LevelFilter, Targets};

    use super::{mask_credentials, subscriber};
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

    fn logged(format: LogFormat, levels: Targets, act: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(subscriber(format, levels, false, move || writer.clone()), act);
        let bytes = lines.0.lock().expect("no panic while writing").clone();
        String::from_utf8(bytes).expect("text")
    }

    fn info() -> Targets {
        Targets::new().with_default(LevelFilter::INFO)
    }

    #[test]
    fn json_lines_are_objects_with_their_fields_and_span() {
        let text = logged(LogFormat::Json, info(), || {
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
        let text = logged(LogFormat::Pretty, info(), || {
            tracing::warn!(task.id = "t1", "slow\nsecond");
        });
        assert!(text.contains("WARN") && text.contains("task.id"), "{text}");
        assert!(!text.contains('\u{1b}') && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn levels_and_their_exceptions_apply() {
        let text = logged(
            LogFormat::Pretty,
            info().with_target("loud", LevelFilter::DEBUG),
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
            let text = logged(format, info(), || {
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
    fn text_without_a_credential_is_unchanged() {
        for line in [
            "listening on http://127.0.0.1:8080",
            "ada@example.com at https://a/b",
            "Bearer ",
            "eyJ",
            "grüße ://",
        ] {
            assert_eq!(mask_credentials(line), line);
        }
    }
}
