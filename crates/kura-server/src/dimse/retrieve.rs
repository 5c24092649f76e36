//! C-MOVE and C-GET. PS3.4 C.4.2 and C.4.3.

use std::time::{Duration, Instant};

use dicom_ul::pdu::PresentationContextNegotiated;
use kura_dicom::Identifier;
use kura_model::Result;
use kura_service::dicom_find::Level;
use kura_service::dicom_read::{self, Object};
use serde_json::json;

use super::association::{Session, failed};
use super::command::{C_CANCEL_RQ, C_STORE_RQ, Command, CommandSet, RESPONSE};
use super::message::{self, Unsent, protocol};
use super::model::Root;
use super::send::{self, Originator, Outgoing};
use super::status;

/// The requester hears of the progress this often.
const PROGRESS: Duration = Duration::from_millis(500);

/// How the sub-operations went.
#[derive(Default)]
struct Tally {
    completed: u16,
    warned: u16,
    failed: Vec<String>,
    cancelled: bool,
    told: Option<Instant>,
}

impl Tally {
    fn count(&mut self, object: &Object, status: u16) {
        match status {
            status::SUCCESS => self.completed = self.completed.saturating_add(1),
            status if status::is_taken(status) => self.warned = self.warned.saturating_add(1),
            _ => self.failed.push(object.sop_instance_uid.clone()),
        }
    }

    fn done(&self) -> usize {
        usize::from(self.completed) + usize::from(self.warned) + self.failed.len()
    }

    fn counts(&self) -> [u16; 3] {
        let failed = u16::try_from(self.failed.len()).unwrap_or(u16::MAX);
        [self.completed, failed, self.warned]
    }
}

impl Session<'_> {
    pub(super) fn move_to(
        &mut self,
        context: &PresentationContextNegotiated,
        request: &Command,
        root: Root,
        bytes: &[u8],
    ) -> Result<()> {
        let destination = request.move_destination.clone();
        if self.bank.config.dicom.address(&destination).is_none() {
            let answer = request.response(status::DESTINATION_UNKNOWN);
            let comment = "the move destination has no address in dicom.nodes";
            return self.answer(context.id, &answer.comment(comment));
        }
        let (identifier, objects) = match self.selected(context, request, root, bytes) {
            Ok(selected) => selected,
            Err(answer) => return self.answer(context.id, &answer),
        };
        let mut tally = Tally::default();
        let mut rest = &objects[..];
        let calling = self.calling.clone();
        let originator = Originator {
            title: &calling,
            message_id: request.message_id,
        };
        while !rest.is_empty() && !tally.cancelled {
            let (now, later) = rest.split_at(send::batch(rest));
            rest = later;
            let mut outgoing = match Outgoing::open(self.bank, &destination, now) {
                Ok(outgoing) => Some(outgoing),
                Err(error) => {
                    tracing::warn!(peer = destination, %error, "objects cannot be sent");
                    crate::error::log(&error);
                    None
                }
            };
            for object in now {
                if self.goes_on(context, request, &objects, &mut tally)? {
                    break;
                }
                let sent = match &mut outgoing {
                    Some(open) => open.store(object, Some(originator)),
                    None => {
                        tally.count(object, status::PROCESSING_FAILURE);
                        continue;
                    }
                };
                match sent {
                    Ok(status) => tally.count(object, status),
                    Err(Unsent::Refused(error)) => {
                        crate::error::log(&error);
                        tally.count(object, status::PROCESSING_FAILURE);
                    }
                    Err(Unsent::Broken(error)) => {
                        tracing::warn!(peer = destination, %error, "sending objects ended early");
                        crate::error::log(&error);
                        tally.count(object, status::PROCESSING_FAILURE);
                        outgoing = None;
                    }
                }
            }
            if let Some(outgoing) = outgoing {
                outgoing.close();
            }
        }
        self.end(context, request, &identifier, &objects, &tally)
    }

    pub(super) fn get(
        &mut self,
        context: &PresentationContextNegotiated,
        request: &Command,
        root: Root,
        bytes: &[u8],
    ) -> Result<()> {
        let (identifier, objects) = match self.selected(context, request, root, bytes) {
            Ok(selected) => selected,
            Err(answer) => return self.answer(context.id, &answer),
        };
        let mut tally = Tally::default();
        let mut message_id = request.message_id;
        for object in &objects {
            if self.goes_on(context, request, &objects, &mut tally)? {
                break;
            }
            message_id = message_id.wrapping_add(1);
            match self.send_back(request, message_id, object, &mut tally) {
                Ok(status) => tally.count(object, status),
                Err(Unsent::Refused(error)) => {
                    crate::error::log(&error);
                    tally.count(object, status::PROCESSING_FAILURE);
                }
                Err(Unsent::Broken(error)) => return Err(error),
            }
        }
        self.end(context, request, &identifier, &objects, &tally)
    }

    /// One sub-operation on the requester's own association.
    fn send_back(
        &mut self,
        request: &Command,
        message_id: u16,
        object: &Object,
        tally: &mut Tally,
    ) -> std::result::Result<u16, Unsent> {
        let takes = self.link.requester_takes(&object.sop_class_uid);
        let accepted = send::context_for(self.link.contexts(), object)
            .filter(|_| takes)
            .ok_or_else(send::not_taken)?
            .clone();
        let command = send::request(message_id, object, None);
        let spool = self.bank.clinical.blobs().spool();
        message::send_object(&mut self.link, &accepted, &command, object, spool)?;
        loop {
            let (_, answer) = message::receive(&mut self.link).map_err(Unsent::Broken)?;
            match answer.field {
                // C.4.3.3.2: it may come before the answer to the sub-operation under way.
                C_CANCEL_RQ if answer.message_id == request.message_id => tally.cancelled = true,
                field if field == C_STORE_RQ | RESPONSE && answer.message_id == message_id => {
                    return Ok(answer.status);
                }
                _ => return Err(Unsent::Broken(protocol("an answer to something else"))),
            }
        }
    }

    /// What is to be retrieved, or why not.
    fn selected(
        &self,
        context: &PresentationContextNegotiated,
        request: &Command,
        root: Root,
        bytes: &[u8],
    ) -> std::result::Result<(Identifier, Vec<Object>), CommandSet> {
        let (identifier, level) = self.identifier(context, request, root, bytes)?;
        let unique = match level {
            Level::Patient => "00100020",
            Level::Study => "0020000D",
            Level::Series => "0020000E",
            Level::Instance => "00080018",
        };
        if identifier.text(unique).is_none() {
            let answer = request.response(status::DOES_NOT_MATCH);
            return Err(answer.comment("the unique key of the level is missing"));
        }
        let role = self.reader();
        match dicom_read::select(self.bank, &role, &identifier.keys()) {
            Ok(objects) => Ok((identifier, objects)),
            Err(error) if error.category == kura_model::Category::Invalid => {
                let answer = request.response(status::DOES_NOT_MATCH);
                Err(answer.comment(error.message()))
            }
            Err(error) => Err(failed(request, &error)),
        }
    }

    /// Tells the progress now and then. Whether the requester has cancelled.
    fn goes_on(
        &mut self,
        context: &PresentationContextNegotiated,
        request: &Command,
        objects: &[Object],
        tally: &mut Tally,
    ) -> Result<bool> {
        tally.cancelled |= self.is_cancelled(request.message_id)?;
        if tally.cancelled {
            return Ok(true);
        }
        if tally.told.is_none_or(|told| told.elapsed() > PROGRESS) {
            let left = remaining(objects, tally);
            let pending = request.response(status::PENDING);
            self.answer(context.id, &pending.counts(Some(left), tally.counts()))?;
            tally.told = Some(Instant::now());
        }
        Ok(false)
    }

    /// The final response, with the objects that failed (C.4.2.1.4.2).
    fn end(
        &mut self,
        context: &PresentationContextNegotiated,
        request: &Command,
        identifier: &Identifier,
        objects: &[Object],
        tally: &Tally,
    ) -> Result<()> {
        let (status, left) = if tally.cancelled {
            (status::CANCELLED, Some(remaining(objects, tally)))
        } else if tally.failed.is_empty() && tally.warned == 0 {
            (status::SUCCESS, None)
        } else if tally.completed == 0 && tally.warned == 0 {
            (status::NO_SUBOPERATION_DONE, None)
        } else {
            (status::SOME_FAILED, None)
        };
        let answer = request.response(status).counts(left, tally.counts());
        if tally.failed.is_empty() {
            return self.answer(context.id, &answer);
        }
        let list = json!({ "00080058": { "vr": "UI", "Value": tally.failed } });
        match identifier.write(&list, &context.transfer_syntax) {
            Ok(bytes) => message::send(
                &mut self.link,
                context.id,
                &answer.with_data_set(),
                Some(&bytes),
            ),
            Err(_) => self.answer(context.id, &answer),
        }
    }
}

fn remaining(objects: &[Object], tally: &Tally) -> u16 {
    u16::try_from(objects.len().saturating_sub(tally.done())).unwrap_or(u16::MAX)
}
