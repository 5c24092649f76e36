//! One association from its request to its release.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use dicom_ul::association::Association as _;
use dicom_ul::association::server::{AccessControl, ServerAssociation, ServerAssociationOptions};
use dicom_ul::pdu::{
    AssociationRJ, AssociationRJResult, AssociationRJServiceProviderPresentationReason,
    AssociationRJServiceUserReason, AssociationRJSource, PDataValue, PDataValueType, Pdu,
    PresentationContextResultReason, UserIdentity, write_pdu,
};
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::Bank;
use kura_service::instance_store::{self, ANNOUNCED, Announced, Incoming, Sender, Stored};

use super::command::{C_CANCEL_RQ, C_ECHO_RQ, C_STORE_RQ, Request};

/// The application entity title of every bank.
pub(super) fn title() -> &'static str {
    "KURA"
}

const VERIFICATION: &str = "1.2.840.10008.1.1";

/// A study that keeps growing is brought up to date this often.
const SETTLE: Duration = Duration::from_secs(5);
/// How long a refused peer has to close the connection (the ARTIM timer of PS3.8).
const REFUSED: Duration = Duration::from_secs(2);
/// Longest command set: two UIDs and a few numbers.
const COMMAND_BYTES: usize = 16 * 1024;

/// Status codes of C-STORE, PS3.4 Table B.2-1, and of any operation, PS3.7 Annex C.
mod status {
    pub(super) const SUCCESS: u16 = 0x0000;
    pub(super) const OUT_OF_RESOURCES: u16 = 0xA700;
    pub(super) const DOES_NOT_MATCH: u16 = 0xA900;
    pub(super) const CANNOT_UNDERSTAND: u16 = 0xC000;
    pub(super) const PROCESSING_FAILURE: u16 = 0x0110;
    pub(super) const NOT_AUTHORIZED: u16 = 0x0124;
    pub(super) const UNRECOGNIZED_OPERATION: u16 = 0x0211;
}

/// Titles are compared to the letter; the configured list is empty only where nobody else can
/// reach the port.
struct Titles<'a>(&'a [String]);

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
        if !self.0.is_empty() && !self.0.iter().any(|known| known == calling) {
            return Err(AssociationRJServiceUserReason::CallingAETitleNotRecognized);
        }
        Ok(())
    }
}

/// Tells a peer that there are too many already. PS3.8 Table 9-21: transient, local limit.
pub(super) fn turn_away(mut stream: TcpStream) {
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
    tracing::warn!("a DICOM association was turned away: dicom.associations is reached");
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

/// Serves one peer until it leaves. Whether it sent objects.
pub(super) fn run(bank: &Bank, stream: TcpStream) -> bool {
    let settings = &bank.config.dicom;
    // Without it each small answer waits for the peer's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let idle = Duration::from_secs(settings.idle_seconds.max(1));
    let mut options = ServerAssociationOptions::new()
        .ae_access_control(Titles(&settings.peers))
        .ae_title(title())
        .max_pdu_length(settings.max_pdu)
        .read_timeout(idle)
        .write_timeout(idle)
        .with_abstract_syntax(VERIFICATION);
    for (uid, _) in kura_dicom::storage_sop_classes() {
        options = options.with_abstract_syntax(uid);
    }
    let refused = stream.try_clone();
    let association = match options.establish(stream) {
        Ok(association) => association,
        Err(error) => {
            // Other errors may repeat what came over the wire.
            let reason = match &error {
                dicom_ul::association::Error::Rejected { association_rj, .. } => {
                    format!("{:?}", association_rj.source)
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
    let calling = association.peer_ae_title().trim().to_owned();
    let context = super::context(&calling);
    drop(refused);
    let mut session = Session {
        bank,
        context,
        sender: None,
        calling,
        association,
        waiting: BTreeSet::new(),
        settled: Instant::now(),
    };
    if let Err(error) = session.serve() {
        tracing::warn!(peer = session.calling, %error, "a DICOM association ended early");
        crate::error::log(&error);
    }
    session.settle();
    session.sender.is_some()
}

struct Session<'a> {
    bank: &'a Bank,
    context: RequestContext,
    /// Known once something is stored.
    sender: Option<Sender>,
    calling: String,
    association: ServerAssociation<TcpStream>,
    /// Studies with new objects.
    waiting: BTreeSet<String>,
    settled: Instant,
}

/// The data set of a C-STORE on its way.
enum Arriving {
    Stored(Request, Box<Incoming>),
    /// It cannot be kept; the rest of it is read and dropped, then this is answered.
    Dropped(Request, u16, String),
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Category::Interrupted, "the connection broke").because(error)
}

fn protocol(message: &str) -> Error {
    Error::invalid(message)
}

impl Session<'_> {
    fn serve(&mut self) -> Result<()> {
        let mut command = Vec::new();
        let mut arriving: Option<(u8, Arriving)> = None;
        loop {
            match self.association.receive() {
                Ok(Pdu::PData { data }) => {
                    for value in data {
                        self.value(value, &mut command, &mut arriving)?;
                    }
                }
                Ok(Pdu::ReleaseRQ) => {
                    // Seen by whoever asks once the peer has its answer.
                    self.settle();
                    return self.association.send(&Pdu::ReleaseRP).map_err(broken);
                }
                Ok(Pdu::AbortRQ { .. }) => return Ok(()),
                Ok(_) => return Err(protocol("an unexpected message")),
                Err(dicom_ul::association::Error::ConnectionClosed { .. })
                    if arriving.is_none() && command.is_empty() =>
                {
                    return Ok(());
                }
                Err(error) => return Err(broken(error)),
            }
            if self.settled.elapsed() > SETTLE {
                self.settle();
            }
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
                    let request = Request::read(command)
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
                if let Arriving::Stored(request, incoming) = state
                    && let Err(error) = incoming.write_all(&value.data)
                {
                    let full = error.kind() == std::io::ErrorKind::StorageFull;
                    let status = if full {
                        status::OUT_OF_RESOURCES
                    } else {
                        status::PROCESSING_FAILURE
                    };
                    let comment = "the bank cannot write".to_owned();
                    *state = Arriving::Dropped(request.clone(), status, comment);
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
    fn command(&mut self, id: u8, request: Request) -> Result<Option<Arriving>> {
        match request.field {
            C_ECHO_RQ => {
                self.answer(id, &request, status::SUCCESS, "")?;
                Ok(None)
            }
            C_STORE_RQ if request.has_data_set => Ok(Some(self.store(id, request)?)),
            // PS3.7 9.3.2.3: nothing is answered; what it would cancel is over by now.
            C_CANCEL_RQ => Ok(None),
            _ => {
                let comment = "only C-ECHO and C-STORE are served";
                let status = status::UNRECOGNIZED_OPERATION;
                if request.has_data_set {
                    return Ok(Some(Arriving::Dropped(request, status, comment.to_owned())));
                }
                self.answer(id, &request, status, comment)?;
                Ok(None)
            }
        }
    }

    fn store(&mut self, id: u8, request: Request) -> Result<Arriving> {
        let accepted = self
            .association
            .presentation_contexts()
            .iter()
            .find(|context| {
                context.id == id && context.reason == PresentationContextResultReason::Acceptance
            })
            .ok_or_else(|| protocol("a presentation context that was not accepted"))?;
        let is_uid = |uid: &str| {
            (1..=64).contains(&uid.len())
                && uid
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        if accepted.abstract_syntax != request.sop_class_uid || !is_uid(&request.sop_instance_uid) {
            let comment = "the command names another SOP class than its context, or no instance";
            return Ok(Arriving::Dropped(
                request,
                status::DOES_NOT_MATCH,
                comment.to_owned(),
            ));
        }
        let announced = Announced {
            sop_class_uid: request.sop_class_uid.clone(),
            sop_instance_uid: request.sop_instance_uid.clone(),
            transfer_syntax_uid: accepted.transfer_syntax.clone(),
        };
        let opened = match &self.sender {
            Some(_) => Ok(()),
            None => Sender::open(self.bank, &self.context, &self.calling)
                .map(|sender| self.sender = Some(sender)),
        };
        let begun = opened.and_then(|()| Incoming::begin(self.bank, &self.context, announced));
        Ok(match begun {
            Ok(incoming) => Arriving::Stored(request, Box::new(incoming)),
            Err(error) => {
                let (status, comment) = failed(&error);
                Arriving::Dropped(request, status, comment)
            }
        })
    }

    /// The whole data set is here.
    fn arrived(&mut self, id: u8, state: Arriving) -> Result<()> {
        let (request, incoming) = match state {
            Arriving::Stored(request, incoming) => (request, *incoming),
            Arriving::Dropped(request, status, comment) => {
                return self.answer(id, &request, status, &comment);
            }
        };
        let Some(sender) = &self.sender else {
            return Err(Error::internal("an object arrived from nobody"));
        };
        let stored = instance_store::instance_store(self.bank, &self.context, sender, incoming);
        let (status, comment) = match stored {
            Ok(Stored::Accepted { study_uid }) => {
                self.waiting.insert(study_uid);
                (status::SUCCESS, String::new())
            }
            Ok(Stored::Refused(refusal)) if refusal.rule == ANNOUNCED => {
                (status::DOES_NOT_MATCH, refusal.message.to_string())
            }
            Ok(Stored::Refused(refusal)) => {
                (status::CANNOT_UNDERSTAND, refusal.message.to_string())
            }
            Err(error) => failed(&error),
        };
        self.answer(id, &request, status, &comment)
    }

    fn answer(&mut self, id: u8, request: &Request, status: u16, comment: &str) -> Result<()> {
        let data = request.response(status, comment);
        self.association
            .send(&Pdu::PData {
                data: vec![PDataValue {
                    presentation_context_id: id,
                    value_type: PDataValueType::Command,
                    is_last: true,
                    data,
                }],
            })
            .map_err(broken)
    }

    fn settle(&mut self) {
        for study in std::mem::take(&mut self.waiting) {
            // Its note stays: the next start tries again.
            if let Err(error) = instance_store::settle(self.bank, &self.context, &study) {
                tracing::error!(%error, "a received study could not be brought up to date");
                crate::error::log(&error);
            }
        }
        self.settled = Instant::now();
    }
}

/// Status and comment of an error of ours. PS3.4 Table B.2-1.
fn failed(error: &Error) -> (u16, String) {
    crate::error::log(error);
    match error.category {
        Category::Exhausted => (
            status::OUT_OF_RESOURCES,
            "no room left in the bank".to_owned(),
        ),
        Category::Forbidden | Category::Unauthenticated => (
            status::NOT_AUTHORIZED,
            "this title may not store here".to_owned(),
        ),
        _ => (
            status::PROCESSING_FAILURE,
            "the bank could not store it".to_owned(),
        ),
    }
}
