//! A request over HTTP that is like a mutation: it is recorded, and sent again with the same `op_id` until there is an answer,
//! which is put as a socket's. Does not know what is sent.

use super::accounts::User;
use crate::Failed;
use crate::http;
use serde_json::{Value, json};
use uuid::Uuid;

/// A request over HTTP.
pub(super) struct Post {
    /// Its path and query, to which the `op_id` is added.
    pub(super) target: String,
    /// The type and the bytes of its body.
    pub(super) body: (String, Vec<u8>),
    /// Whether the answer to a repeat says that it is one.
    pub(super) tells: bool,
}

impl Post {
    /// Sends it once. Returns the answer as a socket would have it.
    pub(super) async fn send(&self, address: &str, who: &User, op_id: Uuid) -> Result<Value, Failed> {
        let token = who.session.token().await;
        let target = format!("{}op_id={op_id}", self.target);
        let answer = http::send(address, "POST", &target, &token.text, Some(&self.body)).await?;
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
}
