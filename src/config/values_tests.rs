//! Tests of the types of single settings.

use std::path::PathBuf;

use tracing_subscriber::filter::LevelFilter;

use super::*;

#[test]
fn a_listen_address_can_have_a_name_an_address_and_port_zero() {
    for good in [
        "127.0.0.1:8080",
        "localhost:8080",
        "[::1]:0",
        "0.0.0.0:0",
        "db-1.internal:65535",
    ] {
        assert_eq!(good.parse::<Listen>().expect(good).to_string(), good);
    }
    let listen: Listen = "[::1]:0".parse().expect("an address");
    assert_eq!(listen.host_and_port(), ("::1", 0));
    for bad in [
        "",
        "8080",
        ":8080",
        "localhost",
        "localhost:",
        "a:99999",
        "::1:80",
        "300.1.1.1:80",
        "a b:80",
        "http://a:80",
    ] {
        assert!(bad.parse::<Listen>().is_err(), "{bad} was accepted");
    }
}

#[test]
fn an_unspecified_address_is_reached_by_loopback() {
    let seen = |text: &str| {
        text.parse::<Listen>()
            .expect(text)
            .as_seen_from_here()
            .to_string()
    };
    assert_eq!(seen("0.0.0.0:80"), "127.0.0.1:80");
    assert_eq!(seen("[::]:80"), "[::1]:80");
    assert_eq!(seen("localhost:80"), "localhost:80");
}

#[test]
fn database_urls_name_a_file_or_a_server() {
    for (text, file) in [
        ("sqlite:data/a.db", "data/a.db"),
        ("sqlite:///var/a.db", "/var/a.db"),
        ("sqlite://a.db", "a.db"),
    ] {
        let Ok(DatabaseUrl::Sqlite { path }) = text.parse() else {
            panic!("{text} was refused")
        };
        assert_eq!(path, PathBuf::from(file));
    }
    let url: DatabaseUrl = "postgres://ada:s3cret@db/tasks".parse().expect("a url");
    assert_eq!(url.to_string(), "postgres://ada:***@db/tasks");
    assert!(!format!("{url:?}").contains("s3cret"));
    for good in [
        "postgres://ada:pa$word@db/tasks",
        "postgres://ada@[::1]:5432/tasks",
        "postgres://%2Fvar%2Frun%2Fpostgresql/tasks",
        "postgres:///tasks?host=/var/run/postgresql&user=ada",
        "postgres://db/tasks?sslmode=require&options[search_path]=a",
    ] {
        assert!(good.parse::<DatabaseUrl>().is_ok(), "{good} was refused");
    }
    for (bad, reason) in [
        ("postgres://ada:s3#cret@db/tasks", "%23"),
        ("postgres://ada:1#s3cret@db/tasks", "%23"),
        ("postgres://ada:s3/cret@db/tasks", "%2F"),
        ("postgres://db/tasks?ssl_mode=s3cret", "did you mean ssl"),
        ("postgres://db/tasks?passwd=s3cret", "unknown parameter"),
    ] {
        let refused = bad.parse::<DatabaseUrl>().expect_err(bad);
        assert!(
            refused.contains(reason) && !refused.contains("s3cret"),
            "{refused}"
        );
    }
    for bad in [
        "mysql://a/b",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:a.db?mode=ro",
        "sqlite:a\nb.db",
        "postgres://h/d\n?sslmode=require",
        "postgres://",
        "a.db",
    ] {
        assert!(bad.parse::<DatabaseUrl>().is_err(), "{bad} was accepted");
    }
}

#[test]
fn a_misspelt_log_level_is_refused() {
    let targets = log_level("info, taskwire::engine=debug").expect("levels");
    assert_eq!(targets.default_level(), Some(LevelFilter::INFO));
    assert!(targets.would_enable("taskwire::engine::lane", &tracing::Level::DEBUG));
    for bad in ["inof", "info,", "=debug", "a=", "taskwire=verbose"] {
        assert!(log_level(bad).is_err(), "{bad} was accepted");
    }
}

#[test]
fn networks_contain_their_addresses_only() {
    let contains = |network: &str, address: &str| {
        network
            .parse::<Network>()
            .expect(network)
            .contains(address.parse().expect(address))
    };
    assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
    assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"), "IPv4 written as IPv6");
    assert!(contains("127.0.0.1", "127.0.0.1") && !contains("127.0.0.1", "127.0.0.2"));
    assert!(contains("0.0.0.0/0", "1.2.3.4") && !contains("0.0.0.0/0", "2001:db8::1"));
    assert!(contains("2001:db8::/32", "2001:db8:1::1") && contains("::/0", "::1"));
    for peer in ["10.0.0.1", "::ffff:10.0.0.1"] {
        assert!(contains("::ffff:10.0.0.1", peer) && contains("::ffff:10.0.0.0/104", peer));
        assert!(!contains("::ffff:10.0.0.2", peer) && !contains("::ffff:11.0.0.0/104", peer));
    }
    for bad in [
        "10.0.0.0/33",
        "::/129",
        "::ffff:10.0.0.0/95",
        "10.0.0/8",
        "proxy",
        "1.2.3.4/",
        "1.2.3.4/-1",
    ] {
        assert!(bad.parse::<Network>().is_err(), "{bad} was accepted");
    }
}

#[test]
fn senders_may_have_a_name() {
    for good in [
        "tasks@example.com",
        "Taskwire <tasks@example.com>",
        "<a@localhost>",
    ] {
        assert!(mailbox(good).is_ok(), "{good} was refused");
    }
    for bad in [
        "",
        "tasks",
        "Taskwire <tasks>",
        "a@b@",
        "a\nb <a@example.com>",
        "a b@example.com",
    ] {
        assert!(mailbox(bad).is_err(), "{bad} was accepted");
    }
}
