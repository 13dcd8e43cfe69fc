//! What each mail says: a pure function for each. Names and devices come from people; the layout escapes them.

use crate::domain::text::one_line;
use chrono::DateTime;
use taskwire_protocol::Timestamp;

/// A mail before its layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The subject, which is also the headline.
    pub subject: String,
    /// What happened, paragraph by paragraph.
    pub body: Vec<String>,
    /// The code and the link, which follow the body.
    pub proof: Option<Proof>,
    /// A link that follows the body.
    pub link: Option<String>,
    /// A command that does the same as the link.
    pub command: Option<String>,
    /// What to do if it was not the reader who did it: it follows the proof.
    pub otherwise: Option<String>,
    /// What ends such mails. `None`: the reader cannot end them, or nobody knows where this node is.
    pub ends: Option<Ends>,
}

/// What only the reader of a mail knows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// Six digits.
    pub code: String,
    /// The same as a link; `None` without `public_url`.
    pub link: Option<String>,
    /// How many minutes both work.
    pub minutes: i64,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof")
            .field("minutes", &self.minutes)
            .finish_non_exhaustive()
    }
}

/// The link by which the reader of a mail ends such mails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The link. It is also in the mail's headers, for mail programs that show a button.
    pub link: String,
}

/// After a sign-up: proves that the address is its owner's.
/// Without a name: the person who signed up chose it, and may have wanted to write to somebody else.
pub fn verification(proof: Proof) -> Draft {
    Draft {
        subject: "Verify your e-mail address".to_owned(),
        body: vec![
            "Hello,".to_owned(),
            "an account was made with this address. Verify that the address is yours:".to_owned(),
        ],
        proof: Some(proof),
        otherwise: Some(
            "If you did not sign up just now, ignore this mail: somebody else chose the password. The address stays \
             unverified."
                .to_owned(),
        ),
        ..Draft::default()
    }
}

/// After the first verification.
pub fn welcome(name: &str) -> Draft {
    Draft {
        subject: "Welcome to Taskwire".to_owned(),
        body: vec![
            format!("Hello {name},"),
            "your address is verified and your account is ready. Your tasks are live on every device that you sign in \
             on."
                .to_owned(),
        ],
        ..Draft::default()
    }
}

/// An administrator made an account for somebody, who chooses the password.
pub fn account_made(name: &str, proof: Proof) -> Draft {
    Draft {
        subject: "An account was made for you".to_owned(),
        body: vec![
            format!("Hello {name},"),
            "an administrator made an account for you with this address. Choose a password with this code:".to_owned(),
        ],
        proof: Some(proof),
        otherwise: Some(
            "When the code has expired, ask for another one as if you had forgotten the password. If you want no \
             account, ignore this mail."
                .to_owned(),
        ),
        ..Draft::default()
    }
}

/// Somebody forgot the password.
pub fn reset(name: &str, proof: Proof) -> Draft {
    Draft {
        subject: "Reset your password".to_owned(),
        body: vec![
            format!("Hello {name},"),
            "somebody asked for a new password for your account. Choose one with this code:".to_owned(),
        ],
        proof: Some(proof),
        otherwise: Some("If it was not you, ignore this mail. Your password stays as it is.".to_owned()),
        ..Draft::default()
    }
}

/// To a new address, which the account gets when it is verified.
/// Without a name, like [`verification`].
pub fn new_address(proof: Proof) -> Draft {
    Draft {
        subject: "Verify your new e-mail address".to_owned(),
        body: vec![
            "Hello,".to_owned(),
            "you asked to use this address for your account. The change takes effect when you verify it:"
                .to_owned(),
        ],
        proof: Some(proof),
        otherwise: Some("If you did not ask for this, ignore this mail. Nothing changes.".to_owned()),
        ..Draft::default()
    }
}

/// To the address that the account still has, when another one is asked for.
pub fn address_changing(name: &str, to: &str) -> Draft {
    Draft {
        subject: "Your e-mail address is about to change".to_owned(),
        body: vec![
            format!("Hello {name},"),
            format!(
                "somebody who knows your password asked for another address for your account: {to}. The change takes \
                 effect when that address is verified."
            ),
        ],
        otherwise: Some("If it was not you, change your password now.".to_owned()),
        ..Draft::default()
    }
}

/// To the address that the account no longer has.
pub fn address_changed(name: &str, to: &str) -> Draft {
    Draft {
        subject: "Your e-mail address was changed".to_owned(),
        body: vec![
            format!("Hello {name},"),
            format!("your account now has another address: {to}. You sign in with that one."),
        ],
        otherwise: Some("If it was not you, ask the operator of this server for help.".to_owned()),
        ..Draft::default()
    }
}

/// After the password changed.
pub fn password_changed(name: &str, without_tokens: bool) -> Draft {
    let (tokens, look) = if without_tokens {
        (
            "Its API tokens ended too, because nobody had verified its address before.",
            "",
        )
    } else {
        ("Its API tokens still work.", ", and look through your API tokens")
    };
    Draft {
        subject: "Your password was changed".to_owned(),
        body: vec![
            format!("Hello {name},"),
            format!("your account has a new password, and its other devices were signed out. {tokens}"),
        ],
        otherwise: Some(format!(
            "If it was not you, ask for a code to reset your password now{look}."
        )),
        ..Draft::default()
    }
}

/// The account is gone.
pub fn account_deleted(name: &str, by_administrator: bool) -> Draft {
    let (by, otherwise) = if by_administrator {
        ("an administrator of this server deleted your account", None)
    } else {
        (
            "your account was deleted, as somebody who knows your password asked for",
            Some("If it was not you, ask the operator of this server for help.".to_owned()),
        )
    };
    Draft {
        subject: "Your account was deleted".to_owned(),
        body: vec![
            format!("Hello {name},"),
            format!(
                "{by}. Your personal workspace, photo and API tokens are gone, and you left all teams. This cannot be undone."
            ),
        ],
        otherwise,
        ..Draft::default()
    }
}

/// Somebody was invited to a workspace. The names are people's choice, so the subject has none.
pub fn invitation(by: &str, workspace: &str, link: Option<String>, command: String) -> Draft {
    let with_link = if link.is_some() {
        "Open this link"
    } else {
        "Run this command"
    };
    Draft {
        subject: "You were invited to a workspace".to_owned(),
        body: vec![
            "Hello,".to_owned(),
            format!(
                "{by} invited you to the workspace “{workspace}” on Taskwire. {with_link} to join it with your account, \
                 or with a new one. It works for seven days, once."
            ),
        ],
        link,
        command: Some(command),
        otherwise: Some("If you do not know them, ignore this mail.".to_owned()),
        ..Draft::default()
    }
}

/// A device signed in that the account did not know.
pub fn new_device(name: &str, device: &str, address: Option<&str>, at: Timestamp) -> Draft {
    let from = address
        .map(|address| format!(" from {address}"))
        .unwrap_or_default();
    Draft {
        subject: "A new device signed in".to_owned(),
        body: vec![
            format!("Hello {name},"),
            format!(
                "a device that we do not know signed in to your account{from} on {}: {device}.",
                moment(at)
            ),
        ],
        otherwise: Some("If it was not you, change your password now.".to_owned()),
        ..Draft::default()
    }
}

/// A moment as people write it.
fn moment(at: Timestamp) -> String {
    let moment = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    moment.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// Somebody signed up with an address that has an account.
pub fn has_account(name: &str) -> Draft {
    Draft {
        subject: "You already have an account".to_owned(),
        body: vec![
            format!("Hello {name},"),
            "somebody signed up with this address, which already has an account. Sign in with it, or reset your \
             password if you forgot it."
                .to_owned(),
        ],
        otherwise: Some("If it was not you, ignore this mail. Nothing changed.".to_owned()),
        ..Draft::default()
    }
}

/// Several signed up with an address that nobody has verified. It names nobody, because anybody may have chosen the name.
pub fn several_sign_ups(proof: Proof) -> Draft {
    Draft {
        subject: "Choose your password".to_owned(),
        body: vec![
            "Hello,".to_owned(),
            "somebody signed up again with this address, which nobody has verified. The first sign-up may have been a \
             stranger's, so no password of these sign-ups works. If you signed up, choose your password with this code; \
             it verifies the address too:"
                .to_owned(),
        ],
        proof: Some(proof),
        otherwise: Some("If you did not sign up, ignore this mail. Nobody can use the account without it.".to_owned()),
        ..Draft::default()
    }
}

/// Tells of tasks, each with a line of its own, while the reader was away. There may be more of them than lines.
pub fn reminder(name: &str, lines: &[String], more: usize, ends: Option<Ends>) -> Draft {
    // a title may have line breaks; in a mail they could look like the end of what people wrote
    let lines: Vec<String> = lines.iter().map(|line| one_line(line)).collect();
    let subject = match (&lines[..], more) {
        ([line], 0) => line.clone(),
        _ => format!("{} reminders", lines.len() + more),
    };
    let mut body = vec![format!("Hello {name},")];
    body.extend(lines);
    if more > 0 {
        body.push(format!("There are {more} more."));
    }
    Draft {
        subject,
        body,
        ends,
        ..Draft::default()
    }
}
