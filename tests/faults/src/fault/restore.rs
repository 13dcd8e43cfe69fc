//! The last fault of a run: an older backup is restored while clients have seen later events. The new epoch must tell
//! them, and they must reach the head of the restored log.

use crate::Failed;
use crate::load::accounts::Caller;
use crate::stage::Stage;
use crate::truth::Truth;
use futures_util::future::join_all;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::sync::atomic::Ordering::Relaxed;
use uuid::Uuid;

/// How many tasks are created after the backup, and again after the restore.
const LOST: usize = 100;

/// Copies the database, writes more, and restores the copy.
pub(crate) async fn restore(stage: &Stage) -> Result<(), Failed> {
    let world = &stage.shared.world;
    // nobody gets a token that the backup does not know: the restored server would end the session
    let accounts = &stage.accounts;
    let users = accounts
        .users
        .iter()
        .chain(&accounts.guests)
        .chain(&accounts.newcomers);
    join_all(users.map(|user| user.session.fresh())).await;
    let still = stage.shared.tokens.write().await;
    let backup = world.folder.join("backup");
    world.postgres.lock().await.dump(&backup).await?;
    write(stage, "lost").await?;
    stage.at_head_in_time("before a backup is restored").await?;
    stage.truth.lock().await.read_on(&stage.shared).await?;
    for instance in &world.instances {
        instance.want(false).await;
    }
    world.postgres.lock().await.restore(&backup).await?;
    new_epoch(&world.database).await?;
    world.restores.fetch_add(1, Relaxed);
    for instance in &world.instances {
        instance.want(true).await;
    }
    if !stage.all_ready().await {
        return Err("an instance did not start on the restored database".into());
    }
    drop(still);
    // clients reconnect with positions that the database does not have
    stage.at_head_in_time("after a backup was restored").await?;
    write(stage, "after").await?;
    stage
        .at_head_in_time("after a backup was restored and written to")
        .await
}

/// The log of the era after a restore.
pub(crate) async fn truth_after(stage: &Stage) -> Result<Truth, Failed> {
    let mut truth = Truth::of_a_cut_log();
    truth.read_on(&stage.shared).await?;
    Ok(truth)
}

/// What `taskwire admin new-epoch` does.
async fn new_epoch(database: &str) -> Result<(), Failed> {
    let mut link = PgConnection::connect(database).await?;
    sqlx::query("update meta set value = $1 where key = 'epoch'")
        .bind(Uuid::new_v4().to_string())
        .execute(&mut link)
        .await?;
    Ok(())
}

async fn write(stage: &Stage, word: &str) -> Result<(), Failed> {
    for (number, workspace) in stage.accounts.workspaces.iter().cycle().take(LOST).enumerate() {
        let owner = &stage.accounts.users[workspace.members[0]];
        let instances = &stage.shared.world.instances;
        let address = instances[number % instances.len()].address();
        let mut caller = Caller::of(&stage.shared, owner, &address).await?;
        let title = format!("{word} {number}");
        caller
            .call(
                "task.create",
                &json!({"workspace_id": workspace.id, "title": title}),
            )
            .await?;
    }
    Ok(())
}
