//! Words in Latin letters: lower case and known, or an abbreviation, or a word that notes write with a capital.

use std::ops::Range;
use std::sync::LazyLock;

use super::words::sections;
use super::{Class, is_latin};
use crate::text::letters::is_kanji;
use crate::text::vocabulary::QuickMap;

/// What our list says of a word.
type Marks = u16;
const UNIT: Marks = 1;
const ABBREVIATION: Marks = 2;
/// What stands in small letters in a line of capitals.
const SMALL: Marks = 4;
/// May stand with a capital anywhere.
const CAPITAL: Marks = 8;
const WORD: Marks = 16;
const EPONYM: Marks = 32;
const BEHIND_EPONYM: Marks = 64;
/// Hospitals, streets and people are called by it.
const PLACE: Marks = 128;

static OURS: LazyLock<QuickMap<&'static str, Marks>> = LazyLock::new(|| {
    let mut marks = QuickMap::<_, Marks>::default();
    for (title, word) in sections(include_str!("../../../data/known/english.txt")) {
        *marks.entry(word).or_default() |= match title {
            "units" => UNIT,
            "abbreviations" => ABBREVIATION,
            "small" => SMALL,
            "capitals" => CAPITAL,
            "words" => WORD,
            "eponyms" => EPONYM,
            "behind eponyms" => BEHIND_EPONYM,
            _ => PLACE,
        };
    }
    marks
});

/// English words; whether somebody may be called so.
static WORDS: LazyLock<QuickMap<&'static str, bool>> = LazyLock::new(|| {
    include_str!("../../../data/known/english-words.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| match line.strip_suffix('*') {
            Some(word) => (word, true),
            None => (line, false),
        })
        .collect()
});

fn listed(word: &str) -> Marks {
    OURS.get(word).copied().unwrap_or_default()
}

/// Ends of words of medicine that no list has, in words of some length.
const ENDS: [&str; 76] = [
    "ology",
    "ologist",
    "ological",
    "ologic",
    "itis",
    "osis",
    "emia",
    "aemia",
    "oma",
    "omas",
    "omatous",
    "ectomy",
    "ectomies",
    "otomy",
    "ostomy",
    "plasty",
    "scopy",
    "scopic",
    "graphy",
    "graphic",
    "gram",
    "grams",
    "itic",
    "otic",
    "emic",
    "uria",
    "uric",
    "algia",
    "algic",
    "ectasis",
    "ectasia",
    "pathy",
    "pathic",
    "trophy",
    "trophic",
    "plegia",
    "plegic",
    "paresis",
    "phasia",
    "phagia",
    "pnea",
    "pnoea",
    "rrhea",
    "rrhoea",
    "rrhage",
    "rrhagic",
    "rrhaphy",
    "penia",
    "penic",
    "cyte",
    "cytes",
    "cytic",
    "cytosis",
    "blast",
    "blastic",
    "genic",
    "genesis",
    "lysis",
    "lytic",
    "megaly",
    "malacia",
    "sclerosis",
    "sclerotic",
    "stenosis",
    "stasis",
    "static",
    "kinesia",
    "esthesia",
    "aesthesia",
    "metry",
    "metric",
    "tomy",
    "pexy",
    "desis",
    "centesis",
    "ectopic",
];
/// Ends of names of medicines.
const MEDICINES: [&str; 48] = [
    "cillin",
    "statin",
    "pril",
    "sartan",
    "olol",
    "azole",
    "mycin",
    "micin",
    "tinib",
    "ciclib",
    "parib",
    "mab",
    "cept",
    "gliptin",
    "gliflozin",
    "glutide",
    "floxacin",
    "cycline",
    "vir",
    "triptan",
    "setron",
    "xaban",
    "grel",
    "dipine",
    "zosin",
    "zepam",
    "zolam",
    "barbital",
    "caine",
    "curium",
    "curonium",
    "profen",
    "coxib",
    "oxetine",
    "idone",
    "apine",
    "azine",
    "penem",
    "cef",
    "thiazide",
    "semide",
    "formin",
    "glitazone",
    "dronate",
    "terol",
    "sone",
    "solone",
    "platin",
];
/// How words of medicine begin.
const BEGINNINGS: [&str; 92] = [
    "cardio",
    "cardia",
    "hepato",
    "hepat",
    "nephro",
    "neuro",
    "pulmon",
    "gastro",
    "entero",
    "broncho",
    "bronchi",
    "peri",
    "endo",
    "intra",
    "inter",
    "extra",
    "trans",
    "sub",
    "supra",
    "infra",
    "hyper",
    "hypo",
    "anti",
    "hemo",
    "haemo",
    "hemat",
    "haemat",
    "myo",
    "osteo",
    "arthro",
    "chondro",
    "dermat",
    "cyto",
    "cysto",
    "pyelo",
    "uretero",
    "utero",
    "thrombo",
    "thromb",
    "vaso",
    "angio",
    "arterio",
    "veno",
    "lympho",
    "leuko",
    "leuco",
    "erythro",
    "immuno",
    "auto",
    "micro",
    "macro",
    "poly",
    "pneumo",
    "pleuro",
    "thoraco",
    "laparo",
    "chole",
    "cholangio",
    "pancrea",
    "spleno",
    "colo",
    "procto",
    "ileo",
    "jejuno",
    "duodeno",
    "esophag",
    "oesophag",
    "laryngo",
    "pharyng",
    "trache",
    "rhino",
    "oto",
    "ophthalm",
    "retino",
    "kerato",
    "encephal",
    "mening",
    "myelo",
    "spondyl",
    "cranio",
    "radio",
    "echo",
    "electro",
    "chemo",
    "psycho",
    "post",
    "pre",
    "non",
    "multi",
    "semi",
    "retro",
    "contra",
];

/// Whether a word in lower case is made as words of medicine are.
fn of_medicine(word: &str) -> bool {
    let ends = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    word.len() >= 7 && (ends(&ENDS) || ends(&MEDICINES))
        || word.len() >= 9 && BEGINNINGS.iter().any(|first| word.starts_with(first))
}

fn known(lower: &str) -> bool {
    listed(lower) & (WORD | CAPITAL) != 0 || WORDS.contains_key(lower) || of_medicine(lower)
}

/// Whether nobody and no place is called by a known word, as far as lists tell.
fn harmless(lower: &str, marks: Marks) -> bool {
    marks & WORD != 0
        || WORDS.get(lower).is_some_and(|name| !name) && marks & PLACE == 0
        || of_medicine(lower)
}

/// Whether somebody is called by a word that stands with a capital.
pub(super) fn is_name(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "april" | "may" | "june" | "august" | "augustine"
    ) || WORDS.get(lower.as_str()).is_some_and(|name| *name)
        || listed(&lower) & (EPONYM | PLACE) != 0
}

/// What a run of letters and digits is that begins with a letter.
pub(super) fn class(text: &str, range: Range<usize>) -> Class {
    let word = &text[range.clone()];
    let letters = word.chars().count();
    if letters == 1 {
        return Class::Word;
    }
    if word.contains(|letter: char| letter.is_ascii_digit()) {
        // F102: a sex and an age that few reach.
        let person = word.strip_prefix(['M', 'F', 'm', 'f']);
        let old = person
            .and_then(|years| years.parse::<u32>().ok())
            .is_some_and(|years| (90..=120).contains(&years));
        return match code(word) && !old {
            true => Class::Sure,
            false => Class::Unknown,
        };
    }
    if unit(word) || word.len() > 2 && word.strip_suffix('s').is_some_and(unit) {
        return Class::Sure;
    }
    if !word.is_ascii() {
        return Class::Unknown;
    }
    let capitals = word.bytes().filter(u8::is_ascii_uppercase).count();
    if capitals == 0 {
        return match known(word) {
            true => Class::Word,
            false => Class::Unknown,
        };
    }
    let lower = word.to_ascii_lowercase();
    let marks = listed(&lower);
    if marks & EPONYM != 0 {
        return match of_an_illness(&text[range.end..]) {
            true => Class::Sure,
            false => Class::Unknown,
        };
    }
    let first = word.as_bytes()[0].is_ascii_uppercase();
    if first && capitals == 1 || capitals == letters {
        if marks & CAPITAL != 0 {
            return Class::Sure;
        }
        let stands = || begins_sentence(&text[..range.start]) || capitals > 3;
        if marks & SMALL != 0
            || harmless(&lower, marks) && stands()
            || lower.len() >= 8 && of_medicine(&lower)
        {
            return Class::Word;
        }
    }
    Class::Unknown
}

/// Parkinson's disease, Hoehn-Yahr, Garden分類.
fn of_an_illness(after: &str) -> bool {
    let own = ["'s", "’s", "'", "’"]
        .iter()
        .find_map(|own| after.strip_prefix(own));
    let after = own.unwrap_or(after);
    // Chiari I malformation.
    let after = [" I", " II", " III", " IV"]
        .iter()
        .find_map(|number| {
            after
                .strip_prefix(number)
                .filter(|rest| rest.starts_with(' '))
        })
        .unwrap_or(after);
    if after.starts_with(is_kanji) {
        return !after.starts_with([
            '様', '氏', '殿', '先', '医', '看', '君', '教', '師', '宅', '薬',
        ]);
    }
    let joined = after
        .strip_prefix(['-', '–', '/'])
        .or(after.strip_prefix(" and "));
    let next = joined.or(after.strip_prefix(' ')).unwrap_or_default();
    let end = next.find(|letter| !is_latin(letter)).unwrap_or(next.len());
    let word = next[..end].to_ascii_lowercase();
    let marks = listed(&word);
    marks & BEHIND_EPONYM != 0 || marks & EPONYM != 0 && of_an_illness(&next[end..])
}

fn begins_sentence(before: &str) -> bool {
    let bare = before.trim_end_matches([
        ' ', '\u{3000}', '\t', '*', '"', '“', '(', '[', '-', '•', '・', '#',
    ]);
    bare.is_empty() || bare.ends_with(['.', '!', '?', ':', '\n', '\r', '。', '：'])
}

/// HbA1c, CD4, T1N0M0, Th12: letters that are known, and few digits.
fn code(word: &str) -> bool {
    if listed(word) & ABBREVIATION != 0 {
        return true;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let parts = word.split(|letter: char| letter.is_ascii_digit());
    digits <= 3
        && parts
            .filter(|part| !part.is_empty())
            .all(|part| part.chars().count() == 1 || unit(part))
}

/// What may stand glued to a number.
pub(super) fn unit(word: &str) -> bool {
    listed(word) & (UNIT | ABBREVIATION) != 0
}

/// What is measured in it; no abbreviation of something else.
pub(super) fn is_unit(word: &str) -> bool {
    listed(word) & UNIT != 0
}

pub(super) fn is_abbreviation(word: &str) -> bool {
    listed(word) & ABBREVIATION != 0
}
