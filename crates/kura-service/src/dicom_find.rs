//! What studies, series and objects have certain attributes: the search behind QIDO-RS and C-FIND.
//! PS3.4 C.4.1, PS3.18 10.6.
//!
//! A search walks the studies that the search tables find, newest first, and goes down into those
//! whose records do not contradict a key ([`crate::dicom_index`]); at the level that is listed each
//! data set is compared with all keys. So a key that no table knows costs time, never a wrong
//! answer.

use std::collections::{BTreeSet, HashSet, VecDeque};

use kura_dicom::MatchingKey;
use kura_model::{RecordKey, RequestContext, Result};
use kura_store::{
    AuditEntry, Clause, Compare, Cursor, Order, Predicate, Query, TextMatch, Version,
};
use serde_json::{Value, json};

use crate::access::{Action, Reach, reach};
use crate::dicom_header::Wanted;
use crate::dicom_index::{self, DATE, MODALITY, SERIES_UID, Series, Study, TEXTS, UNEVEN};
use crate::imaging_study::{attribute, study_id};
use crate::{Bank, dicom_fuzzy, imaging, instance_store, kind};

/// What a search lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Patient,
    Study,
    Series,
    Instance,
}

/// What is to match.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    keys: Vec<MatchingKey>,
    /// Names also match whom they may mean ([`crate::dicom_fuzzy`]).
    fuzzy: bool,
}

impl From<Vec<MatchingKey>> for Keys {
    fn from(keys: Vec<MatchingKey>) -> Self {
        Self { keys, fuzzy: false }
    }
}

impl Keys {
    pub fn fuzzy(self, fuzzy: bool) -> Self {
        Self { fuzzy, ..self }
    }

    fn match_one(&self, key: &MatchingKey, dataset: &Value) -> bool {
        match self.fuzzy {
            true => key.matches_by(dataset, dicom_fuzzy::matches),
            false => key.matches(dataset),
        }
    }

    fn match_all(&self, dataset: &Value) -> bool {
        self.keys.iter().all(|key| self.match_one(key, dataset))
    }

    /// Whether what all objects agree on rules a key out.
    fn contradict(&self, common: &Value) -> bool {
        self.keys.iter().any(|key| {
            let known = key
                .path
                .first()
                .is_some_and(|tag| common.get(tag).is_some());
            known && !self.match_one(key, common)
        })
    }

    /// A key against a study: the series and objects it names were looked up to find the study, and
    /// the modality is that of any series.
    fn match_study(&self, key: &MatchingKey, dataset: &Value) -> bool {
        match key.path.first().map(String::as_str) {
            Some("0020000E" | "00080018") if key.path.len() == 1 => {
                key.value.bytes().all(|byte| byte == b'*') || !key.value.contains(['*', '?'])
            }
            Some("00080060") if key.path.len() == 1 => MatchingKey {
                path: vec!["00080061".to_owned()],
                value: key.value.clone(),
            }
            .matches(dataset),
            _ => self.match_one(key, dataset),
        }
    }
}

/// A search under way: results one by one, so that memory does not grow with their number.
pub struct Finding<'a> {
    bank: &'a Bank,
    /// Whose studies are found.
    reach: Reach,
    level: Level,
    keys: Keys,
    wanted: Wanted,
    walk: Walk,
    ready: VecDeque<Value>,
    /// Series of the objects that are named, where series are listed.
    series: Option<HashSet<String>>,
    /// Patients that were listed: number and issuer.
    patients: HashSet<(String, String)>,
}

/// Attributes that say where a data set belongs.
const PLACE: [&str; 3] = ["00080018", "0020000D", "0020000E"];

impl<'a> Finding<'a> {
    /// Begins one. Of each object only the attributes in `wanted` are read, and what the search
    /// itself needs; all of them if it is absent.
    pub fn begin(
        bank: &'a Bank,
        context: &RequestContext,
        level: Level,
        keys: impl Into<Keys>,
        wanted: Option<&[String]>,
    ) -> Result<Self> {
        let reach = reach(bank, context, Action::ReadClinical)?;
        let keys = keys.into();
        bank.clinical
            .audit(AuditEntry::new(context, "dicom_search", ""));
        for uid in exact(&keys.keys, "0020000D").into_iter().flat_map(split) {
            instance_store::settle_waiting(bank, context, uid)?;
        }
        let wanted = match wanted {
            None => Wanted::all(),
            Some(tags) => Wanted::these(
                tags.iter()
                    .map(String::as_str)
                    .chain(
                        keys.keys
                            .iter()
                            .filter_map(|key| Some(key.path.first()?.as_str())),
                    )
                    .chain(PLACE),
            ),
        };
        let walk = candidates(bank, &keys)?;
        let series = match exact(&keys.keys, "00080018").filter(|_| level == Level::Series) {
            None => None,
            Some(uids) => Some(attributes_of_objects(bank, split(uids), "0020000E")?.collect()),
        };
        Ok(Self {
            bank,
            reach,
            level,
            keys,
            wanted,
            walk,
            ready: VecDeque::new(),
            series,
            patients: HashSet::new(),
        })
    }

    fn advance(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(dataset) = self.ready.pop_front() {
                return Ok(Some(dataset));
            }
            let Some(study) = self.walk.next(self.bank)? else {
                return Ok(None);
            };
            if self.reach.has_study(self.bank, &study.study)? {
                self.below(study)?;
            }
        }
    }

    /// What matches in one study.
    fn below(&mut self, study: Study) -> Result<()> {
        let computed = of_study(&study);
        let uid = study.study.clone();
        if self.level <= Level::Study {
            let dataset = with(study.dataset(), &computed);
            let fits = |key: &MatchingKey| self.keys.match_study(key, &dataset);
            if !self.keys.keys.iter().all(fits) {
                return Ok(());
            }
            if self.level == Level::Study {
                self.ready.push_back(dataset);
            } else if self.patients.insert(who(&dataset)) {
                self.ready.push_back(patient(&dataset));
            }
            return Ok(());
        }
        let common = Value::Object(study.common);
        if self.keys.contradict(&common) {
            return Ok(());
        }
        for series in dicom_index::series_of(self.bank, &uid)? {
            if self.level == Level::Series {
                let count = json!({ "vr": "IS", "Value": [series.instances] });
                let mut dataset = with(series.dataset(), &computed);
                dataset["00201209"] = count;
                let named = self.series.as_ref();
                let fits = |key: &MatchingKey| {
                    key.path == ["00080018"] || self.keys.match_one(key, &dataset)
                };
                if named.is_none_or(|named| named.contains(&series.series))
                    && self.keys.keys.iter().all(fits)
                {
                    self.ready.push_back(dataset);
                }
                continue;
            }
            self.objects(&series, &computed)?;
        }
        Ok(())
    }

    fn objects(&mut self, series: &Series, computed: &[(&str, Value)]) -> Result<()> {
        let common = Value::Object(series.common.clone());
        if self.keys.contradict(&common) {
            return Ok(());
        }
        for block in series.blocks(self.bank) {
            let block = block?;
            for line in dicom_index::lines(&block) {
                let dataset = with(self.wanted.read(line?.header)?, computed);
                if self.keys.match_all(&dataset) {
                    self.ready.push_back(dataset);
                }
            }
        }
        Ok(())
    }
}

/// The data sets that match, in the DICOM JSON model.
impl Iterator for Finding<'_> {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

/// What follows from all objects of a study. PS3.4 C.3.4, PS3.18 Table 10.6.3-3.
fn of_study(study: &Study) -> [(&'static str, Value); 5] {
    [
        ("00080056", json!({ "vr": "CS", "Value": ["ONLINE"] })),
        ("00080061", json!({ "vr": "CS", "Value": study.modalities })),
        ("00080062", json!({ "vr": "UI", "Value": study.classes })),
        ("00201206", json!({ "vr": "IS", "Value": [study.series] })),
        (
            "00201208",
            json!({ "vr": "IS", "Value": [study.instances] }),
        ),
    ]
}

fn with(mut dataset: Value, computed: &[(&str, Value)]) -> Value {
    for (tag, element) in computed {
        dataset[*tag] = element.clone();
    }
    dataset
}

/// Counts of what lies below, for whoever asks for them. PS3.4 C.3.4.
const PATIENT_COUNTS: [&str; 3] = ["00201200", "00201202", "00201204"];

/// A result with those of the counts that `asked` names and that cost a search of their own.
pub fn counted(bank: &Bank, level: Level, mut found: Value, asked: &Value) -> Result<Value> {
    if level != Level::Patient || !PATIENT_COUNTS.iter().any(|tag| asked.get(tag).is_some()) {
        return Ok(found);
    }
    let patient = who(&found);
    let keys = vec![MatchingKey {
        path: vec!["00100020".to_owned()],
        value: patient.0.clone(),
    }];
    let mut walk = candidates(bank, &keys.into())?;
    let (mut studies, mut series, mut instances) = (0, 0, 0);
    while let Some(study) = walk.next(bank)? {
        let counts = (study.series, study.instances);
        if who(&study.dataset()) == patient {
            studies += 1;
            series += counts.0;
            instances += counts.1;
        }
    }
    for (tag, count) in PATIENT_COUNTS.into_iter().zip([studies, series, instances]) {
        found[tag] = json!({ "vr": "IS", "Value": [count] });
    }
    Ok(found)
}

/// Group 0010 is the patient's; PS3.4 Table C.6-1.
fn patient(dataset: &Value) -> Value {
    dataset
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(tag, _)| tag.starts_with("0010") || *tag == "00080005")
        .map(|(tag, element)| (tag.clone(), element.clone()))
        .collect()
}

/// A number means something only with its issuer. PS3.3 C.7.1.1.
fn who(dataset: &Value) -> (String, String) {
    let text = |tag| attribute::text(dataset, tag).unwrap_or_default();
    (text("00100020"), text("00100021"))
}

/// The studies that may match.
pub(crate) struct Walk {
    query: Query,
    after: Option<Cursor>,
    page: std::vec::IntoIter<Version>,
    ended: bool,
}

/// Studies read at a time.
const STEP: u32 = 100;

impl Walk {
    pub(crate) fn next(&mut self, bank: &Bank) -> Result<Option<Study>> {
        loop {
            if let Some(version) = self.page.next() {
                return dicom_index::decode(&version.body).map(Some);
            }
            if self.ended {
                return Ok(None);
            }
            // All pages are of the state of the first: a study that grows meanwhile moves.
            let (page, t) = bank.clinical.read(|reader| {
                reader.at_one_state(|reader| {
                    let page = reader.search(&self.query, self.after.as_ref(), STEP)?;
                    Ok((page, reader.now()?))
                })
            })?;
            self.query.at = self.query.at.or(Some(t));
            self.ended = page.next.is_none();
            self.after = page.next;
            self.page = page.versions.into_iter();
        }
    }
}

/// The value of a key on this attribute, if it names one or several values and no pattern.
fn exact<'k>(keys: &'k [MatchingKey], tag: &str) -> Option<&'k str> {
    keys.iter()
        .find(|key| key.path == [tag])
        .map(|key| key.value.as_str())
        .filter(|value| !value.is_empty() && !value.contains(['*', '?']))
}

/// A list of UIDs: by backslashes over DIMSE, by commas on the web.
fn split(value: &str) -> impl Iterator<Item = &str> {
    value.split(['\\', ',']).map(str::trim)
}

fn token(param: &str, code: &str) -> Predicate {
    Predicate::Token {
        param: param.to_owned(),
        system: Some(None),
        code: Some(code.to_owned()),
    }
}

pub(crate) fn candidates(bank: &Bank, matching: &Keys) -> Result<Walk> {
    let keys = &matching.keys[..];
    let mut query = Query::all(kind::DICOM_STUDY);
    query.order = Order::date(DATE, true);
    if let Some(uids) = exact(keys, "0020000D") {
        query = query.and(Predicate::Ids(split(uids).map(study_id).collect()));
    }
    if let Some(uids) = exact(keys, "0020000E") {
        query = query.and(Predicate::Ids(studies_of_series(bank, split(uids))?));
    }
    if let Some(uids) = exact(keys, "00080018") {
        let studies = attributes_of_objects(bank, split(uids), "0020000D")?;
        query = query.and(Predicate::Ids(studies.map(|uid| study_id(&uid)).collect()));
    }
    if let Some(modality) = exact(keys, "00080061").or_else(|| exact(keys, "00080060")) {
        query = query.and(token(MODALITY, modality));
    }
    if let Some((low, high)) = exact(keys, "00080020").and_then(days) {
        query.clauses.push(Clause::Any(vec![
            Predicate::Date {
                param: DATE.to_owned(),
                compare: Compare::Equal,
                low,
                high,
            },
            token(UNEVEN, "00080020"),
        ]));
    }
    // The tables know names as they are written only.
    let tabled = |tag| !(matching.fuzzy && NAMES.contains(&tag));
    for (tag, param) in TEXTS.into_iter().filter(|(tag, _)| tabled(*tag)) {
        let Some(key) = keys.iter().find(|key| key.path == [tag]) else {
            continue;
        };
        let mut any = vec![token(UNEVEN, tag)];
        // A name has groups, and any of them may match.
        let parts: Vec<&str> = match NAMES.contains(&tag) {
            true => key
                .value
                .split('=')
                .filter(|part| !part.is_empty())
                .collect(),
            false => vec![&key.value],
        };
        let predicates: Option<Vec<Predicate>> =
            parts.into_iter().map(|part| text(param, part)).collect();
        if let Some(predicates) = predicates.filter(|predicates| !predicates.is_empty()) {
            any.extend(predicates);
            query.clauses.push(Clause::Any(any));
        }
    }
    Ok(Walk {
        query,
        after: None,
        page: Vec::new().into_iter(),
        ended: false,
    })
}

/// Those of VR PN.
const NAMES: [&str; 2] = ["00100010", "00080090"];

/// What a value or a pattern begins with; `None` where that is nothing.
fn text(param: &str, value: &str) -> Option<Predicate> {
    let (beginning, matching) = match value.find(['*', '?']) {
        Some(at) => (&value[..at], TextMatch::Prefix),
        None => (value, TextMatch::Exact),
    };
    let folded = dicom_index::folded(beginning);
    (!folded.is_empty()).then(|| Predicate::Text {
        param: param.to_owned(),
        value: folded,
        matching,
    })
}

fn studies_of_series<'u>(bank: &Bank, uids: impl Iterator<Item = &'u str>) -> Result<Vec<String>> {
    let mut query = Query::all(kind::DICOM_SERIES);
    query.clauses.push(Clause::Any(vec![Predicate::Tokens {
        param: SERIES_UID.to_owned(),
        any: uids.map(|uid| (None, uid.to_owned())).collect(),
    }]));
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, 10_000))?;
    let mut found = BTreeSet::new();
    for version in page.versions {
        found.insert(study_id(
            &dicom_index::decode::<Series>(&version.body)?.study,
        ));
    }
    Ok(found.into_iter().collect())
}

/// One attribute of each of these objects.
fn attributes_of_objects<'u>(
    bank: &Bank,
    uids: impl Iterator<Item = &'u str>,
    tag: &str,
) -> Result<impl Iterator<Item = String>> {
    let mut found = BTreeSet::new();
    for uid in uids {
        let key = RecordKey::new(kind::DICOM_INSTANCE, uid);
        let version = bank.clinical.read(|reader| reader.current(&key))?;
        if let Some(version) = version.filter(|version| !version.deleted) {
            let record = imaging::decode(&version.body)?;
            found.extend(attribute::text(&record["header"], tag));
        }
    }
    Ok(found.into_iter())
}

/// Seconds of a DA key, `20260401` or a range. A day that a month does not have (`20260231`, as the
/// end of a range of a month) is its last: the table then names no study too few.
pub(crate) fn days(value: &str) -> Option<(i64, i64)> {
    let (low, high) = value.split_once('-').unwrap_or((value, value));
    // The years a DA can name.
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    let day = |text: &str, open| {
        if text.is_empty() {
            return Some((open, open));
        }
        let (month, day) = text.split_at_checked(6)?;
        let earlier = || {
            (28..=31)
                .rev()
                .find_map(|last| dicom_index::day(&format!("{month}{last}")))
        };
        dicom_index::day(text).or_else(|| matches!(day, "29" | "30" | "31").then(earlier).flatten())
    };
    Some((day(low.trim(), FIRST)?.0, day(high.trim(), LAST)?.1))
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn a_month_ends_on_its_last_day() {
        let day = |text| days(text).unwrap();
        assert_eq!(
            days("20230201-20230231"),
            Some((day("20230201").0, day("20230228").1))
        );
        assert_eq!(
            days("20240201-20240230"),
            Some((day("20240201").0, day("20240229").1))
        );
        assert_eq!(days("20240931"), days("20240930"));
        assert_eq!(
            days("20240101-").map(|(low, _)| low),
            Some(day("20240101").0)
        );
        for none in ["20241301", "20240132", "2024013", "日本語日", "today"] {
            assert_eq!(days(none), None, "{none}");
        }
    }
}
