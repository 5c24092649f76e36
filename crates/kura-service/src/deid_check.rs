//! `kura deid check`: whether given identifiers stand anywhere in an output. Every byte of every
//! file is looked at, and what the bytes mean: JSON's strings and what they hold in Base64, cells
//! of Parquet, elements of DICOM, pages of PDF, files within gzip and ZIP; and what a reader of text reads in
//! the pictures of DICOM files.
//!
//! An identifier is named by its line in the list, never repeated.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kura_deid::hunt::Hunt;
use kura_dicom::Limits;
use kura_model::{Error, Result};
use kura_ocr::Identifiers;
use serde::Serialize;
use serde_json::Value;

use crate::deid_pixels::TextCleaner;

/// One identifier in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Relative to the folder.
    pub file: String,
    /// `line 3`, `column patient, row 7`, `(0010,0010)`, `byte 4711`.
    pub place: String,
    /// Its line in the list of identifiers, from 1.
    pub identifier: usize,
}

/// What a check came to.
#[derive(Debug, Default, Serialize)]
pub struct Checked {
    pub files: u64,
    pub bytes: u64,
    pub identifiers: usize,
    /// Lines of identifiers too short to be told from chance.
    pub too_short: Vec<usize>,
    pub findings: Vec<Finding>,
    /// Findings beyond those listed.
    pub more: u64,
    /// Files whose bytes were looked at, and whose content could not be read.
    pub unread: Vec<String>,
    /// DICOM objects in whose pictures text was read, and others whose pictures nobody looked at.
    pub pictures: u64,
    pub pictures_unread: u64,
}

/// Told how a check goes on.
pub trait Observer {
    fn files(&self, done: u64, total: u64);
}

const FINDINGS_AT_MOST: usize = 1000;
/// A file of JSON that is read as a whole may be so large; larger ones line by line.
const JSON_AT_MOST: u64 = 64 << 20;
/// Text is looked at in pieces of so many bytes.
const PIECE: usize = 1 << 20;
/// Archives in archives, at most so deep; and a packed file may be at most so large.
const DEPTH: u32 = 4;
const PDF_AT_MOST: u64 = 256 << 20;
const UNPACKED_AT_MOST: u64 = 4 << 30;

/// Looks for the identifiers of `list` (one a line) in every file of `folder`, and, where there is
/// a `reader`, in the pictures of DICOM files that do not lie in archives.
///
/// # Errors
/// The list or the folder cannot be read. A file that cannot be taken apart is no error.
pub fn check(
    folder: &Path,
    list: &Path,
    reader: Option<&TextCleaner>,
    observer: &dyn Observer,
) -> Result<Checked> {
    let fail =
        |path: &Path, error: &io::Error| Error::invalid(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(list).map_err(|error| fail(list, &error))?;
    let identifiers: Vec<&str> = text.lines().collect();
    let hunt = Hunt::new(&identifiers).map_err(|error| Error::invalid(error.to_string()))?;
    let named = identifiers
        .iter()
        .filter(|line| !line.trim().is_empty())
        .count();
    if named == 0 {
        return Err(Error::invalid(format!(
            "{}: holds no identifier; one a line",
            list.display()
        )));
    }
    let mut files = Vec::new();
    walk(folder, &mut files).map_err(|error| fail(folder, &error))?;
    files.sort();
    let mut check = Check {
        hunt,
        reader,
        misread: match reader {
            Some(_) => misread(&identifiers),
            None => Vec::new(),
        },
        looked: false,
        out: Checked {
            identifiers: named,
            ..Checked::default()
        },
        file: String::new(),
        seen: BTreeSet::new(),
    };
    check.out.too_short = check.hunt.too_short.iter().map(|at| at + 1).collect();
    let total = files.len() as u64;
    for (index, path) in files.iter().enumerate() {
        observer.files(index as u64, total);
        let within = path.strip_prefix(folder).unwrap_or(path);
        let name = match within.as_os_str().is_empty() {
            true => path.file_name().map(PathBuf::from).unwrap_or_default(),
            false => within.to_owned(),
        };
        let name = name.display().to_string();
        check.seen.clear();
        // A name of a file is part of what leaves; one that holds an identifier is not repeated.
        let named = check.hunt.in_text(&name);
        check.file = match named.is_empty() {
            true => name,
            false => format!("(file {} by name)", index + 1),
        };
        for identifier in named {
            check.found(identifier, "file name");
        }
        let shown = PathBuf::from(&check.file);
        check.path(path).map_err(|error| fail(&shown, &error))?;
    }
    observer.files(total, total);
    Ok(check.out)
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.is_file() {
        out.push(folder.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), out)?;
        } else {
            out.push(entry.path());
        }
    }
    Ok(())
}

/// Letters from which on an identifier is hunted as a reader of pictures misreads it, too.
const MISREAD_FROM: usize = 6;

fn misread(identifiers: &[&str]) -> Vec<(usize, Identifiers)> {
    identifiers
        .iter()
        .enumerate()
        .filter(|(_, text)| text.chars().filter(|c| c.is_alphanumeric()).count() >= MISREAD_FROM)
        .map(|(at, text)| {
            (
                at,
                Identifiers::new(&[text.split_whitespace().collect::<String>()]),
            )
        })
        .collect()
}

struct Check<'a> {
    hunt: Hunt,
    reader: Option<&'a TextCleaner>,
    /// Identifiers with their place in the list.
    misread: Vec<(usize, Identifiers)>,
    /// The pictures of the object at hand were read.
    looked: bool,
    out: Checked,
    file: String,
    /// Identifiers found in this file already: the first place says where to look.
    seen: BTreeSet<usize>,
}

impl Check<'_> {
    fn found(&mut self, identifier: usize, place: impl Into<String>) {
        if !self.seen.insert(identifier) {
            return;
        }
        if self.out.findings.len() == FINDINGS_AT_MOST {
            self.out.more += 1;
            return;
        }
        self.out.findings.push(Finding {
            file: self.file.clone(),
            place: place.into(),
            identifier: identifier + 1,
        });
    }

    fn text(&mut self, text: &str, place: impl Fn() -> String) {
        for identifier in self.hunt.in_text(text) {
            self.found(identifier, place());
        }
    }

    fn path(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        self.out.files += 1;
        self.out.bytes += file.metadata()?.len();
        // What it means first: it tells the better place.
        self.meaning(path)?;
        self.raw(&mut file)
    }

    fn meaning(&mut self, path: &Path) -> io::Result<()> {
        let mut file = File::open(path)?;
        let head = head(&mut file)?;
        if head.starts_with(b"PAR1") {
            let mut cells = Vec::new();
            let read = kura_dataset::parquet_texts::texts(path, &mut |column, row, text| {
                for identifier in self.hunt.in_text(text) {
                    cells.push((identifier, format!("column {column}, row {row}")));
                }
            });
            for (identifier, place) in cells {
                self.found(identifier, place);
            }
            if read.is_err() {
                self.unread();
            }
            return Ok(());
        }
        file.seek(SeekFrom::Start(0))?;
        if head.get(128..132) == Some(b"DICM") {
            self.looked = false;
            self.pictures(path);
        }
        self.content(BufReader::new(file), &head, DEPTH)
    }

    /// What is read in the pictures of an object.
    fn pictures(&mut self, path: &Path) {
        let Some(reader) = self.reader else {
            return;
        };
        let Ok(readings) = reader.readings(path) else {
            return;
        };
        self.out.pictures += 1;
        self.looked = true;
        for reading in &readings {
            self.text(reading, || "read in a picture".to_owned());
            let like: Vec<usize> = self
                .misread
                .iter()
                .filter(|(_, identifier)| identifier.are_in(reading))
                .map(|(at, _)| *at)
                .collect();
            for identifier in like {
                self.found(identifier, "read in a picture, or something like it");
            }
        }
    }

    /// Every byte as it lies, in pieces that overlap by the longest thing looked for.
    fn raw(&mut self, reader: &mut impl Read) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(PIECE + self.hunt.longest());
        let mut offset = 0_u64;
        loop {
            let kept = buffer.len();
            let read = reader
                .by_ref()
                .take(PIECE as u64)
                .read_to_end(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            for (identifier, at) in self.hunt.in_bytes(&buffer) {
                self.found(identifier, format!("byte {}", offset + at as u64));
            }
            debug_assert!(kept <= buffer.len());
            let keep = self.hunt.longest().saturating_add(1).min(buffer.len());
            let gone = buffer.len() - keep;
            offset += gone as u64;
            buffer.drain(..gone);
        }
    }

    fn unread(&mut self) {
        if self.out.unread.last() != Some(&self.file) {
            self.out.unread.push(self.file.clone());
        }
    }

    /// What the bytes mean.
    fn content(&mut self, reader: impl Read + Seek, head: &[u8], depth: u32) -> io::Result<()> {
        if head.starts_with(&[0x1f, 0x8b]) {
            return self.packed(flate2::read::MultiGzDecoder::new(reader), depth);
        }
        if head.starts_with(b"PK\x03\x04") {
            return self.zip(reader, depth);
        }
        if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            return match zstd::Decoder::new(reader) {
                Ok(decoder) => self.packed(decoder, depth),
                Err(_) => {
                    self.unread();
                    Ok(())
                }
            };
        }
        if head.get(128..132) == Some(b"DICM") {
            return self.dicom(reader);
        }
        // UTF-16 has a zero beside each plain letter, and says so at its beginning.
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            let mut bytes = Vec::new();
            reader.take(JSON_AT_MOST).read_to_end(&mut bytes)?;
            let (encoding, _) =
                encoding_rs::Encoding::for_bom(&bytes).unwrap_or((encoding_rs::UTF_16LE, 2));
            let text = encoding.decode(&bytes).0;
            return self.lines(Cursor::new(text.as_bytes()));
        }
        if head.starts_with(b"%PDF-") {
            return self.pdf(reader);
        }
        if head.contains(&0) {
            // No text, and nothing that is known: its bytes were looked at.
            self.unread();
            return Ok(());
        }
        self.lines(reader)
    }

    fn packed(&mut self, reader: impl Read, depth: u32) -> io::Result<()> {
        let mut inner = Vec::new();
        // One unpacked file lies in memory only if it is small; a large one on disk.
        let mut reader = reader.take(UNPACKED_AT_MOST);
        let small = reader.by_ref().take(64 << 20).read_to_end(&mut inner);
        if depth == 0 {
            self.unread();
            return Ok(());
        }
        // What came before the damage is looked at all the same.
        if small.is_err() {
            self.unread();
        }
        if small.is_err() || inner.len() < 64 << 20 {
            return self.inner(Cursor::new(inner), depth);
        }
        let mut spool = tempfile::tempfile()?;
        io::Write::write_all(&mut spool, &inner)?;
        drop(inner);
        let copied = io::copy(&mut reader, &mut spool);
        if copied.is_err() || reader.limit() == 0 {
            self.unread();
        }
        spool.seek(SeekFrom::Start(0))?;
        self.inner(spool, depth)
    }

    fn inner(&mut self, mut file: impl Read + Seek, depth: u32) -> io::Result<()> {
        let head = head(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        // Types of nested readers would nest without end.
        let reader: Box<dyn ReadSeek + '_> = Box::new(&mut file);
        self.content(reader, &head, depth - 1)?;
        file.seek(SeekFrom::Start(0))?;
        self.raw(&mut file)
    }

    fn zip(&mut self, reader: impl Read + Seek, depth: u32) -> io::Result<()> {
        let Ok(mut archive) = zip::ZipArchive::new(reader) else {
            self.unread();
            return Ok(());
        };
        for index in 0..archive.len() {
            let Ok(entry) = archive.by_index(index) else {
                self.unread();
                continue;
            };
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            self.text(&name, || "name of a file in the archive".to_owned());
            self.packed(entry, depth)?;
        }
        Ok(())
    }

    /// The words on each page of a PDF, and its strings and streams, unpacked.
    fn pdf(&mut self, reader: impl Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        let read = reader.take(PDF_AT_MOST).read_to_end(&mut bytes)?;
        if read as u64 == PDF_AT_MOST {
            self.unread();
            return Ok(());
        }
        let Ok(document) = lopdf::Document::load_mem(&bytes) else {
            self.unread();
            return Ok(());
        };
        let pages = document.get_pages();
        if pages.is_empty() {
            self.unread();
        }
        for number in pages.into_keys() {
            match document.extract_text(&[number]) {
                Ok(text) => self.text(&text, || format!("page {number}")),
                Err(_) => self.unread(),
            }
        }
        for ((number, _), object) in &document.objects {
            let place = || format!("object {number}");
            if let Ok(stream) = object.as_stream()
                && let Ok(content) = stream.decompressed_content()
            {
                for (identifier, _) in self.hunt.in_bytes(&content) {
                    self.found(identifier, place());
                }
            }
            strings(object, &mut |text| self.text(text, place));
        }
        Ok(())
    }

    fn dicom(&mut self, reader: impl Read + Seek) -> io::Result<()> {
        let Ok(header) = kura_dicom::read_header(reader, &Limits::default()) else {
            self.unread();
            return Ok(());
        };
        let looked = std::mem::take(&mut self.looked);
        if header.pixel().is_some() && !looked {
            self.out.pictures_unread += 1;
        }
        let mut found = Vec::new();
        kura_deid::dicom::texts(header.object(), &mut |tag, text| {
            for identifier in self.hunt.in_text(text) {
                found.push((identifier, tag.to_owned()));
            }
        });
        for (identifier, tag) in found {
            self.found(identifier, tag);
        }
        if !header.left_out().is_empty() {
            self.unread();
        }
        Ok(())
    }

    /// Lines of text; what is JSON is read as JSON, so that escapes hide nothing. A line that is not
    /// UTF-8 is read in each of the other encodings.
    fn lines(&mut self, mut reader: impl Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        let mut read = reader.by_ref().take(JSON_AT_MOST).read_to_end(&mut bytes)?;
        let begins = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if read < JSON_AT_MOST as usize
            && begins.is_some_and(|byte| matches!(byte, b'{' | b'['))
            && let Ok(value) = serde_json::from_slice::<Value>(&bytes)
        {
            self.value(&value, || "JSON".to_owned());
            return Ok(());
        }
        let mut number = 0_u64;
        loop {
            let whole = bytes
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map(|at| at + 1);
            let take = match whole {
                Some(end) => end,
                None if read > 0 && bytes.len() < JSON_AT_MOST as usize => 0,
                None => bytes.len(),
            };
            for line in bytes[..take].split(|byte| *byte == b'\n') {
                number += 1;
                self.line(line, number);
            }
            bytes.drain(..take);
            if read == 0 {
                self.line(&bytes, number + 1);
                return Ok(());
            }
            read = reader.by_ref().take(PIECE as u64).read_to_end(&mut bytes)?;
        }
    }

    fn line(&mut self, line: &[u8], number: u64) {
        let place = || format!("line {number}");
        match std::str::from_utf8(line) {
            Ok(text) => {
                self.text(text, place);
                if text.contains(['\\', '"']) {
                    self.json(text, place);
                }
            }
            Err(_) => {
                for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP] {
                    let text = encoding.decode_without_bom_handling(line).0;
                    self.text(&text, place);
                }
            }
        }
        // Kanji in bytes of ASCII.
        if line.contains(&0x1b) {
            let text = encoding_rs::ISO_2022_JP.decode_without_bom_handling(line).0;
            self.text(&text, place);
        }
    }

    fn json(&mut self, text: &str, place: impl Fn() -> String + Copy) -> bool {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return false;
        };
        self.value(&value, place);
        true
    }

    fn value(&mut self, value: &Value, place: impl Fn() -> String + Copy) {
        match value {
            Value::String(text) => {
                self.text(text, place);
                // An attachment: text, in Base64.
                if text.len() >= 8
                    && text.len().is_multiple_of(4)
                    && let Ok(bytes) = STANDARD.decode(text)
                {
                    for (identifier, _) in self.hunt.in_bytes(&bytes) {
                        self.found(identifier, place());
                    }
                    if let Ok(inner) = String::from_utf8(bytes) {
                        self.text(&inner, place);
                    }
                }
            }
            Value::Number(number) => self.text(&number.to_string(), place),
            Value::Array(items) => items.iter().for_each(|item| self.value(item, place)),
            Value::Object(members) => {
                for (name, inner) in members {
                    self.text(name, place);
                    self.value(inner, place);
                }
            }
            _ => {}
        }
    }
}

/// The strings of an object of a PDF. ISO 32000-1 7.9.2.2.
fn strings(object: &lopdf::Object, each: &mut dyn FnMut(&str)) {
    use lopdf::Object::{Array, Dictionary, Stream, String};
    match object {
        String(..) => {
            if let Ok(text) = lopdf::decode_text_string(object) {
                each(&text);
            }
        }
        Array(items) => items.iter().for_each(|item| strings(item, each)),
        Dictionary(members) => members.iter().for_each(|(_, item)| strings(item, each)),
        Stream(stream) => stream.dict.iter().for_each(|(_, item)| strings(item, each)),
        _ => {}
    }
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

fn head(file: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut head)?;
    Ok(head)
}
