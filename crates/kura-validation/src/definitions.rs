//! The definitions that resources are held against: R4's own and those of packages.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde::de::DeserializeOwned;
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
    ConceptMap,
}

impl Kind {
    fn of(resource_type: &str) -> Option<Kind> {
        match resource_type {
            "StructureDefinition" => Some(Kind::Structure),
            "ValueSet" => Some(Kind::ValueSet),
            "CodeSystem" => Some(Kind::CodeSystem),
            "ConceptMap" => Some(Kind::ConceptMap),
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

    fn text(&self, kind: Kind, url: &str) -> Option<&str> {
        let (start, end) = *self.rows.get(&(kind, url.to_owned()))?;
        Some(&self.text[start..end])
    }

    fn get(&self, kind: Kind, url: &str) -> Option<Value> {
        serde_json::from_str(self.text(kind, url)?).ok()
    }
}

/// A canonical URL and the version behind `|`, if any.
pub(crate) fn canonical(url: &str) -> (&str, Option<&str>) {
    match url.split_once('|') {
        Some((url, version)) => (url, Some(version)),
        None => (url, None),
    }
}

/// StructureDefinitions, ValueSets, CodeSystems and ConceptMaps by canonical URL. R4's own are
/// always there.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    loaded: HashMap<(Kind, String), Vec<Loaded>>,
}

#[derive(Clone, Debug)]
struct Loaded {
    version: String,
    body: Body,
}

/// A definition as it was handed in: text is parsed when it is asked for, because a code system of
/// tens of thousands of codes is many times as large once it is parsed.
#[derive(Clone, Debug)]
enum Body {
    Parsed(Arc<Value>),
    Text(Arc<[u8]>),
}

/// What a definition is found by.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "resourceType")]
    resource_type: String,
    url: String,
    #[serde(default)]
    version: Option<String>,
}

impl Body {
    fn value(&self) -> Option<Arc<Value>> {
        match self {
            Body::Parsed(value) => Some(Arc::clone(value)),
            Body::Text(text) => serde_json::from_slice(text).ok().map(Arc::new),
        }
    }

    fn read<T: DeserializeOwned>(&self) -> Option<T> {
        match self {
            Body::Parsed(value) => T::deserialize(&**value).ok(),
            Body::Text(text) => serde_json::from_slice(text).ok(),
        }
    }
}

impl Definitions {
    /// R4's own definitions and nothing else.
    #[must_use]
    pub fn r4() -> Definitions {
        Definitions::default()
    }

    /// Adds the resources of a package. What is no StructureDefinition, ValueSet, CodeSystem or
    /// ConceptMap with a `url` is passed over. How many were added.
    pub fn add_package(&mut self, resources: impl IntoIterator<Item = Value>) -> usize {
        let added = resources
            .into_iter()
            .filter_map(|one| self.add(one).then_some(()));
        added.count()
    }

    /// Adds one definition; of two with the same URL and version the later one counts.
    pub fn add(&mut self, resource: Value) -> bool {
        let text = |key: &str| resource[key].as_str().map(str::to_owned);
        let (Some(resource_type), Some(url)) = (text("resourceType"), text("url")) else {
            return false;
        };
        let head = Head {
            resource_type,
            url,
            version: text("version"),
        };
        self.put(head, Body::Parsed(Arc::new(resource)))
    }

    /// The same of JSON that stays text until it is needed.
    pub fn add_text(&mut self, json: Vec<u8>) -> bool {
        match serde_json::from_slice::<Head>(&json) {
            Ok(head) => self.put(head, Body::Text(json.into())),
            Err(_) => false,
        }
    }

    fn put(&mut self, head: Head, body: Body) -> bool {
        let Some(kind) = Kind::of(&head.resource_type) else {
            return false;
        };
        let version = head.version.unwrap_or_default();
        let all = self.loaded.entry((kind, head.url)).or_default();
        all.retain(|one| one.version != version);
        all.push(Loaded { version, body });
        all.sort_by_cached_key(|one| natural(&one.version));
        true
    }

    /// The definition of a canonical; without a version the newest one, with a version that is not
    /// loaded none (R4's own answer for every 4.x version).
    pub(crate) fn get(&self, kind: Kind, url: &str) -> Option<Arc<Value>> {
        match self.find(kind, url) {
            Some(found) => found.body.value(),
            None => BASE.get(kind, canonical(url).0).map(Arc::new),
        }
    }

    /// The same, read as something else than a tree of JSON.
    pub(crate) fn read<T: DeserializeOwned>(&self, kind: Kind, url: &str) -> Option<T> {
        match self.find(kind, url) {
            Some(found) => found.body.read(),
            None => serde_json::from_str(BASE.text(kind, canonical(url).0)?).ok(),
        }
    }

    fn find(&self, kind: Kind, url: &str) -> Option<&Loaded> {
        let (url, version) = canonical(url);
        let all = self.loaded.get(&(kind, url.to_owned()))?;
        match version {
            Some(version) => all.iter().find(|one| one.version == version),
            None => all.last(),
        }
    }

    /// A name for what `get` finds: the same for every version that R4's own answer to.
    pub(crate) fn key<'u>(&self, kind: Kind, url: &'u str) -> Option<Cow<'u, str>> {
        if self.find(kind, url).is_some() {
            return Some(Cow::Borrowed(url));
        }
        let (url, _) = canonical(url);
        BASE.text(kind, url)?;
        Some(match self.find(kind, url) {
            Some(_) => Cow::Owned(format!("{url}|R4")),
            None => Cow::Borrowed(url),
        })
    }

    /// Whether a canonical is loaded, in the version behind `|` if it has one.
    pub(crate) fn has(&self, kind: Kind, url: &str) -> bool {
        if self.find(kind, url).is_some() {
            return true;
        }
        let (url, version) = canonical(url);
        let Some(row) = BASE.text(kind, url) else {
            return false;
        };
        version.is_none_or(|version| {
            serde_json::from_str::<Head>(row)
                .is_ok_and(|head| head.version.as_deref() == Some(version))
        })
    }

    /// The canonical URLs of all of a kind, in order.
    pub(crate) fn urls(&self, kind: Kind) -> BTreeSet<&str> {
        let loaded = self.loaded.keys();
        let all = loaded.chain(BASE.rows.keys());
        all.filter(|(of, _)| *of == kind)
            .map(|(_, url)| url.as_str())
            .collect()
    }

    /// A ValueSet by canonical URL, as it was handed in; R4's own are cut down to what decides.
    #[must_use]
    pub fn value_set(&self, canonical: &str) -> Option<Arc<Value>> {
        let found = self.has(Kind::ValueSet, canonical);
        found.then(|| self.get(Kind::ValueSet, canonical)).flatten()
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
        // R4's own stay what they are beside another version of them.
        let gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
        all.add(json!({ "resourceType": "ValueSet", "url": gender, "version": "5.0.0" }));
        let version = |url: &str| all.get(Kind::ValueSet, url).unwrap()["version"].clone();
        assert_eq!(version(gender), "5.0.0");
        assert_eq!(version(&format!("{gender}|4.0.1")), "4.0.1");
        let key = |asked: &str| {
            all.key(Kind::ValueSet, &format!("{gender}{asked}"))
                .unwrap()
                .into_owned()
        };
        assert_eq!(key("|4.0.1"), key("|4.0.0"));
        assert_ne!(key("|4.0.1"), key(""));
    }
}
