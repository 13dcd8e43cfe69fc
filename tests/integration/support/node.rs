//! An engine in this process, with a clock that the test moves. A server can be started on its database afterwards.

use super::{Engine as Database, PASSWORD, Server};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, SqliteConnection};
use std::sync::Arc;
use std::time::Duration;
use taskwire::clock::Clock;
use taskwire::config::Settings;
use taskwire::engine::{Caller, Engine, Incoming, Reply, Sender, Wanted};
use taskwire_protocol::import::ImportFormat;
use taskwire_protocol::{Failure, OpId, Request};

/// The start of the test's time: so long ago that its end is in the past of the real server.
const START: i64 = 1_770_000_000_000;

/// The engine, and the only account that it has.
pub struct Node {
    pub server: Server,
    pub settings: Settings,
    pub engine: Engine,
    pub clock: Clock,
    pub caller: Arc<Caller>,
}

impl Node {
    pub async fn start(database: Database, settings: &[(&str, &str)]) -> Node {
        let server = Server::prepare(database, settings).await;
        let data = server.folder.path().join("data").display().to_string();
        let mut pairs = vec![("data_dir", &*data), ("database_url", &*server.database.url)];
        pairs.extend(settings);
        let settings = Settings::from_pairs(&pairs).expect("settings");
        let clock = Clock::fixed(START);
        let engine = Engine::start(&settings, clock.clone()).await.expect("an engine");
        let params = json!({ "email": "ada@example.com", "name": "Ada", "password": PASSWORD });
        let token = token(&engine, "auth.signup", &params).await;
        let identity = engine.authenticate(&token).await.expect("a caller");
        let caller = identity.caller;
        Node {
            server,
            settings,
            engine,
            clock,
            caller,
        }
    }

    /// Signs in; returns the access token.
    pub async fn token(&self, name: &str, params: &Value) -> String {
        token(&self.engine, name, params).await
    }

    /// Sends a request, which may be refused.
    pub async fn ask(&self, name: &str, data: &Value, op_id: Option<OpId>) -> Result<Reply, Failure> {
        let request = Request::read(name, &data.to_string()).expect("a request");
        self.engine.call(&self.caller, request, op_id).await
    }

    /// Sends a request that must succeed.
    pub async fn call(&self, name: &str, data: &Value, op_id: Option<OpId>) -> Reply {
        self.ask(name, data, op_id).await.expect("an answer")
    }

    /// Sends a request that must succeed. Returns its output.
    pub async fn ok(&self, name: &str, data: &Value) -> Value {
        let reply = self.call(name, data, None).await;
        let mut reply: Value = serde_json::from_str(&format!("{{{}}}", reply.body)).expect("JSON");
        reply["data"].take()
    }

    /// Imports a table, which must be accepted. Returns the answer.
    pub async fn import(&self, workspace: &str, table: String) -> Value {
        let wanted = Wanted {
            workspace: workspace.parse().expect("an id"),
            format: ImportFormat::Csv,
            project: None,
            dry_run: false,
            op_id: None,
            request_id: "import".into(),
        };
        let importing = self.engine.may_import(self.caller.clone(), wanted).await;
        let importing = importing.expect("an import that may begin");
        let reply = self.engine.import(importing, table.into_bytes()).await;
        let body = reply.expect("an answer").body;
        let mut reply: Value = serde_json::from_str(&format!("{{{body}}}")).expect("JSON");
        reply["data"].take()
    }

    /// The personal workspace's stream.
    pub fn stream(&self) -> String {
        format!("workspace:{}", self.caller.personal)
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &'static str) -> i64 {
        let text = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        match self.server.database.engine {
            Database::Postgres => {
                let mut link = PgConnection::connect(&self.server.database.url)
                    .await
                    .expect("a link");
                sqlx::query_scalar(text).fetch_one(&mut link).await
            }
            Database::Sqlite => {
                let mut link = SqliteConnection::connect(&self.server.database.url)
                    .await
                    .expect("a link");
                sqlx::query_scalar(text).fetch_one(&mut link).await
            }
        }
        .expect("a count")
    }

    /// Ends the engine and starts another one on its database.
    pub async fn restarted(mut self) -> Node {
        self.end().await;
        self.settings.database_url = self.server.database.url.parse().expect("a database");
        let engine = Engine::start(&self.settings, self.clock.clone()).await;
        self.engine = engine.expect("an engine");
        self
    }

    /// Ends the engine and starts a server on its database.
    pub async fn into_server(mut self) -> Server {
        self.end().await;
        self.server.spawn();
        self.server
    }

    async fn end(&mut self) {
        self.engine.stop().await;
        self.engine.close(Duration::from_secs(1)).await;
        if self.server.database.engine == Database::Postgres {
            return;
        }
        // this process keeps the lock of the file until it ends: copy the file
        let from = self.server.database.url.trim_start_matches("sqlite:").to_owned();
        let to = self
            .server
            .folder
            .path()
            .join(format!("{}.db", uuid::Uuid::new_v4()));
        std::fs::copy(from, &to).expect("a copy");
        self.server.database.url = format!("sqlite:{}", to.display());
    }
}

async fn token(engine: &Engine, name: &str, params: &Value) -> String {
    let request = Request::read(name, &params.to_string()).expect("a request");
    let incoming = Incoming::now(request, None, Sender::default());
    let reply = engine.dispatch(incoming).await.expect("tokens");
    let tokens: Value = serde_json::from_str(&format!("{{{}}}", reply.body)).expect("JSON");
    tokens["data"]["access_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}
