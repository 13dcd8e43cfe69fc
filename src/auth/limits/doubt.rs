//! A token while it is looked at. Whoever leaves before the outcome pays as if it were none of ours: the look goes on in the
//! database, and made-up tokens would cost nothing more than their frames. Whoever waits as long as the server lets them does
//! not.

use std::sync::Arc;

use super::{Limits, Payer, units};

/// A token while it is looked at.
#[derive(Debug)]
#[must_use = "dropping it charges for a wrong token"]
pub struct Doubt {
    limits: Arc<Limits>,
    payer: Payer,
}

impl Doubt {
    /// A token of which memory knows nothing. `payer` is the default for one that it knows.
    pub fn new(limits: &Arc<Limits>, payer: Payer) -> Doubt {
        let limits = limits.clone();
        Doubt { limits, payer }
    }

    /// The outcome is known, and charged by whoever acts on it.
    pub fn over(mut self) {
        self.payer = Payer::default();
    }
}

impl Drop for Doubt {
    fn drop(&mut self) {
        self.limits.owe(&self.payer, units::WRONG_TOKEN);
    }
}
