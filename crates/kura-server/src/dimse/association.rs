//! One association from its request to its release.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dicom_ul::association::server::{AccessControl, ServerAssociationOptions};
use dicom_ul::pdu::{
    AssociationRJ, AssociationRJResult, AssociationRJServiceProviderPresentationReason,
    AssociationRJServiceUserReason, AssociationRJSource, PDataValue, PDataValueType, Pdu,
    PresentationContextNegotiated, PresentationContextResultReason, UserIdentity, write_pdu,
};
use kura_model::{Error, RequestContext, Result};
use kura_service::config::Service;
use kura_service::{Bank, accounts};

use super::command::{
    C_CANCEL_RQ, C_ECHO_RQ, C_FIND_RQ, C_GET_RQ, C_MOVE_RQ, C_STORE_RQ, COMMAND_BYTES, Command,
    CommandSet, N_ACTION_RQ,
};
use super::message::{self, protocol};
use super::model::{self, Agreed, COMMITMENT, MODELS, VERIFICATION};
use super::status;
use super::store::{Receiving, Storing};
use super::tls::Secured;
use super::wire::Link;

/// How long a refused peer has to close the connection (the ARTIM timer of PS3.8).
const REFUSED: Duration = Duration::from_secs(2);
/// Longest data set of a request that is no object.
const IDENTIFIER_BYTES: usize = 4 << 20;

/// Titles are compared to the letter. Where none is listed, all are taken as long as nobody else
/// can reach the port and there are no accounts: one may have been made since the port was opened.
struct Titles<'a>(&'a Bank);

impl AccessControl for Titles<'_> {
    fn check_access(
        &self,
        this: &str,
        calling: &str,
        called: &str,
        _: Option<&UserIdentity>,
    ) -> std::result::Result<(), AssociationRJServiceUserReason> {
        if called != this {
            return Err(AssociationRJServiceUserReason::CalledAETitleNotRecognized);
        }
        let listed = &self.0.config.dicom;
        let open = !listed.open() || matches!(accounts::sign_in_needed(self.0), Ok(false));
        if !open || !listed.knows(calling) {
            return Err(AssociationRJServiceUserReason::CallingAETitleNotRecognized);
        }
        Ok(())
    }
}

/// Tells a peer that there are too many already. PS3.8 Table 9-21: transient, local limit. Over
/// TLS the connection is closed only: the answer would cost what there is too little of.
pub(super) fn turn_away(mut stream: TcpStream, secured: bool) {
    tracing::warn!("a DICOM association was turned away: dicom.associations is reached");
    if secured {
        return;
    }
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let _ = stream.set_write_timeout(Some(Duration::from_secs(2)));
    // What is not read would reset the connection before the answer arrives.
    let mut request = [0; 16 * 1024];
    let _ = stream.read(&mut request);
    let answer = Pdu::AssociationRJ(AssociationRJ {
        result: AssociationRJResult::Transient,
        source: AssociationRJSource::ServiceProviderPresentation(
            AssociationRJServiceProviderPresentationReason::LocalLimitExceeded,
        ),
    });
    let mut bytes = Vec::new();
    if write_pdu(&mut bytes, &answer).is_ok() {
        let _ = stream.write_all(&bytes);
    }
    until_closed(&stream, Duration::from_millis(500));
}

/// Waits for the peer to close the connection. PS3.8 Section 9.2, state 13: who refuses does not
/// close first, for the peer may then see the end of the connection and not the refusal.
fn until_closed(mut stream: &TcpStream, limit: Duration) {
    let end = Instant::now() + limit;
    let mut rest = [0; 4096];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        if !matches!(stream.read(&mut rest), Ok(read) if read > 0) {
            return;
        }
    }
}

/// Serves one peer until it leaves, over TLS if that is given. Whether it sent objects.
pub(super) fn run(bank: &Arc<Bank>, stream: TcpStream, secured: Option<&Secured>) -> bool {
    let settings = &bank.config.dicom;
    let idle = Duration::from_secs(settings.idle_seconds.max(1));
    let mut options = ServerAssociationOptions::new()
        .ae_access_control(Titles(bank))
        .ae_title(settings.title.as_str())
        .max_pdu_length(settings.max_pdu)
        .read_timeout(idle)
        .write_timeout(idle)
        .with_negotiation(Agreed)
        .with_abstract_syntax(VERIFICATION)
        .with_abstract_syntax(COMMITMENT);
    for (uid, _) in MODELS {
        options = options.with_abstract_syntax(uid);
    }
    for (uid, _) in kura_dicom::storage_sop_classes() {
        options = options.with_abstract_syntax(uid);
    }
    let refused = stream.try_clone();
    let established = match secured {
        Some(secured) => options
            .tls_config(secured.server.clone())
            .establish_tls(stream)
            .map(Link::accepted),
        None => options.establish(stream).map(Link::accepted),
    };
    let link = match established {
        Ok(link) => link,
        Err(error) => {
            // Other errors may repeat what came over the wire.
            let reason = match &error {
                dicom_ul::association::Error::Rejected { association_rj, .. } => {
                    format!("{:?}", association_rj.source)
                }
                dicom_ul::association::Error::TlsHandshake { .. } => {
                    "TLS was not agreed on".to_owned()
                }
                _ => "no sound request".to_owned(),
            };
            tracing::warn!(reason, "a DICOM association was not established");
            if let Ok(stream) = refused {
                until_closed(&stream, REFUSED);
            }
            return false;
        }
    };
    drop(refused);
    let calling = link.peer().to_owned();
    let mut session = Session {
        bank,
        receiving: Receiving::new(super::context(&calling)),
        calling,
        link,
    };
    if let Err(error) = session.serve() {
        tracing::warn!(peer = session.calling, %error, "a DICOM association ended early");
        crate::error::log(&error);
    }
    session.receiving.settle(bank);
    session.receiving.has_sent()
}

pub(super) struct Session<'a> {
    pub(super) bank: &'a Arc<Bank>,
    pub(super) calling: String,
    pub(super) link: Link,
    pub(super) receiving: Receiving,
}

/// The data set of a request on its way.
enum Arriving {
    Object(Storing),
    /// An identifier, or what an action is about.
    Request(Command, Vec<u8>),
}

impl Session<'_> {
    fn serve(&mut self) -> Result<()> {
        let mut command = Vec::new();
        let mut arriving: Option<(u8, Arriving)> = None;
        loop {
            match self.link.receive()? {
                Some(Pdu::PData { data }) => {
                    for value in data {
                        self.value(value, &mut command, &mut arriving)?;
                    }
                }
                Some(Pdu::ReleaseRQ) => {
                    // Seen by whoever asks once the peer has its answer.
                    self.receiving.settle(self.bank);
                    return self.link.send(&Pdu::ReleaseRP);
                }
                Some(Pdu::AbortRQ { .. }) => return Ok(()),
                Some(_) => return Err(protocol("an unexpected message")),
                None if arriving.is_none() && command.is_empty() => return Ok(()),
                None => {
                    return Err(protocol(
                        "the connection was closed in the middle of a message",
                    ));
                }
            }
            self.receiving.settle_now_and_then(self.bank);
        }
    }

    fn value(
        &mut self,
        value: PDataValue,
        command: &mut Vec<u8>,
        arriving: &mut Option<(u8, Arriving)>,
    ) -> Result<()> {
        let id = value.presentation_context_id;
        match value.value_type {
            PDataValueType::Command => {
                if arriving.is_some() {
                    return Err(protocol("a command in the middle of a data set"));
                }
                command.extend(&value.data);
                if command.len() > COMMAND_BYTES {
                    return Err(protocol("a command set that is too long"));
                }
                if value.is_last {
                    let request = Command::read(command)
                        .ok_or_else(|| protocol("a command set that cannot be read"))?;
                    command.clear();
                    *arriving = self.command(id, request)?.map(|next| (id, next));
                }
            }
            PDataValueType::Data => {
                let Some((expected, state)) = arriving else {
                    return Err(protocol("a data set without a command"));
                };
                if *expected != id {
                    return Err(protocol("a data set of another presentation context"));
                }
                match state {
                    Arriving::Object(storing) => storing.write(&value.data),
                    Arriving::Request(_, bytes) => {
                        bytes.extend(&value.data);
                        if bytes.len() > IDENTIFIER_BYTES {
                            return Err(protocol("an identifier that is too long"));
                        }
                    }
                }
                if value.is_last
                    && let Some((id, state)) = arriving.take()
                {
                    self.arrived(id, state)?;
                }
            }
        }
        Ok(())
    }

    /// Begins what a command asks for; `Some` where a data set follows.
    fn command(&mut self, id: u8, request: Command) -> Result<Option<Arriving>> {
        match request.field {
            // PS3.7 9.3.2.3: nothing is answered; what it would cancel is over by now.
            C_CANCEL_RQ => Ok(None),
            C_STORE_RQ if request.has_data_set => {
                let context = self.accepted(id)?.clone();
                let storing = if self.may(Service::Store) {
                    self.receiving
                        .begin(self.bank, &self.calling, &context, request)
                } else {
                    let comment = "this title may not store here";
                    Storing::dropped(request, status::NOT_AUTHORIZED, comment)
                };
                Ok(Some(Arriving::Object(storing)))
            }
            _ if request.has_data_set => Ok(Some(Arriving::Request(request, Vec::new()))),
            C_ECHO_RQ => {
                self.answer(id, &request.response(status::SUCCESS))?;
                Ok(None)
            }
            _ => {
                self.unrecognized(id, &request)?;
                Ok(None)
            }
        }
    }

    fn unrecognized(&mut self, id: u8, request: &Command) -> Result<()> {
        let answer = request.response(status::UNRECOGNIZED_OPERATION);
        self.answer(id, &answer.comment("this operation is not served"))
    }

    /// The whole data set is here.
    fn arrived(&mut self, id: u8, state: Arriving) -> Result<()> {
        match state {
            Arriving::Object(storing) => {
                let answer = self.receiving.finish(self.bank, storing)?;
                self.answer(id, &answer)?;
                self.receiving.make_ready(self.bank);
                Ok(())
            }
            Arriving::Request(request, bytes) => {
                let context = self.accepted(id)?.clone();
                // Who asks after what it has just sent is told of it.
                self.receiving.settle(self.bank);
                match (request.field, model::Model::of(&context.abstract_syntax)) {
                    (C_FIND_RQ, Some(model)) => self.find(&context, &request, model, &bytes),
                    (C_MOVE_RQ, Some(model::Model::Move(root))) => {
                        self.move_to(&context, &request, root, &bytes)
                    }
                    (C_GET_RQ, Some(model::Model::Get(root))) => {
                        self.get(&context, &request, root, &bytes)
                    }
                    (N_ACTION_RQ, None) if context.abstract_syntax == COMMITMENT => {
                        self.commit(&context, &request, &bytes)
                    }
                    _ => self.unrecognized(id, &request),
                }
            }
        }
    }

    /// The presentation context of a message.
    pub(super) fn accepted(&self, id: u8) -> Result<&PresentationContextNegotiated> {
        self.link
            .contexts()
            .iter()
            .find(|context| {
                context.id == id && context.reason == PresentationContextResultReason::Acceptance
            })
            .ok_or_else(|| protocol("a presentation context that was not accepted"))
    }

    pub(super) fn may(&self, service: Service) -> bool {
        self.bank.config.dicom.allows(&self.calling, service)
    }

    /// Who asks for what is in the bank.
    pub(super) fn reader(&self) -> RequestContext {
        super::reader(&self.calling)
    }

    pub(super) fn answer(&mut self, id: u8, answer: &CommandSet) -> Result<()> {
        message::send(&mut self.link, id, answer, None)
    }

    /// Whether the peer has sent C-CANCEL for this message; other messages in between are not
    /// allowed, for no asynchronous operations are agreed (PS3.7 D.3.3.3).
    pub(super) fn is_cancelled(&mut self, message_id: u16) -> Result<bool> {
        if !self.link.something_waits() {
            return Ok(false);
        }
        let (_, command) = message::receive(&mut self.link)?;
        match command.field {
            C_CANCEL_RQ => Ok(command.message_id == message_id),
            _ => Err(protocol("a request in the middle of another")),
        }
    }
}

/// Status and comment of an error of ours; the rest is in the log.
pub(super) fn failed(request: &Command, error: &Error) -> CommandSet {
    use kura_model::Category;
    crate::error::log(error);
    let (status, comment) = match error.category {
        Category::Exhausted => (status::OUT_OF_RESOURCES, "no room left in the bank"),
        Category::Forbidden | Category::Unauthenticated => {
            (status::NOT_AUTHORIZED, "this title may not do this here")
        }
        _ => (status::PROCESSING_FAILURE, "the bank could not do it"),
    };
    request.response(status).comment(comment)
}
