//! Which requests of the table of operations are events, besides sign-ins, and whom they concern. Their parameters tell it,
//! and the answer whether it was done. Does not know what a line looks like.

use super::{Audit, Deed, EVENTS};
use crate::engine::{Caller, Reply, Sender};
use crate::ops::users::word;
use serde_json::Value;
use std::sync::Arc;
use taskwire_protocol::admin::{CreateUser, UpdateUser};
use taskwire_protocol::{Operation as _, Request, UserId};
use tokio::time::Instant;

/// The events of a request of the table that is no sign-in: one, or those in a batch.
pub(in crate::engine) struct Events {
    audit: Audit,
    /// The place in the batch, the name, and what is done if it is not refused.
    deeds: Vec<(Option<usize>, &'static str, Deed)>,
}

impl Events {
    /// `None` for a request that is no event, as most are.
    #[inline]
    pub(in crate::engine) fn of(request: &Request, sender: &Sender, since: Instant) -> Option<Arc<Events>> {
        let caller = sender.caller.as_ref()?;
        let deeds = match request {
            Request::Batch(batch) => {
                let parts = batch.ops.iter().enumerate();
                let is_event = |name: &str| EVENTS.iter().any(|(event, _)| *event == name);
                let parts = parts
                    .filter(|(_, op)| is_event(&op.r#type))
                    .filter_map(|(i, op)| {
                        let request = Request::read(&op.r#type, &op.data.text().ok()?).ok()?;
                        Some((Some(i), request.name(), deed(&request, caller)?))
                    });
                parts.collect()
            }
            request => {
                let deed = deed(request, caller)?; // before anything is allocated
                vec![(None, request.name(), deed)]
            }
        };
        (!deeds.is_empty()).then(|| {
            Arc::new(Events {
                audit: Audit::of(request.name(), sender, since),
                deeds,
            })
        })
    }

    /// Writes the lines about what was done. An answer that is repeated for its op_id did nothing.
    pub(in crate::engine) fn write(&self, reply: &Reply) {
        if reply.replayed {
            return;
        }
        let answer: Value = serde_json::from_str(&format!("{{{}}}", reply.body)).unwrap_or_default();
        for (place, name, deed) in &self.deeds {
            let answer = place.map_or(&answer, |i| &answer["data"]["results"][i]);
            if answer["error"].is_object() || answer["replayed"] == true {
                continue;
            }
            let mut deed = deed.clone();
            if *name == CreateUser::NAME {
                let id = answer["data"]["id"].as_str().and_then(|id| id.parse().ok());
                deed.user = id.map(UserId);
            }
            self.audit.clone().named(name).write(&deed);
        }
    }
}

/// What a request of the table does, if it is an event and no sign-in.
#[inline]
fn deed(request: &Request, caller: &Caller) -> Option<Deed> {
    let to = |user: UserId| Deed::to(Some(user), caller);
    Some(match request {
        Request::RevokeApiToken(asked) => Deed {
            target: Some(asked.id.0),
            ..Deed::of(caller)
        },
        Request::RevokeCalendar(_) => Deed::of(caller),
        Request::CreateUser(_) => Deed::to(None, caller),
        Request::UpdateUser(asked) => Deed {
            changes: Some(changes(asked)),
            ..to(asked.id)
        },
        Request::UnlockUser(asked) => to(asked.id),
        Request::SignOutUser(asked) => to(asked.id),
        Request::DeleteUser(asked) => to(asked.id),
        Request::Kick(asked) => Deed {
            target: asked.session_id.map(|session| session.0),
            ..Deed::to(asked.user_id, caller)
        },
        _ => return None,
    })
}

/// What an administrator asks for; of a name and an address only that they change.
fn changes(asked: &UpdateUser) -> String {
    let values = [
        asked.role.map(|role| format!("role={}", word(&role))),
        asked.is_active.map(|active| format!("is_active={active}")),
        asked.plan.map(|plan| format!("plan={}", word(&plan))),
        asked.name.as_ref().map(|_| "name".to_owned()),
        asked.email.as_ref().map(|_| "email".to_owned()),
    ];
    values.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::FREQUENT;
    use super::*;
    use taskwire_protocol::account::{GlobalRole, PublicUser};
    use taskwire_protocol::examples::Examples;
    use taskwire_protocol::operations::CATALOG;
    use taskwire_protocol::{Access, Kind, SessionId, WorkspaceId};
    use uuid::Uuid;

    /// Operations about accounts and sessions that change nothing, or nothing about the way in.
    const NO_EVENTS: [&str; 4] = ["auth", "auth.renew", "auth.sessions", "profile.update"];

    /// A new operation about accounts is in the table of events, or in the list above.
    #[test]
    fn each_operation_about_the_way_in_is_an_event() {
        let examples = Examples::new();
        let user = PublicUser {
            id: UserId(Uuid::from_u128(1)),
            username: "u".into(),
            name: "n".into(),
            photo_url: None,
        };
        let (session, personal) = (SessionId(Uuid::from_u128(2)), WorkspaceId(Uuid::nil()));
        let caller = Caller::new(user, session, GlobalRole::Admin, personal);
        for row in CATALOG.iter().filter(|row| row.kind != Kind::Query) {
            let concerns = |of: &&str| row.name == *of || row.name.starts_with(&format!("{of}."));
            let is_about = row.access == Access::ServerAdmin
                || ["auth", "api_token", "calendar", "profile"].iter().any(concerns);
            let mut all = EVENTS.iter().chain(FREQUENT);
            let is_event = all.any(|(name, _)| *name == row.name);
            let expected = is_about && !NO_EVENTS.contains(&row.name);
            assert_eq!(is_event, expected, "{}: see EVENTS", row.name);
            if is_event && row.kind != Kind::Session {
                let data = examples.of(row.name).expect("an example").printed();
                let request = Request::read(row.name, &data).expect("a request");
                assert!(deed(&request, &caller).is_some(), "{}: see `deed`", row.name);
            }
        }
    }

    #[test]
    fn what_an_administrator_changed_has_no_address() {
        let asked = serde_json::json!({
            "id": Uuid::nil(), "role": "admin", "is_active": false, "email": "ada@example.com", "name": "Ada",
        });
        let asked: UpdateUser = serde_json::from_value(asked).expect("parameters");
        assert_eq!(changes(&asked), "role=admin is_active=false name email");
    }
}
