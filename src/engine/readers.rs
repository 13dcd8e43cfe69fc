//! Who reads from the database now. Each user has a share of the connections, and what reads much has a share of its own, so
//! that nobody's searches keep the others waiting. Sessions, pages of the log, jobs and probes do not ask here: two
//! connections are left to them.

use super::Engine;
use super::gate::{Gate, Place};
use crate::ops::Load;
use crate::store::{Reader, Result, Store};
use metrics::Gauge;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;
use taskwire_protocol::UserId;

/// The connections that are left to everything else.
const LEFT: usize = 2;

/// The turns of those who read.
pub(super) struct Readers {
    all: Arc<Gate>,
    /// Those who read much. Each of them needs a place among all, too.
    long: Arc<Gate>,
    /// Those who have an index for lists built: one at a time.
    builders: Arc<Gate>,
    meters: Meters,
}

struct Meters {
    short: Gauge,
    long: Gauge,
    waiting: Gauge,
}

/// The right to read, until it is dropped.
pub(super) struct Turn {
    busy: Gauge,
    _place: Place,
    _long: Option<Place>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.busy.decrement(1.0);
    }
}

/// Somebody who waits.
struct Waiting<'a>(&'a Gauge);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// A connection for a page of something long, and its user's turn.
pub(super) struct Page {
    reader: Reader,
    _turn: Turn,
}

impl Deref for Page {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl DerefMut for Page {
    fn deref_mut(&mut self) -> &mut Reader {
        &mut self.reader
    }
}

impl Readers {
    /// For the connections of a database, of which a user gets so many percent.
    pub(super) fn new(store: &Store, percent: usize) -> Readers {
        let places = store.readers().saturating_sub(LEFT).max(1);
        let each = (places * percent).div_ceil(100);
        // the CPUs that read an SQLite file are this node's
        let long_each = if store.is_shared() { 2 } else { 1 };
        let meters = Meters {
            short: metrics::gauge!("taskwire_readers_busy", "load" => "short"),
            long: metrics::gauge!("taskwire_readers_busy", "load" => "long"),
            waiting: metrics::gauge!("taskwire_readers_waiting"),
        };
        for meter in [&meters.short, &meters.long] {
            meter.set(0.0);
        }
        Readers {
            all: Gate::new(places, each),
            long: Gate::new(places / 2, long_each.min(each)),
            builders: Gate::new(1, 1),
            meters,
        }
    }

    /// Waits for a user's turn.
    pub(super) async fn enter(&self, user: UserId, load: Load) -> Turn {
        let (long, busy) = match load {
            Load::Short => (None, &self.meters.short),
            Load::Long => (Some(self.wait(&self.long, user).await), &self.meters.long),
        };
        let place = self.wait(&self.all, user).await;
        busy.increment(1.0);
        Turn {
            busy: busy.clone(),
            _place: place,
            _long: long,
        }
    }

    /// Waits until a user may have an index built.
    pub(super) async fn build(&self, user: UserId) -> Place {
        match self.builders.take(user) {
            Ok(place) => place,
            Err(turn) => received(turn).await,
        }
    }

    async fn wait(&self, gate: &Arc<Gate>, user: UserId) -> Place {
        let turn = match gate.take(user) {
            Ok(place) => return place,
            Err(turn) => turn,
        };
        let begun = Instant::now();
        self.meters.waiting.increment(1.0);
        let waiting = Waiting(&self.meters.waiting);
        let place = received(turn).await;
        drop(waiting);
        metrics::histogram!("taskwire_reader_wait_seconds").record(begun.elapsed().as_secs_f64());
        place
    }
}

/// The gate keeps the sender until it gives a place.
async fn received(turn: tokio::sync::oneshot::Receiver<Place>) -> Place {
    match turn.await {
        Ok(place) => place,
        Err(_) => std::future::pending().await,
    }
}

impl Engine {
    /// A connection for a page of something long, when it is its user's turn. What is read must end in the time of a query.
    pub(super) async fn page(&self, user: UserId) -> Result<Page> {
        let turn = self.0.readers.enter(user, Load::Long).await;
        let reader = self.bounded().read().await?;
        Ok(Page { reader, _turn: turn })
    }

    /// Waits for the turn of a user who reads little, and for a connection.
    pub(super) async fn short_page(&self, user: UserId) -> Result<Page> {
        let turn = self.0.readers.enter(user, Load::Short).await;
        let reader = self.bounded().read().await?;
        Ok(Page { reader, _turn: turn })
    }

    /// Like [`Engine::page`]; all of the page is of one moment.
    pub(super) async fn page_of_a_moment(&self, user: UserId) -> Result<Page> {
        let turn = self.0.readers.enter(user, Load::Long).await;
        let reader = self.bounded().moment().await?;
        Ok(Page { reader, _turn: turn })
    }

    /// The store for what must end in the time of a query, from now on.
    pub(super) fn bounded(&self) -> Store {
        self.0.store.until(Instant::now() + self.0.query)
    }
}
