//! Ways to write in few round trips.
//!
//! A round trip to PostgreSQL, or a call of SQLite's thread, costs as much work as writing a few rows. Seven ways save
//! such costs, one file each. A way is worth its code only while this command shows its gain:
//!
//! ```sh
//! cargo build --release -p taskwire --features ablation && cargo build --release -p loadtest
//! cargo run --release -p loadtest --example ways -- --database-url postgres://… --postmaster PID
//! ```
//!
//! It runs `loadtest ops` in turns, with all ways and without each of them, and prints the CPU time of an operation and
//! the ratios. In a build with the feature `ablation`, the variable `TASKWIRE_WITHOUT` names the ways, separated by
//! commas, that are switched off. In any other build the ways cannot be switched off, and the switches cost nothing.
//!
//! | way | database | what it does | what it saves | when it applies |
//! |---|---|---|---|---|
//! | `optimistic` | PostgreSQL | decides on the counters of the last commit; the write refuses itself if they changed | the round trips for `begin`, locks, counters and `commit`: one instead of four | the group needs only tasks and workspaces' streams, and advances all that it relied on |
//! | `counted` | both | keeps counters: on SQLite always, on PostgreSQL while their locks are held | the read of counters, and the wait for their write | SQLite: every group; PostgreSQL: every group that locked its streams. `optimistic` needs it |
//! | `together` | PostgreSQL | sends writes of several tables as one statement, whose parts are common table expressions | a round trip for each further table | writes of different tables, or of different rows. `optimistic` needs it |
//! | `named` | PostgreSQL | sends `begin`, the locks and the lookup of op_ids as one text of prepared statements | two round trips | every group that locks streams and has op_ids |
//! | `composite` | PostgreSQL | sends a batch as one array of composite values | the server's join of one array a column, a third of the work of writing a task | tables that every group writes: tasks, notifications, streams, log, ops |
//! | `waiting` | SQLite | sends `begin` and writes with the next read or with the commit, as one text | two thread switches per statement: most with few clients | every group |
//! | `two_trees` | SQLite | puts new keys by stream, user and workspace into a small tree and moves many at once to the large one | about one changed page per row and commit | every group; moves after 4,096 rows |

pub(super) mod composite;
pub(super) mod counted;
pub(super) mod named;
pub(super) mod optimistic;
pub(super) mod together;
pub(super) mod two_trees;
pub(super) mod waiting;

/// A way to write that can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Way {
    Optimistic,
    Counted,
    Together,
    Named,
    Composite,
    #[cfg(feature = "ablation")]
    Waiting,
    TwoTrees,
}

#[cfg(not(feature = "ablation"))]
mod all {
    use super::Way;

    /// Whether this way is in use.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the call must cost nothing")]
    pub(in crate::store) const fn is_on(_way: Way) -> bool {
        true
    }
}

#[cfg(not(feature = "ablation"))]
pub(in crate::store) use all::is_on;

#[cfg(feature = "ablation")]
mod some {
    use super::Way;
    use std::sync::LazyLock;

    /// The variable with the names of the ways that are switched off.
    const VARIABLE: &str = "TASKWIRE_WITHOUT";

    const NAMES: [(&str, Way); 7] = [
        ("optimistic", Way::Optimistic),
        ("counted", Way::Counted),
        ("together", Way::Together),
        ("named", Way::Named),
        ("composite", Way::Composite),
        ("waiting", Way::Waiting),
        ("two_trees", Way::TwoTrees),
    ];

    /// The ways that are switched off, one bit each.
    static OFF: LazyLock<u8> = LazyLock::new(|| {
        let names = std::env::var(VARIABLE).unwrap_or_default();
        each(&names).fold(0, |off, name| {
            match NAMES.iter().find(|(known, _)| *known == name) {
                Some((_, way)) => {
                    tracing::warn!("{VARIABLE}: this server writes without `{name}`");
                    off | bit(*way)
                }
                None => off,
            }
        })
    });

    /// A name in the variable that is not the name of a way.
    pub(in crate::store) fn unknown() -> Option<String> {
        let names = std::env::var(VARIABLE).unwrap_or_default();
        let unknown = each(&names).find(|name| NAMES.iter().all(|(known, _)| known != name));
        unknown.map(str::to_owned)
    }

    fn each(names: &str) -> impl Iterator<Item = &str> {
        names.split(',').map(str::trim).filter(|name| !name.is_empty())
    }

    fn bit(way: Way) -> u8 {
        1 << way as u8
    }

    /// Whether this way is in use.
    pub(in crate::store) fn is_on(way: Way) -> bool {
        let off = *OFF;
        let is_off = |way| off & bit(way) != 0;
        // an optimistic group relies on kept counters, and writes one statement
        let needs_others = way == Way::Optimistic && (is_off(Way::Counted) || is_off(Way::Together));
        !(is_off(way) || needs_others)
    }
}

#[cfg(feature = "ablation")]
pub(in crate::store) use some::{is_on, unknown};
