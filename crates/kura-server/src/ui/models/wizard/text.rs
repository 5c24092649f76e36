//! The words of the specification, step by step.

use crate::ui::text::catalogue;

catalogue! {
    TITLE: "モデルを学習する", "Train a model";
    TITLE_LONG: "学習の仕様を順に選びます。SQLは書きません。", "Choose what a training is to do, step by step. No SQL is written.";
    STEPS: "手順", "Steps";
    STEP_1: "目的", "What for";
    STEP_2: "データ", "Which data";
    STEP_3: "いつ・何を", "When and what";
    STEP_4: "何から", "From what";
    STEP_5: "どう学ぶか", "How";
    STEP_6: "確認", "Summary";
    NEXT: "次へ", "Next";
    BACK: "戻る", "Back";
    WAITING: "数えています…", "Counting…";
    REFUSED: "直すところがあります", "Something has to be corrected";
    JAPANESE: "日本語", "in Japanese";
    ENGLISH: "英語", "in English";

    NAME: "名前", "Name";
    NAME_HINT: "英小文字・数字・ハイフン。同じ名前で登録すると、次の版になります。例 low-oxygen", "Small letters, digits, '-'. The same name again becomes the next version. Such as low-oxygen";
    TITLE_OF: "題", "Title";
    USE: "使いみち", "Intended use";
    USE_HINT: "誰が、いつ、何のために使うか。審査する人が読みます。患者の名前や番号は書かないでください。", "For whom, when and what for; a board reads it. No patient's name or number.";
    ONE_LANGUAGE_HINT: "どちらか一方だけでも構いません。", "One of the two languages is enough.";

    SET: "データセット", "Data set";
    SET_LONG: "仮名化して書き出されたデータセットから学習します。", "A model learns from a data set that was processed and written out.";
    SET_NONE: "データセットがまだありません", "There is no data set yet";
    SET_NONE_LONG: "次の命令でデータセットを作ると、ここに並びます。対象の患者と列は、仕様ファイルで選べます。", "Build one with this command and it appears here. Its specification says which patients and tables.";
    SET_TYPED: "ほかのフォルダー", "Another folder";
    SET_TYPED_HINT: "サーバー上の絶対パス。このバンクから作られ、変わっていないデータセットに限ります。", "An absolute path on the server, of an unchanged data set of this bank.";
    SET_GONE: "そのフォルダーに、このバンクのデータセットはありません", "In that folder there is no data set of this bank";
    SET_PATIENTS: "人", "patients";
    SET_IMAGES: "画像あり", "with images";
    SET_AS_OF: "時点", "as of";
    SURVEY: "このデータセットにあるもの", "What this set holds";
    FEW: "10未満", "<10";
    FEW_PATIENTS: "10人未満", "<10 patients";
    FEW_HINT: "10人未満は数を示しません。", "Fewer than 10 patients are not counted.";
    DEATHS: "死亡の記録", "Deaths recorded";
    SERIES: "画像シリーズ", "Image series";
    CODES: "検査・バイタルのコード", "Codes of observations";
    CONDITIONS: "傷病名のコード", "Codes of conditions";
    SPAN: "期間(ずらした日付)", "Time span (shifted)";
    STRANGE: "扱えない文字を含むコードを除きました:", "Codes with characters that are not written here were left out:";

    START: "いつ予測するか", "When is a prediction asked for?";
    START_HINT: "その時点を症例と呼びます。それより後の値は使われません。", "Such a moment is a case. Nothing after it is used.";
    START_ADMISSION: "入院から一定時間後", "Some time after admission";
    AFTER_HOURS: "入院からの時間", "Hours after admission";
    START_MEASUREMENT: "ある検査・測定をしたとき", "When something is measured";
    CASE_CODE: "どの測定か", "Which measurement";
    DAILY: "一日に最初の一回だけ(日本時間)", "Only the first of a day (in Japan)";
    START_SERIES: "画像が撮られたとき", "When an image is taken";
    MODALITY: "画像の種類", "Modality";
    FORESEEN: "何を予測するか", "What is foreseen?";
    FORESEEN_VALUE: "検査・測定の値が限度を超える", "A value beyond a limit";
    OUTCOME_CODE: "どの値か", "Which value";
    DIRECTION: "向き", "Direction";
    BELOW: "より低い", "below";
    ABOVE: "より高い", "above";
    LIMIT: "限度の値", "Limit";
    AHEAD_HOURS: "何時間以内か", "Within how many hours";
    FORESEEN_CONDITION: "傷病名が記録される", "A diagnosis is recorded";
    CONDITION: "どの傷病名か", "Which diagnosis";
    FINER: "このコードで始まる細かいコードも含める", "Also finer codes that begin with this one";
    NEW_ONLY: "すでに記録のある患者は除く(画像の場合は除きません)", "Leave out patients who have it already (not with images)";
    AHEAD_DAYS: "何日以内か", "Within how many days";
    FORESEEN_DEATH: "死亡する", "Death";
    NO_DEATHS: "このデータセットには死亡日時がありません", "This set has no time of death";
    CHOOSE: "選んでください", "Choose";

    MATERIAL: "何から学ぶか", "What does it learn from?";
    MATERIAL_NUMBERS: "検査・測定などの値", "Measurements and other numbers";
    MATERIAL_IMAGE: "シリーズの最初の画像", "The first image of the series";
    PIXELS: "一辺の画素数", "Pixels of a side";
    LOW: "黒とみなす値", "Value that is black";
    HIGH: "白とみなす値", "Value that is white";
    IMAGE_HINT: "CTはHU値(例 −1000から400)、X線は画素値(8ビットなら0から255、12ビットなら0から4095)。", "For CT Hounsfield units (such as −1000 to 400), for X-rays pixel values (0 to 255 of 8 bits, 0 to 4095 of 12).";
    FEATURES: "使う値", "Values to use";
    FEATURES_HINT: "症例の時点より前の値だけが使われます。右の二つは、取る値と、どれだけ前までさかのぼるか。小さい数字は患者数・件数・5/50/95 %点です。", "Only what was known before the case counts. Each row: which value is taken, and how far it looks back. The small figures are patients, records, and the 5th, 50th and 95th percentile.";
    TAKE: "取る値", "Which value";
    HOURS: "さかのぼる", "Looks back";
    AGAIN: "もう一つ", "Once more";
    AGAIN_LONG: "同じコードを別の取り方でも使う", "Use this code in another way, too";
    PATIENTS: "患者", "Patients";
    VALUES: "件", "records";
    SPREAD: "5・50・95 %点", "5th, 50th, 95th percentile";
    MORE_CODES: "ほかのコード", "More codes";
    NARROW: "絞り込み", "Narrow the list";
    AGE: "年齢", "Age";
    SEX: "性別(男か女か)", "Sex (male or female)";
    HISTORY: "これまでの傷病名(回数)", "Diagnoses so far (count)";
    WINDOW_HOURS: "時間", "hours";
    WINDOW_6: "6時間", "6 h";
    WINDOW_24: "24時間", "24 h";
    WINDOW_72: "3日", "3 days";
    WINDOW_168: "7日", "7 days";
    WINDOW_720: "30日", "30 days";
    WINDOW_8760: "1年", "1 year";
    WINDOW_ALL: "すべて", "all";

    LEARNER: "学習器", "Learner";
    LEARNER_LOGISTIC: "ロジスティック回帰:理由を説明しやすく、少ない患者でも安定", "Logistic regression: easy to explain, steady with few patients";
    LEARNER_TREES: "決定木のブースティング:複雑な関係も学ぶが、多くの患者が要る", "Boosted trees: learn complicated relations, and need many patients";
    STRENGTH: "偶然を学ばないための抑え", "Held back from learning chance";
    STRENGTH_WEAK: "弱い(患者が多いとき)", "weakly (many patients)";
    STRENGTH_MEDIUM: "中くらい", "moderately";
    STRENGTH_STRONG: "強い(患者が少ないとき)", "strongly (few patients)";
    AIM: "知らせる基準", "When it speaks";
    AIM_SENSITIVITY: "起きる症例のうち、この割合を見つける(感度)", "Find this share of the cases in which it comes (sensitivity)";
    AIM_SPECIFICITY: "起きない症例のうち、この割合では知らせない(特異度)", "Stay silent in this share of the cases in which it does not (specificity)";
    SHARE: "割合(%)", "Share (%)";
    FOLDS: "交差検証の分割数", "Parts of the cross-validation";
    TEST_SHARE: "試験のため封印する割合(%)", "Set aside, locked, for the test (%)";
    TEST_SHARE_HINT: "この患者たちは、登録した後の試験まで誰も見ません。", "Nobody looks at these patients before the test of the registered version.";

    CHANGE: "変更", "Change";
    TRIED: "試しに数えた結果", "Counted, nothing trained";
    TRIED_LONG: "学習と同じ方法で症例を集めて数えました。学習はしていません。", "The cases were gathered and counted as a training would; nothing was trained.";
    PART: "区分", "Part";
    PART_WHOLE: "全体", "All";
    PART_TRAINING: "学習に使う", "To learn from";
    PART_TEST: "封印する", "Locked away";
    CASES: "症例", "Cases";
    POSITIVE: "起きた症例", "It came";
    LEFT_OUT: "除いた症例", "Left out";
    LEFT_UNOBSERVED: "最後まで追えていない", "not followed to the end";
    LEFT_UNJUDGED: "傷病名の記録がまだない", "no diagnosis yet";
    LEFT_WITHOUT_IMAGE: "画像がない", "no image";
    MISSING: "値の分からない割合", "Unknown values";
    FINDINGS: "気をつけること", "To look at";
    FATAL: "学習できません", "ends the training";
    ENOUGH: "学習できます。", "There is enough to train.";
    TOO_FEW: "学習には足りません。", "There is too little to train.";
    SHORT_CASES: "当てはまる症例がありません", "no case fits";
    SHORT_OUTCOMES: "結果の分かる症例がありません", "of no case it is known what happened";
    SHORT_PATIENTS: "学習に使う患者", "patients to learn from";
    SHORT_POSITIVE: "学習に使う患者のうち、起きた人", "patients to learn from in whom it came";
    SHORT_NEGATIVE: "学習に使う患者のうち、起きなかった人", "patients to learn from in whom it did not come";
    SHORT_TEST: "封印する症例のうち、起きた・起きなかった症例の少ない方", "locked cases of the rarer outcome";
    FOUND: "見つかった数", "found";
    NEEDED: "必要な数", "needed";
    TOO_FEW_LONG: "条件を広げる、期間を延ばす、または患者の多いデータセットを使ってください。", "Widen the question, look further ahead, or use a set with more patients.";
    SPECIFICATION: "仕様(TOML)", "The specification (TOML)";
    SPECIFICATION_LONG: "このファイルを手で直して、命令で学習することもできます。", "This file can be changed by hand and trained with the command.";
    SAVE: "仕様を保存", "Save the specification";
    TRAIN_NOW: "今すぐ学習する", "Train now";
    TRAIN_NOW_LONG: "データセットの隣にフォルダーを作って学習します。このページを閉じても続きます。", "Trains into a folder beside the data set. It goes on when this page is closed.";

    TRAINING: "学習", "Training";
    TRAINING_NONE: "学習はまだ始めていません", "No training was begun";
    TRAINING_RUNS: "学習しています", "A training is running";
    TRAINING_RUNS_LONG: "このページを閉じても続きます。", "It goes on when this page is closed.";
    TRAINING_ELSEWHERE: "このバンクの別の処理が学習しています。", "Another process of this bank is training.";
    TRAINING_DONE: "学習が終わりました", "The training is done";
    TRAINING_FAILED: "学習できませんでした", "Nothing was trained";
    TRAINING_CANCELLED: "学習をやめました。何も残っていません。", "The training was cancelled. Nothing is left of it.";
    TRAINING_INTERRUPTED: "サーバーが止まったため、学習は終わりませんでした。途中のものは残っていません。もう一度始めてください。", "The server ended during the training. Nothing is left of it; begin again.";
    TRAINING_SEE: "前回の学習を見る", "See the last training";
    TRAINING_SEE_RUNNING: "実行中の学習を見る", "See the training that runs";
    PHASE_CASES: "症例を集めています", "Gathering the cases";
    PHASE_CV: "交差検証", "Cross-validation";
    PHASE_MODEL: "モデルを作っています", "Making the model";
    CANCEL: "学習をやめる", "Cancel the training";
    STARTED: "開始", "Started";
    TOOK: "かかった時間", "Took";
    FOLDER: "モデルのフォルダー", "Folder of the model";
    FILE: "仕様ファイル", "Specification";
    AUC: "交差検証AUC", "AUC, cross-validation";
    BASELINE: "単純な比較対象の最良", "Best plain baseline";
    BETTER: "単純な比較対象を上回りました。決め手は封印した試験です。", "Better than the plain baselines. The locked test decides.";
    NOT_BETTER: "単純な比較対象を上回っていません。このモデルを使う理由が、ここにはありません。", "No better than a plain baseline: nothing here is a reason to use it.";
    REPORT: "報告書を開く", "Open the report";
    REGISTER: "下書きとして登録", "Register as a draft";
    REGISTER_LONG: "登録しても、試験と承認が済むまで使われません。", "Registered, it is not used before it was tested and approved.";
    REGISTERED: "登録した版", "Registered as";
    ANOTHER: "別のモデルを学習する", "Train another model";

    RULE_MISSING: "入力か選択が必要です", "something has to be given";
    RULE_ONE_LANGUAGE: "日本語か英語のどちらかを入れてください", "give it in one of the two languages at least";
    RULE_NAME: "英小文字・数字・ハイフンで1から40文字、最初は英小文字です", "1 to 40 small letters, digits and '-', beginning with a letter";
    RULE_LONG: "一行で、次の文字数までです:", "on one line, characters at most:";
    RULE_BETWEEN: "数の範囲:", "a number between:";
    RULE_WHOLE: "整数の範囲:", "a whole number between:";
    RULE_ORDER: "黒の値より大きくしてください", "more than the value that is black";
    RULE_MODALITY: "選んでください", "choose one";
    RULE_NO_FEATURE: "少なくとも一つ選んでください", "choose at least one";
    RULE_MANY: "選べる数:", "at most:";
    RULE_NOT_IN_SET: "このデータセットにはありません", "this set has none";
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_text_is_empty() {
        for (name, text) in super::ALL {
            assert!(!text.ja.is_empty() && !text.en.is_empty(), "{name}");
        }
    }
}
