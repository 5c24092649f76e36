//! Tables: columns taken out of processed FHIR resources, written as Parquet.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use kura_fhir::date;
use kura_model::{Error, Result};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde_json::Value;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Text,
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

use Column::{Code, Codes, Flag, Integer, Number, Reference, System, Text, Time};

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
            ("birth_year", Text, "birthDate"),
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
    fn schema(&self) -> Result<Type> {
        let mut fields = Vec::with_capacity(self.columns.len());
        for (name, column, _) in self.columns {
            let (physical, logical) = match column {
                Text | System | Code | Codes | Reference => {
                    (Physical::BYTE_ARRAY, Some(LogicalType::String))
                }
                Number => (Physical::DOUBLE, None),
                Integer => (Physical::INT64, None),
                Flag => (Physical::BOOLEAN, None),
                Time => (
                    Physical::INT64,
                    Some(LogicalType::timestamp(
                        true,
                        parquet::basic::TimeUnit::MILLIS,
                    )),
                ),
            };
            let field = Type::primitive_type_builder(name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(logical)
                .build()
                .map_err(broken)?;
            fields.push(Arc::new(field));
        }
        Type::group_type_builder(self.name)
            .with_fields(fields)
            .build()
            .map_err(broken)
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

fn broken(error: parquet::errors::ParquetError) -> Error {
    use parquet::errors::ParquetError;
    let category = match &error {
        ParquetError::External(inner)
            if inner
                .downcast_ref::<std::io::Error>()
                .is_some_and(|inner| inner.kind() == std::io::ErrorKind::StorageFull) =>
        {
            kura_model::Category::Exhausted
        }
        _ => kura_model::Category::Internal,
    };
    Error::new(category, "a table cannot be written").because(error)
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

/// Rows of one row group: large enough to compress, small enough for memory.
const GROUP_ROWS: usize = 50_000;

/// Writes one table as it comes. The same rows give the same bytes.
pub struct TableWriter<W: Write + Send> {
    table: &'static Table,
    writer: SerializedFileWriter<W>,
    pending: Vec<Vec<Option<Cell>>>,
    rows: u64,
}

impl TableWriter<File> {
    pub fn create(table: &'static Table, file: File) -> Result<Self> {
        Self::new(table, file)
    }
}

impl<W: Write + Send> TableWriter<W> {
    pub fn new(table: &'static Table, out: W) -> Result<Self> {
        let level = ZstdLevel::try_new(3).map_err(broken)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            // The library's version would make the same data differ between builds.
            .set_created_by("kura".to_owned())
            .build();
        let writer =
            SerializedFileWriter::new(out, Arc::new(table.schema()?), Arc::new(properties))
                .map_err(broken)?;
        Ok(Self {
            table,
            writer,
            pending: Vec::new(),
            rows: 0,
        })
    }

    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// Adds the rows of one processed resource.
    pub fn add(&mut self, resource: &Value) -> Result<()> {
        self.pending.extend(self.table.rows(resource));
        if self.pending.len() >= GROUP_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.pending);
        self.rows += rows.len() as u64;
        let mut group = self.writer.next_row_group().map_err(broken)?;
        let mut index = 0;
        while let Some(mut column) = group.next_column().map_err(broken)? {
            let levels: Vec<i16> = rows
                .iter()
                .map(|row| i16::from(row[index].is_some()))
                .collect();
            let cells = || rows.iter().filter_map(|row| row[index].as_ref());
            let written = match self.table.columns[index].1 {
                Number => {
                    let values: Vec<f64> = cells()
                        .filter_map(|cell| match cell {
                            Cell::Number(number) => Some(*number),
                            _ => None,
                        })
                        .collect();
                    column
                        .typed::<DoubleType>()
                        .write_batch(&values, Some(&levels), None)
                }
                Integer | Time => {
                    let values: Vec<i64> = cells()
                        .filter_map(|cell| match cell {
                            Cell::Integer(number) => Some(*number),
                            _ => None,
                        })
                        .collect();
                    column
                        .typed::<Int64Type>()
                        .write_batch(&values, Some(&levels), None)
                }
                Flag => {
                    let values: Vec<bool> = cells()
                        .filter_map(|cell| match cell {
                            Cell::Flag(flag) => Some(*flag),
                            _ => None,
                        })
                        .collect();
                    column
                        .typed::<BoolType>()
                        .write_batch(&values, Some(&levels), None)
                }
                Text | System | Code | Codes | Reference => {
                    let values: Vec<ByteArray> = cells()
                        .filter_map(|cell| match cell {
                            Cell::Text(text) => Some(ByteArray::from(text.as_str())),
                            _ => None,
                        })
                        .collect();
                    column
                        .typed::<ByteArrayType>()
                        .write_batch(&values, Some(&levels), None)
                }
            };
            written.map_err(broken)?;
            column.close().map_err(broken)?;
            index += 1;
        }
        group.close().map_err(broken)?;
        Ok(())
    }

    /// Closes the file; returns the number of rows and what was written to.
    pub fn finish(mut self) -> Result<(u64, W)> {
        self.flush()?;
        let rows = self.rows;
        let out = self.writer.into_inner().map_err(broken)?;
        Ok((rows, out))
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
