//! Background work: jobs, which are rows of a database table. A job runs on one instance at a time. After a failure it
//! runs again, until it succeeds or is dead. Each kind has a file; the registry is [`KINDS`].
//!
//! - `kind`       what a kind is: its name, its limits, its work
//! - `run`        one run of a job: its transactions, the last of which completes it
//! - `runner`     claims jobs that are due, and runs them
//! - `outcome`    what happens to a job after a run: backoff, death
//! - `retention`  deletes what has reached its age limit
//! - `spread_profile`   shows a changed profile in the workspaces of its user
//! - `erase_account`   erases what a deleted account has left; `erase_workspace` a workspace without members;
//!   `forget_name` takes the user's name out of the logs of workspaces
//! - `forget_task`   forgets what was told about a task that was purged
//! - `unassign`   takes a person who left a workspace from its tasks
//! - `look_again`   looks again when a user is to be told about tasks
//! - `show_invites`   shows invitations to those who verified the address that they name
//! - `adopt_tags`   makes tags of the names that tasks have from an older version
//! - `mail`       sends mails; `gather` makes one of several with reminders
//! - `photos`     removes what interrupted uploads of photos left
//! - `attachments` removes the files of attachments that no task has any more, and what interrupted uploads left
//! - `words`      indexes the words of tasks, on SQLite
//!
//! To add a kind, write its payload (`store::jobs::Payload`), its file with a [`Job`], and its line in [`KINDS`].

mod adopt_tags;
mod attachments;
mod erase_account;
mod erase_workspace;
mod forget_name;
mod forget_task;
mod gather;
mod kind;
mod look_again;
mod mail;
mod outcome;
mod photos;
mod retention;
mod run;
mod runner;
mod show_invites;
mod spread_profile;
mod unassign;
mod words;

pub use kind::{Job, Kind, Schedule};
pub use retention::round;
pub use run::{Ended, Run, Steps};
pub use runner::Runner;

/// Every kind of job that this version runs.
pub static KINDS: &[Kind] = &[
    Kind::of::<retention::Retention>(),
    Kind::of::<photos::ClearPhotos>(),
    Kind::of::<attachments::ClearAttachments>(),
    Kind::of::<crate::engine::IndexWords>(),
    Kind::of::<crate::store::jobs::SpreadProfile>(),
    Kind::of::<crate::store::jobs::LookAgain>(),
    Kind::of::<crate::store::jobs::EraseAccount>(),
    Kind::of::<crate::store::jobs::EraseWorkspace>(),
    Kind::of::<crate::store::jobs::ForgetName>(),
    Kind::of::<crate::store::jobs::ForgetTask>(),
    Kind::of::<crate::store::jobs::Unassign>(),
    Kind::of::<crate::store::jobs::ShowInvites>(),
    Kind::of::<crate::store::jobs::AdoptTags>(),
    Kind::of::<crate::store::jobs::RemoveFiles>(),
    Kind::of::<crate::ops::letters::Letter>(),
];
