//! Pings, silence, goodbye: how a socket stays open and how it ends.

use super::*;

#[tokio::test]
async fn pings_of_a_peer_that_never_reads_are_not_kept() {
    let node = Node::start(&[("rate_limit_enabled", "false"), ("auth_timeout_seconds", "300")]).await;
    let mut tcp = node.raw().await;
    let flood = frame(0x89, &[b'x'; 125]).repeat(1000);
    // more than both kernels' buffers and the node's queue hold: at some point nothing more is accepted
    let stuck = async {
        for _ in 0..1000 {
            tcp.write_all(&flood).await.expect("accepted");
        }
    };
    assert!(
        timeout(Duration::from_secs(3), stuck).await.is_err(),
        "131 MB of pings were accepted"
    );
}

#[tokio::test]
async fn pings_are_answered_in_order() {
    let node = Node::start(&[]).await;
    let mut tcp = node.raw().await;
    tcp.write_all(&[frame(0x89, b"one"), frame(0x88, &1000_u16.to_be_bytes())].concat())
        .await
        .expect("sent");
    let mut bytes = Vec::new();
    timeout(PATIENCE, tcp.read_to_end(&mut bytes))
        .await
        .expect("closed")
        .expect("read");
    assert_eq!(
        bytes,
        [&[0x8a, 3][..], b"one", &[0x88, 2], &1000_u16.to_be_bytes()].concat()
    );
}

#[tokio::test]
async fn a_silent_peer_is_dead_after_a_ping_and_eight_seconds() {
    let node = Node::start(&[("heartbeat_seconds", "1"), ("auth_timeout_seconds", "300")]).await;
    let mut tcp = node.raw().await;
    let begun = tokio::time::Instant::now();
    let mut bytes = Vec::new();
    timeout(Duration::from_secs(20), tcp.read_to_end(&mut bytes))
        .await
        .expect("closed")
        .expect("read");
    assert_eq!(bytes[..2], [0x89, 0], "a ping");
    assert!(
        bytes.ends_with(b"no sign of life") && bytes[4..6] == 4408_u16.to_be_bytes(),
        "{bytes:?}"
    );
    assert!((8..12).contains(&begun.elapsed().as_secs()));
}

#[tokio::test]
async fn draining_says_goodbye_and_closes_with_1012() {
    let mut node = Node::start(&[]).await;
    let (mut one, mut two) = (node.socket().await, node.socket().await);
    one.send(r#"{"type":"ping","id":1}"#).await;
    two.send(r#"{"type":"ping","id":1}"#).await;
    assert!(one.next().await.is_ok() && two.next().await.is_ok());
    node.stop.take().expect("running").send(()).expect("running");
    let mut delays = Vec::new();
    for client in [&mut one, &mut two] {
        let goodbye = client.next().await.expect("a frame");
        assert_eq!(goodbye["signal"], "server.goodbye");
        delays.push(goodbye["data"]["reconnect_after_ms"].as_u64().expect("a delay"));
        assert_eq!(client.next().await, Err(1012));
    }
    assert_ne!(delays[0], delays[1]);
    drop((one, two));
    timeout(PATIENCE, node.task)
        .await
        .expect("drained in time")
        .expect("no panic");
    assert_eq!(node.app.sockets.count(), 0);
}

#[tokio::test]
async fn requests_under_way_are_answered_before_a_restart() {
    let mut node = Node::start(&[("rate_limit_enabled", "false")]).await;
    let ada = node.person("ada").await;
    let mut client = node.quiet(&ada).await;
    for n in 0..50 {
        let create = json!({ "type": "task.create", "id": n, "data": { "title": n.to_string() } });
        client.send(create.to_string()).await;
    }
    let first = client.next().await.expect("a frame");
    assert_eq!(first["id"], 0);
    node.stop.take().expect("running").send(()).expect("running");
    let (mut answered, mut goodbye) = (1, false);
    let code = loop {
        match client.next().await {
            Ok(frame) if frame["type"] == "signal" => goodbye = true,
            Ok(frame) => {
                assert_eq!((&frame["type"], &frame["id"]), (&json!("ok"), &json!(answered)));
                answered += 1;
            }
            Err(code) => break code,
        }
    };
    assert_eq!((code, goodbye), (1012, true));
    drop(client);
    timeout(PATIENCE, &mut node.task)
        .await
        .expect("drained in time")
        .expect("no panic");
    let caller = node
        .app
        .engine
        .authenticate(&ada.token)
        .await
        .expect("a caller")
        .caller;
    let list = taskwire_protocol::Request::read("task.list", "{}").expect("a request");
    let reply = node.app.engine.call(&caller, list, None).await.expect("a list");
    let data: Value = serde_json::from_str(&format!("{{{}}}", reply.body)).expect("JSON");
    assert_eq!(
        data["data"]["total"], answered,
        "each created task must have been answered"
    );
}

#[tokio::test]
async fn an_old_socket_is_closed_for_a_reconnect_after_its_answers() {
    let aged = |settings: &mut Settings| settings.socket_max_age = Some(Duration::from_secs(2));
    let node = Node::start_with(&[("rate_limit_enabled", "false")], aged).await;
    let ada = node.person("ada").await;
    let begun = tokio::time::Instant::now();
    let mut client = node.quiet(&ada).await;
    let (mut asked, mut answered, mut goodbye) = (0, 0, false);
    let code = loop {
        // only before the goodbye: after it a client sends nothing more
        if !goodbye && asked == answered {
            let create = json!({ "type": "task.create", "id": asked, "data": { "title": "T" } });
            client.send(create.to_string()).await;
            asked += 1;
        }
        match client.next().await {
            Ok(frame) if frame["type"] == "signal" => goodbye = true,
            Ok(frame) => {
                assert_eq!((&frame["type"], &frame["id"]), (&json!("ok"), &json!(answered)));
                answered += 1;
            }
            Err(code) => break code,
        }
    };
    assert_eq!((code, goodbye), (1012, true));
    assert!(
        begun.elapsed() >= Duration::from_millis(1500),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_reader_that_retention_overtakes_is_closed_and_its_position_has_expired() {
    let settings = [
        ("rate_limit_enabled", "false"),
        ("socket_queue_bytes", "16384"),
        ("ring_bytes_per_topic", "4096"),
        ("log_retention_days", "1"),
        ("log_retention_events", "5"),
    ];
    let node = Node::start(&settings).await;
    let ada = node.person("ada").await;
    let mut slow = node.tcp().await;
    let request = node.upgrade(&format!("Authorization: Bearer {}\r\n", ada.token));
    slow.write_all(request.as_bytes()).await.expect("sent");
    let (mut writer, welcome) = node.welcomed(&ada, json!({ "streams": [] })).await;
    let description = "x".repeat(1000);
    // more than the kernels' buffers and the queue hold
    for n in 0..9000 {
        let data = json!({ "title": n.to_string(), "description": description });
        writer
            .send(json!({ "type": "task.create", "id": n, "data": data }).to_string())
            .await;
        if n % 50 == 49 {
            while writer.next().await.expect("an answer")["id"] != n {}
        }
    }
    node.clock.step(2 * 86_400_000);
    crate::jobs::round(&node.app.engine, &node.app.settings)
        .await
        .expect("a round of retention");
    node.clock.step(-2 * 86_400_000);

    let mut bytes = Vec::new();
    timeout(PATIENCE, slow.read_to_end(&mut bytes))
        .await
        .expect("a close in time")
        .expect("no reset");
    assert!(
        bytes.ends_with(b"too far behind"),
        "the reader was not closed as too far behind"
    );
    let code = bytes.len() - "too far behind".len() - 2;
    assert_eq!(bytes[code..code + 2], 4408_u16.to_be_bytes());
    let positions = json!({ format!("user:{}", ada.user): 1 });
    let resume = json!({ "resume": { "epoch": welcome["epoch"], "positions": positions } });
    let (_, welcome) = node.welcomed(&ada, resume).await;
    let own = &welcome["streams"][0];
    assert_eq!(
        (&own["resumed"], &own["reason"]),
        (&json!(false), &json!("expired"))
    );
}
