//! A reader's position in one stream. Reads what follows it from the ring, or from pages of the log when the ring no
//! longer has it. Does not know where the frames are fed.

use super::{
    chatter::Said,
    page::{NoPage, Page, PageKey},
    reads::PageReading,
    removals::Reader,
    ring::{Batch, Beyond},
    topic::Topic,
    watch::Watch,
};
use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};
use taskwire_protocol::{StreamId, UserId};

/// Bytes read at a time, unless the outlet wants fewer. An outlet that reports room must be able to take them.
pub(crate) const BITE: usize = 16 * 1024;

/// Whether a stream's frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Frames are written.
    Deliver,
    /// Frames are only searched for [`super::Control`]: the user's own stream, for a reader that does not follow it.
    Watch,
}

/// A position in a stream. It fills one cache line: every delivery fetches one.
#[repr(align(64))]
pub(crate) struct Cursor {
    watch: Watch,
    /// The last seq that was fed, or skipped on purpose.
    pub(crate) seq: u64,
    /// Removals up to this seq were known when the user was given access.
    pub(crate) since: u64,
    /// The page of the log that the cursor waits for or reads. Boxed, because it is rare.
    catch_up: Option<Box<CatchUp>>,
    pub(crate) mode: Mode,
    pub(crate) paused: bool,
    /// There may be entries after the position, or signals.
    pub(crate) flagged: bool,
    /// How many signals of the topic were delivered or shed. A `u32`, to fit into the padding.
    heard: u32,
}

enum CatchUp {
    Reading(PageReading),
    Holding(Arc<Page>),
}

/// The result of a read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The cursor is at the head.
    Nothing,
    /// Frames were put into the batch; whether more follow.
    Frames { more: bool },
    /// The user was removed, and all entries before the removal were read.
    Ended,
}

impl Cursor {
    pub(crate) fn new(watch: Watch, seq: u64, since: u64, mode: Mode) -> Cursor {
        let heard = watch.topic.said();
        Cursor {
            watch,
            seq,
            since,
            catch_up: None,
            mode,
            paused: false,
            flagged: false,
            heard,
        }
    }

    pub(crate) fn stream(&self) -> StreamId {
        self.watch.topic.stream
    }

    pub(crate) fn topic(&self) -> &Arc<Topic> {
        &self.watch.topic
    }

    /// Whether the cursor feeds nothing: it is paused, or only watches.
    pub(crate) fn is_silent(&self) -> bool {
        self.paused || self.mode == Mode::Watch
    }

    /// Whether there was a signal since the last look.
    pub(crate) fn has_signals(&self) -> bool {
        self.heard != self.watch.topic.said()
    }

    /// Skips the signals: the reader is behind, or silent.
    pub(crate) fn shed_signals(&mut self) {
        self.heard = self.watch.topic.said();
    }

    /// Takes the signals that are still fresh. Call it at the head only: events come first.
    pub(crate) fn take_signals(&mut self, user: UserId, said: &mut Said) {
        let reader = Reader {
            user,
            since: self.since,
        };
        self.heard = self.watch.topic.listen(self.heard, reader, said);
    }

    /// Drops the page that is held, or the read of it.
    pub(crate) fn drop_page(&mut self) {
        self.catch_up = None;
    }

    /// Reads what follows `position` into an empty batch, about `bite` bytes of it. Pending while a page of the log is being read; the page then
    /// wakes `cx`.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        user: UserId,
        position: u64,
        bite: usize,
        batch: &mut Batch,
    ) -> Poll<Result<Found, NoPage>> {
        let reader = Reader {
            user,
            since: self.since,
        };
        loop {
            let found = match self.catch_up.as_deref_mut() {
                None => match self.watch.topic.read(position, reader, bite, batch) {
                    None => Some(Found::Ended),
                    Some(Beyond::Nothing) => Some(Found::Nothing),
                    Some(Beyond::Frames { more }) => Some(Found::Frames { more }),
                    Some(Beyond::OnlyInLog) => None,
                },
                Some(CatchUp::Holding(page)) => {
                    let found = read_page(page, &self.watch.topic, position, reader, bite, batch);
                    if found.is_none() {
                        self.catch_up = None; // the page is used up or outdated: back to the ring
                        continue;
                    }
                    found
                }
                Some(CatchUp::Reading(reading)) => {
                    let page = ready!(reading.as_mut().poll(cx));
                    self.catch_up = None;
                    self.hold(page?);
                    continue;
                }
            };
            match found {
                Some(found) => return Poll::Ready(Ok(found)),
                None => self.catch_up = Some(Box::new(CatchUp::Reading(self.ask(position, reader)))),
            }
        }
    }

    fn ask(&self, position: u64, reader: Reader) -> PageReading {
        let Watch { hub, topic, .. } = &self.watch;
        let bounds = topic.bounds(reader);
        hub.meters.catch_ups.increment(1);
        hub.meters.lag.record(bounds.head.saturating_sub(position) as f64);
        let key = PageKey {
            stream: topic.stream,
            after: position,
            edition: bounds.edition,
        };
        hub.page(key, reader.user)
    }

    fn hold(&mut self, page: Arc<Page>) {
        for (user, seq) in &page.removals {
            self.watch.topic.remove(*user, *seq); // before any frame of the page is fed
        }
        self.catch_up = Some(Box::new(CatchUp::Holding(page)));
    }
}

/// Reads from a held page; `None` when it has no frame after `position` that may be fed.
fn read_page(
    page: &Page,
    topic: &Topic,
    position: u64,
    reader: Reader,
    bite: usize,
    batch: &mut Batch,
) -> Option<Found> {
    let bounds = topic.bounds(reader);
    if page.edition != bounds.edition {
        return None;
    }
    match page.fill(position, bounds.last, bite, batch) {
        0 => None,
        taken => Some(Found::Frames {
            more: position + taken < bounds.last || bounds.ends,
        }),
    }
}
