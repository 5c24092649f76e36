//! Files as they lie on disk: plain, gzip, or BGZF (blocked gzip, SAM specification 4.1).

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use kura_model::{Location, Refusal};

use crate::sniff::is_gzip;

/// Counts the bytes taken from below.
pub(crate) struct Counting<R> {
    inner: R,
    taken: u64,
}

impl<R: BufRead> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.taken += count as u64;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount as u64;
        self.inner.consume(amount);
    }
}

/// Plain bytes of a file that may be compressed.
pub(crate) enum Source<R> {
    Plain(Counting<R>),
    Gzip(Box<BufReader<MultiGzDecoder<Counting<R>>>>),
    Bgzf(Box<Bgzf<R>>),
}

impl<R: BufRead> Source<R> {
    pub(crate) fn open(mut reader: R) -> Result<Self, Refusal> {
        let head = reader.fill_buf().map_err(refuse)?;
        let (gzip, bgzf) = (is_gzip(head), is_bgzf(head));
        let counting = Counting {
            inner: reader,
            taken: 0,
        };
        Ok(if bgzf {
            Source::Bgzf(Box::new(Bgzf::new(counting)))
        } else if gzip {
            Source::Gzip(Box::new(BufReader::with_capacity(
                64 << 10,
                MultiGzDecoder::new(counting),
            )))
        } else {
            Source::Plain(counting)
        })
    }

    /// Bytes of the file read so far, before decompression.
    pub(crate) fn taken(&self) -> u64 {
        match self {
            Source::Plain(reader) => reader.taken,
            Source::Gzip(reader) => reader.get_ref().get_ref().taken,
            Source::Bgzf(reader) => reader.inner.taken,
        }
    }

    /// Turns a failed read into a refusal that names the byte of the file.
    pub(crate) fn refuse(&self, error: io::Error) -> Refusal {
        let mut refusal = refuse(error);
        if refusal.location == Location::default() {
            refusal.location.byte = Some(self.taken());
        }
        refusal
    }
}

impl<R: BufRead> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::Plain(reader) => reader.read(into),
            Source::Gzip(reader) => reader.read(into),
            Source::Bgzf(reader) => reader.read(into),
        }
    }
}

impl<R: BufRead> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Source::Plain(reader) => reader.fill_buf(),
            Source::Gzip(reader) => reader.fill_buf(),
            Source::Bgzf(reader) => reader.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Source::Plain(reader) => reader.consume(amount),
            Source::Gzip(reader) => reader.consume(amount),
            Source::Bgzf(reader) => reader.consume(amount),
        }
    }
}

fn refuse(error: io::Error) -> Refusal {
    if let Some(refusal) = error.get_ref().and_then(|e| e.downcast_ref::<Refusal>()) {
        return refusal.clone();
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Refusal::new("gzip-truncated", "the compressed file ends in the middle")
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            Refusal::new("gzip-corrupt", "the compressed file is damaged")
        }
        _ => Refusal::new("io-read", "the file could not be read"),
    }
}

/// SAM specification 4.1.1: FLG.FEXTRA is set and the first extra field is `BC`, length 2.
fn is_bgzf(head: &[u8]) -> bool {
    head.len() >= 18 && head[3] == 4 && head[12..16] == [b'B', b'C', 2, 0]
}

/// Reads BGZF block by block, so that a cut is found even at a block's edge.
pub(crate) struct Bgzf<R> {
    inner: Counting<R>,
    packed: Vec<u8>,
    block: Vec<u8>,
    at: usize,
    /// The last block was empty: SAM specification 4.1.2, the end-of-file marker.
    ended: bool,
    inflate: flate2::Decompress,
}

const BLOCK: usize = 64 << 10;

impl<R: BufRead> Bgzf<R> {
    fn new(inner: Counting<R>) -> Self {
        Self {
            inner,
            packed: Vec::with_capacity(BLOCK),
            block: Vec::with_capacity(BLOCK),
            at: 0,
            ended: false,
            inflate: flate2::Decompress::new(false),
        }
    }

    fn next_block(&mut self) -> io::Result<bool> {
        let start = self.inner.taken;
        let bad = |rule: &str, message: &str| {
            io::Error::other(Refusal::new(rule, message).at_byte(start))
        };
        if self.inner.fill_buf()?.is_empty() {
            return if self.ended {
                Ok(false)
            } else {
                Err(bad(
                    "gzip-truncated",
                    "the BGZF end-of-file marker is missing: the file was cut",
                ))
            };
        }
        let cut = || {
            bad(
                "gzip-truncated",
                "the file ends in the middle of a BGZF block",
            )
        };
        let mut head = [0u8; 18];
        self.inner.read_exact(&mut head).map_err(|_| cut())?;
        if !is_gzip(&head) || !is_bgzf(&head) {
            return Err(bad("gzip-corrupt", "a BGZF block header is expected here"));
        }
        // SAM specification 4.1.1: BSIZE is the total block size minus one.
        let size = usize::from(u16::from_le_bytes([head[16], head[17]])) + 1;
        let Some(rest) = size.checked_sub(18).filter(|rest| *rest >= 8) else {
            return Err(bad(
                "gzip-corrupt",
                "a BGZF block states an impossible size",
            ));
        };
        self.packed.resize(rest, 0);
        self.inner.read_exact(&mut self.packed).map_err(|_| cut())?;
        let (data, tail) = self.packed.split_at(rest - 8);
        let crc = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
        let length = u32::from_le_bytes([tail[4], tail[5], tail[6], tail[7]]) as usize;
        if length > BLOCK {
            return Err(bad(
                "gzip-corrupt",
                "a BGZF block holds at most 65536 bytes",
            ));
        }
        self.inflate.reset(false);
        self.block.clear();
        self.block.resize(length.max(1), 0);
        let damaged = || {
            bad(
                "gzip-corrupt",
                "a BGZF block does not inflate to what it states",
            )
        };
        let status = self
            .inflate
            .decompress(data, &mut self.block, flate2::FlushDecompress::Finish)
            .map_err(|_| damaged())?;
        if status != flate2::Status::StreamEnd || self.inflate.total_out() != length as u64 {
            return Err(damaged());
        }
        self.block.truncate(length);
        let mut sum = flate2::Crc::new();
        sum.update(&self.block);
        if sum.sum() != crc {
            return Err(damaged());
        }
        self.at = 0;
        self.ended = length == 0;
        Ok(true)
    }
}

impl<R: BufRead> Read for Bgzf<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let have = self.fill_buf()?;
        let count = have.len().min(into.len());
        into[..count].copy_from_slice(&have[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Bgzf<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.block.len() {
            if !self.next_block()? {
                return Ok(&[]);
            }
        }
        Ok(&self.block[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.block.len());
    }
}
