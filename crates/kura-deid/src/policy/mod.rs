//! Policies: what stays of an object, by which rule, and where that is written.
//!
//! A policy is a TOML file. It lists rules, each with an id, a reason in Japanese and English and a
//! source; a rule does one thing to the elements that its paths name: `Patient.birthDate`, `*.note`
//! (of any resource), `Address.state` (of a data type), `HumanName` (whatever is of this type). The
//! nearest name decides. What no rule names stops the policy, not the check: every element of
//! every type of FHIR R4 has an action, or the policy is refused.
//!
//! A file that `extends` a policy may only be stricter: [`Policy::parse`] compares every element.

mod action;
mod file;
mod plan;
mod shipped;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use kura_fhirpath::definitions;
use serde::Serialize;
use toml::Spanned;

use crate::dicom::DicomOption;

pub use action::{Action, Precision};
use file::{
    AgesFile, ExtremesFile, GenomicFile, ImagesFile, PolicyFile, RareFile, RuleFile, Systems,
    Types, Units, line,
};
pub(crate) use plan::{Node, Plan};
pub use shipped::{SHIPPED, shipped, text};
use words::is_published;

use action::ActionName;
use plan::Paths;

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {message}")]
pub struct PolicyError {
    pub file: String,
    /// From 1.
    pub line: usize,
    pub message: String,
}

/// A rule as a card shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    pub id: String,
    /// The policy that has it.
    pub policy: String,
    pub action: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    pub paths: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
}

/// What happens to one element.
#[derive(Debug, Clone, Serialize)]
pub struct ElementRule {
    pub path: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub action: String,
    /// Its id; none where the elements below decide.
    pub rule: Option<String>,
}

/// A policy, ready to apply.
#[derive(Debug)]
pub struct Policy {
    pub id: String,
    pub version: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    /// Whether a pseudonym may be led back, by a named role with a reason.
    pub reversible: bool,
    /// The policy it extends.
    pub extends: Option<String>,
    pub rules: Vec<Rule>,
    /// BLAKE3 of the texts it is made of.
    pub hash: [u8; 32],
    pub(crate) plan: Plan,
    leave: BTreeSet<String>,
    with_texts: BTreeSet<String>,
    /// Rule by URL.
    pub(crate) extensions: BTreeMap<String, usize>,
    pub(crate) systems: BTreeSet<String>,
    pub(crate) icd10: BTreeSet<String>,
    pub(crate) units: BTreeSet<String>,
    pub(crate) genomic: GenomicCodes,
    pub(crate) ages: Ages,
    /// The rule by which goes what is no FHIR any more.
    pub(crate) incomplete: usize,
    pub(crate) rare: Option<Threshold>,
    pub(crate) extremes: Option<Threshold>,
    /// Options of DICOM's basic profile that are in force.
    pub image_options: BTreeSet<DicomOption>,
    paths: Paths,
    /// The texts, its own last.
    texts: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct GenomicCodes {
    pub rule: usize,
    pub categories: BTreeSet<String>,
    pub codes: BTreeSet<String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Ages {
    pub rule: usize,
    pub limit: i64,
    pub codes: BTreeMap<String, BTreeSet<String>>,
}

/// So many patients of the set, by this rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Threshold {
    pub rule: usize,
    pub patients: u64,
}

/// Who a policy's `extends` is asked of: the text of a policy by its name.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Policies that extend one another at most so deep.
const DEPTH: usize = 8;

impl Policy {
    /// Reads a policy. `file` is what errors call it, `lookup` gives the text of one it extends.
    ///
    /// # Errors
    /// With the line: a key that is unknown or missing, a path that FHIR does not have, an action
    /// that an element cannot bear, two rules for one element, a rule that comes to nothing, an
    /// element that no rule covers, a policy that lets out more than the one it extends.
    pub fn parse(file: &str, text: &str, lookup: Lookup<'_>) -> Result<Policy, PolicyError> {
        Self::read(file, text, lookup, DEPTH)?.finish(file, text)
    }

    fn read(
        file: &str,
        text: &str,
        lookup: Lookup<'_>,
        depth: usize,
    ) -> Result<Draft, PolicyError> {
        let fail = |at: usize, message: String| PolicyError {
            file: file.to_owned(),
            line: line(text, at),
            message,
        };
        let found: PolicyFile = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            fail(at, error.message().to_owned())
        })?;
        let mut draft = match &found.extends {
            None => Draft::default(),
            Some(_) if depth == 0 => {
                return Err(fail(
                    0,
                    "policies that extend one another without end".to_owned(),
                ));
            }
            Some(name) => {
                let at = name.span().start;
                let name = name.get_ref();
                let base = lookup(name)
                    .ok_or_else(|| fail(at, format!("there is no policy '{name}' to extend")))?;
                let base_file = format!("{name}.toml");
                let base_draft = Self::read(&base_file, &base, lookup, depth - 1)?;
                if base_draft.id.as_deref() == Some(found.id.as_str()) {
                    return Err(fail(at, "a policy cannot extend itself".to_owned()));
                }
                // What stands alone, or on what the shipped ones have in common, would be held
                // against nothing.
                let free = if shipped::is_common(name) {
                    shipped::text(&found.id) != Some(text)
                } else {
                    base_draft.extends.is_none()
                };
                if free {
                    let message = format!("a policy extends one of {}", SHIPPED.join(", "));
                    return Err(fail(at, message));
                }
                // What the shipped policies have in common is no policy: it may be opened.
                let base_policy = if shipped::is_common(name) {
                    None
                } else {
                    Some(base_draft.clone().finish(&base_file, &base)?)
                };
                let mut draft = base_draft;
                draft.base = base_policy.map(std::sync::Arc::new);
                draft
            }
        };
        draft.add(found, &fail)?;
        draft.texts.push(text.to_owned());
        Ok(draft)
    }

    /// What happens to each element of a resource type.
    pub fn elements(&self, kind: &str) -> Vec<ElementRule> {
        self.plan
            .elements(kind)
            .into_iter()
            .map(|(path, node)| ElementRule {
                path,
                kind: node.kind,
                action: node.action.label(),
                rule: self.rules.get(node.rule).map(|rule| rule.id.clone()),
            })
            .collect()
    }

    /// The types that may leave.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        let with_texts = self.with_texts.iter().filter(|_| self.lets_texts());
        self.leave.iter().chain(with_texts).map(String::as_str)
    }

    /// Whether a type may leave, where texts may or not.
    pub(crate) fn leaves(&self, kind: &str, texts: bool) -> bool {
        self.leave.contains(kind) || texts && self.lets_texts() && self.with_texts.contains(kind)
    }

    /// What its author wrote for people to read, without what it took over.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let own = self.rules.iter().filter(|rule| rule.policy == self.id);
        let of_rules = own.flat_map(|rule| [&rule.id, &rule.ja, &rule.en, &rule.source]);
        [&self.id, &self.version, &self.ja, &self.en, &self.source]
            .into_iter()
            .chain(of_rules)
            .map(String::as_str)
    }

    /// Whether a rule lets texts leave, cleaned.
    pub fn lets_texts(&self) -> bool {
        let lets = |action: &Action| matches!(action, Action::Text | Action::Code { text: true });
        self.paths.values().any(|(action, _)| lets(action))
    }

    /// Whether codes of this system stay: it is published, and holds no person.
    pub fn publishes(&self, system: &str) -> bool {
        self.systems.contains(system) || is_published(system)
    }

    /// Whether processing needs to know how often codes and values occur in the set.
    pub fn needs_survey(&self) -> bool {
        self.rare.is_some() || self.extremes.is_some()
    }

    /// Ages from here on are one group.
    pub fn age_limit(&self) -> i64 {
        self.ages.limit
    }

    pub fn genomic_rule(&self) -> &Rule {
        &self.rules[self.genomic.rule]
    }
}

/// A policy while its files are read, the base first.
#[derive(Default, Clone)]
struct Draft {
    base: Option<std::sync::Arc<Policy>>,
    id: Option<String>,
    version: String,
    ja: String,
    en: String,
    source: String,
    extends: Option<String>,
    reversible: bool,
    rules: Vec<Rule>,
    paths: Paths,
    /// Paths of the last file, and where they stand in it.
    own: BTreeMap<String, usize>,
    extensions: BTreeMap<String, usize>,
    leave: BTreeSet<String>,
    with_texts: BTreeSet<String>,
    systems: BTreeSet<String>,
    icd10: BTreeSet<String>,
    units: BTreeSet<String>,
    genomic: Option<GenomicCodes>,
    ages: Option<Ages>,
    incomplete: Option<usize>,
    rare: Option<Threshold>,
    extremes: Option<Threshold>,
    image_options: Option<BTreeSet<DicomOption>>,
    texts: Vec<String>,
}

type Fail<'a> = &'a dyn Fn(usize, String) -> PolicyError;

impl Draft {
    fn add(&mut self, file: PolicyFile, fail: Fail<'_>) -> Result<(), PolicyError> {
        let is_override = self.base.is_some();
        self.extends = file.extends.map(Spanned::into_inner);
        self.own.clear();
        let id = file.id;
        let mut ids: BTreeSet<String> = self.rules.iter().map(|rule| rule.id.clone()).collect();
        for rule in file.rule {
            let at = rule.id.span().start;
            if !ids.insert(rule.id.get_ref().clone()) {
                let message = format!("there is a rule {} already", rule.id.get_ref());
                return Err(fail(at, message));
            }
            self.rule(&id, rule, fail)?;
        }
        if let Some(types) = file.types {
            let at = types.span().start;
            let Types { leave, with_texts } = types.into_inner();
            for kind in leave.iter().chain(&with_texts) {
                if !kura_fhir::RESOURCE_TYPES.contains(&kind.as_str()) {
                    return Err(fail(at, format!("there is no type {kind} in FHIR R4")));
                }
            }
            narrower("types.leave", at, &self.leave, &leave, is_override, fail)?;
            let what = "types.with_texts";
            narrower(what, at, &self.with_texts, &with_texts, is_override, fail)?;
            (self.leave, self.with_texts) = (leave, with_texts);
        }
        if let Some(systems) = file.systems {
            let at = systems.span().start;
            let Systems { exact, icd10 } = systems.into_inner();
            narrower(
                "systems.exact",
                at,
                &self.systems,
                &exact,
                is_override,
                fail,
            )?;
            self.systems = exact;
            narrower("systems.icd10", at, &self.icd10, &icd10, is_override, fail)?;
            self.icd10 = icd10;
        }
        if let Some(units) = file.units {
            let at = units.span().start;
            let Units { ucum } = units.into_inner();
            narrower("units.ucum", at, &self.units, &ucum, is_override, fail)?;
            self.units = ucum;
        }
        if let Some(reversible) = file.reversible {
            let at = reversible.span().start;
            let reversible = reversible.into_inner();
            if is_override && reversible && !self.reversible {
                let message = "the policy it extends cannot be led back; this one cannot either";
                return Err(fail(at, message.to_owned()));
            }
            self.reversible = reversible;
        }
        if let Some(images) = file.images {
            let at = images.span().start;
            let ImagesFile { options } = images.into_inner();
            if options.contains(&DicomOption::RetainFullDates)
                && options.contains(&DicomOption::RetainModifiedDates)
            {
                let message = "images.options: full and modified dates contradict each other";
                return Err(fail(at, message.to_owned()));
            }
            // Each option lets out more than the basic profile does.
            let before = self.image_options.as_ref().filter(|_| is_override);
            if let Some(before) = before
                && !options.is_subset(before)
            {
                let message = "images.options: one that the policy it extends does not have";
                return Err(fail(at, message.to_owned()));
            }
            self.image_options = Some(options);
        }
        if let Some(rule) = file.incomplete {
            let text = [rule.id, rule.ja, rule.en, rule.source];
            self.incomplete = Some(self.named(&id, "remove", text));
        }
        self.special(&id, file.genomic, file.ages, fail)?;
        self.thresholds(&id, file.rare, file.extremes, fail)?;
        self.id = Some(id);
        (self.version, self.ja, self.en, self.source) =
            (file.version, file.ja, file.en, file.source);
        Ok(())
    }

    fn rule(&mut self, policy: &str, rule: RuleFile, fail: Fail<'_>) -> Result<(), PolicyError> {
        let at = rule.id.span().start;
        let action = action(&rule).map_err(|message| fail(at, message))?;
        if rule.paths.is_empty() && rule.urls.is_empty() {
            return Err(fail(
                at,
                "a rule names paths, or urls of extensions".to_owned(),
            ));
        }
        if !rule.urls.is_empty() && rule.action != ActionName::Extension {
            return Err(fail(at, "urls belong to the action 'extension'".to_owned()));
        }
        let number = self.rules.len();
        for path in &rule.paths {
            let place = path.span().start;
            let path = path.get_ref();
            if self.own.insert(path.clone(), place).is_some() {
                return Err(fail(place, format!("{path} is named by two rules")));
            }
            self.paths.insert(path.clone(), (action.clone(), number));
        }
        for url in &rule.urls {
            if self.base.is_some() && !self.extensions.contains_key(url) {
                let message = "an extension that the policy it extends removes".to_owned();
                return Err(fail(at, message));
            }
            self.extensions.insert(url.clone(), number);
        }
        self.rules.push(Rule {
            id: rule.id.into_inner(),
            policy: policy.to_owned(),
            action: action.label(),
            ja: rule.ja,
            en: rule.en,
            source: rule.source,
            paths: rule.paths.into_iter().map(Spanned::into_inner).collect(),
            urls: rule.urls,
        });
        Ok(())
    }

    /// A rule that is a table of its own.
    fn named(&mut self, policy: &str, action: &str, text: [String; 4]) -> usize {
        let [id, ja, en, source] = text;
        self.rules.push(Rule {
            id,
            policy: policy.to_owned(),
            action: action.to_owned(),
            ja,
            en,
            source,
            paths: Vec::new(),
            urls: Vec::new(),
        });
        self.rules.len() - 1
    }

    fn special(
        &mut self,
        policy: &str,
        genomic: Option<Spanned<GenomicFile>>,
        ages: Option<Spanned<AgesFile>>,
        fail: Fail<'_>,
    ) -> Result<(), PolicyError> {
        if let Some(genomic) = genomic {
            let at = genomic.span().start;
            let genomic = genomic.into_inner();
            if let Some(before) = &self.genomic
                && (!genomic.codes.is_superset(&before.codes)
                    || !genomic.categories.is_superset(&before.categories))
            {
                let message = "codes that tell of genomes may be added, not taken away";
                return Err(fail(at, message.to_owned()));
            }
            let text = [genomic.id, genomic.ja, genomic.en, genomic.source];
            let rule = self.named(policy, "withhold", text);
            self.genomic = Some(GenomicCodes {
                rule,
                categories: genomic.categories,
                codes: genomic.codes,
            });
        }
        if let Some(ages) = ages {
            let at = ages.span().start;
            let ages = ages.into_inner();
            if let Some(before) = &self.ages
                && self.base.is_some()
                && (ages.limit > before.limit
                    || !before.codes.iter().all(|(system, codes)| {
                        ages.codes
                            .get(system)
                            .is_some_and(|now| now.is_superset(codes))
                    }))
            {
                let message = "ages: a higher limit, or fewer codes, than the policy it extends";
                return Err(fail(at, message.to_owned()));
            }
            let text = [ages.id, ages.ja, ages.en, ages.source];
            let rule = self.named(policy, &format!("age ({}+)", ages.limit), text);
            self.ages = Some(Ages {
                rule,
                limit: ages.limit,
                codes: ages.codes,
            });
        }
        Ok(())
    }

    fn thresholds(
        &mut self,
        policy: &str,
        rare: Option<Spanned<RareFile>>,
        extremes: Option<Spanned<ExtremesFile>>,
        fail: Fail<'_>,
    ) -> Result<(), PolicyError> {
        let check = |what: &str, at: usize, now: u64, before: Option<Threshold>| {
            if now < 2 {
                return Err(fail(at, format!("{what}: at least 2 patients")));
            }
            match before {
                Some(before) if now < before.patients => Err(fail(
                    at,
                    format!("{what}: fewer patients than the policy it extends"),
                )),
                _ => Ok(()),
            }
        };
        if let Some(rare) = rare {
            let at = rare.span().start;
            let rare = rare.into_inner();
            check("rare", at, rare.patients, self.rare)?;
            let label = format!("rare (<{} patients)", rare.patients);
            let rule = self.named(policy, &label, [rare.id, rare.ja, rare.en, rare.source]);
            let patients = rare.patients;
            self.rare = Some(Threshold { rule, patients });
        }
        if let Some(far) = extremes {
            let at = far.span().start;
            let far = far.into_inner();
            check("extremes", at, far.patients, self.extremes)?;
            let label = format!("extremes ({} patients an end)", far.patients);
            let rule = self.named(policy, &label, [far.id, far.ja, far.en, far.source]);
            let patients = far.patients;
            self.extremes = Some(Threshold { rule, patients });
        }
        Ok(())
    }

    fn finish(self, file: &str, text: &str) -> Result<Policy, PolicyError> {
        let fail = |at: usize, message: String| PolicyError {
            file: file.to_owned(),
            line: line(text, at),
            message,
        };
        let missing = |what: &str| fail(0, format!("[{what}] is missing"));
        let own: BTreeSet<String> = self.own.keys().cloned().collect();
        let plan = Plan::make(&self.paths, &own).map_err(|fault| {
            let at = fault.path.and_then(|path| self.own.get(&path).copied());
            fail(at.unwrap_or(0), fault.message)
        })?;
        let mut hasher = blake3::Hasher::new();
        for text in &self.texts {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        for (what, empty) in [
            ("types", self.leave.is_empty()),
            ("systems", self.systems.is_empty()),
            ("units", self.units.is_empty()),
        ] {
            if empty {
                return Err(missing(what));
            }
        }
        let policy = Policy {
            id: self.id.clone().unwrap_or_default(),
            version: self.version,
            ja: self.ja,
            en: self.en,
            source: self.source,
            reversible: self.reversible,
            extends: self.extends.filter(|name| !shipped::is_common(name)),
            rules: self.rules,
            hash: *hasher.finalize().as_bytes(),
            plan,
            leave: self.leave,
            with_texts: self.with_texts,
            extensions: self.extensions,
            systems: self.systems,
            icd10: self.icd10,
            units: self.units,
            genomic: self.genomic.ok_or_else(|| missing("genomic"))?,
            ages: self.ages.ok_or_else(|| missing("ages"))?,
            incomplete: self.incomplete.ok_or_else(|| missing("incomplete"))?,
            rare: self.rare,
            extremes: self.extremes,
            image_options: self.image_options.ok_or_else(|| missing("images"))?,
            paths: self.paths,
            texts: self.texts,
        };
        if let Some(base) = &self.base {
            policy.stricter_than(base, &self.own, &fail)?;
        }
        Ok(policy)
    }
}

impl Policy {
    /// Compares every element that may leave with what `base` does to it.
    fn stricter_than(
        &self,
        base: &Policy,
        own: &BTreeMap<String, usize>,
        fail: Fail<'_>,
    ) -> Result<(), PolicyError> {
        // Extensions beside primitives are those of Basic, whether it leaves or not.
        let leave = self.leave.iter().chain(&self.with_texts);
        let kinds = leave.map(String::as_str).chain(["Basic"]);
        for kind in kinds {
            let pairs = [(self.plan.root(kind), base.plan.root(kind))];
            let mut seen = BTreeSet::new();
            let mut open: Vec<(u32, u32, String)> = pairs
                .into_iter()
                .filter_map(|(now, before)| Some((now?, before?, kind.to_owned())))
                .collect();
            while let Some((now, before, path)) = open.pop() {
                if !seen.insert((now, before)) {
                    continue;
                }
                let (now, before) = (self.plan.node(now), base.plan.node(before));
                // Words of the rule's own are fewer only if they are some of those that stayed.
                let more_words = match (&now.action, &before.action) {
                    (Action::Keep { words }, Action::Keep { words: base }) if base.is_empty() => {
                        words.iter().any(|word| {
                            before
                                .fixed
                                .is_none_or(|fixed| !fixed.contains(word.as_str()))
                        })
                    }
                    _ => false,
                };
                if more_words || !now.action.at_least_as_strict_as(&before.action) {
                    let rule = &self.rules[now.rule];
                    let at = rule.paths.iter().filter_map(|path| own.get(path)).min();
                    return Err(fail(
                        at.copied().unwrap_or(0),
                        format!(
                            "{path}: '{}' lets out more than '{}' of the policy it extends",
                            now.action.label(),
                            before.action.label()
                        ),
                    ));
                }
                if !matches!(now.action, Action::Descend | Action::Extension) {
                    continue;
                }
                for (key, child) in &now.children {
                    if let Some(other) = before.children.get(key) {
                        open.push((child.node, other.node, format!("{path}.{key}")));
                    }
                }
            }
        }
        Ok(())
    }

    /// Its text and those of the policies it extends, the deepest first.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// How many elements of FHIR R4 it decides about.
    pub fn element_count(&self) -> usize {
        definitions()
            .types()
            .map(|id| definitions().get(id).name)
            .map(|kind| self.plan.elements(kind).len())
            .sum()
    }

    /// The paths that rules name.
    pub fn named_paths(&self) -> usize {
        self.paths.len()
    }
}

/// A list that an override may only shorten.
fn narrower(
    what: &str,
    at: usize,
    before: &BTreeSet<String>,
    now: &BTreeSet<String>,
    is_override: bool,
    fail: Fail<'_>,
) -> Result<(), PolicyError> {
    match now.difference(before).next() {
        Some(added) if is_override => Err(fail(
            at,
            format!("{what}: '{added}' is not in the policy it extends"),
        )),
        _ => Ok(()),
    }
}

/// The action of a rule; every parameter must be one of its own, and those it needs be there.
fn action(rule: &RuleFile) -> Result<Action, String> {
    let name = rule.action;
    let mut given: BTreeSet<&str> = [
        ("words", rule.words.is_some()),
        ("to", rule.to.is_some()),
        ("shift", rule.shift.is_some()),
        ("limit", rule.limit.is_some()),
        ("digits", rule.digits.is_some()),
        ("small", rule.small.is_some()),
        ("text", rule.text.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, there)| there.then_some(key))
    .collect();
    let missing = |key: &str| format!("'{key}' is missing");
    let action = match name {
        ActionName::Keep => {
            given.remove("words");
            Action::Keep {
                words: rule.words.clone().unwrap_or_default(),
            }
        }
        ActionName::Descend => Action::Descend,
        ActionName::Remove => Action::Remove,
        ActionName::Pseudonym => Action::Pseudonym,
        ActionName::Uid => Action::Uid,
        ActionName::Code => {
            given.remove("text");
            Action::Code {
                text: rule.text.unwrap_or_default(),
            }
        }
        ActionName::Quantity => Action::Quantity,
        ActionName::Text => Action::Text,
        ActionName::Extension => Action::Extension,
        ActionName::Resource => Action::Resource,
        ActionName::Date | ActionName::Birth => {
            given.remove("to");
            given.remove("shift");
            let to = rule.to.ok_or_else(|| missing("to"))?;
            let shift = rule.shift.ok_or_else(|| missing("shift"))?;
            if name == ActionName::Date {
                Action::Date { shift, to }
            } else {
                given.remove("limit");
                let limit = rule.limit.ok_or_else(|| missing("limit"))?;
                Action::Birth { shift, to, limit }
            }
        }
        ActionName::Age => {
            given.remove("limit");
            Action::Age {
                limit: rule.limit.ok_or_else(|| missing("limit"))?,
            }
        }
        ActionName::Region => {
            given.remove("digits");
            given.remove("small");
            Action::Region {
                digits: rule.digits.ok_or_else(|| missing("digits"))?,
                small: rule.small.clone().unwrap_or_default(),
            }
        }
    };
    match given.first() {
        None => Ok(action),
        Some(key) => Err(format!("'{key}' does not belong to '{}'", action.name())),
    }
}
