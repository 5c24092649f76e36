//! Rounds in which models are asked for what has arrived. One at a time, and one that waits: it sees
//! everything that arrived until it begins, so the queue is never longer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use kura_model::RequestContext;
use kura_service::fhir_write::What;
use kura_service::{Bank, bedside, endpoint, link, search_index, subscription};

/// Between two tries for patients that a model could not answer for.
const AGAIN: Duration = Duration::from_secs(60);

/// Between two looks whether a search parameter was added.
const ADDED: Duration = Duration::from_secs(1);

/// Brings the records under search parameters that are added while the bank is served.
pub(crate) fn index(bank: &Arc<Bank>, context: RequestContext) {
    let bank = Arc::downgrade(bank);
    let started = std::thread::Builder::new()
        .name("search-index".to_owned())
        .spawn(move || {
            let mut looks: u64 = 0;
            loop {
                // The server has ended.
                let Some(bank) = bank.upgrade() else { return };
                // Once an hour: what is finished for a day goes.
                looks += 1;
                if looks.is_multiple_of(3600)
                    && let Err(error) = kura_service::async_request::resume(&bank)
                {
                    crate::error::log(&error);
                }
                let done = search_index::waits(&bank).and_then(|waits| {
                    if waits {
                        search_index::settle(&bank, &context)?;
                    }
                    Ok(())
                });
                if let Err(error) = done {
                    crate::error::log(&error);
                }
                drop(bank);
                std::thread::sleep(ADDED);
            }
        });
    if let Err(error) = started {
        tracing::warn!(%error, "no thread to index search parameters");
    }
}

/// Has the studies name where they are fetched, once that is known.
pub(crate) fn endpoints(bank: &Arc<Bank>, context: RequestContext) {
    let bank = bank.clone();
    let started = std::thread::Builder::new()
        .name("endpoints".to_owned())
        .spawn(move || {
            if let Err(error) = endpoint::settle(&bank, &context) {
                crate::error::log(&error);
            }
        });
    if let Err(error) = started {
        tracing::warn!(%error, "no thread to name endpoints");
    }
}

/// Between two looks at what subscribers are to be told.
const TOLD: Duration = Duration::from_millis(500);

/// Tells those who subscribed what is written, for as long as the bank is served.
pub(crate) fn tell(bank: &Arc<Bank>, context: RequestContext) {
    let bank = Arc::downgrade(bank);
    let started = std::thread::Builder::new()
        .name("subscriptions".to_owned())
        .spawn(move || {
            let engine = subscription::Engine::default();
            loop {
                // The server has ended.
                let Some(bank) = bank.upgrade() else { return };
                let report = engine.round(&bank, &context);
                drop(bank);
                match report {
                    Ok(report) if report.more > 0 => {}
                    Ok(_) => std::thread::sleep(TOLD),
                    Err(error) => {
                        crate::error::log(&error);
                        std::thread::sleep(AGAIN);
                    }
                }
            }
        });
    if let Err(error) = started {
        tracing::warn!(%error, "no thread to notify subscribers");
    }
}

/// Asks the models, or leaves it to the round that waits.
pub(crate) fn ask(bank: &Bank, context: &RequestContext) {
    static WAITS: AtomicBool = AtomicBool::new(false);
    static ROUND: Mutex<()> = Mutex::new(());
    if WAITS.swap(true, Ordering::AcqRel) {
        return;
    }
    let _round = ROUND
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    WAITS.store(false, Ordering::Release);
    match bedside::answer_arrivals(bank, context) {
        Ok(report) => {
            for reason in &report.reasons {
                tracing::warn!(reason, "a model did not answer");
            }
        }
        Err(error) => {
            tracing::error!(%error, "models were not asked");
            crate::error::log(&error);
        }
    }
}

/// Asks again for as long as the bank is served: a model that was out of time, an image that was
/// still on its way. The configuration says how often (`inference.attempts`).
pub(crate) fn again(bank: &Arc<Bank>, context: RequestContext) {
    let bank = Arc::downgrade(bank);
    let started = std::thread::Builder::new()
        .name("models-again".to_owned())
        .spawn(move || {
            // What arrived when nobody could be asked: a crash, no runtime.
            if let Some(bank) = bank.upgrade() {
                ask(&bank, &context);
            }
            loop {
                std::thread::sleep(AGAIN);
                // The server has ended.
                let Some(bank) = bank.upgrade() else { return };
                match bedside::asks_again(&bank) {
                    Ok(true) => ask(&bank, &context),
                    Ok(false) => {}
                    Err(error) => crate::error::log(&error),
                }
            }
        });
    if let Err(error) = started {
        tracing::warn!(%error, "no thread to ask models again");
    }
}

/// How long writes over the FHIR API are gathered before what follows from them is done.
const GATHERED: Duration = Duration::from_millis(300);

/// What an import does when it is done, for records that are written one by one: studies and
/// documents without a patient are tried again when a patient was written, and models are asked.
pub(crate) struct Arrivals {
    sender: SyncSender<()>,
    patient: Arc<AtomicBool>,
}

impl Arrivals {
    /// Starts the thread that does it. It ends with the bank or with the last sender.
    pub(crate) fn start(bank: &Arc<Bank>, context: RequestContext) -> Self {
        let (sender, receiver) = sync_channel(1);
        let patient = Arc::new(AtomicBool::new(false));
        let (bank, flag) = (Arc::downgrade(bank), patient.clone());
        let started = std::thread::Builder::new()
            .name("fhir-arrivals".to_owned())
            .spawn(move || follow(&receiver, &bank, &flag, &context));
        if let Err(error) = started {
            tracing::warn!(%error, "no thread to follow writes over the FHIR API");
        }
        Self { sender, patient }
    }

    /// A record of this kind was written; returns at once.
    pub(crate) fn tell(&self, kind: &str, what: What) {
        if matches!(what, What::Unchanged | What::Found | What::Absent) {
            return;
        }
        if kind == "Patient" {
            self.patient.store(true, Ordering::Release);
        }
        // Full: a round is about to begin, and will see it.
        let _ = self.sender.try_send(());
    }
}

fn follow(
    receiver: &Receiver<()>,
    bank: &Weak<Bank>,
    patient: &AtomicBool,
    context: &RequestContext,
) {
    while receiver.recv().is_ok() {
        std::thread::sleep(GATHERED);
        let Some(bank) = bank.upgrade() else { return };
        if patient.swap(false, Ordering::AcqRel)
            && let Err(error) = link::relink(&bank, context)
        {
            tracing::error!(%error, "what has no patient yet was not tried again");
            crate::error::log(&error);
        }
        ask(&bank, context);
    }
}
