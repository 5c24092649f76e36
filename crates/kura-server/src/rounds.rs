//! Rounds in which models are asked for what has arrived. One at a time, and one that waits: it sees
//! everything that arrived until it begins, so the queue is never longer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kura_model::RequestContext;
use kura_service::{Bank, bedside};

/// Between two tries for patients that a model could not answer for.
const AGAIN: Duration = Duration::from_secs(60);

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
