//! All parameters a bank knows, by type.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock, OnceLock};

use kura_fhirpath::Expression;

use super::definition::{Alternative, alternatives, fingerprint};
use super::{
    Composite, Definition, Group, Kind, Place, SearchParameter, Slot, base_rows, identifier_rows,
    of_type_rows, text_rows,
};

/// The parameters of every type. Those of a type are worked out when it is first met.
#[derive(Debug)]
pub struct Registry {
    by_type: HashMap<&'static str, (Vec<Arc<Definition>>, OnceLock<Table>)>,
    by_url: HashMap<String, Arc<Definition>>,
    /// Fingerprints of the definitions whose records are not searched by them yet.
    waiting: HashSet<String>,
    versions: u64,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) parameters: Vec<Arc<SearchParameter>>,
    pub(super) places: Vec<Place>,
    pub(super) groups: Vec<Group>,
}

static R4: LazyLock<Arc<Registry>> =
    LazyLock::new(|| Arc::new(Registry::with(Vec::new(), HashSet::new(), 0)));

const TABLES: [&str; 2] = [
    include_str!("../../data/search-parameters.tsv"),
    include_str!("../../data/search-parameters-jp.tsv"),
];
/// Raised when `extract` or `form` makes other rows of the same definitions.
const READING: u8 = 1;

/// What the store knows of every record without an index of ours.
const KEPT_BY_THE_STORE: [&str; 2] = ["_id", "_lastUpdated"];

/// Codes that sound is searched by. FHIR R4 has them without an algorithm.
const PHONETIC: &str = "phonetic";

impl Registry {
    /// R4 and JP Core.
    pub fn r4() -> &'static Arc<Registry> {
        &R4
    }

    /// R4, JP Core and what a bank adds. A parameter whose code a type has already is left out.
    /// `waiting` has the fingerprints of those that not every record is searched by yet, `versions`
    /// tells this state of what was added from another.
    pub fn with(added: Vec<Definition>, waiting: HashSet<String>, versions: u64) -> Self {
        let built_in = TABLES
            .into_iter()
            .flat_map(str::lines)
            .filter(|line| !line.starts_with('#'))
            .filter_map(Definition::of_row)
            .filter(|definition| !KEPT_BY_THE_STORE.contains(&definition.code.as_str()));
        let mut by_type: HashMap<_, (Vec<Arc<Definition>>, _)> = HashMap::new();
        let mut by_url = HashMap::new();
        for definition in built_in.chain(added) {
            let definition = Arc::new(definition);
            for base in &definition.bases {
                let (known, _) = by_type.entry(*base).or_default();
                if known.iter().all(|known| known.code != definition.code) {
                    known.push(definition.clone());
                }
            }
            by_url.insert(definition.url.clone(), definition);
        }
        Self {
            by_type,
            by_url,
            waiting,
            versions,
        }
    }

    /// What [`Registry::with`] was told.
    pub fn versions(&self) -> u64 {
        self.versions
    }

    /// Tells the rows of this release from those of one that reads resources otherwise.
    pub fn fingerprint() -> String {
        let mut all = vec![READING];
        for table in TABLES {
            all.extend_from_slice(table.as_bytes());
        }
        fingerprint(&all)
    }

    /// Whether a parameter is not offered yet.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn table(&self, kind: &str) -> &Table {
        static NONE: Table = Table {
            parameters: Vec::new(),
            places: Vec::new(),
            groups: Vec::new(),
        };
        match self.by_type.get_key_value(kind) {
            Some((kind, (definitions, table))) => {
                table.get_or_init(|| Builder::new(self, kind).build(definitions))
            }
            None => &NONE,
        }
    }

    /// The parameters of a type, without `_id` and `_lastUpdated`, which are no elements.
    pub fn parameters(&self, kind: &str) -> &[Arc<SearchParameter>] {
        &self.table(kind).parameters
    }

    /// A parameter that can be asked for.
    pub fn parameter(&self, kind: &str, code: &str) -> Option<&Arc<SearchParameter>> {
        self.parameters(kind)
            .iter()
            .find(|parameter| parameter.code == code && parameter.ready)
    }

    /// By which parameter a resource belongs to a patient.
    pub fn owner(&self, kind: &str) -> Option<&Arc<SearchParameter>> {
        self.parameters(kind)
            .iter()
            .find(|parameter| parameter.owner)
    }
}

/// Types of resources with the code of the parameter that makes a patient their owner.
static OWNERS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    include_str!("../../data/owners.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect()
});

/// A few kilobytes for each set of parameters a process has known.
fn kept(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

struct Builder<'r> {
    registry: &'r Registry,
    kind: &'static str,
    table: Table,
    /// The slots so far, by what they hold.
    slots: BTreeMap<(Kind, String, bool, Option<String>), &'static str>,
}

impl<'r> Builder<'r> {
    fn new(registry: &'r Registry, kind: &'static str) -> Self {
        Self {
            registry,
            kind,
            table: Table::default(),
            slots: BTreeMap::new(),
        }
    }

    fn build(mut self, definitions: &[Arc<Definition>]) -> Table {
        // A slot is named after the parameter that is nothing but it, and asks for every target.
        // Those of the bank have slots of their own, so that they come and go alone.
        let mut ordered: Vec<_> = definitions
            .iter()
            .filter(|definition| definition.kind != Kind::Composite)
            .map(|definition| {
                let ways = alternatives(self.kind, &definition.expression);
                let filtered = ways.iter().any(|way| way.only.is_some());
                (filtered, ways.len(), &definition.code, definition)
            })
            .collect();
        ordered.sort_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)));
        for (.., definition) in ordered {
            self.parameter(definition);
        }
        for definition in definitions {
            if definition.kind == Kind::Composite {
                self.composite(definition);
            }
        }
        self.table.parameters.sort_by(|a, b| a.code.cmp(&b.code));
        self.table
    }

    fn ready(&self, definition: &Definition) -> bool {
        self.registry.waiting.is_empty()
            || !self.registry.waiting.contains(&definition.fingerprint())
    }

    fn parameter(&mut self, definition: &Definition) {
        let phonetic = definition.code == PHONETIC;
        let owner = OWNERS.get(self.kind) == Some(&definition.code.as_str());
        let slots: Vec<Slot> = alternatives(self.kind, &definition.expression)
            .into_iter()
            .enumerate()
            .filter_map(|(number, alternative)| {
                self.slot(definition, number, alternative, phonetic, owner)
            })
            .collect();
        if slots.is_empty() {
            return;
        }
        self.table.parameters.push(Arc::new(SearchParameter {
            code: definition.code.clone(),
            kind: definition.kind,
            url: definition.url.clone(),
            ready: self.ready(definition),
            slots,
            targets: definition.targets.clone(),
            owner,
            phonetic,
            composite: Vec::new(),
        }));
    }

    fn slot(
        &mut self,
        definition: &Definition,
        number: usize,
        alternative: Alternative,
        phonetic: bool,
        owner: bool,
    ) -> Option<Slot> {
        let own = definition.added.then(|| definition.fingerprint());
        let key = (definition.kind, alternative.expression, phonetic, own);
        let name = match self.slots.get(&key) {
            Some(name) => name,
            None => {
                let mut name = format!("{}.{}", self.kind, definition.code);
                if let Some(fingerprint) = &key.3 {
                    // Changed, it has other rows.
                    name = format!("{name}#{fingerprint}");
                }
                if number > 0 {
                    name = format!("{name}|{}", number + 1);
                }
                let name = kept(name);
                let place = place(name, definition.kind, &key.1, phonetic)?;
                self.table.places.push(place);
                self.slots.insert(key, name);
                name
            }
        };
        if owner
            && let Some(place) = self
                .table
                .places
                .iter_mut()
                .find(|place| place.name == name)
        {
            place.owner = true;
        }
        Some(Slot {
            name,
            kind: definition.kind,
            only: alternative.only,
        })
    }

    /// A composite on the resource itself is all its components; one on an element that repeats
    /// has rows of its own, a group for each element.
    fn composite(&mut self, definition: &Definition) {
        let mut ways = Vec::new();
        for (number, focus) in alternatives(self.kind, &definition.expression)
            .into_iter()
            .enumerate()
        {
            let way = if focus.expression == self.kind {
                self.whole(definition)
            } else {
                self.grouped(definition, number, &focus.expression)
            };
            ways.extend(way);
        }
        if ways.is_empty() {
            return;
        }
        self.table.parameters.push(Arc::new(SearchParameter {
            code: definition.code.clone(),
            kind: Kind::Composite,
            url: definition.url.clone(),
            ready: self.ready(definition),
            slots: Vec::new(),
            targets: Vec::new(),
            owner: false,
            phonetic: false,
            composite: ways,
        }));
    }

    fn whole(&mut self, definition: &Definition) -> Option<Composite> {
        let components = definition
            .components
            .iter()
            .map(|component| {
                let parameter = self.registry.by_url.get(&component.definition)?.clone();
                let expression = joined(self.kind, &component.expression);
                let slots: Vec<Slot> = alternatives(self.kind, &expression)
                    .into_iter()
                    .enumerate()
                    .filter_map(|(number, alternative)| {
                        self.slot(&parameter, number, alternative, false, false)
                    })
                    .collect();
                (!slots.is_empty()).then_some(slots)
            })
            .collect::<Option<_>>()?;
        Some(Composite {
            components,
            grouped: false,
        })
    }

    fn grouped(
        &mut self,
        definition: &Definition,
        number: usize,
        focus: &str,
    ) -> Option<Composite> {
        let mut places = Vec::new();
        let mut components = Vec::new();
        for (component_number, component) in definition.components.iter().enumerate() {
            let parameter = self.registry.by_url.get(&component.definition)?;
            let mut name = format!("{}.{}", self.kind, definition.code);
            if definition.added {
                name = format!("{name}#{}", definition.fingerprint());
            }
            let name = kept(format!("{name}|{}${}", number + 1, component_number + 1));
            places.push(place(name, parameter.kind, &component.expression, false)?);
            components.push(vec![Slot {
                name,
                kind: parameter.kind,
                only: None,
            }]);
        }
        self.table.groups.push(Group {
            focus: Expression::parse(focus).ok()?,
            places,
        });
        Some(Composite {
            components,
            grouped: true,
        })
    }
}

/// `value.as(Quantity) | value.as(Range)` below `Observation`.
fn joined(root: &str, expression: &str) -> String {
    let parts: Vec<String> = expression
        .split('|')
        .map(|part| {
            let part = part.trim();
            if part.starts_with('%') {
                part.to_owned()
            } else {
                format!("{root}.{part}")
            }
        })
        .collect();
    parts.join(" | ")
}

fn place(name: &'static str, kind: Kind, expression: &str, phonetic: bool) -> Option<Place> {
    Some(Place {
        name,
        kind,
        phonetic,
        expression: Expression::parse(expression).ok()?,
        base: kept(base_rows(name)),
        text: kept(text_rows(name)),
        of_type: kept(of_type_rows(name)),
        identifier: kept(identifier_rows(name)),
        owner: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every definition of the tables is searched by, for each of its types.
    #[test]
    fn no_parameter_is_lost() {
        let registry = Registry::r4();
        let mut missing = Vec::new();
        for kind in crate::RESOURCE_TYPES {
            for definition in registry
                .by_type
                .get(kind)
                .into_iter()
                .flat_map(|known| &known.0)
            {
                if registry.parameter(kind, &definition.code).is_none() {
                    missing.push(format!("{kind}.{}", definition.code));
                }
            }
        }
        assert_eq!(missing, Vec::<String>::new());
        let all: usize = crate::RESOURCE_TYPES
            .iter()
            .map(|kind| registry.parameters(kind).len())
            .sum();
        // Those of Resource hold for every type.
        assert!(all > 1_700, "{all}");
    }

    #[test]
    fn parameters_of_one_expression_share_a_slot() {
        let registry = Registry::r4();
        let slots = |kind: &str, code: &str| registry.parameter(kind, code).unwrap().slots.clone();
        assert_eq!(
            slots("Observation", "patient")[0].name,
            "Observation.subject"
        );
        assert_eq!(slots("Observation", "patient")[0].only, Some("Patient"));
        let combo: Vec<&str> = slots("Observation", "combo-code")
            .iter()
            .map(|slot| slot.name)
            .collect();
        assert!(combo.contains(&slots("Observation", "code")[0].name));
        assert!(combo.contains(&slots("Observation", "component-code")[0].name));
        assert_eq!(slots("Encounter", "date")[0].name, "Encounter.date");
        assert!(registry.owner("Observation").is_some());
        assert!(registry.owner("Group").is_none());
    }
}
