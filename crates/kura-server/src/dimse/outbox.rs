//! The outbox emptied: studies that are to be sent, by C-STORE, again until they are taken.

use std::sync::Arc;
use std::time::Duration;

use kura_model::{Category, Error, Result};
use kura_service::Bank;
use kura_service::dicom_outbox::{self, Outcome, Parcel, Tried};
use kura_service::dicom_read::{self, Object};

use super::message::Unsent;
use super::send::{Outgoing, batch};
use super::{reader, status};

/// Between two looks into the outbox.
const LOOKS: Duration = Duration::from_secs(2);

/// What happens while the outbox is emptied.
pub trait Watch {
    /// So many of the objects of a parcel were answered. Whether to go on.
    fn sending(&mut self, parcel: &Parcel, answered: u64, objects: u64) -> bool;
    fn tried(&mut self, parcel: &Parcel, outcome: Outcome, tried: &Tried);
}

/// Empties the outbox for as long as the bank is served.
pub(super) fn start(bank: &Arc<Bank>) {
    let bank = Arc::downgrade(bank);
    let started = std::thread::Builder::new()
        .name("dicom-outbox".to_owned())
        .spawn(move || {
            loop {
                // The server has ended.
                let Some(strong) = bank.upgrade() else { return };
                if let Err(error) = empty(&strong, &mut Logged(&bank)) {
                    crate::error::log(&error);
                }
                drop(strong);
                std::thread::sleep(LOOKS);
            }
        });
    if let Err(error) = started {
        tracing::warn!(%error, "no thread to send DICOM objects");
    }
}

struct Logged<'a>(&'a std::sync::Weak<Bank>);

impl Watch for Logged<'_> {
    fn sending(&mut self, _: &Parcel, _: u64, _: u64) -> bool {
        // One is ours, while the server runs there is another.
        self.0.strong_count() > 1
    }

    fn tried(&mut self, parcel: &Parcel, outcome: Outcome, tried: &Tried) {
        let reason = tried.reason.as_deref().unwrap_or_default();
        let (objects, refused) = (tried.taken, tried.refused.len());
        match outcome {
            Outcome::Sent => tracing::info!(peer = parcel.node, objects, "a study was sent"),
            Outcome::Again => {
                tracing::warn!(peer = parcel.node, objects, reason, "sent again later");
            }
            Outcome::GivenUp => {
                tracing::error!(peer = parcel.node, objects, refused, reason, "not sent");
            }
        }
    }
}

/// Tries everything once that is due. Nothing is done, and `false` returned, where another thread
/// or process is at it.
pub fn empty(bank: &Bank, watch: &mut dyn Watch) -> Result<bool> {
    let Some(_alone) = dicom_outbox::alone(bank)? else {
        return Ok(false);
    };
    let context = reader(&bank.config.dicom.title);
    for parcel in dicom_outbox::due(bank, now())? {
        let Some(tried) = send(bank, &parcel, watch) else {
            // Stopped: it was no try.
            break;
        };
        let outcome = dicom_outbox::tried(bank, &context, &parcel, tried.clone(), now())?;
        watch.tried(&parcel, outcome, &tried);
    }
    Ok(true)
}

fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// One parcel; `None` where it was stopped.
fn send(bank: &Bank, parcel: &Parcel, watch: &mut dyn Watch) -> Option<Tried> {
    let mut tried = Tried::default();
    let context = reader(&bank.config.dicom.title);
    let objects = match dicom_read::select(bank, &context, &parcel.keys()) {
        Ok(objects) => objects,
        Err(error) => {
            tried.reason = Some(reason(&error));
            return Some(tried);
        }
    };
    tried.objects = objects.len() as u64;
    let mut rest = &objects[..];
    while !rest.is_empty() {
        let before = rest.len();
        match some(bank, parcel, &mut rest, &mut tried, watch) {
            Ok(true) => {}
            Ok(false) => return None,
            // The connection broke; another one goes on, as long as they bring something.
            Err(error) if error.category == Category::Interrupted && rest.len() < before => {
                crate::error::log(&error);
            }
            Err(error) => {
                tried.reason = Some(reason(&error));
                return Some(tried);
            }
        }
    }
    Some(tried)
}

fn reason(error: &Error) -> String {
    crate::error::log(error);
    error.message().to_owned()
}

/// What one association has contexts for. Whether to go on.
fn some(
    bank: &Bank,
    parcel: &Parcel,
    rest: &mut &[Object],
    tried: &mut Tried,
    watch: &mut dyn Watch,
) -> Result<bool> {
    let now = &rest[..batch(rest)];
    let mut open = match Outgoing::open(bank, &parcel.node, now) {
        Ok(open) => open,
        Err(error) if error.category == Category::Unsupported => {
            let refused = |object: &Object| {
                let uid = object.sop_instance_uid.clone();
                (uid, status::CLASS_NOT_SUPPORTED)
            };
            tried.refused.extend(now.iter().map(refused));
            *rest = &rest[now.len()..];
            return Ok(true);
        }
        Err(error) => return Err(error),
    };
    for object in now {
        if !watch.sending(parcel, tried.objects - rest.len() as u64, tried.objects) {
            open.close();
            return Ok(false);
        }
        let status = match open.store(object, None) {
            Ok(status) => status,
            Err(Unsent::Refused(error)) => {
                crate::error::log(&error);
                if error.category == Category::Unsupported {
                    status::CLASS_NOT_SUPPORTED
                } else {
                    status::CANNOT_UNDERSTAND
                }
            }
            Err(Unsent::Broken(error)) => return Err(error),
        };
        if status::is_taken(status) {
            tried.taken += 1;
        } else if status::may_pass(status) {
            open.close();
            let message = format!("the application entity answered {status:04X}H");
            return Err(Error::new(Category::Exhausted, message));
        } else {
            tried
                .refused
                .push((object.sop_instance_uid.clone(), status));
        }
        *rest = &rest[1..];
    }
    watch.sending(parcel, tried.objects - rest.len() as u64, tried.objects);
    open.close();
    Ok(true)
}
