//! What happened to each element of one resource, with its values: for whoever judges a policy.

use serde::Serialize;
use serde_json::Value;

use super::report::ChangeReport;
use super::{Subject, Withheld};
use crate::policy::Policy;

/// One element before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// `Patient.name`; `(unknown)` for what is no element of R4.
    pub path: String,
    /// The id of the rule; none where nothing lists the element, which goes.
    pub rule: Option<String>,
    pub before: Value,
    /// None where it went.
    pub after: Option<Value>,
}

/// Processes one resource as [`super::process`] does, and tells of each element what happened to
/// it. Where the resource stays inside, the steps are of what would have been done.
pub fn trace(
    policy: &Policy,
    resource: &Value,
    subject: &Subject<'_>,
) -> (Result<Value, Withheld>, Vec<Step>) {
    let mut report = ChangeReport::default();
    let mut noted = Trace {
        steps: Some(Vec::new()),
    };
    let out = super::run(policy, resource, subject, &mut report, &mut noted);
    let steps = noted.steps.unwrap_or_default();
    let told = steps.into_iter().map(|(rule, step)| Step {
        rule: rule.and_then(|rule| Some(policy.rules.get(rule)?.id.clone())),
        ..step
    });
    (out, told.collect())
}

/// The steps of a walk, where somebody asked for them.
#[derive(Debug, Default)]
pub(super) struct Trace {
    steps: Option<Vec<(Option<usize>, Step)>>,
}

impl Trace {
    pub(super) fn len(&self) -> usize {
        self.steps.as_ref().map_or(0, Vec::len)
    }

    pub(super) fn step(
        &mut self,
        path: &str,
        rule: Option<usize>,
        before: &Value,
        after: Option<&Value>,
    ) {
        let Some(steps) = &mut self.steps else { return };
        let step = Step {
            path: path.to_owned(),
            rule: None,
            before: before.clone(),
            after: after.cloned(),
        };
        steps.push((rule, step));
    }

    /// What stood at `path` or below went after all.
    pub(super) fn went(&mut self, start: usize, path: &str, rule: Option<usize>) {
        for (by, step) in self.below(start, path) {
            if step.after.take().is_some() {
                *by = rule;
            }
        }
    }

    /// What went at `path` is said to be hidden.
    pub(super) fn masked(&mut self, start: usize, path: &str, masked: &Value) {
        for (_, step) in self.below(start, path) {
            if step.path == path {
                step.after = Some(masked.clone());
            }
        }
    }

    fn below(
        &mut self,
        start: usize,
        path: &str,
    ) -> impl Iterator<Item = &mut (Option<usize>, Step)> {
        let steps = self.steps.iter_mut().flatten().skip(start);
        steps.filter(move |(_, step)| {
            let rest = step.path.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}
