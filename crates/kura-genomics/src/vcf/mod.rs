//! VCF and BCF: one pass over a whole file, or a page of it.

mod allele;
mod bcf;
mod header;
mod lines;
mod meta;
mod page;
mod record;
mod reserved;
mod typed;
mod value;

use std::io::BufRead;

use kura_model::Refusal;
use serde::Serialize;

pub use page::{Annotation, Page, Variant, page, variants};

use crate::{Format, Limits};
use header::Header;
use lines::Lines;
use record::Checker;

/// How far [`check`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file as it lies on disk.
    pub bytes: u64,
    pub records: u64,
}

/// Alternate alleles by type, and records without one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub snv: u64,
    pub mnv: u64,
    pub insertion: u64,
    pub deletion: u64,
    pub delins: u64,
    /// `<DEL>`, `<DUP>` and other symbolic alleles.
    pub symbolic: u64,
    pub breakend: u64,
    /// `*`, `<*>`, `<NON_REF>`.
    pub other: u64,
    /// Records whose ALT is a dot.
    pub reference: u64,
}

impl Counts {
    fn add(&mut self, kind: allele::Kind) {
        use allele::Kind;
        *match kind {
            Kind::Snv => &mut self.snv,
            Kind::Mnv => &mut self.mnv,
            Kind::Insertion => &mut self.insertion,
            Kind::Deletion => &mut self.deletion,
            Kind::Delins => &mut self.delins,
            Kind::Symbolic => &mut self.symbolic,
            Kind::Breakend => &mut self.breakend,
            Kind::Other => &mut self.other,
        } += 1;
    }

    /// Insertions, deletions and both at once.
    pub fn indel(&self) -> u64 {
        self.insertion + self.deletion + self.delins
    }
}

/// What a valid VCF or BCF holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Such as `VCFv4.3`; of a BCF the version of its header text.
    pub fileformat: String,
    /// Sample names as in the column line.
    pub samples: Vec<String>,
    /// Contigs that the header declares.
    pub contigs: Vec<String>,
    /// Contigs that have records, in their order.
    pub contigs_with_records: Vec<String>,
    /// The value of `##reference`.
    pub reference: Option<String>,
    /// `GRCh37`, `GRCh38` or `T2T-CHM13v2.0` where contig lengths or names tell.
    pub assembly: Option<String>,
    pub records: u64,
    pub multiallelic: u64,
    pub counts: Counts,
    /// Positions never fall within a contig.
    pub sorted: bool,
    /// Breaches that are tolerated in versions before 4.3: the first few, and their number.
    pub warnings: Vec<Refusal>,
    pub warning_count: u64,
}

/// Tolerated breaches.
#[derive(Default)]
struct Warnings {
    first: Vec<Refusal>,
    count: u64,
    line: Option<u64>,
}

impl Warnings {
    /// Refuses when the rule is binding, otherwise notes it.
    fn soft(&mut self, binding: bool, refusal: Refusal) -> Result<(), Refusal> {
        if binding {
            return Err(refusal);
        }
        self.count += 1;
        if self.first.len() < 20 {
            let mut refusal = refusal;
            refusal.location.line = self.line;
            self.first.push(refusal);
        }
        Ok(())
    }
}

/// Reads a whole VCF (`Format::Vcf`) or BCF (`Format::Bcf`) once, in gzip or BGZF or plain, and
/// checks its structure. Memory does not grow with the number of records.
///
/// Rules that VCF 4.3 made binding refuse a file that claims 4.3 or later and are warnings for
/// older ones. `on_progress` is called about every megabyte.
///
/// # Errors
/// A [`Refusal`] with the line (VCF) or the byte after decompression (BCF) and the column, such
/// as `POS` or `INFO/DP`; for a damaged container the byte of the file.
pub fn check(
    reader: impl BufRead,
    format: Format,
    limits: &Limits,
    mut on_progress: impl FnMut(Progress),
) -> Result<Summary, Refusal> {
    let mut lines = Lines::open(reader, format, limits)?;
    let mut warnings = Warnings::default();
    let header = lines.header(&mut warnings)?;
    let mut summary = Summary {
        sorted: true,
        ..Summary::default()
    };
    let mut checker = Checker::default();
    let mut reported = 0;
    while lines.next(&header)? {
        warnings.line = lines.line_number();
        checker
            .check(lines.text(), &header, limits, &mut summary, &mut warnings)
            .map_err(|refusal| lines.locate(refusal))?;
        let bytes = lines.taken();
        if bytes - reported >= 1 << 20 {
            reported = bytes;
            on_progress(Progress {
                bytes,
                records: summary.records,
            });
        }
    }
    // VCFv4.3 1.1: every line ends with a line break; a missing one is how a cut file looks.
    if lines.unfinished() {
        let refusal = Refusal::new("vcf-newline", "the last line has no line break");
        warnings
            .soft(header.strict(), refusal)
            .map_err(|refusal| lines.locate(refusal))?;
    }
    on_progress(Progress {
        bytes: lines.taken(),
        records: summary.records,
    });
    finish(&mut summary, header, warnings);
    Ok(summary)
}

fn finish(summary: &mut Summary, header: Header, warnings: Warnings) {
    summary.fileformat = format!("VCFv4.{}", header.minor);
    summary.assembly = assembly(&header);
    summary.samples = header.samples;
    summary.contigs = header.contigs.into_iter().map(|c| c.id).collect();
    summary.reference = header.reference;
    summary.warnings = warnings.first;
    summary.warning_count = warnings.count;
}

/// Chromosome 1 has a length of its own in each human assembly (Genome Reference Consortium;
/// T2T consortium); failing that, names are searched.
fn assembly(header: &Header) -> Option<String> {
    let first = header
        .contigs
        .iter()
        .find(|c| matches!(c.id.as_str(), "1" | "chr1"))
        .and_then(|c| c.length);
    let name = match first {
        Some(249_250_621) => Some("GRCh37"),
        Some(248_956_422) => Some("GRCh38"),
        Some(248_387_328) => Some("T2T-CHM13v2.0"),
        _ => None,
    };
    let named = || {
        let text = [&header.assembly_named, &header.reference]
            .into_iter()
            .flatten()
            .map(|text| text.to_ascii_lowercase())
            .collect::<Vec<_>>()
            .join(" ");
        [
            ("grch38", "GRCh38"),
            ("hg38", "GRCh38"),
            ("grch37", "GRCh37"),
            ("hg19", "GRCh37"),
            ("b37", "GRCh37"),
            ("chm13", "T2T-CHM13v2.0"),
        ]
        .into_iter()
        .find(|(needle, _)| text.contains(needle))
        .map(|(_, name)| name)
    };
    name.or_else(named).map(str::to_owned)
}
