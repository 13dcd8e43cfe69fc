//! Presence without I/O: merging, versions, expiry, notes.

use super::person::Told;
use super::roster::{HOLDS, Roster};
use super::*;
use taskwire_protocol::presence::PresenceNow;
use uuid::Uuid;

use PresenceState::{Away, Online};

fn user(n: u128) -> PublicUser {
    PublicUser {
        id: UserId(Uuid::from_u128(n)),
        username: format!("user{n}").into(),
        name: format!("User {n}").into(),
        photo_url: None,
    }
}

const fn task(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

const ROOM: WorkspaceId = WorkspaceId(Uuid::from_u128(7));

fn instance(n: u128) -> InstanceId {
    InstanceId(Uuid::from_u128(n))
}

fn look(changed: Option<PresenceChanged>) -> Option<(PresenceNow, Option<TaskId>)> {
    changed.map(|changed| (changed.state, changed.task_id))
}

/// Sends the changes of roster `from` to roster `to`.
fn carry(from: &mut Roster, of: InstanceId, to: &mut Roster, at: Instant) -> Vec<PresenceChanged> {
    let untold = from.untold();
    untold
        .into_iter()
        .filter_map(|told| to.hear(of, told, Timestamp(0), at))
        .collect()
}

#[test]
fn several_sockets_of_a_user_are_one_presence() {
    let mut roster = Roster::default();
    let set = |roster: &mut Roster, key, said, now| {
        let (presence, changed) = roster.set(key, ROOM, &user(1), said, Timestamp(now));
        (
            (presence.state, presence.task_id, presence.since.0),
            look(changed),
        )
    };
    assert_eq!(
        set(&mut roster, 1, (Away, None), 10),
        ((Away, None, 10), Some((PresenceNow::Away, None)))
    );
    assert_eq!(
        set(&mut roster, 2, (Online, Some(task(1))), 20),
        (
            (Online, Some(task(1)), 20),
            Some((PresenceNow::Online, Some(task(1))))
        )
    );
    assert_eq!(
        set(&mut roster, 1, (Away, Some(task(9))), 30),
        ((Online, Some(task(1)), 20), None)
    );
    assert_eq!(
        set(&mut roster, 3, (Online, Some(task(2))), 40),
        (
            (Online, Some(task(2)), 20),
            Some((PresenceNow::Online, Some(task(2))))
        )
    );
    assert_eq!(set(&mut roster, 3, (Online, Some(task(2))), 50).1, None);
    let id = user(1).id;
    let mut end = |key, now| look(roster.end(key, ROOM, id, Timestamp(now)));
    assert_eq!(end(3, 60), Some((PresenceNow::Online, Some(task(1)))));
    assert_eq!(end(2, 70), Some((PresenceNow::Away, Some(task(9)))));
    assert_eq!(end(1, 80), Some((PresenceNow::Offline, None)));
    assert_eq!(end(1, 90), None);
    assert!(roster.list(ROOM, 9).is_empty());
}

#[test]
fn late_and_repeated_notes_change_nothing() {
    let (mut here, mut there) = (Roster::default(), Roster::default());
    let at = Instant::now();
    here.set(1, ROOM, &user(1), (Online, None), Timestamp(1));
    let online = here.untold();
    here.end(1, ROOM, user(1).id, Timestamp(2));
    let offline = here.untold();
    assert!(offline.iter().all(|told| told.shown.is_none()) && offline.len() == 1);
    let mut hear = |told: &[Told]| {
        let heard = told.iter().cloned();
        heard
            .filter_map(|told| there.hear(instance(1), told, Timestamp(3), at))
            .count()
    };
    assert_eq!(hear(&online), 1);
    assert_eq!(hear(&online), 0);
    assert_eq!(hear(&offline), 1);
    assert_eq!(hear(&online), 0, "a late note brought a user back");
    assert!(there.list(ROOM, 9).is_empty());
}

#[test]
fn only_the_users_of_a_silent_instance_expire() {
    let (mut here, mut a, mut b) = (Roster::default(), Roster::default(), Roster::default());
    let at = Instant::now();
    a.set(1, ROOM, &user(1), (Online, Some(task(1))), Timestamp(1));
    a.set(2, ROOM, &user(2), (Online, None), Timestamp(2));
    b.set(1, ROOM, &user(2), (Away, None), Timestamp(3));
    assert_eq!(carry(&mut a, instance(1), &mut here, at).len(), 2);
    assert_eq!(carry(&mut b, instance(2), &mut here, at).len(), 0, "online wins");
    // b repeats its state, a does not
    for told in b.told(|_| true) {
        assert!(
            here.hear(instance(2), told, Timestamp(4), at + HOLDS / 2)
                .is_none()
        );
    }
    assert!(here.expire(Timestamp(5), at + HOLDS / 2).is_empty());
    let mut ended = here.expire(Timestamp(6), at + HOLDS);
    ended.sort_by_key(|changed| changed.user.id);
    let ended: Vec<_> = ended.into_iter().map(|changed| look(Some(changed))).collect();
    assert_eq!(
        ended,
        [
            Some((PresenceNow::Offline, None)),
            Some((PresenceNow::Away, None))
        ]
    );
    assert_eq!(here.gone(instance(2), Timestamp(7)).len(), 1);
    assert!(here.list(ROOM, 9).is_empty());
}

#[test]
fn states_split_into_several_notes_are_complete() {
    let mut roster = Roster::default();
    for n in 0..100 {
        roster.set(1, ROOM, &user(n), (Online, None), Timestamp(1));
    }
    let notes = words::notes(instance(1), roster.untold());
    assert!(roster.untold().is_empty());
    assert!(notes.len() > 1 && notes.iter().all(|note| note.words.get().len() < 16 * 1024));
    let told: usize = notes
        .iter()
        .map(|note| match Words::read(note) {
            Some(Words::Here { told, .. }) => told.len(),
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(told, 100);
    assert_eq!(roster.list(ROOM, 30).len(), 30);
}
