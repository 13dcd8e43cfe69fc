//! The epoch of the logs, as it is stored: positions are valid within one. Which one an instance runs in is decided when
//! it opens the database.

use super::statement::Sql;
use super::{Group, Reader, Result};

/// Begins another one.
pub async fn replace(group: &mut Group, epoch: &str) -> Result<()> {
    let mut sql = Sql::new("update meta set value = ");
    sql.bind(epoch).push(" where key = 'epoch' returning value");
    group.select::<(String,)>(sql).await.map(drop)
}

/// The stored one; that of an instance begins with it.
pub async fn stored(reader: &mut Reader) -> Result<Option<String>> {
    reader
        .scalar(Sql::new("select value from meta where key = 'epoch'"))
        .await
}
