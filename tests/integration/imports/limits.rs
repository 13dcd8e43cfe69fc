//! What is refused before it costs much.

use super::{all_of_it, import, send};
use crate::on_both_databases;
use crate::support::{Client, Engine, Server, Team};
use serde_json::json;

on_both_databases!(
    what_is_no_file_of_a_format_is_refused_with_its_line,
    what_is_in_other_workspaces_is_not_touched
);

async fn what_is_no_file_of_a_format_is_refused_with_its_line(engine: Engine) {
    let server = Server::start(engine, &[("import_bytes", "100000")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (tokens, home) = (ada.tokens.clone(), ada.personal());
    let state = all_of_it(&mut ada, &home).await;
    for (query, file, status, begin) in [
        ("", b"title\n".to_vec(), 422, "format must be one of json, csv"),
        (
            "format=xml",
            b"title\n".to_vec(),
            422,
            "format must be one of json, csv",
        ),
        (
            "format=csv&dry_run=maybe",
            b"title\na\n".to_vec(),
            422,
            "dry_run must be true or false",
        ),
        (
            "format=csv&dryrun=true",
            b"title\na\n".to_vec(),
            422,
            "an import has no parameter dryrun",
        ),
        (
            "format=csv&op_id=5",
            b"title\na\n".to_vec(),
            422,
            "op_id must be a UUID",
        ),
        (
            "format=csv",
            b"title\na\n\xff\n".to_vec(),
            422,
            "line 3: this is no UTF-8",
        ),
        (
            "format=csv",
            b"title\n\"a\n".to_vec(),
            422,
            "line 2, column 1: the quote",
        ),
        (
            "format=trello",
            b"{\"cards\":[],\n\"lists\":5}".to_vec(),
            422,
            "line 2, column",
        ),
        (
            "format=taskwarrior",
            b"[{},5]".to_vec(),
            422,
            "line 1: a task must be an object",
        ),
        (
            "format=vikunja",
            b"PK\x03\x04".to_vec(),
            422,
            "the archive is broken",
        ),
        (
            "format=taskwarrior",
            "[".repeat(90_000).into_bytes(),
            422,
            "line 1, column",
        ),
        ("format=csv", vec![b'x'; 100_001], 413, "the file is too large"),
        (
            "workspace_id=nowhere&format=csv",
            b"title\n".to_vec(),
            404,
            "there is no such workspace",
        ),
    ] {
        let (came, error) = send(&server, &tokens, query, file).await;
        let message = error["message"].as_str().unwrap_or_default();
        assert!(
            came == status && message.starts_with(begin),
            "{query}: {came} {error}"
        );
    }
    let (_, error) = send(&server, &tokens, "format=csv&dryrun=true", "title\na\n").await;
    assert_eq!(error["field"], "dryrun");
    assert_eq!(
        import(&server, &tokens, "format=csv", "title\n").await["created"],
        0
    );
    assert_eq!(all_of_it(&mut ada, &home).await, state);
}

/// A file of ours names tasks by ids: those of others stay as they are, and the copies get other ids.
async fn what_is_in_other_workspaces_is_not_touched(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let theirs = json!({ "workspace_id": team.workspace, "title": "Theirs" });
    let theirs = team.owner.ok("task.create", theirs).await;
    let mut eve = Client::sign_up(&server, "eve").await;
    let (tokens, home) = (eve.tokens.clone(), eve.personal());
    let file = format!("title,id\nMine,{}\n", theirs["id"].as_str().expect("an id"));
    let answer = import(&server, &tokens, "format=csv", file.clone()).await;
    assert_eq!(answer["made"]["tasks"], 1, "{answer}");
    let mine = all_of_it(&mut eve, &home).await;
    assert!(mine.tasks.len() == 1 && !mine.tasks.contains_key(theirs["id"].as_str().expect("an id")));
    let same = team.owner.ok("task.get", json!({ "id": theirs["id"] })).await;
    assert_eq!(same, theirs);
    // in its own workspace it is there already
    let query = format!("workspace_id={}&format=csv", team.workspace);
    let answer = import(&server, &team.owner.tokens.clone(), &query, file).await;
    assert_eq!(
        (&answer["created"], &answer["skipped"]),
        (&json!(0), &json!(1)),
        "{answer}"
    );
}
