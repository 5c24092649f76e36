//! The client by which the bank speaks to an address on its own: only to those the configuration
//! names (`kura_service::subscription`), never on to where they point, by no proxy, within a time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kura_service::config::Endpoint;
use kura_service::subscription::{Failure, Messenger};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub(crate) struct Client;

impl Messenger for Client {
    fn post(
        &self,
        endpoint: &Endpoint,
        address: &str,
        body: &[u8],
        timeout: Duration,
    ) -> Result<(), Failure> {
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
