//! What FHIR asks of a resource from which elements went: what must be there is said to be
//! hidden, what means nothing any more goes too.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::walk::{ABSENT, Walk, text};
use crate::policy::Node;

const MASKED: &str = "masked";

impl Walk<'_> {
    /// Takes away what means nothing without something that went; `false` if that is all of it.
    /// `start`: the first step of the trace that is of this object.
    pub(super) fn coherent(
        &mut self,
        node: &Node,
        out: &mut Map<String, Value>,
        start: usize,
    ) -> bool {
        let rule = Some(self.policy.incomplete);
        for (place, keys) in ONE_OF {
            if place == self.path && !keys.iter().any(|key| has(out, key)) {
                self.count(rule, false);
                self.trace.went(start, &self.path, rule);
                return false;
            }
        }
        for (place, key, needs) in NEEDS {
            if (place == self.path || place == node.kind) && has(out, key) && !has(out, needs) {
                out.retain(|name, _| !is_key(name, key));
                let path = format!("{}.{key}", self.path);
                self.count_at(&path, rule, false);
                self.trace.went(start, &path, rule);
            }
        }
        !out.is_empty()
    }

    /// Contained resources that nothing points at any more go. FHIR R4 dom-3.
    pub(super) fn unreferenced(&mut self, resource: &mut Value) {
        loop {
            let mut pointed = HashSet::new();
            anchors(resource, &mut pointed);
            let Some(Value::Array(contained)) = resource.get_mut("contained") else {
                return;
            };
            let before = contained.len();
            contained.retain(|one| {
                let stays = text(one, "id").is_some_and(|id| pointed.contains(&format!("#{id}")));
                if !stays {
                    let kind = text(one, "resourceType").unwrap_or_default();
                    self.trace.went(0, kind, Some(self.policy.incomplete));
                }
                stays
            });
            let (left, gone) = (contained.len(), before - contained.len());
            let path = format!(
                "{}.contained",
                text(resource, "resourceType").unwrap_or_default()
            );
            for _ in 0..gone {
                self.count_at(&path, Some(self.policy.incomplete), false);
            }
            if left == 0
                && let Value::Object(members) = resource
            {
                members.shift_remove("contained");
            }
            if gone == 0 {
                return;
            }
        }
    }

    /// What must be there and was removed is said to be hidden on purpose, so that the resource
    /// stays valid. FHIR R4 extensibility, data-absent-reason.
    pub(super) fn mask_required(
        &mut self,
        node: &Node,
        before: &Map<String, Value>,
        out: &mut Map<String, Value>,
        start: usize,
    ) {
        let masked =
            || serde_json::json!({ "extension": [{ "url": ABSENT, "valueCode": MASKED }] });
        for keys in &node.required {
            let there = |members: &Map<String, Value>| {
                keys.iter()
                    .find(|key| {
                        members.contains_key(**key) || members.contains_key(&format!("_{key}"))
                    })
                    .copied()
            };
            let (Some(key), None) = (there(before), there(out)) else {
                continue;
            };
            let Some(child) = node.children.get(key) else {
                continue;
            };
            self.trace
                .masked(start, &format!("{}.{key}", self.path), &masked());
            match (child.primitive, child.many) {
                (true, false) => drop(out.insert(format!("_{key}"), masked())),
                (true, true) => {
                    out.insert(key.to_owned(), serde_json::json!([null]));
                    out.insert(format!("_{key}"), serde_json::json!([masked()]));
                }
                (false, false) => drop(out.insert(key.to_owned(), masked())),
                (false, true) => drop(out.insert(key.to_owned(), serde_json::json!([masked()]))),
            }
        }
    }
}

/// Objects that mean nothing without one of these. FHIR R4 mad-1, obs-3, con-1, con-2, imm-1.
const ONE_OF: [(&str, &[&str]); 6] = [
    ("MedicationAdministration.dosage", &["dose", "rate"]),
    ("Observation.referenceRange", &["low", "high", "text"]),
    (
        "Observation.component.referenceRange",
        &["low", "high", "text"],
    ),
    ("Condition.stage", &["summary", "assessment"]),
    ("Condition.evidence", &["code", "detail"]),
    ("Immunization.education", &["documentType", "reference"]),
];

/// Where, an element, and what it means nothing without. FHIR R4 rat-1, gol-1, prr-1, fhs-2.
const NEEDS: [(&str, &str, &str); 5] = [
    ("Ratio", "numerator", "denominator"),
    ("Ratio", "denominator", "numerator"),
    ("Goal.target", "detail", "measure"),
    ("ServiceRequest", "orderDetail", "code"),
    ("FamilyMemberHistory", "estimatedAge", "age"),
];

/// Whether a key is an element, in any of its types: `dose`, `rateRatio` of `rate`.
fn is_key(key: &str, element: &str) -> bool {
    let key = key.strip_prefix('_').unwrap_or(key);
    key.strip_prefix(element)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn has(object: &Map<String, Value>, element: &str) -> bool {
    object.keys().any(|key| is_key(key, element))
}

/// References within the resource: `#m`.
fn anchors(value: &Value, out: &mut HashSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("reference").and_then(Value::as_str)
                && reference.starts_with('#')
            {
                out.insert(reference.to_owned());
            }
            members.values().for_each(|inner| anchors(inner, out));
        }
        Value::Array(items) => items.iter().for_each(|item| anchors(item, out)),
        _ => {}
    }
}
