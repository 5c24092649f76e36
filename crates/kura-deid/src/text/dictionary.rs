//! The dictionary that names nobody told are judged by: MeCab's IPADIC, of which only the words are
//! read, with how likely each is.

use encoding_rs::EUC_JP;

use super::vocabulary::Vocabulary;
use super::{Found, names};

/// A dictionary, ready to find names by.
pub struct Dictionary {
    vocabulary: Vocabulary,
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
        let mut vocabulary = Vocabulary::default();
        for (_, bytes) in files.into_iter().filter(|(name, _)| name.ends_with(".csv")) {
            let text = match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(other) => EUC_JP.decode(other.as_bytes()).0.into_owned(),
            };
            text.lines().for_each(|line| vocabulary.add(line));
        }
        vocabulary.settle();
        if vocabulary.is_empty() {
            return Err(DictionaryError("it has no names of persons".to_owned()));
        }
        Ok(Self { vocabulary })
    }

    pub(super) fn words(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Names in a text whose letters are narrow.
    pub(super) fn find(&self, text: &str, found: &mut Vec<Found>) {
        names::find(&self.vocabulary, text, found);
    }
}
