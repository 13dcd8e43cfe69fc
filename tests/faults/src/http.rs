//! HTTP requests of the fault test, each on its own connection. Knows neither paths nor what answers mean.

use crate::Failed;
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The deadline for a whole exchange.
pub(crate) const EXCHANGE: Duration = Duration::from_secs(10);

/// An answer whose body is JSON.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// The whole answer to a GET, headers included.
pub(crate) async fn get(address: &str, path: &str) -> Result<String, Failed> {
    exchange(address, &format!("GET {path}"), "").await
}

/// Posts JSON.
pub(crate) async fn post(address: &str, path: &str, body: &Value) -> Result<Answer, Failed> {
    let body = body.to_string();
    let rest = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let text = exchange(address, &format!("POST {path}"), &rest).await?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("half an answer")?;
    let status = head.split(' ').nth(1).ok_or("an answer without a status")?;
    Ok(Answer {
        status: status.parse()?,
        body: serde_json::from_str(body)?,
    })
}

/// An answer with any body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// All of it: an answer that broke off is an error.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The answer for people.
    pub(crate) fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// What stands between the fields of forms.
const BOUNDARY: &str = "between-fields-2e1f7c9a0d";

/// The type and the bytes of a form with a file.
pub(crate) fn form(name: &str, content: &[u8]) -> (String, Vec<u8>) {
    let head =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    (kind, [head.as_bytes(), content, end.as_bytes()].concat())
}

/// Sends a request with a token, and with a body of this type if there is one.
pub(crate) async fn send(
    address: &str,
    method: &str,
    path: &str,
    token: &str,
    body: Option<&(String, Vec<u8>)>,
) -> Result<Reply, Failed> {
    let exchange = async {
        let (kind, bytes) = body.map_or(("text/plain", &[][..]), |(kind, bytes)| (kind, bytes));
        let mut stream = TcpStream::connect(address).await?;
        let head = head(address, &format!("{method} {path}"), token, (kind, bytes.len()));
        stream.write_all(head.as_bytes()).await?;
        // a refusal may come before all was sent
        let sent = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer).await;
        sent.and(read)?;
        whole(&answer)
    };
    timeout(EXCHANGE, exchange).await?
}

/// Sends a request of which only so many bytes of the body arrive.
pub(crate) async fn begin(
    address: &str,
    path: &str,
    token: &str,
    (kind, bytes): (&str, &[u8]),
    upto: usize,
) -> Result<(), Failed> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let head = head(address, &format!("POST {path}"), token, (kind, bytes.len()));
        stream.write_all(head.as_bytes()).await?;
        Ok::<_, Failed>(stream.write_all(&bytes[..upto]).await?)
    };
    timeout(EXCHANGE, exchange).await?
}

fn head(address: &str, request: &str, token: &str, (kind, length): (&str, usize)) -> String {
    format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// An answer with all the bytes that its head promises.
fn whole(answer: &[u8]) -> Result<Reply, Failed> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or("half an answer")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let body = answer[end + 4..].to_vec();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.ok_or("an answer without a length")?.trim().parse()?;
    if body.len() != length {
        return Err(format!("{} of {length} bytes arrived", body.len()).into());
    }
    let status = head.split(' ').nth(1).ok_or("an answer without a status")?;
    Ok(Reply {
        status: status.parse()?,
        body,
    })
}

/// `rest`: further headers and the body; empty for none.
async fn exchange(address: &str, request: &str, rest: &str) -> Result<String, Failed> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let rest = if rest.is_empty() { "\r\n" } else { rest };
        let text = format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{rest}");
        stream.write_all(text.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, Failed>(answer)
    };
    timeout(EXCHANGE, exchange).await?
}
