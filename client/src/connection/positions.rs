//! Where the client stands in each stream: what it tells the server when it comes back, and whether the next event
//! is the one that has to come. Pure: does not touch the socket.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use taskwire_protocol::{
    Operation as _, StreamId, WorkspaceId,
    account::{Resume, Streams, SyncUser},
    events::{self, EventType},
    frames::{EventFrame, Welcome},
    stream::{Reason, Subscribe, Subscribed, Unsubscribe},
    workspace::{AccessGranted, AccessLost, SyncWorkspace},
};

/// What an answer changes about the streams that the socket follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    None,
    /// The first page of a snapshot: the stream goes on after its `seq`.
    Sync(StreamId),
    SyncUser,
    Subscribe(StreamId, Option<u64>),
    Unsubscribe(StreamId),
}

impl Effect {
    /// Of a request with this name and these parameters. What cannot be read has none: the server will refuse it.
    pub(super) fn of(name: &str, data: &str) -> Effect {
        let effect = match name {
            SyncWorkspace::NAME => serde_json::from_str::<SyncWorkspace>(data)
                .ok()
                .filter(|sync| sync.cursor.is_none())
                .map(|sync| Effect::Sync(sync.workspace_id.into())),
            SyncUser::NAME => Some(Effect::SyncUser),
            Subscribe::NAME => serde_json::from_str::<Subscribe>(data)
                .ok()
                .map(|subscribe| Effect::Subscribe(subscribe.stream, subscribe.since)),
            Unsubscribe::NAME => serde_json::from_str::<Unsubscribe>(data)
                .ok()
                .map(|unsubscribe| Effect::Unsubscribe(unsubscribe.stream)),
            _ => None,
        };
        effect.unwrap_or(Effect::None)
    }
}

/// What an event is, seen from its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Next,
    /// It was here before.
    Duplicate,
    /// Events after this one are missing.
    Gap(u64),
    /// The program unsubscribed.
    Unwanted,
}

pub(super) struct Positions {
    /// As the program wants it.
    wanted: Streams,
    epoch: String,
    last: BTreeMap<StreamId, u64>,
    /// Subscribed and unsubscribed by calls, on top of what was wanted.
    joined: BTreeSet<StreamId>,
    left: BTreeSet<StreamId>,
    /// The user's stream and its head when the connection began: memberships up to there are in the `welcome`.
    user: Option<(StreamId, u64)>,
}

impl Positions {
    pub(super) fn new(wanted: Streams, resume: Option<Resume>) -> Positions {
        let resume = resume.unwrap_or_default();
        let positions = resume.positions.iter();
        Positions {
            wanted,
            epoch: resume.epoch,
            last: positions
                .filter_map(|(stream, seq)| Some((stream.parse().ok()?, *seq)))
                .collect(),
            joined: BTreeSet::new(),
            left: BTreeSet::new(),
            user: None,
        }
    }

    /// For `auth`.
    pub(super) fn streams(&self) -> Streams {
        let Streams::These(wanted) = &self.wanted else {
            return self.wanted.clone();
        };
        let mut names: BTreeSet<String> = wanted.iter().cloned().collect();
        names.extend(self.joined.iter().map(StreamId::to_string));
        for left in &self.left {
            names.remove(&left.to_string());
        }
        Streams::These(names.into_iter().collect())
    }

    /// For `auth`.
    pub(super) fn resume(&self) -> Option<Resume> {
        let positions = self.last.iter();
        (!self.epoch.is_empty()).then(|| Resume {
            epoch: self.epoch.clone(),
            positions: positions
                .map(|(stream, seq)| (stream.to_string(), *seq))
                .collect(),
        })
    }

    /// A connection begins; the streams that the program has to sync.
    pub(super) fn welcome(&mut self, welcome: &Welcome) -> Vec<(StreamId, Reason)> {
        if self.epoch != welcome.epoch {
            self.epoch.clone_from(&welcome.epoch);
            self.last.clear();
        }
        let user = StreamId::User(welcome.user.id);
        self.user = Some((user, 0));
        // What the welcome does not list is no longer the user's: its position goes.
        let before = std::mem::take(&mut self.last);
        let mut to_sync = Vec::new();
        for state in &welcome.streams {
            let Ok(stream) = state.stream.parse::<StreamId>() else {
                continue;
            };
            if self.left.contains(&stream) {
                continue;
            }
            if stream == user {
                self.user = Some((user, state.seq));
            }
            match state.reason {
                Some(reason @ (Reason::NoAccess | Reason::Limit)) => {
                    self.joined.remove(&stream);
                    to_sync.push((stream, reason));
                }
                _ if state.resumed => {
                    let seq = before.get(&stream).copied().unwrap_or(state.seq);
                    self.last.insert(stream, seq);
                }
                reason => {
                    self.last.insert(stream, state.seq);
                    to_sync.push((stream, reason.unwrap_or(Reason::Unknown)));
                }
            }
        }
        to_sync
    }

    /// Streams that `"all"` brought back although the program had left them.
    pub(super) fn to_leave(&self, welcome: &Welcome) -> Vec<StreamId> {
        let streams = welcome.streams.iter();
        streams
            .filter_map(|state| state.stream.parse().ok())
            .filter(|stream| self.left.contains(stream))
            .collect()
    }

    /// Judges an event by its place, and takes the next one.
    pub(super) fn take(&mut self, frame: &EventFrame) -> Verdict {
        if self.left.contains(&frame.stream) {
            return Verdict::Unwanted;
        }
        match self.last.get_mut(&frame.stream) {
            Some(last) if frame.seq <= *last => return Verdict::Duplicate,
            Some(last) if frame.seq > *last + 1 => return Verdict::Gap(*last),
            Some(last) => *last = frame.seq,
            None => {
                self.last.insert(frame.stream, frame.seq);
            }
        }
        self.follow_access(frame);
        Verdict::Next
    }

    /// The socket joins and leaves workspaces by itself when the user's stream says so.
    fn follow_access(&mut self, frame: &EventFrame) {
        let Some((user, head)) = self.user else { return };
        if frame.stream != user || frame.seq <= head {
            return;
        }
        let data = frame.data.get();
        if frame.event == events::AccessGranted::NAME && matches!(self.wanted, Streams::All(_)) {
            if let Ok(granted) = serde_json::from_str::<AccessGranted>(data) {
                let stream = StreamId::Workspace(granted.workspace.id);
                self.last.entry(stream).or_insert(granted.seq);
            }
        } else if frame.event == events::AccessLost::NAME
            && let Ok(lost) = serde_json::from_str::<AccessLost>(data)
        {
            self.forget(lost.workspace_id);
        }
    }

    fn forget(&mut self, workspace: WorkspaceId) {
        let stream = StreamId::Workspace(workspace);
        self.last.remove(&stream);
        self.joined.remove(&stream);
        self.left.remove(&stream);
    }

    /// A call was done.
    pub(super) fn answered(&mut self, effect: Effect, data: &str) {
        #[derive(Deserialize)]
        struct Snapshot {
            seq: u64,
        }
        let (stream, seq) = match effect {
            Effect::None => return,
            Effect::Unsubscribe(stream) => {
                self.last.remove(&stream);
                self.joined.remove(&stream);
                self.left.insert(stream);
                return;
            }
            Effect::Sync(stream) => (Some(stream), serde_json::from_str(data).map(|s: Snapshot| s.seq)),
            Effect::SyncUser => (
                self.user.map(|(user, _)| user),
                serde_json::from_str(data).map(|s: Snapshot| s.seq),
            ),
            Effect::Subscribe(stream, since) => (
                Some(stream),
                serde_json::from_str(data).map(|done: Subscribed| match since {
                    Some(since) if done.resumed => since,
                    _ => done.seq,
                }),
            ),
        };
        if let (Some(stream), Ok(seq)) = (stream, seq) {
            self.last.insert(stream, seq);
            self.left.remove(&stream);
            self.joined.insert(stream);
        }
    }
}

#[cfg(test)]
mod tests {
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

    fn standing(positions: &[(StreamId, u64)]) -> Positions {
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
        let mut positions = standing(&[(TEAM, 4)]);
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
        let mut positions = standing(&[(TEAM, 4)]);
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
        let mut positions = standing(&[(ME, 9)]);
        assert_eq!(
            positions.take(&event(ME, 10, "access.granted", &data)),
            Verdict::Next
        );
        assert_eq!(
            positions.last.get(&TEAM),
            None,
            "an event of before the welcome joins nothing"
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
}
