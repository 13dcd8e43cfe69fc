//! The client's position in each stream: what it tells the server on a reconnect, and whether an event is the next one
//! of its stream. Pure: does not touch the socket.

use super::effect::{Change, Effect};
use std::collections::{BTreeMap, BTreeSet};
use taskwire_protocol::{
    StreamId, WorkspaceId,
    account::{Resume, Streams},
    events::{self, EventType},
    frames::{EventFrame, Welcome},
    stream::Reason,
    workspace::{AccessGranted, AccessLost},
};

/// How an event relates to the position in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Next,
    /// The event arrived before.
    Duplicate,
    /// Events are missing after this `seq`.
    Gap(u64),
    /// The program unsubscribed.
    Unwanted,
}

pub(super) struct Positions {
    /// The streams of the configuration.
    wanted: Streams,
    epoch: String,
    last: BTreeMap<StreamId, u64>,
    /// Streams that calls subscribed to and unsubscribed from, on top of `wanted`.
    joined: BTreeSet<StreamId>,
    left: BTreeSet<StreamId>,
    /// The user's stream, and its head at the `welcome`: memberships up to there are in the `welcome` already.
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

    /// The streams to name in `auth`.
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

    /// The positions to resume from in `auth`.
    pub(super) fn resume(&self) -> Option<Resume> {
        let positions = self.last.iter();
        (!self.epoch.is_empty()).then(|| Resume {
            epoch: self.epoch.clone(),
            positions: positions
                .map(|(stream, seq)| (stream.to_string(), *seq))
                .collect(),
        })
    }

    /// Takes the positions of a new connection; returns the streams that the program has to sync.
    pub(super) fn welcome(&mut self, welcome: &Welcome) -> Vec<(StreamId, Reason)> {
        if self.epoch != welcome.epoch {
            self.epoch.clone_from(&welcome.epoch);
            self.last.clear();
        }
        let user = StreamId::User(welcome.user.id);
        self.user = Some((user, 0));
        // The user can no longer read a stream that the welcome does not list, so its position is dropped.
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
        if welcome.more.is_some() {
            // too many to list: they are not followed
            let listed: BTreeSet<&str> = welcome.streams.iter().map(|state| &*state.stream).collect();
            for stream in before.into_keys() {
                if !listed.contains(&*stream.to_string()) && !self.left.contains(&stream) {
                    self.joined.remove(&stream);
                    to_sync.push((stream, Reason::Limit));
                }
            }
        }
        to_sync
    }

    /// Streams that the program had unsubscribed from, and that `"all"` brought back.
    pub(super) fn to_leave(&self, welcome: &Welcome) -> Vec<StreamId> {
        let streams = welcome.streams.iter();
        streams
            .filter_map(|state| state.stream.parse().ok())
            .filter(|stream| self.left.contains(stream))
            .collect()
    }

    /// Judges an event by its `seq`; the next one moves the position.
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

    /// Adds and removes workspaces by the events of the user's stream, as the server does for the socket.
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

    /// Applies the effect of a call's answer.
    pub(super) fn answered(&mut self, effect: Effect, data: &str) {
        let own = self.user.map(|(user, _)| user);
        match effect.with_answer(own, data) {
            None => {}
            Some(Change::Left(stream)) => {
                self.last.remove(&stream);
                self.joined.remove(&stream);
                self.left.insert(stream);
            }
            Some(Change::Continues(stream, seq)) => {
                self.last.insert(stream, seq);
                self.left.remove(&stream);
                self.joined.insert(stream);
            }
        }
    }
}

#[cfg(test)]
mod tests;
