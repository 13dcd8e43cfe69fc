//! Waiting for the server: after a while the person is told what for, and a server that has fallen silent is given up.

use crate::{fault::Fault, terminal::note};
use std::time::Duration;
use taskwire_client::{Client, protocol::system::Ping};
use tokio::time::timeout;

/// A wait that takes longer is told: a little more than an attempt to connect may take, so that nobody is told of a wait
/// that ends at that moment.
const TOLD: Duration = Duration::from_millis(3300);
/// The same for a command that goes on until it is ended.
const TOLD_SOON: Duration = Duration::from_millis(500);

/// Waits for the end of this work, and tells after a while for what: `the answer of …`.
pub(crate) async fn waiting<T>(what: &str, work: impl Future<Output = T>) -> T {
    told_after(TOLD, what, work).await
}

/// The same for a command that goes on until it is ended: it tells almost at once.
pub(crate) async fn waiting_long<T>(what: &str, work: impl Future<Output = T>) -> T {
    told_after(TOLD_SOON, what, work).await
}

async fn told_after<T>(while_silent: Duration, what: &str, work: impl Future<Output = T>) -> T {
    let mut work = Box::pin(work);
    if let Ok(done) = timeout(while_silent, &mut work).await {
        return done;
    }
    tell(what);
    work.await
}

fn tell(what: &str) {
    note(&format!("tw: waiting for {what}; Ctrl-C stops"));
}

/// A pong may come behind a page that is still arriving over a slow line.
const SLOW_LINE: Duration = Duration::from_secs(10);

/// Waits for the calls of a client that was connected. While they take long, it asks again and again whether the server is
/// still there, and gives it up when there is no answer in time: a server answers a ping ahead of all other requests.
/// A connection that is lost is the client's to mend.
pub(crate) async fn served<T>(
    client: &Client,
    (url, limit): (&str, Duration),
    calls: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let mut calls = Box::pin(calls);
    if let Ok(done) = timeout(TOLD, &mut calls).await {
        return done;
    }
    tell(&format!("the answer of {url}"));
    loop {
        tokio::select! {
            biased;
            done = &mut calls => return done,
            pong = timeout(limit.max(SLOW_LINE), client.call(Ping {})) => {
                if pong.is_err() && client.welcome().is_some() {
                    return Err(Fault::silent(url));
                }
            }
        }
        if let Ok(done) = timeout(limit, &mut calls).await {
            return done;
        }
    }
}
