//! About how long a statement takes that PostgreSQL answers at once: the fastest one of the last transactions. It tells a
//! slow network, or a busy server, from much work. Does not know what the statements do.

use std::time::Duration;

/// Of so many transactions, and up to twice as many.
const REMEMBERED: u32 = 16;

/// The fastest statements.
#[derive(Default)]
pub(super) struct Pace {
    now: Option<Duration>,
    before: Option<Duration>,
    transactions: u32,
}

impl Pace {
    /// A statement was answered after that time.
    pub(super) fn answered(&mut self, took: Duration) {
        self.now = Some(self.now.map_or(took, |fastest| fastest.min(took)));
    }

    /// A transaction begins.
    pub(super) fn begins(&mut self) {
        self.transactions += 1;
        if self.transactions >= REMEMBERED && self.now.is_some() {
            (self.before, self.transactions) = (self.now.take(), 0);
        }
    }

    /// How long the fastest one took; nothing if there was none.
    pub(super) fn usual(&self) -> Duration {
        let known = [self.now, self.before].into_iter().flatten();
        known.min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_fastest_of_the_last_transactions_counts() {
        let mut pace = Pace::default();
        assert_eq!(pace.usual(), Duration::ZERO);
        let mut transaction = |statements: &[u32]| {
            pace.begins();
            for took in statements {
                pace.answered(*took * MS);
            }
            pace.usual()
        };
        assert_eq!(transaction(&[5, 2, 900]), 2 * MS);
        assert_eq!(transaction(&[128, 130]), 2 * MS, "one that works for long");
        // the network has become slow
        let last = (0..2 * REMEMBERED).map(|_| transaction(&[50, 40])).last();
        assert_eq!(last, Some(40 * MS));
        assert_eq!(transaction(&[1]), MS);
    }
}
