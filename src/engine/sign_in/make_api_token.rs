//! `api_token.create`: makes the token itself, which nothing stores and no log entry shows. So its kind is `session`,
//! like a sign-in: an op_id would store the answer.

use super::{SignIn, Signed};
use crate::auth::api_tokens::NewToken;
use crate::domain::text;
use crate::engine::{Caller, Engine, Sender, spawned};
use crate::ops::api_tokens::MakeApiToken;
use crate::ops::not_found;
use crate::store::api_tokens::ApiTokenRecord;
use crate::store::workspaces;
use std::collections::BTreeSet;
use std::sync::Arc;
use taskwire_protocol::account::{ApiToken, CreateApiToken};
use taskwire_protocol::{ApiTokenId, Failure, Timestamp, WorkspaceId, limits};

impl SignIn for CreateApiToken {
    type Output = ApiToken;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<ApiToken>, Failure> {
        let caller = sender.caller()?;
        let now = Timestamp(engine.0.clock.now_ms());
        let name = text::name("name", &self.name, 1, limits::API_TOKEN_NAME)?;
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(Failure::invalid("expires_at", "expires_at must be in the future"));
        }
        let workspaces = match self.workspace_ids {
            Some(named) => Some(engine.workspaces_of(&caller, named).await?),
            None => None,
        };
        let new = NewToken::new(&mut rand::rng());
        let token = ApiTokenRecord {
            id: ApiTokenId(engine.0.ids.next()),
            user: caller.user.id,
            name: name.into(),
            hash: new.hash().hex().into(),
            scope: self.scope,
            workspaces,
            created_at: now,
            expires_at: self.expires_at,
            last_used_at: None,
        };
        let most = engine.0.api_tokens;
        let id = token.id.0;
        let made: ApiToken = engine.act(caller.clone(), MakeApiToken { token, most }).await?;
        let output = ApiToken {
            token: Some(new.reveal().into()),
            ..made
        };
        Ok(Signed::of(output).by(caller).about(id))
    }
}

impl Engine {
    /// The named workspaces, sorted; all must be the caller's. A membership that ends later ends for the token too, so it
    /// does not matter that it may end just now.
    async fn workspaces_of(
        &self,
        caller: &Caller,
        named: Vec<WorkspaceId>,
    ) -> Result<Arc<[WorkspaceId]>, Failure> {
        if named.is_empty() || named.len() > limits::API_TOKEN_WORKSPACES {
            let message = format!(
                "workspace_ids must have 1 to {} items; omit it for all workspaces",
                limits::API_TOKEN_WORKSPACES
            );
            return Err(Failure::invalid("workspace_ids", message));
        }
        let (store, user) = (self.0.store.clone(), caller.user.id);
        let theirs =
            spawned(async move { workspaces::list(&mut store.read().await?, user, None, i64::MAX).await });
        let theirs: BTreeSet<WorkspaceId> = theirs.await?.iter().map(|workspace| workspace.id).collect();
        let named: BTreeSet<WorkspaceId> = named.into_iter().collect();
        if !named.is_subset(&theirs) {
            return Err(not_found("workspace").at("workspace_ids"));
        }
        Ok(named.into_iter().collect())
    }
}
