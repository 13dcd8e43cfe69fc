//! Reconnecting: after every close code, after silence, with patience and without.

use crate::support::*;
use serde_json::json;
use std::time::Duration;
use taskwire_client::{
    Client, Item, Stopped,
    protocol::{CloseCode, close::Then},
};
use tokio::time::Instant;

/// How long the client waited before it reconnected after a close with this code.
async fn wait_after(code: u16, goodbye_ms: Option<u64>) -> Result<Result<Duration, String>, Failed> {
    let (wire, mut server) = network(65_536);
    let (_client, mut events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    if let Some(delay) = goodbye_ms {
        peer.send(
            &json!({"type": "signal", "signal": "server.goodbye", "data": {"reconnect_after_ms": delay}}),
        )
        .await?;
    }
    peer.close(code).await?;
    loop {
        match soon("an item", events.next()).await?.ok_or("the end")? {
            Item::Disconnected { retry_in, .. } => {
                let began = Instant::now();
                let (_peer, auth) = server.welcome(&resumed_welcome()).await?;
                assert!(began.elapsed() <= retry_in + Duration::from_millis(10));
                let fresh = CloseCode::from_code(code).map(CloseCode::then) == Some(Then::Token);
                assert_eq!(auth["token"], if fresh { "t2" } else { "t1" }, "after {code}");
                return Ok(Ok(retry_in));
            }
            Item::Stopped(why) => {
                let kind = match why {
                    Stopped::Protocol { .. } => "protocol",
                    Stopped::Revoked(_) => "revoked",
                    _ => "else",
                };
                return Ok(Err(kind.to_owned()));
            }
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_close_code_has_its_consequence() -> Tested {
    for code in CloseCode::ALL {
        let after = wait_after(code.code(), None).await?;
        match code.then() {
            Then::Stop => assert_eq!(after, Err("protocol".to_owned()), "{code:?}"),
            Then::AskThePerson => assert_eq!(after, Err("revoked".to_owned()), "{code:?}"),
            Then::TenSeconds => assert_eq!(after, Ok(Duration::from_secs(10)), "{code:?}"),
            _ => assert!(
                after.clone()? <= Duration::from_millis(500),
                "{code:?}: {after:?}"
            ),
        }
    }
    assert!(
        wait_after(4999, None).await?.is_ok(),
        "an unknown code is a lost connection"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn server_goodbye_sets_the_delay() -> Tested {
    assert_eq!(
        wait_after(1012, Some(7300)).await?,
        Ok(Duration::from_millis(7300))
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn silence_ends_the_connection_and_pings_keep_it() -> Tested {
    let (wire, mut server) = network(65_536);
    let (_client, mut events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(25)).await;
        peer.ping().await?;
        peer.message().await?; // the pong
    }
    let began = Instant::now();
    until(&mut events, "disconnected: the server has stopped responding").await?;
    assert_eq!(
        began.elapsed().as_secs(),
        35,
        "the heartbeat interval and ten seconds"
    );
    server.welcome(&resumed_welcome()).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waits_grow_while_the_server_is_away_and_start_small_after_a_good_connection() -> Tested {
    let (wire, mut server) = network(65_536);
    server.set_down(true);
    let (_client, mut events) = connect(&wire)?;
    let mut longest = Duration::from_millis(500);
    for _ in 0..8 {
        let item = soon("an item", events.next()).await?;
        let Some(Item::Disconnected { retry_in, .. }) = item else {
            return Err(format!("unexpected item: {item:?}").into());
        };
        assert!(retry_in <= longest, "{retry_in:?} is longer than {longest:?}");
        longest = (longest * 2).min(Duration::from_secs(20));
    }
    server.set_down(false);
    let (peer, _) = server.welcome(&first_welcome()).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    drop(peer);
    loop {
        if let Some(Item::Disconnected { retry_in, .. }) = soon("an item", events.next()).await? {
            assert!(retry_in <= Duration::from_millis(500));
            return Ok(());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_client_stops_when_no_welcome_arrives_within_its_patience() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, mut events) = Client::connect(config(&wire).patient_for(Duration::from_mins(1)))?;
    let began = Instant::now();
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(peer) = server.accept().await {
            held.push(peer);
        }
    });
    until(&mut events, "disconnected: no answer within 10 s").await?;
    until(&mut events, "stopped: the server cannot be reached").await?;
    assert!(began.elapsed() <= Duration::from_secs(70));
    assert!(matches!(client.ready().await, Err(Stopped::Unreachable(_))));
    silent.abort();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_frame_ends_the_connection() -> Tested {
    let (wire, mut server) = network(65_536);
    let (_client, mut events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    peer.send(&json!({"type": "event", "stream": "nonsense"})).await?;
    until(&mut events, "disconnected: the server sent an unreadable frame").await?;
    server.welcome(&resumed_welcome()).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_the_welcome_no_longer_lists_is_not_resumed_again() -> Tested {
    let (wire, mut server) = network(65_536);
    let (_client, _events) = connect(&wire)?;
    drop(server.welcome(&first_welcome()).await?);
    let (peer, auth) = server.welcome(&welcome(&[(me(), 3, None)])).await?;
    assert_eq!(
        auth["resume"]["positions"],
        json!({home().to_string(): 10, me().to_string(): 3})
    );
    drop(peer);
    let (_peer, auth) = server.welcome(&welcome(&[(me(), 3, None)])).await?;
    assert_eq!(auth["resume"]["positions"], json!({me().to_string(): 3}));
    Ok(())
}
