//! The arguments of the commands about one's own account.

use super::due;
use crate::due::Due;
use clap::{Args as Group, Subcommand};

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// List your API tokens, for programs; or make or revoke one.
    Tokens {
        #[command(subcommand)]
        action: Option<TokenAction>,
    },
    /// Show your account, after these changes if there are any.
    Profile(ProfileChanges),
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
    /// Use an API token instead: from standard input, or `tw` asks for it.
    #[arg(long, conflicts_with_all = ["email", "password_stdin"])]
    pub(crate) token: bool,
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
}

#[derive(Group)]
pub(crate) struct AuditArgs {
    /// The largest number of entries: the newest ones.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}
