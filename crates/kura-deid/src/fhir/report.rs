//! What was done to each element.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::policy::Policy;
use crate::text::Kind;

/// What happened at one path, by one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    path: String,
    /// The rule, by its number in the policy; none where nothing listed the element.
    rule: Option<usize>,
    /// Elements that stay, as they were or changed by the action of the rule.
    kept: u64,
    /// Elements that went.
    removed: u64,
}

/// What was done, counted by path and rule over one or many resources.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ChangeReport {
    fields: Vec<Field>,
    /// The fields of a path, by their places.
    by_path: HashMap<String, Vec<u32>>,
    /// Codes dropped because their system is not a published one.
    pub local_codes: u64,
    /// Units dropped because they are not UCUM.
    pub local_units: u64,
    /// Texts that stay with labels in them.
    pub texts: u64,
    /// Pieces of them that became labels.
    pub pieces: BTreeMap<Kind, u64>,
}

/// What happens to one resource, until it is known whether it leaves at all.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Place of the field, and whether the element stays.
    entries: Vec<(u32, bool)>,
    pub local_codes: u64,
    pub local_units: u64,
    pub texts: u64,
    pub pieces: BTreeMap<Kind, u64>,
}

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportLine {
    pub path: String,
    pub rule: Option<String>,
    pub action: String,
    pub kept: u64,
    pub removed: u64,
}

impl ChangeReport {
    /// Notes in the journal what happens to an element.
    pub(super) fn note(
        &mut self,
        journal: &mut Journal,
        path: &str,
        rule: Option<usize>,
        stays: bool,
    ) {
        journal.entries.push((self.field(path, rule), stays));
    }

    fn field(&mut self, path: &str, rule: Option<usize>) -> u32 {
        let of_path = match self.by_path.get_mut(path) {
            Some(of_path) => of_path,
            None => self.by_path.entry(path.to_owned()).or_default(),
        };
        let known = of_path
            .iter()
            .find(|place| self.fields[**place as usize].rule == rule);
        if let Some(place) = known {
            return *place;
        }
        let place = u32::try_from(self.fields.len()).unwrap_or(u32::MAX);
        of_path.push(place);
        self.fields.push(Field {
            path: path.to_owned(),
            rule,
            kept: 0,
            removed: 0,
        });
        place
    }

    /// Counts what a resource that leaves went through.
    pub(super) fn settle(&mut self, journal: &Journal) {
        for (place, stays) in &journal.entries {
            let field = &mut self.fields[*place as usize];
            if *stays {
                field.kept += 1;
            } else {
                field.removed += 1;
            }
        }
        self.local_codes += journal.local_codes;
        self.local_units += journal.local_units;
        self.texts += journal.texts;
        for (kind, count) in &journal.pieces {
            *self.pieces.entry(*kind).or_default() += count;
        }
    }

    /// Fields that were met in resources that left, by path.
    fn met(&self) -> Vec<&Field> {
        let mut met: Vec<&Field> = self
            .fields
            .iter()
            .filter(|field| field.kept + field.removed > 0)
            .collect();
        met.sort_by(|a, b| (&a.path, a.rule).cmp(&(&b.path, b.rule)));
        met
    }

    /// How many elements each rule decided about.
    pub fn applied(&self, policy: &Policy) -> BTreeMap<String, u64> {
        let mut out = BTreeMap::new();
        for field in self.met() {
            if let Some(rule) = field.rule.and_then(|rule| policy.rules.get(rule)) {
                *out.entry(rule.id.clone()).or_default() += field.kept + field.removed;
            }
        }
        out
    }

    /// Elements that went, at a path.
    pub fn removed(&self, path: &str) -> u64 {
        let at = self.met().into_iter().filter(|field| field.path == path);
        at.map(|field| field.removed).sum()
    }

    /// What happened at each path, by which rule.
    pub fn lines(&self, policy: &Policy) -> Vec<ReportLine> {
        let line = |field: &Field| {
            let rule = field.rule.and_then(|rule| policy.rules.get(rule));
            ReportLine {
                path: field.path.clone(),
                rule: rule.map(|rule| rule.id.clone()),
                action: rule.map_or_else(|| "remove".to_owned(), |rule| rule.action.clone()),
                kept: field.kept,
                removed: field.removed,
            }
        };
        self.met().into_iter().map(line).collect()
    }
}
