//! `login --browser`: `tw` shows a code, its person approves it on a page of the server (RFC 8628), and `tw` asks until that
//! has happened. `tw` never sees the password.

use crate::{
    account::{device, keep},
    connect::Context,
    fault::Fault,
    output::Output,
    terminal::{note, plain},
};
use std::time::Duration;
use taskwire_client::protocol::account::{DeviceCode, RedeemDeviceCode, StartDevice, Tokens};
use tokio::time::{Instant, sleep};

/// The answer of a server while nobody has decided.
const PENDING: u16 = 202;

pub(crate) async fn log_in(context: &Context, output: &Output) -> Result<(), Fault> {
    let http = context.http()?;
    let codes: DeviceCode = http.post("v1/auth/device", &StartDevice {}).await?.read()?;
    let page = page(&context.url, &codes);
    note(&format!(
        "Open {} and check the code {}",
        plain(&page),
        plain(&codes.user_code)
    ));
    let ends = Instant::now() + Duration::from_secs(codes.expires_in);
    let pause = Duration::from_secs(codes.interval.clamp(1, 60));
    let redeem = RedeemDeviceCode {
        device_code: codes.device_code,
        device_name: Some(device()),
    };
    loop {
        sleep(pause).await;
        let answer = http.post("v1/auth/device/token", &redeem).await?;
        if answer.status != PENDING {
            let tokens: Tokens = answer.read()?;
            return keep(context, output, tokens).await;
        }
        if Instant::now() >= ends {
            return Err(Fault::not_allowed(
                "nobody approved the code in time; run `tw login --browser` again",
            ));
        }
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
