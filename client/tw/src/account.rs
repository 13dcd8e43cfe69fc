//! `signup`, `login`, `logout`.

use crate::{
    args::{LoginArgs, SignupArgs},
    connect::Context,
    fault::Fault,
    output::Output,
    session::{Session, Sessions},
    terminal::plain,
};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use taskwire_client::{
    CallError, Stopped, call_once,
    protocol::account::{LogIn, LogOut, SignUp, Tokens},
};

pub(crate) async fn sign_up(context: &Context, output: &Output, args: SignupArgs) -> Result<(), Fault> {
    let email = given_or_asked(args.email, "E-mail", "EMAIL")?;
    let name = given_or_asked(args.name, "Name", "--name")?;
    let params = SignUp {
        email,
        name,
        username: args.username,
        password: password(args.password_stdin, true)?.into(),
        device_name: Some(device()),
    };
    let tokens = call_once(context.anonymous(), params).await?;
    keep(context, output, tokens).await
}

pub(crate) async fn log_in(context: &Context, output: &Output, args: LoginArgs) -> Result<(), Fault> {
    // so that the server knows this device again
    let kept = context.file.load_or_none().ok();
    let kept = kept.as_ref().and_then(|sessions| sessions.at(&context.url));
    let params = LogIn {
        email: given_or_asked(args.email, "E-mail", "EMAIL")?,
        password: password(args.password_stdin, false)?.into(),
        device_name: Some(device()),
        refresh_token: kept
            .and_then(|session| session.refresh_token.clone())
            .map(Into::into),
    };
    let tokens = call_once(context.anonymous(), params).await?;
    keep(context, output, tokens).await
}

async fn keep(context: &Context, output: &Output, tokens: Tokens) -> Result<(), Fault> {
    let user = tokens.user.clone();
    let _lock = context.file.lock().await?;
    let mut sessions = context.file.load_or_none()?;
    sessions.add(Session::new(&context.url, tokens));
    context.file.save(&sessions)?;
    if output.json {
        return output.value(&user);
    }
    output.line(&format!(
        "signed in at {} as {} <{}>",
        plain(&context.url),
        plain(&user.name),
        plain(&user.email)
    ))
}

/// Ends the kept session of this server, or the session of the token from the environment. In the second case, the kept
/// session does not change. `local` only removes the kept session, whatever its state is.
pub(crate) async fn log_out(context: &Context, output: &Output, local: bool) -> Result<(), Fault> {
    match (&context.token, &context.session) {
        _ if local => forget(context, None).await?,
        (Some(_), _) => end(context).await?,
        (None, Some(session)) => {
            match end(context).await {
                // The server has ended the session already; only the file is left to change.
                Err(fault) if fault.is_signed_out() => {}
                ended => ended?,
            }
            forget(context, Some(session)).await?;
        }
        _ => return Err(context.signed_out()),
    }
    if output.json {
        return output.value(&serde_json::json!({}));
    }
    output.line("signed out")
}

async fn end(context: &Context) -> Result<(), Fault> {
    let client = context.connect().await?;
    let ended = client.call(LogOut {}).await;
    client.close().await;
    match ended {
        // The server closes the session's sockets, and this one too, possibly before the answer.
        Ok(_) | Err(CallError::Stopped(Stopped::Revoked(_) | Stopped::SignedOut(_))) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes the kept session of this server. A session that ended is removed unless another person's has replaced it. A
/// broken file is removed whole.
async fn forget(context: &Context, ended: Option<&Session>) -> Result<(), Fault> {
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
fn device() -> String {
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

fn given_or_asked(given: Option<String>, what: &str, argument: &str) -> Result<String, Fault> {
    if let Some(given) = given {
        return Ok(given);
    }
    if !io::stdin().is_terminal() {
        return Err(Fault::usage(format!(
            "standard input is not a terminal; give {argument}"
        )));
    }
    eprint!("{what}: ");
    io::stderr().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let line = line.trim();
    if line.is_empty() {
        return Err(Fault::usage(format!("the input was empty; give {argument}")));
    }
    Ok(line.to_owned())
}

/// The password: from standard input, from the environment, or typed without an echo.
fn password(stdin: bool, new: bool) -> Result<String, Fault> {
    if stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            return Err(Fault::usage(
                "standard input is empty; it must contain the password",
            ));
        }
        return Ok(line.to_owned());
    }
    if let Ok(password) = std::env::var("TASKWIRE_PASSWORD")
        && !password.is_empty()
    {
        return Ok(password);
    }
    if !io::stdin().is_terminal() {
        return Err(Fault::usage(
            "standard input is not a terminal; give the password with --password-stdin or TASKWIRE_PASSWORD",
        ));
    }
    let password = rpassword::prompt_password("Password: ")?;
    if new && rpassword::prompt_password("Once more: ")? != password {
        return Err(Fault::usage("the two passwords differ; try again"));
    }
    Ok(password)
}
