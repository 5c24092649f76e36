//! Reading foreign files within limits: compression that cannot explode, lines that cannot
//! fill the memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use kura_model::{Error, Location, Refusal, Result};

use crate::bank::file_error;
use crate::config;

/// Counts the bytes taken from the disk, for the progress bar and the expansion limit.
pub(super) struct Counted<R> {
    inner: R,
    bytes: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Stops a compressed input that grows out of proportion.
struct Guarded<R> {
    inner: R,
    compressed: Arc<AtomicU64>,
    expanded: u64,
    limits: (u64, u64),
}

/// The marker that travels through `io::Error` to [`refusal_of`].
#[derive(Debug)]
struct Expands;

impl std::fmt::Display for Expands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("expands without measure")
    }
}

impl std::error::Error for Expands {}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.expanded += count as u64;
        let (free, ratio) = self.limits;
        if self.expanded > free
            && self.expanded / self.compressed.load(Ordering::Relaxed).max(1) > ratio
        {
            return Err(io::Error::other(Expands));
        }
        Ok(count)
    }
}

/// A file opened for reading, decompressed where it is gzip.
pub(super) struct Input {
    pub(super) reader: Box<dyn BufRead + Send>,
    /// Bytes read from the disk so far.
    pub(super) consumed: Arc<AtomicU64>,
}

const BUFFER: usize = 256 * 1024;

pub(super) fn open(path: &Path, limits: &config::Import) -> Result<Input> {
    let mut file = File::open(path).map_err(|error| file_error(path, error))?;
    let mut magic = [0; 2];
    let gzip = file.read_exact(&mut magic).is_ok() && magic == [0x1F, 0x8B];
    io::Seek::rewind(&mut file).map_err(|error| file_error(path, error))?;
    let consumed = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner: file,
        bytes: consumed.clone(),
    };
    let buffered = BufReader::with_capacity(BUFFER, counted);
    let reader: Box<dyn BufRead + Send> = if gzip {
        Box::new(BufReader::with_capacity(
            BUFFER,
            Guarded {
                inner: MultiGzDecoder::new(buffered),
                compressed: consumed.clone(),
                expanded: 0,
                limits: (limits.expanded_bytes, limits.expansion),
            },
        ))
    } else {
        Box::new(buffered)
    };
    Ok(Input { reader, consumed })
}

/// One line of an input, without its end.
pub(super) enum Line {
    Whole,
    /// Longer than allowed: `size` bytes in all, of which the buffer holds the beginning.
    Overlong {
        size: u64,
    },
    End,
}

/// Reads lines up to a length; a longer one is skipped without being held.
pub(super) struct Lines {
    input: Box<dyn BufRead + Send>,
    limit: usize,
    /// 1-based number of the line last read.
    pub(super) number: u64,
    /// Byte, after decompression, at which that line begins.
    pub(super) offset: u64,
    next_offset: u64,
}

/// Of an overlong line, this much is kept aside.
const KEPT_OF_OVERLONG: usize = kura_store::ITEM_BYTES_KEPT;

impl Lines {
    pub(super) fn new(input: Box<dyn BufRead + Send>, limit: u64) -> Self {
        Self {
            input,
            limit: limit as usize,
            number: 0,
            offset: 0,
            next_offset: 0,
        }
    }

    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        self.offset = self.next_offset;
        let mut size: u64 = 0;
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.number += 1;
                    return Err(error);
                }
            };
            if buffer.is_empty() {
                if size == 0 {
                    return Ok(Line::End);
                }
                break;
            }
            let (taken, ended) = match memchr(buffer) {
                Some(at) => (at + 1, true),
                None => (buffer.len(), false),
            };
            let content = taken - usize::from(ended);
            size += content as u64;
            if size <= self.limit as u64 {
                line.extend_from_slice(&buffer[..content]);
            } else {
                line.truncate(KEPT_OF_OVERLONG);
                // Gives back what a line near the limit had taken.
                line.shrink_to(KEPT_OF_OVERLONG);
            }
            self.input.consume(taken);
            self.next_offset += taken as u64;
            if ended {
                break;
            }
        }
        self.number += 1;
        if size > self.limit as u64 {
            return Ok(Line::Overlong { size });
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Line::Whole)
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

/// What a failed read of a foreign file says about the file; `None` if it is the disk that
/// failed, not the file.
pub(super) fn refusal_of(error: &io::Error, byte: u64) -> Option<Refusal> {
    let refusal = match error.kind() {
        io::ErrorKind::UnexpectedEof => Refusal::new(
            "gzip-truncated",
            "the compressed file ends in the middle; what came before was taken",
        ),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Refusal::new(
            "gzip-damaged",
            "the compressed file is damaged from here on; what came before was taken",
        ),
        _ if error.get_ref().is_some_and(|inner| inner.is::<Expands>()) => Refusal::new(
            "expansion",
            "the compressed file grows out of proportion; it was not read further",
        ),
        _ => return None,
    };
    Some(refusal.at(Location::byte(byte)))
}

/// For errors that are not the file's fault.
pub(super) fn disk(path: &Path, error: io::Error) -> Error {
    file_error(path, error)
}
