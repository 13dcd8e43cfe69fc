//! Events: their order, gaps, and a program that takes them slowly.

use crate::support::*;
use serde_json::json;
use std::time::Duration;
use taskwire_client::{
    Client,
    protocol::{stream::Subscribe, stream::Unsubscribe, workspace::SyncWorkspace},
};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test(start_paused = true)]
async fn events_arrive_in_order_and_a_duplicate_is_dropped() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, mut events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    for seq in [11, 12, 12, 11, 13] {
        peer.send(&happened(seq)).await?;
    }
    peer.send(&json!({"type": "signal", "signal": "typing", "data": {}}))
        .await?;
    let mut seen = Vec::new();
    while seen.last().is_none_or(|item| item != "signal typing") {
        seen.push(next(&mut events).await?);
    }
    assert_eq!(
        seen,
        [
            "connected",
            "resync me New",
            "resync home New",
            "home 11",
            "home 12",
            "home 13",
            "signal typing"
        ]
    );
    assert_eq!(client.stats().duplicates, 2);
    assert_eq!(events.positions().positions.get(&home().to_string()), Some(&13));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gap_ends_the_connection() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, mut events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    peer.send(&happened(11)).await?;
    peer.send(&happened(13)).await?;
    let (mut peer, auth) = server.welcome(&resumed_welcome()).await?;
    assert_eq!(auth["resume"]["positions"][home().to_string()], 11);
    peer.send(&happened(12)).await?;
    peer.send(&happened(13)).await?;
    let mut seen = Vec::new();
    while seen.last().is_none_or(|item| item != "home 13") {
        seen.push(next(&mut events).await?);
    }
    let gap = format!(
        "disconnected: {}: event 13 arrived after 11, so events are missing",
        home()
    );
    assert_eq!(seen[3..], ["home 11", &gap, "connected", "home 12", "home 13"]);
    assert_eq!(client.stats().gaps, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_be_resumed_is_reported() -> Tested {
    let (wire, mut server) = network(65_536);
    let (_client, mut events) = connect(&wire)?;
    drop(server.welcome(&first_welcome()).await?);
    let expired = welcome(&[(me(), 3, None), (home(), 50, Some("expired"))]);
    let (mut peer, _) = server.welcome(&expired).await?;
    peer.send(&happened(51)).await?;
    until(&mut events, "disconnected").await?;
    assert_eq!(next(&mut events).await?, "connected");
    assert_eq!(next(&mut events).await?, "resync home Expired");
    assert_eq!(next(&mut events).await?, "home 51");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn in_another_epoch_the_new_positions_replace_the_old_ones() -> Tested {
    let (wire, mut server) = network(65_536);
    let (_client, mut events) = connect(&wire)?;
    drop(server.welcome(&first_welcome()).await?);
    let mut other = welcome(&[(me(), 1, Some("epoch")), (home(), 2, Some("epoch"))]);
    other["epoch"] = json!("e2");
    let (mut peer, auth) = server.welcome(&other).await?;
    assert_eq!(auth["resume"]["epoch"], "e");
    peer.send(&happened(3)).await?;
    until(&mut events, "resync home Epoch").await?;
    assert_eq!(next(&mut events).await?, "home 3");
    let resume = events.positions();
    assert_eq!(
        (resume.epoch.as_str(), resume.positions[&home().to_string()]),
        ("e2", 3)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_continue_from_the_positions_of_an_earlier_process() -> Tested {
    let (wire, mut server) = network(65_536);
    let resume = serde_json::from_value(json!({"epoch": "e", "positions": {home().to_string(): 17}}))?;
    let (_client, _events) = Client::connect(config(&wire).resuming(resume))?;
    let (_peer, auth) = server.welcome(&resumed_welcome()).await?;
    assert_eq!(auth["resume"]["positions"], json!({home().to_string(): 17}));
    assert_eq!(auth["streams"], "all");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_program_that_takes_no_items_stops_the_server_and_loses_none() -> Tested {
    const EVENTS: u64 = 2000;
    let (wire, mut server) = network(4096);
    let mut config = config(&wire);
    config.event_buffer = 4;
    let (client, mut events) = Client::connect(config)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    let mut sent = 10;
    while timeout(Duration::from_secs(3), peer.send(&happened(sent + 1)))
        .await
        .is_ok()
    {
        sent += 1;
        assert!(
            sent < 10 + EVENTS,
            "the client read everything, although nobody took the items"
        );
    }
    // While it is held up for minutes, the client sends pongs. Its own check for silence does not end the connection.
    for _ in 0..20 {
        assert!(matches!(peer.message().await?, Message::Pong(_)));
    }
    let script = async {
        // The message that did not fit is in the socket's buffer already.
        for seq in sent + 2..=10 + EVENTS {
            peer.send(&happened(seq)).await?;
        }
        Ok::<_, Failed>(peer)
    };
    let take = async {
        until(&mut events, "resync home").await?;
        for seq in 11..=10 + EVENTS {
            assert_eq!(next(&mut events).await?, format!("home {seq}"));
        }
        Ok::<_, Failed>(())
    };
    let (script, taken) = tokio::join!(script, take);
    taken?;
    drop(script?);
    assert_eq!(client.stats().connections, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_between_events_is_not_a_gap() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, mut events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    let params = SyncWorkspace {
        workspace_id: serde_json::from_value(json!(home().uuid()))?,
        cursor: None,
        open_only: None,
    };
    let script = async {
        let request = peer.receive().await?;
        let page = json!({"seq": 40, "workspace": null, "tasks": []});
        peer.answer(&request, &page).await?;
        peer.send(&happened(41)).await
    };
    let (page, script) = tokio::join!(soon("the page", client.call(params)), script);
    script?;
    assert_eq!(page??.seq, 40);
    until(&mut events, "home 41").await?;
    assert_eq!(client.stats().gaps, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_joined_by_a_call_is_asked_for_again_after_a_reconnect() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, mut events) = Client::connect(config(&wire).following([me()]))?;
    let (mut peer, auth) = server.welcome(&welcome(&[(me(), 3, Some("new"))])).await?;
    assert_eq!(auth["streams"], json!([me()]));
    let script = async {
        let request = peer.receive().await?;
        peer.answer(&request, &json!({"seq": 30, "resumed": true}))
            .await?;
        peer.send(&happened(29)).await?;
        let request = peer.receive().await?;
        peer.answer(&request, &json!({})).await?;
        Ok::<_, Failed>(peer)
    };
    let work = async {
        client
            .call(Subscribe {
                stream: home(),
                since: Some(28),
            })
            .await?;
        client.call(Unsubscribe { stream: me() }).await?;
        Ok::<_, Failed>(())
    };
    let (script, done) = tokio::join!(script, soon("the answers", work));
    done??;
    until(&mut events, "home 29").await?;
    drop(script?);
    let (_peer, auth) = server.welcome(&welcome(&[(home(), 30, None)])).await?;
    assert_eq!(auth["streams"], json!([home()]));
    assert_eq!(auth["resume"]["positions"], json!({home().to_string(): 29}));
    Ok(())
}
