//! Pages of lists. A cursor tells where a page ended, and of which list. It is JSON in base64url (RFC 4648, section 5),
//! opaque to clients.

use super::{Caller, Result};
use crate::store;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};
use taskwire_protocol::{Failure, Operation, Page, limits};

/// Bytes of a list's name in its cursors. Nobody gains by making two lists with the same name.
const NAME: usize = 12;

/// Which list a cursor belongs to: the operation, who asks, and every parameter but the page and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List(String);

impl List {
    /// The list that `asked` asks for. Parameters with a default should be filled in: a request that names the default asks
    /// for the same list as one that omits it.
    pub fn of<Q: Operation>(asked: &Q, caller: &Caller) -> List {
        let mut asked = serde_json::to_value(asked).unwrap_or_default();
        if let Value::Object(parameters) = &mut asked {
            parameters.remove("cursor");
            parameters.remove("limit");
        }
        let digest = Sha256::new()
            .chain_update(Q::NAME)
            .chain_update(caller.user.id.0)
            .chain_update(asked.to_string())
            .finalize();
        List(URL_SAFE_NO_PAD.encode(&digest[..NAME]))
    }

    /// Any list, for fuzzers.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn for_fuzzing() -> List {
        List("AAAAAAAAAAAAAAAA".to_owned())
    }

    /// Encodes a position in this list as a cursor.
    pub fn cursor(&self, position: &impl Serialize) -> String {
        let cursor = Cursor {
            list: self.0.as_str().into(),
            at: position,
        };
        URL_SAFE_NO_PAD.encode(serde_json::to_string(&cursor).unwrap_or_default())
    }

    /// Reads a cursor back.
    pub fn position<P: DeserializeOwned>(&self, cursor: Option<&str>) -> Result<Option<P>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let read = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|json| serde_json::from_slice::<Cursor<Value>>(&json).ok())
            .filter(|cursor| cursor.list == self.0 && !holds_nul(&cursor.at))
            .and_then(|cursor| serde_json::from_value(cursor.at).ok());
        read.map(Some).ok_or_else(refused)
    }
}

/// What a cursor says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor<P> {
    list: String,
    at: P,
}

/// Whether the position contains U+0000, which PostgreSQL refuses in text. Cursors that [`List`] makes never contain it.
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
        "cursor belongs to another list: send it with the parameters of the page that it came with, or omit it to start \
         from the first page",
    )
}

/// The page of a list that a client asked for. `P` is the position at which the previous page ended.
pub struct Wanted<P> {
    /// Where the previous page ended; `None` for the first page.
    pub after: Option<P>,
    limit: i64,
    list: List,
}

impl<P: Serialize + DeserializeOwned> Wanted<P> {
    /// Checks the parameters `limit` and `cursor`.
    pub fn read(list: List, limit: Option<u32>, cursor: Option<&str>) -> Result<Wanted<P>> {
        let (limit, after) = (self::limit(limit)?, list.position(cursor)?);
        Ok(Wanted { after, limit, list })
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
        let next_cursor = cut(&mut items, self.limit, |item| self.list.cursor(&position(item)));
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

/// Cuts a list that was read one item longer than the page. Returns what `position` makes of the last item, if there is
/// another page.
pub fn cut<T, P>(items: &mut Vec<T>, limit: i64, position: impl FnOnce(&T) -> P) -> Option<P> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if items.len() <= limit {
        return None;
    }
    items.truncate(limit);
    items.last().map(position)
}
