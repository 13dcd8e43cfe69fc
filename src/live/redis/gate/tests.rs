//! Forged, moved, repeated and old messages, and those of other databases and versions.

use super::super::message::Writing;
use super::super::message::tests::seals;
use super::*;
use taskwire_protocol::WorkspaceId;
use uuid::Uuid;

const OWN: u64 = 1;
const OTHER: u64 = 2;
const NOW: i64 = 1_000_000_000;

fn stream() -> StreamId {
    StreamId::Workspace(WorkspaceId(Uuid::from_u128(7)))
}

/// A gate that has run for an hour, and its clock.
async fn gate() -> (Gate, Clock) {
    let clock = Clock::fixed(NOW);
    let channels = Arc::new(Channels::new("test"));
    let gate = Gate::new(
        Stamp::new(OWN, "epoch"),
        channels,
        Arc::new(seals("secret")),
        clock.clone(),
    );
    tokio::time::advance(Duration::from_hours(1)).await;
    (gate, clock)
}

fn other() -> Stamp {
    Stamp::new(OTHER, "epoch")
}

/// A note of another instance, with this number, sent at this time.
fn note(number: u64, sent_ms: i64) -> Vec<u8> {
    Writing::note(other(), b"{}").finish(&seals("secret"), "test:notes", number, sent_ms)
}

fn entries(number: u64, sent_ms: i64) -> (String, Vec<u8>) {
    let channel = format!("test:{}", stream());
    let mut writing = Writing::entries(other());
    writing.entry(1, Some(&"{}".into()));
    let message = writing.finish(&seals("secret"), &channel, number, sent_ms);
    (channel, message)
}

fn refused(gate: &Gate, channel: &str, message: &[u8]) -> Option<Refused> {
    gate.pass(channel, message).err()
}

#[tokio::test(start_paused = true)]
async fn a_sealed_message_passes_on_its_channel_only() {
    let (gate, _) = gate().await;
    let sealed = note(1, NOW);
    let passed = gate
        .pass("test:notes", &sealed)
        .expect("no refusal")
        .expect("of another");
    assert_eq!(
        (passed.kind, passed.sender, passed.stream, passed.body),
        (Kind::Note, OTHER, None, &b"{}"[..])
    );
    for channel in ["test:probes", "other:notes", &*format!("test:{}", stream())] {
        assert_eq!(
            refused(&gate, channel, &note(2, NOW)),
            Some(Refused::Seal),
            "{channel}"
        );
    }
    let (channel, message) = entries(3, NOW);
    let passed = gate
        .pass(&channel, &message)
        .expect("no refusal")
        .expect("of another");
    assert_eq!((passed.kind, passed.stream), (Kind::Entries, Some(stream())));
}

#[tokio::test(start_paused = true)]
async fn without_the_secret_nobody_makes_a_message() {
    let (gate, _) = gate().await;
    let forged = |stamp| Writing::note(stamp, b"{}").finish(&seals("a guess"), "test:notes", 1, NOW);
    assert_eq!(
        refused(&gate, "test:notes", &forged(other())),
        Some(Refused::Seal)
    );
    let own = forged(Stamp::new(OWN, "epoch"));
    assert!(
        matches!(gate.pass("test:notes", &own), Ok(None)),
        "one's own notes come back, and are ignored"
    );
    let probe = Writing::probe(Stamp::new(OWN, "epoch"), 9).finish(&seals("a guess"), "test:probes", 1, NOW);
    assert_eq!(refused(&gate, "test:probes", &probe), Some(Refused::Seal));
    for (bytes, why) in [
        (vec![], Refused::Shape),
        (vec![2; 17], Refused::Shape),
        (vec![2; 200], Refused::Epoch),
        (vec![2; LONGEST + 1], Refused::Shape),
    ] {
        assert_eq!(
            refused(&gate, "test:notes", &bytes),
            Some(why),
            "{} bytes",
            bytes.len()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_kind_on_the_channel_of_another_is_refused_whoever_sealed_it() {
    let (gate, _) = gate().await;
    let message = Writing::note(other(), b"{}").finish(&seals("secret"), "test:probes", 1, NOW);
    assert_eq!(refused(&gate, "test:probes", &message), Some(Refused::Shape));
}

#[tokio::test(start_paused = true)]
async fn another_database_and_another_version_are_told_apart() {
    let (gate, _) = gate().await;
    let elsewhere = Writing::note(Stamp::new(OTHER, "another"), b"{}");
    let elsewhere = elsewhere.finish(&seals("secret"), "test:notes", 1, NOW);
    assert_eq!(refused(&gate, "test:notes", &elsewhere), Some(Refused::Epoch));
    assert!(!Refused::Epoch.hides_an_instance());
    for version in [1, 3] {
        let mut message = note(1, NOW);
        message[0] = version;
        assert_eq!(refused(&gate, "test:notes", &message), Some(Refused::Version));
        // a probe of the first version is shorter than a header of this one
        assert_eq!(
            refused(&gate, "test:notes", &message[..26]),
            Some(Refused::Version)
        );
    }
    assert!(Refused::Version.hides_an_instance());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_again_is_a_replay() {
    let (gate, _) = gate().await;
    assert_eq!(refused(&gate, "test:notes", &note(5, NOW)), None);
    assert_eq!(refused(&gate, "test:notes", &note(5, NOW)), Some(Refused::Replay));
    assert_eq!(
        refused(&gate, "test:notes", &note(4, NOW)),
        None,
        "it was overtaken"
    );
    let (channel, message) = entries(6, NOW);
    assert_eq!(refused(&gate, &channel, &message), None);
    assert_eq!(refused(&gate, &channel, &message), Some(Refused::Replay));
}

#[tokio::test(start_paused = true)]
async fn an_old_message_is_late_unless_it_has_its_place_in_a_stream_and_one_of_before_the_start_is_early() {
    let (gate, clock) = gate().await;
    let fresh_ms = FRESH.as_millis() as i64;
    for (number, age_ms, passes) in [
        (1, fresh_ms, true),
        (2, fresh_ms + 1, false),
        (3, -fresh_ms, true),
        (4, -fresh_ms - 1, false),
        (5, i64::MIN / 2, false),
    ] {
        let expected = (!passes).then_some(Refused::Late);
        assert_eq!(
            refused(&gate, "test:notes", &note(number, NOW - age_ms)),
            expected,
            "{age_ms}"
        );
    }
    assert_eq!(
        refused(&gate, "test:notes", &note(6, i64::MIN)),
        Some(Refused::Late)
    );
    let (channel, message) = entries(7, NOW - 10 * fresh_ms);
    assert_eq!(refused(&gate, &channel, &message), None);
    let rewrite = Writing::forget(other(), 5).finish(&seals("secret"), &channel, 10, NOW - 10 * fresh_ms);
    assert_eq!(refused(&gate, &channel, &rewrite), None);
    assert_eq!(refused(&gate, &channel, &rewrite), Some(Refused::Replay));

    let recorded = note(8, clock.now_ms());
    clock.step(2_001);
    let by_a_clock_that_is_behind = note(11, clock.now_ms() - 2_000);
    let restarted = Gate::new(
        Stamp::new(3, "epoch"),
        Arc::new(Channels::new("test")),
        Arc::new(seals("secret")),
        clock.clone(),
    );
    clock.step(500);
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(refused(&restarted, "test:notes", &recorded), Some(Refused::Early));
    assert!(!Refused::Early.hides_an_instance(), "it is known to be none");
    assert_eq!(
        refused(&restarted, "test:notes", &by_a_clock_that_is_behind),
        None
    );
    assert_eq!(refused(&restarted, "test:notes", &note(9, clock.now_ms())), None);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_sealed_makes_no_sender_known() {
    let (gate, _) = gate().await;
    for sender in 10..10_000 {
        let forged = Writing::probe(Stamp::new(sender, "epoch"), 1);
        let forged = forged.finish(&seals("a guess"), "test:probes", 1, NOW);
        assert_eq!(refused(&gate, "test:probes", &forged), Some(Refused::Seal));
    }
    assert_eq!(
        refused(&gate, "test:notes", &note(1, NOW)),
        None,
        "there is room for the real ones"
    );
}
