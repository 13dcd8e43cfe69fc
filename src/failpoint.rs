//! Named places on the path of a mutation, where a test kills the process (as `kill -9` does) or pauses it. They exist
//! only in builds with the feature `failpoints`. In any other build `reach` compiles to nothing, and a node does not
//! start if the variable with the orders is set, because it is an unknown setting. Knows no other part of the node.
//!
//! `TASKWIRE_FAILPOINTS` has orders, separated by commas. `commit.after=kill:7` kills the process when it passes the
//! place for the seventh time. `publish.before=pause:500:1` pauses it for 500 ms the first time. `clock=3600000` steps
//! the clock by an hour. `retention=200` cuts every log to its newest 200 entries. With `@FILE` the node reads orders
//! from lines that are appended to a file while it runs.

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

/// An order that the node carries out, not a place that it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Steps the clock by this number of milliseconds.
    Clock(i64),
    /// Cuts every log to this number of newest entries.
    Retention(u64),
}

#[cfg(not(feature = "failpoints"))]
mod off {
    use super::Command;

    /// Passes a place. Does nothing in this build.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the call must compile to nothing")]
    pub fn reach(_place: &'static str) {}

    /// Carries out no orders: this build has no fail points.
    #[allow(clippy::unnecessary_wraps, reason = "the other build can fail")]
    pub fn obey(_carry_out: impl Fn(Command) + Send + 'static) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(not(feature = "failpoints"))]
pub use off::{obey, reach};

#[cfg(feature = "failpoints")]
mod on {
    use super::{Command, PLACES, VARIABLE};
    use std::io::{self, ErrorKind};
    use std::path::PathBuf;
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    /// The time between two reads of the file with orders.
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
        Command(Command),
    }

    static ARMED: Mutex<Vec<(&'static str, Act, u64)>> = Mutex::new(Vec::new());

    /// Passes a place. Kills or pauses the process if a test ordered that.
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
        // the signal may arrive a moment later: nothing more must run on this thread
        std::thread::park();
    }

    /// Carries out the orders in the environment; if it names a file, those that are appended to the file. `carry_out`
    /// does the commands, which need other parts of the node.
    pub fn obey(carry_out: impl Fn(Command) + Send + 'static) -> io::Result<()> {
        let Ok(text) = std::env::var(VARIABLE) else {
            return Ok(());
        };
        tracing::warn!("fail points are in use: this build is for tests only");
        if let Some(path) = text.strip_prefix('@') {
            tokio::spawn(listen(path.into(), carry_out));
            return Ok(());
        }
        for order in text.split(',').filter(|order| !order.is_empty()) {
            let order = read(order).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
            take(&order, &carry_out);
        }
        Ok(())
    }

    async fn listen(path: PathBuf, carry_out: impl Fn(Command)) {
        let mut done = 0;
        loop {
            tokio::time::sleep(LISTEN).await;
            let text = tokio::fs::read_to_string(&path).await.unwrap_or_default();
            // only complete lines are read
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            for line in text.get(done..whole).unwrap_or_default().lines() {
                match read(line) {
                    Ok(order) => take(&order, &carry_out),
                    Err(error) => tracing::error!(error, "an order is not valid"),
                }
            }
            done = whole;
        }
    }

    fn take(order: &Order, carry_out: &impl Fn(Command)) {
        tracing::warn!(?order, "carrying out an order");
        match *order {
            Order::At { place, act, passings } => {
                let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
                armed.push((place, act, passings));
            }
            Order::Command(command) => carry_out(command),
        }
    }

    pub(super) fn read(order: &str) -> Result<Order, String> {
        let wrong = |what: &str| format!("{VARIABLE}: {order:?}: {what}");
        let (name, act) = order.split_once('=').ok_or_else(|| wrong("must be NAME=WHAT"))?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong("needs a whole number"));
        match name {
            "clock" => {
                let by_ms = act.parse().map_err(|_| wrong("needs milliseconds"))?;
                Ok(Order::Command(Command::Clock(by_ms)))
            }
            "retention" => Ok(Order::Command(Command::Retention(number(act)?))),
            _ => {
                let place = PLACES.iter().find(|place| **place == name);
                let place = place.ok_or_else(|| wrong("is not the name of a place"))?;
                let (act, passings) = match act.split(':').collect::<Vec<_>>()[..] {
                    ["kill", passings] => (Act::Kill, number(passings)?),
                    ["pause", ms, passings] => {
                        (Act::Pause(Duration::from_millis(number(ms)?)), number(passings)?)
                    }
                    _ => return Err(wrong("needs kill:N or pause:MS:N")),
                };
                Ok(Order::At { place, act, passings })
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::{Act, Command, Order, reach, read};
        use std::time::Duration;

        #[test]
        fn orders_are_parsed() {
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
            assert_eq!(
                read("clock=-3600000"),
                Ok(Order::Command(Command::Clock(-3_600_000)))
            );
            assert_eq!(read("retention=200"), Ok(Order::Command(Command::Retention(200))));
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
        fn a_place_without_an_order_does_nothing() {
            reach("row.before");
        }
    }
}

#[cfg(feature = "failpoints")]
pub use on::{obey, reach};
