//! Two languages.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The language of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    Ja,
    En,
}

impl Lang {
    /// The BCP 47 tag.
    pub fn tag(self) -> &'static str {
        self.pick("ja", "en")
    }

    pub(crate) fn pick<T>(self, ja: T, en: T) -> T {
        match self {
            Lang::Ja => ja,
            Lang::En => en,
        }
    }
}

/// A text of the protocol: one for both languages, or one for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    Same(String),
    Each(BothWords),
}

/// The two texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BothWords {
    pub ja: String,
    pub en: String,
}

impl Words {
    pub fn each(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Words::Each(BothWords {
            ja: ja.into(),
            en: en.into(),
        })
    }

    pub fn get(&self, lang: Lang) -> &str {
        match self {
            Words::Same(text) => text,
            Words::Each(both) => lang.pick(&both.ja, &both.en),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        [Lang::Ja, Lang::En]
            .into_iter()
            .any(|lang| self.get(lang).trim().is_empty())
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Words::Same(text.to_owned())
    }
}

impl fmt::Display for Words {
    /// English, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get(Lang::En))
    }
}
