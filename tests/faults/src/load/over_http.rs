//! What teammates send over HTTP: files for tasks, and files to import.

use super::hash;
use super::kept::{Fate, KeptFile};
use super::post::Post;
use super::session::anywhere;
use super::teammate::{Act, Teammate};
use crate::http;
use rand::RngExt as _;
use serde_json::Value;
use uuid::Uuid;

impl Teammate {
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
