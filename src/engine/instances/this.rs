//! This instance as the others see it. Does not send notes.

use super::sockets::Sockets;
use crate::engine::Caller;
use crate::ops::node::Whom;
use crate::store::instances::{InstanceRecord, KickRecord};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use taskwire_protocol::admin::InstanceName;
use taskwire_protocol::{InstanceId, Timestamp};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many kicks of notes are remembered until their rows are read.
const TOLD: usize = 1000;

/// This instance.
pub(in crate::engine) struct ThisInstance {
    pub(in crate::engine) id: InstanceId,
    name: String,
    started_at: Timestamp,
    /// Empty until `Engine::attend` is called.
    pub(super) sockets: OnceLock<Arc<dyn Sockets>>,
    /// The kick orders that were carried out.
    kicked: Mutex<Kicked>,
    pub(super) ending: CancellationToken,
}

/// The ids of kicks.
#[derive(Default)]
struct Kicked {
    /// Those of the rows that were read last.
    stored: HashSet<Uuid>,
    /// Those of notes and of this instance, whose rows may come later; the oldest first.
    told: VecDeque<Uuid>,
}

impl Kicked {
    fn has(&self, id: &Uuid) -> bool {
        self.stored.contains(id) || self.told.contains(id)
    }
}

impl ThisInstance {
    pub(in crate::engine) fn new(id: Uuid, name: &str, started_at: Timestamp) -> ThisInstance {
        ThisInstance {
            id: InstanceId(id),
            name: name.to_owned(),
            started_at,
            sockets: OnceLock::new(),
            kicked: Mutex::default(),
            ending: CancellationToken::new(),
        }
    }

    pub(super) fn name(&self) -> InstanceName {
        InstanceName {
            id: self.id,
            name: self.name.clone(),
        }
    }

    pub(super) fn record(&self, now: Timestamp) -> InstanceRecord {
        InstanceRecord {
            id: self.id,
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            seen_at: now,
            sockets: self.sockets.get().map_or(0, |sockets| sockets.count()) as i64,
        }
    }

    /// Who has the sockets of this instance, for each.
    pub(in crate::engine) fn callers(&self) -> Vec<Arc<Caller>> {
        let sockets = self.sockets.get();
        sockets.map(|sockets| sockets.callers()).unwrap_or_default()
    }

    /// Carries out a kick that was ordered here or by a note, once.
    pub(super) fn carry_out(&self, order: KickRecord) {
        {
            let kicked = &mut *self.kicked.lock().unwrap_or_else(PoisonError::into_inner);
            if kicked.has(&order.id) {
                return;
            }
            if kicked.told.len() >= TOLD {
                kicked.told.pop_front();
            }
            kicked.told.push_back(order.id);
        }
        self.close(order);
    }

    /// Closes sockets of this instance.
    pub(super) fn close(&self, order: KickRecord) {
        let Some(sockets) = self.sockets.get() else {
            return;
        };
        if let Some(user) = order.user {
            sockets.close(Whom::User(user));
        }
        if let Some(session) = order.session {
            sockets.close(Whom::Session(session));
        }
    }

    /// The orders in the database that were not carried out yet. From now on they count as carried out.
    pub(super) fn new_orders(&self, orders: Vec<KickRecord>) -> Vec<KickRecord> {
        let kicked = &mut *self.kicked.lock().unwrap_or_else(PoisonError::into_inner);
        let now: HashSet<Uuid> = orders.iter().map(|order| order.id).collect();
        let new = orders
            .into_iter()
            .filter(|order| !kicked.has(&order.id))
            .collect();
        kicked.stored = now;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Socket;
    use taskwire_protocol::UserId;

    /// Counts how often the sockets of a user are closed.
    #[derive(Default)]
    struct Closed(Mutex<Vec<Whom>>);

    impl Sockets for Closed {
        fn count(&self) -> usize {
            0
        }

        fn list(&self, _: Option<UserId>, _: Option<u64>, _: usize) -> (Vec<Socket>, u64) {
            (Vec::new(), 0)
        }

        fn users(&self) -> HashSet<UserId> {
            HashSet::new()
        }

        fn callers(&self) -> Vec<Arc<Caller>> {
            Vec::new()
        }

        fn close(&self, whom: Whom) {
            self.0.lock().unwrap().push(whom);
        }
    }

    fn instance() -> (ThisInstance, Arc<Closed>) {
        let instance = ThisInstance::new(Uuid::nil(), "one", Timestamp(0));
        let closed = Arc::<Closed>::default();
        assert!(instance.sockets.set(closed.clone()).is_ok());
        (instance, closed)
    }

    fn kick(id: u128) -> KickRecord {
        KickRecord {
            id: Uuid::from_u128(id),
            user: Some(UserId(Uuid::from_u128(9))),
            session: None,
        }
    }

    #[test]
    fn a_kick_is_carried_out_once_whether_its_note_or_its_row_comes_first() {
        let (instance, closed) = instance();
        let carried_out = || closed.0.lock().unwrap().len();
        instance.carry_out(kick(1));
        instance.carry_out(kick(1));
        assert_eq!(carried_out(), 1, "the note came twice");
        assert!(
            instance.new_orders(Vec::new()).is_empty(),
            "a look before the row is there"
        );
        assert!(instance.new_orders(vec![kick(1)]).is_empty());
        let new = instance.new_orders(vec![kick(1), kick(2)]);
        assert_eq!(new.len(), 1);
        for order in new {
            instance.close(order);
        }
        instance.carry_out(kick(2));
        assert_eq!(carried_out(), 2, "the note came after the row");
        assert_eq!(
            closed.0.lock().unwrap()[1],
            Whom::User(UserId(Uuid::from_u128(9)))
        );
    }

    #[test]
    fn any_number_of_notes_takes_bounded_memory() {
        let (instance, _) = instance();
        for id in 0..3 * TOLD as u128 {
            instance.carry_out(kick(id));
        }
        assert_eq!(instance.kicked.lock().unwrap().told.len(), TOLD);
    }
}
