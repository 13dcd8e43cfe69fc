//! This instance as the others see it. Does not send notes.

use super::sockets::Sockets;
use crate::ops::node::Whom;
use crate::store::instances::{InstanceRecord, KickRecord};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use taskwire_protocol::admin::InstanceName;
use taskwire_protocol::{InstanceId, SessionId, Timestamp};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// This instance.
pub(in crate::engine) struct ThisInstance {
    pub(in crate::engine) id: InstanceId,
    name: String,
    started_at: Timestamp,
    /// Empty until `Engine::attend` is called.
    pub(super) sockets: OnceLock<Arc<dyn Sockets>>,
    /// The kick orders that were carried out.
    kicked: Mutex<HashSet<Uuid>>,
    pub(super) ending: CancellationToken,
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

    /// The session of each socket of this instance.
    pub(in crate::engine) fn sessions(&self) -> Vec<SessionId> {
        let sockets = self.sockets.get();
        sockets.map(|sockets| sockets.sessions()).unwrap_or_default()
    }

    /// Closes sockets of this instance.
    pub(super) fn close(&self, whom: Whom) {
        if let Some(sockets) = self.sockets.get() {
            sockets.close(whom);
        }
    }

    /// The orders that were not carried out yet. From now on they count as carried out.
    pub(super) fn new_orders(&self, orders: Vec<KickRecord>) -> Vec<KickRecord> {
        let kicked = &mut *self.kicked.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(kicked, orders.iter().map(|order| order.id).collect());
        orders
            .into_iter()
            .filter(|order| !before.contains(&order.id))
            .collect()
    }
}
