//! The table of limits: how many in which time. Whom each counts is the caller's choice, and the doc line's.

use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The most keys that memory keeps for one limit.
const KEYS: usize = 100_000;

macro_rules! limits {
    ($( #[doc = $doc:literal] $limit:ident $name:literal: $number:expr, $window:expr, $what:literal; )*) => {
        /// A limit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Limit { $( #[doc = $doc] $limit, )* }

        impl Limit {
            /// Every limit.
            pub const ALL: [Limit; [$( Limit::$limit ),*].len()] = [$( Limit::$limit ),*];

            /// The name in metrics, and in keys of Redis.
            pub fn name(self) -> &'static str {
                match self { $( Limit::$limit => $name, )* }
            }

            /// What there were too many of, for the answer.
            pub(super) fn what(self) -> &'static str {
                match self { $( Limit::$limit => $what, )* }
            }

            fn row(self) -> (u32, Duration) {
                match self { $( Limit::$limit => ($number, $window), )* }
            }
        }
    };
}

limits! {
    /// HTTP requests of a session or an API token, or of the strangers of a network. The settings have other numbers.
    Requests "requests": 100, MINUTE, "requests";
    /// Sign-ins of a network.
    SignIns "sign_ins": 20, MINUTE, "sign-ins";
    /// Accounts made from a network.
    SignUps "sign_ups": 3, HOUR, "sign-ups";
    /// Mails with codes that a network asks for, whatever their addresses.
    Mails "mails": 30, HOUR, "requests for mails";
    /// Mails to reset the password, by e-mail address.
    Resets "resets": 3, HOUR, "requests to reset the password";
    /// Mails with a code to verify an address, by e-mail address.
    Codes "codes": 3, HOUR, "requests for a code";
    /// Mails of reminders to a person; more wait, and become one.
    Reminders "reminders": 20, HOUR, "mails of reminders";
    /// Mails with invitations, by who invites and the e-mail address.
    Invitations "invitations": 3, HOUR, "invitations of this address";
    /// The current password of a user, tried in one of their sessions: a thief's guesses do not count as the owner's.
    Passwords "passwords": 10, HOUR, "tries of the password";
    /// The same in all sessions of the user: a thief may begin sessions by codes of programs.
    PasswordsOfUser "passwords_of_user": 30, HOUR, "tries of the password";
    /// Changes of a user's own profile.
    Profile "profile": 10, HOUR, "changes of the profile";
    /// Changes of a user's own photo.
    Photo "photo": 5, HOUR, "changes of the photo";
    /// Exports of a user's own data.
    Exports "exports": 10, HOUR, "exports of your data";
    /// Calendar feeds that a user makes: each ends the one before.
    Calendars "calendars": 10, HOUR, "calendar feeds";
    /// Reads of a user's calendar feed.
    CalendarReads "calendar_reads": 120, HOUR, "reads of this calendar feed";
    /// Secrets of no calendar feed that a network tries. A program may ask for a feed that has ended for a long time.
    WrongCalendars "wrong_calendars": 60, HOUR, "addresses of no calendar feed";
    /// Files that a user imports, or tries: each may be many rows.
    Imports "imports": 60, HOUR, "imports";
    /// Codes of programs that a user approves or refuses: each may be a row.
    Approvals "approvals": 20, HOUR, "codes of programs";
}

/// Sign-ins at locked accounts that a network is given back. Each was answered after a read of the account.
pub(super) const GIVEN_BACK: Rule = Rule {
    number: 20,
    window_ms: 60_000,
    keys: KEYS,
};

/// The numbers that settings change.
#[derive(Clone, Debug)]
pub struct Options {
    /// HTTP requests in `request_window`.
    pub requests: u32,
    /// The window of [`Options::requests`].
    pub request_window: Duration,
    /// People with whom an account shares no workspace that it may try to reach in an hour.
    pub strangers_per_hour: u32,
    /// Operations of a user a second in the long run, and at once.
    pub user_ops: (u32, u32),
    /// The same of the strangers of a network.
    pub address_ops: (u32, u32),
}

/// One limit's numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Allowed in any window, at least 1.
    pub(super) number: u32,
    /// At least 1.
    pub(super) window_ms: i64,
    /// The most keys in memory.
    pub(super) keys: usize,
}

/// The numbers of all limits.
#[derive(Debug)]
pub(super) struct Rules([Rule; Limit::ALL.len()]);

impl Rules {
    pub(super) fn new(options: &Options) -> Rules {
        Rules(Limit::ALL.map(|limit| {
            let (number, window) = match limit {
                Limit::Requests => (options.requests, options.request_window),
                other => other.row(),
            };
            Rule {
                number: number.max(1),
                window_ms: i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1),
                keys: KEYS,
            }
        }))
    }

    pub(super) fn of(&self, limit: Limit) -> &Rule {
        &self.0[limit as usize]
    }
}
