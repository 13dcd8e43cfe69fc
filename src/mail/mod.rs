//! Mails: what they say, how they look, and how they leave the node. Does not know when a mail is due nor to whom it
//! goes: a job (`jobs/mail`) sends what the rules in `ops` enqueue.
//!
//! - `texts`    what each mail says
//! - `layout`   one layout for all of them, as plain text and as HTML
//! - `message`  the mail as it travels: headers, encodings
//! - `smtp`     hands a mail to the server of `smtp_url`
//! - `folder`   keeps mails as files where no server is set

mod folder;
mod layout;
mod message;
mod smtp;
pub mod texts;

pub use message::{Mail, Recipient};
pub use smtp::Smtp;
pub use texts::{Draft, Ends, Proof};

use crate::config::Settings;
use std::path::PathBuf;

/// Where a mail went.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// The mail server took it.
    Sent,
    /// It lies in this file, because no server is set.
    Kept(PathBuf),
}

/// Why a mail did not leave. The text may be logged: addresses in it are masked.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsent {
    /// It never will: the server refuses the recipient or the mail.
    Refused(String),
    /// Another try may succeed.
    Later(String),
}

/// Sends a mail, or keeps it where no server is set. Repeating it sends the same mail again, with the same `Message-ID`.
pub async fn send(settings: &Settings, mail: &Mail) -> Result<Left, Unsent> {
    let message = message::build(mail, settings)?;
    match Smtp::of(settings) {
        Some(smtp) => smtp?.send(&message).await.map(|()| Left::Sent),
        None => folder::keep(settings, mail.id, message.formatted())
            .await
            .map(Left::Kept)
            .map_err(|error| {
                Unsent::Later(format!("the mail cannot be written to data_dir/outbox: {error}"))
            }),
    }
}
