//! One resource, beside the plan of its policy.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::report::{ChangeReport, Journal};
use super::survey::{Survey, category, measured, quantity_key};
use super::trace::Trace;
use super::{Subject, region};
use crate::keys::shift_fhir;
use crate::policy::{Action, Node, Policy, Precision, Threshold};

/// HL7's extension that says why a value is not there, and its word for "hidden on purpose".
pub(super) const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
/// The system of pseudonyms of identifiers.
const PSEUDONYM: &str = "urn:kura:pseudonym";
const UCUM: &str = "http://unitsofmeasure.org";

pub(super) struct Walk<'a> {
    pub(super) policy: &'a Policy,
    pub(super) subject: &'a Subject<'a>,
    report: &'a mut ChangeReport,
    pub journal: Journal,
    /// An extension that changes a meaning was met that no rule lists.
    pub modified: bool,
    /// Where the walk is: `Observation.code`.
    pub(super) path: String,
    /// The type of the resource whose element is processed.
    kind: String,
    /// What the resource measures, where that is asked for.
    measured: Option<String>,
    /// The value of this resource is an age.
    is_age: bool,
    /// Contained resources that stay.
    contained: HashSet<String>,
    /// What was encoded held something that the bank knows of the patient.
    pub known_left: bool,
    /// Stand-ins of this run: keyed hashes hold any digits by chance.
    pub made: HashSet<String>,
    pub trace: Trace,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        subject: &'a Subject<'a>,
        report: &'a mut ChangeReport,
        resource: &Value,
    ) -> Self {
        let contained = resource.get("contained").and_then(Value::as_array);
        let contained = contained
            .into_iter()
            .flatten()
            .filter(|one| {
                text(one, "resourceType")
                    .is_some_and(|kind| policy.leaves(kind, subject.texts.is_some()))
            })
            .filter_map(|one| text(one, "id").map(str::to_owned))
            .collect();
        Self {
            policy,
            subject,
            report,
            journal: Journal::default(),
            modified: false,
            path: String::new(),
            kind: String::new(),
            measured: None,
            is_age: false,
            contained,
            known_left: false,
            made: HashSet::new(),
            trace: Trace::default(),
        }
    }

    pub(super) fn count(&mut self, rule: Option<usize>, stays: bool) {
        self.report.note(&mut self.journal, &self.path, rule, stays);
    }

    pub(super) fn count_at(&mut self, path: &str, rule: Option<usize>, stays: bool) {
        self.report.note(&mut self.journal, path, rule, stays);
    }

    /// Counts an element that goes.
    fn gone(&mut self, rule: Option<usize>, value: &Value) -> Option<Value> {
        self.count(rule, false);
        self.trace.step(&self.path, rule, value, None);
        None
    }

    pub(super) fn resource(&mut self, root: u32, kind: &str, resource: &Value) -> Value {
        let is_age = self.tells_an_age(resource);
        let above = (
            std::mem::replace(&mut self.path, kind.to_owned()),
            std::mem::replace(&mut self.kind, kind.to_owned()),
            std::mem::replace(&mut self.measured, measured(resource)),
            std::mem::replace(&mut self.is_age, is_age),
        );
        let mut out = Map::new();
        out.insert("resourceType".to_owned(), Value::String(kind.to_owned()));
        if let Value::Object(members) = resource {
            let inner = self.object(self.policy.plan.node(root), members);
            out.extend(inner.unwrap_or_default());
        }
        (self.path, self.kind, self.measured, self.is_age) = above;
        let mut out = Value::Object(out);
        self.unreferenced(&mut out);
        out
    }

    fn tells_an_age(&self, resource: &Value) -> bool {
        let codings = resource.pointer("/code/coding").and_then(Value::as_array);
        codings.into_iter().flatten().any(|coding| {
            let known =
                text(coding, "system").and_then(|system| self.policy.ages.codes.get(system));
            match (known, text(coding, "code")) {
                (Some(codes), Some(code)) => codes.contains(code),
                _ => false,
            }
        })
    }

    /// The members of an object whose elements decide; `None` if none of them stays.
    fn object(&mut self, node: &Node, members: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut out = Map::new();
        let start = self.trace.len();
        for (name, value) in members {
            if name == "resourceType" {
                continue;
            }
            let length = self.path.len();
            if let Some(child) = node.children.get(name.as_str()) {
                self.path.push('.');
                self.path.push_str(name);
                let node = self.policy.plan.node(child.node);
                if let Some(kept) = self.element(node, child.many, value) {
                    out.insert(name.clone(), kept);
                }
            } else if let Some(element) = name.strip_prefix('_')
                && node
                    .children
                    .get(element)
                    .is_some_and(|child| child.primitive)
            {
                // Beside a primitive: extensions of it. Its id goes.
                self.path.push('.');
                self.path.push_str(element);
                if let Some(kept) = self.companion(value) {
                    out.insert(name.clone(), kept);
                }
            } else {
                // Its name is not of the standard and may be anybody's.
                self.path.push_str(".(unknown)");
                self.gone(None, value);
            }
            self.path.truncate(length);
        }
        if out.is_empty() {
            return None;
        }
        self.mask_required(node, members, &mut out, start);
        self.coherent(node, &mut out, start).then_some(out)
    }

    fn element(&mut self, node: &'a Node, many: bool, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) if many => {
                let mut kept = Vec::with_capacity(items.len());
                for item in items {
                    kept.extend(self.one(node, item));
                }
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            // A list where FHIR has none, or one value where it has a list: not what it says it is.
            _ if node.action == Action::Extension && !(many && value.is_array()) => {
                self.modified |= self.path.ends_with(".modifierExtension");
                self.gone(rule_of(node), value)
            }
            Value::Array(_) => self.gone(rule_of(node), value),
            _ if many => self.gone(rule_of(node), value),
            single => self.one(node, single),
        }
    }

    fn one(&mut self, node: &'a Node, value: &Value) -> Option<Value> {
        match &node.action {
            Action::Descend => match value {
                Value::Object(members) => {
                    let above = (self.measured.clone(), self.is_age);
                    if let Some(own) = measured(value) {
                        self.measured = Some(own);
                    }
                    // A component may be an age.
                    self.is_age |= self.tells_an_age(value);
                    let out = self.object(node, members).map(Value::Object);
                    (self.measured, self.is_age) = above;
                    out
                }
                _ => self.gone(None, value),
            },
            Action::Extension => {
                // One step for the whole of it, by the rule that lists it.
                let trace = std::mem::take(&mut self.trace);
                let out = self.extension(node, value, "");
                self.trace = trace;
                let listed = text(value, "url").and_then(|url| self.policy.extensions.get(url));
                let rule = listed.copied().or(rule_of(node));
                self.trace.step(&self.path, rule, value, out.as_ref());
                out
            }
            Action::Resource => {
                let kind = text(value, "resourceType").unwrap_or_default();
                match self.policy.plan.root(kind) {
                    Some(root) if self.leaves(kind) => {
                        self.count(rule_of(node), true);
                        let mut out = self.resource(root, kind, value);
                        if let (Some(id), Some(slot)) = (text(value, "id"), out.get_mut("id")) {
                            *slot = self.pseudonym("contained", id).into();
                        }
                        Some(out)
                    }
                    _ => self.gone(rule_of(node), value),
                }
            }
            action => {
                let (out, rule) = self.apply(action, node, value);
                let rule = rule.or(rule_of(node));
                self.count(rule, out.is_some());
                self.trace.step(&self.path, rule, value, out.as_ref());
                out
            }
        }
    }

    /// What an action makes of a value, and the rule if it was another than the node's.
    fn apply(
        &mut self,
        action: &Action,
        node: &Node,
        value: &Value,
    ) -> (Option<Value>, Option<usize>) {
        let out = match action {
            Action::Keep { words } => match value {
                // A listed element with members under it would smuggle what is not listed.
                Value::Object(_) | Value::Array(_) | Value::Null => None,
                Value::String(word) if node.kind == "time" => {
                    kura_fhir::date::is_time(word).then(|| value.clone())
                }
                Value::String(word) => {
                    let fixed = node
                        .fixed
                        .is_some_and(|fixed| fixed.contains(word.as_str()));
                    // A rule's own list is the whole list.
                    let stays = if words.is_empty() {
                        fixed
                    } else {
                        words.contains(word)
                    };
                    stays.then(|| value.clone())
                }
                // An age that is a plain number cannot say "or more": it goes.
                Value::Number(_)
                    if self.is_age
                        && super::number(value)
                            .is_none_or(|age| age >= self.policy.ages.limit as f64) =>
                {
                    return (None, Some(self.policy.ages.rule));
                }
                Value::Number(_)
                    if !matches!(node.kind, "boolean" | "code" | "time" | "string") =>
                {
                    Some(value.clone())
                }
                Value::Bool(_) if node.kind == "boolean" => Some(value.clone()),
                _ => None,
            },
            Action::Remove | Action::Descend | Action::Extension | Action::Resource => None,
            Action::Pseudonym => match node.kind {
                "Reference" => self.reference(node, value),
                "Identifier" => self.identifier(value),
                _ => {
                    let kind = self.kind.clone();
                    value.as_str().map(|id| self.pseudonym(&kind, id).into())
                }
            },
            Action::Uid => value.as_str().map(|uid| self.uid(uid)),
            Action::Date { shift, to } => self.date(node, value, *shift, *to).map(Value::String),
            Action::Birth { shift, to, limit } => self.birth(node, value, *shift, *to, *limit),
            Action::Age { limit } => match self.age(value, *limit) {
                // FHIR R4 age-1.
                Some(age) if age.get("code").is_none() && node.kind == "Age" => {
                    return (None, Some(self.policy.incomplete));
                }
                age => age,
            },
            Action::Region { digits, small } => {
                let state = region::state(value);
                if let Some(rare) = self.policy.rare {
                    let enough = state.as_ref().is_some_and(|name| {
                        self.survey()
                            .is_some_and(|survey| survey.in_region(name) >= rare.patients)
                    });
                    if !enough {
                        return (None, Some(rare.rule));
                    }
                }
                region::generalised(value, state, *digits, |head| small.contains(head))
            }
            Action::Code { text } => return self.concept(value, *text),
            Action::Text => self.words(node, value),
            Action::Quantity => {
                if self.is_age {
                    let ages = &self.policy.ages;
                    return (self.age(value, ages.limit), Some(ages.rule));
                }
                return self.quantity(node, value);
            }
        };
        (out, None)
    }

    fn pseudonym(&mut self, namespace: &str, value: &str) -> String {
        let made = self.subject.key.pseudonym(namespace, value);
        self.made.insert(made.clone());
        made
    }

    fn leaves(&self, kind: &str) -> bool {
        self.policy.leaves(kind, self.subject.texts.is_some())
    }

    fn survey(&self) -> Option<&'a Survey> {
        self.subject.survey
    }

    fn reference(&mut self, node: &Node, value: &Value) -> Option<Value> {
        let written = text(value, "reference")?;
        if let Some(id) = written.strip_prefix('#') {
            return self.contained.contains(id).then(|| {
                let made = format!("#{}", self.pseudonym("contained", id));
                self.made.insert(made.clone());
                serde_json::json!({ "reference": made })
            });
        }
        let target = kura_fhir::search_parameter::reference(written)?;
        // What it points at stays inside: it would lead nowhere. Or it is none that may stand here.
        let fits = node.targets.is_empty()
            || node
                .targets
                .iter()
                .any(|kind| *kind == target.kind || *kind == "Resource");
        (fits && self.leaves(&target.kind)).then(|| {
            let made = format!(
                "{}/{}",
                target.kind,
                self.pseudonym(&target.kind, &target.id)
            );
            self.made.insert(made.clone());
            serde_json::json!({ "reference": made })
        })
    }

    fn identifier(&mut self, value: &Value) -> Option<Value> {
        let number = text(value, "value")?;
        let system = text(value, "system").unwrap_or_default();
        // FHIR R4 ImagingStudy: the study's UID is an identifier.
        if system == "urn:dicom:uid" {
            return Some(serde_json::json!({ "system": system, "value": self.uid(number) }));
        }
        let pseudonym = self.pseudonym("identifier", &format!("{system}|{number}"));
        Some(serde_json::json!({ "system": PSEUDONYM, "value": pseudonym }))
    }

    fn uid(&mut self, uid: &str) -> Value {
        let key = self.subject.key;
        let made = match uid.strip_prefix("urn:oid:") {
            Some(uid) => format!("urn:oid:{}", key.uid(uid)),
            None => key.uid(uid),
        };
        self.made.insert(made.clone());
        made.into()
    }

    fn date(&mut self, node: &Node, value: &Value, shift: bool, to: Precision) -> Option<String> {
        let written = value.as_str()?;
        let days = if shift { self.subject.shift_days } else { 0 };
        let moved = shift_fhir(written, days)?;
        // A year from before the limit tells that somebody is older. 45 CFR 164.514(b)(2)(i)(C).
        let oldest = self.subject.reference_year - self.policy.ages.limit;
        if moved.get(..4)?.parse::<i64>().ok()? < oldest {
            return (node.kind != "instant").then(|| format!("{oldest:04}"));
        }
        let cut = match to {
            // An instant has no coarser form.
            Precision::Year | Precision::Month if node.kind == "instant" => return None,
            Precision::Year => moved.get(..4)?,
            Precision::Month => moved.get(..7).unwrap_or(&moved),
            Precision::Day => &moved,
        };
        let cut = cut.to_owned();
        if shift {
            // An examination may move onto the day of a child's birth.
            self.made.insert(cut.clone());
        }
        Some(cut)
    }

    fn birth(
        &mut self,
        node: &Node,
        value: &Value,
        shift: bool,
        to: Precision,
        limit: i64,
    ) -> Option<Value> {
        let date = self.date(node, value, shift, to)?;
        let year: i64 = date.get(..4)?.parse().ok()?;
        let oldest = self.subject.reference_year - limit;
        if year <= oldest {
            return Some(format!("{oldest:04}").into());
        }
        Some(date.into())
    }

    fn age(&mut self, value: &Value, limit: i64) -> Option<Value> {
        let plain = self.plain_quantity(value)?;
        let Value::Object(mut out) = plain else {
            return None;
        };
        // Without a unit, or in years, the number is years; ages in smaller units are no old ones.
        let years = matches!(out.get("code").and_then(Value::as_str), None | Some("a"));
        let per_year = match out.get("code").and_then(Value::as_str) {
            None | Some("a") => 1.0,
            Some("mo") => 12.0,
            Some("wk") => 52.18,
            Some("d") => 365.25,
            Some(_) => return None,
        };
        let number = super::number(out.get("value")?)?;
        if number / per_year >= limit as f64 {
            out.insert("value".to_owned(), limit.into());
            out.insert("comparator".to_owned(), ">=".into());
            if !years {
                out.insert("system".to_owned(), UCUM.into());
                out.insert("code".to_owned(), "a".into());
            }
        }
        Some(Value::Object(out))
    }

    /// A CodeableConcept or a Coding, reduced to published codes.
    fn concept(&mut self, value: &Value, with_text: bool) -> (Option<Value>, Option<usize>) {
        let mut rule = None;
        let mut out = if let Some(Value::Array(codings)) = value.get("coding") {
            let mut kept: Vec<Value> = Vec::with_capacity(codings.len());
            for coding in codings {
                let (coding, by) = self.coding(coding);
                rule = rule.or(by);
                if let Some(coding) = coding.filter(|coding| !kept.contains(coding)) {
                    kept.push(coding);
                }
            }
            (!kept.is_empty()).then(|| serde_json::json!({ "coding": kept }))
        } else {
            let (coding, by) = self.coding(value);
            rule = by;
            coding
        };
        if with_text
            && let Some(written) = text(value, "text")
            && let Some(cleaned) = self.text(written)
        {
            let concept = out.get_or_insert_with(|| Value::Object(Map::new()));
            concept["text"] = cleaned.into();
        }
        (out, rule)
    }

    fn coding(&mut self, coding: &Value) -> (Option<Value>, Option<usize>) {
        let Some(code) = text(coding, "code") else {
            return (None, None);
        };
        match text(coding, "system") {
            Some(system) if self.policy.publishes(system) && is_code(code) => {
                let (code, rule) = match self.policy.rare {
                    None => (Some(code), None),
                    Some(rare) => self.common(rare, system, code),
                };
                let out = code.map(|code| serde_json::json!({ "system": system, "code": code }));
                (out, rule)
            }
            _ => {
                self.journal.local_codes += 1;
                (None, None)
            }
        }
    }

    /// The code if enough patients have it, else its category if enough have that.
    fn common<'c>(
        &self,
        rare: Threshold,
        system: &str,
        code: &'c str,
    ) -> (Option<&'c str>, Option<usize>) {
        let Some(survey) = self.survey() else {
            return (None, Some(rare.rule));
        };
        // Whether a record is active or confirmed says nothing rare of a person, and FHIR asks for it.
        if STATUS.contains(&system) || survey.having(system, code) >= rare.patients {
            return (Some(code), None);
        }
        let climbed = category(code)
            .filter(|_| self.policy.icd10.contains(system))
            .filter(|category| survey.climbing(system, category) >= rare.patients);
        (climbed, Some(rare.rule))
    }

    fn quantity(&mut self, node: &Node, value: &Value) -> (Option<Value>, Option<usize>) {
        let Some(Value::Object(mut out)) = self.plain_quantity(value) else {
            return (None, None);
        };
        // FHIR R4 drt-1: a duration has a unit of time.
        if matches!(node.kind, "Duration" | "Age") && !out.contains_key("code") {
            return (None, Some(self.policy.incomplete));
        }
        let Some(extremes) = self.policy.extremes else {
            return (Some(Value::Object(out)), None);
        };
        // What is normal is the laboratory's, not the patient's.
        if self.path.contains(REFERENCE_RANGE) {
            return (Some(Value::Object(out)), None);
        }
        let what = quantity_key(self.measured.as_deref(), value);
        let bounds = self.survey().and_then(|survey| survey.bounds(&what));
        let (Some((low, high)), Some(number)) = (bounds, out.get("value").and_then(super::number))
        else {
            return (None, Some(extremes.rule));
        };
        let (bound, sign) = if number >= high {
            (high, ">=")
        } else if number <= low {
            (low, "<=")
        } else {
            return (Some(Value::Object(out)), None);
        };
        let bound = serde_json::Number::from_f64(bound).map_or(Value::Null, Value::Number);
        out.insert("value".to_owned(), bound);
        // Elsewhere FHIR has SimpleQuantity, which bears no comparator.
        if self.kind == "Observation" {
            out.insert("comparator".to_owned(), sign.into());
        }
        (Some(Value::Object(out)), Some(extremes.rule))
    }

    fn plain_quantity(&mut self, value: &Value) -> Option<Value> {
        let number = value.get("value").filter(|number| number.is_number())?;
        let mut out = Map::new();
        out.insert("value".to_owned(), number.clone());
        if let Some(comparator) = text(value, "comparator")
            && matches!(comparator, "<" | "<=" | ">" | ">=")
        {
            out.insert("comparator".to_owned(), comparator.into());
        }
        let is_ucum = text(value, "system") == Some(UCUM);
        match text(value, "code") {
            Some(code) if is_ucum && self.policy.units.contains(code) => {
                out.insert("system".to_owned(), UCUM.into());
                out.insert("code".to_owned(), code.into());
            }
            _ => {
                if value.get("unit").is_some() || value.get("code").is_some() {
                    self.journal.local_units += 1;
                }
            }
        }
        Some(Value::Object(out))
    }

    /// The companion of a primitive: its extensions, item by item if it is a list.
    fn companion(&mut self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => {
                let kept: Vec<Value> = items
                    .iter()
                    .map(|item| self.companion(item).unwrap_or(Value::Null))
                    .collect();
                kept.iter()
                    .any(|item| !item.is_null())
                    .then_some(Value::Array(kept))
            }
            Value::Object(members) => {
                let extensions = members.get("extension")?;
                let root = self.policy.plan.root("Basic")?;
                let child = self.policy.plan.node(root).children.get("extension")?;
                let node = self.policy.plan.node(child.node);
                let length = self.path.len();
                self.path.push_str(".extension");
                let kept = self.element(node, true, extensions);
                self.path.truncate(length);
                kept.map(|kept| serde_json::json!({ "extension": kept }))
            }
            _ => None,
        }
    }

    /// An extension that a rule lists, with its value by the rule of its type. Of one inside
    /// another, `outer#inner` is listed.
    fn extension(&mut self, node: &'a Node, value: &Value, outer: &str) -> Option<Value> {
        let own = text(value, "url").unwrap_or_default();
        let url = if outer.is_empty() {
            own.to_owned()
        } else {
            format!("{outer}#{own}")
        };
        let Some(rule) = self.policy.extensions.get(&url).copied() else {
            self.modified |= self.path.ends_with(".modifierExtension");
            self.count(rule_of(node), false);
            return None;
        };
        let Value::Object(members) = value else {
            return None;
        };
        let mut out = Map::new();
        out.insert("url".to_owned(), own.into());
        for (name, inner) in members
            .iter()
            .filter(|(name, _)| *name != "url" && *name != "id")
        {
            let Some(child) = node.children.get(name.as_str()) else {
                continue;
            };
            let below = self.policy.plan.node(child.node);
            let length = self.path.len();
            self.path.push('.');
            self.path.push_str(name);
            let kept = match inner {
                Value::Array(items) if name == "extension" => {
                    let kept: Vec<Value> = items
                        .iter()
                        .filter_map(|item| self.extension(below, item, &url))
                        .collect();
                    (!kept.is_empty()).then_some(Value::Array(kept))
                }
                Value::Array(_) => None,
                // Words of data-absent-reason and the like: FHIR fixes them for no element.
                Value::String(word) if url == ABSENT && name == "valueCode" => {
                    ABSENT_WORDS.contains(&word.as_str()).then(|| inner.clone())
                }
                single => self.one(below, single),
            };
            self.path.truncate(length);
            if let Some(kept) = kept {
                out.insert(name.clone(), kept);
            }
        }
        // A url alone is no extension. FHIR R4 ext-1.
        let stays = out.len() > 1;
        self.count(Some(rule), stays);
        stays.then_some(Value::Object(out))
    }
}

/// <http://terminology.hl7.org/CodeSystem/data-absent-reason>.
const ABSENT_WORDS: [&str; 15] = [
    "unknown",
    "asked-unknown",
    "temp-unknown",
    "not-asked",
    "asked-declined",
    "masked",
    "not-applicable",
    "unsupported",
    "as-text",
    "error",
    "not-a-number",
    "negative-infinity",
    "positive-infinity",
    "not-performed",
    "not-permitted",
];

/// Systems of codes that say how a record stands.
const STATUS: [&str; 4] = [
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
    "http://terminology.hl7.org/CodeSystem/condition-clinical",
    "http://terminology.hl7.org/CodeSystem/condition-ver-status",
];

pub(super) const REFERENCE_RANGE: &str = ".referenceRange";

fn rule_of(node: &Node) -> Option<usize> {
    (node.rule != usize::MAX).then_some(node.rule)
}

pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// FHIR R4 datatypes.html#code, narrowed: no spaces, nothing but ASCII, not long.
fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/".contains(&byte))
}
