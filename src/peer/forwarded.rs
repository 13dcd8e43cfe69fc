//! The client's address behind proxies: `X-Forwarded-For`, and `Forwarded` (RFC 7239) where that is not sent. Proxies append
//! to these headers, so they are read from their end, through as many trusted proxies as there are: what stands before the
//! first stranger was written by that stranger.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::FORWARDED;

use super::Peer;
use crate::config::Settings;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that sent a request: the connection's, or what the trusted proxies in front say.
///
/// A proxy that sets `Forwarded` must remove an `X-Forwarded-For` of its client, which would come first.
pub fn address(peer: Peer, headers: &HeaderMap, settings: &Settings) -> IpAddr {
    let mut address = peer.0.ip().to_canonical();
    let trusted = |address: IpAddr| {
        let mut proxies = settings.trusted_proxies.iter();
        proxies.any(|proxies| proxies.contains(address))
    };
    if !trusted(address) {
        return address;
    }
    let hop: fn(&str) -> Option<IpAddr> = if headers.contains_key(X_FORWARDED_FOR) {
        node
    } else {
        |element| node(named(element, "for")?)
    };
    let lines = if headers.contains_key(X_FORWARDED_FOR) {
        headers.get_all(X_FORWARDED_FOR)
    } else {
        headers.get_all(FORWARDED)
    };
    let lines: Vec<_> = lines.iter().collect();
    for line in lines.into_iter().rev() {
        let line = String::from_utf8_lossy(line.as_bytes());
        for element in from_the_end(&line, b',') {
            match hop(element) {
                Some(before) if trusted(address) => address = before,
                _ => return address,
            }
        }
    }
    address
}

/// The parts of a line between separators outside quotes, the last one first. Empty ones are left out (RFC 9110, section
/// 5.6.1). A quote that a stranger left open takes nothing from what stands after it.
fn from_the_end(line: &str, separator: u8) -> Vec<&str> {
    let bytes = line.as_bytes();
    let (mut end, mut quoted, mut parts) = (line.len(), false, Vec::new());
    for at in (0..line.len()).rev() {
        if bytes[at] == b'"' && !(quoted && is_escaped(bytes, at)) {
            quoted = !quoted;
        } else if bytes[at] == separator && !quoted {
            parts.push(&line[at + 1..end]);
            end = at;
        }
    }
    parts.push(&line[..end]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn is_escaped(bytes: &[u8], at: usize) -> bool {
    let slashes = bytes[..at].iter().rev().take_while(|byte| **byte == b'\\');
    slashes.count() % 2 == 1
}

/// The value of a parameter of an element of `Forwarded`, like `for=192.0.2.60;proto=https`.
fn named<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut values = from_the_end(element, b';').into_iter().filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value)
    });
    values.next()
}

/// The address of a node: `192.0.2.43`, `192.0.2.43:47011`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`, each also
/// in quotes. `None` for `unknown` and names that hide an address.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let text = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?.trim(),
        None => text,
    };
    let host = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        (port.is_empty() || port.starts_with(':')).then_some(host)?
    } else {
        match text.split_once(':') {
            // a second colon: an address of version 6 without brackets, which has no port
            Some((host, port)) if !port.contains(':') => host,
            _ => text,
        }
    };
    // `fe80::1%eth0`: the zone means something on the proxy alone
    let host = host.split_once('%').map_or(host, |(host, _)| host);
    host.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use std::net::SocketAddr;

    fn from(peer: &str, lines: &[(&'static str, &[u8])]) -> String {
        let settings = Settings::from_pairs(&[("trusted_proxies", "10.0.0.0/8,2001:db8:f::/48")])
            .unwrap_or_else(|error| panic!("{error}"));
        let peer = Peer(SocketAddr::new(peer.parse().expect("an address"), 1));
        let lines = lines.iter().map(|(name, value)| {
            let value = HeaderValue::from_bytes(value).expect("a value");
            (HeaderName::from_static(name), value)
        });
        address(peer, &lines.collect(), &settings).to_string()
    }

    fn by_list(value: &str) -> String {
        from("10.0.0.1", &[("x-forwarded-for", value.as_bytes())])
    }

    fn by_standard(value: &str) -> String {
        from("10.0.0.1", &[("forwarded", value.as_bytes())])
    }

    #[test]
    fn the_address_is_read_through_trusted_proxies_only() {
        let strangers = [
            ("x-forwarded-for", &b"198.51.100.7"[..]),
            ("forwarded", b"for=198.51.100.7"),
        ];
        for line in strangers {
            assert_eq!(from("192.0.2.1", &[line]), "192.0.2.1", "a stranger's word");
        }
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(by_list("198.51.100.7"), "198.51.100.7");
        assert_eq!(by_list("203.0.113.9, 198.51.100.7, 10.0.0.2"), "198.51.100.7");
        assert_eq!(
            by_list("10.0.0.3,10.0.0.2"),
            "10.0.0.3",
            "all of them are proxies"
        );
        assert_eq!(
            by_standard("for=203.0.113.9, for=198.51.100.7;by=10.0.0.9, for=10.0.0.2"),
            "198.51.100.7"
        );
    }

    #[test]
    fn an_address_is_read_however_a_proxy_writes_it() {
        for (written, address) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            (" 203.0.113.9 ", "203.0.113.9"),
            ("\"203.0.113.9:4711\"", "203.0.113.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("\"[2001:db8::1]\"", "2001:db8::1"),
            ("\"2001:db8::1\"", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
            ("fe80::1%eth0", "fe80::1"),
            ("[2001:DB8:0::1]:_hidden", "2001:db8::1"),
        ] {
            assert_eq!(by_list(written), address, "{written}");
            assert_eq!(by_list(&format!("{written}, 10.0.0.2:80")), address, "{written}");
            assert_eq!(by_standard(&format!("for={written}")), address, "{written}");
            let whole = format!("For={written};proto=https;by=\"10.0.0.9;,\", ,FOR=\"[2001:db8:f::1]:1\"");
            assert_eq!(by_standard(&whole), address, "{written}");
        }
    }

    #[test]
    fn what_cannot_be_read_hides_everything_before_it() {
        for hidden in [
            "nonsense",
            "unknown",
            "_hidden",
            "\"1.2.3.4",
            "[::1",
            "1.2.3",
            "[::1]x",
            "1.2.3.4:80:90",
        ] {
            let (list, standard) = (format!("1.2.3.4, {hidden}"), format!("for=1.2.3.4, for={hidden}"));
            assert_eq!(by_list(&list), "10.0.0.1", "{hidden}");
            assert_eq!(by_standard(&standard), "10.0.0.1", "{hidden}");
        }
        assert_eq!(by_standard("for=1.2.3.4, proto=https"), "10.0.0.1");
        // an open quote, and bytes that are no text, are the stranger's own
        assert_eq!(by_list("\"1.2.3.4, 203.0.113.9"), "203.0.113.9");
        assert_eq!(
            by_standard("for=\"1.2.3.4, for=203.0.113.9;host=\"a,b\""),
            "203.0.113.9"
        );
        let bytes = [("x-forwarded-for", &b"\xff\xfe, 203.0.113.9"[..])];
        assert_eq!(from("10.0.0.1", &bytes), "203.0.113.9");
    }

    #[test]
    fn several_headers_are_one_list_and_the_older_name_comes_first() {
        let list = [
            ("x-forwarded-for", &b"1.2.3.4"[..]),
            ("x-forwarded-for", b"203.0.113.9:1, 10.0.0.3"),
            ("x-forwarded-for", b"10.0.0.2"),
            ("forwarded", b"for=198.51.100.7"),
        ];
        assert_eq!(from("10.0.0.1", &list), "203.0.113.9");
        let standard = [
            ("forwarded", &b"for=203.0.113.9"[..]),
            ("forwarded", b"for=10.0.0.2"),
        ];
        assert_eq!(from("10.0.0.1", &standard), "203.0.113.9");
    }
}
