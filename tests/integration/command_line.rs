//! `tw` as a person and a script use it, with a real server: API tokens, what a mail proves, the history of an account,
//! sessions and passwords; and what administrators do. `stages` has stages, and what is ready, `attachments` files, `board`
//! the board, `import` files of other programs, `people` members and what they are told, `profile` one's photo, `search` what
//! finds tasks, `stats` how many tasks there are, `terminal` what only a terminal shows, `who` who is there.

mod attachments;
mod board;
mod import;
mod people;
mod profile;
mod search;
mod stages;
mod stats;
mod terminal;
mod who;

use crate::readmes::binaries;
use crate::support::{Client, Engine, PASSWORD, Server, eventually, http, mails, secrets, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

crate::on_both_databases!(
    an_account_is_managed_on_the_command_line,
    an_audit_tells_each_event_in_plain_words,
    a_team_talks_about_a_task_on_the_command_line,
    projects_are_named_on_the_command_line,
    tags_are_changed_on_the_command_line,
    a_workspace_is_shared_and_handed_over_on_the_command_line,
    an_administrator_manages_accounts_on_the_command_line,
    an_administrator_manages_connections_on_the_command_line,
);

const ADA: &str = "ada@example.com";
const OTHER_PASSWORD: &str = "cocoa at a quarter past nine";
const NEW_PASSWORD: &str = "coffee at a quarter to five";

/// A folder with the kept sessions of one device.
struct Device {
    home: TempDir,
    url: String,
}

impl Device {
    fn new(server: &Server) -> Device {
        Device {
            home: tempfile::tempdir().expect("a folder"),
            url: server.url(""),
        }
    }

    /// Starts `tw`.
    fn begin(&self, words: &[&str], password: &str) -> Child {
        let home: &Path = self.home.path();
        Command::new(binaries().join("tw"))
            .args(words)
            .env_clear()
            .env("HOME", home)
            .env("XDG_STATE_HOME", home)
            .env("TASKWIRE_URL", &self.url)
            .env("TASKWIRE_PASSWORD", password)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tw")
    }

    /// Runs `tw` until it ends: its exit code, and what it printed.
    fn run(&self, words: &[&str], password: &str, input: &str) -> (i32, String, String) {
        let mut child = self.begin(words, password);
        let mut stdin = child.stdin.take().expect("its input");
        let _ = stdin.write_all(input.as_bytes()); // it may end without reading
        drop(stdin);
        let output = child.wait_with_output().expect("its end");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (
            output.status.code().expect("a code"),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Runs `tw`, which must succeed. Returns its standard output.
    fn tw(&self, words: &[&str]) -> String {
        let (code, out, error) = self.run(words, PASSWORD, "");
        assert_eq!(code, 0, "{words:?}: {error}");
        out
    }
}

async fn an_account_is_managed_on_the_command_line(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", ADA, "--name", "Ada"]);

    let code = mails::nth(&server, 1, ADA, "Verify your e-mail address")
        .await
        .code();
    laptop.tw(&["verify", &code]);
    let (code, _, error) = laptop.run(&["verify", "000000"], PASSWORD, "");
    assert_eq!((code, error.contains("--resend")), (3, true), "{error}");
    assert!(
        !laptop
            .tw(&["profile", "--name", "Ada King"])
            .contains("not verified")
    );

    let file = laptop.home.path().join("data.zip");
    let path = file.to_str().expect("text");
    assert!(laptop.tw(&["profile", "export", path]).starts_with(path));
    let archive = std::fs::File::open(&file).map(zip::ZipArchive::new);
    assert!(
        archive
            .expect("a file")
            .expect("an archive")
            .by_name("profile.json")
            .is_ok()
    );

    // a program acts with an API token, until it is revoked
    let token = laptop.tw(&["tokens", "new", "ci", "--read"]);
    secrets::note_text(token.trim());
    assert!(
        token.starts_with("tw_pat_") && token.lines().count() == 1,
        "{}",
        token.len()
    );
    let robot = Device::new(&server);
    let (code, _, error) = robot.run(&["login", "--token"], "", &token);
    assert_eq!(code, 0, "{error}");
    robot.tw(&["ls"]);
    let (code, ..) = robot.run(&["add", "Buy milk"], "", "");
    assert_eq!(code, 3, "it may only read");
    let listed = laptop.tw(&["tokens"]);
    laptop.tw(&["tokens", "revoke", &listed[..8]]);
    let (code, _, error) = robot.run(&["ls"], "", "");
    assert_eq!((code, error.contains("login --token")), (3, true), "{error}");

    let told = laptop.tw(&["audit"]);
    for said in [
        "signed in: ",
        "API token made: ",
        "account changed: name",
        "API token revoked: ",
    ] {
        assert!(told.contains(said), "{said} is missing:\n{told}");
    }

    // a session ends another one; a new password ends all others, and this device stays signed in
    let tablet = Device::new(&server);
    tablet.tw(&["login", ADA]);
    assert_eq!(laptop.tw(&["sessions"]).lines().count(), 2);
    laptop.tw(&["sessions", "--revoke-others"]);
    assert_eq!(tablet.run(&["ls"], "", "").0, 3);
    tablet.tw(&["login", ADA]);
    let passwords = format!("{PASSWORD}\n{OTHER_PASSWORD}\n");
    let (code, _, error) = laptop.run(&["passwd", "--password-stdin"], "", &passwords);
    assert_eq!(code, 0, "{error}");
    laptop.tw(&["ls"]);
    assert_eq!(tablet.run(&["ls"], "", "").0, 3);

    // a device without a keyboard signs in by a code that is approved elsewhere
    let kiosk = Device::new(&server);
    let mut signing_in = kiosk.begin(&["login", "--browser"], "");
    let mut line = String::new();
    let told = signing_in.stderr.as_mut().expect("its messages");
    BufReader::new(told).read_line(&mut line).expect("a line");
    let (page, code) = line.trim().rsplit_once(' ').expect("a code");
    assert!(page.contains(&format!("/device#{code} ")), "{line}");
    let login = json!({ "email": ADA, "password": OTHER_PASSWORD, "token_delivery": "body" });
    let tokens = http::post(&server, "/v1/auth/login", &login).await;
    let tokens = tokens.json().await.expect("tokens");
    let approve = http::request(&server, Method::POST, "/v1/auth/device/approve");
    let approve = approve.bearer_auth(text(&tokens["access_token"]));
    let approved = approve.json(&json!({ "user_code": code })).send().await;
    assert_eq!(approved.expect("an answer").status(), 200);
    assert!(signing_in.wait().expect("its end").success());
    kiosk.tw(&["ls"]);

    // a reset ends every session
    laptop.tw(&["reset", ADA]);
    let code = mails::nth(&server, 1, ADA, "Reset your password").await.code();
    let (code, _, error) = laptop.run(&["reset", ADA, "--code", &code], NEW_PASSWORD, "");
    assert_eq!(code, 0, "{error}");
    let (code, ..) = laptop.run(&["ls"], "", "");
    assert_eq!(code, 3);
    let (code, _, error) = laptop.run(&["login", ADA], NEW_PASSWORD, "");
    assert_eq!(code, 0, "{error}");
}

/// Every event of the server's audit lines that changes an account, as its owner reads it.
async fn an_audit_tells_each_event_in_plain_words(engine: Engine) {
    let operator = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];
    let server = Server::start(engine, &operator).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", ADA, "--name", "Ada"]);
    let code = mails::nth(&server, 1, ADA, "Verify your e-mail address")
        .await
        .code();
    laptop.tw(&["verify", &code]);
    laptop.tw(&["tokens", "new", "ci"]);
    let listed = laptop.tw(&["tokens"]);
    laptop.tw(&["tokens", "revoke", &listed[..8]]);

    let mut ada = Client::log_in(&server, "ada").await;
    let codes = http::post(&server, "/v1/auth/device", &json!({})).await;
    let codes = codes.json().await.expect("codes");
    let refuse = http::request(&server, Method::POST, "/v1/auth/device/approve");
    let refuse = refuse.bearer_auth(text(&ada.tokens["access_token"]));
    let refused = refuse
        .json(&json!({ "user_code": codes["user_code"], "approve": false }))
        .send()
        .await;
    assert_eq!(refused.expect("an answer").status(), 200);
    let new = json!({ "new_email": "ada@example.org", "password": PASSWORD });
    ada.ok("profile.change_email", new).await;
    let code = mails::nth(&server, 1, "ada@example.org", "Verify your new e-mail address")
        .await
        .code();
    let verify = json!({ "email": "ada@example.org", "code": code });
    assert_eq!(
        http::post(&server, "/v1/auth/verify-email", &verify)
            .await
            .status(),
        200
    );
    let mut op = Client::log_in(&server, "op").await;
    let id = json!({ "id": ada.user_id() });
    op.ok("admin.user.update", json!({ "id": id["id"], "plan": "pro" }))
        .await;
    op.ok("admin.user.unlock", id.clone()).await;
    op.ok("admin.user.sign_out", id).await;

    let forgotten = json!({ "email": "ada@example.org" });
    assert_eq!(
        http::post(&server, "/v1/auth/forgot-password", &forgotten)
            .await
            .status(),
        202
    );
    let code = mails::nth(&server, 1, "ada@example.org", "Reset your password")
        .await
        .code();
    let reset = json!({ "email": "ada@example.org", "code": code, "new_password": NEW_PASSWORD });
    assert_eq!(
        http::post(&server, "/v1/auth/reset-password", &reset)
            .await
            .status(),
        200
    );
    let (code, _, error) = laptop.run(&["login", "ada@example.org"], NEW_PASSWORD, "");
    assert_eq!(code, 0, "{error}");
    let told = laptop.tw(&["audit"]);
    for said in [
        "Welcome",
        "account changed: verified",
        "API token made: ",
        "API token revoked: ",
        "signed in: ",
        "You refused a program that asked to sign in with a code",
        "Another e-mail address was asked for: a***@example.org",
        "account changed: e-mail",
        "The e-mail address of your account was changed",
        "account changed: plan  (by Administrator)",
        "An administrator let you sign in again after failed sign-ins  (by Administrator)",
        "session ended: ",
        "Your password was reset by mail",
    ] {
        assert!(told.contains(said), "{said} is missing:\n{told}");
    }
}

async fn a_workspace_is_shared_and_handed_over_on_the_command_line(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (laptop, graces, henrys) = (Device::new(&server), Device::new(&server), Device::new(&server));
    laptop.tw(&["signup", ADA, "--name", "Ada"]);
    assert!(
        laptop
            .tw(&["workspace", "new", "Garden"])
            .contains("  Garden  made")
    );
    let sent = laptop.tw(&["invite", "garden", "grace@example.com", "--role", "admin"]);
    assert!(
        sent.contains("  grace@example.com  admin  by Ada  expires "),
        "{sent}"
    );
    assert_eq!(laptop.tw(&["invites", "Garden"]), sent);

    graces.tw(&["signup", "grace@example.com", "--name", "Grace"]);
    let (code, out, error) = graces.run(&["invites"], "", "");
    assert_eq!(
        (code, &*out, error.contains("tw verify")),
        (0, "", true),
        "{error}"
    );
    let code = mails::nth(&server, 1, "grace@example.com", "Verify your e-mail address")
        .await
        .code();
    graces.tw(&["verify", &code]);
    let listed = eventually("the invitation", async || {
        Some(graces.tw(&["invites"])).filter(|listed| !listed.is_empty())
    });
    let listed = listed.await;
    assert!(listed.contains("  Garden  admin  by Ada  expires "), "{listed}");
    assert!(graces.tw(&["join", "garden"]).contains("  Garden  admin  joined"));
    let (code, out, error) = laptop.run(&["invites", "Garden"], "", "");
    assert_eq!((code, &*out, error.contains("nobody is invited")), (0, "", true));

    // a link, by its token
    let token = laptop.tw(&["invite", "Garden", "--max-uses", "1"]);
    secrets::note_text(token.trim());
    assert_eq!(token.lines().count(), 1, "{}", token.len());
    henrys.tw(&["signup", "henry@example.com", "--name", "Henry"]);
    let link = format!("https://tasks.example.com/join#{}", token.trim());
    assert!(henrys.tw(&["join", &link]).contains("  Garden  member  joined"));
    for nothing in [token.trim(), "no such thing"] {
        let (code, ..) = henrys.run(&["join", nothing], "", "");
        assert_eq!(code, 4, "{}", nothing.len());
    }
    laptop.tw(&["invite", "Garden", "ida@example.com"]);
    let listed = laptop.tw(&["invites", "Garden"]);
    assert!(
        laptop
            .tw(&["invites", "Garden", "--revoke", &listed[..8]])
            .contains("revoked")
    );

    let renamed = laptop.tw(&["workspace", "rename", "Garden", "Kitchen", "and", "garden"]);
    assert!(renamed.contains("  Kitchen and garden  renamed"), "{renamed}");
    let (code, _, error) = laptop.run(&["workspace", "leave", "kitchen and garden"], "", "");
    assert_eq!((code, error.contains("workspace.transfer")), (5, true), "{error}");
    laptop.tw(&["workspace", "transfer", "Kitchen and garden", "grace"]);
    laptop.tw(&["workspace", "leave", "Kitchen and garden"]);
    assert_eq!(laptop.tw(&["workspaces"]).lines().count(), 1);
    let delete = ["workspace", "delete", "Kitchen and garden"];
    let (code, _, error) = graces.run(&delete, "", "");
    assert_eq!((code, error.contains("--yes")), (2, true), "{error}");
    assert!(graces.tw(&[&delete[..], &["--yes"]].concat()).contains("deleted"));
    for device in [&graces, &henrys] {
        assert_eq!(device.tw(&["workspaces"]).lines().count(), 1);
    }
}

/// An administrator's device, and the server.
async fn operator(engine: Engine, settings: &[(&str, &str)]) -> (Server, Device) {
    let op = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];
    let server = Server::start(engine, &[&op, settings].concat()).await;
    let device = Device::new(&server);
    device.tw(&["login", "op@example.com"]);
    (server, device)
}

async fn an_administrator_manages_accounts_on_the_command_line(engine: Engine) {
    let (server, op) = operator(engine, &[]).await;
    let bob = op.tw(&[
        "admin",
        "create",
        "bob@example.com",
        "Bob",
        "--admin",
        "--plan",
        "pro",
        "--json",
    ]);
    let bob: Value = serde_json::from_str(&bob).expect("an account");
    assert_eq!((&bob["role"], &bob["plan"]), (&json!("admin"), &json!("pro")));
    mails::nth(&server, 1, "bob@example.com", "An account was made for you").await;
    let create = ["admin", "create", ADA, "Ada", "--password-stdin"];
    let (code, _, error) = op.run(&create, "", &format!("{OTHER_PASSWORD}\n"));
    assert_eq!(code, 0, "{error}");
    let (code, _, error) = op.run(&create, "", &format!("{OTHER_PASSWORD}\n"));
    assert_eq!(code, 5, "{error}");

    assert_eq!(op.tw(&["admin", "users"]).lines().count(), 3);
    let found = op.tw(&["admin", "users", "ADA"]);
    assert!(
        found.contains("  ada@example.com  Ada  user  free") && found.lines().count() == 1,
        "{found}"
    );
    let (code, out, error) = op.run(&["admin", "users", "--limit", "2"], "", "");
    assert_eq!(
        (code, out.lines().count(), error.contains("--limit")),
        (0, 2, true),
        "{error}"
    );
    let id = bob["id"].as_str().expect("an id");
    for account in [id, "bob@example.com", "bob"] {
        assert!(op.tw(&["admin", "show", account]).contains(id), "{account}");
    }
    for nobody in ["nobody", "example.com", "01990000-0000-7000-8000-000000000001"] {
        let (code, _, error) = op.run(&["admin", "show", nobody], "", "");
        assert_eq!((code, error.contains("tw admin users")), (4, true), "{error}");
    }

    let laptop = Device::new(&server);
    let (code, _, error) = laptop.run(&["login", ADA], OTHER_PASSWORD, "");
    assert_eq!(code, 0, "{error}");
    assert_eq!(
        laptop.run(&["admin", "users"], "", "").0,
        3,
        "she is no administrator"
    );
    let changes = [
        "--role",
        "admin",
        "--plan",
        "pro",
        "--name",
        "Ada King",
        "--email",
        "ada@example.org",
    ];
    let updated = op.tw(&[&["admin", "update", "ada"], &changes[..]].concat());
    assert!(
        updated.contains("ada@example.org  Ada King  admin  pro"),
        "{updated}"
    );
    assert_eq!(laptop.tw(&["admin", "users"]).lines().count(), 3);
    assert_eq!(
        op.run(&["admin", "update", "ada"], "", "").0,
        2,
        "nothing to change"
    );
    op.tw(&["admin", "sign-out", "ada"]);
    assert_eq!(laptop.run(&["ls"], "", "").0, 3);
    assert!(
        op.tw(&["admin", "update", "ada", "--inactive"])
            .contains("not active")
    );
    let login = ["login", "ada@example.org"];
    assert_eq!(laptop.run(&login, OTHER_PASSWORD, "").0, 3);
    op.tw(&["admin", "update", "ada", "--active"]);
    let (code, _, error) = laptop.run(&login, OTHER_PASSWORD, "");
    assert_eq!(code, 0, "{error}");
    let (code, _, error) = op.run(&["admin", "delete", "ada"], "", "");
    assert_eq!((code, error.contains("--yes")), (2, true), "{error}");
    op.tw(&["admin", "delete", "ada", "--yes"]);
    assert_eq!(op.run(&["admin", "show", "ada"], "", "").0, 4);
}

async fn an_administrator_manages_connections_on_the_command_line(engine: Engine) {
    let (server, op) = operator(engine, &[("instance", "the-only-one")]).await;
    let laptop = Device::new(&server);
    laptop.tw(&["signup", ADA, "--name", "Ada"]);
    assert!(op.tw(&["admin", "instances"]).starts_with("* the-only-one  "));

    let connections = async |count: usize| {
        let list = ["admin", "connections", "--user", ADA];
        eventually("connections", async || {
            let listed = op.tw(&list);
            (listed.lines().count() == count).then_some(listed)
        })
        .await
    };
    for by_session in [false, true] {
        let mut watching = laptop.begin(&["watch"], "");
        let listed = connections(1).await;
        assert!(listed.contains("  ada  the-only-one  tw/"), "{listed}");
        let session = listed.split_whitespace().next().expect("an id");
        if by_session {
            op.tw(&["admin", "kick", "--session", session]);
        } else {
            op.tw(&["admin", "kick", "ada"]);
        }
        assert_eq!(watching.wait().expect("its end").code(), Some(3));
        connections(0).await;
    }

    op.tw(&["admin", "unlock", ADA]);
    assert!(
        laptop
            .tw(&["audit", "--json"])
            .contains("An administrator let you sign in again")
    );
}

async fn a_team_talks_about_a_task_on_the_command_line(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (ada, bob) = (Device::new(&server), Device::new(&server));
    ada.tw(&["signup", ADA, "--name", "Ada"]);
    bob.tw(&["signup", "bob@example.com", "--name", "Bob"]);
    ada.tw(&["call", "workspace.create", r#"{"name":"Team"}"#]);
    let team = ada.tw(&["workspaces"]);
    let team = team.lines().find(|line| line.contains("Team")).expect("the team");
    let member = format!(
        r#"{{"workspace_id":"{}","username":"bob","role":"member"}}"#,
        whole(&ada, team)
    );
    ada.tw(&["call", "member.add", &member]);
    let added = ada.tw(&[
        "add",
        "Buy milk",
        "-w",
        "Team",
        "--assign",
        "bob",
        "--due",
        "2020-01-02",
    ]);
    let id = &added[..8];
    ada.tw(&["add", "Of Ada alone"]);
    ada.tw(&[
        "edit",
        id,
        "--title",
        "Buy oat milk",
        "--priority",
        "high",
        "--tag",
        "home",
    ]);

    assert!(
        bob.tw(&["comment", id, "Which", "one, @ada?"])
            .contains("Bob\n    Which one, @ada?")
    );
    let (code, out, error) = ada.run(
        &["comment", id, "-"],
        PASSWORD,
        "The cheap one\nif there is any\n",
    );
    assert_eq!((code, out.lines().count()), (0, 3), "{error}");
    let said = bob.tw(&["comment", id, "Done"]);
    let comment = &said[..8];
    bob.tw(&["comment", id, "--edit", comment, "Done, nearly"]);
    let listed = ada.tw(&["comments", id]);
    let bodies: Vec<&str> = listed
        .lines()
        .filter(|line| line.starts_with("    "))
        .map(str::trim)
        .collect();
    assert_eq!(
        bodies,
        [
            "Which one, @ada?",
            "The cheap one",
            "if there is any",
            "Done, nearly"
        ]
    );
    assert!(
        listed.contains("(edited)") && ada.tw(&["show", id]).ends_with(&listed),
        "{listed}"
    );
    let (code, _, error) = ada.run(&["comment", id, "--edit", comment, "No"], PASSWORD, "");
    assert_eq!(code, 3, "{error}");
    bob.tw(&["comment", id, "--delete", comment]);
    let (code, ..) = bob.run(&["comment", id, "--delete", comment], PASSWORD, "");
    assert_eq!(code, 4);

    for (words, expected) in [
        (vec!["ls", "--mine"], "Buy oat milk"),
        (vec!["ls", "--assignee", "me", "--overdue"], "Buy oat milk"),
        (vec!["ls", "--assignee", "bob", "-w", "Team"], "Buy oat milk"),
    ] {
        let listed = bob.tw(&words);
        assert!(
            listed.contains(expected) && listed.lines().count() == 1,
            "{words:?}: {listed}"
        );
    }
    let (code, out, error) = ada.run(&["ls", "--mine"], PASSWORD, "");
    let none = "no pending tasks; --status all lists the others too\n";
    assert_eq!((code, &*out, &*error), (0, "", none));
    assert!(
        ada.tw(&["notifications"])
            .contains("Bob mentioned you in a comment on “Buy oat milk”")
    );

    ada.tw(&[
        "edit",
        id,
        "--unassign",
        "bob",
        "--due",
        "none",
        "--description",
        "No sugar",
    ]);
    ada.tw(&["done", id]);
    let log = ada.tw(&["log", id]);
    let told: Vec<String> = log
        .lines()
        .map(|line| line.split("  ").skip(1).collect::<Vec<_>>().join(": "))
        .collect();
    let expected = [
        "Ada: created “Buy milk”",
        "Ada: priority: none → high; tags: +home; title: Buy milk → Buy oat milk",
        "Bob: commented: “Which one, @ada?”",
        "Ada: commented: “The cheap one …”",
        "Bob: commented: “Done”",
        "Bob: changed a comment: “Done, nearly”",
        "Bob: deleted a comment: “Done, nearly”",
        "Ada: assignees: −@bob; added a description; due: 2020-01-02 → none",
        "Ada: completed it",
    ];
    assert_eq!(told, expected);
    assert_eq!(ada.tw(&["log", id, "--limit", "1"]).lines().count(), 1);
    let frames: Value = serde_json::from_str(&ada.tw(&["history", id, "--json"])).expect("JSON");
    assert_eq!(frames.as_array().map(Vec::len), Some(9));
}

async fn projects_are_named_on_the_command_line(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let ada = Device::new(&server);
    ada.tw(&["signup", ADA, "--name", "Ada"]);
    assert_eq!(ada.tw(&["project", "ls"]), "");
    for name in ["House", "Summer fair"] {
        let made = ada.tw(&["project", "new", name, "--color", "#3b82f6"]);
        assert!(made.ends_with(&format!("  {name}  #3b82f6\n")), "{made}");
    }
    ada.tw(&[
        "project",
        "edit",
        "summer fair",
        "--before",
        "house",
        "--color",
        "",
        "--name",
        "Fair",
    ]);
    let listed = ada.tw(&["project", "ls"]);
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split("  ").nth(1))
        .collect();
    assert_eq!(names, ["Fair", "House"], "{listed}");
    ada.tw(&["add", "Paint the door", "--project", "house"]);
    // a name that is new makes a project, and says so
    let rent = [
        "add",
        "Pay rent",
        "--due",
        "friday",
        "--every",
        "month",
        "--project",
        "home",
        "-t",
        "bills",
    ];
    let (code, _, said) = ada.run(&rent, PASSWORD, "");
    assert_eq!((code, &*said), (0, "made the project “home”\n"));
    assert_eq!(ada.run(&rent, PASSWORD, "").2, "");
    assert_eq!(ada.tw(&["ls", "--project", "Home"]).lines().count(), 2);
    let (code, _, said) = ada.run(&["ls", "--project", "hme"], PASSWORD, "");
    assert_eq!(
        (code, said.contains("`tw project new` makes one")),
        (4, true),
        "{said}"
    );
    ada.tw(&["add", "Call Grace"]);
    let of_house = ada.tw(&["ls", "--project", "House"]);
    assert!(
        of_house.contains("Paint the door") && !of_house.contains("Grace"),
        "{of_house}"
    );
    let id = of_house.split_whitespace().next().expect("an id").to_owned();
    ada.tw(&["edit", &id, "--project", "fair"]);
    assert!(ada.tw(&["ls", "--project", "fair"]).contains("Paint the door"));
    assert!(
        ada.tw(&["project", "archive", "fair"])
            .ends_with("  Fair  archived\n")
    );
    ada.tw(&["project", "delete", "fair"]);
    let (code, _, said) = ada.run(&["ls", "--project", "fair"], PASSWORD, "");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("no project \"fair\""), "{said}");
    ada.tw(&["edit", &id, "--project", "none"]);
}

async fn tags_are_changed_on_the_command_line(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let ada = Device::new(&server);
    ada.tw(&["signup", ADA, "--name", "Ada"]);
    assert_eq!(ada.tw(&["tag", "ls"]), "");
    ada.tw(&["add", "Buy milk", "-t", "shop", "-t", "Errands"]);
    ada.tw(&["add", "Buy oats", "-t", "shopping"]);
    let names = |listed: &str| -> Vec<String> {
        let name = |line: &str| line.split("  ").nth(1).map(str::to_owned);
        listed.lines().filter_map(name).collect()
    };
    assert_eq!(names(&ada.tw(&["tag", "ls"])), ["Errands", "shop", "shopping"]);
    let colored = ada.tw(&["tag", "color", "errands", "#22C55E"]);
    assert!(colored.ends_with("  Errands  #22c55e\n"), "{colored}");
    // a rename makes no two tags one by accident
    let (code, _, said) = ada.run(&["tag", "rename", "shop", "Shopping"], PASSWORD, "");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("tw tag merge"), "{said}");
    let merged = ada.tw(&["tag", "merge", "shop", "shopping"]);
    assert!(merged.ends_with("  shopping\n"), "{merged}");
    let listed = ada.tw(&["ls", "--tag", "shopping"]);
    assert!(listed.contains("milk") && listed.contains("oats"), "{listed}");
    ada.tw(&["tag", "rename", "shopping", "Groceries"]);
    assert!(ada.tw(&["ls", "--tag", "groceries"]).contains("oats"));
    ada.tw(&["tag", "delete", "groceries"]);
    ada.tw(&["tag", "new", "later"]);
    assert_eq!(names(&ada.tw(&["tag", "ls"])), ["Errands", "later"]);
    let (code, _, said) = ada.run(&["tag", "delete", "groceries"], PASSWORD, "");
    assert_eq!(code, 4, "{said}");
}

/// The whole id of a workspace that a line shows.
fn whole(device: &Device, line: &str) -> String {
    let listed: Value = serde_json::from_str(&device.tw(&["workspaces", "--json"])).expect("JSON");
    let mut ids = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| text(&one["id"]).to_owned());
    ids.find(|id| id.ends_with(&line[..8])).expect("the workspace")
}
