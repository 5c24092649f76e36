//! What a file is, by its first bytes. Names and endings are not asked.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use kura_model::Result;

use crate::bank::file_error;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One FHIR resource (or Bundle) a line, plain or gzip.
    FhirLines,
    /// One FHIR resource or Bundle, over many lines, plain or gzip.
    FhirDocument,
    /// Which patient a sequenced sample is from.
    SampleSheet,
    Dicom,
    Vcf,
    Bcf,
    Cats,
    /// Claims.
    Uke,
    Zip,
    /// Known, and nothing for a bank.
    Skip,
    Unknown,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Format::FhirLines => "fhir-ndjson",
            Format::FhirDocument => "fhir-json",
            Format::SampleSheet => "sample-sheet",
            Format::Dicom => "dicom",
            Format::Vcf => "vcf",
            Format::Bcf => "bcf",
            Format::Cats => "cats",
            Format::Uke => "uke",
            Format::Zip => "zip",
            Format::Skip => "skip",
            Format::Unknown => "unknown",
        }
    }

    /// Whether a file is one object, so that many of them make a batch.
    pub(super) fn is_one_object(self) -> bool {
        self == Format::Dicom
    }

    /// In which order files are read: what others are linked to comes first.
    pub(super) fn rank(self) -> u8 {
        match self {
            Format::FhirLines => 0,
            Format::FhirDocument => 1,
            Format::SampleSheet => 2,
            Format::Dicom => 3,
            Format::Vcf | Format::Bcf | Format::Cats => 4,
            Format::Uke => 5,
            // What is inside is only known when it is opened.
            Format::Zip => 6,
            Format::Skip | Format::Unknown => 9,
        }
    }
}

/// As much of a file as tells what it is.
const PREFIX_BYTES: u64 = 64 * 1024;

pub(super) fn recognise(path: &Path) -> Result<Format> {
    let mut prefix = Vec::new();
    File::open(path)
        .and_then(|file| file.take(PREFIX_BYTES).read_to_end(&mut prefix))
        .map_err(|error| file_error(path, error))?;
    if prefix.starts_with(b"PK\x03\x04") || prefix.starts_with(b"PK\x05\x06") {
        return Ok(Format::Zip);
    }
    if let Some(format) = kura_genomics::sniff(&prefix) {
        return Ok(match format {
            kura_genomics::Format::Vcf => Format::Vcf,
            kura_genomics::Format::Bcf => Format::Bcf,
            kura_genomics::Format::Cats => Format::Cats,
        });
    }
    if prefix.starts_with(&[0x1F, 0x8B]) {
        let mut inner = Vec::new();
        // What is damaged further on is told when it is read.
        let _ = MultiGzDecoder::new(&prefix[..])
            .take(PREFIX_BYTES)
            .read_to_end(&mut inner);
        return Ok(plain(&inner));
    }
    Ok(plain(&prefix))
}

fn plain(prefix: &[u8]) -> Format {
    let text = prefix.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(prefix);
    let text = text.trim_ascii_start();
    if text.first() == Some(&b'{') {
        return json(text);
    }
    if super::genomics::is_sample_sheet(text) {
        return Format::SampleSheet;
    }
    if kura_feeds::uke::sniff(prefix).is_some() {
        return Format::Uke;
    }
    if kura_dicom::sniff(prefix).is_some() {
        // Media Storage Directory (DICOMDIR): an index of other files. PS3.4 Annex F; its UID
        // stands in the meta group at the front.
        let head = &prefix[..prefix.len().min(512)];
        return if contains(head, b"1.2.840.10008.1.3.10\0") {
            Format::Skip
        } else {
            Format::Dicom
        };
    }
    Format::Unknown
}

fn json(text: &[u8]) -> Format {
    let first = text
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default()
        .trim_ascii_end();
    // A line of NDJSON is a whole object; a document that is written over many lines breaks
    // after a bracket or a comma.
    if first.len() < text.len() && first.last().is_some_and(|last| b"{[,".contains(last)) {
        let head = &text[..text.len().min(4096)];
        // The manifest of a bulk export. Bulk Data Access 1.0.1, "Response - Complete Status".
        if contains(head, b"\"transactionTime\"") && contains(head, b"\"output\"") {
            return Format::Skip;
        }
        return Format::FhirDocument;
    }
    Format::FhirLines
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_content() {
        assert_eq!(
            plain(b"{\"resourceType\":\"Patient\"}\n{"),
            Format::FhirLines
        );
        assert_eq!(plain(b"{\"resourceType\":\"Patient\""), Format::FhirLines);
        assert_eq!(
            plain(b"\xEF\xBB\xBF{\n  \"resourceType\": \"Bundle\"\n}"),
            Format::FhirDocument
        );
        assert_eq!(
            plain(b"{\"resourceType\":\"Bundle\",\n\"type\":1}"),
            Format::FhirDocument
        );
        assert_eq!(
            plain(b"{\n\"transactionTime\": \"x\",\n \"output\": []}"),
            Format::Skip
        );
        assert_eq!(plain(b""), Format::Unknown);
        assert_eq!(plain(b"\x00\x01"), Format::Unknown);
    }
}
