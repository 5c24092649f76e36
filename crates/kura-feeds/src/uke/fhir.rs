//! A receipt as FHIR R4 `Claim` and `Coverage`.

use serde_json::{Map, Value, json};

use super::date::month_days;
use super::record::{Header, Insurance, Line, LineKind, Receipt, Sex};
use crate::systems::{DEVICE, DISEASE, DRUG, MODIFIER};

/// 医療機関コード of ten digits, as JP Core names it.
const INSTITUTION: &str = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no";
/// 保険者番号, JP Core NamingSystem.
const INSURER: &str = "urn:oid:1.2.392.100495.20.3.61";
/// 公費負担者番号, JP Core NamingSystem.
const PUBLIC_PAYER: &str = "urn:oid:1.2.392.100495.20.3.71";
const ACT: &str = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/masterS-medicalProcedure";
/// No published name is known for these; they are ours.
const COMMENT: &str = "urn:kura:uke:comment";
const CATEGORY: &str = "urn:kura:uke:shinryo-shikibetsu";
const RECEIPT_KIND: &str = "urn:kura:uke:receipt-shubetsu";
const JP_CORE: &str = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition";

/// Ids the caller gives, so that the same receipt makes the same resources.
#[derive(Debug, Clone, Copy)]
pub struct Ids<'a> {
    /// Id of the `Claim`; `Coverage`s are `{claim}-coverage-1` …; at most 50 characters.
    pub claim: &'a str,
}

/// What a receipt becomes, and what tells whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Its `patient` is a logical reference: an identifier with the value of カルテ番号等 (absent
    /// where the receipt has none). The caller adds the system and, once linked, the reference.
    pub claim: Value,
    /// The same of their `beneficiary`.
    pub coverage: Vec<Value>,
    /// カルテ番号等.
    pub patient_number: Option<String>,
    pub name: String,
    pub kana: Option<String>,
    /// ISO date.
    pub birth_date: String,
    pub sex: Sex,
}

/// Maps a receipt. Money is yen: one point (点) is ten yen. The `Claim` holds no name, birth date
/// or address.
pub fn to_fhir(receipt: &Receipt, header: &Header, ids: Ids<'_>) -> Mapped {
    let patient = patient(receipt);
    let mut mapped = Mapped {
        claim: Value::Null,
        coverage: Vec::new(),
        patient_number: receipt.patient_number.clone(),
        name: receipt.name.clone(),
        kana: receipt.kana.clone(),
        birth_date: receipt.birth_date.clone(),
        sex: receipt.sex,
    };
    let mut insurance = Vec::new();
    for (at, one) in receipt.insurances.iter().enumerate() {
        let id = format!("{}-coverage-{}", ids.claim, at + 1);
        insurance.push(json!({
            "sequence": at + 1,
            "focal": at == 0,
            "coverage": {"reference": format!("Coverage/{id}")},
        }));
        mapped.coverage.push(coverage(one, &id, &patient));
    }
    let (year, month) = receipt.month;
    let last = month_days(year, month).unwrap_or(28);
    let mut claim = json!({
        "resourceType": "Claim",
        "id": ids.claim,
        "status": "active",
        "type": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/claim-type",
            "code": "institutional",
        }]},
        "subType": {"coding": [{"system": RECEIPT_KIND, "code": receipt.kind}]},
        "use": "claim",
        "patient": patient,
        "billablePeriod": {
            "start": format!("{year:04}-{month:02}-01"),
            "end": format!("{year:04}-{month:02}-{last:02}"),
        },
        "created": format!("{:04}-{:02}", header.billed.0, header.billed.1),
        "provider": {
            "identifier": {"system": INSTITUTION, "value": header.institution},
        },
        "priority": {"coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/processpriority",
            "code": "normal",
        }]},
    });
    if let Some(name) = &header.institution_name {
        claim["provider"]["display"] = json!(name);
    }
    let information = information(receipt);
    for (name, list) in [
        ("supportingInfo", information),
        ("diagnosis", diagnoses(receipt)),
        ("insurance", insurance),
        ("item", items(receipt)),
    ] {
        if !list.is_empty() {
            claim[name] = Value::Array(list);
        }
    }
    claim["total"] = yen(receipt.points());
    mapped.claim = claim;
    mapped
}

fn patient(receipt: &Receipt) -> Value {
    match &receipt.patient_number {
        Some(number) => json!({"type": "Patient", "identifier": {"value": number}}),
        // FHIR R4 references.html: a reference says something, if only what it is to.
        None => json!({"type": "Patient", "display": "患者番号なし"}),
    }
}

/// One point is ten yen (診療報酬の算定方法).
fn yen(points: u64) -> Value {
    json!({"value": points.saturating_mul(10), "currency": "JPY"})
}

fn coverage(insurance: &Insurance, id: &str, patient: &Value) -> Value {
    let (system, kind) = if insurance.public {
        (PUBLIC_PAYER, "公費")
    } else {
        (INSURER, "医療保険")
    };
    let mut made = json!({
        "resourceType": "Coverage",
        "id": id,
        "status": "active",
        "type": {"text": kind},
        "beneficiary": patient,
        "payor": [{"identifier": {"system": system, "value": insurance.payer}}],
    });
    let mut extension = Vec::new();
    for (name, value) in [
        ("JP_Coverage_InsuredPersonSymbol", &insurance.symbol),
        ("JP_Coverage_InsuredPersonNumber", &insurance.number),
        ("JP_Coverage_InsuredPersonSubNumber", &insurance.branch),
    ] {
        if let Some(value) = value
            && !insurance.public
        {
            extension.push(json!({"url": format!("{JP_CORE}/{name}"), "valueString": value}));
        }
    }
    if !extension.is_empty() {
        made["extension"] = Value::Array(extension);
    }
    if insurance.public
        && let Some(number) = &insurance.number
    {
        made["subscriberId"] = json!(number);
    }
    made
}

fn information(receipt: &Receipt) -> Vec<Value> {
    let mut made = Vec::new();
    if let Some(admitted) = &receipt.admitted {
        made.push(json!({"category": {"text": "入院年月日"}, "timingDate": admitted}));
    }
    for comment in &receipt.comments {
        let (category, system) = if comment.narrative {
            ("症状詳記", "urn:kura:uke:shojo-shoki")
        } else {
            ("コメント", COMMENT)
        };
        let mut one = json!({"category": {"text": category}});
        if !comment.code.is_empty() {
            one["code"] = json!({"coding": [{"system": system, "code": comment.code}]});
        }
        if !comment.text.is_empty() {
            one["valueString"] = json!(comment.text);
        }
        made.push(one);
    }
    for (at, one) in made.iter_mut().enumerate() {
        one["sequence"] = json!(at + 1);
    }
    made
}

fn diagnoses(receipt: &Receipt) -> Vec<Value> {
    receipt
        .diagnoses
        .iter()
        .enumerate()
        .map(|(at, diagnosis)| {
            let mut code = json!({"coding": [{"system": DISEASE, "code": diagnosis.code}]});
            if let Some(name) = &diagnosis.name {
                code["text"] = json!(name);
            }
            let mut extension: Vec<Value> = diagnosis
                .modifiers
                .iter()
                .map(|modifier| {
                    // 修飾語マスター: codes from 8000 stand behind the name (接尾語).
                    let name = if modifier.starts_with('8') {
                        "JP_Condition_DiseasePostfixModifier"
                    } else {
                        "JP_Condition_DiseasePrefixModifier"
                    };
                    json!({
                        "url": format!("{JP_CORE}/{name}"),
                        "valueCodeableConcept": {
                            "coding": [{"system": MODIFIER, "code": modifier}],
                        },
                    })
                })
                .collect();
            extension.push(json!({
                "url": "urn:kura:uke:shinryo-kaishibi",
                "valueDate": diagnosis.start,
            }));
            if let Some(outcome) = &diagnosis.outcome {
                extension.push(json!({"url": "urn:kura:uke:tenki", "valueCode": outcome}));
            }
            let mut made = json!({
                "extension": extension,
                "sequence": at + 1,
                "diagnosisCodeableConcept": code,
            });
            if diagnosis.main {
                made["type"] = json!([{"coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/ex-diagnosistype",
                    "code": "principal",
                }]}]);
            }
            made
        })
        .collect()
}

fn items(receipt: &Receipt) -> Vec<Value> {
    receipt
        .items
        .iter()
        .enumerate()
        .map(|(at, line)| item(at + 1, line, receipt.month))
        .collect()
}

fn item(sequence: usize, line: &Line, (year, month): (u32, u32)) -> Value {
    let system = match line.kind {
        LineKind::Act => ACT,
        LineKind::Drug => DRUG,
        LineKind::Device => DEVICE,
    };
    let date = |day: u32| format!("{year:04}-{month:02}-{day:02}");
    let mut made = Map::new();
    // Which days, and how often on each, is more than a period can say.
    if line.days.len() > 1 || line.days.iter().any(|(_, count)| *count > 1) {
        let days: Vec<Value> = line
            .days
            .iter()
            .map(|(day, count)| {
                json!({
                    "url": "urn:kura:uke:day",
                    "extension": [
                        {"url": "date", "valueDate": date(*day)},
                        {"url": "count", "valuePositiveInt": count},
                    ],
                })
            })
            .collect();
        made.insert("extension".to_owned(), Value::Array(days));
    }
    made.insert("sequence".to_owned(), json!(sequence));
    if let Some(category) = &line.category {
        made.insert(
            "category".to_owned(),
            json!({"coding": [{"system": CATEGORY, "code": category}]}),
        );
    }
    let mut product = json!({"coding": [{"system": system, "code": line.code}]});
    if let Some(name) = &line.name {
        product["text"] = json!(name);
    }
    made.insert("productOrService".to_owned(), product);
    if !line.comments.is_empty() {
        let notes: Vec<Value> = line
            .comments
            .iter()
            .map(|(code, text)| {
                let mut note = Map::new();
                if !code.is_empty() {
                    note.insert(
                        "coding".to_owned(),
                        json!([{"system": COMMENT, "code": code}]),
                    );
                }
                if !text.is_empty() {
                    note.insert("text".to_owned(), json!(text));
                }
                Value::Object(note)
            })
            .collect();
        made.insert("modifier".to_owned(), Value::Array(notes));
    }
    match line.days.as_slice() {
        [] => {}
        [(day, _)] => {
            made.insert("servicedDate".to_owned(), json!(date(*day)));
        }
        [(first, _), .., (last, _)] => {
            made.insert(
                "servicedPeriod".to_owned(),
                json!({"start": date(*first), "end": date(*last)}),
            );
        }
    }
    let quantity = line
        .quantity
        .as_ref()
        .and_then(|text| serde_json::from_str::<serde_json::Number>(text).ok());
    if let Some(quantity) = quantity {
        made.insert("quantity".to_owned(), json!({"value": quantity}));
    }
    if let Some(points) = line.points {
        // 点数 is of one time whatever the quantity; 回数 multiplies it.
        made.insert("unitPrice".to_owned(), yen(points));
        made.insert("factor".to_owned(), json!(line.times));
        made.insert(
            "net".to_owned(),
            yen(points.saturating_mul(u64::from(line.times))),
        );
    }
    Value::Object(made)
}
