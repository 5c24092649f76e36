//! Names: those that the record itself has, however they are written, and those that a title stands
//! beside.

use std::collections::BTreeSet;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use kura_fhir::{romaji, text::fold};
use regex::Regex;

use super::numbers::pattern;
use super::{Found, Kind, push};

/// What the bank knows of whoever a text may speak of: the patient, relatives, staff, places,
/// numbers.
#[derive(Debug, Clone, Default)]
pub struct Record {
    patterns: Vec<(String, Kind)>,
    /// Made when first asked; none if there is nothing to look for.
    search: OnceLock<Option<AhoCorasick>>,
}

impl Record {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A person, family name first, in one script: 小野 綾子, オノ アヤコ, Ono Ayako.
    #[must_use]
    pub fn person(self, name: &str) -> Self {
        let words: Vec<&str> = name.split([' ', '　', '^', '・', ',']).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let mut forms = BTreeSet::from([words.concat()]);
        // Of a name in kana also its sound in Latin letters, either way round.
        let sounds: Vec<String> = words
            .iter()
            .filter_map(|word| romaji::kana_key(word))
            .collect();
        if sounds.len() == words.len() {
            forms.insert(sounds.concat());
            forms.insert(sounds.iter().rev().map(String::as_str).collect());
            forms.insert(sounds.join("^"));
            forms.insert(sounds.join(","));
        } else {
            forms.insert(words.iter().rev().copied().collect());
        }
        // A part alone, where it is long enough to be told from other words.
        if words.len() > 1 {
            let parts = words.iter().map(|word| (*word).to_owned()).chain(sounds);
            forms.extend(parts.filter(|part| {
                let letters = part.chars().count();
                let kanji = part
                    .chars()
                    .all(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter));
                letters >= if kanji { 2 } else { 4 }
            }));
        }
        self.add(forms, Kind::Name)
    }

    /// A number of the record, of a visit or an order.
    #[must_use]
    pub fn number(self, number: &str) -> Self {
        self.add([number.to_owned()], Kind::RecordNumber)
    }

    /// A telephone, with its dashes or without.
    #[must_use]
    pub fn phone(self, number: &str) -> Self {
        let bare: String = number.chars().filter(char::is_ascii_digit).collect();
        self.add(BTreeSet::from([number.to_owned(), bare]), Kind::Phone)
    }

    /// An address, or a part of one.
    #[must_use]
    pub fn address(self, address: &str) -> Self {
        self.add([address.to_owned()], Kind::Address)
    }

    /// The name of a hospital or of a part of one.
    #[must_use]
    pub fn hospital(self, name: &str) -> Self {
        self.add([name.to_owned()], Kind::Hospital)
    }

    fn add(mut self, forms: impl IntoIterator<Item = String>, kind: Kind) -> Self {
        let long = |form: &String| fold(form).chars().count() >= 2;
        let forms = forms.into_iter().filter(long);
        self.patterns.extend(forms.map(|form| (form, kind)));
        self.search = OnceLock::new();
        self
    }

    fn search(&self) -> Option<&AhoCorasick> {
        let make = || {
            let folded = self.patterns.iter().map(|(form, _)| fold(form));
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(folded)
                .ok()
        };
        self.search.get_or_init(make).as_ref()
    }

    /// What of it stands in a text: whatever its widths, kana, capitals and spaces.
    pub(super) fn find(&self, text: &str, found: &mut Vec<Found>) {
        let Some(search) = self.search() else { return };
        let folded = Folded::of(text);
        for hit in search.find_iter(&folded.text) {
            let (_, kind) = &self.patterns[hit.pattern().as_usize()];
            let range = folded.source(hit.start(), hit.end());
            // A Latin name is no part of a longer word.
            let own = &text[range.clone()];
            let inner = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_alphanumeric());
            let within = inner(text[..range.start].chars().next_back())
                || inner(text[range.end..].chars().next());
            if own.is_ascii() && within {
                continue;
            }
            push(found, range, *kind);
        }
    }
}

/// A text folded letter by letter, and the way back.
struct Folded {
    text: String,
    /// For each byte the letter of the source that it came from: its start and its end.
    from: Vec<(u32, u32)>,
}

impl Folded {
    fn of(source: &str) -> Self {
        let mut out = Self {
            text: String::with_capacity(source.len()),
            from: Vec::with_capacity(source.len()),
        };
        let mut letters = source.char_indices().peekable();
        while let Some((start, letter)) = letters.next() {
            // A half-width mark belongs to the kana before it: ｶﾞ is ガ.
            let mut end = start + letter.len_utf8();
            if let Some((at, mark)) = letters.peek().copied()
                && matches!(mark, 'ﾞ' | 'ﾟ' | '\u{3099}' | '\u{309A}')
            {
                end = at + mark.len_utf8();
                letters.next();
            }
            let folded = fold(&source[start..end]);
            out.from
                .resize(out.from.len() + folded.len(), (start as u32, end as u32));
            out.text.push_str(&folded);
        }
        out
    }

    fn source(&self, start: usize, end: usize) -> std::ops::Range<usize> {
        self.from[start].0 as usize..self.from[end - 1].1 as usize
    }
}

/// 担当看護師: 伊藤 奈緒; 主治医 山田太郎. The name follows the title.
static AFTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:(?:担当|受持|受け持ち|主治|執刀|紹介|報告|記載|依頼|読影|指導)(?:医師?|者|看護師|薬剤師|技師)?|看護師|薬剤師|(?:患者|氏)名|家族|キーパーソン|記録者) ?[::] ?([\p{Han}]{1,4}[  ]?[\p{Han}ぁ-んァ-ヶ]{1,5})",
    )
});
/// 山田太郎先生, 伊藤さん: the title follows the name.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"([\p{Han}]{2,4}(?:[ ][\p{Han}]{1,3})?)(?:先生|さん|様|氏|殿|ちゃん|くん)")
});
static LATIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(?:Drs?|Mrs?|Ms|Miss|Prof)\b\.? ?[A-Z][A-Za-z'-]+(?: [A-Z]\.)?(?: [A-Z][a-z'-]+)?")
});

/// Words with a title that name nobody.
const NOBODY: [&str; 60] = [
    "患者",
    "家族",
    "医師",
    "主治医",
    "担当医",
    "看護師",
    "薬剤師",
    "技師",
    "先生",
    "息子",
    "長男",
    "次男",
    "三男",
    "長女",
    "次女",
    "三女",
    "夫",
    "妻",
    "奥",
    "旦那",
    "母",
    "父",
    "祖母",
    "祖父",
    "叔父",
    "叔母",
    "兄",
    "姉",
    "弟",
    "妹",
    "子供",
    "孫",
    "嫁",
    "婿",
    "本人",
    "皆",
    "仲間",
    "同僚",
    "上司",
    "友人",
    "知人",
    "隣人",
    "住職",
    "職員",
    "利用者",
    "入居者",
    "当直医",
    "研修医",
    "専門医",
    "院長",
    "部長",
    "師長",
    "主任",
    "外来",
    "病棟",
    "各位",
    "同",
    "多",
    "異",
    "仕",
];

pub(super) fn titled(text: &str, found: &mut Vec<Found>) {
    for hit in AFTER.captures_iter(text).filter_map(|hit| hit.get(1)) {
        if !names_nobody(hit.as_str()) {
            push(found, hit.range(), Kind::Name);
        }
    }
    for hit in BEFORE.captures_iter(text).filter_map(|hit| hit.get(1)) {
        let like = text[hit.end()..].starts_with('様')
            && LIKE.iter().any(|like| hit.as_str().ends_with(like));
        if !like && !names_nobody(hit.as_str()) {
            push(found, hit.range(), Kind::Name);
        }
    }
    for hit in LATIN.find_iter(text) {
        push(found, hit.range(), Kind::Name);
    }
}

/// Before 様 also "like": 苦痛様, 発作様.
const LIKE: [&str; 24] = [
    "苦痛",
    "発作",
    "痙攣",
    "狭心症",
    "感冒",
    "嚢胞",
    "結節",
    "腫瘤",
    "顆粒",
    "泡沫",
    "粘液",
    "膿",
    "麻痺",
    "索状",
    "円柱",
    "湿疹",
    "蕁麻疹",
    "喘息",
    "鼠径",
    "斑状",
    "線状",
    "網状",
    "水",
    "同",
];

fn names_nobody(word: &str) -> bool {
    NOBODY
        .iter()
        .any(|nobody| word == *nobody || word.ends_with(nobody))
}
