//! Mails on their way: through a real SMTP server, once, whatever fails on the way; and as files where there is none.

use crate::on_both_databases;
use crate::support::smtp::{Encryption, Smtp, certificate};
use crate::support::{Client, Engine, PASSWORD, Server, eventually, http, mails, text};
use reqwest::Method;
use serde_json::json;
use std::collections::HashSet;
use std::time::Duration;

on_both_databases!(
    a_mail_leaves_once_after_the_node_was_killed_before_it_sent_it,
    a_mail_that_is_greylisted_leaves_later_and_a_refused_one_never,
    without_a_server_mails_lie_in_a_folder,
    a_new_device_is_told_by_mail,
    a_mail_leaves_only_over_an_encrypted_connection_to_a_known_server,
    what_signs_somebody_in_is_in_no_table_and_in_no_queue,
);

/// Settings with which mails go to a server.
fn settings(smtp: &Smtp) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("smtp_url", smtp.url()),
        ("mail_from", "Taskwire <tasks@example.org>".to_owned()),
        ("lease_seconds", "1".to_owned()),
    ];
    if smtp.url().starts_with("smtps") {
        settings.push(("smtp_ca_file", certificate().display().to_string()));
    }
    settings
}

async fn prepare(engine: Engine, smtp: &Smtp) -> Server {
    let settings = settings(smtp);
    let settings: Vec<(&str, &str)> = settings.iter().map(|(key, text)| (*key, &**text)).collect();
    Server::prepare(engine, &settings).await
}

async fn start(engine: Engine, smtp: &Smtp) -> Server {
    let mut server = prepare(engine, smtp).await;
    server.spawn();
    server
}

async fn signs_up(server: &Server, name: &str) {
    let data = json!({ "email": format!("{name}@example.com"), "name": name, "password": PASSWORD });
    let answer = http::post(server, "/v1/auth/signup", &data).await;
    assert_eq!(answer.status(), 201, "{:?}", answer.text().await);
}

/// A device that the account does not know signs in; its owner hears of it. One that it knows tells nobody.
async fn a_new_device_is_told_by_mail(engine: Engine) {
    let server = Server::start(engine, &[("trusted_proxies", "127.0.0.1")]).await;
    http::sign_up(&server, "ada").await;
    let login = json!({ "email": "ada@example.com", "password": PASSWORD, "device_name": "Phone <3" });
    for address in ["203.0.113.9", "203.0.113.9"] {
        let answer = http::request(&server, Method::POST, "/v1/auth/login")
            .header("x-forwarded-for", address)
            .json(&login);
        assert_eq!(answer.send().await.expect("an answer").status(), 200);
    }
    let mail = mails::nth(&server, 1, "ada@example.com", "A new device signed in").await;
    for part in ["203.0.113.9", "Phone <3", "Phone &lt;3"] {
        assert!(mail.text.contains(part), "{part}: {}", mail.text);
    }
    all_left(&server).await;
    let told = mails::kept_for(&server, "ada@example.com", "A new device signed in");
    assert_eq!(told.len(), 1);
}

/// Waits until the server has taken a mail for an address.
async fn taken(smtp: &Smtp, address: &str) -> mails::Mail {
    let what = format!("a mail to {address}");
    eventually(&what, || async { smtp.taken(address).pop() }).await
}

/// Waits until no mail is in the table of jobs.
async fn all_left(server: &Server) {
    let waiting = "taskwire_jobs_waiting{kind=\"mail\"} 0";
    eventually("an empty outbox", || async {
        let metrics = http::get(server, "/metrics").await.text().await.expect("metrics");
        metrics.contains(waiting).then_some(())
    })
    .await;
}

async fn a_mail_leaves_once_after_the_node_was_killed_before_it_sent_it(engine: Engine) {
    let mut smtp = Smtp::start(Encryption::Plain).await;
    smtp.stop().await;
    let mut server = start(engine, &smtp).await;
    signs_up(&server, "ada").await;
    server.kill();
    smtp.listen().await;
    server.spawn();
    let mail = taken(&smtp, "ada@example.com").await;
    assert_eq!(mail.header("From"), "Taskwire <tasks@example.org>");
    assert_eq!(mail.header("Subject"), "Verify your e-mail address");
    let id = mail.header("Message-ID").to_owned();
    assert!(id.ends_with("@example.org>"), "{id}");
    assert!(
        !mail.text.contains("http"),
        "without public_url there is no link: {}",
        mail.text
    );
    // the server goes away and comes back while the node runs
    smtp.stop().await;
    signs_up(&server, "bob").await;
    eventually("a failed try", || async {
        server
            .log()
            .contains("a job failed and will run again")
            .then_some(())
    })
    .await;
    smtp.listen().await;
    taken(&smtp, "bob@example.com").await;
    all_left(&server).await;
    assert_eq!(
        (
            smtp.taken("ada@example.com").len(),
            smtp.taken("bob@example.com").len()
        ),
        (1, 1)
    );
    let log = server.log();
    assert!(
        !log.contains("ada@example.com") && !log.contains("bob@example.com"),
        "{log}"
    );
    assert!(!log.contains(&mail.code()), "{log}");
}

async fn a_mail_that_is_greylisted_leaves_later_and_a_refused_one_never(engine: Engine) {
    let smtp = Smtp::start(Encryption::Plain).await;
    smtp.answer("grey@example.com", &["451 4.7.1", "450 4.7.1"]);
    smtp.answer("gone@example.com", &["550 5.1.1"]);
    let server = start(engine, &smtp).await;
    for name in ["grey", "gone"] {
        signs_up(&server, name).await;
    }
    taken(&smtp, "grey@example.com").await;
    all_left(&server).await;
    assert_eq!(smtp.taken("grey@example.com").len(), 1);
    assert!(smtp.taken("gone@example.com").is_empty());
    assert_eq!(smtp.asked(), 4, "three times for one, once for the other");
    let log = server.log();
    let refused = log
        .lines()
        .filter(|line| line.contains("refuses a mail for good"));
    let refused: Vec<&str> = refused.collect();
    assert_eq!(refused.len(), 1, "{log}");
    assert!(
        refused[0].contains("g***@example.com") && refused[0].contains("550"),
        "{refused:?}"
    );
    assert!(
        !log.contains("gone@example.com") && !log.contains("grey@example.com"),
        "{log}"
    );
}

async fn without_a_server_mails_lie_in_a_folder(engine: Engine) {
    let server = Server::start(engine, &[("public_url", "https://tasks.example.com")]).await;
    http::sign_up(&server, "ada").await;
    let mail = mails::nth(&server, 1, "ada@example.com", "Verify your e-mail address").await;
    let link = mail.link("https://tasks.example.com/verify-email#");
    assert_eq!(
        link.len(),
        "https://tasks.example.com/verify-email#".len() + 64,
        "{link}"
    );
    let line = eventually("a line in the log", || async {
        let log = server.log();
        let mut lines = log.lines();
        let line = lines.find(|line| line.contains("a mail was written to a file"));
        line.map(str::to_owned)
    })
    .await;
    assert!(
        line.contains("data/outbox/") && !line.contains(&mail.code()),
        "{line}"
    );
    let (_, jobs) = server.run(&["config"]);
    assert!(!jobs.contains("ada@example.com"), "{jobs}");
}

async fn a_mail_leaves_only_over_an_encrypted_connection_to_a_known_server(engine: Engine) {
    for encryption in [Encryption::StartTls, Encryption::Tls] {
        let smtp = Smtp::start(encryption).await;
        let mut server = prepare(engine, &smtp).await;
        server.set("smtp_ca_file", &certificate().display().to_string());
        server.spawn();
        signs_up(&server, "ada").await;
        taken(&smtp, "ada@example.com").await;
        let (code, told) = server.run(&["doctor"]);
        assert!(
            code == Some(0) && told.contains("takes mail (encrypted, signs in)"),
            "{told}"
        );
    }
    // nobody signed the certificate that the node would trust
    let smtp = Smtp::start(Encryption::Tls).await;
    let mut server = prepare(engine, &smtp).await;
    server.set("smtp_ca_file", "");
    server.spawn();
    signs_up(&server, "ada").await;
    eventually("a failed try", || async {
        server
            .log()
            .lines()
            .any(|line| line.contains("job failed") && line.contains("certificate"))
            .then_some(())
    })
    .await;
    let (code, told) = server.run(&["doctor"]);
    assert!(
        code == Some(1) && told.contains("certificate") && !told.contains("s3cret"),
        "{told}"
    );
    // a server that offers no encryption gets nothing where it is required
    let smtp = Smtp::start(Encryption::Plain).await;
    let mut server = prepare(engine, &smtp).await;
    server.set("smtp_ca_file", &certificate().display().to_string());
    server.spawn();
    signs_up(&server, "ada").await;
    eventually("a failed try", || async {
        server
            .log()
            .lines()
            .any(|line| line.contains("job failed") && line.contains("STARTTLS"))
            .then_some(())
    })
    .await;
    assert!(smtp.taken("ada@example.com").is_empty());
}

/// Who reads the database, or a backup of it, cannot use what is in it: codes, links, tokens and passwords are hashes.
async fn what_signs_somebody_in_is_in_no_table_and_in_no_queue(engine: Engine) {
    let mut smtp = Smtp::start(Encryption::Plain).await;
    smtp.stop().await;
    let mut server = prepare(engine, &smtp).await;
    server.set("public_url", "https://tasks.example.com");
    server.spawn();
    let mut ada = Client::sign_up(&server, "ada").await;
    let program = ada.ok("api_token.create", json!({ "name": "a program" })).await;
    let asked = json!({ "email": "ada@example.com" });
    assert_eq!(
        http::post(&server, "/v1/auth/forgot-password", &asked)
            .await
            .status(),
        202
    );
    let queued = server.database.contents().await;
    assert_eq!(queued["jobs"].matches("ada@example.com").count(), 2, "{queued:?}");
    smtp.listen().await;
    let mails = eventually("two mails", || async {
        Some(smtp.taken("ada@example.com")).filter(|mails| mails.len() == 2)
    })
    .await;
    let mut secrets = vec![PASSWORD.to_owned(), text(&program["token"]).to_owned()];
    secrets.extend(["access_token", "refresh_token"].map(|name| text(&ada.tokens[name]).to_owned()));
    for mail in &mails {
        secrets.extend(mail.codes());
        let link = mail.link("https://tasks.example.com/");
        secrets.push(link.rsplit('#').next().expect("a token").to_owned());
    }
    assert_eq!(secrets.len(), 8, "{mails:?}");
    let of_a_word = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    for tables in [queued, server.database.contents().await] {
        for (table, rows) in tables {
            let words: HashSet<&str> = rows.split(|letter| !of_a_word(letter)).collect();
            let shown = secrets.iter().position(|secret| {
                let is_phrase = secret.contains(' ');
                words.contains(secret.as_str()) || (is_phrase && rows.contains(secret.as_str()))
            });
            assert_eq!(shown, None, "a secret is in {table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_server_gets_each_mail_once_and_holds_up_no_other_job() {
    let smtp = Smtp::start(Encryption::Plain).await;
    smtp.delay(Duration::from_secs(3));
    let server = start(Engine::Sqlite, &smtp).await;
    let names = ["ada", "bob", "cleo", "dan"];
    for name in names {
        signs_up(&server, name).await;
    }
    let running = eventually("two mails under way", || async {
        let metrics = http::get(&server, "/metrics")
            .await
            .text()
            .await
            .expect("metrics");
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("taskwire_jobs_running{kind=\"mail\"} "))?;
        line.parse::<u32>().ok().filter(|number| *number > 0)
    })
    .await;
    assert!(running <= 2, "{running}");
    for name in names {
        let address = format!("{name}@example.com");
        taken(&smtp, &address).await;
    }
    all_left(&server).await;
    for name in names {
        assert_eq!(smtp.taken(&format!("{name}@example.com")).len(), 1);
    }
}
