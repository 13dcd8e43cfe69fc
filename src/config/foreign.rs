//! Variables with our prefix that others set. They are no settings, and no misspelt ones.

use std::net::IpAddr;

/// What the names of our variables begin with.
pub(super) const PREFIX: &str = "TASKWIRE_";

/// Whose a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// Kubernetes describes the services of its namespace to every pod. A service `taskwire` or `taskwire-redis` has
    /// variables that begin with our prefix.
    Service,
    /// The command line `tw`, which may run in the same shell, the test suite, and builds for tests.
    Other,
}

/// Whose a variable is, if it is not ours. Values tell as much as names: a setting that a person misspelt does not look
/// like a service's address.
pub(super) fn owner(name: &str, text: &str) -> Option<Foreign> {
    let key = name.strip_prefix(PREFIX)?;
    if describes_a_service(key, text) {
        return Some(Foreign::Service);
    }
    let other = ["URL", "TOKEN", "PASSWORD", "WAIT"].contains(&key)
        || key.starts_with("TEST_")
        || (cfg!(feature = "failpoints") && name == crate::failpoint::VARIABLE)
        || (cfg!(feature = "ablation") && key == "WITHOUT");
    other.then_some(Foreign::Other)
}

/// `SERVICE_HOST`, `SERVICE_PORT`, `SERVICE_PORT_HTTP`, `PORT`, `PORT_80_TCP` and `PORT_80_TCP_ADDR`, `_PORT`, `_PROTO`;
/// with the rest of the service's name in front, `REDIS_SERVICE_HOST`.
fn describes_a_service(key: &str, text: &str) -> bool {
    let is_host = || text.parse::<IpAddr>().is_ok();
    let is_port = || text.parse::<u16>().is_ok();
    if ends(key, "SERVICE_HOST") {
        return is_host();
    }
    if ends(key, "SERVICE_PORT") || has_named_port(key) {
        return is_port();
    }
    if ends(key, "PORT") && is_address(text) {
        return true;
    }
    let Some(part) = part_of_port(key) else {
        return false;
    };
    match part {
        "" => is_address(text),
        "_ADDR" => is_host(),
        "_PORT" => is_port(),
        "_PROTO" => PROTOCOLS.contains(&text),
        _ => false,
    }
}

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

fn ends(key: &str, with: &str) -> bool {
    key.strip_suffix(with)
        .is_some_and(|before| before.is_empty() || before.ends_with('_'))
}

/// `SERVICE_PORT_` and the port's name.
fn has_named_port(key: &str) -> bool {
    key.match_indices("SERVICE_PORT_")
        .any(|(at, found)| (at == 0 || key[..at].ends_with('_')) && key.len() > at + found.len())
}

/// What follows after `PORT_80_TCP`.
fn part_of_port(key: &str) -> Option<&str> {
    key.match_indices("PORT_").find_map(|(at, found)| {
        let (number, rest) = key[at + found.len()..].split_once('_')?;
        let protocol = ["TCP", "UDP", "SCTP"]
            .into_iter()
            .find(|name| rest.starts_with(name))?;
        let whole = (at == 0 || key[..at].ends_with('_')) && number.parse::<u16>().is_ok();
        whole.then(|| &rest[protocol.len()..])
    })
}

/// `tcp://10.0.0.7:8080`
fn is_address(text: &str) -> bool {
    text.split_once("://").is_some_and(|(protocol, place)| {
        let port = place.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        PROTOCOLS.contains(&protocol) && port.is_some_and(|port| port.is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::{Foreign, owner};

    #[test]
    fn what_kubernetes_says_of_services_is_told_from_what_a_person_misspelt() {
        for (name, text) in [
            ("TASKWIRE_SERVICE_HOST", "10.0.0.7"),
            ("TASKWIRE_SERVICE_PORT", "8080"),
            ("TASKWIRE_SERVICE_PORT_HTTP", "8080"),
            ("TASKWIRE_PORT", "tcp://10.0.0.7:8080"),
            ("TASKWIRE_PORT_8080_TCP", "tcp://10.0.0.7:8080"),
            ("TASKWIRE_PORT_8080_TCP_ADDR", "10.0.0.7"),
            ("TASKWIRE_PORT_8080_TCP_PORT", "8080"),
            ("TASKWIRE_PORT_8080_TCP_PROTO", "tcp"),
            ("TASKWIRE_REDIS_SERVICE_HOST", "fd00::7"),
            ("TASKWIRE_REDIS_SERVICE_PORT", "6379"),
            ("TASKWIRE_REDIS_SERVICE_PORT_TLS_REDIS", "6380"),
            ("TASKWIRE_REDIS_PORT", "tcp://[fd00::7]:6379"),
            ("TASKWIRE_REDIS_PORT_6379_TCP", "tcp://[fd00::7]:6379"),
            ("TASKWIRE_REDIS_PORT_6379_TCP_ADDR", "fd00::7"),
            ("TASKWIRE_MY_DB_PORT_53_UDP_PROTO", "udp"),
            ("TASKWIRE_PORT_X_PORT_53_SCTP", "sctp://10.0.0.7:53"),
        ] {
            assert_eq!(owner(name, text), Some(Foreign::Service), "{name}");
        }
        for (name, text) in [
            ("TASKWIRE_PORT", "8080"),
            ("TASKWIRE_PORT", "http://10.0.0.7:8080"),
            ("TASKWIRE_PORT_8080", "8080"),
            ("TASKWIRE_SERVICE_HOST", "tasks.example.com"),
            ("TASKWIRE_SERVICE_PORT", "http"),
            ("TASKWIRE_LISTEN_PORT", "8080"),
            ("TASKWIRE_PORT_8080_TCP_ADDRESS", "10.0.0.7"),
            ("TASKWIRE_LISTN", "127.0.0.1:8080"),
            ("TASKWIRE_REDIS_HOST", "10.0.0.7"),
            ("TASKWIRE_MICROSERVICE_PORTS", "80"),
        ] {
            assert_eq!(owner(name, text), None, "{name}");
        }
        assert_eq!(
            owner("TASKWIRE_URL", "http://localhost:8080"),
            Some(Foreign::Other)
        );
        assert_eq!(owner("PATH", "/bin"), None);
    }
}
