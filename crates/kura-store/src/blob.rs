//! Large objects (DICOM files, VCF, claims files) in files named by their BLAKE3 hash.
//!
//! A blob is written beside its place, fsynced, renamed, and its folder fsynced, before the
//! commit that names it; so a commit never names bytes that a crash could take. What a crash
//! leaves in `spool/` is nobody's and is cleared when the store is opened.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kura_model::{Category, ContentHash, Error, Result};

use crate::error::io as io_error;

/// How long an unfinished blob may be somebody's.
const SPOOL_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes written at a time; longer pieces go to the file as they come.
const WRITTEN: usize = 64 * 1024;

/// Blobs of one zone, in one folder.
#[derive(Debug, Clone)]
pub struct BlobStore {
    root: PathBuf,
    spool: PathBuf,
}

impl BlobStore {
    pub fn open(zone_folder: &Path) -> Result<Self> {
        let root = zone_folder.join("blobs");
        let spool = zone_folder.join("spool");
        fs::create_dir_all(&root).map_err(io_error)?;
        fs::create_dir_all(&spool).map_err(io_error)?;
        let store = Self { root, spool };
        store.clear_spool()?;
        Ok(store)
    }

    /// Makes the folders of all names if one is wanted that is not there: each that is made alone
    /// waits for the disk alone.
    fn make_folder(&self, wanted: &Path) -> Result<()> {
        if wanted.is_dir() {
            return Ok(());
        }
        for first in 0..=u8::MAX {
            fs::create_dir_all(self.root.join(format!("{first:02x}"))).map_err(io_error)?;
        }
        sync(&self.root)
    }

    /// Removes what a crash left half-written. Another process may be writing to the same bank
    /// now, so only what is older than any upload goes.
    fn clear_spool(&self) -> Result<()> {
        for entry in fs::read_dir(&self.spool).map_err(io_error)? {
            let path = entry.map_err(io_error)?.path();
            let old = fs::metadata(&path)
                .and_then(|metadata| metadata.modified())
                .ok()
                .and_then(|modified| modified.elapsed().ok())
                .is_some_and(|age| age > SPOOL_KEPT);
            if old {
                fs::remove_file(path).map_err(io_error)?;
            }
        }
        Ok(())
    }

    /// Where the bytes of a blob lie. The file may be read, never written.
    pub fn path(&self, hash: ContentHash) -> PathBuf {
        let hex = hash.to_hex();
        self.root.join(&hex[..2]).join(&hex[2..])
    }

    /// Where files of this zone lie while they are made. What is left there is nobody's.
    pub fn spool(&self) -> &Path {
        &self.spool
    }

    pub fn contains(&self, hash: ContentHash) -> bool {
        self.path(hash).is_file()
    }

    /// Opens a place to write a blob whose hash is not known yet.
    pub fn writer(&self) -> Result<BlobWriter> {
        let file = tempfile::Builder::new()
            .prefix("in-")
            .tempfile_in(&self.spool)
            .map_err(io_error)?;
        let (file, path) = file.into_parts();
        Ok(BlobWriter {
            store: self.clone(),
            file: BufWriter::with_capacity(WRITTEN, file),
            path,
            hasher: blake3::Hasher::new(),
            size: 0,
        })
    }

    /// Begins blobs that are made durable together.
    pub fn batch(&self) -> BlobBatch {
        BlobBatch {
            store: self.clone(),
            waiting: Vec::new(),
            bytes: 0,
        }
    }

    /// Copies all of `input` in.
    pub fn put(&self, mut input: impl Read) -> Result<(ContentHash, u64)> {
        let mut writer = self.writer()?;
        io::copy(&mut input, &mut writer).map_err(io_error)?;
        writer.finish()
    }

    /// Reads a blob whole and checks it against its name.
    pub fn read(&self, hash: ContentHash) -> Result<Vec<u8>> {
        let bytes = fs::read(self.path(hash)).map_err(io_error)?;
        if ContentHash::of(&bytes) != hash {
            return Err(damaged(hash));
        }
        Ok(bytes)
    }

    /// Checks a blob against its name without holding it in memory.
    pub fn verify(&self, hash: ContentHash) -> Result<()> {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update_reader(File::open(self.path(hash)).map_err(io_error)?)
            .map_err(io_error)?;
        if ContentHash(*hasher.finalize().as_bytes()) == hash {
            Ok(())
        } else {
            Err(damaged(hash))
        }
    }
}

fn damaged(hash: ContentHash) -> Error {
    Error::new(
        Category::Internal,
        format!("blob {hash} is damaged: its bytes no longer match its name"),
    )
}

/// A blob being written. Dropped unfinished, it leaves nothing.
pub struct BlobWriter {
    store: BlobStore,
    file: BufWriter<File>,
    path: tempfile::TempPath,
    hasher: blake3::Hasher,
    size: u64,
}

impl BlobWriter {
    /// Where the bytes lie until `finish`; flushed, so that they can be read back.
    pub fn flushed_path(&mut self) -> Result<&Path> {
        self.file.flush().map_err(io_error)?;
        Ok(&self.path)
    }

    /// The name it will have, and its size.
    pub fn named(&self) -> (ContentHash, u64) {
        (ContentHash(*self.hasher.finalize().as_bytes()), self.size)
    }

    /// Makes the blob durable under its hash.
    pub fn finish(self) -> Result<(ContentHash, u64)> {
        let (hash, size) = self.named();
        let target = self.store.path(hash);
        let file = self
            .file
            .into_inner()
            .map_err(|error| io_error(error.into_error()))?;
        let folder = target.parent().unwrap_or(&self.store.root);
        if target.is_file() {
            // Another process may have renamed it and not synced its folder yet.
            sync(folder)?;
            return Ok((hash, size));
        }
        file.sync_data().map_err(io_error)?;
        self.store.make_folder(folder)?;
        self.path
            .persist(&target)
            .map_err(|error| io_error(error.error))?;
        sync(folder)?;
        Ok((hash, size))
    }
}

/// Blobs that become durable together, with one wait for the disk however many they are. Dropped
/// unsettled, they leave nothing.
pub struct BlobBatch {
    store: BlobStore,
    waiting: Vec<(tempfile::TempPath, ContentHash)>,
    bytes: u64,
}

impl BlobBatch {
    /// Copies all of `input` in. Nothing may name it yet.
    pub fn put(&mut self, mut input: impl Read) -> Result<(ContentHash, u64)> {
        let mut writer = self.store.writer()?;
        io::copy(&mut input, &mut writer).map_err(io_error)?;
        writer.flush().map_err(io_error)?;
        let (hash, size) = writer.named();
        self.waiting.push((writer.path, hash));
        self.bytes += size;
        Ok((hash, size))
    }

    /// Bytes of the blobs that wait.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes them durable under their hashes: from here on a commit may name them.
    pub fn settle(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        self.bytes = 0;
        // What lies under its name is whole: the bytes come first.
        sync_all(waiting.iter().map(|(path, _)| &**path), &self.store.spool)?;
        let mut folders = BTreeSet::new();
        for (path, hash) in waiting {
            let target = self.store.path(hash);
            let folder = target.parent().unwrap_or(&self.store.root);
            if !target.is_file() {
                self.store.make_folder(folder)?;
                path.persist(&target)
                    .map_err(|error| io_error(error.error))?;
            }
            folders.insert(folder.to_owned());
        }
        sync_all(folders.iter().map(PathBuf::as_path), &self.store.root)
    }
}

/// More files than this are synced with all of their file system.
const SYNCED_ALONE: usize = 4;

/// Waits until files or folders are on disk, all of them below `root`.
fn sync_all<'p>(paths: impl ExactSizeIterator<Item = &'p Path>, root: &Path) -> Result<()> {
    #[cfg(target_os = "linux")]
    if paths.len() > SYNCED_ALONE {
        let root = File::open(root).map_err(io_error)?;
        return rustix::fs::syncfs(root).map_err(|error| io_error(error.into()));
    }
    let _ = (root, SYNCED_ALONE);
    for path in paths {
        sync(path)?;
    }
    Ok(())
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Waits until a file or a folder is on disk.
fn sync(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(io_error)
}
