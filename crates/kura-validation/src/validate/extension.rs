//! Extensions: FHIR R4 extensibility.html, defining-extensions.html.

use kura_fhirpath::definitions;
use serde_json::Value;

use super::element::{Child, Path};
use super::{Answer, Lookup, Run, Scope};
use crate::outcome::{IssueCode, Severity};
use crate::profile::{Context, ContextKind, Profile};

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Extensions that R4 itself uses where the context it published for them does not let them stand;
/// later releases corrected the context.
const CORRECTED: &[(&str, &[&str])] = &[
    ("structuredefinition-fhir-type", &["ElementDefinition.type"]),
    ("regex", &["ElementDefinition.type"]),
    (
        "structuredefinition-normative-version",
        &["DomainResource", "ElementDefinition"],
    ),
];

impl<'a> Run<'_, 'a> {
    /// An extension: `holder` is where it stands, `path` itself.
    pub(super) fn extension(
        &mut self,
        child: Child<'a>,
        holder: &Path<'_>,
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        let Some(Value::Object(map)) = child.element.value else {
            return;
        };
        // FHIR R4 ext-1: Must have either extensions or value[x], not both.
        let has_value = map
            .keys()
            .any(|key| key.starts_with("value") || key.starts_with("_value"));
        if has_value == map.contains_key("extension") {
            let message = "an extension has either extensions or a value, not both";
            self.error(IssueCode::Invariant, path, "ext-1", message);
        }
        let Some(url) = map.get("url").and_then(Value::as_str) else {
            return;
        };
        // What is within a complex extension has a name of that extension's own.
        let is_inner = holder.definition.is_some_and(|one| one.name == "extension")
            || holder
                .definition
                .is_some_and(|one| one.name == "modifierExtension");
        if is_inner && !url.contains(':') {
            return;
        }
        let is_modifier = child.definition.name == "modifierExtension";
        if !url.contains(':') {
            let message = "the url of an extension is absolute";
            return self.error(IssueCode::Extension, path, "Extension.url", message);
        }
        let place = std::ptr::from_ref(map).addr();
        match self.validator.lookup(url) {
            Lookup::Found(profile) => {
                if self.extended.insert(place) {
                    self.against(&profile, child.element, path, scope, depth + 1);
                    self.context(&profile, holder, path, scope);
                }
            }
            _ if is_modifier => {
                // FHIR R4 extensibility.html#modifierExtension: who does not know it must not
                // process the element.
                let message = "an unknown modifier extension: its definition is not loaded";
                self.error(IssueCode::Extension, path, "modifierExtension", message);
            }
            _ => {
                let message = "an unknown extension: its definition is not loaded";
                self.add(
                    Severity::Warning,
                    IssueCode::Extension,
                    path,
                    "Extension.url",
                    message,
                );
            }
        }
    }

    /// Whether it may stand here.
    fn context(&mut self, profile: &Profile, holder: &Path<'_>, path: &Path<'_>, scope: Scope<'a>) {
        let element = super::element::Element {
            value: Some(scope.resource),
            companion: None,
            kind: definitions().type_id("Resource").unwrap_or(holder.kind),
        };
        for invariant in &profile.context_invariants {
            // They speak of the element that has the extension, which for most is the resource.
            if holder.definition.is_none() && self.holds(invariant, element, scope) == Answer::No {
                let rule = format!("{}#contextInvariant", profile.url);
                let message = "the context that the extension asks for is not given";
                self.error(IssueCode::Extension, path, &rule, message);
            }
        }
        if profile.contexts.is_empty() {
            return;
        }
        let answers = profile.contexts.iter().map(|one| stands_at(one, holder));
        let answers: Vec<Option<bool>> = answers.collect();
        if answers.contains(&Some(true)) || answers.contains(&None) {
            return;
        }
        let name = profile.url.strip_prefix(CORE);
        let corrected = CORRECTED.iter().find(|(known, _)| Some(*known) == name);
        let corrected = corrected.map_or(&[][..], |(_, contexts)| contexts);
        if corrected.iter().any(|one| is_element(one, holder)) {
            return;
        }
        let rule = format!("{}#context", profile.url);
        let message = "the extension may not stand here";
        self.error(IssueCode::Extension, path, &rule, message);
    }
}

/// Whether a place is of a context; `None` when that is not known.
fn stands_at(context: &Context, holder: &Path<'_>) -> Option<bool> {
    let all = definitions();
    let wanted = context.expression.as_str();
    match context.kind {
        ContextKind::FhirPath => None,
        ContextKind::Extension => {
            // The url above is a value, and it is not at hand here.
            let within = holder.definition.is_some_and(|one| {
                one.types
                    .iter()
                    .any(|kind| all.get(kind.id).name == "Extension")
            });
            if within { None } else { Some(false) }
        }
        ContextKind::Element => {
            if wanted.contains(['#', ':']) {
                return None;
            }
            Some(is_element(
                wanted.strip_prefix(CORE).unwrap_or(wanted),
                holder,
            ))
        }
    }
}

/// Whether a place is the element that a context names, by type or path.
fn is_element(wanted: &str, holder: &Path<'_>) -> bool {
    let all = definitions();
    if wanted == "Element" {
        return true;
    }
    let mut kind = Some(holder.kind);
    while let Some(id) = kind {
        if all.get(id).name == wanted || all.fhir_name(id) == wanted {
            return true;
        }
        kind = all.get(id).base;
    }
    let bare = wanted.trim_end_matches("[x]");
    let same = |path: &str| path == wanted || path.trim_end_matches("[x]") == bare;
    if holder.definition.is_some_and(|one| same(one.path)) {
        return true;
    }
    // From each type above: `Patient.name.family`, `HumanName.family`.
    let mut below = String::new();
    let mut at = Some(holder);
    while let Some(path) = at {
        let kind = all.get(path.kind).name;
        if !below.is_empty() && same(&format!("{kind}.{below}")) {
            return true;
        }
        let Some(definition) = path.definition else {
            break;
        };
        below = if below.is_empty() {
            definition.name.to_owned()
        } else {
            format!("{}.{below}", definition.name)
        };
        at = path.above;
    }
    false
}
