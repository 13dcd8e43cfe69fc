//! `smoke`: every scenario for a short time, with its checks, against one server. The checks are meaningful; the
//! numbers are not.

use crate::crowd;
use crate::report::run::Run;
use crate::scenario::Scenario;
use crate::server_options::ServerOptions;
use crate::stop::{self, attend};
use crate::target::Server;
use crate::trouble::Trouble;
use serde_json::json;
use tokio::runtime::Runtime;

/// The scenarios, small enough for a debug build on a busy machine.
pub(crate) const SCENARIOS: [&str; 14] = [
    "idle --sockets 60 --accounts 4 --settle 0",
    "fanout --watchers 40 --accounts 3 --rate 50 --seconds 0.8 --warm-up 0.2 --with-limit",
    "fanout --watchers 40 --rate 80 --burst 8 --event small --seconds 0.8 --warm-up 0.2 --with-limit",
    "fanout --watchers 40 --accounts 3 --saturate --window 32 --seconds 0.8 --warm-up 0.1",
    "ops --clients 4 --seconds 0.8 --warm-up 0.1 --mix real",
    "ops --clients 4 --seconds 0.8 --warm-up 0.1 --mix real --rate 100",
    "mixed --workspaces 4 --smallest 2 --largest 5 --accounts 6 --sockets 30 --people 6 --rate 100 --seconds 0.8 --warm-up 0.1",
    "mixed --hostile --workspaces 2 --smallest 2 --largest 3 --accounts 4 --sockets 8 --people 4 --rate 60 --seconds 0.8 --warm-up 0.1",
    "storm --sockets 60 --accounts 4 --with-limit",
    "resume --sockets 20 --accounts 3 --distances 1,40,300",
    "slow --watchers 20 --crawlers 2 --accounts 3 --rate 50 --rounds 1 --seconds 0.5",
    "sign-ins --people 6 --rate 50 --seconds 0.8 --warm-up 0.2",
    "reminders --reminders 50 --people 3 --rate 50 --within 20 --seconds 0.8",
    "soak --workspaces 3 --smallest 2 --largest 4 --accounts 4 --sockets 12 --people 4 --rate 60 --seconds 1.5 --warm-up 0.1",
];

/// Runs the scenarios one after the other.
pub(crate) fn run(options: &ServerOptions, runtime: &Runtime) -> Result<Run, Trouble> {
    crowd::allow(500)?;
    let mut reports = Vec::new();
    let all = async {
        let mut server = Server::at(options)?;
        for line in SCENARIOS {
            if stop::is_asked() {
                break;
            }
            crate::progress::say(line);
            let report = Scenario::typed(line)?.run(&mut server, options).await?;
            report.print();
            reports.push(report);
        }
        Ok(())
    };
    attend(runtime, all)?;
    let wrong = reports.iter().filter(|report| !report.is_clean()).count();
    println!("\n{} scenarios, {wrong} failed", reports.len());
    let settings = json!({ "smoke": SCENARIOS, "server": options.settings() });
    Ok(Run::new(settings, reports, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_can_be_typed() {
        for line in SCENARIOS {
            assert!(Scenario::typed(line).is_ok(), "{line}");
        }
    }
}
