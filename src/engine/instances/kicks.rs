//! `admin.kick` on all instances: a note closes sockets at once, and every instance reads a row in case the note is
//! lost.

use super::notes::Words;
use crate::engine::{Chore, Engine, spawned};
use crate::ops::node::Whom;
use crate::store::instances::{self, KickRecord};
use crate::store::{StoreError, Transaction};
use taskwire_protocol::Failure;

/// The most kick orders that one look reads.
const KICKS: i64 = 1000;

impl Engine {
    /// Closes sockets here and on every other instance.
    pub(in crate::engine) async fn kick(&self, whom: Whom) -> Result<(), Failure> {
        self.0.instance.close(whom);
        let (words, user, session) = match whom {
            Whom::User(id) => (Words::KickUser(id), Some(id), None),
            Whom::Session(id) => (Words::KickSession(id), None, Some(id)),
        };
        self.note(&words);
        if !self.0.store.is_shared() {
            return Ok(());
        }
        let id = self.0.ids.next();
        let kick = KickRecord { id, user, session };
        let at = self.0.clock.now_ms();
        self.chore(StoreKick { kick, at }).await
    }

    /// Carries out the orders in the database that are new here. `first`: this is the first look, so the orders are
    /// older than this instance and concern none of its sockets.
    pub(super) async fn look_for_kicks(&self, first: bool) -> Result<(), Failure> {
        let store = self.0.store.clone();
        let orders = spawned(async move { instances::kicks(&mut store.read().await?, KICKS).await }).await?;
        let orders = self.0.instance.new_orders(orders);
        if first {
            return Ok(());
        }
        for order in orders {
            if let Some(user) = order.user {
                self.0.instance.close(Whom::User(user));
            }
            if let Some(session) = order.session {
                self.0.instance.close(Whom::Session(session));
            }
        }
        Ok(())
    }
}

struct StoreKick {
    kick: KickRecord,
    at: i64,
}

impl Chore for StoreKick {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        instances::kick(tx, self.kick, self.at).await
    }
}
