//! Chooses a person's next request, and checks the answers: they must arrive in order, and a list must show the task
//! made before it. Knows neither the socket nor the clock.

use crate::answer::Answer;
use crate::board::Board;
use crate::check::Ledger;
use crate::fault::Fault;
use crate::mix::{Dice, Kind, Mix};
use crate::requests::{create, note, op_id};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Instant;
use taskwire_protocol::WorkspaceId;
use uuid::Uuid;

/// Tasks that a person remembers to work on.
const REMEMBERED: usize = 50;
/// Tasks that a list asks for.
const PAGE: usize = 20;

/// Collects the answers of all people.
pub(crate) trait Desk: Send + Sync {
    fn board(&self) -> &Board;
    fn ledger(&self) -> &Mutex<Ledger>;
    /// Whether to send no more requests.
    fn is_over(&self) -> bool;
    /// Whether to drop the turns that were not taken yet.
    fn is_late(&self) -> bool;
    /// Adds turns that were dropped.
    fn dropped(&self, turns: u64);
    /// Adds a request whose turn was at `intended` and whose answer arrived at `now`. `audience` sockets get its event.
    fn done(&self, kind: Kind, intended: Instant, now: Instant, audience: u64);
}

/// A workspace that a person works in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workplace {
    /// `None`: the user's own workspace.
    pub(crate) workspace: Option<WorkspaceId>,
    /// How many sockets follow it.
    pub(crate) audience: u64,
}

/// A person's knowledge of the tasks and of the requests under way.
pub(crate) struct Mind {
    workplaces: Vec<Workplace>,
    mix: Mix,
    dice: Dice,
    tasks: VecDeque<Task>,
    /// Requests that are not answered yet, in order.
    asked: VecDeque<Asked>,
    count: u64,
    /// The last task that this person made, if nobody else works in the workspace. Clients that share a token share a
    /// workspace.
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
    /// The task that a list has to show.
    newest: Option<Uuid>,
}

#[derive(Deserialize)]
struct Made {
    id: Uuid,
}

impl Mind {
    pub(crate) fn new(workplaces: Vec<Workplace>, mix: Mix, seed: u64) -> Mind {
        Mind {
            workplaces,
            mix,
            dice: Dice::new(seed),
            tasks: VecDeque::new(),
            asked: VecDeque::new(),
            count: 0,
            newest: None,
        }
    }

    /// How many requests are not answered yet.
    pub(crate) fn under_way(&self) -> usize {
        self.asked.len()
    }

    /// Writes the next request.
    pub(crate) fn ask(&mut self, text: &mut String, intended: Instant) {
        self.count += 1;
        let (id, op_id) = (self.count, op_id());
        let mut kind = self.mix.pick(&mut self.dice);
        if matches!(kind, Kind::Update | Kind::Complete) && self.tasks.is_empty() {
            kind = Kind::Create;
        }
        let workplace = self.workplaces[self.dice.below(self.workplaces.len() as u32) as usize];
        let mut audience = workplace.audience;
        // Writing to a string cannot fail.
        match kind {
            Kind::Create => create(text, id, op_id, workplace.workspace),
            Kind::List => {
                text.clear();
                let _ = write!(text, r#"{{"type":"task.list","id":{id},"data":{{"limit":{PAGE}"#);
                if let Some(workspace) = workplace.workspace {
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

    /// Whether a list that is requested now has to show `newest`. The tasks that are under way will be above it.
    fn is_on_first_page(&self) -> bool {
        let creates = self.asked.iter().filter(|asked| asked.kind == Kind::Create);
        creates.count() < PAGE
    }

    /// Writes a change of a task of this person. No other person changes the task, so the request has an effect.
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

    /// Handles a frame from the server.
    pub(crate) fn hear(&mut self, now: Instant, text: &[u8], desk: &dyn Desk) {
        let Some(answer) = Answer::read(text) else {
            return;
        };
        let at = self.asked.iter().position(|asked| Some(asked.id) == answer.id);
        let Some(asked) = at.and_then(|at| self.asked.remove(at)) else {
            return desk
                .board()
                .fault(Fault::Refused, 1, || "an answer without a request".into());
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
            Workplace {
                workspace: None,
                audience: 1,
            },
        ] = self.workplaces[..]
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

/// Checks that a list shows the task that was made last.
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
