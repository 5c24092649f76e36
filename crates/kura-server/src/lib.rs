//! The wire: decode a request, call one service function, encode the answer.

mod auth;
mod cors;
mod dicomweb;
pub mod dimse;
mod error;
mod fhir_rest;
mod guard;
mod rewritten;
mod rounds;
mod stream;
mod tls;
mod turns;
mod ui;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use kura_model::{Category, Error, Result};
use kura_service::{Bank, accounts};

/// What every handler shares.
#[derive(Clone)]
pub struct App {
    pub(crate) bank: Arc<Bank>,
    pub(crate) auth: Arc<auth::Auth>,
    pub(crate) workshop: Arc<ui::Workshop>,
    pub(crate) arrivals: Arc<rounds::Arrivals>,
    pub(crate) turns: Arc<turns::Turns>,
    /// Volumes under way: one.
    pub(crate) volumes: Arc<tokio::sync::Semaphore>,
    pub(crate) bell: Arc<dicomweb::ups::Bell>,
}

/// Where a bank answers.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    pub http: SocketAddr,
    /// For DICOM associations.
    pub dicom: dimse::Listening,
}

/// Serves a bank until Ctrl-C or SIGTERM. `ready` is called with the addresses once they answer.
pub async fn serve(bank: Bank, ready: impl FnOnce(Addresses)) -> Result<()> {
    let listen = bank.config.server.listen.clone();
    let address: SocketAddr = listen
        .parse()
        .map_err(|_| Error::invalid("--listen takes ADDRESS:PORT, such as 127.0.0.1:8080"))?;
    if !address.ip().is_loopback() && !accounts::sign_in_needed(&bank)? {
        return Err(Error::new(
            Category::Forbidden,
            "only a loopback address may be served while there is no account; make one: kura user add",
        ));
    }
    let secured = match &bank.config.server.tls {
        Some(tls) => Some(tls::web(&bank, tls)?),
        None => None,
    };
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| {
            Error::conflict(format!("{address} cannot be served: {error}")).because(error)
        })?;
    let address = listener
        .local_addr()
        .map_err(|error| Error::internal("the address is not known").because(error))?;
    let added = kura_service::validation::packages_add(&bank, &dimse::context("packages"))?;
    if added > 0 {
        tracing::info!(added, "packages added");
    }
    kura_service::endpoint::announce(&bank, &dimse::context("endpoints"))?;
    let bank = Arc::new(bank);
    let app = App {
        auth: Arc::new(auth::Auth::default()),
        workshop: Arc::new(ui::Workshop::default()),
        turns: Arc::new(turns::Turns::default()),
        volumes: Arc::new(tokio::sync::Semaphore::new(1)),
        bell: Arc::new(dicomweb::ups::Bell::default()),
        arrivals: Arc::new(rounds::Arrivals::start(&bank, dimse::context("fhir-rest"))),
        bank,
    };
    let dicom = dimse::start(&app.bank, address)?;
    dimse::send(&app.bank);
    rounds::again(&app.bank, dimse::context("again"));
    rounds::index(&app.bank, dimse::context("index"));
    rounds::tell(&app.bank, dimse::context("subscriptions"));
    rounds::endpoints(&app.bank, dimse::context("endpoints"));
    kura_service::async_request::resume(&app.bank)?;
    if secured.is_none() && !address.ip().is_loopback() {
        tracing::warn!(
            "other machines are answered without TLS; set server.tls, or put a proxy in front"
        );
    }
    tracing::info!(%address, "serving");
    ready(Addresses {
        http: address,
        dicom,
    });
    let router = router(app, address);
    let served = match secured {
        Some(config) => {
            let listener = tls::Https::begin(listener, config, address);
            axum::serve(listener, router)
                .with_graceful_shutdown(stop())
                .await
        }
        None => {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop())
                .await
        }
    };
    served.map_err(|error| Error::internal("the server stopped").because(error))
}

/// Every address there is: method and path, from the tables that the routers are made of. A test
/// holds it against the list of who may ask for what.
pub fn addresses() -> Vec<(String, String)> {
    let mut all = fhir_rest::addresses();
    all.extend(dicomweb::addresses());
    all.extend(
        ui::ADDRESSES
            .iter()
            .map(|(method, path)| (method.to_uppercase(), (*path).to_owned())),
    );
    all
}

/// All routes.
pub fn router(app: App, address: SocketAddr) -> Router {
    let gate = guard::Gate {
        hosts: guard::Hosts::new(&app.bank.config.server.hosts, address),
        origins: cors::Origins::new(&app.bank.config.dicomweb),
        secure: app.bank.config.server.tls.is_some(),
    };
    let request_bytes = app.bank.config.fhir.request_bytes;
    Router::new()
        .merge(fhir_rest::routes(request_bytes))
        .merge(dicomweb::routes())
        .merge(ui::routes())
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            auth::identify,
        ))
        .layer(axum::middleware::from_fn_with_state(gate, guard::check))
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .with_state(app)
}

pub(crate) async fn stop() {
    let interrupt = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
