//! Checks that Redis answers in its protocol (with TLS it only connects), and that the mail server takes mail, as a node
//! would send it.

use super::Finding;
use crate::config::Settings;
use crate::mail::{Smtp, Unsent};
use axum::http::Uri;
use secrecy::{ExposeSecret, SecretString};
use std::fmt::Write as _;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn redis(settings: &Settings) -> Finding {
    let Some(url) = &settings.redis_url else {
        return Finding::off("redis", "redis_url is not set; one instance does not need it");
    };
    let advice = "check redis_url, and that Redis runs and accepts this machine; until then the changes of other \
        instances arrive up to 3 s late";
    match timeout(PATIENCE, ping(url)).await {
        Ok(Ok(found)) => Finding::ok("redis", found),
        Ok(Err(error)) => Finding::failure("redis", error.to_string()).advise(advice),
        Err(_) => Finding::failure("redis", "no answer within 5 s").advise(advice),
    }
}

pub(super) async fn smtp(settings: &Settings) -> Finding {
    let Some(smtp) = Smtp::of(settings) else {
        return Finding::off("smtp", "smtp_url is not set; mails lie in data_dir/outbox");
    };
    let advice = "check smtp_url and smtp_ca_file; no mail is lost: a node tries again for about three days";
    let checked = async { smtp?.check().await };
    match timeout(PATIENCE, checked).await {
        Ok(Ok(found)) => Finding::ok("smtp", found),
        Ok(Err(Unsent::Refused(error) | Unsent::Later(error))) => {
            Finding::failure("smtp", error).advise(advice)
        }
        Err(_) => Finding::failure("smtp", "no answer within 5 s").advise(advice),
    }
}

/// The parts of a URL. Only `login` is secret.
struct Endpoint {
    scheme: String,
    host: String,
    port: u16,
    /// User and password, percent-decoded.
    login: Option<(String, String)>,
}

impl Endpoint {
    fn read(url: &SecretString, port: u16) -> io::Result<Endpoint> {
        let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "the URL has no host");
        let uri: Uri = url.expose_secret().parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let login = authority.as_str().rsplit_once('@').map(|(login, _)| {
            let (user, password) = login.split_once(':').unwrap_or(("", login));
            (decoded(user), decoded(password))
        });
        Ok(Endpoint {
            scheme: uri.scheme_str().unwrap_or_default().to_owned(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(port),
            login,
        })
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let connected = TcpStream::connect((self.host.as_str(), self.port)).await;
        connected.map_err(|error| io::Error::other(format!("{}:{}: {error}", self.host, self.port)))
    }
}

/// Percent-decodes a part of a URL.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let number = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let number = number.and_then(|two| u8::from_str_radix(two, 16).ok());
        (bytes, rest) = match (first, number) {
            (b'%', Some(byte)) => ([bytes, vec![byte]].concat(), &after[2..]),
            _ => ([bytes, vec![*first]].concat(), after),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn ping(url: &SecretString) -> io::Result<String> {
    if let Some(path) = url.expose_secret().strip_prefix("redis+unix://") {
        let path = path.split('?').next().unwrap_or_default();
        return answer(UnixStream::connect(path).await?, None, path).await;
    }
    let place = Endpoint::read(url, 6379)?;
    let shown = format!("{}:{}", place.host, place.port);
    let tcp = place.connect().await?;
    if place.scheme == "rediss" {
        return Ok(format!(
            "{shown} accepts connections; the protocol inside TLS was not checked"
        ));
    }
    answer(tcp, place.login.as_ref(), &shown).await
}

/// Logs in if the URL has a login, then sends PING.
async fn answer(
    link: impl AsyncRead + AsyncWrite + Unpin,
    login: Option<&(String, String)>,
    shown: &str,
) -> io::Result<String> {
    let mut link = BufReader::new(link);
    if let Some((user, password)) = login {
        let words = match user.as_str() {
            "" => vec!["AUTH", password],
            user => vec!["AUTH", user, password],
        };
        let said = say(&mut link, &words).await?;
        if said != "+OK" {
            return Err(io::Error::other(format!("{shown} refuses the login: {said}")));
        }
    }
    match say(&mut link, &["PING"]).await?.as_str() {
        "+PONG" => Ok(format!("{shown} answers")),
        said => Err(io::Error::other(format!("{shown} answers {said:?} to PING"))),
    }
}

/// Sends one command. Returns the first line of the answer.
async fn say(
    link: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>,
    words: &[&str],
) -> io::Result<String> {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        let _ = write!(text, "${}\r\n{word}\r\n", word.len());
    }
    link.write_all(text.as_bytes()).await?;
    line(link).await
}

/// Reads a line, at most its first kilobyte: the other side may be any program.
async fn line(link: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<String> {
    use tokio::io::AsyncReadExt;
    let mut bytes = Vec::new();
    link.take(1024).read_until(b'\n', &mut bytes).await?;
    let text: String = String::from_utf8_lossy(&bytes)
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    if text.is_empty() {
        return Err(io::Error::other(
            "the server closed the connection without an answer",
        ));
    }
    Ok(text)
}
