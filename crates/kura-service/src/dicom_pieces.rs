//! Objects that arrive as metadata and bulk data in parts of their own. PS3.18 10.5.
//!
//! What arrives lies on the disk of the bank, unnamed, until all of it is there: bulk data come
//! behind the metadata that point to them.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use kura_dicom::{BulkPart, BulkParts, xml};
use kura_model::{Refusal, Result};
use serde_json::Value;

use crate::Bank;
use crate::bank::file_error;

/// Bytes of one object's metadata.
const METADATA_BYTES: usize = 8 << 20;
/// Parts of one request.
const PARTS: usize = 1_000_000;
/// Bytes of what a part is called.
const NAME_BYTES: usize = 4_096;

/// How metadata are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// The DICOM JSON model: an object, or a list of them.
    Json,
    /// The Native DICOM Model: one object.
    Xml,
}

/// The parts of one request.
pub struct Pieces {
    file: BufWriter<File>,
    length: u64,
    metadata: Vec<(Words, Range<u64>)>,
    bulk: BulkParts,
    count: usize,
}

/// What of a part is wrong, or of the reader or the disk.
pub type Taken = io::Result<std::result::Result<(), Refusal>>;

impl Pieces {
    pub fn begin(bank: &Bank) -> Result<Self> {
        let folder = bank.clinical.blobs().spool();
        let file = tempfile::tempfile_in(folder).map_err(|error| file_error(folder, error))?;
        Ok(Self {
            file: BufWriter::new(file),
            length: 0,
            metadata: Vec::new(),
            bulk: BulkParts::new(),
            count: 0,
        })
    }

    fn spool(&mut self, reader: &mut impl Read) -> io::Result<Range<u64>> {
        let length = io::copy(reader, &mut self.file)?;
        let begun = self.length;
        self.length += length;
        self.count += 1;
        Ok(begun..self.length)
    }

    /// Takes a part that describes objects.
    ///
    /// # Errors
    /// What the reader or the disk says.
    pub fn metadata(&mut self, words: Words, reader: &mut impl Read) -> Taken {
        if self.count >= PARTS {
            return Ok(Err(too_many()));
        }
        let range = self.spool(reader)?;
        self.metadata.push((words, range));
        Ok(Ok(()))
    }

    /// Takes a part of bulk data, by its Content-Location.
    ///
    /// # Errors
    /// What the reader or the disk says.
    pub fn bulk(
        &mut self,
        location: Option<&str>,
        media_type: &str,
        transfer_syntax: Option<&str>,
        reader: &mut impl Read,
    ) -> Taken {
        let Some(location) = location.filter(|name| (1..=NAME_BYTES).contains(&name.len())) else {
            let message = "a part of bulk data has a Content-Location that metadata point to";
            return Ok(Err(Refusal::new("dicom-bulk-location", message)));
        };
        if self.count >= PARTS {
            return Ok(Err(too_many()));
        }
        let part = BulkPart {
            range: self.spool(reader)?,
            media_type: media_type.to_owned(),
            transfer_syntax: transfer_syntax.map(str::to_owned),
        };
        self.bulk.entry(location.to_owned()).or_default().push(part);
        Ok(Ok(()))
    }

    /// Gives the metadata of each object, with what is needed to put it together. What is no
    /// object is given as it is written.
    ///
    /// # Errors
    /// What `each` says, and the disk.
    pub(crate) fn each(
        self,
        mut each: impl FnMut(std::result::Result<Value, Unread>, &BulkParts, &File) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        for (words, range) in self.metadata {
            let stored = Stored { file: &file, range };
            match words {
                Words::Json => {
                    let mut objects = Objects::new(BufReader::with_capacity(64 * 1024, stored));
                    while let Some(text) = objects.next()? {
                        each(text.and_then(json), &self.bulk, &file)?;
                    }
                }
                Words::Xml => {
                    let mut text = Vec::new();
                    stored
                        .take(METADATA_BYTES as u64 + 1)
                        .read_to_end(&mut text)?;
                    let read = match text.len() > METADATA_BYTES {
                        true => Err(too_long()),
                        false => xml::read(&text),
                    };
                    let read = read.map_err(|refusal| Unread::new(refusal, text));
                    each(read, &self.bulk, &file)?;
                }
            }
        }
        Ok(())
    }
}

/// Metadata that cannot be read.
pub(crate) struct Unread {
    pub(crate) refusal: Box<Refusal>,
    pub(crate) text: Vec<u8>,
}

impl Unread {
    pub(crate) fn new(refusal: Refusal, text: Vec<u8>) -> Self {
        Self {
            refusal: Box::new(refusal),
            text,
        }
    }
}

fn too_many() -> Refusal {
    Refusal::new("dicom-limit", "too many parts in one request")
}

fn too_long() -> Refusal {
    Refusal::new("dicom-limit", "the metadata of one object are too long")
}

fn json(text: Vec<u8>) -> std::result::Result<Value, Unread> {
    serde_json::from_slice(&text).map_err(|_| {
        let message = "metadata are objects of the DICOM JSON model";
        Unread::new(Refusal::new("dicom-json", message), text)
    })
}

/// A part of a file.
struct Stored<'f> {
    file: &'f File,
    range: Range<u64>,
}

impl Read for Stored<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let count = self.file.read_at(&mut buffer[..room], self.range.start)?;
        self.range.start += count as u64;
        Ok(count)
    }
}

/// The objects of a JSON list, or one object, one at a time: a study's may be larger than memory.
struct Objects<R> {
    reader: R,
    ended: bool,
}

/// The text of an object, or what stands where one should be.
type Found = std::result::Result<Vec<u8>, Unread>;

impl<R: io::BufRead> Objects<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            ended: false,
        }
    }

    /// Whether the text is sound JSON is for its parser to say; here its braces are counted.
    fn next(&mut self) -> io::Result<Option<Found>> {
        let mut text = Vec::new();
        let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
        while !self.ended {
            let held = self.reader.fill_buf()?;
            let mut used = 0;
            let mut whole = false;
            for byte in held {
                used += 1;
                match byte {
                    // Between objects: the list around them.
                    b'[' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => continue,
                    _ if quoted => {
                        quoted = escaped || *byte != b'"';
                        escaped = !escaped && *byte == b'\\';
                    }
                    b'"' => quoted = true,
                    b'{' => depth += 1,
                    b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                text.push(*byte);
                if depth == 0 || text.len() > METADATA_BYTES {
                    whole = true;
                    break;
                }
            }
            self.ended = held.is_empty();
            self.reader.consume(used);
            if !whole {
                continue;
            }
            if depth == 0 && text.ends_with(b"}") {
                return Ok(Some(Ok(text)));
            }
            // Nobody knows where the next one begins.
            self.ended = true;
            let refusal = match text.len() > METADATA_BYTES {
                true => too_long(),
                false => Refusal::new("dicom-json", "metadata are a list of objects"),
            };
            return Ok(Some(Err(Unread::new(refusal, text))));
        }
        Ok((!text.is_empty()).then(|| {
            let refusal = Refusal::new("dicom-json", "the metadata end too early");
            Err(Unread::new(refusal, text))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str, held: usize) -> Vec<std::result::Result<String, String>> {
        let mut objects = Objects::new(BufReader::with_capacity(held, text.as_bytes()));
        let mut out = Vec::new();
        while let Some(found) = objects.next().unwrap() {
            out.push(match found {
                Ok(text) => Ok(String::from_utf8(text).unwrap()),
                Err(unread) => Err(unread.refusal.rule.to_string()),
            });
        }
        out
    }

    #[test]
    fn a_list_is_taken_apart() {
        let ok = |texts: &[&str]| texts.iter().map(|text| Ok((*text).to_owned())).collect();
        let bad = || Err("dicom-json".to_owned());
        for (text, expected) in [
            ("", vec![]),
            ("[]", vec![]),
            ("{}", ok(&["{}"])),
            (
                " [ {\"a\":\"}]{\\\"\"} ,\n{\"b\":[{}]}] ",
                ok(&["{\"a\":\"}]{\\\"\"}", "{\"b\":[{}]}"]),
            ),
            ("[{},3]", vec![Ok("{}".to_owned()), bad()]),
            ("[{}, {\"a\":", vec![Ok("{}".to_owned()), bad()]),
            ("nothing", vec![bad()]),
            ("\"{}\"", vec![bad()]),
        ] {
            for held in [1, 2, 7, 64] {
                assert_eq!(objects(text, held), expected, "{text} {held}");
            }
        }
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(METADATA_BYTES));
        assert_eq!(objects(&long, 4096), [Err("dicom-limit".to_owned())]);
    }
}
