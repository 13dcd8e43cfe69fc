//! Tokens: refused, about to expire, refreshed over HTTP.

use crate::support::*;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use taskwire_client::protocol::account::Tokens;
use taskwire_client::{Boxed, Client, Config, FixedToken, RefreshedTokens, Stopped, TokenError, TokenSource};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::Instant,
};

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_changed_for_a_fresh_one() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    let mut peer = server.accept().await?;
    let auth = peer.receive().await?;
    assert_eq!(auth["data"]["token"], "t1");
    peer.refuse(&auth, "TOKEN_EXPIRED", false).await?;
    let (_peer, auth) = server.welcome(&first_welcome()).await?;
    assert_eq!(auth["token"], "t2");
    assert!(soon("the welcome", client.ready()).await?.is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn fresh_tokens_that_are_refused_too_end_the_client() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    for _ in 0..3 {
        let mut peer = server.accept().await?;
        let auth = peer.receive().await?;
        peer.refuse(&auth, "INVALID_TOKEN", false).await?;
    }
    assert!(matches!(
        soon("the end", client.ready()).await?,
        Err(Stopped::SignedOut(_))
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_ends_the_client_at_once() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    let mut peer = server.accept().await?;
    let auth = peer.receive().await?;
    peer.refuse(&auth, "TOKEN_REVOKED", false).await?;
    assert!(matches!(
        soon("the end", client.ready()).await?,
        Err(Stopped::SignedOut(_))
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fixed_token_that_is_refused_ends_the_client() -> Tested {
    let (wire, mut server) = network(65_536);
    let config = Config::new("http://server.test", FixedToken::new("fixed")).dialling(wire);
    let (client, _events) = Client::connect(config)?;
    let mut peer = server.accept().await?;
    let auth = peer.receive().await?;
    peer.refuse(&auth, "TOKEN_EXPIRED", false).await?;
    // with what the server said
    assert!(matches!(
        soon("the end", client.ready()).await?,
        Err(Stopped::SignedOut(why)) if why == "it is TOKEN_EXPIRED"
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_with_the_same_token() -> Tested {
    let (wire, mut server) = network(65_536);
    let (_client, _events) = connect(&wire)?;
    let mut peer = server.accept().await?;
    let auth = peer.receive().await?;
    peer.refuse(&auth, "UNAVAILABLE", true).await?;
    let (_peer, auth) = server.welcome(&first_welcome()).await?;
    assert_eq!(auth["token"], "t1");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_session_that_expires_is_renewed_in_place() -> Tested {
    let (wire, mut server) = network(65_536);
    let (client, _events) = connect(&wire)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    let signal = json!({"type": "signal", "signal": "session.expiring", "data": {"expires_at": "1970-01-01T00:15:00Z"}});
    peer.send(&signal).await?;
    let renew = peer.receive().await?;
    assert_eq!(
        (&renew["type"], &renew["data"]["token"]),
        (&json!("auth.renew"), &json!("t2"))
    );
    peer.answer(&renew, &json!({"expires_at": "1970-01-01T00:30:00Z"}))
        .await?;
    // No signal announces the end of the new token. It expires half an hour after the welcome. The client asks 45 s
    // earlier.
    let began = Instant::now();
    let renew = loop {
        tokio::select! {
            renew = peer.receive() => break renew?,
            () = tokio::time::sleep(Duration::from_secs(20)) => peer.ping().await?,
        }
    };
    assert_eq!(renew["data"]["token"], "t3");
    assert_eq!(began.elapsed().as_secs(), 30 * 60 - 45);
    assert_eq!(client.stats().connections, 1);
    Ok(())
}

/// A token source that takes 5 s for a refresh. The flag is set when those 5 s are over.
#[derive(Clone, Default)]
struct Slow(Counting, Arc<AtomicBool>);

impl TokenSource for Slow {
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>> {
        Box::pin(async move {
            if stale.is_some() {
                tokio::time::sleep(Duration::from_secs(5)).await;
                self.1.store(true, Relaxed);
            }
            self.0.token(stale).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_a_refresh_that_has_begun() -> Tested {
    let (wire, mut server) = network(65_536);
    let slow = Slow::default();
    let config = Config::new("http://server.test", slow.clone()).dialling(wire);
    let (client, mut events) = Client::connect(config)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    peer.send(&json!({"type": "signal", "signal": "session.expiring", "data": {}}))
        .await?;
    until(&mut events, "signal session.expiring").await?;
    soon("the end", client.close()).await?;
    assert!(slow.1.load(Relaxed), "the refresh was dropped");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_does_not_drop_the_refresh_begun_on_it() -> Tested {
    let (wire, mut server) = network(65_536);
    let slow = Slow::default();
    let config = Config::new("http://server.test", slow.clone()).dialling(wire);
    let (_client, mut events) = Client::connect(config)?;
    let (mut peer, _) = server.welcome(&first_welcome()).await?;
    peer.send(&json!({"type": "signal", "signal": "session.expiring", "data": {}}))
        .await?;
    until(&mut events, "signal session.expiring").await?;
    drop(peer);
    let (_peer, auth) = server.welcome(&resumed_welcome()).await?;
    assert_eq!(auth["token"], "t2");
    assert!(slow.1.load(Relaxed), "the refresh was dropped");
    Ok(())
}

/// Answers HTTP requests in turn; returns their first lines and bodies. Status 0: the answer is lost.
async fn http(listener: TcpListener, answers: Vec<(u16, Value)>) -> Result<Vec<(String, Value)>, Failed> {
    let mut seen = Vec::new();
    for (status, answer) in answers {
        let (mut stream, _) = soon("a request", listener.accept()).await??;
        let mut text = Vec::new();
        let (head, body) = loop {
            let mut part = [0; 4096];
            let read = soon("a request", stream.read(&mut part)).await??;
            text.extend_from_slice(&part[..read]);
            let whole = String::from_utf8_lossy(&text).into_owned();
            if let Some((head, body)) = whole.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str(body)
            {
                break (head.to_owned(), body);
            }
        };
        let line = head.lines().next().unwrap_or_default().to_owned();
        seen.push((line, body));
        if status > 0 {
            stream.write_all(over_http(status, &answer).as_bytes()).await?;
        }
        stream.shutdown().await?;
    }
    Ok(seen)
}

#[tokio::test]
async fn concurrent_callers_share_one_refresh_over_http() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(http(listener, vec![(200, tokens("a2", "r2", 900))]));
    let first: Tokens = serde_json::from_value(tokens("a1", "r1", 900))?;
    let source = RefreshedTokens::new(url, first);
    assert_eq!(source.token(None).await?, "a1");
    let (one, two) = tokio::join!(source.token(Some("a1")), source.token(Some("a1")));
    assert_eq!((one?, two?), ("a2".to_owned(), "a2".to_owned()));
    let seen = server.await??;
    assert_eq!(
        seen,
        [(
            "POST /v1/auth/refresh HTTP/1.1".to_owned(),
            json!({"refresh_token": "r1", "token_delivery": "body"})
        )]
    );
    Ok(())
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_is_repeated_at_once_with_the_same_token() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let answers = vec![
        (0, json!({})),
        (200, tokens("a2", "r2", 900)),
        (0, json!({})),
        (0, json!({})),
        (200, tokens("a3", "r3", 900)),
    ];
    let server = tokio::spawn(http(listener, answers));
    let source = RefreshedTokens::new(url, serde_json::from_value(tokens("a1", "r1", 900))?);
    assert_eq!(source.token(Some("a1")).await?, "a2");
    // lost twice: the client still has the token, and repeats it at its next try
    let lost = source.token(Some("a2")).await;
    assert!(matches!(&lost, Err(TokenError::Unavailable(_))), "{lost:?}");
    assert_eq!(source.token(Some("a2")).await?, "a3");
    let sent: Vec<_> = server
        .await??
        .into_iter()
        .map(|(_, body)| body["refresh_token"].clone())
        .collect();
    assert_eq!(json!(sent), json!(["r1", "r1", "r2", "r2", "r2"]));
    Ok(())
}

#[tokio::test]
async fn the_tokens_of_another_sign_in_replace_those_before() -> Tested {
    let source = RefreshedTokens::new(
        "http://server.test",
        serde_json::from_value(tokens("a1", "r1", 900))?,
    );
    source
        .replace(serde_json::from_value(tokens("b1", "r9", 900))?)
        .await;
    assert_eq!(source.token(Some("a1")).await?, "b1");
    Ok(())
}

#[tokio::test]
async fn a_refresh_distinguishes_a_refusal_from_a_failure() -> Tested {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let refusal = json!({"success": false, "error": {"code": "INVALID_TOKEN", "message": "used up", "retryable": false},
        "request_id": "r"});
    let limited = json!({"success": false, "error": {"code": "RATE_LIMITED", "message": "too many", "retryable": true,
        "retry_after_ms": 7000}, "request_id": "r"});
    let answers = vec![
        (503, json!({})),
        (429, limited),
        (401, refusal),
        (200, tokens("a2", "r2", 10)),
    ];
    let server = tokio::spawn(http(listener, answers));
    let source = RefreshedTokens::new(url, serde_json::from_value(tokens("a1", "r1", 900))?);
    assert!(matches!(
        source.token(Some("a1")).await,
        Err(TokenError::Unavailable(_))
    ));
    let limited = source.token(Some("a1")).await;
    assert!(
        matches!(&limited, Err(TokenError::Later { wait, .. }) if wait.as_secs() == 7),
        "{limited:?}"
    );
    let refused = source.token(Some("a1")).await;
    assert!(
        matches!(&refused, Err(TokenError::SignedOut(why)) if why == "used up"),
        "{refused:?}"
    );
    assert_eq!(source.token(Some("a1")).await?, "a2");
    server.await??;
    // The server is gone now, and its last token expires within seconds.
    assert!(matches!(
        source.token(None).await,
        Err(TokenError::Unavailable(_))
    ));
    Ok(())
}
