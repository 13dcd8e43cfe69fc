//! A person at work: sends requests on one socket, in a closed loop or when the clock gives a turn, and reads the
//! answers. `mind` chooses the requests and checks the answers. Does not measure.

use crate::connection::PATIENCE;
use crate::link::Link;
use crate::mind::{Desk, Mind, Workplace};
use crate::mix::Mix;
use crate::trouble::Trouble;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// Requests under way on a socket: half of the server's limit, so that the server never stops reading.
const IN_FLIGHT: usize = 32;

/// When to send requests.
pub(crate) enum Turns {
    /// As soon as the previous request is answered.
    AsAnswered,
    /// When the clock says so, whether or not requests are answered.
    ByClock(Receiver<Instant>),
}

impl Turns {
    /// Ends the turns, and returns how many were given but not taken.
    fn left(&mut self) -> u64 {
        let Turns::ByClock(turns) = self else {
            return 0;
        };
        turns.close();
        std::iter::from_fn(|| turns.try_recv().ok()).count() as u64
    }
}

/// A user of the server with one socket.
pub(crate) struct Person {
    link: Link,
    mind: Mind,
}

impl Person {
    /// A person whose socket follows no stream.
    pub(crate) fn new(link: Link, workplaces: Vec<Workplace>, mix: Mix, seed: u64) -> Person {
        let mind = Mind::new(workplaces, mix, seed);
        Person { link, mind }
    }

    /// Works until the shift is over or the turns end, and waits for the last answer. Turns that are left then are
    /// added to the dropped ones.
    pub(crate) async fn work(mut self, desk: Arc<dyn Desk>, mut turns: Turns) -> Result<(), Trouble> {
        let worked = self.take_turns(&*desk, &mut turns).await;
        desk.dropped(turns.left());
        worked
    }

    async fn take_turns(&mut self, desk: &dyn Desk, turns: &mut Turns) -> Result<(), Trouble> {
        let mut text = String::new();
        while let Some(turn) = self.turn(desk, turns).await? {
            self.mind.ask(&mut text, turn);
            self.link.send(&text).await?;
        }
        while self.mind.under_way() > 0 {
            self.hear(desk).await?;
        }
        Ok(())
    }

    /// Waits for the next turn; `None` when there are no more. Turns that the clock gave before the end are also taken
    /// after it: requests that a slow server delayed must not be missing from the numbers.
    async fn turn(&mut self, desk: &dyn Desk, turns: &mut Turns) -> Result<Option<Instant>, Trouble> {
        let Turns::ByClock(turns) = turns else {
            while self.mind.under_way() > 0 {
                self.hear(desk).await?;
            }
            return Ok((!desk.is_over()).then(Instant::now));
        };
        loop {
            if desk.is_late() {
                return Ok(None);
            }
            if self.mind.under_way() >= IN_FLIGHT {
                self.hear(desk).await?;
                continue;
            }
            let Person { link, mind } = self;
            tokio::select! {
                biased;
                read = link.read(|now, text| mind.hear(now, text, desk)) => read?,
                turn = turns.recv() => return Ok(turn),
            }
        }
    }

    async fn hear(&mut self, desk: &dyn Desk) -> Result<(), Trouble> {
        let Person { link, mind } = self;
        timeout(PATIENCE, link.read(|now, text| mind.hear(now, text, desk)))
            .await
            .map_err(|_| Trouble::TooLate("an answer", PATIENCE))?
    }
}
