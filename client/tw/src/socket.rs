//! `socket`: frames by hand.

use crate::{connect::Context, fault::Fault, output::Output, terminal};
use serde::Deserialize;
use std::{collections::BTreeSet, io::BufRead as _, time::Duration};
use taskwire_client::{RawFrame, RawSocket};
use tokio::sync::mpsc;

/// After the end of the input, the command waits this long for answers.
const LAST_ANSWERS: Duration = Duration::from_secs(10);
/// Lines that wait to be sent.
const WAITING: usize = 16;

/// Sends each line of standard input as a frame, and prints each frame that arrives. After the end of the input it waits
/// for the answers to what it sent.
pub(crate) async fn socket(context: &Context, output: &Output) -> Result<(), Fault> {
    let mut socket = RawSocket::open(&context.anonymous()).await?;
    terminal::note(&format!(
        "tw: connected to {}; the first frame is `auth`",
        context.url
    ));
    let mut input = Some(lines());
    let mut unanswered = BTreeSet::new();
    while input.is_some() || !unanswered.is_empty() {
        tokio::select! {
            line = next(&mut input) => match line {
                Some(line) => {
                    unanswered.extend(Envelope::read(&line).id);
                    socket.send(&line).await?;
                }
                None => input = None,
            },
            frame = socket.next() => match frame {
                RawFrame::Text(text) => {
                    output.frame(&text)?;
                    let frame = Envelope::read(&text);
                    if let Some(id) = frame.id {
                        unanswered.remove(&id);
                    }
                }
                RawFrame::Closed(code, reason) => return Err(closed(code, &reason)),
                _ => {}
            },
            () = tokio::time::sleep(LAST_ANSWERS), if input.is_none() => break,
        }
    }
    socket.close().await;
    Ok(())
}

fn closed(code: Option<u16>, reason: &str) -> Fault {
    match code {
        Some(code) => Fault::other(format!("the server closed the socket with {code}: {reason}")),
        None => Fault::other("the connection was cut"),
    }
}

/// The lines of standard input. A thread reads them: a read of a terminal cannot be cancelled.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(WAITING);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if !line.trim().is_empty() && sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The next line; waits for ever after the last one.
async fn next(input: &mut Option<mpsc::Receiver<String>>) -> Option<String> {
    match input {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// What this command reads of a frame: answers have the id of their request.
#[derive(Default, Deserialize)]
struct Envelope {
    id: Option<i64>,
}

impl Envelope {
    fn read(text: &str) -> Envelope {
        serde_json::from_str(text).unwrap_or_default()
    }
}
