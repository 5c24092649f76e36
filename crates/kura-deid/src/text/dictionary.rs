//! The dictionary that names nobody told are judged by: MeCab's IPADIC, of which only the words are
//! read, with how likely each is.

use encoding_rs::EUC_JP;

use super::known::{self, Words};
use super::vocabulary::Vocabulary;
use super::{Found, names};
use std::ops::Range;

/// A dictionary, ready to find names by.
pub struct Dictionary {
    vocabulary: Vocabulary,
    known: Words,
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dictionary")
    }
}

/// What is no dictionary.
#[derive(Debug, thiserror::Error)]
#[error("the dictionary cannot be read: {0}")]
pub struct DictionaryError(String);

impl Dictionary {
    /// From the files of IPADIC's source, each with its name (`Noun.csv`, `Verb.csv`, …; those that
    /// hold no words are passed over), in EUC-JP as it comes or in UTF-8.
    ///
    /// # Errors
    /// Files without names of persons.
    pub fn of_source(
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, DictionaryError> {
        let (mut vocabulary, mut known) = (Vocabulary::default(), Words::default());
        for (_, bytes) in files.into_iter().filter(|(name, _)| name.ends_with(".csv")) {
            let text = match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(other) => EUC_JP.decode(other.as_bytes()).0.into_owned(),
            };
            for line in text.lines() {
                vocabulary.add(line);
                known.add(line);
            }
        }
        vocabulary.settle();
        if vocabulary.is_empty() {
            return Err(DictionaryError("it has no names of persons".to_owned()));
        }
        known.settle(&vocabulary);
        Ok(Self { vocabulary, known })
    }

    /// Words that stay where only what is known stays, whatever else they may be: the names of medicines, diagnoses
    /// and tests of published code systems. A name is cut where its script changes; pieces of one kanji or of two
    /// letters of katakana are passed over, as are those that are somebody's name by the dictionary.
    pub fn know<'w>(&mut self, words: impl IntoIterator<Item = &'w str>) {
        for word in words {
            self.known.know(word, &self.vocabulary);
        }
    }

    pub(super) fn words(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// What is not known of a text whose letters are narrow, beside what was found.
    pub(super) fn find_unknown(&self, text: &str, found: &[Range<usize>]) -> Vec<Range<usize>> {
        known::find(&self.known, &self.vocabulary, text, found)
    }

    /// Names in a text whose letters are narrow.
    pub(super) fn find(&self, text: &str, found: &mut Vec<Found>) {
        names::find(&self.vocabulary, text, found);
    }
}
