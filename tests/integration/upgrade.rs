//! A database that an older version wrote: its words, order, tags and addresses become those of today, and nothing is lost.

use crate::on_both_databases;
use crate::support::follower::{pluck, text};
use crate::support::{Client, Engine, PASSWORD, Server, eventually, http};
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection, SqliteConnection};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use taskwire::auth::passwords::{Asker, Passwords};

on_both_databases!(what_an_older_version_wrote_is_brought_up_to_date);

/// The schema before text was Unicode's: the migrations up to this one.
fn older(engine: Engine, folder: &Path) -> PathBuf {
    let (name, last) = match engine {
        Engine::Sqlite => ("sqlite", 2),
        Engine::Postgres => ("postgres", 3),
    };
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(name);
    let to = folder.join("older");
    std::fs::create_dir(&to).expect("a folder");
    for file in std::fs::read_dir(from).expect("migrations") {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("a name");
        let number: i32 = name[..4].parse().expect("a number");
        if number <= last {
            std::fs::copy(file.path(), to.join(name)).expect("a copy");
        }
    }
    to
}

async fn migrate(server: &Server, to: &Path) {
    let migrator = Migrator::new(to).await.expect("migrations");
    let url = &server.database.url;
    match server.database.engine {
        Engine::Sqlite => {
            let mut link = SqliteConnection::connect(&format!("{url}?mode=rwc"))
                .await
                .expect("a file");
            migrator.run(&mut link).await.expect("the older schema");
        }
        Engine::Postgres => {
            let mut link = PgConnection::connect(url).await.expect("a link");
            migrator.run(&mut link).await.expect("the older schema");
        }
    }
}

fn id(engine: Engine, n: usize) -> String {
    match engine {
        Engine::Sqlite => format!("x'0199000000007000800000000000{n:04}'"),
        Engine::Postgres => format!("'01990000-0000-7000-8000-00000000{n:04}'"),
    }
}

/// Rows as the older version wrote them.
async fn rows(engine: Engine, tasks: &[(&str, &[&str])]) -> String {
    let hash = Passwords::new(1, false)
        .hash(SecretString::from(PASSWORD), Asker::server())
        .await
        .expect("a hash");
    let (user, place) = (id(engine, 1), id(engine, 2));
    let mut sql = format!(
        "insert into users values ({user}, 'Ü.Ada@bücher.example', 'ü.ada@bücher.example', 'ada', 'ada', 'Ada', '{hash}',
           0, 0, true, false, 'UTC', '{{}}', null, 0, {place}, 1, 0, 0);
         insert into workspaces values ({place}, 'Personal', 0, 1, 0, 0);
         insert into members values ({place}, {user}, 4, 0, 1);
         insert into streams values ({user}, 0, 0, 0, 0, 0, 0, 0), ({place}, 1, 0, 0, 0, {}, 0, 0);",
        tasks.len()
    );
    for (n, (title, tags)) in tasks.iter().enumerate() {
        let task = id(engine, 10 + n);
        let (column, value) = match engine {
            Engine::Sqlite => ("", ""),
            Engine::Postgres => (", search", ", ''"),
        };
        let _ = write!(
            sql,
            "insert into tasks (id, workspace_id, title, completed, priority, all_day, position, tags, assignee_ids,
               comment_count, attachment_count, is_deleted, version, created_by, created_at, updated_at, dated_by_id{column})
             values ({task}, {place}, '{title}', false, 0, false, '{n:02}', '{}', '[]', 0, 0, false, 1, {user}, 0, 0,
               false{value});",
            json!(tags)
        );
        for tag in *tags {
            let _ = write!(sql, "insert into task_tags values ({place}, '{tag}', {task});");
        }
    }
    // a tag that its task has lost while an older version ran beside a newer one
    // one that has dates
    let _ = write!(
        sql,
        "update tasks set due_at = 4102444800000, remind_at = 4102444800000 where id = {};",
        id(engine, 10)
    );
    sql + &format!(
        "insert into task_tags values ({place}, 'Gone', {});",
        id(engine, 10)
    )
}

/// By another form of the address than the one that was signed up.
async fn signed_in(server: &Server) -> Client {
    let email = "Ü.Ada@xn--bcher-kva.example";
    let login = json!({ "email": email, "password": PASSWORD, "token_delivery": "body" });
    let answer = http::post(server, "/v1/auth/login", &login).await;
    let tokens: Value = answer.json().await.expect("tokens");
    Client::with_tokens(server, &tokens, json!({})).await
}

async fn found(client: &mut Client, wanted: Value) -> Vec<String> {
    let page = client.ok("task.list", wanted).await;
    pluck(&page, "title").iter().map(text).collect()
}

async fn what_an_older_version_wrote_is_brought_up_to_date(engine: Engine) {
    let mut server = Server::prepare(engine, &[]).await;
    migrate(&server, &older(engine, server.folder.path())).await;
    let tasks: [(&str, &[&str]); 5] = [
        ("Zebra", &["Home", "Ärzte"]),
        ("İş toplantısı", &["home", "HOME"]),
        ("明日牛乳を買う", &[]),
        ("Äpfel", &["garden"]),
        ("apple", &["Home"]),
    ];
    server.database.execute(&rows(engine, &tasks).await).await;
    server.spawn();

    let alarms = "select cast(kind as text) from alarms order by kind";
    assert_eq!(server.database.texts(alarms).await, ["1", "2", "3"]);
    let mut ada = signed_in(&server).await;
    // the order does not wait for the job
    let order = ["Äpfel", "apple", "İş toplantısı", "Zebra", "明日牛乳を買う"];
    assert_eq!(found(&mut ada, json!({ "sort": "title" })).await, order);
    eventually("the index", async || {
        let cases = [
            (json!({ "q": "İş" }), vec!["İş toplantısı"]),
            (json!({ "q": "牛乳" }), vec!["明日牛乳を買う"]),
            (json!({ "q": "apfel" }), vec!["Äpfel"]),
            (
                json!({ "tag": "home", "sort": "title" }),
                vec!["apple", "İş toplantısı", "Zebra"],
            ),
            (json!({ "tag": "ÄRZTE" }), vec!["Zebra"]),
            (json!({ "tag": "gone" }), vec![]),
        ];
        for (wanted, titles) in cases {
            if found(&mut ada, wanted).await != titles {
                return None;
            }
        }
        Some(())
    })
    .await;
    // the names that tasks have are tags, each with an event
    let home = ada.personal();
    eventually("the tags", async || {
        let tags = ada.ok("tag.list", json!({ "workspace_id": home })).await;
        (tags["total"] == 3).then_some(())
    })
    .await;
    let tags = ada.ok("tag.list", json!({ "workspace_id": home })).await;
    assert_eq!(
        pluck(&tags, "name"),
        ["garden", "Home", "Ärzte"],
        "as the oldest tasks have them"
    );
    let history = ada
        .ok(
            "stream.history",
            json!({ "stream": format!("workspace:{home}"), "limit": 500 }),
        )
        .await;
    let events = history["events"].as_array().expect("events").iter();
    let told = events.filter(|event| event["event"] == "tag.created" && event["actor"]["kind"] == "server");
    assert_eq!(told.count(), 3);
    let made = ada
        .ok(
            "task.create",
            json!({ "title": "new", "tags": ["HOME", "GARDEN"] }),
        )
        .await;
    assert_eq!(made["tags"], json!(["Home", "garden"]));

    if engine == Engine::Postgres {
        // an instance of the older version that still runs changes a task, and leaves what it does not know
        server.terminate();
        let older = "update tasks set title = 'Österreich', version = version + 1 where title = 'Zebra';
            update jobs set due_at = 0 where kind = 'words' and key = 'again';";
        server.database.execute(older).await;
        server.spawn();
        let mut ada = signed_in(&server).await;
        eventually("the index", async || {
            (found(&mut ada, json!({ "q": "österreich" })).await.len() == 1).then_some(())
        })
        .await;
        let order = found(&mut ada, json!({ "sort": "title" })).await;
        assert_eq!(order[4..], ["Österreich", "明日牛乳を買う"]);
    }
}
