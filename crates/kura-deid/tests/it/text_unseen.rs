//! How much of what tells who somebody is `kura_deid::text` finds in notes that were first written without looking at
//! its rules: names, formats and sentences of its own (`tests/data/unseen_*.txt`), drawn with a fixed seed. What a rule
//! misses here is to be mended by a better rule, never by adding the miss to a list.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use kura_deid::text::{Dictionary, find};

use notes::{Note, Random, sections, write_note};

mod notes;
mod scripts;

const JAPANESE: usize = 1600;
const ENGLISH: usize = 360;
const AGE_LIMIT: u32 = 90;

/// The least share that must be found of each kind: the goal where it is reached, else a little less than what is
/// found since the rules were mended by what they had missed here. The first score, before, is in
/// docs/deidentification.md; these notes are seen by now. A kind in parentheses had no goal of its own.
const LEAST: &[(&str, f64)] = &[
    ("(city alone)", 1.0),
    ("(family alone, nobody told)", 0.97),
    ("(foreign name in katakana)", 1.0),
    ("(kana name, nobody told)", 1.0),
    ("(record number, not told)", 1.0),
    ("address", 1.0),
    ("address, English", 1.0),
    ("age", 1.0),
    ("date", 1.0),
    ("hospital", 0.99),
    ("hospital, English", 0.99),
    ("mail", 1.0),
    ("name with title", 0.99),
    ("name, English, no title", 1.0),
    ("name, English, title", 1.0),
    ("name, nobody told", 0.98),
    ("name, told", 1.0),
    ("number", 1.0),
    ("phone", 1.0),
    ("record number, told", 1.0),
    ("url", 1.0),
];

/// The most false positives in 1,000 characters of clean text.
const MOST_FALSE: f64 = 1.0;

#[derive(Default)]
struct Score {
    counts: BTreeMap<(&'static str, String), (usize, usize)>,
    misses: BTreeMap<&'static str, Vec<String>>,
    clean: usize,
    false_positives: BTreeMap<String, usize>,
    beside: BTreeMap<String, usize>,
}

impl Score {
    fn add(&mut self, note: &Note, found: &[Range<usize>]) {
        let text = &note.text;
        let within = |ranges: &[Range<usize>], at: usize| ranges.iter().any(|r| r.contains(&at));
        for piece in &note.pieces {
            let lost = text[piece.range.clone()]
                .char_indices()
                .any(|(at, c)| c.is_alphanumeric() && !within(found, piece.range.start + at));
            let count = self
                .counts
                .entry((piece.kind, piece.sub.clone()))
                .or_default();
            count.0 += 1;
            if lost {
                let before: String = text[..piece.range.start].chars().rev().take(14).collect();
                let before: String = before.chars().rev().collect();
                let after: String = text[piece.range.end..].chars().take(12).collect();
                let left: String = text[piece.range.clone()]
                    .char_indices()
                    .map(|(at, c)| {
                        if within(found, piece.range.start + at) {
                            '*'
                        } else {
                            c
                        }
                    })
                    .collect();
                let line = format!(
                    "[{}] {before}⟦{}⟧{after} → {left}",
                    piece.sub,
                    &text[piece.range.clone()]
                );
                self.misses
                    .entry(piece.kind)
                    .or_default()
                    .push(line.replace('\n', "⏎"));
            } else {
                count.1 += 1;
            }
        }
        let own: Vec<_> = note.pieces.iter().map(|p| p.range.clone()).collect();
        self.clean += text
            .char_indices()
            .filter(|(at, _)| !within(&own, *at) && !within(&note.neutral, *at))
            .count();
        for range in found {
            let touches = note
                .pieces
                .iter()
                .any(|p| p.range.start < range.end && range.start < p.range.end);
            let outside: String = text[range.clone()]
                .char_indices()
                .map(|(at, c)| (at + range.start, c))
                .filter(|(at, c)| {
                    c.is_alphanumeric() && !within(&own, *at) && !within(&note.neutral, *at)
                })
                .map(|(_, c)| c)
                .collect();
            if outside.is_empty() {
                continue;
            }
            let list = if touches {
                &mut self.beside
            } else {
                &mut self.false_positives
            };
            let key = if touches {
                format!("{outside} ({})", &text[range.clone()])
            } else {
                let before = text[..range.start].chars().rev().take(4);
                let before: String = before.collect::<Vec<_>>().into_iter().rev().collect();
                let after: String = text[range.end..].chars().take(4).collect();
                format!("{before}⟦{}⟧{after}", &text[range.clone()])
            };
            *list.entry(key.replace('\n', "⏎")).or_default() += 1;
        }
    }

    fn false_rate(&self) -> f64 {
        self.false_positives.values().sum::<usize>() as f64 * 1000.0 / self.clean as f64
    }

    fn kinds(&self) -> BTreeMap<&'static str, (usize, usize)> {
        let mut kinds = BTreeMap::<_, (usize, usize)>::new();
        for ((kind, _), (n, hit)) in &self.counts {
            let sum = kinds.entry(*kind).or_default();
            sum.0 += n;
            sum.1 += hit;
        }
        kinds
    }

    fn report(&self) -> String {
        let mut out = String::new();
        for (kind, (n, hit)) in self.kinds() {
            writeln!(out, "{kind}: {hit} of {n}, {:.4}", hit as f64 / n as f64).unwrap();
            for ((of, sub), (n, hit)) in &self.counts {
                if *of == kind && !sub.is_empty() {
                    writeln!(
                        out,
                        "    {sub}: {hit} of {n}, {:.3}",
                        *hit as f64 / *n as f64
                    )
                    .unwrap();
                }
            }
        }
        for (title, list) in [
            ("false positives", &self.false_positives),
            ("over-masked beside", &self.beside),
        ] {
            let sum: usize = list.values().sum();
            writeln!(out, "{title}: {sum} in {} clean characters", self.clean).unwrap();
            let mut list: Vec<_> = list.iter().collect();
            list.sort_by_key(|(text, n)| (std::cmp::Reverse(**n), *text));
            for (text, n) in list.iter().take(60) {
                writeln!(out, "    {n} × {text}").unwrap();
            }
        }
        writeln!(
            out,
            "false positives in 1,000 characters: {:.3}",
            self.false_rate()
        )
        .unwrap();
        for (kind, misses) in &self.misses {
            writeln!(out, "missed, {kind}: {}", misses.len()).unwrap();
            for miss in misses.iter().take(120) {
                writeln!(out, "    {miss}").unwrap();
            }
        }
        out
    }
}

fn dictionary() -> Option<Dictionary> {
    let folder = Path::new("/usr/share/mecab/dic/ipadic");
    if !folder.is_dir() {
        assert!(
            std::env::var_os("KURA_TEST_TOOLS").is_none(),
            "no dictionary in {}",
            folder.display()
        );
        eprintln!("SKIPPED: no dictionary in {}", folder.display());
        return None;
    }
    let files = std::fs::read_dir(folder).unwrap().filter_map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name.ends_with(".csv") || name.ends_with(".def"))
            .then(|| (name, std::fs::read(entry.path()).unwrap()))
    });
    Some(Dictionary::of_source(files).unwrap())
}

#[test]
fn finds_what_it_never_saw() {
    let Some(dictionary) = dictionary() else {
        return;
    };
    let sections = sections();
    let mut random = Random(0x6B75_7261_2026);
    let mut score = Score::default();
    for index in 0..JAPANESE + ENGLISH {
        let note = write_note(&mut random, &sections, index < JAPANESE);
        let record = note.record();
        let found = find(&note.text, &[&record], Some(&dictionary), AGE_LIMIT);
        let found: Vec<_> = found.into_iter().map(|found| found.range).collect();
        score.add(&note, &found);
    }
    eprintln!("{}", score.report());
    let kinds = score.kinds();
    for (kind, least) in LEAST {
        let (n, hit) = kinds[kind];
        assert!(
            hit as f64 >= least * n as f64,
            "{kind}: {hit} of {n} found, at least {least} must be"
        );
    }
    assert!(
        score.false_rate() < MOST_FALSE,
        "{:.3} false positives in 1,000 characters",
        score.false_rate()
    );
}
