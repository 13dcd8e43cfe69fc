//! Tasks that repeat: completing one makes the next, once, by whatever operation.

use crate::on_both_databases;
use crate::support::{Engine, Follower, Server, new_id};
use serde_json::{Value, json};

on_both_databases!(
    completing_makes_the_next_one_whatever_completes_it,
    the_next_one_is_made_once_and_a_series_ends,
    the_time_of_day_stays_in_the_persons_zone,
    the_first_date_of_a_series_keeps_its_place_when_it_is_postponed,
    a_reopened_task_with_another_rule_begins_a_series,
    a_series_of_days_has_one_date_a_day,
    reminders_of_days_stay_at_their_time_of_the_day,
);

/// Acts, and returns the task that the server made on the way.
async fn next(ada: &mut Follower, name: &str, data: Value) -> Option<Value> {
    let done = ada.act(name, data).await;
    let made = done
        .events
        .iter()
        .filter(|event| event["event"] == "task.created");
    let made: Vec<&Value> = made.collect();
    assert!(made.len() < 2, "{made:?}");
    let event = made.first()?;
    assert_eq!(event["actor"], json!({ "kind": "server" }), "{event}");
    assert_eq!(event["op_id"], Value::Null, "{event}");
    Some(event["data"].clone())
}

async fn made(ada: &mut Follower, data: Value) -> Value {
    ada.act("task.create", data).await.data
}

async fn completing_makes_the_next_one_whatever_completes_it(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let parent = made(&mut ada, json!({ "title": "Home" })).await["id"].clone();
    let me = ada.client.user_id();
    let data = json!({ "title": "Pay rent", "description": "by bank", "priority": "high", "tags": ["bills"],
        "parent_id": parent, "assignee_ids": [me], "due_at": "2027-01-31T10:00:00.250Z",
        "remind_at": "2027-01-30T18:00:00Z", "recurrence": "FREQ=MONTHLY;BYMONTHDAY=-1" });
    let mut task = made(&mut ada, data).await;
    let dues = [
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
        "2027-05-31",
        "2027-06-30",
    ];
    for (i, due) in dues.into_iter().enumerate() {
        let id = task["id"].clone();
        let after = match i {
            0 => next(&mut ada, "task.complete", json!({ "id": id })).await,
            1 => next(&mut ada, "task.update", json!({ "id": id, "completed": true })).await,
            2 => next(&mut ada, "task.update", json!({ "id": id, "stage": "done" })).await,
            3 => next(&mut ada, "task.move", json!({ "id": id, "stage": "done" })).await,
            _ => {
                let data = json!({ "id": id, "title": "Pay rent", "description": "by bank", "completed": true,
                    "priority": "high", "due_at": task["due_at"], "tags": ["bills"] });
                next(&mut ada, "task.replace", data).await
            }
        };
        let after = after.unwrap_or_else(|| panic!("{i}: no next task"));
        assert_eq!(after["due_at"], json!(format!("{due}T10:00:00.250Z")));
        assert_eq!(after["completed"], false);
        for field in [
            "title",
            "description",
            "priority",
            "tags",
            "parent_id",
            "assignee_ids",
            "recurrence",
            "all_day",
        ] {
            assert_eq!(after[field], task[field], "{field}");
        }
        assert_eq!(after["version"], 1);
        assert_ne!(after["id"], task["id"]);
        task = after;
    }
    // a reminder moves by the same distance: 16 hours before
    assert_eq!(task["remind_at"], "2027-06-29T18:00:00.000Z");
    // in a batch that also makes it, by its own id
    let id = new_id();
    let data = json!({ "ops": [
        { "type": "task.create", "data": { "id": id, "title": "New", "due_at": "2028-02-29T00:00:00Z", "all_day": true,
            "recurrence": "FREQ=YEARLY" } },
        { "type": "task.complete", "data": { "id": id } },
    ]});
    let done = ada.act("batch", data).await;
    let dues: Vec<&Value> = done
        .events
        .iter()
        .filter(|event| event["event"] == "task.created")
        .map(|event| &event["data"]["due_at"])
        .collect();
    assert_eq!(dues, ["2028-02-29T00:00:00.000Z", "2032-02-29T00:00:00.000Z"]);
    // one without any date: from the day on which it is completed
    let plain = made(&mut ada, json!({ "title": "Water", "recurrence": "FREQ=DAILY" })).await["id"].clone();
    let after = next(&mut ada, "task.complete", json!({ "id": plain }))
        .await
        .expect("a task");
    assert_eq!(after["all_day"], true);
    assert_ne!(after["due_at"], Value::Null);
}

async fn the_next_one_is_made_once_and_a_series_ends(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let data = json!({ "title": "T", "due_at": "2027-01-29T10:00:00Z", "recurrence": "FREQ=WEEKLY;COUNT=3" });
    let first = made(&mut ada, data).await["id"].clone();
    let complete = |id: &Value, completed: bool| json!({ "id": id, "completed": completed });
    let second = next(&mut ada, "task.complete", complete(&first, true))
        .await
        .expect("the second one");
    for completed in [false, true] {
        assert_eq!(
            next(&mut ada, "task.complete", complete(&first, completed)).await,
            None
        );
    }
    for stage in ["todo", "done"] {
        let moved = json!({ "id": first, "stage": stage });
        assert_eq!(next(&mut ada, "task.move", moved).await, None, "{stage}");
    }
    // postponed past its date: the series goes on where it was
    let moved = json!({ "id": second["id"], "due_at": "2027-02-07T12:00:00Z" });
    ada.act("task.update", moved).await;
    let third = next(&mut ada, "task.complete", complete(&second["id"], true))
        .await
        .expect("the third one");
    assert_eq!(third["due_at"], "2027-02-12T10:00:00.000Z");
    assert_eq!(
        next(&mut ada, "task.complete", complete(&third["id"], true)).await,
        None
    );
    // a task that was deleted and one that no longer repeats make none
    let data = json!({ "title": "U", "due_at": "2027-01-29T10:00:00Z", "recurrence": "FREQ=WEEKLY" });
    let plain = made(&mut ada, data).await["id"].clone();
    let update = json!({ "id": plain, "recurrence": null, "completed": true });
    assert_eq!(next(&mut ada, "task.update", update).await, None);
    // one that begins to repeat as it is completed makes one
    let plain = made(
        &mut ada,
        json!({ "title": "V", "due_at": "2027-01-29T10:00:00Z" }),
    )
    .await["id"]
        .clone();
    let update = json!({ "id": plain, "recurrence": "FREQ=DAILY", "completed": true });
    let after = next(&mut ada, "task.update", update).await.expect("a task");
    assert_eq!(after["due_at"], "2027-01-30T10:00:00.000Z");
}

async fn the_time_of_day_stays_in_the_persons_zone(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    ada.act("profile.update", json!({ "timezone": "Europe/Berlin" }))
        .await;
    for (due, rule, expected) in [
        ("2027-03-27T08:00:00Z", "FREQ=DAILY", "2027-03-28T07:00:00.000Z"),
        (
            "2027-10-29T22:30:00Z",
            "FREQ=MONTHLY;BYDAY=-1SA",
            "2027-11-26T23:30:00.000Z",
        ),
    ] {
        let data = json!({ "title": "T", "due_at": due, "recurrence": rule });
        for (name, mut how) in [
            ("task.complete", json!({})),
            ("task.update", json!({ "completed": true })),
            ("task.move", json!({ "stage": "done" })),
        ] {
            how["id"] = made(&mut ada, data.clone()).await["id"].clone();
            let after = next(&mut ada, name, how).await.expect("a task");
            assert_eq!(after["due_at"], expected, "{rule} {name}");
        }
    }
}

async fn the_first_date_of_a_series_keeps_its_place_when_it_is_postponed(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let rent = json!({ "title": "Rent", "due_at": "2027-01-31T10:00:00Z", "recurrence": "FREQ=MONTHLY" });
    for (change, expected) in [
        // once and again: this task alone is later
        (
            vec![json!({ "due_at": "2027-02-01T10:00:00Z" })],
            "2027-03-31T10:00:00.000Z",
        ),
        (
            vec![
                json!({ "due_at": "2027-02-01T10:00:00Z" }),
                json!({ "due_at": "2027-04-02T10:00:00Z" }),
            ],
            "2027-05-31T10:00:00.000Z",
        ),
        (
            vec![json!({ "title": "Rent, please", "due_at": "2027-01-20T10:00:00Z" })],
            "2027-03-31T10:00:00.000Z",
        ),
        // another rule begins at the task's date, and so does a series that had none
        (
            vec![json!({ "due_at": "2027-02-05T10:00:00Z", "recurrence": "FREQ=MONTHLY;INTERVAL=2" })],
            "2027-04-05T10:00:00.000Z",
        ),
        (
            vec![
                json!({ "due_at": "2027-02-01T10:00:00Z" }),
                json!({ "recurrence": "FREQ=WEEKLY" }),
                json!({ "recurrence": "FREQ=MONTHLY" }),
            ],
            "2027-03-01T10:00:00.000Z",
        ),
        (
            vec![
                json!({ "due_at": null }),
                json!({ "due_at": "2027-02-05T10:00:00Z" }),
            ],
            "2027-03-05T10:00:00.000Z",
        ),
    ] {
        let id = made(&mut ada, rent.clone()).await["id"].clone();
        for mut change in change.clone() {
            change["id"] = id.clone();
            ada.act("task.update", change).await;
        }
        let after = next(&mut ada, "task.complete", json!({ "id": id })).await;
        assert_eq!(after.expect("a task")["due_at"], expected, "{change:?}");
    }
}

async fn a_reopened_task_with_another_rule_begins_a_series(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    let data = json!({ "title": "T", "due_at": "2027-01-29T10:00:00Z", "recurrence": "FREQ=WEEKLY" });
    let id = made(&mut ada, data).await["id"].clone();
    for (rule, expected) in [
        ("FREQ=WEEKLY", Some("2027-02-05T10:00:00.000Z")),
        ("FREQ=WEEKLY", None),
        ("FREQ=MONTHLY", Some("2027-03-29T10:00:00.000Z")),
        ("FREQ=MONTHLY", None),
    ] {
        ada.act(
            "task.update",
            json!({ "id": id, "recurrence": rule, "completed": false }),
        )
        .await;
        let after = next(&mut ada, "task.complete", json!({ "id": id, "completed": true })).await;
        assert_eq!(
            after.map(|task| task["due_at"].clone()),
            expected.map(|due| json!(due)),
            "{rule}"
        );
    }
}

async fn a_series_of_days_has_one_date_a_day(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    for (rule, expected) in [
        ("FREQ=HOURLY", "2027-03-02T00:00:00.000Z"),
        ("FREQ=SECONDLY", "2027-03-02T00:00:00.000Z"),
        ("FREQ=DAILY;BYHOUR=9", "2027-03-02T00:00:00.000Z"),
        ("FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=9,18", "2027-03-03T00:00:00.000Z"),
    ] {
        let data =
            json!({ "title": "T", "due_at": "2027-03-01T15:00:00Z", "all_day": true, "recurrence": rule });
        let task = made(&mut ada, data).await;
        assert_eq!(task["due_at"], "2027-03-01T00:00:00.000Z");
        let after = next(&mut ada, "task.complete", json!({ "id": task["id"] })).await;
        let after = after.unwrap_or_else(|| panic!("{rule}: no task"));
        assert_eq!(
            (&after["due_at"], &after["all_day"]),
            (&json!(expected), &json!(true)),
            "{rule}"
        );
    }
}

async fn reminders_of_days_stay_at_their_time_of_the_day(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Follower::sign_up(&server, "ada").await;
    ada.act("profile.update", json!({ "timezone": "Europe/Berlin" }))
        .await;
    // clocks are set forward on 28 March: nine o'clock is an hour earlier in UTC
    let data = json!({ "title": "T", "due_at": "2027-03-27T00:00:00Z", "all_day": true, "recurrence": "FREQ=DAILY",
        "remind_at": "2027-03-27T08:00:00Z" });
    let task = made(&mut ada, data).await;
    let after = next(&mut ada, "task.complete", json!({ "id": task["id"] })).await;
    let after = after.expect("a task");
    assert_eq!(after["due_at"], "2027-03-28T00:00:00.000Z");
    assert_eq!(after["remind_at"], "2027-03-28T07:00:00.000Z");
}
