//! `auth.signup`: makes an account and its first session.

use super::{SignIn, Signed};
use crate::auth::limits::Limit;
use crate::domain::account as rules;
use crate::engine::accounts::{caller, check_fields};
use crate::engine::{Engine, Sender};
use crate::ops::accounts::OpenAccount;
use crate::store::codes::Purpose;
use taskwire_protocol::Failure;
use taskwire_protocol::account::{SignUp, Tokens};

impl SignIn for SignUp {
    type Output = Tokens;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Tokens>, Failure> {
        let username = self.username.as_deref().map(rules::username).transpose()?;
        // what is refused anyway does not count
        check_fields(
            &self.email,
            &self.name,
            username.as_deref(),
            self.password.expose(),
        )?;
        if let Some(address) = sender.origin.address {
            engine.limits().take(Limit::SignUps, address).await?;
        }
        let mut account = engine
            .new_account(
                &self.email,
                &self.name,
                username.as_deref(),
                self.password.into_exposed(),
            )
            .await?;
        let (session, refresh) = engine.new_session(account.user.id, self.device_name, &sender.origin)?;
        let caller = caller(&account, session.id);
        let candidates = match username {
            Some(_) => Vec::new(),
            None => OpenAccount::candidates(&account.user.email, rand::random()),
        };
        let verifies_first = engine.verifies_first();
        let open = OpenAccount {
            account: account.clone(),
            candidates,
            session: Some(session).filter(|_| !verifies_first),
            code: Some(Purpose::Verify),
        };
        if verifies_first {
            return engine.sign_up_by_mail(caller, open).await;
        }
        // the step may have chosen another candidate as the username
        account.user = engine.act(caller.clone(), open).await?;
        engine.tokens(&account, caller.session, &refresh, sender.delivery)
    }
}
