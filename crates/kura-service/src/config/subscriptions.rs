//! Whom the bank may notify.

use std::fmt;

use kura_model::Result;
use kura_outbound::{Address, Sources, Uri};
use serde::{Deserialize, Serialize};

/// Notifications of Subscriptions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Subscriptions {
    /// The URL FHIR is reached under from outside, for the references in notifications; the address
    /// of `server.listen` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<String>,
    /// Addresses that may be notified. Without any nobody is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
}

/// An address, and all below its path.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoint {
    pub url: String,
    /// Headers of each notification, `Authorization: Bearer …` as a rule. Never written back, never
    /// shown.
    #[serde(skip_serializing)]
    headers: Vec<String>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    fn list(&self) -> Result<Sources> {
        Sources::of(
            "subscriptions.endpoints, url",
            std::slice::from_ref(&self.url),
        )
    }

    /// Names and values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .iter()
            .filter_map(|header| header.split_once(':'))
            .map(|(name, value)| (name.trim(), value.trim()))
    }
}

impl Subscriptions {
    /// Without a slash at its end.
    pub fn base(&self, listen: &str) -> String {
        match &self.base {
            Some(base) => base.trim_end_matches('/').to_owned(),
            None => format!("http://{listen}/fhir"),
        }
    }

    /// The endpoint an address lies under, and the address.
    pub fn admit(&self, address: &str) -> Option<(Uri, &Endpoint)> {
        self.endpoints
            .iter()
            .find_map(|endpoint| match endpoint.list().ok()?.admit(address)? {
                Address::Http(address) => Some((address, endpoint)),
                Address::File(_) => None,
            })
    }

    /// Whether every entry is an address.
    pub(super) fn check(&self) -> Result<()> {
        self.endpoints
            .iter()
            .try_for_each(|endpoint| endpoint.list().map(drop))
    }

    /// Whether a header stands in the configuration file.
    pub(super) fn holds_secret(&self) -> bool {
        self.endpoints
            .iter()
            .any(|endpoint| !endpoint.headers.is_empty())
    }
}
