//! CATS → FHIR R4 after the HL7 Genomics Reporting implementation guide (variant, TMB, MSI).

use serde_json::{Value, json};

use super::report::{
    Biomarker, CopyNumberAlteration, Rearrangement, Report, ShortVariant, Transcript,
};

const LOINC: &str = "http://loinc.org";
const GUIDE: &str = "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition";
const ONTOLOGY: &str = "http://www.sequenceontology.org";

/// One `DocumentReference` for the file, then one `Observation` for each *reported* short
/// variant, copy number alteration, rearrangement and biomarker.
///
/// `subject` is a FHIR Reference. Ids are `{prefix}-document`, `{prefix}-variant-1` …, so the
/// same report under the same prefix gives the same resources; a prefix has at most 44 characters
/// of `[A-Za-z0-9.-]`. The caller sets `content[0].attachment.url` (and its hash and size).
pub fn to_fhir(report: &Report, subject: &Value, prefix: &str) -> Vec<Value> {
    let document = format!("{prefix}-document");
    let mut maker = Maker {
        report,
        subject,
        prefix,
        document: format!("DocumentReference/{document}"),
        made: vec![document_reference(report, subject, &document)],
    };
    for (at, variant) in report.short_variants.iter().enumerate() {
        if variant.reported {
            maker.short_variant(at + 1, variant);
        }
    }
    for (at, alteration) in report.copy_number_alterations.iter().enumerate() {
        if alteration.reported {
            maker.copy_number(at + 1, alteration);
        }
    }
    for (at, rearrangement) in report.rearrangements.iter().enumerate() {
        if rearrangement.reported {
            maker.rearrangement(at + 1, rearrangement);
        }
    }
    for (at, biomarker) in report.biomarkers.iter().enumerate() {
        if biomarker.reported {
            maker.biomarker(at + 1, biomarker);
        }
    }
    maker.made
}

fn document_reference(report: &Report, subject: &Value, id: &str) -> Value {
    json!({
        "resourceType": "DocumentReference",
        "id": id,
        "identifier": [{"value": report.test_id}],
        "status": "current",
        "type": {"coding": [loinc("51969-4", "Genetic analysis report")]},
        "subject": subject,
        "description": format!("{} {}", report.panel_name, report.panel_version),
        "content": [{
            "attachment": {
                "contentType": "application/json",
                "title": format!("CATS {}", report.schema_version),
            },
        }],
    })
}

fn loinc(code: &str, display: &str) -> Value {
    json!({"system": LOINC, "code": code, "display": display})
}

fn component(code: &str, display: &str, key: &str, value: Value) -> Value {
    json!({"code": {"coding": [loinc(code, display)]}, key: value})
}

fn text(value: &str) -> Value {
    json!({"text": value})
}

struct Maker<'a> {
    report: &'a Report,
    subject: &'a Value,
    prefix: &'a str,
    document: String,
    made: Vec<Value>,
}

impl Maker<'_> {
    /// What all Observations share.
    fn observation(&self, id: &str, item: &str, profile: &str, code: Value) -> Value {
        json!({
            "resourceType": "Observation",
            "id": format!("{}-{id}", self.prefix),
            "meta": {"profile": [format!("{GUIDE}/{profile}")]},
            "identifier": [{"value": format!("{}/{item}", self.report.test_id)}],
            "status": "final",
            "category": [
                {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                    "code": "laboratory",
                }]},
                {"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0074",
                    "code": "GE",
                    "display": "Genetics",
                }]},
            ],
            "code": {"coding": [code]},
            "subject": self.subject,
            "derivedFrom": [{"reference": self.document}],
        })
    }

    fn variant(&mut self, id: &str, item: &str, components: Vec<Value>) {
        let code = loinc("69548-6", "Genetic variant assessment");
        let mut made = self.observation(id, item, "variant", code);
        made["valueCodeableConcept"] = json!({"coding": [loinc("LA9633-4", "Present")]});
        made["component"] = Value::Array(components);
        self.made.push(made);
    }

    fn short_variant(&mut self, at: usize, variant: &ShortVariant) {
        let mut parts = Vec::new();
        // The first transcript is the representative one.
        if let Some(transcript) = variant.transcripts.first() {
            transcript_parts(transcript, &mut parts);
        }
        self.place(
            Some(&variant.chromosome),
            Some(variant.position),
            Some(variant.position + variant.reference.len() as u64 - 1),
            &mut parts,
        );
        parts.push(component(
            "69547-8",
            "Genomic ref allele [ID]",
            "valueString",
            json!(variant.reference),
        ));
        parts.push(component(
            "69551-0",
            "Genomic alt allele [ID]",
            "valueString",
            json!(variant.alternate),
        ));
        if let Some(frequency) = variant.allele_frequency {
            parts.push(component(
                "81258-6",
                "Sample variant allelic frequency [NFr]",
                "valueQuantity",
                json!({"value": frequency, "system": "http://unitsofmeasure.org", "code": "1"}),
            ));
        }
        if let Some(depth) = variant.total_depth {
            parts.push(component(
                "82121-5",
                "Allelic read depth",
                "valueQuantity",
                json!({"value": depth, "system": "http://unitsofmeasure.org", "code": "1"}),
            ));
        }
        change_type(
            match variant.variant_type.as_deref() {
                Some("SNV") => Some(("SO:0001483", "SNV")),
                Some("insertion") => Some(("SO:0000667", "insertion")),
                Some("deletion") => Some(("SO:0000159", "deletion")),
                Some("delins" | "indel") => Some(("SO:1000032", "delins")),
                Some("MNV") => Some(("SO:0002007", "MNV")),
                _ => None,
            },
            &mut parts,
        );
        origin(variant.origin.as_deref(), &mut parts);
        self.variant(&format!("variant-{at}"), &variant.item_id, parts);
    }

    fn copy_number(&mut self, at: usize, found: &CopyNumberAlteration) {
        let mut parts = Vec::new();
        genes(found.transcripts.iter(), &mut parts);
        self.place(
            found.chromosome.as_deref(),
            found.start,
            found.end,
            &mut parts,
        );
        for metric in &found.metrics {
            match metric.unit.as_deref() {
                Some("copy number" | "absolute copy number") => parts.push(component(
                    "82155-3",
                    "Genomic structural variant copy number",
                    "valueQuantity",
                    json!({"value": metric.value, "system": "http://unitsofmeasure.org", "code": "1"}),
                )),
                // A ratio is no copy number and LOINC has no code for it.
                unit => parts.push(json!({
                    "code": text(unit.unwrap_or("copy number metric")),
                    "valueQuantity": {"value": metric.value},
                })),
            }
        }
        change_type(
            match found.alteration.as_str() {
                "amplification" | "gain" | "duplication" => {
                    Some(("SO:0001742", "copy_number_gain"))
                }
                "loss" | "deletion" | "homozygous deletion" => {
                    Some(("SO:0001743", "copy_number_loss"))
                }
                _ => None,
            },
            &mut parts,
        );
        origin(found.origin.as_deref(), &mut parts);
        self.variant(&format!("copy-number-{at}"), &found.item_id, parts);
        self.note(&found.alteration);
    }

    fn rearrangement(&mut self, at: usize, found: &Rearrangement) {
        let mut parts = Vec::new();
        genes(
            found.breakends.iter().flat_map(|end| &end.transcripts),
            &mut parts,
        );
        parts.push(self.assembly());
        for end in &found.breakends {
            parts.push(json!({
                "code": text("breakend"),
                "valueString": format!("{}:{}-{}", end.chromosome, end.start, end.end),
            }));
        }
        if found.rearrangement.contains("fusion") {
            change_type(Some(("SO:0001565", "gene_fusion")), &mut parts);
        }
        origin(found.origin.as_deref(), &mut parts);
        self.variant(&format!("rearrangement-{at}"), &found.item_id, parts);
        let pairs = found
            .gene_pairs
            .iter()
            .map(|(five, three)| format!("{five}::{three}"));
        let mut note = found.rearrangement.clone();
        for name in found.names.iter().cloned().chain(pairs) {
            note = format!("{note}; {name}");
        }
        self.note(&note);
    }

    fn note(&mut self, note: &str) {
        if let Some(made) = self.made.last_mut() {
            made["note"] = json!([{"text": note}]);
        }
    }

    fn biomarker(&mut self, at: usize, found: &Biomarker) {
        let id = format!("biomarker-{at}");
        let metric = found.metrics.first();
        let mut made = match found.kind.as_str() {
            "TMB" => {
                let code = loinc("94076-7", "Mutations/Megabase [# Ratio] in Tumor");
                let mut made = self.observation(&id, &found.item_id, "tmb", code);
                if let Some(metric) = metric {
                    made["valueQuantity"] = json!({
                        "value": metric.value,
                        "unit": "Mutations/Megabase",
                        "system": "http://unitsofmeasure.org",
                        "code": "1/1000000{Base}",
                    });
                }
                made
            }
            "MSI" => {
                let code = loinc(
                    "81695-9",
                    "Microsatellite instability [Interpretation] in Cancer specimen Qualitative",
                );
                let mut made = self.observation(&id, &found.item_id, "msi", code);
                made["valueCodeableConcept"] = match found.state.as_deref() {
                    Some("high") => json!({"coding": [loinc("LA26203-2", "MSI-H")]}),
                    Some("low") => json!({"coding": [loinc("LA26202-4", "MSI-L")]}),
                    Some("stable") => json!({"coding": [loinc("LA14122-8", "Stable")]}),
                    Some(other) => text(other),
                    None => Value::Null,
                };
                made
            }
            other => {
                let mut made =
                    self.observation(&id, &found.item_id, "molecular-biomarker", Value::Null);
                made["code"] = text(other);
                if let Some(metric) = metric {
                    made["valueQuantity"] = json!({"value": metric.value, "unit": metric.unit});
                }
                made
            }
        };
        let valued = made.get("valueQuantity").is_some()
            || made
                .get("valueCodeableConcept")
                .is_some_and(|v| !v.is_null());
        if let Some(state) = &found.state {
            // The guide's HighLowCodesVS.
            let code = match state.as_str() {
                "high" => Some("H"),
                "low" => Some("L"),
                _ => None,
            };
            made["interpretation"] = match code {
                Some(code) => json!([{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
                    "code": code,
                }], "text": state}]),
                None => json!([text(state)]),
            };
        }
        if let Some(object) = made.as_object_mut() {
            object.retain(|_, value| !value.is_null());
            if !valued {
                // FHIR R4 Observation: a value, or the reason why there is none.
                object.insert(
                    "dataAbsentReason".to_owned(),
                    json!({"coding": [{
                        "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
                        "code": "unknown",
                    }]}),
                );
            }
        }
        self.made.push(made);
    }

    fn assembly(&self) -> Value {
        let release = &self.report.reference_genome;
        let coding = if release.starts_with("GRCh38") {
            json!({"coding": [loinc("LA26806-2", "GRCh38")], "text": release})
        } else if release.starts_with("GRCh37") {
            json!({"coding": [loinc("LA14029-5", "GRCh37")], "text": release})
        } else {
            text(release)
        };
        component(
            "62374-4",
            "Human reference sequence assembly version",
            "valueCodeableConcept",
            coding,
        )
    }

    fn place(
        &self,
        chromosome: Option<&str>,
        start: Option<u64>,
        end: Option<u64>,
        parts: &mut Vec<Value>,
    ) {
        parts.push(self.assembly());
        if let Some(chromosome) = chromosome {
            parts.push(component(
                "48000-4",
                "Chromosome [Identifier] in Blood or Tissue by Molecular genetics method",
                "valueCodeableConcept",
                text(chromosome),
            ));
        }
        if let (Some(start), Some(end)) = (start, end) {
            parts.push(component(
                "92822-6",
                "Genomic coord system",
                "valueCodeableConcept",
                json!({"coding": [loinc("LA30102-0", "1-based character counting")]}),
            ));
            parts.push(component(
                "81254-5",
                "Genomic allele start-end",
                "valueRange",
                json!({"low": {"value": start}, "high": {"value": end}}),
            ));
        }
    }
}

fn gene(symbol: &str) -> Value {
    component(
        "48018-6",
        "Gene studied [ID]",
        "valueCodeableConcept",
        text(symbol),
    )
}

fn genes<'a>(transcripts: impl Iterator<Item = &'a Transcript>, parts: &mut Vec<Value>) {
    let mut seen: Vec<&str> = Vec::new();
    for symbol in transcripts.filter_map(|t| t.gene.as_deref()) {
        if !seen.contains(&symbol) {
            seen.push(symbol);
            parts.push(gene(symbol));
        }
    }
}

fn transcript_parts(transcript: &Transcript, parts: &mut Vec<Value>) {
    if let Some(symbol) = &transcript.gene {
        parts.push(gene(symbol));
    }
    if let Some(id) = &transcript.id {
        let system = match transcript.database.as_deref() {
            Some("Ensembl") => "http://www.ensembl.org",
            _ => "http://www.ncbi.nlm.nih.gov/refseq",
        };
        parts.push(component(
            "51958-7",
            "Transcript reference sequence [ID]",
            "valueCodeableConcept",
            json!({"coding": [{"system": system, "code": id}]}),
        ));
    }
    for (code, display, prefix, change) in [
        (
            "48004-6",
            "DNA change (c.HGVS)",
            "c.",
            &transcript.cds_change,
        ),
        (
            "48005-3",
            "Amino acid change (pHGVS)",
            "p.",
            &transcript.amino_acids_change,
        ),
    ] {
        if let Some(change) = change {
            parts.push(component(
                code,
                display,
                "valueCodeableConcept",
                hgvs(prefix, change),
            ));
        }
    }
}

/// Reports leave the `c.` or `p.` of HGVS out more often than not.
fn hgvs(prefix: &str, change: &str) -> Value {
    let code = if change.starts_with(prefix) || change.contains(':') {
        change.to_owned()
    } else {
        format!("{prefix}{change}")
    };
    json!({"coding": [{"system": "http://varnomen.hgvs.org", "code": code}]})
}

fn change_type(code: Option<(&str, &str)>, parts: &mut Vec<Value>) {
    if let Some((code, display)) = code {
        parts.push(component(
            "48019-4",
            "DNA change type",
            "valueCodeableConcept",
            json!({"coding": [{"system": ONTOLOGY, "code": code, "display": display}]}),
        ));
    }
}

/// LOINC answer list LL378-1.
fn origin(origin: Option<&str>, parts: &mut Vec<Value>) {
    let coding = match origin {
        Some("germline") => loinc("LA6683-2", "Germline"),
        Some("somatic") => loinc("LA6684-0", "Somatic"),
        Some("likely germline") => loinc("LA18194-3", "Likely germline"),
        Some("likely somatic") => loinc("LA18195-0", "Likely somatic"),
        _ => return,
    };
    parts.push(component(
        "48002-0",
        "Genomic source class [Type]",
        "valueCodeableConcept",
        json!({"coding": [coding]}),
    ));
}
