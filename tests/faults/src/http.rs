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
