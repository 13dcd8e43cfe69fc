//! `verify`, `reset`: what a mail proves.

use crate::{
    args::{ResetArgs, VerifyArgs},
    ask::{self, given_or_asked},
    connect::Context,
    fault::Fault,
    output::Output,
    paging,
    terminal::{note, plain},
    waiting::waiting,
};
use serde::Serialize;
use std::io::{self, IsTerminal as _};
use taskwire_client::{
    CallError, Http,
    protocol::{
        ErrorCode, Failure, Secret,
        account::{Done, ForgotPassword, GetProfile, ResendVerification, ResetPassword, VerifyEmail},
    },
};

const VERIFY: &str = "v1/auth/verify-email";
/// On a terminal, so many codes are asked for: the server voids a code after a few wrong ones.
const TRIES: u32 = 3;

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
            email: own_or_asked(context, args.email)?.into(),
        };
        let done = post(&context.http().await?, "v1/auth/resend-verification", &body).await?;
        return said(
            output,
            done,
            "if this address waits for its verification, a mail is on its way",
        );
    }
    let text = given_or_asked(args.code, "Code of the mail", "CODE")?;
    let (done, proved) = match Proof::read(&text) {
        Proof::Token(token) => {
            let body = VerifyEmail {
                token: Some(token),
                ..VerifyEmail::default()
            };
            (prove(context, &body).await?, None)
        }
        Proof::Code(code) => {
            let (done, email) = verify_code(context, &code, args.email).await?;
            (done, Some(email))
        }
    };
    match changed_address(context, proved).await {
        Some(email) => said(output, done, &format!("your address is now {email}")),
        None => said(output, done, "the address is verified"),
    }
}

/// Verifies an address with a code. When none is given, it may be the one that the person asked for, or the account's.
async fn verify_code(
    context: &Context,
    code: &Secret,
    given: Option<String>,
) -> Result<(Done, String), Fault> {
    let proof = |email: &str| VerifyEmail {
        email: Some(email.into()),
        code: Some(code.clone()),
        token: None,
    };
    if given.is_none()
        && let Some(pending) = context
            .session
            .as_ref()
            .and_then(|kept| kept.pending_email.clone())
    {
        match post(&context.http().await?, VERIFY, &proof(&pending)).await {
            Err(CallError::Refused(failure)) if is_void(&failure) => {}
            done => return Ok((done?, pending)),
        }
    }
    let email = own_or_asked(context, given)?;
    Ok((prove(context, &proof(&email)).await?, email))
}

/// Sends what proves an address. A refusal says how to get another code.
async fn prove(context: &Context, body: &VerifyEmail) -> Result<Done, Fault> {
    let pending = context
        .session
        .as_ref()
        .and_then(|kept| kept.pending_email.as_ref());
    let again = match pending {
        Some(pending) => format!("`tw profile email {pending}` mails another code"),
        None => "`tw verify --resend` mails another code".to_owned(),
    };
    let done = post(&context.http().await?, VERIFY, body).await;
    done.map_err(|error| refused(error, &again))
}

/// The address of the kept session's account, if it is another one now. The file keeps it from here on.
async fn changed_address(context: &Context, proved: Option<String>) -> Option<String> {
    let kept = context.session.as_ref().filter(|_| context.token.is_none())?;
    let profile = context
        .calling(async |client| Ok(paging::call(client, &GetProfile {}).await?))
        .await;
    let email = match profile {
        Ok(user) => user.email.to_string(),
        // The session has ended, or the server is away; the server has accepted this one.
        Err(_) => proved.filter(|proved| kept.pending_email.as_ref() == Some(proved))?,
    };
    if email == kept.email {
        return None;
    }
    let changed = context.file.change(kept, |kept| {
        kept.email.clone_from(&email);
        kept.pending_email = None;
    });
    if let Err(error) = changed.await {
        note(&format!("tw: the new address cannot be stored: {error}"));
    }
    Some(email)
}

/// Mails a code, asks for it, and sets a new password. Without a terminal it only mails the code; `--code` continues.
pub(crate) async fn reset(context: &Context, output: &Output, args: ResetArgs) -> Result<(), Fault> {
    let email = given_or_asked(args.email, "E-mail", "EMAIL")?;
    let http = context.http().await?;
    let (proof, tries) = if let Some(code) = args.code {
        (code, 1)
    } else {
        let body = ForgotPassword {
            email: email.as_str().into(),
        };
        let done = post(&http, "v1/auth/forgot-password", &body).await?;
        let sent = "if this address has an account, a mail with a code is on its way";
        if !io::stdin().is_terminal() {
            note("continue with `tw reset EMAIL --code CODE`");
            return said(output, done, sent);
        }
        note(sent);
        (asked_code()?, TRIES)
    };
    // From here on, a typing error must not lead to another mail.
    let hint = "try again with `tw reset EMAIL --code CODE`; `tw reset` mails another code";
    let password = ask::password(args.password_stdin, true).map_err(|fault| fault.with_hint(hint))?;
    let done = set_password(&http, &email, proof, &password, tries).await;
    let done = done.map_err(|error| match error {
        CallError::Refused(failure) if failure.code == ErrorCode::ValidationError => {
            Fault::other(failure.message).with_hint(hint)
        }
        error => refused(error, hint),
    })?;
    said(
        output,
        done,
        "the password is changed, and every session has ended; sign in with `tw login`",
    )
}

/// Sets the password. While the code is refused, it asks for the code again, until so many were tried.
async fn set_password(
    http: &Http,
    email: &str,
    mut proof: String,
    password: &str,
    tries: u32,
) -> Result<Done, CallError> {
    let mut tried = 1;
    loop {
        let (email, code, token) = match Proof::read(&proof) {
            Proof::Code(code) => (Some(email.into()), Some(code), None),
            Proof::Token(token) => (None, None, Some(token)),
        };
        let body = ResetPassword {
            email,
            code,
            token,
            new_password: password.into(),
        };
        let done = post(http, "v1/auth/reset-password", &body).await;
        match done {
            Err(CallError::Refused(failure)) if tried < tries && is_void(&failure) => {
                note(&failure.message);
                match asked_code() {
                    Ok(code) => proof = code,
                    Err(_) => return Err(CallError::Refused(failure)),
                }
            }
            done => return done,
        }
        tried += 1;
    }
}

fn asked_code() -> Result<String, Fault> {
    given_or_asked(None, "Code of the mail", "--code")
}

/// The address: given, that of the kept session, or typed.
fn own_or_asked(context: &Context, given: Option<String>) -> Result<String, Fault> {
    let own = context.session.as_ref().map(|session| session.email.clone());
    given_or_asked(given.or(own), "E-mail", "--email")
}

async fn post(http: &Http, path: &str, body: &impl Serialize) -> Result<Done, CallError> {
    waiting("the answer of the server", http.post(path, body))
        .await?
        .read()
}

/// Whether the code or link is wrong, used or old.
fn is_void(failure: &Failure) -> bool {
    matches!(failure.code, ErrorCode::InvalidToken | ErrorCode::TokenExpired)
}

/// A code that is void does not mean that somebody has to sign in: the hint says how to go on.
fn refused(error: CallError, hint: &str) -> Fault {
    match error {
        CallError::Refused(failure) if is_void(&failure) => {
            Fault::not_allowed(failure.message).with_hint(hint)
        }
        error => error.into(),
    }
}

fn said(output: &Output, done: Done, text: &str) -> Result<(), Fault> {
    if output.json {
        return output.value(&done);
    }
    output.line(&plain(text))
}
