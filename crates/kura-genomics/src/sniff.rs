use std::io::Read;

/// The formats this room reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Variant Call Format, text.
    Vcf,
    /// Binary VCF, version 2.
    Bcf,
    /// Cancer genomic test standardized format of C-CAT, JSON.
    Cats,
}

/// How far into a gzip member or a JSON document we look.
const PEEK: usize = 64 << 10;

/// Tells what leading bytes are, looking through gzip and BGZF. A few kilobytes are enough for
/// all three; with very few bytes the answer may be `None` where more would say yes. A FHIR
/// resource or another JSON document is `None`.
pub fn sniff(prefix: &[u8]) -> Option<Format> {
    if is_gzip(prefix) {
        return plain(&peek_gzip(prefix));
    }
    plain(prefix)
}

/// RFC 1952 2.3.1: ID1, ID2, CM = deflate.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 0x08])
}

fn peek_gzip(prefix: &[u8]) -> Vec<u8> {
    let mut reader = flate2::bufread::MultiGzDecoder::new(prefix).take(PEEK as u64);
    let mut inside = Vec::new();
    let mut chunk = [0u8; 4096];
    // The prefix ends in the middle of a member: what came before the error is what we want.
    while let Ok(count) = reader.read(&mut chunk) {
        if count == 0 {
            break;
        }
        inside.extend_from_slice(&chunk[..count]);
    }
    inside
}

fn plain(bytes: &[u8]) -> Option<Format> {
    if bytes.starts_with(b"##fileformat=VCF") {
        return Some(Format::Vcf);
    }
    // VCFv4.3 6.2: the magic is "BCF\2" and a minor version byte.
    if bytes.starts_with(b"BCF\x02") {
        return Some(Format::Bcf);
    }
    cats(&bytes[..bytes.len().min(PEEK)]).then_some(Format::Cats)
}

/// A CATS report is an object with `metaData` and, beside it, `testInfo`, `variants` or
/// `sequencingSamples`; a FHIR resource says `resourceType`.
fn cats(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_start();
    if bytes.first() != Some(&b'{') {
        return false;
    }
    let (mut meta, mut schema, mut test) = (false, false, false);
    for (depth, key) in Keys::new(bytes) {
        match (depth, key) {
            (1, b"resourceType") => return false,
            (1, b"metaData") => meta = true,
            (2, b"schemaVersion" | b"referenceGenome") if meta => schema = true,
            (1, b"testInfo" | b"variants" | b"sequencingSamples") => test = true,
            _ => {}
        }
    }
    meta && (schema || test)
}

/// The keys of a JSON text with their depth (1 for the outermost object), as far as the text
/// goes; it need not be whole.
struct Keys<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Keys<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            depth: 0,
        }
    }
}

impl<'a> Iterator for Keys<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.checked_sub(1)?,
                b'"' => {
                    let start = self.at;
                    loop {
                        match self.bytes.get(self.at)? {
                            b'"' => break,
                            b'\\' => self.at += 2,
                            _ => self.at += 1,
                        }
                    }
                    let text = &self.bytes[start..self.at];
                    self.at += 1;
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    if rest.trim_ascii_start().first() == Some(&b':') {
                        return Some((self.depth, text));
                    }
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_by_content() {
        assert_eq!(sniff(b"##fileformat=VCFv4.2\n"), Some(Format::Vcf));
        assert_eq!(sniff(b"BCF\x02\x02"), Some(Format::Bcf));
        assert_eq!(
            sniff(br#" {"metaData": {"schemaVersion": "1.3.0"}, "testInfo": {"#),
            Some(Format::Cats)
        );
        assert_eq!(
            sniff(br#"{"testInfo":{},"variants":{},"metaData":{}}"#),
            Some(Format::Cats)
        );
    }

    #[test]
    fn leaves_fhir_and_others_alone() {
        for other in [
            &br#"{"resourceType":"Observation","metaData":{"schemaVersion":1},"testInfo":{}}"#[..],
            br#"{"resourceType":"Bundle"}"#,
            br#"{"a":{"metaData":{"schemaVersion":"1"}}}"#,
            br#"["metaData"]"#,
            b"",
            b"{\"",
            b"\x1f\x8b\x08",
        ] {
            assert_eq!(sniff(other), None);
        }
    }

    #[test]
    fn looks_through_gzip_even_when_cut() {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder
            .write_all(b"##fileformat=VCFv4.3\n")
            .expect("memory");
        for number in 0..5000 {
            writeln!(encoder, "##line{number}={}", number * 7919).expect("memory");
        }
        let whole = encoder.finish().expect("memory");
        assert_eq!(sniff(&whole[..2000]), Some(Format::Vcf));
    }
}
