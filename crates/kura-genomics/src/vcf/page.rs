//! A page of variants for a screen.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use kura_model::Refusal;
use serde::Serialize;

use super::Warnings;
use super::header::Header;
use super::lines::Lines;
use super::record::position;
use crate::{Format, Limits};

/// At most this many variants come in one page.
const MOST: usize = 1000;

/// Variants in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    pub variants: Vec<Variant>,
    /// The offset of the next page, or `None` at the end.
    pub next: Option<u64>,
}

/// One record as a reader of a table wants it; text as in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Variant {
    pub chrom: String,
    /// 1-based.
    pub pos: u64,
    pub id: Option<String>,
    pub reference: String,
    /// Alternate alleles with commas between.
    pub alternate: String,
    pub qual: Option<String>,
    pub filter: Option<String>,
    /// GT of the sample that was asked for, or of the only one.
    pub genotype: Option<String>,
    /// DP of that sample, else of the record.
    pub depth: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation: Option<Annotation>,
}

/// The first transcript of `ANN` (SnpEff) or `CSQ` (VEP), where the header declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Annotation {
    pub gene: Option<String>,
    /// Sequence ontology terms with `&` between.
    pub consequence: Option<String>,
    pub hgvs_c: Option<String>,
    pub hgvs_p: Option<String>,
}

/// [`page`] of a file on disk.
pub fn variants(
    path: &Path,
    format: Format,
    sample: Option<&str>,
    offset: u64,
    limit: usize,
) -> Result<Page, Refusal> {
    let file =
        File::open(path).map_err(|_| Refusal::new("io-read", "the file could not be read"))?;
    let reader = BufReader::with_capacity(128 << 10, file);
    page(reader, format, sample, offset, limit, &Limits::default())
}

/// Skips `offset` variants and gives at most `limit` (and at most 1000). With a sample only
/// variants of which it carries an alternate allele are counted and given. The file has passed
/// [`super::check`]; a line that nevertheless cannot be read is a refusal.
pub fn page(
    reader: impl BufRead,
    format: Format,
    sample: Option<&str>,
    offset: u64,
    limit: usize,
    limits: &Limits,
) -> Result<Page, Refusal> {
    let mut lines = Lines::open(reader, format, limits)?;
    let header = lines.header(&mut Warnings::default())?;
    let column = match sample {
        Some(name) => Some(
            header
                .samples
                .iter()
                .position(|have| have == name)
                .ok_or_else(|| Refusal::new("vcf-samples", "the file has no such sample"))?,
        ),
        None => (header.samples.len() == 1).then_some(0),
    };
    let annotations = Columns::of(&header);
    let limit = limit.clamp(1, MOST);
    let mut page = Page {
        variants: Vec::new(),
        next: None,
    };
    let mut skipped = 0;
    let mut bounds = Vec::new();
    while lines.next(&header)? {
        lines.columns(&mut bounds);
        let row = Row {
            line: lines.text(),
            bounds: &bounds,
        };
        if bounds.len() < 8 {
            return Err(lines.locate(Refusal::new("vcf-columns", "columns are missing")));
        }
        let genotype = column.and_then(|at| row.sample(at, b"GT"));
        if sample.is_some() && !genotype.is_some_and(carries) {
            continue;
        }
        if skipped < offset {
            skipped += 1;
            continue;
        }
        if page.variants.len() == limit {
            page.next = Some(offset + limit as u64);
            break;
        }
        let variant = row
            .variant(column, genotype, annotations.as_ref())
            .map_err(|refusal| lines.locate(refusal))?;
        page.variants.push(variant);
    }
    Ok(page)
}

/// A genotype with an allele other than 0 and the missing one.
fn carries(genotype: &[u8]) -> bool {
    genotype
        .split(|b| matches!(b, b'/' | b'|'))
        .any(|allele| allele.iter().any(|b| matches!(b, b'1'..=b'9')))
}

struct Row<'a> {
    line: &'a [u8],
    bounds: &'a [(usize, usize)],
}

impl<'a> Row<'a> {
    fn column(&self, at: usize) -> Option<&'a [u8]> {
        let (start, end) = *self.bounds.get(at)?;
        self.line.get(start..end)
    }

    fn text(&self, at: usize) -> String {
        String::from_utf8_lossy(self.column(at).unwrap_or_default()).into_owned()
    }

    fn present(&self, at: usize) -> Option<String> {
        Some(self.text(at)).filter(|text| text != ".")
    }

    fn sample(&self, at: usize, key: &[u8]) -> Option<&'a [u8]> {
        let mut keys = self.column(8)?.split(|b| *b == b':');
        let index = keys.position(|have| have == key)?;
        self.column(9 + at)?
            .split(|b| *b == b':')
            .nth(index)
            .filter(|value| *value != b".")
    }

    fn info(&self, key: &str) -> Option<&'a [u8]> {
        self.column(7)?
            .split(|b| *b == b';')
            .find_map(|entry| entry.strip_prefix(key.as_bytes())?.strip_prefix(b"="))
    }

    fn variant(
        &self,
        column: Option<usize>,
        genotype: Option<&[u8]>,
        annotations: Option<&Columns>,
    ) -> Result<Variant, Refusal> {
        let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse().ok();
        Ok(Variant {
            chrom: self.text(0),
            pos: position(self.column(1).unwrap_or_default())?,
            id: self.present(2),
            reference: self.text(3),
            alternate: self.text(4),
            qual: self.present(5),
            filter: self.present(6),
            genotype: genotype.map(|g| String::from_utf8_lossy(g).into_owned()),
            depth: column
                .and_then(|at| self.sample(at, b"DP"))
                .or_else(|| self.info("DP"))
                .and_then(number),
            annotation: annotations.and_then(|columns| columns.read(self.info(columns.key)?)),
        })
    }
}

/// Which part of an annotation is which.
struct Columns {
    key: &'static str,
    gene: Option<usize>,
    consequence: Option<usize>,
    hgvs_c: Option<usize>,
    hgvs_p: Option<usize>,
}

impl Columns {
    /// `ANN` has a fixed order (Variant annotations in VCF format 1.0); `CSQ` lists its own
    /// after "Format: ".
    fn of(header: &Header) -> Option<Self> {
        if header.annotation.contains_key("ANN") {
            return Some(Self {
                key: "ANN",
                gene: Some(3),
                consequence: Some(1),
                hgvs_c: Some(9),
                hgvs_p: Some(10),
            });
        }
        let (_, format) = header.annotation.get("CSQ")?.split_once("Format:")?;
        let names: Vec<&str> = format.trim().trim_end_matches('"').split('|').collect();
        let find = |name: &str| names.iter().position(|have| have.trim() == name);
        Some(Self {
            key: "CSQ",
            gene: find("SYMBOL"),
            consequence: find("Consequence"),
            hgvs_c: find("HGVSc"),
            hgvs_p: find("HGVSp"),
        })
    }

    fn read(&self, value: &[u8]) -> Option<Annotation> {
        let first = value.split(|b| *b == b',').next()?;
        let parts: Vec<&[u8]> = first.split(|b| *b == b'|').collect();
        let get = |at: Option<usize>| {
            let text = String::from_utf8_lossy(parts.get(at?)?).into_owned();
            (!text.is_empty()).then_some(text)
        };
        Some(Annotation {
            gene: get(self.gene),
            consequence: get(self.consequence),
            hgvs_c: get(self.hgvs_c),
            hgvs_p: get(self.hgvs_p),
        })
    }
}
