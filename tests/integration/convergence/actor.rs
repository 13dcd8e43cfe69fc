//! A client of the property test: a socket, a replica, and a ledger of its mutations and their answers.

use super::action::{self, Action, Known, Wish};
use crate::support::{Client, Replica, Server, text};
use crate::{attachments, imports};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use taskwire_protocol::examples::Examples;

/// Error codes that a client may provoke. Any other fails the test.
const REFUSALS: [&str; 6] = [
    "CONFLICT",
    "NOT_FOUND",
    "FORBIDDEN",
    "NOT_DELETED",
    "VALIDATION_ERROR",
    "VERSION_CONFLICT",
];
/// The most unanswered requests: below the limit at which the server stops reading.
const IN_FLIGHT: usize = 40;

/// A mutation and its answer, if one has arrived.
pub struct Asked {
    pub op_id: Option<String>,
    pub name: &'static str,
    pub data: Value,
    pub answer: Option<Value>,
}

/// What the clients of a case tell each other.
#[derive(Default)]
pub struct Company {
    /// Usernames.
    pub people: Vec<String>,
    /// The workspaces and tokens of links that invite anybody.
    pub links: Mutex<Vec<(String, String)>>,
}

/// What a person has before a case begins, as `api_token.create` and so on make it: these are no mutations.
#[derive(Clone, Default)]
pub struct Keys {
    pub api_tokens: Vec<Value>,
}

/// The routes over which a client writes.
pub const ROUTES: [&str; 2] = ["POST /v1/tasks/{id}/attachments", "POST /v1/import"];

enum Pending {
    Mutation(usize),
    Own,
    Page(String),
}

pub struct Actor<'s> {
    server: &'s Server,
    pub tokens: Value,
    company: &'s Company,
    keys: Keys,
    examples: Examples,
    client: Option<Client>,
    epoch: Value,
    pub replica: Replica,
    pub ledger: Vec<Asked>,
    /// The attachments that it uploaded.
    files: Vec<Value>,
    /// How often it sent a request over each route of [`ROUTES`], and how often it was carried out.
    pub posted: BTreeMap<&'static str, (usize, usize)>,
    pending: BTreeMap<i64, Pending>,
    /// By workspace: the id of the request for the next page of its newest snapshot.
    syncing: BTreeMap<String, i64>,
    next_id: i64,
}

impl<'s> Actor<'s> {
    /// Connects and syncs everything.
    pub async fn start(server: &'s Server, tokens: &Value, company: &'s Company, keys: &Keys) -> Actor<'s> {
        let mut actor = Actor {
            server,
            tokens: tokens.clone(),
            company,
            keys: keys.clone(),
            examples: Examples::new(),
            client: None,
            epoch: Value::Null,
            replica: Replica::default(),
            ledger: Vec::new(),
            files: Vec::new(),
            posted: BTreeMap::new(),
            pending: BTreeMap::new(),
            syncing: BTreeMap::new(),
            next_id: 0,
        };
        actor.connect().await;
        actor.settle().await;
        actor
    }

    /// Carries out a plan, and waits for all answers.
    pub async fn play(&mut self, plan: &[Action]) {
        for action in plan {
            match action {
                Action::Do(wish, wait) => {
                    if let Some((name, data)) = self.request(wish, &mut None) {
                        self.mutate(name, data, true, *wait).await;
                    }
                }
                Action::Batch {
                    wishes,
                    atomic,
                    inner_op_ids,
                } => {
                    let mut made = None;
                    let ops = wishes.iter().filter_map(|wish| {
                        let (name, data) = self.request(wish, &mut made)?;
                        let mut op = json!({ "type": name, "data": data });
                        if *inner_op_ids {
                            op["op_id"] = json!(uuid::Uuid::new_v4());
                        }
                        Some(op)
                    });
                    let ops: Vec<Value> = ops.collect();
                    if !ops.is_empty() {
                        let data = json!({ "ops": ops, "atomic": atomic });
                        self.mutate("batch", data, !inner_op_ids, true).await;
                    }
                }
                Action::Retry(n) if !self.ledger.is_empty() => {
                    let n = n % self.ledger.len();
                    if self.ledger[n].answer.as_ref().is_none_or(|a| a["type"] == "ok") {
                        self.ask_again(n).await;
                    }
                }
                Action::Retry(_) => {}
                Action::Cut => {
                    self.client.take().expect("a socket").cut();
                    self.connect().await;
                }
                Action::Sync(n) => {
                    if let Some(workspace) = action::workspace(&self.replica, *n) {
                        self.sync(&workspace, None).await;
                    }
                }
                Action::Attach(place, pick) => {
                    if let Some(task) = action::task(&self.replica, *place, *pick) {
                        self.attach(&task).await;
                    }
                }
                Action::Import(place, pick) => self.import(*place, *pick).await,
                Action::Rest(milliseconds) => {
                    tokio::time::sleep(Duration::from_millis(u64::from(*milliseconds))).await;
                }
            }
        }
        self.settle().await;
    }

    /// Carries out a mutation that must change something of what its caller may read, or of another account for an
    /// administrator. Returns its output.
    pub async fn must(&mut self, name: &'static str, data: Value) -> Value {
        self.mutate(name, data, true, true).await;
        let asked = self.ledger.last().expect("a mutation");
        assert!(asked.is_done(), "{name} {}: {:?}", asked.data, asked.answer);
        asked.answer.as_ref().expect("an answer")["data"].clone()
    }

    /// Makes a request of a wish, with the entities that this client knows.
    fn request(&self, wish: &Wish, made: &mut Option<String>) -> Option<(&'static str, Value)> {
        let made_by = |create: &str| {
            match create {
                "attachment.create" => return self.files.clone(),
                "api_token.create" => return self.keys.api_tokens.clone(),
                _ => {}
            }
            let asked = self.ledger.iter().filter(|asked| asked.name == create);
            let done = asked.filter_map(|asked| asked.answer.as_ref());
            done.filter(|answer| answer["type"] == "ok")
                .map(|answer| answer["data"]["id"].clone())
                .collect()
        };
        let links = self.company.links.lock().unwrap_or_else(PoisonError::into_inner);
        let known = Known {
            replica: &self.replica,
            people: &self.company.people,
            made: &made_by,
            links: &links,
        };
        wish.request(&self.examples, &known, made)
    }

    /// Uploads a file, if the server lets it: another client may have deleted the task, or changed what this one may do.
    pub async fn attach(&mut self, task: &Value) {
        let token = text(&self.tokens["access_token"]);
        let answer = attachments::post(self.server, token, task, "a.txt", b"content").await;
        let (status, made) = (answer.status().as_u16(), answer.json().await.expect("JSON"));
        self.count(ROUTES[0], status == 201);
        match status {
            201 => self.files.push(made["id"].clone()),
            status => assert!([403, 404, 409].contains(&status), "{status} {made}"),
        }
    }

    /// Imports a file into one of its workspaces, if the server lets it.
    async fn import(&mut self, place: usize, pick: usize) {
        if let Some(workspace) = action::workspace(&self.replica, place) {
            let there = action::task(&self.replica, place, pick).unwrap_or_default();
            let there = there.as_str().unwrap_or("none");
            self.import_into(&workspace, there, pick).await;
        }
    }

    /// Imports a file: a task that may be there, and new ones. Without an op_id, so that none of its events has one.
    pub async fn import_into(&mut self, workspace: &str, there: &str, pick: usize) {
        let people = &self.company.people;
        let file = format!(
            "id,title,parent_id,blocked_by,tags,project,assignees,stage,due_at\n\
             {there},perhaps there,,,,,,,\na,new,,{there},imported,Imports,{},,2031-01-01\nb,below,a,,\"imported,t{pick}\",,,done,\n",
            people[pick % people.len()]
        );
        let query = format!("workspace_id={workspace}&format=csv");
        let (status, answer) = imports::send(self.server, &self.tokens, &query, file).await;
        // 429 and 503: the others import too
        assert!([200, 403, 404, 429, 503].contains(&status), "{status} {answer}");
        // the task that may be there is new in another workspace
        let made = answer["made"]["tasks"].as_u64().unwrap_or_default();
        assert!(status != 200 || made >= 2, "{answer}");
        self.count(ROUTES[1], status == 200);
    }

    fn count(&mut self, route: &'static str, is_done: bool) {
        let (asked, done) = self.posted.entry(route).or_default();
        *asked += 1;
        *done += usize::from(is_done);
    }

    /// Reads until each stream is at its head.
    pub async fn catch_up(&mut self, heads: &BTreeMap<String, u64>) {
        while !self.pending.is_empty() || self.replica.positions != *heads {
            let behind = || {
                let positions = &self.replica.positions;
                format!("{positions:?} to become {heads:?}")
            };
            let what = behind();
            self.read(&what).await;
        }
    }

    async fn mutate(&mut self, name: &'static str, data: Value, named: bool, wait: bool) {
        self.ledger.push(Asked {
            op_id: named.then(|| uuid::Uuid::new_v4().to_string()),
            name,
            data,
            answer: None,
        });
        self.ask_again(self.ledger.len() - 1).await;
        if wait {
            self.settle().await;
        }
    }

    async fn ask_again(&mut self, n: usize) {
        let Asked {
            op_id, name, data, ..
        } = &self.ledger[n];
        let mut frame = json!({ "type": name, "data": data });
        if let Some(op_id) = op_id {
            frame["op_id"] = json!(op_id);
        }
        self.send(frame, Pending::Mutation(n)).await;
    }

    async fn sync(&mut self, workspace: &str, cursor: Option<Value>) {
        let mut data = json!({ "workspace_id": workspace });
        if let Some(cursor) = cursor {
            data["cursor"] = cursor;
        }
        let frame = json!({ "type": "workspace.sync", "data": data });
        let later = frame["data"]["cursor"].is_string();
        let id = self.send(frame, Pending::Page(workspace.to_owned())).await;
        if later {
            self.syncing.insert(workspace.to_owned(), id);
        }
    }

    async fn send(&mut self, mut frame: Value, pending: Pending) -> i64 {
        while self.pending.len() >= IN_FLIGHT {
            Box::pin(self.read("an answer")).await;
        }
        self.next_id += 1;
        frame["id"] = json!(self.next_id);
        self.pending.insert(self.next_id, pending);
        self.client.as_mut().expect("a socket").send(&frame).await;
        self.next_id
    }

    async fn connect(&mut self) {
        self.pending.clear();
        self.syncing.clear();
        // incomplete snapshots are void: they are requested again below
        let more = if self.epoch.is_null() {
            json!({})
        } else {
            json!({ "resume": { "epoch": self.epoch, "positions": self.replica.positions } })
        };
        let client = Client::with_tokens(self.server, &self.tokens, more).await;
        self.epoch = client.welcome["data"]["epoch"].clone();
        self.replica.welcomed(&client.welcome);
        let streams = client.welcome["data"]["streams"].clone();
        self.client = Some(client);
        if !self.replica.positions.contains_key(&self.replica.own_stream()) {
            self.send(json!({ "type": "user.sync" }), Pending::Own).await;
        }
        for state in streams.as_array().expect("streams") {
            let stream = text(&state["stream"]);
            if let Some(workspace) = stream.strip_prefix("workspace:")
                && !self.replica.is_complete(workspace)
            {
                self.sync(workspace, None).await;
            }
        }
        let unanswered: Vec<usize> = (0..self.ledger.len())
            .filter(|n| self.ledger[*n].answer.is_none())
            .collect();
        for n in unanswered {
            self.ask_again(n).await;
        }
    }

    async fn settle(&mut self) {
        while !self.pending.is_empty() {
            self.read("the answers").await;
        }
    }

    async fn read(&mut self, what: &str) {
        let client = self.client.as_mut().expect("a socket");
        let frame = client.take(what, |_| true).await;
        if frame["type"] == "event" {
            if let Some(workspace) = self.replica.apply(&frame) {
                self.sync(&workspace, None).await;
            }
            return;
        }
        // it is about this moment only
        if frame["type"] == "signal" {
            return;
        }
        let id = frame["id"].as_i64().expect("an answer");
        match self.pending.remove(&id).expect("a pending request") {
            Pending::Mutation(n) => {
                self.ledger[n].answered(frame);
                self.share(n);
            }
            Pending::Own => self.replica.take_user(&frame["data"]),
            Pending::Page(workspace) => self.take_page(&workspace, id, &frame).await,
        }
    }

    /// Tells the others of a link that this client made.
    fn share(&self, n: usize) {
        let Asked {
            name, data, answer, ..
        } = &self.ledger[n];
        let token = answer
            .as_ref()
            .and_then(|answer| answer["data"]["token"].as_str());
        if let (&"invite.create", Some(token)) = (name, token) {
            let link = (text(&data["workspace_id"]).to_owned(), token.to_owned());
            let mut links = self.company.links.lock().unwrap_or_else(PoisonError::into_inner);
            if !links.contains(&link) {
                links.push(link);
            }
        }
    }

    async fn take_page(&mut self, workspace: &str, id: i64, frame: &Value) {
        if frame["type"] == "error" {
            assert_eq!(frame["error"]["code"], "NOT_FOUND", "{frame}");
            return;
        }
        // a first page always sets the position of the stream; a later page is void when another snapshot has begun
        let first = frame["data"]["workspace"].is_object();
        if !first && self.syncing.get(workspace) != Some(&id) {
            return;
        }
        self.syncing.insert(workspace.to_owned(), id);
        let known = self.replica.workspaces().contains_key(workspace);
        if known && let Some(cursor) = self.replica.take_page(workspace, &frame["data"]) {
            self.sync(workspace, Some(cursor)).await;
        }
    }
}

/// Whether a mutation changed something. What an administrator does to others is in logs that nobody here reads.
pub fn is_done(name: &str, answer: &Value) -> bool {
    let is_ok = answer["error"].is_null();
    let changed = answer["at"].as_object().is_some_and(|at| !at.is_empty());
    // the parts of a batch tell for themselves
    is_ok && (changed || name.starts_with("admin.") || name == "batch")
}

impl Asked {
    /// Whether it was carried out, and changed something.
    fn is_done(&self) -> bool {
        self.answer
            .as_ref()
            .is_some_and(|answer| is_done(self.name, answer))
    }

    fn answered(&mut self, answer: Value) {
        if answer["type"] == "error" {
            let code = text(&answer["error"]["code"]);
            assert!(REFUSALS.contains(&code), "{} {}: {answer}", self.name, self.data);
        }
        if let Some(before) = &self.answer
            && before["type"] == "ok"
        {
            self.must_equal(before, &answer);
        }
        self.answer = Some(answer);
    }

    /// Asserts that a repeat got the first answer again.
    fn must_equal(&self, before: &Value, answer: &Value) {
        if self.op_id.is_some() {
            assert_eq!(answer["replayed"], true, "{}: {answer}", self.name);
            assert_eq!(
                (&answer["data"], &answer["at"]),
                (&before["data"], &before["at"]),
                "{}",
                self.name
            );
            return;
        }
        let results = |answer: &Value| answer["data"]["results"].as_array().cloned().expect("results");
        for (before, now) in results(before).iter().zip(results(answer)) {
            if before["error"].is_null() {
                assert_eq!(now["replayed"], true, "{}: {now}", self.name);
                assert_eq!((&now["data"], &now["at"]), (&before["data"], &before["at"]));
            }
        }
    }
}
