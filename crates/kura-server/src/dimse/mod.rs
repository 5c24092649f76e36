//! DICOM over the network, PS3.7 and PS3.8: verification, storage and its commitment, query and
//! retrieve, the modality worklist.
//!
//! A thread for each association; an object goes to disk as it arrives, and is sent as it lies
//! there.

mod asking;
mod association;
mod call;
mod command;
mod commitment;
mod find;
mod message;
mod migrate;
mod model;
mod outbox;
mod retrieve;
mod send;
mod status;
mod store;
mod tls;
mod wire;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kura_model::{Actor, Category, Error, PurposeOfUse, RequestContext, Result, Role};
use kura_service::{Bank, accounts, instance_store};

pub use self::asking::echo;
pub use self::migrate::{Follow, Migration, Reconciled, migrate};
pub use self::outbox::{Watch, empty};
use self::tls::Secured;

use crate::rounds;

/// Sends what is in the outbox, for as long as the bank is served.
pub(crate) fn send(bank: &Arc<Bank>) {
    outbox::start(bank);
}

/// Where associations are taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listening {
    pub plain: Option<SocketAddr>,
    pub tls: Option<SocketAddr>,
}

/// Listens on the ports of the configuration. Returns once associations are taken.
pub(crate) fn start(bank: &Arc<Bank>, http: SocketAddr) -> Result<Listening> {
    // What an earlier process received and could not bring to its study.
    instance_store::settle_all(bank, &context("settle"))?;
    let config = &bank.config.dicom;
    let secured = match &config.tls {
        Some(tls) => Some((tls.port, tls::server(bank, tls)?)),
        None => None,
    };
    let secure_port = secured.as_ref().and_then(|(port, _)| *port);
    if config.port.is_none() && secure_port.is_none() {
        return Ok(Listening::default());
    }
    let ip = config.address.unwrap_or(http.ip());
    let accounts = accounts::sign_in_needed(bank)?;
    if config.open() && (!ip.is_loopback() || accounts) {
        return Err(Error::new(
            Category::Forbidden,
            "the DICOM port needs the titles of those who may use it: dicom.peers or dicom.nodes in kura.toml",
        ));
    }
    if !ip.is_loopback() && !accounts {
        return Err(Error::new(
            Category::Forbidden,
            "DICOM may be served on a loopback address only while there is no account; make one: kura user add",
        ));
    }
    let running = Arc::new(AtomicUsize::new(0));
    let listen = |port: Option<u16>, secured: Option<Secured>| {
        port.map(|port| listener(bank, SocketAddr::new(ip, port), secured, running.clone()))
            .transpose()
    };
    let listening = Listening {
        plain: listen(config.port, None)?,
        tls: listen(secure_port, secured.map(|(_, secured)| secured))?,
    };
    tracing::info!(
        ?listening,
        title = config.title,
        "taking DICOM associations"
    );
    Ok(listening)
}

fn listener(
    bank: &Arc<Bank>,
    address: SocketAddr,
    secured: Option<Secured>,
    running: Arc<AtomicUsize>,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).map_err(|error| {
        Error::conflict(format!("{address} cannot be served: {error}")).because(error)
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| Error::internal("the address is not known").because(error))?;
    let bank = bank.clone();
    std::thread::Builder::new()
        .name("dicom-listener".to_owned())
        .spawn(move || listen(&listener, &bank, secured.as_ref(), &running))
        .map_err(|error| Error::internal("no thread can be started").because(error))?;
    Ok(address)
}

fn listen(
    listener: &TcpListener,
    bank: &Arc<Bank>,
    secured: Option<&Secured>,
    running: &Arc<AtomicUsize>,
) {
    instance_store::prepare(bank);
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
            association::turn_away(stream, secured.is_some());
            continue;
        }
        let bank = bank.clone();
        let secured = secured.cloned();
        let guard = Running(running.clone());
        let started = std::thread::Builder::new()
            .name("dicom-association".to_owned())
            .spawn(move || {
                let sent = association::run(&bank, stream, secured.as_ref());
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
    RequestContext::new(
        Actor {
            name: format!("dicom:{title}"),
            role,
        },
        PurposeOfUse::Treatment,
    )
}
