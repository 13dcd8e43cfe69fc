//! The TLS configuration, for sockets and for HTTP.

use crate::error::ConfigError;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// TLS with the root certificates that this machine trusts.
pub(crate) fn native() -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(ConfigError::Tls(
            "this machine has no root certificates; install ca-certificates".to_owned(),
        ));
    }
    trusting(roots)
}

/// For an HTTP client that speaks plain HTTP only: it works on a machine without root certificates.
pub(crate) fn without_roots() -> Result<ClientConfig, ConfigError> {
    trusting(RootCertStore::empty())
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, ConfigError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
