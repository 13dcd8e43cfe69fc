//! From which devices an account signed in: by the sessions that are stored, ended ones too. Does not decide whether a
//! device is known.

use super::sql::Sql;
use super::{Reader, Result};
use taskwire_protocol::{SessionId, UserId};
use uuid::Uuid;

/// The most sign-ins of an account that are looked at, the newest first.
const SIGN_INS: i64 = 1000;

/// The owner of a session, and the hash of its newest refresh token.
pub async fn find(reader: &mut Reader, id: SessionId) -> Result<Option<(UserId, String)>> {
    let mut sql = Sql::new("select user_id, refresh_hash from sessions where id = ");
    sql.bind(id.0);
    let found: Option<(Uuid, String)> = reader.find(sql).await?;
    Ok(found.map(|(user, hash)| (UserId(user), hash)))
}

/// The addresses at which an account signed in since then.
pub async fn addresses(reader: &mut Reader, user: UserId, since: i64) -> Result<Vec<String>> {
    // ids begin with their time, so the index by user and id has the newest sessions at its end
    let mut sql =
        Sql::new("select distinct address from (select address, created_at from sessions where user_id = ");
    sql.bind(user.0).push(" order by id desc limit ").bind(SIGN_INS);
    sql.push(") as newest where address is not null and created_at > ")
        .bind(since);
    let found: Vec<(String,)> = reader.fetch(sql).await?;
    Ok(found.into_iter().map(|(address,)| address).collect())
}
