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
    let mut end = |key, now| look(roster.end(key, ROOM, id, Timestamp(now), None));
    assert_eq!(end(3, 60), Some((PresenceNow::Online, Some(task(1)))));
    assert_eq!(end(2, 70), Some((PresenceNow::Away, Some(task(9)))));
    assert_eq!(end(1, 80), Some((PresenceNow::Offline, None)));
    assert_eq!(end(1, 90), None);
    assert!(roster.list(ROOM, 9).is_empty());
}

#[test]
fn who_comes_back_in_time_was_not_seen_to_leave() {
    let (mut here, mut there) = (Roster::default(), Roster::default());
    let (at, id) = (Instant::now(), user(1).id);
    let mut told = |here: &mut Roster| carry(here, instance(1), &mut there, at).into_iter().next();
    let after = |seconds| at + Duration::from_secs(seconds);
    here.set(1, ROOM, &user(1), (Online, Some(task(1))), Timestamp(10));
    assert!(told(&mut here).is_some());
    // a page that is loaded again
    assert_eq!(here.end(1, ROOM, id, Timestamp(20), Some(after(5))), None);
    assert_eq!(told(&mut here), None);
    assert!(here.end_left(Timestamp(21), after(4)).is_empty());
    assert_eq!(here.list(ROOM, 9).len(), 1);
    let (back, changed) = here.set(2, ROOM, &user(1), (Online, Some(task(1))), Timestamp(30));
    assert_eq!((back.since.0, changed), (10, None));
    assert!(here.end_left(Timestamp(31), after(6)).is_empty(), "it came back");
    assert_eq!(told(&mut here), None);
    // again, and for good
    assert_eq!(here.end(2, ROOM, id, Timestamp(40), Some(after(10))), None);
    let ended = here.end_left(Timestamp(50), after(10));
    assert_eq!(look(ended.into_iter().next()), Some((PresenceNow::Offline, None)));
    assert_eq!(look(told(&mut here)), Some((PresenceNow::Offline, None)));
    assert!(here.list(ROOM, 9).is_empty() && here.end_left(Timestamp(60), after(60)).is_empty());
}

#[test]
fn only_the_last_reader_of_a_user_is_waited_for() {
    let mut roster = Roster::default();
    let (at, id) = (Instant::now(), user(1).id);
    let until = Some(at + GRACE);
    roster.set(1, ROOM, &user(1), (Away, None), Timestamp(1));
    roster.set(2, ROOM, &user(1), (Online, Some(task(1))), Timestamp(2));
    let left = roster.end(2, ROOM, id, Timestamp(3), until);
    assert_eq!(look(left), Some((PresenceNow::Away, None)));
    assert!(roster.end_left(Timestamp(4), at + GRACE).is_empty());
    // the next one leaves at once, because the user lost access
    roster.end(1, ROOM, id, Timestamp(5), None);
    assert!(roster.list(ROOM, 9).is_empty());
}

#[test]
fn late_and_repeated_notes_change_nothing() {
    let (mut here, mut there) = (Roster::default(), Roster::default());
    let at = Instant::now();
    here.set(1, ROOM, &user(1), (Online, None), Timestamp(1));
    let online = here.untold();
    here.end(1, ROOM, user(1).id, Timestamp(2), None);
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
    here.gone(instance(2), at + HOLDS + GRACE);
    assert!(here.expire(Timestamp(7), at + HOLDS).is_empty());
    assert_eq!(here.expire(Timestamp(8), at + HOLDS + GRACE).len(), 1);
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
