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
