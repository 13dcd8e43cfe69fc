//! Reads a stream's log as an audit trail. Live streams are in `follow`.

use super::{Ask, Caller, Load, Query, Result, Target, Targeted, bug, not_found};
use crate::store::log;
use crate::store::task_list::ListIndexes;
use serde_json::value::RawValue;
use taskwire_protocol::stream::{History, ReadHistory};
use taskwire_protocol::{Failure, StreamId, limits};

impl Targeted for ReadHistory {
    fn target(&self, _: &Caller) -> Target {
        match self.stream {
            StreamId::User(_) => Target::Own,
            StreamId::Workspace(id) => Target::Workspace(id),
        }
    }
}

impl Query for ReadHistory {
    fn load(&self, _caller: &Caller, _indexes: &ListIndexes) -> Load {
        Load::Long
    }

    async fn answer(self, ask: Ask) -> Result<History> {
        let caller = &ask.caller;
        if matches!(self.stream, StreamId::User(user) if user != caller.user.id || !caller.reaches_own()) {
            return Err(not_found("stream").at("stream"));
        }
        let limit = self.limit.unwrap_or(limits::HISTORY_DEFAULT);
        if !(1..=limits::HISTORY).contains(&limit) {
            return Err(Failure::invalid(
                "limit",
                format!("limit must be 1 to {}", limits::HISTORY),
            ));
        }
        let (after, limit) = (i64::try_from(self.after).unwrap_or(i64::MAX), i64::from(limit));
        let mut reader = ask.read().await?;
        let page = match self.task_id {
            None => log::page(&mut reader, self.stream, after, limit + 1).await,
            Some(task) => log::page_of_task(&mut reader, self.stream, task, after, limit + 1).await,
        };
        let page = page?;
        let has_more = page.len() as i64 > limit;
        let frames = page
            .into_iter()
            .take(usize::try_from(limit).unwrap_or(usize::MAX));
        let events: std::result::Result<_, _> =
            frames.map(|(_, frame)| RawValue::from_string(frame)).collect();
        Ok(History {
            events: events.map_err(|_| bug("the log has an entry that is not JSON"))?,
            has_more,
        })
    }
}
