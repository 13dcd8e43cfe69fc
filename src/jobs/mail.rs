//! Sends a letter. The job itself is the row of the outbox: it was enqueued in the transaction of what it tells of, and is
//! removed when the mail has left. While the server is away it runs again, for about three days; after that it is dead, and
//! an operator may retry it. A mail may leave twice only where a node dies between the server's answer and the end of the
//! job; both have the same `Message-ID` and the same content.

use super::gather::{Gathered, gather};
use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::config::{PublicUrl, Settings};
use crate::domain::account::masked;
use crate::engine::{Engine, Reminder};
use crate::mail::{self, Draft, Ends, Left, Mail, Proof, Recipient, Unsent, texts};
use crate::ops::letters::{About, Letter};
use crate::store::codes::Purpose;
use secrecy::ExposeSecret;
use std::time::Duration;
use taskwire_protocol::{Email, ErrorCode, Failure};
use tokio::time::sleep;
use uuid::Uuid;

/// How often the end of a job is tried after its mail was taken. A database that is away for a moment must not send it twice.
const ENDS: u32 = 30;

impl Job for Letter {
    /// The pauses grow to an hour within twelve runs; an hour is three quarters of one on average.
    const SCHEDULE: Schedule = Schedule::Once { attempts: 108 };
    /// More than a server may take for a mail.
    const LIMIT: Duration = Duration::from_mins(7);
    /// A slow server must not hold up the other jobs.
    const AT_ONCE: usize = 2;

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        if !matches!(self.about, About::Reminder { .. }) {
            return self.leave(run).await;
        }
        match gather(self, &run).await? {
            Gathered::Waits(pause) => run.rest(pause).await,
            Gathered::Whole(letter) => letter.leave(run).await,
        }
    }
}

impl Letter {
    /// Sends the letter, if there still is something to send.
    async fn leave(self, run: Run) -> Result<Ended, Failure> {
        let is_void = match run.engine().freshen(&self) {
            Some(freshen) => !run.step(freshen).await?,
            None => run.engine().came_too_late(&self).await?,
        };
        if is_void {
            count("dropped");
            return run.end().await;
        }
        let (email, draft) = match &self.about {
            About::Reminder { .. } => {
                let Some(reminder) = run.engine().reminder(&self).await? else {
                    count("dropped");
                    return run.end().await;
                };
                if let Some(pause) = run.engine().one_more_reminder(self.user).await {
                    return run.rest(pause).await;
                }
                reminded(&self, reminder, &run)
            }
            _ => (self.email.clone(), draft(&self, run.engine(), run.settings())),
        };
        let to = masked(&email);
        let mail = Mail {
            id: self.id,
            to: Recipient {
                email,
                name: self.name.to_string(),
            },
            at_ms: self.at.0,
            draft,
        };
        match mail::send(run.settings(), &mail).await {
            Ok(Left::Sent) => count("sent"),
            Ok(Left::Kept(file)) => {
                count("kept");
                tracing::info!(
                    email = to,
                    file = %file.display(),
                    "a mail was written to a file, because smtp_url is not set"
                );
            }
            Err(Unsent::Refused(reason)) => {
                count("refused");
                tracing::warn!(
                    email = to,
                    reason,
                    "the mail server refuses a mail for good; it is not sent again"
                );
            }
            Err(Unsent::Later(reason)) => {
                count("failed");
                return Err(Failure::new(ErrorCode::Unavailable, reason));
            }
        }
        ended(&run).await
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("taskwire_mails_total", "outcome" => outcome).increment(1);
}

/// Ends the job, with some patience for the database.
async fn ended(run: &Run) -> Result<Ended, Failure> {
    let mut tries = 1;
    loop {
        match run.end().await {
            Err(failure) if failure.code == ErrorCode::Unavailable && tries < ENDS => {}
            other => return other,
        }
        tries += 1;
        sleep(Duration::from_secs(1)).await;
    }
}

/// A mail of reminders: to whom it goes now, and what it says. Where people know where this node is, they can end such mails.
fn reminded(letter: &Letter, reminder: Reminder, run: &Run) -> (Email, Draft) {
    let place = run.settings().public_url.as_ref().map(PublicUrl::as_str);
    let token = run.engine().token_to_end_mails(letter.user);
    let link = place.and_then(|place| Some(format!("{place}/v1/unsubscribe?token={}", token?)));
    let ends = link.map(|link| Ends { link });
    let draft = texts::reminder(&letter.name, &reminder.lines, reminder.more, ends);
    (reminder.email, draft)
}

/// What the mail says.
fn draft(letter: &Letter, engine: &Engine, settings: &Settings) -> Draft {
    let name = &*letter.name;
    match &letter.about {
        About::Welcome => texts::welcome(name),
        // it has a draft of its own
        About::Reminder { .. } => Draft::default(),
        About::Code { code, purpose } => {
            let proof = proof(*code, *purpose, letter, engine, settings);
            match purpose {
                Purpose::Verify => texts::verification(proof),
                Purpose::Reset => texts::reset(name, proof),
                Purpose::ChangeEmail => texts::new_address(proof),
            }
        }
        About::AccountMade { code } => {
            texts::account_made(name, proof(*code, Purpose::Reset, letter, engine, settings))
        }
        About::AddressChanging { to } => texts::address_changing(name, to),
        About::AddressChanged { to } => texts::address_changed(name, to),
        About::PasswordChanged { without_tokens } => texts::password_changed(name, *without_tokens),
        About::AccountDeleted { by_administrator } => texts::account_deleted(name, *by_administrator),
        About::HasAccount => texts::has_account(name),
        About::SeveralSignUps { code } => {
            texts::several_sign_ups(proof(*code, Purpose::Reset, letter, engine, settings))
        }
        About::Invitation {
            invite,
            workspace,
            by,
        } => {
            let token = engine.reveal_invitation(*invite);
            let token = token.expose_secret();
            let place = settings.public_url.as_ref().map(PublicUrl::as_str);
            let link = place.map(|place| format!("{place}/join#{token}"));
            texts::invitation(by, workspace, link, format!("tw join {token}"))
        }
        About::NewDevice { device, address } => {
            texts::new_device(name, device, address.as_deref(), letter.at)
        }
    }
}

/// The code, and the link if people know where this node is. The token follows a `#`, so that no server on the way sees it.
fn proof(code: Uuid, purpose: Purpose, letter: &Letter, engine: &Engine, settings: &Settings) -> Proof {
    let (digits, token) = engine.reveal_code(code);
    let page = match purpose {
        Purpose::Verify | Purpose::ChangeEmail => "verify-email",
        Purpose::Reset => "reset-password",
    };
    let place = settings.public_url.as_ref().map(PublicUrl::as_str);
    let life = letter.about.life().unwrap_or_default();
    Proof {
        code: digits.expose_secret().to_owned(),
        link: place.map(|place| format!("{place}/{page}#{}", token.expose_secret())),
        minutes: i64::try_from(life.as_secs() / 60).unwrap_or(i64::MAX),
    }
}
