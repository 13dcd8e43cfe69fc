//! Which ways to write are in use: all of them. Only a build with the feature `ablation` can switch some off, to measure
//! what each one buys (`loadtest/examples/ways.rs`). The module above names them.

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
    #[allow(clippy::inline_always, reason = "nothing must be left of it")]
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

    /// The variable with the names of the ways that this server does without.
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

    /// The ways that are switched off, a bit each.
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

    /// A name in the variable that no way has.
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
