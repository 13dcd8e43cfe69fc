//! Feeds the entries after a reader's cursors into an outlet: in bites, cursor by cursor, only while there is room. All
//! its state is in the cursors: a call can stop anywhere, and the next one continues. Does not know what an outlet is,
//! does not flush it, and has no timers.

use super::{
    Control, Dirty, Frame, Subscriptions,
    chatter::Said,
    cursor::{BITE, Found},
    page::NoPage,
    removals::Reader,
    ring::{Batch, Beyond},
};
use std::task::{Context, Poll};
use taskwire_protocol::StreamId;

/// The most bites of one call, over all cursors. The reader's own replies wait for no more than these.
const TURN: usize = 8;

/// Bytes read at a time in the search for urgent control.
const PEEK: usize = 16 * 1024;

/// The destination of frames, for example a socket's write buffer.
pub trait Outlet {
    /// Why the outlet cannot be fed any more.
    type Error;

    /// Ready when there is room for another [bite](Outlet::bite), or a single larger frame.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    /// How many bytes of frames make a bite. An outlet that adds to them wants fewer.
    fn bite(&self) -> usize {
        BITE
    }

    /// Announces how many frames and bytes come next, so that an outlet can reserve memory once for all of them.
    fn expect(&mut self, _frames: usize, _bytes: usize) {}

    /// Takes an event. It is called only after `poll_room` was ready, for one bite at a time. The outlet's owner
    /// flushes once after each `poll_deliver`.
    fn event(&mut self, frame: Frame, stream: StreamId, seq: u64) -> Result<(), Self::Error>;

    /// Takes a signal. It is called only after `poll_room` was ready.
    fn signal(&mut self, frame: Frame) -> Result<(), Self::Error>;
}

/// The result of [`Subscriptions::poll_deliver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Everything available was fed.
    All,
    /// The most bites of one call were fed: flush, send the reader's own replies, and call again without waiting.
    More,
    /// The user's own stream has an event for the server: act on it, and call again. Urgent ones may come twice.
    Control(Control),
    /// Retention removed entries that the cursor of this stream had not read. The cursor is at the head now: frames
    /// were skipped. Close with 4408, so that the client resumes and is told `resumed: false`.
    Overtaken(StreamId),
}

/// Why nothing more can be delivered to a reader.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop<E> {
    /// The outlet is gone.
    Outlet(E),
    /// An entry is missing in the log of this stream. To continue would hide the gap from the client: close with 4408.
    Broken(StreamId),
}

/// The outcome of a visit to a cursor.
enum Visit {
    /// A bite was read.
    Bite,
    /// The cursor has nothing more to feed.
    Done,
    /// The cursor waits for a page of the log.
    Waits,
    Stops(Delivered),
}

impl Subscriptions {
    /// Feeds what follows the cursors that `dirty` names, and what earlier calls left. Call it on every wake of the
    /// reader's task, then flush the outlet. When there is nothing to do, it costs two comparisons.
    ///
    /// Pending: the outlet has no room, or all that is left waits for the log; `cx` is woken when that changes. Take
    /// the dirty set with this `cx`'s waker registered ([`super::Wakeup::poll`]); otherwise marks that are set
    /// meanwhile do not wake the task.
    pub fn poll_deliver<O: Outlet>(
        &mut self,
        cx: &mut Context<'_>,
        dirty: Dirty,
        out: &mut O,
    ) -> Poll<Result<Delivered, Stop<O::Error>>> {
        if dirty.has_topics() {
            self.flag(dirty);
        }
        if self.flagged == 0 {
            return Poll::Ready(Ok(Delivered::All));
        }
        let mut fed = 0;
        let outcome = self.poll_turn(cx, out, &mut fed);
        if fed > 0 {
            self.hub.meters.delivered.increment(fed);
        }
        outcome
    }

    fn poll_turn<O: Outlet>(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut O,
        fed: &mut u64,
    ) -> Poll<Result<Delivered, Stop<O::Error>>> {
        let mut bites = 0;
        let mut waiting = 0; // how many of the last visits, in a row, found a cursor that waits for the log
        while waiting < self.flagged {
            if bites == TURN {
                return Poll::Ready(Ok(Delivered::More));
            }
            match out.poll_room(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(gone)) => return Poll::Ready(Err(Stop::Outlet(gone))),
                Poll::Pending => {
                    self.shed_signals();
                    let urgent = self.peek().map(|control| Ok(Delivered::Control(control)));
                    return urgent.map_or(Poll::Pending, Poll::Ready);
                }
            }
            let slot = self.next_flagged();
            match self.visit(cx, slot, out, fed)? {
                Visit::Bite => (bites, waiting) = (bites + 1, 0),
                Visit::Done => self.unflag(slot),
                Visit::Waits => waiting += 1,
                Visit::Stops(delivered) => return Poll::Ready(Ok(delivered)),
            }
        }
        if self.flagged == 0 {
            Poll::Ready(Ok(Delivered::All))
        } else {
            Poll::Pending
        }
    }

    /// The slot of the next flagged cursor, round-robin.
    fn next_flagged(&mut self) -> usize {
        let n = self.cursors.len();
        let is_flagged = |slot: &usize| self.cursors[*slot].as_ref().is_some_and(|c| c.flagged);
        let turn = (self.turn as usize).min(n);
        let slot = (turn..n).chain(0..turn).find(is_flagged).unwrap_or(0);
        self.turn = slot as u32 + 1;
        slot
    }

    fn visit<O: Outlet>(
        &mut self,
        cx: &mut Context<'_>,
        slot: usize,
        out: &mut O,
        fed: &mut u64,
    ) -> Result<Visit, Stop<O::Error>> {
        let (user, looked) = (self.user, self.looked);
        let Some(Some(cursor)) = self.cursors.get_mut(slot) else {
            return Ok(Visit::Done);
        };
        let stream = cursor.stream();
        let position = match (stream == StreamId::User(user), cursor.is_silent()) {
            (false, false) => cursor.seq,
            (false, true) => {
                cursor.shed_signals();
                return Ok(Visit::Done); // after the pause it reads what it missed
            }
            (true, false) => cursor.seq.min(looked),
            (true, true) => looked,
        };
        let mut batch = Batch::new();
        let found = match cursor.poll_read(cx, user, position, out.bite(), &mut batch) {
            Poll::Pending => {
                cursor.shed_signals();
                return Ok(Visit::Waits);
            }
            Poll::Ready(found) => found,
        };
        match found {
            Ok(Found::Frames { more }) => self.feed(slot, position, &mut batch, more, out, fed),
            Ok(Found::Nothing) => self.feed_signals(slot, out),
            Ok(Found::Ended) => {
                self.remove(slot);
                Ok(Visit::Done)
            }
            Err(NoPage::Broken) => {
                tracing::error!(stream = %stream, seq = position + 1, "an entry is missing in the log of this stream");
                Err(Stop::Broken(stream))
            }
            Err(NoPage::Overtaken(tail)) => {
                self.skip_to_head(slot, tail);
                Ok(Visit::Stops(Delivered::Overtaken(stream)))
            }
        }
    }

    /// Feeds a batch that was read after `position`; stops after a frame that the server must act on.
    fn feed<O: Outlet>(
        &mut self,
        slot: usize,
        position: u64,
        batch: &mut Batch,
        more: bool,
        out: &mut O,
        fed: &mut u64,
    ) -> Result<Visit, Stop<O::Error>> {
        let Some(Some(cursor)) = self.cursors.get(slot) else {
            return Ok(Visit::Done);
        };
        let (stream, silent) = (cursor.stream(), cursor.is_silent());
        let own = stream == StreamId::User(self.user);
        if !silent {
            out.expect(batch.len(), batch.iter().map(|frame| frame.len()).sum());
        }
        let mut written = cursor.seq;
        let mut told = None;
        let mut outcome = Ok(());
        for (frame, seq) in batch.drain(..).zip(position + 1..) {
            if own && seq > self.looked {
                self.looked = seq;
                told = self.read_control(&frame);
            }
            if !silent && seq > written {
                outcome = out.event(frame, stream, seq);
                if outcome.is_err() {
                    break;
                }
                written = seq;
                *fed += 1;
            }
            if told.is_some() {
                break;
            }
        }
        // looked up again: `read_control` may have removed another cursor, never this one
        let mut signals = false;
        if let Some(Some(cursor)) = self.cursors.get_mut(slot) {
            cursor.seq = written;
            if more {
                cursor.shed_signals();
            }
            signals = cursor.has_signals();
        }
        outcome.map_err(Stop::Outlet)?;
        match told {
            Some(control) => Ok(Visit::Stops(Delivered::Control(control))),
            None if more || signals => Ok(Visit::Bite),
            None => {
                self.unflag(slot);
                Ok(Visit::Bite)
            }
        }
    }

    /// Feeds the signals to a cursor at the head.
    fn feed_signals<O: Outlet>(&mut self, slot: usize, out: &mut O) -> Result<Visit, Stop<O::Error>> {
        let user = self.user;
        if let Some(Some(cursor)) = self.cursors.get_mut(slot)
            && cursor.has_signals()
        {
            if cursor.is_silent() {
                cursor.shed_signals();
                return Ok(Visit::Done);
            }
            let mut said = Said::new();
            cursor.take_signals(user, &mut said);
            for frame in said.drain(..) {
                out.signal(frame).map_err(Stop::Outlet)?;
            }
        }
        Ok(Visit::Done)
    }

    /// The outlet has no room: cursors that are behind get no signals.
    fn shed_signals(&mut self) {
        let behind = self.cursors.iter_mut().flatten().filter(|cursor| cursor.flagged);
        behind.for_each(super::cursor::Cursor::shed_signals);
    }

    /// Searches a frame of the user's own stream for control. Leaves a lost workspace before the frame that announces
    /// the loss is fed.
    fn read_control(&mut self, frame: &str) -> Option<Control> {
        let control = Control::read(frame)?;
        if let Control::Lost { workspace } = control {
            self.leave(StreamId::Workspace(workspace));
        }
        Some(control)
    }

    /// Looks ahead in the user's own stream for urgent control, while the outlet has no room. Entries that only the log
    /// has cannot be read in time: they count as a change of the account.
    fn peek(&mut self) -> Option<Control> {
        let cursor = self.cursors.get(self.slot_of_own()?)?.as_ref()?;
        let reader = Reader {
            user: self.user,
            since: cursor.since,
        };
        let topic = cursor.topic().clone();
        self.peeked = self.peeked.max(self.looked);
        loop {
            let mut batch = Batch::new();
            let more = match topic.read(self.peeked, reader, PEEK, &mut batch)? {
                Beyond::Nothing => return None,
                Beyond::Frames { more } => more,
                Beyond::OnlyInLog => {
                    self.peeked = topic.head().unwrap_or(self.peeked);
                    return Some(Control::AccountChanged);
                }
            };
            for frame in batch.drain(..) {
                self.peeked += 1;
                if let Some(control) = Control::read(&frame).filter(|control| control.is_urgent()) {
                    return Some(control);
                }
            }
            if !more {
                return None;
            }
        }
    }

    fn slot_of_own(&self) -> Option<usize> {
        self.slot(StreamId::User(self.user))
    }

    fn skip_to_head(&mut self, slot: usize, tail: u64) {
        let Some(Some(cursor)) = self.cursors.get_mut(slot) else {
            return;
        };
        cursor.topic().observe_tail(tail);
        let head = cursor.topic().head().unwrap_or(0);
        cursor.seq = head;
        if cursor.stream() == StreamId::User(self.user) {
            self.looked = head;
        }
    }
}
