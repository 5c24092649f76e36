//! How much of what tells who somebody is `kura_deid::text` finds in notes written without looking at its rules or at
//! the other evaluations, and by which no rule may be mended: who looks at the misses to change a rule needs new notes
//! afterwards (`tests/data/held_out_*.txt`).

use std::collections::BTreeMap;

use kura_deid::text::{Record, find, find_unknown};

use crate::text_score::{Score, dictionary};
use write::{Data, write};

mod names;
mod patterns;
mod write;

const JAPANESE: usize = 1500;
const ENGLISH: usize = 400;
const AGE_LIMIT: u32 = 90;

/// Where only what is known stays: a little under what was found when it was first counted.
const FLOOR: &[(&str, f64)] = &[
    ("address", 0.99),
    ("city alone", 0.99),
    ("hospital", 0.91),
    ("name with title", 0.99),
    ("name, English, no title", 0.97),
    ("name, nobody told", 0.99),
    ("name, told", 0.99),
];
/// The share of words that tell nobody and stay.
const LEAST_READABLE: f64 = 0.9;

/// Fewer of a kind tell nothing about it.
const FEWEST: usize = 40;

/// The same notes at every run (SplitMix64).
pub struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % most as u64) as usize
    }

    fn range(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// The lines under each title (`= title`).
fn lists(text: &'static str) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut lists = BTreeMap::<_, Vec<_>>::new();
    let mut title = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("= ") {
            Some(next) => title = next,
            None => lists.entry(title).or_default().push(line),
        }
    }
    lists
}

#[test]
fn counts_what_is_found_in_held_out_notes() {
    let Some(dictionary) = dictionary() else {
        return;
    };
    let data = Data::new();
    assert!(data.forms(false) >= 120 && data.forms(true) >= 50);
    let clean = lists(include_str!("../data/held_out_clean.txt"));
    let mut dice = Dice(0x4865_6C64_2026);
    let (mut score, mut strict) = (Score::default(), Score::default());
    for index in 0..JAPANESE + ENGLISH {
        let english = index >= JAPANESE;
        let passages = &clean[if english { "english" } else { "japanese" }];
        let note = write(&data, &mut dice, english, passages);
        assert!(
            !note.text.contains(['{', '}', '〔', '｜', '〕']),
            "{}",
            note.text
        );
        let found = find(&note.text, &[&note.record()], Some(&dictionary), AGE_LIMIT);
        let found: Vec<_> = found.into_iter().map(|found| found.range).collect();
        score.add(&note.text, &note.pieces, &note.neutral, &found);
        let found = find_unknown(&note.text, &[&note.record()], &dictionary, AGE_LIMIT);
        let found: Vec<_> = found.into_iter().map(|found| found.range).collect();
        strict.add(&note.text, &note.pieces, &note.neutral, &found);
    }
    let (mut passages, mut strict_passages) = (Score::default(), Score::default());
    for passage in clean.values().flatten() {
        let found = find(passage, &[&Record::new()], Some(&dictionary), AGE_LIMIT);
        let found: Vec<_> = found.into_iter().map(|found| found.range).collect();
        passages.add(passage, &[], &[], &found);
        let found = find_unknown(passage, &[&Record::new()], &dictionary, AGE_LIMIT);
        let found: Vec<_> = found.into_iter().map(|found| found.range).collect();
        strict_passages.add(passage, &[], &[], &found);
    }
    eprintln!("{}", score.report());
    eprintln!("in clean passages alone:\n{}", passages.report());
    eprintln!("STRICT\n{}", strict.report());
    eprintln!("rules, and only what is known:\n{}", score.table(&strict));
    eprintln!(
        "in clean passages alone:\n{}",
        passages.table(&strict_passages)
    );
    let kinds = strict.kinds();
    for (kind, least) in FLOOR {
        let (n, hit) = kinds[kind];
        assert!(hit as f64 >= least * n as f64, "{kind}: {hit} of {n}");
    }
    let (_, readable) = strict.readable();
    assert!(readable > LEAST_READABLE, "{readable:.3} of the words stay");
    for (kind, (n, _)) in score.kinds() {
        assert!(n >= FEWEST, "{kind}: {n}");
    }
}
