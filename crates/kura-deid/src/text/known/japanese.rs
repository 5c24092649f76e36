//! Runs of kanji and kana, cut into words that are known and letters that are not.

use std::ops::Range;

use super::words::{
    ALONE, BEFORE_NUMBER, BEHIND_NUMBER, EPONYM, FREE, GRAMMAR, KANA, Marks, PREFIX, SUFFIX, SURE,
    VERB, WORD, Words,
};
use super::{Class, Piece};
use crate::text::context;
use crate::text::letters::{hiragana, is_hiragana, is_kanji, is_katakana, plain_forms};
use crate::text::vocabulary::Vocabulary;

/// What a cut costs: few and long words win, and letters that nothing knows lose.
const GRAMMAR_COST: u32 = 8;
const WORD_COST: u32 = 10;
const FREE_COST: u32 = 11;
const LETTER_COST: u32 = 13;
const AFFIX_COST: u32 = 14;
/// A name is likelier than letters one by one, and less likely than words.
const NAME_COST: u32 = 16;
const UNKNOWN_COST: u32 = 60;

/// Particles of one letter that may stand one behind the other: には, とか. More are no grammar.
const LETTERS_AT_MOST: usize = 2;
/// What may stand before a word for a person.
const BEFORE_PERSON: &str = "同当前各両他現元副主新旧本";
/// Particles of case, which end a name.
const CASES: [char; 7] = ['は', 'が', 'を', 'に', 'の', 'へ', 'と'];
const NUMERALS: &str = "一二三四五六七八九十百千万億数何半零〇";
/// Behind the name of a physician these make it a person's.
const TITLES: &str = "様氏殿君先医師教助部科院看主";

/// The cheapest way to a letter.
#[derive(Clone, Copy)]
struct Step {
    cost: u32,
    letters: usize,
    class: Class,
    marks: Marks,
}

/// A word or a letter of the run.
#[derive(Clone, Copy)]
struct Part {
    first: usize,
    last: usize,
    class: Class,
    marks: Marks,
}

pub(super) struct Reader<'w> {
    words: &'w Words,
    vocabulary: &'w Vocabulary,
    /// The run, in plain forms of letters.
    run: String,
    letters: Vec<char>,
    bytes: Vec<usize>,
    /// The run goes on from a word or a bracket that closes: 「転倒」のため.
    joined: bool,
    steps: Vec<Step>,
    parts: Vec<Part>,
}

impl<'w> Reader<'w> {
    pub fn new(words: &'w Words, vocabulary: &'w Vocabulary) -> Self {
        Self {
            words,
            vocabulary,
            run: String::new(),
            letters: Vec::new(),
            bytes: Vec::new(),
            joined: false,
            steps: Vec::new(),
            parts: Vec::new(),
        }
    }

    pub fn read(&mut self, text: &str, run: Range<usize>, out: &mut Vec<Piece>) {
        let own = &text[run.clone()];
        let plain = plain_forms(own);
        self.run.clear();
        self.run.push_str(&plain);
        self.letters.clear();
        self.letters.extend(plain.chars());
        self.bytes.clear();
        self.bytes.extend(own.char_indices().map(|(at, _)| at));
        self.bytes.push(own.len());
        let before = text[..run.start].chars().next_back();
        let after = text[run.end..].chars().next();
        self.joined = before.is_some_and(|letter| {
            letter.is_alphanumeric()
                || matches!(letter, '」' | '』' | ')' | '）' | ']' | '%' | '％')
        });
        self.cut(after);
        self.check_kanji(before, after);
        self.check_hiragana();
        self.check_katakana();
        for part in &self.parts {
            out.push(Piece {
                range: run.start + self.bytes[part.first]..run.start + self.bytes[part.last],
                class: part.class,
            });
        }
    }

    /// The cheapest way through the run.
    fn cut(&mut self, after: Option<char>) {
        let count = self.letters.len();
        let far = Step {
            cost: u32::MAX,
            letters: 1,
            class: Class::Unknown,
            marks: 0,
        };
        self.steps.clear();
        self.steps.resize(count + 1, far);
        self.steps[0].cost = 0;
        for at in 0..count {
            let cost = self.steps[at].cost;
            let (letters, steps) = (&self.letters, &mut self.steps);
            let one = self.words.letter(letters[at]);
            let (own, class) = if one & FREE != 0 {
                (FREE_COST, Class::Sure)
            } else if one & KANA != 0 {
                (LETTER_COST, Class::Letter)
            } else if one != 0 {
                (AFFIX_COST, Class::Affix)
            } else {
                (UNKNOWN_COST, Class::Unknown)
            };
            let mut step = |letters: usize, own: u32, class: Class, marks: Marks| {
                let next = &mut steps[at + letters];
                if cost + own < next.cost {
                    *next = Step {
                        cost: cost + own,
                        letters,
                        class,
                        marks,
                    };
                }
            };
            step(1, own, class, one);
            self.words.begin(&letters[at..], |length, marks| {
                let piece = &letters[at..at + length];
                let next = letters.get(at + length).copied().or(after);
                if marks & GRAMMAR != 0 {
                    step(length, GRAMMAR_COST, Class::Grammar, marks);
                } else if marks & SURE != 0 {
                    let class = match piece.iter().all(|letter| is_hiragana(*letter)) {
                        true => Class::Grammar,
                        false => Class::Sure,
                    };
                    step(length, WORD_COST, class, marks);
                } else if marks & EPONYM != 0 {
                    let of_medicine = |next: char| {
                        is_katakana(next)
                            || next == '・'
                            || is_kanji(next) && !TITLES.contains(next)
                    };
                    if next.is_some_and(of_medicine) {
                        step(length, WORD_COST, Class::Sure, marks);
                    }
                } else if marks & WORD == 0 {
                    step(length, NAME_COST, Class::Unknown, marks);
                } else {
                    let free = |letter: &char| self.words.is_free(*letter);
                    let class = if piece.iter().all(|letter| is_hiragana(*letter)) {
                        Class::Grammar
                    } else if piece.iter().any(free) {
                        Class::Sure
                    } else {
                        Class::Word
                    };
                    step(length, WORD_COST, class, marks);
                }
            });
        }
        self.parts.clear();
        let mut last = count;
        while last > 0 {
            let step = self.steps[last];
            let first = last - step.letters;
            self.parts.push(Part {
                first,
                last,
                class: step.class,
                marks: step.marks,
            });
            last = first;
        }
        self.parts.reverse();
    }

    fn kanji_before(&self, at: usize) -> bool {
        at > 0 && is_kanji(self.letters[at - 1])
    }

    fn kanji_at(&self, at: usize) -> bool {
        self.letters.get(at).copied().is_some_and(is_kanji)
    }

    /// Whether a part is a word that another letter may belong to.
    fn core(&self, part: Option<&Part>) -> bool {
        part.is_some_and(|part| {
            let first = self.letters[part.first];
            matches!(part.class, Class::Sure | Class::Word)
                && (is_kanji(first) || is_katakana(first))
        })
    }

    fn word(&self, part: &Part) -> &str {
        self.piece(part.first, part.last)
    }

    fn piece(&self, first: usize, last: usize) -> &str {
        &self.run[self.bytes[first]..self.bytes[last]]
    }

    /// One kanji stays only where it belongs to a word or a number, or is one by itself; and what stands beside an
    /// unknown kanji may be a piece of the same name.
    fn check_kanji(&mut self, before: Option<char>, after: Option<char>) {
        let measure = |letter: Option<char>| {
            letter.is_some_and(|letter| {
                letter.is_ascii_alphanumeric() || super::is_sign(letter) || letter == '%'
            })
        };
        for index in 0..self.parts.len() {
            let part = self.parts[index];
            if part.class != Class::Affix {
                continue;
            }
            let last = index.checked_sub(1).map(|index| self.parts[index]);
            let next = self.parts.get(index + 1).copied();
            let letter = self.letters[part.first];
            let first_of_run = part.first == 0;
            let behind_number = match last {
                Some(last) => {
                    last.last - last.first == 1
                        && NUMERALS.contains(self.letters[last.first])
                        && last.class != Class::Unknown
                        || matches!(self.letters[last.last - 1], 'ヶ' | 'ケ' | 'カ' | 'か')
                }
                None => measure(before),
            };
            let alone = !self.kanji_before(part.first) && !self.kanji_at(part.last);
            let numeral = NUMERALS.contains(letter)
                && match next {
                    Some(next) => {
                        next.marks & BEHIND_NUMBER != 0 && next.last - next.first == 1
                            || NUMERALS.contains(self.letters[next.first])
                    }
                    None => false,
                };
            let prefix = part.marks & PREFIX != 0
                && self.core(next.as_ref())
                && next.is_some_and(|next| {
                    BEFORE_PERSON.contains(letter) || !context::is_person(self.word(&next))
                });
            let suffix = part.marks & SUFFIX != 0
                && match last {
                    Some(last) => {
                        self.core(Some(&last))
                            || last.class == Class::Affix
                                && index > 1
                                && self.kanji_before(last.first)
                    }
                    None => first_of_run && measure(before),
                };
            let verb = part.marks & VERB != 0
                && part.last < self.letters.len()
                && is_hiragana(self.letters[part.last])
                && !self.kanji_before(part.first);
            let stays = prefix
                || suffix
                || verb
                || numeral
                || part.marks & BEHIND_NUMBER != 0 && behind_number
                || part.marks & BEFORE_NUMBER != 0
                    && next.is_none()
                    && after.is_some_and(|letter| letter.is_ascii_digit())
                || part.marks & ALONE != 0 && alone;
            if !stays {
                self.parts[index].class = Class::Unknown;
            }
        }
    }

    /// Hiragana that only single particles make up is no grammar, and what sounds like a name is none but as one word.
    fn check_hiragana(&mut self) {
        let mut index = 0;
        while index < self.parts.len() {
            let first = self.parts[index].first;
            if !is_hiragana(self.letters[first]) {
                index += 1;
                continue;
            }
            let end = index
                + self.parts[index..]
                    .iter()
                    .take_while(|part| is_hiragana(self.letters[part.first]))
                    .count();
            let letters = |parts: &[Part]| {
                parts
                    .iter()
                    .take_while(|part| part.class == Class::Letter)
                    .count()
            };
            let mut at = index;
            while at < end {
                let single = letters(&self.parts[at..end]);
                if single > LETTERS_AT_MOST {
                    // The last may be a particle behind the rest.
                    let last = self.parts[at + single - 1];
                    let case = at + single == end && CASES.contains(&self.letters[last.first]);
                    let gone = at + single - usize::from(case);
                    for part in &mut self.parts[at..gone] {
                        part.class = Class::Unknown;
                    }
                }
                at += single.max(1);
            }
            self.check_sound(index, end);
            self.check_noun(index, end);
            self.spread_hiragana(index, end);
            index = end;
        }
    }

    /// ほほえみ: the noun of a verb by itself is what houses are called by.
    fn check_noun(&mut self, index: usize, end: usize) {
        const ENDS: &str = "いきしちにひみりぎじびえけせてねへめれげぜでべ";
        let part = self.parts[index];
        let by_itself =
            end == index + 1 || end == index + 2 && self.parts[index + 1].class == Class::Letter;
        let noun = part.marks == WORD && ENDS.contains(self.letters[part.last - 1]);
        if by_itself && noun && part.class == Class::Grammar && (part.first == 0) {
            self.parts[index].class = Class::Unknown;
        }
    }

    /// さやかは, こもれび: what stands beside an unknown piece of hiragana goes, up to a particle of case.
    fn spread_hiragana(&mut self, index: usize, end: usize) {
        let case = |part: &Part, letters: &[char]| {
            part.last - part.first == 1 && CASES.contains(&letters[part.first])
        };
        for at in index + 1..end {
            let part = self.parts[at];
            let last = at + 1 == end && case(&part, &self.letters);
            let short = part.last - part.first <= 2;
            if self.parts[at - 1].class == Class::Unknown && !last && short {
                self.parts[at].class = Class::Unknown;
            }
        }
        let noun = self.kanji_before(self.parts[index].first);
        for at in (index..end - 1).rev() {
            let part = self.parts[at];
            let stays =
                noun && (at == index || part.class == Class::Grammar) || case(&part, &self.letters);
            if self.parts[at + 1].class == Class::Unknown && !stays {
                self.parts[at].class = Class::Unknown;
            }
        }
    }

    fn check_sound(&mut self, index: usize, end: usize) {
        let start = self.parts[index].first;
        let last = self.parts[end - 1].last;
        if self.kanji_before(start) {
            // 認めた: the end of a verb; but 妻かおり, and behind a family's name a given one.
            let before = self.parts[index - 1];
            if before.class == Class::Unknown {
                return self.check_given(index, end);
            }
            if before.class == Class::Affix && !context::is_person(self.word(&before)) {
                return;
            }
        }
        // のため, さんが: a particle and a word, or a word and a particle.
        let plain = |part: Option<&Part>| {
            part.is_some_and(|part| part.class == Class::Grammar && part.last - part.first > 1)
        };
        let own = &self.parts[index..end];
        let particle = own[0].class == Class::Letter && plain(own.get(1));
        let behind =
            own[0].marks & SURE != 0 && own.get(1).is_some_and(|next| next.class == Class::Letter);
        let behind_word = self.kanji_before(start) || start == 0 && self.joined;
        if behind_word && particle || plain(own.first()) && behind {
            return;
        }
        for length in (3..=5.min(last - start)).rev() {
            let sound = self.piece(start, start + length);
            let known = self.vocabulary.given_sounds.contains(sound)
                || self.vocabulary.family_sounds.contains(sound);
            if !known || !self.name_ends(start + length) {
                continue;
            }
            let word = self.parts[index];
            let one = word.last == start + length && word.marks & (SURE | GRAMMAR) != 0;
            if !one {
                for part in &mut self.parts[index..end] {
                    if part.first < start + length {
                        part.class = Class::Unknown;
                    }
                }
            }
            return;
        }
    }

    /// Whether what stands at a letter may follow a name.
    fn name_ends(&self, at: usize) -> bool {
        const BEHIND: [&str; 16] = [
            "さん",
            "さま",
            "ちゃん",
            "くん",
            "は",
            "が",
            "の",
            "に",
            "を",
            "と",
            "へ",
            "も",
            "より",
            "から",
            "です",
            "で",
        ];
        let rest = &self.run[self.bytes[at]..];
        !rest.starts_with(is_hiragana) || BEHIND.iter().any(|word| rest.starts_with(word))
    }

    /// 阿部こう: what stands behind a family's name and sounds as a given name, whatever else it may be.
    fn check_given(&mut self, index: usize, end: usize) {
        let (start, last) = (self.parts[index].first, self.parts[end - 1].last);
        for length in (2..=5.min(last - start)).rev() {
            let sound = self.piece(start, start + length);
            // Given names are many, and not all are known: two to four letters with nothing behind them.
            let whole = start + length == last
                && length <= 4
                && self.parts[index].last < last
                && !matches!(
                    self.letters[start],
                    'は' | 'が' | 'の' | 'に' | 'を' | 'と' | 'へ' | 'も' | 'で' | 'や'
                );
            let known =
                self.vocabulary.given_sounds.contains(sound) && self.name_ends(start + length);
            if known || whole {
                for part in &mut self.parts[index..end] {
                    if part.first < start + length {
                        part.class = Class::Unknown;
                    }
                }
                return;
            }
        }
    }

    /// A run of katakana stays whole or goes whole.
    fn check_katakana(&mut self) {
        let mut index = 0;
        while index < self.parts.len() {
            let katakana = |part: &Part| is_katakana(self.letters[part.first]);
            let end = index
                + self.parts[index..]
                    .iter()
                    .take_while(|part| katakana(part))
                    .count();
            if end == index {
                index += 1;
                continue;
            }
            let own = &self.parts[index..end];
            let sure = own.iter().all(|part| part.marks & (SURE | EPONYM) != 0);
            let sound = || {
                let sound = hiragana(self.piece(own[0].first, own[own.len() - 1].last));
                self.vocabulary.given_sounds.contains(sound.as_str())
                    || self.vocabulary.family_sounds.contains(sound.as_str())
            };
            let unknown = own.iter().any(|part| part.class == Class::Unknown);
            if unknown && !of_medicine(self.piece(own[0].first, own[own.len() - 1].last))
                || !unknown && !sure && sound()
            {
                for part in &mut self.parts[index..end] {
                    part.class = Class::Unknown;
                }
            } else {
                for part in &mut self.parts[index..end] {
                    if part.class == Class::Unknown {
                        part.class = Class::Sure;
                    }
                }
            }
            index = end;
        }
    }
}

/// How names of medicines end that nobody is called by.
const MEDICINE_ENDS: [&str; 60] = [
    "スタチン",
    "サルタン",
    "プリル",
    "ジピン",
    "マイシン",
    "シリン",
    "プラゾール",
    "チニブ",
    "シクリブ",
    "パリブ",
    "グリプチン",
    "グリフロジン",
    "ロール塩酸塩",
    "ゾラム",
    "ゼパム",
    "フロキサシン",
    "コナゾール",
    "ビルダ",
    "トリプタン",
    "セトロン",
    "キサバン",
    "グレル",
    "ズマブ",
    "キシマブ",
    "ツマブ",
    "リマブ",
    "ルマブ",
    "クマブ",
    "ネルセプト",
    "グルチド",
    "ナトリウム",
    "カリウム",
    "カルシウム",
    "マグネシウム",
    "クロリド",
    "プロフェン",
    "フェナク",
    "オキシド",
    "アミド",
    "チアジド",
    "ペネム",
    "サイクリン",
    "シクロビル",
    "タミビル",
    "ナミビル",
    "グリタゾン",
    "プラミン",
    "プチリン",
    "メタゾン",
    "ニゾロン",
    "コルチゾン",
    "グリニド",
    "フィブラート",
    "カイン",
    "キュロニウム",
    "ストロジン",
    "ミルナスト",
    "ルカスト",
    "スチグミン",
    "ポエチン",
];

fn of_medicine(word: &str) -> bool {
    word.chars().count() >= 6 && MEDICINE_ENDS.iter().any(|end| word.ends_with(end))
}
