//! Reminders of one person that wait for their mail share one. Whose reminders come in many waves is mailed once, when no more
//! come or a minute is over; and not more often than the limit allows, so later ones wait and share the next mail.

use super::run::{Run, Steps as _};
use crate::engine::Chore;
use crate::ops::letters::Letter;
use crate::store::jobs::{self, Claim, Payload as _};
use crate::store::{StoreError, Transaction};
use std::time::Duration;
use taskwire_protocol::Failure;
use uuid::Uuid;

/// How long a letter waits for further ones, once there was one.
const MORE: Duration = Duration::from_secs(2);
/// How long a letter waits beside an earlier one that has a run now. It is longer, so that the earlier one finds it waiting.
const BESIDE: Duration = Duration::from_secs(4);
/// How long a letter waits for further ones at most, in milliseconds.
const PATIENCE_MS: i64 = 60_000;
/// The letters that one step takes.
const STEP: i64 = 200;

/// What becomes of a letter of reminders.
pub(super) enum Gathered {
    /// It is sent now, with what it took from others.
    Whole(Letter),
    /// There may be more to come.
    Waits(Duration),
}

/// Takes the reminders that wait beside a letter into it.
pub(super) async fn gather(mut letter: Letter, run: &Run) -> Result<Gathered, Failure> {
    let mut joined = false;
    loop {
        let claim = run.claim.clone();
        let taken = run.step(Gather { claim, letter }).await?;
        letter = taken.letter;
        joined |= taken.number > 0;
        if taken.number == STEP as usize {
            continue;
        }
        if taken.is_second {
            return Ok(Gathered::Waits(BESIDE));
        }
        let waited = run.engine().clock().now_ms().saturating_sub(letter.at.0);
        let is_alone = !(joined || taken.has_others);
        return Ok(if is_alone || waited >= PATIENCE_MS {
            Gathered::Whole(letter)
        } else {
            Gathered::Waits(MORE)
        });
    }
}

struct Gather {
    claim: Claim,
    letter: Letter,
}

struct Taken {
    letter: Letter,
    /// How many others it took.
    number: usize,
    /// Others are left, which have runs of their own.
    has_others: bool,
    /// One of them is earlier.
    is_second: bool,
}

impl Chore for Gather {
    type Output = Taken;

    async fn run(self, tx: &mut Transaction) -> Result<Taken, StoreError> {
        let Gather { claim, mut letter } = self;
        let begin = letter.reminders_begin();
        let others = jobs::absorb(tx, &claim, &begin, STEP).await?;
        for other in &others {
            match serde_json::from_str::<Letter>(other) {
                Ok(other) => letter.join(other, Uuid::new_v4()),
                // no version writes such a row; the notifications are there
                Err(error) => {
                    tracing::warn!(error.message = %error, job.kind = Letter::KIND, "a mail of reminders cannot be read");
                }
            }
        }
        if !others.is_empty() {
            jobs::rewrite(tx, &claim, &letter).await?;
        }
        let left = jobs::beside(tx, &claim, &begin).await?;
        Ok(Taken {
            letter,
            number: others.len(),
            has_others: left.is_some(),
            is_second: left.is_some_and(|key| key < claim.key),
        })
    }
}
