//! The states of a workitem and who may change them. PS3.4 CC.1.1, Table CC.1.1-2.

use kura_dicom::part10::is_uid;
use kura_model::{Error, RequestContext, Result};
use serde_json::{Value, json};

use super::subscription::{self, Event};
use super::{
    PERFORMED, PROGRESS, STATE, TRANSACTION, Workitem, contradicts, date_time, now, object,
};
use crate::Bank;
use crate::access::{Action, authorize};

const SCHEDULED: &str = "SCHEDULED";
const IN_PROGRESS: &str = "IN PROGRESS";
const COMPLETED: &str = "COMPLETED";
const CANCELED: &str = "CANCELED";

const MISSING: &str = "The Transaction UID is missing.";
const INCORRECT: &str = "The Transaction UID is incorrect.";
const INCONSISTENT: &str =
    "The submitted request is inconsistent with the current state of the UPS Instance.";

/// What became of a change.
#[derive(Debug, Default)]
pub struct Changed {
    pub events: Vec<Event>,
    /// Nothing was changed, for this reason.
    pub warning: Option<&'static str>,
}

/// Whoever updates a workitem in progress has its lock; one that is final is not updated.
pub(super) fn may_change(workitem: &Workitem, transaction: Option<&str>) -> Result<()> {
    match (workitem.state(), transaction) {
        (SCHEDULED, None) => Ok(()),
        (IN_PROGRESS, None) => Err(contradicts(MISSING)),
        (IN_PROGRESS, given) if given == workitem.transaction.as_deref() => Ok(()),
        (IN_PROGRESS, _) => Err(contradicts(INCORRECT)),
        _ => Err(contradicts(INCONSISTENT)),
    }
}

/// PS3.18 11.7: the new state and the Transaction UID are in the data set.
pub fn change_state(
    bank: &Bank,
    context: &RequestContext,
    uid: &str,
    dataset: Value,
) -> Result<Changed> {
    authorize(bank, context, Action::WriteClinical)?;
    let asked = object(dataset)?;
    let text = |tag: &str| {
        asked
            .get(tag)
            .and_then(|element| element["Value"][0].as_str())
    };
    let wanted = text(STATE).ok_or_else(|| Error::invalid("the new state is missing"))?;
    if ![SCHEDULED, IN_PROGRESS, COMPLETED, CANCELED].contains(&wanted) {
        return Err(Error::invalid("there is no such Procedure Step State"));
    }
    let transaction = text(TRANSACTION).filter(|uid| !uid.is_empty());
    if transaction.is_some_and(|uid| !is_uid(uid)) {
        return Err(Error::invalid("the Transaction UID is no UID"));
    }
    let _writing = bank.writing()?;
    let mut workitem = Workitem::read(bank, uid)?;
    let current = workitem.state().to_owned();
    let warning = |text| {
        Ok(Changed {
            events: Vec::new(),
            warning: Some(text),
        })
    };
    // Table CC.1.1-2, row by row.
    match (&current[..], wanted) {
        // B306H and B304H: it is so already.
        (COMPLETED, COMPLETED) => {
            return warning("The UPS is already in the requested state of COMPLETED.");
        }
        (CANCELED, CANCELED) => {
            return warning("The UPS is already in the requested state of CANCELED.");
        }
        (SCHEDULED, IN_PROGRESS) => {
            let lock = transaction.ok_or_else(|| contradicts(MISSING))?;
            workitem.transaction = Some(lock.to_owned());
        }
        (IN_PROGRESS, COMPLETED | CANCELED) => {
            may_change(&workitem, transaction)?;
            if wanted == CANCELED {
                canceled(&mut workitem, None);
            } else if !final_state(&workitem) {
                return Err(contradicts(
                    "The UPS does not meet the requirements of its final state.",
                ));
            }
        }
        // C302H, C303H, C307H, C310H, C311H and the rest.
        _ => return Err(contradicts(INCONSISTENT)),
    }
    workitem.set(STATE, "CS", wanted);
    workitem.write(bank, context, "workitem_state")?;
    Ok(Changed {
        events: subscription::state_report(bank, &workitem)?,
        warning: None,
    })
}

/// PS3.4 Table CC.2.5-3, column Final State, for COMPLETED: type R.
fn final_state(workitem: &Workitem) -> bool {
    let performed = workitem.dataset.get(PERFORMED);
    let Some(items) = performed.and_then(|element| element["Value"].as_array()) else {
        return false;
    };
    let has = |item: &Value, tag: &str| {
        item[tag]["Value"]
            .as_array()
            .is_some_and(|values| values.iter().any(|value| !value.is_null()))
    };
    !items.is_empty()
        && items.iter().all(|item| {
            // Performed station, workitem code, start and end; output may be empty.
            ["00404028", "00404019", "00404050", "00404051"]
                .iter()
                .all(|tag| has(item, tag))
                && item.get("00404033").is_some()
        })
}

/// A cancellation has a time, and the reason that was given. Table CC.2.5-3.
fn canceled(workitem: &mut Workitem, reason: Option<&str>) {
    let mut item = workitem
        .dataset
        .get(PROGRESS)
        .map(|element| element["Value"][0].clone())
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({}));
    if item["00404052"]["Value"][0].is_null() {
        item["00404052"] = json!({ "vr": "DT", "Value": [date_time(now())] });
    }
    if let Some(reason) = reason {
        item["00741238"] = json!({ "vr": "LT", "Value": [reason] });
    }
    let progress = json!({ "vr": "SQ", "Value": [item] });
    workitem.dataset.insert(PROGRESS.to_owned(), progress);
}

/// PS3.18 11.8: what nobody has begun is canceled; whoever performs it is told of the wish.
pub fn request_cancel(
    bank: &Bank,
    context: &RequestContext,
    uid: &str,
    dataset: Value,
) -> Result<Changed> {
    authorize(bank, context, Action::WriteClinical)?;
    let asked = object(dataset)?;
    let reason = asked
        .get("00741238")
        .and_then(|element| element["Value"][0].as_str());
    let _writing = bank.writing()?;
    let mut workitem = Workitem::read(bank, uid)?;
    match workitem.state() {
        SCHEDULED => {
            canceled(&mut workitem, reason);
            workitem.set(STATE, "CS", CANCELED);
            workitem.write(bank, context, "workitem_cancel")?;
            Ok(Changed {
                events: subscription::state_report(bank, &workitem)?,
                warning: None,
            })
        }
        IN_PROGRESS => {
            let events = subscription::cancel_requested(bank, &workitem, &asked)?;
            if events.is_empty() {
                // Nobody would hear of it.
                return Err(contradicts("The performer cannot be contacted."));
            }
            let target = super::key(uid).to_string();
            bank.clinical.audit(kura_store::AuditEntry::new(
                context,
                "workitem_cancel_request",
                target,
            ));
            Ok(Changed {
                events,
                warning: None,
            })
        }
        CANCELED => Ok(Changed {
            events: Vec::new(),
            warning: Some("The UPS is already in the requested state of CANCELED."),
        }),
        _ => Err(contradicts(INCONSISTENT)),
    }
}
