//! Calendar feeds: who has a feed's secret reads the pending tasks of its person that have a date. The list of them has only
//! ids and versions, and tells whether anything has changed; a program that asks again and again costs no more. The secret
//! is looked up by its hash, and again before each page.

use super::pieces::{Pieces, Sink, Stop, body};
use super::running::{Place, Room, Running};
use super::series::standings;
use crate::auth::api_tokens::read_calendar;
use crate::auth::limits::Limit;
use crate::domain::ics::{About, Calendar, Component, Standing};
use crate::engine::{Engine, finished};
use crate::ops::not_found;
use crate::store::calendars::{self, Shown};
use bytes::Bytes;
use chrono_tz::IANA_TZDB_VERSION;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::limits::CALENDAR;
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::task::Task;
use taskwire_protocol::{Failure, TaskId, UserId};
use tracing::Instrument as _;

/// Of the tasks that somebody is assigned to, the newest so many are looked at.
const MOST: i64 = 20_000;
/// The tasks that are read at once.
const PAGE: usize = 250;
/// The longest time of a feed.
const LONGEST: Duration = Duration::from_mins(5);
/// How often a calendar program should ask, in hours.
const PAUSE: u32 = 1;
static ROOM: Room = Room {
    each: 2,
    all: 32,
    already: "this calendar is being read twice at this moment; try again shortly",
    too_many: "too many calendars at once; try again shortly",
    retry_after_ms: 2000,
};

pub(super) fn running() -> Running {
    Running::new(&ROOM)
}

/// A feed that may be read.
pub struct CalendarFeed {
    /// Its entity tag: another one when a task of it has changed.
    pub tag: String,
    engine: Engine,
    hash: Arc<str>,
    user: UserId,
    component: Component,
    tasks: Vec<Shown>,
}

impl Engine {
    /// The feed with this secret, for a client with this address.
    ///
    /// # Errors
    /// `NOT_FOUND` for each secret that is not, or not any more, one of a feed.
    pub async fn calendar(
        &self,
        secret: &str,
        events: bool,
        address: Option<IpAddr>,
    ) -> Result<CalendarFeed, Failure> {
        let hash: Option<Arc<str>> = read_calendar(secret).map(|hash| hash.hex().into());
        let found = match hash {
            Some(hash) => {
                let user = finished(self.clone().user_of_feed(hash.clone())).await?;
                user.map(|user| (hash, user))
            }
            None => None,
        };
        let Some((hash, user)) = found else {
            if let Some(address) = address {
                self.0.limits.take(Limit::WrongCalendars, address).await?;
            }
            return Err(not_found("calendar feed"));
        };
        self.0.limits.take(Limit::CalendarReads, user).await?;
        let tasks = finished(self.clone().tasks_of_feed(user)).await?;
        let component = if events { Component::Event } else { Component::Todo };
        Ok(CalendarFeed {
            tag: tag(component, &tasks),
            engine: self.clone(),
            hash,
            user,
            component,
            tasks,
        })
    }

    async fn user_of_feed(self, hash: Arc<str>) -> Result<Option<UserId>, Failure> {
        Ok(calendars::find_user(&mut self.0.store.read().await?, &hash).await?)
    }

    async fn tasks_of_feed(self, user: UserId) -> Result<Vec<Shown>, Failure> {
        let mut reader = self.page(user).await?;
        let mut tasks = calendars::shown(&mut reader, user, CALENDAR as i64, MOST).await?;
        tasks.sort_unstable_by_key(|task| (task.due_at, task.id));
        tasks.truncate(CALENDAR);
        Ok(tasks)
    }
}

/// What is sent depends on the tasks alone, on these only by their versions, and on the time zones of those that repeat.
fn tag(component: Component, tasks: &[Shown]) -> String {
    let mut digest = Sha256::new();
    digest.update([u8::from(component == Component::Event)]);
    for task in tasks {
        digest.update(task.id.0.as_bytes());
        digest.update(task.version.to_be_bytes());
        if let Some(zone) = &task.zone {
            digest.update(zone);
            digest.update(IANA_TZDB_VERSION);
        }
    }
    let digest = digest.finalize();
    let mut text = String::from("\"");
    for byte in digest.iter().take(16) {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    text
}

impl CalendarFeed {
    /// Begins to send it. It ends when it is dropped.
    pub fn begin(self) -> Result<Pieces, Failure> {
        let place = self.engine.0.downloads.calendars.take(self.user)?;
        let (sink, pieces) = body(LONGEST);
        tokio::spawn(self.carry_out(sink, place).in_current_span());
        Ok(pieces)
    }

    async fn carry_out(self, sink: Sink, place: Place) {
        match self.write(&sink, place).await {
            Ok(()) | Err(Stop::Gone) => {}
            Err(Stop::Failed(failure)) => {
                let (code, reason) = (failure.code, &*failure.message);
                tracing::warn!(user.id = %self.user, ?code, reason, "a calendar feed broke off");
                sink.fail(failure);
            }
        }
    }

    async fn write(&self, sink: &Sink, place: Place) -> Result<(), Stop> {
        let about = About {
            // what the stage of a pending task means may change without the task
            kind: StageKind::Open,
            project: None,
            reminds: false,
            standing: None,
        };
        let mut text = String::new();
        let mut calendar = Calendar::begin(self.component, "Taskwire", Some(PAUSE), &mut text);
        for page in self.tasks.chunks(PAGE) {
            for (task, standing) in self.page(sink, page).await? {
                calendar.add(&task, About { standing, ..about }, &mut text);
            }
            sink.pass(Bytes::from(std::mem::take(&mut text))).await?;
        }
        calendar.end(&mut text);
        drop(place);
        sink.end(Bytes::from(text)).await
    }

    /// These tasks in their order, without those that went out of the feed meanwhile.
    async fn page(&self, sink: &Sink, page: &[Shown]) -> Result<Vec<(Task, Option<Standing>)>, Stop> {
        sink.in_time()?;
        let ids: Vec<TaskId> = page.iter().map(|task| task.id).collect();
        let mut reader = self.engine.page(self.user).await?;
        let found = calendars::tasks(&mut reader, self.user, &ids).await?;
        let mut standings = standings(&mut reader, &found).await?;
        // after the read: who ended the feed before it shows nothing more
        let user = calendars::find_user(&mut reader, &self.hash).await?;
        user.filter(|user| *user == self.user)
            .ok_or_else(|| not_found("calendar feed"))?;
        let mut found: HashMap<TaskId, Task> = found.into_iter().map(|task| (task.id, task)).collect();
        let tasks = ids.iter().filter_map(|id| found.remove(id));
        Ok(tasks
            .map(|task| {
                let standing = standings.remove(&task.id);
                (task, standing)
            })
            .collect())
    }
}
