//! `passwd`: another password.

use crate::{
    args::PasswdArgs,
    ask,
    connect::Context,
    fault::Fault,
    output::Output,
    session::{Replacement, Session},
    terminal::note,
};
use taskwire_client::protocol::account::{ChangePassword, Tokens};

/// Changes the password, and keeps the tokens of the answer: every session before it ends.
pub(crate) async fn change(context: &Context, output: &Output, args: PasswdArgs) -> Result<(), Fault> {
    if context.token.is_none() && context.session.is_none() {
        return Err(context.signed_out());
    }
    let (current_password, new_password) = ask::both_passwords(args.password_stdin)?;
    let params = ChangePassword {
        current_password: current_password.into(),
        new_password: new_password.into(),
    };
    // With its space on the disk reserved: the change uses up the tokens that are kept.
    let replacement = match context.token {
        None => Some(context.file.reserve()?),
        Some(_) => None,
    };
    let tokens = context
        .calling(async |client| Ok(client.call(params).await?))
        .await?;
    let user = tokens.user.clone();
    match replacement {
        Some(replacement) => renew(context, replacement, tokens).await?,
        None => note("every session has ended, that of TASKWIRE_TOKEN too; sign in with `tw login`"),
    }
    if output.json {
        return output.value(&user);
    }
    output.line("the password is changed; every other session has ended. API tokens go on: `tw tokens`")
}

/// Replaces the kept session of this server by these tokens.
async fn renew(context: &Context, replacement: Replacement, tokens: Tokens) -> Result<(), Fault> {
    let _lock = context.file.lock().await?;
    let mut sessions = context.file.load_or_none()?;
    sessions.renew(&Session::new(&context.url, tokens));
    Ok(replacement.save(&sessions)?)
}
