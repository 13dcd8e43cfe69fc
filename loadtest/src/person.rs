//! One who uses the server: asks for this and that on one socket, in a closed loop or when it is their turn, and checks
//! every answer: that it comes in order, and that a list shows what was made before it. Does not measure.

use crate::board::{Board, lock};
use crate::check::{Fault, Ledger};
use crate::link::{Answer, Link, PATIENCE};
use crate::mix::{Dice, Kind, Mix};
use crate::trouble::Trouble;
use crate::writer::{create, note};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use taskwire_protocol::WorkspaceId;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use uuid::Uuid;

/// Requests under way on a socket: half of what the server announces, so that it never stops reading.
const IN_FLIGHT: usize = 32;
/// Tasks that a person remembers to work on.
const REMEMBERED: usize = 50;
/// Tasks that a list asks for.
const PAGE: usize = 20;

/// Where the answers of all people go.
pub(crate) trait Desk: Send + Sync {
    fn board(&self) -> &Board;
    fn ledger(&self) -> &Mutex<Ledger>;
    /// Whether it is time to stop asking as soon as the request before was answered.
    fn is_over(&self) -> bool;
    /// Whether turns that nobody has taken yet are given up.
    fn is_late(&self) -> bool;
    /// So many turns were never taken.
    fn dropped(&self, turns: u64);
    /// A request whose turn was at `intended` was answered at `now`; `audience` sockets get its event.
    fn done(&self, kind: Kind, intended: Instant, now: Instant, audience: u64);
}

/// When to ask.
pub(crate) enum Turns {
    /// As soon as the request before was answered.
    AsAnswered,
    /// When the clock says so, whatever was answered.
    ByClock(Receiver<Instant>),
}

impl Turns {
    /// How many had come and were not taken. None comes any more.
    fn left(&mut self) -> u64 {
        let Turns::ByClock(turns) = self else {
            return 0;
        };
        turns.close();
        std::iter::from_fn(|| turns.try_recv().ok()).count() as u64
    }
}

/// A workspace that a person works in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// `None`: their own one.
    pub(crate) workspace: Option<WorkspaceId>,
    /// Sockets that follow it.
    pub(crate) audience: u64,
}

/// One who uses the server.
pub(crate) struct Person {
    link: Link,
    mind: Mind,
}

/// What a person knows.
struct Mind {
    places: Vec<Place>,
    mix: Mix,
    dice: Dice,
    tasks: VecDeque<Task>,
    asked: VecDeque<Asked>,
    count: u64,
    /// The task made last in a workspace that nobody else works in: clients that share a token share it too.
    newest: Option<Uuid>,
}

struct Task {
    id: Uuid,
    completed: bool,
    audience: u64,
}

/// A request that is not answered yet.
struct Asked {
    id: u64,
    kind: Kind,
    op_id: Uuid,
    intended: Instant,
    audience: u64,
    /// What a list has to show.
    newest: Option<Uuid>,
}

#[derive(Deserialize)]
struct Made {
    id: Uuid,
}

impl Person {
    /// Somebody with a socket that follows nothing.
    pub(crate) fn new(link: Link, places: Vec<Place>, mix: Mix, seed: u64) -> Person {
        let mind = Mind {
            places,
            mix,
            dice: Dice::new(seed),
            tasks: VecDeque::new(),
            asked: VecDeque::new(),
            count: 0,
            newest: None,
        };
        Person { link, mind }
    }

    /// Works until the desk closes or the turns end, and hears the last answer. What is left of the turns then, for
    /// whatever reason, is said to the desk.
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
        while !self.mind.asked.is_empty() {
            self.hear(desk).await?;
        }
        Ok(())
    }

    /// Waits for the next turn; `None` when there is none any more. By the clock those that had come before the end are
    /// taken after it too: what a slow server made wait must not be left out.
    async fn turn(&mut self, desk: &dyn Desk, turns: &mut Turns) -> Result<Option<Instant>, Trouble> {
        let Turns::ByClock(turns) = turns else {
            while !self.mind.asked.is_empty() {
                self.hear(desk).await?;
            }
            return Ok((!desk.is_over()).then(Instant::now));
        };
        loop {
            if desk.is_late() {
                return Ok(None);
            }
            if self.mind.asked.len() >= IN_FLIGHT {
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

impl Mind {
    /// Writes the next request.
    fn ask(&mut self, text: &mut String, intended: Instant) {
        self.count += 1;
        let (id, op_id) = (self.count, crate::writer::op_id());
        let mut kind = self.mix.pick(&mut self.dice);
        if matches!(kind, Kind::Update | Kind::Complete) && self.tasks.is_empty() {
            kind = Kind::Create;
        }
        let place = self.places[self.dice.below(self.places.len() as u32) as usize];
        let mut audience = place.audience;
        // Writing to a string cannot fail.
        match kind {
            Kind::Create => create(text, id, op_id, place.workspace),
            Kind::List => {
                text.clear();
                let _ = write!(text, r#"{{"type":"task.list","id":{id},"data":{{"limit":{PAGE}"#);
                if let Some(workspace) = place.workspace {
                    let _ = write!(text, r#","workspace_id":"{workspace}""#);
                }
                text.push_str("}}");
            }
            Kind::Update | Kind::Complete => audience = self.change(text, id, op_id, kind),
        }
        let newest = self.newest.filter(|_| self.is_on_first_page());
        self.asked.push_back(Asked {
            id,
            kind,
            op_id,
            intended,
            audience,
            newest,
        });
    }

    /// Whether a list asked for now has to show `newest`: tasks that are under way already will stand before it.
    fn is_on_first_page(&self) -> bool {
        let creates = self.asked.iter().filter(|asked| asked.kind == Kind::Create);
        creates.count() < PAGE
    }

    /// Writes a change of a task of theirs; nobody else changes it, so each is a change indeed.
    fn change(&mut self, text: &mut String, id: u64, op_id: Uuid, kind: Kind) -> u64 {
        let at = self.dice.below(self.tasks.len() as u32) as usize;
        let task = &mut self.tasks[at];
        text.clear();
        let _ = write!(
            text,
            r#"{{"type":"task.{}","id":{id},"op_id":"{op_id}","data":{{"id":"{}","#,
            kind.name(),
            task.id
        );
        if kind == Kind::Complete {
            task.completed = !task.completed;
            let _ = write!(text, r#""completed":{}}}}}"#, task.completed);
        } else {
            let _ = write!(text, r#""title":"Changed by request {id} of a load test"}}}}"#);
        }
        task.audience
    }

    /// Takes a frame.
    fn hear(&mut self, now: Instant, text: &[u8], desk: &dyn Desk) {
        let Some(answer) = Answer::read(text) else {
            return;
        };
        let at = self.asked.iter().position(|asked| Some(asked.id) == answer.id);
        let Some(asked) = at.and_then(|at| self.asked.remove(at)) else {
            return desk
                .board()
                .fault(Fault::Refused, 1, || "an answer to nothing".into());
        };
        if at != Some(0) {
            desk.board()
                .fault(Fault::OutOfTurn, 1, || format!("request {}", asked.id));
        }
        let data = answer.data;
        if answer.error.is_some() || asked.kind != Kind::List {
            note(answer, |_| Some(asked.op_id), desk.ledger(), desk.board());
        }
        match (asked.kind, data) {
            (Kind::Create, Some(data)) if self.mix.needs_tasks() => self.learn(data, asked.audience),
            (Kind::List, Some(data)) => see(data, asked.newest, desk.board()),
            _ => {}
        }
        let audience = if asked.kind == Kind::List {
            0
        } else {
            asked.audience
        };
        desk.done(asked.kind, asked.intended, now, audience);
    }

    fn learn(&mut self, data: &RawValue, audience: u64) {
        let Ok(Made { id }) = serde_json::from_str(data.get()) else {
            return;
        };
        if let [
            Place {
                workspace: None,
                audience: 1,
            },
        ] = self.places[..]
        {
            self.newest = Some(id);
        }
        if self.tasks.len() >= REMEMBERED {
            self.tasks.pop_front();
        }
        self.tasks.push_back(Task {
            id,
            completed: false,
            audience,
        });
    }
}

/// A list of a workspace that nobody else works in shows the task made last.
fn see(data: &RawValue, newest: Option<Uuid>, board: &Board) {
    let Some(newest) = newest else {
        return;
    };
    let mut buffer = Uuid::encode_buffer();
    let newest = newest.as_hyphenated().encode_lower(&mut buffer).as_bytes();
    if memchr::memmem::find(data.get().as_bytes(), newest).is_none() {
        board.fault(Fault::Stale, 1, || {
            "a list without the task made before it".into()
        });
    }
}

/// Everything acknowledged was seen, or is a fault; `expected` deliveries are waited for.
pub(crate) async fn settle(board: &Board, ledger: &Mutex<Ledger>, expected: u64) {
    if !board.until(expected).await {
        let missing = expected.saturating_sub(board.lock().awaited);
        board.fault(Fault::Missing, missing, || {
            format!("{missing} of {expected} deliveries")
        });
    }
    let mut faults = crate::check::Faults::default();
    lock(ledger).verify(&mut faults);
    board.lock().faults.extend(faults);
}
