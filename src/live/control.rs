//! What a user's own stream tells the server itself: access that came or went, sessions that ended. Reads a frame's
//! event name without parsing it, and parses the few that matter. Does not know what a socket does about them.

use serde::Deserialize;
use taskwire_protocol::{SessionId, UserId, WorkspaceId, account, events::names, member, workspace};

/// Something in the user's own stream that the socket acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The user may read a workspace from `seq` on: join it when the socket follows all streams.
    Granted {
        /// The workspace.
        workspace: WorkspaceId,
        /// The head of its stream at that moment.
        seq: u64,
    },
    /// The user may no longer read a workspace; its cursor is gone already.
    Lost {
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// A session ended, this socket's or another one of the user.
    SessionRevoked {
        /// The session.
        session: SessionId,
    },
    /// The account changed, or may have: whether it and the session are still active, and what it may do, must be
    /// asked again.
    AccountChanged,
}

/// The payload's place in a frame; the rest is passed over.
#[derive(Deserialize)]
struct Carried<T> {
    data: T,
}

/// What is needed of `access.granted`; the whole payload is for clients.
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
    /// What a frame of the user's own stream tells the server; `None` for most.
    pub(crate) fn read(frame: &str) -> Option<Control> {
        match event_name(frame)? {
            names::AccessGranted => {
                let granted: Granted = payload(frame)?;
                Some(Control::Granted {
                    workspace: granted.workspace.id,
                    seq: granted.seq,
                })
            }
            names::AccessLost => {
                let lost: workspace::AccessLost = payload(frame)?;
                Some(Control::Lost {
                    workspace: lost.workspace_id,
                })
            }
            names::SessionRevoked => {
                let revoked: account::SessionRevoked = payload(frame)?;
                Some(Control::SessionRevoked { session: revoked.id })
            }
            names::ProfileUpdated => Some(Control::AccountChanged),
            _ => None,
        }
    }

    /// Cannot wait until a slow peer has taken what precedes it.
    pub(crate) fn is_urgent(self) -> bool {
        matches!(self, Control::SessionRevoked { .. } | Control::AccountChanged)
    }
}

/// Whose access to the workspace ends with this frame of its stream.
pub(crate) fn removed_member(frame: &str) -> Option<UserId> {
    if event_name(frame)? != names::MemberRemoved {
        return None;
    }
    payload::<member::MemberRemoved>(frame).map(|removed| removed.user_id)
}

/// Whether an entry of a user's own stream may be about their account, sessions or memberships: all that is not known
/// to be about something else.
pub(crate) fn concerns_accounts(frame: &str) -> bool {
    !matches!(
        event_name(frame),
        Some(
            names::NotificationCreated
                | names::NotificationUpdated
                | names::NotificationAllRead
                | names::NotificationDeleted
        )
    )
}

/// Whether earlier entries of the stream were rewritten with this one.
pub(crate) fn rewrites_past(frame: &str) -> bool {
    event_name(frame) == Some(names::TaskPurged)
}

/// The event's name without parsing the frame: before it stand `type`, `stream` and `seq`, whose values have no comma.
fn event_name(frame: &str) -> Option<&str> {
    let stream = frame.strip_prefix(r#"{"type":"event","stream":""#)?;
    let (_, seq) = stream.split_once(',')?;
    let (_, event) = seq.split_once(',')?;
    let (name, _) = event.strip_prefix(r#""event":""#)?.split_once('"')?;
    Some(name)
}

fn payload<'a, T: Deserialize<'a>>(frame: &'a str) -> Option<T> {
    match serde_json::from_str::<Carried<T>>(frame) {
        Ok(carried) => Some(carried.data),
        Err(error) => {
            tracing::error!(error.message = %error, "an event that the server wrote is not what the contract says");
            None
        }
    }
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
    fn what_the_server_acts_on_is_found_in_frames() {
        let id = Uuid::from_u128(5);
        let granted = frame(
            "access.granted",
            &format!(r#"{{"workspace":{{"id":"{id}","name":"x"}},"role":"member","seq":9}}"#),
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
        assert_eq!(
            Control::read(&frame("profile.updated", "{}")),
            Some(Control::AccountChanged)
        );
        let removed = frame("member.removed", &format!(r#"{{"user_id":"{id}"}}"#));
        assert_eq!(removed_member(&removed), Some(UserId(id)));
    }

    #[test]
    fn only_notifications_do_not_concern_accounts() {
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
    fn a_text_that_looks_like_an_event_name_is_none() {
        let title = r#"{"title":"x\",\"event\":\"access.lost","event":"access.lost"}"#;
        assert_eq!(Control::read(&frame("task.created", title)), None);
        assert_eq!(Control::read("not a frame"), None);
    }
}
