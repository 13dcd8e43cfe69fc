//! The writer, and a fault of its own.

use crate::on_both_databases;
use crate::support::{Engine as Database, Node};
use serde_json::json;
use std::pin::Pin;
use taskwire::engine::Chore;
use taskwire::store::{Group, StoreError, epoch};

on_both_databases!(a_writer_that_breaks_begins_afresh);

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// Breaks off in the middle of a transaction.
struct Break;

impl Chore for Break {
    type Output = ();
    fn run(self, group: &mut Group) -> Running<'_> {
        Box::pin(async {
            epoch::replace(group, "an epoch that nobody sees").await?;
            panic!("a fault");
        })
    }
}

async fn a_writer_that_breaks_begins_afresh(database: Database) {
    let node = Node::start(database, &[]).await;
    node.ok("task.create", &json!({ "title": "before" })).await;
    node.engine.chore(Break).await.expect_err("it broke");
    let task = node.ok("task.create", &json!({ "title": "after" })).await;
    assert_eq!(task["title"], "after");
    let listed = node.ok("task.list", &json!({})).await;
    assert_eq!(listed["total"], 2);
    node.engine.stop().await;
}
