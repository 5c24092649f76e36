//! The studies whose images are in the bank, newest first: where a reader begins.

use kura_dicom::MatchingKey;
use kura_fhir::{date, romaji, text, view};
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::{Predicate, Query};
use serde_json::Value;

use super::object::{Sort, sort};
use super::series::is_video;
use super::{decode, of_study};
use crate::dicom_find::{Finding, Level};
use crate::imaging_study::attribute::{first, number, text as value_of, texts};
use crate::imaging_study::study_id;
use crate::patients::{self, Patient};
use crate::{Bank, kind};

/// What a reader looks for; an empty field asks for nothing.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Modality (0008,0060) of any series.
    pub modality: String,
    /// Days, `2026-04-01`, both included.
    pub from: String,
    pub to: String,
    /// A part of Study Description (0008,1030), in any case and width.
    pub description: String,
    /// Parts of a name in any of its scripts, or of a number; all have to be there.
    pub patient: String,
}

/// A study as a row of the list.
#[derive(Debug, Clone)]
pub struct StudyRow {
    /// Id of its `ImagingStudy`.
    pub id: String,
    /// `2026-04-01`
    pub date: Option<String>,
    pub modalities: Vec<String>,
    pub description: Option<String>,
    pub series: u64,
    pub objects: u64,
    /// The patient it was linked to.
    pub patient: Option<Patient>,
    /// Study Instance UID (0020,000D)
    pub uid: String,
    /// There is an image in it.
    pub picture: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Studies {
    pub rows: Vec<StudyRow>,
    /// Studies to pass over for the next page.
    pub next: Option<usize>,
    /// The bank holds no study at all.
    pub none: bool,
}

/// Characters of one field.
const TYPED: usize = 200;

/// A page of the studies that fit. Modality and date are looked up in the search tables; names and
/// descriptions are compared with the record of each study that these leave. No object is read.
pub fn studies(
    bank: &Bank,
    context: &RequestContext,
    asked: &Asked,
    skip: usize,
    rows: usize,
) -> Result<Studies> {
    let fields = [
        &asked.modality,
        &asked.from,
        &asked.to,
        &asked.description,
        &asked.patient,
    ];
    if fields.iter().any(|field| field.chars().count() > TYPED) {
        return Err(Error::invalid("this is too long to search for"));
    }
    let mut finding = Finding::begin(bank, context, Level::Study, keys(asked)?, None)?;
    let description = text::fold(&asked.description);
    let words: Vec<Word> = asked
        .patient
        .split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | '、' | '^'))
        .filter(|word| !text::fold(word).is_empty())
        .map(Word::of)
        .collect();
    let fits = |study: &Value| {
        let about = value_of(study, "00081030").unwrap_or_default();
        (description.is_empty() || text::fold(&about).contains(&description))
            && words.iter().all(|word| word.names(study))
    };
    let mut found = Studies::default();
    let mut passed = 0;
    while let Some(study) = finding.next().transpose()? {
        if !fits(&study) {
            continue;
        }
        passed += 1;
        if passed <= skip {
            continue;
        }
        if found.rows.len() == rows {
            found.next = Some(skip + rows);
            break;
        }
        found.rows.push(row(bank, &study)?);
    }
    if found.rows.is_empty() {
        let any = Query::all(kind::DICOM_STUDY);
        let page = bank.clinical.read(|reader| reader.search(&any, None, 1))?;
        found.none = page.versions.is_empty();
    }
    Ok(found)
}

/// The keys that the search tables know.
fn keys(asked: &Asked) -> Result<Vec<MatchingKey>> {
    let mut keys = Vec::new();
    let mut key = |tag: &str, value: String| {
        keys.push(MatchingKey {
            path: vec![tag.to_owned()],
            value,
        });
    };
    let modality = asked.modality.trim();
    if !modality.is_empty() {
        // PS3.5 6.2: a CS is of capitals, digits, spaces and underscores.
        let code = |byte: u8| byte.is_ascii_alphanumeric() || b" _".contains(&byte);
        if modality.len() > 16 || !modality.bytes().all(code) {
            return Err(Error::invalid("a modality is a code such as CT"));
        }
        key("00080061", modality.to_ascii_uppercase());
    }
    let day = |typed: &str| -> Result<String> {
        let typed = typed.trim();
        let whole = typed.len() == 10 && typed.is_ascii();
        if !typed.is_empty() && (!whole || date::range(typed).is_none()) {
            return Err(Error::invalid("a day is written as 2026-04-01"));
        }
        Ok(typed.replace('-', ""))
    };
    let (from, to) = (day(&asked.from)?, day(&asked.to)?);
    if !from.is_empty() || !to.is_empty() {
        key("00080020", format!("{from}-{to}"));
    }
    Ok(keys)
}

/// A part of a name as it was typed, and as it sounds.
struct Word {
    folded: String,
    sound: Option<String>,
}

impl Word {
    fn of(typed: &str) -> Self {
        let folded = text::fold(typed);
        let sound = folded
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic())
            .then(|| romaji::key(&folded))
            .filter(|sound| !sound.is_empty());
        Self { folded, sound }
    }

    fn names(&self, study: &Value) -> bool {
        let number = value_of(study, "00100020").unwrap_or_default();
        if text::fold(&number).contains(&self.folded) {
            return true;
        }
        let Some(Value::Object(name)) = first(study, "00100010") else {
            return false;
        };
        name.values()
            .filter_map(Value::as_str)
            .flat_map(|group| group.split(['^', ' ', '　']))
            .any(|part| {
                text::fold(part).starts_with(&self.folded)
                    || self.sound.as_ref().is_some_and(|sound| {
                        let own = romaji::kana_key(part).unwrap_or_else(|| match part.is_ascii() {
                            true => romaji::key(part),
                            false => String::new(),
                        });
                        own.starts_with(sound.as_str())
                    })
            })
    }
}

fn row(bank: &Bank, study: &Value) -> Result<StudyRow> {
    let uid = value_of(study, "0020000D").unwrap_or_default();
    let record = record_of(bank, &uid)?;
    let patient = record.as_ref().and_then(|(_, record)| {
        view::text(&record["subject"], "reference").and_then(kura_fhir::search_parameter::reference)
    });
    let (patient, objects) = bank.clinical.read(|reader| {
        let patient = match patient.filter(|key| key.kind == "Patient") {
            None => None,
            Some(key) => reader
                .current(&key)?
                .filter(|version| !version.deleted)
                .map(|version| patients::of(bank, &version))
                .transpose()?,
        };
        Ok((patient, reader.search(&of_study(&uid), None, PICTURES)?))
    })?;
    let mut picture = false;
    for version in objects.versions {
        let record = decode(&version.body)?;
        let frames = record["frames"].as_u64().unwrap_or(0) as u32;
        let class = value_of(&record["header"], "00080016").unwrap_or_default();
        let video = is_video(record["transferSyntax"].as_str().unwrap_or_default());
        picture |= sort(&class, frames, video) == Sort::Image;
    }
    let date = value_of(study, "00080020").filter(|date| date.len() == 8 && date.is_ascii());
    let total = |tag| {
        number(study, tag)
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or(0)
    };
    Ok(StudyRow {
        id: record.map_or_else(|| study_id(&uid), |(key, _)| key.id),
        date: date.map(|date| format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..])),
        modalities: texts(study, "00080061"),
        description: value_of(study, "00081030"),
        series: total("00201206"),
        objects: total("00201208"),
        patient,
        uid,
        picture,
    })
}

/// Objects looked at for one that is a picture.
const PICTURES: u32 = 4;

/// The `ImagingStudy` of a study: our own, or the one that the hospital's record brought.
fn record_of(bank: &Bank, uid: &str) -> Result<Option<(RecordKey, Value)>> {
    let own = RecordKey::new("ImagingStudy", study_id(uid));
    let found = bank.clinical.read(|reader| reader.current(&own))?;
    if let Some(version) = found.filter(|version| !version.deleted) {
        return Ok(Some((own, decode(&version.body)?)));
    }
    let query = Query::all("ImagingStudy").and(Predicate::Token {
        param: "ImagingStudy.identifier".to_owned(),
        system: Some(Some("urn:dicom:uid".to_owned())),
        code: Some(format!("urn:oid:{uid}")),
    });
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, 1))?;
    page.versions
        .into_iter()
        .next()
        .map(|version| Ok((version.key, decode(&version.body)?)))
        .transpose()
}

/// Id of the `ImagingStudy` of a study.
pub(super) fn id_of(bank: &Bank, uid: &str) -> Result<String> {
    Ok(record_of(bank, uid)?.map_or_else(|| study_id(uid), |(key, _)| key.id))
}

/// Another study of the same patient, as a reader chooses it to compare.
#[derive(Debug, Clone)]
pub struct Other {
    pub id: String,
    pub date: Option<String>,
    pub title: String,
}

/// Studies offered for comparison at most.
const OTHERS: u32 = 100;

/// The other studies of a patient whose images are in the bank, newest first.
pub fn others(
    bank: &Bank,
    context: &RequestContext,
    patient: &str,
    except: &str,
) -> Result<Vec<Other>> {
    let reach = crate::access::reach(bank, context, crate::access::Action::ReadClinical)?;
    let key = patients::key(patient)?;
    let mut query = Query::all("ImagingStudy").and(Predicate::Owned { owner: key });
    query.order = kura_store::Order::date("ImagingStudy.started", true);
    let page = reach.read(bank, |reader| reader.search(&query, None, OTHERS))?;
    let mut found = Vec::new();
    for version in page.versions {
        if version.key.id == except {
            continue;
        }
        let record = decode(&version.body)?;
        let Some(uid) = super::study_uid(&record) else {
            continue;
        };
        let Some(study) = crate::dicom_index::study(bank, uid)? else {
            continue;
        };
        let modalities: Vec<String> = study.modalities.iter().cloned().collect();
        let about = value_of(&study.dataset(), "00081030").unwrap_or_default();
        found.push(Other {
            id: version.key.id,
            date: view::when(&record)
                .and_then(|when| when.get(..10))
                .map(str::to_owned),
            title: format!("{} {about}", modalities.join("/"))
                .trim()
                .to_owned(),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_in_any_script() {
        let study = json!({
            "00100010": { "vr": "PN", "Value": [{
                "Alphabetic": "Satou^Hanako", "Ideographic": "佐藤^花子", "Phonetic": "さとう^はなこ",
            }] },
            "00100020": { "vr": "LO", "Value": ["POP-000016"] },
        });
        for typed in [
            "sato",
            "Satō",
            "佐藤",
            "サトウ",
            "花",
            "hana",
            "pop-000016",
            "000016",
        ] {
            assert!(Word::of(typed).names(&study), "{typed}");
        }
        for typed in ["suzuki", "藤", "000017"] {
            assert!(!Word::of(typed).names(&study), "{typed}");
        }
        assert!(!Word::of("sato").names(&json!({})));
    }

    #[test]
    fn what_is_no_day_or_modality_is_refused() {
        let asked = |modality: &str, from: &str| Asked {
            modality: modality.to_owned(),
            from: from.to_owned(),
            ..Asked::default()
        };
        assert_eq!(keys(&asked("ct", "2026-04-01")).unwrap()[0].value, "CT");
        assert_eq!(
            keys(&asked("", "2026-04-01")).unwrap()[0].value,
            "20260401-"
        );
        assert!(keys(&asked("C*", "")).is_err());
        assert!(keys(&asked("", "2026-04")).is_err());
        assert!(keys(&asked("", "yesterday!")).is_err());
    }
}
