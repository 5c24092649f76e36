//! What was done to each element.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::policy::Policy;

/// What happened at one path.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Field {
    /// The rule, by its number in the policy; none where nothing listed the element.
    pub rule: Option<usize>,
    /// Elements that stay, as they were or changed by the action of the rule.
    pub kept: u64,
    /// Elements that went.
    pub removed: u64,
}

/// What was done, counted by path over one or many resources.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ChangeReport {
    /// By path, and by rule where several decide there (a code that is too rare).
    fields: BTreeMap<String, Vec<Field>>,
    /// Codes dropped because their system is not a published one.
    pub local_codes: u64,
    /// Units dropped because they are not UCUM.
    pub local_units: u64,
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
    pub(crate) fn count(&mut self, path: &str, rule: Option<usize>, stays: bool) {
        let (kept, removed) = if stays { (1, 0) } else { (0, 1) };
        self.put(path, rule, kept, removed);
    }

    fn put(&mut self, path: &str, rule: Option<usize>, kept: u64, removed: u64) {
        let fields = match self.fields.get_mut(path) {
            Some(fields) => fields,
            None => self.fields.entry(path.to_owned()).or_default(),
        };
        let at = fields
            .iter()
            .position(|field| field.rule == rule)
            .unwrap_or_else(|| {
                fields.push(Field {
                    rule,
                    ..Field::default()
                });
                fields.len() - 1
            });
        fields[at].kept += kept;
        fields[at].removed += removed;
    }

    pub fn add(&mut self, other: &ChangeReport) {
        for (path, fields) in &other.fields {
            for field in fields {
                self.put(path, field.rule, field.kept, field.removed);
            }
        }
        self.local_codes += other.local_codes;
        self.local_units += other.local_units;
    }

    /// How many elements each rule decided about.
    pub fn applied(&self, policy: &Policy) -> BTreeMap<String, u64> {
        let mut out = BTreeMap::new();
        for field in self.fields.values().flatten() {
            if let Some(rule) = field.rule.and_then(|rule| policy.rules.get(rule)) {
                *out.entry(rule.id.clone()).or_default() += field.kept + field.removed;
            }
        }
        out
    }

    /// Elements that went, at a path.
    pub fn removed(&self, path: &str) -> u64 {
        self.fields
            .get(path)
            .into_iter()
            .flatten()
            .map(|field| field.removed)
            .sum()
    }

    /// What happened at each path, by which rule.
    pub fn lines(&self, policy: &Policy) -> Vec<ReportLine> {
        let mut out = Vec::new();
        for (path, fields) in &self.fields {
            for field in fields {
                let rule = field.rule.and_then(|rule| policy.rules.get(rule));
                out.push(ReportLine {
                    path: path.clone(),
                    rule: rule.map(|rule| rule.id.clone()),
                    action: rule.map_or_else(|| "remove".to_owned(), |rule| rule.action.clone()),
                    kept: field.kept,
                    removed: field.removed,
                });
            }
        }
        out
    }
}
