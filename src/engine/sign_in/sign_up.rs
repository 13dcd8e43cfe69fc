//! `auth.signup`: makes an account and its first session.

use super::{SignIn, Signed};
use crate::auth::limits::Limit;
use crate::auth::passwords::Asker;
use crate::domain::account as rules;
use crate::engine::accounts::{caller, check_fields};
use crate::engine::audit::Audit;
use crate::engine::{Engine, Sender};
use crate::ops::accounts::OpenAccount;
use crate::store::codes::Purpose;
use taskwire_protocol::account::{SignUp, Tokens};
use taskwire_protocol::{Failure, Operation as _};
use tokio::time::Instant;

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
        engine.charge_hashes(&sender, 1);
        let mut account = engine
            .new_account(
                &self.email,
                &self.name,
                username.as_deref(),
                self.password.into_exposed(),
                Asker::stranger(sender.origin.address),
            )
            .await?;
        let (session, refresh) = engine.new_session(account.user.id, self.device_name, &sender.origin)?;
        let (caller, device) = (caller(&account, session.id), session.device_name.clone());
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
            let audit = Audit::of(SignUp::NAME, &sender, Instant::now());
            return engine.sign_up_by_mail(caller, open, audit).await;
        }
        // the step may have chosen another candidate as the username
        account.user = engine.act(caller.clone(), open).await?;
        let tokens = engine.tokens(&account, caller.session, &refresh, sender.delivery)?;
        Ok(tokens.on(device))
    }
}
