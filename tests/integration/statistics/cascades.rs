//! One change that changes many tasks: each is counted as it is afterwards.

use super::ground::{Dice, Ground};
use super::{compare, tasks};
use crate::on_both_databases;
use crate::support::{Engine, Node};
use serde_json::{Value, json};

on_both_databases!(
    what_changes_a_task_and_its_subtasks_is_counted_for_each_of_them,
    a_change_of_stages_and_of_tags_is_counted_for_all_tasks,
    imports_are_counted
);

/// The number of a status.
async fn number(ground: &Ground<'_>, field: &str) -> Value {
    let data = json!({ "workspace_id": ground.workspace });
    ground.node.ok("stats.get", &data).await[field].clone()
}

async fn what_changes_a_task_and_its_subtasks_is_counted_for_each_of_them(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    let (mut ground, dice) = (Ground::make(&node).await, &mut Dice(5));
    let top = ground.add(dice, None).await;
    for _ in 0..3 {
        let middle = ground.add(dice, Some(&top)).await;
        ground.add(dice, Some(&middle)).await;
    }
    let workspace = ground.workspace.clone();
    compare(&node, &workspace, "subtasks").await;
    for (name, data, field, expected) in [
        ("task.delete", json!({ "id": top }), "deleted", 7),
        ("task.restore", json!({ "id": top }), "pending", 7),
        (
            "task.move",
            json!({ "id": top, "project_id": ground.projects[1] }),
            "pending",
            7,
        ),
        (
            "task.complete",
            json!({ "id": top, "completed": true }),
            "completed",
            1,
        ),
    ] {
        node.ok(name, &data).await;
        compare(&node, &workspace, name).await;
        assert_eq!(number(&ground, field).await, expected, "{name}");
    }
    node.ok("project.delete", &json!({ "id": ground.projects[1] }))
        .await;
    compare(&node, &workspace, "a deleted project").await;
    node.ok("task.delete", &json!({ "id": top })).await;
    node.ok("task.delete", &json!({ "id": top, "permanent": true }))
        .await;
    compare(&node, &workspace, "a purge").await;
    assert_eq!(number(&ground, "deleted").await, 6);
}

async fn a_change_of_stages_and_of_tags_is_counted_for_all_tasks(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    let (mut ground, dice) = (Ground::make(&node).await, &mut Dice(9));
    let workspace = ground.workspace.clone();
    for _ in 0..12 {
        ground.add(dice, None).await;
    }
    for id in ground.tasks.iter().take(5) {
        node.ok("task.move", &json!({ "id": id, "stage": "doing" })).await;
    }
    // the stage goes; comes again; becomes one of kind `done`; another takes the place of the first
    for (which, completed) in [(1, 0), (0, 0), (2, 5), (3, 0)] {
        if which == 2 {
            for id in ground.tasks.iter().take(5) {
                node.ok("task.move", &json!({ "id": id, "stage": "doing" })).await;
            }
        }
        ground.stages(which).await;
        compare(&node, &workspace, &format!("stages {which}")).await;
        assert_eq!(number(&ground, "completed").await, completed, "stages {which}");
    }
    let tags = ground.tags().await;
    assert_eq!(tags.len(), 4, "{tags:?}");
    for (name, data) in [
        ("tag.update", json!({ "id": tags[0], "name": "renamed" })),
        // the two become one
        ("tag.update", json!({ "id": tags[1], "name": "renamed" })),
        ("tag.delete", json!({ "id": tags[2] })),
    ] {
        node.ok(name, &data).await;
        compare(&node, &workspace, name).await;
    }
    let left = ground.tags().await;
    assert_eq!(left.len(), 2, "{left:?}");
}

async fn imports_are_counted(engine: Engine) {
    let node = Node::start(engine, &[]).await;
    let (mut ground, dice) = (Ground::make(&node).await, &mut Dice(3));
    let workspace = ground.workspace.clone();
    ground.add(dice, None).await;
    // an event for each row, and one for all of them
    for rows in [60, 1200] {
        compare(&node, &workspace, "before an import").await;
        let made = ground.import(ground.table(dice, rows)).await;
        assert_eq!(made["made"]["tasks"], rows, "{made}");
        compare(&node, &workspace, &format!("an import of {rows} rows")).await;
    }
    assert_eq!(tasks(&node, &workspace).await.len(), 1261);
}
