//! The section `dicom`: who may do what over the DICOM port, and where objects are sent.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

/// Associations of modalities, workstations and archives.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dicom {
    /// Port for DICOM associations; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// IP address of the DICOM ports; that of `server.listen` if absent. Anything but loopback
    /// needs an account and the titles of those who may associate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// TLS, on a port of its own and for nodes that ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<DicomTls>,
    /// Application entity title of this bank.
    pub title: String,
    /// Titles of those who may store and ask for the worklist. Titles are needed, here or in
    /// `nodes`, once there is an account or the address is not loopback; while there are none,
    /// everyone who reaches the port may do everything.
    pub peers: Vec<String>,
    /// Associations at one time.
    pub associations: usize,
    /// Largest PDU that is received, in bytes.
    pub max_pdu: u32,
    /// Seconds after which a silent peer is left.
    pub idle_seconds: u64,
    /// The modality (PS3.3 C.7.3.1.1.1) that carries out a procedure, by a code or the text of
    /// `ServiceRequest.code`; for orders that do not name it.
    pub procedures: BTreeMap<String, String>,
    /// Others by their titles: where they listen, what they may do.
    pub nodes: BTreeMap<String, Node>,
}

/// Certificates of DICOM associations, PEM files in the bank's folder or by absolute paths.
/// They are read when the server starts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DicomTls {
    /// Port for associations over TLS; 2762 is the registered one. None if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The certificate of this bank, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key. Only its owner may read the file.
    pub key: PathBuf,
    /// Authorities whose certificates are believed, of those who associate and of those who are
    /// called. Where absent nobody is asked for a certificate, and who is called is held against
    /// the authorities of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<PathBuf>,
    /// Takes those who show no certificate besides those who do.
    #[serde(default)]
    pub anonymous: bool,
}

/// Another application entity.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Node {
    /// `host:port`, where objects are sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Call it over TLS.
    #[serde(default)]
    pub tls: bool,
    /// What it may ask of this bank.
    pub may: Vec<Service>,
}

/// What another application entity may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// C-STORE, storage commitment.
    Store,
    /// C-FIND, C-MOVE and C-GET of everything in the bank.
    Query,
    /// C-FIND of the modality worklist.
    Worklist,
}

impl Default for Dicom {
    fn default() -> Self {
        Self {
            port: None,
            address: None,
            tls: None,
            title: "KURA".to_owned(),
            peers: Vec::new(),
            associations: 32,
            max_pdu: 128 * 1024,
            idle_seconds: 60,
            procedures: BTreeMap::new(),
            nodes: BTreeMap::new(),
        }
    }
}

impl Dicom {
    /// Whether nobody is named, so that everybody may do everything.
    pub fn open(&self) -> bool {
        self.peers.is_empty() && self.nodes.values().all(|node| node.may.is_empty())
    }

    /// Whether a title may do something.
    pub fn allows(&self, title: &str, service: Service) -> bool {
        if self.open() {
            return true;
        }
        let node = self.nodes.get(title);
        let listed = self.peers.iter().any(|peer| peer == title);
        node.is_some_and(|node| node.may.contains(&service))
            || (listed && matches!(service, Service::Store | Service::Worklist))
    }

    /// Whether a title may associate at all.
    pub fn knows(&self, title: &str) -> bool {
        [Service::Store, Service::Query, Service::Worklist]
            .into_iter()
            .any(|service| self.allows(title, service))
    }

    /// `host:port` of a title that objects may be sent to.
    pub fn address(&self, title: &str) -> Option<&str> {
        self.nodes.get(title)?.address.as_deref()
    }

    pub(super) fn check(&self) -> Result<()> {
        let titles = std::iter::once(&self.title)
            .chain(&self.peers)
            .chain(self.nodes.keys());
        for title in titles {
            // PS3.5 6.2, VR AE.
            let sound = (1..=16).contains(&title.len())
                && title.trim() == title
                && title
                    .bytes()
                    .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'\\');
            if !sound {
                return Err(Error::invalid(format!(
                    "configuration: dicom: {title:?} is no application entity title: 1 to 16 \
                     characters of ASCII, no backslash"
                )));
            }
        }
        for (title, node) in &self.nodes {
            let Some(address) = &node.address else {
                continue;
            };
            let port = address.rsplit_once(':').and_then(|(host, port)| {
                (!host.is_empty())
                    .then(|| port.parse::<u16>().ok())
                    .flatten()
            });
            if port.is_none_or(|port| port == 0) {
                return Err(Error::invalid(format!(
                    "configuration: dicom.nodes.{title}.address: a host and a port, as in \
                     10.0.0.5:104"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dicom(text: &str) -> Dicom {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_a_title_may() {
        let open = dicom("nodes.WS = { address = '10.0.0.5:104' }");
        assert!(open.open() && open.allows("ANY", Service::Query));
        let named = dicom("peers = ['CT1']\nnodes.WS = { may = ['query'] }");
        for (title, service, expected) in [
            ("CT1", Service::Store, true),
            ("CT1", Service::Worklist, true),
            ("CT1", Service::Query, false),
            ("WS", Service::Query, true),
            ("WS", Service::Store, false),
            ("ANY", Service::Store, false),
        ] {
            assert_eq!(
                named.allows(title, service),
                expected,
                "{title} {service:?}"
            );
        }
        assert!(!named.knows("ANY"));
    }

    #[test]
    fn titles_and_addresses_are_checked() {
        for (text, sound) in [
            ("", true),
            ("title = ''", false),
            ("peers = ['SEVENTEEN-LETTERS']", false),
            ("peers = [\"A\\\\B\"]", false),
            ("nodes.A = { address = '10.0.0.5' }", false),
            ("nodes.A = { address = ':104' }", false),
            ("nodes.A = { address = 'pacs.example:104' }", true),
        ] {
            assert_eq!(dicom(text).check().is_ok(), sound, "{text}");
        }
    }
}
