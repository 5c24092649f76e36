//! Whom the bank may speak to on its own: only those the configuration names.

use std::time::Duration;

use http::Uri;
use kura_model::Result;

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
pub enum Failure {
    #[error("the receiver answered with status {0}")]
    Status(u16),
    #[error("the receiver took too long")]
    Time,
    #[error("the receiver's certificate is not trusted")]
    Tls,
    #[error("the receiver was not reached")]
    Connection,
}

/// Who carries a Bundle to an address: the server's client.
pub trait Messenger {
    /// Posts `body` as `application/fhir+json` with the headers of `endpoint`. Every status from 200
    /// to 299 means that it was taken. No redirect is followed, no proxy used.
    fn post(
        &self,
        endpoint: &Endpoint,
        address: &str,
        body: &[u8],
        timeout: Duration,
    ) -> std::result::Result<(), Failure>;
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
