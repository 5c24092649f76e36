//! Copies of a bank, made while it is served, and a bank made from one.
//!
//! ```text
//! backups/
//!   blobs/ab/cdef…          files of the bank, by their hash, once for all copies
//!   chunks/ab/cdef…         pieces of the zones, by their hash, once for all copies
//!   copies/00000042-…/      one copy: t of the clinical zone and when
//!     kura.toml
//!     identity.chunks clinical.chunks research.chunks
//!     blobs.txt             hash and size of each blob the copy needs
//!     manifest.json         hashes of the above; written last: a folder without it is no copy
//! ```
//!
//! The zones are copied in the order research, clinical, identity: what a zone relies on is written
//! before it, so it is in the later copy. Blobs are durable before a commit names them and nothing
//! takes them away, so they are copied after. A second copy into the same folder adds only blobs
//! and pieces that are new.

mod chunks;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use kura_model::{ContentHash, Error, LogicalTime, RequestContext, Result, Zone};
use kura_store::{AuditEntry, BlobStore, Commit, CopyOf, Database, Store};
use serde::{Deserialize, Serialize};

use crate::access::{Action, at_the_machine, authorize};
use crate::bank::file_error;
use crate::{Bank, Config};
use chunks::{Chunks, Joined};

const ORDER: [Zone; 3] = [Zone::Research, Zone::Clinical, Zone::Identity];

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// Program that made the copy.
    kura: String,
    made: String,
    /// Time of the clinical zone.
    t: LogicalTime,
    blobs: u64,
    blob_bytes: u64,
    /// What the zones lie on, and the schema of their tables.
    database: CopyOf,
    schema: i64,
    /// BLAKE3 of each file of the copy.
    files: BTreeMap<String, ContentHash>,
}

/// What was copied.
#[derive(Debug, Serialize)]
pub struct Copied {
    pub folder: PathBuf,
    pub t: LogicalTime,
    pub blobs: u64,
    /// Blobs that were not in the folder yet.
    pub new_blobs: u64,
    /// Of blobs and of the zones.
    pub new_bytes: u64,
}

/// What was brought back.
#[derive(Debug, Serialize)]
pub struct Restored {
    pub copy: PathBuf,
    pub t: LogicalTime,
    pub blobs: u64,
    pub audit_rows: u64,
    /// Where the key file must be put before the bank is used: no copy holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file_missing: Option<PathBuf>,
}

fn private_folder(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| file_error(folder, error))
}

fn hash_of(file: &Path) -> Result<ContentHash> {
    let mut hasher = blake3::Hasher::new();
    File::open(file)
        .and_then(|file| hasher.update_reader(file).map(drop))
        .map_err(|error| file_error(file, error))?;
    Ok(ContentHash(*hasher.finalize().as_bytes()))
}

fn write_private(file: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let mut out = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(file)?;
        out.write_all(bytes)?;
        out.sync_all()
    };
    write().map_err(|error| file_error(file, error))
}

/// Where a file lies that is kept by its hash: among `blobs` or `chunks`.
fn place(root: &Path, among: &str, hash: ContentHash) -> PathBuf {
    let hex = hash.to_hex();
    root.join(among).join(&hex[..2]).join(&hex[2..])
}

/// Makes a file that is there whole or not at all.
fn settle(file: &Path, write: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    // Two copies at once do not write one file.
    let part = file.with_extension(format!("part-{}", std::process::id()));
    let settle = || -> std::io::Result<()> {
        write(&part)?;
        fs::set_permissions(&part, fs::Permissions::from_mode(0o600))?;
        File::open(&part)?.sync_all()?;
        fs::rename(&part, file)
    };
    settle().map_err(|error| {
        let _ = fs::remove_file(&part);
        file_error(file, error)
    })
}

/// Copies a file so that it is there whole or not at all, and checks it against its name.
fn copy_blob(from: &Path, to: &Path, hash: ContentHash) -> Result<()> {
    if let Some(parent) = to.parent() {
        private_folder(parent)?;
    }
    settle(to, |part| {
        fs::copy(from, part)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(part)?)?;
        if ContentHash(*hasher.finalize().as_bytes()) == hash {
            Ok(())
        } else {
            Err(std::io::Error::other(format!(
                "the file {} of the bank is damaged; it is not copied",
                hash.to_hex()
            )))
        }
    })
}

/// Makes a copy of the bank under `to`. `go_on` is told how many blobs are done, of how many, and
/// answers whether to.
pub fn backup(
    bank: &Bank,
    context: &RequestContext,
    to: &Path,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Copied> {
    authorize(bank, context, Action::Backup)?;
    if to.starts_with(bank.folder()) {
        return Err(Error::invalid(
            "a copy inside the bank would be lost with it; name a folder elsewhere",
        ));
    }
    let t = bank.clinical.now()?;
    let made = jiff::Timestamp::now();
    let name = format!("{:08}-{}", t.0, made.strftime("%Y%m%dT%H%M%SZ"));
    let folder = to.join("copies").join(&name);
    if folder.exists() {
        return Err(Error::conflict("a copy of this second is there already"));
    }
    private_folder(&folder)?;
    let mut files = BTreeMap::new();
    let (mut new_blobs, mut new_bytes, mut bytes) = (0, 0, 0);
    for zone in ORDER {
        let store = bank.zone(zone);
        let mut chunks = Chunks::new(to);
        let copied = store
            .copy_to(&folder, &mut chunks)
            .and_then(|()| chunks.flush().map_err(|error| file_error(to, error)));
        if let Err(error) = copied {
            let _ = fs::remove_dir_all(&folder);
            return Err(chunks.failure.take().unwrap_or(error));
        }
        let name = format!("{}.chunks", zone.as_str());
        write_private(&folder.join(&name), chunks.list.as_bytes())?;
        files.insert(name, ContentHash::of(chunks.list.as_bytes()));
        new_bytes += chunks.new_bytes;
    }
    let settings = bank.folder().join("kura.toml");
    let text = fs::read(&settings).map_err(|error| file_error(&settings, error))?;
    write_private(&folder.join("kura.toml"), &text)?;
    files.insert("kura.toml".to_owned(), ContentHash::of(&text));

    let mut list = String::new();
    let mut wanted = Vec::new();
    for (zone, store) in [
        (Zone::Clinical, &bank.clinical),
        (Zone::Research, &bank.research),
    ] {
        for (hash, size) in store.named_blobs()? {
            list += &format!("{} {size} {}\n", hash.to_hex(), zone.as_str());
            wanted.push((store.blobs().path(hash), hash, size));
        }
    }
    for (done, (from, hash, size)) in wanted.iter().enumerate() {
        if !go_on(done as u64, wanted.len() as u64) {
            // Without a manifest it is no copy; the blobs serve the next.
            let _ = fs::remove_dir_all(&folder);
            return Err(Error::new(
                kura_model::Category::Interrupted,
                "stopped; no copy was made",
            ));
        }
        bytes += size;
        let place = place(to, "blobs", *hash);
        if !place.is_file() {
            copy_blob(from, &place, *hash)?;
            new_blobs += 1;
            new_bytes += size;
        }
    }
    write_private(&folder.join("blobs.txt"), list.as_bytes())?;
    files.insert("blobs.txt".to_owned(), ContentHash::of(list.as_bytes()));
    let manifest = Manifest {
        kura: env!("CARGO_PKG_VERSION").to_owned(),
        made: made.to_string(),
        t,
        blobs: wanted.len() as u64,
        blob_bytes: bytes,
        database: bank.clinical.copy_is_of(),
        schema: Store::schema(),
        files,
    };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::internal("a manifest cannot be written").because(error))?;
    // It is there whole or not at all.
    let part = folder.join("manifest.part");
    write_private(&part, &text)?;
    fs::rename(&part, folder.join("manifest.json"))
        .and_then(|()| File::open(&folder)?.sync_all())
        .and_then(|()| File::open(to.join("copies"))?.sync_all())
        .map_err(|error| file_error(&folder, error))?;
    bank.clinical.commit(Commit {
        audit: vec![
            AuditEntry::new(context, "backup", name)
                .detail(format!("{} blobs, {new_blobs} new", wanted.len())),
        ],
        ..Commit::default()
    })?;
    Ok(Copied {
        folder,
        t,
        blobs: wanted.len() as u64,
        new_blobs,
        new_bytes,
    })
}

/// The newest copy of a folder of copies, or the copy itself.
fn newest(from: &Path) -> Result<PathBuf> {
    if from.join("manifest.json").is_file() {
        return Ok(from.to_owned());
    }
    let copies = from.join("copies");
    // By when it was made: a bank that was brought back goes on from an earlier t.
    fs::read_dir(&copies)
        .map_err(|error| file_error(&copies, error))?
        .flatten()
        .filter_map(|entry| {
            let text = fs::read(entry.path().join("manifest.json")).ok()?;
            let manifest: Manifest = serde_json::from_slice(&text).ok()?;
            Some((manifest.made, entry.path()))
        })
        .max()
        .map(|(_, folder)| folder)
        .ok_or_else(|| Error::not_found(format!("there is no copy under {}", from.display())))
}

/// Where the zones of a copy are brought back to: on the same kind of database, since each keeps
/// keys that are very long in its own way.
fn databases(config: &Config, of: CopyOf) -> Result<Vec<(Zone, Database)>> {
    ORDER
        .into_iter()
        .map(|zone| match (of, config.database.of(zone)?) {
            (CopyOf::Sqlite, Database::Postgres(_)) => Err(Error::conflict(
                "this copy is of a bank on SQLite, and an address of PostgreSQL was given; unset KURA_DATABASE",
            )),
            (CopyOf::Postgresql, Database::Sqlite) => Err(Error::invalid(
                "this copy is of a bank on PostgreSQL; give the address of an empty database in KURA_DATABASE",
            )),
            (_, database) => Ok((zone, database)),
        })
        .collect()
}

/// Makes a bank at `to`, which must not exist, from a copy: one folder of `copies`, or the newest.
/// Everything is checked against the manifest first, and the audit chain after.
pub fn restore(
    context: &RequestContext,
    from: &Path,
    to: &Path,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Restored> {
    at_the_machine(context)?;
    if to.exists() && fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::conflict(format!(
            "{} is not empty; a bank is restored into a folder of its own",
            to.display()
        )));
    }
    let copy = newest(from)?;
    let root = copy
        .parent()
        .and_then(Path::parent)
        .ok_or_else(|| Error::invalid("a copy lies under copies/"))?
        .to_owned();
    let file = copy.join("manifest.json");
    let text = fs::read(&file).map_err(|error| file_error(&file, error))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| Error::invalid("the manifest is no manifest").because(error))?;
    for (name, hash) in &manifest.files {
        if hash_of(&copy.join(name))? != *hash {
            return Err(Error::invalid(format!(
                "{name} of the copy is damaged: it is not what the manifest says"
            )));
        }
    }
    for name in [
        "kura.toml",
        "blobs.txt",
        "identity.chunks",
        "clinical.chunks",
        "research.chunks",
    ] {
        if !manifest.files.contains_key(name) {
            return Err(Error::invalid(format!(
                "the manifest says nothing of {name}"
            )));
        }
    }
    if manifest.schema != Store::schema() {
        return Err(Error::invalid(format!(
            "this copy has schema {}, this program {}: restore it with kura {}, then run kura upgrade",
            manifest.schema,
            Store::schema(),
            manifest.kura
        )));
    }
    let config = Config::load(&copy.join("kura.toml"), std::env::vars())?;
    let databases = databases(&config, manifest.database)?;
    private_folder(to)?;
    let mut made = Vec::new();
    let filled = (|| {
        for (zone, database) in &databases {
            let name = format!("{}.chunks", zone.as_str());
            let list = copy.join(&name);
            let list = fs::read_to_string(&list).map_err(|error| file_error(&list, error))?;
            let folder = to.join(zone.as_str());
            let mut joined = Joined::new(&root, &list);
            Store::restore(&folder, *zone, database, &mut joined)
                .map_err(|error| joined.failure.take().unwrap_or(error))?;
            made.push((folder, *zone, database));
        }
        fill(context, &copy, &root, to, &databases, manifest.blobs, go_on)
    })();
    let audit_rows = match filled {
        Ok(rows) => rows,
        Err(error) => {
            // Tables of half a bank would be taken for a bank.
            for (folder, zone, database) in made {
                Store::discard(&folder, zone, database);
            }
            return Err(error);
        }
    };
    // Last: a folder is a bank once its configuration is there.
    write_private(
        &to.join("kura.toml"),
        &fs::read(copy.join("kura.toml")).map_err(|error| file_error(&copy, error))?,
    )?;
    let key_file = to.join(&config.identity.key_file);
    Ok(Restored {
        key_file_missing: (!key_file.exists()).then_some(key_file),
        copy,
        t: manifest.t,
        blobs: manifest.blobs,
        audit_rows,
    })
}

/// The files, and what is to be checked and noted in the end. How many rows the audit chain has.
fn fill(
    context: &RequestContext,
    copy: &Path,
    root: &Path,
    to: &Path,
    databases: &[(Zone, Database)],
    blobs: u64,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<u64> {
    let list = fs::read_to_string(copy.join("blobs.txt"))
        .map_err(|error| file_error(&copy.join("blobs.txt"), error))?;
    let wrong = || Error::invalid("blobs.txt of the copy is damaged");
    for (done, line) in list.lines().enumerate() {
        if !go_on(done as u64, blobs) {
            return Err(Error::new(
                kura_model::Category::Interrupted,
                "stopped; the folder is not a bank, remove it before you try again",
            ));
        }
        let mut words = line.split(' ');
        let hash = words
            .next()
            .and_then(|word| word.parse::<ContentHash>().ok())
            .ok_or_else(wrong)?;
        let zone = words.nth(1).ok_or_else(wrong)?;
        let store = BlobStore::open(&to.join(zone))?;
        copy_blob(&place(root, "blobs", hash), &store.path(hash), hash)?;
    }
    let clinical = databases
        .iter()
        .find(|(zone, _)| *zone == Zone::Clinical)
        .map(|(zone, database)| Store::open(&to.join(zone.as_str()), *zone, database))
        .ok_or_else(|| Error::internal("no clinical zone"))??;
    let check = clinical.audit_verify(None)?;
    if let Some(broken) = check.broken_at {
        return Err(Error::invalid(format!(
            "the audit chain of the copy is broken at row {broken}"
        )));
    }
    clinical.commit(Commit {
        audit: vec![AuditEntry::new(
            context,
            "restore",
            copy.display().to_string(),
        )],
        ..Commit::default()
    })?;
    Ok(check.rows)
}
