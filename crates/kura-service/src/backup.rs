//! Copies of a bank, made while it is served, and a bank made from one.
//!
//! ```text
//! backups/
//!   blobs/ab/cdef…          files of the bank, by their hash, once for all copies
//!   copies/00000042-…/      one copy: t of the clinical zone and when
//!     kura.toml
//!     identity.db clinical.db research.db
//!     blobs.txt             hash and size of each blob the copy needs
//!     manifest.json         hashes of the above; written last: a folder without it is no copy
//! ```
//!
//! The zones are copied in the order research, clinical, identity: what a zone relies on is written
//! before it, so it is in the later copy. Blobs are durable before a commit names them and nothing
//! takes them away, so they are copied after. A second copy into the same folder adds only blobs
//! that are new.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use kura_model::{ContentHash, Error, LogicalTime, RequestContext, Result, Zone};
use kura_store::{AuditEntry, BlobStore, Commit, Database, Store};
use serde::{Deserialize, Serialize};

use crate::Bank;
use crate::access::{Action, authorize};
use crate::bank::file_error;

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
    pub new_bytes: u64,
}

/// What was brought back.
#[derive(Debug, Serialize)]
pub struct Restored {
    pub copy: PathBuf,
    pub t: LogicalTime,
    pub blobs: u64,
    pub audit_rows: u64,
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

fn blob_place(root: &Path, hash: ContentHash) -> PathBuf {
    let hex = hash.to_hex();
    root.join("blobs").join(&hex[..2]).join(&hex[2..])
}

/// Copies a file so that it is there whole or not at all, and checks it against its name.
fn copy_blob(from: &Path, to: &Path, hash: ContentHash) -> Result<()> {
    if let Some(parent) = to.parent() {
        private_folder(parent)?;
    }
    // Two copies at once do not write one file.
    let part = to.with_extension(format!("part-{}", std::process::id()));
    fs::copy(from, &part).map_err(|error| file_error(from, error))?;
    if hash_of(&part)? != hash {
        let _ = fs::remove_file(&part);
        return Err(Error::internal(format!(
            "the file {} of the bank is damaged; it is not copied",
            hash.to_hex()
        )));
    }
    let settle = || -> std::io::Result<()> {
        fs::set_permissions(&part, fs::Permissions::from_mode(0o600))?;
        File::open(&part)?.sync_all()?;
        fs::rename(&part, to)
    };
    settle().map_err(|error| file_error(to, error))
}

/// Makes a copy of the bank under `to`. `go_on` is told how many blobs are done, of how many, and
/// answers whether to.
pub fn backup(
    bank: &Bank,
    context: &RequestContext,
    to: &Path,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Copied> {
    authorize(context, Action::Backup)?;
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
    for zone in ORDER {
        let store = match zone {
            Zone::Identity => &bank.identity,
            Zone::Clinical => &bank.clinical,
            Zone::Research => &bank.research,
        };
        let name = format!("{}.db", zone.as_str());
        let file = folder.join(&name);
        store.copy_to(&file)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))
            .map_err(|error| file_error(&file, error))?;
        files.insert(name, hash_of(&file)?);
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
    let (mut new_blobs, mut new_bytes, mut bytes) = (0, 0, 0);
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
        let place = blob_place(to, *hash);
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

/// Makes a bank at `to`, which must not exist, from a copy: one folder of `copies`, or the newest.
/// Everything is checked against the manifest first, and the audit chain after.
pub fn restore(
    context: &RequestContext,
    from: &Path,
    to: &Path,
    go_on: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Restored> {
    authorize(context, Action::Backup)?;
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
        "identity.db",
        "clinical.db",
        "research.db",
    ] {
        if !manifest.files.contains_key(name) {
            return Err(Error::invalid(format!(
                "the manifest says nothing of {name}"
            )));
        }
    }
    private_folder(to)?;
    for zone in ORDER {
        let folder = to.join(zone.as_str());
        private_folder(&folder)?;
        BlobStore::open(&folder)?;
        let name = format!("{}.db", zone.as_str());
        let target = folder.join(&name);
        fs::copy(copy.join(&name), &target).map_err(|error| file_error(&target, error))?;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600))
            .map_err(|error| file_error(&target, error))?;
        File::open(&target)
            .and_then(|file| file.sync_all())
            .map_err(|error| file_error(&target, error))?;
    }
    let list = fs::read_to_string(copy.join("blobs.txt"))
        .map_err(|error| file_error(&copy.join("blobs.txt"), error))?;
    let wrong = || Error::invalid("blobs.txt of the copy is damaged");
    for (done, line) in list.lines().enumerate() {
        if !go_on(done as u64, manifest.blobs) {
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
        copy_blob(&blob_place(&root, hash), &store.path(hash), hash)?;
    }
    // A copy is of SQLite, and so is the bank made from it.
    let clinical = Store::open(
        &to.join(Zone::Clinical.as_str()),
        Zone::Clinical,
        &Database::Sqlite,
    )?;
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
    // Last: a folder is a bank once its configuration is there.
    write_private(
        &to.join("kura.toml"),
        &fs::read(copy.join("kura.toml")).map_err(|error| file_error(&copy, error))?,
    )?;
    Ok(Restored {
        copy,
        t: manifest.t,
        blobs: manifest.blobs,
        audit_rows: check.rows,
    })
}
