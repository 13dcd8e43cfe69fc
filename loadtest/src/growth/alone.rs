//! The limit of a list: the database alone, without a server, reads as many rows as a page has, by their ids. Like a list, each
//! read follows a change. Does not know the lists.

use crate::rows::Database;
use crate::trouble::Trouble;
use sqlx::{AssertSqlSafe, Row};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The rows of a page of `task.list`, unless more are asked for.
pub(super) const PAGE: usize = 50;

/// A connection with the settings of the server's, and rows of a workspace that it reads.
pub(super) struct Alone {
    database: Database,
    /// Neighbours in the order of ids, as a list by the time of creation needs.
    together: Vec<Uuid>,
    /// From everywhere in the workspace, as other orders need.
    anywhere: Vec<Uuid>,
}

/// How long the two kinds of pages take.
pub(super) struct Read {
    pub(super) together: Duration,
    pub(super) anywhere: Duration,
}

impl Alone {
    /// Opens the database, and chooses rows.
    pub(super) async fn open(url: &str, workspace: Uuid) -> Result<Alone, Trouble> {
        let mut database = Database::open(url).await?;
        let sql = format!(
            "select id from tasks where workspace_id = {} order by id",
            database.value(workspace)
        );
        let ids: Vec<Uuid> = match &mut database {
            Database::Sqlite(link) => {
                sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_all(&mut **link)
                    .await?
            }
            Database::Postgres(link) => {
                sqlx::query_scalar(AssertSqlSafe(sql))
                    .fetch_all(&mut **link)
                    .await?
            }
        };
        Ok(Alone {
            database,
            together: ids.iter().rev().take(PAGE).copied().collect(),
            anywhere: (0..PAGE)
                .filter_map(|i| ids.get(i * ids.len() / PAGE))
                .copied()
                .collect(),
        })
    }

    /// Reads both pages.
    pub(super) async fn read(&mut self) -> Result<Read, Trouble> {
        Ok(Read {
            together: page(&mut self.database, &self.together).await?,
            anywhere: page(&mut self.database, &self.anywhere).await?,
        })
    }
}

/// Reads rows by their ids, in one statement, as the server does.
async fn page(database: &mut Database, ids: &[Uuid]) -> Result<Duration, Trouble> {
    let begun = Instant::now();
    let found = match database {
        Database::Sqlite(link) => {
            let marks = vec!["?"; ids.len()].join(", ");
            let sql = format!("select * from tasks where id in ({marks})");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for id in ids {
                query = query.bind(id);
            }
            let rows = query.fetch_all(&mut **link).await?;
            rows.iter()
                .filter(|row| row.try_get::<String, _>("title").is_ok())
                .count()
        }
        Database::Postgres(link) => {
            let query = sqlx::query("select * from tasks where id = any($1)").bind(ids);
            let rows = query.fetch_all(&mut **link).await?;
            rows.iter()
                .filter(|row| row.try_get::<String, _>("title").is_ok())
                .count()
        }
    };
    let took = begun.elapsed();
    if found == ids.len() {
        Ok(took)
    } else {
        Err(Trouble::setup(format!(
            "{found} of {} rows were found",
            ids.len()
        )))
    }
}
