use super::*;
use crate::config::Settings;
use crate::store::sql::Sql;
use tempfile::TempDir;

const PAGES: u64 = 500;

/// A writer on a new SQLite file that may have at most [`PAGES`] pages.
async fn limited(folder: &TempDir) -> Transaction {
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    let database = format!("sqlite:{}", data.join("taskwire.db").display());
    let bytes = (PAGES * 4096).to_string();
    let data = data.display().to_string();
    let pairs = [
        ("data_dir", &*data),
        ("database_url", &*database),
        ("database_max_bytes", &*bytes),
    ];
    let settings = Settings::from_pairs(&pairs).expect("settings");
    Transaction::new(Store::open(&settings).await.expect("a database"))
}

async fn pages(tx: &mut Transaction) -> u64 {
    let pages = tx.select::<(i64,)>(Sql::new("pragma max_page_count")).await;
    pages.expect("a number")[0].0 as u64
}

#[tokio::test]
async fn the_reserve_is_for_one_transaction() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tx = limited(&folder).await;
    for committed in [true, false] {
        tx.begin_stretched().await.expect("a transaction");
        assert_eq!(pages(&mut tx).await, PAGES + RESERVE);
        if committed {
            tx.commit().await.expect("a commit");
        } else {
            tx.rollback().await;
        }
        tx.begin().await.expect("a transaction");
        assert_eq!(pages(&mut tx).await, PAGES);
        tx.rollback().await;
    }
}

#[tokio::test]
async fn a_transaction_that_did_not_begin_leaves_no_reserve_to_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tx = limited(&folder).await;
    let (data, away) = (folder.path().join("data"), folder.path().join("away"));
    std::fs::rename(&data, &away).expect("moved");
    tx.begin_stretched().await.expect_err("its file is away");
    tx.rollback().await;
    std::fs::rename(&away, &data).expect("moved");
    tx.begin().await.expect("a transaction");
    assert_eq!(pages(&mut tx).await, PAGES);
}
