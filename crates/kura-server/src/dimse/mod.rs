//! DICOM over the network, PS3.7 and PS3.8: verification (C-ECHO) and storage (C-STORE).
//!
//! A thread for each association; an object goes to disk as it arrives.

mod association;
mod command;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kura_model::{Actor, Category, Error, PurposeOfUse, RequestContext, Result, Role};
use kura_service::{Bank, accounts, bedside, instance_store};

/// Listens on `dicom.port` of the configuration, beside the HTTP address; `None` where no port
/// is configured. Returns the address once associations are taken.
pub(crate) fn start(bank: &Arc<Bank>, http: SocketAddr) -> Result<Option<SocketAddr>> {
    // What an earlier process received and could not bring to its study.
    instance_store::settle_all(bank, &context("settle"))?;
    let Some(port) = bank.config.dicom.port else {
        return Ok(None);
    };
    let address = SocketAddr::new(http.ip(), port);
    let open = bank.config.dicom.peers.is_empty();
    if open && (!address.ip().is_loopback() || accounts::sign_in_needed(bank)?) {
        return Err(Error::new(
            Category::Forbidden,
            "the DICOM port needs the titles of those who may send: dicom.peers in kura.toml",
        ));
    }
    let listener = TcpListener::bind(address).map_err(|error| {
        Error::conflict(format!("{address} cannot be served: {error}")).because(error)
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| Error::internal("the address is not known").because(error))?;
    let bank = bank.clone();
    std::thread::Builder::new()
        .name("dicom-listener".to_owned())
        .spawn(move || listen(&listener, &bank))
        .map_err(|error| Error::internal("no thread can be started").because(error))?;
    tracing::info!(%address, title = association::title(), "taking DICOM associations");
    Ok(Some(address))
}

fn listen(listener: &TcpListener, bank: &Arc<Bank>) {
    let running = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                // Too many open files, or a peer that left: the next may do better.
                tracing::warn!(%error, "a DICOM connection failed");
                std::thread::sleep(std::time::Duration::from_millis(100));
                continue;
            }
        };
        if running.fetch_add(1, Ordering::AcqRel) >= bank.config.dicom.associations {
            running.fetch_sub(1, Ordering::AcqRel);
            association::turn_away(stream);
            continue;
        }
        let bank = bank.clone();
        let guard = Running(running.clone());
        let started = std::thread::Builder::new()
            .name("dicom-association".to_owned())
            .spawn(move || {
                let sent = association::run(&bank, stream);
                // The peer has left: it does not count any more, whatever the models take.
                drop(guard);
                if sent {
                    ask_models(&bank);
                }
            });
        if let Err(error) = started {
            tracing::warn!(%error, "no thread for a DICOM association");
        }
    }
}

/// Asks the models for what arrived. One round at a time, and one that waits: it sees everything
/// that arrived until it begins.
fn ask_models(bank: &Bank) {
    static WAITS: AtomicBool = AtomicBool::new(false);
    static ROUND: Mutex<()> = Mutex::new(());
    if WAITS.swap(true, Ordering::AcqRel) {
        return;
    }
    let _round = ROUND
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    WAITS.store(false, Ordering::Release);
    match bedside::answer_arrivals(bank, &context("arrival")) {
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

/// Counts an association for as long as it lives, also if it breaks down.
struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Who acts for a sender: its application entity title; it may bring data in, nothing else.
fn context(title: &str) -> RequestContext {
    RequestContext {
        actor: Actor {
            name: format!("dicom:{title}"),
            role: Role::DicomPeer,
        },
        purpose: PurposeOfUse::Treatment,
    }
}
