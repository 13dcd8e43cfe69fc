//! API tokens: making, listing and revoking them. The engine makes the token itself and shows it once; only its hash
//! comes here. `grant` has what a token may do.

use super::admin::its_own;
use super::bounds::refusal;
use super::caller::targets_the_caller;
use super::notices::{Notice, tell};
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Ask, Caller, Change, DONE, Mutation, Needs, Query, Result, json, not_found, sessions};
use crate::store::api_tokens::{self, ApiTokenRecord};
use std::sync::Arc;
use taskwire_protocol::account::{
    ApiToken, ApiTokenList, ApiTokenRevoked, ApiTokenScope, Done, ListApiTokens, RevokeApiToken,
};
use taskwire_protocol::events;
use taskwire_protocol::notification::NotificationType;

decided_as_steps!(MakeApiToken);

/// Stores a new API token.
pub struct MakeApiToken {
    /// The token.
    pub token: ApiTokenRecord,
    /// How many a user may have.
    pub most: usize,
}

impl Step for MakeApiToken {
    const NAME: &'static str = "api_token.create";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.sessions.insert(caller.session);
        needs.api_tokens_of.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        // a token outlives the session that makes it, so that must not have ended meanwhile
        sessions::living(world, act)?;
        let (user, most) = (its_own(act, world)?.user.id, self.most);
        let theirs = world.api_tokens.iter().filter(|(_, token)| token.user == user);
        if theirs.count() >= most {
            let message =
                format!("a user can have at most {most} API tokens, expired ones included; revoke one");
            return Err(refusal(most as u64, "api_tokens_per_user", &message));
        }
        let made = view(&self.token);
        world.emit::<events::ApiTokenCreated>(act, user, &made)?;
        world.api_tokens.put(self.token.clone());
        let message = format!(
            "A new API token, “{}”, {}",
            self.token.name,
            describe(&self.token)
        );
        tell(
            act,
            world,
            user,
            Notice::of_account(NotificationType::Security, message),
        )?;
        Ok(json(&made)?.into())
    }
}

/// What a token may do, for people.
fn describe(token: &ApiTokenRecord) -> String {
    let verb = match token.scope {
        ApiTokenScope::Read => "reads",
        ApiTokenScope::Write => "reads and writes",
    };
    match token.workspaces.as_ref().map(|list| list.len()) {
        None => format!("{verb} in all your workspaces"),
        Some(1) => format!("{verb} in one workspace"),
        Some(n) => format!("{verb} in {n} workspaces"),
    }
}

/// A token as its owner sees it, without the token itself.
fn view(token: &ApiTokenRecord) -> ApiToken {
    ApiToken {
        id: token.id,
        name: token.name.to_string(),
        token: None,
        scope: token.scope,
        workspace_ids: token.workspaces.as_ref().map(|list| list.to_vec()),
        expires_at: token.expires_at,
        created_at: token.created_at,
        last_used_at: token.last_used_at,
    }
}

targets_the_caller!(ListApiTokens, RevokeApiToken);

impl Query for ListApiTokens {
    async fn answer(self, ask: Ask) -> Result<ApiTokenList> {
        let tokens = api_tokens::list(&mut ask.read().await?, ask.caller.user.id).await?;
        let items = tokens.iter().map(view).collect();
        Ok(ApiTokenList { items })
    }
}

impl Mutation for RevokeApiToken {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.api_tokens.insert(self.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Done>> {
        let user = act.caller.user.id;
        let found = world.api_tokens.get(self.id);
        if found.is_none_or(|token| token.user != user) {
            return Err(not_found("API token"));
        }
        let logged = world.emit::<events::ApiTokenRevoked>(act, user, &ApiTokenRevoked { id: self.id })?;
        world.api_tokens.remove(self.id);
        Ok(Change::logged(logged, DONE))
    }
}
