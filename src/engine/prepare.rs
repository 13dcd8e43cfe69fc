//! Mutations that need work before they enter the writers' lane: a password to hash, a lock to end. A caller who may
//! not do them is refused before that work. They cannot be part of a batch.

use super::authorize::authorize;
use super::{Caller, Engine, Reply};
use crate::auth::passwords::Asker;
use crate::ops::accounts::OpenAccount;
use crate::ops::users::MakeUser;
use crate::ops::{Decide, Mutation, Target, not_found};
use crate::store::codes::Purpose;
use crate::store::users;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use taskwire_protocol::account::UpdateProfile;
use taskwire_protocol::admin::{CreateUser, UnlockUser};
use taskwire_protocol::invite::{AcceptInvite, CreateInvite, RevokeInvite};
use taskwire_protocol::{Failure, OpId, Operation, Request, Secret};

/// Mutations of a batch that make it wait.
const WAIT: [&str; 4] = [
    UpdateProfile::NAME,
    CreateInvite::NAME,
    AcceptInvite::NAME,
    RevokeInvite::NAME,
];

/// Whether a request waits for something before it takes its place in the lane's queue: for a limit, for its preparation, for
/// tasks to leave a project, or for the workspace of an invitation. Later mutations of its socket must not overtake it.
pub fn waits_before_the_lane(request: &Request) -> bool {
    match request {
        Request::UpdateProfile(_)
        | Request::CreateUser(_)
        | Request::UnlockUser(_)
        | Request::CreateInvite(_)
        | Request::AcceptInvite(_)
        | Request::RevokeInvite(_)
        | Request::DeleteProject(_) => true,
        Request::Batch(batch) => batch.ops.iter().any(|op| WAIT.contains(&&*op.r#type)),
        _ => false,
    }
}

type Prepared = Result<Box<dyn Decide>, Failure>;

/// A mutation before its preparation.
pub(super) trait Prepare: Operation {
    /// Does the work, and returns the mutation.
    fn prepare(self, engine: &Engine) -> impl Future<Output = Prepared> + Send;
}

/// A mutation of any type before its preparation.
pub(super) trait DynPrepare: Send + Sync {
    fn prepare(
        self: Box<Self>,
        engine: Engine,
        caller: Arc<Caller>,
    ) -> Pin<Box<dyn Future<Output = Prepared> + Send>>;
}

impl<P: Prepare> DynPrepare for P {
    fn prepare(
        self: Box<Self>,
        engine: Engine,
        caller: Arc<Caller>,
    ) -> Pin<Box<dyn Future<Output = Prepared> + Send>> {
        Box::pin(async move {
            let store = &engine.0.store;
            authorize(store, &caller, P::ACCESS, Target::Own).await?;
            Prepare::prepare(*self, &engine).await
        })
    }
}

impl Prepare for CreateUser {
    async fn prepare(mut self, engine: &Engine) -> Prepared {
        let given = self.password.take();
        // without a password, the person sets one by the code of a mail, and proves the address with it
        let code = given.is_none().then_some(Purpose::Reset);
        let password = given.map_or_else(unknown, Secret::into_exposed);
        let mut account = engine
            .new_account(&self.email, &self.name, None, password, Asker::server())
            .await?;
        account.user.is_verified = code.is_none();
        account.user.role = self.role.unwrap_or_default();
        account.user.plan = self.plan.unwrap_or_default();
        let candidates = OpenAccount::candidates(&account.user.email, rand::random());
        let session = None;
        let open = OpenAccount {
            account,
            candidates,
            session,
            code,
        };
        Ok(Box::new(MakeUser { asked: self, open }))
    }
}

/// A password that nobody knows.
fn unknown() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

impl Prepare for UnlockUser {
    async fn prepare(self, engine: &Engine) -> Prepared {
        let (store, id) = (engine.0.store.clone(), self.id);
        let found = super::spawned(async move { users::find(&mut store.read().await?, id).await }).await?;
        let account = found.ok_or_else(|| not_found("account").at("id"))?;
        engine.0.limits.unlock(&account.user.email).await;
        Ok(Box::new(self.check()?))
    }
}

impl Engine {
    /// Prepares a mutation, and submits it.
    pub(super) async fn prepare_and_submit(
        self,
        caller: Arc<Caller>,
        op_id: Option<OpId>,
        prepare: Box<dyn DynPrepare>,
        request_id: Option<Arc<str>>,
    ) -> Result<Reply, Failure> {
        let decide = prepare.prepare(self.clone(), caller.clone()).await?;
        self.submit_one(caller, op_id, decide, request_id).await
    }
}
