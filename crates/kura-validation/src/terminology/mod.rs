//! Code systems and value sets, as far as they are enumerated in what is loaded.
//!
//! FHIR R4 terminologies.html, valueset.html#compositions. A question that would need a code system
//! that is not loaded, or of which only a fragment is, has the answer *unknown*.

mod code_system;
mod concept_map;
mod filter;
mod grammar;
mod value_set;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, RwLock};

use serde_json::Value;

use crate::definitions::{Definitions, Kind, canonical};

pub use code_system::{CodeSystem, Designation, InSystem, Property};
pub use concept_map::{Ask, ConceptMap, Match, Product, Target};
pub use value_set::{Member, ValueSet};

use code_system::Written;

/// How deep value sets may build on one another.
const MAX_DEPTH: usize = 16;

/// Whether a code is in a value set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    Yes,
    No,
    /// What would decide it is not loaded.
    Unknown,
}

impl Membership {
    fn of(known: bool) -> Membership {
        if known {
            Membership::Yes
        } else {
            Membership::No
        }
    }
}

/// How two codes of a code system lie to each other (FHIR R4
/// valueset-concept-subsumption-outcome.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsumption {
    Equivalent,
    Subsumes,
    SubsumedBy,
    NotSubsumed,
    /// The system, or one of the codes, is not loaded.
    Unknown,
}

/// A code with its system and how it is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Concept {
    pub system: String,
    pub code: String,
    pub display: Option<String>,
}

/// The codes of a value set, in the order of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    pub concepts: Vec<Concept>,
}

/// Why a question has no certain answer: canonical URLs of what is not loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    pub missing: BTreeSet<String>,
}

impl Unknown {
    fn of(url: &str) -> Unknown {
        Unknown {
            missing: BTreeSet::from([url.to_owned()]),
        }
    }
}

/// The value sets that are being compiled, each for the one above it.
struct Above<'a> {
    key: &'a str,
    above: Option<&'a Above<'a>>,
}

impl Above<'_> {
    /// Whether a value set builds on itself, or many upon each other.
    fn is_endless(&self) -> bool {
        let mut depth = 0;
        let mut above = self.above;
        while let Some(one) = above {
            if one.key == self.key || depth == MAX_DEPTH {
                return true;
            }
            depth += 1;
            above = one.above;
        }
        false
    }
}

/// The terminology of some definitions. Compiled when asked, kept, shared among threads.
#[derive(Debug)]
pub struct Terminology {
    definitions: Arc<Definitions>,
    systems: RwLock<HashMap<String, Option<Arc<CodeSystem>>>>,
    sets: RwLock<HashMap<String, Arc<ValueSet>>>,
    maps: RwLock<HashMap<String, Arc<ConceptMap>>>,
}

impl Terminology {
    #[must_use]
    pub fn new(definitions: Arc<Definitions>) -> Terminology {
        Terminology {
            definitions,
            systems: RwLock::default(),
            sets: RwLock::default(),
            maps: RwLock::default(),
        }
    }

    /// All codes of a value set.
    ///
    /// # Errors
    ///
    /// What is not loaded, where the codes cannot all be listed.
    pub fn expand(&self, value_set: &str) -> Result<Expansion, Unknown> {
        let set = self.value_set(value_set);
        let set = set.ok_or_else(|| Unknown::of(value_set))?;
        let members = set.members()?;
        Ok(Expansion {
            concepts: members.iter().map(Member::concept).collect(),
        })
    }

    /// Whether a code is in a value set. Without a system the code may be of any, as the value of an
    /// element of type `code` is.
    #[must_use]
    pub fn contains(&self, value_set: &str, system: Option<&str>, code: &str) -> Membership {
        match self.value_set(value_set) {
            Some(set) => set.contains(system, code, &mut BTreeSet::new()),
            None => Membership::Unknown,
        }
    }

    /// A concept by system and code.
    #[must_use]
    pub fn lookup(&self, system: &str, code: &str) -> Option<Concept> {
        let found = self.code_system(system)?;
        let one = found.get(code)?;
        Some(Concept {
            system: canonical(system).0.to_owned(),
            code: one.code().to_owned(),
            display: one.display().map(str::to_owned),
        })
    }

    /// How the first code lies to the second.
    #[must_use]
    pub fn subsumes(&self, system: &str, code: &str, other: &str) -> Subsumption {
        match self.code_system(system) {
            Some(system) => system.subsumes(code, other),
            None => Subsumption::Unknown,
        }
    }

    /// Whether a code is one of a code system's: of one that is loaded, or that has a grammar.
    #[must_use]
    pub fn is_code(&self, system: &str, code: &str) -> Membership {
        match (self.code_system(system), grammar::grammar(system)) {
            (Some(system), _) => system.contains(code),
            (None, Some(grammar)) => Membership::of(grammar(code)),
            (None, None) => Membership::Unknown,
        }
    }

    /// A code system by canonical URL; behind `|` the version, if one is asked for.
    #[must_use]
    pub fn code_system(&self, url: &str) -> Option<Arc<CodeSystem>> {
        if let Some(known) = self.systems.read().ok()?.get(url) {
            return known.clone();
        }
        if !self.definitions.has(Kind::CodeSystem, url) {
            return None;
        }
        let written = self
            .definitions
            .read::<Written>(Kind::CodeSystem, url)
            .map(CodeSystem::of);
        let system = written.map(Arc::new);
        // What a sender names and nobody knows would fill the memory.
        system.as_ref()?;
        let mut systems = self.systems.write().ok()?;
        systems.insert(url.to_owned(), system.clone());
        system
    }

    /// A code system that is not loaded but brought.
    #[must_use]
    pub fn code_system_of(&self, json: &Value) -> Option<CodeSystem> {
        CodeSystem::read(json)
    }

    /// A value set that is not loaded but brought; what it builds on is loaded.
    #[must_use]
    pub fn value_set_of(&self, json: &Value) -> ValueSet {
        ValueSet::read(json, self, None)
    }

    /// A concept map by canonical URL.
    #[must_use]
    pub fn concept_map(&self, url: &str) -> Option<Arc<ConceptMap>> {
        if let Some(known) = self.maps.read().ok()?.get(url) {
            return Some(Arc::clone(known));
        }
        if !self.definitions.has(Kind::ConceptMap, url) {
            return None;
        }
        let map = Arc::new(ConceptMap::read(
            &*self.definitions.get(Kind::ConceptMap, url)?,
        ));
        let mut maps = self.maps.write().ok()?;
        maps.insert(url.to_owned(), Arc::clone(&map));
        Some(map)
    }

    /// All concept maps that are loaded, by canonical URL.
    #[must_use]
    pub fn concept_maps(&self) -> Vec<Arc<ConceptMap>> {
        let urls = self.definitions.urls(Kind::ConceptMap);
        urls.into_iter()
            .filter_map(|url| self.concept_map(url))
            .collect()
    }

    /// What a concept map has for a code, and where it sends on to another map, what that has.
    ///
    /// # Errors
    ///
    /// The map it sends on to is not loaded.
    pub fn translate(&self, map: &ConceptMap, ask: &Ask<'_>) -> Result<Vec<Match>, Unknown> {
        concept_map::translate(self, map, ask, 0)
    }

    /// A value set by canonical URL; behind `|` the version, if one is asked for.
    #[must_use]
    pub fn value_set(&self, url: &str) -> Option<Arc<ValueSet>> {
        self.value_set_for(url, None)
    }

    /// A value set on its own or for those above it, which build on it.
    fn value_set_for(&self, url: &str, above: Option<&Above<'_>>) -> Option<Arc<ValueSet>> {
        // What a sender names and nobody knows would fill the memory; so would every version that
        // R4's own are asked for by.
        let key = self.definitions.key(Kind::ValueSet, url)?;
        if let Some(known) = self.sets.read().ok()?.get(&*key) {
            return Some(Arc::clone(known));
        }
        let here = Above { key: &key, above };
        if here.is_endless() {
            return None;
        }
        let json = self.definitions.get(Kind::ValueSet, url)?;
        let set = Arc::new(ValueSet::read(&json, self, Some(&here)));
        let mut sets = self.sets.write().ok()?;
        sets.insert(key.into_owned(), Arc::clone(&set));
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn terminology() -> Terminology {
        let mut all = Definitions::r4();
        all.add(json!({
            "resourceType": "CodeSystem", "url": "http://example.org/organs", "content": "complete",
            "concept": [
                { "code": "lung", "display": "Lung", "concept": [{ "code": "upper-lobe" }] },
                { "code": "liver", "property": [{ "code": "paired", "valueBoolean": false }] }
            ]
        }));
        all.add(json!({
            "resourceType": "CodeSystem", "url": "http://example.org/part", "content": "fragment",
            "concept": [{ "code": "a" }]
        }));
        let mut set = |name: &str, compose: serde_json::Value| {
            let url = format!("http://example.org/vs/{name}");
            all.add(json!({ "resourceType": "ValueSet", "url": url, "compose": compose }));
        };
        set(
            "lungs",
            json!({ "include": [{
                "system": "http://example.org/organs",
                "filter": [{ "property": "concept", "op": "is-a", "value": "lung" }]
            }] }),
        );
        set(
            "no-lungs",
            json!({
                "include": [{ "system": "http://example.org/organs" }],
                "exclude": [{ "valueSet": ["http://example.org/vs/lungs"] }]
            }),
        );
        set(
            "part",
            json!({ "include": [{ "system": "http://example.org/part" }] }),
        );
        set(
            "absent",
            json!({ "include": [{ "system": "http://example.org/absent" }] }),
        );
        Terminology::new(Arc::new(all))
    }

    #[test]
    fn filters_and_exclusions_decide() {
        let all = terminology();
        let organs = Some("http://example.org/organs");
        let lungs = "http://example.org/vs/lungs";
        assert_eq!(all.contains(lungs, organs, "upper-lobe"), Membership::Yes);
        assert_eq!(all.contains(lungs, organs, "liver"), Membership::No);
        assert_eq!(all.contains(lungs, Some("x"), "lung"), Membership::No);
        let other = "http://example.org/vs/no-lungs";
        assert_eq!(all.contains(other, None, "lung"), Membership::No);
        let codes = all.expand(other).unwrap().concepts;
        assert_eq!(codes.len(), 1);
        assert_eq!(codes[0].code, "liver");
    }

    #[test]
    fn what_is_not_loaded_is_unknown() {
        let all = terminology();
        let part = "http://example.org/vs/part";
        let system = Some("http://example.org/part");
        assert_eq!(all.contains(part, system, "a"), Membership::Yes);
        assert_eq!(all.contains(part, system, "b"), Membership::Unknown);
        let absent = "http://example.org/vs/absent";
        assert_eq!(all.contains(absent, None, "b"), Membership::Unknown);
        // A code of another system is not in it, whatever it holds.
        assert_eq!(all.contains(absent, system, "b"), Membership::No);
        assert!(
            all.expand(absent)
                .unwrap_err()
                .missing
                .contains("http://example.org/absent")
        );
        assert_eq!(
            all.contains("http://example.org/none", None, "b"),
            Membership::Unknown
        );
    }

    #[test]
    fn codes_are_looked_up_and_subsume() {
        let all = terminology();
        let organs = "http://example.org/organs";
        assert_eq!(
            all.lookup(organs, "lung").unwrap().display.as_deref(),
            Some("Lung")
        );
        let lies = |one, other| all.subsumes(organs, one, other);
        assert_eq!(lies("lung", "upper-lobe"), Subsumption::Subsumes);
        assert_eq!(lies("upper-lobe", "lung"), Subsumption::SubsumedBy);
        assert_eq!(lies("lung", "liver"), Subsumption::NotSubsumed);
        assert_eq!(lies("lung", "heart"), Subsumption::Unknown);
    }

    #[test]
    fn r4s_own_value_sets_answer() {
        // FHIR R4 valueset-observation-status.html and valueset-mimetypes.html.
        let all = Terminology::new(Arc::new(Definitions::r4()));
        let status = "http://hl7.org/fhir/ValueSet/observation-status|4.0.1";
        assert_eq!(all.contains(status, None, "final"), Membership::Yes);
        assert_eq!(all.contains(status, None, "finished"), Membership::No);
        assert_eq!(all.expand(status).unwrap().concepts.len(), 8);
        let mime = "http://hl7.org/fhir/ValueSet/mimetypes|4.0.1";
        assert_eq!(all.contains(mime, None, "text/plain"), Membership::Yes);
        assert_eq!(all.contains(mime, None, "text plain"), Membership::No);
    }

    /// An inline value set over a code system with properties.
    fn filtered(filter: &serde_json::Value) -> Vec<String> {
        let mut all = Definitions::r4();
        all.add(json!({
            "resourceType": "CodeSystem", "url": "http://example.org/drugs", "content": "complete",
            "property": [{
                "code": "off", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"
            }],
            "concept": [
                { "code": "a", "display": "Aspirin", "concept": [
                    { "code": "a1", "property": [{ "code": "form", "valueCode": "tablet" }], "concept": [
                        { "code": "a11" }
                    ] },
                    { "code": "a2", "property": [
                        { "code": "form", "valueCode": "powder" }, { "code": "off", "valueBoolean": true }
                    ] }
                ] },
                { "code": "b", "property": [{ "code": "strength", "valueDecimal": 2.5 }] }
            ]
        }));
        let terminology = Terminology::new(Arc::new(all));
        let mut compose = json!({ "include": [{ "system": "http://example.org/drugs" }] });
        if filter["inactive"] == false {
            compose["inactive"] = json!(false);
        } else {
            compose["include"][0]["filter"] = json!([filter]);
        }
        let set =
            terminology.value_set_of(&json!({ "resourceType": "ValueSet", "compose": compose }));
        let members = set.members().unwrap();
        for one in &members {
            let found = set.contains(Some(one.system()), one.code(), &mut BTreeSet::new());
            assert_eq!(found, Membership::Yes);
        }
        members.iter().map(|one| one.code().to_owned()).collect()
    }

    #[test]
    fn every_filter_of_r4_selects() {
        // FHIR R4 valueset-filter-operator.html
        for (property, op, value, codes) in [
            ("concept", "is-a", "a1", &["a1", "a11"][..]),
            ("concept", "descendent-of", "a", &["a1", "a11", "a2"]),
            ("concept", "is-not-a", "a", &["b"]),
            ("concept", "generalizes", "a11", &["a", "a1", "a11"]),
            ("concept", "in", "a,b,none", &["a", "b"]),
            ("concept", "not-in", "a,a1,a11", &["a2", "b"]),
            ("concept", "regex", "a[12]", &["a1", "a2"]),
            ("form", "=", "tablet", &["a1"]),
            ("form", "exists", "true", &["a1", "a2"]),
            ("form", "exists", "false", &["a", "a11", "b"]),
            ("strength", "=", "2.5", &["b"]),
            ("display", "regex", "Asp.*", &["a"]),
            ("inactive", "=", "true", &["a2"]),
            ("parent", "=", "a", &["a1", "a2"]),
        ] {
            let filter = json!({ "property": property, "op": op, "value": value });
            assert_eq!(filtered(&filter), codes, "{property} {op} {value}");
        }
        assert_eq!(
            filtered(&json!({ "inactive": false })),
            ["a", "a1", "a11", "b"]
        );
    }

    #[test]
    fn a_value_set_that_builds_on_itself_is_unknown() {
        let mut all = Definitions::r4();
        let name = |at: usize| format!("http://example.org/vs/{at}");
        for at in 0..3 {
            // Each of three builds ten times on the next, the last on the first.
            let next = name((at + 1) % 3);
            let include = json!({ "valueSet": [next] });
            all.add(json!({ "resourceType": "ValueSet", "url": name(at),
                "compose": { "include": vec![include; 10] } }));
        }
        let all = Terminology::new(Arc::new(all));
        assert_eq!(all.contains(&name(0), None, "a"), Membership::Unknown);
        assert!(all.expand(&name(0)).unwrap_err().missing.contains(&name(0)));
    }

    #[test]
    fn text_of_a_definition_is_what_json_of_it_is() {
        let organs = json!({
            "resourceType": "CodeSystem", "url": "http://example.org/o", "version": "1",
            "content": "complete",
            "concept": [{ "code": "lung", "display": 5, "designation": [
                { "language": "ja", "value": "肺" }
            ], "property": [{ "code": "weight", "valueDecimal": 1.0 }] }]
        });
        let mut parsed = Definitions::r4();
        assert!(parsed.add(organs.clone()));
        let mut text = Definitions::r4();
        assert!(text.add_text(organs.to_string().into_bytes()));
        assert!(!text.add_text(b"{\"resourceType\":\"Patient\",\"url\":\"x\"}".to_vec()));
        assert!(!text.add_text(b"nothing".to_vec()));
        for all in [parsed, text] {
            let all = Terminology::new(Arc::new(all));
            let system = all.code_system("http://example.org/o|1").unwrap();
            let lung = system.get("lung").unwrap();
            // A display that is no string counts as none.
            assert_eq!(lung.display(), None);
            assert_eq!(&*lung.designations()[0].value, "肺");
            let (name, weight) = lung.properties().next().unwrap();
            assert_eq!((name, &*weight.text()), ("weight", "1.0"));
            assert!(all.code_system("http://example.org/o|2").is_none());
        }
    }

    #[test]
    fn maps_translate_forth_and_back() {
        let map = ConceptMap::read(&json!({
            "resourceType": "ConceptMap", "url": "http://example.org/m",
            "group": [{ "source": "http://example.org/a", "target": "http://example.org/b",
                "element": [
                    { "code": "1", "target": [
                        { "code": "x", "equivalence": "narrower" },
                        { "code": "y", "equivalence": "equivalent", "dependsOn": [{ "property": "p", "value": "v" }] }
                    ] },
                    { "code": "2", "target": [{ "equivalence": "unmatched" }] }
                ],
                "unmapped": { "mode": "fixed", "code": "other" } }]
        }));
        let all = Terminology::new(Arc::new(Definitions::r4()));
        let ask = |system: &str, code: &str, reverse| {
            let ask = Ask {
                system,
                code,
                target: None,
                reverse,
            };
            let found = all.translate(&map, &ask).unwrap();
            let found = found.into_iter();
            let told = found.map(|one| (one.equivalence, one.target.map(|target| target.code)));
            told.collect::<Vec<_>>()
        };
        let pair = |equivalence: &str, code: Option<&str>| {
            (equivalence.to_owned(), code.map(str::to_owned))
        };
        let (a, b) = ("http://example.org/a", "http://example.org/b");
        // What depends on other elements is no translation of the code alone.
        assert_eq!(ask(a, "1", false), [pair("narrower", Some("x"))]);
        assert_eq!(ask(a, "2", false), [pair("unmatched", None)]);
        assert_eq!(ask(a, "3", false), [pair("relatedto", Some("other"))]);
        assert_eq!(ask(b, "x", true), [pair("wider", Some("1"))]);
        assert_eq!(ask(b, "1", false), []);
    }

    #[test]
    fn r4s_own_concept_maps_are_there() {
        // FHIR R4 cm-administrative-gender-v3.html
        let all = Terminology::new(Arc::new(Definitions::r4()));
        let url = "http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v3";
        let map = all.concept_map(url).unwrap();
        let ask = Ask {
            system: "http://hl7.org/fhir/administrative-gender",
            code: "female",
            target: None,
            reverse: false,
        };
        let found = all.translate(&map, &ask).unwrap();
        let target = found[0].target.as_ref().unwrap();
        assert_eq!(target.code, "F");
        assert!(all.concept_maps().len() > 50);
    }

    /// Each set asks eight times the next, seventeen deep: 8^16 questions if nobody counted.
    #[test]
    fn wide_and_deep_sets_are_as_if_not_loaded() {
        let mut all = Definitions::r4();
        let url = |at: usize| format!("http://example.org/vs/{at}");
        for at in 0..17 {
            let parts = vec![json!({ "valueSet": [url(at + 1)] }); 8];
            all.add(json!({ "resourceType": "ValueSet", "url": url(at), "compose": { "include": parts } }));
        }
        all.add(json!({
            "resourceType": "ValueSet", "url": url(17),
            "compose": { "include": [{ "system": "http://example.org/s", "concept": [{ "code": "a" }] }] },
        }));
        // From below, each is known by the time it is built upon.
        for at in 100..400 {
            let part = json!({ "valueSet": [url(at - 1)] });
            all.add(json!({ "resourceType": "ValueSet", "url": url(at), "compose": { "include": [part] } }));
        }
        all.add(json!({
            "resourceType": "ValueSet", "url": url(99),
            "compose": { "include": [{ "system": "http://example.org/s", "concept": [{ "code": "a" }] }] },
        }));
        let terminology = Terminology::new(Arc::new(all));
        let asked = |at: usize| terminology.contains(&url(at), Some("http://example.org/s"), "b");
        assert_eq!(asked(17), Membership::No);
        assert_eq!(asked(15), Membership::No);
        assert_eq!(asked(0), Membership::Unknown);
        for at in 100..400 {
            asked(at);
        }
        assert_eq!(asked(110), Membership::No);
        assert_eq!(asked(399), Membership::Unknown);
    }

    #[test]
    fn a_long_chain_of_parents_is_walked_once() {
        let mut all = Definitions::r4();
        let concepts: Vec<_> = (0..20_000)
            .map(|at| json!({ "code": at.to_string(), "property": [{ "code": "parent", "valueCode": (at + 1).to_string() }] }))
            .collect();
        all.add(json!({
            "resourceType": "CodeSystem", "url": "http://example.org/chain", "content": "complete",
            "property": [{ "code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code" }],
            "concept": concepts,
        }));
        let filter = json!({ "property": "concept", "op": "is-a", "value": "19999" });
        all.add(json!({
            "resourceType": "ValueSet", "url": "http://example.org/vs/chain",
            "compose": { "include": [{ "system": "http://example.org/chain", "filter": [filter] }] },
        }));
        let terminology = Terminology::new(Arc::new(all));
        let members = terminology
            .expand("http://example.org/vs/chain")
            .expect("all is loaded");
        assert_eq!(members.concepts.len(), 20_000);
    }
}
