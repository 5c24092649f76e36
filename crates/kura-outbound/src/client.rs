//! What lies at an address, into a file. Only from addresses on the list, also after a redirect;
//! TLS with the roots of the system; no proxy.

use std::io::{self, Read as _, Write};
use std::sync::Arc;
use std::time::Duration;

use kura_model::Refusal;
use ureq::config::ConfigBuilder;
use ureq::http::{Response, Uri, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::AgentScope;
use ureq::{Agent, Body};

use crate::{Address, Sources};

/// Tries of one input, if a source does not answer or breaks off.
const TRIES: u32 = 3;
const REDIRECTS: usize = 5;
const PIECE: usize = 256 * 1024;

/// How fetching ended that is no fault of ours.
#[derive(Debug)]
pub enum Fetched {
    Whole,
    /// Rule and place; the address is not repeated.
    Refused(Refusal),
    Cancelled,
}

/// Where the bytes go.
pub trait Target: Write {
    /// Forgets what was written: it comes again from its beginning.
    fn restart(&mut self) -> io::Result<()>;
}

/// Asks sources.
pub struct Client {
    agent: Agent,
    limit: u64,
}

/// TLS with the certificates this system trusts (`SSL_CERT_FILE` names others).
fn tls() -> TlsConfig {
    let certificates: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::from(certificates))
        .build()
}

/// No proxy, no redirect that is not looked at first.
pub(crate) fn config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .tls_config(tls())
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent("kura")
}

impl Client {
    /// `media` is what it accepts, `limit` the bytes and `time` the time one file may take.
    pub fn new(media: &str, limit: u64, time: Duration) -> Self {
        let agent = config()
            .accept(media)
            .timeout_resolve(Some(Duration::from_secs(30)))
            .timeout_connect(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(120)))
            .timeout_recv_body(Some(time))
            .build()
            .new_agent();
        Self { agent, limit }
    }

    /// Writes what lies at `address` to `target`, from its beginning.
    ///
    /// # Errors
    /// Only of the target.
    pub fn fetch(
        &self,
        sources: &Sources,
        address: &Uri,
        target: &mut dyn Target,
        cancelled: &dyn Fn() -> bool,
    ) -> io::Result<Fetched> {
        let mut last = unanswered();
        for attempt in 0..TRIES {
            if attempt > 0 {
                std::thread::sleep(Duration::from_secs(u64::from(attempt)));
            }
            if cancelled() {
                return Ok(Fetched::Cancelled);
            }
            target.restart()?;
            match self.once(sources, address, target, cancelled)? {
                Once::Ended(fetched) => return Ok(fetched),
                Once::Again(refusal) => last = refusal,
            }
        }
        Ok(Fetched::Refused(last))
    }

    fn once(
        &self,
        sources: &Sources,
        address: &Uri,
        target: &mut dyn Target,
        cancelled: &dyn Fn() -> bool,
    ) -> io::Result<Once> {
        let mut response = match self.asked(sources, address) {
            Ok(response) => response,
            Err(once) => return Ok(once),
        };
        let mut body = response.body_mut().as_reader();
        let mut piece = vec![0; PIECE];
        let mut size: u64 = 0;
        loop {
            if cancelled() {
                return Ok(Once::Ended(Fetched::Cancelled));
            }
            let read = match body.read(&mut piece) {
                Ok(0) => return Ok(Once::Ended(Fetched::Whole)),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    return Ok(Once::Again(Refusal::new(
                        "input-broken-off",
                        "the source broke off before the input was whole",
                    )));
                }
            };
            size += read as u64;
            if size > self.limit {
                return Ok(Once::Ended(Fetched::Refused(Refusal::new(
                    "input-size",
                    format!("the input is larger than {} bytes", self.limit),
                ))));
            }
            target.write_all(&piece[..read])?;
        }
    }

    /// The answer with the input, wherever the source says that it is.
    fn asked(&self, sources: &Sources, address: &Uri) -> std::result::Result<Response<Body>, Once> {
        let mut address = address.clone();
        for _ in 0..=REDIRECTS {
            let response = self
                .agent
                .get(address.clone())
                .call()
                .map_err(|error| Once::Again(unreachable(&error)))?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            if !status.is_redirection() {
                let refusal = Refusal::new(
                    "input-status",
                    format!("the source answered with status {}", status.as_u16()),
                );
                return Err(if status.is_server_error() || status.as_u16() == 429 {
                    Once::Again(refusal)
                } else {
                    Once::Ended(Fetched::Refused(refusal))
                });
            }
            let target = response
                .headers()
                .get(header::LOCATION)
                .and_then(|place| place.to_str().ok())
                .and_then(|place| moved(&address, place))
                .and_then(|place| sources.admit(&place));
            match target {
                Some(Address::Http(target)) => address = target,
                // Also to a file of this machine: only the manifest may name one.
                _ => {
                    return Err(Once::Ended(Fetched::Refused(Refusal::new(
                        "input-redirect",
                        "the source redirects to an address that is not allowed",
                    ))));
                }
            }
        }
        Err(Once::Ended(Fetched::Refused(Refusal::new(
            "input-redirect",
            "the source redirects too often",
        ))))
    }
}

enum Once {
    Ended(Fetched),
    /// It may go better another time.
    Again(Refusal),
}

fn unanswered() -> Refusal {
    Refusal::new("input-unreachable", "the source does not answer")
}

/// Why, in words of ours: the error may repeat the address.
fn unreachable(error: &ureq::Error) -> Refusal {
    let why = match error {
        ureq::Error::HostNotFound => "its name is not known",
        ureq::Error::Timeout(_) => "it took too long",
        error if is_tls(error) => "its certificate is not trusted, or TLS failed",
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "it refused the connection"
        }
        _ => return unanswered(),
    };
    Refusal::new(
        "input-unreachable",
        format!("the source cannot be reached: {why}"),
    )
}

pub(crate) fn is_tls(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => true,
        ureq::Error::Io(error) => error
            .get_ref()
            .is_some_and(|inner| inner.is::<rustls::Error>()),
        _ => false,
    }
}

/// RFC 9110 section 10.2.2: an absolute address, or a path on the same host.
fn moved(from: &Uri, place: &str) -> Option<String> {
    if place.contains("://") {
        return Some(place.to_owned());
    }
    let sound = place.starts_with('/') && !place.starts_with("//");
    sound.then(|| {
        Some(format!(
            "{}://{}{place}",
            from.scheme_str()?,
            from.authority()?
        ))
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_redirects() {
        let from: Uri = "https://a.example:8443/x/y?z".parse().unwrap();
        let to = |place: &str| moved(&from, place);
        assert_eq!(
            to("https://b.example/1").as_deref(),
            Some("https://b.example/1")
        );
        assert_eq!(
            to("/1?s=2").as_deref(),
            Some("https://a.example:8443/1?s=2")
        );
        assert_eq!(to("//b.example/1"), None);
        assert_eq!(to("1"), None);
    }
}
