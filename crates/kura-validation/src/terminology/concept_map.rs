//! A concept map: what a code of one system is in another (FHIR R4 conceptmap.html).

use std::collections::HashMap;

use serde_json::Value;

use super::{Terminology, Unknown};

/// How often a map may send on to another one.
const MAX_DEPTH: usize = 8;

/// A concept map, compiled.
#[derive(Debug)]
pub struct ConceptMap {
    url: String,
    source: Option<String>,
    target: Option<String>,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    source: Option<String>,
    target: Option<String>,
    elements: Vec<Element>,
    /// Elements by code; a code may have several.
    by_code: HashMap<String, Vec<usize>>,
    unmapped: Option<Unmapped>,
}

#[derive(Debug)]
struct Element {
    code: String,
    display: Option<String>,
    targets: Vec<To>,
}

#[derive(Debug)]
struct To {
    code: Option<String>,
    display: Option<String>,
    equivalence: String,
    /// It holds only together with values of other elements.
    depends: bool,
    product: Vec<Product>,
}

/// FHIR R4 ConceptMap.group.unmapped: what happens to codes that no element has.
#[derive(Debug)]
enum Unmapped {
    Provided,
    Fixed(String, Option<String>),
    Other(String),
}

/// A value that goes with a translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub property: String,
    pub system: Option<String>,
    pub value: String,
    pub display: Option<String>,
}

/// What is to be translated.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub system: &'a str,
    pub code: &'a str,
    /// The system that is wanted.
    pub target: Option<&'a str>,
    /// From what the map has as target to what it has as source.
    pub reverse: bool,
}

/// One translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// A code of FHIR R4 valueset-concept-map-equivalence.html.
    pub equivalence: String,
    /// `None` where the map says that there is no such concept.
    pub target: Option<Target>,
    pub product: Vec<Product>,
    /// The canonical URL of the map.
    pub map: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub system: Option<String>,
    pub code: String,
    pub display: Option<String>,
}

fn text(json: &Value, key: &str) -> Option<String> {
    json[key].as_str().map(str::to_owned)
}

fn list<'j>(json: &'j Value, key: &str) -> &'j [Value] {
    json[key].as_array().map_or(&[][..], Vec::as_slice)
}

impl ConceptMap {
    /// A concept map from its JSON.
    #[must_use]
    pub fn read(json: &Value) -> ConceptMap {
        let either = |uri: &str, canonical: &str| text(json, uri).or_else(|| text(json, canonical));
        ConceptMap {
            url: text(json, "url").unwrap_or_default(),
            source: either("sourceUri", "sourceCanonical"),
            target: either("targetUri", "targetCanonical"),
            groups: list(json, "group").iter().map(Group::read).collect(),
        }
    }

    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The value set that it maps from.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The value set that it maps to.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// Whether it has anything of one system for another.
    #[must_use]
    pub fn is_between(&self, source: &str, target: Option<&str>) -> bool {
        let mut groups = self.groups.iter();
        groups.any(|group| {
            group.source.as_deref() == Some(source)
                && target.is_none_or(|target| group.target.as_deref() == Some(target))
        })
    }
}

impl Group {
    fn read(json: &Value) -> Group {
        let elements = list(json, "element").iter();
        let elements: Vec<Element> = elements.filter_map(Element::read).collect();
        let mut by_code: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, element) in elements.iter().enumerate() {
            by_code.entry(element.code.clone()).or_default().push(at);
        }
        let unmapped = &json["unmapped"];
        Group {
            source: text(json, "source"),
            target: text(json, "target"),
            elements,
            by_code,
            unmapped: match unmapped["mode"].as_str() {
                Some("provided") => Some(Unmapped::Provided),
                Some("fixed") => text(unmapped, "code")
                    .map(|code| Unmapped::Fixed(code, text(unmapped, "display"))),
                Some("other-map") => text(unmapped, "url").map(Unmapped::Other),
                _ => None,
            },
        }
    }
}

impl Element {
    fn read(json: &Value) -> Option<Element> {
        let targets = list(json, "target").iter().map(|one| To {
            code: text(one, "code"),
            display: text(one, "display"),
            equivalence: text(one, "equivalence").unwrap_or_else(|| "relatedto".to_owned()),
            depends: !list(one, "dependsOn").is_empty(),
            product: list(one, "product")
                .iter()
                .filter_map(|one| {
                    Some(Product {
                        property: text(one, "property")?,
                        system: text(one, "system"),
                        value: text(one, "value")?,
                        display: text(one, "display"),
                    })
                })
                .collect(),
        });
        Some(Element {
            code: text(json, "code")?,
            display: text(json, "display"),
            targets: targets.collect(),
        })
    }
}

pub(super) fn translate(
    terminology: &Terminology,
    map: &ConceptMap,
    ask: &Ask<'_>,
    depth: usize,
) -> Result<Vec<Match>, Unknown> {
    let mut found = Vec::new();
    for group in &map.groups {
        let (from, to) = if ask.reverse {
            (&group.target, &group.source)
        } else {
            (&group.source, &group.target)
        };
        let wanted = ask
            .target
            .is_none_or(|wanted| to.as_deref() == Some(wanted));
        if from.as_deref() != Some(ask.system) || !wanted {
            continue;
        }
        if ask.reverse {
            found.extend(backwards(map, group, ask.code));
            continue;
        }
        let Some(places) = group.by_code.get(ask.code) else {
            found.extend(unmapped(terminology, map, group, ask, depth)?);
            continue;
        };
        let targets = places.iter().flat_map(|at| &group.elements[*at].targets);
        found.extend(targets.filter(|to| !to.depends).map(|to| Match {
            equivalence: to.equivalence.clone(),
            target: to.code.as_ref().map(|code| Target {
                system: group.target.clone(),
                code: code.clone(),
                display: to.display.clone(),
            }),
            product: to.product.clone(),
            map: map.url.clone(),
        }));
    }
    Ok(found)
}

/// What a group maps to a code.
fn backwards<'m>(
    map: &'m ConceptMap,
    group: &'m Group,
    code: &'m str,
) -> impl Iterator<Item = Match> {
    group.elements.iter().flat_map(move |element| {
        let targets = element.targets.iter();
        let targets = targets.filter(|to| !to.depends && to.code.as_deref() == Some(code));
        targets.map(|to| Match {
            equivalence: turned(&to.equivalence).to_owned(),
            target: Some(Target {
                system: group.source.clone(),
                code: element.code.clone(),
                display: element.display.clone(),
            }),
            product: Vec::new(),
            map: map.url.clone(),
        })
    })
}

/// What an equivalence is seen from the other side.
fn turned(equivalence: &str) -> &str {
    match equivalence {
        "wider" => "narrower",
        "narrower" => "wider",
        "subsumes" => "specializes",
        "specializes" => "subsumes",
        other => other,
    }
}

fn unmapped(
    terminology: &Terminology,
    map: &ConceptMap,
    group: &Group,
    ask: &Ask<'_>,
    depth: usize,
) -> Result<Vec<Match>, Unknown> {
    // R4 has no equivalence for these: that they have to do with each other is what is known.
    let one = |code: &str, display: Option<String>| Match {
        equivalence: "relatedto".to_owned(),
        target: Some(Target {
            system: group.target.clone(),
            code: code.to_owned(),
            display,
        }),
        product: Vec::new(),
        map: map.url.clone(),
    };
    match &group.unmapped {
        None => Ok(Vec::new()),
        Some(Unmapped::Provided) => Ok(vec![one(ask.code, None)]),
        Some(Unmapped::Fixed(code, display)) => Ok(vec![one(code, display.clone())]),
        Some(Unmapped::Other(url)) if depth < MAX_DEPTH => match terminology.concept_map(url) {
            Some(other) => translate(terminology, &other, ask, depth + 1),
            None => Err(Unknown::of(url)),
        },
        Some(Unmapped::Other(url)) => Err(Unknown::of(url)),
    }
}
