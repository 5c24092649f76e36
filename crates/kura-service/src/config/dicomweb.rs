//! The section `dicomweb`: where it is reached from outside, and whose pages may read it.

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

/// DICOMweb for others than this bank's own pages.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DicomWeb {
    /// The URL DICOMweb is reached under from outside, `https://kura.example/dicom-web`: what
    /// answers link to, and what FHIR records name as their endpoint. If absent, answers link to
    /// the host that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<String>,
    /// Origins whose pages may read DICOMweb in a browser, `https://viewer.example`; none if empty.
    pub origins: Vec<String>,
    /// Whether these pages may also store, change and delete.
    pub origins_may_write: bool,
}

impl DicomWeb {
    /// Without a slash at its end.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref().map(|base| base.trim_end_matches('/'))
    }

    pub(super) fn check(&self) -> Result<()> {
        for origin in &self.origins {
            // RFC 6454 6.2, as browsers write it. `*` and `null` name nobody.
            let host = authority(origin).filter(|host| !host.contains(['/', '?', '#', '@', '*']));
            if host.is_none_or(|host| {
                host.bytes()
                    .any(|b| !b.is_ascii_graphic() || b.is_ascii_uppercase())
            }) {
                return Err(Error::invalid(
                    "configuration: dicomweb.origins: an origin is a scheme, a host in small \
                     letters and a port if it is not the usual one, as in https://viewer.example:8443",
                ));
            }
        }
        let sound =
            |base: &str| authority(base).is_some_and(|rest| !rest.contains(['?', '#', '@']));
        if self.base().is_some_and(|base| !sound(base)) {
            return Err(Error::invalid(
                "configuration: dicomweb.base: an address as in https://kura.example/dicom-web",
            ));
        }
        Ok(())
    }
}

/// What follows `http://` or `https://`.
fn authority(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    (!rest.is_empty()
        && !rest.starts_with(['/', ':'])
        && rest.bytes().all(|b| b.is_ascii_graphic()))
    .then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_and_addresses_are_checked() {
        for (text, sound) in [
            ("", true),
            (
                "origins = ['https://ohif.example', 'http://127.0.0.1:3000']",
                true,
            ),
            ("origins = ['*']", false),
            ("origins = ['null']", false),
            ("origins = ['https://*.example']", false),
            ("origins = ['https://ohif.example/']", false),
            ("origins = ['https://Ohif.example']", false),
            ("origins = ['ohif.example']", false),
            ("base = 'https://kura.example/dicom-web/'", true),
            ("base = '/dicom-web'", false),
            ("base = 'https://u:p@kura.example/'", false),
        ] {
            let section: DicomWeb = toml::from_str(text).unwrap();
            assert_eq!(section.check().is_ok(), sound, "{text}");
        }
        let section: DicomWeb = toml::from_str("base = 'https://a.example/x/'").unwrap();
        assert_eq!(section.base(), Some("https://a.example/x"));
    }
}
