//! Certificates and keys by the configuration, for DICOM and for the web; and HTTP over TLS.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use kura_model::{Error, Result};
use kura_service::Bank;
use kura_service::config::{ServerTls, owner_only};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A certificate with its chain, and its key. `name` is that of the table of the configuration.
pub(crate) fn identity(
    bank: &Bank,
    name: &str,
    (certificate, key): (&Path, &Path),
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = certificates(bank, certificate, &format!("{name}.certificate"))?;
    let path = bank.folder().join(key);
    owner_only(&path)?;
    let found = PrivateKeyDer::from_pem_file(&path)
        .map_err(|error| unsound(key, &format!("{name}.key")).because(error))?;
    Ok((chain, found))
}

pub(crate) fn authorities(bank: &Bank, file: &Path, name: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(bank, file, name)? {
        roots
            .add(certificate)
            .map_err(|error| unsound(file, name).because(error))?;
    }
    Ok(roots)
}

fn certificates(bank: &Bank, file: &Path, name: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(bank.folder().join(file))
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| unsound(file, name).because(error))?;
    if read.is_empty() {
        return Err(unsound(file, name));
    }
    Ok(read)
}

pub(crate) fn unsound(file: &Path, name: &str) -> Error {
    Error::invalid(format!(
        "configuration: {name}: {} is no sound PEM file for this",
        file.display()
    ))
}

/// TLS 1.2 and 1.3 with what rustls holds safe; nobody shows a certificate.
pub(crate) fn web(bank: &Bank, tls: &ServerTls) -> Result<Arc<ServerConfig>> {
    let (chain, key) = identity(bank, "server.tls", (&tls.certificate, &tls.key))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS cannot be set up").because(error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| unsound(&tls.certificate, "server.tls.certificate").because(error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// How long a client may take to agree on keys.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Clients that agree on keys at one time; more wait in the system's queue.
const AT_ONCE: usize = 256;

/// Connections over TLS: who is slow to agree on keys holds up nobody.
pub(crate) struct Https {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, std::net::SocketAddr)>,
    address: std::net::SocketAddr,
}

impl Https {
    pub(crate) fn begin(
        listener: TcpListener,
        config: Arc<ServerConfig>,
        address: std::net::SocketAddr,
    ) -> Self {
        let (tell, ready) = mpsc::channel(AT_ONCE);
        let acceptor = TlsAcceptor::from(config);
        tokio::spawn(async move {
            let mut tcp = listener;
            let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
            loop {
                let Ok(place) = places.clone().acquire_owned().await else {
                    return;
                };
                // As axum's own: an error of one connection is waited out.
                let (stream, from) = Listener::accept(&mut tcp).await;
                let (acceptor, tell) = (acceptor.clone(), tell.clone());
                if tell.is_closed() {
                    return;
                }
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) =
                        tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await
                    {
                        let _ = tell.send((stream, from)).await;
                    }
                    drop(place);
                });
            }
        });
        Self { ready, address }
    }
}

impl Listener for Https {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // Whoever accepts has ended: there is nothing more to come.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}
