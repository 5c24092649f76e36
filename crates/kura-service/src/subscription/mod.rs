//! Subscriptions by topic: FHIR R4 with HL7's backport, notifications to a web address.
//! <https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/>
//!
//! A notification carries records out of the bank. So an address is only notified if it lies under
//! one the configuration names (`subscriptions.endpoints`), only who may take records out in bulk
//! makes a Subscription, and what opens that address (a token in a header) stands in the
//! configuration, not in a record that others read.

mod engine;
mod notification;

use kura_fhir::search::{self, Search};
use kura_fhir::search_parameter::Registry;
use kura_model::{Category, Error, RequestContext, Result};
use kura_outbound::Uri;
use kura_store::{AuditEntry, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use engine::{Engine, Report};

use crate::Bank;
use crate::access::{Action, authorize};
use crate::config::Endpoint;
use notification::{Kind, Notification};

/// The one topic there is: a resource was created, updated or deleted. Filters say which.
pub const TOPIC: &str = "urn:kura:SubscriptionTopic:changes";

const EXTENSION: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";
/// Filters of one subscription.
const FILTERS: usize = 20;
/// Seconds a receiver may take, unless the subscription says less.
const TIMEOUT: u64 = 10;
const TIMEOUT_AT_MOST: u64 = 60;
/// Changes told in one notification, unless the subscription says less.
const EVENTS_AT_MOST: u32 = 100;

/// How much of a record a notification carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Empty,
    IdOnly,
    Full,
}

/// What a Subscription asks for.
#[derive(Debug)]
struct Subscription {
    id: String,
    status: String,
    endpoint: String,
    content: Content,
    /// Seconds between signs of life; 0: none.
    heartbeat: u64,
    timeout: u64,
    max_count: u32,
    /// Searches of one type each; a change of any is told. Empty: every change.
    filters: Vec<String>,
    end: Option<i64>,
}

fn wrong(what: &str, place: &str) -> Error {
    Error::new(Category::Unprocessable, what)
        .coded("business-rule")
        .at(format!("Subscription.{place}"))
}

fn extension<'a>(element: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let url = format!("{EXTENSION}{name}");
    let extensions = element.get("extension").and_then(Value::as_array);
    extensions
        .into_iter()
        .flatten()
        .filter(move |extension| extension["url"] == url.as_str())
}

impl Subscription {
    fn of(resource: &Value) -> Result<Self> {
        if resource["criteria"] != TOPIC {
            return Err(wrong(
                &format!(
                    "the topic of this bank is {TOPIC}; what is to match stands in backport-filter-criteria"
                ),
                "criteria",
            ));
        }
        let channel = &resource["channel"];
        if channel["type"] != "rest-hook" {
            return Err(wrong(
                "only the channel rest-hook is served",
                "channel.type",
            ));
        }
        if !channel["header"].is_null() {
            return Err(wrong(
                "headers may hold what opens the receiver: they belong into subscriptions.endpoints of the configuration",
                "channel.header",
            ));
        }
        if !channel["payload"].is_null()
            && channel["payload"] != "application/fhir+json"
            && channel["payload"] != "application/json"
        {
            return Err(wrong(
                "notifications are written as application/fhir+json",
                "channel.payload",
            ));
        }
        let content = extension(&channel["_payload"], "backport-payload-content").next();
        let content = match content.map(|extension| &extension["valueCode"]) {
            None => Content::Empty,
            Some(code) => match code.as_str() {
                Some("empty") => Content::Empty,
                Some("id-only") => Content::IdOnly,
                Some("full-resource") => Content::Full,
                _ => {
                    return Err(wrong(
                        "the content of a notification is empty, id-only or full-resource",
                        "channel.payload",
                    ));
                }
            },
        };
        let number = |name: &str, value: &str, least: u64| -> Result<Option<u64>> {
            let Some(found) = extension(channel, name).next() else {
                return Ok(None);
            };
            let number = found[value].as_u64().filter(|number| *number >= least);
            number
                .map(Some)
                .ok_or_else(|| wrong(&format!("{name} is {value} of {least} or more"), "channel"))
        };
        let filters: Vec<String> = extension(&resource["_criteria"], "backport-filter-criteria")
            .map(|extension| {
                let filter = extension["valueString"].as_str();
                filter
                    .map(str::to_owned)
                    .ok_or_else(|| wrong("a filter is a search: Type?name=value", "criteria"))
            })
            .collect::<Result<_>>()?;
        if filters.len() > FILTERS {
            return Err(wrong(
                &format!("a subscription takes at most {FILTERS} filters"),
                "criteria",
            ));
        }
        let text = |value: &Value, place: &str| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| wrong("this element is needed", place))
        };
        Ok(Self {
            id: text(&resource["id"], "id")?,
            status: text(&resource["status"], "status")?,
            endpoint: text(&channel["endpoint"], "channel.endpoint")?,
            content,
            heartbeat: number("backport-heartbeat-period", "valueUnsignedInt", 0)?.unwrap_or(0),
            timeout: number("backport-timeout", "valueUnsignedInt", 1)?
                .unwrap_or(TIMEOUT)
                .min(TIMEOUT_AT_MOST),
            max_count: number("backport-notification-max-count", "valuePositiveInt", 1)?
                .map_or(EVENTS_AT_MOST, |count| {
                    count.min(u64::from(EVENTS_AT_MOST)) as u32
                }),
            filters,
            end: resource["end"]
                .as_str()
                .and_then(kura_fhir::date::range)
                .map(|(_, end)| end * 1000),
        })
    }

    fn searches(&self, registry: &Registry) -> Result<Vec<Search>> {
        self.filters
            .iter()
            .map(|filter| {
                search::parse_expression(registry, filter)
                    .map_err(|error| wrong(error.message(), "criteria"))
            })
            .collect()
    }
}

/// Refuses a Subscription that would not be served, or that this person may not make.
pub(crate) fn acceptable(bank: &Bank, context: &RequestContext, body: &[u8]) -> Result<()> {
    authorize(bank, context, Action::ExportClinical)?;
    let resource: Value = serde_json::from_slice(body)
        .map_err(|error| Error::internal("a checked resource is not JSON").because(error))?;
    let asked = Subscription::of(&resource)?;
    if !["requested", "off"].contains(&asked.status.as_str()) {
        return Err(wrong(
            "a client asks with requested or ends with off; active and error are the bank's to say",
            "status",
        ));
    }
    asked.searches(&*bank.search_parameters()?)?;
    receiver(bank, &asked)?;
    Ok(())
}

/// Where it is told: an address the configuration names.
fn receiver<'b>(bank: &'b Bank, asked: &Subscription) -> Result<(Uri, &'b Endpoint)> {
    let found = bank.config.subscriptions.admit(&asked.endpoint);
    found.ok_or_else(|| {
        wrong(
            "this address is not one the configuration lets the bank notify (subscriptions.endpoints)",
            "channel.endpoint",
        )
    })
}

/// How far a subscription has come; kept under its id as a mark of the clinical zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// The version of the Subscription the handshake was made for.
    version: u64,
    /// What was written up to this record has been told.
    reached: i64,
    /// Changes told since it began.
    events: u64,
    /// Failed tries since the last that went well, and when the next is due (milliseconds).
    failures: u32,
    next_try: i64,
    /// When something was last told, milliseconds.
    told: i64,
}

fn mark(id: &str) -> String {
    format!("subscription:{id}")
}

fn progress(bank: &Bank, id: &str) -> Result<Option<Progress>> {
    let kept = bank.clinical.mark(&mark(id))?;
    kept.map(|text| {
        serde_json::from_str(&text).map_err(|error| {
            Error::internal("the progress of a subscription is damaged").because(error)
        })
    })
    .transpose()
}

/// `Subscription/ID/$status`: a Bundle with the status, as a notification has it.
pub fn status(bank: &Bank, context: &RequestContext, base: &str, id: &str) -> Result<Vec<u8>> {
    authorize(bank, context, Action::ReadClinical)?;
    let key = crate::fhir_read::key("Subscription", id)?;
    let found = bank.clinical.read(|reader| reader.current(&key))?;
    let found = found
        .filter(|version| !version.deleted)
        .ok_or_else(|| Error::not_found(format!("{key} is not in this bank")))?;
    let resource = decoded(&found)?;
    bank.clinical.audit(AuditEntry::new(
        context,
        "subscription_status",
        key.to_string(),
    ));
    let progress = progress(bank, id)?.unwrap_or_default();
    Ok(Notification {
        base,
        id,
        status: resource["status"].as_str().unwrap_or("requested"),
        kind: Kind::QueryStatus,
        told: progress.events,
        content: Content::Empty,
        events: &[],
    }
    .bundle("searchset"))
}

fn decoded(version: &Version) -> Result<Value> {
    serde_json::from_slice(&version.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))
}
