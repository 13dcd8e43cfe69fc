//! The users who try an operation, and the entities that it names: each placeholder of an example gets a new entity for
//! each try.

use super::IN_A_SPARE_WORKSPACE;
use crate::attachments;
use crate::support::{Client, Engine, PASSWORD, Server, Team, http, new_id, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use taskwire_protocol::examples::Examples;
use taskwire_protocol::member::Role;
use taskwire_protocol::operations::CATALOG;

/// The kind of caller that tries an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    Anonymous,
    /// A user who is only in another team.
    OtherTenant,
    Viewer,
    Member,
    Admin,
    Owner,
    /// A former member.
    Removed,
    /// A user with the global role `admin`, in no team.
    Operator,
    /// An API token of the owner that may only read.
    Reading,
    /// An API token of the owner that may also write.
    Writing,
    /// One that may write, limited to the team's workspace.
    InTheTeam,
    /// One that may write, limited to another workspace.
    Elsewhere,
    /// One that may only read, limited to the team's workspace.
    ReadingTheTeam,
}

use Person::{
    Admin, Anonymous, Elsewhere, InTheTeam, Member, Operator, OtherTenant, Owner, Reading, ReadingTheTeam,
    Removed, Viewer, Writing,
};

pub const EVERYBODY: [Person; 13] = [
    Anonymous,
    OtherTenant,
    Viewer,
    Member,
    Admin,
    Owner,
    Removed,
    Operator,
    Reading,
    Writing,
    InTheTeam,
    Elsewhere,
    ReadingTheTeam,
];
/// Who tries these does it with an account of its own: the other tries need this one's session.
const ENDS_THE_SESSION: [&str; 4] = [
    "auth.logout",
    "auth.logout_all",
    "auth.change_password",
    "profile.delete",
];
/// The API tokens.
const PROGRAMS: [Person; 5] = [Reading, Writing, InTheTeam, Elsewhere, ReadingTheTeam];

impl Person {
    /// Their role in the team.
    pub fn role(self) -> Option<Role> {
        match self {
            Anonymous | OtherTenant | Removed | Operator | Elsewhere => None,
            Viewer => Some(Role::Viewer),
            Member => Some(Role::Member),
            Admin => Some(Role::Admin),
            Owner | Reading | Writing | InTheTeam | ReadingTheTeam => Some(Role::Owner),
        }
    }

    /// Whether it is an API token of the owner.
    pub fn is_program(self) -> bool {
        PROGRAMS.contains(&self)
    }
}

/// The team, the users outside it, and two users that the tries add and remove.
pub struct Stage {
    server: Arc<Server>,
    examples: Examples,
    team: Team,
    stranger: Client,
    removed: Client,
    operator: Client,
    /// In the order of `PROGRAMS`.
    programs: Vec<Client>,
    /// A viewer of the team.
    pupil: String,
    /// The workspace of the last try that may have taken one away.
    spare: Option<Value>,
    made: u32,
}

impl Stage {
    pub async fn set(engine: Engine) -> Stage {
        let operator = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];
        let server = Arc::new(Server::start(engine, &operator).await);
        let mut team = Team::gather(&server).await;
        let operator = Client::log_in(&server, "op").await;
        let mut stranger = Client::sign_up(&server, "stranger").await;
        stranger
            .ok("workspace.create", json!({ "name": "Elsewhere" }))
            .await;
        let removed = Client::sign_up(&server, "removed").await;
        let pupil = Client::sign_up(&server, "pupil").await.user_id();
        Client::sign_up(&server, "newcomer").await;
        let place = json!({ "workspace_id": team.workspace, "username": "removed", "role": "owner" });
        team.owner.ok("member.add", place).await;
        let place = json!({ "workspace_id": team.workspace, "user_id": removed.user_id() });
        team.owner.ok("member.remove", place).await;
        let programs = programs(&server, &mut team).await;
        Stage {
            server,
            programs,
            examples: Examples::new(),
            team,
            stranger,
            removed,
            operator,
            pupil,
            spare: None,
            made: 0,
        }
    }

    fn client(&mut self, who: Person) -> &mut Client {
        match who {
            Anonymous => unreachable!("an anonymous caller gets a new socket for each try"),
            OtherTenant => &mut self.stranger,
            Viewer => &mut self.team.viewer,
            Member => &mut self.team.member,
            Admin => &mut self.team.admin,
            Owner => &mut self.team.owner,
            Removed => &mut self.removed,
            Operator => &mut self.operator,
            program => {
                let at = PROGRAMS.iter().position(|one| *one == program);
                &mut self.programs[at.expect("a program")]
            }
        }
    }

    /// A socket of this user's own session.
    fn person(&mut self, who: Person) -> &mut Client {
        match who {
            Anonymous => &mut self.stranger,
            program if program.is_program() => &mut self.team.owner,
            who => self.client(who),
        }
    }

    /// Tries an operation. Returns the answer.
    pub async fn tries(&mut self, name: &str, who: Person) -> Value {
        self.made += 1;
        let data = self.parameters(name, who).await;
        if who == Anonymous {
            return Client::connect(&self.server).await.call(name, data).await;
        }
        if ENDS_THE_SESSION.contains(&name) && !who.is_program() {
            // with an account of its own: the other tries need this one's session
            let leaver = format!("leaver{}", self.made);
            return Client::sign_up(&self.server, &leaver)
                .await
                .call(name, data)
                .await;
        }
        self.client(who).call(name, data).await
    }

    /// Tries an operation without a socket. Returns the status and the answer.
    pub async fn tries_by_rpc(&mut self, name: &str, who: Person) -> (u16, Value) {
        self.made += 1;
        let data = self.parameters(name, who).await;
        let mut request = http::request(&self.server, Method::POST, "/v1/rpc");
        if let Some(token) = self.token(name, who).await {
            request = request.bearer_auth(token);
        }
        let frame = json!({ "type": name, "data": data });
        let answer = request.json(&frame).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("a frame"))
    }

    /// The token with which somebody tries an operation.
    pub async fn token(&mut self, name: &str, who: Person) -> Option<String> {
        let token = match who {
            Anonymous => return None,
            who if ENDS_THE_SESSION.contains(&name) && !who.is_program() => {
                // of an account of its own: the other tries need this one's session
                let leaver = self.new_name();
                http::sign_up(&self.server, &leaver).await["access_token"].clone()
            }
            who => self.client(who).tokens["access_token"].clone(),
        };
        token.as_str().map(str::to_owned)
    }

    /// Reads every socket, so that it answers the server's pings.
    pub async fn hear(&mut self) {
        for who in EVERYBODY.into_iter().filter(|who| *who != Anonymous) {
            let client = self.client(who);
            client.call("ping", json!({})).await;
            client.forget_events();
        }
    }

    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// The tokens of somebody's session.
    pub fn tokens(&mut self, who: Person) -> Value {
        self.client(who).tokens.clone()
    }

    /// A name that no account has.
    pub fn new_name(&mut self) -> String {
        self.made += 1;
        format!("leaver{}", self.made)
    }

    /// The id of the team's owner.
    pub fn owner(&self) -> String {
        self.team.owner.user_id()
    }

    /// The team's workspace.
    pub fn workspace(&self) -> String {
        self.team.workspace.clone()
    }

    /// A session that this caller may end, if the caller may end any.
    pub async fn a_session(&mut self, who: Person) -> Value {
        self.made += 1;
        self.thing("session", "auth.revoke_session", who).await
    }

    /// The id of a new task of the team.
    pub async fn a_task(&mut self) -> String {
        let data = self.parameters("task.create", Owner).await;
        text(&self.team.owner.ok("task.create", data).await["id"]).to_owned()
    }

    /// The id of a new attachment of a task of the team.
    pub async fn an_attachment(&mut self) -> String {
        text(&self.thing("attachment", "", Owner).await).to_owned()
    }

    pub async fn give_the_owner_a_photo(&mut self, picture: Vec<u8>) {
        let token = self.token("", Owner).await.expect("a token");
        let request = http::request(&self.server, Method::PUT, "/v1/profile/photo").bearer_auth(token);
        let request = request.header("content-type", "image/png").body(picture);
        assert_eq!(request.send().await.expect("an answer").status(), 200);
    }

    pub async fn give_the_owner_a_calendar(&mut self) {
        self.team.owner.ok("calendar.create", json!({})).await;
    }

    /// Tries an operation inside a batch. Returns the answer.
    pub async fn tries_in_batch(&mut self, name: &str, who: Person) -> Value {
        let data = self.parameters(name, who).await;
        let batch = json!({ "ops": [{ "type": name, "data": data }] });
        self.client(who).call("batch", batch).await
    }

    /// The parameters of the operation's example, with entities that exist, so that a permitted caller is not refused.
    pub async fn parameters(&mut self, name: &str, who: Person) -> Value {
        let example = self.examples.of(name).expect("an operation of the table");
        let mut things = Vec::new();
        for place in example.places() {
            things.push((place, Box::pin(self.thing(place, name, who)).await));
        }
        let thing = |place: &str| {
            let found = things.iter().find(|(name, _)| *name == place);
            found.map(|(_, thing)| thing.clone())
        };
        let data = example.fill(thing).expect("every place is filled");
        let data = match name {
            // each tag has a name of its own
            "tag.create" => {
                json!({ "workspace_id": data["workspace_id"], "name": format!("tag {}", new_id()) })
            }
            _ => data,
        };
        assert!(
            !data.to_string().contains("\"…\""),
            "{name} has no example: give each required text of its parameters an #[schemars(example = …)] in \
             protocol/src ({data})"
        );
        data
    }

    /// The value for a placeholder of an example (see `taskwire_protocol::examples`).
    async fn thing(&mut self, place: &str, operation: &str, who: Person) -> Value {
        self.made += 1;
        match place {
            "workspace" if IN_A_SPARE_WORKSPACE.contains(&operation) && who.role().is_some() => {
                self.spare_workspace().await
            }
            "workspace" => json!(self.team.workspace),
            "stream" => json!(self.team.stream()),
            "task" | "other_task" => self.entity("task").await,
            "deleted_task" => {
                let id = self.entity("task").await;
                self.team.owner.ok("task.delete", json!({ "id": id })).await;
                id
            }
            "user" if operation == "admin.user.delete" => {
                let leaver = format!("leaver{}", self.made);
                json!(Client::sign_up(&self.server, &leaver).await.user_id())
            }
            "user" => {
                self.join(false, "pupil").await;
                self.join(true, "pupil").await;
                json!(self.pupil)
            }
            "newcomer" => {
                self.join(false, "newcomer").await;
                json!("newcomer")
            }
            "notification" => self.notification(who).await,
            // who may write comments changes their own
            "comment" if who.role() >= Some(Role::Member) => {
                let data = self.parameters("comment.create", who).await;
                self.person(who).ok("comment.create", data).await["id"].clone()
            }
            // so do those who upload files
            "attachment" => {
                let who = if who.role() >= Some(Role::Member) {
                    who
                } else {
                    Owner
                };
                let token = text(&self.person(who).tokens["access_token"]).to_owned();
                let task = self.entity("task").await;
                let made = attachments::post(&self.server, &token, &task, "a.txt", b"content").await;
                assert_eq!(made.status(), 201);
                made.json().await.expect("an attachment")["id"].clone()
            }
            "api_token" => {
                let made = self.person(who).ok("api_token.create", json!({ "name": "bot" }));
                made.await["id"].clone()
            }
            "session" if operation == "auth.revoke_session" && who != Anonymous && !who.is_program() => {
                self.another_session(who).await
            }
            // an id that no entity has: a kick that closes no socket succeeds too
            "new_id" | "session" => json!(new_id()),
            "access_token" => match who {
                Anonymous => self.stranger.tokens["access_token"].clone(),
                _ => self.client(who).tokens["access_token"].clone(),
            },
            "email" => json!("stranger@example.com"),
            "password" => json!(PASSWORD),
            "new_email" => json!(format!("new-{}@example.com", self.made)),
            entity => {
                let create = format!("{entity}.create");
                assert!(
                    CATALOG.iter().any(|entry| entry.name == create),
                    "the example of {operation} has the place {{{entity}}}, but no operation {create} \
                     fills it: give the place an arm in permissions/stage.rs"
                );
                self.entity(entity).await
            }
        }
    }

    /// A new workspace with the team's people in their roles, and the pupil as another owner. The one before it is
    /// deleted.
    async fn spare_workspace(&mut self) -> Value {
        if let Some(before) = self.spare.take() {
            // its tries may have deleted it, or have left it
            let delete = json!({ "workspace_id": before });
            self.team.owner.call("workspace.delete", delete).await;
        }
        // this takes a while: the other sockets must not look dead
        self.hear().await;
        let owner = &mut self.team.owner;
        let made = owner.ok("workspace.create", json!({ "name": "Spare" })).await;
        let id = made["id"].clone();
        for (name, role) in [
            ("admin", "admin"),
            ("member", "member"),
            ("viewer", "viewer"),
            ("pupil", "owner"),
        ] {
            let data = json!({ "workspace_id": id, "username": name, "role": role });
            owner.ok("member.add", data).await;
        }
        self.spare = Some(id.clone());
        id
    }

    /// The id of another session of this caller.
    async fn another_session(&mut self, who: Person) -> Value {
        let email = self.client(who).welcome["data"]["user"]["email"].clone();
        let login = json!({ "email": email, "password": PASSWORD, "token_delivery": "body" });
        let answer = http::post(&self.server, "/v1/auth/login", &login).await;
        let tokens = answer.json().await.expect("tokens");
        let socket = Client::with_tokens(&self.server, &tokens, json!({ "streams": [] })).await;
        socket.welcome["data"]["session"]["id"].clone()
    }

    /// Makes an entity in the team's workspace with its `create`. Returns the id.
    async fn entity(&mut self, noun: &str) -> Value {
        let create = format!("{noun}.create");
        let data = self.parameters(&create, Owner).await;
        self.team.owner.ok(&create, data).await["id"].clone()
    }

    /// Makes a user a viewer of the team (`wanted`), or removes them.
    async fn join(&mut self, wanted: bool, username: &str) {
        let workspace = &self.team.workspace;
        let (name, data) = if wanted {
            (
                "member.add",
                json!({ "workspace_id": workspace, "username": username, "role": "viewer" }),
            )
        } else {
            let members = self
                .team
                .owner
                .ok("member.list", json!({ "workspace_id": workspace }));
            let members = members.await["items"].as_array().expect("members").clone();
            let mut users = members.iter().map(|member| &member["user"]);
            let Some(user) = users.find(|user| user["username"] == username) else {
                return;
            };
            (
                "member.remove",
                json!({ "workspace_id": workspace, "user_id": user["id"] }),
            )
        };
        self.team.owner.ok(name, data).await;
    }

    /// The id of a new notification of this caller.
    async fn notification(&mut self, who: Person) -> Value {
        if who == Anonymous {
            return json!(new_id());
        }
        let client = self.person(who);
        client.ok("task.create", json!({ "title": "News" })).await; // in their own workspace
        let page = client.ok("notification.list", json!({ "limit": 1 })).await;
        page["items"][0]["id"].clone()
    }
}

/// A socket with each kind of API token of the owner.
async fn programs(server: &Server, team: &mut Team) -> Vec<Client> {
    let other = team
        .owner
        .ok("workspace.create", json!({ "name": "Other" }))
        .await;
    let (team_only, other_only) = (json!([team.workspace]), json!([other["id"]]));
    let mut clients = Vec::new();
    for (scope, only) in [
        ("read", Value::Null),
        ("write", Value::Null),
        ("write", team_only.clone()),
        ("write", other_only),
        ("read", team_only),
    ] {
        let wanted = json!({ "name": "program", "scope": scope, "workspace_ids": only });
        let made = team.owner.ok("api_token.create", wanted).await;
        let tokens = json!({ "access_token": made["token"] });
        clients.push(Client::with_tokens(server, &tokens, json!({})).await);
    }
    clients
}
