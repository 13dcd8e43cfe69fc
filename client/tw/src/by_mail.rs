//! `verify`, `reset`: what a mail proves.

use crate::{
    args::{ResetArgs, VerifyArgs},
    ask::{self, given_or_asked},
    connect::Context,
    fault::Fault,
    output::Output,
    terminal::{note, plain},
};
use serde::Serialize;
use std::io::{self, IsTerminal as _};
use taskwire_client::{
    CallError,
    protocol::{
        ErrorCode, Secret,
        account::{Done, ForgotPassword, ResendVerification, ResetPassword, VerifyEmail},
    },
};

/// What a mail has: a code, which needs the address, or the token of a link.
enum Proof {
    Code(Secret),
    Token(Secret),
}

impl Proof {
    /// Reads six digits, a link, or the link's token.
    fn read(text: &str) -> Proof {
        let text = text.trim();
        let token = text.rsplit_once('#').map_or(text, |(_, token)| token);
        let digits: String = token.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Proof::Code(digits.into())
        } else {
            Proof::Token(token.into())
        }
    }
}

pub(crate) async fn verify(context: &Context, output: &Output, args: VerifyArgs) -> Result<(), Fault> {
    if args.resend {
        let body = ResendVerification {
            email: own_or_asked(context, args.email)?,
        };
        let done = post(context, "v1/auth/resend-verification", &body, "").await?;
        return said(
            output,
            done,
            "if this address waits for its verification, a mail is on its way",
        );
    }
    let text = given_or_asked(args.code, "Code of the mail", "CODE")?;
    let body = match Proof::read(&text) {
        Proof::Code(code) => VerifyEmail {
            email: Some(own_or_asked(context, args.email)?),
            code: Some(code),
            token: None,
        },
        Proof::Token(token) => VerifyEmail {
            token: Some(token),
            ..VerifyEmail::default()
        },
    };
    let again = "`tw verify --resend` mails another code";
    let done = post(context, "v1/auth/verify-email", &body, again).await?;
    said(output, done, "the address is verified")
}

/// Mails a code, asks for it, and sets a new password. Without a terminal it only mails the code; `--code` continues.
pub(crate) async fn reset(context: &Context, output: &Output, args: ResetArgs) -> Result<(), Fault> {
    let email = given_or_asked(args.email, "E-mail", "EMAIL")?;
    let mut given = args.code;
    if given.is_none() {
        let body = ForgotPassword { email: email.clone() };
        let done = post(context, "v1/auth/forgot-password", &body, "").await?;
        let sent = "if this address has an account, a mail with a code is on its way";
        if !io::stdin().is_terminal() {
            note("continue with `tw reset EMAIL --code CODE`");
            return said(output, done, sent);
        }
        note(sent);
        given = Some(given_or_asked(None, "Code of the mail", "--code")?);
    }
    let text = given.unwrap_or_default();
    let new_password = ask::password(args.password_stdin, true)?.into();
    let body = match Proof::read(&text) {
        Proof::Code(code) => ResetPassword {
            email: Some(email),
            code: Some(code),
            token: None,
            new_password,
        },
        Proof::Token(token) => ResetPassword {
            email: None,
            code: None,
            token: Some(token),
            new_password,
        },
    };
    let again = "`tw reset` mails another code";
    let done = post(context, "v1/auth/reset-password", &body, again).await?;
    said(
        output,
        done,
        "the password is changed, and every session has ended; sign in with `tw login`",
    )
}

/// The address: given, that of the kept session, or typed.
fn own_or_asked(context: &Context, given: Option<String>) -> Result<String, Fault> {
    let own = context.session.as_ref().map(|session| session.email.clone());
    given_or_asked(given.or(own), "E-mail", "--email")
}

/// `again` says how to get another code, when the server refuses this one.
async fn post(context: &Context, path: &str, body: &impl Serialize, again: &str) -> Result<Done, Fault> {
    let answer = context.http()?.post(path, body).await?;
    answer.read().map_err(|error| match error.code() {
        Some(ErrorCode::InvalidToken | ErrorCode::TokenExpired) => refused(&error, again),
        _ => error.into(),
    })
}

/// The code is wrong or old: nobody has to sign in.
fn refused(error: &CallError, again: &str) -> Fault {
    match error {
        CallError::Refused(failure) => Fault::not_allowed(format!("{}; {again}", failure.message)),
        error => Fault::other(error.to_string()),
    }
}

fn said(output: &Output, done: Done, text: &str) -> Result<(), Fault> {
    if output.json {
        return output.value(&done);
    }
    output.line(&plain(text))
}
