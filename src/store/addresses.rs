//! Keys of e-mail addresses that an older version made: without case, whatever the letters. Those of ASCII addresses are what
//! they were. The others get the keys of today (`unicode::email_key`) at the first start of a version that makes them so,
//! before anybody signs in.

use super::Result;
use super::database::Pools;
use super::link::{Connection, Dialect, Link, Row};
use super::sql::Sql;
use super::trust::Trust;
use crate::unicode::email_key;
use sqlx::ConnectOptions;
use std::time::Instant;
use uuid::Uuid;

/// Accounts of one step.
const STEP: i64 = 500;

/// Gives accounts the keys of today, if that was not done. Of two accounts that would have one key the older one gets it.
pub(super) async fn key(pools: &Pools, trust: &Trust) -> Result<()> {
    let (mut link, dialect) = match pools {
        Pools::Sqlite { writer, .. } => (Connection::Sqlite(writer.connect().await?), Dialect::Sqlite),
        Pools::Postgres { writer, .. } => (Connection::Postgres(writer.connect().await?), Dialect::Postgres),
    };
    let done = Sql::new("select value from meta where key = 'email_keys'");
    if run::<(String,)>(&mut link, trust, done).await?.is_empty() {
        all(&mut link, trust, dialect).await?;
        let done =
            Sql::new("insert into meta (key, value) values ('email_keys', '1') on conflict (key) do nothing");
        run::<()>(&mut link, trust, done).await?;
    }
    Ok(())
}

/// Goes through the accounts with other characters than ASCII's, by their ids.
async fn all(link: &mut Connection, trust: &Trust, dialect: Dialect) -> Result<()> {
    let is_foreign = match dialect {
        Dialect::Sqlite => "email glob '*[^ -~]*'",
        Dialect::Postgres => "email ~ '[^ -~]'",
    };
    let mut after = Uuid::nil();
    loop {
        let mut page = Sql::new("select id, email from users where ");
        page.push(is_foreign).page("id", Some(after), STEP);
        let page: Vec<(Uuid, String)> = run(link, trust, page).await?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = *last;
        for (id, email) in page {
            one(link, trust, id, &email_key(&email)).await?;
        }
    }
}

async fn one(link: &mut Connection, trust: &Trust, id: Uuid, key: &str) -> Result<()> {
    let mut update = Sql::new("update users set email_key = ");
    update.bind(key).push(" where id = ").bind(id);
    update
        .push(" and not exists (select 1 from users o where o.email_key = ")
        .bind(key);
    update.push(" and o.id <> ").bind(id).push(") returning id");
    if run::<(Uuid,)>(link, trust, update).await?.is_empty() {
        tracing::warn!(
            user.id = %id,
            "the e-mail address of this account means the same as another account's; it cannot sign in until one of them \
             has another address"
        );
    }
    Ok(())
}

async fn run<T: Row>(link: &mut Connection, trust: &Trust, sql: Sql) -> Result<Vec<T>> {
    let link = match link {
        Connection::Sqlite(link) => Link::Sqlite(link),
        Connection::Postgres(link) => Link::Postgres(link, trust, Instant::now()),
    };
    link.fetch(sql.text.into(), &sql.cells).await
}
