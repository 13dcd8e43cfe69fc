use super::*;
use serde_json::{Value, json};
use taskwire_protocol::{Timestamp, UserId, account::AllStreams, frames::Actor};
use uuid::Uuid;

const ME: StreamId = StreamId::User(UserId(Uuid::from_u128(1)));
const TEAM: StreamId = StreamId::Workspace(WorkspaceId(Uuid::from_u128(2)));

fn event(stream: StreamId, seq: u64, name: &str, data: &Value) -> EventFrame {
    EventFrame {
        stream,
        seq,
        event: name.to_owned(),
        at: Timestamp(0),
        actor: Actor::Server,
        op_id: None,
        data: serde_json::value::to_raw_value(data).unwrap_or_else(|error| panic!("{error}")),
    }
}

fn at(stream: StreamId, seq: u64) -> EventFrame {
    event(stream, seq, "task.updated", &json!({}))
}

fn resumed_at(positions: &[(StreamId, u64)]) -> Positions {
    let resume = Resume {
        epoch: "e".to_owned(),
        positions: positions.iter().map(|(s, seq)| (s.to_string(), *seq)).collect(),
    };
    let mut positions = Positions::new(Streams::All(AllStreams::All), Some(resume));
    positions.user = Some((ME, 10));
    positions
}

#[test]
fn only_the_next_event_is_taken() {
    let mut positions = resumed_at(&[(TEAM, 4)]);
    assert_eq!(positions.take(&at(TEAM, 4)), Verdict::Duplicate);
    assert_eq!(positions.take(&at(TEAM, 6)), Verdict::Gap(4));
    assert_eq!(positions.take(&at(TEAM, 5)), Verdict::Next);
    assert_eq!(
        positions.resume().map(|r| r.positions),
        Some([(TEAM.to_string(), 5)].into())
    );
}

#[test]
fn a_snapshot_moves_the_position_without_a_gap() {
    let mut positions = resumed_at(&[(TEAM, 4)]);
    let effect = Effect::of(
        "workspace.sync",
        &format!(r#"{{"workspace_id":"{}"}}"#, TEAM.uuid()),
    );
    assert_eq!(effect, Effect::Sync(TEAM));
    positions.answered(effect, r#"{"seq":9,"tasks":[]}"#);
    assert_eq!(positions.take(&at(TEAM, 10)), Verdict::Next);
}

#[test]
fn a_later_page_moves_nothing() {
    let data = format!(r#"{{"workspace_id":"{}","cursor":"x"}}"#, TEAM.uuid());
    assert_eq!(Effect::of("workspace.sync", &data), Effect::None);
}

#[test]
fn a_granted_workspace_begins_at_its_seq_unless_the_welcome_had_it() {
    let workspace = json!({"id":TEAM.uuid(),"name":"T","kind":"team","version":1,
        "created_at":Timestamp(0),"updated_at":Timestamp(0)});
    let data = json!({"workspace":workspace,"role":"member","seq":7});
    let mut positions = resumed_at(&[(ME, 9)]);
    assert_eq!(
        positions.take(&event(ME, 10, "access.granted", &data)),
        Verdict::Next
    );
    assert_eq!(
        positions.last.get(&TEAM),
        None,
        "an event from before the welcome adds no stream"
    );
    positions.take(&event(ME, 11, "access.granted", &data));
    assert_eq!(positions.take(&at(TEAM, 9)), Verdict::Gap(7));
    positions.take(&event(
        ME,
        12,
        "access.lost",
        &json!({"workspace_id":TEAM.uuid(),"reason":"left"}),
    ));
    assert_eq!(positions.last.get(&TEAM), None);
}

#[test]
fn calls_that_subscribe_and_unsubscribe_are_remembered_for_the_next_connection() {
    let mut positions = Positions::new(Streams::These(vec![ME.to_string()]), None);
    positions.answered(Effect::Subscribe(TEAM, Some(3)), r#"{"seq":8,"resumed":true}"#);
    assert_eq!(
        positions.streams(),
        Streams::These(vec![ME.to_string(), TEAM.to_string()])
    );
    assert_eq!(positions.take(&at(TEAM, 4)), Verdict::Next);
    positions.answered(Effect::Unsubscribe(ME), "{}");
    assert_eq!(positions.streams(), Streams::These(vec![TEAM.to_string()]));
    assert_eq!(positions.take(&at(ME, 1)), Verdict::Unwanted);
}
