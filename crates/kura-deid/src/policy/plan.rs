//! A policy, worked out for every element of every type of FHIR R4: a graph in which processing
//! walks beside the resource.
//!
//! A node is an element in its place. Places that no rule tells apart share one, so that types
//! which hold themselves (`Extension`, `Questionnaire.item`) end.

use std::collections::{BTreeSet, HashMap, HashSet};

use kura_fhirpath::{Definitions, Element, ElementType, Kind, TypeId, definitions};

use super::action::{Action, Fits};
use super::words::{self, Words};

/// What is to be done at each path of the rules; the rule by its number.
pub(super) type Paths = HashMap<String, (Action, usize)>;

#[derive(Debug)]
pub(crate) struct Node {
    pub action: Action,
    pub rule: usize,
    /// What the standard calls its type.
    pub kind: &'static str,
    /// The words that FHIR fixes for it.
    pub fixed: Option<&'static Words>,
    /// The types that a reference may point at; empty when any.
    pub targets: &'static [&'static str],
    /// By JSON key.
    pub children: HashMap<&'static str, Child>,
    /// Elements without which the object is not valid: the keys of each.
    pub required: Vec<Vec<&'static str>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Child {
    pub node: u32,
    pub many: bool,
    pub primitive: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Plan {
    nodes: Vec<Node>,
    roots: HashMap<&'static str, u32>,
}

/// Why no plan can be made: at which path of the rules, if one is to blame.
#[derive(Debug)]
pub(super) struct Fault {
    pub path: Option<String>,
    pub message: String,
}

/// An element in its place: its type, and the paths by which rules could name what is below it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    kind: TypeId,
    prefixes: Vec<String>,
    /// The decision that led here, if a rule names the place.
    named: Option<String>,
    element: &'static str,
    targets: &'static [&'static str],
}

impl Plan {
    pub(crate) fn root(&self, kind: &str) -> Option<u32> {
        self.roots.get(kind).copied()
    }

    pub(crate) fn node(&self, id: u32) -> &Node {
        &self.nodes[id as usize]
    }

    /// Every element of a resource type with its node, in the standard's order, each type that
    /// holds itself opened once.
    pub(crate) fn elements(&self, kind: &str) -> Vec<(String, &Node)> {
        let mut out = Vec::new();
        let Some(root) = self.root(kind) else {
            return out;
        };
        let mut above = vec![root];
        self.below(kind, root, &mut above, &mut out);
        out
    }

    fn below<'a>(
        &'a self,
        path: &str,
        at: u32,
        above: &mut Vec<u32>,
        out: &mut Vec<(String, &'a Node)>,
    ) {
        let node = self.node(at);
        let mut children: Vec<(&&str, &Child)> = node.children.iter().collect();
        children.sort_by_key(|(key, _)| **key);
        for (key, child) in children {
            let path = format!("{path}.{key}");
            let node = self.node(child.node);
            let again = above.contains(&child.node);
            out.push((path.clone(), node));
            if node.action == Action::Descend && !again {
                above.push(child.node);
                self.below(&path, child.node, above, out);
                above.pop();
            }
        }
    }

    /// Works the rules out. `own` are the paths that must come to something.
    pub(super) fn make(paths: &Paths, own: &BTreeSet<String>) -> Result<Plan, Fault> {
        let mut making = Making {
            definitions: definitions(),
            paths,
            stems: stems(paths),
            used: HashSet::new(),
            made: HashMap::new(),
            plan: Plan::default(),
        };
        for path in paths.keys() {
            making.exists(path)?;
        }
        for id in making.definitions.types() {
            let kind = making.definitions.get(id);
            if kind.kind == Kind::Resource && !kind.is_abstract {
                let place = Place {
                    kind: id,
                    prefixes: making.live(
                        [kind.name.to_owned(), "*".to_owned()]
                            .into_iter()
                            .chain(making.chain(id).skip(1).map(str::to_owned)),
                    ),
                    named: None,
                    element: "",
                    targets: &[],
                };
                let node = making.descend(&place)?;
                making.plan.roots.insert(kind.name, node);
            }
        }
        let idle = own
            .iter()
            .filter(|path| path.contains('.') && !making.used.contains(*path))
            .min();
        if let Some(path) = idle {
            return Err(Fault {
                path: Some(path.clone()),
                message: format!("{path} comes to nothing: another rule decides above it"),
            });
        }
        Ok(making.plan)
    }
}

/// All beginnings of the paths that rules name.
fn stems(paths: &Paths) -> HashSet<String> {
    let mut stems = HashSet::new();
    for path in paths.keys() {
        for (end, _) in path.match_indices('.') {
            stems.insert(path[..end].to_owned());
        }
    }
    stems
}

struct Making<'a> {
    definitions: &'static Definitions,
    paths: &'a Paths,
    stems: HashSet<String>,
    used: HashSet<String>,
    made: HashMap<Place, u32>,
    plan: Plan,
}

impl Making<'_> {
    /// The name of a type and of those it derives from.
    fn chain(&self, kind: TypeId) -> impl Iterator<Item = &'static str> + use<> {
        let definitions = self.definitions;
        std::iter::successors(Some(kind), move |id| definitions.get(*id).base)
            .map(move |id| definitions.get(id).name)
    }

    fn live(&self, prefixes: impl Iterator<Item = String>) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for prefix in prefixes {
            if self.stems.contains(&prefix) && !out.contains(&prefix) {
                out.push(prefix);
            }
        }
        out
    }

    /// Whether the path that a rule names is one of the standard.
    fn exists(&self, path: &str) -> Result<(), Fault> {
        let fault = |message: String| {
            Err(Fault {
                path: Some(path.to_owned()),
                message,
            })
        };
        let mut names = path.split('.');
        let first = names.next().unwrap_or_default();
        let names: Vec<&str> = names.collect();
        let starts: Vec<TypeId> = if first == "*" {
            self.definitions
                .types()
                .filter(|id| {
                    let kind = self.definitions.get(*id);
                    kind.kind == Kind::Resource && !kind.is_abstract
                })
                .collect()
        } else {
            match self.definitions.type_id(first) {
                Some(id) if !first.is_empty() => vec![id],
                _ => return fault(format!("there is no type {first} in FHIR R4")),
            }
        };
        if first == "*" && names.is_empty() {
            return fault("'*' needs an element".to_owned());
        }
        if starts.iter().any(|id| self.leads(*id, &names)) {
            return Ok(());
        }
        fault(format!("there is no element {path} in FHIR R4"))
    }

    fn leads(&self, kind: TypeId, names: &[&str]) -> bool {
        let Some((name, rest)) = names.split_first() else {
            return true;
        };
        self.definitions.elements(kind).any(|element| {
            if element.is_choice && name.strip_suffix("[x]") == Some(element.name) {
                return rest.is_empty();
            }
            element
                .types
                .iter()
                .any(|one| one.key == *name && self.leads(one.id, rest))
        })
    }

    /// The node of an object whose elements decide.
    fn descend(&mut self, place: &Place) -> Result<u32, Fault> {
        let rule = self.rule_of(place).map_or(usize::MAX, |(_, rule)| rule);
        self.node(place, Action::Descend, rule)
    }

    fn rule_of(&self, place: &Place) -> Option<(Action, usize)> {
        place
            .named
            .as_ref()
            .and_then(|path| self.paths.get(path))
            .cloned()
    }

    fn node(&mut self, place: &Place, action: Action, rule: usize) -> Result<u32, Fault> {
        if let Some(node) = self.made.get(place) {
            return Ok(*node);
        }
        let id = u32::try_from(self.plan.nodes.len()).unwrap_or(u32::MAX);
        self.made.insert(place.clone(), id);
        let opens = matches!(action, Action::Descend | Action::Extension);
        self.plan.nodes.push(Node {
            action,
            rule,
            kind: self.definitions.fhir_name(place.kind),
            fixed: words::fixed(place.element),
            targets: place.targets,
            children: HashMap::new(),
            required: Vec::new(),
        });
        if !opens {
            return Ok(id);
        }
        let definitions = self.definitions;
        let mut children = HashMap::new();
        let mut required = Vec::new();
        for element in definitions.elements(place.kind) {
            let mut keys = Vec::new();
            for one in &element.types {
                let child = self.child(place, element, one)?;
                children.insert(one.key.as_str(), child);
                keys.push(one.key.as_str());
            }
            if element.min > 0 {
                required.push(keys);
            }
        }
        let node = &mut self.plan.nodes[id as usize];
        node.children = children;
        node.required = required;
        Ok(id)
    }

    fn child(
        &mut self,
        above: &Place,
        element: &'static Element,
        as_type: &'static ElementType,
    ) -> Result<Child, Fault> {
        let (key, kind) = (as_type.key.as_str(), as_type.id);
        let one = self.definitions.get(kind);
        let primitive = one.kind == Kind::Primitive;
        let chain: Vec<&'static str> = self.chain(kind).collect();
        // By name in its place first, then by what its type is.
        let mut named = None;
        for prefix in &above.prefixes {
            for name in [
                format!("{prefix}.{key}"),
                format!("{prefix}.{}[x]", element.name),
            ] {
                if named.is_none() && self.paths.contains_key(&name) {
                    named = Some(name);
                }
            }
        }
        let named = named.or_else(|| {
            chain
                .iter()
                .find(|name| self.paths.contains_key(**name))
                .map(|name| (*name).to_owned())
        });
        // An element that FHIR fixes the words of needs no rule of its own for them.
        let found = named
            .as_ref()
            .and_then(|name| self.paths.get(name))
            .cloned();
        let (action, rule) = match found {
            Some(found) => found,
            None if !primitive => (Action::Descend, usize::MAX),
            None => {
                return Err(Fault {
                    path: None,
                    message: format!(
                        "no rule says what happens to {} ({})",
                        element.path, one.name
                    ),
                });
            }
        };
        if let Some(name) = &named {
            self.used.insert(name.clone());
            let fits = Fits {
                types: &chain,
                primitive,
                fixed: words::fixed(element.path).is_some(),
            };
            // A rule for a type says what it does where it can be done.
            let by_type = !name.contains('.');
            if let Err(why) = action.fits(fits) {
                if !by_type {
                    return Err(Fault {
                        path: Some(name.clone()),
                        message: format!("{}: {why}", element.path),
                    });
                }
                // Codes whose words nobody fixes, under "code stays": they go.
                if !matches!(action, Action::Keep { .. }) {
                    return Err(Fault {
                        path: Some(name.clone()),
                        message: format!("{name}: {why}"),
                    });
                }
            }
        }
        let prefixes = self.live(
            above
                .prefixes
                .iter()
                .map(|prefix| format!("{prefix}.{key}"))
                .chain(chain.iter().map(|name| (*name).to_owned())),
        );
        let place = Place {
            kind,
            prefixes,
            named,
            element: if primitive { element.path } else { "" },
            targets: if one.name == "Reference" {
                &as_type.targets
            } else {
                &[]
            },
        };
        let node = self.node(&place, action, rule)?;
        Ok(Child {
            node,
            many: element.max != Some(1),
            primitive,
        })
    }
}
