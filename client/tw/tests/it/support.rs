//! `tw` as a process, and a server whose answers are a function.

use crate::script::*;
use serde_json::{Value, json};
use std::{
    io::ErrorKind,
    net::SocketAddr,
    path::Path,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use taskwire_client::protocol::ErrorCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::Command,
    time::sleep,
};

type Answers = dyn Fn(&str, &Value) -> Result<Value, &'static str> + Send + Sync;

/// A server whose answers are a function of the request. Each of its refresh tokens works once, as if the time to repeat it
/// were over.
pub(crate) struct Fake {
    pub(crate) url: String,
    answers: Arc<Answers>,
    pub(crate) refresh_token: Mutex<u32>,
    pub(crate) refused_refreshes: Mutex<u32>,
}

impl Fake {
    pub(crate) async fn start(
        answers: impl Fn(&str, &Value) -> Result<Value, &'static str> + Send + Sync + 'static,
    ) -> Result<Arc<Fake>, Failed> {
        let (listener, url) = listen().await?;
        let fake = Arc::new(Fake {
            url,
            answers: Arc::new(answers),
            refresh_token: Mutex::new(1),
            refused_refreshes: Mutex::new(0),
        });
        let server = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        Ok(fake)
    }

    async fn serve(&self, stream: TcpStream) -> Tested {
        let mut start = [0; 4];
        stream.peek(&mut start).await?;
        match &start {
            b"POST" => return self.post(stream).await,
            b"GET " if is_knock(&stream).await? => return answer_knock(stream).await,
            _ => {}
        }
        let mut peer = Peer::accept(stream).await?;
        loop {
            let request = peer.receive().await?;
            let name = request["type"].as_str().unwrap_or_default();
            match (self.answers)(name, &request["data"]) {
                _ if name == "auth" => {
                    let frame = json!({"type": "welcome", "id": request["id"], "data": first_welcome()});
                    peer.send(&frame).await?;
                }
                Ok(data) => peer.answer(&request, &data).await?,
                Err(code) => peer.refuse(&request, code, false).await?,
            }
        }
    }

    /// Answers a request over HTTP: a refresh, or what the function says to the method and the path.
    async fn post(&self, mut stream: TcpStream) -> Tested {
        let mut text = String::new();
        while !text.ends_with('}') {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await?;
            text.push_str(std::str::from_utf8(&part[..read])?);
        }
        let route = text.split(" HTTP/").next().unwrap_or_default();
        let (status, body) = if route == "POST /v1/auth/refresh" {
            self.refresh(&text)?
        } else {
            let (_, body) = text.split_once("\r\n\r\n").ok_or("no body")?;
            match (self.answers)(route, &serde_json::from_str(body)?) {
                Ok(data) if data["status"] == "pending" => (202, data),
                Ok(data) => (200, data),
                Err(code) => refusal(code)?,
            }
        };
        Ok(stream.write_all(over_http(status, &body).as_bytes()).await?)
    }

    fn refresh(&self, request: &str) -> Result<(u16, Value), Failed> {
        let mut token = self.refresh_token.lock().map_err(|_| "poisoned")?;
        if request.contains(&format!("\"r{token}\"")) {
            *token += 1;
            return Ok((200, pair(*token)));
        }
        *self.refused_refreshes.lock().map_err(|_| "poisoned")? += 1;
        Ok((401, json!({})))
    }
}

/// The answer to a refused request.
fn refusal(code: &str) -> Result<(u16, Value), Failed> {
    let status = serde_json::from_value::<ErrorCode>(json!(code))?.status();
    let error = json!({"code": code, "message": "no", "retryable": false});
    Ok((
        status,
        json!({"success": false, "error": error, "request_id": "r"}),
    ))
}

/// The `n`th pair of tokens.
pub(crate) fn pair(n: u32) -> Value {
    tokens(&format!("a{n}"), &format!("r{n}"), 900)
}

/// A port for a scripted server, and its address.
pub(crate) async fn listen() -> Result<(TcpListener, String), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// Listens on the same port again. Another process may use the port for a moment, for an outgoing connection.
pub(crate) async fn listen_again(address: SocketAddr) -> std::io::Result<TcpListener> {
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => sleep(Duration::from_millis(50)).await,
            bound => return bound,
        }
    }
}

/// Whether this connection only asks whether somebody is there.
pub(crate) async fn is_knock(stream: &TcpStream) -> Result<bool, Failed> {
    let mut start = [0; 16];
    let read = soon("a request", stream.peek(&mut start)).await??;
    Ok(start[..read].starts_with(b"GET /livez "))
}

pub(crate) async fn answer_knock(mut stream: TcpStream) -> Tested {
    let mut request = [0; 4096];
    assert!(stream.read(&mut request).await? > 0);
    Ok(stream.write_all(over_http(200, &json!({})).as_bytes()).await?)
}

/// The next connection, after this one has asked whether somebody is there.
pub(crate) async fn after_knock(listener: &TcpListener) -> Result<TcpStream, Failed> {
    let knock = soon("a knock", listener.accept()).await??.0;
    assert!(is_knock(&knock).await?, "it sends something else first");
    answer_knock(knock).await?;
    Ok(soon("the connection after the knock", listener.accept())
        .await??
        .0)
}

/// The next connection, after the handshake.
pub(crate) async fn accept(listener: &TcpListener) -> Result<Peer<TcpStream>, Failed> {
    Peer::accept(soon("a connection", listener.accept()).await??.0).await
}

/// `tw` with this home folder, and nothing else of this process's environment.
pub(crate) fn tw(home: &Path, url: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tw"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("XDG_STATE_HOME", home)
        .env("TASKWIRE_URL", url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs `tw` with a token, so that it needs no session.
pub(crate) async fn run(url: &str, args: &[&str]) -> Result<(i32, String, String), Failed> {
    let home = tempfile::tempdir()?;
    let mut command = tw(home.path(), url, args);
    outcome(soon("the end of tw", command.env("TASKWIRE_TOKEN", "t").output()).await??)
}

/// The exit code, standard output and standard error.
pub(crate) fn outcome(output: Output) -> Result<(i32, String, String), Failed> {
    let code = output.status.code().ok_or("tw was killed")?;
    Ok((
        code,
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    ))
}

/// The only page of a list.
pub(crate) fn page(tasks: &[Value]) -> Value {
    json!({"items": tasks, "next_cursor": null, "total": tasks.len()})
}

/// A home with a kept session whose access token expires at this time.
pub(crate) fn signed_in_at(url: &str, expires_at: i64) -> Result<tempfile::TempDir, Failed> {
    let home = tempfile::tempdir()?;
    std::fs::create_dir(home.path().join("taskwire"))?;
    let session = json!({"url": url, "email": "ada@example.com", "access_token": "a1", "refresh_token": "r1",
        "expires_at": expires_at});
    std::fs::write(home.path().join("taskwire/session.json"), session.to_string())?;
    Ok(home)
}

/// The kept session of the latest sign-in.
pub(crate) fn kept(home: &Path) -> Result<Value, Failed> {
    let file: Value = serde_json::from_slice(&std::fs::read(home.join("taskwire/session.json"))?)?;
    // Until `tw` writes it, it is the file of an older version.
    Ok(file
        .get("sessions")
        .map_or(&file, |sessions| &sessions[0])
        .clone())
}
