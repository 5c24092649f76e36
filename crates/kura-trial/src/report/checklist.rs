//! Reporting items: which of them this report answers, and where.
//!
//! The items are data: `data/stard-ai.toml` and `data/tripod-ai.toml`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::analysis::TrialResult;
use crate::words::{Lang, Words};

/// One checklist held against one result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checklist {
    /// `STARD-AI`, `TRIPOD+AI`.
    pub name: String,
    pub source: String,
    /// What to know about its numbering.
    pub note: Words,
    pub items: Vec<ChecklistItem>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChecklistItem {
    pub id: String,
    pub topic: Words,
    /// An item on AI, numbered by us.
    pub addition: bool,
    pub state: ItemState,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// The id of the section that answers it.
    Shown { section: &'static str },
    /// Named missing; `statement` is the key of the protocol that could answer it.
    Missing { statement: Option<String> },
}

impl Checklist {
    /// (answered, all)
    pub fn answered(&self) -> (usize, usize) {
        let shown = |item: &&ChecklistItem| matches!(item.state, ItemState::Shown { .. });
        (self.items.iter().filter(shown).count(), self.items.len())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    name: String,
    source: String,
    note: Words,
    item: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    id: String,
    topic: Words,
    #[serde(default)]
    addition: bool,
    #[serde(default)]
    shown: Option<Shown>,
    #[serde(default)]
    when: When,
    #[serde(default)]
    statement: Option<String>,
}

/// Sections an item may point to.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Shown {
    Summary,
    Protocol,
    Cases,
    AiAlone,
    Readers,
    Methods,
}

impl Shown {
    fn id(self) -> &'static str {
        match self {
            Shown::Summary => "summary",
            Shown::Protocol => "protocol",
            Shown::Cases => "cases",
            Shown::AiAlone => "ai-alone",
            Shown::Readers => "readers",
            Shown::Methods => "methods",
        }
    }
}

/// What a result must hold so that the section tells it.
#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "snake_case")]
enum When {
    #[default]
    Always,
    Answers,
    AiDecisions,
    ExclusionRules,
    Readers,
    SampleSize,
    SiteSubgroup,
    Subgroups,
    Thresholds,
}

impl When {
    fn holds(self, result: &TrialResult) -> bool {
        let alone = result.stand_alone.as_ref();
        let protocol = &result.protocol;
        match self {
            When::Always => true,
            When::Answers => alone.is_some(),
            When::AiDecisions => alone.is_some_and(|a| !a.operating_points.is_empty()),
            When::ExclusionRules => !protocol.exclusion_rules.is_empty(),
            When::Readers => !result.readers.is_empty(),
            When::SampleSize => result.sample_size.needed.is_some(),
            When::SiteSubgroup => {
                alone.is_some_and(|a| a.subgroups.iter().any(|s| s.column == "site"))
            }
            When::Subgroups => alone.is_some_and(|a| !a.subgroups.is_empty()),
            When::Thresholds => {
                !protocol.thresholds.ai.is_empty() || protocol.thresholds.reader.is_some()
            }
        }
    }
}

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    [
        include_str!("../../data/stard-ai.toml"),
        include_str!("../../data/tripod-ai.toml"),
    ]
    .into_iter()
    // The files are ours; a test reads them.
    .map(|text| toml::from_str(text).expect("a checklist of ours"))
    .collect()
});

/// Both checklists held against a result.
pub fn checklists(result: &TrialResult) -> Vec<Checklist> {
    SOURCES
        .iter()
        .map(|source| Checklist {
            name: source.name.clone(),
            source: source.source.clone(),
            note: source.note.clone(),
            items: source
                .item
                .iter()
                .map(|item| ChecklistItem {
                    id: item.id.clone(),
                    topic: item.topic.clone(),
                    addition: item.addition,
                    state: state(item, result),
                })
                .collect(),
        })
        .collect()
}

fn state(item: &Item, result: &TrialResult) -> ItemState {
    if let Some(shown) = item.shown
        && item.when.holds(result)
    {
        return ItemState::Shown {
            section: shown.id(),
        };
    }
    match &item.statement {
        Some(key) if result.statements.contains_key(key) => ItemState::Shown {
            section: "statements",
        },
        statement => ItemState::Missing {
            statement: statement.clone(),
        },
    }
}

/// The keys a protocol's `[statements]` may have, in the order of their first item.
pub fn statement_keys() -> Vec<&'static str> {
    let mut keys: Vec<&str> = Vec::new();
    for item in SOURCES.iter().flat_map(|s| &s.item) {
        if let Some(key) = &item.statement
            && !keys.contains(&key.as_str())
        {
            keys.push(key);
        }
    }
    keys
}

/// What a statement answers: the topic of the first item that asks for it.
pub(super) fn statement_title(key: &str, lang: Lang) -> Option<&'static str> {
    SOURCES
        .iter()
        .flat_map(|s| &s.item)
        .find(|item| item.statement.as_deref() == Some(key))
        .map(|item| item.topic.get(lang))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STARD 2015 has 30 items, of which 10, 12, 13 and 21 have two parts; TRIPOD+AI 27 with 52
    /// parts.
    #[test]
    fn the_lists_are_whole() {
        let [stard, tripod] = &SOURCES[..] else {
            panic!("two lists");
        };
        let of_2015 = stard.item.iter().filter(|i| !i.addition).count();
        assert_eq!(of_2015, 34);
        assert!(
            stard
                .item
                .iter()
                .all(|i| i.addition == i.id.starts_with("AI-"))
        );
        assert_eq!(tripod.item.len(), 52);
        let main: std::collections::BTreeSet<u32> = tripod
            .item
            .iter()
            .map(|i| i.id.trim_end_matches(char::is_alphabetic).parse().unwrap())
            .collect();
        assert_eq!(main, (1..=27).collect());
        for item in SOURCES.iter().flat_map(|s| &s.item) {
            assert!(
                item.shown.is_some() || item.statement.is_some(),
                "{} can never be answered",
                item.id
            );
        }
    }
}
