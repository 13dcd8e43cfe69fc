//! The signal `stats.changed`: to the watchers of a workspace, at most once a second, and once more after the last change.
//! A signal that is due waits a moment for the next change, so that its watchers are woken once for both. Each instance keeps to that for its own watchers; it tells the others which workspaces changed. Does not know what
//! counts.

use super::{Frame, Hub, Note, lock};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskwire_protocol::stats::StatsChanged;
use taskwire_protocol::{InstanceId, WorkspaceId, signals};
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

/// The value of `about` in notes about this.
const ABOUT: &str = "stats";
/// The shortest time between two signals about one workspace.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a signal that is due waits for the next change. To wake a watcher costs ten times what a frame costs.
const COMPANY: Duration = Duration::from_millis(500);
/// How often pauses are looked at.
const TICK: Duration = Duration::from_millis(100);
/// The most workspaces that pause. Changes of others are signalled by nobody: clients read the events.
const PAUSING: usize = 50_000;

/// Tells watchers that what is counted changed.
pub struct StatsSignals {
    hub: Arc<Hub>,
    me: InstanceId,
    pausing: Mutex<HashMap<WorkspaceId, Pause>>,
    /// A pause began.
    paused: Notify,
}

/// The time after a signal.
struct Pause {
    since: Instant,
    /// Changed again meanwhile.
    again: bool,
    /// Changed here, so the other instances are to be told.
    here: bool,
}

impl Pause {
    fn begin(since: Instant) -> Pause {
        Pause {
            since,
            again: false,
            here: false,
        }
    }
}

/// A note: this workspace changed on the sender.
#[derive(Serialize, Deserialize)]
struct Words {
    from: InstanceId,
    changed: WorkspaceId,
}

impl StatsSignals {
    pub fn new(hub: Arc<Hub>, me: InstanceId) -> Arc<StatsSignals> {
        Arc::new(StatsSignals {
            hub,
            me,
            pausing: Mutex::default(),
            paused: Notify::new(),
        })
    }

    /// Something that counts in this workspace changed here. Call it after the commit and before the events are published: the
    /// watchers' tasks then find both.
    pub fn changed(&self, workspace: WorkspaceId) {
        self.note(workspace, true);
    }

    /// Hears the other instances, and signals what changed during pauses, for ever. Run it in one task.
    pub async fn attend(self: Arc<Self>) {
        let mut notes = self.hub.notes();
        let mut next = None;
        loop {
            let tick = next.unwrap_or_else(Instant::now);
            tokio::select! {
                note = notes.recv() => match note {
                    Ok(note) => {
                        if let Some(Words { changed, .. }) = read(&note).filter(|words| words.from != self.me) {
                            self.note(changed, false);
                        }
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                () = self.paused.notified() => {
                    next.get_or_insert_with(|| Instant::now() + TICK);
                }
                () = sleep_until(tick), if next.is_some() => {
                    let pauses = self.end_pauses(Instant::now());
                    next = pauses.then(|| Instant::now() + TICK);
                }
            }
        }
    }

    fn note(&self, workspace: WorkspaceId, here: bool) {
        let mut pausing = lock(&self.pausing);
        let now = Instant::now();
        if let Some(pause) = pausing.get_mut(&workspace) {
            pause.here |= here;
            if now.duration_since(pause.since) < PAUSE {
                pause.again = true;
                return;
            }
            let here = pause.here;
            *pause = Pause::begin(now);
            drop(pausing);
            self.signal(workspace, here);
            return;
        }
        if pausing.len() >= PAUSING {
            return;
        }
        pausing.insert(workspace, Pause::begin(now));
        drop(pausing);
        self.signal(workspace, here);
        self.paused.notify_one();
    }

    /// Signals what changed in pauses that are over. Returns whether there are others.
    fn end_pauses(&self, now: Instant) -> bool {
        let mut changed = Vec::new();
        let mut pausing = lock(&self.pausing);
        pausing.retain(|workspace, pause| {
            let waits = if pause.again { PAUSE + COMPANY } else { PAUSE };
            if now.duration_since(pause.since) < waits {
                return true;
            }
            let again = pause.again;
            if again {
                changed.push((*workspace, pause.here));
                *pause = Pause::begin(now);
            }
            again
        });
        let is_pausing = !pausing.is_empty();
        drop(pausing);
        for (workspace, here) in changed {
            self.signal(workspace, here);
        }
        is_pausing
    }

    fn signal(&self, workspace_id: WorkspaceId, here: bool) {
        let changed = StatsChanged { workspace_id };
        if let Ok(data) = serde_json::to_string(&changed) {
            let name = signals::STATS_CHANGED;
            let frame = format!(r#"{{"type":"signal","signal":"{name}","data":{data}}}"#);
            self.hub.receive_signal(workspace_id.into(), Frame::from(frame));
        }
        let words = Words {
            from: self.me,
            changed: workspace_id,
        };
        if here && let Ok(words) = serde_json::value::to_raw_value(&words) {
            let about = ABOUT.to_owned();
            self.hub.tell(&Note { about, words });
        }
    }
}

fn read(note: &Note) -> Option<Words> {
    (note.about == ABOUT)
        .then(|| serde_json::from_str(note.words.get()).ok())
        .flatten()
}
