//! Errors of the database, classified by what a caller can do about them. `source` keeps the detail for the log.

use std::fmt;

/// The cause of a write that PostgreSQL refuses, because its server is a standby or was made read-only.
pub(super) const READ_ONLY: &str = "read_only";

/// The kinds of errors, by what a caller can do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another transaction was in the way (PostgreSQL 40001, 40P01, 55P03; SQLite busy). Run it again.
    Contended,
    /// The database cannot be reached, or the connection broke. Try again later.
    Unavailable,
    /// The database ended a statement that took too long, and lives. Ask for less.
    Late,
    /// The time of a query was over before the database had its answer, and nothing more is read for it. Ask for less.
    Overdue,
    /// The disk is full, or the database has reached its allowed size.
    Full,
    /// A row with this key exists.
    Taken,
    /// A bug of this program.
    Bug,
}

/// An error of the database.
#[derive(Debug)]
pub struct StoreError {
    /// The kind of error.
    pub trouble: Trouble,
    cause: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    /// The database contains something that no version of this program writes.
    pub fn corrupt(what: impl Into<String>) -> StoreError {
        StoreError {
            trouble: Trouble::Bug,
            cause: "bug",
            source: what.into().into(),
        }
    }

    /// The database did not answer in time.
    pub(super) fn silence() -> StoreError {
        StoreError {
            trouble: Trouble::Unavailable,
            cause: "silence",
            source: "the database does not answer".into(),
        }
    }

    pub(super) fn is_silence(&self) -> bool {
        self.cause == "silence"
    }

    /// The mutations of a group need too many rows together. Alone, each of them may need few enough.
    pub fn crowded() -> StoreError {
        StoreError {
            trouble: Trouble::Contended,
            cause: "crowded",
            source: "the group needs too many rows".into(),
        }
    }

    /// The time of a query is over.
    pub(super) fn overdue() -> StoreError {
        StoreError {
            trouble: Trouble::Overdue,
            cause: "late",
            source: "the query's time is over".into(),
        }
    }

    /// What it is to a query whose time is bounded: a statement that the database ended took too much of that time.
    pub(super) fn of_a_query(mut self) -> StoreError {
        if self.trouble == Trouble::Late {
            self.trouble = Trouble::Overdue;
        }
        self
    }

    /// The cause as one word of a fixed set, for metrics.
    pub fn cause(&self) -> &'static str {
        self.cause
    }

    /// The database cannot be reached.
    pub fn unavailable(what: impl Into<String>) -> StoreError {
        StoreError {
            trouble: Trouble::Unavailable,
            cause: "connection",
            source: what.into().into(),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.trouble, self.source)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        StoreError {
            trouble: trouble(&error),
            cause: cause(&error),
            source: error.into(),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> StoreError {
        StoreError {
            trouble: Trouble::Bug,
            cause: "bug",
            source: error.into(),
        }
    }
}

fn cause(error: &sqlx::Error) -> &'static str {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match (code.as_deref(), trouble(error)) {
        (Some("40P01"), _) => "deadlock",
        (Some("40001"), _) => "serialization",
        (Some("55P03"), _) => "lock_timeout",
        (Some("57014"), _) => "statement_timeout",
        (Some("25006"), _) => READ_ONLY,
        (_, Trouble::Contended) => "busy",
        (_, Trouble::Unavailable) => "connection",
        (_, Trouble::Late | Trouble::Overdue) => "late",
        (_, Trouble::Full) => "full",
        (_, Trouble::Taken) => "taken",
        (_, Trouble::Bug) => "bug",
    }
}

fn trouble(error: &sqlx::Error) -> Trouble {
    match error {
        sqlx::Error::Database(error) if error.is_unique_violation() => Trouble::Taken,
        sqlx::Error::Database(error) => error.code().map_or(Trouble::Bug, |code| by_code(&code)),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Trouble::Unavailable,
        _ => Trouble::Bug,
    }
}

/// SQLSTATE (five characters) on PostgreSQL, the extended result code (a number) on SQLite.
fn by_code(code: &str) -> Trouble {
    if let (false, Ok(number)) = (code.len() == 5, code.parse::<i32>()) {
        return match number & 0xff {
            5 | 6 => Trouble::Contended,
            // interrupted
            9 => Trouble::Late,
            13 => Trouble::Full,
            // the file is read-only, an input or output error, or the file cannot be opened
            8 | 10 | 14 => Trouble::Unavailable,
            _ => Trouble::Bug,
        };
    }
    match code {
        "40001" | "40P01" | "55P03" => Trouble::Contended,
        "53100" => Trouble::Full,
        "57014" => Trouble::Late,
        // connection exceptions, out of resources, operator intervention, idle timeouts
        _ if code.starts_with("08")
            || code.starts_with("53")
            || code.starts_with("57")
            || code == "25P03"
            // read-only: the server is a standby
            || code == "25006" =>
        {
            Trouble::Unavailable
        }
        _ => Trouble::Bug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_say_what_to_do() {
        assert_eq!(by_code("13"), Trouble::Full);
        assert_eq!(by_code("9"), Trouble::Late); // SQLITE_INTERRUPT
        assert_eq!(by_code("517"), Trouble::Contended); // SQLITE_BUSY_SNAPSHOT
        assert_eq!(by_code("40P01"), Trouble::Contended);
        assert_eq!(by_code("57P01"), Trouble::Unavailable);
        assert_eq!(by_code("57014"), Trouble::Late);
        assert_eq!(by_code("42601"), Trouble::Bug);
    }
}
