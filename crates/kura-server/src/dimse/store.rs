//! C-STORE: objects that a peer sends. PS3.4 Annex B.

use std::collections::BTreeSet;
use std::io::Write as _;

use dicom_ul::pdu::PresentationContextNegotiated;
use kura_model::{Error, RequestContext, Result};
use kura_service::Bank;
use kura_service::instance_store::{
    self, ANNOUNCED, Announced, DUPLICATE, Incoming, Place, Sender, Settling, Stored,
};

use super::association::failed;
use super::command::{Command, CommandSet};
use super::status;

/// What one peer sends.
pub(super) struct Receiving {
    context: RequestContext,
    /// Known once something is stored.
    sender: Option<Sender>,
    /// Studies with new objects.
    waiting: BTreeSet<String>,
    settling: Settling,
    /// For the object that comes next.
    place: Option<Place>,
}

/// An object on its way.
pub(super) struct Storing {
    request: Command,
    state: State,
}

enum State {
    Arriving(Box<Incoming>),
    /// It cannot be kept; the rest of it is read and dropped, then this is answered.
    Dropped(CommandSet),
}

impl Storing {
    pub(super) fn dropped(request: Command, status: u16, comment: &str) -> Self {
        let answer = request.response(status).comment(comment);
        Self {
            request,
            state: State::Dropped(answer),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        let State::Arriving(incoming) = &mut self.state else {
            return;
        };
        if let Err(error) = incoming.write_all(bytes) {
            let full = error.kind() == std::io::ErrorKind::StorageFull;
            let status = if full {
                status::OUT_OF_RESOURCES
            } else {
                status::PROCESSING_FAILURE
            };
            let answer = self.request.response(status);
            self.state = State::Dropped(answer.comment("the bank cannot write"));
        }
    }
}

impl Receiving {
    pub(super) fn new(context: RequestContext) -> Self {
        Self {
            context,
            sender: None,
            waiting: BTreeSet::new(),
            settling: Settling::begin(),
            place: None,
        }
    }

    pub(super) fn has_sent(&self) -> bool {
        self.sender.is_some()
    }

    pub(super) fn begin(
        &mut self,
        bank: &Bank,
        calling: &str,
        accepted: &PresentationContextNegotiated,
        request: Command,
    ) -> Storing {
        let is_uid = |uid: &str| {
            (1..=64).contains(&uid.len())
                && uid
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        if accepted.abstract_syntax != request.sop_class_uid || !is_uid(&request.sop_instance_uid) {
            let comment = "the command names another SOP class than its context, or no instance";
            return Storing::dropped(request, status::DOES_NOT_MATCH, comment);
        }
        let announced = Announced {
            sop_class_uid: request.sop_class_uid.clone(),
            sop_instance_uid: request.sop_instance_uid.clone(),
            transfer_syntax_uid: accepted.transfer_syntax.clone(),
            study_uid: None,
        };
        let opened = match &self.sender {
            Some(_) => Ok(()),
            None => {
                Sender::open(bank, &self.context, calling).map(|sender| self.sender = Some(sender))
            }
        };
        let begun = opened
            .and_then(|()| match self.place.take() {
                Some(place) => Ok(place),
                None => Place::open(bank, &self.context),
            })
            .and_then(|place| Incoming::begin(bank, place, announced));
        let state = match begun {
            Ok(incoming) => State::Arriving(Box::new(incoming)),
            Err(error) => State::Dropped(failed(&request, &error)),
        };
        Storing { request, state }
    }

    /// The whole object is here: what its sender is answered.
    pub(super) fn finish(&mut self, bank: &Bank, storing: Storing) -> Result<CommandSet> {
        let request = storing.request;
        let incoming = match storing.state {
            State::Arriving(incoming) => *incoming,
            State::Dropped(answer) => return Ok(answer),
        };
        let Some(sender) = &self.sender else {
            return Err(Error::internal("an object arrived from nobody"));
        };
        let stored = instance_store::instance_store(bank, &self.context, sender, incoming);
        Ok(match stored {
            Ok(Stored::Accepted { study_uid, .. }) => {
                self.waiting.insert(study_uid);
                request.response(status::SUCCESS)
            }
            Ok(Stored::Refused(refusal)) => {
                let status = match refusal.rule.as_ref() {
                    ANNOUNCED => status::DOES_NOT_MATCH,
                    DUPLICATE => status::DUPLICATE_INSTANCE,
                    _ => status::CANNOT_UNDERSTAND,
                };
                request.response(status).comment(&refusal.message)
            }
            Err(error) => failed(&request, &error),
        })
    }

    /// Opens a file for the next object, while its sender reads it.
    pub(super) fn make_ready(&mut self, bank: &Bank) {
        if self.place.is_none() {
            // What is wrong is said when it is needed.
            self.place = Place::open(bank, &self.context).ok();
        }
    }

    pub(super) fn settle_now_and_then(&mut self, bank: &Bank) {
        if self.settling.is_due() {
            self.settle(bank);
        }
    }

    pub(super) fn settle(&mut self, bank: &Bank) {
        let waiting = std::mem::take(&mut self.waiting);
        self.settling.settle(|| {
            for study in waiting {
                // Its note stays: the next start tries again.
                if let Err(error) = instance_store::settle(bank, &self.context, &study) {
                    tracing::error!(%error, "a received study could not be brought up to date");
                    crate::error::log(&error);
                }
            }
        });
    }
}
