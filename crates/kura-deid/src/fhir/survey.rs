//! How often codes and values occur among the patients of a set: what is rare, and what lies far
//! from everyone else, can only be said of all of them. A pass of its own, before processing.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::region;
use crate::policy::{Action, Policy};

/// System under which regions are counted.
const REGION: &str = "urn:kura:region";

/// Counts over the patients of a set. Memory grows with the codes, not with the patients.
#[derive(Debug)]
pub struct Survey {
    patients: u64,
    /// Patients by system and code.
    codes: HashMap<(String, String), u64>,
    /// Patients by system and category of ICD-10, of those who have a code of it that is rare: they
    /// alone will be shown by the category. Counted in the second pass.
    climbing: HashMap<(String, String), u64>,
    second: bool,
    /// By what was measured: the smallest and the largest value of each of so many patients.
    ends: HashMap<String, Ends>,
    /// How many values are kept at each end.
    at_each_end: usize,
}

/// The values of the patients at both ends, sorted.
#[derive(Debug, Default)]
struct Ends {
    patients: u64,
    lowest: Vec<f64>,
    highest: Vec<f64>,
}

/// What one patient has.
#[derive(Default)]
struct Has {
    codes: HashSet<(String, String)>,
    values: BTreeMap<String, (f64, f64)>,
}

impl Survey {
    pub fn new(policy: &Policy) -> Self {
        let at_each_end = policy.extremes.map_or(0, |extremes| extremes.patients);
        Self {
            patients: 0,
            codes: HashMap::new(),
            climbing: HashMap::new(),
            second: false,
            ends: HashMap::new(),
            at_each_end: usize::try_from(at_each_end).unwrap_or(usize::MAX),
        }
    }

    /// The first pass is over: all patients come once more, to be counted by the categories that
    /// their rare codes climb to.
    pub fn again(&mut self) {
        self.second = true;
    }

    /// Counts one patient: all resources of theirs that are asked for. What stays inside is not
    /// counted.
    pub fn patient<'a>(&mut self, policy: &Policy, resources: impl Iterator<Item = &'a Value>) {
        let mut has = Has::default();
        for resource in resources.filter(|resource| super::leaves(policy, resource, true).is_ok()) {
            let kind = resource.get("resourceType").and_then(Value::as_str);
            if let Some(root) = kind.and_then(|kind| policy.plan.root(kind)) {
                look(policy, root, resource, measured(resource), &mut has);
            }
        }
        if self.second {
            let rare = policy.rare.map_or(0, |rare| rare.patients);
            let climbing: HashSet<(String, String)> = has
                .codes
                .iter()
                .filter(|(system, code)| {
                    self.having(system, code) < rare && policy.icd10.contains(system)
                })
                .filter_map(|(system, code)| Some((system.clone(), category(code)?.to_owned())))
                .collect();
            for category in climbing {
                *self.climbing.entry(category).or_default() += 1;
            }
            return;
        }
        self.patients += 1;
        for code in has.codes {
            *self.codes.entry(code).or_default() += 1;
        }
        for (what, (low, high)) in has.values {
            let ends = self.ends.entry(what).or_default();
            ends.patients += 1;
            let at = ends.lowest.partition_point(|value| *value <= low);
            ends.lowest.insert(at, low);
            ends.lowest.truncate(self.at_each_end);
            let at = ends.highest.partition_point(|value| *value >= high);
            ends.highest.insert(at, high);
            ends.highest.truncate(self.at_each_end);
        }
    }

    pub fn patients(&self) -> u64 {
        self.patients
    }

    pub(super) fn having(&self, system: &str, code: &str) -> u64 {
        // Two allocations for a look-up; codes are short.
        self.codes
            .get(&(system.to_owned(), code.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    pub(super) fn climbing(&self, system: &str, category: &str) -> u64 {
        self.climbing
            .get(&(system.to_owned(), category.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    pub(super) fn in_region(&self, region: &str) -> u64 {
        self.having(REGION, region)
    }

    /// Between which values a measurement may lie; none if too few patients have it.
    pub(super) fn bounds(&self, what: &str) -> Option<(f64, f64)> {
        let ends = self.ends.get(what)?;
        let enough = self.at_each_end > 0 && ends.patients >= 2 * self.at_each_end as u64;
        enough.then_some((*ends.lowest.last()?, *ends.highest.last()?))
    }
}

/// The category of an ICD-10 code: E11 of E11.9.
pub(super) fn category(code: &str) -> Option<&str> {
    let (category, rest) = code.split_at_checked(3)?;
    let mut bytes = category.bytes();
    let well = bytes.next()?.is_ascii_alphabetic()
        && bytes.next()?.is_ascii_digit()
        && bytes.next()?.is_ascii_alphanumeric();
    (well && !rest.is_empty()).then_some(category)
}

/// What a resource, or a component of one, measures or doses: its code.
pub(super) fn measured(resource: &Value) -> Option<String> {
    let coding = resource
        .pointer("/code/coding/0")
        .or_else(|| resource.pointer("/medicationCodeableConcept/coding/0"))?;
    let part = |name: &str| coding.get(name).and_then(Value::as_str);
    Some(format!("{}|{}", part("system")?, part("code")?))
}

/// What a quantity is of, with its unit: the key of its ends.
pub(super) fn quantity_key(measured: Option<&str>, quantity: &Value) -> String {
    let unit = quantity
        .get("code")
        .or_else(|| quantity.get("unit"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    format!("{}|{unit}", measured.unwrap_or_default())
}

fn look(policy: &Policy, at: u32, value: &Value, measured: Option<String>, has: &mut Has) {
    let node = policy.plan.node(at);
    match (&node.action, value) {
        (_, Value::Array(items)) => {
            for item in items {
                look(policy, at, item, measured.clone(), has);
            }
        }
        (Action::Code { .. }, Value::Object(_)) => gather(value, has),
        (Action::Region { .. }, Value::Object(_)) => {
            if let Some(region) = region::state(value) {
                has.codes.insert((REGION.to_owned(), region));
            }
        }
        (Action::Quantity | Action::Age { .. }, Value::Object(_)) => {
            if let Some(number) = value.get("value").and_then(super::number) {
                let key = quantity_key(measured.as_deref(), value);
                let (low, high) = has.values.entry(key).or_insert((number, number));
                *low = low.min(number);
                *high = high.max(number);
            }
        }
        // Extensions that go are not counted.
        (Action::Extension, Value::Object(_))
            if value
                .get("url")
                .and_then(Value::as_str)
                .is_none_or(|url| !policy.extensions.contains_key(url)) => {}
        (Action::Descend | Action::Extension, Value::Object(members)) => {
            // A component measures something of its own.
            let measured = self::measured(value).or(measured);
            // What is normal is the laboratory's, not the patient's.
            for (key, inner) in members.iter().filter(|(key, _)| *key != "referenceRange") {
                if let Some(child) = node.children.get(key.as_str()) {
                    look(policy, child.node, inner, measured.clone(), has);
                }
            }
        }
        (Action::Resource, Value::Object(_)) => {
            let kind = value.get("resourceType").and_then(Value::as_str);
            let kind = kind.filter(|kind| policy.leaves(kind, true));
            if let Some(root) = kind.and_then(|kind| policy.plan.root(kind)) {
                look(policy, root, value, self::measured(value), has);
            }
        }
        _ => {}
    }
}

fn gather(value: &Value, has: &mut Has) {
    let codings = value.get("coding").and_then(Value::as_array);
    let own = codings.is_none().then_some(value);
    for coding in codings.into_iter().flatten().chain(own) {
        let part = |name: &str| coding.get(name).and_then(Value::as_str);
        if let (Some(system), Some(code)) = (part("system"), part("code")) {
            has.codes.insert((system.to_owned(), code.to_owned()));
        }
    }
}
