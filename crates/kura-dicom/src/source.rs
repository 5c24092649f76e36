use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

/// A data set's bytes: a file, or what a deflated file inflates to. Knows where it stands and,
/// for a file, how much is left.
pub(crate) struct Source<R> {
    inner: Inner<R>,
    position: u64,
    end: u64,
}

enum Inner<R> {
    Plain(BufReader<R>),
    Inflated(Box<BufReader<DeflateDecoder<BufReader<R>>>>),
}

impl<R: Read + Seek> Source<R> {
    pub(crate) fn new(mut reader: R) -> io::Result<Self> {
        let end = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(0))?;
        Ok(Self {
            inner: Inner::Plain(BufReader::with_capacity(32 * 1024, reader)),
            position: 0,
            end,
        })
    }

    /// From here on the bytes are a raw deflate stream (PS3.5 A.5, RFC 1951). Positions count
    /// inflated bytes from 0; at most `cap` of them are given out.
    pub(crate) fn inflate(self, cap: u64) -> Self {
        match self.inner {
            Inner::Plain(reader) => Self {
                inner: Inner::Inflated(Box::new(BufReader::new(DeflateDecoder::new(reader)))),
                position: 0,
                end: cap,
            },
            inflated => Self {
                inner: inflated,
                ..self
            },
        }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes left; for an inflating source the most there may be.
    pub(crate) fn remaining(&self) -> u64 {
        self.end.saturating_sub(self.position)
    }

    /// Fills what it can of `buffer` and says how much that was; less only at the end.
    pub(crate) fn read_up_to(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let left = usize::try_from(self.remaining()).unwrap_or(usize::MAX);
            let upto = buffer.len().min(filled.saturating_add(left));
            if upto == filled {
                break;
            }
            let got = match &mut self.inner {
                Inner::Plain(reader) => reader.read(&mut buffer[filled..upto]),
                Inner::Inflated(reader) => reader.read(&mut buffer[filled..upto]),
            };
            match got {
                Ok(0) => break,
                Ok(n) => {
                    filled += n;
                    self.position += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(filled)
    }

    /// Whether nothing more comes.
    pub(crate) fn exhausted(&mut self) -> io::Result<bool> {
        if self.remaining() == 0 {
            return Ok(true);
        }
        Ok(match &mut self.inner {
            Inner::Plain(_) => false,
            Inner::Inflated(reader) => reader.fill_buf()?.is_empty(),
        })
    }

    /// Exactly `length` bytes. The vector grows with what is really there, not with the claim.
    pub(crate) fn read_vec(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut left = length;
        while left > 0 {
            let step = usize::try_from(left.min(1 << 20)).unwrap_or(1 << 20);
            let start = bytes.len();
            bytes.resize(start + step, 0);
            if self.read_up_to(&mut bytes[start..])? < step {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= step as u64;
        }
        Ok(bytes)
    }

    pub(crate) fn skip(&mut self, length: u64) -> io::Result<()> {
        if length > self.remaining() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &mut self.inner {
            Inner::Plain(reader) => {
                let mut left = length;
                while left > 0 {
                    let step = left.min(i64::MAX as u64);
                    reader.seek_relative(step as i64)?;
                    left -= step;
                }
                self.position += length;
            }
            Inner::Inflated(_) => {
                let mut sink = [0; 8192];
                let mut left = length;
                while left > 0 {
                    let step = left.min(sink.len() as u64) as usize;
                    if self.read_up_to(&mut sink[..step])? < step {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    left -= step as u64;
                }
            }
        }
        Ok(())
    }

    /// Goes to `position`; an inflating source only goes forward.
    pub(crate) fn seek_to(&mut self, position: u64) -> io::Result<()> {
        if position >= self.position {
            return self.skip(position - self.position);
        }
        match &mut self.inner {
            Inner::Plain(reader) => {
                reader.seek(SeekFrom::Start(position))?;
                self.position = position;
                Ok(())
            }
            Inner::Inflated(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}
