//! TLS of associations, by `dicom.tls`. PS3.15 Annex B.12: TLS 1.2 and 1.3 after BCP 195.

use std::path::Path;
use std::sync::Arc;

use kura_model::{Error, Result};
use kura_service::Bank;
use kura_service::config::{DicomTls, owner_only};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

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
            let roots = Arc::new(authorities(bank, file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = if tls.anonymous {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            let verifier = verifier
                .build()
                .map_err(|error| unsound(file, "authorities").because(error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let (chain, key) = identity(bank, tls)?;
    let server = builder
        .with_single_cert(chain, key)
        .map_err(|error| unsound(&tls.certificate, "certificate").because(error))?;
    Ok(Secured {
        server: Arc::new(server),
    })
}

/// For associations of our own: the authorities of the configuration, else those of the system;
/// our certificate is shown to whoever asks for one.
pub(super) fn client(bank: &Bank) -> Result<Arc<ClientConfig>> {
    let tls = bank.config.dicom.tls.as_ref();
    let roots = match tls.and_then(|tls| tls.authorities.as_ref()) {
        Some(file) => authorities(bank, file)?,
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
            let (chain, key) = identity(bank, tls)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| unsound(&tls.certificate, "certificate").because(error))?
        }
    };
    Ok(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn identity(
    bank: &Bank,
    tls: &DicomTls,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = certificates(bank, &tls.certificate, "certificate")?;
    let path = bank.folder().join(&tls.key);
    owner_only(&path)?;
    let key = PrivateKeyDer::from_pem_file(&path)
        .map_err(|error| unsound(&tls.key, "key").because(error))?;
    Ok((chain, key))
}

fn authorities(bank: &Bank, file: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(bank, file, "authorities")? {
        roots
            .add(certificate)
            .map_err(|error| unsound(file, "authorities").because(error))?;
    }
    Ok(roots)
}

fn certificates(bank: &Bank, file: &Path, key: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(bank.folder().join(file))
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| unsound(file, key).because(error))?;
    if read.is_empty() {
        return Err(unsound(file, key));
    }
    Ok(read)
}

fn unsound(file: &Path, key: &str) -> Error {
    Error::invalid(format!(
        "configuration: dicom.tls.{key}: {} is no sound PEM file for this",
        file.display()
    ))
}
