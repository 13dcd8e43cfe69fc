//! Permissions: every operation of the table, tried by every kind of caller. The expected answer follows from the row's
//! access and from what the operation's example names; the example gives the parameters. So a new row needs no change
//! here. `routes` has the same for every route of HTTP.

mod routes;
pub mod stage;

use crate::on_both_databases;
use crate::support::follower::text;
use crate::support::{Engine, Server, Team};
use serde_json::{Value, json};
use stage::Person::{self, Anonymous, InTheTeam, Operator, Reading, ReadingTheTeam, Viewer, Writing};
use stage::{EVERYBODY, Stage};
use taskwire_protocol::examples::Examples;
use taskwire_protocol::operations::{CATALOG, OperationEntry};
use taskwire_protocol::{Access, Kind};

on_both_databases!(
    every_operation_is_carried_out_for_the_permitted_callers_and_refused_to_all_others,
    a_changed_role_applies_at_once
);

/// Placeholders of an example for what belongs to the caller or to no user. Everything else belongs to the team.
const NOT_THE_TEAMS: [&str; 9] = [
    "access_token",
    "api_token",
    "email",
    "new_email",
    "new_id",
    "newcomer",
    "notification",
    "password",
    "session",
];

/// What a user may do to their own data, and an API token too. Whatever else concerns the account is refused to tokens.
const FOR_PROGRAMS: [&str; 7] = [
    "profile.get",
    "user.get",
    "workspace.list",
    "stream.subscribe",
    "stream.unsubscribe",
    "stream.history",
    "batch",
];
/// The same, for tokens that are not limited to workspaces.
const FOR_UNLIMITED_PROGRAMS: [&str; 9] = [
    "user.sync",
    "workspace.create",
    "notification.list",
    "notification.get",
    "notification.unread_count",
    "notification.mark",
    "notification.mark_all_read",
    "notification.delete",
    "notification.delete_many",
];

/// Whether an API token is refused, whatever the user may do.
fn is_forbidden(entry: &OperationEntry, who: Person) -> bool {
    let is_own = entry.access == Access::User;
    let for_all = !is_own || FOR_PROGRAMS.contains(&entry.name);
    let for_unlimited = matches!(who, Reading | Writing) && FOR_UNLIMITED_PROGRAMS.contains(&entry.name);
    let reads = entry.kind == Kind::Query || (is_own && entry.name.starts_with("stream."));
    !(for_all || for_unlimited) || (matches!(who, Reading | ReadingTheTeam) && !reads)
}

/// Mutations that cannot be part of a batch.
const ALONE: [&str; 3] = ["batch", "admin.user.create", "admin.user.unlock"];

/// What takes a workspace away from somebody is tried in a workspace of its own.
const IN_A_SPARE_WORKSPACE: [&str; 3] = ["workspace.delete", "workspace.leave", "workspace.transfer"];

/// The code of the expected refusal; `None` when the operation must be carried out.
fn expected(examples: &Examples, entry: &OperationEntry, who: Person) -> Option<&'static str> {
    let names_the_team = || {
        let example = examples.of(entry.name).expect("an operation of the table");
        example
            .places()
            .iter()
            .any(|place| !NOT_THE_TEAMS.contains(place))
    };
    let outside = who.role().is_none();
    match (entry.name, entry.access, who) {
        ("auth", _, Anonymous) | (_, Access::Anyone, Anonymous) => None,
        (_, _, Anonymous) => Some("AUTH_REQUIRED"),
        (_, Access::ServerAdmin, who) => (who != Operator).then_some("FORBIDDEN"),
        // a socket authenticates once
        ("auth", ..) => Some("CONFLICT"),
        (_, access, who) if who.is_program() && access != Access::Anyone && is_forbidden(entry, who) => {
            Some("FORBIDDEN")
        }
        // an API token that is limited to the team does not see the spare workspace
        (name, _, InTheTeam) if IN_A_SPARE_WORKSPACE.contains(&name) => Some("NOT_FOUND"),
        // unsubscribing from a stream that is not followed succeeds
        ("stream.unsubscribe", ..) => None,
        (_, Access::User, _) if outside && names_the_team() => Some("NOT_FOUND"),
        // its example changes a task
        ("batch", _, Viewer) => Some("FORBIDDEN"),
        (_, access, who) => match (access.role(), who.role()) {
            (None, _) => None,
            (Some(_), None) => Some("NOT_FOUND"),
            (Some(least), Some(role)) => (role < least).then_some("FORBIDDEN"),
        },
    }
}

fn code(answer: &Value) -> Option<String> {
    (answer["type"] == "error").then(|| text(&answer["error"]["code"]))
}

async fn every_operation_is_carried_out_for_the_permitted_callers_and_refused_to_all_others(engine: Engine) {
    let mut stage = Box::pin(Stage::set(engine)).await;
    let examples = Examples::new();
    let mut wrong = Vec::new();
    for entry in CATALOG {
        stage.hear().await;
        for who in EVERYBODY {
            let wanted = expected(&examples, entry, who);
            let came = code(&stage.tries(entry.name, who).await);
            if came.as_deref() != wanted {
                wrong.push(format!("{} by {who:?}: {came:?}, not {wanted:?}", entry.name));
            }
            let is_alone = ALONE.contains(&entry.name);
            if entry.kind == Kind::Mutation && !is_alone && who != Anonymous {
                let came = code(&stage.tries_in_batch(entry.name, who).await);
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

async fn a_changed_role_applies_at_once(engine: Engine) {
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
