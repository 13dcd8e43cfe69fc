//! Who finds tasks and comments: members of their workspace, as long as they are and as long as it is there.

use super::{add, found, tag, titles};
use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server, eventually};
use serde_json::json;

on_both_databases!(
    nobody_finds_what_they_may_not_read,
    a_workspace_that_is_deleted_is_found_no_more,
);

async fn nobody_finds_what_they_may_not_read(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let team = ada.ok("workspace.create", json!({ "name": "Team" })).await["id"].clone();
    let other = ada.ok("workspace.create", json!({ "name": "Other" })).await["id"].clone();
    for (place, title) in [(&team, "secret of the team"), (&other, "secret of the other")] {
        let task = add(&mut ada, json!({ "workspace_id": place, "title": title })).await;
        ada.ok("comment.create", json!({ "task_id": task, "body": "whispered" }))
            .await;
    }
    add(&mut ada, json!({ "title": "secret of mine" })).await;
    let nothing: [String; 0] = [];
    for q in ["secret", "s", "whispered", "whisp"] {
        assert_eq!(titles(&mut bob, q).await, nothing, "{q}");
        let named = json!({ "q": q, "workspace_id": team });
        assert_eq!(bob.refused("task.search", named).await["code"], "NOT_FOUND");
    }
    let member = json!({ "workspace_id": team, "username": "bob", "role": "viewer" });
    ada.ok("member.add", member).await;
    for q in ["secret", "s", "whispered", "whisp"] {
        assert_eq!(titles(&mut bob, q).await, ["secret of the team"], "{q}");
    }
    assert_eq!(titles(&mut ada, "secret").await.len(), 3, "everywhere");
    let within = found(&mut ada, json!({ "q": "secret", "workspace_id": other })).await;
    assert_eq!(within.len(), 1);

    let made = json!({ "name": "bot", "workspace_ids": [other] });
    let token = ada.ok("api_token.create", made).await["token"].clone();
    let mut bot = Client::with_tokens(&server, &json!({ "access_token": token }), json!({})).await;
    assert_eq!(titles(&mut bot, "secret").await, ["secret of the other"]);
    assert_eq!(titles(&mut bot, "whispered").await, ["secret of the other"]);
    let named = json!({ "q": "secret", "workspace_id": team });
    assert_eq!(bot.refused("task.search", named).await["code"], "NOT_FOUND");

    let removed = json!({ "workspace_id": team, "user_id": bob.user_id() });
    ada.ok("member.remove", removed).await;
    assert_eq!(titles(&mut bob, "secret").await, nothing);
    assert_eq!(titles(&mut bob, "whispered").await, nothing);
}

async fn a_workspace_that_is_deleted_is_found_no_more(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let team = ada.ok("workspace.create", json!({ "name": "Team" })).await["id"].clone();
    let task = add(&mut ada, json!({ "workspace_id": team, "title": "mango" })).await;
    ada.ok("comment.create", json!({ "task_id": task, "body": "papaya" }))
        .await;
    assert_eq!(titles(&mut ada, "papaya").await, ["mango"]);
    ada.ok("workspace.delete", json!({ "workspace_id": team })).await;
    assert_eq!(titles(&mut ada, "mango").await, [""; 0]);
    assert_eq!(titles(&mut ada, "papaya").await, [""; 0]);
    let words = match engine {
        Engine::Sqlite => format!(
            "select cast((select count(*) from comment_search where comment_search match '{0}papaya')
               + (select count(*) from task_search where task_search match '{0}mango') as text)",
            tag(&text(&team))
        ),
        Engine::Postgres => {
            "select cast((select count(*) from comments) + (select count(*) from tasks) as text)".to_owned()
        }
    };
    eventually("its end", async || {
        (server.database.texts(&words).await == ["0"]).then_some(())
    })
    .await;
}
