//! A database for one test: a file for SQLite, or a new database on the private PostgreSQL of `tests/run`.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A database that is dropped at the end of the test.
pub struct Database {
    pub engine: Engine,
    pub url: String,
    name: Option<String>,
}

impl Database {
    /// The same database for another instance; the first one drops it.
    pub fn shared(&self) -> Database {
        Database {
            engine: self.engine,
            url: self.url.clone(),
            name: None,
        }
    }

    pub async fn make(engine: Engine, folder: &Path) -> Database {
        match engine {
            Engine::Sqlite => {
                let url = format!("sqlite:{}", folder.join("taskwire.db").display());
                Database {
                    engine,
                    url,
                    name: None,
                }
            }
            Engine::Postgres => {
                let name = format!("taskwire_{}", uuid::Uuid::new_v4().simple());
                let mut admin = PgConnection::connect(&admin_url())
                    .await
                    .expect("the PostgreSQL of tests/run");
                admin
                    .execute(AssertSqlSafe(format!("create database {name}")))
                    .await
                    .expect("a database");
                let url = admin_url()
                    .rsplit_once('/')
                    .map(|(server, _)| format!("{server}/{name}"));
                Database {
                    engine,
                    url: url.expect("a URL with a database"),
                    name: Some(name),
                }
            }
        }
    }

    /// Runs statements on a separate connection, so that the server does not know of them.
    pub async fn execute(&self, statements: &str) {
        let text = AssertSqlSafe(statements.to_owned());
        let done = match self.engine {
            Engine::Sqlite => {
                let mut link = SqliteConnection::connect(&self.url).await.expect("the file");
                link.execute(text).await.map(drop)
            }
            Engine::Postgres => self.link().await.execute(text).await.map(drop),
        };
        done.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The texts that a query returns, on a separate connection.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let text = AssertSqlSafe(query.to_owned());
        let found = match self.engine {
            Engine::Sqlite => {
                let mut link = SqliteConnection::connect(&self.url).await.expect("the file");
                sqlx::query_scalar(text).fetch_all(&mut link).await
            }
            Engine::Postgres => sqlx::query_scalar(text).fetch_all(&mut self.link().await).await,
        };
        found.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    async fn tables(&self) -> Vec<String> {
        let tables = match self.engine {
            Engine::Sqlite => {
                "select name from sqlite_master where type = 'table' and sql not like 'create virtual%'"
            }
            Engine::Postgres => {
                "select cast(table_name as text) from information_schema.tables
                 where table_schema = 'public' and table_type = 'BASE TABLE'"
            }
        };
        self.texts(tables).await
    }

    /// The tables with rows that have one of these ids in any column, as an id or in a text.
    pub async fn tables_with(&self, ids: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for table in self.tables().await {
            let holds: Vec<String> = match self.engine {
                Engine::Sqlite => {
                    let columns = format!("select name from pragma_table_info('{table}')");
                    let columns = self.texts(&columns).await;
                    let holds = |column: &String, id: &str| {
                        let bytes = id.replace('-', "");
                        format!("\"{column}\" = x'{bytes}' or \"{column}\" like '%{id}%'")
                    };
                    let columns = columns.iter();
                    columns
                        .flat_map(|column| ids.iter().map(move |id| holds(column, id)))
                        .collect()
                }
                Engine::Postgres => {
                    let holds = ids.iter().map(|id| format!("cast(t as text) like '%{id}%'"));
                    holds.collect()
                }
            };
            let holds = holds.join(" or ");
            let rows = format!("select '{table}' where exists (select 1 from \"{table}\" t where {holds})");
            found.extend(self.texts(&rows).await);
        }
        found
    }

    /// All that the rows of each table show as text, by table.
    pub async fn contents(&self) -> BTreeMap<String, String> {
        let mut contents = BTreeMap::new();
        for table in self.tables().await {
            let rows = match self.engine {
                Engine::Sqlite => self.rows_of_sqlite(&table).await,
                Engine::Postgres => {
                    self.texts(&format!("select cast(t as text) from \"{table}\" t"))
                        .await
                }
            };
            contents.insert(table, rows.join("\n"));
        }
        contents
    }

    /// Binary columns, too, as far as they are text.
    async fn rows_of_sqlite(&self, table: &str) -> Vec<String> {
        let columns = format!("select name from pragma_table_info('{table}')");
        let columns = self.texts(&columns).await;
        let columns = columns
            .iter()
            .map(|column| format!("cast(coalesce(\"{column}\", '') as blob)"));
        let row = columns.collect::<Vec<_>>().join(" || ' ' || ");
        let query = AssertSqlSafe(format!("select cast({row} as blob) from \"{table}\""));
        let mut link = SqliteConnection::connect(&self.url).await.expect("the file");
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(query)
            .fetch_all(&mut link)
            .await
            .unwrap_or_else(|error| panic!("{table}: {error}"));
        let shown = rows.iter().map(|row| String::from_utf8_lossy(row).into_owned());
        shown.collect()
    }

    /// A separate connection to the PostgreSQL database.
    pub async fn link(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("a link")
    }

    /// How many statements wait for a lock in PostgreSQL.
    pub async fn lock_waiters(&self) -> i64 {
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        let waiting = sqlx::query_scalar(waiting)
            .fetch_one(&mut self.link().await)
            .await;
        waiting.expect("a count")
    }

    /// Ends every connection of servers to their PostgreSQL database. Returns how many there were.
    pub async fn cut_off(&self) -> u64 {
        let (_, name) = self.url.rsplit_once('/').expect("a database");
        let cut = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = '{name}' and application_name = 'taskwire'"
        );
        // connect to another database: this one may refuse connections
        let mut admin = PgConnection::connect(&admin_url()).await.expect("PostgreSQL");
        let done = admin.execute(AssertSqlSafe(cut)).await;
        done.expect("connections that end").rows_affected()
    }
}

/// The URL of the same database at another address, that of a proxy.
pub fn through(url: &str, address: SocketAddr) -> String {
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let (place, database) = rest.split_once('/').expect("a database");
    let user = place.rsplit_once('@').map_or("", |(user, _)| user);
    let at = if user.is_empty() { "" } else { "@" };
    format!("{scheme}://{user}{at}{address}/{database}")
}

/// The server on which tests make their databases.
pub fn admin_url() -> String {
    std::env::var("TASKWIRE_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "TASKWIRE_TEST_POSTGRES is not set: run ./tests/run, which starts a private PostgreSQL, or set it to the \
             URL of a superuser who may create databases, like postgres://postgres@127.0.0.1:5432/postgres"
        )
    })
}

impl Drop for Database {
    fn drop(&mut self) {
        let Some(name) = self.name.take() else { return };
        let drop = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                if let Ok(mut admin) = PgConnection::connect(&admin_url()).await {
                    let _ = admin
                        .execute(AssertSqlSafe(format!("drop database {name} with (force)")))
                        .await;
                }
            });
        });
        let _ = drop.join();
    }
}
