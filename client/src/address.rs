//! The server's address: reads the base address that a person gives, and derives the addresses for sockets and HTTP.
//! Does not resolve names.

use crate::error::ConfigError;
use reqwest::Url;

/// A server's address.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// `ws…/v1/socket`.
    pub(crate) socket: String,
    /// `http…/`, with a slash at its end, so that paths can be joined to it.
    pub(crate) http: Url,
    /// An IPv6 address has no brackets here.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
}

impl Address {
    /// Reads `http`, `https`, `ws` or `wss`, a host, and a port and a path where needed. A scheme has no case
    /// (RFC 3986, section 3.1).
    pub(crate) fn parse(text: &str) -> Result<Address, ConfigError> {
        let wrong = |why: &str| ConfigError::Address {
            text: text.to_owned(),
            why: why.to_owned(),
        };
        let (scheme, rest) = text
            .trim()
            .split_once("://")
            .ok_or_else(|| wrong("it must begin with http:// or https://"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err(wrong("it must begin with http:// or https://")),
        };
        let scheme = if tls { "https" } else { "http" };
        let mut http =
            Url::parse(&format!("{scheme}://{rest}")).map_err(|error| wrong(&error.to_string()))?;
        if !http.username().is_empty() || http.password().is_some() {
            return Err(wrong("it must not contain a name or password"));
        }
        if http.query().is_some() || http.fragment().is_some() {
            return Err(wrong("it must not contain a query (?) or a fragment (#)"));
        }
        if !http.path().ends_with('/') {
            let path = format!("{}/", http.path());
            http.set_path(&path);
        }
        let (Some(host), Some(port)) = (http.host_str(), http.port_or_known_default()) else {
            return Err(wrong("it has no host"));
        };
        Ok(Address {
            socket: format!("{}v1/socket", http.as_str().replacen("http", "ws", 1)),
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            tls,
            http,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(text: &str) -> Option<String> {
        Address::parse(text).ok().map(|address| address.socket)
    }

    #[test]
    fn a_base_becomes_the_sockets_address() {
        assert_eq!(
            socket("http://127.0.0.1:8080").as_deref(),
            Some("ws://127.0.0.1:8080/v1/socket")
        );
        assert_eq!(
            socket("wss://tasks.example/team").as_deref(),
            Some("wss://tasks.example/team/v1/socket")
        );
        let ipv6 = Address::parse("https://[::1]")
            .ok()
            .map(|a| (a.host, a.port, a.tls));
        assert_eq!(ipv6, Some(("::1".to_owned(), 443, true)));
    }

    #[test]
    fn a_scheme_and_a_host_have_no_case() {
        for text in [
            "HTTP://127.0.0.1:8080",
            "Ws://127.0.0.1:8080/",
            " WS://127.0.0.1:8080",
        ] {
            assert_eq!(
                socket(text).as_deref(),
                Some("ws://127.0.0.1:8080/v1/socket"),
                "{text:?}"
            );
        }
        for text in ["HTTPS://Tasks.Example", "wSS://TASKS.example:443/"] {
            assert_eq!(
                socket(text).as_deref(),
                Some("wss://tasks.example/v1/socket"),
                "{text:?}"
            );
        }
        // A path has case.
        let path = socket("HTTP://A/Team");
        assert_eq!(path.as_deref(), Some("ws://a/Team/v1/socket"));
    }

    #[test]
    fn a_text_that_is_not_a_base_address_is_refused() {
        for text in [
            "",
            "localhost:8080",
            "ftp://a",
            "HTTPX://a",
            "http://",
            "http://a:b@c",
            "http://a/?b=c",
        ] {
            assert!(Address::parse(text).is_err(), "{text:?} was accepted");
        }
    }
}
