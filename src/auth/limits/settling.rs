//! Instances that share a Redis tell each other what purses spent, in the background: nobody waits for it. Redis keeps for
//! each purse when everything spent is earned again, by its own clock. It is not trusted: what it says can keep somebody
//! out as long as a debt can, and lets no more pass than an instance alone.

use std::sync::Arc;
use std::time::Duration;

use super::Limits;
use super::purse::{Purse, Whose};
use super::shared::Spent;

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(100);

impl Limits {
    /// Tells what purses spent whenever one has spent much, for ever. Ends at once if there are no other instances.
    pub async fn keep_settling(self: Arc<Self>) {
        let Some(untold) = self.on.as_deref().and_then(|on| on.meter.untold.as_ref()) else {
            return;
        };
        loop {
            untold.news.notified().await;
            self.settle(untold.take()).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn settle(&self, purses: Vec<Arc<Purse>>) {
        let Some(on) = self.on.as_deref() else { return };
        let Some(shared) = &on.shared else { return };
        let spent: Vec<Spent> = purses
            .iter()
            .map(|purse| {
                let rate = on.meter.rate(purse);
                Spent {
                    of: match purse.whose {
                        Whose::User | Whose::Spare => "user_ops",
                        Whose::Network => "address_ops",
                    },
                    key: purse.key,
                    earns_us: rate.earns_ns(purse.tell()) / 1000,
                    most_us: rate.most_ns() / 1000,
                }
            })
            .collect();
        match shared.settle(&spent).await {
            Some(left) => {
                for (purse, left_us) in purses.iter().zip(left) {
                    purse.learn(on.meter.rate(purse), left_us.saturating_mul(1000), on.now_ns());
                }
            }
            None => metrics::counter!("taskwire_limits_alone_total").increment(1),
        }
    }
}
