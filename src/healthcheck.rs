//! Checks that a node on this machine is alive, for the health checks of containers; and waits until it is ready and
//! proxies send requests to it again, for rolling restarts. Sends plain HTTP requests over TCP, so that images need no
//! other program. Does not check what the node depends on; `/health/detailed` does.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::auth::operators;
use crate::config::{Listen, Settings};

const PATIENCE: Duration = Duration::from_secs(5);
/// The pause between two questions of [`wait`].
const PAUSE: Duration = Duration::from_millis(100);
/// Most bytes of an answer that are read. Another program on this port might send without end.
const ANSWER_BYTES: u64 = 16 << 10;

/// Why a node does not count as alive or ready.
#[derive(Debug, thiserror::Error)]
pub enum NotAlive {
    /// The settings say port 0, so the node's port is not known.
    #[error("the node's port is not known, because listen is {0}")]
    UnknownPort(String),
    /// Nobody listens there, or the connection broke.
    #[error("cannot reach {address}: {error}")]
    Unreachable {
        /// The address of the attempt.
        address: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// No answer within 5 s.
    #[error("no answer from {0} within 5 s")]
    Late(String),
    /// The node does not know the token that follows from the settings of this process.
    #[error(
        "{0} wants a token: run this with the settings of the node, as a user who may read them (metrics_token, jwt_secret, data_dir)"
    )]
    Stranger(String),
    /// An answer with another status than 200.
    #[error("{address} answered {status:?}, not status 200")]
    Refused {
        /// The address that answered.
        address: String,
        /// The answer's first line.
        status: String,
    },
    /// The proxy answered for another node.
    #[error("{proxy} sent the last request to the node {other:?}, not yet to {node:?}")]
    Elsewhere {
        /// The proxy's address.
        proxy: String,
        /// The node that answered; empty if no node did.
        other: String,
        /// This node.
        node: String,
    },
    /// Something was not so within the time to wait.
    #[error("not within {} s: {last}", .waited.as_secs())]
    NotInTime {
        /// How long this waited.
        waited: Duration,
        /// The last answer.
        last: Box<NotAlive>,
    },
}

/// The address of a proxy, given as `http://HOST:PORT`. A missing port is 80.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy(Listen);

impl FromStr for Proxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Proxy, String> {
        let expected = || {
            format!("{text:?} must be http://HOST:PORT; for a proxy that ends TLS, give its plain address")
        };
        let place = text.strip_prefix("http://").ok_or_else(expected)?;
        let place = place.strip_suffix('/').unwrap_or(place);
        let address = place.parse().or_else(|_| format!("{place}:80").parse());
        address.map(Proxy).map_err(|_: String| expected())
    }
}

/// `GET /livez` where the settings say that the node listens.
pub async fn check(settings: &Settings) -> Result<(), NotAlive> {
    Place::of_the_node(settings)?.ask("/livez").await.map(drop)
}

/// Waits until the node is ready, and until each proxy sends requests to it: a proxy may skip a node for a while after
/// it was away. Fails after `patience`.
pub async fn wait(settings: &Settings, patience: Duration, proxies: &[Proxy]) -> Result<(), NotAlive> {
    let deadline = Instant::now() + patience;
    let late = |last| NotAlive::NotInTime {
        waited: patience,
        last: Box::new(last),
    };
    let node = Place::of_the_node(settings)?;
    while let Err(error) = node.ask("/readyz").await {
        pause(deadline, error).await.map_err(late)?;
    }
    for proxy in proxies {
        let proxy = Place::new(&proxy.0, settings);
        while let Err(error) = leads_to(&proxy, &node).await {
            pause(deadline, error).await.map_err(late)?;
        }
    }
    Ok(())
}

/// Returns the error when the time is over.
async fn pause(deadline: Instant, error: NotAlive) -> Result<(), NotAlive> {
    if Instant::now() + PAUSE > deadline {
        return Err(error);
    }
    sleep(PAUSE).await;
    Ok(())
}

/// Whether the proxy sent a request to this node, and not to another one.
async fn leads_to(proxy: &Place, node: &Place) -> Result<(), NotAlive> {
    let (here, there) = (node.instance().await?, proxy.instance().await?);
    if here == there {
        return Ok(());
    }
    Err(NotAlive::Elsewhere {
        proxy: proxy.address.to_string(),
        other: there,
        node: here,
    })
}

/// What this module reads of `/health/detailed`.
#[derive(Default, Deserialize)]
struct Health {
    #[serde(default)]
    instance: String,
}

/// Where to ask, the `Host` header to send, and what opens the node's state.
struct Place {
    address: Listen,
    host: String,
    token: Option<SecretString>,
}

impl Place {
    fn new(address: &Listen, settings: &Settings) -> Place {
        Place {
            // a node that has a name refuses other Host headers
            host: settings
                .hosts()
                .first()
                .map_or_else(|| address.to_string(), ToString::to_string),
            address: address.clone(),
            token: token(settings),
        }
    }

    fn of_the_node(settings: &Settings) -> Result<Place, NotAlive> {
        let listen = settings.listen.as_seen_from_here();
        if listen.host_and_port().1 == 0 {
            return Err(NotAlive::UnknownPort(listen.to_string()));
        }
        Ok(Place::new(&listen, settings))
    }

    /// The name of the instance that answers here.
    async fn instance(&self) -> Result<String, NotAlive> {
        let body = self.ask("/health/detailed").await?;
        let health: Health = serde_json::from_str(&body).unwrap_or_default();
        Ok(health.instance)
    }

    /// The body of an answer with status 200.
    async fn ask(&self, path: &str) -> Result<String, NotAlive> {
        let address = self.address.to_string();
        match timeout(PATIENCE, self.get(path)).await {
            Err(_) => Err(NotAlive::Late(address)),
            Ok(Err(error)) => Err(NotAlive::Unreachable { address, error }),
            Ok(Ok(answer)) => {
                let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
                let status = head.lines().next().unwrap_or_default().trim();
                if status.split(' ').nth(1) == Some("200") {
                    return Ok(body.to_owned());
                }
                if status.split(' ').nth(1) == Some("401") {
                    return Err(NotAlive::Stranger(address));
                }
                let status = status.to_owned();
                Err(NotAlive::Refused { address, status })
            }
        }
    }

    async fn get(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address.host_and_port()).await?;
        let token = self.token.as_ref().map(|token| {
            let token = token.expose_secret();
            format!("authorization: Bearer {token}\r\n")
        });
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\n{}connection: close\r\n\r\n",
            self.host,
            token.unwrap_or_default()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// What opens the node's state. It accepts what follows from its secret, set or generated, so nothing more has to be set. A key
/// that cannot be read is told when the node asks for it.
fn token(settings: &Settings) -> Option<SecretString> {
    let derived = || {
        let key = settings.known_jwt_key().ok().flatten()?;
        operators::derived(&key)
    };
    settings.metrics_token.clone().or_else(derived)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use std::time::Duration;

    use super::{NotAlive, Proxy, check, wait};
    use crate::config::Settings;

    /// A node that gives one answer to one request; returns what the check says and the request it sent.
    async fn ask(answer: &'static str, more: &[(&str, &str)]) -> (Result<(), NotAlive>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let listen = listener.local_addr().expect("its address").to_string();
        let node = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.expect("the check");
            let mut request = vec![0; 1024];
            let length = socket.read(&mut request).await.expect("a request");
            socket
                .write_all(answer.as_bytes())
                .await
                .expect("the check reads");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let mut pairs = vec![("listen", listen.as_str())];
        pairs.extend(more);
        let outcome = check(&Settings::from_pairs(&pairs).expect("settings")).await;
        (outcome, node.await.expect("the node"))
    }

    #[tokio::test]
    async fn a_node_that_answers_200_is_alive() {
        let (outcome, request) = ask("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", &[]).await;
        assert!(outcome.is_ok());
        assert!(
            request.starts_with("GET /livez HTTP/1.1\r\nhost: 127.0.0.1:"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn the_host_header_is_one_of_allowed_hosts() {
        let (_, request) = ask(
            "HTTP/1.1 200 OK\r\n\r\n",
            &[("allowed_hosts", "tasks.example.com")],
        )
        .await;
        assert!(request.contains("\r\nhost: tasks.example.com\r\n"), "{request}");
    }

    #[tokio::test]
    async fn in_production_the_host_is_that_of_public_url_and_a_token_opens_the_state() {
        let (outcome, request) = ask(
            "HTTP/1.1 200 OK\r\n\r\n",
            &[
                ("environment", "production"),
                ("public_url", "https://tasks.example.com"),
                ("jwt_secret", "a secret of at least thirty-two bytes"),
            ],
        )
        .await;
        assert!(outcome.is_ok());
        assert!(request.contains("\r\nhost: tasks.example.com\r\n"), "{request}");
        assert!(request.contains("\r\nauthorization: Bearer tw_op_"), "{request}");
        let (_, request) = ask("HTTP/1.1 200 OK\r\n\r\n", &[("metrics_token", "chosen")]).await;
        assert!(
            request.contains("\r\nauthorization: Bearer chosen\r\n"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn another_answer_or_none_is_not_alive() {
        let (outcome, _) = ask("HTTP/1.1 503 Service Unavailable\r\n\r\n", &[]).await;
        assert!(matches!(outcome, Err(NotAlive::Refused { .. })));
        let (outcome, _) = ask("HTTP/1.1 401 Unauthorized\r\n\r\n", &[]).await;
        assert!(matches!(outcome, Err(NotAlive::Stranger(_))));
        let (outcome, _) = ask("", &[]).await;
        assert!(outcome.is_err());
        let unknown = Settings::from_pairs(&[("listen", "127.0.0.1:0")]).expect("settings");
        assert!(matches!(check(&unknown).await, Err(NotAlive::UnknownPort(_))));
    }

    #[tokio::test]
    async fn the_wait_ends_with_the_last_reason() {
        let settings = Settings::from_pairs(&[("listen", "127.0.0.1:1")]).expect("settings");
        let outcome = wait(&settings, Duration::from_millis(150), &[]).await;
        let said = outcome.expect_err("nothing listens").to_string();
        assert!(
            said.starts_with("not within 0 s: cannot reach 127.0.0.1:1: "),
            "{said}"
        );
    }

    #[test]
    fn a_proxy_has_a_plain_address() {
        let read = |text: &str| text.parse::<Proxy>().map(|proxy| proxy.0.to_string());
        assert_eq!(read("http://nginx:8080").as_deref(), Ok("nginx:8080"));
        assert_eq!(read("http://nginx/").as_deref(), Ok("nginx:80"));
        assert_eq!(read("http://[::1]:8080").as_deref(), Ok("[::1]:8080"));
        for text in [
            "nginx:8080",
            "https://nginx",
            "http://",
            "http://nginx/tasks",
            "http://a b",
        ] {
            assert!(read(text).is_err(), "{text:?} was accepted");
        }
    }
}
