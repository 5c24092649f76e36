//! One data line, VCFv4.3 1.6.

use std::collections::HashSet;

use kura_model::Refusal;

use super::header::{Definition, Header};
use super::meta::{Number, Type};
use super::value::{cigar, float, genotype, values};
use super::{Summary, Warnings, allele, reserved};
use crate::Limits;

/// Checks lines one after the other; keeps only what the next line needs.
#[derive(Default)]
pub(super) struct Checker {
    contig: Vec<u8>,
    position: u64,
    seen: HashSet<Vec<u8>>,
    format: Vec<u8>,
    fields: Vec<Field>,
    bounds: Vec<(usize, usize)>,
}

/// A key of the current FORMAT column.
struct Field {
    key: String,
    genotype: bool,
    rule: Option<Definition>,
}

fn refuse(rule: &str, path: &str, message: &str) -> Refusal {
    Refusal::new(rule, message).at_path(path)
}

impl Checker {
    pub(super) fn check(
        &mut self,
        line: &[u8],
        header: &Header,
        limits: &Limits,
        summary: &mut Summary,
        warnings: &mut Warnings,
    ) -> Result<(), Refusal> {
        let strict = header.strict();
        let mut bounds = std::mem::take(&mut self.bounds);
        split(line, b'\t', &mut bounds);
        let expected = 8 + usize::from(header.has_format) + header.samples.len();
        if bounds.len() != expected {
            return Err(Refusal::new(
                "vcf-columns",
                format!(
                    "{expected} columns separated by tabs are expected, {} are here",
                    bounds.len()
                ),
            ));
        }
        let column = |at: usize| &line[bounds[at].0..bounds[at].1];
        self.chromosome(column(0), limits, summary)?;
        let position = position(column(1))?;
        if position < self.position {
            summary.sorted = false;
        }
        self.position = position;
        identifiers(column(2), strict, warnings)?;
        let reference = column(3);
        if !allele::reference(reference) {
            let refusal = refuse("vcf-ref", "REF", "REF is one or more of A, C, G, T, N");
            warnings.soft(strict || !allele::ambiguous(reference), refusal)?;
        }
        let alternates = alternates(reference, column(4), summary)?;
        quality(column(5))?;
        filters(column(6), strict, warnings)?;
        self.info(column(7), header, alternates, warnings)?;
        if header.has_format && !header.samples.is_empty() {
            self.layout(column(8), header, warnings)?;
            for at in 9..bounds.len() {
                self.sample(
                    &line[bounds[at].0..bounds[at].1],
                    alternates,
                    header,
                    warnings,
                )
                .map_err(|refusal| {
                    // The sample is named by its column: its name may be a person's number.
                    let path = refusal.location.path.clone().unwrap_or_default();
                    refusal.at_path(format!("column {}/{path}", at + 1))
                })?;
            }
        }
        summary.records += 1;
        self.bounds = bounds;
        Ok(())
    }

    /// VCFv4.3 1.6.1: an identifier from the reference genome, no white space; all records of
    /// one contig stand together.
    fn chromosome(
        &mut self,
        name: &[u8],
        limits: &Limits,
        summary: &mut Summary,
    ) -> Result<(), Refusal> {
        if name == self.contig && !self.contig.is_empty() {
            return Ok(());
        }
        let inside = match name {
            [b'<', inside @ .., b'>'] => inside,
            other => other,
        };
        let first_bad = inside.first().is_none_or(|b| matches!(b, b'*' | b'='));
        let bad = |b: &u8| {
            !b.is_ascii_graphic()
                || matches!(
                    b,
                    b'<' | b'>'
                        | b'['
                        | b']'
                        | b'('
                        | b')'
                        | b'{'
                        | b'}'
                        | b'"'
                        | b'\''
                        | b'`'
                        | b'\\'
                        | b','
                )
        };
        if first_bad || inside.iter().any(bad) {
            return Err(refuse(
                "vcf-chrom",
                "CHROM",
                "CHROM is a contig name without spaces, brackets, quotation marks or commas",
            ));
        }
        if self.seen.len() >= limits.names {
            return Err(refuse("vcf-contigs", "CHROM", "too many contigs"));
        }
        if !self.seen.insert(name.to_vec()) {
            return Err(refuse(
                "vcf-contiguous",
                "CHROM",
                "the records of one contig stand together",
            ));
        }
        summary
            .contigs_with_records
            .push(String::from_utf8_lossy(name).into_owned());
        self.contig.clear();
        self.contig.extend_from_slice(name);
        self.position = 0;
        Ok(())
    }

    /// VCFv4.3 1.6.1, field 8.
    fn info(
        &mut self,
        text: &[u8],
        header: &Header,
        alternates: Option<usize>,
        warnings: &mut Warnings,
    ) -> Result<(), Refusal> {
        let strict = header.strict();
        if text == b"." {
            return Ok(());
        }
        if text.is_empty() {
            return Err(refuse(
                "vcf-info",
                "INFO",
                "an empty INFO is written as a dot",
            ));
        }
        let mut keys: Vec<&[u8]> = Vec::new();
        for entry in text.split(|b| *b == b';') {
            let (key, value) = match entry.iter().position(|b| *b == b'=') {
                Some(at) => (&entry[..at], Some(&entry[at + 1..])),
                None => (entry, None),
            };
            if !key_is_valid(key) {
                let refusal = refuse(
                    "vcf-info",
                    "INFO",
                    "an INFO entry is KEY or KEY=value; a key is letters, digits, _ and .",
                );
                // Older files end in a semicolon, or have other characters in their keys.
                warnings.soft(strict, refusal)?;
                continue;
            }
            if keys.contains(&key) {
                warnings.soft(
                    strict,
                    refuse(
                        "vcf-info-duplicate",
                        "INFO",
                        "an INFO key stands once in a record",
                    ),
                )?;
            }
            keys.push(key);
            let Ok(name) = std::str::from_utf8(key) else {
                continue;
            };
            let rule = header.info.get(name).copied().or_else(|| {
                reserved::info(name)
                    .filter(|_| strict)
                    .map(|(number, kind, not_negative)| Definition {
                        number,
                        kind,
                        not_negative,
                    })
            });
            let Some(rule) = rule else { continue };
            let outcome = match value {
                None | Some(b"") if rule.kind != Type::Flag && rule.number != Number::Count(0) => {
                    Err("a key that is not a flag has a value")
                }
                // VCFv4.3 1.6.1: a Flag has no value; 0 and 1 are an old habit.
                Some(value) if rule.kind == Type::Flag => match value {
                    b"0" | b"1" => Ok(()),
                    _ => Err("a flag has no value"),
                },
                None | Some(b".") => Ok(()),
                Some(value)
                    if strict && name == "CIGAR" && !value.split(|b| *b == b',').all(cigar) =>
                {
                    Err("CIGAR is lengths and operators")
                }
                // VCFv4.3 1.4.2: G is defined by a sample's ploidy, which INFO does not have.
                Some(value) => values(value, rule, alternates, None, strict),
            };
            if let Err(message) = outcome {
                warnings.soft(
                    strict,
                    refuse("vcf-info-value", &format!("INFO/{name}"), message),
                )?;
            }
        }
        Ok(())
    }

    /// VCFv4.3 1.6.2: the FORMAT column; the same text as on the line before costs nothing.
    fn layout(
        &mut self,
        text: &[u8],
        header: &Header,
        warnings: &mut Warnings,
    ) -> Result<(), Refusal> {
        if text == self.format && !self.fields.is_empty() {
            return Ok(());
        }
        let strict = header.strict();
        self.fields.clear();
        for (at, key) in text.split(|b| *b == b':').enumerate() {
            let name = std::str::from_utf8(key).unwrap_or_default();
            if (strict || text != b".") && !key_is_valid(key) {
                return Err(refuse(
                    "vcf-format",
                    "FORMAT",
                    "FORMAT is keys of letters, digits, _ and . separated by colons",
                ));
            }
            if self.fields.iter().any(|field| field.key == name) {
                return Err(refuse("vcf-format", "FORMAT", "a FORMAT key stands once"));
            }
            if name == "GT" && at > 0 {
                warnings.soft(
                    strict,
                    refuse("vcf-format", "FORMAT", "GT is the first key if it is there"),
                )?;
            }
            let rule = header.format.get(name).copied().or_else(|| {
                reserved::format(name)
                    .filter(|_| strict)
                    .map(|(number, kind, not_negative)| Definition {
                        number,
                        kind,
                        not_negative,
                    })
            });
            self.fields.push(Field {
                key: name.to_owned(),
                genotype: name == "GT",
                // Number=. of strings can say nothing wrong.
                rule: rule.filter(|r| r.number != Number::Unknown || r.kind != Type::String),
            });
        }
        self.format.clear();
        self.format.extend_from_slice(text);
        Ok(())
    }

    fn sample(
        &self,
        text: &[u8],
        alternates: Option<usize>,
        header: &Header,
        warnings: &mut Warnings,
    ) -> Result<(), Refusal> {
        let strict = header.strict();
        if text.is_empty() {
            return Err(refuse(
                "vcf-sample",
                "",
                "a sample without data is written as a dot",
            ));
        }
        let mut ploidy = Some(2);
        let mut fields = self.fields.iter();
        for value in text.split(|b| *b == b':') {
            let Some(field) = fields.next() else {
                return Err(refuse(
                    "vcf-sample",
                    "",
                    "a sample has no more values than FORMAT has keys",
                ));
            };
            if field.genotype {
                ploidy = genotype(value, alternates, header.minor)
                    .map_err(|message| refuse("vcf-genotype", "GT", message))?;
                continue;
            }
            let Some(rule) = field.rule else { continue };
            if value == b"." || value.is_empty() && !strict {
                continue;
            }
            if let Err(message) = values(value, rule, alternates, ploidy, strict) {
                warnings.soft(strict, refuse("vcf-sample-value", &field.key, message))?;
            }
        }
        Ok(())
    }
}

pub(super) fn split(text: &[u8], at: u8, into: &mut Vec<(usize, usize)>) {
    into.clear();
    let mut start = 0;
    for (index, byte) in text.iter().enumerate() {
        if *byte == at {
            into.push((start, index));
            start = index + 1;
        }
    }
    into.push((start, text.len()));
}

/// VCFv4.3 1.6.1: `^([A-Za-z_][0-9A-Za-z_.]*|1000G)$`.
fn key_is_valid(key: &[u8]) -> bool {
    key == b"1000G"
        || key
            .first()
            .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
            && key
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
}

/// 1-based; 0 stands for the telomere.
pub(super) fn position(text: &[u8]) -> Result<u64, Refusal> {
    // VCFv4.3 1.6.1: POS is an Integer, which has 32 bits.
    let digits = text.iter().all(u8::is_ascii_digit).then_some(text);
    let value = digits
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<i32>().ok())
        .and_then(|value| u64::try_from(value).ok());
    value.ok_or_else(|| {
        refuse(
            "vcf-pos",
            "POS",
            "POS is a whole number from 0 to 2147483647",
        )
    })
}

fn identifiers(text: &[u8], strict: bool, warnings: &mut Warnings) -> Result<(), Refusal> {
    if text == b"." {
        return Ok(());
    }
    let mut seen: Vec<&[u8]> = Vec::new();
    for id in text.split(|b| *b == b';') {
        if id.is_empty() || id.iter().any(u8::is_ascii_whitespace) {
            return warnings.soft(
                strict,
                refuse(
                    "vcf-id",
                    "ID",
                    "IDs are not empty, have no spaces, and ; is between them",
                ),
            );
        }
        if seen.contains(&id) {
            return warnings.soft(
                strict,
                refuse("vcf-id", "ID", "an ID stands once in a record"),
            );
        }
        seen.push(id);
    }
    Ok(())
}

/// The number of alternate alleles; `None` for a lone dot.
fn alternates(
    reference: &[u8],
    text: &[u8],
    summary: &mut Summary,
) -> Result<Option<usize>, Refusal> {
    if text == b"." {
        summary.counts.reference += 1;
        return Ok(None);
    }
    let mut count = 0;
    for one in text.split(|b| *b == b',') {
        let Some(kind) = allele::alternate(reference, one) else {
            return Err(refuse(
                "vcf-alt",
                "ALT",
                "an alternate allele is bases, *, <ID> or a breakend",
            ));
        };
        summary.counts.add(kind);
        count += 1;
    }
    if count > 1 {
        summary.multiallelic += 1;
    }
    Ok(Some(count))
}

fn quality(text: &[u8]) -> Result<(), Refusal> {
    if text == b"." || float(text) {
        return Ok(());
    }
    Err(refuse("vcf-qual", "QUAL", "QUAL is a number or a dot"))
}

fn filters(text: &[u8], strict: bool, warnings: &mut Warnings) -> Result<(), Refusal> {
    if matches!(text, b"." | b"PASS") {
        return Ok(());
    }
    let mut seen: Vec<&[u8]> = Vec::new();
    for name in text.split(|b| *b == b';') {
        // VCFv4.3 1.6.1: "0" is reserved.
        let good = !name.is_empty()
            && name != b"0"
            && !name.iter().any(|b| b.is_ascii_whitespace() || *b == b',')
            && !seen.contains(&name);
        if !good {
            return warnings.soft(
                strict || name.is_empty(),
                refuse(
                    "vcf-filter",
                    "FILTER",
                    "FILTER is PASS, a dot, or names separated by ; (0 is reserved)",
                ),
            );
        }
        seen.push(name);
    }
    Ok(())
}
