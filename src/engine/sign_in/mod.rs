//! Signing up, in and out: what needs passwords and tokens before anything enters the writer's lane, and tokens after
//! it. A file an operation. Passwords are hashed off the async threads.
//!
//! - `sign_up`, `log_in`, `log_out`   rows of the table of operations
//! - `refresh`                        of `/v1/auth/refresh` alone
//! - `tokens`                         the pair of tokens that a session gets

mod log_in;
mod log_out;
mod refresh;
mod sign_up;
mod tokens;

pub use refresh::Refresh;

use super::{Answering, Engine, Reply, Sender, Then};
use crate::ops::json;
use serde::Serialize;
use taskwire_protocol::Failure;

/// An operation that signs somebody up, in or out.
pub(super) trait SignIn: Send + 'static {
    /// What the reply says.
    type Output: Serialize + Send;

    /// Carries it out.
    fn carry_out(
        self,
        engine: Engine,
        sender: Sender,
    ) -> impl Future<Output = Result<Signed<Self::Output>, Failure>> + Send;
}

/// The result of signing up, in or out.
pub(super) struct Signed<T> {
    pub(super) output: T,
    pub(super) then: Then,
}

/// A sign-up, sign-in or sign-out, whichever it is.
pub(super) trait DynSignIn: Send {
    fn answer(self: Box<Self>, engine: Engine, sender: Sender) -> Answering;
}

impl<S: SignIn> DynSignIn for S {
    fn answer(self: Box<Self>, engine: Engine, sender: Sender) -> Answering {
        Box::pin(answer(*self, engine, sender))
    }
}

async fn answer(sign_in: impl SignIn, engine: Engine, sender: Sender) -> Result<Reply, Failure> {
    let Signed { output, then } = sign_in.carry_out(engine, sender).await?;
    let mut reply = Reply::data(json(&output)?);
    reply.then = then;
    Ok(reply)
}
