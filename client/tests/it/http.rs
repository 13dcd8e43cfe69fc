//! Requests over HTTP beside the socket.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use taskwire_client::{CallError, Disconnected, Http, Stopped, protocol::ErrorCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// Answers requests with these texts in turn; returns the requests.
async fn serve(listener: TcpListener, answers: Vec<String>) -> Result<Vec<String>, Failed> {
    let mut requests = Vec::new();
    for answer in answers {
        let (mut stream, _) = soon("a request", listener.accept()).await??;
        let mut text = String::new();
        while !text.ends_with('}') {
            let mut part = [0; 4096];
            let read = soon("a request", stream.read(&mut part)).await??;
            text.push_str(std::str::from_utf8(&part[..read])?);
        }
        stream.write_all(answer.as_bytes()).await?;
        requests.push(text);
    }
    Ok(requests)
}

#[tokio::test]
async fn a_post_distinguishes_an_answer_a_refusal_and_another_server() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let http = Http::to(&format!("http://{}", listener.local_addr()?))?;
    let http = http.named("tw", "0.1.0").signed_in("t1");
    let refusal = json!({"success": false, "request_id": "r7", "error": {"code": "RATE_LIMITED", "message": "slow down",
        "field": "email", "retryable": true}});
    let refusal = over_http(429, &refusal).replacen("\r\n", "\r\nretry-after: 3\r\n", 1);
    let answers = vec![
        over_http(202, &json!({"status": "pending"})),
        refusal,
        over_http(404, &json!({})),
        over_http(502, &json!("a proxy")),
        String::new(),
    ];
    let server = tokio::spawn(serve(listener, answers));
    let body = json!({"a": 1});
    let post = || http.post("v1/auth/device", &body);
    let answer = post().await?;
    assert_eq!(
        (answer.status, answer.read::<Value>()?),
        (202, json!({"status": "pending"}))
    );
    let Err(CallError::Refused(failure)) = post().await?.read::<Value>() else {
        return Err("no refusal".into());
    };
    assert_eq!(
        (failure.code, failure.retry_after_ms),
        (ErrorCode::RateLimited, Some(3000))
    );
    assert_eq!(
        (failure.field.as_deref(), failure.request_id.as_str()),
        (Some("email"), "r7")
    );
    let other = post().await?.read::<Value>();
    assert!(
        matches!(other, Err(CallError::Stopped(Stopped::NoServer(_)))),
        "{other:?}"
    );
    let proxy = post().await?.read::<Value>();
    let away = |error| {
        matches!(
            error,
            Err(CallError::Stopped(Stopped::Unreachable(
                Disconnected::Unreachable(_)
            )))
        )
    };
    assert!(away(proxy));
    let cut = post().await.map(|answer| answer.status);
    assert!(matches!(cut, Err(CallError::Interrupted)), "{cut:?}");
    let requests = server.await??;
    let first = requests[0].to_lowercase();
    for part in [
        "post /v1/auth/device http/1.1",
        "authorization: bearer t1",
        "user-agent: tw/0.1.0",
        "{\"a\":1}",
    ] {
        assert!(first.contains(part), "{part} is not in {first}");
    }
    // nothing listens now
    let patient = http.patient_for(Duration::from_millis(10));
    let gone = patient.post("v1/auth/device", &json!({})).await;
    assert!(away(gone.and_then(|answer| answer.read())));
    Ok(())
}
