//! What the evaluations of `kura_deid::text` share: pieces of a note that tell who somebody is, and how many of them
//! were found.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use kura_deid::text::Dictionary;

/// What has to be found: its bytes in the note, and what it is.
pub struct Piece {
    pub range: Range<usize>,
    pub kind: &'static str,
    pub sub: String,
}

#[derive(Default)]
pub struct Score {
    counts: BTreeMap<(&'static str, String), (usize, usize)>,
    misses: BTreeMap<&'static str, Vec<String>>,
    clean: usize,
    false_positives: BTreeMap<String, usize>,
    beside: BTreeMap<String, usize>,
    /// Letters and words that tell nobody, and how many of them got a label.
    letters: (usize, usize),
    words: (usize, usize),
    lost: BTreeMap<String, usize>,
}

/// What makes one word: a run of letters of one script.
fn script(letter: char) -> u8 {
    match letter {
        'ぁ'..='ゖ' => 1,
        'ァ'..='ヺ' | 'ー' => 2,
        '0'..='9' | '０'..='９' => 3,
        _ if letter.is_ascii_alphabetic() => 4,
        _ if letter.is_alphanumeric() => 5,
        _ => 0,
    }
}

impl Score {
    /// Counts what was found in a text. Who masks the neutral ranges is neither right nor wrong.
    pub fn add(
        &mut self,
        text: &str,
        pieces: &[Piece],
        neutral: &[Range<usize>],
        found: &[Range<usize>],
    ) {
        let within = |ranges: &[Range<usize>], at: usize| ranges.iter().any(|r| r.contains(&at));
        for piece in pieces {
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
        let own: Vec<_> = pieces.iter().map(|p| p.range.clone()).collect();
        self.cost(text, found, |at| within(&own, at) || within(neutral, at));
        self.clean += text
            .char_indices()
            .filter(|(at, _)| !within(&own, *at) && !within(neutral, *at))
            .count();
        for range in found {
            let touches = pieces
                .iter()
                .any(|p| p.range.start < range.end && range.start < p.range.end);
            let outside: String = text[range.clone()]
                .char_indices()
                .map(|(at, c)| (at + range.start, c))
                .filter(|(at, c)| {
                    c.is_alphanumeric() && !within(&own, *at) && !within(neutral, *at)
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
                text[range.clone()].into()
            };
            *list.entry(key.replace('\n', "⏎")).or_default() += 1;
        }
    }

    /// What of the rest of a text got a label.
    fn cost(&mut self, text: &str, found: &[Range<usize>], told: impl Fn(usize) -> bool) {
        let rest: Vec<_> = text
            .char_indices()
            .filter(|(at, letter)| letter.is_alphanumeric() && !told(*at))
            .collect();
        let next_to = |a: &(usize, char), b: &(usize, char)| {
            a.0 + a.1.len_utf8() == b.0 && script(a.1) == script(b.1)
        };
        for word in rest.chunk_by(next_to) {
            let hidden = |at: usize| found.iter().any(|range| range.contains(&at));
            let lost = word.iter().filter(|(at, _)| hidden(*at)).count();
            self.letters.0 += word.len();
            self.letters.1 += lost;
            self.words.0 += 1;
            self.words.1 += usize::from(lost > 0);
            if lost > 0 {
                let word: String = word.iter().map(|(_, letter)| letter).collect();
                *self.lost.entry(word).or_default() += 1;
            }
        }
    }

    /// Of 1,000 letters that tell nobody those that got a label, and the share of such words that stay whole.
    pub fn readable(&self) -> (f64, f64) {
        let share = |(all, lost): (usize, usize)| lost as f64 / all as f64;
        (share(self.letters) * 1000.0, 1.0 - share(self.words))
    }

    /// Beside another score of the same notes, kind by kind.
    pub fn table(&self, other: &Score) -> String {
        let mut out = String::new();
        let others = other.kinds();
        for (kind, (n, hit)) in self.kinds() {
            let percent = |hit: usize| hit as f64 * 100.0 / n as f64;
            let (own, other) = (percent(hit), percent(others[kind].1));
            writeln!(out, "{kind:<36} {n:>6} {own:>7.1} % {other:>7.1} %").unwrap();
        }
        for score in [self, other] {
            let (letters, words) = score.readable();
            writeln!(
                out,
                "harmless letters with a label, of 1,000: {letters:.1}; harmless words that stay: {:.1} %",
                words * 100.0
            )
            .unwrap();
        }
        out
    }

    pub fn false_rate(&self) -> f64 {
        self.false_positives.values().sum::<usize>() as f64 * 1000.0 / self.clean as f64
    }

    pub fn kinds(&self) -> BTreeMap<&'static str, (usize, usize)> {
        let mut kinds = BTreeMap::<_, (usize, usize)>::new();
        for ((kind, _), (n, hit)) in &self.counts {
            let sum = kinds.entry(*kind).or_default();
            sum.0 += n;
            sum.1 += hit;
        }
        kinds
    }

    pub fn report(&self) -> String {
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
        let mut lost: Vec<_> = self.lost.iter().collect();
        lost.sort_by_key(|(word, n)| (std::cmp::Reverse(**n), *word));
        for (word, n) in lost.iter().take(80) {
            writeln!(out, "    lost {n} × ⟦{word}⟧").unwrap();
        }
        for (kind, misses) in &self.misses {
            writeln!(out, "missed, {kind}: {}", misses.len()).unwrap();
            for miss in misses.iter().take(120) {
                writeln!(out, "    {miss}").unwrap();
            }
        }
        out
    }
}

/// IPADIC, or nothing where it is not installed.
pub fn dictionary() -> Option<Dictionary> {
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
