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

/// `SERVICE_HOST`, `SERVICE_PORT`, `SERVICE_PORT_HTTP`, `PORT`, `PORT_80_TCP` and `PORT_80_TCP_ADDR`, `_PORT`,
/// `_PROTO`; with the rest of the service's name in front, `REDIS_SERVICE_HOST`. A service may have the name of such a
/// form: `WEB_SERVICE_PORT` is the address of a service `web-service`, or the number of a port of a service `web`. So
/// any form may be the one that fits both name and value.
fn describes_a_service(key: &str, text: &str) -> bool {
    let is_host = || text.parse::<IpAddr>().is_ok();
    let is_port = || text.parse::<u16>().is_ok();
    let is_part = |part: &str| key.strip_suffix(part).is_some_and(ends_with_a_port);
    (ends(key, "SERVICE_HOST") && is_host())
        || ((ends(key, "SERVICE_PORT") || has_named_port(key)) && is_port())
        || ((ends(key, "PORT") || ends_with_a_port(key)) && is_address(text))
        || (is_part("_ADDR") && is_host())
        || (is_part("_PORT") && is_port())
        || (is_part("_PROTO") && PROTOCOLS.contains(&text))
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

/// Ends with `PORT_80_TCP`.
fn ends_with_a_port(key: &str) -> bool {
    let mut parts = key.rsplitn(3, '_');
    let (protocol, number, before) = (parts.next(), parts.next(), parts.next());
    protocol.is_some_and(|protocol| ["TCP", "UDP", "SCTP"].contains(&protocol))
        && number.is_some_and(|number| number.parse::<u16>().is_ok())
        && before.is_some_and(|before| ends(before, "PORT"))
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

    /// The variables that Kubernetes makes of a service: for its address, for each port's name, and for each port in
    /// the form of Docker's links.
    fn variables_of(service: &str, host: &str, ports: &[(&str, u16, &str)]) -> Vec<(String, String)> {
        let upper = |text: &str| text.to_uppercase().replace('-', "_");
        let name = upper(service);
        let place = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let mut variables = vec![(format!("{name}_SERVICE_HOST"), host.to_owned())];
        for (index, (port_name, number, protocol)) in ports.iter().enumerate() {
            let address = format!("{protocol}://{place}:{number}");
            let port = format!("{name}_PORT_{number}_{}", upper(protocol));
            if index == 0 {
                variables.push((format!("{name}_SERVICE_PORT"), number.to_string()));
                variables.push((format!("{name}_PORT"), address.clone()));
            }
            if !port_name.is_empty() {
                let named = format!("{name}_SERVICE_PORT_{}", upper(port_name));
                variables.push((named, number.to_string()));
            }
            variables.push((format!("{port}_PROTO"), (*protocol).to_owned()));
            variables.push((format!("{port}_PORT"), number.to_string()));
            variables.push((format!("{port}_ADDR"), host.to_owned()));
            variables.push((port, address));
        }
        variables
    }

    #[test]
    fn every_variable_of_a_service_is_recognized_whatever_the_service_is_called() {
        for service in [
            "taskwire",
            "taskwire-redis",
            "taskwire-service",
            "taskwire-redis-service",
            "taskwire-service-port",
            "taskwire-web-service-port",
            "taskwire-service-host",
            "taskwire-port",
            "taskwire-http-port-80-tcp",
            "taskwire-http-port-80-tcp-addr",
            "taskwire-port-80",
        ] {
            for host in ["10.0.0.7", "fd00::7"] {
                let ports = [
                    ("", 8080, "tcp"),
                    ("http", 80, "tcp"),
                    ("service-port", 53, "udp"),
                    ("port-80-tcp", 5060, "sctp"),
                ];
                for (name, text) in variables_of(service, host, &ports) {
                    assert_eq!(
                        owner(&name, &text),
                        Some(Foreign::Service),
                        "{service}: {name}={text}"
                    );
                }
            }
        }
    }

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
            ("TASKWIRE_SERVICE_PORT", "tcp://10.0.0.7"),
            ("TASKWIRE_SERVICE_HOST", "tcp://10.0.0.7:8080"),
            ("TASKWIRE_SERVICE_PORT_HTTP", "http"),
            ("TASKWIRE_PORT_8080_TCP_PROTO", "http"),
            ("TASKWIRE_XPORT_8080_TCP", "tcp://10.0.0.7:8080"),
            ("TASKWIRE_8080_TCP", "tcp://10.0.0.7:8080"),
            ("TASKWIRE_LISTEN_PORT_TCP", "tcp://10.0.0.7:8080"),
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
