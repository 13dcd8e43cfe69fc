//! The arguments of the commands about one's own account.

use super::{due, examples};
use crate::due::Due;
use clap::{Args as Group, Subcommand};
use std::path::PathBuf;
use taskwire_client::protocol::{limits, notification::NotificationType};

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// Change your password. All other sessions end.
    Passwd(PasswdArgs),
    /// List the sessions of your account, one for each device; or end some. `*` marks this one.
    Sessions(SessionsArgs),
    /// Verify your e-mail address with the code or link of a mail.
    Verify(VerifyArgs),
    /// Set a new password with the code or link of a mail. All your sessions end.
    Reset(ResetArgs),
    /// List your API tokens, for programs; or make or revoke one.
    #[command(after_help = examples::TOKENS)]
    Tokens {
        #[command(subcommand)]
        action: Option<TokenAction>,
    },
    /// Show your account, after these changes if there are any.
    #[command(alias = "whoami", after_help = examples::PROFILE)]
    Profile(ProfileArgs),
    /// Show what happened to your account: sign-ins, sign-outs, API tokens, changes.
    Audit(AuditArgs),
}

#[derive(Group)]
pub(crate) struct SignupArgs {
    /// Your e-mail address; `tw` asks for it when omitted.
    pub(crate) email: Option<String>,
    /// Your display name; `tw` asks for it when omitted.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Your username; made from the e-mail address when omitted.
    #[arg(long)]
    pub(crate) username: Option<String>,
    /// Read the password from standard input; by default from TASKWIRE_PASSWORD, or `tw` asks for it.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Group)]
pub(crate) struct LoginArgs {
    /// Your e-mail address; `tw` asks for it when omitted.
    pub(crate) email: Option<String>,
    /// Read the password from standard input; by default from TASKWIRE_PASSWORD, or `tw` asks for it.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Approve the sign-in in a browser, on this or another device; `tw` shows where.
    #[arg(long, conflicts_with_all = ["email", "password_stdin", "token"])]
    pub(crate) browser: bool,
    /// Use an API token instead: from standard input, or `tw` asks for it.
    #[arg(long, conflicts_with_all = ["email", "password_stdin"])]
    pub(crate) token: bool,
}

#[derive(Group)]
pub(crate) struct VerifyArgs {
    /// The code of the mail, or its link; `tw` asks for it when omitted.
    pub(crate) code: Option<String>,
    /// The address to verify; by default the one that you are signed in with, or `tw` asks for it.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// Mail another code instead.
    #[arg(long, conflicts_with = "code")]
    pub(crate) resend: bool,
}

#[derive(Group)]
pub(crate) struct ResetArgs {
    /// Your e-mail address; `tw` asks for it when omitted.
    pub(crate) email: Option<String>,
    /// The code of a mail that you have, or its link; when omitted, a mail is sent.
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// Read the new password from standard input; by default from TASKWIRE_PASSWORD, or `tw` asks for it.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Group)]
pub(crate) struct PasswdArgs {
    /// Read the current and the new password from two lines of standard input; by default from TASKWIRE_PASSWORD and
    /// TASKWIRE_NEW_PASSWORD, or `tw` asks for them.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Group)]
pub(crate) struct SessionsArgs {
    /// End this session: its id, or the end of it.
    #[arg(long, value_name = "ID", conflicts_with = "revoke_others")]
    pub(crate) revoke: Option<String>,
    /// End all sessions but this one.
    #[arg(long)]
    pub(crate) revoke_others: bool,
}

#[derive(Subcommand)]
pub(crate) enum TokenAction {
    /// Make an API token. Standard output gets the token alone, once.
    New(NewTokenArgs),
    /// Revoke an API token. Its connections close.
    Revoke {
        /// The token's id, or the end of it.
        id: String,
    },
}

#[derive(Group)]
pub(crate) struct NewTokenArgs {
    /// Its name: where the token is used.
    pub(crate) name: String,
    /// Let it only read.
    #[arg(long)]
    pub(crate) read: bool,
    /// Let it see only this workspace: its id, the end of its id, or its name; repeat it for several.
    #[arg(long = "workspace", short)]
    pub(crate) workspaces: Vec<String>,
    /// When it expires, as for `add --due`; a day at its end. It never expires when omitted.
    #[arg(long, value_name = "DATE", value_parser = due)]
    pub(crate) expires: Option<Due>,
}

#[derive(Group)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ProfileArgs {
    #[command(flatten)]
    pub(crate) changes: ProfileChanges,
    #[command(subcommand)]
    pub(crate) action: Option<ProfileAction>,
}

#[derive(Subcommand)]
pub(crate) enum ProfileAction {
    /// Ask for another e-mail address. It takes effect when you verify it with the code that is mailed there.
    Email {
        /// The new address.
        new: String,
        /// Read your password from standard input; by default from TASKWIRE_PASSWORD, or `tw` asks for it.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set your photo, or remove it.
    Photo {
        /// A JPG, PNG, WebP or GIF.
        #[arg(required_unless_present = "remove", conflicts_with = "remove")]
        file: Option<PathBuf>,
        /// Remove the photo.
        #[arg(long)]
        remove: bool,
    },
    /// Delete your account for good, with everything that is yours alone.
    Delete(DeleteProfileArgs),
    /// Save the data of your account as a ZIP.
    Export(ExportArgs),
}

#[derive(Group)]
pub(crate) struct DeleteProfileArgs {
    /// Do not ask whether you are sure.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Read your password from standard input; by default from TASKWIRE_PASSWORD, or `tw` asks for it.
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Group)]
pub(crate) struct ExportArgs {
    /// The file, or a folder; `-` is standard output. When omitted, the server names a file in this folder.
    pub(crate) file: Option<PathBuf>,
    /// Replace the file if it exists.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Group)]
pub(crate) struct ProfileChanges {
    /// The new display name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The new username.
    #[arg(long)]
    pub(crate) username: Option<String>,
    /// The new time zone, like Europe/Paris.
    #[arg(long)]
    pub(crate) timezone: Option<String>,
    #[command(flatten)]
    pub(crate) told: ToldArgs,
}

/// What one is told.
#[derive(Group, PartialEq, Default)]
pub(crate) struct ToldArgs {
    /// How notifications tell what you do yourself: unread, read from the start, or off.
    #[arg(long, value_name = "HOW", value_parser = ["unread", "read", "off"])]
    pub(crate) own_acts: Option<String>,
    /// Whether reminders come by mail too: on or off.
    #[arg(long, value_name = "ON|OFF", value_parser = switch)]
    pub(crate) mail: Option<bool>,
    /// How long before a task is due you are told: minutes, or 2h, or 1d; 0 tells when it is due.
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    pub(crate) due_lead: Option<i64>,
    /// Do not notify of this type, like TASK_UPDATED; repeat it for several.
    #[arg(long, value_name = "TYPE", value_parser = mutable)]
    pub(crate) mute: Vec<NotificationType>,
    /// Notify of this type again; repeat it for several.
    #[arg(long, value_name = "TYPE", value_parser = kind)]
    pub(crate) unmute: Vec<NotificationType>,
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

fn minutes(text: &str) -> Result<i64, String> {
    let (number, unit) = match text.strip_suffix(['m', 'h', 'd']) {
        Some(number) if text.ends_with('h') => (number, 60),
        Some(number) if text.ends_with('d') => (number, 24 * 60),
        Some(number) => (number, 1),
        None => (text, 1),
    };
    let minutes = number
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    let allowed = minutes.filter(|minutes| (0..=limits::DUE_LEAD).contains(minutes));
    allowed.ok_or_else(|| format!("write 0 to {} minutes, as in 30, 2h or 1d", limits::DUE_LEAD))
}

fn kind(text: &str) -> Result<NotificationType, String> {
    NotificationType::parse(&text.to_uppercase()).ok_or_else(|| {
        let all: Vec<&str> = NotificationType::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("the types are {}", all.join(", "))
    })
}

#[derive(Group)]
pub(crate) struct AuditArgs {
    /// The largest number of entries: the newest ones.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

/// The server makes notifications about an account's security whatever the preferences say.
fn mutable(text: &str) -> Result<NotificationType, String> {
    match kind(text)? {
        NotificationType::Security | NotificationType::PasswordChanged => {
            Err("nobody turns off SECURITY and PASSWORD_CHANGED".to_owned())
        }
        kind => Ok(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_written_in_minutes_hours_or_days() {
        for (text, expected) in [("0", 0), ("30", 30), ("30m", 30), ("2h", 120), ("7d", 10_080)] {
            assert_eq!(minutes(text), Ok(expected), "{text}");
        }
        for text in ["-1", "8d", "h", "soon", "99999999999999999d"] {
            assert!(minutes(text).is_err(), "{text}");
        }
        assert_eq!(kind("task_updated"), Ok(NotificationType::TaskUpdated));
        assert!(mutable("security").is_err() && mutable("LOGIN").is_ok());
        assert!(kind("NEWS").is_err_and(|said| said.contains("TASK_UPDATED")));
    }
}
