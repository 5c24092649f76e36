//! Storage commitment: N-ACTION asks, N-EVENT-REPORT answers. PS3.4 J.3.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use dicom_ul::association::client::ClientAssociationOptions;
use dicom_ul::pdu::{PresentationContextNegotiated, PresentationContextResultReason};
use kura_dicom::{Identifier, write_json_dataset};
use kura_model::{Error, Result};
use kura_service::Bank;
use kura_service::config::Service;
use kura_service::dicom_commitment::{self, Commitment, Named};
use serde_json::{Value, json};

use super::association::Session;
use super::call::call;
use super::command::{Command, CommandSet, N_EVENT_REPORT_RQ, RESPONSE};
use super::message::{self, protocol};
use super::model::{COMMITMENT, COMMITMENT_INSTANCE};
use super::status;
use super::wire::Link;

/// J.3.2.1.1: the only action there is.
const REQUEST_COMMITMENT: u16 = 1;
/// J.3.3.1: all are kept, or some are not.
const SUCCESSFUL: u16 = 1;
const FAILURES_EXIST: u16 = 2;

/// Between tries to reach who asked; it may be starting again.
const TRIES: [u64; 5] = [0, 5, 30, 120, 600];

impl Session<'_> {
    pub(super) fn commit(
        &mut self,
        context: &PresentationContextNegotiated,
        request: &Command,
        bytes: &[u8],
    ) -> Result<()> {
        let refused = |status: u16, comment: &str| request.response(status).comment(comment);
        if !self.may(Service::Store) {
            let answer = refused(status::NOT_AUTHORIZED, "this title may not store here");
            return self.answer(context.id, &answer);
        }
        if request.action_type != REQUEST_COMMITMENT {
            let answer = refused(status::NO_SUCH_ACTION, "no such action");
            return self.answer(context.id, &answer);
        }
        let asked = match Identifier::read(bytes, &context.transfer_syntax) {
            Ok(identifier) => asked(identifier.dataset()),
            Err(refusal) => {
                let answer = refused(status::INVALID_ARGUMENT, &refusal.message);
                return self.answer(context.id, &answer);
            }
        };
        let Some((transaction, named)) = asked else {
            let comment = "a transaction and the objects are to be named";
            let answer = refused(status::INVALID_ARGUMENT, comment);
            return self.answer(context.id, &answer);
        };
        let elsewhere = self.bank.config.dicom.address(&self.calling).is_some();
        let place = elsewhere.then(Place::take);
        if let Some(None) = place {
            let answer = refused(
                status::RESOURCE_LIMITATION,
                "too many requests are under way",
            );
            return self.answer(context.id, &answer);
        }
        // J.3.2.2: whether the request is taken; what came of it follows as an event.
        self.answer(context.id, &request.response(status::SUCCESS))?;
        let role = super::context(&self.calling);
        let title = self.bank.config.dicom.title.clone();
        let Some(Some(place)) = place else {
            // Whoever gave no address is told on its own association.
            let commitment = dicom_commitment::commit(self.bank, &role, named)?;
            let event = Event {
                title,
                transaction,
                commitment,
            };
            return event.tell(&mut self.link, context, 1);
        };
        let (bank, calling) = (Arc::downgrade(self.bank), self.calling.clone());
        std::thread::Builder::new()
            .name("dicom-commitment".to_owned())
            .spawn(move || {
                let _place = place;
                let Some(strong) = bank.upgrade() else { return };
                match dicom_commitment::commit(&strong, &role, named) {
                    Ok(commitment) => {
                        drop(strong);
                        let event = Event {
                            title,
                            transaction,
                            commitment,
                        };
                        event.tell_later(&bank, &calling);
                    }
                    Err(error) => crate::error::log(&error),
                }
            })
            .map(drop)
            .map_err(|error| Error::internal("no thread can be started").because(error))
    }
}

/// Requests whose answer is on its way, in this process.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
/// More than these are refused; their senders ask again.
const PLACES: usize = 32;

/// One of them.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        if UNDER_WAY.fetch_add(1, Ordering::AcqRel) < PLACES {
            return Some(Self);
        }
        UNDER_WAY.fetch_sub(1, Ordering::AcqRel);
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Transaction UID (0008,1195) and Referenced SOP Sequence (0008,1199). Table J.3-1.
fn asked(dataset: &Value) -> Option<(String, Vec<Named>)> {
    let uid = |item: &Value, tag: &str| {
        item[tag]["Value"][0]
            .as_str()
            .filter(|uid| !uid.is_empty() && uid.len() <= 64)
            .map(str::to_owned)
    };
    let items = dataset["00081199"]["Value"].as_array()?;
    let named = items
        .iter()
        .map(|item| {
            Some(Named {
                sop_class_uid: uid(item, "00081150")?,
                sop_instance_uid: uid(item, "00081155")?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    Some((uid(dataset, "00081195")?, named))
}

/// What came of a request.
struct Event {
    title: String,
    transaction: String,
    commitment: Commitment,
}

impl Event {
    /// Table J.3-2.
    fn dataset(&self) -> Value {
        let reference = |object: &Named| {
            json!({
                "00081150": { "vr": "UI", "Value": [object.sop_class_uid] },
                "00081155": { "vr": "UI", "Value": [object.sop_instance_uid] },
            })
        };
        let mut dataset = json!({
            "00080054": { "vr": "AE", "Value": [self.title] },
            "00081195": { "vr": "UI", "Value": [self.transaction] },
        });
        let kept: Vec<Value> = self.commitment.kept.iter().map(reference).collect();
        if !kept.is_empty() {
            dataset["00081199"] = json!({ "vr": "SQ", "Value": kept });
        }
        let failed: Vec<Value> = self
            .commitment
            .failed
            .iter()
            .map(|(object, reason)| {
                let mut item = reference(object);
                item["00081197"] = json!({ "vr": "US", "Value": [reason] });
                item
            })
            .collect();
        if !failed.is_empty() {
            dataset["00081198"] = json!({ "vr": "SQ", "Value": failed });
        }
        dataset
    }

    fn tell(
        &self,
        link: &mut Link,
        context: &PresentationContextNegotiated,
        message_id: u16,
    ) -> Result<()> {
        let mut command = CommandSet::request(N_EVENT_REPORT_RQ, message_id).with_data_set();
        command.text(0x0002, COMMITMENT, 0);
        command.text(0x1000, COMMITMENT_INSTANCE, 0);
        let event = if self.commitment.failed.is_empty() {
            SUCCESSFUL
        } else {
            FAILURES_EXIST
        };
        command.number(0x1002, event);
        let bytes = write_json_dataset(&self.dataset(), &context.transfer_syntax, &[])
            .map_err(|refusal| Error::internal("an event cannot be written").because(refusal))?;
        message::send(link, context.id, &command, Some(&bytes))?;
        let (_, answer) = message::receive(link)?;
        if answer.field == N_EVENT_REPORT_RQ | RESPONSE && answer.status == status::SUCCESS {
            Ok(())
        } else {
            Err(protocol("the event was not taken"))
        }
    }

    /// On an association of our own, tried again for a while. What is lost with the process is
    /// asked for again by its sender, which keeps its objects until it was told.
    fn tell_later(self, bank: &Weak<Bank>, title: &str) {
        for wait in TRIES {
            std::thread::sleep(Duration::from_secs(wait));
            let Some(bank) = bank.upgrade() else { return };
            match self.tell_at(&bank, title) {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(peer = title, %error, "a commitment was not told");
                    crate::error::log(&error);
                }
            }
        }
    }

    fn tell_at(&self, bank: &Bank, title: &str) -> Result<()> {
        let options = ClientAssociationOptions::new()
            .with_abstract_syntax(COMMITMENT)
            // J.3.3: here the provider of the service opens the association.
            .with_role_selection(COMMITMENT, false, true);
        let mut link = call(bank, title, options)?;
        let context = link
            .contexts()
            .iter()
            .find(|context| context.reason == PresentationContextResultReason::Acceptance)
            .cloned()
            .ok_or_else(|| protocol("storage commitment is not taken there"))?;
        self.tell(&mut link, &context, 1)?;
        link.release()
    }
}
