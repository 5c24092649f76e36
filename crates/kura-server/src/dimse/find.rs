//! C-FIND of the query models and of the modality worklist. PS3.4 C.4.1 and K.4.1.

use dicom_ul::pdu::PresentationContextNegotiated;
use kura_dicom::Identifier;
use kura_model::Result;
use kura_service::config::Service;
use kura_service::dicom_find::{Finding, Level, counted};
use serde_json::{Value, json};

use super::association::{Session, failed};
use super::command::{Command, CommandSet};
use super::message;
use super::model::{Model, Root};
use super::status;

impl Session<'_> {
    pub(super) fn find(
        &mut self,
        context: &PresentationContextNegotiated,
        request: &Command,
        model: Model,
        bytes: &[u8],
    ) -> Result<()> {
        let answer = match model {
            Model::Find(root) => self.find_objects(context, request, root, bytes)?,
            Model::Worklist => self.find_orders(context, request, bytes)?,
            Model::Move(_) | Model::Get(_) => request
                .response(status::UNRECOGNIZED_OPERATION)
                .comment("this operation is not served"),
        };
        self.answer(context.id, &answer)
    }

    fn find_objects(
        &mut self,
        context: &PresentationContextNegotiated,
        request: &Command,
        root: Root,
        bytes: &[u8],
    ) -> Result<CommandSet> {
        let (identifier, level) = match self.identifier(context, request, root, bytes) {
            Ok(read) => read,
            Err(answer) => return Ok(answer),
        };
        let role = self.reader();
        let bank = self.bank.clone();
        let wanted: Vec<String> = identifier
            .dataset()
            .as_object()
            .into_iter()
            .flat_map(|elements| elements.keys().cloned())
            .collect();
        let begun = Finding::begin(&bank, &role, level, identifier.keys(), Some(&wanted));
        let mut finding = match begun {
            Ok(finding) => finding,
            Err(error) => return Ok(failed(request, &error)),
        };
        let title = self.bank.config.dicom.title.clone();
        let name = identifier.text("00080052").unwrap_or_default();
        let more = [
            ("00080052", json!({ "vr": "CS", "Value": [name] })),
            ("00080054", json!({ "vr": "AE", "Value": [title] })),
            ("00080056", json!({ "vr": "CS", "Value": ["ONLINE"] })),
        ];
        loop {
            let found = finding.next().map(|found| {
                found.and_then(|found| counted(&bank, level, found, identifier.dataset()))
            });
            let found = match found {
                Some(Ok(found)) => found,
                None => return Ok(request.response(status::SUCCESS)),
                Some(Err(error)) => return Ok(failed(request, &error)),
            };
            if self.is_cancelled(request.message_id)? {
                return Ok(request.response(status::CANCELLED));
            }
            if let Some(answer) = self.found(context, request, &identifier, &found, &more)? {
                return Ok(answer);
            }
        }
    }

    fn find_orders(
        &mut self,
        context: &PresentationContextNegotiated,
        request: &Command,
        bytes: &[u8],
    ) -> Result<CommandSet> {
        if !self.may(Service::Worklist) {
            return Ok(request
                .response(status::NOT_AUTHORIZED)
                .comment("this title may not ask for the worklist"));
        }
        let identifier = match Identifier::read(bytes, &context.transfer_syntax) {
            Ok(identifier) => identifier,
            Err(refusal) => {
                let answer = request.response(status::CANNOT_UNDERSTAND);
                return Ok(answer.comment(&refusal.message));
            }
        };
        let role = self.reader();
        let bank = self.bank.clone();
        let orders = match kura_service::modality_worklist::find(&bank, &role, &identifier.keys()) {
            Ok(orders) => orders,
            Err(error) => return Ok(failed(request, &error)),
        };
        for order in orders {
            if self.is_cancelled(request.message_id)? {
                return Ok(request.response(status::CANCELLED));
            }
            if let Some(answer) = self.found(context, request, &identifier, &order, &[])? {
                return Ok(answer);
            }
        }
        Ok(request.response(status::SUCCESS))
    }

    /// One pending response; `Some` where it cannot be written, which ends the operation.
    fn found(
        &mut self,
        context: &PresentationContextNegotiated,
        request: &Command,
        identifier: &Identifier,
        found: &Value,
        more: &[(&str, Value)],
    ) -> Result<Option<CommandSet>> {
        let answer = identifier.answer(found, more);
        match identifier.write(&answer, &context.transfer_syntax) {
            Ok(bytes) => {
                let pending = request.response(status::PENDING).with_data_set();
                message::send(&mut self.link, context.id, &pending, Some(&bytes))?;
                Ok(None)
            }
            Err(refusal) => {
                tracing::error!(%refusal, "an answer cannot be written");
                let answer = request.response(status::CANNOT_UNDERSTAND);
                Ok(Some(answer.comment("an answer cannot be written")))
            }
        }
    }

    /// Reads what a query or a retrieval asks for, or says why not.
    pub(super) fn identifier(
        &self,
        context: &PresentationContextNegotiated,
        request: &Command,
        root: Root,
        bytes: &[u8],
    ) -> std::result::Result<(Identifier, Level), CommandSet> {
        if !self.may(Service::Query) {
            return Err(request
                .response(status::NOT_AUTHORIZED)
                .comment("this title may not ask for images"));
        }
        let identifier = Identifier::read(bytes, &context.transfer_syntax).map_err(|refusal| {
            request
                .response(status::CANNOT_UNDERSTAND)
                .comment(&refusal.message)
        })?;
        let level = identifier
            .text("00080052")
            .and_then(|name| root.level(name.trim()))
            .ok_or_else(|| {
                request
                    .response(status::DOES_NOT_MATCH)
                    .comment("Query/Retrieve Level (0008,0052) is not one of this model's")
            })?;
        Ok((identifier, level))
    }
}
