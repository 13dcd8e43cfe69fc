//! Mutations of which each makes a writer work for long, or once did, and which are refused, so that they can be repeated for
//! ever; and honest ones, which are carried out. Creates below a task that is deep below others read little today: they are
//! a flood like others.

use super::{Ask, Attack, Force, Line, MUCH, Victim, attacker, metric, server, sign_up};
use crate::on_both_databases;
use crate::support::copies::copy;
use crate::support::{Engine, PATIENCE, Server, eventually, new_id};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

on_both_databases!(
    a_batch_of_creates_with_a_taken_id_deep_below_others_delays_nobody,
    a_batch_that_begins_with_a_large_purge_and_is_refused_delays_nobody,
    a_batch_of_moves_that_is_refused_delays_nobody,
    a_tag_of_many_tasks_that_is_renamed_again_and_again_delays_nobody,
    stages_that_move_many_tasks_again_and_again_delay_nobody,
    a_batch_that_deletes_a_large_project_and_is_refused_delays_nobody,
    several_large_purges_of_one_user_are_done_beside_others,
    who_writes_much_at_once_is_a_debtor,
);

/// More tasks than what shares a group with others may change. A server without optimization takes as long for a tenth of the
/// most that a mutation may.
const MANY: usize = if cfg!(debug_assertions) { 2_200 } else { 19_000 };
/// As many names and stages take turns, so that two sockets that work at the same time both change all tasks.
const TURNS: usize = 7;
/// Costly mutations, of which one is done and one waits while the victim works.
const TWO: Force = Force {
    sockets: 2,
    under_way: 1,
};

/// A server, and a socket on it for what the attacker prepares.
async fn prepared(engine: Engine) -> (Server, Victim, Value, Line) {
    let server = server(engine, &MUCH).await;
    let victim = Victim::at_rest(&server).await;
    let tokens = sign_up(&server, attacker(2), "hog").await;
    let line = Line::open(&server, attacker(2), &tokens).await;
    (server, victim, tokens, line)
}

/// The ids of tasks.
async fn ids(server: &Server, engine: Engine, of: &str) -> Vec<Uuid> {
    let id = match engine {
        Engine::Sqlite => "lower(hex(id))",
        Engine::Postgres => "cast(id as text)",
    };
    let found = format!("select {id} from tasks where {of}");
    let found = server.database.texts(&found).await;
    let ids = found.iter().map(|id| Uuid::parse_str(id).expect("an id"));
    ids.collect()
}

/// A task of the attacker with so many parts, all of this title.
async fn with_parts(server: &Server, engine: Engine, line: &mut Line, title: &str, parts: usize) -> Uuid {
    let top = new_id();
    line.ok("task.create", &json!({ "id": top, "title": "top" }).to_string())
        .await;
    let part = json!({ "title": title, "parent_id": top });
    line.ok("task.create", &part.to_string()).await;
    copy(server, engine, title, parts, &[]).await;
    top
}

async fn a_batch_of_creates_with_a_taken_id_deep_below_others_delays_nobody(engine: Engine) {
    let (server, mut victim, tokens, mut line) = prepared(engine).await;
    let taken = new_id();
    for (title, id) in [("level", new_id()), ("taken", taken)] {
        line.ok("task.create", &json!({ "id": id, "title": title }).to_string())
            .await;
    }
    copy(&server, engine, "level", 1_000, &[]).await;
    // data of an older version: today tasks nest two levels
    let nest = "update tasks set parent_id = levels.parent
        from (select id, lag(id) over (order by id) as parent from tasks where title = 'level') levels
        where tasks.id = levels.id and levels.parent is not null";
    server.database.execute(nest).await;
    let deepest = ids(&server, engine, "title = 'level' order by id desc limit 1").await;
    let create =
        json!({ "type": "task.create", "data": { "id": taken, "title": "T", "parent_id": deepest[0] } });
    let ask = Ask {
        requests: vec![(
            "batch",
            json!({ "ops": vec![create; 100], "atomic": false }).to_string(),
        )],
        answer: "CONFLICT",
    };
    let force = Force {
        sockets: 8,
        under_way: 4,
    };
    let mut attack = Attack::begin(&server, attacker(2), &tokens, force, ask).await;
    victim.endures(&server, &mut attack).await;
}

async fn a_batch_that_begins_with_a_large_purge_and_is_refused_delays_nobody(engine: Engine) {
    let (server, mut victim, tokens, mut line) = prepared(engine).await;
    let top = with_parts(&server, engine, &mut line, "part", MANY).await;
    let purge = json!({ "type": "task.delete", "data": { "id": top, "permanent": true } });
    let unknown = json!({ "type": "task.update", "data": { "id": new_id(), "title": "T" } });
    let ask = Ask {
        requests: vec![(
            "batch",
            json!({ "ops": [purge, unknown], "atomic": true }).to_string(),
        )],
        answer: "NOT_FOUND",
    };
    let mut attack = Attack::begin(&server, attacker(2), &tokens, TWO, ask).await;
    victim.endures(&server, &mut attack).await;
    victim.endures_now_and_then(&mut attack).await;
    read_for_each(&server, &attack, MANY).await;
}

/// Checks that so many rows were read for each mutation that was answered: it was not refused before.
async fn read_for_each(server: &Server, attack: &Attack, rows: usize) {
    let answered = attack.answered();
    let read = metric(server, "taskwire_group_rows_sum").await;
    assert!(
        read >= rows as f64 * answered as f64,
        "{answered} mutations read {read} rows"
    );
}

/// What `ok` has.
fn output(answer: &str) -> Value {
    let mut answer: Value = serde_json::from_str(answer).expect("JSON");
    answer["data"].take()
}

async fn a_tag_of_many_tasks_that_is_renamed_again_and_again_delays_nobody(engine: Engine) {
    let (server, mut victim, tokens, mut line) = prepared(engine).await;
    let task = json!({ "title": "tagged", "tags": ["before"] });
    let task = output(&line.ok("task.create", &task.to_string()).await);
    copy(&server, engine, "tagged", MANY, &[]).await;
    let tagged = "insert into task_tags (workspace_id, tag, task_id, name)
        select t.workspace_id, g.tag, t.id, g.name from tasks t cross join task_tags g
        where t.title = 'tagged' on conflict do nothing";
    server.database.execute(tagged).await;
    let of = json!({ "workspace_id": task["workspace_id"] });
    let tags = output(&line.ok("tag.list", &of.to_string()).await);
    let id = &tags["items"][0]["id"];
    let names = (0..TURNS).map(|n| json!({ "id": id, "name": format!("name {n}") }).to_string());
    let ask = Ask {
        requests: names.map(|data| ("tag.update", data)).collect(),
        answer: "\"type\":\"ok\"",
    };
    let mut attack = Attack::begin(&server, attacker(2), &tokens, TWO, ask).await;
    victim.endures(&server, &mut attack).await;
    victim.endures_now_and_then(&mut attack).await;
    read_for_each(&server, &attack, MANY / 2).await;
}

async fn stages_that_move_many_tasks_again_and_again_delay_nobody(engine: Engine) {
    let (server, mut victim, tokens, mut line) = prepared(engine).await;
    let task = output(&line.ok("task.create", r#"{"title":"staged"}"#).await);
    copy(&server, engine, "staged", MANY, &[]).await;
    let stages = (0..TURNS).map(|n| {
        let open = json!({ "key": format!("s{n}"), "name": "To do", "kind": "open" });
        let done = json!({ "key": "done", "name": "Done", "kind": "done" });
        json!({ "workspace_id": task["workspace_id"], "stages": [open, done] }).to_string()
    });
    let ask = Ask {
        requests: stages.map(|data| ("workspace.update", data)).collect(),
        answer: "\"type\":\"ok\"",
    };
    let mut attack = Attack::begin(&server, attacker(2), &tokens, TWO, ask).await;
    victim.endures(&server, &mut attack).await;
    victim.endures_now_and_then(&mut attack).await;
    read_for_each(&server, &attack, MANY / 2).await;
}

async fn a_batch_that_deletes_a_large_project_and_is_refused_delays_nobody(engine: Engine) {
    let (server, mut victim, tokens, mut line) = prepared(engine).await;
    let task = output(&line.ok("task.create", r#"{"title":"first"}"#).await);
    let project = json!({ "workspace_id": task["workspace_id"], "name": "House" });
    let project = output(&line.ok("project.create", &project.to_string()).await);
    let part = json!({ "title": "part", "project_id": project["id"] });
    line.ok("task.create", &part.to_string()).await;
    copy(&server, engine, "part", MANY, &[]).await;
    let delete = json!({ "type": "project.delete", "data": { "id": project["id"] } });
    let unknown = json!({ "type": "task.update", "data": { "id": new_id(), "title": "T" } });
    let ask = Ask {
        requests: vec![(
            "batch",
            json!({ "ops": [delete, unknown], "atomic": true }).to_string(),
        )],
        answer: "NOT_FOUND",
    };
    let mut attack = Attack::begin(&server, attacker(2), &tokens, TWO, ask).await;
    victim.endures(&server, &mut attack).await;
    victim.endures_now_and_then(&mut attack).await;
    read_for_each(&server, &attack, MANY).await;
}

async fn a_batch_of_moves_that_is_refused_delays_nobody(engine: Engine) {
    // to find the places beside tasks, all tasks of the workspace are looked at, again and again
    const TASKS: usize = if cfg!(debug_assertions) { 8_000 } else { 20_000 };
    let (server, mut victim, tokens, mut line) = prepared(engine).await;
    line.ok("task.create", r#"{"title":"one of many"}"#).await;
    copy(&server, engine, "one of many", TASKS, &[]).await;
    let tasks = ids(&server, engine, "title = 'one of many' limit 198").await;
    let (moved, others) = tasks.split_at(99);
    let moves = moved.iter().zip(others);
    let mut ops: Vec<Value> = moves
        .map(|(id, other)| json!({ "type": "task.move", "data": { "id": id, "after": other } }))
        .collect();
    ops.push(json!({ "type": "task.update", "data": { "id": new_id(), "title": "T" } }));
    let ask = Ask {
        requests: vec![("batch", json!({ "ops": ops, "atomic": true }).to_string())],
        answer: "NOT_FOUND",
    };
    let mut attack = Attack::begin(&server, attacker(2), &tokens, TWO, ask).await;
    victim.endures(&server, &mut attack).await;
}

async fn several_large_purges_of_one_user_are_done_beside_others(engine: Engine) {
    // each owes a second at most, and all are begun within eight; without optimization a purge takes several times as long
    const PURGES: usize = if cfg!(debug_assertions) { 4 } else { 6 };
    const PARTS: usize = if cfg!(debug_assertions) { 2_000 } else { 10_000 };
    let (server, victim, _, mut line) = prepared(engine).await;
    let mut tops = Vec::new();
    for n in 0..PURGES {
        let title = format!("part {n}");
        tops.push(with_parts(&server, engine, &mut line, &title, PARTS).await);
    }
    let mut others = JoinSet::new();
    others.spawn(victim.keeps_on());
    for top in &tops {
        let purge = json!({ "id": top, "permanent": true });
        line.send("task.delete", &purge.to_string()).await;
    }
    for _ in &tops {
        let answer = timeout(PATIENCE, line.answer()).await.expect("an answer in time");
        let answer = answer.expect("a socket that stays");
        assert!(answer.starts_with("{\"type\":\"ok\""), "{answer}");
    }
    assert!(others.try_join_next().is_none(), "the others still work");
    owes(&server, tops.len()).await;
}

/// Waits until so many debts were made.
async fn owes(server: &Server, debts: usize) {
    eventually("debts", async || {
        let made = metric(server, "taskwire_debts_total").await;
        (made >= debts as f64).then_some(())
    })
    .await;
}

async fn who_writes_much_at_once_is_a_debtor(engine: Engine) {
    // with optimization they are found and decided in less time than is free
    const PARTS: usize = 800;
    let server = server(engine, &MUCH).await;
    let tokens = sign_up(&server, attacker(2), "hog").await;
    let mut line = Line::open(&server, attacker(2), &tokens).await;
    let top = with_parts(&server, engine, &mut line, "part", PARTS).await;
    line.ok("task.delete", &json!({ "id": top }).to_string()).await;
    owes(&server, 1).await;
}
