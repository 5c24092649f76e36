//! Words that are known to name nobody: those of IPADIC that are no name, place or organisation, our own of clinics
//! (`data/known/japanese.txt`), and those a caller adds.

use crate::text::letters::{hiragana, is_hiragana, is_kana, is_kanji, is_katakana};
use crate::text::vocabulary::{QuickMap, QuickSet, Vocabulary};

static OURS: &str = include_str!("../../../data/known/japanese.txt");

/// What is known of a piece.
pub(super) type Marks = u16;
/// On our list or told by the caller: stays whatever a dictionary says.
pub(super) const SURE: Marks = 1;
/// A word of the dictionary.
pub(super) const WORD: Marks = 2;
/// A particle, an auxiliary, what a sentence is joined by.
pub(super) const GRAMMAR: Marks = 4;
/// Somebody's name, a place or an organisation, by the dictionary.
pub(super) const NAME: Marks = 16;
/// The name of a physician that an illness or an instrument may have.
pub(super) const EPONYM: Marks = 8;

/// Of a single letter.
pub(super) const PREFIX: Marks = 1;
pub(super) const SUFFIX: Marks = 2;
/// A word by itself.
pub(super) const ALONE: Marks = 4;
pub(super) const BEHIND_NUMBER: Marks = 8;
pub(super) const BEFORE_NUMBER: Marks = 16;
/// No name is written with it.
pub(super) const FREE: Marks = 32;
/// A verb of one kanji: 見られ.
pub(super) const VERB: Marks = 64;
/// A particle of one kana.
pub(super) const KANA: Marks = 128;

/// Longest word that is kept, in letters.
const LONGEST: usize = 24;
/// Letters of the root of the tree.
const ROOT: u32 = 0;

/// Longest name that is kept, in letters.
const NAME_AT_MOST: usize = 8;
/// From this cost on IPADIC's nouns were not counted but listed; those without a letter that no name has are rare:
/// 旗頭, 東雲.
const LISTED_ONLY: i32 = 5600;

/// Forms of verbs that nobody writes today, and by which names could be read: 高き, かゆき.
const OLD_FORMS: [&str; 5] = ["文語", "未然ヌ", "体言接続特殊", "ガル接続", "仮定縮約"];

#[derive(Default)]
pub(in crate::text) struct Words {
    /// Words as a tree: from a node by a letter to the next.
    next: QuickMap<u64, u32>,
    marks: Vec<Marks>,
    letters: QuickMap<char, Marks>,
    /// How often a letter stands in words, in names of persons, in other names.
    counts: QuickMap<char, [u32; 3]>,
    /// Words of the dictionary until all of it is read, and what of them are names, too.
    read: Vec<(Box<str>, Marks)>,
    rare: QuickSet<Box<str>>,
    names: QuickSet<Box<str>>,
}

impl Words {
    /// A line of the dictionary's source.
    pub fn add(&mut self, line: &str) {
        let fields: Vec<&str> = line.split(',').take(10).collect();
        let [surface, _, _, cost, part, kind, of, _, _, form] = fields[..] else {
            return;
        };
        let letters = surface.chars().count();
        if kind == "固有名詞" {
            let person = usize::from(of != "人名") + 1;
            for letter in surface.chars().filter(|letter| is_kanji(*letter)) {
                self.counts.entry(letter).or_default()[person] += 1;
            }
            self.names.insert(surface.into());
            return;
        }
        let conjugated = matches!(part, "動詞" | "形容詞" | "助動詞");
        if !conjugated || form == "基本形" {
            for letter in surface.chars().filter(|letter| is_kanji(*letter)) {
                self.counts.entry(letter).or_default()[0] += 1;
            }
        }
        let class = fields.get(8).copied().unwrap_or_default();
        if OLD_FORMS
            .iter()
            .any(|old| form.starts_with(old) || class.starts_with(old))
        {
            return;
        }
        if part == "動詞" && letters == 1 && surface.chars().all(is_kanji) {
            self.mark(surface, VERB);
            return;
        }
        if !(2..=LONGEST).contains(&letters) {
            return;
        }
        let marks = if surface.chars().all(is_hiragana) {
            match (part, kind) {
                ("助詞" | "助動詞" | "接続詞" | "連体詞", _) | (_, "非自立" | "代名詞") => {
                    GRAMMAR
                }
                ("動詞", "接尾") => GRAMMAR,
                ("動詞" | "形容詞" | "副詞", _) if letters > 2 => WORD,
                _ => return,
            }
        } else if surface.chars().all(is_katakana) {
            match part {
                "名詞" | "副詞" if letters > 2 && kind != "数" => WORD,
                _ => return,
            }
        } else {
            match part {
                "記号" | "フィラー" | "その他" | "感動詞" => return,
                _ if surface.chars().any(is_kanji) => WORD,
                _ => return,
            }
        };
        let noun = part == "名詞" && kind == "一般" && letters <= 3;
        if noun && cost.parse().unwrap_or(0) >= LISTED_ONLY && surface.chars().all(is_kanji) {
            self.rare.insert(surface.into());
        }
        self.read.push((surface.into(), marks));
    }

    /// When all lines are read.
    pub fn settle(&mut self, vocabulary: &Vocabulary) {
        for (letter, [words, persons, others]) in std::mem::take(&mut self.counts) {
            if words >= 2 && persons == 0 && others <= 3.max(words / 20) {
                *self.letters.entry(letter).or_default() |= FREE;
            }
        }
        for (title, letters) in sections(OURS) {
            if title == "letters of names" {
                for letter in letters.chars() {
                    *self.letters.entry(letter).or_default() &= !FREE;
                }
            }
        }
        let names = std::mem::take(&mut self.names);
        let rare = std::mem::take(&mut self.rare);
        // 関し: a verb, and a family.
        for (letter, marks) in &mut self.letters {
            if names.contains(letter.encode_utf8(&mut [0; 4]) as &str) {
                *marks &= !VERB;
            }
        }
        for name in &names {
            let letters = name.chars().count();
            let written = name.chars().any(is_kanji) || letters > 2 && name.chars().all(is_kana);
            if (2..=NAME_AT_MOST).contains(&letters) && written {
                self.insert(name, NAME);
            }
        }
        for (word, marks) in std::mem::take(&mut self.read) {
            let named = names.contains(&word)
                || rare.contains(&word) && !word.chars().any(|letter| self.is_free(letter))
                || word.chars().all(is_kana) && marks == WORD && {
                    let sound = hiragana(&word);
                    vocabulary.given_sounds.contains(sound.as_str())
                        || vocabulary.family_sounds.contains(sound.as_str())
                };
            if !named || marks == GRAMMAR {
                self.insert(&word, marks);
            }
        }
        for (title, word) in sections(OURS) {
            match title {
                "words" | "katakana" | "medicine" | "kana" => {
                    if word.chars().nth(1).is_some() || word.chars().all(is_katakana) {
                        self.insert(word, SURE);
                    }
                }
                "eponyms" => self.insert(word, EPONYM),
                "letters of names" => {}
                _ => self.mark(
                    word,
                    match title {
                        "prefixes" => PREFIX,
                        "suffixes" => SUFFIX,
                        "alone" => ALONE,
                        "behind numbers" => BEHIND_NUMBER,
                        "before numbers" => BEFORE_NUMBER,
                        "free letters" => FREE,
                        _ => KANA,
                    },
                ),
            }
        }
    }

    /// Words of the caller's that stay, cut where their script changes or a mark stands; of a product's name not who
    /// makes it (「トーワ」). A short piece that is somebody's name or sounds as one stays unknown: リン, 橋本.
    pub fn know(&mut self, word: &str, vocabulary: &Vocabulary) {
        let word = word.split(['「', '（', '(']).next().unwrap_or_default();
        let kind = |letter: char| match letter {
            _ if is_katakana(letter) => 1,
            _ if is_kanji(letter) || is_hiragana(letter) => 2,
            _ => 0,
        };
        let letters: Vec<(usize, char)> = word.char_indices().collect();
        for run in letters.chunk_by(|a, b| kind(a.1) == kind(b.1)) {
            let (first, last) = (run[0], run[run.len() - 1]);
            let piece = &word[first.0..last.0 + last.1.len_utf8()];
            let least = match kind(first.1) {
                1 => 3,
                2 => 2,
                _ => continue,
            };
            if (least..=LONGEST).contains(&run.len()) && !self.is_name(piece, vocabulary) {
                self.insert(piece, SURE);
            }
        }
        let whole = letters.iter().all(|(_, letter)| kind(*letter) > 0);
        if whole && (2..=LONGEST).contains(&letters.len()) && !self.is_name(word, vocabulary) {
            self.insert(word, SURE);
        }
    }

    fn is_name(&self, piece: &str, vocabulary: &Vocabulary) -> bool {
        let letters: Vec<char> = piece.chars().collect();
        let mut name = false;
        self.begin(&letters, |length, marks| {
            name |= length == letters.len() && marks & NAME != 0;
        });
        let sound = hiragana(piece);
        name || vocabulary.given_sounds.contains(sound.as_str())
            || vocabulary.family_sounds.contains(sound.as_str())
    }

    fn mark(&mut self, letters: &str, marks: Marks) {
        for letter in letters.chars() {
            *self.letters.entry(letter).or_default() |= marks;
        }
    }

    fn insert(&mut self, word: &str, marks: Marks) {
        if self.marks.is_empty() {
            self.marks.push(0);
        }
        let mut node = ROOT;
        for letter in word.chars() {
            let new = self.marks.len() as u32;
            node = *self.next.entry(step(node, letter)).or_insert(new);
            if node == new {
                self.marks.push(0);
            }
        }
        self.marks[node as usize] |= marks;
    }

    /// Each known word that some letters begin with: how many letters it has, and its marks.
    pub fn begin(&self, letters: &[char], mut each: impl FnMut(usize, Marks)) {
        let mut node = ROOT;
        for (at, letter) in letters.iter().enumerate() {
            match self.next.get(&step(node, *letter)) {
                Some(next) => node = *next,
                None => return,
            }
            let marks = self.marks[node as usize];
            if marks != 0 {
                each(at + 1, marks);
            }
        }
    }

    pub fn is_free(&self, letter: char) -> bool {
        self.letter(letter) & FREE != 0
    }

    pub fn letter(&self, letter: char) -> Marks {
        self.letters.get(&letter).copied().unwrap_or_default()
    }
}

/// From a node by a letter, as one number.
fn step(node: u32, letter: char) -> u64 {
    u64::from(node) << 32 | u64::from(u32::from(letter))
}

/// The words of a list, each with the title it stands under.
pub(super) fn sections(list: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut title = "";
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(move |line| {
            let words = match line.strip_prefix("= ") {
                Some(next) => {
                    title = next;
                    ""
                }
                None => line,
            };
            let title = title;
            words.split_whitespace().map(move |word| (title, word))
        })
}
