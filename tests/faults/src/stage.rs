//! All parts of a run in one place: the world, the load, the records. Starts them, and waits until clients caught up.

use crate::Failed;
use crate::load::accounts::{Accounts, User};
use crate::load::follower::{self, Followed};
use crate::load::reader::{Assignment, Desk, Reader, Sightings};
use crate::load::record::{Ended, Operation, Removal};
use crate::load::teammate::Teammate;
use crate::load::visitor;
use crate::load::writer::Writer;
use crate::load::{Phase, Shared};
use crate::truth::{self, Truth};
use crate::usage::Usage;
use crate::verdict::Invariant;
use crate::world::World;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};
use sqlx::{Connection, PgConnection};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Sockets that write.
const WRITERS: usize = 24;
/// Clients with a replica.
const FOLLOWERS: usize = 6;
/// Users who do what teams do.
const TEAMMATES: usize = 4;
/// Users who sign in a second time, again and again.
const VISITORS: usize = 2;
/// One reader in this many follows everything that its user may read.
const ALL: usize = 10;

/// I7: how long clients may take to reach the head.
const AT_HEAD: Duration = Duration::from_secs(5);
/// A client pauses 20 s at most between two tries; the rest is for connecting.
const LONGEST_PAUSE: Duration = Duration::from_secs(25);

/// Everything that a run consists of.
pub(crate) struct Stage {
    pub(crate) shared: Arc<Shared>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) desks: Vec<Arc<Desk>>,
    /// How many desks belong to readers. Those of followers come after them.
    readers: usize,
    /// The streams in which each desk must have a position once clients caught up.
    expected: Vec<Vec<u32>>,
    /// The operations that faults invoked.
    pub(crate) operations: Mutex<Vec<Operation>>,
    pub(crate) removals: Mutex<Vec<Removal>>,
    pub(crate) truth: tokio::sync::Mutex<Truth>,
    pub(crate) base: Vec<Usage>,
    pub(crate) scale: f64,
    /// Held by the fault that changes a guest's membership: one at a time.
    pub(crate) guests: Vec<tokio::sync::Mutex<()>>,
    /// The number of the next fail point to die at.
    pub(crate) place: AtomicUsize,
    /// When PostgreSQL could not be reached: nobody can write then.
    pub(crate) outages: Mutex<Vec<(u64, u64)>>,
}

/// A client that is not at the head.
pub(crate) struct Behind {
    /// It is a follower that is not connected: it may pause before its next try, as the contract says.
    pub(crate) waits: bool,
    pub(crate) words: String,
}

/// The tasks of a run, with what each returns at its end.
pub(crate) struct Crew {
    /// Teammates too.
    pub(crate) writers: Vec<JoinHandle<Vec<Operation>>>,
    pub(crate) readers: Vec<JoinHandle<Sightings>>,
    pub(crate) followers: Vec<JoinHandle<Followed>>,
    pub(crate) visitors: Vec<JoinHandle<Vec<Ended>>>,
}

/// The size of a run.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) workspaces: usize,
    /// Sockets that read.
    pub(crate) sockets: usize,
    /// The factor for the length of long faults.
    pub(crate) scale: f64,
}

impl Stage {
    /// Makes the accounts and starts all clients. Writers wait, because their budget is still 0.
    pub(crate) async fn start(
        world: Arc<World>,
        size: Size,
        seed: u64,
    ) -> Result<(Arc<Stage>, Crew), Failed> {
        let mut random = StdRng::seed_from_u64(seed ^ 1);
        let base = Usage::of_all(&world).await?;
        let shared = Shared::new(world);
        let accounts = Arc::new(Accounts::make(&shared, size.workspaces, TEAMMATES * 2, &mut random).await?);
        let mut crew = Crew {
            writers: Vec::new(),
            readers: Vec::new(),
            followers: Vec::new(),
            visitors: Vec::new(),
        };
        let (mut desks, mut expected) = (Vec::new(), Vec::new());
        for number in 0..size.sockets {
            let assignment = assign(&accounts, number);
            expected.push(expect(&shared, &assignment));
            let desk = Arc::new(Desk::default());
            desks.push(desk.clone());
            let reader = Reader::new(shared.clone(), number as u32, assignment, desk, random.random());
            crew.readers.push(tokio::spawn(reader.run()));
            if number % 200 == 199 {
                sleep(Duration::from_millis(100)).await; // do not connect all at once: that is a fault (`Kind::Storm`)
            }
        }
        for number in 0..FOLLOWERS {
            let user = accounts.users[number % accounts.users.len()].clone();
            let instances = &shared.world.instances;
            let address = instances[number % instances.len()].address();
            expected.push(vec![shared.stream(user.id)]);
            let desk = Arc::new(Desk::default());
            desks.push(desk.clone());
            let seeded = StdRng::seed_from_u64(random.random());
            let following = follower::follow(shared.clone(), user, seeded, address, desk);
            crew.followers.push(tokio::spawn(following));
        }
        for number in 0..WRITERS {
            let writer = Writer::new(shared.clone(), accounts.clone(), number, random.random());
            crew.writers.push(tokio::spawn(writer.run()));
        }
        for number in 0..TEAMMATES {
            let teammate = Teammate::new(shared.clone(), accounts.clone(), number, random.random());
            crew.writers.push(tokio::spawn(teammate.run()));
        }
        for _ in 0..VISITORS {
            let visiting = visitor::visit(shared.clone(), accounts.clone(), random.random());
            crew.visitors.push(tokio::spawn(visiting));
        }
        let stage = Arc::new(Stage {
            shared,
            desks,
            readers: size.sockets,
            expected,
            operations: Mutex::default(),
            removals: Mutex::default(),
            truth: tokio::sync::Mutex::default(),
            guests: accounts
                .guests
                .iter()
                .map(|_| tokio::sync::Mutex::default())
                .collect(),
            accounts,
            base,
            scale: size.scale,
            place: AtomicUsize::new(random.random_range(0..100)),
            outages: Mutex::default(),
        });
        tokio::spawn(watch_lag(stage.clone()));
        Ok((stage, crew))
    }

    /// Records what a fault invoked.
    pub(crate) fn record(&self, operation: Operation) {
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        operations.push(operation);
    }

    /// Records that PostgreSQL could not be reached, from then until now.
    pub(crate) fn out(&self, from: u64) {
        let mut outages = self.outages.lock().unwrap_or_else(PoisonError::into_inner);
        outages.push((from, self.shared.now()));
    }

    /// The desks of readers, without those of followers.
    pub(crate) fn readers(&self) -> &[Arc<Desk>] {
        &self.desks[..self.readers]
    }

    /// Waits until every instance serves; false when one does not within 90 s.
    pub(crate) async fn all_ready(&self) -> bool {
        for instance in &self.shared.world.instances {
            if !instance.ready(Duration::from_secs(90)).await {
                return false;
            }
        }
        true
    }

    /// Waits until every operation has an answer; false when `patience` ends first.
    pub(crate) async fn all_answered(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.shared.pending.load(Relaxed) > 0 {
            if Instant::now() > deadline {
                return false;
            }
            sleep(Duration::from_millis(20)).await;
        }
        true
    }

    /// Waits until every client is at the head of all its streams. Returns how long it took, and who is still behind.
    async fn all_at_head(&self, patience: Duration) -> Result<(Duration, Vec<Behind>), Failed> {
        let began = Instant::now();
        let mut link = PgConnection::connect(&self.shared.world.database).await?;
        loop {
            let heads = truth::heads(&mut link).await?;
            let heads = heads
                .into_iter()
                .map(|(id, head)| (self.shared.stream(id), head))
                .collect();
            let behind = self.behind(&heads);
            if behind.is_empty() || began.elapsed() > patience {
                return Ok((began.elapsed(), behind));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// I7: nobody writes, so every client must be at the head within 5 s. A follower may be in a pause before its next
    /// try to connect: then it gets 25 s more, because the contract allows pauses of up to 20 s.
    pub(crate) async fn at_head_in_time(&self, when: &str) -> Result<(), Failed> {
        let verdicts = &self.shared.verdicts;
        let (mut took, mut behind) = self.all_at_head(AT_HEAD).await?;
        verdicts.checked(Invariant::I7, self.desks.len() as u64);
        let (at, all) = (self.desks.len() - behind.len(), self.desks.len());
        println!("  {when}: {at} of {all} clients at the head after {took:.2?}");
        if !behind.is_empty() && behind.iter().all(|client| client.waits) {
            (took, behind) = self.all_at_head(LONGEST_PAUSE).await?;
            println!(
                "  {when}: of the clients that waited to connect, {} are still behind after another {took:.1?}",
                behind.len()
            );
        }
        for client in behind {
            verdicts.violated(Invariant::I7, format!("{when}: after {took:?} {}", client.words));
        }
        Ok(())
    }

    fn behind(&self, heads: &HashMap<u32, u64>) -> Vec<Behind> {
        let mut behind = Vec::new();
        for (number, (desk, expected)) in self.desks.iter().zip(&self.expected).enumerate() {
            let at = desk.at.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let missing = expected
                .iter()
                .find(|stream| !at.iter().any(|(known, _)| known == *stream));
            let late = at
                .iter()
                .find(|(stream, last)| heads.get(stream).is_some_and(|head| last < head));
            let connected = desk.connected.load(Relaxed);
            let words = match (late, missing) {
                (Some((stream, last)), _) => {
                    let head = heads.get(stream).copied().unwrap_or_default();
                    format!("at {last} of {head} in stream {stream}")
                }
                (None, Some(stream)) => format!("has no position in stream {stream}"),
                (None, None) if !connected => "not connected".to_owned(),
                (None, None) => continue,
            };
            behind.push(Behind {
                waits: !connected && number >= self.readers,
                words: format!("client {number} (connected: {connected}): {words}"),
            });
        }
        behind
    }

    /// Tells all clients the phase of the run.
    pub(crate) fn enter(&self, phase: Phase) {
        self.shared.phase.send_replace(phase);
    }
}

fn assign(accounts: &Accounts, number: usize) -> Assignment {
    if number < accounts.guests.len() * 2 {
        let at = number % accounts.guests.len();
        let workspace = accounts.workspaces.get(at).map(|workspace| workspace.id);
        return Assignment {
            user: accounts.guests[at].clone(),
            workspace: None,
            entitled: workspace.into_iter().collect(),
            guest: true,
        };
    }
    let user: &User = &accounts.users[number % accounts.users.len()];
    let workspaces: Vec<Uuid> = user
        .workspaces
        .iter()
        .map(|at| accounts.workspaces[*at].id)
        .collect();
    let one = (!number.is_multiple_of(ALL) && !workspaces.is_empty())
        .then(|| workspaces[number / 7 % workspaces.len()]);
    Assignment {
        user: user.clone(),
        workspace: one,
        entitled: one.map_or(workspaces, |id| vec![id]),
        guest: false,
    }
}

fn expect(shared: &Shared, assignment: &Assignment) -> Vec<u32> {
    let own = [shared.stream(assignment.user.id)];
    let entitled = assignment.entitled.iter().map(|id| shared.stream(*id));
    own.into_iter()
        .chain(entitled.filter(|_| !assignment.guest))
        .collect()
}

/// Measures how late this program's own tasks run: its measurements cannot be more exact than that.
async fn watch_lag(stage: Arc<Stage>) {
    const TICK: Duration = Duration::from_millis(50);
    loop {
        let began = Instant::now();
        sleep(TICK).await;
        let late = began.elapsed().saturating_sub(TICK).as_nanos() as u64;
        // the lag fades, so that one bad moment does not excuse the rest of the run
        let lag = &stage.shared.disturbed.lag;
        let faded = lag.load(Relaxed) * 99 / 100;
        lag.store(late.max(faded), Relaxed);
    }
}
