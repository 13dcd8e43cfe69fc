//! Who may do what: every operation of the table, tried by everybody. What is expected follows from the row's access;
//! an operation without parameters here fails the test.

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Client, Engine, Server, Team, http, new_id};
use serde_json::{Value, json};
use taskwire_protocol::member::Role;
use taskwire_protocol::operations::{CATALOG, OperationEntry};
use taskwire_protocol::{Access, Kind};

on_both_databases!(
    every_operation_is_refused_to_those_who_may_not_and_done_for_those_who_may,
    a_changed_role_counts_at_once
);

/// Who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Person {
    Anonymous,
    /// Somebody with an account and a team of their own.
    OtherTenant,
    Viewer,
    Member,
    Admin,
    Owner,
    /// Somebody who was a member.
    Removed,
    /// Somebody with the global role `admin`, in no team.
    Operator,
}

use Person::{Admin, Anonymous, Member, Operator, OtherTenant, Owner, Removed, Viewer};

const EVERYBODY: [Person; 8] = [
    Anonymous,
    OtherTenant,
    Viewer,
    Member,
    Admin,
    Owner,
    Removed,
    Operator,
];

impl Person {
    fn role(self) -> Option<Role> {
        match self {
            Anonymous | OtherTenant | Removed | Operator => None,
            Viewer => Some(Role::Viewer),
            Member => Some(Role::Member),
            Admin => Some(Role::Admin),
            Owner => Some(Role::Owner),
        }
    }
}

/// What must come of it: `None` is done.
fn expected(entry: &OperationEntry, who: Person) -> Option<&'static str> {
    let outside = who.role().is_none();
    match (entry.name, entry.access, who) {
        ("auth", _, Anonymous) | (_, Access::Anyone, Anonymous) => None,
        (_, _, Anonymous) => Some("AUTH_REQUIRED"),
        (_, Access::ServerAdmin, who) => (who != Operator).then_some("FORBIDDEN"),
        // a socket authenticates once
        ("auth", ..) => Some("CONFLICT"),
        // they name the team, its people or its tasks in their parameters
        ("user.get" | "stream.subscribe" | "stream.history" | "batch", ..) if outside => Some("NOT_FOUND"),
        ("batch", _, Viewer) => Some("FORBIDDEN"),
        (_, access, who) => match (access.role(), who.role()) {
            (None, _) => None,
            (Some(_), None) => Some("NOT_FOUND"),
            (Some(least), Some(role)) => (role < least).then_some("FORBIDDEN"),
        },
    }
}

/// The team, those outside, and somebody who is added and removed.
struct Stage {
    server: Server,
    team: Team,
    stranger: Client,
    removed: Client,
    operator: Client,
    pupil: String,
    made: u32,
}

impl Stage {
    async fn set(engine: Engine) -> Stage {
        let operator = [
            ("admin_email", "op@example.com"),
            ("admin_password", crate::support::PASSWORD),
        ];
        let server = Server::start(engine, &operator).await;
        let mut team = Team::gather(&server).await;
        let operator = Client::log_in(&server, "op").await;
        let mut stranger = Client::sign_up(&server, "stranger").await;
        stranger
            .ok("workspace.create", json!({ "name": "Elsewhere" }))
            .await;
        let removed = Client::sign_up(&server, "removed").await;
        let pupil = Client::sign_up(&server, "pupil").await.user_id();
        let place = json!({ "workspace_id": team.workspace, "username": "removed", "role": "owner" });
        team.owner.ok("member.add", place).await;
        let place = json!({ "workspace_id": team.workspace, "user_id": removed.user_id() });
        team.owner.ok("member.remove", place).await;
        Stage {
            server,
            team,
            stranger,
            removed,
            operator,
            pupil,
            made: 0,
        }
    }

    fn client(&mut self, who: Person) -> &mut Client {
        match who {
            Anonymous => unreachable!("they have no socket that lasts"),
            OtherTenant => &mut self.stranger,
            Viewer => &mut self.team.viewer,
            Member => &mut self.team.member,
            Admin => &mut self.team.admin,
            Owner => &mut self.team.owner,
            Removed => &mut self.removed,
            Operator => &mut self.operator,
        }
    }

    /// A task of the team that nothing happened to yet.
    async fn task(&mut self) -> String {
        let data = json!({ "workspace_id": self.team.workspace, "title": "Try me" });
        text(&self.team.owner.ok("task.create", data).await["id"])
    }

    /// Makes the pupil a member, or not.
    async fn pupil_is_member(&mut self, wanted: bool) {
        let workspace = &self.team.workspace;
        let (name, data) = if wanted {
            (
                "member.add",
                json!({ "workspace_id": workspace, "username": "pupil", "role": "viewer" }),
            )
        } else {
            (
                "member.remove",
                json!({ "workspace_id": workspace, "user_id": self.pupil }),
            )
        };
        self.team.owner.call(name, data).await; // it may be so already
    }

    /// A notification of theirs.
    async fn notification(&mut self, who: Person) -> Value {
        if who == Anonymous {
            return json!(new_id());
        }
        let client = self.client(who);
        client.ok("task.create", json!({ "title": "News" })).await; // in their own workspace
        let page = client.ok("notification.list", json!({ "limit": 1 })).await;
        page["items"][0]["id"].clone()
    }

    /// Parameters with which somebody who may is not refused: the one table of this test.
    async fn parameters(&mut self, name: &str, who: Person) -> Value {
        let workspace = self.team.workspace.clone();
        self.made += 1;
        match name {
            "auth" | "auth.renew" => {
                let tokens = match who {
                    Anonymous => &self.stranger.tokens,
                    _ => &self.client(who).tokens,
                };
                json!({ "token": tokens["access_token"] })
            }
            "auth.signup" => json!({
                "email": format!("new-{}@example.com", self.made), "name": "New", "password": crate::support::PASSWORD,
            }),
            "auth.login" => json!({ "email": "stranger@example.com", "password": crate::support::PASSWORD }),
            "auth.logout"
            | "profile.get"
            | "user.sync"
            | "workspace.list"
            | "ping"
            | "protocol.describe"
            | "notification.list"
            | "notification.mark_all_read"
            | "notification.unread_count"
            | "admin.instances"
            | "admin.connections" => json!({}),
            "user.get" => json!({ "id": self.team.owner.user_id() }),
            "workspace.create" => json!({ "name": "One more" }),
            "workspace.get" | "workspace.sync" | "member.list" | "task.list" | "presence.list" => {
                json!({ "workspace_id": workspace })
            }
            "member.add" => {
                self.pupil_is_member(false).await;
                json!({ "workspace_id": workspace, "username": "pupil", "role": "viewer" })
            }
            "member.update" => {
                self.pupil_is_member(true).await;
                let role = if self.made.is_multiple_of(2) {
                    "member"
                } else {
                    "viewer"
                };
                json!({ "workspace_id": workspace, "user_id": self.pupil, "role": role })
            }
            "member.remove" => {
                self.pupil_is_member(true).await;
                json!({ "workspace_id": workspace, "user_id": self.pupil })
            }
            "task.create" => json!({ "workspace_id": workspace, "title": "Mine" }),
            "task.get" | "task.complete" | "task.delete" => json!({ "id": self.task().await }),
            "task.update" => json!({ "id": self.task().await, "title": "Changed" }),
            "task.replace" => json!({
                "id": self.task().await, "title": "Replaced", "description": null, "completed": true,
                "priority": "low", "due_at": null, "tags": [],
            }),
            "task.restore" => {
                let id = self.task().await;
                self.team.owner.ok("task.delete", json!({ "id": id })).await;
                json!({ "id": id })
            }
            "task.move" => {
                let (id, other) = (self.task().await, self.task().await);
                json!({ "id": id, "after": other })
            }
            "task.assign" => json!({ "id": self.task().await, "add": [self.team.member.user_id()] }),
            "notification.get" | "notification.delete" => json!({ "id": self.notification(who).await }),
            "notification.mark" => json!({ "id": self.notification(who).await, "is_read": true }),
            "notification.delete_many" => json!({ "ids": [self.notification(who).await] }),
            "presence.set" => {
                json!({ "workspace_id": workspace, "state": "online", "task_id": self.task().await })
            }
            "presence.typing" => json!({ "task_id": self.task().await }),
            "admin.kick" => json!({ "session_id": new_id() }),
            "stream.subscribe" | "stream.unsubscribe" | "stream.history" => {
                json!({ "stream": self.team.stream() })
            }
            "batch" => {
                json!({ "ops": [{ "type": "task.update", "data": { "id": self.task().await, "title": "B" } }] })
            }
            other => panic!("{other} has no parameters here: give it a row"),
        }
    }

    /// Tries it; the code of the refusal, if it is refused.
    async fn tries(&mut self, entry: &OperationEntry, who: Person) -> Option<String> {
        let data = self.parameters(entry.name, who).await;
        if who == Anonymous {
            let mut nobody = Client::connect(&self.server).await;
            return code(&nobody.call(entry.name, data).await);
        }
        if entry.name == "auth.logout" {
            // not the session that goes on
            let email = self.client(who).welcome["data"]["user"]["email"].clone();
            let login =
                json!({ "email": email, "password": crate::support::PASSWORD, "token_delivery": "body" });
            let answer = http::post(&self.server, "/v1/auth/login", &login).await;
            let tokens = answer.json().await.expect("tokens");
            let mut again = Client::with_tokens(&self.server, &tokens, json!({ "streams": [] })).await;
            return code(&again.call(entry.name, data).await);
        }
        code(&self.client(who).call(entry.name, data).await)
    }

    /// Tries it inside a batch.
    async fn tries_in_batch(&mut self, entry: &OperationEntry, who: Person) -> Option<String> {
        let data = self.parameters(entry.name, who).await;
        let batch = json!({ "ops": [{ "type": entry.name, "data": data }] });
        code(&self.client(who).call("batch", batch).await)
    }
}

fn code(answer: &Value) -> Option<String> {
    (answer["type"] == "error").then(|| text(&answer["error"]["code"]))
}

async fn every_operation_is_refused_to_those_who_may_not_and_done_for_those_who_may(engine: Engine) {
    let mut stage = Box::pin(Stage::set(engine)).await;
    let mut wrong = Vec::new();
    for entry in CATALOG {
        for who in EVERYBODY {
            let wanted = expected(entry, who);
            let came = stage.tries(entry, who).await;
            if came.as_deref() != wanted {
                wrong.push(format!("{} by {who:?}: {came:?}, not {wanted:?}", entry.name));
            }
            if entry.kind == Kind::Mutation && entry.name != "batch" && who != Anonymous {
                let came = stage.tries_in_batch(entry, who).await;
                if came.as_deref() != wanted {
                    wrong.push(format!(
                        "{} in a batch by {who:?}: {came:?}, not {wanted:?}",
                        entry.name
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn a_changed_role_counts_at_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let task = json!({ "workspace_id": team.workspace, "title": "A" });
    let viewer = team.viewer.user_id();
    let role = |role: &str| json!({ "workspace_id": team.workspace, "user_id": viewer, "role": role });
    assert_eq!(
        team.viewer.refused("task.create", task.clone()).await["code"],
        "FORBIDDEN"
    );
    team.owner.ok("member.update", role("member")).await;
    team.viewer.ok("task.create", task.clone()).await;
    team.owner.ok("member.update", role("viewer")).await;
    assert_eq!(
        team.viewer.refused("task.create", task.clone()).await["code"],
        "FORBIDDEN"
    );
    let gone = json!({ "workspace_id": team.workspace, "user_id": viewer });
    team.owner.ok("member.remove", gone).await;
    assert_eq!(
        team.viewer.refused("task.create", task).await["code"],
        "NOT_FOUND"
    );
}
