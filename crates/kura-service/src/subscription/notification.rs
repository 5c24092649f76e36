//! What is told: a Bundle of type `history` whose first entry is the status.
//! <https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html>

use kura_fhir::date;
use kura_store::HistoryRow;
use serde_json::{Value, json};

use super::{Content, TOPIC};
use crate::bundle_writer::BundleWriter;
use crate::fhir_read::answer;
use crate::history::request_and_response;

const PROFILE: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Handshake,
    Heartbeat,
    Event,
    QueryStatus,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Handshake => "handshake",
            Kind::Heartbeat => "heartbeat",
            Kind::Event => "event-notification",
            Kind::QueryStatus => "query-status",
        }
    }
}

pub(super) struct Notification<'a> {
    pub(super) base: &'a str,
    pub(super) id: &'a str,
    pub(super) status: &'a str,
    pub(super) kind: Kind,
    /// Changes told before this notification.
    pub(super) told: u64,
    pub(super) content: Content,
    pub(super) events: &'a [HistoryRow],
}

impl Notification<'_> {
    /// `history` where it is sent, `searchset` where it is asked for.
    pub(super) fn bundle(&self, of: &str) -> Vec<u8> {
        let mut bundle = BundleWriter::new(of, None, &[]);
        let own = format!("{}/Subscription/{}", self.base, self.id);
        let status = self.status_resource().to_string();
        let extra = if of == "history" {
            json!({
                "request": { "method": "GET", "url": format!("{own}/$status") },
                "response": { "status": "200" },
            })
        } else {
            json!({ "search": { "mode": "match" } })
        };
        // The status is nobody's record; its name changes with what it says.
        let name = format!("{own}/$status#{}-{}", self.kind.as_str(), self.last());
        bundle.entry(&name, Some(status.as_bytes()), &extra);
        if self.content != Content::Empty {
            for row in self.events {
                let version = &row.version;
                let body = (self.content == Content::Full && !version.deleted)
                    .then(|| answer(version).body);
                bundle.entry(
                    &format!("{}/{}", self.base, version.key),
                    body.as_deref(),
                    &request_and_response(version),
                );
            }
        }
        bundle.finish()
    }

    fn last(&self) -> u64 {
        self.told + self.events.len() as u64
    }

    /// backport-subscription-status-r4, a Parameters.
    fn status_resource(&self) -> Value {
        let own = format!("{}/Subscription/{}", self.base, self.id);
        let mut parameters = vec![
            json!({ "name": "subscription", "valueReference": { "reference": own } }),
            json!({ "name": "topic", "valueCanonical": TOPIC }),
            json!({ "name": "status", "valueCode": self.status }),
            json!({ "name": "type", "valueCode": self.kind.as_str() }),
            json!({ "name": "events-since-subscription-start", "valueString": self.last().to_string() }),
        ];
        for (number, row) in (self.told + 1..).zip(self.events) {
            let mut parts = vec![
                json!({ "name": "event-number", "valueString": number.to_string() }),
                json!({ "name": "timestamp", "valueInstant": date::instant(row.version.at) }),
            ];
            if self.content != Content::Empty {
                let focus = format!("{}/{}", self.base, row.version.key);
                parts.push(json!({ "name": "focus", "valueReference": { "reference": focus } }));
            }
            parameters.push(json!({ "name": "notification-event", "part": parts }));
        }
        json!({
            "resourceType": "Parameters",
            "meta": { "profile": [PROFILE] },
            "parameter": parameters,
        })
    }
}
