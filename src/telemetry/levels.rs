//! Which log lines pass: the levels of the settings, and a limit for libraries. Does not know what the lines say.

use tracing_subscriber::filter::{LevelFilter, Targets};

/// What our own crates are called, and what their names begin with.
const OURS: &str = "taskwire";

/// Libraries that write what they carry. The WebSocket library writes frames at `trace` and `debug`; the driver of
/// PostgreSQL warns of parameters in a URL, and of lines in `.pgpass`, with their values.
const TALKATIVE: [(&str, LevelFilter); 3] = [
    ("tungstenite", LevelFilter::INFO),
    ("tokio_tungstenite", LevelFilter::INFO),
    ("sqlx_postgres::options", LevelFilter::ERROR),
];

/// The most that any other library writes. At `trace` libraries write what travels: frames, headers, bodies.
const LIBRARIES: LevelFilter = LevelFilter::DEBUG;

/// The levels of `log_level`, with less from libraries: whatever the setting says, no frame, token or password is
/// written.
pub(super) fn limited(wanted: &Targets) -> Targets {
    let default = wanted.default_level().unwrap_or(LevelFilter::OFF);
    let mut limited = Targets::new().with_default(default.min(LIBRARIES));
    if default > LIBRARIES {
        limited = limited.with_target(OURS, default);
    }
    for (library, most) in TALKATIVE {
        limited = limited.with_target(library, default.min(most));
    }
    for (target, level) in wanted {
        let level = if target.starts_with(OURS) {
            level
        } else {
            level.min(most_of(target))
        };
        limited = limited.with_target(target, level);
    }
    limited
}

fn most_of(target: &str) -> LevelFilter {
    TALKATIVE
        .into_iter()
        .find(|(library, _)| target.starts_with(library) || library.starts_with(target))
        .map_or(LIBRARIES, |(_, most)| most)
}

#[cfg(test)]
mod tests {
    use tracing::Level;
    use tracing_subscriber::filter::Targets;

    use super::limited;

    fn levels(text: &str) -> Targets {
        limited(&text.parse().expect("levels"))
    }

    #[test]
    fn libraries_never_write_what_travels() {
        for text in [
            "trace",
            "trace,tungstenite=trace,tokio_tungstenite=trace,hyper=trace,sqlx_postgres=trace",
            "off,tungstenite::protocol=trace,hyper=trace,sqlx_postgres=trace",
            "warn,tungstenite::protocol::frame=debug,sqlx_postgres::options::parse=warn",
        ] {
            let levels = levels(text);
            for (target, level) in [
                ("tungstenite::protocol", Level::DEBUG),
                ("tungstenite::protocol::frame", Level::TRACE),
                ("tokio_tungstenite", Level::DEBUG),
                ("hyper::proto::h1", Level::TRACE),
                ("sqlx_postgres::connection", Level::TRACE),
                ("sqlx_postgres::options::parse", Level::WARN),
            ] {
                assert!(!levels.would_enable(target, &level), "{text}: {target} {level}");
            }
        }
    }

    #[test]
    fn our_own_levels_are_what_the_setting_says() {
        let all = levels("trace");
        assert!(all.would_enable("taskwire::engine", &Level::TRACE));
        assert!(all.would_enable("taskwire_protocol", &Level::TRACE));
        assert!(all.would_enable("hyper", &Level::DEBUG));
        let quiet = levels("warn,taskwire::engine=debug,hyper=debug");
        assert!(quiet.would_enable("taskwire::engine::lane", &Level::DEBUG));
        assert!(!quiet.would_enable("taskwire::http", &Level::INFO));
        assert!(quiet.would_enable("hyper::proto", &Level::DEBUG));
        assert!(!levels("off").would_enable("sqlx_postgres::options", &Level::ERROR));
    }
}
