//! What grows, or once did: places of tasks by moves into the same gap, lists in a frame, the workspaces of somebody who never
//! asked to be in them.

use super::victim::HOME;
use super::{Ask, Attack, Force, Line, MUCH, Victim, attacker, server, sign_up};
use crate::on_both_databases;
use crate::support::{Engine, PASSWORD, http};
use serde_json::{Value, json};

on_both_databases!(
    moves_into_the_same_gap_delay_nobody_and_places_stay_short,
    frames_with_as_many_tags_as_fit_delay_nobody,
    who_is_put_into_workspaces_works_signs_in_and_leaves_meanwhile,
);

/// Several requests of one user at once.
const SEVERAL: Force = Force {
    sockets: 4,
    under_way: 8,
};

/// Makes many of a kind, in batches of a hundred. Returns their ids.
async fn in_batches(line: &mut Line, name: &str, data: &Value, number: usize) -> Vec<Value> {
    let ops = vec![json!({ "type": name, "data": data }); number];
    let mut ids = Vec::new();
    for ops in ops.chunks(100) {
        let answer = line.ok("batch", &json!({ "ops": ops }).to_string()).await;
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let results = answer["data"]["results"].as_array().expect("results");
        ids.extend(results.iter().map(|result| result["data"]["id"].clone()));
    }
    ids
}

async fn moves_into_the_same_gap_delay_nobody_and_places_stay_short(engine: Engine) {
    const TASKS: usize = 300;
    const LEAPERS: usize = 8;
    let server = server(engine, &MUCH).await;
    let mut victim = Victim::at_rest(&server).await;
    let tokens = sign_up(&server, attacker(7), "hog").await;
    let mut line = Line::open(&server, attacker(7), &tokens).await;
    let task = json!({ "title": "neighbour" });
    let ids = in_batches(&mut line, "task.create", &task, TASKS).await;
    let (leapers, others) = ids.split_at(LEAPERS);
    // each goes before the same task, so in front of those that went there before
    let moves = leapers
        .iter()
        .map(|id| json!({ "id": id, "before": others[TASKS / 2] }).to_string());
    let ask = Ask {
        requests: moves.map(|data| ("task.move", data)).collect(),
        answer: "\"type\":\"ok\"",
    };
    let mut attack = Attack::begin(&server, attacker(7), &tokens, SEVERAL, ask).await;
    victim.endures(&server, &mut attack).await;
    let answered = attack.answered();
    drop(attack);
    let number = async |what: &str| {
        let number = format!("select cast({what} as text) from tasks where title = 'neighbour'");
        server.database.texts(&number).await[0]
            .parse::<u64>()
            .expect("a number")
    };
    let (moved, longest) = (
        number("sum(version)").await,
        number("max(length(position))").await,
    );
    println!("{answered} moves made {moved} versions; the longest place has {longest} characters");
    assert!(answered > 500, "{answered} moves");
    assert!(moved > answered / 2, "{moved} versions after {answered} moves");
    assert!(longest <= 64, "{longest} characters");
}

async fn frames_with_as_many_tags_as_fit_delay_nobody(engine: Engine) {
    const TAGS: u32 = 10_500;
    let server = server(engine, &MUCH).await;
    let mut victim = Victim::at_rest(&server).await;
    let tokens = sign_up(&server, attacker(8), "hog").await;
    let letter = |n: u32| char::from_digit(n % 36, 36).expect("a letter");
    let tag = |n: u32| String::from_iter([letter(n / 36 / 36), letter(n / 36), letter(n)]);
    let tags: Vec<String> = (0..TAGS).map(tag).collect();
    let task = json!({ "title": "T", "tags": tags }).to_string();
    assert!((60_000..65_000).contains(&task.len()), "{}", task.len());
    let ask = Ask {
        requests: vec![("task.create", task)],
        answer: "VALIDATION_ERROR",
    };
    // to read such a frame takes a processor, so few keep the server busy
    let force = Force {
        sockets: 2,
        under_way: 2,
    };
    let mut attack = Attack::begin(&server, attacker(8), &tokens, force, ask).await;
    victim.endures(&server, &mut attack).await;
}

async fn who_is_put_into_workspaces_works_signs_in_and_leaves_meanwhile(engine: Engine) {
    // as many as a person may be in, with one's own
    const WORKSPACES: usize = 499;
    const FRAME: usize = 65_536;
    let server = server(engine, &MUCH).await;
    let mut victim = Victim::at_rest(&server).await;
    let tokens = sign_up(&server, attacker(9), "hog").await;
    let mut line = Line::open(&server, attacker(9), &tokens).await;
    let trap = json!({ "name": "\u{1F600}".repeat(100) });
    let ids = in_batches(&mut line, "workspace.create", &trap, WORKSPACES).await;
    let add = |id: &Value| json!({ "workspace_id": id, "username": "victim", "role": "viewer" }).to_string();
    // who shares a workspace with somebody is no stranger: no limit counts how often one adds them to others
    let (stays, rest) = ids.split_at(2);
    for id in stays {
        line.ok("member.add", &add(id)).await;
    }
    let user = &victim.tokens["user"]["id"];
    let remove = |id: &Value| json!({ "workspace_id": id, "user_id": user }).to_string();
    let added = rest.iter().map(|id| ("member.add", add(id)));
    let removed = rest.iter().map(|id| ("member.remove", remove(id)));
    let ask = Ask {
        requests: added.chain(removed).collect(),
        answer: "\"type\":\"ok\"",
    };
    let force = Force {
        sockets: 1,
        under_way: 16,
    };
    let mut attack = Attack::begin(&server, attacker(9), &tokens, force, ask).await;
    victim.endures(&server, &mut attack).await;
    let login = json!({ "email": "victim@example.com", "password": PASSWORD, "token_delivery": "body" });
    let answer = http::post_from(&server, HOME.into(), "/v1/auth/login", &login).await;
    let tokens: Value = answer.json().await.expect("tokens");
    let (mut socket, welcome) = Line::follow(&server, HOME, &tokens).await;
    assert!(welcome.len() <= FRAME, "{} bytes", welcome.len());
    let leave = json!({ "workspace_id": stays[0] });
    socket.ok("workspace.leave", &leave.to_string()).await;
    attack.goes_on();
}
