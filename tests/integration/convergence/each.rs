//! Everything that clients can send, once, by somebody who may: random cases do each of it only by chance. What a mutation
//! names is made for it, as for the permission matrix, so a new row of the table takes part without further work.

use super::actor::{Actor, Company, Keys};
use super::{agreed, check};
use crate::permissions::stage::{Person, Stage};
use crate::support::Engine;
use serde_json::json;
use taskwire_protocol::operations::CATALOG;
use taskwire_protocol::{Access, Kind};

/// Who follows. The owner and the administrator of the server send; the stranger is invited.
const FOLLOWING: [Person; 5] = [
    Person::Owner,
    Person::Operator,
    Person::OtherTenant,
    Person::Admin,
    Person::Viewer,
];

pub async fn carry_out(engine: Engine) {
    let mut stage = Box::pin(Stage::set(engine)).await;
    let server = stage.server().clone();
    let company = Company {
        people: vec!["member".to_owned()],
        ..Company::default()
    };
    let people = FOLLOWING.map(|who| stage.tokens(who));
    let mut actors = Vec::new();
    for tokens in &people {
        actors.push(Actor::start(&server, tokens, &company, &Keys::default()).await);
    }
    send_all(&mut stage, &mut actors).await;
    let tally = agreed(&server, &people, &mut actors).await;
    check::complete(&tally);
}

async fn send_all(stage: &mut Stage, actors: &mut [Actor<'_>]) {
    let [owner, operator, stranger, ..] = actors else {
        panic!("too few clients")
    };
    for entry in CATALOG.iter().filter(|entry| entry.kind == Kind::Mutation) {
        match (entry.name, entry.access) {
            ("invite.accept", _) => {
                let link = json!({ "workspace_id": stage.workspace(), "role": "member" });
                let invite = owner.must("invite.create", link).await;
                stranger
                    .must("invite.accept", json!({ "token": invite["token"] }))
                    .await;
            }
            ("calendar.revoke", _) => {
                stage.give_the_owner_a_calendar().await;
                owner.must("calendar.revoke", json!({})).await;
            }
            (name, Access::ServerAdmin) => {
                let data = stage.parameters(name, Person::Operator).await;
                operator.must(name, data).await;
            }
            (name, _) => {
                let data = stage.parameters(name, Person::Owner).await;
                owner.must(name, data).await;
                if name == "profile.update" {
                    // notifications of one's own acts come unread again
                    owner.must(name, json!({ "preferences": null })).await;
                }
            }
        }
    }
    let (workspace, task) = (stage.workspace(), stage.a_task().await);
    owner.attach(&json!(task)).await;
    owner.import_into(&workspace, &task, 0).await;
}
