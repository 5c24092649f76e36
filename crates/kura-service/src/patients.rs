//! Finding a patient by what a person types: a name in any script, a number, a birth date.

pub mod birth;

use kura_fhir::{date, romaji, text, view};
use kura_model::{Error, RecordKey, RequestContext, Result};
pub use kura_store::Cursor;
use kura_store::{AuditEntry, Clause, Compare, Order, Predicate, Query, TextMatch, Version};
use serde_json::Value;

use crate::Bank;
use crate::access::{Action, reach};

/// A patient as a row of a list and as the head of a page.
#[derive(Debug, Clone, Default)]
pub struct Patient {
    pub id: String,
    pub names: view::Names,
    /// The hospital's patient number.
    pub number: Option<String>,
    /// FHIR date: may be known to the month or year only.
    pub birth_date: Option<String>,
    /// FHIR AdministrativeGender.
    pub sex: Option<String>,
    pub deceased: bool,
    /// Kinds of record and how many the bank holds of each.
    pub holds: Vec<(String, u64)>,
}

/// One page of found patients.
#[derive(Debug, Default)]
pub struct Found {
    pub total: u64,
    pub patients: Vec<Patient>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

/// Words of one search. More than a name and a date have would be no search for a person.
const WORDS: usize = 8;
/// Characters of one search.
const TYPED: usize = 200;

/// Patients who match every word of `typed`; all patients if there is none.
pub fn search(
    bank: &Bank,
    context: &RequestContext,
    typed: &str,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Found> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    if typed.chars().count() > TYPED {
        return Err(Error::invalid("this is too long to be a name or a number"));
    }
    let query = Query {
        kind: "Patient".to_owned(),
        clauses: clauses(typed, &bank.config.hospital.patient_number_system),
        order: Order::Stored,
        at: None,
    };
    let found = reach.read(bank, |reader| {
        let page = reader.search(&query, after.as_ref(), limit)?;
        let patients = page
            .versions
            .iter()
            .map(|version| {
                let mut patient = of(bank, version)?;
                patient.holds = reader.compartment_tally(&version.key)?;
                Ok(patient)
            })
            .collect::<Result<_>>()?;
        Ok(Found {
            total: reader.count(&query)?,
            patients,
            next: page.next,
        })
    })?;
    bank.clinical.audit(
        AuditEntry::new(context, "patient_search", "Patient")
            .detail(format!("{{\"found\":{}}}", found.total)),
    );
    Ok(found)
}

/// One clause a word: all words must match, each by any way it can be read.
fn clauses(typed: &str, number_system: &str) -> Vec<Clause> {
    // 昭和 25年 4月 4日 is one date in four words.
    if let Some(day) = birth::parse(typed) {
        return vec![Clause::Any(word(typed.trim(), Some(&day), number_system))];
    }
    typed
        .split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | '、'))
        .filter(|part| !text::fold(part).is_empty())
        .take(WORDS)
        .map(|part| Clause::Any(word(part, birth::parse(part).as_deref(), number_system)))
        .collect()
}

fn word(typed: &str, day: Option<&str>, number_system: &str) -> Vec<Predicate> {
    let mut any = Vec::new();
    if let Some((low, high)) = day.and_then(date::range) {
        any.push(Predicate::Date {
            param: "Patient.birthdate".to_owned(),
            compare: Compare::Equal,
            low,
            high,
        });
    }
    let folded = text::fold(typed);
    if folded.bytes().any(|byte| byte.is_ascii_digit()) {
        // Numbers are compared as written; people type them in small letters too.
        let mut codes = vec![typed.to_owned(), folded.clone(), folded.to_uppercase()];
        codes.sort();
        codes.dedup();
        any.extend(codes.into_iter().map(|code| Predicate::Token {
            param: "Patient.identifier".to_owned(),
            system: Some(Some(number_system.to_owned())),
            code: Some(code),
        }));
        return any;
    }
    let sound = if folded.is_ascii() {
        Some(romaji::key(&folded))
    } else {
        // ō and é are letters of a romanised name.
        let latin = typed
            .chars()
            .all(|letter| letter.is_ascii() || ('\u{C0}'..='\u{24F}').contains(&letter));
        latin.then(|| romaji::key(typed))
    };
    if let Some(sound) = sound.filter(|sound| !sound.is_empty()) {
        any.push(Predicate::Text {
            param: "Patient.phonetic".to_owned(),
            value: sound,
            matching: TextMatch::Prefix,
        });
    }
    any.push(Predicate::Text {
        param: "Patient.name".to_owned(),
        value: folded,
        matching: TextMatch::Prefix,
    });
    any
}

/// The patient of a stored version, without `holds`.
pub(crate) fn of(bank: &Bank, version: &Version) -> Result<Patient> {
    let value: Value = serde_json::from_slice(&version.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
    let system = &bank.config.hospital.patient_number_system;
    let text = |name: &str| view::text(&value, name).map(str::to_owned);
    Ok(Patient {
        id: version.key.id.clone(),
        names: view::names(&value),
        number: view::identifiers(&value, system).next().map(str::to_owned),
        birth_date: text("birthDate"),
        sex: text("gender"),
        deceased: value["deceasedBoolean"] == Value::Bool(true)
            || value.get("deceasedDateTime").is_some(),
        holds: Vec::new(),
    })
}

/// The key of a patient, if this can be one.
pub(crate) fn key(id: &str) -> Result<RecordKey> {
    if kura_fhir::resource::is_id(id) {
        Ok(RecordKey::new("Patient", id))
    } else {
        Err(Error::not_found("this patient is not in this bank"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(typed: &str) -> Vec<Vec<String>> {
        clauses(typed, "urn:x")
            .iter()
            .map(|clause| match clause {
                Clause::Any(predicates) | Clause::None(predicates) => predicates
                    .iter()
                    .map(|predicate| match predicate {
                        Predicate::Text { param, value, .. } => format!("{param}={value}"),
                        Predicate::Token { param, code, .. } => {
                            format!("{param}={}", code.as_deref().unwrap_or_default())
                        }
                        Predicate::Date { param, .. } => param.clone(),
                        other => format!("{other:?}"),
                    })
                    .collect(),
            })
            .collect()
    }

    #[test]
    fn a_word_is_read_in_each_way_it_can_be() {
        assert_eq!(
            params("小野　綾子"),
            [["Patient.name=小野"], ["Patient.name=綾子"]]
        );
        assert_eq!(params("オノ"), [["Patient.name=おの"]]);
        assert_eq!(
            params("ONO"),
            [["Patient.phonetic=ono", "Patient.name=ono"]]
        );
        assert_eq!(
            params("pop-000035"),
            [[
                "Patient.identifier=POP-000035",
                "Patient.identifier=pop-000035"
            ]]
        );
        assert_eq!(params("昭和 25年 4月 4日")[0][0], "Patient.birthdate");
        assert_eq!(params("小野 S25.4.4").len(), 2);
        assert!(params("  　 ").is_empty());
    }
}
