//! A scripted server in memory, a client of it, and the client's items as short texts.
//!
//! - `frames`   the JSON that a server sends
//! - `peer`     the server's side of one socket
//! - `network`  where clients dial, in memory

mod frames;
mod network;
mod peer;

pub(crate) use frames::*;
pub(crate) use network::*;
pub(crate) use peer::*;

use std::sync::{Arc, Mutex};
use taskwire_client::{Boxed, Client, Config, Events, Item, TokenError, TokenSource};

/// A client on this wire that follows everything.
pub(crate) fn config(wire: &Wire) -> Config {
    Config::new("http://server.test", Counting::default()).dialling(wire.clone())
}

pub(crate) fn connect(wire: &Wire) -> Result<(Client, Events), Failed> {
    Ok(Client::connect(config(wire))?)
}

/// Returns the tokens `t1`, `t2`, …: the next one when the current one is stale.
#[derive(Clone, Default)]
pub(crate) struct Counting(Arc<Mutex<u32>>);

impl TokenSource for Counting {
    fn token<'a>(&'a self, stale: Option<&'a str>) -> Boxed<'a, Result<String, TokenError>> {
        Box::pin(async move {
            let mut count = self
                .0
                .lock()
                .map_err(|_| TokenError::Unavailable(String::new()))?;
            if stale == Some(format!("t{count}").as_str()) || *count == 0 {
                *count += 1;
            }
            Ok(format!("t{count}"))
        })
    }
}

/// The next item, as a short text.
pub(crate) async fn next(events: &mut Events) -> Result<String, Failed> {
    let item = soon("an item", events.next()).await?;
    Ok(item.map_or_else(|| "the end".to_owned(), |item| described(&item)))
}

fn described(item: &Item) -> String {
    match item {
        Item::Event(frame) if frame.stream == home() => format!("home {}", frame.seq),
        Item::Event(frame) => format!("me {}", frame.seq),
        Item::Signal { signal, .. } => format!("signal {signal}"),
        Item::Resync { stream, reason } => {
            let whose = if *stream == home() { "home" } else { "me" };
            format!("resync {whose} {reason:?}")
        }
        Item::Connected(_) => "connected".to_owned(),
        Item::Disconnected { reason, .. } => format!("disconnected: {reason}"),
        Item::Stopped(why) => format!("stopped: {why}"),
        _ => "something new".to_owned(),
    }
}

/// Takes items until one begins with this text.
pub(crate) async fn until(events: &mut Events, beginning: &str) -> Result<String, Failed> {
    loop {
        let item = next(events).await?;
        if item.starts_with(beginning) {
            return Ok(item);
        }
        if item == "the end" {
            return Err(format!("the items ended before {beginning:?}").into());
        }
    }
}
