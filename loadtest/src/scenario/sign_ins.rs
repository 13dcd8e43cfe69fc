//! `sign-ins`: one person works at a rate, first alone, then while many sign in at once. Measures how much longer the
//! person's operations take meanwhile, and how many sign-ins a second the server does.

use crate::accounts::{self, SOCKET};
use crate::link::Link;
use crate::report::Report;
use crate::target::Server;
use crate::trouble::Trouble;
use crate::worker::Worker;
use clap::Args;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use taskwire_protocol::account::LogIn;
use tokio::task::JoinSet;

/// The password of the account at which all sign in.
const PASSWORD: &str = "a long walk by the sea";

/// `sign-ins`.
#[derive(Args, Clone, Debug, Serialize)]
pub(crate) struct SignIns {
    /// People who sign in, each again as soon as they are in
    #[arg(long, value_parser = crate::options::count, default_value_t = 50)]
    pub(crate) people: usize,
    /// Operations a second of the person at work
    #[arg(long, value_parser = crate::options::rate, default_value_t = 100.0)]
    pub(crate) rate: f64,
    /// Seconds of each of the two measurements
    #[arg(long, value_parser = crate::options::measured, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// Seconds of warm-up before each
    #[arg(long, value_parser = crate::options::seconds, default_value_t = 1.0)]
    pub(crate) warm_up: f64,
}

/// What the people who sign in did.
#[derive(Default)]
struct Counts {
    signed_in: AtomicU64,
    sent_away: AtomicU64,
}

impl SignIns {
    /// Measures without the crowd, then with it.
    pub(crate) async fn run(&self, server: &Server) -> Result<Report, Trouble> {
        let account = accounts::make(server, 1).await?;
        let account = account.first().ok_or_else(|| Trouble::setup("no account"))?;
        let mut worker = Worker::new(server, account, self.rate).await?;
        worker.work(self.warm_up).await?;
        let alone = worker.work(self.seconds).await?;

        let email = accounts::sign_up_with(server.address, PASSWORD).await?;
        let counts = Arc::<Counts>::default();
        let mut people = JoinSet::new();
        for _ in 0..self.people {
            people.spawn(sign_in_again_and_again(
                server.address,
                email.clone(),
                counts.clone(),
            ));
        }
        worker.work(self.warm_up).await?;
        let before = (counts.signed_in.load(Relaxed), counts.sent_away.load(Relaxed));
        let begun = Instant::now();
        let crowded = worker.work(self.seconds).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let signed_in = counts.signed_in.load(Relaxed) - before.0;
        let sent_away = counts.sent_away.load(Relaxed) - before.1;
        if let Some(ended) = people.try_join_next() {
            return Err(match ended {
                Ok(Err(trouble)) => trouble,
                _ => Trouble::setup("a person who signs in stopped"),
            });
        }
        let title = format!("{} people sign in, {} operations/s", self.people, self.rate);
        let mut report = Report::new("sign-ins", title);
        report.put_beside(&alone, &crowded, "in the crowd");
        report.put("sign-ins", signed_in as f64 / seconds, "/s");
        report.put("sent away with a time", sent_away as f64 / seconds, "/s");
        report.checked = format!(
            "each of {} operations was acknowledged",
            alone.len() + crowded.len()
        );
        Ok(report)
    }
}

/// Signs in for ever, and waits where the server says so.
async fn sign_in_again_and_again(
    server: SocketAddr,
    email: String,
    counts: Arc<Counts>,
) -> Result<(), Trouble> {
    loop {
        let mut link = Link::open(server, SOCKET, 0).await?;
        let login = LogIn {
            email: email.as_str().into(),
            password: PASSWORD.into(),
            device_name: None,
            refresh_token: None,
        };
        match link.call(&login).await {
            Ok(_) => counts.signed_in.fetch_add(1, Relaxed),
            Err(Trouble::Refused(_, failure)) if failure.retryable => {
                let pause = failure.retry_after_ms.unwrap_or(1000);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                counts.sent_away.fetch_add(1, Relaxed)
            }
            Err(trouble) => return Err(trouble),
        };
    }
}
