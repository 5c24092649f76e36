//! Associations of our own, with the application entities of `dicom.nodes`.

use std::time::Duration;

use dicom_ul::association::client::ClientAssociationOptions;
use kura_model::{Category, Error, Result};
use kura_service::Bank;

use super::tls;
use super::wire::Link;

const CONNECT: Duration = Duration::from_secs(10);

/// Opens an association with a node, in the contexts that `options` proposes.
pub(super) fn call<'o>(
    bank: &'o Bank,
    title: &'o str,
    options: ClientAssociationOptions<'o>,
) -> Result<Link> {
    let config = &bank.config.dicom;
    let node = config.nodes.get(title);
    let (Some(node), Some(address)) = (node, config.address(title)) else {
        return Err(Error::not_found(
            "this title has no address in dicom.nodes of kura.toml",
        ));
    };
    let idle = Duration::from_secs(config.idle_seconds.max(1));
    let options = options
        .calling_ae_title(config.title.as_str())
        .called_ae_title(title)
        .connection_timeout(CONNECT)
        .read_timeout(idle)
        .write_timeout(idle)
        .max_pdu_length(config.max_pdu);
    let established = if node.tls {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        options
            .tls_config(tls::client(bank)?)
            // An address of version 6 is written in brackets before its port.
            .server_name(host.trim_matches(['[', ']']))
            .establish_tls(address)
            .map(Link::requested)
    } else {
        options.establish(address).map(Link::requested)
    };
    established.map_err(|error| {
        use dicom_ul::association::Error as Failed;
        let (category, message) = match &error {
            Failed::Rejected { .. } => (
                Category::Forbidden,
                "the application entity does not take associations from this title",
            ),
            Failed::NoAcceptedPresentationContexts { .. } => (
                Category::Unsupported,
                "the application entity does not offer this service",
            ),
            Failed::TlsHandshake { .. } => (
                Category::Interrupted,
                "TLS was not agreed on with the application entity: it speaks none, or a \
                 certificate was not believed",
            ),
            _ => (
                Category::Interrupted,
                "the application entity was not reached",
            ),
        };
        Error::new(category, message).because(error)
    })
}
