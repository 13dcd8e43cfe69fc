//! What must hold at the end: the logs have no gap and each operation once, the counters are right, and every replica
//! equals what a new client sees.

use super::action::{self, is_primary};
use super::actor::{Actor, ROUTES, is_done};
use crate::support::{Client, Server, audit, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use taskwire_protocol::operations::CATALOG;
use taskwire_protocol::{Access, Kind};

/// How often each mutation and each route was sent, and how often carried out.
pub type Tally = BTreeMap<String, (usize, usize)>;

/// After this many random cases everything must have been carried out. With fewer, something may be missing by chance. A
/// normal run has fewer; TASKWIRE_TEST_CASES sets the number.
const ENOUGH: usize = 40;

/// Counts what clients sent, the parts of batches too.
pub fn tally(actors: &[Actor<'_>]) -> Tally {
    let mut tally = Tally::new();
    for asked in actors.iter().flat_map(|actor| &actor.ledger) {
        let answer = asked.answer.as_ref().expect("an answer");
        count(&mut tally, asked.name, is_done(asked.name, answer));
        let parts = asked.data["ops"].as_array().into_iter().flatten();
        let results = results(answer);
        for (n, part) in parts.enumerate() {
            let name = text(&part["type"]);
            let result = results.get(n);
            count(
                &mut tally,
                name,
                result.is_some_and(|result| is_done(name, result)),
            );
        }
    }
    for (route, (asked, done)) in actors.iter().flat_map(|actor| &actor.posted) {
        add(&mut tally, Tally::from([((*route).to_owned(), (*asked, *done))]));
    }
    tally
}

fn count(tally: &mut Tally, name: &str, is_done: bool) {
    add(tally, Tally::from([(name.to_owned(), (1, usize::from(is_done)))]));
}

/// Adds one tally to another.
pub fn add(sum: &mut Tally, more: Tally) {
    for (name, (asked, done)) in more {
        let entry = sum.entry(name).or_default();
        entry.0 += asked;
        entry.1 += done;
    }
}

/// Everything that clients can send: the mutations of the table, and the routes that write what clients show.
fn all() -> impl Iterator<Item = (&'static str, Access)> {
    let mutations = CATALOG.iter().filter(|entry| entry.kind == Kind::Mutation);
    let routes = ROUTES.map(|route| (route, Access::Member));
    mutations.map(|entry| (entry.name, entry.access)).chain(routes)
}

/// Asserts that everything was carried out.
pub fn complete(tally: &Tally) {
    for (name, _) in all() {
        assert!(
            tally.get(name).is_some_and(|(_, done)| *done > 0),
            "{name} was never carried out: {tally:?}"
        );
    }
}

/// Asserts the same of random cases, if there were enough, except of what only administrators of the server may do: no
/// client is one.
pub fn takes_part(tally: &Tally, cases: usize) {
    println!("{cases} cases; sent and carried out: {tally:?}");
    for (name, access) in all() {
        let (asked, done) = tally.get(name).copied().unwrap_or_default();
        assert!(
            cases < ENOUGH || asked > 0,
            "{name} was never sent: no client knew what its example names. A client knows the entities that it made with \
             their `create`; give any other place an arm in `Wish::request`"
        );
        assert!(
            cases < ENOUGH || done > 0 || access == Access::ServerAdmin,
            "{name} was sent {asked} times and never carried out: what it names must exist (`Wish::request`)"
        );
    }
}

/// Checks that the replica of a client equals the server's rows.
pub async fn replica(server: &Server, actor: &mut Actor<'_>) {
    let mut fresh = Client::with_tokens(server, &actor.tokens, json!({})).await;
    actor.catch_up(&audit::heads(&fresh)).await;
    audit::rows(&mut fresh, &actor.replica).await;
}

/// Asserts that the logs have the events of every answered operation once, and no others.
///
/// A workspace that was deleted took its log along: what happened there is not checked.
pub fn ledger(actors: &[Actor<'_>], logs: &BTreeMap<String, Vec<Value>>) {
    let mut left: HashMap<&str, Vec<&Value>> = HashMap::new();
    for event in logs.values().flatten() {
        if let Some(op_id) = event["op_id"].as_str() {
            left.entry(op_id).or_default().push(event);
        }
    }
    for asked in actors.iter().flat_map(|actor| &actor.ledger) {
        let answer = asked.answer.as_ref().expect("an answer");
        let parts = asked.data["ops"].as_array();
        let (Some(op_id), parts) = (&asked.op_id, parts) else {
            for (part, result) in parts.expect("a batch").iter().zip(results(answer)) {
                let events = left.remove(text(&part["op_id"])).unwrap_or_default();
                one(text(&part["type"]), &part["data"], &result, &events, logs);
            }
            continue;
        };
        let events = left.remove(op_id.as_str()).unwrap_or_default();
        match parts {
            Some(parts) if answer["type"] == "ok" => together(parts, &results(answer), &events, logs),
            Some(_) => assert!(events.is_empty(), "a refused batch left {events:?}"),
            None => one(asked.name, &asked.data, answer, &events, logs),
        }
    }
    assert!(left.is_empty(), "no client sent the operation of {left:?}");
    for log in logs.values() {
        purged(log);
    }
}

fn results(answer: &Value) -> Vec<Value> {
    answer["data"]["results"].as_array().cloned().unwrap_or_default()
}

fn changed(answer: &Value) -> bool {
    answer["at"].as_object().is_some_and(|at| !at.is_empty())
}

fn one(name: &str, data: &Value, answer: &Value, events: &[&Value], logs: &BTreeMap<String, Vec<Value>>) {
    if in_a_deleted_workspace(name, data, answer, logs) {
        return;
    }
    if !changed(answer) {
        // `at` leaves out a workspace from which the user was removed in the same commit
        let told = events.is_empty() || removed_since(events[0], logs);
        assert!(told, "{name} {data} → {answer} left {events:?}");
        return;
    }
    for (stream, seq) in answer["at"].as_object().expect("positions") {
        let entry = logs
            .get(stream)
            .and_then(|log| log.get(seq.as_u64()? as usize - 1));
        let entry = entry.unwrap_or_else(|| panic!("{stream} has no seq {seq}"));
        assert!(
            events.contains(&entry),
            "{name} answered {stream} {seq}, but that entry is {entry}"
        );
    }
    let permanent = data["permanent"] == true;
    let primary = events
        .iter()
        .filter(|event| is_primary(name, permanent, event))
        .count();
    match action::primary(name, permanent) {
        Some(_) => assert_eq!(primary, 1, "{name} {data} → {answer}: {events:?}"),
        None => assert!(!events.is_empty(), "{name} {data} → {answer} left no event"),
    }
}

/// Whether a mutation changed a workspace that somebody deleted later, or in the same commit: then `at` leaves it out.
fn in_a_deleted_workspace(
    name: &str,
    data: &Value,
    answer: &Value,
    logs: &BTreeMap<String, Vec<Value>>,
) -> bool {
    if name == "workspace.delete" {
        return true;
    }
    let lost = logs
        .values()
        .flatten()
        .filter(|event| event["event"] == "access.lost");
    let mut deleted = lost.filter(|event| event["data"]["reason"] == "deleted");
    let text = format!("{data}{}{}", answer["data"], answer["at"]);
    deleted.any(|event| text.contains(event["data"]["workspace_id"].as_str().unwrap_or("-")))
}

/// Whether the actor of this event was removed from a workspace at the same moment.
fn removed_since(event: &Value, logs: &BTreeMap<String, Vec<Value>>) -> bool {
    logs.values().flatten().any(|other| {
        other["event"] == "member.removed"
            && other["data"]["user_id"] == event["actor"]["id"]
            && other["at"] == event["at"]
    })
}

/// Checks a batch with one op_id: the events of its parts are counted together.
fn together(parts: &[Value], results: &[Value], events: &[&Value], logs: &BTreeMap<String, Vec<Value>>) {
    let name = |part: &Value| text(&part["type"]).to_owned();
    let mut both = parts.iter().zip(results);
    if both.any(|(part, result)| in_a_deleted_workspace(&name(part), &part["data"], result, logs)) {
        return;
    }
    let lets_in = parts
        .iter()
        .any(|part| matches!(&*name(part), "invite.accept" | "member.add"));
    let takes_along = |part: &Value| {
        let name = name(part);
        part["data"]["permanent"] == true
            || matches!(
                &*name,
                "member.remove" | "workspace.update" | "workspace.leave" | "workspace.delete"
            )
            || action::primary(&name, false).is_none()
            // its owner's `member.added` cannot be told from that of somebody whom another part lets in
            || (name == "workspace.create" && lets_in)
    };
    let done = parts
        .iter()
        .zip(results)
        .filter(|(part, result)| changed(result) && !takes_along(part));
    let expected = done.count();
    let primary = events
        .iter()
        .filter(|event| {
            parts
                .iter()
                .any(|part| !takes_along(part) && is_primary(&name(part), false, event))
        })
        .count();
    assert!(primary >= expected, "{parts:?} → {results:?}: {events:?}");
    let removed = events.first().is_some_and(|event| removed_since(event, logs));
    if !removed && !parts.iter().any(takes_along) {
        assert_eq!(primary, expected, "{parts:?} → {results:?}: {events:?}");
    }
}

/// Asserts that no entry before `task.purged` still shows the purged task.
fn purged(log: &[Value]) {
    for (i, event) in log.iter().enumerate() {
        if event["event"] == "task.purged" {
            for earlier in log[..i].iter().filter(|e| e["data"]["id"] == event["data"]["id"]) {
                let gone = earlier["data"]["purged"] == true || earlier["event"] == "task.purged";
                assert!(gone, "{event} did not purge {earlier}");
            }
            let mut comments = log
                .iter()
                .filter(|e| e["data"]["task"]["id"] == event["data"]["id"]);
            assert_eq!(comments.next(), None, "{event} left a comment");
        }
    }
}
