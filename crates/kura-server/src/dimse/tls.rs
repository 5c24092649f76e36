//! TLS of associations, by `dicom.tls`. PS3.15 Annex B.12: TLS 1.2 and 1.3 after BCP 195.

use std::sync::Arc;

use kura_model::{Error, Result};
use kura_service::Bank;
use kura_service::config::DicomTls;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::tls::{authorities, identity, provider, unsound};

/// What a listener needs for TLS.
#[derive(Clone)]
pub(super) struct Secured {
    pub(super) server: Arc<ServerConfig>,
}

/// Certificate, key and authorities of the configuration, read now.
pub(super) fn server(bank: &Bank, tls: &DicomTls) -> Result<Secured> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS cannot be set up").because(error))?;
    let builder = match &tls.authorities {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let roots = Arc::new(authorities(bank, file, "dicom.tls.authorities")?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = if tls.anonymous {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            let verifier = verifier
                .build()
                .map_err(|error| unsound(file, "dicom.tls.authorities").because(error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let (chain, key) = identity(bank, "dicom.tls", (&tls.certificate, &tls.key))?;
    let server = builder
        .with_single_cert(chain, key)
        .map_err(|error| unsound(&tls.certificate, "dicom.tls.certificate").because(error))?;
    Ok(Secured {
        server: Arc::new(server),
    })
}

/// For associations of our own: the authorities of the configuration, else those of the system;
/// our certificate is shown to whoever asks for one.
pub(super) fn client(bank: &Bank) -> Result<Arc<ClientConfig>> {
    let tls = bank.config.dicom.tls.as_ref();
    let roots = match tls.and_then(|tls| tls.authorities.as_ref()) {
        Some(file) => authorities(bank, file, "dicom.tls.authorities")?,
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS cannot be set up").because(error))?
        .with_root_certificates(roots);
    let config = match tls {
        None => builder.with_no_client_auth(),
        Some(tls) => {
            let (chain, key) = identity(bank, "dicom.tls", (&tls.certificate, &tls.key))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                unsound(&tls.certificate, "dicom.tls.certificate").because(error)
            })?
        }
    };
    Ok(Arc::new(config))
}
