//! Finds the event frames that the server itself acts on: access was granted or lost, a session ended, an account
//! changed. Finds a frame's event name without parsing the frame, and parses only the payloads of those few. Does not
//! know what a reader does about them.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use taskwire_protocol::events::{self, EventEntry, EventType};
use taskwire_protocol::{SessionId, UserId, WorkspaceId};

/// An event in the user's own stream that the reader acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The user may read a workspace from `seq` on: join it when the socket follows all streams.
    Granted {
        workspace: WorkspaceId,
        /// The head of its stream when access was granted.
        seq: u64,
    },
    /// The user may no longer read a workspace. Its cursor has been removed already.
    Lost { workspace: WorkspaceId },
    /// A session or an API token of the user ended: this reader's or another one.
    SessionRevoked { session: SessionId },
    /// The account changed, or may have. Check again whether it and the session are still active, and what the account
    /// may do.
    AccountChanged,
}

/// The fields of `access.granted` that are needed. The others are not parsed: another version of the server may have
/// written the frame, with other fields in its workspace.
#[derive(Deserialize)]
struct Granted {
    workspace: GrantedWorkspace,
    seq: u64,
}

#[derive(Deserialize)]
struct GrantedWorkspace {
    id: WorkspaceId,
}

impl Control {
    /// Reads the control in a frame of the user's own stream; `None` for most frames.
    pub(crate) fn read(frame: &str) -> Option<Control> {
        match event_name(frame)? {
            events::AccessGranted::NAME => {
                let granted: Granted = data(frame)?;
                Some(Control::Granted {
                    workspace: granted.workspace.id,
                    seq: granted.seq,
                })
            }
            events::AccessLost::NAME => {
                let lost = payload::<events::AccessLost>(frame)?;
                Some(Control::Lost {
                    workspace: lost.workspace_id,
                })
            }
            events::SessionRevoked::NAME => {
                let revoked = payload::<events::SessionRevoked>(frame)?;
                Some(Control::SessionRevoked { session: revoked.id })
            }
            events::ApiTokenRevoked::NAME => {
                let revoked = payload::<events::ApiTokenRevoked>(frame)?;
                let session = SessionId(revoked.id.0); // as its callers have it
                Some(Control::SessionRevoked { session })
            }
            events::ProfileUpdated::NAME => Some(Control::AccountChanged),
            _ => None,
        }
    }

    /// Whether it takes effect at once, even if a slow client has not received the frames before it.
    pub(crate) fn is_urgent(self) -> bool {
        matches!(self, Control::SessionRevoked { .. } | Control::AccountChanged)
    }
}

/// The user who loses access to a workspace by this frame of its stream.
pub(crate) fn removed_member(frame: &str) -> Option<UserId> {
    let entry = entry(frame).filter(|entry| entry.effects.ends_access)?;
    readable((entry.loses_access)(data::<&RawValue>(frame)?)).flatten()
}

/// Whether an entry of a user's own stream may concern their account, sessions or memberships. True for an event that
/// is not in the table.
pub(crate) fn concerns_accounts(frame: &str) -> bool {
    entry(frame).is_none_or(|entry| entry.effects.accounts)
}

/// Whether earlier entries of the stream were rewritten together with this one.
pub(crate) fn rewrites_past(frame: &str) -> bool {
    entry(frame).is_some_and(|entry| entry.effects.rewrites_past)
}

/// The frame's row of the table of events.
fn entry(frame: &str) -> Option<&'static EventEntry> {
    EventEntry::find(event_name(frame)?)
}

/// Finds the event's name without parsing the frame. Only `type`, `stream` and `seq` precede it; their values have no
/// comma.
fn event_name(frame: &str) -> Option<&str> {
    let stream = frame.strip_prefix(r#"{"type":"event","stream":""#)?;
    let (_, seq) = stream.split_once(',')?;
    let (_, event) = seq.split_once(',')?;
    let (name, _) = event.strip_prefix(r#""event":""#)?.split_once('"')?;
    Some(name)
}

fn payload<E: EventType>(frame: &str) -> Option<E::Payload>
where
    E::Payload: DeserializeOwned,
{
    data(frame)
}

/// A frame's payload.
fn data<'a, T: Deserialize<'a>>(frame: &'a str) -> Option<T> {
    /// The payload's place in a frame.
    #[derive(Deserialize)]
    struct Carried<T> {
        data: T,
    }
    readable(serde_json::from_str::<Carried<T>>(frame)).map(|carried| carried.data)
}

fn readable<T>(read: serde_json::Result<T>) -> Option<T> {
    read.inspect_err(|error| {
        tracing::error!(error.message = %error, "an event in the log does not match the contract");
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn frame(event: &str, data: &str) -> String {
        let user = UserId(Uuid::from_u128(1));
        format!(
            r#"{{"type":"event","stream":"user:{user}","seq":7,"event":"{event}","at":"2026-01-01T00:00:00.000Z","actor":null,"data":{data}}}"#
        )
    }

    #[test]
    fn control_is_read_from_frames() {
        let id = Uuid::from_u128(5);
        let granted = frame(
            "access.granted",
            &format!(
                r#"{{"workspace":{{"id":"{id}","name":"x","kind":"team","role":"member","version":1,"created_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}},"role":"member","seq":9}}"#
            ),
        );
        assert_eq!(
            Control::read(&granted),
            Some(Control::Granted {
                workspace: WorkspaceId(id),
                seq: 9
            })
        );
        let lost = frame(
            "access.lost",
            &format!(r#"{{"workspace_id":"{id}","reason":"left"}}"#),
        );
        assert_eq!(
            Control::read(&lost),
            Some(Control::Lost {
                workspace: WorkspaceId(id)
            })
        );
        let revoked = frame("session.revoked", &format!(r#"{{"id":"{id}"}}"#));
        assert_eq!(
            Control::read(&revoked),
            Some(Control::SessionRevoked {
                session: SessionId(id)
            })
        );
        let revoked = frame("api_token.revoked", &format!(r#"{{"id":"{id}"}}"#));
        assert_eq!(
            Control::read(&revoked),
            Some(Control::SessionRevoked {
                session: SessionId(id)
            })
        );
        assert_eq!(
            Control::read(&frame("profile.updated", "{}")),
            Some(Control::AccountChanged)
        );
        let removed = frame("member.removed", &format!(r#"{{"user_id":"{id}"}}"#));
        assert_eq!(removed_member(&removed), Some(UserId(id)));
    }

    #[test]
    fn notifications_do_not_concern_accounts() {
        use taskwire_protocol::events::EVENTS;
        let others = EVENTS
            .iter()
            .filter(|event| concerns_accounts(&frame(event.name, "{}")));
        let prefixes: Vec<&str> = others.filter_map(|event| event.name.split('.').next()).collect();
        for kind in ["access", "profile", "session", "member", "workspace"] {
            assert!(prefixes.contains(&kind), "{kind}");
        }
        assert!(!prefixes.contains(&"notification"));
        assert!(concerns_accounts(&frame("of.a.newer.server", "{}")));
        let text = r#"{"title":"x\",\"event\":\"notification.created","event":"notification.created"}"#;
        assert!(concerns_accounts(&frame("access.lost", text)));
        assert!(concerns_accounts("not a frame"));
    }

    #[test]
    fn text_in_a_payload_is_not_read_as_an_event_name() {
        let title = r#"{"title":"x\",\"event\":\"access.lost","event":"access.lost"}"#;
        assert_eq!(Control::read(&frame("task.created", title)), None);
        assert_eq!(Control::read("not a frame"), None);
    }
}
