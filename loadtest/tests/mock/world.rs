//! The mock's data: users, streams with their logs and watchers, tasks. An operation of the contract is a function.

use super::broken::{BREAKS_AT, Broken};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use tokio::sync::mpsc::Sender;
use uuid::Uuid;

const AT: &str = "2026-01-01T00:00:00.000Z";

#[derive(Default)]
struct Stream {
    log: Vec<String>,
    made: Vec<String>,
    tasks: u64,
    watchers: Vec<Watcher>,
}

struct Watcher {
    frames: Sender<String>,
    held: Option<String>,
}

#[derive(Default)]
pub(super) struct World {
    /// By token: the user and the username.
    users: HashMap<String, (Uuid, String)>,
    /// By user: the streams that they may read, their own workspace first.
    streams_of: HashMap<Uuid, Vec<String>>,
    streams: HashMap<String, Stream>,
    /// By task: its stream.
    tasks: HashMap<String, String>,
}

pub(super) fn send(frames: &Sender<String>, frame: String) {
    // Sending fails when the socket is gone; it needs no frame then.
    let _ = frames.try_send(frame);
}

fn person(id: Uuid, name: &str) -> Value {
    json!({
        "id": id, "username": name, "name": name, "email": format!("{name}@example.com"), "role": "user",
        "plan": "free", "is_active": true, "is_verified": true, "timezone": "UTC", "preferences": {},
        "photo_url": null, "version": 1, "created_at": AT, "updated_at": AT,
    })
}

fn member(id: Uuid, name: &str) -> Value {
    let user = json!({ "id": id, "username": name, "name": name, "photo_url": null });
    json!({ "user": user, "role": "member", "joined_at": AT, "version": 1 })
}

impl World {
    pub(super) fn sign_up(&mut self, data: &Value) -> Value {
        let (id, token) = (Uuid::new_v4(), Uuid::new_v4().to_string());
        let name = data["username"].as_str().expect("a username").to_owned();
        let streams = vec![format!("workspace:{}", Uuid::new_v4()), format!("user:{id}")];
        self.streams_of.insert(id, streams);
        self.users.insert(token.clone(), (id, name.clone()));
        json!({
            "access_token": token, "token_type": "Bearer", "expires_in": 900, "refresh_token": "r",
            "user": person(id, &name),
        })
    }

    pub(super) fn welcome(&mut self, request: &Value, frames: &Sender<String>, broken: Broken) -> Uuid {
        let data = &request["data"];
        let token = data["token"].as_str().expect("a token");
        let (user, name) = self.users.get(token).expect("a known token").clone();
        let asked = match data["streams"].as_array() {
            Some(these) => these
                .iter()
                .filter_map(|name| Some(name.as_str()?.to_owned()))
                .collect(),
            None => self.streams_of[&user].clone(),
        };
        let positions: BTreeMap<String, u64> =
            serde_json::from_value(data["resume"]["positions"].clone()).unwrap_or_default();
        let (mut states, mut missed) = (Vec::new(), Vec::new());
        for name in asked {
            let stream = self.streams.entry(name.clone()).or_default();
            let since = positions.get(&name).filter(|_| broken != Broken::Resume);
            if let Some(since) = since {
                missed.extend_from_slice(&stream.log[*since as usize..]);
            }
            let head = stream.log.len();
            states.push(match since {
                Some(_) => json!({ "stream": name, "seq": head, "resumed": true }),
                None => json!({ "stream": name, "seq": head, "resumed": false, "reason": "new" }),
            });
            stream.watchers.push(Watcher {
                frames: frames.clone(),
                held: None,
            });
        }
        let welcome = json!({ "type": "welcome", "id": request["id"], "data": {
            "protocol": 1, "server": { "name": "mock", "version": "0", "instance": "1", "time": AT },
            "epoch": "e", "user": person(user, &name), "session": { "id": user, "expires_at": AT },
            "heartbeat_ms": 25000, "streams": states, "limits": { "frame_bytes": 65536, "in_flight": 64,
            "batch": 100, "streams": 256, "ops_per_second": 50, "burst": 200 },
        }});
        send(frames, welcome.to_string());
        for frame in missed {
            send(frames, frame);
        }
        user
    }

    pub(super) fn share(&mut self, user: Uuid) -> Value {
        let id = Uuid::new_v4();
        self.streams_of
            .entry(user)
            .or_default()
            .push(format!("workspace:{id}"));
        json!({ "id": id, "name": "Load", "kind": "team", "role": "owner", "version": 1,
            "created_at": AT, "updated_at": AT })
    }

    pub(super) fn add(&mut self, data: &Value) -> Value {
        let known = |(_, name): &&(Uuid, String)| Some(name.as_str()) == data["username"].as_str();
        let (user, name) = self.users.values().find(known).expect("a known name").clone();
        let workspace = data["workspace_id"].as_str().expect("a workspace");
        self.streams_of
            .entry(user)
            .or_default()
            .push(format!("workspace:{workspace}"));
        member(user, &name)
    }

    pub(super) fn list(&self, user: Uuid, data: &Value, broken: Broken) -> Value {
        let own = self.streams_of[&user][0].clone();
        let named = data["workspace_id"].as_str().map(|id| format!("workspace:{id}"));
        let made = self
            .streams
            .get(&named.unwrap_or(own))
            .map(|stream| &*stream.made);
        let newest = made.unwrap_or_default().iter().rev().take(20);
        let items: Vec<Value> = newest.map(|id| json!({ "id": id })).collect();
        let items = if broken == Broken::Stale {
            Vec::new()
        } else {
            items
        };
        json!({ "items": items, "next_cursor": null })
    }

    /// Logs and sends the event. Returns the task, and the event's stream and `seq`.
    pub(super) fn change(&mut self, user: Uuid, request: &Value, broken: Broken) -> (String, String, u64) {
        let data = &request["data"];
        let (event, task) = match request["type"].as_str() {
            Some("task.update") => ("task.updated", data["id"].as_str()),
            Some("task.complete") => ("task.completed", data["id"].as_str()),
            _ => ("task.created", None),
        };
        let task = task.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let name = match (self.tasks.get(&task), data["workspace_id"].as_str()) {
            (Some(stream), _) => stream.clone(),
            (None, Some(id)) => format!("workspace:{id}"),
            (None, None) => self.streams_of[&user][0].clone(),
        };
        if self.tasks.insert(task.clone(), name.clone()).is_none() {
            self.streams
                .entry(name.clone())
                .or_default()
                .made
                .push(task.clone());
        }
        let stream = self.streams.entry(name.clone()).or_default();
        stream.tasks += 1;
        let now = stream.tasks == BREAKS_AT;
        if now && broken == Broken::LostAck {
            return (task, name, stream.log.len() as u64 + 1);
        }
        let seq = stream.log.len() as u64 + 1;
        let op_id = request["op_id"].as_str().unwrap_or_default();
        let frame = format!(
            r#"{{"type":"event","stream":"{name}","seq":{seq},"event":"{event}","at":"{AT}","actor":{{"id":"{user}","name":"Load"}},"op_id":"{op_id}","data":{{}}}}"#
        );
        stream.log.push(frame.clone());
        for (n, watcher) in stream.watchers.iter_mut().enumerate() {
            let copies = match broken {
                Broken::Gap if now && n == 0 => 0,
                Broken::Duplicate if now && n == 0 => 2,
                Broken::Reordered if now && n == 0 => {
                    watcher.held = Some(frame.clone());
                    0
                }
                _ => 1,
            };
            (0..copies).for_each(|_| send(&watcher.frames, frame.clone()));
            if !now && let Some(held) = watcher.held.take() {
                send(&watcher.frames, held);
            }
        }
        (task, name, seq)
    }
}
