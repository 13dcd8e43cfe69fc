//! Limits as the engine uses them, in memory.

use super::*;
use std::time::Duration;
use taskwire_protocol::{ErrorCode, SessionId};
use uuid::Uuid;

fn limits() -> Limits {
    let options = Options {
        requests: 2,
        request_window: Duration::from_mins(1),
        strangers_per_hour: 2,
        user_ops: (10, 20),
        address_ops: (100, 30),
    };
    Limits::new(&options, &"a secret".into())
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

async fn code(limits: &Limits, from: u8, email: &str, device: Device) -> Option<ErrorCode> {
    let entered = match limits.enter(Some(address(from))).await {
        Ok(entered) => entered,
        Err(failure) => return Some(failure.code),
    };
    let begun = limits.begin_sign_in(entered, email, device).await;
    begun.map(drop).err().map(|failure| failure.code)
}

#[tokio::test(start_paused = true)]
async fn a_limit_counts_by_whom_and_its_refusal_has_the_number() {
    let limits = limits();
    let user = UserId(Uuid::from_u128(7));
    for _ in 0..5 {
        limits.take(Limit::Photo, user).await.unwrap();
    }
    let refused = limits.take(Limit::Photo, user).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert_eq!(
        refused.context.unwrap(),
        serde_json::json!({ "limit": 5, "of": "photo" })
    );
    assert_eq!(refused.retry_after_ms, Some(3_600_000));
    limits.take(Limit::Profile, user).await.unwrap();
    limits
        .take(Limit::Photo, UserId(Uuid::from_u128(8)))
        .await
        .unwrap();
    tokio::time::advance(Duration::from_hours(1)).await;
    limits.take(Limit::Photo, user).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_devices_that_are_known_are_not_locked_out_by_strangers() {
    let limits = limits();
    for _ in 0..5 {
        assert_eq!(code(&limits, 1, "ada@example.com", Device::Stranger).await, None);
    }
    let locked = Some(ErrorCode::AccountLocked);
    assert_eq!(
        code(&limits, 2, "ADA@example.com", Device::Stranger).await,
        locked
    );
    assert_eq!(code(&limits, 2, "ada@example.com", Device::Known).await, None);
    assert_eq!(code(&limits, 2, "bob@example.com", Device::Stranger).await, None);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_ends_what_was_counted_in_advance() {
    let limits = limits();
    let begin = async || {
        let begun = limits
            .begin_sign_in(Entered::default(), "ada@example.com", Device::Stranger)
            .await;
        begun.map_err(|failure| failure.code)
    };
    for _ in 0..10 {
        begin().await.unwrap().end(Outcome::Undecided).await;
        begin().await.unwrap().end(Outcome::Succeeded).await;
    }
    for _ in 0..5 {
        begin().await.unwrap().end(Outcome::Failed).await;
    }
    assert_eq!(begin().await.map(drop), Err(ErrorCode::AccountLocked));
    limits.unlock("Ada@example.com").await;
    for _ in 0..5 {
        begin().await.unwrap().end(Outcome::Failed).await;
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    begin().await.unwrap().end(Outcome::Succeeded).await;
    begin().await.unwrap().end(Outcome::Failed).await;
    begin().await.unwrap().end(Outcome::Failed).await;
}

#[tokio::test(start_paused = true)]
async fn a_network_may_try_twenty_accounts_a_minute() {
    let limits = limits();
    for i in 0..20 {
        let email = format!("{i}@example.com");
        assert_eq!(code(&limits, 1, &email, Device::Stranger).await, None);
    }
    let limited = Some(ErrorCode::RateLimited);
    assert_eq!(
        code(&limits, 1, "ada@example.com", Device::Stranger).await,
        limited
    );
    assert_eq!(code(&limits, 2, "ada@example.com", Device::Stranger).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_locked_account_costs_its_network_nothing_twenty_times_a_minute() {
    let limits = limits();
    for _ in 0..5 {
        assert_eq!(code(&limits, 1, "ada@example.com", Device::Stranger).await, None);
    }
    let locked = async || code(&limits, 1, "ada@example.com", Device::Stranger).await;
    for _ in 0..20 {
        assert_eq!(locked().await, Some(ErrorCode::AccountLocked));
    }
    for i in 0..5 {
        let email = format!("{i}@example.com");
        assert_eq!(code(&limits, 1, &email, Device::Stranger).await, None, "{i}");
    }
    for _ in 0..10 {
        assert_eq!(locked().await, Some(ErrorCode::AccountLocked));
    }
    assert_eq!(locked().await, Some(ErrorCode::RateLimited), "they cost reads");
}

#[tokio::test]
async fn limits_that_are_off_count_nothing() {
    let limits = Limits::off();
    let user = UserId(Uuid::from_u128(7));
    for _ in 0..100 {
        limits.take(Limit::Photo, user).await.unwrap();
        limits.reach(user, "ada").unwrap();
        assert_eq!(code(&limits, 1, "ada@example.com", Device::Stranger).await, None);
    }
    assert_eq!(limits.count(Limit::Requests, user).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_user_a_network_and_readers_have_purses_apart() {
    let limits = limits();
    let user = UserId(Uuid::from_u128(7));
    let payer = limits.user(user);
    for _ in 0..20 {
        limits.spend(&payer, 1).unwrap();
    }
    // the same one, wherever it is looked up
    let refused = limits.spend(&limits.user(user), 1).unwrap_err();
    assert_eq!(
        (refused.code, refused.retry_after_ms),
        (ErrorCode::RateLimited, Some(100))
    );
    assert_eq!(
        refused.context.unwrap(),
        serde_json::json!({ "limit": 10, "of": "user" })
    );
    limits.spend(&limits.user(UserId(Uuid::from_u128(8))), 1).unwrap();
    let network = limits.network(Some(address(1)));
    limits.spend(&network, 30).unwrap();
    let refused = limits.spend(&network, 1).unwrap_err();
    assert_eq!(
        refused.context.unwrap(),
        serde_json::json!({ "limit": 100, "of": "address" })
    );
    // readers wait their turn, one after the other, and are never refused
    let reader = limits.reader(user);
    assert!((0..20).all(|_| limits.queue(&reader) == 0));
    assert_eq!([(); 3].map(|()| limits.queue(&reader)), [100, 200, 300]);
    limits.owe(&reader, 1_000_000);
    assert_eq!(limits.queue(&reader), 30_100, "a debt is cut");
    tokio::time::advance(Duration::from_millis(100)).await;
    limits.spend(&payer, 1).unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_insists_passes_an_empty_purse_so_often_by_each_session() {
    fn session(n: u128) -> Who<'static> {
        SessionId(Uuid::from_u128(n)).into()
    }
    let limits = limits();
    let payer = limits.user(UserId(Uuid::from_u128(7)));
    for _ in 0..20 {
        limits.insist(&payer, 1, session(1)).unwrap();
    }
    limits.spend(&payer, 1).unwrap_err();
    for _ in 0..60 {
        limits.insist(&payer, 1, session(1)).unwrap();
    }
    let refused = limits.insist(&payer, 1, session(1)).unwrap_err();
    assert_eq!(refused.retry_after_ms, Some(1000));
    assert_eq!(
        refused.context.unwrap(),
        serde_json::json!({ "limit": 10, "of": "user" })
    );
    limits.insist(&payer, 1, session(2)).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    limits.insist(&payer, 1, session(1)).unwrap();
    limits.insist(&payer, 1, session(1)).unwrap_err();
    // all of it is owed: 82 of 20, and 10 were earned
    tokio::time::advance(Duration::from_secs(5)).await;
    limits.spend(&payer, 1).unwrap_err();
    tokio::time::advance(Duration::from_millis(300)).await;
    limits.spend(&payer, 1).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_in_doubt_costs_as_a_wrong_one_if_nobody_waits_for_the_outcome() {
    let limits = std::sync::Arc::new(limits());
    let payer = limits.network(Some(address(1)));
    for _ in 0..10 {
        Doubt::new(&limits, payer.clone()).over();
        drop(Doubt::new(&limits, Payer::default()));
    }
    limits.spend(&payer, 12).unwrap();
    drop(Doubt::new(&limits, payer.clone()));
    drop(Doubt::new(&limits, payer.clone()));
    limits.spend(&payer, 1).unwrap_err();
}
