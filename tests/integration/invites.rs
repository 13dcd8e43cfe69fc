//! Invitations: by address and by link, to people with and without an account; how each ends.

use crate::on_both_databases;
use crate::support::follower::{names, once, pluck, text};
use crate::support::{
    Client, Engine, Follower, PASSWORD, Server, Team, audit, eventually, http, mails, new_id, secrets,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use taskwire_protocol::Timestamp;

on_both_databases!(
    a_person_with_an_account_sees_the_invitation_and_joins,
    a_person_without_an_account_joins_after_verifying_the_address,
    the_answer_does_not_tell_who_has_an_account,
    a_link_is_shown_once_and_used_as_often_as_it_says,
    invitations_end_with_what_allowed_them,
    an_invitation_that_expired_is_hidden_at_once,
    invitations_have_bounds,
    an_invitation_waits_for_somebody_who_is_active_again
);

const INVITED: &str = "You were invited to a workspace";

async fn verify(server: &Server, name: &str) {
    let email = format!("{name}@example.com");
    let code = mails::nth(server, 1, &email, "Verify your e-mail address")
        .await
        .code();
    let body = json!({ "email": email, "code": code });
    assert_eq!(
        http::post(server, "/v1/auth/verify-email", &body).await.status(),
        200
    );
}

/// A new account with a verified address.
async fn verified(server: &Server, name: &str) -> Client {
    let client = Client::sign_up(server, name).await;
    verify(server, name).await;
    client.another(server).await
}

/// The token of the n-th mail with an invitation.
async fn mailed(server: &Server, n: usize, email: &str) -> String {
    let mail = mails::nth(server, n, email, INVITED).await;
    let token = mail
        .text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tw join "));
    let token = token
        .unwrap_or_else(|| panic!("no token: {}", mail.text))
        .to_owned();
    secrets::note_text(&token);
    token
}

async fn invites(client: &mut Client) -> Vec<Value> {
    let own = client.ok("user.sync", json!({})).await;
    own["invites"].as_array().expect("invites").clone()
}

async fn is_void(client: &mut Client, data: Value) {
    let field = if data["id"].is_null() { "token" } else { "id" };
    let error = client.refused("invite.accept", data).await;
    assert_eq!(
        json!([error["code"], error["field"]]),
        json!(["NOT_FOUND", field]),
        "{error}"
    );
}

async fn a_person_with_an_account_sees_the_invitation_and_joins(engine: Engine) {
    let server = Server::start(engine, &[("public_url", "https://tasks.example.com")]).await;
    let mut team = Team::gather(&server).await;
    let mut bob = Follower::new(verified(&server, "bob").await);
    let mut admin = Follower::new(team.admin.another(&server).await);
    let data = json!({ "workspace_id": team.workspace, "role": "member", "email": " BOB@example.com " });
    let made = admin.act("invite.create", data.clone()).await;
    let id = made.data["id"].clone();
    assert_eq!(made.names(), ["invite.created"]);
    assert_eq!(
        made.events[0]["data"],
        json!({ "id": id }),
        "the log shows no address"
    );
    assert_eq!(
        json!([made.data["uses"], made.data["max_uses"], made.data["token"]]),
        json!([0, 1, null])
    );
    let told = bob.own_events().await;
    assert_eq!(names(&told), ["invite.received", "notification.created"]);
    let received = &told[0]["data"];
    assert_eq!(
        json!([
            received["id"],
            received["workspace"],
            received["role"],
            received["invited_by"]["username"]
        ]),
        json!([id, { "id": team.workspace, "name": "Team" }, "member", "admin"])
    );
    assert_eq!(
        json!([told[1]["data"]["type"], told[1]["data"]["message"]]),
        json!(["INVITE", "admin invited you to “Team”"])
    );
    assert_eq!(json!(invites(&mut bob.client).await), json!([received]));
    let mail = mails::nth(&server, 1, "BOB@example.com", INVITED).await;
    let link = mail.link("https://tasks.example.com/");
    assert!(link.starts_with("https://tasks.example.com/join#"), "{link}");
    secrets::note_text(link.rsplit_once('#').expect("a token").1);
    let page = http::request(&server, reqwest::Method::GET, "/join").send().await;
    assert_eq!(page.expect("a page").status(), 200);

    // another one of the same address takes its place
    let again = admin.act("invite.create", data).await;
    assert_eq!(again.names(), ["invite.revoked", "invite.created"]);
    let told = bob.own_events().await;
    assert_eq!(
        names(&told),
        ["invite.revoked", "invite.received", "notification.created"]
    );
    let id = again.data["id"].clone();
    is_void(&mut bob.client, json!({ "id": made.data["id"] })).await;
    is_void(&mut team.viewer.another(&server).await, json!({ "token": "x" })).await;
    let listed = admin
        .client
        .ok("invite.list", json!({ "workspace_id": team.workspace }))
        .await;
    assert_eq!(
        json!([listed["items"], listed["total"]]),
        json!([[again.data], 1])
    );

    let op_id = new_id().to_string();
    let answer = bob.act_once(&op_id, "invite.accept", json!({ "id": id })).await;
    assert_eq!(
        json!([answer["data"]["id"], answer["data"]["role"]]),
        json!([team.workspace, "member"]),
        "{answer}"
    );
    let joined = admin.client.event("member.added").await;
    assert_eq!(
        json!([
            joined["data"]["invite_id"],
            joined["data"]["user"]["username"],
            joined["actor"]["name"]
        ]),
        json!([id, "bob", "bob"])
    );
    let own = format!("user:{}", bob.client.user_id());
    let told = bob
        .catch_up(&own, answer["at"][&own].as_u64().expect("a seq"))
        .await;
    assert_eq!(
        names(&told),
        ["access.granted", "notification.created", "invite.revoked"]
    );
    assert_eq!(invites(&mut bob.client).await, [Value::Null; 0]);
    let told = team
        .admin
        .take("who accepted", |frame| {
            frame["data"]["message"] == "bob accepted your invitation to “Team”"
        })
        .await;
    assert_eq!(told["data"]["type"], "MEMBER_ADDED");
    let repeated = bob.act_once(&op_id, "invite.accept", json!({ "id": id })).await;
    assert_eq!(
        json!([repeated["data"], repeated["replayed"]]),
        json!([answer["data"], true])
    );
    let mut viewer = verified(&server, "carl").await;
    is_void(&mut viewer, json!({ "id": id })).await;
    for client in [&team.owner, &bob.client, &viewer] {
        audit::agree(&server, &client.tokens).await;
    }
}

async fn a_person_without_an_account_joins_after_verifying_the_address(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let invite = |name: &str| json!({ "workspace_id": team.workspace, "role": "viewer", "email": format!("{name}@example.com") });
    let first = team.owner.ok("invite.create", invite("grace")).await;
    let second = team.owner.ok("invite.create", invite("henry")).await;
    let token = mailed(&server, 1, "henry@example.com").await;

    let mut grace = Client::sign_up(&server, "grace").await;
    assert_eq!(
        invites(&mut grace).await,
        [Value::Null; 0],
        "anybody may sign up with an address"
    );
    is_void(&mut grace, json!({ "id": first["id"] })).await;
    verify(&server, "grace").await;
    let received = grace.event("invite.received").await;
    assert_eq!(
        json!([received["data"]["id"], received["actor"]["kind"]]),
        json!([first["id"], "server"])
    );
    assert_eq!(invites(&mut grace).await, [received["data"].clone()]);
    audit::agree(&server, &grace.tokens).await;
    is_void(&mut grace, json!({ "id": second["id"] })).await;
    grace.ok("invite.accept", json!({ "id": first["id"] })).await;
    grace
        .ok("workspace.get", json!({ "workspace_id": team.workspace }))
        .await;

    // whoever reads the mail may use another account of theirs
    let mut henry = Client::sign_up(&server, "henry.work").await;
    let joined = henry.ok("invite.accept", json!({ "token": token })).await;
    assert_eq!(joined["role"], "viewer");
    let mut carl = Client::sign_up(&server, "carl").await;
    is_void(&mut carl, json!({ "token": token })).await;

    // an account that has another address now loses those of the former one
    let third = team.owner.ok("invite.create", invite("ida")).await;
    let mut ida = verified(&server, "ida").await;
    eventually("the invitation", async || {
        (invites(&mut ida).await.len() == 1).then_some(())
    })
    .await;
    let other = json!({ "new_email": "ida@example.org", "password": crate::support::PASSWORD });
    ida.ok("profile.change_email", other).await;
    let code = mails::nth(&server, 1, "ida@example.org", "Verify your new e-mail address")
        .await
        .code();
    let body = json!({ "email": "ida@example.org", "code": code });
    assert_eq!(
        http::post(&server, "/v1/auth/verify-email", &body).await.status(),
        200
    );
    let gone = ida.event("invite.revoked").await;
    assert_eq!(gone["data"], json!({ "id": third["id"] }));
    is_void(&mut ida, json!({ "id": third["id"] })).await;
    for client in [&team.owner, &grace, &ida] {
        audit::agree(&server, &client.tokens).await;
    }
}

async fn the_answer_does_not_tell_who_has_an_account(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    verified(&server, "known").await;
    Client::sign_up(&server, "unverified").await;
    let mut shapes = Vec::new();
    for name in ["known", "unverified", "nobody"] {
        let email = format!("{name}@example.com");
        let data = json!({ "workspace_id": team.workspace, "role": "member", "email": email });
        let mut answer = once(&mut team.admin, &new_id().to_string(), "invite.create", data).await;
        let streams: Vec<String> = answer["at"]
            .as_object()
            .expect("positions")
            .keys()
            .cloned()
            .collect();
        for field in ["id", "email", "created_at", "expires_at"] {
            assert!(answer["data"][field].take().is_string(), "{field}");
        }
        let (stream, seq) = (team.stream(), answer["at"][team.stream()].clone());
        let told = team
            .admin
            .take("its event", |frame| {
                frame["stream"] == *stream && frame["seq"] == seq
            })
            .await;
        shapes.push((answer["data"].clone(), streams, told["event"].clone()));
    }
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:?}");
    // what the log of the workspace tells its members has no address
    let log = team
        .viewer
        .ok(
            "stream.history",
            json!({ "stream": team.stream(), "after": 0, "limit": 500 }),
        )
        .await;
    assert!(!log.to_string().contains("@example.com"), "{log}");
    let list = team
        .viewer
        .refused("invite.list", json!({ "workspace_id": team.workspace }));
    assert_eq!(list.await["code"], "FORBIDDEN");
}

async fn a_link_is_shown_once_and_used_as_often_as_it_says(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let op_id = new_id().to_string();
    let data = json!({ "workspace_id": team.workspace, "role": "member", "max_uses": 1 });
    let answer = once(&mut team.owner, &op_id, "invite.create", data.clone()).await;
    let again = once(&mut team.owner, &op_id, "invite.create", data).await;
    assert_eq!(
        json!([again["data"], again["replayed"]]),
        json!([answer["data"], true])
    );
    let token = text(&answer["data"]["token"]);
    for (table, rows) in server.database.contents().await {
        assert!(!rows.contains(&token), "{table} has the token");
    }
    let listed = team
        .owner
        .ok("invite.list", json!({ "workspace_id": team.workspace }))
        .await;
    assert_eq!(pluck(&listed, "token"), [Value::Null]);

    let mut people = Vec::new();
    for name in ["ann", "ben", "cem"] {
        people.push(Client::sign_up(&server, name).await);
    }
    let accepting = people
        .iter_mut()
        .map(|client| client.call("invite.accept", json!({ "token": token })));
    let answers = join_all(accepting).await;
    let joined = answers.iter().filter(|answer| answer["type"] == "ok").count();
    assert_eq!(joined, 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer["type"] != "ok") {
        assert_eq!(answer["error"]["code"], "NOT_FOUND", "{answer}");
    }
    let data = json!({ "workspace_id": team.workspace, "role": "viewer" });
    let link = team.owner.ok("invite.create", data.clone()).await;
    for client in &mut people {
        // who is a member already uses up nothing
        client
            .ok("invite.accept", json!({ "token": link["token"] }))
            .await;
    }
    let listed = team
        .owner
        .ok("invite.list", json!({ "workspace_id": team.workspace }))
        .await;
    assert_eq!(pluck(&listed, "uses"), [json!(2)]);
    team.admin.ok("invite.revoke", json!({ "id": link["id"] })).await;
    let mut late = Client::sign_up(&server, "late").await;
    is_void(&mut late, json!({ "token": link["token"] })).await;
    let refused = team
        .admin
        .refused("invite.revoke", json!({ "id": link["id"] }))
        .await;
    assert_eq!(refused["code"], "NOT_FOUND");
    let both = json!({ "token": link["token"], "id": link["id"] });
    for wrong in [json!({}), both] {
        assert_eq!(
            late.refused("invite.accept", wrong).await["code"],
            "VALIDATION_ERROR"
        );
    }
    let batch = json!({ "ops": [{ "type": "invite.create", "data": data }] });
    let refused = team.owner.refused("batch", batch).await;
    assert_eq!(
        json!([refused["code"], refused["field"]]),
        json!(["VALIDATION_ERROR", "ops[0].data.email"])
    );
    audit::agree(&server, &team.owner.tokens).await;
}

async fn invitations_end_with_what_allowed_them(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let mut bob = verified(&server, "bob").await;
    let mut late = Client::sign_up(&server, "late").await;
    let (admin, workspace) = (team.admin.user_id(), team.workspace.clone());
    let invite = |role: &str| json!({ "workspace_id": workspace, "role": role, "email": "bob@example.com" });
    let link = |role: &str| json!({ "workspace_id": workspace, "role": role });
    let role = |role: &str| json!({ "workspace_id": workspace, "user_id": admin, "role": role });

    // the member who invited is no admin any more
    let sent = team.admin.ok("invite.create", invite("admin")).await;
    let shared = team.admin.ok("invite.create", link("viewer")).await;
    bob.event("invite.received").await;
    team.owner.ok("member.update", role("member")).await;
    assert_eq!(
        bob.event("invite.revoked").await["data"],
        json!({ "id": sent["id"] })
    );
    is_void(&mut bob, json!({ "id": sent["id"] })).await;
    is_void(&mut late, json!({ "token": shared["token"] })).await;
    team.owner.ok("member.update", role("admin")).await;

    // or has left
    let shared = team.admin.ok("invite.create", link("viewer")).await;
    team.admin
        .ok("workspace.leave", json!({ "workspace_id": workspace }))
        .await;
    is_void(&mut late, json!({ "token": shared["token"] })).await;

    // the invited person was added by hand
    let sent = team.owner.ok("invite.create", invite("viewer")).await;
    let add = json!({ "workspace_id": workspace, "username": "bob", "role": "viewer" });
    team.owner.ok("member.add", add).await;
    let gone =
        bob.event("access.granted").await["seq"].as_u64() < bob.event("invite.revoked").await["seq"].as_u64();
    assert!(gone && invites(&mut bob).await.is_empty());
    let remove = json!({ "workspace_id": workspace, "user_id": bob.user_id() });
    team.owner.ok("member.remove", remove).await;
    is_void(&mut bob, json!({ "id": sent["id"] })).await;

    // its time is over
    let sent = team.owner.ok("invite.create", invite("viewer")).await;
    let shared = team.owner.ok("invite.create", link("viewer")).await;
    server.database.execute("update invites set expires_at = 1").await;
    is_void(&mut bob, json!({ "id": sent["id"] })).await;
    is_void(&mut late, json!({ "token": shared["token"] })).await;
    bob.forget_events();
    server
        .database
        .execute("update jobs set due_at = 0 where kind = 'retention'")
        .await;
    team.owner
        .ok("profile.update", json!({ "name": "Owner the First" }))
        .await;
    let gone = bob.event("invite.revoked").await;
    assert_eq!(
        json!([gone["data"]["id"], gone["actor"]["kind"]]),
        json!([sent["id"], "server"])
    );

    // the workspace is deleted
    let sent = team.owner.ok("invite.create", invite("viewer")).await;
    let shared = team.owner.ok("invite.create", link("viewer")).await;
    bob.forget_events();
    team.owner
        .ok("workspace.delete", json!({ "workspace_id": workspace }))
        .await;
    is_void(&mut late, json!({ "token": shared["token"] })).await;
    assert_eq!(
        bob.event("invite.revoked").await["data"],
        json!({ "id": sent["id"] })
    );
    none_left(&server).await;

    // the invited account is deleted
    let made = team
        .owner
        .ok("workspace.create", json!({ "name": "Other" }))
        .await;
    let data = json!({ "workspace_id": made["id"], "role": "viewer", "email": "bob@example.com" });
    team.owner.ok("invite.create", data).await;
    audit::agree(&server, &bob.tokens).await;
    let password = json!({ "password": crate::support::PASSWORD });
    bob.call("profile.delete", password).await;
    none_left(&server).await;
    audit::agree(&server, &team.owner.tokens).await;
}

/// No job has ended it yet, so the log of the person whom it names still has it.
async fn an_invitation_that_expired_is_hidden_at_once(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let mut bob = verified(&server, "bob").await;
    let other = team
        .owner
        .ok("workspace.create", json!({ "name": "Other" }))
        .await;
    let invite = |workspace: &Value, name: &str| json!({ "workspace_id": workspace, "role": "viewer", "email": format!("{name}@example.com") });
    let (workspace, other) = (json!(team.workspace), other["id"].clone());
    let link = json!({ "workspace_id": workspace, "role": "viewer" });
    let to_bob = team.owner.ok("invite.create", invite(&workspace, "bob")).await;
    let to_ines = team.owner.ok("invite.create", invite(&workspace, "ines")).await;
    let shared = team.owner.ok("invite.create", link.clone()).await;
    server.database.execute("update invites set expires_at = 1").await;
    let fresh = team.owner.ok("invite.create", link).await;
    let listed = team
        .owner
        .ok("invite.list", json!({ "workspace_id": workspace }))
        .await;
    assert_eq!(
        json!([pluck(&listed, "id"), listed["total"]]),
        json!([[fresh["id"]], 1])
    );
    is_void(&mut bob, json!({ "id": to_bob["id"] })).await;
    is_void(&mut bob, json!({ "token": shared["token"] })).await;
    assert_eq!(invites(&mut bob).await.len(), 1, "until `invite.revoked`");
    // who verifies an address later hears of what can be accepted
    let good = team.owner.ok("invite.create", invite(&other, "ines")).await;
    let mut ines = Client::sign_up(&server, "ines").await;
    verify(&server, "ines").await;
    let received = ines.event("invite.received").await;
    assert_eq!(
        json!([received["data"]["id"], invites(&mut ines).await.len()]),
        json!([good["id"], 1])
    );
    is_void(&mut ines, json!({ "id": to_ines["id"] })).await;
}

/// Waits until no invitation is stored.
async fn none_left(server: &Server) {
    eventually("no invitation", async || {
        let left = server
            .database
            .texts("select cast(count(*) as text) from invites")
            .await;
        (left == ["0"]).then_some(())
    })
    .await;
}

async fn invitations_have_bounds(engine: Engine) {
    let settings = [
        ("rate_limit_enabled", "true"),
        ("strangers_per_hour", "6"),
        ("invites_per_workspace", "7"),
        ("plan_free_members", "2"),
        ("workspaces_per_user", "2"),
    ];
    let server = Server::start(engine, &settings).await;
    let mut owner = Client::sign_up(&server, "owner").await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let workspace = owner.ok("workspace.create", json!({ "name": "W" })).await["id"].clone();
    let invite = |email: &str| json!({ "workspace_id": workspace, "role": "member", "email": email });
    for n in 0..6 {
        owner
            .ok("invite.create", invite(&format!("p{n}@example.com")))
            .await;
    }
    let refused = owner.refused("invite.create", invite("p6@example.com")).await;
    assert_eq!(refused["code"], "RATE_LIMITED", "too many strangers");
    // an address that counts already gets a few mails
    for _ in 0..2 {
        owner.ok("invite.create", invite("P0@example.com")).await;
    }
    let refused = owner.refused("invite.create", invite("p0@example.com")).await;
    assert_eq!(refused["code"], "RATE_LIMITED", "too many mails");
    let link = json!({ "workspace_id": workspace, "role": "member" });
    let first = owner.ok("invite.create", link.clone()).await;
    let moment = |field: &str| -> Timestamp {
        serde_json::from_value(first[field].clone()).unwrap_or_else(|fault| panic!("{field}: {fault}"))
    };
    assert_eq!(
        moment("expires_at").0 - moment("created_at").0,
        7 * 86_400_000,
        "seven days, in ms"
    );
    let refused = owner.refused("invite.create", link.clone()).await;
    assert_eq!(
        json!([refused["code"], refused["context"]["limit"]]),
        json!(["PLAN_LIMIT", 7])
    );
    let mut both = invite("p1@example.com");
    both["max_uses"] = json!(2);
    let refused = owner.refused("invite.create", both).await;
    assert_eq!(
        json!([refused["code"], refused["field"]]),
        json!(["VALIDATION_ERROR", "max_uses"])
    );
    let wrong = owner.refused("invite.create", invite("not an address")).await;
    assert_eq!(
        json!([wrong["code"], wrong["field"]]),
        json!(["VALIDATION_ERROR", "email"])
    );
    let home = json!({ "workspace_id": owner.personal(), "role": "viewer" });
    assert_eq!(owner.refused("invite.create", home).await["code"], "CONFLICT");

    // whoever accepts is in as many workspaces as a person may be
    let full = bob.ok("workspace.create", json!({ "name": "Bob's" })).await["id"].clone();
    let token = json!({ "token": first["token"] });
    assert_eq!(
        bob.refused("invite.accept", token.clone()).await["code"],
        "PLAN_LIMIT"
    );
    bob.ok("workspace.delete", json!({ "workspace_id": full })).await;
    bob.ok("invite.accept", token.clone()).await;
    let mut carl = Client::sign_up(&server, "carl").await;
    let refused = carl.refused("invite.accept", token).await;
    assert_eq!(refused["code"], "PLAN_LIMIT", "the workspace is full");
    // nobody invites above their own role
    let admin = json!({ "workspace_id": workspace, "user_id": bob.user_id(), "role": "admin" });
    owner.ok("member.update", admin).await;
    let above = json!({ "workspace_id": workspace, "role": "owner" });
    assert_eq!(bob.refused("invite.create", above).await["code"], "FORBIDDEN");
}

async fn an_invitation_waits_for_somebody_who_is_active_again(engine: Engine) {
    let root = [("admin_email", "root@example.com"), ("admin_password", PASSWORD)];
    let server = Server::start(engine, &root).await;
    let mut root = Client::log_in(&server, "root").await;
    let bob = verified(&server, "bob").await.user_id();
    let set_active = |is_active: bool| json!({ "id": bob, "is_active": is_active });
    root.ok("admin.user.update", set_active(false)).await;
    let club = root.ok("workspace.create", json!({ "name": "Club" })).await;
    let invite = json!({ "workspace_id": club["id"], "role": "member", "email": "bob@example.com" });
    root.ok("invite.create", invite).await;
    root.ok("admin.user.update", set_active(true)).await;
    let mut bob = Client::log_in(&server, "bob").await;
    eventually("the invitation", async || {
        (invites(&mut bob).await.len() == 1).then_some(())
    })
    .await;
}
