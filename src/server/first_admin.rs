//! The link that makes the first administrator of a server without one: kept in a file, and in development shown to the
//! person who starts the node. It is a secret, so the log never has it. Does not know how its token is made, or when it
//! works.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use secrecy::ExposeSecret;
use taskwire_protocol::Failure;

use crate::config::{Environment, LogFormat, PublicUrl, Settings};
use crate::engine::Engine;

/// Keeps a link in the file and shows it, if the server needs one; else removes the file.
pub(super) async fn offer(engine: &Engine, settings: &Settings, address: SocketAddr) {
    match link(engine, settings, address).await {
        Ok(Some(link)) => keep_and_show(settings, &link),
        Ok(None) => settings.forget_first_admin_link(),
        Err(failure) => not_kept(&failure.message),
    }
}

/// The link; `None` if the settings name an administrator, or there is one.
async fn link(engine: &Engine, settings: &Settings, address: SocketAddr) -> Result<Option<String>, Failure> {
    if settings.admin_email.is_some() {
        return Ok(None);
    }
    let token = engine.first_admin_token().await?;
    Ok(token.map(|token| {
        let node = settings.public_url.as_ref().map(PublicUrl::as_str);
        let node = node.map_or_else(|| format!("http://{}", reachable(address)), str::to_owned);
        // browsers do not send what follows the `#`, so it reaches no log
        format!(
            "{}/first-admin#{}",
            node.trim_end_matches('/'),
            token.expose_secret()
        )
    }))
}

fn keep_and_show(settings: &Settings, link: &str) {
    let file = settings.keep_first_admin_link(link);
    if settings.environment == Environment::Development && settings.log_format == LogFormat::Pretty {
        // no line of the log; an error is ignored, because nobody has to read it
        let _shown = writeln!(
            io::stderr(),
            "there is no administrator yet; this link makes one: {link}"
        );
    } else if let Ok(file) = &file {
        let file = file.display();
        tracing::info!("there is no administrator yet; the link in {file} makes one");
    }
    if let Err(error) = file {
        not_kept(&error);
    }
}

fn not_kept(error: &dyn Display) {
    tracing::warn!(
        error.message = %error,
        "cannot keep a link that makes the first administrator; `taskwire admin create-user` makes one too"
    );
}

/// An address at which this machine reaches a node that listens at `address`.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn a_link_leads_to_an_address_that_can_be_opened() {
        for (listens, shown) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.7:80", "192.0.2.7:80"),
        ] {
            let address = listens.parse().expect("an address");
            assert_eq!(reachable(address).to_string(), shown);
        }
    }
}
