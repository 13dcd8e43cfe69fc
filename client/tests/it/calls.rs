//! Calls: their answers, their order, and what happens to them when the connection is lost.

use crate::support::*;
use serde_json::{Value, json};
use std::{collections::VecDeque, time::Duration};
use taskwire_client::{
    CallError, Client, Stopped,
    protocol::{
        ErrorCode, OpId,
        account::{GetProfile, LogIn},
        system::Ping,
        task::{CompleteTask, CreateTask, GetTask},
    },
};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

fn create(title: &str) -> Result<CreateTask, Failed> {
    Ok(serde_json::from_value(json!({ "title": title }))?)
}

#[tokio::test(start_paused = true)]
async fn an_answer_reaches_the_call_that_asked() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    let script = async {
        let (mut peer, _) = server.welcome(&first_welcome()).await?;
        let (one, two) = (peer.receive().await?, peer.receive().await?);
        assert_eq!(one["type"], "profile.get");
        assert!(one.get("op_id").is_none(), "a query has no op_id");
        peer.refuse(&two, "NOT_FOUND", false).await?;
        peer.answer(&one, &user()).await?;
        let ping = peer.receive().await?;
        peer.send(&json!({"type": "pong", "id": ping["id"]})).await?;
        Ok::<_, Failed>(peer)
    };
    let id = Uuid::from_u128(1).into();
    let work = async {
        let answers = tokio::join!(client.call(GetProfile {}), client.call(GetTask { id }));
        client.call(Ping {}).await?;
        Ok::<_, Failed>(answers)
    };
    let (peer, answers) = tokio::join!(script, soon("the answers", work));
    let (profile, task) = answers??;
    assert_eq!(&*profile?.name, "Ada");
    assert_eq!(
        task.err().and_then(|error| error.code()),
        Some(ErrorCode::NotFound)
    );
    drop(peer?);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn unanswered_mutations_are_sent_again_in_order_with_the_same_op_id() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    let script = async {
        let (mut peer, _) = server.welcome(&first_welcome()).await?;
        let mut before = Vec::new();
        for _ in 0..3 {
            before.push(peer.receive().await?);
        }
        // The first is answered. When the connection is lost, the others may or may not be done.
        peer.answer(&before[0], &task(1, 1, "one")).await?;
        drop(peer);
        let (mut peer, _) = server.welcome(&resumed_welcome()).await?;
        let again = [peer.receive().await?, peer.receive().await?];
        assert_eq!(again[..], before[1..]);
        for (n, request) in again.iter().enumerate() {
            let data = task(n as u128 + 2, 1, "again");
            peer.send(&json!({"type": "ok", "id": request["id"], "at": {}, "data": data, "replayed": true}))
                .await?;
        }
        Ok::<_, Failed>((peer, before))
    };
    let work = async {
        let calls =
            [create("one")?, create("two")?, create("three")?].map(|params| client.send(params, None));
        Ok::<_, Failed>(futures_util::future::join_all(calls).await)
    };
    let (script, replies) = tokio::join!(script, soon("the answers", work));
    let (_peer, requests) = script?;
    let replayed: Result<Vec<bool>, CallError> = replies??
        .into_iter()
        .map(|reply| reply.map(|reply| reply.replayed))
        .collect();
    assert_eq!(replayed?, [false, true, true]);
    let op_ids: std::collections::BTreeSet<String> = requests
        .iter()
        .map(|request| request["op_id"].to_string())
        .collect();
    assert_eq!(op_ids.len(), 3, "each intent has its own op_id");
    assert_eq!(client.stats().resent, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_made_while_there_is_no_connection_waits_for_one() -> Tested {
    let (wire, mut server) = network(65_536);
    server.set_down(true);
    let (client, mut events) = connect(&wire)?;
    let work = tokio::spawn({
        let client = client.clone();
        let op_id = OpId(Uuid::from_u128(5));
        let params = CompleteTask {
            id: Uuid::from_u128(1).into(),
            completed: None,
        };
        async move { client.call_with(op_id, params).await }
    });
    for _ in 0..3 {
        until(&mut events, "disconnected").await?;
    }
    server.set_down(false);
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    let request = peer.receive().await?;
    assert_eq!(request["op_id"], json!(Uuid::from_u128(5)));
    peer.answer(&request, &task(1, 2, "a")).await?;
    assert_eq!(soon("the answer", work).await???.data.version, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_than_the_server_allows() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    let mut welcome = first_welcome();
    welcome["limits"]["in_flight"] = json!(3);
    let calls = tokio::spawn({
        let client = client.clone();
        async move {
            let calls = (0..10).map(|_| client.call(GetProfile {}));
            futures_util::future::join_all(calls).await
        }
    });
    let (mut peer, _) = server.welcome(&welcome).await?;
    // One of the three requests is reserved for the client itself, for fresh tokens.
    let mut waiting = VecDeque::from([peer.receive().await?, peer.receive().await?]);
    let more = tokio::time::timeout(Duration::from_secs(5), peer.receive()).await;
    assert!(more.is_err(), "a third request arrived: {more:?}");
    for _ in 0..8 {
        let request = waiting.pop_front().ok_or("nothing waits")?;
        peer.answer(&request, &user()).await?;
        waiting.push_back(peer.receive().await?);
    }
    drop((peer, calls));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_request_larger_than_the_server_accepts_is_not_sent() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    let refused = soon("the refusal", client.call(create(&"a".repeat(70_000))?)).await?;
    assert!(matches!(refused, Err(CallError::TooLarge { limit: 65_536, .. })));
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call(GetProfile {}).await }
    });
    assert_eq!(peer.receive().await?["type"], "profile.get");
    drop((peer, call));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_may_have_happened_is_not_repeated() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    let params = LogIn {
        email: "ada@example.com".into(),
        password: "correct horse".into(),
        device_name: None,
        refresh_token: None,
    };
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call(params).await }
    });
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    peer.receive().await?;
    drop(peer);
    assert!(matches!(
        soon("the end", call).await??,
        Err(CallError::Interrupted)
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_raw_call_gets_an_op_id_unless_it_is_a_known_query() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    for (name, has_op_id) in [
        ("task.list", false),
        ("task.create", true),
        ("comment.create", true),
    ] {
        let call = client.call_raw(name, json!({"a": [1]}));
        let script = async {
            let request = peer.receive().await?;
            assert_eq!(request.get("op_id").is_some(), has_op_id, "{name}");
            assert_eq!(request["data"], json!({"a": [1]}));
            peer.answer(&request, &json!({"b": 2})).await
        };
        let (reply, scripted) = tokio::join!(soon("the answer", call), script);
        scripted?;
        assert_eq!(
            serde_json::from_str::<Value>(reply??.data.get())?,
            json!({"b": 2})
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn closing_sends_a_close_frame_and_ends_the_calls() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, mut events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call(GetProfile {}).await }
    });
    peer.receive().await?;
    let goodbye = async {
        match peer.message().await? {
            Message::Close(Some(frame)) => Ok(u16::from(frame.code)),
            other => Err(Failed::from(format!("unexpected message: {other:?}"))),
        }
    };
    let (goodbye, closed) = tokio::join!(goodbye, soon("the end", client.close()));
    closed?;
    assert_eq!(goodbye?, 1000);
    assert!(matches!(call.await?, Err(CallError::Stopped(Stopped::Closed))));
    until(&mut events, "stopped: the client was closed").await?;
    assert_eq!(next(&mut events).await?, "the end");
    assert!(matches!(
        client.call(GetProfile {}).await,
        Err(CallError::Stopped(Stopped::Closed))
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dropping_every_handle_closes_the_connection() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    drop(events);
    let call = tokio::spawn({
        let client: Client = client.clone();
        async move { client.call(GetProfile {}).await }
    });
    let request = peer.receive().await?;
    peer.answer(&request, &user()).await?;
    assert!(call.await?.is_ok(), "calls work without `Events`");
    drop(client);
    assert!(matches!(peer.message().await?, Message::Close(_)));
    Ok(())
}
