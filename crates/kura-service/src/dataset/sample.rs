//! Texts of a set for a person to read, before and after: a sample that each text has the same chance to be in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use kura_model::{Error, Result};
use maud::{DOCTYPE, html};

use crate::bank::file_error;

/// Texts in the sample.
const TEXTS: usize = 200;
/// Letters of a text that are shown.
const LETTERS: usize = 4000;
const FILE: &str = "texts.html";

/// A text before and after.
type Pair = (String, String);

/// The texts whose hashes under a key of chance are smallest; the same text stands there once.
pub(super) struct Sample {
    key: [u8; 32],
    texts: RefCell<BTreeMap<[u8; 32], Pair>>,
}

impl Sample {
    pub(super) fn new() -> Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| {
            Error::internal("the system gives no random numbers").because(error)
        })?;
        Ok(Self {
            key,
            texts: RefCell::default(),
        })
    }

    pub(super) fn see(&self, before: &str, after: &str) {
        let hash = *blake3::keyed_hash(&self.key, before.as_bytes()).as_bytes();
        let mut texts = self.texts.borrow_mut();
        let full = texts.len() >= TEXTS;
        if full
            && texts
                .last_key_value()
                .is_some_and(|(last, _)| *last <= hash)
        {
            return;
        }
        let shown = |text: &str| text.chars().take(LETTERS).collect::<String>();
        texts.insert(hash, (shown(before), shown(after)));
        if texts.len() > TEXTS {
            texts.pop_last();
        }
    }

    /// Writes the page; whoever reads the folder sees what patients' records say.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let texts = self.texts.borrow();
        let page = html! {
            (DOCTYPE)
            html lang="ja" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width";
                    title { "Texts / 文章" }
                    style { "body{font:16px/1.6 sans-serif;margin:2em auto;max-width:80em;padding:0 1em}table{border-collapse:collapse;width:100%;table-layout:fixed}td,th{border:1px solid #999;padding:.5em;vertical-align:top;text-align:left;white-space:pre-wrap;overflow-wrap:anywhere}" }
                }
                body {
                    h1 { "加工前と加工後の文章 / Texts before and after" }
                    p { "この表は患者の記録をそのまま示す。データセットには含まれない。右の欄に、誰かを指す語が残っていないかを読む。" }
                    p { "This page shows patients' records as they are and is no part of the set. Read the right column: does anything there tell who somebody is?" }
                    table {
                        tr { th { "加工前 / Before" } th { "加工後 / After" } }
                        @for (before, after) in texts.values() { tr { td { (before) } td { (after) } } }
                    }
                }
            }
        };
        let path = folder.join(FILE);
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(page.into_string().as_bytes()))
            .map_err(|error| file_error(&path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_there_once_and_no_more_than_fit() {
        let sample = Sample::new().unwrap();
        for number in 0..1000 {
            sample.see(&format!("text {number}"), "[語]");
            sample.see(&format!("text {number}"), "[語]");
        }
        assert_eq!(sample.texts.borrow().len(), TEXTS);
        let other = Sample::new().unwrap();
        for number in (0..1000).rev() {
            other.see(&format!("text {number}"), "[語]");
        }
        let both = |pair: &&Pair| other.texts.borrow().values().any(|one| one == *pair);
        let shared = sample.texts.borrow().values().filter(both).count();
        assert!(shared > 0 && shared < TEXTS, "{shared}");
    }
}
