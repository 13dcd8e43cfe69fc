//! Checks the database: that it answers, that this program supports its version and schema, that commits are durable,
//! that it has enough connections, that its clock agrees with ours, and that there is an administrator.

use super::Finding;
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::OpenError;
use crate::store::examine::{Examined, Schema, Server, examine};

/// Synchronized clocks differ by less than this.
const DRIFT_MS: u64 = 1000;
/// With a greater difference, tokens end too early or too late.
const WRONG_MS: u64 = 60_000;
/// Connections besides the pool and the writers: for a start, a migration, and this program.
const SPARE: i64 = 3;

pub(super) async fn findings(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    match examine(settings, || clock.now_ms()).await {
        Err(error) => {
            let failure = Finding::failure("database", error.to_string());
            let advice = match error {
                // the error says what to do
                OpenError::Unfit(..) | OpenError::NotWritable(..) => "",
                _ => "check database_url, and that the server runs and accepts this machine",
            };
            vec![
                failure.advise(advice),
                Finding::off("clock", "the database's clock cannot be read"),
            ]
        }
        Ok(None) => vec![
            Finding::ok("database", "no SQLite file yet; the first start creates it"),
            Finding::off("clock", "SQLite uses the clock of this machine"),
        ],
        Ok(Some(found)) => {
            let mut findings = vec![schema(&found)];
            match &found.server {
                None => findings.push(Finding::off("clock", "SQLite uses the clock of this machine")),
                Some(server) => findings.extend(server_findings(settings, server)),
            }
            findings.push(administrators(settings, found.administrators));
            findings
        }
    }
}

fn schema(found: &Examined) -> Finding {
    let latency = found.latency.as_secs_f64() * 1000.0;
    let said = |schema: &str| format!("{}; answers in {latency:.1} ms; {schema}", found.version);
    match found.schema {
        Schema::Current => Finding::ok("database", said("its schema is current")),
        Schema::None => Finding::ok("database", said("no schema yet; the first start creates it")),
        Schema::Older => Finding::ok(
            "database",
            said("its schema is older; the next start migrates it"),
        ),
        Schema::Newer(version) => {
            let newer = said(&format!(
                "its schema has version {version}, which is newer than this program"
            ));
            Finding::failure("database", newer).advise("use a newer version of taskwire")
        }
    }
}

fn server_findings(settings: &Settings, server: &Server) -> Vec<Finding> {
    let mut findings = vec![durability(server)];
    let lanes = i64::try_from(settings.database_lanes).unwrap_or(i64::MAX);
    let wanted = i64::from(settings.database_connections) + lanes;
    if wanted + SPARE > server.connections {
        let few = format!(
            "a node opens up to {wanted} connections, but the server has only {}",
            server.connections
        );
        let advice = "raise max_connections in PostgreSQL, or lower database_connections";
        findings.push(Finding::warning("connections", few).advise(advice));
    }
    findings.push(clock(server));
    findings
}

fn administrators(settings: &Settings, active: i64) -> Finding {
    if active > 0 {
        return Finding::ok("admin", format!("active administrators: {active}"));
    }
    let next = if settings.admin_email.is_some() {
        "the next start makes the account of admin_email".to_owned()
    } else {
        let file = settings.first_admin_file();
        format!(
            "a start writes a link that makes the first one to {}",
            file.display()
        )
    };
    Finding::off("admin", format!("no administrator yet; {next}"))
}

fn durability(server: &Server) -> Finding {
    if server.unsafe_settings.is_empty() {
        let on = "fsync, full_page_writes and synchronous_commit are not off";
        return Finding::ok("durability", on);
    }
    let settings = server.unsafe_settings.iter();
    let settings: Vec<String> = settings
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    let found = format!(
        "PostgreSQL runs with {}: a crash can lose acknowledged changes",
        settings.join(", ")
    );
    Finding::warning("durability", found).advise("set these to on in postgresql.conf, and reload")
}

fn clock(server: &Server) -> Finding {
    let apart = server.ahead_ms.unsigned_abs();
    let found = format!("this machine's clock and the database's differ by {apart} ms");
    let advice = "synchronize both machines with NTP (chrony, systemd-timesyncd)";
    if apart <= DRIFT_MS {
        Finding::ok("clock", found)
    } else if apart <= WRONG_MS {
        Finding::warning("clock", found).advise(advice)
    } else {
        Finding::failure("clock", found).advise(advice)
    }
}
