//! Hands a mail to the server of `smtp_url`: STARTTLS or TLS, the sign-in, one mail a connection. Decides which refusals are
//! final. What it reports may be logged: addresses in it are masked.

use super::{Unsent, message};
use crate::config::Settings;
use crate::domain::account;
use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::ExposeSecret;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// How long the connection, its encryption and the sign-in may take.
const OPENING: Duration = Duration::from_secs(30);
/// How long the server may take for a mail. A server may look at a mail before it takes it (RFC 5321, section 4.5.3.2):
/// a client that gives up earlier sends it twice.
const TAKING: Duration = Duration::from_mins(5);
/// How long to wait for the answer to the goodbye. The mail was taken before it.
const GOODBYE: Duration = Duration::from_secs(2);
/// Characters of a server's answer that are reported.
const REPORTED: usize = 300;

/// A server that takes mail.
#[derive(Debug)]
pub struct Smtp {
    host: String,
    port: u16,
    encryption: Encryption,
    login: Option<Credentials>,
    authorities: Option<PathBuf>,
    hello: ClientId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    /// From the start.
    Tls,
    /// From STARTTLS on; a server without it gets no mail.
    StartTls,
    /// None: the server is this machine.
    Plain,
}

impl Smtp {
    /// The server of `smtp_url`; `None` where it is not set.
    pub fn of(settings: &Settings) -> Option<Result<Smtp, Unsent>> {
        let text = settings.smtp_url.as_ref()?.expose_secret();
        let read = Url::parse(text).ok().and_then(|url| Smtp::read(&url, settings));
        Some(read.ok_or_else(|| Unsent::Later("smtp_url cannot be read".to_owned())))
    }

    fn read(url: &Url, settings: &Settings) -> Option<Smtp> {
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let encryption = match url.scheme() {
            "smtps" => Encryption::Tls,
            _ if here && settings.smtp_ca_file.is_none() => Encryption::Plain,
            _ => Encryption::StartTls,
        };
        let usual = if encryption == Encryption::Tls { 465 } else { 587 };
        let login = Some(url.username()).filter(|user| !user.is_empty()).map(|user| {
            let password = url.password().unwrap_or_default();
            Credentials::new(decoded(user), decoded(password))
        });
        let named = message::own_domain(settings).unwrap_or_else(|| "localhost".to_owned());
        Some(Smtp {
            host,
            port: url.port().unwrap_or(usual),
            encryption,
            login,
            authorities: settings.smtp_ca_file.clone(),
            hello: ClientId::Domain(named),
        })
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Connects, encrypts and signs in. Returns what it found, for people.
    pub async fn check(&self) -> Result<String, Unsent> {
        let mut link = self.open().await?;
        let encrypted = if link.is_encrypted() {
            "encrypted"
        } else {
            "not encrypted"
        };
        let signed_in = if self.login.is_some() { ", signs in" } else { "" };
        goodbye(&mut link).await;
        Ok(format!("{} takes mail ({encrypted}{signed_in})", self.place()))
    }

    /// Hands over a mail.
    pub(super) async fn send(&self, message: &Message) -> Result<(), Unsent> {
        let mut link = self.open().await?;
        match timeout(TAKING, hand_over(&mut link, message)).await {
            Ok(taken) => taken?,
            Err(_) => return Err(Unsent::Later(format!("{} did not answer in time", self.place()))),
        }
        goodbye(&mut link).await;
        Ok(())
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, Unsent> {
        match timeout(OPENING, self.connect()).await {
            Ok(opened) => opened,
            Err(_) => Err(Unsent::Later(format!("{} did not answer in time", self.place()))),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Unsent> {
        let failed = |error: Error| Unsent::Later(format!("{}: {}", self.place(), reported(&error)));
        let wrapper = match self.encryption {
            Encryption::Tls => Some(self.tls().await?),
            Encryption::StartTls | Encryption::Plain => None,
        };
        let place = (self.host.as_str(), self.port);
        let mut link = AsyncSmtpConnection::connect_tokio1(place, Some(OPENING), &self.hello, wrapper, None)
            .await
            .map_err(failed)?;
        if self.encryption == Encryption::StartTls {
            link.starttls(self.tls().await?, &self.hello)
                .await
                .map_err(failed)?;
        }
        if let Some(login) = &self.login {
            let known = [Mechanism::Plain, Mechanism::Login];
            link.auth(&known, login).await.map_err(failed)?;
        }
        Ok(link)
    }

    async fn tls(&self) -> Result<TlsParameters, Unsent> {
        let unusable =
            |error: &dyn std::fmt::Display| Unsent::Later(format!("smtp_ca_file cannot be used: {error}"));
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(file) = &self.authorities {
            let text = tokio::fs::read(file).await.map_err(|error| unusable(&error))?;
            let certificate = Certificate::from_pem(&text).map_err(|error| unusable(&error))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|error| unusable(&error))
    }
}

/// The commands of one mail. A final refusal of the recipient or of the content ends it. A refusal of the sender does not:
/// the operator can mend that.
async fn hand_over(link: &mut AsyncSmtpConnection, message: &Message) -> Result<(), Unsent> {
    let later = |error: Error| Unsent::Later(reported(&error));
    let refused = |error: Error| {
        if error.is_permanent() {
            Unsent::Refused(reported(&error))
        } else {
            later(error)
        }
    };
    let (envelope, text) = (message.envelope(), message.formatted());
    let mut parameters = Vec::new();
    if !text.is_ascii() {
        let server = link.server_info();
        if !server.supports_feature(Extension::SmtpUtfEight)
            || !server.supports_feature(Extension::EightBitMime)
        {
            let message = "the server takes only addresses of ASCII characters (no SMTPUTF8)";
            return Err(Unsent::Refused(message.to_owned()));
        }
        parameters.push(MailParameter::SmtpUtfEight);
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let from = envelope.from().cloned();
    link.command(Mail::new(from, parameters)).await.map_err(later)?;
    for to in envelope.to() {
        link.command(Rcpt::new(to.clone(), Vec::new()))
            .await
            .map_err(refused)?;
    }
    link.command(Data).await.map_err(refused)?;
    link.message(&text).await.map_err(refused)?;
    Ok(())
}

async fn goodbye(link: &mut AsyncSmtpConnection) {
    let _ = timeout(GOODBYE, link.quit()).await;
}

/// An error with everything masked that may be somebody's: servers quote addresses.
fn reported(error: &Error) -> String {
    masked(&error.to_string())
}

fn masked(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(REPORTED).collect();
    let words = shown.split(' ').map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.contains('@') {
            return word.replace(bare, &account::masked(bare));
        }
        let digits = bare.chars().filter(char::is_ascii_digit).count();
        if digits >= 6 || bare.len() > 40 {
            "***".to_owned()
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Percent-decodes a part of a URL.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let escaped = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match escaped {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smtp(pairs: &[(&str, &str)]) -> Smtp {
        let pairs = [pairs, &[("mail_from", "Taskwire <tasks@mail.example.com>")]].concat();
        let settings = Settings::from_pairs(&pairs).expect("settings");
        Smtp::of(&settings).expect("set").expect("a server")
    }

    #[test]
    fn only_this_machine_gets_mail_without_encryption() {
        for (url, encryption, place) in [
            (
                "smtp://mail.example.com",
                Encryption::StartTls,
                "mail.example.com:587",
            ),
            ("smtp://10.0.0.9:25", Encryption::StartTls, "10.0.0.9:25"),
            (
                "smtp://localhost.example.com",
                Encryption::StartTls,
                "localhost.example.com:587",
            ),
            (
                "smtps://mail.example.com",
                Encryption::Tls,
                "mail.example.com:465",
            ),
            ("smtp://localhost:25", Encryption::Plain, "localhost:25"),
            ("smtp://[::1]:25", Encryption::Plain, "::1:25"),
            ("smtps://127.0.0.1", Encryption::Tls, "127.0.0.1:465"),
        ] {
            let smtp = smtp(&[("smtp_url", url)]);
            assert_eq!(
                (smtp.encryption, smtp.place()),
                (encryption, place.to_owned()),
                "{url}"
            );
        }
    }

    #[test]
    fn user_and_password_are_decoded() {
        let smtp = smtp(&[(
            "smtp_url",
            "smtp://ada%40example.com:a+b%26c=d%25@mail.example.com",
        )]);
        let expected = Credentials::new("ada@example.com".to_owned(), "a+b&c=d%".to_owned());
        assert_eq!(smtp.login, Some(expected));
    }

    #[test]
    fn what_a_server_says_is_masked() {
        for (said, shown) in [
            (
                "5.1.1 <bob@example.com>: Recipient address rejected",
                "5.1.1 <b***@example.com>: Recipient address rejected",
            ),
            ("code 123456 seen\r\n", "code *** seen"),
        ] {
            assert_eq!(masked(said), shown);
        }
    }
}
