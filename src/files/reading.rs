//! A range of an object that is read piece by piece, each when the reader wants it: a slow reader holds no connection to a
//! bucket, and needs the memory of one piece.

use super::{Files, Name, Result, measured};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, try_unfold};
use object_store::ObjectStoreExt as _;
use std::ops::Range;

impl Files {
    /// These bytes of an object, which must be there. The first piece is read at once; `None` if there is no such object.
    pub async fn read(
        &self,
        name: Name,
        range: Range<u64>,
    ) -> Result<Option<BoxStream<'static, Result<Bytes>>>> {
        let first = match self.piece(&name, range.clone()).await {
            Ok(piece) => piece,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        };
        let rest = range.start + first.len() as u64..range.end;
        let files = self.clone();
        let rest = try_unfold((files, name, rest), async |(files, name, range)| {
            if range.is_empty() {
                return Ok(None);
            }
            let piece = files.piece(&name, range.clone()).await?;
            let rest = range.start + piece.len() as u64..range.end;
            Ok(Some((piece, (files, name, rest))))
        });
        let first = futures_util::stream::iter((!first.is_empty()).then_some(Ok(first)));
        Ok(Some(first.chain(rest).boxed()))
    }

    /// The first piece of a range.
    async fn piece(&self, name: &Name, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let end = range.end.min(range.start.saturating_add(self.piece));
        measured("get", self.store.get_range(name.path(), range.start..end)).await
    }
}
