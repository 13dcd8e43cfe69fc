//! The cursors of one reader: joins and leaves streams, pauses, resumes from a position. `deliver` feeds the frames.
//! Does not know whether the user may read a stream: `follow` checks that.

use super::{
    Dirty, Hub, LogUnavailable, Wakeup,
    cursor::{Cursor, Mode},
    join::{Joined, Start, enter},
    wakeup::{SLOT_BITS, Slot},
    watch::Watch,
};
use std::sync::Arc;
use taskwire_protocol::{StreamId, UserId};

/// The cursors of one reader. Dropping it leaves every stream. `repr(C)` keeps the order of the fields, so that the
/// fields that a delivery touches are next to each other in memory.
#[repr(C)]
pub struct Subscriptions {
    /// A cursor's index is its slot.
    pub(crate) cursors: Vec<Option<Cursor>>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) user: UserId,
    /// How many cursors are flagged.
    pub(crate) flagged: u32,
    /// The slot whose turn it is.
    pub(crate) turn: u32,
    /// Up to this seq the user's own stream was searched for control. Separate from the cursor's position, which stands
    /// still during a pause and jumps at a second join.
    pub(crate) looked: u64,
    pub(crate) wakeup: Arc<Wakeup>,
    /// Up to this seq the user's own stream was searched for urgent control. It is ahead of the position while the
    /// outlet has no room.
    pub(crate) peeked: u64,
}

impl Subscriptions {
    /// A reader of `user`, without a cursor yet.
    pub fn new(hub: Arc<Hub>, user: UserId) -> Subscriptions {
        let wakeup = Arc::new(Wakeup::new(user));
        Subscriptions {
            hub,
            wakeup,
            user,
            cursors: Vec::new(),
            flagged: 0,
            turn: 0,
            looked: 0,
            peeked: 0,
        }
    }

    /// The wakeup of the reader's task; a socket's read half calls it too.
    pub fn wakeup(&self) -> &Arc<Wakeup> {
        &self.wakeup
    }

    /// Places a cursor in a stream. A cursor that is there already is moved, gets the mode, and ends its pause. The
    /// first cursor in the user's own stream starts the search for control, at the head.
    ///
    /// Check whether the user may read the stream *after* joining it and before delivering; if not, leave it. Then a
    /// removal is either seen by that check, or ends the cursor. When the log does not answer, nothing has changed, and
    /// the caller may join again.
    pub async fn join(
        &mut self,
        stream: StreamId,
        start: Start,
        mode: Mode,
    ) -> Result<Joined, LogUnavailable> {
        if let Some(slot) = self.slot(stream) {
            let Some(topic) = self.cursors[slot].as_ref().map(|c| c.topic().clone()) else {
                return Err(LogUnavailable);
            };
            let joined = enter(&self.hub, &topic, start).await?;
            if let Some(cursor) = &mut self.cursors[slot] {
                cursor.seq = joined.position(start);
                cursor.since = joined.seq;
                cursor.mode = mode;
                cursor.paused = false;
                cursor.drop_page();
            }
            self.flag_slot(slot);
            return Ok(joined);
        }
        let slot = self.free_slot();
        let watch = self.hub.watch(stream, &self.wakeup, slot as Slot);
        self.hub.fill(&watch.topic).await?;
        let joined = enter(&self.hub, &watch.topic, start).await?;
        self.place(slot, watch, joined, joined.position(start), mode);
        Ok(joined)
    }

    /// Removes the cursor; false when there was none.
    pub fn leave(&mut self, stream: StreamId) -> bool {
        let slot = self.slot(stream);
        slot.inspect(|slot| self.remove(*slot)).is_some()
    }

    /// Writes nothing of the stream until [`Subscriptions::go_on`]. The user's own stream is still searched for
    /// control.
    pub fn pause(&mut self, stream: StreamId) {
        if let Some(cursor) = self.cursor(stream) {
            cursor.paused = true;
            cursor.drop_page();
        }
    }

    /// Ends a pause. With `after`, the next frame is the one after that seq: the user was given access again there.
    pub fn go_on(&mut self, stream: StreamId, after: Option<u64>) {
        let Some(slot) = self.slot(stream) else { return };
        if let Some(cursor) = &mut self.cursors[slot] {
            cursor.paused = false;
            if let Some(after) = after {
                cursor.seq = after;
                cursor.since = cursor.since.max(after);
                cursor.drop_page();
            }
        }
        self.flag_slot(slot);
    }

    /// The user was given access to a stream when its head was `seq`. Removals up to that seq are older, even if this
    /// instance learns of them later; any newer one ends the cursor.
    pub fn let_in(&mut self, stream: StreamId, seq: u64) {
        if let Some(cursor) = self.cursor(stream) {
            cursor.since = seq;
        }
    }

    /// The head of a stream with a cursor, as far as this instance knows; 0 without one. Does not move the cursor. A
    /// second join could move it away from the position that the client was told.
    pub fn head(&self, stream: StreamId) -> u64 {
        let slot = self.slot(stream);
        let cursor = slot.and_then(|slot| self.cursors[slot].as_ref());
        cursor.and_then(|cursor| cursor.topic().head()).unwrap_or(0)
    }

    /// The streams that are delivered, and the last seq of each that was fed.
    pub fn positions(&self) -> impl Iterator<Item = (StreamId, u64)> {
        let delivers = self
            .cursors
            .iter()
            .flatten()
            .filter(|cursor| cursor.mode == Mode::Deliver);
        delivers.map(|cursor| (cursor.stream(), cursor.seq))
    }

    /// The last seq up to which the user's own stream was searched for control.
    pub fn told(&self) -> u64 {
        self.looked.max(self.peeked)
    }

    /// How many streams have a cursor, even one that only watches.
    pub fn count(&self) -> usize {
        self.cursors.iter().flatten().count()
    }

    /// Whether the stream has a cursor, even one that only watches.
    pub fn has(&self, stream: StreamId) -> bool {
        self.slot(stream).is_some()
    }

    /// Remembers the cursors that a dirty set names, for the next delivery.
    pub fn keep(&mut self, dirty: Dirty) {
        self.flag(dirty);
    }

    /// Flags the cursors that a dirty set names.
    pub(crate) fn flag(&mut self, dirty: Dirty) {
        for first in dirty.slots() {
            for slot in (first..self.cursors.len()).step_by(SLOT_BITS as usize) {
                self.flag_slot(slot);
            }
        }
    }

    pub(crate) fn unflag(&mut self, slot: usize) {
        if let Some(Some(cursor)) = self.cursors.get_mut(slot)
            && std::mem::take(&mut cursor.flagged)
        {
            self.flagged -= 1;
        }
    }

    /// Removes a cursor.
    pub(crate) fn remove(&mut self, slot: usize) {
        self.unflag(slot);
        self.cursors[slot] = None;
        while self.cursors.last().is_some_and(Option::is_none) {
            self.cursors.pop();
        }
    }

    pub(crate) fn slot(&self, stream: StreamId) -> Option<usize> {
        self.cursors
            .iter()
            .position(|cursor| cursor.as_ref().is_some_and(|c| c.stream() == stream))
    }

    fn cursor(&mut self, stream: StreamId) -> Option<&mut Cursor> {
        self.cursors
            .iter_mut()
            .flatten()
            .find(|cursor| cursor.stream() == stream)
    }

    fn free_slot(&self) -> usize {
        self.cursors
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.cursors.len())
    }

    fn place(&mut self, slot: usize, watch: Watch, joined: Joined, position: u64, mode: Mode) {
        let cursor = Cursor::new(watch, position, joined.seq, mode);
        if cursor.stream() == StreamId::User(self.user) {
            (self.looked, self.peeked) = (joined.seq, joined.seq);
        }
        if slot == self.cursors.len() {
            self.cursors.reserve_exact(1); // most readers have two or three; doubling would waste more than it saves
            self.cursors.push(None);
        }
        self.cursors[slot] = Some(cursor);
        self.flag_slot(slot); // earlier marks found no cursor to flag
    }

    fn flag_slot(&mut self, slot: usize) {
        if let Some(Some(cursor)) = self.cursors.get_mut(slot)
            && !std::mem::replace(&mut cursor.flagged, true)
        {
            if self.flagged == 0 {
                self.turn = slot as u32; // the search for a flagged cursor starts with this one
            }
            self.flagged += 1;
        }
    }
}
