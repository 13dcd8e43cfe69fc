//! `signup`, `login`, `logout`.

use crate::{
    args::{LoginArgs, SignupArgs},
    ask::{self, given_or_asked, password},
    connect::Context,
    fault::Fault,
    output::Output,
    session::{Replacement, Session, Sessions},
    terminal::{note, plain},
    waiting::{served, waiting},
};
use std::io;
use taskwire_client::{
    CallError, Stopped, call_once,
    protocol::{
        ErrorCode,
        account::{LogIn, LogOut, LogOutAll, NextStep, SignUp, Tokens, User, VerifyFirst},
    },
};

/// What API tokens begin with.
const API_TOKEN: &str = "tw_pat_";

pub(crate) async fn sign_up(context: &Context, output: &Output, args: SignupArgs) -> Result<(), Fault> {
    let email = given_or_asked(args.email, "E-mail", "EMAIL")?;
    let name = given_or_asked(args.name, "Name", "--name")?;
    let params = SignUp {
        email: email.into(),
        name,
        username: args.username,
        password: password(args.password_stdin, true)?.into(),
        device_name: Some(device()),
    };
    let email = params.email.clone();
    let place = context.file.reserve()?;
    let tokens = match waiting(&context.answer(), call_once(context.anonymous(), params)).await {
        // The server wants the address verified first; this is no failure.
        Err(error) if error.code() == Some(ErrorCode::EmailNotVerified) => {
            return verify_first(output, &email);
        }
        tokens => tokens?,
    };
    keep(context, output, place, tokens).await?;
    note("a mail to verify your address is on its way; `tw verify CODE` takes its code");
    Ok(())
}

fn verify_first(output: &Output, email: &str) -> Result<(), Fault> {
    if output.json {
        return output.value(&VerifyFirst {
            status: NextStep::VerifyEmail,
        });
    }
    let email = plain(email);
    output.line(&format!(
        "a mail is on its way to {email}; `tw verify CODE --email {email}` takes its code, and then `tw login {email}` \
         signs in"
    ))
}

pub(crate) async fn log_in(context: &Context, output: &Output, args: LoginArgs) -> Result<(), Fault> {
    // so that the server knows this device again
    let kept = context.file.load_or_none().ok();
    let kept = kept.as_ref().and_then(|sessions| sessions.at(&context.url));
    if args.token {
        return log_in_by_token(context, output).await;
    }
    let params = LogIn {
        email: given_or_asked(args.email, "E-mail", "EMAIL")?.into(),
        password: password(args.password_stdin, false)?.into(),
        device_name: Some(device()),
        refresh_token: kept
            .and_then(|session| session.refresh_token.clone())
            .map(Into::into),
    };
    let place = context.file.reserve()?;
    let tokens = waiting(&context.answer(), call_once(context.anonymous(), params)).await?;
    keep(context, output, place, tokens).await
}

/// Keeps an API token as the session of this server, once the server has accepted it.
async fn log_in_by_token(context: &Context, output: &Output) -> Result<(), Fault> {
    let token = ask::api_token()?;
    if !token.starts_with(API_TOKEN) {
        return Err(Fault::usage(format!(
            "this is no API token: one begins with {API_TOKEN}, and `tw tokens new NAME` makes one"
        )));
    }
    let place = context.file.reserve()?;
    let client = context.connect_by(&token).await?;
    let welcome = client.ready().await;
    client.close().await;
    let user = welcome?.user.clone();
    let session = Session::by_api_token(&context.url, token, &user);
    keep_session(context, output, place, session, &user).await
}

/// Keeps the tokens of a sign-in, and says who signed in.
pub(crate) async fn keep(
    context: &Context,
    output: &Output,
    place: Replacement,
    tokens: Tokens,
) -> Result<(), Fault> {
    let user = tokens.user.clone();
    let session = Session::new(&context.url, tokens);
    keep_session(context, output, place, session, &user).await
}

async fn keep_session(
    context: &Context,
    output: &Output,
    place: Replacement,
    session: Session,
    user: &User,
) -> Result<(), Fault> {
    let _lock = context.file.lock().await?;
    let mut sessions = context.file.load_or_none()?;
    sessions.add(session);
    place.save(&sessions)?;
    if output.json {
        return output.value(user);
    }
    output.line(&format!(
        "signed in at {} as {} <{}>",
        plain(&context.url),
        plain(&user.name),
        plain(&user.email)
    ))
}

/// Ends the kept session of this server, or the session of the token from the environment. In the second case, the kept
/// session does not change. `all` ends every session of the person. `local` only removes the kept session, whatever its
/// state is.
pub(crate) async fn log_out(context: &Context, output: &Output, local: bool, all: bool) -> Result<(), Fault> {
    match (&context.token, &context.session) {
        _ if local => forget(context, None).await?,
        (Some(_), _) => end(context, all).await?,
        (None, Some(session)) if session.api_token && all => {
            return Err(Fault::not_allowed(
                "nothing was ended: an API token cannot end sessions; sign in with `tw login`, then `tw logout --all`",
            ));
        }
        // An API token has no session on the server; `tw tokens revoke` ends it.
        (None, Some(session)) if session.api_token => forget(context, Some(session)).await?,
        (None, Some(session)) => {
            match end(context, all).await {
                Err(fault) if fault.has_ended() && all => {
                    return Err(Fault::not_allowed(
                        "nothing was ended: this session has ended already; sign in, then `tw logout --all`",
                    ));
                }
                // The server has ended the session already; only the file is left to change.
                Err(fault) if fault.has_ended() => {}
                ended => ended?,
            }
            forget(context, Some(session)).await?;
        }
        _ => return Err(context.signed_out()),
    }
    if output.json {
        return output.value(&serde_json::json!({}));
    }
    output.line(if all {
        "signed out on every device; API tokens go on"
    } else {
        "signed out"
    })
}

async fn end(context: &Context, all: bool) -> Result<(), Fault> {
    let client = context.connect().await?;
    let ended = async {
        if all {
            client.call(LogOutAll {}).await
        } else {
            client.call(LogOut {}).await
        }
    };
    let ended = served(&client, (&context.url, context.attempt()), async {
        Ok(ended.await)
    })
    .await;
    client.close().await;
    match ended? {
        // The server closes the session's sockets, and this one too, possibly before the answer.
        Ok(_) | Err(CallError::Stopped(Stopped::Revoked(_) | Stopped::SignedOut(_))) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes the kept session of this server. A session that ended is removed unless another person's has replaced it. A
/// broken file is removed whole.
pub(crate) async fn forget(context: &Context, ended: Option<&Session>) -> Result<(), Fault> {
    let _lock = context.file.lock().await?;
    let mut sessions = match context.file.load() {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Ok(context.file.save(&Sessions::default())?);
        }
        loaded => loaded?,
    };
    let replaced = |kept: &Session| ended.is_some_and(|ended| !kept.same_person(ended));
    if sessions.at(&context.url).is_some_and(replaced) {
        return Ok(());
    }
    if !sessions.remove(&context.url) && ended.is_none() {
        return Err(context.signed_out());
    }
    Ok(context.file.save(&sessions)?)
}

/// This device's name in the list of sessions.
pub(crate) fn device() -> String {
    let host = ["HOSTNAME", "COMPUTERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let host = host.map(|host| host.trim().chars().take(80).collect::<String>());
    match host.filter(|host| !host.is_empty()) {
        Some(host) => format!("tw on {host}"),
        None => "tw".to_owned(),
    }
}
