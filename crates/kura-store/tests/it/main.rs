//! The store from outside: versions, time, search, blobs, the audit chain.
//!
//! On SQLite; where `KURA_TEST_POSTGRES` has the address of a server in which databases may be
//! made, on PostgreSQL instead. `scripts/test.sh` runs both.

mod audit;
mod expect;
mod plan;
mod postgres;
mod reach;
mod search;
mod server;
mod together;
mod versions;

use kura_model::{
    Actor, IndexEntry, IndexValue, PurposeOfUse, RecordKey, RequestContext, Role, Zone,
};
use kura_store::{Commit, Database, Put, Store, Write};
use tempfile::TempDir;

pub(crate) struct Fixture {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) database: Database,
    // Last: dropped when nobody is connected any more.
    pub(crate) server: Option<server::Throwaway>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let server = server::Throwaway::new();
        let database = match &server {
            None => Database::Sqlite,
            Some(server) => Database::Postgres(server.address()),
        };
        let folder = TempDir::new().expect("a folder");
        Store::create(folder.path(), Zone::Clinical, &database).expect("a store");
        let store = Store::open(folder.path(), Zone::Clinical, &database).expect("a store");
        Self {
            folder,
            store,
            database,
            server,
        }
    }

    /// A second process on the same bank.
    pub(crate) fn again(&self) -> Store {
        Store::open(self.folder.path(), Zone::Clinical, &self.database).expect("a store")
    }
}

pub fn context() -> RequestContext {
    RequestContext::new(
        Actor {
            name: "tester".to_owned(),
            role: Role::SingleUser,
        },
        PurposeOfUse::Operations,
    )
}

pub fn put(kind: &str, id: &str, body: &str, index: Vec<IndexEntry>) -> Write {
    Write::Put(Put {
        key: RecordKey::new(kind, id),
        body: body.as_bytes().to_vec(),
        index,
        indexed_by: None,
        owners: Vec::new(),
        blobs: Vec::new(),
        source: None,
        once: false,
    })
}

pub fn token(param: &'static str, code: &str) -> IndexEntry {
    IndexEntry {
        param,
        value: IndexValue::Token {
            system: Some("urn:s".to_owned()),
            code: code.to_owned(),
        },
    }
}

pub fn commit(store: &Store, writes: Vec<Write>) -> kura_store::CommitReceipt {
    store
        .commit(Commit {
            writes,
            ..Commit::default()
        })
        .expect("a commit")
}
