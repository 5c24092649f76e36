//! A Bundle written around stored bytes, which are not parsed for it.

use serde_json::{Value, json};

/// Writes a Bundle around stored bytes without parsing them.
pub(crate) struct BundleWriter {
    out: Vec<u8>,
    first: bool,
}

impl BundleWriter {
    pub(crate) fn new(kind: &str, total: Option<u64>, links: &[(&str, String)]) -> Self {
        let mut head = json!({ "resourceType": "Bundle", "type": kind });
        if let Some(total) = total {
            head["total"] = json!(total);
        }
        if !links.is_empty() {
            head["link"] = links
                .iter()
                .map(|(relation, url)| json!({ "relation": relation, "url": url }))
                .collect();
        }
        let mut out = head.to_string().into_bytes();
        out.pop();
        Self { out, first: true }
    }

    /// A document, FHIR R4 documents.html.
    pub(crate) fn document(identifier: &str, timestamp: &str) -> Self {
        let head = json!({
            "resourceType": "Bundle",
            "type": "document",
            "identifier": { "system": "urn:ietf:rfc:3986", "value": identifier },
            "timestamp": timestamp,
        });
        let mut out = head.to_string().into_bytes();
        out.pop();
        Self { out, first: true }
    }

    /// `extra` is an object whose members join the entry.
    pub(crate) fn entry(&mut self, full_url: &str, resource: Option<&[u8]>, extra: &Value) {
        self.out
            .extend_from_slice(if self.first { b",\"entry\":[{" } else { b",{" });
        self.first = false;
        if !full_url.is_empty() {
            self.out.extend_from_slice(b"\"fullUrl\":");
            let _ = serde_json::to_writer(&mut self.out, full_url);
            self.out.push(b',');
        }
        if let Some(resource) = resource {
            self.out.extend_from_slice(b"\"resource\":");
            self.out.extend_from_slice(resource);
            self.out.push(b',');
        }
        if extra.as_object().is_some_and(serde_json::Map::is_empty) && self.out.ends_with(b",") {
            self.out.pop();
        }
        let extra = extra.to_string();
        self.out.extend_from_slice(&extra.as_bytes()[1..]);
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.out
            .extend_from_slice(if self.first { b"}" } else { b"]}" });
        self.out
    }
}
