//! The arguments of the commands of administrators.

use super::words;
use clap::{Args as Group, Subcommand, builder::TypedValueParser};
use taskwire_client::protocol::{
    SessionId,
    account::{GlobalRole, Plan},
};

#[derive(Subcommand)]
pub(crate) enum AdminCommand {
    /// List accounts, the oldest first.
    Users {
        /// Only accounts with this text in the name, the username or the e-mail address.
        query: Option<String>,
        /// The largest number of items.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Show an account.
    Show {
        /// Its id, e-mail address or username.
        account: String,
    },
    /// Make an account. Without a password, its owner gets a mail to set one.
    Create(CreateArgs),
    /// Change an account.
    Update(UpdateArgs),
    /// Let an account sign in that failed sign-ins have locked.
    Unlock {
        /// Its id, e-mail address or username.
        account: String,
    },
    /// End all sessions of an account.
    SignOut {
        /// Its id, e-mail address or username.
        account: String,
    },
    /// Delete an account for good, with everything that is its owner's alone.
    Delete {
        /// Its id, e-mail address or username.
        account: String,
        /// Do not ask whether you are sure.
        #[arg(long)]
        yes: bool,
    },
    /// List the running instances of the server.
    Instances,
    /// List the connections of all instances.
    Connections {
        /// Only those of this account: its id, e-mail address or username.
        #[arg(long, value_name = "ACCOUNT")]
        user: Option<String>,
        /// The largest number of items.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Close the connections of an account or a session. Its programs may connect again.
    Kick {
        /// The account's id, e-mail address or username.
        #[arg(required_unless_present = "session", conflicts_with = "session")]
        account: Option<String>,
        /// The session's id, as `tw admin connections` shows it.
        #[arg(long, value_name = "ID")]
        session: Option<SessionId>,
    },
}

#[derive(Group)]
pub(crate) struct CreateArgs {
    /// The e-mail address. It counts as verified if you give a password.
    pub(crate) email: String,
    /// The display name.
    pub(crate) name: String,
    /// Set a password; `tw` asks for it.
    #[arg(long, conflicts_with = "password_stdin")]
    pub(crate) password: bool,
    /// Set a password, from standard input.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Make it an administrator.
    #[arg(long)]
    pub(crate) admin: bool,
    /// The plan.
    #[arg(long, value_parser = plan())]
    pub(crate) plan: Option<Plan>,
}

#[derive(Group)]
pub(crate) struct UpdateArgs {
    /// The account's id, e-mail address or username.
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) changes: AccountChanges,
}

#[derive(Group)]
#[group(required = true, multiple = true)]
pub(crate) struct AccountChanges {
    /// The role on the whole server.
    #[arg(long, value_parser = role())]
    pub(crate) role: Option<GlobalRole>,
    /// The plan.
    #[arg(long, value_parser = plan())]
    pub(crate) plan: Option<Plan>,
    /// Let the account sign in again.
    #[arg(long, conflicts_with = "inactive")]
    pub(crate) active: bool,
    /// Sign the account out everywhere, and refuse its sign-ins.
    #[arg(long)]
    pub(crate) inactive: bool,
    /// The display name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The e-mail address, which counts as verified.
    #[arg(long)]
    pub(crate) email: Option<String>,
}

fn role() -> impl TypedValueParser<Value = GlobalRole> {
    words(&["user", "admin"])
}

fn plan() -> impl TypedValueParser<Value = Plan> {
    words(&["free", "pro"])
}
