//! What tells slices apart: FHIR R4 profiling.html#discriminator.

use serde_json::Value;

use super::compile::Compiler;
use super::tree::Tree;
use super::{Binding, Is, ProfileRef, Step, Test};
use crate::base::type_id;
use crate::definitions::{Kind, canonical};

/// How many definitions a path may lead through.
const MAX_DEPTH: usize = 16;

/// What was found at the end of a discriminator's path.
#[derive(Default)]
struct Found {
    fixed: Vec<Value>,
    patterns: Vec<Value>,
    binding: Option<Binding>,
    exists: Option<bool>,
    types: Vec<String>,
    profiles: Vec<String>,
}

/// The tests of a slice, one for each discriminator; `None` when the definitions do not tell.
pub(super) fn tests(compiler: &Compiler<'_>, sliced: &Tree, slice: &Tree) -> Option<Vec<Test>> {
    let discriminators = sliced.element["slicing"]["discriminator"].as_array();
    let discriminators = discriminators.map_or(&[][..], Vec::as_slice);
    if discriminators.is_empty() {
        return None;
    }
    let tests = discriminators.iter().map(|one| test(compiler, one, slice));
    let tests: Vec<Option<Test>> = tests.collect();
    // A slice that leaves a discriminator open is told by the others, but needs one.
    let tests: Vec<Test> = tests.into_iter().flatten().collect();
    (!tests.is_empty()).then_some(tests)
}

fn test(compiler: &Compiler<'_>, discriminator: &Value, slice: &Tree) -> Option<Test> {
    let path = steps(discriminator["path"].as_str()?)?;
    let kind = discriminator["type"].as_str()?;
    let mut found = Found::default();
    collect(compiler, slice, &path, &mut found, 0);
    let is = match kind {
        "value" | "pattern" => {
            if !found.fixed.is_empty() || !found.patterns.is_empty() {
                Is::Value {
                    fixed: found.fixed,
                    patterns: found.patterns,
                }
            } else {
                Is::InSet(found.binding?)
            }
        }
        "exists" => Is::Exists(found.exists?),
        "type" => {
            let types: Vec<_> = found.types.iter().filter_map(|one| type_id(one)).collect();
            if types.is_empty() {
                return None;
            }
            Is::Type(types)
        }
        "profile" => {
            if found.profiles.is_empty() {
                let types: Vec<_> = found.types.iter().filter_map(|one| type_id(one)).collect();
                if types.is_empty() {
                    return None;
                }
                Is::Type(types)
            } else {
                Is::Profile(
                    found
                        .profiles
                        .iter()
                        .map(|url| ProfileRef::new(url))
                        .collect(),
                )
            }
        }
        _ => return None,
    };
    Some(Test { path, is })
}

/// `$this`, `a.b`, `extension('url').value`, `resolve().code`, `value.ofType(Coding)`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut all = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        let end = rest.find(['.', '(']).unwrap_or(rest.len());
        let name = rest[..end].trim();
        rest = &rest[end..];
        if let Some(inner) = rest.strip_prefix('(') {
            let close = inner.find(')')?;
            let argument = inner[..close].trim().trim_matches(['\'', '"']);
            rest = &inner[close + 1..];
            all.push(match name {
                "extension" => Step::Extension(argument.to_owned()),
                "resolve" => Step::Resolve,
                "ofType" | "as" => Step::OfType(argument.to_owned()),
                _ => return None,
            });
        } else if name != "$this" {
            // `value[x]` and `valueCoding` are no FHIRPath, but are seen.
            all.push(Step::Child(name.trim_end_matches("[x]").to_owned()));
        }
        rest = match rest.strip_prefix('.') {
            Some(rest) => rest,
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(all)
}

fn collect(compiler: &Compiler<'_>, tree: &Tree, path: &[Step], found: &mut Found, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    for (prefix, all) in [
        ("fixed", &mut found.fixed),
        ("pattern", &mut found.patterns),
    ] {
        if let Some(value) = tree.value(prefix) {
            descend(value, path, all);
        }
    }
    let Some((step, rest)) = path.split_first() else {
        end(compiler, tree, found);
        return;
    };
    match step {
        Step::Child(name) => match tree.child(name) {
            Some(child) => {
                // What is never there, or always, is known by the last element alone.
                collect(compiler, child, rest, found, depth + 1);
                if nothing(found, rest) {
                    for slice in &child.slices {
                        collect(compiler, slice, rest, found, depth + 1);
                    }
                }
            }
            None => in_profiles(compiler, tree, path, found, depth),
        },
        Step::Extension(url) => {
            let extensions = tree.child("extension");
            let slices = extensions.into_iter().flat_map(|one| &one.slices);
            let named = slices.filter(|slice| {
                let mut url_of = Found::default();
                let step = [Step::Child("url".to_owned())];
                collect(compiler, slice, &step, &mut url_of, depth + 1);
                url_of.fixed.iter().any(|one| one == url.as_str())
            });
            for slice in named {
                collect(compiler, slice, rest, found, depth + 1);
            }
        }
        Step::OfType(kind) => {
            let by_type = tree.slices.iter().find(|slice| {
                let mut types = slice.types().iter();
                types.any(|one| one["code"] == kind.as_str())
            });
            collect(compiler, by_type.unwrap_or(tree), rest, found, depth + 1);
        }
        Step::Resolve => {
            for url in targets(tree) {
                if rest.is_empty() {
                    found.profiles.push(url.to_owned());
                    found.types.extend(type_of(compiler, url));
                } else if let Some(target) = compiler.tree(url) {
                    collect(compiler, &target, rest, found, depth + 1);
                }
            }
        }
    }
}

fn nothing(found: &Found, rest: &[Step]) -> bool {
    found.fixed.is_empty()
        && found.patterns.is_empty()
        && found.binding.is_none()
        && (!rest.is_empty() || (found.profiles.is_empty() && found.types.is_empty()))
}

/// Goes on in the profiles of an element's type, which say what the element itself does not.
fn in_profiles(
    compiler: &Compiler<'_>,
    tree: &Tree,
    path: &[Step],
    found: &mut Found,
    depth: usize,
) {
    for one in tree.types() {
        for url in one["profile"].as_array().into_iter().flatten() {
            let Some(url) = url.as_str() else { continue };
            // FHIR R4 extensibility.html: the url of an extension is its definition's canonical.
            if one["code"] == "Extension" && path == [Step::Child("url".to_owned())] {
                found.fixed.push(Value::from(canonical(url).0));
            } else if let Some(profile) = compiler.tree(url) {
                collect(compiler, &profile, path, found, depth + 1);
            }
        }
    }
}

fn end(compiler: &Compiler<'_>, tree: &Tree, found: &mut Found) {
    if let Some(binding) = Binding::read(&tree.element["binding"]) {
        found.binding = Some(binding);
    }
    found.exists = match (tree.min(), tree.max()) {
        (_, Some(0)) => Some(false),
        (0, _) => None,
        _ => Some(true),
    };
    for one in tree.types() {
        found.types.extend(one["code"].as_str().map(str::to_owned));
        let profiles = one["profile"].as_array().into_iter().flatten();
        found
            .profiles
            .extend(profiles.filter_map(Value::as_str).map(str::to_owned));
    }
    if found.fixed.is_empty() && found.patterns.is_empty() && found.binding.is_none() {
        // A profile of a datatype may fix the value as a whole.
        for url in found.profiles.clone() {
            if let Some(profile) = compiler.tree(&url) {
                found.fixed.extend(profile.value("fixed").cloned());
                found.patterns.extend(profile.value("pattern").cloned());
            }
        }
    }
}

fn targets(tree: &Tree) -> impl Iterator<Item = &str> {
    let targets = tree
        .types()
        .iter()
        .flat_map(|one| one["targetProfile"].as_array().into_iter().flatten());
    targets.filter_map(Value::as_str)
}

fn type_of(compiler: &Compiler<'_>, profile: &str) -> Option<String> {
    let structure = compiler.definitions.get(Kind::Structure, profile)?;
    structure["type"].as_str().map(str::to_owned)
}

/// What a fixed value or pattern of an element says of what lies below it.
fn descend(value: &Value, path: &[Step], out: &mut Vec<Value>) {
    match (path.split_first(), value) {
        (_, Value::Array(all)) => all.iter().for_each(|one| descend(one, path, out)),
        (None, value) => out.push(value.clone()),
        (Some((Step::Child(name), rest)), Value::Object(map)) => {
            if let Some(value) = map.get(name) {
                descend(value, rest, out);
            }
        }
        _ => {}
    }
}
