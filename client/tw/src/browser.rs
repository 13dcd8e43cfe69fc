//! `login --browser`: `tw` shows a code, its person approves it on a page of the server (RFC 8628), and `tw` asks until that
//! has happened. `tw` never sees the password.

use crate::{
    account::{device, keep},
    connect::Context,
    fault::Fault,
    output::Output,
    terminal::{note, plain},
    waiting::waiting,
};
use std::time::Duration;
use taskwire_client::{
    CallError, Http, Stopped,
    protocol::{
        ErrorCode,
        account::{DeviceCode, RedeemDeviceCode, StartDevice, Tokens},
    },
};
use tokio::time::{Instant, sleep};

/// The answer of a server while nobody has decided.
const PENDING: u16 = 202;
/// The longest life of codes that is believed, in seconds.
const LONGEST: u64 = 86_400;

pub(crate) async fn log_in(context: &Context, output: &Output) -> Result<(), Fault> {
    let place = context.file.reserve()?;
    let http = context.http().await?;
    let codes = http.post("v1/auth/device", &StartDevice {});
    let codes: DeviceCode = waiting(&context.answer(), codes).await?.read()?;
    let page = page(&context.url, &codes);
    note(&format!(
        "Open {} and check the code {}",
        plain(&page),
        plain(&codes.user_code)
    ));
    // Each attempt is made once; `redeemed` makes the next one.
    let http = http.patient_for(Duration::ZERO);
    let tokens = tokio::select! {
        tokens = redeemed(&http, codes) => tokens?,
        _ = tokio::signal::ctrl_c() => return Err(Fault::interrupted()), // and the reserved file goes
    };
    keep(context, output, place, tokens).await
}

/// Asks for the tokens until the codes end. A connection that is lost and a server that is away for a moment count as
/// nobody's decision.
async fn redeemed(http: &Http, codes: DeviceCode) -> Result<Tokens, Fault> {
    let ends = Instant::now() + Duration::from_secs(codes.expires_in.min(LONGEST));
    let interval = Duration::from_secs(codes.interval.clamp(1, 60));
    let redeem = RedeemDeviceCode {
        device_code: codes.device_code,
        device_name: Some(device()),
    };
    let mut pause = interval;
    loop {
        sleep(pause).await;
        let answer = http.post("v1/auth/device/token", &redeem).await;
        pause = interval;
        let trouble = match answer {
            Ok(answer) if answer.status == PENDING => None,
            Ok(answer) if answer.may_pass() => {
                pause = answer.wait().unwrap_or_default().max(interval);
                answer.read::<Tokens>().err()
            }
            Ok(answer) => return answer.read().map_err(refused),
            Err(error @ (CallError::Interrupted | CallError::Stopped(Stopped::Unreachable(_)))) => {
                Some(error)
            }
            Err(error) => return Err(error.into()),
        };
        if Instant::now() + pause >= ends {
            let nobody = "nobody approved the code in time; run `tw login --browser` again";
            return Err(trouble.map_or_else(|| Fault::not_allowed(nobody), Fault::from));
        }
    }
}

/// The code is of no use any more: nobody has to sign in first.
fn refused(error: CallError) -> Fault {
    match error.code() {
        Some(ErrorCode::InvalidToken | ErrorCode::TokenExpired) => {
            Fault::not_allowed("the code has expired, or it was used already; run `tw login --browser` again")
        }
        _ => error.into(),
    }
}

/// The page with the code behind `#`, which browsers send to no server.
fn page(server: &str, codes: &DeviceCode) -> String {
    let base = match codes.verification_url.strip_prefix('/') {
        Some(path) => format!("{}/{path}", server.trim_end_matches('/')),
        None => codes.verification_url.clone(),
    };
    format!("{base}#{}", codes.user_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_below_the_servers_address_unless_the_server_names_another() {
        let codes = |url: &str| DeviceCode {
            device_code: "dc_x".into(),
            user_code: "BCDF-GHJK".to_owned(),
            verification_url: url.to_owned(),
            expires_in: 600,
            interval: 2,
        };
        for (url, expected) in [
            ("/device", "http://a:1/at/device#BCDF-GHJK"),
            ("https://b/device", "https://b/device#BCDF-GHJK"),
        ] {
            assert_eq!(page("http://a:1/at/", &codes(url)), expected);
        }
    }
}
