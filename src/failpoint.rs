//! Named places on a mutation's way where a test lets the process die as by `kill -9`, or stand still. They exist only
//! in builds with the feature `failpoints`; in any other build `reach` is nothing, and the variable that arms them
//! refuses the start like every unknown setting. Does not know why somebody wants a node to die.
//!
//! `TASKWIRE_FAILPOINTS` holds orders, separated by commas: `commit.after=kill:7` dies at the seventh passing,
//! `publish.before=pause:500:1` stands still for 500 ms at the first, `clock=3600000` steps the clock by an hour,
//! `retention=200` cuts every log to its newest 200 entries. `@FILE` reads orders, one a line, from what is appended
//! to a file while the node runs.

/// Every place, in the order in which a group of mutations passes them.
pub const PLACES: [&str; 11] = [
    "row.before",
    "row.after",
    "log.before",
    "log.after",
    "commit.before",
    "commit.after",
    "publish.before",
    "publish.after",
    "answer.before",
    "answer.between",
    "answer.after",
];

/// The variable with the orders.
pub const VARIABLE: &str = "TASKWIRE_FAILPOINTS";

#[cfg(not(feature = "failpoints"))]
mod off {
    use crate::config::Settings;
    use crate::engine::Engine;
    use std::sync::Arc;

    /// Passes a place: nothing in this build.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "nothing must be left of it")]
    pub fn reach(_place: &'static str) {}

    /// Takes orders: there is nobody in this build who could.
    #[allow(clippy::unnecessary_wraps, reason = "the other build can fail")]
    pub fn obey(_engine: &Engine, _settings: &Arc<Settings>) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(not(feature = "failpoints"))]
pub use off::{obey, reach};

#[cfg(feature = "failpoints")]
mod on {
    use super::{PLACES, VARIABLE};
    use crate::config::Settings;
    use crate::engine::Engine;
    use crate::jobs;
    use std::io::{self, ErrorKind};
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    /// How soon an order from a file is heard.
    const LISTEN: Duration = Duration::from_millis(20);

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Act {
        Kill,
        Pause(Duration),
    }

    #[derive(Debug, PartialEq, Eq)]
    pub(super) enum Order {
        At {
            place: &'static str,
            act: Act,
            passings: u64,
        },
        Clock(i64),
        Retention(u64),
    }

    static ARMED: Mutex<Vec<(&'static str, Act, u64)>> = Mutex::new(Vec::new());

    /// Passes a place: dies or waits there when that was ordered.
    pub fn reach(place: &'static str) {
        let act = {
            let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(at) = armed.iter().position(|(name, ..)| *name == place) else {
                return;
            };
            armed[at].2 = armed[at].2.saturating_sub(1);
            if armed[at].2 > 0 {
                return;
            }
            armed.swap_remove(at).1
        };
        match act {
            Act::Kill => die(),
            Act::Pause(wait) => tokio::task::block_in_place(|| std::thread::sleep(wait)),
        }
    }

    fn die() {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // the signal takes hold before anything else runs on this thread, or shortly after
        std::thread::park();
    }

    /// Takes the orders of the environment, and goes on listening where they say so.
    pub fn obey(engine: &Engine, settings: &Arc<Settings>) -> io::Result<()> {
        let Ok(text) = std::env::var(VARIABLE) else {
            return Ok(());
        };
        tracing::warn!("this build has fail points, and they are in use: it is for tests only");
        if let Some(path) = text.strip_prefix('@') {
            tokio::spawn(listen(path.into(), engine.clone(), settings.clone()));
            return Ok(());
        }
        for order in text.split(',').filter(|order| !order.is_empty()) {
            let order = read(order).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
            carry_out(order, engine, settings);
        }
        Ok(())
    }

    async fn listen(path: PathBuf, engine: Engine, settings: Arc<Settings>) {
        let mut done = 0;
        loop {
            tokio::time::sleep(LISTEN).await;
            let text = tokio::fs::read_to_string(&path).await.unwrap_or_default();
            // a line counts once it is whole
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            for line in text.get(done..whole).unwrap_or_default().lines() {
                match read(line) {
                    Ok(order) => carry_out(order, &engine, &settings),
                    Err(error) => tracing::error!(error, "an order that nobody understands"),
                }
            }
            done = whole;
        }
    }

    fn carry_out(order: Order, engine: &Engine, settings: &Arc<Settings>) {
        tracing::warn!(?order, "ordered");
        match order {
            Order::At { place, act, passings } => {
                let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
                armed.push((place, act, passings));
            }
            Order::Clock(by_ms) => engine.clock().step(by_ms),
            Order::Retention(events) => {
                let mut settings = Settings::clone(settings);
                settings.log_retention = Some(Duration::ZERO);
                settings.log_retention_events = events;
                let engine = engine.clone();
                tokio::spawn(async move {
                    if let Err(failure) = jobs::round(&engine, &settings).await {
                        tracing::warn!(error = %failure, "the ordered retention stopped early");
                    }
                });
            }
        }
    }

    pub(super) fn read(order: &str) -> Result<Order, String> {
        let wrong = |what: &str| format!("{VARIABLE}: {order:?}: {what}");
        let (name, act) = order.split_once('=').ok_or_else(|| wrong("takes NAME=WHAT"))?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong("takes a whole number"));
        match name {
            "clock" => Ok(Order::Clock(
                act.parse().map_err(|_| wrong("takes milliseconds"))?,
            )),
            "retention" => Ok(Order::Retention(number(act)?)),
            _ => {
                let place = PLACES.iter().find(|place| **place == name);
                let place = place.ok_or_else(|| wrong("is no place"))?;
                let (act, passings) = match act.split(':').collect::<Vec<_>>()[..] {
                    ["kill", passings] => (Act::Kill, number(passings)?),
                    ["pause", ms, passings] => {
                        (Act::Pause(Duration::from_millis(number(ms)?)), number(passings)?)
                    }
                    _ => return Err(wrong("takes kill:N or pause:MS:N")),
                };
                Ok(Order::At { place, act, passings })
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::{Act, Order, reach, read};
        use std::time::Duration;

        #[test]
        fn orders_are_read() {
            let kill = Order::At {
                place: "commit.after",
                act: Act::Kill,
                passings: 7,
            };
            assert_eq!(read("commit.after=kill:7"), Ok(kill));
            let pause = Order::At {
                place: "publish.before",
                act: Act::Pause(Duration::from_millis(500)),
                passings: 1,
            };
            assert_eq!(read("publish.before=pause:500:1"), Ok(pause));
            assert_eq!(read("clock=-3600000"), Ok(Order::Clock(-3_600_000)));
            assert_eq!(read("retention=200"), Ok(Order::Retention(200)));
            for wrong in [
                "",
                "commit.after",
                "commit=kill:1",
                "commit.after=kill",
                "clock=soon",
            ] {
                assert!(read(wrong).is_err(), "{wrong}");
            }
        }

        #[test]
        fn a_place_that_nobody_armed_is_passed() {
            reach("row.before");
        }
    }
}

#[cfg(feature = "failpoints")]
pub use on::{obey, reach};
