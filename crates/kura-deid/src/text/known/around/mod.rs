//! What stands beside an unknown word and is a piece of the same name, house or street.

mod english;
mod measures;
mod numbers;

use std::sync::LazyLock;

use super::{Class, Piece};
use crate::text::context;
use crate::text::letters::{is_hiragana, is_kanji, is_katakana};
use crate::text::vocabulary::{QuickSet, Vocabulary};

/// Kinds of places, behind the name of one or before it.
static KINDS: LazyLock<QuickSet<&str>> = LazyLock::new(|| {
    "病院 医院 クリニック 診療所 薬局 調剤薬局 センター 医療センター ホーム ステーション 訪問看護ステーション 施設 介護施設 \
     老人ホーム 特別養護老人ホーム 有料老人ホーム グループホーム 老健 特養 介護老人保健施設 デイサービス デイケア ショートステイ ホスピス \
     内科 外科 整形外科 小児科 眼科 皮膚科 耳鼻科 耳鼻咽喉科 歯科 産婦人科 婦人科 泌尿器科 脳神経外科 精神科 心療内科 \
     総合病院 大学病院 中央病院 市民病院 記念病院 赤十字病院 大学 学校 小学校 中学校 高校 高等学校 保育園 幼稚園 学園 研究所 保健所 \
     保健センター 支援センター 地域包括支援センター 福祉事務所 事業所 助産院 助産所 接骨院 整骨院 ケアセンター ケアプランセンター \
     財団 社団 医療法人社団 社会医療法人 医療法人 社会福祉法人 会社 株式会社 団地 荘 苑 園 寮 館 会 院 台 駅 郵便局 銀行 支店 工場 総合 労災 中央 整形 済生会 日赤 厚生 市立 県立 医大 本店 支店 警察署 消防署 交番 役所 役場 公園 神社 通り"
        .split_whitespace()
        .collect()
});
/// Who does something, before the name.
static ROLES: LazyLock<QuickSet<&str>> = LazyLock::new(|| {
    "執刀 執刀医 術者 助手 第一助手 第二助手 担当 担当医 担当者 主治医 受持 受け持ち 管理者 責任者 発見者 師長 看護師長 主任 看護主任 \
     副師長 読影 読影医 判定医 接種医 指導医 検査士 技師 撮影技師 薬剤師 栄養士 相談員 介護士 看護師 医師 麻酔 麻酔医 麻酔科医 当直 当直医 \
     日勤 準夜 深夜 夜勤 代行 運転 回診者 承認 記載者 報告者 調査員 立会 立会医 返却者 目撃者"
        .split_whitespace()
        .collect()
});
/// Municipalities whose names are hiragana.
const TOWNS: [&str; 24] = [
    "いわき",
    "さぬき",
    "つくばみらい",
    "つくば",
    "さいたま",
    "ひたちなか",
    "みどり市",
    "うるま",
    "えびの",
    "かすみがうら",
    "にかほ",
    "つがる",
    "むつ市",
    "みやま",
    "うきは",
    "たつの",
    "あわら",
    "いなべ",
    "かほく",
    "さくら市",
    "ふじみ野",
    "いすみ",
    "おいらせ",
    "せたな",
];

pub(super) use measures::counted;

pub(super) fn spread(text: &str, vocabulary: &Vocabulary, pieces: &mut [Piece]) {
    japanese(text, pieces);
    given_names(text, vocabulary, pieces);
    kinds(text, pieces);
    tails(text, pieces);
    foreign_names(text, pieces);
    numbers::spread(text, pieces);
    numbers::long(text, pieces);
    english::spread(text, pieces);
    measures::spread(text, pieces);
}

fn set(pieces: &mut [Piece]) {
    for piece in pieces {
        if piece.class != Class::Found {
            piece.class = Class::Unknown;
        }
    }
}

fn is_japanese(text: &str, piece: &Piece) -> bool {
    text[piece.range.clone()].starts_with(super::is_japanese)
}

/// A word of the dictionary, or a letter beside one, that is no hiragana.
fn weak(text: &str, piece: &Piece) -> bool {
    matches!(piece.class, Class::Word | Class::Affix)
        && piece
            .text(text)
            .starts_with(|letter| is_kanji(letter) || is_katakana(letter))
}

/// An unknown letter takes the words with it that it is glued to: of 近藤真実 nothing stays.
fn japanese(text: &str, pieces: &mut [Piece]) {
    for index in 1..pieces.len() {
        let last = &pieces[index - 1];
        if last.class == Class::Unknown && is_japanese(text, last) && weak(text, &pieces[index]) {
            pieces[index].class = Class::Unknown;
        }
    }
    for index in (1..pieces.len()).rev() {
        let next = &pieces[index];
        if next.class == Class::Unknown && is_japanese(text, next) && weak(text, &pieces[index - 1])
        {
            pieces[index - 1].class = Class::Unknown;
        }
    }
    // 福岡市中央区薬院: a short word between two that are unknown.
    for index in 1..pieces.len().saturating_sub(1) {
        let unknown = |piece: &Piece| piece.class == Class::Unknown && is_japanese(text, piece);
        let own = &pieces[index];
        let short = own.class == Class::Sure && own.text(text).chars().count() <= 2;
        if short
            && is_japanese(text, own)
            && unknown(&pieces[index - 1])
            && unknown(&pieces[index + 1])
        {
            pieces[index].class = Class::Unknown;
        }
    }
    // 虎の門, 緑が丘: one kanji joined to what is unknown.
    for index in 2..pieces.len() {
        let joint = matches!(pieces[index - 1].text(text), "の" | "が" | "ヶ");
        let own = &pieces[index];
        let kin = context::is_person(own.text(text));
        let alone = pieces.get(index + 1).is_none_or(|next| !weak(text, next));
        let before =
            pieces[index - 2].class == Class::Unknown && is_japanese(text, &pieces[index - 2]);
        if joint && before && own.class == Class::Affix && !kin && alone {
            set(&mut pieces[index - 1..=index]);
        }
    }
    // 大地さん, 平和医師, 学くん: whoever has a title is somebody.
    for index in 1..pieces.len() {
        let title = pieces[index].text(text);
        let titled =
            context::is_title(title) || title.starts_with("さん") || title.starts_with("ちゃん");
        let called = matches!(title, "さん" | "くん" | "ちゃん" | "氏" | "様" | "君");
        let last = &pieces[index - 1];
        let own = last.text(text);
        let one = called
            && own.starts_with(is_kanji)
            && own.chars().count() == 1
            && !context::is_person(own)
            && (index < 2 || !weak(text, &pieces[index - 2]));
        if titled && last.class == Class::Word && weak(text, last) || one {
            set(&mut pieces[index - 1..index]);
        }
    }
    // 執刀中, 師長薄: one kanji behind who does something, with nothing behind it, is a name.
    for index in 1..pieces.len() {
        let own = pieces[index].text(text);
        let role = pieces[index - 1].text(text);
        let bounded = pieces.get(index + 1).is_none_or(|next| {
            !next
                .text(text)
                .starts_with(|letter| is_kanji(letter) || is_katakana(letter))
        });
        if bounded
            && own.starts_with(is_kanji)
            && own.chars().count() == 1
            && ROLES.contains(role)
            && !"者医師士科名氏者時日表欄歴印室部係長員".contains(own)
        {
            set(&mut pieces[index..=index]);
        }
    }
    // いわき, さぬき: towns that are written in hiragana.
    for index in 0..pieces.len() {
        let rest = &text[pieces[index].range.start..];
        let Some(town) = TOWNS.iter().find(|town| rest.starts_with(*town)) else {
            continue;
        };
        let end = pieces[index].range.start + town.len();
        let begins = index == 0 || !pieces[index - 1].text(text).ends_with(is_hiragana);
        let behind = rest[town.len()..].chars().next();
        let place =
            behind.is_none_or(|next| !is_hiragana(next) || "のでにへをはがとも".contains(next));
        let last = pieces.iter().position(|piece| piece.range.end == end);
        if let Some(last) = last.filter(|last| *last >= index && begins && place) {
            set(&mut pieces[index..=last]);
        }
    }
    // 「力」, （学）: one kanji alone in brackets, if it is none of a list.
    const IN_BRACKETS: &str = "男女右左上下前後内外日月火水木金土祝大中小有無要否可不良高低正陰陽朝昼夕夜済未計表図注初再他複単";
    for index in 1..pieces.len().saturating_sub(1) {
        let own = pieces[index].text(text);
        let opened = matches!(pieces[index - 1].text(text), "(" | "（" | "「" | "『");
        let closed = matches!(
            pieces[index + 1].text(text),
            ")" | "）" | "」" | "』" | "、"
        );
        if opened
            && closed
            && own.starts_with(is_kanji)
            && own.chars().count() == 1
            && !IN_BRACKETS.contains(own)
            && !context::is_person(own)
        {
            set(&mut pieces[index..=index]);
        }
    }
}

/// A short word that a space parts from an unknown one is the other half of a name.
fn given_names(text: &str, vocabulary: &Vocabulary, pieces: &mut [Piece]) {
    let short = |piece: &Piece| piece.text(text).chars().count() <= 3 && is_japanese(text, piece);
    for index in 2..pieces.len() {
        let (first, gap, second) = (&pieces[index - 2], &pieces[index - 1], &pieces[index]);
        if !matches!(gap.text(text), " " | "　") {
            continue;
        }
        // 阿部　こう: hiragana that sounds as a given name.
        if first.class == Class::Unknown
            && short(first)
            && second.text(text).starts_with(is_hiragana)
        {
            let count = pieces[index..]
                .iter()
                .take_while(|p| p.text(text).starts_with(is_hiragana))
                .count();
            for last in (index..index + count).rev() {
                let sound = &text[pieces[index].range.start..pieces[last].range.end];
                let one = last == index && pieces[last].class == Class::Grammar;
                let whole = last + 1 == index + count && !one && sound.chars().count() <= 4;
                if vocabulary.given_sounds.contains(sound) || whole {
                    set(&mut pieces[index..=last]);
                    break;
                }
            }
            continue;
        }
        let bounded = pieces.get(index + 1).is_none_or(|next| !weak(text, next));
        let begins = index < 3 || !weak(text, &pieces[index - 3]);
        if first.class == Class::Unknown
            && short(first)
            && short(second)
            && weak(text, second)
            && bounded
        {
            pieces[index].class = Class::Unknown;
        } else if second.class == Class::Unknown
            && short(first)
            && short(second)
            && weak(text, first)
            && begins
        {
            pieces[index - 2].class = Class::Unknown;
        }
    }
}

/// 希望の丘病院: all of a name with the kind of house it is of.
fn kinds(text: &str, pieces: &mut [Piece]) {
    for index in 0..pieces.len() {
        if pieces[index].class == Class::Found || !KINDS.contains(pieces[index].text(text)) {
            continue;
        }
        let glued = |piece: &Piece| {
            piece.class != Class::Found
                && piece
                    .text(text)
                    .starts_with(|letter| is_kanji(letter) || is_katakana(letter))
        };
        let mut first = index;
        while first > 0 {
            let last = &pieces[first - 1];
            let joint = matches!(last.text(text), "の" | "が" | "ヶ") && first > 1 && {
                let upper = &pieces[first - 2];
                upper.class == Class::Unknown || upper.class == Class::Word && weak(text, upper)
            };
            let kana = last.class == Class::Unknown && is_japanese(text, last);
            if !(glued(last) || kana || joint) {
                break;
            }
            first -= 1;
        }
        let found = first > 0 && pieces[first - 1].class == Class::Found;
        let names = pieces[first..index].iter().position(|piece| {
            piece.class == Class::Unknown || piece.class == Class::Word && weak(text, piece)
        });
        if names.is_some() || first < index && found {
            set(&mut pieces[first..=index]);
            continue;
        }
        // グループホームひだまり, 医療法人愛仁会: the name behind the kind.
        let name = |piece: &Piece| piece.class == Class::Unknown && is_japanese(text, piece);
        if pieces.get(index + 1).is_some_and(name) {
            set(&mut pieces[index..=index]);
        }
    }
}

/// 江波胃腸科, 加賀ハートC, 東雲医大附属: what is glued to a name that went and is a kind of house.
fn tails(text: &str, pieces: &mut [Piece]) {
    const ENDS: [&str; 33] = [
        "科",
        "院",
        "所",
        "園",
        "苑",
        "荘",
        "館",
        "会",
        "堂",
        "局",
        "校",
        "室",
        "部",
        "病棟",
        "センター",
        "ハウス",
        "ケア",
        "サポート",
        "ステーション",
        "ホーム",
        "クリニック",
        "包括",
        "医療",
        "リハ",
        "セ",
        "附属",
        "付属",
        "医大",
        "脳外",
        "がん",
        "ハート",
        "大学",
        "支部",
    ];
    const LATIN: [&str; 11] = [
        "C", "HP", "Hp", "GH", "ST", "CC", "Cl", "CL", "MC", "H", "PCU",
    ];
    let kind = |piece: &Piece| {
        let own = piece.text(text);
        !piece.gone()
            && (LATIN.contains(&own)
                || piece.class != Class::Grammar && ENDS.iter().any(|end| own.ends_with(end)))
    };
    let name = |piece: &Piece| {
        let japanese = piece.text(text).ends_with(super::is_japanese);
        piece.gone() && (japanese || LATIN.contains(&piece.text(text)))
    };
    for index in 1..pieces.len() {
        if name(&pieces[index - 1]) && kind(&pieces[index]) {
            pieces[index].class = Class::Unknown;
        }
    }
    for index in (1..pieces.len()).rev() {
        if name(&pieces[index]) && kind(&pieces[index - 1]) {
            pieces[index - 1].class = Class::Unknown;
        }
    }
}

/// キム・ミンジュン: two words with a point between them, of which one is unknown.
fn foreign_names(text: &str, pieces: &mut [Piece]) {
    let katakana = |piece: &Piece| piece.text(text).starts_with(is_katakana);
    // アスピリン・イマチニブ: a long word of a list is a word beside whatever else.
    let name = |piece: &Piece| {
        let long = piece.text(text).chars().count() > 3;
        katakana(piece) && !piece.gone() && !(piece.class == Class::Sure && long)
    };
    for index in 2..pieces.len() {
        let joint = matches!(pieces[index - 1].text(text), "・" | "=" | "＝");
        if !joint || !katakana(&pieces[index - 2]) || !katakana(&pieces[index]) {
            continue;
        }
        if pieces[index - 2].gone() {
            let behind = pieces[index..]
                .iter()
                .take_while(|piece| name(piece))
                .count();
            set(&mut pieces[index..index + behind]);
        } else if pieces[index].gone() {
            let before = pieces[..index - 1]
                .iter()
                .rev()
                .take_while(|piece| name(piece))
                .count();
            set(&mut pieces[index - 1 - before..index - 1]);
        }
    }
}
