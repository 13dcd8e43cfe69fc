//! Checks that a node on this machine is alive, for the health checks of containers. Sends one HTTP request over TCP,
//! so that images need no other program. Does not check what the node depends on; `/health/detailed` does.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::Settings;

const PATIENCE: Duration = Duration::from_secs(5);

/// Why a node does not count as alive.
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
    /// An answer with another status than 200.
    #[error("{address} answered {status:?}, not status 200")]
    Refused {
        /// The address that answered.
        address: String,
        /// The answer's first line.
        status: String,
    },
}

/// `GET /livez` where the settings say that the node listens.
pub async fn check(settings: &Settings) -> Result<(), NotAlive> {
    let listen = settings.listen.as_seen_from_here();
    let address = listen.to_string();
    if listen.host_and_port().1 == 0 {
        return Err(NotAlive::UnknownPort(address));
    }
    // A node with allowed_hosts refuses other Host headers.
    let host = settings
        .allowed_hosts
        .first()
        .map_or_else(|| address.clone(), ToString::to_string);
    match timeout(PATIENCE, status_line(listen.host_and_port(), &host)).await {
        Err(_) => Err(NotAlive::Late(address)),
        Ok(Err(error)) => Err(NotAlive::Unreachable { address, error }),
        Ok(Ok(status)) if status.split(' ').nth(1) == Some("200") => Ok(()),
        Ok(Ok(status)) => Err(NotAlive::Refused { address, status }),
    }
}

async fn status_line(address: (&str, u16), host: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /livez HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // Only the first line matters, and another program on this port might send without end.
    stream.take(1024).read_to_end(&mut answer).await?;
    let line = answer.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::{NotAlive, check};
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
    async fn another_answer_or_none_is_not_alive() {
        let (outcome, _) = ask("HTTP/1.1 503 Service Unavailable\r\n\r\n", &[]).await;
        assert!(matches!(outcome, Err(NotAlive::Refused { .. })));
        let (outcome, _) = ask("", &[]).await;
        assert!(outcome.is_err());
        let unknown = Settings::from_pairs(&[("listen", "127.0.0.1:0")]).expect("settings");
        assert!(matches!(check(&unknown).await, Err(NotAlive::UnknownPort(_))));
    }
}
