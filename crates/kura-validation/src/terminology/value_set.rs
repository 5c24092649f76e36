//! A value set: what it includes and excludes, compiled to hash sets.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::code_system::{Designation, designations};
use super::filter::Filter;
use super::grammar::{Grammar, grammar};
use super::{Above, CodeSystem, Concept, Membership, Terminology, Unknown};

/// A value set, compiled.
#[derive(Debug)]
pub struct ValueSet {
    include: Vec<Part>,
    exclude: Vec<Part>,
    /// FHIR R4 ValueSet.compose.inactive: whether codes that are out of use are in it.
    has_inactive: bool,
    /// Value sets below one another, and how often some is asked in the worst case for one code.
    height: usize,
    asks: u64,
}

/// Value sets that one question may ask: of those above it, a set is as if it were not loaded.
const ASKS: u64 = 20_000;

/// A code that a value set names itself.
#[derive(Debug)]
struct Listed {
    code: Box<str>,
    display: Option<Box<str>>,
    designations: Box<[Designation]>,
}

/// A code of a value set, with what the set and its code system say of it.
#[derive(Clone, Debug)]
pub struct Member {
    system: Arc<str>,
    listed: Option<Arc<Listed>>,
    known: Option<(Arc<CodeSystem>, usize)>,
}

impl Member {
    #[must_use]
    pub fn system(&self) -> &str {
        &self.system
    }

    #[must_use]
    pub fn code(&self) -> &str {
        match (&self.listed, &self.known) {
            (Some(listed), _) => &listed.code,
            (None, Some((system, at))) => system.code(*at),
            (None, None) => "",
        }
    }

    /// How the set shows it, else how the code system does.
    #[must_use]
    pub fn display(&self) -> Option<&str> {
        let listed = self.listed.as_ref().and_then(|one| one.display.as_deref());
        listed.or_else(|| self.in_system()?.display())
    }

    /// The concept in its code system, if that is loaded.
    #[must_use]
    pub fn in_system(&self) -> Option<super::InSystem<'_>> {
        let (system, at) = self.known.as_ref()?;
        Some(system.at(*at))
    }

    /// Other names: those of the set, then those of the code system.
    pub fn designations(&self) -> impl Iterator<Item = &Designation> {
        let listed = self.listed.as_ref().map(|one| &one.designations[..]);
        let known = self.in_system().map(super::InSystem::designations);
        let all = listed.unwrap_or_default().iter();
        all.chain(known.unwrap_or_default())
    }

    #[must_use]
    pub fn is_abstract(&self) -> bool {
        self.in_system().is_some_and(super::InSystem::is_abstract)
    }

    #[must_use]
    pub fn is_inactive(&self) -> bool {
        self.in_system().is_some_and(super::InSystem::is_inactive)
    }

    pub(super) fn concept(&self) -> Concept {
        Concept {
            system: self.system.to_string(),
            code: self.code().to_owned(),
            display: self.display().map(str::to_owned),
        }
    }
}

/// `compose.include` or `compose.exclude`: what is in all that it names.
#[derive(Debug)]
struct Part {
    system: Option<Arc<str>>,
    /// The system, if it is loaded.
    loaded: Option<Arc<CodeSystem>>,
    codes: Codes,
    /// Other value sets that a code has to be in too; `Err` names one that is not loaded.
    sets: Vec<Result<Arc<ValueSet>, String>>,
}

#[derive(Debug)]
enum Codes {
    /// No system is named, only value sets.
    Any,
    Listed {
        codes: HashSet<String>,
        concepts: Vec<Arc<Listed>>,
    },
    Whole(Arc<CodeSystem>),
    /// Codes that pass the filters; whether the others are known not to.
    Filtered {
        system: Arc<CodeSystem>,
        codes: HashSet<usize>,
    },
    /// A system that has a grammar instead of a list.
    Grammar(Grammar),
    /// The system, named, is not loaded, or a filter is not known here.
    Missing(String),
}

impl ValueSet {
    pub(super) fn read(
        json: &Value,
        terminology: &Terminology,
        above: Option<&Above<'_>>,
    ) -> ValueSet {
        let parts = |key: &str| {
            let parts = json["compose"][key].as_array().into_iter().flatten();
            parts
                .map(|part| Part::read(part, terminology, above))
                .collect()
        };
        let mut set = ValueSet {
            include: parts("include"),
            exclude: parts("exclude"),
            has_inactive: json["compose"]["inactive"] != false,
            height: 0,
            asks: 1,
        };
        set.measure(json["url"].as_str().unwrap_or_default());
        if set.include.is_empty() {
            // Only an expansion: its codes, if it is all of them.
            set.include = expanded(&json["expansion"], terminology);
        }
        set
    }

    /// How deep and wide it is. One beyond the bounds forgets what it builds on, and says so.
    fn measure(&mut self, url: &str) {
        let mut parts: Vec<&mut Part> = self.include.iter_mut().chain(&mut self.exclude).collect();
        let sets = parts
            .iter()
            .flat_map(|part| part.sets.iter().filter_map(|set| set.as_ref().ok()));
        let (height, asks) = sets.fold((0, 1_u64), |(height, asks), set| {
            (height.max(set.height + 1), asks.saturating_add(set.asks))
        });
        (self.height, self.asks) = (height, asks);
        if height > super::MAX_DEPTH || asks > ASKS {
            for part in &mut parts {
                for set in &mut part.sets {
                    *set = Err(url.to_owned());
                }
            }
            (self.height, self.asks) = (0, 1);
        }
    }

    /// Whether a code is in it; without a system, whether it has the code of any. What is missing
    /// to be certain is added to `missing`.
    pub fn contains(
        &self,
        system: Option<&str>,
        code: &str,
        missing: &mut BTreeSet<String>,
    ) -> Membership {
        let mut lacking = BTreeSet::new();
        let included = any(&self.include, system, code, &mut lacking);
        let included = match included {
            Membership::Yes if !self.has_inactive && self.is_inactive(system, code) => {
                Membership::No
            }
            included => included,
        };
        let found = match included {
            Membership::No => Membership::No,
            included => match any(&self.exclude, system, code, &mut lacking) {
                Membership::Yes => Membership::No,
                Membership::No => included,
                Membership::Unknown => Membership::Unknown,
            },
        };
        if found == Membership::Unknown {
            missing.append(&mut lacking);
        }
        found
    }

    /// What a value set says of a code of it.
    #[must_use]
    pub fn member(&self, system: &str, code: &str) -> Option<Member> {
        let parts = self.include.iter();
        let mut named = parts.filter_map(|part| part.member(system, code));
        let first = named.next()?;
        if first.listed.is_some() {
            return Some(first);
        }
        named.find(|one| one.listed.is_some()).or(Some(first))
    }

    /// All its codes: in the order of its parts, in each in the order of the part or of the code
    /// system.
    ///
    /// # Errors
    ///
    /// What is not loaded, where the codes cannot all be listed.
    pub fn members(&self) -> Result<Vec<Member>, Unknown> {
        let mut missing = BTreeSet::new();
        let mut members: Vec<Member> = Vec::new();
        let mut seen: HashSet<(Arc<str>, Box<str>)> = HashSet::new();
        let is_alone = self.include.len() == 1;
        for part in &self.include {
            for one in part.list(&mut missing) {
                let excluded = any(&self.exclude, Some(one.system()), one.code(), &mut missing);
                let is_in = excluded == Membership::No && (self.has_inactive || !one.is_inactive());
                // A part names a code twice only if it lists codes.
                let is_new = (is_alone && one.listed.is_none())
                    || (is_in && seen.insert((Arc::clone(&one.system), one.code().into())));
                if is_in && is_new {
                    members.push(one);
                }
            }
        }
        if missing.is_empty() {
            Ok(members)
        } else {
            Err(Unknown { missing })
        }
    }

    /// The code systems that it names, by URL, and which of them are loaded.
    pub fn systems(&self) -> impl Iterator<Item = (&str, Option<&CodeSystem>)> {
        let parts = self.include.iter();
        let sets = parts.clone().flat_map(|part| part.sets.iter());
        let sets = sets.filter_map(|set| set.as_ref().ok());
        let inner: Vec<_> = sets.flat_map(|set| set.systems()).collect();
        let own = parts.filter_map(|part| Some((part.system.as_deref()?, part.loaded.as_deref())));
        own.chain(inner)
    }

    fn is_inactive(&self, system: Option<&str>, code: &str) -> bool {
        let parts = self.include.iter();
        let mut systems = parts
            .filter(|part| system.is_none() || part.system.as_deref() == system)
            .filter_map(|part| part.loaded.as_ref());
        systems.any(|loaded| loaded.get(code).is_some_and(super::InSystem::is_inactive))
    }
}

fn any(
    parts: &[Part],
    system: Option<&str>,
    code: &str,
    missing: &mut BTreeSet<String>,
) -> Membership {
    let mut found = Membership::No;
    for part in parts {
        match part.contains(system, code, missing) {
            Membership::Yes => return Membership::Yes,
            Membership::Unknown => found = Membership::Unknown,
            Membership::No => {}
        }
    }
    found
}

impl Part {
    fn read(json: &Value, terminology: &Terminology, above: Option<&Above<'_>>) -> Part {
        let sets = json["valueSet"].as_array().into_iter().flatten();
        let sets = sets.filter_map(Value::as_str).map(|url| {
            terminology
                .value_set_for(url, above)
                .ok_or_else(|| url.to_owned())
        });
        let system = json["system"].as_str();
        // The version that is asked for, else the one that is there.
        let version = json["version"].as_str();
        let asked = system.zip(version);
        let asked =
            asked.and_then(|(url, version)| terminology.code_system(&format!("{url}|{version}")));
        let loaded = asked.or_else(|| terminology.code_system(system?));
        Part {
            codes: Codes::read(json, system, loaded.as_ref()),
            system: system.map(Arc::from),
            loaded,
            sets: sets.collect(),
        }
    }

    fn member(&self, system: &str, code: &str) -> Option<Member> {
        let Some(own) = &self.system else {
            let sets = self.sets.iter().filter_map(|set| set.as_ref().ok());
            return sets.filter_map(|set| set.member(system, code)).next();
        };
        if **own != *system {
            return None;
        }
        let known = self.loaded.as_ref();
        let known = known.and_then(|loaded| Some((Arc::clone(loaded), loaded.position(code)?)));
        let listed = match &self.codes {
            Codes::Listed { concepts, .. } => {
                let mut all = concepts.iter();
                Some(Arc::clone(all.find(|one| *one.code == *code)?))
            }
            _ => None,
        };
        let is_something = known.is_some() || listed.is_some();
        is_something.then(|| Member {
            system: Arc::clone(own),
            listed,
            known,
        })
    }

    fn contains(
        &self,
        system: Option<&str>,
        code: &str,
        missing: &mut BTreeSet<String>,
    ) -> Membership {
        if let (Some(given), Some(own)) = (system, self.system.as_deref())
            && given != own
        {
            return Membership::No;
        }
        let mut found = self.codes.contains(code, missing);
        for set in &self.sets {
            if found == Membership::No {
                return found;
            }
            let in_set = match set {
                Ok(set) => set.contains(system, code, missing),
                Err(url) => {
                    missing.insert(url.clone());
                    Membership::Unknown
                }
            };
            if in_set != Membership::Yes {
                found = in_set;
            }
        }
        found
    }

    fn list(&self, missing: &mut BTreeSet<String>) -> Vec<Member> {
        let system = self.system.clone().unwrap_or_else(|| Arc::from(""));
        let own_system = || self.system.as_deref().map(str::to_owned);
        let mut members: Vec<Member> = match &self.codes {
            Codes::Any => {
                let first = self.sets.first().and_then(|set| set.as_ref().ok());
                match first.map(|set| set.members()) {
                    Some(Ok(members)) => members,
                    Some(Err(unknown)) => {
                        missing.extend(unknown.missing);
                        Vec::new()
                    }
                    None => Vec::new(),
                }
            }
            Codes::Listed { concepts, .. } => {
                let all = concepts.iter().map(|one| {
                    let known = self.loaded.as_ref();
                    let known = known
                        .and_then(|loaded| Some((Arc::clone(loaded), loaded.position(&one.code)?)));
                    Member {
                        system: Arc::clone(&system),
                        listed: Some(Arc::clone(one)),
                        known,
                    }
                });
                all.collect()
            }
            Codes::Whole(loaded) | Codes::Filtered { system: loaded, .. } => {
                if !loaded.is_complete {
                    missing.extend(own_system());
                }
                let codes = (0..loaded.len()).filter(|at| match &self.codes {
                    Codes::Filtered { codes, .. } => codes.contains(at),
                    _ => true,
                });
                let codes = codes.map(|at| Member {
                    system: Arc::clone(&system),
                    listed: None,
                    known: Some((Arc::clone(loaded), at)),
                });
                codes.collect()
            }
            Codes::Grammar(_) => {
                missing.extend(own_system());
                Vec::new()
            }
            Codes::Missing(what) => {
                missing.insert(what.clone());
                Vec::new()
            }
        };
        for set in &self.sets {
            match set {
                Ok(set) => members.retain(|one| {
                    set.contains(Some(one.system()), one.code(), missing) == Membership::Yes
                }),
                Err(url) => {
                    missing.insert(url.clone());
                }
            }
        }
        members
    }
}

impl Listed {
    fn read(json: &Value) -> Option<Arc<Listed>> {
        Some(Arc::new(Listed {
            code: json["code"].as_str()?.into(),
            display: json["display"].as_str().map(Box::from),
            designations: designations(&json["designation"]),
        }))
    }
}

impl Codes {
    fn read(json: &Value, system: Option<&str>, loaded: Option<&Arc<CodeSystem>>) -> Codes {
        let Some(system) = system else {
            return Codes::Any;
        };
        if let Some(listed) = json["concept"].as_array() {
            let concepts: Vec<_> = listed.iter().filter_map(Listed::read).collect();
            let codes = concepts.iter().map(|one| one.code.to_string()).collect();
            return Codes::Listed { codes, concepts };
        }
        let filters = json["filter"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(loaded) = loaded.cloned() else {
            return match grammar(system) {
                Some(grammar) if filters.is_empty() => Codes::Grammar(grammar),
                _ => Codes::Missing(system.to_owned()),
            };
        };
        if filters.is_empty() {
            return match grammar(system) {
                Some(grammar) if !loaded.is_complete => Codes::Grammar(grammar),
                _ => Codes::Whole(loaded),
            };
        }
        let Some(filters) = filters.iter().map(Filter::read).collect::<Option<Vec<_>>>() else {
            return Codes::Missing(system.to_owned());
        };
        let mut codes = HashSet::new();
        for at in 0..loaded.len() {
            let passed = filters.iter().map(|filter| loaded.passes(at, filter));
            match passed.collect::<Option<Vec<bool>>>() {
                Some(passed) if passed.iter().all(|one| *one) => {
                    codes.insert(at);
                }
                Some(_) => {}
                None => return Codes::Missing(system.to_owned()),
            }
        }
        Codes::Filtered {
            system: loaded,
            codes,
        }
    }

    fn contains(&self, code: &str, missing: &mut BTreeSet<String>) -> Membership {
        match self {
            Codes::Any => Membership::Yes,
            Codes::Listed { codes, .. } => Membership::of(codes.contains(code)),
            Codes::Whole(system) => match system.position(code) {
                Some(_) => Membership::Yes,
                None if system.is_complete => Membership::No,
                None => {
                    missing.insert(system.url.clone());
                    Membership::Unknown
                }
            },
            Codes::Filtered { system, codes } => match system.position(code) {
                Some(at) => Membership::of(codes.contains(&at)),
                None if system.is_complete => Membership::No,
                None => {
                    missing.insert(system.url.clone());
                    Membership::Unknown
                }
            },
            Codes::Grammar(grammar) => Membership::of(grammar(code)),
            Codes::Missing(what) => {
                missing.insert(what.clone());
                Membership::Unknown
            }
        }
    }
}

/// The codes of an expansion, a part for each system.
fn expanded(expansion: &Value, terminology: &Terminology) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut waiting: Vec<&Value> = expansion["contains"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    waiting.reverse();
    while let Some(one) = waiting.pop() {
        waiting.extend(one["contains"].as_array().into_iter().flatten().rev());
        let (Some(system), Some(code)) = (one["system"].as_str(), one["code"].as_str()) else {
            continue;
        };
        if one["abstract"] == true {
            continue;
        }
        let known = parts
            .iter()
            .position(|part| part.system.as_deref() == Some(system));
        let at = known.unwrap_or_else(|| {
            parts.push(Part {
                system: Some(Arc::from(system)),
                loaded: terminology.code_system(system),
                codes: Codes::Listed {
                    codes: HashSet::new(),
                    concepts: Vec::new(),
                },
                sets: Vec::new(),
            });
            parts.len() - 1
        });
        if let Codes::Listed { codes, concepts } = &mut parts[at].codes {
            codes.insert(code.to_owned());
            concepts.extend(Listed::read(one));
        }
    }
    parts
}
