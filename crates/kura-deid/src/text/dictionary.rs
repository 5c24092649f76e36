//! Names that nobody told: words that a dictionary of Japanese knows as names, where the sentence
//! reads them as such. The dictionary is MeCab's IPADIC, read by `vibrato`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use encoding_rs::EUC_JP;
use vibrato::{SystemDictionaryBuilder, Tokenizer};

use super::people::{ROLES, TITLES};
use super::{Found, Kind, push};

/// A dictionary, ready to read sentences by.
pub struct Dictionary {
    tokenizer: Tokenizer,
    lexicon: Lexicon,
}

/// The words that some family or somebody is called by.
#[derive(Default)]
struct Lexicon {
    family: HashSet<String>,
    given: HashSet<String>,
    /// Two letters with which a name may begin. A line without any holds none, and is not read.
    begins: HashSet<(char, char)>,
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dictionary")
    }
}

/// What is no dictionary.
#[derive(Debug, thiserror::Error)]
#[error("the dictionary cannot be read: {0}")]
pub struct DictionaryError(String);

/// Longest run of unknown letters read as one word.
const UNKNOWN_AT_MOST: usize = 24;

impl Dictionary {
    /// From the files of IPADIC's source, each with its name (`Noun.csv`, `matrix.def`, …), in EUC-JP
    /// as it comes or in UTF-8.
    ///
    /// # Errors
    /// A file that is missing or none of a dictionary.
    pub fn of_source(
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, DictionaryError> {
        let mut words = String::new();
        let mut definitions = HashMap::new();
        for (name, bytes) in files {
            let text = match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(other) => EUC_JP.decode(other.as_bytes()).0.into_owned(),
            };
            if name.ends_with(".csv") {
                words.push_str(&text);
            } else {
                definitions.insert(name, text);
            }
        }
        let definition = |name: &str| {
            let found = definitions.get(name).map(String::as_bytes);
            found.ok_or_else(|| DictionaryError(format!("{name} is missing")))
        };
        let built = SystemDictionaryBuilder::from_readers(
            words.as_bytes(),
            definition("matrix.def")?,
            definition("char.def")?,
            definition("unk.def")?,
        )
        .map_err(|error| DictionaryError(error.to_string()))?;
        let mut lexicon = Lexicon::default();
        for line in words.lines() {
            // Surface, two contexts, cost, then the parts of speech.
            let mut fields = line.splitn(5, ',');
            let surface = fields.next().unwrap_or_default();
            let Some(rest) = fields.nth(3) else { continue };
            if rest.starts_with("名詞,固有名詞,人名,姓") {
                lexicon.family.insert(surface.to_owned());
            } else if rest.starts_with("名詞,固有名詞,人名,名") {
                lexicon.given.insert(surface.to_owned());
            }
        }
        if lexicon.family.is_empty() || lexicon.given.is_empty() {
            return Err(DictionaryError("it has no names of persons".to_owned()));
        }
        lexicon.settle();
        Ok(Self {
            tokenizer: Tokenizer::new(built).max_grouping_len(UNKNOWN_AT_MOST),
            lexicon,
        })
    }

    /// Names in a text.
    pub(super) fn find(&self, text: &str, found: &mut Vec<Found>) {
        let mut worker = None;
        let mut words = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            words.clear();
            let line = &*plain_forms(line);
            if self.lexicon.may_hold(line) {
                let worker = worker.get_or_insert_with(|| self.tokenizer.new_worker());
                worker.reset_sentence(line);
                worker.tokenize();
                words.extend(worker.token_iter().map(|token| Word {
                    range: token.range_byte(),
                    class: Class::of(token.feature(), token.surface()),
                }));
                self.lexicon.names(line, &words, start, found);
                self.lexicon.spaced(line, start, found);
                Lexicon::beside_roles(line, &words, start, found);
            }
            start += line.len();
        }
    }
}

/// Forms of letters that names are written with and the dictionary is not, by those it has, of the
/// same length in bytes: 髙橋, 﨑山.
fn plain_forms(line: &str) -> Cow<'_, str> {
    const FORMS: [(char, char); 12] = [
        ('髙', '高'),
        ('﨑', '崎'),
        ('濵', '浜'),
        ('德', '徳'),
        ('邉', '辺'),
        ('邊', '辺'),
        ('栁', '柳'),
        ('槗', '橋'),
        ('齋', '斎'),
        ('齊', '斉'),
        ('廣', '広'),
        ('瀨', '瀬'),
    ];
    let plain = |letter: char| {
        FORMS
            .iter()
            .find(|(one, _)| *one == letter)
            .map(|(_, by)| *by)
    };
    match line.chars().any(|letter| plain(letter).is_some()) {
        true => line
            .chars()
            .map(|letter| plain(letter).unwrap_or(letter))
            .collect(),
        false => Cow::Borrowed(line),
    }
}

struct Word {
    range: Range<usize>,
    class: Class,
}

/// What a word is, by IPADIC's parts of speech, as far as names ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Family,
    Given,
    /// A place or an organisation, whose word many families have: 宮崎, 石田.
    Place,
    /// A noun that joins with a noun beside it into one: 所見, 胸部.
    Noun,
    /// 本日, 時間: no name, and joined with none beside it.
    Adverbial,
    /// What stands behind a noun and makes another of it: 県, 式, 法.
    Suffix,
    Space,
    /// A particle, an auxiliary, a mark: no name goes over it.
    Ends,
    Other,
}

impl Class {
    fn of(feature: &str, surface: &str) -> Self {
        if surface.chars().all(char::is_whitespace) {
            return Class::Space;
        }
        // IPADIC takes marks of ASCII for nouns.
        if !surface.chars().any(char::is_alphanumeric) {
            return Class::Ends;
        }
        let mut parts = feature.split(',');
        if parts.next() != Some("名詞") {
            return match feature.split(',').next() {
                Some("接頭詞") => Class::Noun,
                Some("助詞" | "助動詞" | "記号") => Class::Ends,
                _ => Class::Other,
            };
        }
        match (parts.next(), parts.next(), parts.next()) {
            (Some("固有名詞"), Some("人名"), Some("姓")) => Class::Family,
            (Some("固有名詞"), Some("人名"), _) => Class::Given,
            (Some("固有名詞"), _, _) => Class::Place,
            (Some("接尾"), Some("人名"), _) => Class::Ends,
            (Some("一般" | "サ変接続" | "形容動詞語幹" | "数"), _, _) => Class::Noun,
            (Some("接尾"), _, _) => Class::Suffix,
            (Some("副詞可能" | "代名詞" | "非自立"), _, _) => Class::Adverbial,
            _ => Class::Other,
        }
    }
}

impl Class {
    fn may_be_family(self) -> bool {
        matches!(self, Class::Family | Class::Place)
    }
}

fn is_kanji(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '々')
}

fn is_kana(letter: char) -> bool {
    matches!(letter, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー')
}

/// Letters of a family name, and of a given name.
const FAMILY_AT_MOST: usize = 4;
const GIVEN_AT_MOST: usize = 5;
const GIVEN_UNKNOWN_AT_MOST: usize = 5;

impl Lexicon {
    fn settle(&mut self) {
        let firsts: HashSet<char> = self
            .given
            .iter()
            .filter_map(|name| name.chars().next())
            .collect();
        for name in self.family.iter().chain(&self.given) {
            let mut letters = name.chars();
            match (letters.next(), letters.next()) {
                (Some(first), Some(second)) => drop(self.begins.insert((first, second))),
                // 森 良子, 森良子: of one letter a family's name only, with a given one behind it.
                (Some(only), None) if self.family.contains(name) => {
                    self.begins.extend([(only, ' '), (only, '\u{3000}')]);
                    self.begins
                        .extend(firsts.iter().map(|first| (only, *first)));
                }
                _ => {}
            }
        }
    }

    fn may_hold(&self, line: &str) -> bool {
        let next = line.chars().skip(1);
        line.chars()
            .zip(next)
            .any(|pair| (is_kanji(pair.0) || is_kana(pair.0)) && self.begins.contains(&pair))
    }

    /// The end of the longest run of words from `first` on that is a name of this kind.
    fn run(&self, line: &str, words: &[Word], first: usize, family: bool) -> Option<usize> {
        let known = match family {
            true => &self.family,
            false => &self.given,
        };
        let most = match family {
            true => FAMILY_AT_MOST,
            false => GIVEN_AT_MOST,
        };
        let start = words.get(first)?.range.start;
        let mut found = None;
        for (index, word) in words.iter().enumerate().skip(first) {
            if word.class == Class::Space {
                break;
            }
            let own = &line[start..word.range.end];
            if own.chars().count() > most {
                break;
            }
            if known.contains(own) {
                found = Some(index + 1);
            }
        }
        found
    }

    /// 下村 裕美: a family name, a space and a given one, however the sentence was cut into words.
    fn spaced(&self, line: &str, at: usize, found: &mut Vec<Found>) {
        for (space, letter) in line
            .char_indices()
            .filter(|(_, c)| matches!(c, ' ' | '\u{3000}'))
        {
            let (before, after) = (&line[..space], &line[space + letter.len_utf8()..]);
            let family = before
                .char_indices()
                .rev()
                .take(FAMILY_AT_MOST)
                .take_while(|(_, letter)| is_kanji(*letter) || is_kana(*letter))
                .filter(|(start, _)| self.family.contains(&before[*start..]))
                .last();
            let Some((start, _)) = family else { continue };
            let given = after
                .char_indices()
                .take(GIVEN_AT_MOST)
                .take_while(|(_, letter)| is_kanji(*letter) || is_kana(*letter))
                .map(|(at, letter)| at + letter.len_utf8())
                .filter(|end| {
                    let next = after[*end..].chars().next();
                    self.given.contains(&after[..*end])
                        && !(next.is_some_and(is_kanji) && after[..*end].ends_with(is_kanji))
                })
                .last();
            let Some(end) = given else { continue };
            let apart = !before[..start].chars().next_back().is_some_and(is_kanji);
            let letters = before[start..].chars().count() + after[..end].chars().count();
            if letters >= 3 || (letters == 2 && apart) {
                let end = space + letter.len_utf8() + end;
                push(found, at + start..at + end, Kind::Name);
            }
        }
    }

    /// Names that a role stands beside, known to the dictionary or not: 主治医 我那覇, 野老医師.
    fn beside_roles(line: &str, words: &[Word], at: usize, found: &mut Vec<Found>) {
        for first in 0..words.len() {
            if let Some(end) = after_role(line, words, first) {
                push(found, at + words[first].range.start..at + end, Kind::Name);
            }
            if let Some(start) = before_title(line, words, first) {
                push(found, at + start..at + words[first].range.end, Kind::Name);
            }
        }
    }

    /// The names among the words of a line.
    fn names(&self, line: &str, words: &[Word], at: usize, found: &mut Vec<Found>) {
        let mut index = 0;
        while index < words.len() {
            match self.name(line, words, index) {
                Some(end) => {
                    let range = words[index].range.start..words[end - 1].range.end;
                    push(found, at + range.start..at + range.end, Kind::Name);
                    index = end;
                }
                None => index += 1,
            }
        }
    }

    /// The end of the name that begins with a word.
    fn name(&self, line: &str, words: &[Word], first: usize) -> Option<usize> {
        if words[first].class == Class::Space {
            return None;
        }
        if let Some(family) = self.run(line, words, first, true) {
            let spaced = words
                .get(family)
                .is_some_and(|word| word.class == Class::Space);
            let given = family + usize::from(spaced);
            if let Some(end) = self.run(line, words, given, false) {
                // 青木陽菜: 陽 is a name, and so is the whole that the dictionary does not have.
                let long = words[family - 1].range.end - words[first].range.start > 3;
                let far = unknown_given(line, words, given, spaced).filter(|_| long);
                let end = far.map_or(end, |far| far.max(end));
                let letters = line[words[first].range.start..words[end - 1].range.end]
                    .chars()
                    .filter(|letter| !letter.is_whitespace())
                    .count();
                // Pieces of other words are names by chance, unless the sentence was read so:
                // 間質性.
                let family_read = words[first].class.may_be_family();
                let given_read = words[given].class == Class::Given;
                let read = match long {
                    true => family_read || given_read,
                    false => family_read && given_read,
                };
                if letters >= 3
                    && (spaced || read)
                    && !eponym(line, words, family)
                    && !eponym(line, words, end)
                {
                    return Some(end);
                }
            }
            // 佐藤 連, 青木陽菜: a given name that the dictionary does not have.
            let own = &line[words[first].range.start..words[family - 1].range.end];
            if own.chars().count() >= 2
                && own.chars().all(is_kanji)
                && words[first].class.may_be_family()
                && let Some(end) = unknown_given(line, words, given, spaced)
                && !eponym(line, words, family)
                && !eponym(line, words, end)
            {
                return Some(end);
            }
        }
        self.alone(line, words, first)
    }

    /// A family name or a given one by itself, where the sentence reads it as one.
    fn alone(&self, line: &str, words: &[Word], first: usize) -> Option<usize> {
        let word = &words[first];
        let own = &line[word.range.clone()];
        let letters = own.chars().count();
        let long = match word.class {
            Class::Family => letters >= 2 && own.chars().all(is_kanji),
            // 宮崎の希望: a town, or a person of that name; prefectures are told anyway.
            Class::Place => {
                letters >= 2
                    && own.chars().all(is_kanji)
                    && self.family.contains(own)
                    && crate::japan::prefecture(own).is_none()
            }
            Class::Given => letters >= 2 && own.chars().next().is_some_and(is_kanji),
            _ => false,
        };
        let joined = |index: Option<usize>| {
            index
                .and_then(|index| words.get(index))
                .is_some_and(|word| {
                    matches!(word.class, Class::Noun | Class::Suffix | Class::Place)
                })
        };
        let role = beside_role(line, &word.range);
        let within = !role && (joined(first.checked_sub(1)) || joined(Some(first + 1)));
        // 林看護師, 主治医 森: with a role beside it one letter is a name, too.
        let long = long || (role && self.family.contains(own) && own.chars().all(is_kanji));
        (long && !within && !eponym(line, words, first + 1)).then_some(first + 1)
    }
}

/// Titles that only a name stands before: not さん (患者さん), not 主任.
const STRONG: [&str; 14] = [
    "医師",
    "看護師",
    "管理栄養士",
    "理学療法士",
    "作業療法士",
    "言語聴覚士",
    "薬剤師",
    "ヘルパー",
    "部長",
    "師長",
    "Ns",
    "PT",
    "OT",
    "MSW",
];

/// Whether a word can be a piece of a name.
fn is_piece(line: &str, word: &Word) -> bool {
    let own = &line[word.range.clone()];
    let ends = matches!(word.class, Class::Ends | Class::Space | Class::Suffix);
    !ends
        && own
            .chars()
            .all(|letter| is_kanji(letter) || is_kana(letter))
}

/// The same, of a name that nothing but its place tells: an ordinary word is what it says, as in
/// 担当 外科.
fn is_lone_piece(line: &str, words: &[Word], index: usize) -> bool {
    words.get(index).is_some_and(|word| {
        let long = line[word.range.clone()].chars().count() > 1;
        is_piece(line, word) && !(matches!(word.class, Class::Noun | Class::Adverbial) && long)
    })
}

/// Behind a role: the end of a run of words, and of another behind a space.
fn after_role(line: &str, words: &[Word], first: usize) -> Option<usize> {
    let start = words[first].range.start;
    if !is_lone_piece(line, words, first) || !role_before(line, start) {
        return None;
    }
    let mut end = first;
    while is_lone_piece(line, words, end) {
        end += 1;
    }
    let last = words[end - 1].range.end;
    let family = &line[start..last];
    let letters = family.chars().count();
    if letters > 6 || family.chars().all(|letter| matches!(letter, 'ぁ'..='ゖ')) {
        return None;
    }
    let spaced = words
        .get(end)
        .is_some_and(|word| word.class == Class::Space);
    if !spaced || letters > 4 {
        return Some(last);
    }
    let mut given = end + 1;
    while words.get(given).is_some_and(|word| is_piece(line, word)) {
        given += 1;
    }
    let far = words[given - 1].range.end;
    let long = line[words[end].range.end..far].chars().count();
    Some(if (1..=5).contains(&long) { far } else { last })
}

/// Before a title: the start of the run of words that ends here.
fn before_title(line: &str, words: &[Word], last: usize) -> Option<usize> {
    let stop = words[last].range.end;
    let after = line[stop..].trim_start_matches([' ', '　']);
    if !STRONG.iter().any(|title| after.starts_with(title)) {
        return None;
    }
    let kanji = |index: usize| {
        is_lone_piece(line, words, index) && line[words[index].range.clone()].chars().all(is_kanji)
    };
    if !kanji(last) {
        return None;
    }
    let mut first = last;
    while first > 0 && kanji(first - 1) {
        first -= 1;
    }
    let start = words[first].range.start;
    (1..=4)
        .contains(&line[start..stop].chars().count())
        .then_some(start)
}

/// Whether a role stands before a place, with a mark between them or without.
fn role_before(line: &str, at: usize) -> bool {
    let before = line[..at].trim_end_matches([
        ' ', '　', ':', '：', '(', '（', '、', '=', '＝', '→', '・', '/', '／',
    ]);
    ROLES.iter().any(|role| before.ends_with(role))
}

/// Whether a role or a title stands before or after a name: 主治医 森, 佐藤部長.
fn beside_role(line: &str, range: &Range<usize>) -> bool {
    let after = line[range.end..].trim_start_matches([' ', '　']);
    role_before(line, range.start) || TITLES.iter().any(|title| after.starts_with(title))
}

/// The end of a given name that no dictionary has: a few letters of kanji or kana that were read as
/// pieces, up to what ends a name.
fn unknown_given(line: &str, words: &[Word], first: usize, spaced: bool) -> Option<usize> {
    let start = words.get(first)?.range.start;
    let mut end = first;
    while let Some(word) = words.get(end) {
        let own = &line[word.range.clone()];
        let kanji = own.chars().all(is_kanji);
        let of_name = match word.class {
            Class::Ends | Class::Space | Class::Suffix => false,
            // Another company's name: 田辺三菱製薬.
            Class::Place if kanji && own.chars().count() > 1 => false,
            _ => kanji || own.chars().all(is_kana),
        };
        if !of_name {
            break;
        }
        end += 1;
    }
    let letters = line[start..words.get(end).map_or(line.len(), |word| word.range.start)]
        .trim_end()
        .chars()
        .count();
    if !(1..=GIVEN_UNKNOWN_AT_MOST).contains(&letters) {
        return None;
    }
    let run = line[start..words.get(end).map_or(line.len(), |word| word.range.start)].trim_end();
    if run.ends_with(['湯', '散', '丸', '飲', '膏']) {
        // 小柴胡湯: a medicine.
        return None;
    }
    // One ordinary word is what it says: 佐藤医師, 田中 部長. Kana that few letters are, are not.
    let one = end == first + 1;
    let kanji = line[words[first].range.clone()].chars().any(is_kanji);
    let ordinary = one && words[first].class == Class::Noun && letters > 1 && kanji;
    (!ordinary || (spaced && letters == 1)).then_some(end)
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

fn eponym(line: &str, words: &[Word], end: usize) -> bool {
    let after = &line[words[end - 1].range.end..];
    EPONYM.iter().any(|word| after.starts_with(word))
}
