//! What an operator does to accounts and to the database from the command line. Changes of accounts are logged like
//! every mutation, so that sockets on running instances learn of them.

use super::{Caller, Chore, Engine, accounts, audit};
use crate::auth::passwords::{Asker, check_new};
use crate::domain::account as rules;
use crate::ops::admin::ResetPassword;
use crate::ops::not_found;
use crate::store::users::Account;
use crate::store::{StoreError, Transaction, epoch};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use taskwire_protocol::account::{GlobalRole, User};
use taskwire_protocol::admin::{CreateUser, UpdateUser};
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{Failure, Operation as _, SessionId};
use uuid::Uuid;

impl Engine {
    /// Gives an account a global role.
    pub async fn set_role(&self, email: &str, role: GlobalRole) -> Result<User, Failure> {
        let account = self.account(email).await?;
        let caller = accounts::on_behalf(&account, SessionId(Uuid::nil()), Actor::Operator);
        let change = UpdateUser {
            id: account.user.id,
            role: Some(role),
            is_active: None,
            plan: None,
            name: None,
            email: None,
        };
        let user = self.act(caller, change).await?;
        audit::by_operator("admin.set_role", &Actor::Operator, &user);
        Ok(user)
    }

    /// Gives an account a new password, and ends its sessions.
    pub async fn reset_password(&self, email: &str, password: &SecretString) -> Result<User, Failure> {
        let account = self.account(email).await?;
        let user = &account.user;
        check_new(
            password.expose_secret(),
            &[&*user.email, &*user.name, &*user.username],
        )?;
        let hash = self
            .0
            .passwords
            .hash(password.clone(), Asker::server())
            .await?
            .into();
        let caller = accounts::on_behalf(&account, SessionId(Uuid::nil()), Actor::Operator);
        let user = self.act(caller, ResetPassword { hash }).await?;
        audit::by_operator("admin.reset_password", &Actor::Operator, &user);
        Ok(user)
    }

    /// Makes an account. Its address counts as verified, and gives the name when none is given.
    pub async fn create_account(
        &self,
        email: &str,
        name: Option<&str>,
        role: GlobalRole,
        password: &SecretString,
    ) -> Result<User, Failure> {
        let name = name.map_or_else(|| rules::name_from(email), str::to_owned);
        let user = self
            .make_account(email, &name, role, password, Actor::Operator)
            .await?;
        audit::by_operator(CreateUser::NAME, &Actor::Operator, &user);
        Ok(user)
    }

    /// The owner of an account as a caller who acts in their own name, without a session.
    pub async fn in_the_name_of(&self, email: &str) -> Result<Arc<Caller>, Failure> {
        let account = self.account(email).await?;
        Ok(accounts::caller(&account, SessionId(Uuid::nil())))
    }

    /// Begins a new epoch. Running instances end. After their restart, clients sync from the start.
    pub async fn new_epoch(&self) -> Result<(), Failure> {
        let made = self.0.ids.next();
        self.chore(NewEpoch(made)).await
    }

    async fn account(&self, email: &str) -> Result<Account, Failure> {
        let found = self.find_account(email).await?;
        found.ok_or_else(|| not_found("account").at("email"))
    }
}

struct NewEpoch(Uuid);

impl Chore for NewEpoch {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        epoch::replace(tx, &self.0.to_string()).await
    }
}
