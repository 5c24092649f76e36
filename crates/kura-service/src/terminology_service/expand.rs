//! FHIR R4 valueset-operation-expand.html.

use std::sync::Arc;

use kura_fhir::date;
use kura_fhir::text::fold;
use kura_model::{Category, Error, Result};
use kura_validation::{Designation, Member, ValueSet};
use serde_json::{Map, Value, json};

use super::parameters::Parameters;
use super::{Service, canonical, not_loaded, undecided};

pub(super) const TAKES: &[&str] = &[
    "url",
    "valueSet",
    "valueSetVersion",
    "filter",
    "offset",
    "count",
    "includeDesignations",
    "designation",
    "includeDefinition",
    "activeOnly",
    "excludeNested",
    "excludeNotForUI",
    "displayLanguage",
];

/// The most codes of an answer that was not asked for in pages.
const AT_MOST: usize = 10_000;

/// What is not part of an expanded value set.
const LEFT_OUT: [&str; 5] = ["meta", "text", "contained", "compose", "expansion"];

/// A value set, as it is defined and compiled.
pub(super) struct Asked {
    pub(super) definition: Arc<Value>,
    pub(super) set: Arc<ValueSet>,
}

impl Service<'_> {
    /// The value set that is asked, brought or named.
    pub(super) fn value_set(&self, parameters: &Parameters) -> Result<Asked> {
        let brought = match self.instance {
            Some(instance) => Some(instance),
            None => parameters.resource("valueSet", "ValueSet")?,
        };
        if let Some(json) = brought {
            return Ok(Asked {
                definition: Arc::new(json.clone()),
                set: Arc::new(self.terminology().value_set_of(json)),
            });
        }
        let url = parameters
            .text("url")?
            .ok_or_else(|| Error::invalid("url or valueSet is needed").coded("required"))?;
        let name = canonical(url, parameters.text("valueSetVersion")?);
        let definition = self.validator.definitions().value_set(&name);
        let found = definition.and_then(|definition| {
            let set = self.terminology().value_set(&name)?;
            Some(Asked { definition, set })
        });
        found.ok_or_else(|| not_loaded("value set", &name))
    }
}

pub(super) fn expand(service: &Service<'_>, parameters: &Parameters) -> Result<Value> {
    let asked = service.value_set(parameters)?;
    let is_set = |name: &str| parameters.boolean(name).map(Option::unwrap_or_default);
    let (active_only, designations) = (is_set("activeOnly")?, is_set("includeDesignations")?);
    let language = parameters.text("displayLanguage")?;
    let filter = parameters.text("filter")?;
    let (offset, count) = (parameters.number("offset")?, parameters.number("count")?);
    let wanted: Vec<&str> = parameters.texts("designation").collect();

    let mut members = asked.set.members().map_err(|unknown| undecided(&unknown))?;
    if active_only {
        members.retain(|one| !one.is_inactive());
    }
    if is_set("excludeNotForUI")? {
        members.retain(|one| !one.is_abstract());
    }
    if let Some(filter) = filter {
        let words: Vec<String> = filter.split_whitespace().map(fold).collect();
        members.retain(|one| fits(one, &words));
    }
    if members.len() > AT_MOST && count.is_none() {
        return Err(Error::new(
            Category::Unprocessable,
            format!("more than {AT_MOST} codes; ask for pages with count and offset"),
        )
        .coded("too-costly"));
    }
    let total = members.len();
    let page = members
        .iter()
        .skip(offset.unwrap_or(0))
        .take(count.unwrap_or(usize::MAX));
    let contains: Vec<Value> = page
        .map(|one| contained(one, designations, &wanted, language))
        .collect();

    let mut expansion = Map::new();
    let echoed = echoed(&asked.set, parameters)?;
    let identifier = identifier(&asked.definition, &echoed, total);
    expansion.insert("identifier".to_owned(), json!(identifier));
    let now = jiff::Timestamp::now().as_millisecond();
    expansion.insert("timestamp".to_owned(), json!(date::instant(now)));
    expansion.insert("total".to_owned(), json!(total));
    expansion.insert("offset".to_owned(), json!(offset.unwrap_or(0)));
    expansion.insert("parameter".to_owned(), Value::Array(echoed));
    if !contains.is_empty() {
        expansion.insert("contains".to_owned(), Value::Array(contains));
    }

    let mut answer = Map::new();
    let definition = asked.definition.as_object();
    let with_compose = is_set("includeDefinition")?;
    for (key, value) in definition.into_iter().flatten() {
        if !LEFT_OUT.contains(&key.as_str()) || (with_compose && key == "compose") {
            answer.insert(key.clone(), value.clone());
        }
    }
    // R4 asks for a status; a value set that is brought may have none.
    answer.entry("status").or_insert_with(|| json!("unknown"));
    answer.insert("expansion".to_owned(), Value::Object(expansion));
    Ok(Value::Object(answer))
}

/// Whether each word stands in the code, the display or another name, as strings fold in searches.
fn fits(member: &Member, words: &[String]) -> bool {
    let mut texts = vec![fold(member.code())];
    texts.extend(member.display().map(fold));
    if words
        .iter()
        .all(|word| texts.iter().any(|text| text.contains(word)))
    {
        return true;
    }
    texts.extend(member.designations().map(|one| fold(&one.value)));
    words
        .iter()
        .all(|word| texts.iter().any(|text| text.contains(word)))
}

/// Whether a designation is in a language, or in a kind of it: `ja` has `ja-Hrkt`.
fn speaks(designation: &Designation, language: &str) -> bool {
    let Some(own) = designation.language.as_deref() else {
        return false;
    };
    let rest = own
        .get(..language.len())
        .filter(|start| start.eq_ignore_ascii_case(language))
        .map(|_| &own[language.len()..]);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// How a concept is shown in a language: its designation in exactly that, else as it is.
pub(super) fn display<'m>(
    own: Option<&'m str>,
    designations: impl Iterator<Item = &'m Designation>,
    language: Option<&str>,
) -> Option<&'m str> {
    let mut designations = designations;
    let named = language.and_then(|language| {
        designations.find(|one| {
            let found = one.language.as_deref();
            found.is_some_and(|found| found.eq_ignore_ascii_case(language))
        })
    });
    named.map(|one| &*one.value).or(own)
}

pub(super) fn designation(one: &Designation) -> Map<String, Value> {
    let mut json = Map::new();
    if let Some(language) = &one.language {
        json.insert("language".to_owned(), json!(language));
    }
    if let Some(usage) = &one.usage {
        json.insert("use".to_owned(), (**usage).clone());
    }
    json.insert("value".to_owned(), json!(one.value));
    json
}

fn contained(member: &Member, all: bool, wanted: &[&str], language: Option<&str>) -> Value {
    let mut json = Map::new();
    json.insert("system".to_owned(), json!(member.system()));
    if member.is_abstract() {
        json.insert("abstract".to_owned(), json!(true));
    }
    if member.is_inactive() {
        json.insert("inactive".to_owned(), json!(true));
    }
    json.insert("code".to_owned(), json!(member.code()));
    if let Some(display) = display(member.display(), member.designations(), language) {
        json.insert("display".to_owned(), json!(display));
    }
    if all {
        let named = member.designations();
        let named = named
            .filter(|one| wanted.is_empty() || wanted.iter().any(|language| speaks(one, language)));
        let named: Vec<Value> = named.map(|one| designation(one).into()).collect();
        if !named.is_empty() {
            json.insert("designation".to_owned(), Value::Array(named));
        }
    }
    Value::Object(json)
}

/// FHIR R4 ValueSet.expansion.parameter: what was asked, and by which versions it was answered.
fn echoed(set: &ValueSet, parameters: &Parameters) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for name in ["filter", "displayLanguage"] {
        if let Some(text) = parameters.text(name)? {
            all.push(json!({ "name": name, "valueString": text }));
        }
    }
    for name in ["offset", "count"] {
        if let Some(number) = parameters.number(name)? {
            all.push(json!({ "name": name, "valueInteger": number }));
        }
    }
    for name in [
        "activeOnly",
        "excludeNotForUI",
        "includeDesignations",
        "includeDefinition",
    ] {
        if let Some(value) = parameters.boolean(name)? {
            all.push(json!({ "name": name, "valueBoolean": value }));
        }
    }
    for language in parameters.texts("designation") {
        all.push(json!({ "name": "designation", "valueString": language }));
    }
    // Expansions are flat here, whatever is asked.
    all.push(json!({ "name": "excludeNested", "valueBoolean": true }));
    let mut used: Vec<String> = Vec::new();
    for (url, loaded) in set.systems() {
        let version = loaded.and_then(|loaded| loaded.version());
        let named = canonical(url, version);
        if !used.contains(&named) {
            all.push(json!({ "name": "version", "valueUri": named }));
            used.push(named);
        }
    }
    Ok(all)
}

/// The same expansion has the same identifier, whatever page of it is asked for (RFC 9562 section
/// 5.8).
fn identifier(definition: &Value, echoed: &[Value], total: usize) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(definition.to_string().as_bytes());
    for one in echoed {
        if one["name"] != "offset" && one["name"] != "count" {
            hash.update(one.to_string().as_bytes());
        }
    }
    hash.update(total.to_string().as_bytes());
    let hex = hash.finalize().to_hex();
    let hex = hex.as_str();
    format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..15],
        &hex[15..18],
        &hex[18..30]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_have_kinds() {
        let one = |language: &str| Designation {
            language: Some(language.into()),
            usage: None,
            value: "x".into(),
        };
        assert!(speaks(&one("ja"), "ja") && speaks(&one("ja-Hrkt"), "JA"));
        assert!(!speaks(&one("jam"), "ja") && !speaks(&one("en"), "ja"));
        assert!(!speaks(&one("日"), "ja"));
    }
}
