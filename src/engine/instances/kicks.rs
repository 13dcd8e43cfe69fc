//! `admin.kick` on all instances: a note closes sockets at once, and every instance reads a row in case the note is
//! lost. Both have one id, so that each instance carries the kick out once. The user whose sockets are closed has it in their log.

use super::notes::Words;
use crate::engine::{Caller, Chore, Engine, spawned};
use crate::ops::admin::TellKicked;
use crate::ops::node::Whom;
use crate::store::instances::{self, KickRecord};
use crate::store::{StoreError, Transaction, sessions};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::time::timeout;

/// How long a kick waits for the log of the user before it closes sockets: they see the entry first, unless the database is
/// slow or away.
const LOGGED: Duration = Duration::from_millis(500);
/// The most kick orders that one look reads.
const KICKS: i64 = 1000;

impl Engine {
    /// Closes sockets here and on every other instance, and writes it into the log of their user. A database that is away
    /// keeps no socket open: then the kick fails, and a repetition is in the log.
    pub(in crate::engine) async fn kick(&self, whom: Whom, by: Arc<Caller>) -> Result<(), Failure> {
        let mut telling = Box::pin(self.tell_kicked(whom, by.clone()));
        let told = timeout(LOGGED, &mut telling).await;
        if let Ok(Err(failure)) = &told
            && !failure.retryable
        {
            // the caller may not do it any more
            return Err(failure.clone());
        }
        let (user, session) = match whom {
            Whom::User(id) => (Some(id), None),
            Whom::Session(id) => (None, Some(id)),
        };
        let id = self.0.ids.next();
        let kick = KickRecord { id, user, session };
        self.0.instance.carry_out(kick);
        self.note(&Words::Kick(kick.into()));
        let told = match told {
            Ok(told) => told,
            Err(_) => telling.await,
        };
        if let Err(mut failure) = told {
            let (by, error) = (by.user.id, &failure.message);
            tracing::warn!(user.id = %by, error.message = %error, "sockets were closed by a kick that no user's log has");
            failure.message = format!("the sockets were closed, but the log does not have it: {error}");
            return Err(failure);
        }
        if !self.0.store.is_shared() {
            return Ok(());
        }
        let at = self.0.clock.now_ms();
        self.chore(StoreKick { kick, at }).await
    }

    /// Writes a kick into the log of the user whose sockets it closes. An id that is nobody's closes no socket, and has no
    /// log.
    async fn tell_kicked(&self, whom: Whom, by: Arc<Caller>) -> Result<(), Failure> {
        let user = match whom {
            Whom::User(user) => Some(user),
            Whom::Session(session) => {
                let store = self.0.store.clone();
                let read = async move { sessions::find_owner(&mut store.read().await?, session).await };
                spawned(read).await?
            }
        };
        let Some(user) = user else {
            return Ok(());
        };
        match self.act::<Nothing>(by, TellKicked { user, whom }).await {
            Err(failure) if failure.code == ErrorCode::NotFound => Ok(()),
            told => told.map(drop),
        }
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
            self.0.instance.close(order);
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
