//! The header of a VCF, VCFv4.3 1.4 and 1.5; BCF carries the same text.

use std::collections::{HashMap, HashSet};

use kura_model::Refusal;

use super::Warnings;
use super::meta::{Attribute, Number, Type, attributes};
use super::reserved;
use crate::Limits;

/// A declared INFO or FORMAT key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Definition {
    pub number: Number,
    pub kind: Type,
    /// VCFv4.3 Table 1: counts and depths.
    pub not_negative: bool,
}

/// A `##contig` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contig {
    pub id: String,
    pub length: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Header {
    /// The `3` of `VCFv4.3`.
    pub minor: u8,
    pub info: HashMap<String, Definition>,
    pub format: HashMap<String, Definition>,
    pub contigs: Vec<Contig>,
    pub samples: Vec<String>,
    pub has_format: bool,
    pub reference: Option<String>,
    pub assembly_named: Option<String>,
    /// INFO descriptions of `ANN` and `CSQ`, which name their own columns.
    pub annotation: HashMap<String, String>,
    /// BCF dictionaries (VCFv4.3 6.2.1): strings of FILTER, INFO, FORMAT, and contigs.
    pub strings: Vec<String>,
    pub contig_names: Vec<String>,
    seen: HashSet<(String, String)>,
    string_ids: HashMap<String, usize>,
    bytes: usize,
}

impl Header {
    /// The rules that 4.3 made binding; in older files a breach is a warning.
    pub(super) fn strict(&self) -> bool {
        self.minor >= 3
    }

    /// VCFv4.3 1.4.1: the first line.
    pub(super) fn fileformat(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let Some(version) = line.strip_prefix(b"##fileformat=") else {
            return Err(Refusal::new(
                "vcf-fileformat",
                "the first line is ##fileformat=VCFv4.x",
            ));
        };
        let minor = version
            .strip_prefix(b"VCFv4.")
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.trim_end().parse::<u8>().ok());
        match minor {
            Some(minor) if minor <= 5 => {
                self.minor = minor;
                // VCFv4.3 6.2.1: PASS is implicitly the first string.
                self.string("PASS", None)
            }
            _ => Err(Refusal::new(
                "vcf-fileformat",
                "the file format is one of VCFv4.0 to VCFv4.5",
            )
            .at_path("fileformat")),
        }
    }

    /// One line after the first; `true` when it was the column line.
    pub(super) fn line(
        &mut self,
        line: &[u8],
        limits: &Limits,
        warnings: &mut Warnings,
    ) -> Result<bool, Refusal> {
        self.bytes += line.len() + 1;
        if self.bytes > limits.header {
            return Err(Refusal::new("vcf-header-size", "the header is too long"));
        }
        if let Some(meta) = line.strip_prefix(b"##") {
            self.meta(&String::from_utf8_lossy(meta), limits, warnings)?;
            return Ok(false);
        }
        if line.starts_with(b"#") {
            self.columns(line, limits)?;
            return Ok(true);
        }
        Err(Refusal::new(
            "vcf-header",
            "a header line starts with ##, and #CHROM comes before the first record",
        ))
    }

    fn meta(
        &mut self,
        text: &str,
        limits: &Limits,
        warnings: &mut Warnings,
    ) -> Result<(), Refusal> {
        let strict = self.strict();
        let Some((key, value)) = text.split_once('=') else {
            return warnings.soft(
                strict,
                Refusal::new("vcf-meta", "a meta line is written ##key=value"),
            );
        };
        if key.is_empty() || value.is_empty() {
            return warnings.soft(
                strict,
                Refusal::new("vcf-meta", "a meta line has a key and a value"),
            );
        }
        match key {
            "reference" => {
                self.reference.get_or_insert_with(|| value.to_owned());
            }
            "assembly" => {
                self.assembly_named.get_or_insert_with(|| value.to_owned());
            }
            "INFO" | "FORMAT" | "FILTER" | "ALT" | "contig" | "SAMPLE" | "PEDIGREE" | "META" => {
                return self.structured(key, value, limits, warnings).map_err(
                    |refusal| match refusal.location.path {
                        None => refusal.at_path(key),
                        Some(_) => refusal,
                    },
                );
            }
            _ => {}
        }
        Ok(())
    }

    fn structured(
        &mut self,
        kind: &str,
        value: &str,
        limits: &Limits,
        warnings: &mut Warnings,
    ) -> Result<(), Refusal> {
        let strict = self.strict();
        let Some(inside) = value.strip_prefix('<').and_then(|v| v.strip_suffix('>')) else {
            // VCFv4.2 1.2.9: ##PEDIGREE may name a database; others must be structured.
            return warnings.soft(
                strict || matches!(kind, "INFO" | "FORMAT" | "contig"),
                Refusal::new("vcf-meta", "this meta line is written <ID=…,…>"),
            );
        };
        let found = match attributes(inside) {
            Ok(found) => found,
            Err(refusal) => {
                let binding = strict || matches!(kind, "INFO" | "FORMAT" | "contig");
                return warnings.soft(binding, refusal);
            }
        };
        for attribute in &found {
            let bare = !attribute.quoted && !attribute.value.starts_with('[');
            if bare && attribute.value.contains([' ', '\t', '<', '>']) && kind != "ALT" {
                warnings.soft(
                    strict,
                    Refusal::new(
                        "vcf-meta",
                        "a value with spaces or angle brackets is written in quotation marks",
                    ),
                )?;
            }
        }
        let get = |name: &str| found.iter().find(|a| a.key == name);
        let Some(id) = get("ID") else {
            // VCFv4.2 1.2.9: a pedigree line of old has no ID.
            return warnings.soft(
                strict || kind != "PEDIGREE",
                Refusal::new("vcf-meta", "this meta line needs an ID"),
            );
        };
        let id = id.value.as_ref();
        if id.is_empty() {
            return Err(Refusal::new("vcf-meta", "an ID is not empty"));
        }
        if found.first().is_some_and(|first| first.key != "ID") {
            warnings.soft(strict, Refusal::new("vcf-meta", "the ID comes first"))?;
        }
        if self.seen.len() >= limits.names {
            return Err(Refusal::new("vcf-header-size", "too many definitions"));
        }
        if !self.seen.insert((kind.to_owned(), id.to_owned())) {
            warnings.soft(
                strict,
                Refusal::new("vcf-meta-duplicate", "an ID is declared once"),
            )?;
        }
        let index = get("IDX").and_then(|a| a.value.parse::<usize>().ok());
        match kind {
            "INFO" | "FORMAT" => {
                self.define(kind, id, &found, warnings)?;
                self.string(id, index)?;
            }
            "FILTER" => {
                self.described(&found, warnings)?;
                self.string(id, index)?;
            }
            "ALT" => alternate_meta(id, &found, strict, warnings, self.minor)?,
            "META" => meta_meta(&found, self.minor, strict, warnings)?,
            "contig" => self.contig(id, &found, index)?,
            _ => {}
        }
        Ok(())
    }

    /// VCFv4.3 1.4.2 and 1.4.4: ID, Number, Type, Description.
    fn define(
        &mut self,
        kind: &str,
        id: &str,
        found: &[Attribute<'_>],
        warnings: &mut Warnings,
    ) -> Result<(), Refusal> {
        let strict = self.strict();
        let path = format!("{kind}/{id}");
        let get = |name: &str| found.iter().find(|a| a.key == name);
        let number = get("Number").and_then(|a| Number::parse(&a.value, self.minor));
        let Some(number) = number else {
            return Err(
                Refusal::new("vcf-meta-number", "Number is a count, A, R, G or a dot")
                    .at_path(path),
            );
        };
        let Some(value) = get("Type")
            .and_then(|a| Type::parse(&a.value))
            .filter(|value| kind == "INFO" || *value != Type::Flag)
        else {
            return Err(Refusal::new(
                "vcf-meta-type",
                "Type is Integer, Float, Character, String or, for INFO, Flag",
            )
            .at_path(path));
        };
        self.described(found, warnings)
            .map_err(|refusal| refusal.at_path(path.clone()))?;
        let reserved = match kind {
            "INFO" => reserved::info(id),
            _ => reserved::format(id),
        };
        if let Some(reserved) = reserved
            && !reserved::matches(reserved, number, value)
        {
            warnings.soft(
                strict,
                Refusal::new(
                    "vcf-meta-reserved",
                    "a reserved key is declared with the Number and Type of the specification",
                )
                .at_path(path),
            )?;
        }
        let definition = Definition {
            number,
            kind: value,
            not_negative: strict && reserved.is_some_and(|r| r.2),
        };
        if kind == "INFO" {
            if matches!(id, "ANN" | "CSQ")
                && let Some(text) = get("Description")
            {
                self.annotation
                    .insert(id.to_owned(), text.value.to_string());
            }
            self.info.insert(id.to_owned(), definition);
        } else {
            self.format.insert(id.to_owned(), definition);
        }
        Ok(())
    }

    fn described(&self, found: &[Attribute<'_>], warnings: &mut Warnings) -> Result<(), Refusal> {
        match found.iter().find(|a| a.key == "Description") {
            Some(text) if text.quoted => Ok(()),
            _ => warnings.soft(
                self.strict(),
                Refusal::new(
                    "vcf-meta-description",
                    "a Description is there, in quotation marks",
                ),
            ),
        }
    }

    fn contig(
        &mut self,
        id: &str,
        found: &[Attribute<'_>],
        index: Option<usize>,
    ) -> Result<(), Refusal> {
        let get = |name: &str| found.iter().find(|a| a.key == name);
        if let Some(name) = get("assembly") {
            self.assembly_named
                .get_or_insert_with(|| name.value.to_string());
        }
        let length = get("length").and_then(|a| a.value.parse().ok());
        self.contigs.push(Contig {
            id: id.to_owned(),
            length,
        });
        place(&mut self.contig_names, id, index)
    }

    fn string(&mut self, id: &str, index: Option<usize>) -> Result<(), Refusal> {
        if self.string_ids.contains_key(id) {
            return Ok(());
        }
        let at = index.unwrap_or(self.strings.len());
        self.string_ids.insert(id.to_owned(), at);
        place(&mut self.strings, id, Some(at))
    }

    /// VCFv4.3 1.5: eight fixed columns, then FORMAT and the samples.
    fn columns(&mut self, line: &[u8], limits: &Limits) -> Result<(), Refusal> {
        const FIXED: [&str; 8] = [
            "#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO",
        ];
        let text = std::str::from_utf8(line).map_err(|_| {
            Refusal::new("vcf-encoding", "the column line is UTF-8").at_path("#CHROM")
        })?;
        let mut columns = text.split('\t');
        for name in FIXED {
            if columns.next() != Some(name) {
                return Err(Refusal::new(
                    "vcf-columns",
                    "the column line is #CHROM POS ID REF ALT QUAL FILTER INFO, separated by tabs",
                )
                .at_path(name));
            }
        }
        match columns.next() {
            None => return Ok(()),
            Some("FORMAT") => self.has_format = true,
            Some(_) => {
                return Err(Refusal::new(
                    "vcf-columns",
                    "the ninth column, if there is one, is FORMAT",
                )
                .at_path("FORMAT"));
            }
        }
        let mut seen = HashSet::new();
        for sample in columns {
            if self.samples.len() >= limits.names {
                return Err(Refusal::new("vcf-header-size", "too many samples"));
            }
            if sample.is_empty() || !seen.insert(sample) {
                return Err(Refusal::new(
                    "vcf-samples",
                    "sample names are not empty and each is there once",
                )
                .at_path(format!("column {}", self.samples.len() + 10)));
            }
            self.samples.push(sample.to_owned());
        }
        Ok(())
    }
}

/// Sets `names[index]`; a hostile index may not make the list long.
fn place(names: &mut Vec<String>, id: &str, index: Option<usize>) -> Result<(), Refusal> {
    let at = index.unwrap_or(names.len());
    if at > names.len() + 100_000 {
        return Err(Refusal::new("bcf-dictionary", "an IDX is far out of range"));
    }
    if names.len() <= at {
        names.resize(at + 1, String::new());
    }
    names[at] = id.to_owned();
    Ok(())
}

/// VCFv4.3 1.4.5: symbolic alternate alleles.
fn alternate_meta(
    id: &str,
    found: &[Attribute<'_>],
    strict: bool,
    warnings: &mut Warnings,
    minor: u8,
) -> Result<(), Refusal> {
    const FIRST: [&str; 6] = ["DEL", "INS", "DUP", "INV", "CNV", "BND"];
    let path = "ALT";
    if id.contains(['<', '>', ' ']) {
        warnings.soft(
            strict,
            Refusal::new("vcf-meta", "an ID has no angle bracket and no space").at_path(path),
        )?;
    }
    if let Some((first, _)) = id.split_once(':')
        && !FIRST.contains(&first)
    {
        warnings.soft(
            strict,
            Refusal::new(
                "vcf-meta",
                "the first level of a structural variant is DEL, INS, DUP, INV, CNV or BND",
            )
            .at_path(path),
        )?;
    }
    if let Some(number) = found.iter().find(|a| a.key == "Number")
        && Number::parse(&number.value, minor).is_none()
    {
        warnings.soft(
            strict,
            Refusal::new("vcf-meta-number", "Number is a count, A, R, G or a dot").at_path(path),
        )?;
    }
    match found.iter().find(|a| a.key == "Description") {
        Some(text) if text.quoted => Ok(()),
        _ => warnings.soft(
            strict,
            Refusal::new(
                "vcf-meta-description",
                "a Description is there, in quotation marks",
            )
            .at_path(path),
        ),
    }
}

/// VCFv4.3 1.4.8: META declares the attributes of SAMPLE lines.
fn meta_meta(
    found: &[Attribute<'_>],
    minor: u8,
    strict: bool,
    warnings: &mut Warnings,
) -> Result<(), Refusal> {
    let get = |name: &str| found.iter().find(|a| a.key == name);
    let number = get("Number").is_none_or(|a| Number::parse(&a.value, minor).is_some());
    let kind = get("Type").is_none_or(|a| Type::parse(&a.value).is_some());
    let values = get("Values").is_none_or(|a| a.value.starts_with('['));
    if number && kind && values {
        return Ok(());
    }
    warnings.soft(
        strict,
        Refusal::new(
            "vcf-meta",
            "META has a valid Number and Type, and its Values stand in square brackets",
        ),
    )
}
