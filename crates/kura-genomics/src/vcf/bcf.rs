//! BCF 2.2, VCFv4.3 6: a record is turned into the text line it stands for, so that both
//! forms meet the same rules.

use std::io::{BufRead, Read};

use kura_model::Refusal;

use super::header::Header;
use super::typed::{Cursor, Kind, Value, float, write_genotype, write_integer};
use crate::Limits;

pub(super) fn bad(path: &str, message: &str) -> Refusal {
    Refusal::new("bcf-record", message).at_path(path)
}

/// VCFv4.3 6.2: `BCF\2`, minor version, l_text, text.
pub(super) fn header_text(
    source: &mut impl BufRead,
    limit: usize,
    byte: &mut u64,
) -> Result<Vec<u8>, Refusal> {
    let mut head = [0u8; 9];
    exact(source, &mut head, byte)?;
    if !head.starts_with(b"BCF\x02") || !(1..=2).contains(&head[4]) {
        return Err(Refusal::new(
            "bcf-magic",
            "the file starts with BCF 2.1 or 2.2",
        ));
    }
    let length = u32::from_le_bytes([head[5], head[6], head[7], head[8]]) as usize;
    if length > limit {
        return Err(Refusal::new("vcf-header-size", "the header is too long"));
    }
    let mut text = Vec::new();
    fill(source, length, &mut text, byte)?;
    while text.last() == Some(&0) {
        text.pop();
    }
    Ok(text)
}

fn exact(source: &mut impl BufRead, into: &mut [u8], byte: &mut u64) -> Result<(), Refusal> {
    let mut whole = Vec::new();
    fill(source, into.len(), &mut whole, byte)?;
    into.copy_from_slice(&whole);
    Ok(())
}

/// Reads exactly `length` bytes; memory grows only as they arrive.
fn fill(
    source: &mut impl BufRead,
    length: usize,
    into: &mut Vec<u8>,
    byte: &mut u64,
) -> Result<(), Refusal> {
    into.clear();
    let count = source
        .take(length as u64)
        .read_to_end(into)
        .map_err(|error| {
            error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<Refusal>())
                .cloned()
                .unwrap_or_else(|| Refusal::new("gzip-corrupt", "the file could not be read"))
        })?;
    *byte += count as u64;
    if count < length {
        return Err(Refusal::new("bcf-truncated", "the file ends in the middle").at_byte(*byte));
    }
    Ok(())
}

/// One record's two blocks, reused.
#[derive(Default)]
pub(super) struct Record {
    shared: Vec<u8>,
    individual: Vec<u8>,
}

impl Record {
    /// VCFv4.3 6.3.1: l_shared, l_indiv, then that many bytes; `false` at the end.
    pub(super) fn read(
        &mut self,
        source: &mut impl BufRead,
        limits: &Limits,
        byte: &mut u64,
    ) -> Result<bool, Refusal> {
        let mut head = Vec::with_capacity(8);
        let at_end = source.fill_buf().map(<[u8]>::is_empty).unwrap_or(false);
        if at_end {
            return Ok(false);
        }
        fill(source, 8, &mut head, byte)?;
        let shared = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let individual = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if shared < 24 || shared.saturating_add(individual) > limits.line {
            return Err(Refusal::new(
                "bcf-record-size",
                "a record states an impossible size",
            ));
        }
        if *byte > limits.file {
            return Err(Refusal::new("vcf-file-size", "the file is too long"));
        }
        fill(source, shared, &mut self.shared, byte)?;
        fill(source, individual, &mut self.individual, byte)?;
        Ok(true)
    }

    /// Writes the record as a line of VCF.
    pub(super) fn to_text(
        &self,
        header: &Header,
        limits: &Limits,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        out.clear();
        let mut shared = Cursor {
            bytes: &self.shared,
        };
        let chrom = shared.i32()?;
        let pos = shared.i32()?;
        let _rlen = shared.i32()?;
        let qual = shared.u32()?;
        let info_alleles = shared.u32()?;
        let format_samples = shared.u32()?;
        let (alleles, infos) = (info_alleles >> 16, info_alleles & 0xffff);
        let (formats, samples) = (format_samples >> 24, format_samples & 0x00ff_ffff);
        if samples as usize != header.samples.len() {
            return Err(bad("FORMAT", "a record has as many samples as the header"));
        }
        let name = usize::try_from(chrom)
            .ok()
            .and_then(|at| header.contig_names.get(at))
            .filter(|name| !name.is_empty())
            .ok_or_else(|| bad("CHROM", "the contig is not declared in the header"))?;
        out.extend_from_slice(name.as_bytes());
        // POS is 0-based here; -1 is the telomere's 0.
        out.push(b'\t');
        write_integer(out, i64::from(pos) + 1);
        out.push(b'\t');
        shared.string("ID", out, limits)?;
        if alleles == 0 {
            return Err(bad("REF", "a record has a reference allele"));
        }
        for at in 0..alleles {
            out.push(if at < 2 { b'\t' } else { b',' });
            shared.string(if at == 0 { "REF" } else { "ALT" }, out, limits)?;
        }
        out.extend_from_slice(if alleles == 1 { b"\t.\t" } else { b"\t" });
        float(out, qual);
        out.push(b'\t');
        filter(&mut shared, header, out)?;
        out.push(b'\t');
        for at in 0..infos {
            if at > 0 {
                out.push(b';');
            }
            info(&mut shared, header, out, limits)?;
        }
        if infos == 0 {
            out.push(b'.');
        }
        self.samples(header, formats as usize, samples as usize, limits, out)
    }

    /// VCFv4.3 6.3.2: the fields stand one after the other, each for all samples.
    fn samples(
        &self,
        header: &Header,
        formats: usize,
        samples: usize,
        limits: &Limits,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        if !header.has_format {
            return Ok(());
        }
        let mut cursor = Cursor {
            bytes: &self.individual,
        };
        out.push(b'\t');
        let mut columns = Vec::new();
        for at in 0..formats {
            let key = string_of(header, cursor.integer("FORMAT")?, "FORMAT")?;
            let (kind, length) = cursor.descriptor("FORMAT")?;
            let width = length
                .checked_mul(kind.size())
                .ok_or_else(|| bad("FORMAT", "a field states an impossible size"))?;
            let total = width
                .checked_mul(samples)
                .ok_or_else(|| bad("FORMAT", "a field states an impossible size"))?;
            let bytes = cursor.take(total, "FORMAT")?;
            if at > 0 {
                out.push(b':');
            }
            out.extend_from_slice(key.as_bytes());
            columns.push((key == "GT", kind, width, bytes));
        }
        if formats == 0 {
            out.push(b'.');
        }
        for sample in 0..samples {
            out.push(b'\t');
            for (at, (genotype, kind, width, bytes)) in columns.iter().enumerate() {
                if at > 0 {
                    out.push(b':');
                }
                let value = &bytes[sample * width..(sample + 1) * width];
                if *genotype && kind.is_integer() {
                    write_genotype(*kind, value, out);
                } else {
                    kind.write(value, out);
                }
            }
            if columns.is_empty() {
                out.push(b'.');
            }
            size(out, limits)?;
        }
        Ok(())
    }
}

pub(super) fn size(out: &[u8], limits: &Limits) -> Result<(), Refusal> {
    if out.len() > limits.line {
        return Err(Refusal::new(
            "bcf-record-size",
            "a record is too long as text",
        ));
    }
    Ok(())
}

fn filter(shared: &mut Cursor<'_>, header: &Header, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let (kind, length) = shared.descriptor("FILTER")?;
    let bytes = shared.take(length.saturating_mul(kind.size()), "FILTER")?;
    if length == 0 || !kind.is_integer() {
        out.push(b'.');
        return Ok(());
    }
    for (at, chunk) in bytes.chunks_exact(kind.size()).enumerate() {
        let Value::Number(index) = kind.integer(chunk) else {
            continue;
        };
        if at > 0 {
            out.push(b';');
        }
        out.extend_from_slice(string_of(header, i64::from(index), "FILTER")?.as_bytes());
    }
    Ok(())
}

fn info(
    shared: &mut Cursor<'_>,
    header: &Header,
    out: &mut Vec<u8>,
    limits: &Limits,
) -> Result<(), Refusal> {
    let key = string_of(header, shared.integer("INFO")?, "INFO")?;
    let (kind, length) = shared.descriptor("INFO")?;
    let bytes = shared.take(length.saturating_mul(kind.size()), "INFO")?;
    out.extend_from_slice(key.as_bytes());
    let flag = header
        .info
        .get(key)
        .is_some_and(|rule| rule.kind == super::meta::Type::Flag);
    if !flag && kind != Kind::Missing {
        out.push(b'=');
        kind.write(bytes, out);
    } else if !flag {
        out.extend_from_slice(b"=.");
    }
    size(out, limits)
}

fn string_of<'a>(header: &'a Header, index: i64, path: &str) -> Result<&'a str, Refusal> {
    usize::try_from(index)
        .ok()
        .and_then(|at| header.strings.get(at))
        .filter(|name| !name.is_empty())
        .map(String::as_str)
        .ok_or_else(|| bad(path, "a key is not declared in the header"))
}
