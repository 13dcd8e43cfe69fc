//! Frames that violate the protocol or its limits, and the close codes that they cause.

use super::*;

#[tokio::test]
async fn each_protocol_violation_has_its_close_code() {
    let node = Node::start(&[]).await;
    let violations: [(&str, Vec<u8>, u16); 9] = [
        ("binary", frame(0x82, b"x"), 1003),
        ("invalid UTF-8", frame(0x81, b"\xff\xfe"), 1007),
        ("unmasked", vec![0x81, 1, b'x'], 1002),
        ("reserved bit", frame(0xc1, b"x"), 1002),
        ("reserved opcode", frame(0x83, b"x"), 1002),
        ("continuation of nothing", frame(0x80, b"x"), 1002),
        ("control frame too long", frame(0x89, &[b'x'; 126]), 1002),
        (
            "frame far too large",
            frame(0x81, &vec![b' '; 4 * 65536 + 1]),
            1009,
        ),
        (
            "fragments far too large",
            [
                frame(0x01, &vec![b' '; 65536]),
                frame(0x00, &vec![b' '; 65536]).repeat(4),
            ]
            .concat(),
            1009,
        ),
    ];
    for (name, bytes, code) in violations {
        let mut tcp = node.raw().await;
        tcp.write_all(&bytes).await.expect("sent");
        assert_eq!(close_code(&mut tcp).await, code, "{name}");
    }
}

#[tokio::test]
async fn a_clean_close_is_answered_with_its_code() {
    let node = Node::start(&[]).await;
    let allowed = [1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 4000, 4999];
    for (code, answer) in allowed
        .map(|code| (code, code))
        .into_iter()
        .chain([999, 1004, 1005, 1006, 1015, 1016, 2999, 5000].map(|code| (code, 1002)))
    {
        for ping in [&frame(0x81, br#"{"type":"ping"}"#)[..], b""] {
            let mut tcp = node.raw().await;
            let close = frame(0x88, &[&u16::to_be_bytes(code)[..], b"bye"].concat());
            tcp.write_all(&[ping, &close].concat()).await.expect("sent");
            assert_eq!(close_code(&mut tcp).await, answer, "{code}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_without_a_close_frame_gets_its_answers_and_one() {
    let node = Node::start(&[]).await;
    let mut silent = node.raw().await;
    silent.shutdown().await.expect("ended");
    assert_eq!(close_code(&mut silent).await, 1002);

    let mut asking = node.raw().await;
    let ask = |text: &str| frame(0x81, text.as_bytes());
    let asked = [
        ask(r#"{"type":"protocol.describe","id":1}"#),
        ask(r#"{"type":"ping","id":2}"#),
    ];
    asking.write_all(&asked.concat()).await.expect("sent");
    asking.shutdown().await.expect("ended");
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, asking.read_to_end(&mut bytes)).await;
    read.expect("an end in time").expect("no reset");
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(r#""type":"ok","id":1"#) && text.contains(r#"{"type":"pong","id":2}"#));
    let close = [&1002_u16.to_be_bytes()[..], b"the connection ended"].concat();
    assert!(
        bytes.windows(close.len()).any(|part| part == close),
        "no close frame"
    );
}

#[tokio::test]
async fn an_oversize_frame_is_answered_with_its_id_and_the_socket_stays() {
    let node = Node::start(&[]).await;
    let mut client = node.socket().await;
    let text = json!({ "type": "task.create", "data": { "title": "x".repeat(70_000) }, "id": 7 }).to_string();
    client.send(text).await;
    let answer = client.next().await.expect("a frame");
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(7), &json!("PAYLOAD_TOO_LARGE"))
    );
    client.send(r#"{"type":"ping","id":8}"#).await;
    assert_eq!(client.next().await, Ok(json!({ "type": "pong", "id": 8 })));
}

#[tokio::test]
async fn the_tenth_bad_frame_closes_and_each_is_answered() {
    let node = Node::start(&[]).await;
    let mut client = node.socket().await;
    for bad in ["", "no json", "[]", r#"{"id":1}"#, r#"{"type":7}"#]
        .iter()
        .cycle()
        .take(10)
    {
        client.send(*bad).await;
    }
    for _ in 0..10 {
        assert_eq!(client.error_code().await, "BAD_FRAME");
    }
    assert_eq!(client.next().await, Err(4400));
}

#[tokio::test]
async fn no_byte_is_lost_whatever_the_size_and_split_of_frames() {
    let node = Node::start(&[("rate_limit_enabled", "false")]).await;
    let ping = |n: usize, filling: usize| {
        let text = format!(r#"{{"type":"ping","id":{n},"data":{{}}{}}}"#, " ".repeat(filling));
        frame(0x81, text.as_bytes())
    };
    let mut bytes = Vec::new();
    for n in 0..300 {
        // small ones, some that grow the read buffer, and one in two fragments
        bytes.extend(ping(n, if n % 10 == 0 { 20_000 + n * 7 } else { n % 90 }));
    }
    bytes.extend(frame(0x01, br#"{"type":"pi"#));
    bytes.extend(frame(0x80, br#"ng","id":300}"#));
    bytes.extend(ping(301, 30_000));
    let ada = node.person("ada").await;
    let mut tcp = node
        .raw_with(&format!("Authorization: Bearer {}\r\n", ada.token))
        .await;
    let mut head = [0; 4];
    tcp.read_exact(&mut head).await.expect("the welcome");
    assert_eq!(head[..2], [0x81, 126]);
    let mut welcome = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
    tcp.read_exact(&mut welcome).await.expect("the welcome");
    let (mut from, mut size) = (0, 1);
    while from < bytes.len() {
        let to = bytes.len().min(from + size);
        tcp.write_all(&bytes[from..to]).await.expect("sent");
        (from, size) = (to, size * 31 % 8191 + 1);
        if size.is_multiple_of(3) {
            tokio::task::yield_now().await;
        }
    }
    for n in 0..=301 {
        let expected = format!(r#"{{"type":"pong","id":{n}}}"#);
        let mut answer = vec![0; expected.len() + 2];
        timeout(PATIENCE, tcp.read_exact(&mut answer))
            .await
            .expect("an answer")
            .expect("read");
        assert_eq!(&answer[2..], expected.as_bytes());
    }
}
