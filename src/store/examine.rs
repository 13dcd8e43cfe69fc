//! Examines a database for `taskwire doctor`. It changes nothing, makes no schema, takes no lock, and works while a
//! node runs.

use super::database::ACQUIRE;
use super::schema::{POSTGRES, SQLITE};
use super::{OpenError, Result, dial, postgres, sqlite};
use crate::config::{DatabaseUrl, Settings};
use secrecy::ExposeSecret;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _, PgConnection};
use std::path::Path;
use std::time::{Duration, Instant};

/// What was found about a database.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The program and its version, for people.
    pub version: String,
    /// How long a query took.
    pub latency: Duration,
    /// The state of its schema.
    pub schema: Schema,
    /// How many active administrators there are; 0 unless the schema is current.
    pub administrators: i64,
    /// Facts of a PostgreSQL server.
    pub server: Option<Server>,
}

/// Facts of a PostgreSQL server.
#[derive(Clone, Debug)]
pub struct Server {
    /// How many milliseconds its clock is ahead of this machine's. The error is at most half the latency.
    pub ahead_ms: i64,
    /// How many connections it allows to ordinary users.
    pub connections: i64,
    /// Settings, with their values, with which it may lose acknowledged commits.
    pub unsafe_settings: Vec<(String, String)>,
}

/// The state of a schema, compared with this program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// The database has no schema yet. The first start makes it.
    None,
    /// The schema is this program's.
    Current,
    /// The schema is older. The next start brings it up to date.
    Older,
    /// A newer program made the schema, in this version.
    Newer(i64),
}

const ADMINISTRATORS: &str = "select count(*) from users where role = 1 and is_active = true";

/// Examines the database of the settings. Returns `None` for an SQLite file that does not exist yet. `now_ms` is the
/// clock of this machine.
pub async fn examine(
    settings: &Settings,
    now_ms: impl Fn() -> i64,
) -> std::result::Result<Option<Examined>, OpenError> {
    match &settings.database_url {
        DatabaseUrl::Sqlite { path } if !path.exists() => Ok(None),
        DatabaseUrl::Sqlite { path } => file(path).await.map(Some),
        DatabaseUrl::Postgres { url } => server(url.expose_secret(), now_ms).await.map(Some),
    }
}

async fn file(path: &Path) -> std::result::Result<Examined, OpenError> {
    sqlite::check_writable(path)?;
    let failed = |error| OpenError::Open(path.display().to_string(), error);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .disable_statement_logging();
    let mut link = options.connect().await.map_err(failed)?;
    let asked = Instant::now();
    let query =
        "select sqlite_version(), (select count(*) from sqlite_master where name = '_sqlx_migrations')";
    let (version, tables): (String, i64) =
        sqlx::query_as(query).fetch_one(&mut link).await.map_err(failed)?;
    let latency = asked.elapsed();
    let newest = match tables {
        0 => None,
        _ => sqlx::query_scalar("select max(version) from _sqlx_migrations")
            .fetch_one(&mut link)
            .await
            .map_err(failed)?,
    };
    let schema = schema(&SQLITE, newest);
    let administrators = match schema {
        Schema::Current => sqlx::query_scalar(ADMINISTRATORS)
            .fetch_one(&mut link)
            .await
            .map_err(failed)?,
        _ => 0,
    };
    Ok(Examined {
        version: format!("SQLite {version}, {}", path.display()),
        latency,
        schema,
        administrators,
        server: None,
    })
}

async fn server(url: &str, now_ms: impl Fn() -> i64) -> std::result::Result<Examined, OpenError> {
    let (options, shown) = postgres::options(url)?;
    let examining = tokio::time::timeout(ACQUIRE, asked(&options, &shown, now_ms)).await;
    examining.map_err(|_| OpenError::Silent(shown.clone(), ACQUIRE.as_secs()))?
}

async fn asked(
    options: &PgConnectOptions,
    shown: &str,
    now_ms: impl Fn() -> i64,
) -> std::result::Result<Examined, OpenError> {
    let failed = |error| OpenError::Open(shown.to_owned(), error);
    let mut link = dial::connect(options, shown).await?;
    let (asked, before) = (Instant::now(), now_ms());
    let query = "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint),
        current_setting('server_version'),
        cast(current_setting('max_connections') as bigint)
          - cast(current_setting('superuser_reserved_connections') as bigint),
        to_regclass('_sqlx_migrations') is not null";
    let (theirs, name, connections, has_schema): (i64, String, i64, bool) =
        sqlx::query_as(query).fetch_one(&mut link).await.map_err(failed)?;
    let ahead_ms = theirs - i64::midpoint(before, now_ms());
    let latency = asked.elapsed();
    let newest = if has_schema {
        newest(&mut link).await?
    } else {
        None
    };
    let schema = schema(&POSTGRES, newest);
    let administrators = match schema {
        Schema::Current => sqlx::query_scalar(ADMINISTRATORS)
            .fetch_one(&mut link)
            .await
            .map_err(failed)?,
        _ => 0,
    };
    let unsafe_settings = postgres::unsafe_settings(&mut link).await?;
    link.close().await.map_err(failed)?;
    let name = name.split(' ').next().unwrap_or_default().to_owned();
    Ok(Examined {
        version: format!("PostgreSQL {name}, {shown}"),
        latency,
        schema,
        administrators,
        server: Some(Server {
            ahead_ms,
            connections,
            unsafe_settings,
        }),
    })
}

async fn newest(link: &mut PgConnection) -> Result<Option<i64>> {
    let query = sqlx::query_scalar("select max(version) from _sqlx_migrations");
    Ok(query.fetch_one(link).await?)
}

fn schema(ours: &Migrator, newest: Option<i64>) -> Schema {
    let ours = ours.iter().map(|step| step.version).max();
    match newest {
        None => Schema::None,
        Some(theirs) if Some(theirs) > ours => Schema::Newer(theirs),
        Some(theirs) if Some(theirs) < ours => Schema::Older,
        Some(_) => Schema::Current,
    }
}
