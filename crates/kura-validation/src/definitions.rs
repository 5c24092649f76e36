//! The definitions that resources are held against: R4's own and those of packages.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

/// Made by `cargo run -p xtask -- conformance FOLDER` from HL7's definitions (CC0).
static PACKED: &[u8] = include_bytes!("../data/r4.tsv.zst");
static BASE: LazyLock<Base> = LazyLock::new(Base::read);

/// The longest that R4's definitions may be unpacked, in bytes. They are ours.
const UNPACKED: usize = 32 << 20;

/// The kinds of definition that decide anything here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Structure,
    ValueSet,
    CodeSystem,
}

impl Kind {
    fn of(resource_type: &str) -> Option<Kind> {
        match resource_type {
            "StructureDefinition" => Some(Kind::Structure),
            "ValueSet" => Some(Kind::ValueSet),
            "CodeSystem" => Some(Kind::CodeSystem),
            _ => None,
        }
    }
}

/// R4's definitions as text; a line is parsed when it is asked for.
struct Base {
    text: String,
    rows: HashMap<(Kind, String), (usize, usize)>,
}

impl Base {
    fn read() -> Base {
        let bytes = zstd::bulk::decompress(PACKED, UNPACKED).expect("our own table unpacks");
        let text = String::from_utf8(bytes).expect("our own table is UTF-8");
        let mut rows = HashMap::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let end = start + line.trim_end_matches('\n').len();
            let mut columns = line.splitn(4, '\t');
            let kind = columns.next().and_then(Kind::of);
            let url = columns.next();
            if let (Some(kind), Some(url), Some(body)) = (kind, url, columns.nth(1)) {
                let body = start + line.len() - body.len();
                rows.insert((kind, url.to_owned()), (body, end));
            }
            start += line.len();
        }
        Base { text, rows }
    }

    fn get(&self, kind: Kind, url: &str) -> Option<Value> {
        let (start, end) = *self.rows.get(&(kind, url.to_owned()))?;
        serde_json::from_str(&self.text[start..end]).ok()
    }
}

/// A canonical URL and the version behind `|`, if any.
pub(crate) fn canonical(url: &str) -> (&str, Option<&str>) {
    match url.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (url, None),
    }
}

/// StructureDefinitions, ValueSets and CodeSystems by canonical URL. R4's own are always there.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    loaded: HashMap<(Kind, String), Vec<Arc<Value>>>,
}

impl Definitions {
    /// R4's own definitions and nothing else.
    #[must_use]
    pub fn r4() -> Definitions {
        Definitions::default()
    }

    /// Adds the resources of a package. What is no StructureDefinition, ValueSet or CodeSystem with
    /// a `url` is passed over. How many were added.
    pub fn add_package(&mut self, resources: impl IntoIterator<Item = Value>) -> usize {
        let added = resources
            .into_iter()
            .filter_map(|one| self.add(one).then_some(()));
        added.count()
    }

    /// Adds one definition; of two with the same URL and version the later one counts.
    pub fn add(&mut self, resource: Value) -> bool {
        let Some(kind) = resource["resourceType"].as_str().and_then(Kind::of) else {
            return false;
        };
        let Some(url) = resource["url"].as_str().map(str::to_owned) else {
            return false;
        };
        let all = self.loaded.entry((kind, url)).or_default();
        all.retain(|one| one["version"] != resource["version"]);
        all.push(Arc::new(resource));
        all.sort_by(|one, other| {
            let version = |value: &Value| natural(value["version"].as_str().unwrap_or_default());
            version(one).cmp(&version(other))
        });
        true
    }

    /// The definition of a canonical; without a version the newest one, with a version that is not
    /// loaded none (R4's own answer for every 4.x version).
    pub(crate) fn get(&self, kind: Kind, url: &str) -> Option<Arc<Value>> {
        let (url, version) = canonical(url);
        let loaded = self.loaded.get(&(kind, url.to_owned()));
        let found = match (loaded, version) {
            (Some(all), Some(version)) => all.iter().find(|one| one["version"] == version),
            (Some(all), None) => all.last(),
            (None, _) => None,
        };
        found.cloned().or_else(|| BASE.get(kind, url).map(Arc::new))
    }

    /// One of R4's own structures.
    pub(crate) fn base(url: &str) -> Option<Value> {
        BASE.get(Kind::Structure, url)
    }

    /// Whether a StructureDefinition of a canonical is known.
    #[must_use]
    pub fn has_structure(&self, url: &str) -> bool {
        self.get(Kind::Structure, url).is_some()
    }

    /// The canonical URLs of the StructureDefinitions that were added.
    pub fn structures(&self) -> impl Iterator<Item = &str> {
        let structures = self.loaded.keys();
        structures
            .filter(|(kind, _)| *kind == Kind::Structure)
            .map(|(_, url)| url.as_str())
    }
}

/// `1.10.0` after `1.9.2`: numbers compare as numbers.
fn natural(version: &str) -> Vec<(u64, String)> {
    version
        .split(['.', '-'])
        .map(|part| (part.parse().unwrap_or(0), part.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn r4s_own_definitions_are_there() {
        let all = Definitions::r4();
        let patient = all
            .get(
                Kind::Structure,
                "http://hl7.org/fhir/StructureDefinition/Patient",
            )
            .unwrap();
        assert_eq!(patient["type"], "Patient");
        let gender = "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1";
        assert!(all.get(Kind::ValueSet, gender).is_some());
        assert!(all.get(Kind::CodeSystem, "http://example.org/no").is_none());
    }

    #[test]
    fn a_version_is_asked_for_or_the_newest_is_taken() {
        let mut all = Definitions::r4();
        for version in ["1.10.0", "1.9.0"] {
            assert!(all.add(json!({
                "resourceType": "ValueSet", "url": "http://example.org/vs", "version": version
            })));
        }
        let newest = all.get(Kind::ValueSet, "http://example.org/vs").unwrap();
        assert_eq!(newest["version"], "1.10.0");
        let asked = all.get(Kind::ValueSet, "http://example.org/vs|1.9.0");
        assert_eq!(asked.unwrap()["version"], "1.9.0");
        assert!(
            all.get(Kind::ValueSet, "http://example.org/vs|2.0.0")
                .is_none()
        );
        assert!(!all.add(json!({ "resourceType": "Patient", "url": "x" })));
    }
}
