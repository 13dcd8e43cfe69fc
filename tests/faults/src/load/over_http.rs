//! What teammates send over HTTP: files for tasks, and files to import. The routes are like mutations: each request is
//! recorded, and sent again with the same `op_id` until there is an answer (`teammate`).

use super::accounts::User;
use super::hash;
use super::kept::{Fate, KeptFile};
use super::session::anywhere;
use super::teammate::{Act, Teammate};
use crate::Failed;
use crate::http;
use rand::RngExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

/// A request over HTTP.
pub(super) struct Post {
    /// Its path and query, to which the `op_id` is added.
    target: String,
    /// The type and the bytes of its body.
    body: (String, Vec<u8>),
    /// Whether the answer to a repeat says that it is one.
    pub(super) tells: bool,
}

impl Teammate {
    /// Sends a request once, to any instance. Returns the answer as a socket would have it.
    pub(super) async fn post(&mut self, post: &Post, who: &User, op_id: Uuid) -> Result<Value, Failed> {
        let token = who.session.token().await;
        let address = anywhere(&self.shared.world, &mut self.random);
        let target = format!("{}op_id={op_id}", post.target);
        let answer = http::send(&address, "POST", &target, &token.text, Some(&post.body)).await?;
        if answer.status == 401 {
            who.session.replace(&token);
            return Err("the token was refused".into());
        }
        let mut body: Value = serde_json::from_slice(&answer.body)?;
        if answer.status >= 400 {
            return Ok(json!({"type": "error", "error": body["error"]}));
        }
        let replayed = body.as_object_mut().and_then(|body| body.remove("replayed"));
        Ok(json!({"type": "ok", "at": {}, "data": body, "replayed": replayed}))
    }

    /// Imports a table into a workspace. Returns the answer.
    pub(super) async fn import(&mut self, workspace: Uuid, table: String, entries: u16) -> Option<Value> {
        let user = self.user.clone();
        let target = format!("/v1/import?workspace_id={workspace}&format=csv&");
        let post = Post {
            target,
            body: ("text/csv".to_owned(), table.into_bytes()),
            tells: true,
        };
        let act = Act {
            name: "import",
            data: Value::Null,
            stream: workspace,
            entries,
            who: &user,
            post: Some(post),
        };
        self.act(act).await
    }

    /// Uploads a file to a task. Returns the attachment.
    pub(super) async fn upload(&mut self, workspace: Uuid, task: Uuid, bytes: &[u8]) -> Option<Uuid> {
        let user = self.user.clone();
        let post = Post {
            target: format!("{}?", attachments(task)),
            body: http::form("notes.bin", bytes),
            tells: false,
        };
        let act = Act {
            name: "attachment.create",
            data: Value::Null,
            stream: workspace,
            entries: 1,
            who: &user,
            post: Some(post),
        };
        let made = self.act(act).await?;
        let id: Uuid = serde_json::from_value(made["id"].clone()).ok()?;
        let file = KeptFile {
            task,
            user,
            size: bytes.len() as u64,
            content: hash(bytes),
            fate: Fate::Stays,
        };
        self.keep(|kept| kept.files.extend([(id, file)]));
        Some(id)
    }

    /// Begins to upload a file, and breaks off in the middle.
    pub(super) async fn break_off(&mut self, task: Uuid, bytes: &[u8]) {
        let token = self.user.session.token().await;
        let address = anywhere(&self.shared.world, &mut self.random);
        let (kind, form) = http::form("broken.bin", bytes);
        let upto = self.random.random_range(0..form.len());
        if http::begin(&address, &attachments(task), &token.text, (&kind, &form), upto)
            .await
            .is_ok()
        {
            self.keep(|kept| kept.broken += 1);
        }
    }
}

/// The path of uploads to a task.
fn attachments(id: Uuid) -> String {
    format!("/v1/tasks/{id}/attachments")
}
