//! The one way by which the bank speaks to an address on its own: only to those the configuration
//! names, never on to where they point, by no proxy, within a time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kura_model::Result;
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::wrong;
use crate::config::{Endpoint, Subscriptions};

/// The configured endpoint an address lies under: the same scheme, host and port, and a path that
/// begins with its path.
pub(super) fn allowed<'c>(config: &'c Subscriptions, address: &str) -> Result<&'c Endpoint> {
    let refused = || {
        wrong(
            "this address is not one the configuration lets the bank notify (subscriptions.endpoints)",
            "channel.endpoint",
        )
    };
    let asked = parts(address).ok_or_else(refused)?;
    config
        .endpoints
        .iter()
        .find(|endpoint| {
            parts(&endpoint.url).is_some_and(|known| {
                let path = asked.2.strip_prefix(&known.2);
                known.0 == asked.0
                    && known.1 == asked.1
                    && path.is_some_and(|rest| {
                        rest.is_empty() || known.2.ends_with('/') || rest.starts_with('/')
                    })
            })
        })
        .ok_or_else(refused)
}

/// Scheme, host with port, path. None of what is not plainly http: another scheme, a name and
/// password, a path that goes up.
fn parts(address: &str) -> Option<(String, String, String)> {
    let uri: Uri = address.parse().ok()?;
    let scheme = uri.scheme_str().filter(|s| ["http", "https"].contains(s))?;
    let authority = uri.authority()?.as_str();
    let path = uri.path();
    let climbs = path
        .split('/')
        .any(|step| [".", ".."].contains(&step) || step.contains('%') || step.contains('\\'));
    if authority.contains('@') || climbs {
        return None;
    }
    Some((
        scheme.to_owned(),
        authority.to_ascii_lowercase(),
        path.to_owned(),
    ))
}

/// Why a notification did not arrive, in words that name no address and no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("the receiver answered with status {0}")]
    Status(u16),
    #[error("the receiver took too long")]
    Time,
    #[error("the receiver's certificate is not trusted")]
    Tls,
    #[error("the receiver was not reached")]
    Connection,
}

/// Sends a Bundle. Every status from 200 to 299 means that it was taken.
pub(super) fn post(
    endpoint: &Endpoint,
    address: &str,
    body: &[u8],
    timeout: Duration,
) -> std::result::Result<(), Failure> {
    let mut request = agent()
        .post(address)
        .config()
        .timeout_global(Some(timeout))
        .build()
        .header("Content-Type", "application/fhir+json");
    for (name, value) in endpoint.headers() {
        request = request.header(name, value);
    }
    match request.send(body) {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(Failure::Status(answer.status().as_u16())),
        Err(ureq::Error::Timeout(_)) => Err(Failure::Time),
        Err(ureq::Error::Tls(_) | ureq::Error::Rustls(_)) => Err(Failure::Tls),
        Err(_) => Err(Failure::Connection),
    }
}

fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        // The certificates this system trusts (`SSL_CERT_FILE` names others).
        let roots: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .tls_config(tls)
            .user_agent("Kura")
            .build()
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_under_a_configured_address() {
        let config: Subscriptions = toml::from_str(
            "[[endpoints]]\nurl = \"https://app.example/hooks\"\n[[endpoints]]\nurl = \"http://127.0.0.1:9000/\"\n",
        )
        .unwrap();
        for may in [
            "https://app.example/hooks",
            "https://APP.example/hooks/a",
            "http://127.0.0.1:9000/x",
        ] {
            assert!(allowed(&config, may).is_ok(), "{may}");
        }
        for not in [
            "http://app.example/hooks",
            "https://app.example/hooksandmore",
            "https://app.example/hooks/../admin",
            "https://app.example/hooks/%2e%2e/admin",
            "https://app.example:444/hooks",
            "https://app.example@evil.example/hooks",
            "https://app.example.evil.example/hooks",
            "http://127.0.0.1:9001/",
            "file:///etc/passwd",
            "/hooks",
            "",
        ] {
            assert!(allowed(&config, not).is_err(), "{not}");
        }
    }
}
