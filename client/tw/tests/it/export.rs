//! `profile export` and `export`: a file is whole, or it is not there.

use crate::{
    script::*,
    support::{after_knock, listen, outcome, tw},
};
use serde_json::json;
use std::{fs, path::Path};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// An archive with a name; `end` ends the body, or does not.
fn archive(content: &str, end: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/zip\r\ncontent-disposition: attachment; filename=\"data.zip\"\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n{:x}\r\n{content}\r\n{end}",
        content.len()
    )
}

fn whole(content: &str) -> String {
    archive(content, "0\r\n\r\n")
}

/// Answers requests with these texts in turn.
async fn serve(listener: TcpListener, answers: Vec<String>) -> Tested {
    let answers = answers.into_iter().map(|answer| ("/v1/profile/export", answer));
    serve_paths(listener, answers.collect()).await
}

/// Answers requests for these paths in turn.
async fn serve_paths(listener: TcpListener, answers: Vec<(&'static str, String)>) -> Tested {
    for (path, answer) in answers {
        let mut stream = after_knock(&listener).await?;
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await?;
            text.push_str(std::str::from_utf8(&part[..read])?);
        }
        assert!(text.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{text}");
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// Runs `tw profile export` in a folder.
async fn export(folder: &Path, url: &str, args: &[&str]) -> Result<(i32, String, String), Failed> {
    run(folder, url, &[&["profile", "export"], args].concat()).await
}

/// Runs `tw` in a folder.
async fn run(folder: &Path, url: &str, args: &[&str]) -> Result<(i32, String, String), Failed> {
    let mut command = tw(folder, url, args);
    let command = command.current_dir(folder).env("TASKWIRE_TOKEN", "t");
    outcome(soon("the end of tw", command.output()).await??)
}

/// The files in a folder.
fn files(folder: &Path) -> Result<Vec<String>, Failed> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[tokio::test]
async fn an_export_is_saved_and_replaces_nothing_by_itself() -> Tested {
    let (listener, url) = listen().await?;
    let answers = ["one", "two", "three", "four", "five"].map(whole);
    let server = tokio::spawn(serve(listener, answers.to_vec()));
    let (home, folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let file = folder.path().join("data.zip");
    let (code, out, error) = export(folder.path(), &url, &[]).await?;
    assert_eq!((code, &*out), (0, "data.zip: 3 bytes\n"), "{error}");
    assert_eq!(fs::read_to_string(&file)?, "one");
    // without a name it is known only from the answer that the file is there
    let (code, _, error) = export(folder.path(), &url, &[]).await?;
    assert_eq!((code, error.contains("--force")), (2, true), "{error}");
    let (code, _, error) = export(folder.path(), &url, &["data.zip"]).await?;
    assert_eq!((code, error.contains("--force")), (2, true), "{error}");
    assert_eq!(fs::read_to_string(&file)?, "one");
    let (code, out, error) = export(folder.path(), &url, &["data.zip", "--force", "--json"]).await?;
    assert_eq!(
        (code, &*out),
        (0, "{\"bytes\":5,\"file\":\"data.zip\"}\n"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&file)?, "three");
    let (code, out, error) = export(folder.path(), &url, &["-"]).await?;
    assert_eq!((code, &*out), (0, "four"), "{error}");
    let into = folder.path().display().to_string();
    let (code, _, error) = export(home.path(), &url, &[&into, "--force"]).await?;
    assert_eq!(code, 0, "{error}");
    assert_eq!(fs::read_to_string(&file)?, "five");
    assert_eq!(files(folder.path())?, ["data.zip"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    }
    server.await?
}

#[tokio::test]
async fn an_export_that_breaks_off_or_is_refused_leaves_nothing() -> Tested {
    let (listener, url) = listen().await?;
    let refusal = json!({"success": false, "request_id": "r", "error": {"code": "RATE_LIMITED",
        "message": "an export of your data is running", "retryable": true, "retry_after_ms": 10_000}});
    let answers = vec![archive("half", ""), archive("half", ""), over_http(429, &refusal)];
    let server = tokio::spawn(serve(listener, answers));
    let folder = tempfile::tempdir()?;
    let (code, out, error) = export(folder.path(), &url, &[]).await?;
    assert_eq!((code, &*out), (6, ""), "{error}");
    assert_eq!(files(folder.path())?, Vec::<String>::new());
    fs::write(folder.path().join("mine.zip"), "old")?;
    let (code, ..) = export(folder.path(), &url, &["mine.zip", "--force"]).await?;
    assert_eq!(
        (code, &*fs::read_to_string(folder.path().join("mine.zip"))?),
        (6, "old")
    );
    let (code, _, error) = export(folder.path(), &url, &["other.zip"]).await?;
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("is running; try again in 10 s"), "{error}");
    assert_eq!(files(folder.path())?, ["mine.zip"]);
    server.await?
}

#[tokio::test]
async fn a_workspace_is_saved_in_the_format_of_the_file_or_goes_into_a_pipe() -> Tested {
    let (listener, url) = listen().await?;
    let asked = [
        ("/v1/export?format=csv", whole("sheet")),
        ("/v1/export?format=ics", whole("calendar")),
        ("/v1/export?format=json", whole("all")),
        ("/v1/export?format=csv", archive("half", "")),
    ];
    let server = tokio::spawn(serve_paths(listener, asked.into()));
    let folder = tempfile::tempdir()?;
    let (code, out, error) = run(folder.path(), &url, &["export", "tasks.csv"]).await?;
    assert_eq!((code, &*out), (0, "tasks.csv: 5 bytes\n"), "{error}");
    assert_eq!(fs::read_to_string(folder.path().join("tasks.csv"))?, "sheet");
    let (code, ..) = run(folder.path(), &url, &["export", "--format", "ics", "all.txt"]).await?;
    assert_eq!(
        (code, &*fs::read_to_string(folder.path().join("all.txt"))?),
        (0, "calendar")
    );
    // standard output is no terminal here
    let (code, out, error) = run(folder.path(), &url, &["export"]).await?;
    assert_eq!((code, &*out), (0, "all"), "{error}");
    let (code, ..) = run(folder.path(), &url, &["export", "half.csv"]).await?;
    assert_eq!(code, 6);
    assert_eq!(files(folder.path())?, ["all.txt", "tasks.csv"]);
    let (code, _, error) = run(folder.path(), &url, &["export", "--format", "xml"]).await?;
    assert_eq!((code, error.contains("json, csv, ics")), (2, true), "{error}");
    server.await?
}
