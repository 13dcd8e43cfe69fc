//! `tw` as a process, and a server that answers it by a function.

use crate::script::*;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    process::Command,
};

type Answers = dyn Fn(&str, &Value) -> Result<Value, &'static str> + Send + Sync;

/// A server that answers by a function. Its refresh tokens are good for one use.
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
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let fake = Arc::new(Fake {
            url: format!("http://{}", listener.local_addr()?),
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
        if &start == b"POST" {
            return self.refresh(stream).await;
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

    async fn refresh(&self, mut stream: TcpStream) -> Tested {
        let mut text = String::new();
        while !text.ends_with('}') {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await?;
            text.push_str(std::str::from_utf8(&part[..read])?);
        }
        let (status, body) = {
            let mut token = self.refresh_token.lock().map_err(|_| "poisoned")?;
            if text.contains(&format!("\"r{token}\"")) {
                *token += 1;
                (200, tokens(*token))
            } else {
                *self.refused_refreshes.lock().map_err(|_| "poisoned")? += 1;
                (401, json!({}))
            }
        };
        Ok(stream.write_all(over_http(status, &body).as_bytes()).await?)
    }
}

pub(crate) fn over_http(status: u16, body: &Value) -> String {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: ");
    format!("{head}{}\r\nconnection: close\r\n\r\n{body}", body.len())
}

pub(crate) fn tokens(n: u32) -> Value {
    json!({"access_token": format!("a{n}"), "token_type": "Bearer", "expires_in": 900,
        "refresh_token": format!("r{n}"), "user": user()})
}

/// `tw` with a home of its own.
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

/// With a token, so that no sign-in is needed.
pub(crate) async fn run(url: &str, args: &[&str]) -> Result<(i32, String, String), Failed> {
    let home = tempfile::tempdir()?;
    let mut command = tw(home.path(), url, args);
    told(soon("the end of tw", command.env("TASKWIRE_TOKEN", "t").output()).await??)
}

pub(crate) fn told(output: Output) -> Result<(i32, String, String), Failed> {
    let code = output.status.code().ok_or("tw was killed")?;
    Ok((
        code,
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    ))
}

pub(crate) fn page(tasks: &[Value]) -> Value {
    json!({"items": tasks, "next_cursor": null, "total": tasks.len()})
}

/// A home with a session that ends then.
pub(crate) fn signed_in_at(url: &str, expires_at: i64) -> Result<tempfile::TempDir, Failed> {
    let home = tempfile::tempdir()?;
    std::fs::create_dir(home.path().join("taskwire"))?;
    let session = json!({"url": url, "email": "ada@example.com", "access_token": "a1", "refresh_token": "r1",
        "expires_at": expires_at});
    std::fs::write(home.path().join("taskwire/session.json"), session.to_string())?;
    Ok(home)
}

pub(crate) fn kept(home: &Path) -> Result<Value, Failed> {
    Ok(serde_json::from_slice(&std::fs::read(
        home.join("taskwire/session.json"),
    )?)?)
}
