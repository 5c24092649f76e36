use std::collections::HashSet;

use kura_model::Refusal;
use serde_json::Value;

use super::node::Node;
use super::report::{
    Biomarker, Breakend, CopyNumberAlteration, Expression, Measurement, Rearrangement, Report,
    Sample, ShortVariant, Transcript,
};
use crate::Limits;

const ORIGIN: &[&str] = &["somatic", "germline", "likely somatic", "likely germline"];

/// Reads a CATS report. UTF-8, with or without a byte order mark.
///
/// # Errors
/// A [`Refusal`] with rule `json-syntax`, `cats-size` or `cats-shape` and the path in the report,
/// such as `variants.shortVariants[3].position`.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Report, Refusal> {
    if bytes.len() > limits.report {
        return Err(Refusal::new("cats-size", "the report is too long"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        Refusal::new("json-syntax", "the text is not valid JSON").at_line(error.line() as u64)
    })?;
    let root = Node::root(&value);
    if !value.is_object() {
        return Err(root.refuse("a report is an object"));
    }
    let mut reader = Reader {
        warnings: Vec::new(),
        samples: HashSet::new(),
        items: HashSet::new(),
    };
    reader.report(&root)
}

struct Reader {
    warnings: Vec<Refusal>,
    samples: HashSet<String>,
    items: HashSet<String>,
}

impl Reader {
    fn warn(&mut self, refusal: Refusal) {
        if self.warnings.len() < 100 {
            self.warnings.push(refusal);
        }
    }

    fn report(&mut self, root: &Node<'_>) -> Result<Report, Refusal> {
        let meta = root.object("metaData")?;
        let test = root.object("testInfo")?;
        let mut report = Report {
            schema_version: meta.text("schemaVersion")?,
            reference_genome: meta.object("referenceGenome")?.text("grcRelease")?,
            test_id: test.text("testId")?,
            test_type: test.text("testType")?,
            panel_name: test.text("panelName")?,
            panel_version: test.text("panelVersion")?,
            software: test.text_or_none("softwareName")?,
            ..Report::default()
        };
        for node in root.items("sequencingSamples")? {
            let sample = self.sample(&node)?;
            report.samples.push(sample);
        }
        if report.samples.is_empty() {
            return Err(
                Refusal::new("cats-shape", "a report names at least one sample")
                    .at_path("sequencingSamples"),
            );
        }
        if root.get("variants").is_some() {
            let variants = root.object("variants")?;
            for node in variants.items("shortVariants")? {
                report.short_variants.push(self.short_variant(&node)?);
            }
            for node in variants.items("copyNumberAlterations")? {
                report
                    .copy_number_alterations
                    .push(self.copy_number(&node)?);
            }
            for node in variants.items("rearrangements")? {
                report.rearrangements.push(self.rearrangement(&node)?);
            }
        }
        for node in root.items("otherBiomarkers")? {
            report.biomarkers.push(self.biomarker(&node)?);
        }
        for node in root.items("expressions")? {
            report.expressions.push(self.expression(&node)?);
        }
        report.others =
            root.items("compositeBiomarkers")?.len() + root.items("nonHumanContents")?.len();
        report.warnings = std::mem::take(&mut self.warnings);
        Ok(report)
    }

    fn item(&mut self, node: &Node<'_>) -> Result<String, Refusal> {
        let id = node.text("itemId")?;
        if !self.items.insert(id.clone()) {
            self.warn(node.refuse("an itemId is used once"));
        }
        Ok(id)
    }

    fn sample_of(&mut self, node: &Node<'_>) -> Result<String, Refusal> {
        let sample = node.text("sampleItemId")?;
        if !self.samples.contains(&sample) {
            self.warn(node.refuse("sampleItemId names one of sequencingSamples"));
        }
        Ok(sample)
    }

    /// Notes a value that the schema does not list.
    fn listed(&mut self, node: &Node<'_>, value: Option<&str>, list: &[&str]) {
        if value.is_some_and(|value| !list.contains(&value)) {
            self.warn(node.refuse("a value is not one that the schema lists"));
        }
    }

    fn origin(&mut self, node: &Node<'_>) -> Result<Option<String>, Refusal> {
        let origin = node.text_or_none("variantOrigin")?;
        self.listed(node, origin.as_deref(), ORIGIN);
        Ok(origin)
    }

    fn sample(&mut self, node: &Node<'_>) -> Result<Sample, Refusal> {
        let sample = Sample {
            item_id: self.item(node)?,
            tumor_or_normal: node.text("tumorOrNormal")?,
            nucleic_acid: node.text("nucleicAcid")?,
            mean_read_depth: node.number("meanReadDepth")?,
        };
        self.listed(node, Some(&sample.tumor_or_normal), &["tumor", "normal"]);
        self.listed(node, Some(&sample.nucleic_acid), &["DNA", "RNA"]);
        self.samples.insert(sample.item_id.clone());
        Ok(sample)
    }

    fn transcripts(&mut self, node: &Node<'_>) -> Result<Vec<Transcript>, Refusal> {
        let found = node
            .items("transcripts")?
            .iter()
            .map(|node| {
                Ok(Transcript {
                    id: node.text_or_none("transcriptId")?,
                    database: node.text_or_none("transcriptDatabaseName")?,
                    gene: node.text_or_none("geneSymbol")?,
                    cds_change: node.text_or_none("cdsChange")?,
                    amino_acids_change: node.text_or_none("aminoAcidsChange")?,
                    effects: node.strings("calculatedEffects")?,
                })
            })
            .collect::<Result<Vec<_>, Refusal>>()?;
        if found.is_empty() {
            self.warn(node.refuse("at least one transcript is expected"));
        }
        Ok(found)
    }

    /// A published report gives a depth as `15.9`; only a warning, for nothing hangs on
    /// them.
    fn depth(&mut self, node: &Node<'_>, name: &str) -> Option<u64> {
        node.count(name).unwrap_or_else(|refusal| {
            self.warn(refusal);
            None
        })
    }

    fn short_variant(&mut self, node: &Node<'_>) -> Result<ShortVariant, Refusal> {
        let variant = ShortVariant {
            item_id: self.item(node)?,
            chromosome: node.text("chromosome")?,
            position: node.position("position")?,
            reference: node.text("referenceAllele")?,
            alternate: node.text("alternateAllele")?,
            allele_frequency: node.number("alternateAlleleFrequency")?,
            total_depth: self.depth(node, "totalReadDepth"),
            alternate_depth: self.depth(node, "alternateAlleleReadDepth"),
            variant_type: node.text_or_none("variantType")?,
            transcripts: self.transcripts(node)?,
            sample: self.sample_of(node)?,
            origin: self.origin(node)?,
            reported: node.flag("reported")?,
        };
        let bases = |text: &str, more: &[u8]| {
            text.bytes()
                .all(|b| b"ACGTN".contains(&b) || more.contains(&b))
        };
        if !bases(&variant.reference, b"") || !bases(&variant.alternate, b"*") {
            return Err(node.refuse("alleles are A, C, G, T, N, the alternate also *"));
        }
        match variant.allele_frequency {
            None => self.warn(node.refuse("an allele frequency is expected")),
            Some(value) if (0.0..=1.0).contains(&value) => {}
            Some(_) => return Err(node.refuse("an allele frequency is from 0 to 1")),
        }
        Ok(variant)
    }

    fn metrics(&mut self, node: &Node<'_>, name: &str) -> Result<Vec<Measurement>, Refusal> {
        node.items(name)?
            .iter()
            .map(|metric| {
                Ok(Measurement {
                    value: metric
                        .number("value")?
                        .ok_or_else(|| metric.refuse("a value is required here"))?,
                    unit: metric.text_or_none("unit")?,
                })
            })
            .collect()
    }

    fn copy_number(&mut self, node: &Node<'_>) -> Result<CopyNumberAlteration, Refusal> {
        let found = CopyNumberAlteration {
            item_id: self.item(node)?,
            chromosome: node.text_or_none("chromosome")?,
            start: node.count("startPosition")?,
            end: node.count("endPosition")?,
            metrics: self.metrics(node, "copyNumberMetrics")?,
            alteration: node.text("copyNumberAlterationType")?,
            transcripts: self.transcripts(node)?,
            sample: self.sample_of(node)?,
            origin: self.origin(node)?,
            reported: node.flag("reported")?,
        };
        const UNITS: &[&str] = &[
            "copy number",
            "fold-change",
            "log2 fold-change",
            "fraction-of-gene",
        ];
        for metric in &found.metrics {
            self.listed(node, metric.unit.as_deref(), UNITS);
        }
        Ok(found)
    }

    fn rearrangement(&mut self, node: &Node<'_>) -> Result<Rearrangement, Refusal> {
        let mut breakends = Vec::new();
        for end in node.items("breakends")? {
            breakends.push(Breakend {
                chromosome: end.text("chromosome")?,
                start: end.position("startPosition")?,
                end: end.position("endPosition")?,
                transcripts: self.transcripts(&end)?,
            });
        }
        if breakends.len() != 2 {
            return Err(node.refuse("a rearrangement has two breakends"));
        }
        Ok(Rearrangement {
            item_id: self.item(node)?,
            rearrangement: node.text("rearrangementType")?,
            breakends,
            gene_pairs: node
                .items("orderedGenePairs")?
                .iter()
                .map(Node::pair)
                .collect::<Result<_, _>>()?,
            names: node.strings("rearrangementNames")?,
            supporting_reads: node.count("supportingReadCount")?,
            sample: self.sample_of(node)?,
            origin: self.origin(node)?,
            reported: node.flag("reported")?,
        })
    }

    fn biomarker(&mut self, node: &Node<'_>) -> Result<Biomarker, Refusal> {
        let found = Biomarker {
            item_id: self.item(node)?,
            kind: node.text("biomarkerType")?,
            state: node.text_or_none("state")?,
            metrics: self.metrics(node, "biomarkerMetrics")?,
            sample: self.sample_of(node)?,
            reported: node.flag("reported")?,
        };
        self.listed(node, Some(&found.kind), &["TMB", "MSI", "LOH"]);
        Ok(found)
    }

    fn expression(&mut self, node: &Node<'_>) -> Result<Expression, Refusal> {
        Ok(Expression {
            item_id: self.item(node)?,
            transcripts: self.transcripts(node)?,
            levels: self.metrics(node, "expressionLevelMetrics")?,
            read_count: node.count("readCount")?,
            sample: self.sample_of(node)?,
            reported: node.flag("reported")?,
        })
    }
}
