use std::collections::{BTreeSet, HashMap, HashSet};

use dicom_core::Tag;
use kura_fhir::text::fold;
use kura_model::ContentHash;
use serde::Deserialize;

use super::descriptor::Words;
use super::options::{DicomOption, OPTIONS};
use crate::policy::Rule;

/// `policies/dicom-basic.toml`.
pub const BASIC: &str = include_str!("../../../../policies/dicom-basic.toml");
/// PS3.15 Table E.1-1, `policies/ps3.15-e1-1.json`.
pub const TABLE: &str = include_str!("../../../../policies/ps3.15-e1-1.json");

/// Rules the engine names; a policy must explain each.
const NAMED: [&str; 32] = [
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
    "D11",
    "D12",
    "D13",
    "D14",
    "D15",
    "D16",
    "D17",
    "D18",
    "dicom-burned-in",
    "dicom-modality",
    "dicom-secondary-capture",
    "dicom-sop-class",
    "dicom-image-type",
    "dicom-photometric",
    "dicom-overlay-in-pixels",
    "dicom-body-surface",
    "dicom-head-words",
    "dicom-face",
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
    options: BTreeSet<DicomOption>,
    /// Ages from here on are one group.
    age_limit: u32,
    images: Images,
    descriptors: Descriptors,
    private: Vec<SafePrivate>,
    body: Body,
    keep: Keep,
    types: HashMap<String, u8>,
    rule: Vec<RuleFile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Images {
    pub(super) modalities: HashSet<String>,
    pub(super) projections: HashSet<String>,
    pub(super) photometric: HashSet<String>,
    pub(super) sop_classes: HashSet<String>,
    pub(super) image_type_words: Vec<String>,
    pub(super) volumes: HashSet<String>,
    pub(super) cleaned: Cleaned,
}

/// What leaves besides once the text in its pixels is masked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cleaned {
    pub(super) modalities: HashSet<String>,
    pub(super) no_surface: HashSet<String>,
    pub(super) photometric: HashSet<String>,
    pub(super) sop_classes: HashSet<String>,
    pub(super) image_type_words: Vec<String>,
    pub(super) conversion_types: HashSet<String>,
}

#[derive(Debug, Clone, Deserialize)]
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
struct Descriptors {
    words: Vec<String>,
}

/// A private attribute that is known to be harmless. PS3.15 Table E.3.10-1.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SafePrivate {
    pub(super) creator: String,
    pub(super) group: u16,
    /// The last byte of its element.
    pub(super) element: u8,
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

/// A row of the table.
#[derive(Debug, Clone)]
struct Entry {
    code: Code,
    /// What options say of it: whether it is kept as it is (K), else cleaned (C).
    options: Vec<(DicomOption, bool)>,
}

/// What the options in force make of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Keep(DicomOption),
    Clean(DicomOption),
}

/// A policy, ready to apply.
#[derive(Debug, Clone)]
pub struct DicomPolicy {
    id: String,
    version: String,
    hash: ContentHash,
    rules: Vec<Rule>,
    table: HashMap<Tag, Entry>,
    types: HashMap<Tag, u8>,
    options: BTreeSet<DicomOption>,
    pub(super) age_limit: u32,
    pub(super) words: Words,
    pub(super) private: Vec<SafePrivate>,
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
            let mut options = Vec::new();
            for option in OPTIONS {
                let cell = option.column().and_then(|column| row.columns.get(column));
                match cell.and_then(|cell| cell.as_str()) {
                    None => {}
                    Some("K") => options.push((option, true)),
                    Some("C") => options.push((option, false)),
                    Some(_) => return Err(format!("{}: an unknown action", row.id)),
                }
            }
            // Ranges (50xx, 60xx, odd groups) are all X and built into the engine.
            match tag(&row.id) {
                Some(tag) => entries.insert(tag, Entry { code, options }),
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
        one_kind_of_dates(&file.options)?;
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
            options: file.options,
            age_limit: file.age_limit,
            words: Words::new(&file.descriptors.words)?,
            private: file.private,
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

    /// The same policy with other options, and ages from `age_limit` on in one group.
    ///
    /// # Errors
    /// Two options that contradict each other.
    pub fn with(&self, options: &BTreeSet<DicomOption>, age_limit: u32) -> Result<Self, String> {
        one_kind_of_dates(options)?;
        Ok(Self {
            options: options.clone(),
            age_limit,
            ..self.clone()
        })
    }

    pub fn options(&self) -> &BTreeSet<DicomOption> {
        &self.options
    }

    pub(super) fn has(&self, option: DicomOption) -> bool {
        self.options.contains(&option)
    }

    /// The action of the basic profile, and what the options in force make of it.
    pub(super) fn entry(&self, tag: Tag) -> Option<(Code, Option<Effect>)> {
        let entry = self.table.get(&tag)?;
        let mut in_force = entry
            .options
            .iter()
            .filter(|(option, _)| self.options.contains(option))
            .map(|(option, keep)| match keep {
                true => Effect::Keep(*option),
                false => Effect::Clean(*option),
            });
        // Kept by one option is kept, whatever another would clean.
        let kept = in_force
            .clone()
            .find(|effect| matches!(effect, Effect::Keep(_)));
        Some((entry.code, kept.or_else(|| in_force.next())))
    }

    /// The attribute's type (1, 2 or 3) in the image IODs, where the policy says.
    pub(super) fn type_of(&self, tag: Tag) -> Option<u8> {
        self.types.get(&tag).copied()
    }
}

/// PS3.15 E.3.6: dates are kept or modified, not both.
fn one_kind_of_dates(options: &BTreeSet<DicomOption>) -> Result<(), String> {
    let both = [
        DicomOption::RetainFullDates,
        DicomOption::RetainModifiedDates,
    ];
    if both.iter().all(|option| options.contains(option)) {
        return Err("retain-full-dates and retain-modified-dates contradict each other".to_owned());
    }
    Ok(())
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
        let modified = Effect::Clean(DicomOption::RetainModifiedDates);
        assert_eq!(policy.entry(Tag(0x0010, 0x0010)), Some((Code::Z, None)));
        assert_eq!(policy.entry(Tag(0x0008, 0x0020)).unwrap().1, Some(modified));
        assert_eq!(policy.entry(Tag(0x0010, 0x0030)).unwrap().1, None);
        // Without the option dates are the basic profile's.
        let bare = policy.with(&BTreeSet::new(), 90).unwrap();
        assert_eq!(bare.entry(Tag(0x0008, 0x0020)), Some((Code::Z, None)));
        let both = BTreeSet::from([
            DicomOption::RetainFullDates,
            DicomOption::RetainModifiedDates,
        ]);
        assert!(policy.with(&both, 90).is_err());
        assert_eq!(policy.rule("D06").unwrap().id, "D06");
    }

    #[test]
    fn no_policy_calls_ultrasound_safe() {
        let text = BASIC.replace("modalities = [\"CT\"", "modalities = [\"US\", \"CT\"");
        assert!(DicomPolicy::parse(&text, TABLE).unwrap_err().contains("US"));
    }
}
