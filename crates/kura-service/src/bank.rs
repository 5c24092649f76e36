use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use kura_deid::text::Dictionary;
use kura_fhir::search_parameter::Registry;
use kura_model::{Error, RecordKey, RequestContext, Result, Zone};
use kura_store::{AuditEntry, Commit, Guard, Put, Store, Write};

use crate::access::Access;
use crate::config::SecondFactor;
use crate::key_file::{KeyFile, SECRET};
use crate::validation::Profiles;
use crate::{Config, kind, search_index};

/// A bank: three zones, each a folder with a database of its own.
///
/// ```text
/// bank/
///   kura.toml     configuration
///   identity/     accounts, sessions, keys of research projects
///   identity.key  what those keys are sealed under, unless it lies elsewhere
///   clinical/     records for care, and their blobs
///   research/     what was built for research
/// ```
pub struct Bank {
    folder: PathBuf,
    pub config: Config,
    pub identity: Store,
    pub clinical: Store,
    pub research: Store,
    search: Mutex<Known>,
    /// Secrets that were opened.
    secrets: Mutex<HashMap<RecordKey, [u8; SECRET]>>,
    /// What resources are held against.
    pub(crate) profiles: Profiles,
    /// Who may do what.
    pub(crate) access: Access,
    /// Counts what this process has changed of accounts, sessions and tokens.
    pub(crate) people: AtomicU64,
    /// What texts are shown cleaned by on a page, and for which policy it was read.
    pub(crate) words: Mutex<Option<([u8; 32], Arc<Dictionary>)>>,
}

/// The search parameters, and the state of the bank they were read in.
struct Known {
    parameters: Arc<Registry>,
    state: (u64, Option<String>),
}

const ZONES: [Zone; 3] = [Zone::Identity, Zone::Clinical, Zone::Research];

impl Bank {
    /// Makes an empty bank. `folder` must not exist, or be empty.
    pub fn init(context: &RequestContext, folder: &Path, config: &Config) -> Result<()> {
        if Self::exists(folder) {
            return Err(Error::conflict(format!(
                "{} is a bank already",
                folder.display()
            )));
        }
        if let Ok(mut entries) = fs::read_dir(folder)
            && entries.next().is_some()
        {
            return Err(Error::conflict(format!(
                "{} is not empty; a bank needs a folder of its own",
                folder.display()
            )));
        }
        fs::create_dir_all(folder).map_err(|error| file_error(folder, error))?;
        for zone in ZONES {
            let place = folder.join(zone.as_str());
            let database = config.database.of(zone)?;
            Store::create(&place, zone, &database)?;
            let store = Store::open(&place, zone, &database)?;
            if zone == Zone::Clinical {
                search_index::begin(&store)?;
            }
            store.commit(Commit {
                audit: vec![AuditEntry::new(context, "init", zone.as_str())],
                ..Commit::default()
            })?;
        }
        key_file_of(
            folder,
            config,
            &Store::open(
                &folder.join(Zone::Identity.as_str()),
                Zone::Identity,
                &config.database.of(Zone::Identity)?,
            )?,
        )?;
        // Last: a bank is one once its configuration is there.
        let file = folder.join("kura.toml");
        fs::write(&file, config.to_toml()?).map_err(|error| file_error(&file, error))
    }

    pub fn exists(folder: &Path) -> bool {
        folder.join("kura.toml").is_file()
    }

    pub fn open(folder: &Path) -> Result<Self> {
        if !Self::exists(folder) {
            return Err(Error::not_found(format!(
                "{} is no bank; make one with: kura init {}",
                folder.display(),
                folder.display()
            )));
        }
        let config = Config::load(&folder.join("kura.toml"), std::env::vars())?;
        let policy = config.access.policy(folder)?;
        let open = |zone: Zone| {
            Store::open(
                &folder.join(zone.as_str()),
                zone,
                &config.database.of(zone)?,
            )
        };
        let clinical = open(Zone::Clinical)?;
        search_index::check(&clinical)?;
        let identity = open(Zone::Identity)?;
        let research = open(Zone::Research)?;
        Ok(Self {
            folder: folder.to_owned(),
            config,
            identity,
            clinical,
            research,
            secrets: Mutex::default(),
            search: Mutex::new(Known {
                parameters: Registry::r4().clone(),
                state: (0, None),
            }),
            profiles: Profiles::default(),
            access: Access::new(policy),
            people: AtomicU64::new(0),
            words: Mutex::default(),
        })
    }

    /// What resources are searched by: R4, JP Core, and the `SearchParameter` resources of the
    /// bank, also those another process has brought in.
    pub fn search_parameters(&self) -> Result<Arc<Registry>> {
        let state = search_index::state(&self.clinical)?;
        let mut known = self.search.lock().unwrap_or_else(PoisonError::into_inner);
        if known.state != state {
            let added = search_index::added(&self.clinical)?;
            search_index::forget_others(&self.clinical, &added)?;
            let waiting = search_index::waiting(&self.clinical, &added)?;
            known.parameters = Arc::new(Registry::with(added, waiting, state.0));
            known.state = state;
        }
        Ok(known.parameters.clone())
    }

    pub(crate) fn zone(&self, zone: Zone) -> &Store {
        match zone {
            Zone::Identity => &self.identity,
            Zone::Clinical => &self.clinical,
            Zone::Research => &self.research,
        }
    }

    /// Holds the bank for an import: two at once would each read what the other reads. Released
    /// when dropped, also by a crash.
    pub(crate) fn hold(&self) -> Result<Guard> {
        self.clinical.exclusive("import", false)?.ok_or_else(|| {
            Error::conflict("another import is running on this bank; wait until it is done")
        })
    }

    /// Waits for the right to read a record, change it and write it back; whoever does so in the
    /// clinical zone takes it, for one commit, so that nobody overwrites what another just wrote.
    /// Among threads and among processes; released when dropped, also by a crash.
    pub(crate) fn writing(&self) -> Result<Guard> {
        alone(&self.clinical, "write")
    }

    /// A secret of the identity zone: made once, the same from then on.
    pub(crate) fn secret(&self, key: &RecordKey) -> Result<[u8; SECRET]> {
        if let Some(secret) = self.stored_secret(key)? {
            return Ok(secret);
        }
        // Held for a moment, so that two processes do not make two.
        let _held = alone(&self.identity, "keys")?;
        // Another process may have made it while we waited.
        if let Some(secret) = self.stored_secret(key)? {
            return Ok(secret);
        }
        let mut secret = [0; SECRET];
        getrandom::fill(&mut secret).map_err(|error| {
            Error::internal("the system gives no random numbers").because(error)
        })?;
        let sealed = self.key_file()?.seal(key, &secret)?;
        self.identity.commit(Commit {
            writes: vec![Write::Put(Put::plain(key.clone(), sealed))],
            ..Commit::default()
        })?;
        self.remember(key, secret);
        Ok(secret)
    }

    /// A secret, if it was ever made.
    pub(crate) fn stored_secret(&self, key: &RecordKey) -> Result<Option<[u8; SECRET]>> {
        let known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = known.get(key) {
            return Ok(Some(*secret));
        }
        drop(known);
        let Some(found) = self.identity.read(|reader| reader.current(key))? else {
            return Ok(None);
        };
        let key_file = self.key_file()?;
        let secret = match <[u8; SECRET]>::try_from(&found.body[..]) {
            // As releases before the key file wrote it.
            Ok(plain) => {
                self.identity.commit(Commit {
                    writes: vec![Write::Put(Put::plain(
                        key.clone(),
                        key_file.seal(key, &plain)?,
                    ))],
                    ..Commit::default()
                })?;
                plain
            }
            Err(_) => key_file.open(key, &found.body)?,
        };
        self.remember(key, secret);
        Ok(Some(secret))
    }

    fn remember(&self, key: &RecordKey, secret: [u8; SECRET]) {
        let mut known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key.clone(), secret);
    }

    fn key_file(&self) -> Result<KeyFile> {
        key_file_of(&self.folder, &self.config, &self.identity)
    }

    /// Whether nobody may do anything without a second factor.
    pub(crate) fn second_factor_needed(&self) -> bool {
        match self.config.access.second_factor {
            SecondFactor::Never => false,
            SecondFactor::Always => true,
            SecondFactor::BeyondLoopback => !self
                .config
                .server
                .listen
                .parse::<std::net::SocketAddr>()
                .is_ok_and(|address| address.ip().is_loopback()),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn zones(&self) -> [&Store; 3] {
        [&self.identity, &self.clinical, &self.research]
    }
}

/// The key file of a bank. It is made with the bank; from then on only the one the bank knows is
/// taken, as what it sealed opens under no other.
fn key_file_of(folder: &Path, config: &Config, identity: &Store) -> Result<KeyFile> {
    let file = folder.join(&config.identity.key_file);
    let record = RecordKey::new(kind::KEY_FILE, "public");
    let known = identity
        .read(|reader| reader.current(&record))?
        .map(|found| String::from_utf8_lossy(&found.body).into_owned());
    let (found, known) = match (KeyFile::read(&file)?, known) {
        (Some(found), Some(known)) => (found, known),
        (None, Some(known)) => {
            return Err(Error::invalid(format!(
                "the key file {} is not there; the secrets of this bank are sealed under the one whose public key is {known}",
                file.display()
            )));
        }
        (found, None) => {
            let _held = alone(identity, "key-file")?;
            let found = match found {
                Some(found) => found,
                None => KeyFile::make(&file)?,
            };
            let known = found.public();
            identity.commit(Commit {
                writes: vec![Write::Put(Put::plain(record, known.clone().into_bytes()))],
                ..Commit::default()
            })?;
            (found, known)
        }
    };
    if found.public() == known {
        return Ok(found);
    }
    Err(Error::invalid(format!(
        "{} is another bank's key file; the secrets of this bank are sealed under the one whose public key is {known}",
        file.display()
    )))
}

pub(crate) fn alone(store: &Store, name: &'static str) -> Result<Guard> {
    store
        .exclusive(name, true)?
        .ok_or_else(|| Error::internal("a lock that was waited for was not given"))
}

/// A file error that names the file. For files the operator named or that are ours.
pub(crate) fn file_error(file: &Path, error: std::io::Error) -> Error {
    let category = match error.kind() {
        std::io::ErrorKind::NotFound => kura_model::Category::NotFound,
        std::io::ErrorKind::PermissionDenied => kura_model::Category::Forbidden,
        std::io::ErrorKind::StorageFull => kura_model::Category::Exhausted,
        _ => kura_model::Category::Invalid,
    };
    Error::new(category, format!("{}: {error}", file.display()))
}
