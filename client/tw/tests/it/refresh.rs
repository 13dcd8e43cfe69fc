//! The refresh of tokens: once for all commands, never dropped halfway, and saved where possible.

use crate::{script::*, support::*};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn commands_that_refresh_at_once_do_not_log_each_other_out() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[])),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = signed_in_at(&fake.url, 0)?;
    let commands = (0..5).map(|_| {
        let mut command = tw(home.path(), &fake.url, &["ls"]);
        async move { outcome(command.output().await?) }
    });
    let ends = soon("the commands", futures_util::future::join_all(commands)).await?;
    for end in ends {
        let (code, _, error) = end?;
        assert_eq!(code, 0, "{error}");
    }
    assert_eq!(
        *fake.refresh_token.lock().map_err(|_| "poisoned")?,
        2,
        "one refresh for all commands"
    );
    assert_eq!(*fake.refused_refreshes.lock().map_err(|_| "poisoned")?, 0);
    Ok(())
}

#[tokio::test]
async fn a_finished_command_waits_for_its_refresh() -> Tested {
    let (listener, url) = listen().await?;
    let home = signed_in_at(&url, i64::MAX)?;
    let child = tw(home.path(), &url, &["ls"]).spawn()?;
    let mut peer = accept(&listener).await?;
    peer.welcome(&first_welcome()).await?;
    peer.send(&json!({"type": "signal", "signal": "session.expiring", "data": {}}))
        .await?;
    let mut refresh = after_knock(&listener).await?;
    let listing = peer.receive().await?;
    peer.answer(&listing, &page(&[])).await?;
    // `tw` has its answer and closes the connection, while the server still works on the refresh.
    while !matches!(peer.message().await, Ok(Message::Close(_)) | Err(_)) {}
    drop(peer);
    let mut request = [0; 4096];
    assert!(soon("the request", refresh.read(&mut request)).await?? > 0);
    refresh.write_all(over_http(200, &pair(2)).as_bytes()).await?;
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(
        (code, error.as_str()),
        (
            0,
            "no pending tasks in your personal workspace; --status all lists the others too, -w all those everywhere\n"
        )
    );
    assert_eq!(kept(home.path())?["refresh_token"], "r2");
    Ok(())
}

#[tokio::test]
async fn a_session_that_cannot_be_saved_is_still_used() -> Tested {
    let (listener, url) = listen().await?;
    let home = signed_in_at(&url, 0)?;
    let child = tw(home.path(), &url, &["ls"]).spawn()?;
    let mut refresh = after_knock(&listener).await?;
    let mut request = [0; 4096];
    assert!(soon("the request", refresh.read(&mut request)).await?? > 0);
    let files = std::fs::read_dir(home.path().join("taskwire"))?.count();
    assert_eq!(
        files, 3,
        "the lock, the session, and the file for the next session"
    );
    // A file cannot replace a folder.
    let path = home.path().join("taskwire/session.json");
    std::fs::remove_file(&path)?;
    std::fs::create_dir_all(path.join("full"))?;
    refresh.write_all(over_http(200, &pair(2)).as_bytes()).await?;
    let mut peer = accept(&listener).await?;
    assert_eq!(peer.welcome(&first_welcome()).await?["token"], "a2");
    let listing = peer.receive().await?;
    peer.answer(&listing, &page(&[])).await?;
    drop(peer);
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!(code, 0, "{error}");
    assert!(error.contains("tw login"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_session_is_not_refreshed_when_the_new_one_cannot_be_saved() -> Tested {
    let fake = Fake::start(|_, _| Err("UNKNOWN_TYPE")).await?;
    let home = signed_in_at(&fake.url, 0)?;
    std::fs::create_dir(home.path().join("taskwire/session.lock"))?;
    let (code, _, error) = outcome(tw(home.path(), &fake.url, &["ls"]).output().await?)?;
    assert_eq!((code, error.contains("reached")), (1, false), "{error}");
    assert_eq!(*fake.refresh_token.lock().map_err(|_| "poisoned")?, 1);
    Ok(())
}
