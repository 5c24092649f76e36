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
    /// Names by their sound in Latin letters: whole ones, and parts.
    sounds: BTreeSet<String>,
    parts: BTreeSet<String>,
    /// Of the record, folded.
    numbers: BTreeSet<String>,
    /// Parts too short to be told from other words: names only where something says so.
    short: BTreeSet<String>,
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
    pub fn person(mut self, name: &str) -> Self {
        let words: Vec<&str> = name.split([' ', '　', '^', '・', ',']).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let mut forms = BTreeSet::from([words.concat(), words.iter().rev().copied().collect()]);
        // Of a name in kana or in Latin letters its sound, either way round, however it is spelt.
        let sounds: Vec<String> = words
            .iter()
            .filter_map(|word| match word.is_ascii() {
                true => Some(romaji::key(word)),
                false => romaji::kana_key(word),
            })
            .collect();
        if sounds.len() == words.len() {
            self.sounds.insert(sounds.concat());
            self.sounds
                .insert(sounds.iter().rev().map(String::as_str).collect());
            self.parts
                .extend(sounds.into_iter().filter(|sound| sound.len() >= 3));
        }
        // A part alone, where it is long enough to be told from other words.
        if words.len() > 1 {
            for part in &words {
                let letters = part.chars().count();
                let kanji = part.chars().all(is_name_letter);
                if letters >= if kanji { 2 } else { 4 } {
                    forms.insert((*part).to_owned());
                } else if !part.is_ascii() {
                    self.short.insert(fold(part));
                }
            }
        }
        self.add(forms, Kind::Name)
    }

    /// A number of the record, of a visit or an order: with its dashes or without, and without the
    /// zeros in front.
    #[must_use]
    pub fn number(mut self, number: &str) -> Self {
        let bare: String = number.chars().filter(|c| c.is_alphanumeric()).collect();
        let short = bare.trim_start_matches('0').to_owned();
        let mut forms = vec![number.to_owned()];
        forms.extend([bare, short].into_iter().filter(|form| form.len() >= 5));
        self.numbers.extend(forms.iter().map(|form| fold(form)));
        self.add(forms, Kind::RecordNumber)
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
        self.by_sound(text, found);
        self.dashed(text, found);
        if self.short.is_empty() && self.patterns.is_empty() {
            return;
        }
        let folded = Folded::of(text);
        if let Some(search) = self.search() {
            for hit in search.find_iter(&folded.text) {
                let (_, kind) = &self.patterns[hit.pattern().as_usize()];
                let range = folded.source(hit.start(), hit.end());
                // A Latin name is no part of a longer word, a number of no longer one.
                let own = &text[range.clone()];
                let inner =
                    |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_alphanumeric());
                let within = inner(text[..range.start].chars().next_back())
                    || inner(text[range.end..].chars().next());
                if own.is_ascii() && within {
                    continue;
                }
                push(found, range, *kind);
            }
        }
        for part in &self.short {
            for (at, _) in folded.text.match_indices(part.as_str()) {
                let range = folded.source(at, at + part.len());
                if said_to_be_a_name(text, &range) {
                    push(found, range, Kind::Name);
                }
            }
        }
    }

    /// 0482-8510 of the record's 04828510.
    fn dashed(&self, text: &str, found: &mut Vec<Found>) {
        for hit in DASHED.find_iter(text) {
            let bare: String = fold(hit.as_str())
                .chars()
                .filter(|c| c.is_alphanumeric())
                .collect();
            let short = bare.trim_start_matches('0');
            if self.numbers.contains(&bare) || (short.len() >= 5 && self.numbers.contains(short)) {
                push(found, hit.range(), Kind::RecordNumber);
            }
        }
    }

    /// Satō Kaoru, KAORU SATOU, Satoh^Kaoru; Satō alone.
    fn by_sound(&self, text: &str, found: &mut Vec<Found>) {
        if self.sounds.is_empty() {
            return;
        }
        let mut before: Option<(usize, usize, String)> = None;
        for word in LATIN_WORD.find_iter(text) {
            let key = romaji::key(word.as_str());
            let beside = before.as_ref().filter(|(_, end, _)| {
                let between = &text[*end..word.start()];
                between.chars().count() <= 2
                    && between
                        .chars()
                        .all(|c| matches!(c, ' ' | '　' | ',' | '^' | '=' | '・'))
            });
            if let Some((start, _, first)) = beside
                && self.sounds.contains(&format!("{first}{key}"))
            {
                push(found, *start..word.end(), Kind::Name);
                // A word belongs to one name only.
                before = None;
                continue;
            } else if self.sounds.contains(&key)
                || (self.parts.contains(&key) && word.as_str().starts_with(char::is_uppercase))
            {
                push(found, word.range(), Kind::Name);
            }
            before = Some((word.start(), word.end(), key));
        }
    }
}

static LATIN_WORD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[\p{Latin}]{2,}(?:['’-][\p{Latin}]{2,})*"));
static DASHED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[A-Za-z]{0,4}[0-9０-９]{1,8}(?:[-−－‐/][0-9０-９]{1,8}){1,4}"));

/// A letter that names are written with beside kanji proper: 一ノ瀬, 佐々木, 﨑山.
pub(super) fn is_name_letter(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '々' | '〆' | 'ヶ' | 'ケ' | 'ノ' | 'ヵ')
}

/// What follows a name and says that it is one.
pub(super) const TITLES: [&str; 52] = [
    "さん",
    "様",
    "さま",
    "氏",
    "殿",
    "ちゃん",
    "くん",
    "君",
    "先生",
    "医師",
    "Dr",
    "ドクター",
    "看護師",
    "准看護師",
    "助産師",
    "保健師",
    "薬剤師",
    "理学療法士",
    "作業療法士",
    "言語聴覚士",
    "療法士",
    "放射線技師",
    "検査技師",
    "技師",
    "管理栄養士",
    "栄養士",
    "社会福祉士",
    "精神保健福祉士",
    "相談員",
    "ケアマネ",
    "ヘルパー",
    "介護士",
    "介護福祉士",
    "弁護士",
    "民生委員",
    "部長",
    "師長",
    "主任",
    "院長",
    "医長",
    "教授",
    "准教授",
    "助教",
    "講師",
    "研修医",
    "専攻医",
    "宅",
    "Ns",
    "PT",
    "OT",
    "ST",
    "MSW",
];
/// What stands before a name and says that it is one, with a mark between them or without.
pub(super) const ROLES: [&str; 84] = [
    "医師",
    "看護師",
    "助産師",
    "保健師",
    "薬剤師",
    "理学療法士",
    "作業療法士",
    "言語聴覚士",
    "技師",
    "栄養士",
    "社会福祉士",
    "相談員",
    "ケアマネ",
    "ケアマネジャー",
    "ヘルパー",
    "主治医",
    "担当医",
    "担当",
    "受持",
    "受け持ち",
    "執刀医",
    "執刀",
    "術者",
    "助手",
    "麻酔",
    "麻酔科医",
    "記載",
    "記載者",
    "記録者",
    "報告者",
    "入力者",
    "代筆者",
    "発見者",
    "通報者",
    "連絡者",
    "依頼医",
    "紹介医",
    "読影",
    "読影医",
    "指導医",
    "説明者",
    "同席者",
    "参加者",
    "立会人",
    "保証人",
    "保証人は",
    "後見人",
    "後見人の",
    "キーパーソン",
    "KP",
    "確認",
    "当直",
    "宛先",
    "名前は",
    "長男",
    "次男",
    "三男",
    "長女",
    "次女",
    "三女",
    "長男の",
    "次男の",
    "長女の",
    "次女の",
    "息子の",
    "娘の",
    "妻の",
    "夫の",
    "母の",
    "父の",
    "兄の",
    "弟の",
    "姉の",
    "妹の",
    "友人の",
    "隣人の",
    "ケアマネの",
    "ケアマネジャーの",
    "主治医の",
    "担当の",
    "Dr",
    "Dr.",
    "PT",
    "Ns",
];

/// Before a name that is told, also.
const MORE_ROLES: [&str; 20] = [
    "記録",
    "説明",
    "調製",
    "監査",
    "判定",
    "判定医",
    "申込",
    "候補",
    "依頼",
    "承認",
    "回答",
    "回診",
    "当番",
    "リーダー",
    "プライマリ",
    "一次",
    "二次",
    "日勤",
    "夜勤",
    "医局",
];

/// Kanji that stand alone in every text.
const OF_PLACE: &str = "上下中前後左右間内外口手足脇胸腹頭首腰背膝指目耳鼻舌歯骨肺心肝胃腸脳血尿便汗痰熱毒薬針管今昔日月年時分週朝昼\
                        夜夕春夏秋冬一二三四五六七八九十百千万半同他本元先次各全約毎何誰人方件点回量値度力声音色形型種類部側面端縁\
                        角線点列層床室棟科院家車駅水湯酒米茶飯魚肉卵豆油塩糖父母兄弟姉妹妻夫娘息子孫親祖姪甥嫁婿男女児犬猫鳥";
const PARTICLES: [&str; 8] = ["が", "は", "も", "を", "に", "と", "へ", "より"];

/// Whether something beside a few letters says that they are a name.
fn said_to_be_a_name(text: &str, range: &std::ops::Range<usize>) -> bool {
    let (before, after) = (&text[..range.start], &text[range.end..]);
    let own = &text[range.clone()];
    let kanji = |letter: Option<char>| letter.is_some_and(is_name_letter);
    let katakana = |letter: char| matches!(letter, 'ァ'..='ヺ' | 'ー' | 'ｦ'..='ﾟ');
    let first = own.chars().next();
    let last_before = before.chars().next_back();
    // 主治医下医師, 調製上／: behind who does something it is one where a title or the end of the words follows.
    let role = ROLES
        .iter()
        .chain(&MORE_ROLES)
        .any(|role| before.ends_with(role));
    let titled = TITLES.iter().any(|title| after.starts_with(title));
    let [opened, closed] = [last_before, after.chars().next()]
        .map(|letter| !letter.is_some_and(char::is_alphanumeric));
    // A piece of a longer word of its own script is none: 林檎, クキナ.
    let joined = kanji(first) && kanji(last_before)
        || own.chars().all(katakana) && last_before.is_some_and(katakana);
    if joined {
        return role && (titled || closed);
    }
    let says = after.starts_with("です") || after.starts_with("と申");
    // 西村様へ凪が謝罪: a particle behind one kanji, which is no word of place and number.
    let alone = kanji(first) && own.chars().count() == 1 && !OF_PLACE.contains(own);
    let particle = PARTICLES.iter().any(|word| after.starts_with(word));
    titled || role || opened && (closed || says) || alone && particle
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
/// 山田太郎先生, 伊藤さん: the title follows the name. ジョン・スミスさん.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"([\p{Han}々ヶノ]{2,4}(?:[ ][\p{Han}々]{1,3})?|[\p{Han}々]{1,3}[ぁ-ん]{2,4}|[ァ-ヶー]{2,10}(?:[・=][ァ-ヶー]{2,12})+|[ァ-ヶー]{3,10})(?:先生|さん|様|氏|殿|ちゃん|くん)",
    )
});
/// フリガナ: タナカ タロウ.
static IN_KANA: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:フリガナ|ふりがな|カナ氏名|氏名カナ|カナ|よみ|読み)[ ::\((]{1,3}([ァ-ヶーぁ-んｦ-ﾟ]{2,10}(?:[ 　・][ァ-ヶーぁ-んｦ-ﾟ]{1,10})?)",
    )
});
/// キム・ミンジュン, マリア・サントス: two words of katakana with a point between them. Words of
/// medicine are written so, too (フォークト・小柳): both must be kana, and no word of an illness follow.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"([ァ-ヶー]{2,12}[・=][ァ-ヶー]{2,12}(?:[・=][ァ-ヶー]{2,12})?)(?:[、。 　（(がはよをにへと]|$)",
    )
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

/// A name behind a title is looked for only where no dictionary does it better.
pub(super) fn titled(text: &str, has_dictionary: bool, found: &mut Vec<Found>) {
    let after = AFTER.captures_iter(text).filter(|_| !has_dictionary);
    for hit in after.filter_map(|hit| hit.get(1)) {
        if !names_nobody(hit.as_str()) {
            push(found, hit.range(), Kind::Name);
        }
    }
    let titles = ["先生", "さん", "様", "氏", "殿", "ちゃん", "くん"];
    let may_hold = titles.iter().any(|title| text.contains(title));
    let before = BEFORE.captures_iter(if may_hold { text } else { "" });
    for hit in before.filter_map(|hit| hit.get(1)) {
        let after = &text[hit.end()..];
        let of_a_word = after.strip_prefix(['様', '氏', '殿']).is_some_and(|rest| {
            rest.starts_with(|next: char| {
                is_name_letter(next) && !matches!(next, '宅' | '方' | '御')
            })
        });
        let like = of_a_word
            || after.starts_with('様') && LIKE.iter().any(|like| hit.as_str().ends_with(like));
        if !like && !names_nobody(hit.as_str()) {
            push(found, hit.range(), Kind::Name);
        }
    }
    for pattern in [&*IN_KANA, &*FOREIGN] {
        for hit in pattern.captures_iter(text).filter_map(|hit| hit.get(1)) {
            push(found, hit.range(), Kind::Name);
        }
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
