//! Shows a user the invitations that name their address, which they have verified: each becomes an entry of their own
//! stream. Those that name another address than theirs go.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::store::jobs::ShowInvites;
use std::time::Duration;
use taskwire_protocol::Failure;

impl Job for ShowInvites {
    const SCHEDULE: Schedule = Schedule::Once { attempts: 12 };
    const LIMIT: Duration = Duration::from_mins(10);

    /// A repeated run changes nothing: an invitation that is shown is not shown again.
    async fn run(self, run: Run) -> Result<Ended, Failure> {
        while run.engine().show_invites(self.user).await? {}
        run.end().await
    }
}
