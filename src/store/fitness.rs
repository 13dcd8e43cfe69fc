//! Whether a PostgreSQL server can be used, found out when a node starts and by `taskwire doctor`. What is wrong would
//! otherwise show later, as an error of every write.

use super::Result;
use sqlx::PgConnection;

/// The oldest PostgreSQL that is tested, as `server_version_num`.
const OLDEST: i64 = 140_000;
/// A setting that every connection asks for, and the value that it must then have.
pub(super) const WITNESS: (&str, &str) = ("idle_in_transaction_session_timeout", "3s");

/// What a connection says of its server.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Facts {
    version: i64,
    version_name: String,
    database: String,
    encoding: String,
    client_encoding: String,
    conforming: String,
    recovers: bool,
    read_only: String,
    witness: Option<String>,
}

const QUERY: &str = "select cast(current_setting('server_version_num') as bigint) as version,
    current_setting('server_version') as version_name, cast(current_database() as text) as database,
    current_setting('server_encoding') as encoding, current_setting('client_encoding') as client_encoding,
    current_setting('standard_conforming_strings') as conforming, pg_is_in_recovery() as recovers,
    current_setting('transaction_read_only') as read_only,
    current_setting('idle_in_transaction_session_timeout', true) as witness";

/// Everything that is wrong with a connection's server, each with what to do; empty when it can be used.
pub(super) async fn faults(link: &mut PgConnection) -> Result<Vec<String>> {
    // not kept: a pooler may run the next statement on another connection
    let asked = sqlx::query_as::<_, Facts>(QUERY).persistent(false);
    match asked.fetch_one(link).await {
        Ok(facts) => Ok(faults_of(&facts)),
        Err(error) if is_of_a_pooler(&error) => Ok(vec![POOLER.to_owned()]),
        Err(error) => Err(error.into()),
    }
}

/// What a pooler does to us.
pub(super) const POOLER: &str = "a connection pooler, such as PgBouncer in transaction mode, stands before the server: it \
    drops the settings and the statements of a connection. Set database_url to the server itself; taskwire has a pool \
    of its own (database_connections)";

/// Whether an error comes from a pooler: it refuses settings of a connection (PgBouncer), or ran a statement on another
/// connection than it was prepared on.
pub(super) fn is_of_a_pooler(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else {
        return false;
    };
    let code = error.code();
    error.message().contains("unsupported startup parameter")
        || error.message().contains("pgbouncer")
        || matches!(code.as_deref(), Some("26000" | "42P05"))
}

fn faults_of(facts: &Facts) -> Vec<String> {
    let mut faults = Vec::new();
    let name = quoted(&facts.database);
    if facts.version < OLDEST {
        faults.push(format!(
            "PostgreSQL {} is too old: use version {} or newer",
            facts.version_name,
            OLDEST / 10_000
        ));
    }
    if facts.encoding != "UTF8" {
        faults.push(format!(
            "its encoding is {}: taskwire needs UTF8. Make another one: create database {} encoding 'UTF8' \
             template template0",
            facts.encoding,
            quoted(&format!("{}_utf8", facts.database))
        ));
    }
    if facts.client_encoding != "UTF8" {
        faults.push(format!(
            "client_encoding is {} in its connections: taskwire needs UTF8. Take the setting out of database_url, \
             PGOPTIONS, the role and the database",
            facts.client_encoding
        ));
    }
    if facts.conforming != "on" {
        faults.push(format!(
            "standard_conforming_strings is {}: taskwire needs on. Run: alter database {name} set \
             standard_conforming_strings = on (or alter role, or postgresql.conf)",
            facts.conforming
        ));
    }
    if facts.recovers {
        faults.push("its server is a read-only standby: set database_url to the primary".to_owned());
    } else if facts.read_only != "off" {
        faults.push(format!(
            "it is read-only (default_transaction_read_only is on). Run: alter database {name} set \
             default_transaction_read_only = off (or alter role, or postgresql.conf)"
        ));
    }
    if facts.witness.as_deref() != Some(WITNESS.1) {
        faults.push(POOLER.to_owned());
    }
    faults
}

/// A name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        let text = str::to_owned;
        Facts {
            version: 150_004,
            version_name: text("15.4"),
            database: text("tasks"),
            encoding: text("UTF8"),
            client_encoding: text("UTF8"),
            conforming: text("on"),
            recovers: false,
            read_only: text("off"),
            witness: Some(text(WITNESS.1)),
        }
    }

    fn found(change: impl FnOnce(&mut Facts)) -> Vec<String> {
        let mut facts = good();
        change(&mut facts);
        faults_of(&facts)
    }

    #[test]
    fn a_usual_server_can_be_used() {
        assert_eq!(faults_of(&good()), Vec::<String>::new());
        assert_eq!(found(|facts| facts.version = OLDEST), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named_alone_and_all_of_them_at_once() {
        for (faults, word) in [
            (found(|facts| facts.version = 130_014), "too old"),
            (
                found(|facts| facts.encoding = "SQL_ASCII".to_owned()),
                "SQL_ASCII",
            ),
            (
                found(|facts| facts.client_encoding = "LATIN1".to_owned()),
                "client_encoding is LATIN1",
            ),
            (
                found(|facts| facts.conforming = "off".to_owned()),
                "standard_conforming_strings is off",
            ),
            (found(|facts| facts.recovers = true), "standby"),
            (
                found(|facts| facts.read_only = "on".to_owned()),
                "default_transaction_read_only",
            ),
            (found(|facts| facts.witness = Some("0".to_owned())), "PgBouncer"),
            (found(|facts| facts.witness = None), "PgBouncer"),
        ] {
            assert!(
                matches!(&faults[..], [fault] if fault.contains(word)),
                "{word}: {faults:?}"
            );
        }
        let both = found(|facts| {
            facts.encoding = "LATIN1".to_owned();
            facts.recovers = true;
            facts.read_only = "on".to_owned();
        });
        assert_eq!(both.len(), 2, "{both:?}");
    }
}
