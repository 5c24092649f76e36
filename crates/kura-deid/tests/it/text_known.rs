//! Of a text only what is known to be harmless stays: sentences beside which this was written.

use kura_deid::text::{Cleaner, Kind, Record, find_unknown, labelled};

use crate::text_score::dictionary;

#[test]
fn what_nobody_knows_goes() {
    let Some(dictionary) = dictionary() else {
        return;
    };
    let record = Record::new();
    for (text, wanted) in [
        // Names that no rule and no dictionary has, alone and with nothing beside them.
        ("躑躅森を再度呼んだ。", "[語]を再度呼んだ。"),
        ("翌朝はほのかが話した。", "翌朝は[語]が話した。"),
        ("ゾルタンは不在。", "[語]は不在。"),
        ("zsófia was here", "[語] was here"),
        ("Wojciechowska was here", "[語] was here"),
        // Houses, towns, numbers of somebody.
        ("碧水苑とは連絡済み。", "[語]とは連絡済み。"),
        ("受付 AB12345、控え 88213", "受付 [語]、控え [語]"),
        // A bare number may be anybody's, a measured one is not.
        (
            "血糖 180、SpO2 94%、控え 4821、512 に移動",
            "血糖 180、SpO2 94%、控え [語]、[語] に移動",
        ),
        ("OP-2291、K24-118、CA-125 は 30", "[語]、[語]、CA-125 は 30"),
        (
            "MMT 4/5、HR 96、次回 5/7、年齢 95",
            "MMT 4/5、HR 96、次回 [日付]、[高齢]",
        ),
        // A day is one unless something says that it counts; so is the number of a house.
        (
            "CT 3/14、Alb 3.5、3.14 に再診、5-12 より",
            "CT [日付]、Alb 3.5、[語] に再診、[語] より",
        ),
        (
            "3/4,5,7 透析、14日分、術後3日",
            "[日付] 透析、14日分、術後3日",
        ),
        (
            "22 Acacia Av, Leeds; Cr 1.2 on the 5th",
            "[住所]; Cr 1.2 on the [日付]",
        ),
    ] {
        let found = find_unknown(text, &[&record], &dictionary, 90);
        let out = labelled(text, &found);
        let out = out.replace("[氏名]", "[語]").replace("[施設]", "[語]");
        assert_eq!(out, wanted, "{text}");
    }
}

#[test]
fn what_is_known_stays() {
    let Some(dictionary) = dictionary() else {
        return;
    };
    let record = Record::new();
    for text in [
        "右下葉に浸潤影を認め、抗菌薬の投与を開始した。",
        "誤嚥性肺炎で入院後、食事は全粥に変更し、むせはなかった。",
        "WBC 7800/μL、CRP 0.3 mg/dL、Hb 12.1、血圧 128/74 mmHg",
        "アムロジピン錠5mg 1錠 分1 朝食後、ロスバスタチン2.5mg",
        "「予防接種」のため外来受診、SpO2 88%のため酸素を開始",
        "パーキンソン病、橋本病、Garden分類 stage III",
        "The wound was closed with 3-0 sutures; no acute cardiopulmonary process.",
        "Parkinson's disease, deep vein thrombosis, HbA1c 6.9%, T1N0M0",
    ] {
        let found = find_unknown(text, &[&record], &dictionary, 90);
        assert_eq!(labelled(text, &found), text);
    }
}

#[test]
fn a_caller_tells_words() {
    let Some(mut dictionary) = dictionary() else {
        return;
    };
    let records = [&Record::new(), &Record::new()];
    let text = "ゾルタキシブルを開始、東雲病の疑い。";
    let clean = |dictionary: &_| {
        let cleaner = Cleaner {
            records,
            dictionary,
            age_limit: 90,
            seen: None,
        };
        cleaner.clean(text)
    };
    let cleaned = clean(&dictionary);
    assert_eq!(cleaned.kinds, [Kind::Unknown, Kind::Unknown]);
    assert!(!cleaned.text.contains("ゾルタキシブル") && !cleaned.text.contains("東雲"));
    dictionary.know(["ゾルタキシブル錠５ｍｇ「トーワ」", "東雲病"]);
    assert_eq!(clean(&dictionary).text, text);
}
