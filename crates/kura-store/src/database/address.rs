//! Where the database is.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use kura_model::{Error, Result};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Which database holds a zone.
#[derive(Debug, Clone, Default)]
pub enum Database {
    /// A file in the zone's folder.
    #[default]
    Sqlite,
    /// A schema on a server, named like the zone.
    Postgres(Address),
}

/// The address of a PostgreSQL server with the name and password to go in with. It is shown to
/// nobody: `Debug` says nothing of it.
#[derive(Clone)]
pub struct Address(pub(super) Arc<Server>);

pub(super) struct Server {
    pub(super) config: Config,
    pub(super) tls: Option<MakeRustlsConnect>,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database`, or the words of libpq
    /// (`host=/run/postgresql dbname=kura`).
    ///
    /// A server on another machine is spoken to over TLS, and its certificate is checked, unless
    /// the address says `sslmode=disable`. To this machine there is no TLS unless the address
    /// says `sslmode=require`.
    pub fn parse(text: &str) -> Result<Self> {
        // We check the certificate whenever there is TLS, so the stricter words mean the same.
        let text = text
            .trim()
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        // The parser's error quotes the address.
        let mut config: Config = text.parse().map_err(|_| {
            Error::invalid(
                "the address of the database cannot be read; it looks like postgres://user:password@host:5432/kura",
            )
        })?;
        if config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(if config.get_hosts().iter().all(is_here) {
                SslMode::Disable
            } else {
                SslMode::Require
            });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        // A machine that is gone is noticed within minutes, and its locks are free again.
        config.keepalives_idle(Duration::from_secs(60));
        config.tcp_user_timeout(Duration::from_secs(60));
        config.application_name("kura");
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(tls()?),
        };
        Ok(Self(Arc::new(Server { config, tls })))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// Whether a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

/// TLS with the certificates this system trusts (`SSL_CERT_FILE` names others).
fn tls() -> Result<MakeRustlsConnect> {
    let failed = |error: rustls::Error| Error::internal("TLS cannot be set up").because(error);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_spoken_to_over_tls_unless_told() {
        let mode = |text: &str| Address::parse(text).unwrap().0.config.get_ssl_mode();
        assert_eq!(mode("postgres://a:b@127.0.0.1/kura"), SslMode::Disable);
        assert_eq!(mode("host=/run/postgresql dbname=kura"), SslMode::Disable);
        assert_eq!(mode("postgres://a:b@db.example/kura"), SslMode::Require);
        assert_eq!(
            mode("postgres://a:b@db.example/kura?sslmode=verify-full"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://a:b@db.example/kura?sslmode=disable"),
            SslMode::Disable
        );
    }

    #[test]
    fn an_address_is_not_shown() {
        let address = Address::parse("postgres://a:secret@127.0.0.1/kura").unwrap();
        assert!(!format!("{:?}", Database::Postgres(address)).contains("secret"));
        let error = Address::parse("postgres://a:secret@h/k?nonsense=secret").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
