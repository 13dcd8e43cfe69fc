//! What is mailed. A letter is the payload of a job, which is enqueued in the transaction of what it tells of; so the table
//! of jobs is the outbox. A letter has no code: it names one, and the job makes it when it sends the letter (`jobs/mail`).

use super::codes::{self, Life};
use super::world::World;
use super::{Act, Result};
use crate::store::codes::Purpose;
use crate::store::jobs::{NewJob, Payload};
use crate::store::users::Account;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::User;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{Email, InviteId, TaskId, Timestamp, UserId};
use uuid::Uuid;

/// A mail to a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Letter {
    /// Identifies the mail, also to those who receive it: every try has this id.
    pub id: Uuid,
    /// Whose account it is about.
    pub user: UserId,
    /// The address that it goes to.
    pub email: Email,
    /// The person's name; empty where it is not known.
    pub name: Arc<str>,
    /// When it happened.
    pub at: Timestamp,
    /// What it tells.
    pub about: About,
}

/// What a letter tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum About {
    /// The address is verified.
    Welcome,
    /// A code, by its id.
    Code {
        /// The code.
        code: Uuid,
        /// What it is for.
        purpose: Purpose,
    },
    /// An administrator made the account, and its owner chooses the password.
    AccountMade {
        /// The code to choose it.
        code: Uuid,
    },
    /// Another address was asked for.
    AddressChanging {
        /// The other address, masked.
        to: String,
    },
    /// The account has another address.
    AddressChanged {
        /// The other address, masked.
        to: String,
    },
    /// The account has another password.
    PasswordChanged {
        /// Its API tokens ended too.
        #[serde(default)]
        without_tokens: bool,
    },
    /// The account is gone.
    AccountDeleted {
        /// An administrator deleted it, not its owner.
        by_administrator: bool,
    },
    /// Somebody signed up with this address.
    HasAccount,
    /// Several signed up with this address, and the person who reads its mail chooses the password.
    SeveralSignUps {
        /// The code to choose it.
        code: Uuid,
    },
    /// The time of tasks has come while their person was not connected. The tasks are read when the mail is sent.
    Reminder {
        /// The first of them, and what each tells.
        tasks: Vec<(TaskId, NotificationType)>,
        /// How many more there are.
        more: usize,
    },
    /// Somebody was invited to a workspace.
    Invitation {
        /// The invitation.
        invite: InviteId,
        /// The workspace's name.
        workspace: String,
        /// The name of the member who invites.
        by: String,
    },
    /// A device signed in that the account did not know.
    NewDevice {
        /// What it calls itself.
        device: String,
        /// The network address that it signed in from.
        address: Option<String>,
    },
}

impl Payload for Letter {
    const KIND: &'static str = "mail";
}

/// The most tasks that a mail of reminders lists.
pub const LISTED: usize = 20;
/// The most tasks that a letter of reminders names: some of them may be done by the time that it leaves.
const NAMED: usize = 500;
/// How long reminders wait for others that are due at the same time.
const TOGETHER: Duration = Duration::from_secs(1);

/// Mails reminders. Letters of one person that wait become one (`jobs/mail`).
pub(super) fn post_reminders(
    act: &Act<'_>,
    world: &mut World,
    user: &User,
    tasks: Vec<(TaskId, NotificationType)>,
) -> Result<()> {
    let mut letter = Letter {
        id: act.new_id(),
        user: user.id,
        email: user.email.clone(),
        name: user.name.clone(),
        at: act.now,
        about: About::Reminder { tasks, more: 0 },
    };
    letter.shorten();
    let key = format!("{}{}", letter.reminders_begin(), letter.id);
    world.enqueue(NewJob::new(key, &letter, TOGETHER)?);
    Ok(())
}

impl Letter {
    /// How the keys of all reminders to this person begin.
    pub fn reminders_begin(&self) -> String {
        format!("reminders {} ", self.user)
    }

    /// Takes the reminders of another letter into this one. It is another mail then, and it has waited since the first of
    /// them: somebody may already have got one of the two, so it needs an id that no mail had.
    pub fn join(&mut self, other: Letter, id: Uuid) {
        let About::Reminder {
            tasks: others,
            more: unlisted,
        } = other.about
        else {
            return;
        };
        if let About::Reminder { tasks, more } = &mut self.about {
            tasks.extend(others);
            *more = more.saturating_add(unlisted);
            self.id = id;
            self.at = self.at.min(other.at);
            self.shorten();
        }
    }

    fn shorten(&mut self) {
        if let About::Reminder { tasks, more } = &mut self.about {
            *more = more.saturating_add(tasks.len().saturating_sub(NAMED));
            tasks.truncate(NAMED);
        }
    }
}

/// Mails something to an account's address, in the transaction of the group.
pub(super) fn post(act: &Act<'_>, world: &mut World, user: &User, about: About) -> Result<()> {
    post_to(act, world, user, &user.email, about)
}

/// Mails something to an address of the account's owner.
pub(super) fn post_to(
    act: &Act<'_>,
    world: &mut World,
    user: &User,
    email: &Email,
    about: About,
) -> Result<()> {
    let letter = Letter {
        id: act.new_id(),
        user: user.id,
        email: email.clone(),
        name: user.name.clone(),
        at: act.now,
        about,
    };
    world.enqueue(NewJob::new(letter.id.to_string(), &letter, Duration::ZERO)?);
    Ok(())
}

/// Mails something to an address that may have no account, on behalf of the caller.
pub(super) fn post_to_stranger(act: &Act<'_>, world: &mut World, email: &Email, about: About) -> Result<()> {
    let letter = Letter {
        id: act.new_id(),
        user: act.caller.user.id,
        email: email.clone(),
        name: "".into(),
        at: act.now,
        about,
    };
    world.enqueue(NewJob::new(letter.id.to_string(), &letter, Duration::ZERO)?);
    Ok(())
}

/// Mails a new code to an address; it voids the account's older one of this purpose.
pub(super) fn post_code(
    act: &Act<'_>,
    world: &mut World,
    account: &Account,
    email: &Email,
    purpose: Purpose,
) -> Result<()> {
    let code = codes::issue(act, world, account, email, purpose);
    post_to(act, world, &account.user, email, About::Code { code, purpose })
}

/// Tells the owner of a new account of it, with a code to choose the password.
pub(super) fn post_account_made(act: &Act<'_>, world: &mut World, account: &Account) -> Result<()> {
    let code = codes::issue(act, world, account, &account.user.email, Purpose::Reset);
    post(act, world, &account.user, About::AccountMade { code })
}

/// Lets the person who reads the mail of an address choose the password of an account that several signed up for.
pub(super) fn post_several_sign_ups(act: &Act<'_>, world: &mut World, account: &Account) -> Result<()> {
    let code = codes::issue(act, world, account, &account.user.email, Purpose::Reset);
    post(act, world, &account.user, About::SeveralSignUps { code })
}

impl About {
    /// How long the code lives from the moment at which it is sent; `None` for a letter without one.
    pub fn life(&self) -> Option<Duration> {
        match self {
            About::Code { purpose, .. } => Some(purpose.life()),
            About::AccountMade { .. } | About::SeveralSignUps { .. } => Some(Purpose::Reset.life()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(at: i64, tasks: usize) -> Letter {
        let named = (0..tasks).map(|_| (TaskId(Uuid::new_v4()), NotificationType::TaskReminder));
        Letter {
            id: Uuid::new_v4(),
            user: UserId(Uuid::nil()),
            email: Email::from("ada@example.com"),
            name: "Ada".into(),
            at: Timestamp(at),
            about: About::Reminder {
                tasks: named.collect(),
                more: 0,
            },
        }
    }

    #[test]
    fn letters_that_become_one_are_a_new_mail_as_old_as_the_first() {
        let (mut one, other) = (letter(2000, 3), letter(1000, NAMED));
        let id = Uuid::new_v4();
        one.join(other, id);
        assert_eq!((one.id, one.at), (id, Timestamp(1000)));
        let About::Reminder { tasks, more } = one.about else {
            panic!("another letter")
        };
        assert_eq!((tasks.len(), more), (NAMED, 3));
    }
}
