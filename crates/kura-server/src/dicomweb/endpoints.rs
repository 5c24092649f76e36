//! The addresses of DICOMweb: one table. The router is made of it, and so is what the bank says of
//! itself. PS3.18 clauses 8.9, 9, 10 and 11.

use axum::routing::{MethodFilter, MethodRouter, on};

use super::{bulk, rendered, retrieve, search, store};
use crate::App;

/// One transaction at one address.
pub(super) struct Endpoint {
    /// `GET`, `POST`.
    pub(super) method: &'static str,
    /// Under `/dicom-web`.
    pub(super) path: &'static str,
    pub(super) transaction: Transaction,
}

/// The transactions, in the words of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transaction {
    Search,
    Retrieve,
    RetrieveMetadata,
    RetrieveRendered,
    RetrieveThumbnail,
    RetrieveFrames,
    RetrievePixelData,
    RetrieveBulkData,
    Store,
}

const fn at(method: &'static str, path: &'static str, transaction: Transaction) -> Endpoint {
    Endpoint {
        method,
        path,
        transaction,
    }
}

use Transaction as T;

#[rustfmt::skip]
pub(super) const ENDPOINTS: &[Endpoint] = &[
    at("GET", "/studies", T::Search),
    at("GET", "/series", T::Search),
    at("GET", "/instances", T::Search),
    at("GET", "/studies/{study}/series", T::Search),
    at("GET", "/studies/{study}/instances", T::Search),
    at("GET", "/studies/{study}/series/{series}/instances", T::Search),
    at("GET", "/studies/{study}", T::Retrieve),
    at("GET", "/studies/{study}/series/{series}", T::Retrieve),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}", T::Retrieve),
    at("GET", "/studies/{study}/metadata", T::RetrieveMetadata),
    at("GET", "/studies/{study}/series/{series}/metadata", T::RetrieveMetadata),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/metadata", T::RetrieveMetadata),
    at("GET", "/studies/{study}/rendered", T::RetrieveRendered),
    at("GET", "/studies/{study}/series/{series}/rendered", T::RetrieveRendered),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/rendered", T::RetrieveRendered),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered", T::RetrieveRendered),
    at("GET", "/studies/{study}/thumbnail", T::RetrieveThumbnail),
    at("GET", "/studies/{study}/series/{series}/thumbnail", T::RetrieveThumbnail),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/thumbnail", T::RetrieveThumbnail),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail", T::RetrieveThumbnail),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}", T::RetrieveFrames),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/pixeldata", T::RetrievePixelData),
    at("GET", "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{*place}", T::RetrieveBulkData),
    at("POST", "/studies", T::Store),
    at("POST", "/studies/{study}", T::Store),
];

impl Endpoint {
    pub(super) fn route(&self) -> MethodRouter<App> {
        let method = match self.method {
            "POST" => MethodFilter::POST,
            "PUT" => MethodFilter::PUT,
            "DELETE" => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        match self.transaction {
            T::Search => on(method, search::search),
            T::Retrieve => on(method, retrieve::retrieve),
            T::RetrieveMetadata => on(method, retrieve::metadata),
            T::RetrieveRendered => on(method, rendered::rendered),
            T::RetrieveThumbnail => on(method, rendered::thumbnail),
            T::RetrieveFrames => on(method, bulk::frames),
            T::RetrievePixelData => on(method, bulk::pixel_data),
            T::RetrieveBulkData => on(method, bulk::bulk_data),
            T::Store => on(method, store::store),
        }
    }
}
