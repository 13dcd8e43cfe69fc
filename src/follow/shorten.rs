//! Makes a `welcome` as short as a frame, however many streams it would list. What it leaves out can be asked for.

use std::io::{self, Write};

use serde::Serialize;
use taskwire_protocol::StreamId;
use taskwire_protocol::frames::{StreamState, Welcome};
use taskwire_protocol::stream::Reason;

/// A `welcome` may always be this long, in bytes.
const LEAST: usize = 64 * 1024;
/// The rest of its frame: the type, and the longest id of a request.
const ENVELOPE: usize = 512;
/// So many streams keep their workspace as long as there are others to leave out.
const NAMED: usize = 64;
/// JSON writes a character in at most so many times its bytes.
const ESCAPED: usize = 6;

/// Shortens a welcome to a frame of so many bytes. `leave` ends the subscriptions to streams that are then not listed.
pub(super) fn shorten(welcome: &mut Welcome, frame_bytes: usize, leave: impl FnMut(StreamId)) {
    let most = frame_bytes.max(LEAST) - ENVELOPE;
    // almost always it is much shorter, and needs no measuring
    if at_most(welcome) > most {
        shorten_to(welcome, most, leave);
    }
}

fn shorten_to(welcome: &mut Welcome, most: usize, mut leave: impl FnMut(StreamId)) {
    let states = std::mem::take(&mut welcome.streams);
    welcome.more = Some(states.len() as u64);
    let states: Vec<_> = states.into_iter().map(measured).map(Some).collect();
    let of_states: usize = states.iter().flatten().map(|(_, own)| own).sum();
    let mut list = List {
        length: length_of(welcome) + of_states,
        states,
        most,
        more: 0,
    };
    let own_stream = StreamId::from(welcome.user.id).to_string();
    list.strip(|_, state| !is_followed(state));
    list.strip(|at, _| at >= NAMED);
    list.cut(|state| !is_followed(state) && state.stream != own_stream, |_| {});
    list.strip(|_, _| true);
    list.cut(|state| state.stream != own_stream, &mut leave);
    welcome.streams = list
        .states
        .into_iter()
        .flatten()
        .map(|(state, _)| state)
        .collect();
    welcome.more = (list.more > 0).then_some(list.more);
}

/// The streams of a welcome that is too long, each with its length; `None` for one that is left out.
struct List {
    states: Vec<Option<(StreamState, usize)>>,
    /// Of the whole welcome.
    length: usize,
    most: usize,
    more: u64,
}

impl List {
    /// Leaves out the workspaces of some streams, from the last one on, until it is short enough.
    fn strip(&mut self, which: impl Fn(usize, &StreamState) -> bool) {
        for (at, state) in self.states.iter_mut().enumerate().rev() {
            let Some((state, own)) = state else { continue };
            if self.length > self.most && which(at, state) && state.workspace.take().is_some() {
                let before = std::mem::replace(own, length_in_list(state));
                self.length -= before - *own;
            }
        }
    }

    /// Leaves out some streams, from the last one on, until it is short enough.
    fn cut(&mut self, which: impl Fn(&StreamState) -> bool, mut leave: impl FnMut(StreamId)) {
        for state in self.states.iter_mut().rev() {
            if self.length > self.most
                && let Some((state, own)) = state.take_if(|(state, _)| which(state))
            {
                self.length -= own;
                self.more += 1;
                if let Ok(stream) = state.stream.parse() {
                    leave(stream);
                }
            }
        }
    }
}

fn is_followed(state: &StreamState) -> bool {
    !matches!(state.reason, Some(Reason::NoAccess | Reason::Limit))
}

fn measured(state: StreamState) -> (StreamState, usize) {
    let length = length_in_list(&state);
    (state, length)
}

/// With the comma.
fn length_in_list(state: &StreamState) -> usize {
    length_of(state) + 1
}

/// The length of a value as JSON.
fn length_of(value: &impl Serialize) -> usize {
    let mut counted = Counted(0);
    // counting bytes does not fail, and neither does a welcome as JSON
    let _ = serde_json::to_writer(&mut counted, value);
    counted.0
}

struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A length that a welcome does not exceed.
fn at_most(welcome: &Welcome) -> usize {
    /// Names of fields, numbers, ids, times and what else is short.
    const FIELDS: usize = 2048;
    const FIELDS_OF_STATE: usize = 256;
    let user = &welcome.user;
    let texts = [&*user.name, &*user.email, &*user.username, &*user.timezone];
    let photo = user.photo_url.as_ref().map_or(0, |url| url.len());
    let texts = texts.iter().map(|text| text.len()).sum::<usize>() + photo + welcome.server.instance.len();
    let preferences = if user.preferences.is_empty() {
        0
    } else {
        length_of(&user.preferences)
    };
    let state = |state: &StreamState| {
        let name = state
            .workspace
            .as_ref()
            .map_or(0, |workspace| workspace.name.len());
        (state.stream.len() + name) * ESCAPED + FIELDS_OF_STATE
    };
    FIELDS + texts * ESCAPED + preferences + welcome.streams.iter().map(state).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use taskwire_protocol::frames::StreamWorkspace;
    use taskwire_protocol::member::Role;
    use taskwire_protocol::workspace::WorkspaceKind;
    use taskwire_protocol::{UserId, WorkspaceId};
    use uuid::Uuid;

    fn own() -> StreamId {
        UserId(Uuid::from_u128(1)).into()
    }

    fn welcome(preferences: usize, streams: Vec<StreamState>) -> Welcome {
        let user = json!({
            "id": Uuid::from_u128(1), "username": "ada", "name": "Ada", "email": "ada@example.com", "role": "user",
            "plan": "free", "is_active": true, "is_verified": true, "timezone": "UTC",
            "preferences": { "text": "x".repeat(preferences) }, "photo_url": null, "version": 1,
            "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z",
        });
        let welcome = json!({
            "protocol": 1, "revision": 1, "epoch": "e", "user": user, "heartbeat_ms": 25000, "streams": [],
            "server": { "name": "taskwire", "version": "0", "instance": "i", "time": "2026-01-01T00:00:00.000Z" },
            "session": { "id": Uuid::from_u128(2), "expires_at": "2026-01-01T00:00:00.000Z" },
            "limits": { "frame_bytes": 1, "in_flight": 1, "batch": 1, "streams": 1, "ops_per_second": 1, "burst": 1 },
        });
        let welcome: Welcome = serde_json::from_value(welcome).expect("a welcome");
        Welcome { streams, ..welcome }
    }

    fn state(n: u128, name: &str, reason: Option<Reason>) -> StreamState {
        let id = WorkspaceId(Uuid::from_u128(n));
        StreamState {
            stream: StreamId::from(id).to_string(),
            seq: 7,
            resumed: reason.is_none(),
            reason,
            workspace: Some(StreamWorkspace {
                id,
                name: name.into(),
                kind: WorkspaceKind::Team,
                role: Role::Owner,
            }),
        }
    }

    #[test]
    fn what_is_short_stays_whole() {
        let streams = (0..256).map(|n| state(n, "A workspace", None)).collect();
        let mut short = welcome(0, streams);
        let before = short.clone();
        shorten(&mut short, 1 << 20, |_| panic!("nothing is left"));
        assert_eq!(short, before);
    }

    #[test]
    fn names_go_first_and_then_what_is_not_followed() {
        let followed = (1..=256).map(|n| state(n, &"\u{1F600}".repeat(100), None));
        let others = (257..=700).map(|n| state(n, &"\u{1F600}".repeat(100), Some(Reason::Limit)));
        let mut long = welcome(16_000, followed.chain(others).collect());
        shorten(&mut long, 1024, |_| panic!("what is followed fits"));
        assert!(length_of(&long) + ENVELOPE <= LEAST);
        let is_listed = |state: &&StreamState| is_followed(state);
        assert_eq!(long.streams.iter().filter(is_listed).count(), 256);
        assert_eq!(
            long.streams.len() as u64 + long.more.expect("some are not listed"),
            700
        );
        assert!(long.streams[0].workspace.is_some() && long.streams[100].workspace.is_none());
    }

    proptest! {
        #[test]
        fn a_welcome_is_never_longer_than_a_frame_and_says_what_it_leaves_out(
            preferences in 0usize..16_384,
            states in proptest::collection::vec((0usize..400, 0u8..3, any::<bool>()), 0..2500),
        ) {
            let mut streams = vec![StreamState { stream: own().to_string(), workspace: None, ..state(0, "", None) }];
            for (n, (name, reason, escaped)) in states.iter().enumerate() {
                let reason = [None, Some(Reason::Limit), Some(Reason::NoAccess)][usize::from(*reason)];
                let name = if *escaped { "\"" } else { "x" }.repeat(*name);
                streams.push(state(n as u128, &name, reason));
            }
            let asked = streams.len() as u64;
            let mut shortened = welcome(preferences, streams.clone());
            prop_assert!(length_of(&shortened) <= at_most(&shortened));
            let mut left = 0;
            shorten(&mut shortened, 65_536, |_| left += 1);
            prop_assert!(length_of(&shortened) + ENVELOPE <= 65_536);
            prop_assert_eq!(shortened.streams.len() as u64 + shortened.more.unwrap_or(0), asked);
            prop_assert_eq!(&shortened.streams[0].stream, &own().to_string());
            let followed = |states: &[StreamState]| states.iter().filter(|state| is_followed(state)).count();
            prop_assert_eq!(followed(&shortened.streams) + left, followed(&streams));
        }
    }
}
