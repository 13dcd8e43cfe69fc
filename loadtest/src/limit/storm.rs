//! The limit of `storm`: the bare writer accepts, answers the upgrade, reads one frame and answers it. The clients do
//! everything that they do with a real server. So this measures the kernel and the clients.

use super::fanout::PUBLISH;
use crate::accounts::Account;
use crate::away::Crowd;
use crate::crowd::Admission;
use crate::link::Link;
use crate::processes::Spent;
use crate::report::Report;
use crate::report::plot::Plot;
use crate::server_options::ServerOptions;
use crate::target::Server;
use crate::trouble::Trouble;
use serde_json::json;
use std::time::Instant;
use taskwire_protocol::account::Streams;
use uuid::Uuid;

/// A fixed time; its value does not matter.
const AT: &str = "2026-01-01T00:00:00.000Z";
/// The streams of every socket: the user's own workspace, a shared one, and the user's stream.
const STREAMS: [(&str, u128); 3] = [("workspace", 1), ("workspace", 2), ("user", 3)];

/// Cuts `sockets` sockets of the bare writer and reconnects all of them.
pub(crate) async fn measure(
    options: &ServerOptions,
    sockets: usize,
    admission: Admission,
) -> Result<Report, Trouble> {
    let server = Server::bare_writer(options, 1)?;
    // The bare writer answers every text with the frame that was published last.
    let mut publisher = Link::open(server.address, PUBLISH, 0).await?;
    publisher.send(&welcome()).await?;
    let accounts = vec![Account::placeholder()];
    let (crowd, present) =
        Crowd::gather(&server, accounts, sockets, Streams::default(), None, admission).await?;
    let (start, usage) = (Instant::now(), server.processes.usage());
    let away = present.cut().await?;
    let (_present, back) = crowd.bring_back(away, start, admission).await?;
    let spent = server.processes.usage().since(&usage);
    let mut report = Report::new("limit", "");
    report.title = format!("limit: {sockets} sockets cut at once come back to a bare server");
    report.put("limit: until all are back", back.seconds, "s");
    report.put(
        "limit: until half are back",
        back.each.value_at_quantile(0.5) as f64 / 1e6,
        "s",
    );
    if server.processes.server.is_some() {
        report.put("limit: CPU per socket", spent.server / sockets as f64, "µs");
    }
    let busy = |micros| Spent::of_a_core(micros, back.seconds);
    report.put("limit: its own", busy(spent.server), "% of a core");
    report.put("limit: this program", busy(spent.harness), "% of a core");
    report
        .plots
        .push(Plot::percentiles("time until a socket is back").of("limit", &back.each));
    report.checked = format!("each of {sockets} sockets was answered");
    report.faults = std::mem::take(&mut crowd.board.lock().faults);
    Ok(report)
}

/// A `welcome` as long as a real one, for a socket that resumed.
fn welcome() -> String {
    let id = Uuid::from_u128(3);
    let streams = STREAMS.map(|(kind, id)| {
        let stream = format!("{kind}:{}", Uuid::from_u128(id));
        json!({ "stream": stream, "seq": 100, "resumed": true })
    });
    json!({ "type": "welcome", "id": 1, "data": {
        "protocol": 1,
        "server": { "name": "limit", "version": "0.0.0", "instance": id, "time": AT },
        "epoch": id,
        "user": {
            "id": id, "username": "load", "name": "Load", "email": "load@example.com", "role": "user",
            "plan": "free", "is_active": true, "is_verified": true, "timezone": "UTC", "preferences": {},
            "photo_url": null, "version": 1, "created_at": AT, "updated_at": AT,
        },
        "session": { "id": id, "expires_at": AT },
        "heartbeat_ms": 25000,
        "streams": streams,
        "limits": {
            "frame_bytes": 65536, "in_flight": 64, "batch": 100, "streams": 256, "ops_per_second": 50, "burst": 200,
        },
    }})
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::frames::Welcome;

    #[test]
    fn the_answer_to_every_socket_is_a_welcome() {
        let text = welcome();
        let answer = crate::answer::Answer::read(text.as_bytes()).expect("an answer");
        let data = answer.data.expect("a welcome's data").get();
        let welcome: Welcome = serde_json::from_str(data).expect("a welcome");
        assert!(welcome.streams.iter().all(|state| state.resumed));
    }
}
