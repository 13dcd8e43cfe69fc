//! Commands about tasks: their output and their exit codes.

use crate::{script::*, support::*};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

#[tokio::test]
async fn a_server_that_is_not_there_is_a_network_error() -> Tested {
    let (listener, url) = listen().await?;
    drop(listener);
    let (code, out, error) = run(&url, &["ls", "--wait", "0"]).await?;
    assert_eq!((code, out.as_str(), error.lines().count()), (6, "", 1), "{error}");
    Ok(())
}

/// It accepts connections and never says a word, or does not even accept them.
#[tokio::test]
async fn a_silent_server_is_given_up_as_soon_as_told() -> Tested {
    let (listener, silent) = listen().await?;
    let (_full, deaf) = deaf().await?;
    for (url, args) in [
        (&silent, &["ls"][..]),
        (&silent, &["login", "ada@example.com"]),
        (&deaf, &["ls"]),
        (&deaf, &["login", "ada@example.com"]),
        (&deaf, &["profile", "photo", "--remove"]),
    ] {
        let home = tempfile::tempdir()?;
        let mut command = tw(home.path(), url, &[args, &["--wait", "1"]].concat());
        command.env("TASKWIRE_TOKEN", "t").env("TASKWIRE_PASSWORD", "x");
        let began = Instant::now();
        let (code, out, error) = outcome(soon("the end of tw", command.output()).await??)?;
        assert_eq!(
            (code, out.as_str(), error.lines().count()),
            (6, "", 1),
            "{args:?}: {error}"
        );
        assert!(error.contains("cannot be reached"), "{args:?}: {error}");
        // an attempt to connect takes ten seconds where nobody is in a hurry
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{args:?}: {:?}",
            began.elapsed()
        );
    }
    drop(listener);
    Ok(())
}

/// The address of a server that takes no connection any more: its queue is full.
async fn deaf() -> Result<(Vec<TcpStream>, String), Failed> {
    let socket = TcpSocket::new_v4()?;
    socket.bind("127.0.0.1:0".parse()?)?;
    let listener = socket.listen(1)?;
    let address = listener.local_addr()?;
    // it stays open until the tests end
    std::mem::forget(listener);
    let mut waiting = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
        waiting.push(stream?);
        assert!(waiting.len() < 100, "the queue is never full");
    }
    Ok((waiting, format!("http://{address}")))
}

#[tokio::test]
async fn shells_get_a_script_that_completes_without_a_server() -> Tested {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, out, error) = run("http://127.0.0.1:1", &["completions", shell]).await?;
        assert_eq!((code, error.as_str()), (0, ""), "{shell}");
        assert!(
            out.contains("notifications") && out.contains("overdue"),
            "{shell}: {out}"
        );
    }
    Ok(())
}

/// The shell itself loads the script, and completes with it.
#[tokio::test]
async fn bash_completes_commands_and_their_options() -> Tested {
    let home = tempfile::tempdir()?;
    let (_, script, _) = run("http://127.0.0.1:1", &["completions", "bash"]).await?;
    std::fs::write(home.path().join("tw.bash"), script)?;
    for (words, expected) in [
        (&["tw", "not"][..], "notifications"),
        (&["tw", "ls", "--ov"], "--overdue"),
        (&["tw", "completions", "ba"], "bash"),
    ] {
        let last = words.len() - 1;
        let asks = format!(
            "source ./tw.bash && complete -p tw >&2 && COMP_WORDS=({}) COMP_CWORD={last} && \
             $(complete -p tw | sed 's/.*-F \\([^ ]*\\).*/\\1/') tw {} {} && printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words[last],
            words[last - 1],
        );
        let mut bash = tokio::process::Command::new("bash");
        let bash = bash
            .args(["--norc", "--noprofile", "-c", &asks])
            .current_dir(home.path());
        let (code, out, error) = outcome(soon("the end of bash", bash.output()).await??)?;
        assert_eq!(code, 0, "{words:?}: {error}");
        assert!(error.contains(" -F "), "{words:?}: {error}");
        assert!(
            out.lines().any(|line| line == expected),
            "{words:?}: {out}{error}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn refusals_become_exit_codes_and_wrong_usage_is_two() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.get" => Err("NOT_FOUND"),
        "task.restore" => Err("NOT_DELETED"),
        _ => Err("FORBIDDEN"),
    })
    .await?;
    let id = "01990000-0000-7000-8000-000010000001";
    for (args, expected) in [
        (vec!["show", id], 4),
        (vec!["restore", id], 5),
        (vec!["done", id], 3),
        (vec!["call", "task.paint", "{"], 2),
        (vec!["add", "x", "--due", "someday"], 2),
        (vec!["add", "x", "--due", "0000-01-01"], 2),
        (vec!["edit", id, "--due", "9999-12-31T23:59:59-01:00"], 2),
        (vec!["add", "x", "--priority", "mild"], 2),
        (vec!["show", "xyz"], 2),
        (vec!["edit", id], 2),
        (vec!["--server", "nowhere", "ls"], 2),
    ] {
        let (code, out, error) = run(&fake.url, &args).await?;
        assert_eq!((code, out.as_str()), (expected, ""), "{args:?}: {error}");
        assert!(!error.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn words_for_repeats_and_reminders_become_the_contracts() -> Tested {
    let fake = Fake::start(|name, data| {
        match (name, data["title"].as_str()) {
            ("task.create", _) => {
                assert_eq!(data["recurrence"], "FREQ=MONTHLY");
                assert_eq!(data["remind_at"], "2030-01-02T08:00:00.000Z");
            }
            ("task.update", Some("less")) => assert_eq!(data["recurrence"], Value::Null),
            ("task.update", _) => assert_eq!(data["remind_at"], Value::Null),
            _ => return Err("FORBIDDEN"),
        }
        Ok(task(1, 1, "Pay rent"))
    })
    .await?;
    let id = "01990000-0000-7000-8000-000010000001";
    for (args, expected) in [
        (
            vec![
                "add",
                "Pay",
                "rent",
                "--every",
                "month",
                "--remind",
                "2030-01-02T08:00:00Z",
            ],
            0,
        ),
        (vec!["remind", id, "none"], 0),
        (vec!["edit", id, "--title", "less", "--every", "none"], 0),
        (vec!["remind", id], 2),
        (vec!["remind", id, "someday"], 2),
        (vec!["add", "x", "--every", "sometimes"], 2),
    ] {
        let (code, _, error) = run(&fake.url, &args).await?;
        assert_eq!(code, expected, "{args:?}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_line_becomes_a_task_with_the_names_that_exist() -> Tested {
    let (project, ada) = (
        "01990000-0000-7000-8000-0000000000a1",
        "01990000-0000-7000-8000-0000000000b1",
    );
    let fake = Fake::start(move |name, data| {
        Ok(match name {
            "project.list" => page(&[
                json!({"id": project, "workspace_id": HOME, "name": "Summer fair", "color": null,
                "position": "a", "is_archived": false, "version": 1, "created_at": "2030-01-01T00:00:00.000Z",
                "updated_at": "2030-01-01T00:00:00.000Z"}),
            ]),
            "tag.list" => page(&[]),
            "member.list" => page(&[
                json!({"user": {"id": ada, "username": "ada", "name": "Ada", "photo_url": null},
                "role": "owner", "joined_at": "2030-01-01T00:00:00.000Z", "version": 1}),
            ]),
            "task.create" => {
                assert_eq!(data["title"], "Print 2 posters @nobody");
                assert_eq!(data["due_at"], "2030-01-02T00:00:00.000Z");
                assert_eq!(data["all_day"], true);
                assert_eq!(data["recurrence"], "FREQ=MONTHLY");
                assert_eq!(data["priority"], "high");
                assert_eq!(data["project_id"], project);
                assert_eq!(data["tags"], json!(["new"]));
                assert_eq!(data["assignee_ids"], json!([ada]));
                task(1, 1, "Print 2 posters")
            }
            _ => return Err("FORBIDDEN"),
        })
    })
    .await?;
    let home = HOME.to_string();
    let line = "Print 2 posters 2030-01-02 every month #\"summer fair\" #new !high @ada @nobody";
    let (code, out, error) = run(&fake.url, &["quick", line, "-w", &home]).await?;
    assert_eq!((code, out.contains("Print 2 posters")), (0, true), "{error}");
    let (code, _, error) = run(&fake.url, &["quick", "tomorrow", "9am", "-w", &home]).await?;
    assert_eq!((code, error.contains("says nothing to do")), (2, true), "{error}");
    Ok(())
}

#[tokio::test]
async fn tw_alone_tells_how_to_begin() -> Tested {
    let home = tempfile::tempdir()?;
    let (code, out, error) = outcome(tw(home.path(), "http://127.0.0.1:1", &[]).output().await?)?;
    assert_eq!(
        (code, out.as_str(), error.contains("First steps:\n")),
        (2, "", true),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_list_that_is_empty_says_so() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" | "workspace.list" | "project.list" | "tag.list" => Ok(page(&[])),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = HOME.to_string();
    for (args, word) in [
        (&["ls"][..], "no pending tasks in your personal workspace; "),
        (&["ls", "-w", "all"], "no pending tasks; "),
        (&["ls", "--status", "all"], "no tasks\n"),
        (&["ls", "--overdue"], "nothing is overdue\n"),
        (&["next"], "nothing is ready; "),
        (&["workspace", "ls"], "you have no workspace "),
        (&["projects", "-w", &home], "there is no project; "),
        (&["tags", "-w", &home], "there is no tag; "),
    ] {
        let (code, out, error) = run(&fake.url, args).await?;
        assert_eq!(
            (code, out.as_str(), error.starts_with(word)),
            (0, "", true),
            "{args:?}: {error}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_end_of_an_id_names_a_task_unless_two_tasks_match() -> Tested {
    let fake = Fake::start(|name, data| match name {
        "task.list" => {
            let tasks = [
                task(0x1_0000_0001, 1, "near\u{1b}[31m"),
                task(1, 1, "far"),
                task(0xabcd, 1, "one"),
            ];
            Ok(page(&tasks))
        }
        "task.complete" => {
            assert_eq!(data["id"], task(0xabcd, 1, "")["id"]);
            Ok(task(0xabcd, 2, "one"))
        }
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let (code, out, error) = run(&fake.url, &["done", "abcd", "--json"]).await?;
    assert_eq!(code, 0, "{error}");
    assert_eq!(serde_json::from_str::<Value>(&out)?[0]["version"], 2);
    let (code, _, error) = run(&fake.url, &["done", "0000001"]).await?;
    assert_eq!((code, error.lines().count()), (2, 1));
    assert!(
        error.contains("near") && error.contains("far") && !error.contains('\u{1b}'),
        "{error}"
    );
    let (code, ..) = run(&fake.url, &["done", "ffff"]).await?;
    assert_eq!(code, 4);
    Ok(())
}

#[tokio::test]
async fn a_missing_task_prevents_all_changes_and_changes_before_an_error_are_shown() -> Tested {
    let changes = Arc::new(AtomicU32::new(0));
    let count = changes.clone();
    let fake = Fake::start(move |name, data| match name {
        "task.list" => Ok(page(&[task(1, 1, "one"), task(2, 1, "two")])),
        "task.complete" | "task.delete" if data["id"] == task(1, 1, "")["id"] => {
            count.fetch_add(1, Relaxed);
            Ok(task(1, 2, "one"))
        }
        _ => Err("FORBIDDEN"),
    })
    .await?;
    for command in ["done", "rm"] {
        let (code, out, error) = run(&fake.url, &[command, "10000001", "ffff"]).await?;
        assert_eq!((code, out.as_str()), (4, ""), "{error}");
        assert_eq!(changes.swap(0, Relaxed), 0);
        let (code, out, error) = run(&fake.url, &[command, "10000001", "10000002"]).await?;
        assert_eq!((code, out.as_str()), (3, "10000001  [ ] one\n"), "{error}");
        let (code, out, error) = run(&fake.url, &[command, "10000001", "10000002", "--json"]).await?;
        let done: Vec<Value> = serde_json::from_str(&out)?;
        assert_eq!((code, done.len()), (3, 1), "{error}");
        changes.store(0, Relaxed);
    }
    Ok(())
}

#[tokio::test]
async fn a_list_is_json_when_asked_and_without_colours_in_a_pipe() -> Tested {
    let fake = Fake::start(|name, data| match (name, data["cursor"].as_str()) {
        ("task.list", None) => {
            assert_eq!(
                (&data["priority"], &data["sort"]),
                (&json!("high"), &json!("-due_at"))
            );
            let mut task = task(1, 1, "urgent thing");
            task["priority"] = json!("high");
            Ok(json!({"items": [task], "next_cursor": "c", "total": 2}))
        }
        ("task.list", Some("c")) => Ok(json!({"items": [task(2, 1, "other")], "next_cursor": null})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let args = ["ls", "--priority", "high", "--sort", "-due_at"];
    let (code, out, error) = run(&fake.url, &args).await?;
    assert_eq!(code, 0, "{error}");
    assert_eq!(out, "10000001  [ ] urgent thing  high\n10000002  [ ] other\n");
    let (_, out, _) = run(&fake.url, &[&args[..], &["--json", "--limit", "1"]].concat()).await?;
    assert_eq!(serde_json::from_str::<Vec<Value>>(&out)?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_long_list_waits_while_the_server_limits_the_rate() -> Tested {
    let enough = AtomicU32::new(0);
    let fake = Fake::start(move |name, data| match (name, data["cursor"].as_str()) {
        ("task.list", None) => Ok(json!({"items": [task(1, 1, "one")], "next_cursor": "c", "total": 2})),
        ("task.list", Some("c")) if enough.fetch_add(1, Relaxed) < 2 => Err("RATE_LIMITED"),
        ("task.list", Some("c")) => Ok(json!({"items": [task(2, 1, "two")], "next_cursor": null})),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let (code, out, error) = run(&fake.url, &["ls", "--limit", "200"]).await?;
    assert_eq!((code, out.lines().count()), (0, 2), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_closed_output_pipe_is_not_an_error() -> Tested {
    let fake = Fake::start(|name, _| match name {
        "task.list" => Ok(page(&[task(1, 1, "a"), task(2, 1, "b")])),
        _ => Err("UNKNOWN_TYPE"),
    })
    .await?;
    let home = tempfile::tempdir()?;
    let mut child = tw(home.path(), &fake.url, &["ls"])
        .env("TASKWIRE_TOKEN", "t")
        .spawn()?;
    drop(child.stdout.take());
    let (code, _, error) = outcome(soon("the end of tw", child.wait_with_output()).await??)?;
    assert_eq!((code, error.as_str()), (0, ""));
    Ok(())
}
