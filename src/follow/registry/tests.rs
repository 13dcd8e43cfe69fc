use super::*;
use taskwire_protocol::account::{GlobalRole, PublicUser};
use taskwire_protocol::{SessionId, Timestamp, WorkspaceId};
use uuid::Uuid;

pub(in crate::follow) fn wakeup() -> Arc<Wakeup> {
    Arc::new(Wakeup::new(UserId(Uuid::nil())))
}

/// A reader of user `n`, in session `session`.
pub(in crate::follow) fn owner(n: u128, session: u128) -> Owner {
    let user = PublicUser {
        id: UserId(Uuid::from_u128(n)),
        username: "somebody".into(),
        name: "Somebody".into(),
        photo_url: None,
    };
    Owner {
        caller: Arc::new(Caller::new(
            user,
            SessionId(Uuid::from_u128(session)),
            GlobalRole::User,
            WorkspaceId(Uuid::nil()),
        )),
        client: None,
        address: None,
        since: Timestamp(0),
    }
}

#[test]
fn a_users_sockets_are_counted_until_they_are_gone() {
    let registry = Arc::new(Registry::default());
    let registrations: Vec<_> = (0..3).map(|_| registry.enter(wakeup(), None)).collect();
    assert_eq!(registrations[0].claim().belongs_to(owner(1, 1), 2), Ok(()));
    assert_eq!(registrations[1].claim().belongs_to(owner(1, 1), 2), Ok(()));
    assert_eq!(
        registrations[2].claim().belongs_to(owner(1, 1), 2),
        Err(TooMany::OfUser)
    );
    assert_eq!((registry.count(), registry.users()), (3, 1));
    drop(registrations);
    assert_eq!((registry.count(), registry.users()), (0, 0));
}

#[test]
fn every_socket_gets_a_different_delay() {
    let registry = Arc::new(Registry::default());
    let registrations: Vec<_> = (0..100).map(|_| registry.enter(wakeup(), None)).collect();
    registry.goodbye(Duration::from_secs(20));
    let mut delays: Vec<_> = registrations.iter().map(delay).collect();
    delays.sort_unstable();
    delays.dedup();
    assert_eq!(delays.len(), 100);
}

fn delay(registration: &Registration) -> u64 {
    match registration.order() {
        Some(Order::Goodbye { reconnect_after_ms }) => reconnect_after_ms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn more_sockets_are_spread_over_a_longer_time_up_to_the_drain() {
    let longest = |sockets: usize, within: u64| {
        let registry = Arc::new(Registry::default());
        let registrations: Vec<_> = (0..sockets).map(|_| registry.enter(wakeup(), None)).collect();
        registry.goodbye(Duration::from_millis(within));
        registrations.iter().map(delay).max()
    };
    assert!(longest(10, 20_000).is_some_and(|ms| (450..=600).contains(&ms)));
    assert!(longest(4000, 20_000).is_some_and(|ms| (4090..=4100).contains(&ms)));
    assert!(longest(4000, 1000).is_some_and(|ms| (1050..=1100).contains(&ms)));
}

#[tokio::test]
async fn a_restart_does_not_replace_the_close_of_a_kicked_socket() {
    let registry = Arc::new(Registry::default());
    let registrations = [registry.enter(wakeup(), None), registry.enter(wakeup(), None)];
    registrations[0].handle.close_with(CloseCode::Revoked);
    registry.close_all().await;
    registrations[1].handle.close_with(CloseCode::Revoked);
    let kicked = Some(Order::Close(CloseCode::Revoked));
    assert_eq!(
        [registrations[0].order(), registrations[1].order()],
        [kicked, kicked]
    );
}

#[tokio::test]
async fn a_socket_that_arrives_during_the_drain_gets_the_same_orders() {
    let registry = Arc::new(Registry::default());
    registry.goodbye(Duration::from_secs(20));
    let late = registry.enter(wakeup(), None);
    assert!((100..700).contains(&delay(&late)));
    registry.close_all().await;
    let later = registry.enter(wakeup(), None);
    assert!((100..700).contains(&delay(&later)));
    assert_eq!(later.order(), Some(Order::Close(CloseCode::Restart)));
}
