//! The bytes of a zone's copy, in pieces kept once by their hash: what did not change since another
//! copy is there already.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use kura_model::{ContentHash, Error, Result};

use super::{place, private_folder, settle};
use crate::bank::file_error;

/// Bytes of a piece; sixteen pages of SQLite.
pub(super) const CHUNK: usize = 128 * 1024;

/// Takes what is written apart.
pub(super) struct Chunks {
    root: PathBuf,
    waiting: Vec<u8>,
    /// Hashes in their order, a line each.
    pub(super) list: String,
    pub(super) new_bytes: u64,
    /// What went wrong, where an error of `io` says less.
    pub(super) failure: Option<Error>,
}

impl Chunks {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            waiting: Vec::with_capacity(CHUNK),
            list: String::new(),
            new_bytes: 0,
            failure: None,
        }
    }

    fn keep(&mut self) -> io::Result<()> {
        let hash = ContentHash::of(&self.waiting);
        let file = place(&self.root, "chunks", hash);
        if fs::metadata(&file).map(|file| file.len()).ok() != Some(self.waiting.len() as u64) {
            let write = || -> Result<()> {
                if let Some(parent) = file.parent() {
                    private_folder(parent)?;
                }
                settle(&file, |part| fs::write(part, &self.waiting))
            };
            if let Err(error) = write() {
                self.failure = Some(error);
                return Err(io::Error::other("a piece of a copy was not written"));
            }
            self.new_bytes += self.waiting.len() as u64;
        }
        self.list += &hash.to_hex();
        self.list.push('\n');
        self.waiting.clear();
        Ok(())
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..taken]);
        if self.waiting.len() == CHUNK {
            self.keep()?;
        }
        Ok(taken)
    }

    /// Ends a piece.
    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            Ok(())
        } else {
            self.keep()
        }
    }
}

/// Puts the pieces of a list together, each checked against its hash.
pub(super) struct Joined<'a> {
    root: &'a Path,
    list: std::str::Lines<'a>,
    piece: io::Cursor<Vec<u8>>,
    /// What went wrong, where an error of `io` says less.
    pub(super) failure: Option<Error>,
}

impl<'a> Joined<'a> {
    pub(super) fn new(root: &'a Path, list: &'a str) -> Self {
        Self {
            root,
            list: list.lines(),
            piece: io::Cursor::default(),
            failure: None,
        }
    }

    fn next(&mut self, line: &str) -> Result<Vec<u8>> {
        let damaged =
            |hash: &str| Error::invalid(format!("the piece {hash} of the copy is damaged"));
        let hash: ContentHash = line.parse().map_err(|_| damaged("of a list"))?;
        let file = place(self.root, "chunks", hash);
        let bytes = fs::read(&file).map_err(|error| file_error(&file, error))?;
        if ContentHash::of(&bytes) == hash {
            Ok(bytes)
        } else {
            Err(damaged(&hash.to_hex()))
        }
    }
}

impl Read for Joined<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(out)?;
            if read > 0 || out.is_empty() {
                return Ok(read);
            }
            let Some(line) = self.list.next() else {
                return Ok(0);
            };
            let bytes = self.next(line).map_err(|error| {
                self.failure = Some(error);
                io::Error::other("a piece of the copy was not read")
            })?;
            self.piece = io::Cursor::new(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_written_again_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes: Vec<u8> = (0..5 * CHUNK + 77).map(|at| (at % 251) as u8).collect();
        let copy = |bytes: &[u8]| {
            let mut chunks = Chunks::new(folder.path());
            chunks.write_all(bytes).unwrap();
            chunks.flush().unwrap();
            (chunks.list, chunks.new_bytes)
        };
        let (first, new) = copy(&bytes);
        assert_eq!(new, bytes.len() as u64);
        assert_eq!(copy(&bytes), (first.clone(), 0));
        bytes[CHUNK + 5] ^= 1;
        bytes.extend_from_slice(b"more");
        let (second, new) = copy(&bytes);
        assert_eq!(new, (CHUNK + 77 + 4) as u64, "one piece changed, one grew");
        let read = |list: &str| {
            let mut out = Vec::new();
            Joined::new(folder.path(), list)
                .read_to_end(&mut out)
                .map(|_| out)
        };
        assert_eq!(read(&second).unwrap(), bytes);
        assert!(read("nothing").is_err());
        let hash = second.lines().next().unwrap().parse().unwrap();
        fs::write(place(folder.path(), "chunks", hash), b"other").unwrap();
        assert!(read(&second).is_err() && read(&first).is_err());
    }
}
