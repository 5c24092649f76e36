//! Questions to other application entities: C-ECHO, C-FIND and C-MOVE as their user. PS3.4 C.4.

use std::time::Duration;

use dicom_ul::association::client::ClientAssociationOptions;
use dicom_ul::pdu::{PresentationContextNegotiated, PresentationContextResultReason};
use kura_dicom::{Identifier, write_json_dataset};
use kura_model::{Error, Result};
use kura_service::Bank;
use serde_json::Value;

use super::call::call;
use super::command::{C_ECHO_RQ, C_FIND_RQ, C_MOVE_RQ, Command, CommandSet, RESPONSE};
use super::message::{self, protocol};
use super::model::VERIFICATION;
use super::status;
use super::wire::Link;

/// Study Root: FIND and MOVE.
const FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
const MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
const NATIVE: [&str; 2] = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"];

/// An archive may fetch from a tape before it answers.
const SILENCE: Duration = Duration::from_secs(10 * 60);
/// Longest data set of an answer.
const ANSWER_BYTES: usize = 4 << 20;

/// An association with an archive.
pub(super) struct Asking {
    link: Link,
    message_id: u16,
}

/// How a C-MOVE went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    pub(super) status: u16,
    /// Objects that were not sent, of which the archive says so.
    pub(super) failed: u16,
}

impl Asking {
    pub(super) fn open(bank: &Bank, node: &str) -> Result<Self> {
        Self::with(bank, node, &[FIND, MOVE])
    }

    fn with(bank: &Bank, node: &str, services: &[&'static str]) -> Result<Self> {
        let mut options = ClientAssociationOptions::new();
        for service in services {
            options = options.with_presentation_context(*service, NATIVE.to_vec());
        }
        let mut link = call(bank, node, options)?;
        link.wait_for(SILENCE);
        Ok(Self {
            link,
            message_id: 0,
        })
    }

    fn context(&self, service: &str) -> Result<PresentationContextNegotiated> {
        self.link
            .contexts()
            .iter()
            .find(|context| {
                context.abstract_syntax == service
                    && context.reason == PresentationContextResultReason::Acceptance
            })
            .cloned()
            .ok_or_else(|| {
                Error::new(
                    kura_model::Category::Unsupported,
                    "the application entity does not offer this service",
                )
            })
    }

    fn ask(
        &mut self,
        context: &PresentationContextNegotiated,
        mut command: CommandSet,
        identifier: Option<&Value>,
    ) -> Result<()> {
        command.text(0x0002, &context.abstract_syntax, 0);
        let bytes = identifier
            .map(|identifier| write_json_dataset(identifier, &context.transfer_syntax, &[]))
            .transpose()
            .map_err(|refusal| Error::internal("a query cannot be written").because(refusal))?;
        message::send(&mut self.link, context.id, &command, bytes.as_deref())
    }

    fn next_id(&mut self) -> u16 {
        self.message_id = self.message_id.wrapping_add(1);
        self.message_id
    }

    fn answer(&mut self, to: u16, field: u16) -> Result<(Command, Option<Vec<u8>>)> {
        let (_, answer, data_set) = message::receive_with(&mut self.link, ANSWER_BYTES)?;
        if answer.field != field | RESPONSE || answer.message_id != to {
            return Err(protocol("an answer to something else"));
        }
        Ok((answer, data_set))
    }

    /// Everything that matches, one by one. The status at the end.
    pub(super) fn find(
        &mut self,
        identifier: &Value,
        mut each: impl FnMut(Identifier) -> Result<()>,
    ) -> Result<u16> {
        let context = self.context(FIND)?;
        let id = self.next_id();
        let mut command = CommandSet::request(C_FIND_RQ, id).with_data_set();
        // Priority (0000,0700): medium
        command.number(0x0700, 0);
        self.ask(&context, command, Some(identifier))?;
        loop {
            let (answer, data_set) = self.answer(id, C_FIND_RQ)?;
            match (answer.status, data_set) {
                (status::PENDING | status::PENDING_WITHOUT_KEYS, Some(bytes)) => {
                    let found =
                        Identifier::read(&bytes, &context.transfer_syntax).map_err(|refusal| {
                            protocol("an answer that cannot be read").because(refusal)
                        })?;
                    each(found)?;
                }
                (status::PENDING | status::PENDING_WITHOUT_KEYS, None) => {
                    return Err(protocol("a match without its data set"));
                }
                (status, _) => return Ok(status),
            }
        }
    }

    /// Has objects sent to an application entity the archive knows. `told` hears how many have
    /// gone.
    pub(super) fn move_to(
        &mut self,
        destination: &str,
        identifier: &Value,
        mut told: impl FnMut(u64),
    ) -> Result<Moved> {
        let context = self.context(MOVE)?;
        let id = self.next_id();
        let mut command = CommandSet::request(C_MOVE_RQ, id).with_data_set();
        command.number(0x0700, 0);
        command.text(0x0600, destination, b' ');
        self.ask(&context, command, Some(identifier))?;
        loop {
            let (answer, _) = self.answer(id, C_MOVE_RQ)?;
            let [_, completed, failed, warned] = answer.counts;
            told(u64::from(completed) + u64::from(warned));
            if answer.status != status::PENDING {
                return Ok(Moved {
                    status: answer.status,
                    failed,
                });
            }
        }
    }

    pub(super) fn close(self) {
        if let Err(error) = self.link.release() {
            tracing::debug!(%error, "an association was not released in order");
        }
    }
}

/// Whether a node answers: C-ECHO.
///
/// # Errors
/// It has no address, cannot be reached, or does not take our title.
pub fn echo(bank: &Bank, node: &str) -> Result<()> {
    let mut asking = Asking::with(bank, node, &[VERIFICATION])?;
    let context = asking.context(VERIFICATION)?;
    let id = asking.next_id();
    asking.ask(&context, CommandSet::request(C_ECHO_RQ, id), None)?;
    let (answer, _) = asking.answer(id, C_ECHO_RQ)?;
    asking.close();
    if answer.status == status::SUCCESS {
        Ok(())
    } else {
        Err(protocol("the application entity does not answer C-ECHO"))
    }
}
