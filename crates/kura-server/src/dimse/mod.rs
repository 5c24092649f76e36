//! DICOM over the network, PS3.7 and PS3.8: verification, storage and its commitment, query and
//! retrieve, the modality worklist.
//!
//! A thread for each association; an object goes to disk as it arrives, and is sent as it lies
//! there.

mod association;
mod command;
mod commitment;
mod find;
mod message;
mod model;
mod retrieve;
mod send;
mod status;
mod store;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kura_model::{Actor, Category, Error, PurposeOfUse, RequestContext, Result, Role};
use kura_service::{Bank, accounts, instance_store};

use crate::rounds;

/// Listens on `dicom.port` of the configuration, beside the HTTP address; `None` where no port
/// is configured. Returns the address once associations are taken.
pub(crate) fn start(bank: &Arc<Bank>, http: SocketAddr) -> Result<Option<SocketAddr>> {
    // What an earlier process received and could not bring to its study.
    instance_store::settle_all(bank, &context("settle"))?;
    let Some(port) = bank.config.dicom.port else {
        return Ok(None);
    };
    let address = SocketAddr::new(http.ip(), port);
    let open = bank.config.dicom.open();
    if open && (!address.ip().is_loopback() || accounts::sign_in_needed(bank)?) {
        return Err(Error::new(
            Category::Forbidden,
            "the DICOM port needs the titles of those who may use it: dicom.peers or dicom.nodes in kura.toml",
        ));
    }
    let listener = TcpListener::bind(address).map_err(|error| {
        Error::conflict(format!("{address} cannot be served: {error}")).because(error)
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| Error::internal("the address is not known").because(error))?;
    let bank_title = bank.config.dicom.title.clone();
    let bank = bank.clone();
    std::thread::Builder::new()
        .name("dicom-listener".to_owned())
        .spawn(move || listen(&listener, &bank))
        .map_err(|error| Error::internal("no thread can be started").because(error))?;
    tracing::info!(%address, title = bank_title, "taking DICOM associations");
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
                    rounds::ask(&bank, &context("arrival"));
                }
            });
        if let Err(error) = started {
            tracing::warn!(%error, "no thread for a DICOM association");
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

/// Who acts for a sender: its application entity title; it may bring data in, and read what it
/// is to do.
pub(crate) fn context(title: &str) -> RequestContext {
    acting(title, Role::DicomPeer)
}

/// Who acts for a workstation; it may read.
fn reader(title: &str) -> RequestContext {
    acting(title, Role::DicomReader)
}

fn acting(title: &str, role: Role) -> RequestContext {
    RequestContext {
        actor: Actor {
            name: format!("dicom:{title}"),
            role,
        },
        purpose: PurposeOfUse::Treatment,
    }
}
