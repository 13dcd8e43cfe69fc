//! Tests: the statements of a query end with its time, on SQLite. Those of PostgreSQL are in the integration tests.

use crate::config::Settings;
use crate::store::sql::Sql;
use crate::store::{Reader, Result, Store, Trouble};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A statement that runs for hours.
const ENDLESS: &str =
    "with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000000000000)
    select count(*) from n";
/// Products of a table with itself, without any recursion.
const CROSSED: &str = "with n (i) as (values (1), (2), (3), (4), (5), (6), (7), (8))
    select count(*) from n a, n b, n c, n d, n e, n f, n g, n h, n i, n j, n k, n l, n m";

async fn store(folder: &TempDir, connections: &str) -> Store {
    let data = folder.path().display().to_string();
    let url = format!("sqlite:{data}/taskwire.db");
    let pairs = [
        ("data_dir", &*data),
        ("database_url", &url),
        ("database_connections", connections),
    ];
    let settings = Settings::from_pairs(&pairs).expect("settings");
    Store::open(&settings).await.expect("a database")
}

async fn number(reader: &mut Reader, query: &str) -> Result<i64> {
    reader
        .get::<(i64,)>(Sql::new(query))
        .await
        .map(|(number,)| number)
}

#[tokio::test]
async fn a_statement_ends_with_its_readers_time_and_the_connection_stays_usable() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, "1").await;
    for (query, in_a_moment) in [(ENDLESS, false), (CROSSED, false), (ENDLESS, true)] {
        let begun = Instant::now();
        let bounded = store.until(begun + Duration::from_millis(100));
        let reader = if in_a_moment {
            bounded.moment().await
        } else {
            bounded.read().await
        };
        let mut reader = reader.expect("a connection");
        let error = number(&mut reader, query).await.expect_err("no time is left");
        assert_eq!(error.trouble, Trouble::Overdue, "{error}");
        let took = begun.elapsed();
        assert!((100..5000).contains(&took.as_millis()), "{took:?}");
        // nothing more is begun for that query, and the same connection serves the next one
        let error = number(&mut reader, "select 1")
            .await
            .expect_err("no time is left");
        assert_eq!(error.trouble, Trouble::Overdue);
        drop(reader);
        let mut reader = store.moment().await.expect("the connection");
        assert_eq!(number(&mut reader, "select 2").await.expect("a number"), 2);
        let many = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000) select count(*) from n";
        assert_eq!(number(&mut reader, many).await.expect("a number"), 100_000);
    }
    store.close(Duration::from_secs(5)).await;
    assert!(store.is_closed() && store.read().await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_share_the_connections() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(&folder, "3").await;
    assert_eq!(store.readers(), 3);
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(store.read().await.expect("a connection"));
    }
    let another = store.clone();
    let waiting = tokio::spawn(async move { number(&mut another.read().await?, "select 1").await });
    for reader in &mut all {
        assert_eq!(number(reader, "select 2").await.expect("a number"), 2);
    }
    assert!(!waiting.is_finished(), "there is no fourth connection");
    drop(all);
    assert_eq!(waiting.await.expect("no panic").expect("a number"), 1);
}
