//! What invitations need besides their rules: before a mutation takes its place in the lane, the workspace of an invitation
//! that it names, and a limit of mails; after it, the token of a link. And the steps of the jobs that show and end
//! invitations.

use super::accounts::acting_for;
use super::reply::Body;
use super::submission::Work;
use super::{Caller, Engine, Reply, spawned};
use crate::auth::limits::{Limit, Who};
use crate::ops::invites::{EndInvite, OfferInvite};
use crate::ops::{Decide, InviteName};
use crate::store::invites::{self, Place};
use crate::store::users;
use futures_util::future::join_all;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use taskwire_protocol::InviteId;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{Failure, SessionId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

/// The invitations of one step. Their mutations share groups.
const STEP: i64 = 64;

impl Engine {
    /// Finds the workspaces of the invitations that mutations name. One that names none that exists is refused in the lane,
    /// unless its op_id tells that it was done before.
    pub(super) async fn find_invites(&self, work: &mut Work) -> Result<(), Failure> {
        for decide in work.decides_mut() {
            let id = match decide.invitation() {
                None => continue,
                Some(InviteName::Id(id)) => Some(id),
                Some(InviteName::Token(token)) => self.0.codes.invited(token).map(InviteId),
            };
            let Some(id) = id else { continue };
            let store = self.0.store.clone();
            let find = async move { invites::find_workspace(&mut store.read().await?, id).await };
            if let Some(workspace) = spawned(find).await? {
                decide.found(id, workspace);
            }
        }
        Ok(())
    }

    /// Counts the mails of invitations: each inviter may send an address a few. The count does not depend on whether the
    /// address has an account.
    pub(super) async fn count_invitations(&self, caller: &Caller, work: &Work) -> Result<(), Failure> {
        for email in work.decides().filter_map(Decide::mails) {
            let who = format!("{} {email}", caller.user.id);
            self.0.limits.take(Limit::Invitations, Who::Email(&who)).await?;
        }
        Ok(())
    }

    /// Adds the token of a link to the answer that made it. The answer that an op_id remembers has none.
    pub(super) fn with_token(&self, mut reply: Reply) -> Reply {
        #[derive(Deserialize)]
        struct Made {
            id: Uuid,
        }
        if let Body::Logged(text) = &reply.body
            && let Some(Made { id }) = reply.output()
            && let Some(open) = text.strip_suffix('}')
        {
            // `data` is the last member
            let token = self.0.codes.invitation(id);
            reply.body = Body::Logged(format!("{open},\"token\":\"{}\"}}", token.expose_secret()).into());
        }
        reply
    }

    /// Looks at up to 64 invitations that name a user's address, or that are in the user's own stream and do not. Returns
    /// whether there may be more.
    pub async fn show_invites(&self, user: UserId) -> Result<bool, Failure> {
        let (store, now) = (self.0.store.clone(), Timestamp(self.0.clock.now_ms()));
        let read = async move {
            let mut reader = store.read().await?;
            let account = users::find(&mut reader, user).await?;
            let email = account.filter(|account| account.user.is_verified);
            let email = email.as_ref().map(|account| &*account.user.email);
            let mut places = invites::misshown(&mut reader, email, user, STEP).await?;
            if let Some(email) = email {
                places.extend(invites::not_shown(&mut reader, email, user, now, STEP).await?);
            }
            Ok(places)
        };
        let places = spawned(read).await?;
        let offering = places.iter().map(|(invite, workspace)| {
            let caller = acting_for(user, SessionId(self.0.ids.next()), Actor::Server);
            let (invite, workspace) = (*invite, *workspace);
            self.act::<Nothing>(caller, OfferInvite { invite, workspace })
        });
        for offered in join_all(offering).await {
            offered?;
        }
        Ok(places.len() as i64 >= STEP)
    }

    /// Ends up to 64 invitations of a workspace that was deleted. Returns whether there may be more.
    pub async fn end_invites_of(&self, workspace: WorkspaceId, by: &Actor) -> Result<bool, Failure> {
        let store = self.0.store.clone();
        let read = async move { invites::of_workspace(&mut store.read().await?, workspace, STEP).await };
        self.end_invites(spawned(read).await?, by, None).await
    }

    /// Ends up to 64 invitations that have expired. Returns whether there may be more.
    pub async fn end_expired_invites(&self) -> Result<bool, Failure> {
        let (store, now) = (self.0.store.clone(), self.0.clock.now_ms());
        let read = async move { invites::expired(&mut store.read().await?, now, STEP).await };
        self.end_invites(spawned(read).await?, &Actor::Server, None).await
    }

    /// Ends up to 64 invitations of a deleted account's address. Returns whether there may be more.
    pub async fn end_invites_to(&self, user: UserId) -> Result<bool, Failure> {
        let store = self.0.store.clone();
        let read = async move { invites::misshown(&mut store.read().await?, None, user, STEP).await };
        self.end_invites(spawned(read).await?, &Actor::Server, Some(user))
            .await
    }

    async fn end_invites(
        &self,
        places: Vec<Place>,
        by: &Actor,
        deleted: Option<UserId>,
    ) -> Result<bool, Failure> {
        let ending = places.iter().map(|(invite, workspace)| {
            // a session of its own: mutations of one session wait for each other
            let session = SessionId(self.0.ids.next());
            let end = EndInvite {
                invite: *invite,
                workspace: *workspace,
                deleted,
            };
            self.act::<Nothing>(acting_for(UserId(Uuid::nil()), session, by.clone()), end)
        });
        for ended in join_all(ending).await {
            ended?;
        }
        Ok(places.len() as i64 == STEP)
    }
}
