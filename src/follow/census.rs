//! The readers of this node as the engine sees them: lists and counts them, and closes those of a kicked user or
//! session. Does not know the other instances.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use taskwire_protocol::account::ClientInfo;
use taskwire_protocol::{CloseCode, Timestamp, UserId, limits};

use super::handle::Owner;
use super::registry::Registry;
use crate::engine::{Caller, Socket, Sockets};
use crate::ops::node::Whom;
use crate::unicode::cut;

impl Sockets for Registry {
    fn count(&self) -> usize {
        Registry::count(self)
    }

    fn list(&self, user: Option<UserId>, after: Option<u64>, limit: usize) -> (Vec<Socket>, u64) {
        let (mut keys, mut total) = (Vec::new(), 0);
        let theirs = |owner: &Owner| user.is_none_or(|user| user == owner.caller.user.id);
        self.each(|key, _, owner| {
            if theirs(owner) {
                total += 1;
                if after.is_none_or(|after| key > after) {
                    keys.push(key);
                }
            }
        });
        keys.sort_unstable();
        keys.truncate(limit);
        let mut sockets = Vec::with_capacity(keys.len());
        self.each(|key, _, owner| {
            if theirs(owner) && keys.binary_search(&key).is_ok() {
                sockets.push(owner.socket(key));
            }
        });
        sockets.sort_unstable_by_key(|socket| socket.key);
        (sockets, total)
    }

    fn users(&self) -> HashSet<UserId> {
        let mut users = HashSet::new();
        self.each(|_, _, owner| {
            users.insert(owner.caller.user.id);
        });
        users
    }

    fn callers(&self) -> Vec<Arc<Caller>> {
        let mut callers = Vec::new();
        self.each(|_, _, owner| callers.push(owner.caller.clone()));
        callers
    }

    fn close(&self, whom: Whom) {
        let mut theirs = Vec::new();
        self.each(|_, handle, owner| {
            let is_meant = match whom {
                Whom::User(user) => owner.caller.user.id == user,
                Whom::Session(session) => owner.caller.session == session,
            };
            if is_meant {
                theirs.push(handle.clone());
            }
        });
        for handle in theirs {
            handle.close_with(CloseCode::Revoked);
        }
    }
}

impl Owner {
    /// The owner of a reader that authenticated.
    pub(super) fn new(
        caller: Arc<Caller>,
        client: Option<&ClientInfo>,
        address: Option<IpAddr>,
        since: Timestamp,
    ) -> Owner {
        // cut: a client may send as much as a frame holds, and this is kept as long as the reader lives
        let short = |text: &str| cut(text, limits::DEVICE_NAME).to_owned();
        let client = client.map(|client| match &client.version {
            Some(version) => format!("{}/{}", short(&client.name), short(version)).into(),
            None => short(&client.name).into(),
        });
        Owner {
            caller,
            client,
            address,
            since,
        }
    }

    fn socket(&self, key: u64) -> Socket {
        Socket {
            key,
            session: self.caller.session,
            user: self.caller.user.clone(),
            client: self.client.as_deref().map(str::to_owned),
            address: self.address,
            since: self.since,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::handle::Order;
    use crate::follow::registry::Registration;
    use crate::follow::registry::tests::{owner, wakeup};
    use taskwire_protocol::SessionId;
    use uuid::Uuid;

    #[test]
    fn a_kick_reaches_one_session_or_all_of_a_user() {
        let registry = Arc::new(Registry::default());
        let registrations: Vec<_> = (0..3).map(|_| registry.enter(wakeup(), None)).collect();
        for (registration, (user, session)) in registrations.iter().zip([(1, 1), (1, 9), (2, 2)]) {
            assert_eq!(registration.claim().belongs_to(owner(user, session), 9), Ok(()));
        }
        registry.close(Whom::Session(SessionId(Uuid::from_u128(9))));
        let orders: Vec<_> = registrations.iter().map(Registration::order).collect();
        assert_eq!(orders, [None, Some(Order::Close(CloseCode::Revoked)), None]);
        registry.close(Whom::User(UserId(Uuid::from_u128(1))));
        assert!(registrations[0].order().is_some() && registrations[2].order().is_none());
    }

    #[test]
    fn sockets_are_listed_in_pages_in_order_of_arrival() {
        let registry = Arc::new(Registry::default());
        let strangers = registry.enter(wakeup(), None);
        let registrations: Vec<_> = (0..5).map(|_| registry.enter(wakeup(), None)).collect();
        for (registration, user) in registrations.iter().zip([1, 2, 1, 2, 1]) {
            assert_eq!(registration.claim().belongs_to(owner(user, 1), 9), Ok(()));
        }
        let user = UserId(Uuid::from_u128(1));
        let (page, total) = registry.list(Some(user), None, 2);
        assert_eq!((page.len(), total), (2, 3));
        let (rest, total) = registry.list(Some(user), Some(page[1].key), 2);
        assert_eq!((rest.len(), total), (1, 3));
        assert!(rest[0].key > page[1].key);
        assert_eq!(registry.list(None, None, 9).0.len(), 5);
        drop(strangers);
    }

    #[test]
    fn a_long_client_name_and_version_are_cut() {
        let client = ClientInfo {
            name: "x".repeat(60_000),
            version: Some("y".repeat(60_000)),
        };
        let cut = Owner::new(owner(1, 1).caller, Some(&client), None, Timestamp(0)).socket(1);
        assert_eq!(
            cut.client.map(|client| client.len()),
            Some(2 * limits::DEVICE_NAME + 1)
        );
    }
}
