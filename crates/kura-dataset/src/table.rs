//! Tables: columns taken out of processed FHIR resources, written as Parquet.

use std::fs::File;
use std::io::Write;

use kura_fhir::date;
use kura_model::Result;
use serde_json::Value;

use crate::parquet_writer::{Field, FieldKind, ParquetWriter, Scalar, Slot};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Text,
    /// The year of a date, as text.
    Year,
    /// IEEE 754 double.
    Number,
    Integer,
    Flag,
    /// Milliseconds since 1970, UTC: the first instant the (shifted) date may mean.
    Time,
    /// Code system of the first coding.
    System,
    /// Code of the first coding.
    Code,
    /// All codings, `system|code` joined by a space.
    Codes,
    /// Pseudonym of the record a reference points at.
    Reference,
}

/// One table: rows are resources of `kind`, or items of its list `rows`.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub kind: &'static str,
    /// A list element of the resource: one row for each of its items; empty: one for the resource.
    pub rows: &'static str,
    pub description: &'static str,
    pub columns: &'static [(&'static str, Column, &'static str)],
}

use Column::{Code, Codes, Flag, Integer, Number, Reference, System, Text, Time, Year};

/// Every table there is. Paths that begin with `/` are from the resource, others from the row.
pub const TABLES: &[Table] = &[
    Table {
        name: "patient",
        kind: "Patient",
        rows: "",
        description: "One row a patient. 患者ごとに一行",
        columns: &[
            ("patient", Text, "id"),
            ("sex", Text, "gender"),
            ("birth_year", Year, "birthDate"),
            ("deceased", Flag, "deceasedBoolean"),
            ("deceased_time", Time, "deceasedDateTime"),
        ],
    },
    Table {
        name: "encounter",
        kind: "Encounter",
        rows: "",
        description: "Visits and stays. 受診・入院",
        columns: &[
            ("patient", Reference, "subject"),
            ("encounter", Text, "id"),
            ("status", Text, "status"),
            ("class", Code, "class"),
            ("start", Time, "period.start"),
            ("end", Time, "period.end"),
            ("reason_system", System, "reasonCode"),
            ("reason_code", Code, "reasonCode"),
        ],
    },
    Table {
        name: "condition",
        kind: "Condition",
        rows: "",
        description: "Diagnoses. 傷病名",
        columns: &[
            ("patient", Reference, "subject"),
            ("condition", Text, "id"),
            ("encounter", Reference, "encounter"),
            ("code_system", System, "code"),
            ("code", Code, "code"),
            ("codes", Codes, "code"),
            ("category", Code, "category"),
            ("clinical_status", Code, "clinicalStatus"),
            ("verification_status", Code, "verificationStatus"),
            ("severity", Code, "severity"),
            ("onset", Time, "onsetDateTime"),
            ("abatement", Time, "abatementDateTime"),
            ("recorded", Time, "recordedDate"),
        ],
    },
    Table {
        name: "observation",
        kind: "Observation",
        rows: "",
        description: "Laboratory results, vital signs, findings. 検査・バイタル・所見",
        columns: &[
            ("patient", Reference, "subject"),
            ("observation", Text, "id"),
            ("encounter", Reference, "encounter"),
            ("status", Text, "status"),
            ("category", Code, "category"),
            ("code_system", System, "code"),
            ("code", Code, "code"),
            ("codes", Codes, "code"),
            ("time", Time, "effectiveDateTime"),
            ("value", Number, "valueQuantity.value"),
            ("comparator", Text, "valueQuantity.comparator"),
            ("unit", Text, "valueQuantity.code"),
            ("value_system", System, "valueCodeableConcept"),
            ("value_code", Code, "valueCodeableConcept"),
            ("value_flag", Flag, "valueBoolean"),
            ("value_integer", Integer, "valueInteger"),
            ("interpretation", Code, "interpretation"),
            ("reference_low", Number, "referenceRange.low.value"),
            ("reference_high", Number, "referenceRange.high.value"),
        ],
    },
    Table {
        name: "observation_component",
        kind: "Observation",
        rows: "component",
        description: "Parts of an observation, such as systolic and diastolic pressure. 検査の構成要素",
        columns: &[
            ("patient", Reference, "/subject"),
            ("observation", Text, "/id"),
            ("time", Time, "/effectiveDateTime"),
            ("code_system", System, "code"),
            ("code", Code, "code"),
            ("value", Number, "valueQuantity.value"),
            ("unit", Text, "valueQuantity.code"),
            ("value_code", Code, "valueCodeableConcept"),
        ],
    },
    Table {
        name: "diagnostic_report",
        kind: "DiagnosticReport",
        rows: "",
        description: "Reports, without their text. 報告書 (本文なし)",
        columns: &[
            ("patient", Reference, "subject"),
            ("report", Text, "id"),
            ("encounter", Reference, "encounter"),
            ("status", Text, "status"),
            ("category", Code, "category"),
            ("code_system", System, "code"),
            ("code", Code, "code"),
            ("time", Time, "effectiveDateTime"),
            ("issued", Time, "issued"),
        ],
    },
    Table {
        name: "medication_request",
        kind: "MedicationRequest",
        rows: "",
        description: "Prescriptions. 処方",
        columns: &[
            ("patient", Reference, "subject"),
            ("request", Text, "id"),
            ("encounter", Reference, "encounter"),
            ("status", Text, "status"),
            ("category", Code, "category"),
            ("code_system", System, "medicationCodeableConcept"),
            ("code", Code, "medicationCodeableConcept"),
            ("codes", Codes, "medicationCodeableConcept"),
            ("authored", Time, "authoredOn"),
            (
                "dose",
                Number,
                "dosageInstruction.doseAndRate.doseQuantity.value",
            ),
            (
                "dose_unit",
                Text,
                "dosageInstruction.doseAndRate.doseQuantity.code",
            ),
            (
                "frequency",
                Integer,
                "dosageInstruction.timing.repeat.frequency",
            ),
            ("period", Number, "dosageInstruction.timing.repeat.period"),
            (
                "period_unit",
                Text,
                "dosageInstruction.timing.repeat.periodUnit",
            ),
            ("route", Code, "dosageInstruction.route"),
        ],
    },
    Table {
        name: "medication_administration",
        kind: "MedicationAdministration",
        rows: "",
        description: "Medicines given. 投薬実施",
        columns: &[
            ("patient", Reference, "subject"),
            ("administration", Text, "id"),
            ("encounter", Reference, "context"),
            ("request", Reference, "request"),
            ("status", Text, "status"),
            ("code_system", System, "medicationCodeableConcept"),
            ("code", Code, "medicationCodeableConcept"),
            ("time", Time, "effectiveDateTime"),
            ("dose", Number, "dosage.dose.value"),
            ("dose_unit", Text, "dosage.dose.code"),
            ("route", Code, "dosage.route"),
        ],
    },
    Table {
        name: "procedure",
        kind: "Procedure",
        rows: "",
        description: "Procedures. 処置・手術",
        columns: &[
            ("patient", Reference, "subject"),
            ("procedure", Text, "id"),
            ("encounter", Reference, "encounter"),
            ("status", Text, "status"),
            ("code_system", System, "code"),
            ("code", Code, "code"),
            ("time", Time, "performedDateTime"),
            ("outcome", Code, "outcome"),
        ],
    },
    Table {
        name: "immunization",
        kind: "Immunization",
        rows: "",
        description: "Vaccinations. 予防接種",
        columns: &[
            ("patient", Reference, "patient"),
            ("immunization", Text, "id"),
            ("status", Text, "status"),
            ("code_system", System, "vaccineCode"),
            ("code", Code, "vaccineCode"),
            ("time", Time, "occurrenceDateTime"),
            ("dose", Number, "doseQuantity.value"),
        ],
    },
    Table {
        name: "allergy",
        kind: "AllergyIntolerance",
        rows: "",
        description: "Allergies. アレルギー",
        columns: &[
            ("patient", Reference, "patient"),
            ("allergy", Text, "id"),
            ("clinical_status", Code, "clinicalStatus"),
            ("criticality", Text, "criticality"),
            ("code_system", System, "code"),
            ("code", Code, "code"),
            ("recorded", Time, "recordedDate"),
        ],
    },
    Table {
        name: "service_request",
        kind: "ServiceRequest",
        rows: "",
        description: "Orders. オーダ",
        columns: &[
            ("patient", Reference, "subject"),
            ("request", Text, "id"),
            ("encounter", Reference, "encounter"),
            ("status", Text, "status"),
            ("intent", Text, "intent"),
            ("category", Code, "category"),
            ("code_system", System, "code"),
            ("code", Code, "code"),
            ("authored", Time, "authoredOn"),
        ],
    },
    Table {
        name: "specimen",
        kind: "Specimen",
        rows: "",
        description: "Specimens. 検体",
        columns: &[
            ("patient", Reference, "subject"),
            ("specimen", Text, "id"),
            ("type_system", System, "type"),
            ("type_code", Code, "type"),
            ("collected", Time, "collection.collectedDateTime"),
        ],
    },
    Table {
        name: "imaging_series",
        kind: "ImagingStudy",
        rows: "series",
        description: "Series of imaging studies; joins to the DICOM files by series_uid. 画像シリーズ",
        columns: &[
            ("patient", Reference, "/subject"),
            ("study", Text, "/id"),
            ("started", Time, "/started"),
            ("series_uid", Text, "uid"),
            ("modality", Code, "modality"),
            ("body_site", Code, "bodySite"),
            ("instances", Integer, "numberOfInstances"),
        ],
    },
    Table {
        name: "claim",
        kind: "Claim",
        rows: "",
        description: "Receipts. レセプト",
        columns: &[
            ("patient", Reference, "patient"),
            ("claim", Text, "id"),
            ("status", Text, "status"),
            ("type", Code, "type"),
            ("start", Time, "billablePeriod.start"),
            ("end", Time, "billablePeriod.end"),
        ],
    },
    Table {
        name: "claim_diagnosis",
        kind: "Claim",
        rows: "diagnosis",
        description: "Diagnoses on receipts. レセプトの傷病名",
        columns: &[
            ("patient", Reference, "/patient"),
            ("claim", Text, "/id"),
            ("sequence", Integer, "sequence"),
            ("code_system", System, "diagnosisCodeableConcept"),
            ("code", Code, "diagnosisCodeableConcept"),
        ],
    },
    Table {
        name: "claim_item",
        kind: "Claim",
        rows: "item",
        description: "Acts, medicines and materials on receipts. レセプトの診療行為・医薬品・材料",
        columns: &[
            ("patient", Reference, "/patient"),
            ("claim", Text, "/id"),
            ("sequence", Integer, "sequence"),
            ("category", Code, "category"),
            ("code_system", System, "productOrService"),
            ("code", Code, "productOrService"),
            ("serviced", Time, "servicedDate"),
            ("quantity", Number, "quantity.value"),
            ("net_yen", Number, "net.value"),
        ],
    },
];

pub fn by_name(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

impl Table {
    fn fields(&self) -> Vec<Field> {
        self.columns
            .iter()
            .map(|(name, column, _)| Field {
                name: (*name).to_owned(),
                kind: match column {
                    Text | Year | System | Code | Codes | Reference => FieldKind::Text,
                    Number => FieldKind::Double,
                    Integer => FieldKind::Long,
                    Flag => FieldKind::Flag,
                    Time => FieldKind::Millis,
                },
                list: false,
            })
            .collect()
    }

    /// The rows of one processed resource, a cell per column.
    pub fn rows<'a>(&self, resource: &'a Value) -> Vec<Vec<Option<Cell>>> {
        let items: Vec<&'a Value> = if self.rows.is_empty() {
            vec![resource]
        } else {
            match resource.get(self.rows) {
                Some(Value::Array(items)) => items.iter().collect(),
                _ => Vec::new(),
            }
        };
        items
            .into_iter()
            .map(|item| {
                self.columns
                    .iter()
                    .map(|(_, column, path)| {
                        let value = match path.strip_prefix('/') {
                            Some(path) => first(resource, path),
                            None => first(item, path),
                        }?;
                        cell(*column, value)
                    })
                    .collect()
            })
            .collect()
    }
}

/// The first value along a path; lists give their first item.
fn first<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = value;
    for name in path.split('.') {
        while let Value::Array(items) = value {
            value = items.first()?;
        }
        value = value.get(name)?;
    }
    Some(value)
}

#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Integer(i64),
    Flag(bool),
}

fn cell(column: Column, value: &Value) -> Option<Cell> {
    let single = match value {
        Value::Array(items) if !matches!(column, Codes) => items.first()?,
        other => other,
    };
    let coding = || match single.get("coding") {
        Some(Value::Array(codings)) => codings.first(),
        _ => Some(single),
    };
    match column {
        Text => single.as_str().map(|text| Cell::Text(text.to_owned())),
        Year => single
            .as_str()?
            .get(..4)
            .map(|year| Cell::Text(year.to_owned())),
        Number => single
            .as_f64()
            .filter(|number| number.is_finite())
            .map(Cell::Number),
        Integer => single.as_i64().map(Cell::Integer),
        Flag => single.as_bool().map(Cell::Flag),
        Time => date::range(single.as_str()?).map(|(low, _)| Cell::Integer(low * 1000)),
        System => Some(Cell::Text(coding()?.get("system")?.as_str()?.to_owned())),
        Code => match single {
            Value::String(code) => Some(Cell::Text(code.clone())),
            _ => Some(Cell::Text(coding()?.get("code")?.as_str()?.to_owned())),
        },
        Codes => {
            let mut out = Vec::new();
            collect_codes(value, &mut out);
            (!out.is_empty()).then(|| Cell::Text(out.join(" ")))
        }
        Reference => {
            let text = single.get("reference")?.as_str()?;
            Some(Cell::Text(text.split_once('/')?.1.to_owned()))
        }
    }
}

fn collect_codes(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_codes(item, out)),
        Value::Object(members) => {
            if let Some(code) = members.get("code").and_then(Value::as_str) {
                let system = members.get("system").and_then(Value::as_str).unwrap_or("");
                out.push(format!("{system}|{code}"));
            }
            if let Some(codings) = members.get("coding") {
                collect_codes(codings, out);
            }
        }
        _ => {}
    }
}

/// Writes one table as it comes. The same rows give the same bytes.
pub struct TableWriter<W: Write + Send> {
    table: &'static Table,
    writer: ParquetWriter<W>,
}

impl TableWriter<File> {
    pub fn create(table: &'static Table, file: File) -> Result<Self> {
        Self::new(table, file)
    }
}

impl<W: Write + Send> TableWriter<W> {
    pub fn new(table: &'static Table, out: W) -> Result<Self> {
        Ok(Self {
            table,
            writer: ParquetWriter::new(table.name, table.fields(), out)?,
        })
    }

    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Adds the rows of one processed resource.
    pub fn add(&mut self, resource: &Value) -> Result<()> {
        for row in self.table.rows(resource) {
            self.writer.row(row.into_iter().map(slot))?;
        }
        self.writer.settle()
    }

    /// Closes the file; returns the number of rows and what was written to.
    pub fn finish(self) -> Result<(u64, W)> {
        self.writer.finish()
    }
}

fn slot(cell: Option<Cell>) -> Slot {
    match cell {
        None => Slot::Null,
        Some(Cell::Text(text)) => Slot::One(Scalar::Text(text)),
        Some(Cell::Number(number)) => Slot::One(Scalar::Double(number)),
        Some(Cell::Integer(number)) => Slot::One(Scalar::Integer(number)),
        Some(Cell::Flag(flag)) => Slot::One(Scalar::Flag(flag)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_of_an_observation() {
        let resource = json!({"id": "o", "subject": {"reference": "Patient/p"},
            "code": {"coding": [{"system": "s", "code": "a"}, {"system": "s2", "code": "b"}]},
            "effectiveDateTime": "1970-01-01T09:00:00+09:00", "valueQuantity": {"value": 1.5}});
        let table = by_name("observation").unwrap();
        let rows = table.rows(&resource);
        let get = |name: &str| {
            let index = table
                .columns
                .iter()
                .position(|column| column.0 == name)
                .unwrap();
            rows[0][index].clone()
        };
        assert_eq!(get("patient"), Some(Cell::Text("p".into())));
        assert_eq!(get("codes"), Some(Cell::Text("s|a s2|b".into())));
        assert_eq!(get("time"), Some(Cell::Integer(0)));
        assert_eq!(get("value"), Some(Cell::Number(1.5)));
        assert_eq!(get("unit"), None);
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let write = || {
            let mut writer = TableWriter::new(by_name("patient").unwrap(), Vec::new()).unwrap();
            for id in 0..100 {
                writer
                    .add(&json!({"id": id.to_string(), "gender": "male"}))
                    .unwrap();
            }
            writer.finish().unwrap()
        };
        let (rows, bytes) = write();
        assert_eq!(rows, 100);
        assert_eq!(bytes, write().1);
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    }
}
