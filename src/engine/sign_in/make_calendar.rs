//! `calendar.create`: makes the secret of a calendar feed, which nothing stores and no log entry shows. So its kind is
//! `session`, like a sign-in: an op_id would store the answer.

use super::{SignIn, Signed};
use crate::auth::api_tokens::NewToken;
use crate::auth::limits::Limit;
use crate::engine::{Engine, Sender};
use crate::ops::calendars::MakeCalendar;
use taskwire_protocol::Failure;
use taskwire_protocol::account::Done;
use taskwire_protocol::calendar::{Calendar, CreateCalendar};

impl SignIn for CreateCalendar {
    type Output = Calendar;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Calendar>, Failure> {
        let caller = sender.caller()?;
        engine.limits().take(Limit::Calendars, caller.user.id).await?;
        let new = NewToken::of_calendar(&mut rand::rng());
        let hash = new.hash().hex().into();
        let _: Done = engine.act(caller.clone(), MakeCalendar { hash }).await?;
        let secret = new.reveal();
        // never the address by which this request came: who sends it chooses that
        let server = engine.0.public_url.as_deref().unwrap_or_default();
        let url = format!("{}/v1/calendar/{secret}.ics", server.trim_end_matches('/'));
        let output = Calendar {
            url: url.into(),
            secret: secret.into(),
        };
        Ok(Signed::of(output).by(caller))
    }
}
