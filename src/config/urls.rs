//! Checks the URLs of the database, of Redis and of the mail server, as far as that is possible without a connection. The drivers would
//! ignore a parameter that they do not know, and refuse an invalid one only when they connect. A reason quotes no
//! value: any part of a URL may be a password with a character that is not escaped.

use std::net::IpAddr;

use redis::IntoConnectionInfo;
use url::{Url, form_urlencoded};

use super::error;

/// How to write what would end a part of a URL.
const ESCAPE: &str = "in a user name or password write : / ? # [ ] @ % as %3A %2F %3F %23 %5B %5D %40 %25";

/// The parameters of a URL that the driver of PostgreSQL knows; others it would ignore, `ssl_mode=require` too.
const POSTGRES: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// The parameters that the Redis client knows, for a server and for a socket.
const REDIS: [&str; 1] = ["protocol"];
const REDIS_SOCKET: [&str; 4] = ["db", "user", "pass", "protocol"];
const REDIS_PROTOCOLS: [&str; 4] = ["2", "3", "resp2", "resp3"];

/// Why the driver of PostgreSQL could not read a URL, or would not read all of it.
pub(super) fn check_postgres(text: &str) -> Result<(), String> {
    let url = parse(text)?;
    if url.fragment().is_some() {
        return Err(format!("a # ends it; {ESCAPE}"));
    }
    if url.port() == Some(0) {
        return Err("the port must be a number from 1 to 65535".to_owned());
    }
    for part in [url.username(), url.password().unwrap_or_default(), url.path()] {
        if !is_text(part) {
            return Err("what is written with % must be UTF-8 text".to_owned());
        }
    }
    for (name, value) in url.query_pairs() {
        let is_option = name.starts_with("options[") && name.ends_with(']');
        if !is_option && !POSTGRES.contains(&&*name) {
            return Err(unknown(&url, &name, &POSTGRES));
        }
        check_parameter(&name, &value)?;
    }
    Ok(())
}

/// What is wrong with a parameter of PostgreSQL that only some values fit.
fn check_parameter(name: &str, value: &str) -> Result<(), String> {
    match name {
        "sslmode" | "ssl-mode" if !SSL_MODES.contains(&&*value.to_ascii_lowercase()) => {
            Err(format!("{name} must be one of {}", SSL_MODES.join(", ")))
        }
        "port" if !value.parse::<u16>().is_ok_and(|port| port > 0) => {
            Err("port must be a number from 1 to 65535".to_owned())
        }
        "hostaddr" if value.parse::<IpAddr>().is_err() => Err("hostaddr must be an IP address".to_owned()),
        _ => Ok(()),
    }
}

/// Why the Redis client could not read a URL, or would not read all of it.
pub(super) fn check_redis(text: &str) -> Result<(), String> {
    let url = parse(text)?;
    let is_socket = url.scheme() == "redis+unix";
    // the client itself refuses any other than `#insecure` of a `rediss` URL
    if url.fragment().is_some() && url.scheme() != "rediss" {
        return Err(format!("a # ends it; {ESCAPE}"));
    }
    let known: &[&str] = if is_socket { &REDIS_SOCKET } else { &REDIS };
    for (name, value) in url.query_pairs() {
        if !known.contains(&&*name) {
            return Err(unknown(&url, &name, known));
        }
        if name == "protocol" && !REDIS_PROTOCOLS.contains(&&*value) {
            return Err("protocol must be resp2 or resp3".to_owned());
        }
        if name == "db" {
            check_number(&value)?;
        }
    }
    if !is_socket && !url.path().trim_matches('/').is_empty() {
        check_number(url.path().trim_matches('/'))?;
    }
    url.into_connection_info()
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Why mail could not be sent to a URL, or not as all of it says.
pub(super) fn check_smtp(text: &str) -> Result<(), String> {
    let url = parse(text)?;
    if url.query().is_some() || url.fragment().is_some() || !matches!(url.path(), "" | "/") {
        return Err(format!("nothing may follow the port; {ESCAPE}"));
    }
    if url.port() == Some(0) {
        return Err("the port must be a number from 1 to 65535".to_owned());
    }
    if url.username().is_empty() && url.password().is_some() {
        return Err("a password needs a user".to_owned());
    }
    match url.host_str() {
        None | Some("") => Err("it has no host".to_owned()),
        Some(_) if is_text(url.username()) && is_text(url.password().unwrap_or_default()) => Ok(()),
        Some(_) => Err("what is written with % must be UTF-8 text".to_owned()),
    }
}

/// What is wrong with the number of a database of Redis.
fn check_number(text: &str) -> Result<(), String> {
    match text.parse::<u32>() {
        Ok(_) => Ok(()),
        Err(_) => Err("DATABASE must be a whole number, 0 or more".to_owned()),
    }
}

/// Refuses control characters. A parser of URLs would drop line breaks and tabs without a word.
pub(super) fn check_characters(text: &str) -> Result<(), String> {
    if text.contains(char::is_control) {
        Err("it has a control character, such as a line break".to_owned())
    } else {
        Ok(())
    }
}

fn parse(text: &str) -> Result<Url, String> {
    check_characters(text)?;
    Url::parse(text).map_err(|error| format!("{error}; {ESCAPE}"))
}

/// Whether the bytes written as `%FC` are UTF-8 text. Bytes that are not are read as the character U+FFFD.
fn is_text(part: &str) -> bool {
    form_urlencoded::parse(part.as_bytes()).all(|(name, value)| {
        !name.contains(char::REPLACEMENT_CHARACTER) && !value.contains(char::REPLACEMENT_CHARACTER)
    })
}

/// The reason for a parameter that a driver does not know. Its name is part of a password if that has a `?`.
fn unknown(url: &Url, name: &str, known: &[&str]) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !name.chars().all(is_plain) || url.query().is_some_and(|query| query.contains('@')) {
        return format!("a ? begins unknown parameters; {ESCAPE}");
    }
    let hint = match error::nearest(name, known.iter().copied()) {
        Some(near) => format!("; did you mean {near}?"),
        None if known.len() < POSTGRES.len() => format!("; known: {}", known.join(", ")),
        None => String::new(),
    };
    format!("unknown parameter {name:?}{hint}")
}

#[cfg(test)]
mod tests {
    use super::{check_postgres, check_redis};

    fn assert_refused(check: fn(&str) -> Result<(), String>, refused: &[(&str, &str)]) {
        for (text, reason) in refused {
            let said = check(text).expect_err(text);
            assert!(
                said.contains(reason) && !said.contains("s3cret"),
                "{text}: {said}"
            );
        }
    }

    #[test]
    fn what_the_driver_of_postgresql_would_refuse_is_refused_by_name() {
        for good in [
            "postgres://h/d",
            "postgres://ada:a%20%C3%BC%25@h:5432/d?sslmode=verify-full&port=6432&hostaddr=::1",
            "postgres://h/d?ssl-mode=REQUIRE&options=-c%20geqo=off&options[search_path]=a",
        ] {
            assert_eq!(check_postgres(good), Ok(()), "{good}");
        }
        assert_refused(
            check_postgres,
            &[
                (
                    "postgres://ada:s3cret@h/d?sslmode=bogus",
                    "sslmode must be one of disable, allow",
                ),
                ("postgres://ada:s3cret@h/d?sslmode=", "sslmode must be one of"),
                (
                    "postgres://ada:s3cret@h/d?ssl-mode=s3cret",
                    "ssl-mode must be one of",
                ),
                (
                    "postgres://ada:s3cret@h/d?port=65536",
                    "port must be a number from 1 to 65535",
                ),
                ("postgres://ada:s3cret@h/d?port=", "port must be a number"),
                ("postgres://ada:s3cret@h/d?port=0", "port must be a number"),
                ("postgres://ada:s3cret@h:65536/d", "port"),
                ("postgres://ada:s3cret@h:0/d", "port"),
                (
                    "postgres://ada:s3cret@h/d?hostaddr=h",
                    "hostaddr must be an IP address",
                ),
                ("postgres://ada:s3cret%FC@h/d", "UTF-8"),
                ("postgres://ada:s3\ncret@h/d", "control character"),
                ("postgres://ada:s3cret@h/d\n?sslmode=require", "control character"),
                ("postgres://ada:5432?s3cret@h/d", "%3F"),
                ("postgres://ada:5432?s3cret&b@h/d", "%3F"),
            ],
        );
    }

    #[test]
    fn what_the_redis_client_would_ignore_is_refused_by_name() {
        for good in [
            "redis://h",
            "redis://:a%20b@h:6379/3",
            "redis://h/?protocol=resp3",
            "rediss://h/0#insecure",
            "redis+unix:///run/redis.sock?db=3&user=ada&pass=s3cret",
        ] {
            assert_eq!(check_redis(good), Ok(()), "{good}");
        }
        assert_refused(
            check_redis,
            &[
                (
                    "redis://:s3cret@h?foo=bar",
                    "unknown parameter \"foo\"; known: protocol",
                ),
                ("redis://:s3cret@h?protokol=3", "did you mean protocol?"),
                (
                    "redis://:s3cret@h?protocol=s3cret",
                    "protocol must be resp2 or resp3",
                ),
                ("redis://:s3cret@h/-1", "DATABASE must be a whole number"),
                ("redis://:s3cret@h/three", "DATABASE must be a whole number"),
                (
                    "redis+unix:///run/redis.sock?db=-1&pass=s3cret",
                    "DATABASE must be a whole number",
                ),
                ("redis+unix:///run/redis.sock?bd=1", "did you mean db?"),
                ("redis://:s3\ncret@h", "control character"),
                ("redis://h\t/1", "control character"),
                ("redis://:6379?s3cret@h", ""),
                ("redis://a:6379?s3cret@h", "%3F"),
                ("redis://a:6379#s3cret@h", "%23"),
            ],
        );
    }
}
