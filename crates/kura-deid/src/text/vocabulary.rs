//! How likely a run of kanji is a family's name, somebody's given name, or words of the language:
//! counted from a dictionary, so that names it does not have are judged by the letters they are made of.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::letters::{hiragana, is_kana, is_kanji};

/// What the dictionary says of one way of writing. Likelihoods are logarithms; none is `NEVER`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// As a noun, an affix, a stem of a verb, a place, a company.
    pub word: f32,
    pub family: f32,
    pub given: f32,
    /// A word that names nothing in particular: no place, no company.
    pub common: bool,
    /// Something that is done, or a time: 確認, 本日.
    pub done: bool,
    /// 本日, 午後.
    pub time: bool,
    pub place: bool,
    /// A place or an organisation.
    pub proper: bool,
}

pub(super) const NEVER: f32 = -1e9;

impl Entry {
    fn as_word(&self, letters: usize) -> f32 {
        match letters {
            1 => self.word.max(STRANGE) - 1.0,
            // Towns and companies are rare in clinics.
            _ if !self.common => self.word - 4.0,
            _ => self.word,
        }
    }
}

const EMPTY: Entry = Entry {
    word: NEVER,
    family: NEVER,
    given: NEVER,
    common: false,
    done: false,
    time: false,
    place: false,
    proper: false,
};

/// A hash of a few letters; nobody from outside chooses the keys.
#[derive(Default)]
pub(super) struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut eight = [0; 8];
            eight[..part.len()].copy_from_slice(part);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(eight))
                .wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    /// The end of a text, of which there is one.
    fn write_u8(&mut self, _: u8) {}

    fn write_u32(&mut self, letter: u32) {
        self.0 = (u64::from(letter) + 1).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn finish(&self) -> u64 {
        // The table asks for the upper bits, too.
        self.0 ^ (self.0 >> 32)
    }
}

pub(super) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;
pub(super) type QuickSet<K> = HashSet<K, BuildHasherDefault<Quick>>;

/// How often a letter begins a name, and stands later in one; then the logarithms of it.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    first: f32,
    later: f32,
    likely: [f32; 2],
}

#[derive(Default)]
struct Letters {
    of: QuickMap<char, Places>,
    firsts: f32,
    laters: f32,
    never: [f32; 2],
}

impl Letters {
    fn count(&mut self, name: &str) {
        for (place, letter) in name.chars().enumerate() {
            let counts = self.of.entry(letter).or_default();
            if place == 0 {
                counts.first += 1.0;
                self.firsts += 1.0;
            } else {
                counts.later += 1.0;
                self.laters += 1.0;
            }
        }
    }

    fn seen(&self, name: &str, common: Option<&QuickMap<char, u32>>) -> bool {
        name.chars().enumerate().all(|(place, letter)| {
            let counts = self.of.get(&letter).copied().unwrap_or_default();
            let often = if place == 0 {
                counts.first
            } else {
                counts.later
            };
            let rare =
                |common: &QuickMap<char, u32>| common.get(&letter).is_none_or(|words| *words <= 3);
            often > 0.0 || common.is_some_and(rare)
        })
    }

    fn settle(&mut self) {
        let likely = |count: f32, all: f32| ((count + 0.3) / (all + 1000.0)).ln();
        self.never = [likely(0.0, self.firsts), likely(0.0, self.laters)];
        for counts in self.of.values_mut() {
            counts.likely = [
                likely(counts.first, self.firsts),
                likely(counts.later, self.laters),
            ];
        }
    }

    /// Of a name that no dictionary has.
    fn of_name(&self, name: &str) -> f32 {
        name.chars()
            .enumerate()
            .map(|(place, letter)| {
                let later = usize::from(place > 0);
                self.of
                    .get(&letter)
                    .map_or(self.never[later], |counts| counts.likely[later])
            })
            .sum()
    }
}

#[derive(Default)]
pub(super) struct Vocabulary {
    entries: QuickMap<Box<str>, Entry>,
    families: Letters,
    givens: Letters,
    /// How names sound, in hiragana.
    pub family_sounds: QuickSet<Box<str>>,
    pub given_sounds: QuickSet<Box<str>>,
    /// Towns that are written in kana: つくば.
    pub kana_places: QuickSet<Box<str>>,
    /// How often common words have a letter.
    common: QuickMap<char, u32>,
    /// Words in kana that are no name: those that nothing makes one (particles, short verbs), others.
    pub particles: QuickSet<Box<str>>,
    pub kana_words: QuickSet<Box<str>>,
}

/// IPADIC's costs are logarithms times about this.
const COST: f32 = 700.0;
/// Longest run of kanji that is read at once.
pub(super) const RUN_AT_MOST: usize = 16;
/// Letters of the longest word that is looked for.
pub(super) const LONGEST: usize = 7;
/// Verbs that stand where a name may.
const PLAIN_VERBS: [&str; 14] = [
    "ある",
    "いる",
    "する",
    "なる",
    "みる",
    "いう",
    "ない",
    "よい",
    "いい",
    "くる",
    "いく",
    "おる",
    "できる",
    "やる",
];
/// A letter that is no word by itself.
const STRANGE: f32 = -13.0;

impl Vocabulary {
    /// A line of the dictionary's source: surface, two contexts, cost, parts of speech, base, reading.
    pub fn add(&mut self, line: &str) {
        let mut fields = line.split(',');
        let (Some(surface), Some(cost)) = (fields.next(), fields.nth(2)) else {
            return;
        };
        let cost: f32 = cost.parse().unwrap_or(9000.0);
        let part = fields.next().unwrap_or_default();
        let kind = fields.next().unwrap_or_default();
        let (of, which) = (
            fields.next().unwrap_or_default(),
            fields.next().unwrap_or_default(),
        );
        let base = fields.nth(2).unwrap_or_default();
        let read = fields.next().unwrap_or_default();
        if surface.is_empty() {
            return;
        }
        if surface.chars().all(is_kana) {
            let short = surface.chars().count() <= 2;
            let verb = matches!(part, "動詞" | "形容詞");
            let noun = part == "名詞" && !matches!(kind, "非自立" | "代名詞");
            if !noun && (!verb || short || kind == "非自立") {
                let fixed = matches!(part, "助詞" | "助動詞")
                    || kind == "非自立"
                    || PLAIN_VERBS.contains(&base);
                let words = if fixed {
                    &mut self.particles
                } else {
                    &mut self.kana_words
                };
                words.insert(surface.into());
            }
            if (kind, of) == ("固有名詞", "地域") {
                self.kana_places.insert(surface.into());
            }
            if (kind, of) == ("固有名詞", "人名") {
                let known = match which {
                    "姓" => &mut self.family_sounds,
                    _ => &mut self.given_sounds,
                };
                known.insert(hiragana(surface).into());
            }
            return;
        }
        if matches!(part, "動詞" | "形容詞") {
            // 行 of 行い: a run of kanji ends with the stem.
            let stem: String = surface
                .chars()
                .take_while(|letter| is_kanji(*letter))
                .collect();
            if !stem.is_empty() {
                let entry = self.entry(&stem);
                entry.word = entry.word.max(-8.0);
                entry.common = true;
            }
            return;
        }
        if !surface.chars().all(is_name_letter) {
            return;
        }
        let likely = -cost / COST;
        if (kind, of) == ("固有名詞", "人名") {
            let (letters, sounds, given) = match which {
                "姓" => (&mut self.families, &mut self.family_sounds, false),
                "名" => (&mut self.givens, &mut self.given_sounds, true),
                _ => return,
            };
            letters.count(surface);
            sounds.insert(hiragana(read).into());
            let entry = self.entry(surface);
            match given {
                true => entry.given = entry.given.max(likely.max(-13.0)),
                false => entry.family = entry.family.max(likely.max(-13.0)),
            }
            return;
        }
        let entry = self.entry(surface);
        let affix = part == "接頭詞" || kind == "接尾";
        entry.word = entry
            .word
            .max(if affix { likely.max(-7.5) } else { likely });
        entry.place |= of == "地域";
        entry.proper |= kind == "固有名詞";
        if kind != "固有名詞" {
            entry.common = true;
            for letter in surface.chars() {
                *self.common.entry(letter).or_default() += 1;
            }
            let entry = self.entry(surface);
            entry.time |= kind == "副詞可能";
            entry.done |= surface.chars().count() > 1
                && (matches!(kind, "サ変接続" | "副詞可能" | "形容動詞語幹") || part == "副詞");
        }
    }

    fn entry(&mut self, surface: &str) -> &mut Entry {
        self.entries.entry(surface.into()).or_insert(EMPTY)
    }

    /// When all lines are read.
    pub fn settle(&mut self) {
        self.families.settle();
        self.givens.settle();
    }

    pub fn is_empty(&self) -> bool {
        self.families.of.is_empty() || self.givens.of.is_empty()
    }

    pub fn get(&self, surface: &str) -> Entry {
        self.entries.get(surface).copied().unwrap_or(EMPTY)
    }

    /// Of a run as a family's name, known or not.
    pub fn family(&self, name: &str, entry: &Entry) -> f32 {
        let unknown = match name.chars().count() {
            1 => -4.0,
            2 => -2.0,
            3 => -3.0,
            4 => -5.0,
            _ => return entry.family,
        };
        // 我那覇: a town that no list of families has may be one's name.
        let town = if entry.place && !entry.common {
            -14.0
        } else {
            NEVER
        };
        entry
            .family
            .max(town)
            .max(unknown + self.families.of_name(name))
    }

    /// Of a run as a given name, known or not.
    pub fn given(&self, name: &str, entry: &Entry) -> f32 {
        let unknown = match name.chars().count() {
            1 => -3.5,
            2 => -2.0,
            3 => -3.0,
            _ => return entry.given,
        };
        entry.given.max(unknown + self.givens.of_name(name))
    }

    /// Whether each letter of a name that no dictionary has stands so in some other name, or in hardly
    /// any word.
    pub fn may_be_given(&self, name: &str) -> bool {
        self.givens.seen(name, Some(&self.common))
    }

    /// Whether each letter of it stands so in some given name.
    pub fn seen_as_given(&self, name: &str) -> bool {
        self.givens.seen(name, None)
    }

    pub fn may_be_family(&self, name: &str) -> bool {
        self.families.seen(name, Some(&self.common))
    }

    /// What the dictionary says of each piece of a run, and the likelihood of its parts as words.
    pub fn read(&self, run: &str, bounds: &[usize], out: &mut Reading) {
        let letters = bounds.len() - 1;
        out.pieces.clear();
        out.pieces.resize(letters * LONGEST, EMPTY);
        out.words.clear();
        out.words.resize(letters + 1, NEVER);
        out.words[0] = 0.0;
        out.rest.clear();
        out.rest.resize(letters + 1, NEVER);
        out.rest[letters] = 0.0;
        for start in 0..letters {
            for end in start + 1..=letters.min(start + LONGEST) {
                let piece = self.get(&run[bounds[start]..bounds[end]]);
                out.words[end] = out.words[end].max(out.words[start] + piece.as_word(end - start));
                out.pieces[start * LONGEST + end - start - 1] = piece;
            }
        }
        for start in (0..letters).rev() {
            for end in start + 1..=letters.min(start + LONGEST) {
                let own = out.piece(start, end).as_word(end - start);
                out.rest[start] = out.rest[start].max(own + out.rest[end]);
            }
        }
    }
}

/// A run of kanji, read.
#[derive(Default)]
pub(super) struct Reading {
    pieces: Vec<Entry>,
    /// The likelihood of what stands before each letter, as words; and of it and what follows.
    words: Vec<f32>,
    rest: Vec<f32>,
}

impl Reading {
    /// Some of its letters, `LONGEST` at most.
    pub fn piece(&self, first: usize, last: usize) -> Entry {
        match last - first {
            1..=LONGEST => self.pieces[first * LONGEST + last - first - 1],
            _ => EMPTY,
        }
    }

    /// What some of its letters add to its likelihood as words.
    pub fn as_words(&self, first: usize, last: usize) -> f32 {
        self.rest[0] - self.words[first] - self.rest[last]
    }
}

fn is_name_letter(letter: char) -> bool {
    is_kanji(letter) || matches!(letter, 'ヶ' | 'ケ' | 'ノ' | 'ヵ')
}
