//! The audit line: what was done to the way into an account, in the server's log and under a target of its own. Sign-ins
//! tell what they did (`sign_in`); for other requests the table below and the request's parameters do (`dispatch`). Has
//! no secret, and addresses only masked. What was refused has its line in `sign_in/refused`. A person reads the same in
//! the log of their own stream.
//!
//! - `requests`   which requests of the table are events, and what they do

mod requests;

pub(super) use requests::Events;

use super::{Caller, Origin, Sender};
use crate::domain::network;
use crate::ops::users::word;
use std::sync::Arc;
use taskwire_protocol::UserId;
use taskwire_protocol::account::User;
use taskwire_protocol::frames::Actor;
use tokio::time::Instant;
use uuid::Uuid;

/// Every event, by the operation that does it, with what the line says. Their lines are written at `info`.
const EVENTS: &[(&str, &str)] = &[
    ("auth.signup", "signed up"),
    (
        SIGNUP_AGAIN,
        "somebody signed up with the address of this account; its owner was told by mail",
    ),
    ("auth.login", "signed in with the password"),
    (
        "auth.redeem_device_code",
        "signed in with a code that was approved on another device",
    ),
    ("auth.approve_device", "let a program sign in that showed a code"),
    (DEVICE_REFUSED, "refused a program that showed a code"),
    (
        REFRESH_REUSED,
        "a refresh token was used again after it was replaced; its session was ended",
    ),
    (
        "auth.first_admin",
        "became the first administrator with the link of the server",
    ),
    ("auth.logout", "signed out"),
    ("auth.logout_all", "signed out everywhere"),
    ("auth.revoke_session", "ended a session"),
    (
        "auth.change_password",
        "changed the password; all other sessions ended",
    ),
    (
        "auth.forgot_password",
        "a mail was asked for to reset the password",
    ),
    (
        "auth.reset_password",
        "reset the password by mail; all sessions ended",
    ),
    (
        "auth.resend_verification",
        "a mail was asked for to verify the address",
    ),
    ("auth.verify_email", "verified the address"),
    ("profile.change_email", "asked for another address"),
    (ADDRESS_CHANGED, "changed the address, and verified the new one"),
    ("profile.delete", "deleted the account"),
    ("api_token.create", "made an API token"),
    ("api_token.revoke", "revoked an API token"),
    ("calendar.create", "made a calendar feed"),
    ("calendar.revoke", "ended the calendar feed"),
    ("admin.user.create", "made an account"),
    ("admin.user.update", "changed an account"),
    (
        "admin.user.unlock",
        "let somebody sign in again after failed sign-ins",
    ),
    ("admin.user.delete", "deleted an account"),
    ("admin.user.sign_out", "ended all sessions of an account"),
    ("admin.kick", "closed sockets"),
    ("admin.set_role", "gave an account a role"),
    (
        "admin.reset_password",
        "set the password of an account; all sessions ended",
    ),
];

/// Written at `debug`: every program that is in use does it every few minutes.
const FREQUENT: &[(&str, &str)] = &[("auth.refresh", "exchanged a refresh token")];

/// What an operation does in some cases, under a name of its own.
pub(super) const SIGNUP_AGAIN: &str = "auth.signup.again";
pub(super) const DEVICE_REFUSED: &str = "auth.approve_device.refused";
pub(super) const REFRESH_REUSED: &str = "auth.refresh.reused";
pub(super) const ADDRESS_CHANGED: &str = "profile.email_changed";

/// A request that may become an event.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    name: &'static str,
    origin: Origin,
    request_id: Option<Arc<str>>,
    since: Instant,
}

/// Who did something, and to what.
#[derive(Clone, Debug, Default)]
pub(super) struct Deed {
    /// The account that it concerns. `None`: no account has the address that was given.
    pub(super) user: Option<UserId>,
    /// The session in which it was done, or that it began; an API token is a session of its own.
    pub(super) session: Option<Uuid>,
    /// Who did it, if it was not the account's owner.
    pub(super) actor: Option<Box<str>>,
    /// The session or API token that it concerns, if it is not the owner's own session.
    pub(super) target: Option<Uuid>,
    /// What the session is called.
    pub(super) device: Option<String>,
    /// What an administrator changed.
    pub(super) changes: Option<String>,
}

impl Deed {
    /// Something that the caller did to their own account.
    pub(super) fn of(caller: &Caller) -> Deed {
        let session = caller.session.0;
        Deed {
            user: Some(caller.user.id),
            session: Some(session).filter(|session| !session.is_nil()),
            actor: match caller.actor.actor() {
                Actor::User { id, .. } if *id == caller.user.id => None,
                Actor::User { id, .. } => Some(id.to_string().into()),
                Actor::Server => Some("server".into()),
                Actor::Operator => Some("operator".into()),
            },
            ..Deed::default()
        }
    }

    /// Something that an administrator did to this account.
    fn to(user: Option<UserId>, administrator: &Caller) -> Deed {
        Deed {
            user,
            actor: Some(administrator.user.id.to_string().into()),
            ..Deed::of(administrator)
        }
    }
}

impl Audit {
    /// A request of this sender, under way since this moment.
    pub(super) fn of(name: &'static str, sender: &Sender, since: Instant) -> Audit {
        Audit {
            name,
            origin: sender.origin.clone(),
            request_id: sender.request_id.clone(),
            since,
        }
    }

    /// Another event than the request's name says.
    pub(super) fn named(self, name: &'static str) -> Audit {
        Audit { name, ..self }
    }

    /// Writes the line. Does nothing for a request that is no event.
    pub(super) fn write(&self, deed: &Deed) {
        let is_named = |(name, _): &&(&str, &str)| *name == self.name;
        macro_rules! line {
            ($level:ident, $told:expr) => {
                tracing::$level!(
                    target: "taskwire::audit",
                    {
                        op.name = self.name,
                        user.id = deed.user.map(tracing::field::display),
                        session.id = deed.session.map(tracing::field::display),
                        actor = deed.actor.as_deref(),
                        target.id = deed.target.map(tracing::field::display),
                        device = deed.device.as_deref(),
                        changes = deed.changes.as_deref(),
                        client = self.origin.client.as_deref(),
                        address = self.origin.address.map(network::masked),
                        request.id = self.request_id.as_deref(),
                        duration_ms = self.since.elapsed().as_millis() as u64,
                    },
                    "{}",
                    $told
                )
            };
        }
        if let Some((_, told)) = EVENTS.iter().find(is_named) {
            line!(info, told);
        } else if let Some((_, told)) = FREQUENT.iter().find(is_named) {
            line!(debug, told);
        }
    }
}

/// The line about what an operator did on the command line, or the server at its start.
pub(super) fn by_operator(name: &'static str, by: &Actor, user: &User) {
    let actor: &str = match by {
        Actor::Server => "server",
        Actor::Operator | Actor::User { .. } => "operator",
    };
    let deed = Deed {
        user: Some(user.id),
        actor: Some(actor.into()),
        changes: Some(format!("role={}", word(&user.role))),
        ..Deed::default()
    };
    Audit::of(name, &Sender::default(), Instant::now()).write(&deed);
}
