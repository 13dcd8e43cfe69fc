//! Code of both examples: sign-in from the command line.

use std::{env, error::Error};
use taskwire_client::{Config, call_once, protocol::account::LogIn};

/// Signs in with `URL EMAIL [WORKSPACE]` and `TASKWIRE_PASSWORD`; returns the client's configuration and the workspace.
pub(crate) async fn sign_in(name: &str) -> Result<(Config, Option<String>), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let (Some(url), Some(email)) = (args.next(), args.next()) else {
        return Err(format!("usage: {name} URL EMAIL [WORKSPACE]").into());
    };
    let log_in = LogIn {
        email: email.into(),
        password: env::var("TASKWIRE_PASSWORD")
            .map_err(|_| "set TASKWIRE_PASSWORD")?
            .into(),
        device_name: Some(format!("the example `{name}`")),
        refresh_token: None,
    };
    let tokens = call_once(Config::anonymous(&url), log_in).await?;
    let config = Config::signed_in(url, tokens).named(name, env!("CARGO_PKG_VERSION"));
    Ok((config, args.next()))
}
