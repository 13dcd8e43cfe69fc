//! The limits that every way in shares (`auth/limits`), as the settings want them. Does not know what is limited.

use super::{Caller, Engine, EngineError, Sender};
use crate::auth::api_tokens;
use crate::auth::limits::{Doubt, Limits, Options, Payer, Who, units};
use crate::config::Settings;
use crate::live::redis_client;
use crate::ops::bounds::{Bounds, OfPlan};
use crate::store::Store;
use secrecy::SecretString;
use std::sync::Arc;
use taskwire_protocol::Request;

/// Instances of a deployment have the same secret, so they count under the same keys.
pub(super) fn limits(
    settings: &Settings,
    store: &Store,
    secret: &SecretString,
) -> Result<Arc<Limits>, EngineError> {
    if !settings.rate_limit_enabled {
        return Ok(Arc::new(Limits::off()));
    }
    let options = Options {
        requests: settings.rate_limit_requests,
        request_window: settings.rate_limit_window,
        strangers_per_hour: settings.strangers_per_hour,
        user_ops: (settings.user_ops_per_second, settings.user_ops_burst),
        address_ops: (settings.address_ops_per_second, settings.address_ops_burst),
    };
    let limits = Limits::new(&options, secret);
    Ok(Arc::new(match &settings.redis_url {
        Some(url) if store.is_shared() => limits.shared_by(redis_client(url)?, &settings.redis_prefix),
        _ => limits,
    }))
}

/// What the plans allow.
pub(super) fn bounds(settings: &Settings) -> Bounds {
    Bounds {
        sessions_per_user: Some(settings.sessions_per_user),
        workspaces_per_user: settings.workspaces_per_user,
        comments_per_task: settings.comments_per_task,
        subtasks_per_task: settings.subtasks_per_task,
        attachments_per_task: settings.attachments_per_task,
        members_per_workspace: settings.members_per_workspace,
        tasks_per_workspace: settings.tasks_per_workspace,
        projects_per_workspace: settings.projects_per_workspace,
        tags_per_workspace: settings.tags_per_workspace,
        invites_per_workspace: settings.invites_per_workspace,
        free: OfPlan {
            workspaces: settings.plan_free_workspaces,
            members: settings.plan_free_members,
            storage: settings.plan_free_storage_bytes,
        },
        pro: OfPlan {
            workspaces: settings.plan_pro_workspaces,
            members: settings.plan_pro_members,
            storage: settings.plan_pro_storage_bytes,
        },
    }
}

impl Engine {
    /// Charges passwords that are about to be hashed: to the user who is signed in, else to the network. To name an
    /// account must not empty the purse of its owner. Nobody is refused for it: tries of passwords have limits of their own.
    pub(super) fn charge_hashes(&self, sender: &Sender, number: u32) {
        let limits = &self.0.limits;
        let payer = match &sender.caller {
            Some(caller) => limits.user(caller.user.id),
            None => limits.network(sender.origin.address),
        };
        limits.owe(&payer, units::HASH.saturating_mul(number));
    }

    /// A token that is about to be looked at. Who leaves before the outcome pays for a wrong one, if the database is asked and
    /// memory does not know it: only an API token is not told by its own signature.
    pub fn doubt(&self, token: &str, payer: Payer) -> Doubt {
        let is_looked_up = matches!(api_tokens::read(token), Ok(Some(_)));
        let is_in_doubt = is_looked_up && self.owner_at_hand(token).is_none();
        Doubt::new(&self.0.limits, if is_in_doubt { payer } else { Payer::default() })
    }

    /// The limits. A handler takes one with `engine.limits().take(Limit::Profile, user).await?`.
    pub fn limits(&self) -> &Arc<Limits> {
        &self.0.limits
    }
}

/// By what a caller may insist on this although the user's purse is empty: it ends a session or a token, lists those that can be
/// ended, keeps the socket's own, or changes the password; and a thief may have emptied the purse. It is the session: a thief who
/// has one uses up what that one may, and the owner ends it from another, or from a new one. API tokens may do nothing of this.
pub fn insists(request: &Request, caller: &Caller) -> Option<Who<'static>> {
    let is_urgent = matches!(
        request,
        Request::LogOut(_)
            | Request::LogOutAll(_)
            | Request::ListSessions(_)
            | Request::RevokeSession(_)
            | Request::RenewAuth(_)
            | Request::ChangePassword(_)
            | Request::ListApiTokens(_)
            | Request::RevokeApiToken(_)
            | Request::RevokeCalendar(_)
            | Request::SignOutUser(_)
            | Request::Kick(_)
    );
    (is_urgent && caller.grant.is_none()).then(|| caller.session.into())
}
