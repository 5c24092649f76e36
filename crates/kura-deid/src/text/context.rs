//! What stands before and behind a name and says that it is one: jobs, tasks, relations, titles, and
//! what only people do.

use std::sync::LazyLock;

use super::letters::is_kanji;
use super::vocabulary::QuickSet;

/// Before a name (担当 森) or behind it (森医師).
const JOBS: &str = "医師 看護師 准看護師 助産師 保健師 薬剤師 理学療法士 作業療法士 言語聴覚士 療法士 技師 \
    検査技師 放射線技師 臨床検査技師 臨床工学技士 工学技士 技士 栄養士 管理栄養士 歯科衛生士 衛生士 歯科医師 \
    社会福祉士 福祉士 精神保健福祉士 公認心理師 臨床心理士 心理士 心理師 視能訓練士 相談員 支援員 相談支援専門員 \
    介護支援専門員 専門員 ケアマネ ケアマネジャー ケアマネージャー ヘルパー 介護士 介護福祉士 介護職 職員 \
    事務員 師長 副師長 看護師長 主任 副主任 部長 副部長 医長 医局長 科長 課長 係長 室長 院長 副院長 所長 \
    施設長 園長 校長 教頭 担任 教諭 養護教諭 弁護士 司法書士 行政書士 社労士 民生委員 警察官 警部 巡査 刑事 \
    救急救命士 救命士 隊長 隊員 住職 牧師 通訳 教授 准教授 助教 講師 研修医 専攻医 専修医 レジデント 指導医 \
    上級医 主治医 担当医 当直医 専門医 麻酔科医 嘱託医 産業医 校医 ソーシャルワーカー ワーカー ドクター \
    ナース 社長 専務 店長 班長 理事長 理事 会長 秘書 保育士 介助員 運転手 管理人 大家 医員 医局員 学生 実習生 \
    CW SW MSW PSW PT OT ST Ns NS Dr DR Dr. Ns. CE CM MA RT MT RD ORT CP PHN HN";

/// Before a name: what somebody does in the matter that is written of.
const TASKS: &str = "指示受け 指示出し 受領者 交付者 リーダー プライマリ 当番 宿直 担当看護師 \
    受持看護師 外来担当 病棟担当 検食 点検者 記名 話し手 聞き手 相手方 担当 担当者 受持 受持ち 受け持ち 受けもち 受持医 執刀 執刀医 執刀者 術者 第一助手 第二助手 第1助手 \
    第2助手 助手 麻酔医 麻酔担当 器械出し 外回り 直接介助 間接介助 記載者 記載医 記録者 報告者 報告医 \
    入力者 作成者 作成医 代筆 代筆者 発見者 第一発見者 通報者 連絡者 連絡相手 依頼医 依頼者 紹介医 \
    返信医 読影医 読影者 診断医 診察医 説明者 説明医 同席者 参加者 出席者 立会人 立会者 保証人 \
    連帯保証人 身元保証人 身元引受人 引受人 後見人 成年後見人 保佐人 補助人 代理人 代諾者 キーパーソン \
    KP 緊急連絡先 確認者 承認者 署名者 当直 日直 オンコール 宛名 宛 患者名 患者氏名 世帯主 申込者 \
    契約者 受付者 対応者 応対者 受信者 送信者 発信者 差出人 送り手 受け手 聴取者 面談者 面接者 面会者 \
    訪問者 付添人 付添者 情報提供者 提供者 指示医 指示者 実施者 施行者 施行医 撮影者 検者 検査者 採血者 \
    採取者 調剤者 監査者 鑑査者 投薬者 責任者 担当責任者 文責 発表者 演者 同居人 同居者 通訳者 介助者 \
    介護者 主介護者 本児 患児 ご担当 主治 病棟薬剤師 受講者 執筆 記入者 届出人 申請者 訪問看護師 名義人 \
    申込人 受取人 承諾者 同意者 連絡先氏名 往診医";

/// Before a name, with a colon between: without one it is what is done.
const DONE: &str = "確認 記録 記載 説明 対応 応対 指示 調整 診断 診察 介助 撮影 調剤 監査 鑑査 面会 面談 訪問 聴取 \
    参加 出席 同席 立会 立ち会い 署名 サイン 入力 承認 指導 監督 代理 受付 往診 回診 記入 病理医 \
    訪室 付添 付き添い 連絡先 宛先 申し送り 申送り 司会 書記 退院調整 読影 麻酔 依頼元 続柄 旧姓 本人 \
    患者 児 家族 ご家族 家人 遺族 親族 親戚 同室 名前 氏名 お名前 御名前 診断者";

/// Before a name: of what kin.
const KIN: &str = "長男 次男 二男 三男 四男 五男 長女 次女 二女 三女 四女 五女 息子 娘 妻 夫 内妻 内夫 元妻 元夫 前妻 \
    前夫 母 父 実母 実父 義母 義父 養母 養父 継母 継父 母親 父親 祖母 祖父 曾祖母 曾祖父 兄 弟 姉 妹 実兄 実弟 \
    実姉 実妹 義兄 義弟 義姉 義妹 長兄 次兄 長姉 次姉 末弟 末妹 叔父 伯父 叔母 伯母 甥 姪 従兄 従姉 従弟 従妹 従兄弟 \
    従姉妹 いとこ 孫 孫娘 曾孫 ひ孫 嫁 婿 娘婿 長男嫁 長男の嫁 次男の嫁 長女の夫 次女の夫 息子の嫁 娘の夫 友人 知人 \
    隣人 近所 近隣 同僚 上司 部下 恋人 彼氏 彼女 婚約者 パートナー 配偶者 双子 第一子 第二子 第三子 第1子 \
    第2子 同級生 級友 親友 元同僚 先輩 後輩 続柄 里親 内縁の妻 内縁の夫 弟妹 兄弟 姉妹 愛犬";

/// Behind a name only.
const TITLES: &str = "さん 様 さま 氏 殿 ちゃん くん 君 先生 宅 夫妻 夫婦 親子 記 拝 侍史 御侍史 机下 御机下 先生方 \
    Pt Ns Dr 婦長 技官 助手 嬢 女史 翁 総師長 統括部長 名誉教授 副部長 統括 医師団 家族 ご家族 家人 本人 御一家 一家 宛 \
    先生宛 の妻 の夫 の娘 の息子 の長男 の長女 の次男 の次女 の母 の父 の兄 の弟 の姉 の妹 の孫 の嫁 の家族 の主人";

/// What people do, behind a name and a particle.
const DEEDS: &str = "連絡 報告 相談 確認 依頼 説明 指示 申し送 申送 電話 入電 架電 来院 来棟 来室 面会 同席 付き添 付添 訪室 \
    訪問 対応 担当 執刀 記載 署名 帰宅 話 希望 紹介 聴取 返書 返信 返事 伝達 伝言 共有 引き継 引継 コール 発見 介助 実施 \
    診察 往診 返答 回答 承諾 同意 了承 納得 退席 立ち会 立会 立会い 迎え 送迎 同伴 代筆 代理 指導 助言 提案 申し出 申出 \
    申し入 問い合わせ 問合せ 打診 協議 協力 同乗 通報 受診 主治医 手術 調整 判断 評価 到着 面談 情報 訴え 言 仰 述べ \
    見舞 声 呼 助言 意見 ご意見 交代 交替 代行 代診 許可 施行 採取 採血 撮影 読影 申告 記録 ご 同居 在住 暮らし 住 婚姻 結婚 離婚 他界 死去 \
    希望 頼 渡 託 預 聞 聴 尋 伝え 会 診 決ま 命名 名付 名づけ 名乗 申す 申し 担 受持 受け持";

/// What joins a name and a deed.
const JOINTS: [&str; 14] = [
    "より", "から", "にも", "には", "とも", "に", "が", "と", "へ", "は", "も", "まで", "の",
    "です",
];

/// Words, with their first and last letters: most texts are told from all of them by one letter.
struct Words {
    all: QuickSet<&'static str>,
    firsts: QuickSet<char>,
    lasts: QuickSet<char>,
}

impl Words {
    fn contains(&self, word: &str) -> bool {
        self.all.contains(word)
    }
}

fn words(lists: &[&'static str]) -> Words {
    let all: QuickSet<&str> = lists
        .iter()
        .flat_map(|list| list.split_whitespace())
        .collect();
    Words {
        firsts: all.iter().filter_map(|word| word.chars().next()).collect(),
        lasts: all
            .iter()
            .filter_map(|word| word.chars().next_back())
            .collect(),
        all,
    }
}

static BEFORE: LazyLock<Words> = LazyLock::new(|| words(&[JOBS, TASKS, KIN]));
static BEFORE_COLON: LazyLock<Words> = LazyLock::new(|| words(&[JOBS, TASKS, DONE, KIN]));
static BEHIND: LazyLock<Words> = LazyLock::new(|| words(&[JOBS, TITLES]));
static IN_BRACKETS: LazyLock<Words> = LazyLock::new(|| words(&[JOBS, TASKS, KIN]));
static DEED: LazyLock<Words> = LazyLock::new(|| words(&[DEEDS, JOBS]));
static PERSON: LazyLock<Words> = LazyLock::new(|| words(&[JOBS, TASKS, DONE, KIN]));

/// Longest of these words.
const LETTERS: usize = 10;

/// How much more likely a name is by what stands beside it.
pub(super) const SURE: f32 = 12.0;
pub(super) const LIKELY: f32 = 6.0;
const SLIGHT: f32 = 2.0;

/// Whether a text ends with one of these words. Where a name is glued to it, a word of one letter
/// must stand alone: 妻花子, but not 子宮頸管.
fn ends_with(text: &str, words: &Words, glued: bool) -> bool {
    let last = text.chars().next_back();
    if !last.is_some_and(|letter| words.lasts.contains(&letter)) {
        return false;
    }
    text.char_indices().rev().take(LETTERS).any(|(at, letter)| {
        let one = at + letter.len_utf8() == text.len();
        let joined = one && text[..at].ends_with(is_kanji);
        !(joined && glued) && words.contains(&text[at..])
    })
}

fn begins_with(text: &str, words: &Words) -> bool {
    begins(text, words).is_some()
}

/// The end of the longest of these words that a text begins with.
fn begins(text: &str, words: &Words) -> Option<usize> {
    let first = text.chars().next()?;
    if !words.firsts.contains(&first) {
        return None;
    }
    text.char_indices()
        .take(LETTERS)
        .map(|(at, letter)| at + letter.len_utf8())
        .filter(|end| words.contains(&text[..*end]))
        .last()
}

/// Whether a word says who somebody is and names nobody: 担当医, 長男.
pub(super) fn is_person(word: &str) -> bool {
    PERSON.contains(word)
}

/// Whether a word is what somebody does: 来棟, 連絡.
pub(super) fn is_deed(word: &str) -> bool {
    DEED.contains(word)
}

/// Whether some piece of a run, cut by の, ends with a word for a person: 医師の外来.
pub(super) fn speaks_of_somebody(text: &str) -> bool {
    text.split('の')
        .any(|part| ends_with(part, &PERSON, false) || ends_with(part, &BEHIND, false))
}

/// Whether a word of the language stands before a name or behind it as such.
pub(super) fn is_title(word: &str) -> bool {
    BEHIND.contains(word)
}

/// Whether a text ends with a word for a job or a task that its last letters are only a part of:
/// 社会福祉士 ends with no family of the name 士.
pub(super) fn ends_within_a_role(text: &str, letters: usize) -> bool {
    let last = text.chars().next_back();
    if !last.is_some_and(|letter| PERSON.lasts.contains(&letter)) {
        return false;
    }
    text.char_indices()
        .rev()
        .take(LETTERS)
        .skip(letters)
        .any(|(at, _)| PERSON.contains(&text[at..]))
}

/// Whether a title stands at the end of a name, or begins there and goes on behind it: neither 佐藤医
/// nor 佐藤医師.
pub(super) fn cuts_a_title(text: &str, name: std::ops::Range<usize>) -> bool {
    let own = &text[name.clone()];
    own.char_indices().skip(1).any(|(at, _)| {
        let title = &text[name.start + at..];
        begins(title, &BEHIND).is_some_and(|end| {
            let end_of_name = own.len() - at;
            end > end_of_name || end == end_of_name && title[..end].chars().count() > 1
        })
    })
}

/// By what stands before.
pub(super) fn before(text: &str) -> f32 {
    let bare = text.trim_end_matches([
        ' ', '\u{3000}', ':', '(', '（', '、', ',', '=', '→', '・', '/', '.', '「', '【', '】',
        '>', '[', ']', '-',
    ]);
    if bare.len() == text.len() && text.ends_with(|c: char| c.is_ascii_alphabetic()) {
        let letters = text.len()
            - text
                .trim_end_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        return if BEFORE.contains(&text[text.len() - letters..]) {
            SURE
        } else {
            0.0
        };
    }
    let direct = text.len() - bare.len();
    if ends_with(bare, &BEFORE, direct == 0) {
        return SURE;
    }
    if direct > 0 && ends_with(bare, &BEFORE_COLON, false) {
        let marks = &text[bare.len()..];
        return if marks.contains(':') {
            SURE
        } else if marks.starts_with([' ', '\u{3000}']) {
            LIKELY
        } else {
            0.0
        };
    }
    // 主治医の森, 名前は森: a particle between, and nothing else.
    if direct == 0
        && let Some(own) = ["の", "は", "が", "である"]
            .iter()
            .find_map(|one| bare.strip_suffix(one))
        && (ends_with(own, &BEFORE, false)
            || (bare.ends_with('は') && ends_with(own, &BEFORE_COLON, false)))
    {
        return if bare.ends_with('の') { SURE } else { LIKELY };
    }
    // 麻酔科百瀬: glued to a department; only families that are known are asked for there.
    if direct == 0 && bare.ends_with('科') && !bare.ends_with("学科") {
        return LIKELY - 1.0;
    }
    // ③ 内科　森: a department, a house, and a space.
    if direct > 0
        && bare.ends_with([
            '科', '院', '室', '棟', '部', '課', '局', '所', '室', '会', '社',
        ])
        && text.ends_with([' ', '　'])
    {
        return LIKELY;
    }
    if text.trim_end().ends_with(['→', '⇒']) || (direct > 0 && bare.ends_with('受')) {
        return LIKELY;
    }
    if bare.is_empty() || bare.ends_with('\n') {
        SLIGHT / 2.0
    } else {
        0.0
    }
}

/// By what follows.
pub(super) fn behind(text: &str) -> f32 {
    let near = text.strip_prefix([' ', '\u{3000}']).unwrap_or(text);
    if let Some(end) = begins(near, &BEHIND) {
        // ST上昇: a title of Latin letters is no piece of a longer word, and no measure follows it.
        let title = &near[..end];
        let latin = title.ends_with(|c: char| c.is_ascii_alphabetic());
        // 毛様体: a title of one letter is no piece of a word.
        let short = title.chars().count() == 1;
        let goes_on = |next: char| match latin {
            true => next.is_ascii_alphanumeric() || next == '-',
            false => short && is_kanji(next) && !matches!(next, '宅' | '方'),
        };
        if !near[end..].chars().next().is_some_and(goes_on) {
            return SURE;
        }
    }
    if let Some(inner) = near.strip_prefix(['(', '（', '「', '<']) {
        let years = inner.trim_start_matches(|c: char| c.is_ascii_digit());
        if years.len() < inner.len() && years.starts_with(['歳', '才', '代']) {
            return SURE;
        }
        if begins_with(inner, &IN_BRACKETS) {
            return SURE;
        }
    }
    if near.starts_with(['→', '⇒']) {
        return LIKELY;
    }
    for joint in JOINTS {
        let Some(rest) = text.strip_prefix(joint) else {
            continue;
        };
        let near_end = rest
            .char_indices()
            .take(6)
            .take_while(|(_, letter)| !matches!(letter, '。' | '\n'))
            .any(|(at, _)| begins_with(&rest[at..], &DEED));
        if near_end {
            return LIKELY;
        }
        let ends = rest.is_empty() || rest.starts_with(['。', '、', '\n', ')']);
        if joint == "まで" && ends {
            return LIKELY;
        }
        return 0.0;
    }
    0.0
}
