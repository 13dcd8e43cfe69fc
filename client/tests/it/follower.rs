//! The follower keeps its replica up to date: pages and events in every order in which they can arrive.

use crate::support::*;
use serde_json::json;
use taskwire_client::{Change, Client, Follower};

/// A server, and a follower of everything on it.
fn followed() -> Result<(Server, Follower), Failed> {
    let (wire, server) = network(65_536);
    let (client, events) = connect(&wire)?;
    Ok((server, Follower::new(client, events)))
}

async fn change(follower: &mut Follower) -> Result<String, Failed> {
    let change = soon("a change", follower.next()).await?.ok_or("the end")?;
    Ok(match change {
        Change::Event(frame) => format!("event {}", frame.seq),
        Change::Synced(stream) if stream == me() => "synced me".to_owned(),
        Change::Synced(_) => "synced home".to_owned(),
        Change::Connected(_) => "connected".to_owned(),
        Change::Disconnected { .. } => "disconnected".to_owned(),
        other => format!("{other:?}"),
    })
}

/// The changes up to this one.
async fn changes_until(follower: &mut Follower, last: &str) -> Result<Vec<String>, Failed> {
    let mut seen = Vec::new();
    while seen.last().is_none_or(|change| change != last) {
        seen.push(change(follower).await?);
    }
    Ok(seen)
}

fn titles(follower: &Follower) -> Vec<String> {
    let home = follower.replica().workspace(HOME);
    let tasks = home.iter().flat_map(|home| home.tasks().values());
    tasks.map(|task| task.title.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_and_events_give_the_state_in_any_order() -> Tested {
    let (mut server, mut follower) = followed()?;
    let script = async {
        let (mut peer, _) = server.welcome(&first_welcome()).await?;
        let request = peer.receive().await?;
        assert_eq!(request["type"], "user.sync");
        peer.answer(&request, &user_snapshot(3)).await?;
        let request = peer.receive().await?;
        assert_eq!(request["data"], json!({"workspace_id": HOME}));
        // The answer and the event after it arrive together.
        peer.answer(
            &request,
            &workspace_page(12, Some("c"), true, &[task(1, 1, "one")]),
        )
        .await?;
        peer.send(&event(home(), 13, "task.updated", &task(2, 5, "two, newer")))
            .await?;
        peer.send(&event(
            home(),
            14,
            "task.purged",
            &json!({"id": task(3, 1, "")["id"], "version": 2}),
        ))
        .await?;
        let request = peer.receive().await?;
        assert_eq!(request["data"], json!({"workspace_id": HOME, "cursor": "c"}));
        // The server read this page before the events above; it arrives after them.
        let tasks = [task(2, 4, "two"), task(3, 1, "purged"), task(4, 9, "four, newer")];
        peer.answer(&request, &workspace_page(12, None, false, &tasks))
            .await?;
        peer.send(&event(home(), 15, "task.updated", &task(4, 8, "four")))
            .await?;
        Ok::<_, Failed>(peer)
    };
    let (script, seen) = tokio::join!(script, changes_until(&mut follower, "event 15"));
    let _peer = script?;
    assert_eq!(
        seen?,
        [
            "connected",
            "synced me",
            "event 13",
            "event 14",
            "synced home",
            "event 15"
        ]
    );
    assert_eq!(titles(&follower), ["one", "two, newer", "four, newer"]);
    assert_eq!(follower.replica().unread(), 2);
    assert!(follower.is_synced());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_replica_syncs_despite_a_busy_server_and_an_expired_position() -> Tested {
    let (mut server, mut follower) = followed()?;
    let script = async {
        let (mut peer, _) = server.welcome(&first_welcome()).await?;
        let request = peer.receive().await?;
        peer.refuse(&request, "UNAVAILABLE", true).await?;
        let request = peer.receive().await?;
        peer.answer(&request, &user_snapshot(3)).await?;
        let request = peer.receive().await?;
        peer.answer(
            &request,
            &workspace_page(12, Some("c"), true, &[task(1, 1, "old")]),
        )
        .await?;
        peer.receive().await?;
        drop(peer);
        // The pages so far are useless, because the events after them are no longer in the log.
        let expired = welcome(&[(me(), 3, None), (home(), 70, Some("expired"))]);
        let (mut peer, _) = server.welcome(&expired).await?;
        loop {
            let request = peer.receive().await?;
            let tasks = [task(2, 1, "new")];
            if request["data"].get("cursor").is_some() {
                peer.refuse(&request, "VALIDATION_ERROR", false).await?; // sent again, no longer needed
            } else {
                peer.answer(&request, &workspace_page(70, None, true, &tasks))
                    .await?;
                peer.send(&event(home(), 71, "task.created", &task(3, 1, "newest")))
                    .await?;
                return Ok::<_, Failed>(peer);
            }
        }
    };
    let work = async {
        while titles(&follower) != ["new", "newest"] {
            change(&mut follower).await?;
        }
        Ok::<_, Failed>(())
    };
    let (script, done) = tokio::join!(script, work);
    done?;
    drop(script?);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_workspace_is_added_and_removed_with_access() -> Tested {
    let (mut server, mut follower) = followed()?;
    let script = async {
        let (mut peer, _) = server.welcome(&welcome(&[(me(), 3, Some("new"))])).await?;
        let request = peer.receive().await?;
        let mut snapshot = user_snapshot(3);
        snapshot["workspaces"] = json!([]);
        peer.answer(&request, &snapshot).await?;
        let granted = json!({"workspace": workspace(), "role": "member", "seq": 5});
        peer.send(&event(me(), 4, "access.granted", &granted)).await?;
        peer.send(&happened(6)).await?;
        let request = peer.receive().await?;
        peer.answer(&request, &workspace_page(6, None, true, &[task(6, 1, "a")]))
            .await?;
        peer.send(&happened(7)).await?;
        peer.send(&event(
            me(),
            5,
            "access.lost",
            &json!({"workspace_id": HOME, "reason": "removed"}),
        ))
        .await?;
        Ok::<_, Failed>(peer)
    };
    let (script, seen) = tokio::join!(script, changes_until(&mut follower, "event 5"));
    let _peer = script?;
    assert_eq!(
        seen?,
        [
            "connected",
            "synced me",
            "event 4",
            "synced home",
            "event 7",
            "event 5"
        ]
    );
    assert!(follower.replica().workspace(HOME).is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_was_granted_while_the_user_was_synced_is_synced_too() -> Tested {
    let (mut server, mut follower) = followed()?;
    let script = async {
        let (mut peer, _) = server.welcome(&welcome(&[(me(), 3, Some("new"))])).await?;
        let request = peer.receive().await?;
        let granted = json!({"workspace": workspace(), "role": "member", "seq": 5});
        peer.send(&event(me(), 4, "access.granted", &granted)).await?;
        peer.answer(&request, &user_snapshot(4)).await?;
        let request = peer.receive().await?;
        assert_eq!(request["data"], json!({"workspace_id": HOME}));
        peer.answer(&request, &workspace_page(6, None, true, &[task(6, 1, "a")]))
            .await?;
        Ok::<_, Failed>(peer)
    };
    let work = async {
        let mut seen = Vec::new();
        while !follower.is_synced() {
            seen.push(change(&mut follower).await?);
        }
        Ok::<_, Failed>(seen)
    };
    let (script, seen) = tokio::join!(script, work);
    let _peer = script?;
    assert_eq!(seen?, ["connected", "synced me", "synced home"]);
    assert_eq!(titles(&follower), ["a"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_workspace_beyond_the_limit_is_not_synced() -> Tested {
    let (mut server, mut follower) = followed()?;
    let script = async {
        let streams = welcome(&[(me(), 3, Some("new")), (home(), 0, Some("limit"))]);
        let (mut peer, _) = server.welcome(&streams).await?;
        let request = peer.receive().await?;
        peer.answer(&request, &user_snapshot(3)).await?;
        Ok::<_, Failed>(peer)
    };
    let (script, done) = tokio::join!(script, changes_until(&mut follower, "synced me"));
    done?;
    let _peer = script?;
    assert!(follower.is_synced());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_workspace_is_synced_without_the_user() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, events) = Client::connect(config(&wire).following([home()]))?;
    let mut follower = Follower::new(client, events);
    let script = async {
        let (mut peer, _) = server.welcome(&welcome(&[(home(), 6, Some("new"))])).await?;
        let request = peer.receive().await?;
        peer.answer(&request, &workspace_page(6, None, true, &[task(6, 1, "a")]))
            .await?;
        Ok::<_, Failed>(peer)
    };
    let work = async {
        let mut seen = Vec::new();
        while seen.last().is_none_or(|(change, _)| change != "synced home") {
            let change = change(&mut follower).await?;
            seen.push((change, follower.is_synced()));
        }
        Ok::<_, Failed>(seen)
    };
    let (script, seen) = tokio::join!(script, work);
    let _peer = script?;
    let expected = [("connected".to_owned(), false), ("synced home".to_owned(), true)];
    assert_eq!(seen?, expected);
    Ok(())
}
