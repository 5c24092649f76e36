//! Names that nobody told, in kanji and kana: runs of letters that are likelier a name than words of
//! the language, by the letters, by the words, and by what stands beside them.

use std::cell::Cell;
use std::ops::Range;

use super::context::{self, LIKELY, SURE};
use super::letters::{hiragana, is_hiragana, is_kana, is_kanji, is_katakana, plain_forms};
use super::vocabulary::{Entry, NEVER, RUN_AT_MOST, Reading, Vocabulary};
use super::{Found, Kind, push};

/// Letters of a family's name and of a given one.
const FAMILY_AT_MOST: usize = 5;
const GIVEN_AT_MOST: usize = 5;
/// How rare names are among words.
const ALONE: f32 = -4.0;
/// A given name behind a family's is no surprise.
const WITH_GIVEN: f32 = 6.0;
/// What no unknown family's name begins with.
const PREFIXES: [char; 14] = [
    '当', '同', '他', '各', '本', '前', '両', '自', '現', '元', '副', '主', '全', '約',
];
/// What makes another word of a title before it: 事務所, 技師長.
const SUFFIXES: [char; 20] = [
    '所', '長', '会', '者', '室', '科', '席', '側', '中', '後', '前', '内', '外', '上', '下', '歴',
    '用', '部', '医', '時',
];
/// How much less likely a family is called by a word than the word is meant.
const ODD: f32 = 6.0;
/// How much likelier a name must be than a longer one with the same end.
const SHORTER: f32 = 6.0;
/// A noun glued to the name.
const GLUED: f32 = -3.0;

/// A run of kanji of the text.
#[derive(Default)]
struct Run {
    start: usize,
    /// Where each letter begins, and the end, counted from the start.
    bounds: Vec<usize>,
    reading: Reading,
    /// How much likelier what stands before each letter makes a name that begins with it, and what
    /// stands there one that ends before it; not a number while nobody asked.
    before: Vec<Cell<f32>>,
    behind: Vec<Cell<f32>>,
}

struct Best {
    range: Range<usize>,
    score: f32,
}

pub(super) fn find(vocabulary: &Vocabulary, text: &str, found: &mut Vec<Found>) {
    let text = &*plain_forms(text);
    let mut run = Run::default();
    let mut hits: Vec<Range<usize>> = Vec::new();
    // Runs since the last name, of which one may stand before it in a list.
    let mut passed: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(start) = next_run(text, at) {
        let end = run.read(text, start);
        at = end;
        run.weigh(vocabulary, text);
        let mut from = 0;
        let before = hits.len();
        while let Some(best) = run.best(vocabulary, text, from, &hits) {
            at = at.max(best.range.end);
            from = run
                .bounds
                .iter()
                .position(|bound| start + bound >= best.range.end)
                .unwrap_or(run.bounds.len());
            hits.push(best.range);
        }
        match hits.get(before).cloned() {
            None => passed.push(start..end),
            Some(name) => {
                listed_before(vocabulary, text, &passed, name, &mut hits);
                passed.clear();
            }
        }
    }
    for range in hits {
        push(found, range, Kind::Name);
    }
}

/// 巽、柘植の2名: what a list leads from to a name is one, too, if some family is called so.
fn listed_before(
    vocabulary: &Vocabulary,
    text: &str,
    passed: &[Range<usize>],
    name: Range<usize>,
    hits: &mut Vec<Range<usize>>,
) {
    let mut next = name.start;
    for one in passed.iter().rev() {
        let own = &text[one.clone()];
        let entry = vocabulary.get(own);
        let is_family = entry.family > NEVER && !entry.done && own.chars().count() <= 4;
        let apart = !text[..one.start].ends_with(|letter| is_kana(letter) || is_kanji(letter));
        if !is_family || !apart || !lists(&text[one.end..next]) || context::is_person(own) {
            break;
        }
        // Before the names of this run, which stand last.
        hits.insert(0, one.clone());
        next = one.start;
    }
}

fn next_run(text: &str, at: usize) -> Option<usize> {
    text[at..]
        .char_indices()
        .find(|(_, letter)| is_kanji(*letter))
        .map(|(start, _)| at + start)
}

/// Whether a letter belongs to a run of kanji: 一ノ瀬 is one.
fn belongs(text: &str, at: usize, letter: char) -> bool {
    is_kanji(letter)
        || (matches!(letter, 'ヶ' | 'ケ' | 'ノ' | 'ヵ')
            && text[at + letter.len_utf8()..].starts_with(is_kanji))
}

impl Run {
    fn read(&mut self, text: &str, start: usize) -> usize {
        self.start = start;
        self.bounds.clear();
        self.bounds.push(0);
        for (at, letter) in text[start..].char_indices().take(RUN_AT_MOST) {
            if !belongs(text, start + at, letter) {
                break;
            }
            self.bounds.push(at + letter.len_utf8());
        }
        start + self.bounds.last().copied().unwrap_or(0)
    }

    fn at(&self, index: usize) -> usize {
        self.start + self.bounds[index]
    }

    /// The likeliest name that begins at a letter of the run from `from` on.
    fn best(
        &self,
        vocabulary: &Vocabulary,
        text: &str,
        from: usize,
        hits: &[Range<usize>],
    ) -> Option<Best> {
        let letters = self.bounds.len() - 1;
        let mut best: Option<Best> = None;
        // Whether a title or a list may make a name of what is none by itself.
        let sure = text[self.at(letters)..].starts_with(is_space)
            || follows_a_name(text, self.start, hits)
            || (from + 1..=letters).any(|end| self.behind(text, self.at(end)) >= SURE);
        for first in from..letters {
            let after_time =
                (0..first.saturating_sub(1)).any(|time| self.reading.piece(time, first).time);
            for last in first + 1..=letters.min(first + FAMILY_AT_MOST) {
                let family = &text[self.at(first)..self.at(last)];
                let entry = self.reading.piece(first, last);
                let known = entry.family > NEVER;
                // 外科 当直: an ordinary word is no family's name because something stands behind it.
                let ordinary = entry.common && last - first > 1;
                let place = entry.place && !entry.common;
                let odd = !known && !place && (ordinary || !vocabulary.may_be_family(family));
                if odd && !(sure || self.before(text, first) >= SURE) {
                    continue;
                }
                let as_family = vocabulary.family(family, &entry);
                if as_family <= NEVER {
                    continue;
                }
                let one = Family {
                    run: self,
                    first,
                    last,
                    entry,
                    as_family,
                    odd,
                    after_time,
                };
                for found in [
                    one.alone(text, hits),
                    one.joined(vocabulary, text, hits),
                    one.with_kana(vocabulary, text, hits),
                    one.spaced(vocabulary, text, hits),
                ]
                .into_iter()
                .flatten()
                {
                    // 医長谷川: of two with one end the longer, unless it is far less likely.
                    let than = |best: &Best| match best.range.end == found.range.end {
                        true => best.score + SHORTER,
                        false => best.score,
                    };
                    if found.score > 0.0
                        && best.as_ref().is_none_or(|best| found.score > than(best))
                        && !context::cuts_a_title(text, found.range.clone())
                        && !context::ends_within_a_role(&text[..self.at(last)], last - first)
                    {
                        best = Some(found);
                    }
                }
            }
        }
        best
    }

    fn weigh(&mut self, vocabulary: &Vocabulary, text: &str) {
        let last = self.bounds.last().copied().unwrap_or(0);
        let own = &text[self.start..self.start + last];
        vocabulary.read(own, &self.bounds, &mut self.reading);
        for places in [&mut self.before, &mut self.behind] {
            places.clear();
            places.resize(self.bounds.len(), Cell::new(f32::NAN));
        }
    }

    fn as_words(&self, first: usize, last: usize) -> f32 {
        self.reading.as_words(first, last)
    }

    fn before(&self, text: &str, first: usize) -> f32 {
        let known = self.before[first].get();
        if !known.is_nan() {
            return known;
        }
        let found = context::before(&text[..self.at(first)]);
        self.before[first].set(found);
        found
    }

    /// Behind a place in the run or farther on.
    fn behind(&self, text: &str, end: usize) -> f32 {
        let index = self
            .bounds
            .iter()
            .position(|bound| self.start + bound == end);
        let place = index.map(|index| &self.behind[index]);
        if let Some(known) = place.map(Cell::get).filter(|known| !known.is_nan()) {
            return known;
        }
        let found = context::behind(&text[end..]);
        if let Some(place) = place {
            place.set(found);
        }
        found
    }
}

/// What may be a given name, with its likelihood as words.
struct Given {
    range: Range<usize>,
    words: f32,
    /// Behind a space.
    spaced: bool,
}

/// What may be a family's name: some letters of a run.
struct Family<'r> {
    run: &'r Run,
    first: usize,
    last: usize,
    entry: Entry,
    as_family: f32,
    /// A word of the language, or letters that no family's name has: one only where all else says so.
    odd: bool,
    /// 本日 stands before it in the run.
    after_time: bool,
}

impl Family<'_> {
    fn start(&self) -> usize {
        self.run.at(self.first)
    }

    fn ends_run(&self) -> bool {
        self.last + 1 == self.run.bounds.len()
    }

    fn letters(&self) -> usize {
        self.last - self.first
    }

    fn is_known(&self) -> bool {
        self.entry.family > NEVER
    }

    /// By what stands before the name and behind it; a noun of the run's own that is no title is
    /// no part of what names stand beside.
    fn beside(&self, text: &str, end: usize, hits: &[Range<usize>]) -> (f32, f32) {
        let mut before = self.run.before(text, self.first);
        if self.first > 0 && before < SURE {
            before = if self.after_time { 0.0 } else { GLUED };
        } else if before < SURE && follows_a_name(text, self.start(), hits) {
            before = SURE;
        }
        let mut behind = self.run.behind(text, end);
        if behind < SURE && text[end..].starts_with(is_kanji) {
            behind = GLUED;
        }
        (before, behind)
    }

    fn alone(&self, text: &str, hits: &[Range<usize>]) -> Option<Best> {
        if self.odd {
            return None;
        }
        let end = self.run.at(self.last);
        let own = &text[self.start()..end];
        let ordinary = self.entry.common && self.letters() > 1 && !self.is_known();
        if ordinary || self.letters() > 4 {
            return None;
        }
        if self.letters() == 1 && !self.is_known() {
            return None;
        }
        let as_words = self.words();
        let plain = self.as_family - as_words + ALONE;
        if plain + 2.0 * SURE < 0.0 {
            return None;
        }
        let (before, behind) = self.beside(text, end, hits);
        // Glued to words: 橋本病; but 産科芦田医師.
        let before_title = behind >= SURE && self.is_known() && self.letters() > 1;
        if before < 0.0 && !before_title || behind < 0.0 || !ends_well(&text[end..]) {
            return None;
        }
        if context::is_person(own) || context::is_title(own) || context::is_deed(own) {
            return None;
        }
        let known = self.is_known() && !self.entry.common && self.letters() > 1;
        let told = before + behind;
        let range = self.start()..end;
        let lone = match known && told < LIKELY {
            true if enclosed(text, &range) || after_colon(text, &range) => LIKELY,
            _ => told,
        };
        let glued = self.first > 0 && (!self.ends_run() || own.starts_with(SUFFIXES));
        if self.letters() == 1 && (lone <= LIKELY || glued) {
            return None;
        }
        // 当科, 同院: of a family that nobody knows.
        if !self.is_known() && (lone < LIKELY || lone < SURE && own.starts_with(PREFIXES)) {
            return None;
        }
        if lone < LIKELY && crate::japan::prefecture(own).is_some() {
            return None;
        }
        let score = plain + lone;
        // 東師長, 主治医 四方: a word, too, but in a name's place.
        let certain = self.is_known() || self.entry.place && !self.entry.common;
        let placed = lone >= SURE || lone >= LIKELY && self.is_known() && !self.entry.done;
        let score = if certain && placed {
            score.max(1.0)
        } else {
            score
        };
        Some(Best {
            range: self.start()..end,
            score,
        })
    }

    /// 下村裕美.
    fn joined(&self, vocabulary: &Vocabulary, text: &str, hits: &[Range<usize>]) -> Option<Best> {
        let run = self.run;
        let letters = run.bounds.len() - 1;
        let ends = self.last + 1..=letters.min(self.last + GIVEN_AT_MOST);
        let names = ends.filter_map(|end| {
            // 全身麻酔 is likelier as one run of words than in parts.
            let given = Given {
                range: run.at(self.last)..run.at(end),
                words: run.as_words(self.first, end) - self.words(),
                spaced: false,
            };
            let whole = vocabulary.get(&text[self.start()..given.range.end]).common;
            match whole {
                true => None,
                false => self.full(vocabulary, text, &given, hits),
            }
        });
        names.max_by(|a, b| a.score.total_cmp(&b.score))
    }

    /// 下村 裕美.
    fn spaced(&self, vocabulary: &Vocabulary, text: &str, hits: &[Range<usize>]) -> Option<Best> {
        let end = self.run.at(self.last);
        let space = text[end..]
            .chars()
            .next()
            .filter(|letter| is_space(*letter))?;
        let start = end + space.len_utf8();
        let mut second = Run::default();
        second.read(text, start);
        second.weigh(vocabulary, text);
        let letters = second.bounds.len() - 1;
        let names = (1..=letters.min(GIVEN_AT_MOST)).filter_map(|last| {
            let given = Given {
                range: start..second.at(last),
                words: second.as_words(0, last),
                spaced: true,
            };
            self.full(vocabulary, text, &given, hits)
        });
        names.max_by(|a, b| a.score.total_cmp(&b.score))
    }

    /// A family's name and a given one, if what is known of both and their place let them be.
    fn full(
        &self,
        vocabulary: &Vocabulary,
        text: &str,
        given: &Given,
        hits: &[Range<usize>],
    ) -> Option<Best> {
        let own = &text[given.range.clone()];
        let entry = vocabulary.get(own);
        let likely = vocabulary.given(own, &entry);
        if likely <= NEVER {
            return None;
        }
        let after = &text[given.range.end..];
        let letters = own.chars().count();
        let (family_known, given_known) = (self.is_known(), entry.given > NEVER);
        let as_family = match self.odd {
            true => self.as_family.max(self.words() - ODD),
            false => self.as_family,
        };
        let family = as_family - self.words() + ALONE;
        let plain = family + WITH_GIVEN + likely - given.words;
        if plain + 2.0 * SURE < 0.0 {
            return None;
        }
        let (before, behind) = self.beside(text, given.range.end, hits);
        let place = before.max(behind);
        let sure = place >= SURE;
        if plain + before + behind < 0.0 && place <= 0.0 {
            return None;
        }
        // Of two that nobody knows, or an odd one, the place must be sure.
        let strangers = !family_known && !given_known;
        if !sure && (strangers || self.odd) {
            return None;
        }
        // 説明医：東雲 蒼: behind a role two words of which the second may be given are a name.
        let in_place = given.spaced
            && before >= SURE
            && !self.entry.done
            && self.first == 0
            && vocabulary.seen_as_given(own)
            && !(entry.common && letters > 1);
        // Where something says that a name stands here, words and strange letters may be one.
        let ordinary = entry.common && letters > 1 && !given_known;
        let fits = match given.spaced {
            true => {
                behind >= 0.0
                    && ends_well(after)
                    && !(is_anothers(&entry, after) && before < SURE)
                    && (!ordinary || family_known && !entry.done && place >= LIKELY)
            }
            false => {
                let medicine = || {
                    EPONYM.iter().any(|word| own.starts_with(word)) && !given_known
                        || own.ends_with(['湯', '散', '丸', '飲', '膏'])
                };
                ((before >= 0.0 && behind >= 0.0) || family_known && given_known)
                    && (!ordinary || sure)
                    && (self.letters() + letters > 2 || sure || family_known)
                    && !medicine()
            }
        };
        let odd = self.odd
            && !in_place
            && !(given_known
                && self.first == 0
                && (given.spaced && !entry.common || letters > 1 && self.letters() > 1));
        let placed = match family_known {
            true => sure || place >= LIKELY && (given.spaced || letters == 1 && ends_well(after)),
            false => sure && letters == 1,
        };
        let plausible = || {
            given_known || placed || given.spaced && entry.common || vocabulary.may_be_given(own)
        };
        let title = || context::is_person(own) || context::is_title(own);
        if !fits || odd || !plausible() || title() {
            return None;
        }
        let score = plain + before + behind;
        // 菅原 快晴, 小松 暖: a word, too, but behind a family's name.
        let a_word = given.spaced
            && family_known
            && place > 0.0
            && !entry.done
            && (letters == 1 || ordinary || given_known);
        let score = match a_word {
            true => score.max(family + before + behind + 1.0).max(1.0),
            false if in_place => score.max(1.0),
            false => score,
        };
        Some(Best {
            range: self.start()..given.range.end,
            score,
        })
    }

    fn words(&self) -> f32 {
        self.run.as_words(self.first, self.last)
    }

    /// 富田りんたろう, 木下 のぞみ, 柳生タケ.
    fn with_kana(
        &self,
        vocabulary: &Vocabulary,
        text: &str,
        hits: &[Range<usize>],
    ) -> Option<Best> {
        if !self.ends_run() || self.odd {
            return None;
        }
        let end = self.run.at(self.last);
        let rest = &text[end..];
        let space = rest.chars().next().filter(|letter| is_space(*letter));
        let start = space.map_or(0, char::len_utf8);
        let first = rest[start..].chars().next()?;
        if !is_kana(first) {
            return None;
        }
        let same: fn(char) -> bool = if is_hiragana(first) {
            is_hiragana
        } else {
            is_katakana
        };
        let kana = rest[start..].split(|letter| !same(letter)).next()?;
        let plain = self.as_family - self.words() + ALONE;
        if plain + 2.0 * SURE < 0.0 {
            return None;
        }
        let (before, _) = self.beside(text, end, hits);
        let sure_place = before > 0.0 || space.is_some();
        let ends: Vec<usize> = kana
            .char_indices()
            .map(|(at, letter)| at + letter.len_utf8())
            .take(6)
            .collect();
        let mut best: Option<Best> = None;
        for (index, own_end) in ends.iter().enumerate().rev() {
            let letters = index + 1;
            let own = &kana[..*own_end];
            let after = &rest[start + own_end..];
            let known = vocabulary.given_sounds.contains(&*hiragana(own));
            let word = vocabulary.particles.contains(own)
                || vocabulary.kana_words.contains(own) && !(known && sure_place);
            // ひな乃: kana, and a letter.
            let letter = after
                .chars()
                .next()
                .filter(|letter| is_kanji(*letter))
                .map_or(0, char::len_utf8);
            let mixed = letter > 0
                && !context::is_title(&after[..letter])
                && letters <= 3
                && ends_well(&after[letter..])
                && !after[letter..].starts_with(is_kanji)
                && self.is_known()
                && sure_place;
            let own_end = &(own_end + if mixed { letter } else { 0 });
            if letters < 2 || word || !(mixed || ends_well(after)) {
                continue;
            }
            if context::cuts_a_title(text, self.start()..end + start + own_end) {
                continue;
            }
            // ほのかちゃん, ほのかが来院: of an unknown name the end must be told.
            let whole =
                *own_end >= kana.len() || letters <= 4 && told_end(&rest[start + own_end..]);
            let (before, behind) = self.beside(text, end + start + own_end, hits);
            let beside = before.max(0.0) + behind.max(0.0);
            let bonus = match (known, whole) {
                (true, _) if letters > 2 || space.is_some() => WITH_GIVEN + 2.0,
                (true, _) => 4.0,
                (false, true)
                    if self.is_known()
                        && (is_hiragana(first) || beside >= SURE)
                        && letters <= 5 =>
                {
                    1.0
                }
                _ => continue,
            };
            let sure = self.is_known() && (self.letters() > 1 || beside > 0.0) || beside >= SURE;
            if !sure || (before < 0.0 && beside < SURE) {
                continue;
            }
            let score = plain + bonus + before + behind;
            if best.as_ref().is_none_or(|best| score > best.score) {
                best = Some(Best {
                    range: self.start()..end + start + own_end,
                    score,
                });
            }
        }
        best
    }
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\u{3000}')
}

/// Whether a given name is rather a family's, with its own behind it: ベルデ南山　野口 キヨ.
fn is_anothers(given: &Entry, after: &str) -> bool {
    let mut letters = after.chars();
    given.family > given.given
        && letters.next().is_some_and(is_space)
        && letters
            .next()
            .is_some_and(|letter| is_kanji(letter) || is_kana(letter))
}

/// Whether a list goes on: behind another name, and 、 or ／ or a bracket between.
fn follows_a_name(text: &str, start: usize, hits: &[Range<usize>]) -> bool {
    hits.last()
        .is_some_and(|last| lists(text.get(last.end..start).unwrap_or_default()))
}

/// Whether what stands between two names makes a list of them.
fn lists(between: &str) -> bool {
    let mark = |letter| matches!(letter, '、' | ',' | '/' | '・' | '→' | '，' | '&');
    matches!(between, "と" | "および" | "及び" | "や")
        || between.len() <= 6
            && between
                .chars()
                .all(|letter| mark(letter) || is_space(letter))
            && between.chars().any(mark)
}

/// Whether a piece stands in brackets by itself, as who signs does.
fn enclosed(text: &str, name: &Range<usize>) -> bool {
    let opened = text[..name.start].ends_with(['(', '（', '[', '〔', '「', '/', '／']);
    opened && text[name.end..].starts_with([')', '）', ']', '〕', '」', '/', '／'])
}

/// Whether a piece is all that stands behind a colon.
fn after_colon(text: &str, name: &Range<usize>) -> bool {
    let after = &text[name.end..];
    text[..name.start].trim_end_matches(is_space).ends_with(':')
        && (after.is_empty() || after.starts_with([' ', '\u{3000}', '\n', '、', '。', ',', ')']))
}

/// Whether a title follows, or a particle and no more kana.
fn told_end(after: &str) -> bool {
    let particle = [
        "が", "は", "を", "に", "の", "と", "も", "へ", "から", "より",
    ];
    ["さん", "ちゃん", "くん", "さま"]
        .iter()
        .any(|title| after.starts_with(title))
        || particle.iter().any(|one| {
            after
                .strip_prefix(one)
                .is_some_and(|rest| !rest.starts_with(is_hiragana))
        })
}

/// Whether what follows can follow a name: kana only where they are a particle or a title.
fn ends_well(after: &str) -> bool {
    const KANA: [&str; 32] = [
        "は",
        "が",
        "を",
        "に",
        "の",
        "と",
        "も",
        "へ",
        "で",
        "や",
        "より",
        "から",
        "まで",
        "さん",
        "さま",
        "ちゃん",
        "くん",
        "か",
        "だ",
        "です",
        "ら",
        "ケアマネ",
        "ヘルパー",
        "ドクター",
        "ナース",
        "ワーカー",
        "ソーシャル",
        "レジデント",
        "ほか",
        "および",
        "及び",
        "たち",
    ];
    match after.chars().next() {
        Some(letter) if is_kana(letter) => KANA.iter().any(|kana| after.starts_with(kana)),
        _ => true,
    }
}

/// What follows a name that is part of a word of medicine: 橋本病, 川崎病, 吉田分類.
const EPONYM: [&str; 40] = [
    "ビネー",
    "製薬",
    "病",
    "症",
    "型",
    "法",
    "式",
    "線",
    "点",
    "体",
    "球",
    "菌",
    "腺",
    "筋",
    "管",
    "孔",
    "窩",
    "帯",
    "靱帯",
    "反射",
    "反応",
    "徴候",
    "分類",
    "基準",
    "試験",
    "テスト",
    "スコア",
    "スケール",
    "手術",
    "術",
    "染色",
    "培地",
    "骨折",
    "ヘルニア",
    "リンパ",
    "細胞",
    "麻痺",
    "指数",
    "係数",
    "奇形",
];
