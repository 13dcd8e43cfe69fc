//! `taskwire demo`: fills a database with a believable month of a team. The people's operations go through the engine,
//! whose clock runs through that month, so log, history and notifications are those of a real team.
//!
//! - `texts`    what people are called and what they write
//! - `calendar` when they work
//! - `story`    who does what and when, from a seed
//! - `play`     carries it out

mod calendar;
mod play;
mod story;
mod texts;

use crate::clock::Clock;
use crate::config::Settings;
use crate::engine::Engine;
use crate::operator::{self, Refused};
use play::Play;
use secrecy::ExposeSecret as _;
use taskwire_protocol::Failure;

/// The most people of a demo.
pub const PEOPLE: usize = texts::PEOPLE.len();

/// What the demo should be like.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// From 2 to `PEOPLE`.
    pub people: usize,
    /// Tasks that they made, parts of tasks included.
    pub tasks: usize,
    /// The same seed tells the same story.
    pub seed: u64,
    /// When the story ends, in Unix milliseconds; `None`: with the last full hour.
    pub until: Option<i64>,
}

/// Makes the team and its month. Returns the text to print: how to sign in.
///
/// # Errors
/// The SQLite file is in use; the people of a demo are there already; the database cannot be used.
pub async fn run(settings: &Settings, wanted: Wanted) -> Result<String, Refused> {
    let last_hour = Clock::system().now_ms() / calendar::HOUR_MS * calendar::HOUR_MS;
    let now = wanted.until.unwrap_or(last_hour);
    let begin = calendar::midnight(now) - story::DAYS * calendar::DAY_MS;
    let engine = operator::start(settings, Clock::fixed(begin)).await?;
    let done = fill(&engine, wanted, now).await;
    operator::end(&engine).await;
    Ok(done?)
}

async fn fill(engine: &Engine, wanted: Wanted, now: i64) -> Result<String, Failure> {
    let password = operator::generated();
    let mut play = Play::prepare(engine, wanted.people, &password).await?;
    for act in story::tell(wanted, now) {
        play.act(act).await?;
    }
    play.wait_until(now).await?;
    let (people, tasks) = (wanted.people, wanted.tasks);
    let names = texts::PEOPLE[..people].iter();
    let addresses: Vec<String> = names.map(|(name, _)| play::address(name)).collect();
    Ok(format!(
        "{people} people made {tasks} tasks in the workspace \"{}\". Sign in as any of them:\n  {}\npassword: {}\nStart the server, then: tw login {}, and tw board \"{}\"",
        texts::TEAM,
        addresses.join("\n  "),
        password.expose_secret(),
        addresses.first().map_or("", String::as_str),
        texts::TEAM,
    ))
}
