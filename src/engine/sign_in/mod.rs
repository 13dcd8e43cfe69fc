//! Signing up, in and out, one file per operation. Passwords and tokens are checked before a step enters the writer's
//! lane; new tokens are made after it. Passwords are not hashed on the async threads.
//!
//! - `sign_up`, `log_in`, `log_out`, `change_password`, `sessions`   in the table of operations
//! - `make_api_token`, `make_calendar`   make a token for a program, and the secret of a calendar feed, likewise
//! - `device`                         whether an account knows the device that signs in
//! - `refresh`                        only over `/v1/auth/refresh`
//! - `verify_email`, `reset_password`, `ask_for_mail`   only over HTTP: with a code of a mail, and to get one; `proof`
//!   reads the code
//! - `device_code`                    only over HTTP: a program signs in with a code that its person approves elsewhere
//! - `first_admin`                    only over HTTP: the person who has the link becomes the first administrator
//! - `change_email`                   asks for another address
//! - `delete_profile`                 deletes the account
//! - `verify_first`                   signing up where addresses must be verified first
//! - `tokens`                         the pair of tokens that a session gets
//! - `refused`                        the line in the log about a sign-in that was refused; `engine/audit` has the lines
//!   about those that were not

mod ask_for_mail;
mod change_email;
mod change_password;
mod delete_profile;
mod device;
mod device_code;
pub(super) mod first_admin;
mod log_in;
mod log_out;
mod make_api_token;
mod make_calendar;
mod proof;
mod refresh;
mod refused;
mod reset_password;
mod sessions;
mod sign_up;
mod tokens;
mod verify_email;
mod verify_first;

pub use refresh::Refresh;
pub use refused::Attempt;

use super::audit::{Audit, Deed};
use super::{Answering, Caller, Engine, Reply, Sender, Then};
use crate::ops::json;
use serde::Serialize;
use std::sync::Arc;
use taskwire_protocol::Failure;
use taskwire_protocol::account::{
    ApproveDevice, ForgotPassword, RedeemDeviceCode, ResendVerification, ResetPassword, StartDevice,
    VerifyEmail,
};
use tokio::time::Instant;
use uuid::Uuid;

/// An operation that signs a user up, in or out.
pub(super) trait SignIn: Send + 'static {
    /// The output in the reply.
    type Output: Serialize + Send;

    /// The attempt that the log names if it is refused; `None` if a refusal says nothing about who may sign in.
    fn attempt(&self, _: &Sender) -> Option<Attempt> {
        None
    }

    /// Carries out the operation.
    fn carry_out(
        self,
        engine: Engine,
        sender: Sender,
    ) -> impl Future<Output = Result<Signed<Self::Output>, Failure>> + Send;
}

/// A request about the mail of an account, which only HTTP has.
#[derive(Debug)]
pub enum ByMail {
    /// Verifies an address.
    Verify(VerifyEmail),
    /// Asks for another mail to verify it.
    Resend(ResendVerification),
    /// Asks for a mail to reset the password.
    Forgot(ForgotPassword),
    /// Resets it.
    Reset(ResetPassword),
}

impl ByMail {
    /// The name in metrics and in the log, and what carries it out.
    pub(super) fn parts(self) -> (&'static str, Box<dyn DynSignIn>) {
        match self {
            ByMail::Verify(body) => (verify_email::NAME, Box::new(body)),
            ByMail::Resend(body) => (ask_for_mail::RESEND, Box::new(body)),
            ByMail::Forgot(body) => (ask_for_mail::FORGOT, Box::new(body)),
            ByMail::Reset(body) => (reset_password::NAME, Box::new(body)),
        }
    }
}

/// A request about a sign-in that another device completes, which only HTTP has.
#[derive(Debug)]
pub enum ByDevice {
    /// Asks for codes.
    Start(StartDevice),
    /// Approves a code, or refuses it.
    Approve(ApproveDevice),
    /// Exchanges a code for tokens.
    Redeem(RedeemDeviceCode),
}

impl ByDevice {
    /// The name in metrics and in the log, and what carries it out.
    pub(super) fn parts(self) -> (&'static str, Box<dyn DynSignIn>) {
        match self {
            ByDevice::Start(body) => ("auth.device", Box::new(body)),
            ByDevice::Approve(body) => ("auth.approve_device", Box::new(body)),
            ByDevice::Redeem(body) => (device_code::REDEEM, Box::new(body)),
        }
    }
}

/// The result of signing up, in or out.
pub(super) struct Signed<T> {
    output: T,
    then: Then,
    /// Whose account and session it concerns. `None` if nothing happened that the log should tell.
    by: Option<Arc<Caller>>,
    /// The session or API token that it concerns besides.
    target: Option<Uuid>,
    device: Option<String>,
    /// The name of the event, if it is not that of the request.
    event: Option<&'static str>,
}

impl<T> Signed<T> {
    /// An output after which the transport does nothing more, and of which the log tells nothing.
    fn of(output: T) -> Signed<T> {
        Signed {
            output,
            then: Then::Nothing,
            by: None,
            target: None,
            device: None,
            event: None,
        }
    }

    /// What the transport does then.
    fn then(self, then: Then) -> Signed<T> {
        Signed { then, ..self }
    }

    /// The log tells that this caller did it, in the caller's session.
    fn by(self, caller: Arc<Caller>) -> Signed<T> {
        let by = Some(caller);
        Signed { by, ..self }
    }

    /// The session or API token that was ended or made.
    fn about(self, target: Uuid) -> Signed<T> {
        let target = Some(target);
        Signed { target, ..self }
    }

    /// What the caller's session is called.
    fn on(self, device: Option<String>) -> Signed<T> {
        Signed { device, ..self }
    }

    /// The log tells of it under another name than the request's.
    fn named(self, event: &'static str) -> Signed<T> {
        let event = Some(event);
        Signed { event, ..self }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Signed<U> {
        let output = change(self.output);
        Signed {
            output,
            then: self.then,
            by: self.by,
            target: self.target,
            device: self.device,
            event: self.event,
        }
    }

    /// What the log tells of it.
    fn deed(&self) -> Option<Deed> {
        Some(Deed {
            target: self.target,
            device: self.device.clone(),
            ..Deed::of(self.by.as_ref()?)
        })
    }
}

/// A sign-up, sign-in, sign-out or refresh of any type.
pub(super) trait DynSignIn: Send {
    /// Answers a request of this name, which arrived at `since`.
    fn answer(
        self: Box<Self>,
        name: &'static str,
        engine: Engine,
        sender: Sender,
        since: Instant,
    ) -> Answering;
}

impl<S: SignIn> DynSignIn for S {
    fn answer(
        self: Box<Self>,
        name: &'static str,
        engine: Engine,
        sender: Sender,
        since: Instant,
    ) -> Answering {
        let audit = Audit::of(name, &sender, since);
        Box::pin(answer(*self, engine, sender, audit))
    }
}

async fn answer(
    sign_in: impl SignIn,
    engine: Engine,
    sender: Sender,
    audit: Audit,
) -> Result<Reply, Failure> {
    let attempt = sign_in.attempt(&sender);
    let signed = sign_in.carry_out(engine, sender).await;
    let signed = signed.inspect_err(|failure| {
        if let Some(attempt) = attempt {
            attempt.refused(failure);
        }
    })?;
    if let Some(deed) = signed.deed() {
        match signed.event {
            Some(name) => audit.named(name).write(&deed),
            None => audit.write(&deed),
        }
    }
    let mut reply = Reply::data(json(&signed.output)?);
    (reply.then, reply.by) = (signed.then, signed.by);
    Ok(reply)
}
