//! Each DICOM object a record, each study an `ImagingStudy`: what both are made of.

use std::collections::HashSet;

use kura_dicom::Header;
use kura_fhir::{Resource, view};
use kura_model::{ContentHash, Error, IndexEntry, IndexValue, RecordKey, Refusal, Result};
use kura_store::{Expect, Predicate, Put, Query, Version, Write};
use serde_json::{Value, json};

use crate::link::{self, Claimed, Reason};
use crate::{Bank, config, dicom_index, endpoint, import, kind, modality_worklist};

/// Name of the search parameter that finds the objects of a study.
pub(crate) const STUDY_PARAM: &str = "DicomInstance.study";

/// What a study needs to know of one of its objects.
pub(crate) struct Instance {
    pub(crate) study_uid: String,
    pub(crate) series_uid: String,
    sop_uid: String,
    sop_class: String,
    modality: Option<String>,
    series_number: Option<u32>,
    instance_number: Option<u32>,
    body_part: Option<String>,
    study_description: Option<String>,
    series_description: Option<String>,
    accession_number: Option<String>,
    started: Option<String>,
    claimed: Claimed,
}

/// An object on its way into the store.
pub(crate) struct NewInstance {
    pub(crate) put: Put,
    pub(crate) facts: Instance,
}

impl NewInstance {
    /// The record of one object: its header as DICOM JSON, and where its bytes are.
    pub(crate) fn of(
        header: &Header,
        hospital: &config::Hospital,
        blob: ContentHash,
        size: u64,
        source: Option<(i64, u64)>,
    ) -> Result<std::result::Result<Self, Refusal>> {
        let (Some(sop_uid), Some(study_uid), Some(_)) = (
            uid(header.sop_instance_uid()),
            uid(header.study_instance_uid()),
            uid(header.series_instance_uid()),
        ) else {
            return Ok(Err(Refusal::new(
                "dicom-uid",
                "the object does not name its study, series and instance",
            )
            .at_path("(0020,000D)")));
        };
        let body = json!({
            "blob": blob,
            "size": size,
            "transferSyntax": header.transfer_syntax_uid(),
            "frames": if header.pixel().is_some() { header.number_of_frames() } else { 0 },
            "header": header.to_dicom_json(),
        });
        let facts = Instance::of_record(&sop_uid, &body, hospital);
        let body = serde_json::to_vec(&body)
            .map_err(|error| Error::internal("a header cannot be written").because(error))?;
        let put = Put {
            key: RecordKey::new(kind::DICOM_INSTANCE, sop_uid),
            body,
            index: vec![IndexEntry {
                param: STUDY_PARAM,
                value: IndexValue::Token {
                    system: None,
                    code: study_uid,
                },
            }],
            indexed_by: None,
            owners: Vec::new(),
            blobs: vec![blob],
            source,
            once: true,
        };
        Ok(Ok(Self { put, facts }))
    }
}

impl Instance {
    /// Of the record as it is stored.
    pub(crate) fn of_record(sop_uid: &str, record: &Value, hospital: &config::Hospital) -> Self {
        let header = &record["header"];
        let text = |tag| attribute::text(header, tag);
        let number = |tag| attribute::number(header, tag).and_then(|n| u32::try_from(n).ok());
        Self {
            study_uid: text("0020000D").unwrap_or_default(),
            series_uid: text("0020000E").unwrap_or_default(),
            sop_uid: sop_uid.to_owned(),
            sop_class: text("00080016").unwrap_or_default(),
            modality: text("00080060"),
            series_number: number("00200011"),
            instance_number: number("00200013"),
            body_part: text("00180015"),
            study_description: text("00081030"),
            series_description: text("0008103E"),
            accession_number: text("00080050"),
            started: started(header),
            claimed: claimed(header, hospital),
        }
    }
}

/// Values of a data set in DICOM JSON. PS3.18 F.2.
pub(crate) mod attribute {
    use serde_json::Value;

    /// The first value.
    pub(crate) fn first<'a>(header: &'a Value, tag: &str) -> Option<&'a Value> {
        header.get(tag)?.get("Value")?.get(0)
    }

    pub(crate) fn text(header: &Value, tag: &str) -> Option<String> {
        first(header, tag)?
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    pub(crate) fn number(header: &Value, tag: &str) -> Option<i64> {
        let value = first(header, tag)?;
        value
            .as_i64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    }

    /// All values of a text; an empty one keeps its place.
    pub(crate) fn texts(header: &Value, tag: &str) -> Vec<String> {
        values(header, tag)
            .iter()
            .map(|value| value.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// All values as decimal numbers; none where one of them is no number.
    pub(crate) fn decimals(header: &Value, tag: &str) -> Vec<f64> {
        let number = |value: &Value| {
            value
                .as_f64()
                .or_else(|| value.as_str()?.trim().parse().ok())
                .filter(|number: &f64| number.is_finite())
        };
        let found: Option<Vec<f64>> = values(header, tag).iter().map(number).collect();
        found.unwrap_or_default()
    }

    fn values<'a>(header: &'a Value, tag: &str) -> &'a [Value] {
        header
            .get(tag)
            .and_then(|element| element.get("Value")?.as_array())
            .map_or(&[], Vec::as_slice)
    }

    /// The items of a sequence.
    pub(crate) fn items<'a>(header: &'a Value, tag: &str) -> &'a [Value] {
        values(header, tag)
    }

    /// Its first item.
    pub(crate) fn item<'a>(header: &'a Value, tag: &str) -> Option<&'a Value> {
        items(header, tag).first()
    }
}

fn uid(text: Option<String>) -> Option<String> {
    text.filter(|uid| {
        (1..=64).contains(&uid.len())
            && uid
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    })
}

/// `2026-04-05T10:20:30+09:00` of StudyDate, StudyTime and the offset; what is not known is left
/// out.
fn started(header: &Value) -> Option<String> {
    let date = attribute::text(header, "00080020")
        .filter(|date| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()))?;
    let date = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
    let time = attribute::text(header, "00080030")
        .filter(|time| time.len() >= 6 && time.bytes().take(6).all(|byte| byte.is_ascii_digit()));
    let text = match time {
        None => date,
        Some(time) => {
            let offset = attribute::text(header, "00080201")
                .filter(|offset| offset.len() == 5 && offset.is_ascii())
                .map_or_else(
                    || "+09:00".to_owned(),
                    |offset| format!("{}:{}", &offset[..3], &offset[3..]),
                );
            format!(
                "{date}T{}:{}:{}{offset}",
                &time[..2],
                &time[2..4],
                &time[4..6]
            )
        }
    };
    kura_fhir::date::range(&text).map(|_| text)
}

/// PS3.3 C.7.1.1: a Patient ID means something only with its issuer.
fn claimed(header: &Value, hospital: &config::Hospital) -> Claimed {
    let system = match attribute::text(header, "00100021") {
        Some(issuer) if hospital.dicom_issuers.contains(&issuer) => {
            Some(hospital.patient_number_system.clone())
        }
        Some(issuer) => Some(format!("urn:kura:dicom-issuer:{issuer}")),
        None if hospital.accept_missing_issuer => Some(hospital.patient_number_system.clone()),
        None => None,
    };
    Claimed {
        number: attribute::text(header, "00100020"),
        system,
        birth_date: attribute::text(header, "00100030")
            .filter(|date| date.len() == 8 && date.is_ascii())
            .map(|date| format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..])),
        sex: attribute::text(header, "00100040").and_then(|sex| {
            Some(
                match sex.as_str() {
                    "M" => "male",
                    "F" => "female",
                    "O" => "other",
                    _ => return None,
                }
                .to_owned(),
            )
        }),
    }
}

/// The put of a study's `ImagingStudy` with these objects added.
pub(crate) fn put_study(
    bank: &Bank,
    uid: &str,
    instances: &[Instance],
    source: Option<(i64, u64)>,
) -> Result<Put> {
    let study = study(bank, uid, instances)?;
    let resource = Resource::from_value(study).map_err(|refusal| {
        Error::internal("an ImagingStudy of ours is not sound").because(refusal)
    })?;
    let mut put = import::fhir_put(&*bank.search_parameters()?, &resource, source);
    put.once = false;
    Ok(put)
}

/// The `ImagingStudy` with these objects added.
fn study(bank: &Bank, uid: &str, instances: &[Instance]) -> Result<Value> {
    let mut claimed = instances[0].claimed.clone();
    let mut agreed = instances.iter().all(|instance| instance.claimed == claimed);
    // The objects that came before say whose they are, too.
    if let Some(before) = dicom_index::study(bank, uid)? {
        agreed &= self::claimed(&before.dataset(), &bank.config.hospital) == claimed;
    }
    let mut linked = link::find(bank, &claimed)?;
    let own = RecordKey::new("ImagingStudy", study_id(uid));
    // Objects that contradict each other are not put into the hospital's own study.
    let patient = linked.as_ref().ok().filter(|_| agreed);
    let mut value = match existing(bank, uid, &own, patient)? {
        Some(value) => {
            let before = link::claimed_of(&value);
            if value.get("id").and_then(Value::as_str) == Some(own.id.as_str()) {
                agreed &= before == claimed && !link::in_conflict(&value);
                claimed = before;
            }
            value
        }
        None => json!({
            "resourceType": "ImagingStudy",
            "id": own.id,
            "meta": {},
            "identifier": [{ "system": "urn:dicom:uid", "value": format!("urn:oid:{uid}") }],
            "status": "available",
        }),
    };
    if !agreed {
        linked = Err(Reason::StudyConflict);
    }
    // A study the hospital's own record linked keeps that link; `existing` checked it.
    let keeps_link = value.pointer("/subject/reference").is_some()
        && value.pointer("/subject/identifier").is_none();
    if !keeps_link {
        link::write_link(&mut value, &claimed, linked)?;
    }
    for instance in instances {
        add(&mut value, instance);
    }
    summarise(&mut value);
    order(bank, &mut value, &[])?;
    endpoint::refer(bank, &mut value);
    Ok(value)
}

/// Orders of one patient looked at to find that of a study.
const ORDERS: u32 = 200;

/// An order that is being written, as it will be.
pub(crate) struct Order {
    key: RecordKey,
    resource: Value,
}

/// Whose an order or a study is.
fn patient_of(resource: &Value) -> Option<RecordKey> {
    let reference = resource.pointer("/subject/reference")?.as_str()?;
    let (kind, id) = reference.split_once('/')?;
    (kind == "Patient").then(|| RecordKey::new(kind, id))
}

fn numbers(resource: &Value) -> impl Iterator<Item = &str> {
    view::items(resource, "identifier")
        .filter(|identifier| view::text(identifier, "system") != Some("urn:dicom:uid"))
        .filter_map(|identifier| view::text(identifier, "value"))
}

/// Names what the study was ordered by: the patient's `ServiceRequest` with its accession number, or
/// the one whose worklist entry gave it its UID; `coming` are on their way into the bank. Two that
/// fit are none. Whether it was named now.
pub(crate) fn order(bank: &Bank, study: &mut Value, coming: &[Order]) -> Result<bool> {
    let Some(patient) = patient_of(study).filter(|_| study.get("basedOn").is_none()) else {
        return Ok(false);
    };
    let coming: Vec<&Order> = coming
        .iter()
        .filter(|order| patient_of(&order.resource).as_ref() == Some(&patient))
        .collect();
    // What is written anew is no more as it lies.
    let stays = |key: &RecordKey| coming.iter().all(|order| order.key != *key);
    let of_patient = Query::all("ServiceRequest").and(Predicate::Reference {
        param: "ServiceRequest.subject".to_owned(),
        target: patient,
    });
    let wanted: Vec<&str> = numbers(study).collect();
    let mut found: Vec<RecordKey> = coming
        .iter()
        .filter(|order| numbers(&order.resource).any(|number| wanted.contains(&number)))
        .map(|order| order.key.clone())
        .collect();
    if !wanted.is_empty() {
        let query = of_patient.clone().and(Predicate::Tokens {
            param: "ServiceRequest.identifier".to_owned(),
            any: wanted
                .iter()
                .map(|number| (None, (*number).to_owned()))
                .collect(),
        });
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, None, ORDERS))?;
        let keys = page.versions.into_iter().map(|version| version.key);
        found.extend(keys.filter(stays));
    }
    if let Some(uid) = crate::imaging::study_uid(study).filter(|_| found.is_empty()) {
        let active = of_patient.and(Predicate::Token {
            param: "ServiceRequest.status".to_owned(),
            system: None,
            code: Some("active".to_owned()),
        });
        let leads =
            |key: &RecordKey, order: &Value| modality_worklist::study_uid(key, order) == uid;
        found.extend(
            coming
                .iter()
                .filter(|order| view::text(&order.resource, "status") == Some("active"))
                .filter(|order| leads(&order.key, &order.resource))
                .map(|order| order.key.clone()),
        );
        let page = bank
            .clinical
            .read(|reader| reader.search(&active, None, ORDERS))?;
        for version in page.versions {
            let resource = crate::imaging::decode(&version.body)?;
            if stays(&version.key) && leads(&version.key, &resource) {
                found.push(version.key);
            }
        }
    }
    let [order] = &found[..] else {
        return Ok(false);
    };
    study["basedOn"] = json!([{ "reference": order.to_string() }]);
    Ok(true)
}

/// A study that is written because its order is.
pub(crate) struct Linked {
    pub(crate) put: Put,
    pub(crate) expect: Expect,
}

/// Studies of one order that are looked at.
const STUDIES: u32 = 100;

/// The studies whose objects are here and whose order is among these writes, which are not in the
/// bank yet. The caller holds [`Bank::writing`].
pub(crate) fn ordered(bank: &Bank, writes: &[Write]) -> Result<Vec<Linked>> {
    let mut coming = Vec::new();
    let mut seen = HashSet::new();
    for write in writes {
        match write {
            Write::Put(put) if put.key.kind == "ServiceRequest" => coming.push(Order {
                key: put.key.clone(),
                resource: crate::imaging::decode(&put.body)?,
            }),
            // Whoever writes a study says what it was ordered by.
            Write::Put(put) if put.key.kind == "ImagingStudy" => {
                seen.insert(put.key.clone());
            }
            Write::Delete(key) => {
                seen.insert(key.clone());
            }
            Write::Put(_) => {}
        }
    }
    let mut linked = Vec::new();
    if coming.is_empty() || !dicom_index::any(bank)? {
        return Ok(linked);
    }
    for order in &coming {
        for version in of_order(bank, order)? {
            if !seen.insert(version.key.clone()) {
                continue;
            }
            let mut study = crate::imaging::decode(&version.body)?;
            let has_objects = match crate::imaging::study_uid(&study) {
                Some(uid) => dicom_index::study(bank, uid)?.is_some(),
                None => false,
            };
            if !has_objects || !self::order(bank, &mut study, &coming)? {
                continue;
            }
            let resource = Resource::from_value(study).map_err(|refusal| {
                Error::internal("an ImagingStudy of ours is not sound").because(refusal)
            })?;
            let mut put = import::fhir_put(&*bank.search_parameters()?, &resource, version.source);
            put.once = false;
            put.blobs = bank.clinical.read(|reader| reader.blobs(&version.key))?;
            linked.push(Linked {
                put,
                expect: Expect::Newest {
                    key: version.key,
                    version: Some(version.version),
                },
            });
        }
    }
    Ok(linked)
}

/// Studies of its patient that have its number, or the UID its worklist entry gives.
fn of_order(bank: &Bank, order: &Order) -> Result<Vec<Version>> {
    let Some(patient) = patient_of(&order.resource) else {
        return Ok(Vec::new());
    };
    let uid = modality_worklist::study_uid(&order.key, &order.resource);
    let mut any: Vec<_> = numbers(&order.resource)
        .map(|number| (None, number.to_owned()))
        .collect();
    any.push((Some("urn:dicom:uid".to_owned()), format!("urn:oid:{uid}")));
    let query = Query::all("ImagingStudy")
        .and(Predicate::Reference {
            param: "ImagingStudy.subject".to_owned(),
            target: patient,
        })
        .and(Predicate::Tokens {
            param: "ImagingStudy.identifier".to_owned(),
            any,
        });
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, STUDIES))?;
    Ok(page.versions)
}

/// Ids of studies are ours: a UID may hold a date or a number that says something.
pub(crate) fn study_id(uid: &str) -> String {
    format!("study-{}", &ContentHash::of(uid.as_bytes()).to_hex()[..24])
}

/// Our own record of the study, or the one the hospital's FHIR data brought, if that is of the
/// same patient.
fn existing(
    bank: &Bank,
    uid: &str,
    own: &RecordKey,
    patient: Option<&RecordKey>,
) -> Result<Option<Value>> {
    let decode = |body: &[u8]| -> Result<Value> {
        serde_json::from_slice(body)
            .map_err(|error| Error::internal("a stored resource is damaged").because(error))
    };
    let found = bank.clinical.read(|reader| reader.current(own))?;
    if let Some(version) = found.filter(|version| !version.deleted) {
        return decode(&version.body).map(Some);
    }
    let Some(patient) = patient else {
        return Ok(None);
    };
    let query = Query::all("ImagingStudy").and(Predicate::Token {
        param: "ImagingStudy.identifier".to_owned(),
        system: Some(Some("urn:dicom:uid".to_owned())),
        code: Some(format!("urn:oid:{uid}")),
    });
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, 2))?;
    for version in page.versions {
        let value = decode(&version.body)?;
        if value.pointer("/subject/reference").and_then(Value::as_str)
            == Some(patient.to_string().as_str())
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";

fn add(study: &mut Value, instance: &Instance) {
    if let Some(started) = &instance.started {
        study["started"] = json!(started);
    }
    if let Some(text) = &instance.study_description {
        study["description"] = json!(text);
    }
    if let Some(number) = &instance.accession_number
        && !number.is_empty()
    {
        let accession = json!({
            "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN" }] },
            "value": number,
        });
        if !view::items(study, "identifier").any(|identifier| *identifier == accession)
            && let Some(Value::Array(identifiers)) = study.get_mut("identifier")
        {
            identifiers.push(accession);
        }
    }
    let Some(series) = series_of(study, instance) else {
        return;
    };
    let mut entry = json!({
        "uid": instance.sop_uid,
        "sopClass": { "system": "urn:ietf:rfc:3986", "code": format!("urn:oid:{}", instance.sop_class) },
    });
    if let Some(number) = instance.instance_number {
        entry["number"] = json!(number);
    }
    if !series["instance"].is_array() {
        series["instance"] = json!([]);
    }
    if let Value::Array(entries) = &mut series["instance"] {
        match entries
            .iter_mut()
            .find(|known| view::text(known, "uid") == Some(instance.sop_uid.as_str()))
        {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
        entries.sort_by_key(|entry| {
            (
                entry
                    .get("number")
                    .and_then(Value::as_u64)
                    .unwrap_or(u64::MAX),
                view::text(entry, "uid").unwrap_or_default().to_owned(),
            )
        });
    }
}

fn series_of<'a>(study: &'a mut Value, instance: &Instance) -> Option<&'a mut Value> {
    if !study["series"].is_array() {
        study["series"] = json!([]);
    }
    let Value::Array(all) = &mut study["series"] else {
        return None;
    };
    let known = all
        .iter()
        .position(|series| view::text(series, "uid") == Some(instance.series_uid.as_str()));
    let index = known.unwrap_or_else(|| {
        all.push(json!({ "uid": instance.series_uid }));
        all.len() - 1
    });
    let series = all.get_mut(index)?;
    if let Some(number) = instance.series_number {
        series["number"] = json!(number);
    }
    if let Some(modality) = &instance.modality {
        series["modality"] = json!({ "system": DCM, "code": modality });
    }
    if let Some(text) = &instance.series_description {
        series["description"] = json!(text);
    }
    if let Some(part) = &instance.body_part {
        series["bodySite"] = json!({ "display": part });
    }
    Some(series)
}

/// Counts and modalities follow from the series.
pub(crate) fn summarise(study: &mut Value) {
    let mut instances = 0;
    let mut modalities: Vec<Value> = Vec::new();
    let mut count = 0;
    if let Some(Value::Array(all)) = study.get_mut("series") {
        count = all.len();
        for series in all {
            if let Some(Value::Array(entries)) = series.get("instance") {
                let number = entries.len();
                series["numberOfInstances"] = json!(number);
            }
            instances += series
                .get("numberOfInstances")
                .and_then(Value::as_u64)
                .unwrap_or(0);
            if let Some(modality) = series.get("modality")
                && !modalities.contains(modality)
            {
                modalities.push(modality.clone());
            }
        }
    }
    study["numberOfSeries"] = json!(count);
    study["numberOfInstances"] = json!(instances);
    study["modality"] = Value::Array(modalities);
}
