use std::collections::{HashMap, HashSet};

use dicom_core::Tag;
use kura_fhir::text::fold;
use kura_model::ContentHash;
use serde::Deserialize;

use crate::policy::Rule;

/// `policies/dicom-basic.toml`.
pub const BASIC: &str = include_str!("../../../../policies/dicom-basic.toml");
/// PS3.15 Table E.1-1, `policies/ps3.15-e1-1.json`.
pub const TABLE: &str = include_str!("../../../../policies/ps3.15-e1-1.json");

/// Rules the engine names; a policy must explain each.
const NAMED: [&str; 23] = [
    "D01",
    "D02",
    "D03",
    "D04",
    "D05",
    "D06",
    "D07",
    "D08",
    "D09",
    "D10",
    "dicom-burned-in",
    "dicom-modality",
    "dicom-secondary-capture",
    "dicom-sop-class",
    "dicom-image-type",
    "dicom-photometric",
    "dicom-overlay-in-pixels",
    "dicom-body-surface",
    "dicom-head-words",
    "dicom-recognizable",
    "dicom-pixels",
    "dicom-unreadable",
    "dicom-identifier-remains",
];

/// Never on a list of safe ones, whatever the file says.
const NEVER: [&str; 7] = ["US", "ES", "XC", "GM", "SM", "OT", "SC"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    id: String,
    version: String,
    options: Vec<String>,
    images: Images,
    body: Body,
    keep: Keep,
    types: HashMap<String, u8>,
    rule: Vec<RuleFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Images {
    pub(super) modalities: HashSet<String>,
    pub(super) projections: HashSet<String>,
    pub(super) photometric: HashSet<String>,
    pub(super) sop_classes: HashSet<String>,
    pub(super) image_type_words: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub(super) allowed: HashSet<String>,
    pub(super) head_words: Vec<String>,
    pub(super) head_tokens: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keep {
    text: Vec<String>,
    bulk: Vec<String>,
    schemes: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: String,
    ja: String,
    en: String,
    source: String,
}

/// A row of the table as the file has it; columns that no option here reads are not named.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    #[serde(rename = "basicProfile")]
    basic: String,
    #[serde(flatten)]
    columns: HashMap<String, serde_json::Value>,
}

/// Action codes of the table's basic profile column (PS3.15 E.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    X,
    Z,
    D,
    U,
    XorZ,
    XorD,
    ZorD,
    XorZorD,
    XorZorU,
}

impl Code {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "X" => Self::X,
            "Z" => Self::Z,
            "D" => Self::D,
            "U" => Self::U,
            "X/Z" => Self::XorZ,
            "X/D" => Self::XorD,
            "Z/D" => Self::ZorD,
            "X/Z/D" => Self::XorZorD,
            "X/Z/U*" => Self::XorZorU,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) code: Code,
    /// An option in force says C: clean, which for dates and times is to shift.
    pub(super) clean: bool,
}

/// A policy, ready to apply.
#[derive(Debug)]
pub struct DicomPolicy {
    id: String,
    version: String,
    hash: ContentHash,
    rules: Vec<Rule>,
    table: HashMap<Tag, Entry>,
    types: HashMap<Tag, u8>,
    pub(super) images: Images,
    pub(super) body: Body,
    pub(super) keep_text: HashSet<Tag>,
    pub(super) keep_bulk: HashSet<Tag>,
    pub(super) schemes: HashSet<String>,
}

impl DicomPolicy {
    /// The policy this crate carries.
    ///
    /// # Panics
    /// Never: a test parses it.
    #[allow(
        clippy::expect_used,
        reason = "the text is part of the program and a test parses it"
    )]
    pub fn basic() -> Self {
        Self::parse(BASIC, TABLE).expect("the policy that is compiled in is a policy")
    }

    /// # Errors
    /// The texts are no policy: an unknown key or action, a rule that is not explained, a
    /// modality that may never be called safe.
    pub fn parse(policy: &str, table: &str) -> Result<Self, String> {
        let file: PolicyFile = toml::from_str(policy).map_err(|error| error.to_string())?;
        let rows: Vec<Row> = serde_json::from_str(table).map_err(|error| error.to_string())?;
        let mut entries = HashMap::new();
        for row in rows {
            let Some(code) = Code::of(&row.basic) else {
                return Err(format!("{}: an unknown action", row.id));
            };
            let clean = file
                .options
                .iter()
                .any(|option| row.columns.get(option).and_then(|c| c.as_str()) == Some("C"));
            // Ranges (50xx, 60xx, odd groups) are all X and built into the engine.
            match tag(&row.id) {
                Some(tag) => entries.insert(tag, Entry { code, clean }),
                None if code == Code::X => continue,
                None => return Err(format!("{}: not a tag", row.id)),
            };
        }
        for id in NAMED {
            if !file.rule.iter().any(|rule| rule.id == id) {
                return Err(format!("rule {id} is not explained"));
            }
        }
        if let Some(never) = NEVER.iter().find(|m| file.images.modalities.contains(**m)) {
            return Err(format!("{never} is never a safe modality"));
        }
        let tags = |texts: &[String]| -> Result<HashSet<Tag>, String> {
            let one = |text: &String| tag(text).ok_or_else(|| format!("{text}: not a tag"));
            texts.iter().map(one).collect()
        };
        let types = file.types.iter().map(|(text, kind)| {
            let tag = tag(text).ok_or_else(|| format!("{text}: not a tag"))?;
            Ok((tag, *kind))
        });
        let mut hashed = policy.as_bytes().to_vec();
        hashed.push(0);
        hashed.extend(table.as_bytes());
        let mut body = file.body;
        body.head_words
            .iter_mut()
            .for_each(|word| *word = fold(word));
        body.head_tokens = body.head_tokens.iter().map(|word| fold(word)).collect();
        Ok(Self {
            types: types.collect::<Result<_, String>>()?,
            keep_text: tags(&file.keep.text)?,
            keep_bulk: tags(&file.keep.bulk)?,
            schemes: file.keep.schemes,
            id: file.id.clone(),
            version: file.version,
            hash: ContentHash::of(&hashed),
            rules: file
                .rule
                .into_iter()
                .map(|rule| Rule {
                    policy: file.id.clone(),
                    action: String::new(),
                    paths: Vec::new(),
                    urls: Vec::new(),
                    id: rule.id,
                    ja: rule.ja,
                    en: rule.en,
                    source: rule.source,
                })
                .collect(),
            table: entries,
            images: file.images,
            body,
        })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    /// Of the policy and the table together.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    pub(super) fn entry(&self, tag: Tag) -> Option<Entry> {
        self.table.get(&tag).copied()
    }

    /// The attribute's type (1, 2 or 3) in the image IODs, where the policy says.
    pub(super) fn type_of(&self, tag: Tag) -> Option<u8> {
        self.types.get(&tag).copied()
    }
}

/// `ggggeeee` or `gggg,eeee`.
fn tag(text: &str) -> Option<Tag> {
    let digits: String = text.chars().filter(|c| *c != ',').collect();
    if digits.len() != 8 {
        return None;
    }
    let number = |range: std::ops::Range<usize>| u16::from_str_radix(digits.get(range)?, 16).ok();
    Some(Tag(number(0..4)?, number(4..8)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basic_policy_parses() {
        let policy = DicomPolicy::basic();
        // 621 rows less the four ranges
        assert_eq!(policy.table.len(), 617);
        assert_eq!(policy.entry(Tag(0x0010, 0x0010)).unwrap().code, Code::Z);
        assert!(policy.entry(Tag(0x0008, 0x0020)).unwrap().clean);
        assert!(!policy.entry(Tag(0x0010, 0x0030)).unwrap().clean);
        assert_eq!(policy.rule("D06").unwrap().id, "D06");
    }

    #[test]
    fn no_policy_calls_ultrasound_safe() {
        let text = BASIC.replace("modalities = [\"CT\"", "modalities = [\"US\", \"CT\"");
        assert!(DicomPolicy::parse(&text, TABLE).unwrap_err().contains("US"));
    }
}
