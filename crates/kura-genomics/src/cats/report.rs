use kura_model::Refusal;
use serde::Serialize;

/// A whole report. Text is as in the file; positions are 1-based.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    pub schema_version: String,
    /// `grcRelease`, such as `GRCh38`.
    pub reference_genome: String,
    pub test_id: String,
    pub test_type: String,
    pub panel_name: String,
    pub panel_version: String,
    pub software: Option<String>,
    pub samples: Vec<Sample>,
    pub short_variants: Vec<ShortVariant>,
    pub copy_number_alterations: Vec<CopyNumberAlteration>,
    pub rearrangements: Vec<Rearrangement>,
    pub biomarkers: Vec<Biomarker>,
    pub expressions: Vec<Expression>,
    /// `compositeBiomarkers` and `nonHumanContents`, counted only.
    pub others: usize,
    /// What breaks the schema and was tolerated: the first hundred.
    pub warnings: Vec<Refusal>,
}

/// `sequencingSamples[]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    pub item_id: String,
    /// `tumor` or `normal`.
    pub tumor_or_normal: String,
    /// `DNA` or `RNA`.
    pub nucleic_acid: String,
    pub mean_read_depth: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Transcript {
    pub id: Option<String>,
    /// `RefSeq` or `Ensembl`.
    pub database: Option<String>,
    pub gene: Option<String>,
    pub cds_change: Option<String>,
    pub amino_acids_change: Option<String>,
    pub effects: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShortVariant {
    pub item_id: String,
    pub chromosome: String,
    pub position: u64,
    pub reference: String,
    pub alternate: String,
    /// 0 to 1.
    pub allele_frequency: Option<f64>,
    pub total_depth: Option<u64>,
    pub alternate_depth: Option<u64>,
    pub variant_type: Option<String>,
    pub transcripts: Vec<Transcript>,
    pub sample: String,
    /// `somatic`, `germline`, `likely somatic`, `likely germline`.
    pub origin: Option<String>,
    pub reported: bool,
}

/// A number with the unit the file gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measurement {
    pub value: f64,
    pub unit: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CopyNumberAlteration {
    pub item_id: String,
    pub chromosome: Option<String>,
    pub start: Option<u64>,
    pub end: Option<u64>,
    pub metrics: Vec<Measurement>,
    pub alteration: String,
    pub transcripts: Vec<Transcript>,
    pub sample: String,
    pub origin: Option<String>,
    pub reported: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Breakend {
    pub chromosome: String,
    pub start: u64,
    pub end: u64,
    pub transcripts: Vec<Transcript>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rearrangement {
    pub item_id: String,
    /// `gene fusion`, `exon skipping` …
    pub rearrangement: String,
    pub breakends: Vec<Breakend>,
    /// 5′ gene, 3′ gene.
    pub gene_pairs: Vec<(String, String)>,
    pub names: Vec<String>,
    pub supporting_reads: Option<u64>,
    pub sample: String,
    pub origin: Option<String>,
    pub reported: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Biomarker {
    pub item_id: String,
    /// `TMB`, `MSI` or `LOH`.
    pub kind: String,
    pub state: Option<String>,
    pub metrics: Vec<Measurement>,
    pub sample: String,
    pub reported: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Expression {
    pub item_id: String,
    pub transcripts: Vec<Transcript>,
    pub levels: Vec<Measurement>,
    pub read_count: Option<u64>,
    pub sample: String,
    pub reported: bool,
}
