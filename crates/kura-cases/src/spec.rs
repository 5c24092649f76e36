//! What a specification says of cases, outcome and features.

use serde::{Deserialize, Serialize};

/// Which moments, what is foreseen, and from what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CasesSpec {
    /// Gives `case_id`, `patient` and `index_time`, one row a case; `site` if there are several.
    pub cases: String,
    /// Absent where nothing is foreseen: a model that measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(default, rename = "feature")]
    pub features: Vec<Feature>,
    /// After the features, in their order.
    #[serde(default, rename = "feature_set", skip_serializing_if = "Vec::is_empty")]
    pub feature_sets: Vec<FeatureSet>,
}

/// Many numbers of each case by one SQL, each row with its name: the texture of an image, a panel.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSet {
    /// Letters, digits and `_`; stands before each name.
    #[serde(default)]
    pub prefix: String,
    /// Gives `case_id`, `name` and `value`, and `time` if it reads a table whose rows have times.
    /// A name is letters, digits and `_`.
    pub sql: String,
    /// The names, in the order in which the model takes them. Left empty they are those that the
    /// training cases have; a name that a later case lacks is unknown there, one that is not
    /// listed is passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// What is foreseen. Exactly one of `sql` and `file`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// In a few words: `SpO2 under 92 % within a day`.
    pub name: String,
    /// Events: gives `patient` and `time`; a case is positive if one falls after its index time,
    /// within the look-ahead. Or gives `case_id` and `outcome` (0 or 1), where somebody judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// A CSV file beside the specification: with the columns `case_id` and `outcome` (0 or 1), a
    /// registry's judgement; or a reading file (`reader`, `case`, `condition`, `decision` or
    /// `score`), what readers said without a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Of several readers: what they have to agree on. A case on which they do not is left out.
    #[serde(default, skip_serializing_if = "Agreement::is_majority")]
    pub agreement: Agreement,
    /// The lowest score that says yes, where readers gave scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader_threshold: Option<f64>,
    /// Hours after the index time in which an event counts. Needed for events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_ahead_hours: Option<f64>,
    /// Gives `patient` and `time`: until when it is known what happened. A case without an event
    /// whose look-ahead reaches further is left out, not called negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed_until: Option<String>,
}

/// When several readers agree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// More of them say so than not.
    #[default]
    Majority,
    /// All of them say so.
    Unanimous,
}

impl Agreement {
    fn is_majority(&self) -> bool {
        *self == Agreement::Majority
    }
}

/// One number known of each case.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Letters, digits and `_`.
    pub name: String,
    /// UCUM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Measurements: gives `patient`, `time` and `value`; those up to the index time count. Or
    /// gives `case_id` and `value`, and `time` if it has one, for what is made of the case itself
    /// (the table `cases` can be used); a time after the index time is a leak.
    pub sql: String,
    /// Hours before the index time from which measurements count; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_hours: Option<f64>,
    /// Which of several measurements.
    #[serde(default)]
    pub take: Take,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Take {
    /// The newest; of several at one time their mean.
    #[default]
    Last,
    First,
    Min,
    Max,
    Mean,
    /// How many there are; 0 without any.
    Count,
    /// Newest less oldest.
    Change,
}

impl Take {
    /// SQL over the measurements `m(time, value)` of one case.
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Take::Last => "avg(value) FILTER (WHERE time = newest)",
            Take::First => "avg(value) FILTER (WHERE time = oldest)",
            Take::Min => "min(value)",
            Take::Max => "max(value)",
            Take::Mean => "avg(value)",
            Take::Count => "count(value)",
            Take::Change => {
                "avg(value) FILTER (WHERE time = newest) - avg(value) FILTER (WHERE time = oldest)"
            }
        }
    }
}
