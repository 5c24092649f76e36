//! Notes made by dice of forms and lists that were written without looking at the rules of `kura_deid::text`, and how
//! much of what tells who somebody is is found in them. By what is missed no rule may be mended: who looks at the misses
//! to change a rule needs new notes afterwards.

use std::collections::BTreeMap;

use jiff::civil::Date;
use kura_deid::text::{Record, find, find_unknown};

use crate::text_score::{Score, dictionary};
use patterns::Written;
use write::{Data, Note, write};

pub mod names;
pub mod patterns;
pub mod write;

const JAPANESE: usize = 1500;
const ENGLISH: usize = 400;
const AGE_LIMIT: u32 = 90;

/// Fewer of a kind tell nothing about it.
const FEWEST: usize = 40;

/// What notes are made of: the forms, what fills them, and passages that tell nobody.
pub struct Set {
    pub seed: u64,
    pub style: Style,
    pub names: &'static str,
    pub places: &'static str,
    pub japanese: &'static str,
    pub english: &'static str,
    pub clean: &'static str,
}

/// How notes write numbers of records, dates and ages.
#[derive(Clone, Copy)]
pub struct Style {
    pub number: fn(&mut Dice) -> String,
    /// The number that is told, as it may be typed.
    pub told: fn(&str, bool, &mut Dice) -> (String, &'static str),
    /// By the name of the slot.
    pub date: fn(&str, bool, Date, &mut Dice) -> Written,
    /// By the rest of the slot's name.
    pub age: fn(&str, usize, bool, &mut Dice) -> Age,
    /// The first age that has to be found, and the highest there is.
    pub oldest: (usize, usize),
    /// Whether an age below may get no label.
    pub young_are_clean: bool,
}

/// An age: what has to be found, what stands around it, and how it is written.
pub struct Age {
    before: &'static str,
    number: String,
    after: &'static str,
    sort: &'static str,
}

impl Age {
    pub fn new(
        before: &'static str,
        number: impl Into<String>,
        after: &'static str,
        sort: &'static str,
    ) -> Self {
        Self {
            before,
            number: number.into(),
            after,
            sort,
        }
    }
}

/// The same notes at every run (SplitMix64).
pub struct Dice(u64);

impl Dice {
    pub fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % most as u64) as usize
    }

    pub fn range(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// The lines under each title (`= title`).
pub fn lists(text: &'static str) -> BTreeMap<&'static str, Vec<&'static str>> {
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

impl Set {
    fn notes(&self) -> Vec<Note> {
        let data = Data::new(self);
        assert!(data.forms(false) >= 120 && data.forms(true) >= 50);
        let clean = lists(self.clean);
        let mut dice = Dice(self.seed);
        let mut note = |english: bool| {
            let passages = &clean[if english { "english" } else { "japanese" }];
            let note = write(&data, &mut dice, english, passages);
            let left = note.text.contains(['{', '}', '〔', '｜', '〕']);
            assert!(!left, "{}", note.text);
            note
        };
        (0..JAPANESE + ENGLISH)
            .map(|index| note(index >= JAPANESE))
            .collect()
    }

    /// Prints what is found by rules, and where only what is known stays; gives the latter. Nothing where no dictionary is
    /// installed.
    pub fn count(&self) -> Option<Score> {
        let dictionary = dictionary()?;
        let ranges = |text: &str, record: &Record| -> [Vec<_>; 2] {
            [
                find(text, &[record], Some(&dictionary), AGE_LIMIT),
                find_unknown(text, &[record], &dictionary, AGE_LIMIT),
            ]
            .map(|found| found.into_iter().map(|found| found.range).collect())
        };
        let (mut score, mut strict) = (Score::default(), Score::default());
        for note in self.notes() {
            let [found, unknown] = ranges(&note.text, &note.record());
            score.add(&note.text, &note.pieces, &note.neutral, &found);
            strict.add(&note.text, &note.pieces, &note.neutral, &unknown);
        }
        let (mut passages, mut strict_passages) = (Score::default(), Score::default());
        for passage in lists(self.clean).values().flatten() {
            let [found, unknown] = ranges(passage, &Record::new());
            passages.add(passage, &[], &[], &found);
            strict_passages.add(passage, &[], &[], &unknown);
        }
        eprintln!("{}", score.report());
        eprintln!("in clean passages alone:\n{}", passages.report());
        eprintln!("only what is known:\n{}", strict.report());
        eprintln!("rules, and only what is known:\n{}", score.table(&strict));
        eprintln!(
            "in clean passages alone:\n{}{}",
            passages.table(&strict_passages),
            strict_passages.report()
        );
        for (kind, (n, _)) in score.kinds() {
            assert!(n >= FEWEST, "{kind}: {n}");
        }
        Some(strict)
    }
}

/// Panics where less of a kind was found.
pub fn holds(score: &Score, floor: &[(&str, f64)]) {
    let kinds = score.kinds();
    for (kind, least) in floor {
        let (n, hit) = kinds[kind];
        assert!(hit as f64 >= least * n as f64, "{kind}: {hit} of {n}");
    }
}
