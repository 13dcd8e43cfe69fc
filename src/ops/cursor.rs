//! Pages of lists. A cursor tells where a page ended. It is JSON in base64url (RFC 4648, section 5), opaque to clients.

use super::Result;
use crate::store;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use taskwire_protocol::{Failure, Page, limits};

/// Encodes a position as a cursor.
pub fn write(position: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_string(position).unwrap_or_default())
}

/// Reads a cursor back.
pub fn read<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let read = URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|json| serde_json::from_slice::<Value>(&json).ok())
        .filter(|position| !holds_nul(position))
        .and_then(|position| serde_json::from_value(position).ok());
    read.map(Some).ok_or_else(refused)
}

/// Whether the position contains U+0000, which PostgreSQL refuses in text. Cursors made by [`write`] never contain it.
fn holds_nul(position: &Value) -> bool {
    match position {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.values().any(holds_nul),
        _ => false,
    }
}

/// The error for a cursor that this list did not make.
pub fn refused() -> Failure {
    Failure::invalid(
        "cursor",
        "cursor did not come from this list; omit it to start from the first page",
    )
}

/// The page of a list that a client asked for. `P` is the position at which the previous page ended.
pub struct Wanted<P> {
    /// Where the previous page ended; `None` for the first page.
    pub after: Option<P>,
    limit: i64,
}

impl<P: Serialize + DeserializeOwned> Wanted<P> {
    /// Checks the parameters `limit` and `cursor`.
    pub fn read(limit: Option<u32>, cursor: Option<&str>) -> Result<Wanted<P>> {
        let (limit, after) = (self::limit(limit)?, read(cursor)?);
        Ok(Wanted { after, limit })
    }

    /// How many items to read: one more than the page holds. The extra item tells that there is another page.
    pub fn to_read(&self) -> i64 {
        self.limit + 1
    }

    /// The page, from the items that were read. `count` is awaited only for the first page.
    pub async fn page<T>(
        &self,
        mut items: Vec<T>,
        position: impl FnOnce(&T) -> P,
        count: impl Future<Output = store::Result<u64>>,
    ) -> Result<Page<T>> {
        let next_cursor = cut(&mut items, self.limit, |item| write(&position(item)));
        let total = match self.after {
            Some(_) => None,
            None => Some(count.await?),
        };
        Ok(Page {
            items,
            next_cursor,
            total,
        })
    }
}

/// The size of a page: what the client asked for, or the default.
pub fn limit(asked: Option<u32>) -> Result<i64> {
    let limit = asked.unwrap_or(limits::PAGE_DEFAULT);
    if (1..=limits::PAGE).contains(&limit) {
        return Ok(i64::from(limit));
    }
    Err(Failure::invalid(
        "limit",
        format!("limit must be 1 to {}", limits::PAGE),
    ))
}

/// Cuts a list that was read one item longer than the page. Returns the cursor of the next page, made from the last
/// item that stays.
pub fn cut<T>(items: &mut Vec<T>, limit: i64, position: impl FnOnce(&T) -> String) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if items.len() <= limit {
        return None;
    }
    items.truncate(limit);
    items.last().map(position)
}
