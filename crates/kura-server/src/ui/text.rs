//! Every word of the pages in both languages. A word that lacks one of them does not compile.

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    Ja,
    En,
}

impl Lang {
    /// BCP 47.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Lang::Ja => "ja",
            Lang::En => "en",
        }
    }

    pub(crate) fn of(code: &str) -> Option<Self> {
        match code {
            "ja" => Some(Lang::Ja),
            "en" => Some(Lang::En),
            _ => None,
        }
    }

    /// The first of the two that the browser asks for. RFC 9110 section 12.5.4, with the order of
    /// the list for its weights: browsers write them in order.
    pub(crate) fn accepted(header: &str) -> Option<Self> {
        header
            .split(',')
            .filter_map(|range| range.split(';').next())
            .filter_map(|range| range.trim().get(..2))
            .find_map(Self::of)
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Lang::Ja => Lang::En,
            Lang::En => Lang::Ja,
        }
    }
}

/// One text in both languages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    pub(crate) ja: &'static str,
    pub(crate) en: &'static str,
}

impl Text {
    pub(crate) fn to(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Ja => self.ja,
            Lang::En => self.en,
        }
    }
}

macro_rules! catalogue {
    ($($name:ident: $ja:literal, $en:literal;)*) => {
        $(pub(crate) const $name: $crate::ui::text::Text = $crate::ui::text::Text { ja: $ja, en: $en };)*
        #[cfg(test)]
        const ALL: &[(&str, $crate::ui::text::Text)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use catalogue;

catalogue! {
    // Frame
    OVERVIEW: "概要", "Overview";
    PATIENTS: "患者", "Patients";
    IMAGES_HERE: "画像", "Images";
    IMPORT: "取り込み", "Import";
    QUARANTINE: "隔離", "Quarantine";
    UNLINKED: "患者未確定", "Unlinked";
    EMERGENCY_SHORT: "緊急", "Emergency";
    EMERGENCY: "緊急時の閲覧", "Open records in an emergency";
    EMERGENCY_LONG: "災害や救急で、自分の担当でない患者の記録が必要なときに使います。患者に通知され、理由は責任者が確認します。", "For a disaster or an emergency, where you need the records of a patient who is not in your care. The patient is told, and an officer reads your reason.";
    EMERGENCY_HOURS: "開いている時間（時間）", "Hours they stay open";
    EMERGENCY_REASON: "理由（10文字以上）", "Reason (10 letters or more)";
    EMERGENCY_OPEN: "記録を開く", "Open the records";
    EMERGENCY_UNTIL: "期限", "until";
    EMERGENCY_OVER: "終了", "over";
    EMERGENCY_CLOSE: "いま終える", "End it now";
    EMERGENCY_REVIEWED: "確認済み", "Looked at by";
    EMERGENCY_REVIEW: "確認した", "I have looked at it";
    EMERGENCIES: "緊急閲覧の点検", "Emergencies";
    EMERGENCIES_OWN: "自分の緊急閲覧", "Your emergencies";
    EMERGENCIES_NONE: "まだありません。", "None so far.";
    EMERGENCIES_NO: "緊急時に開かれた記録はありません。", "No records were opened in an emergency.";
    PATIENT_NUMBER: "患者番号", "Patient number";
    ACCOUNTS: "アカウント", "Accounts";
    SKIP: "本文へ", "Skip to content";
    NAVIGATION: "ページ", "Pages";
    OTHER_LANGUAGE: "English", "日本語";
    SINGLE_USER: "単独利用モード:アカウントがないため、この端末からの操作はサインインなしで行えます。", "Single-user mode: there is no account, so whoever is at this machine may do everything without signing in.";
    SIGN_IN: "サインイン", "Sign in";
    SIGN_OUT: "サインアウト", "Sign out";
    NAME: "名前", "Name";
    PASSWORD: "パスワード", "Password";
    SIGN_IN_FAILED: "名前かパスワードが違います。続けて間違えると、15分のあいだ受け付けません。", "The name or the password is wrong. After several wrong passwords the account waits for 15 minutes.";
    SECOND_STEP: "もう一つの確認", "One more proof";
    SECOND_STEP_LONG: "認証アプリの6桁の数字か、控えておいた回復コードを入れてください。", "Type the six digits of your authenticator app, or one of the recovery codes you kept.";
    CODE: "コード", "Code";
    SIGN_IN_AGAIN: "最初からやり直す", "Begin again";
    NEEDS_SECOND: "二要素認証を設定するとできるようになります。", "You may do this once you have set up a second factor.";
    TO_ACCOUNT: "アカウントのページへ", "To your account";
    NO_ACCOUNT: "アカウントがまだありません", "There is no account yet";
    NO_ACCOUNT_LONG: "このバンクは単独利用モードで、この端末(ループバック)からだけ使えます。ほかの人も使うなら、最初のアカウントを作ってください。", "This bank is in single-user mode and can be used from this machine (loopback) only. To let others use it, make the first account.";
    SIGNED_IN_AS: "サインイン中", "Signed in as";
    TO_OVERVIEW: "概要へ", "To the overview";
    ROLE_ADMINISTRATOR: "管理者", "administrator";
    ROLE_DATA_MANAGER: "データ管理者", "data manager";
    ROLE_DOCTOR: "医師", "doctor";
    ROLE_RESEARCHER: "研究者", "researcher";
    ROLE_REVIEWER: "倫理審査委員", "board member";
    ROLE_BOARD_SECRETARY: "倫理審査事務局", "board secretary";
    ROLE_DIRECTOR: "機関の長", "director";
    ROLE_ANNOTATOR: "アノテーター", "annotator";
    ROLE_PATIENT: "患者", "patient";
    ROLE_AUDITOR: "監査者", "auditor";
    ROLE_SINGLE: "単独利用", "single user";

    // Errors
    NOT_FOUND: "見つかりません", "Not found";
    NOT_FOUND_LONG: "この場所には何もありません。消されたか、アドレスが違います。", "There is nothing here. It was removed, or the address is wrong.";
    FORBIDDEN: "この役割では見られません", "Your role may not see this";
    FORBIDDEN_LONG: "必要なら、管理者に役割の変更を頼んでください。", "If you need it, ask an administrator for another role.";
    INVALID: "この入力は使えません", "This cannot be used";
    INVALID_LONG: "入力を直して、もう一度試してください。", "Correct what was typed and try again.";
    BROKEN: "うまくいきませんでした", "Something went wrong";
    BROKEN_LONG: "原因はサーバーの記録に残しました。もう一度試しても同じなら、管理者に伝えてください。", "The cause is in the server's log. If it happens again, tell an administrator.";
    UNSUPPORTED: "表示できない形式です", "This cannot be shown";
    UNSUPPORTED_LONG: "元のデータはバンクにそのまま残っています。", "The original data are kept in the bank as they came.";

    // Overview
    RECORDS: "記録", "Records";
    KIND: "種類", "Kind";
    COUNT: "件数", "Count";
    VERSIONS: "版", "Versions";
    BY_KIND: "種類別", "By kind";
    BY_SOURCE: "取り込み元", "By source";
    FORMAT: "形式", "Format";
    FILES: "ファイル", "Files";
    WRITTEN: "書き込み", "Written";
    REFUSED: "拒否", "Refused";
    OVER_TIME: "日ごとの書き込み", "Written per day";
    REFUSED_ITEMS: "拒否された項目", "Refused items";
    UNLINKED_ITEMS: "患者が決まらない記録", "Records without a patient";
    DATABASE_SIZE: "データベース", "Database";
    LOGICAL_TIME: "コミット t", "Commit t";
    EMPTY_BANK: "バンクはまだ空です", "The bank is empty";
    EMPTY_BANK_LONG: "FHIR、DICOM、VCF、レセプト(UKE)のファイルやフォルダーを、次の命令で取り込みます。形式は中身から判断します。", "Bring in files or folders of FHIR, DICOM, VCF or claims (UKE) with this command. What a file is, its content says.";
    EMPTY_BANK_SAMPLE: "試すだけなら、付属の架空の病院を取り込めます。", "Just trying? Bring in the invented hospital that comes along.";
    MORE_KINDS: "ほかの種類", "Other kinds";

    // Waiting work
    WORKLIST: "待ち一覧", "Waiting";
    WORKLIST_HINT: "急ぐ順です。待つほど上がるので、後回しになり続けることはありません。AI の答えは提案で、決めるのは医師です。", "The most urgent first; whoever waits rises, so that nobody is left behind. What a model says is a proposal: the doctor decides.";
    NO_WORK: "待っている仕事はありません", "Nothing is waiting";
    NO_WORK_LONG: "使用中のモデルがあり、新しいデータが届くと、ここに並びます。", "When a model is in use and new data arrive, work appears here.";
    MORE_WORK: "ほかに、急がないもの:", "Less urgent, not shown:";
    KEY_NEXT: "次", "next";
    KEY_BACK: "前", "back";
    KEY_OPEN: "患者を開く", "open the patient";
    ACCEPT: "採用", "Accept";
    CORRECT: "修正", "Correct";
    REJECT: "却下", "Reject";
    SEEN: "済み", "Done";
    NOTE: "修正・却下の理由", "What is right, or why not";
    FILTER_MODEL: "モデル", "Model";
    FILTER_ONLY: "表示", "Show";
    FILTER_ALL: "すべて", "all";
    FILTER_HIGH: "高リスクだけ", "high risk only";
    FILTER_APPLY: "絞り込む", "Filter";
    FILTER_NOTHING: "この条件の患者はいません", "Nobody fits this filter";
    FILTER_NOTHING_LONG: "絞り込みを「すべて」に戻すと、待っている患者が表示されます。", "Set the filter to all to see everybody who waits.";
    AI_RESEARCH: "AI・研究用", "AI, research only";
    AI_PROPOSED: "AIの提案", "AI, proposed";
    AI_ACCEPTED: "AI・医師が採用", "AI, accepted";
    AI_REJECTED: "AI・却下", "AI, rejected";
    MEASURED: "測定", "measured";
    PICTURE: "モデルが見た画像と、効いた場所", "What the model saw, and where it mattered";
    PICTURE_ALT: "左はモデルに入力した画像、右は隠すと答えが変わる場所", "Left the image as the model took it, right the places that change its answer when they are hidden";
    PICTURE_LONG: "右の図で赤い場所は、隠すと確率が下がる(モデルの根拠)。青い場所は、隠すと上がる。所見の位置を示すものではありません。", "On the right, hiding what is red lowers the probability, hiding what is blue raises it. It shows what the model used, not where a finding is.";
    UNRANKED: "順位なし", "unranked";
    UNRANKED_LONG: "モデルが答えられませんでした。患者は一覧に残ります。", "No model could answer; the patient stays on the list.";
    BECAUSE: "主な理由", "Because of";
    WAITING: "待ち時間", "waiting for";
    MINUTES: "分", "min";
    HOURS: "時間", "h";
    DAYS: "日", "days";
    DECISION_FAILED: "決定は記録されませんでした。", "The decision was not recorded.";

    // Import
    JOBS: "取り込みの実行", "Import runs";
    NO_JOBS: "取り込みはまだありません", "Nothing was imported yet";
    STATE: "状態", "State";
    STARTED: "開始", "Started";
    BY_WHOM: "実行者", "By";
    SECONDS: "秒", "Seconds";
    LINKED: "患者を確定", "Linked";
    UNCHANGED: "変更なし", "Unchanged";
    STATE_RUNNING: "実行中", "running";
    STATE_DONE: "完了", "done";
    STATE_FAILED: "失敗", "failed";
    STATE_INTERRUPTED: "中断", "interrupted";
    FILE: "ファイル", "File";
    SIZE: "大きさ", "Size";
    FILE_DONE: "読了", "read to the end";
    FILE_PART: "途中", "read in part";
    FILE_OPEN: "受信可", "may send";
    MORE_FILES: "新しい順に一部だけ表示しています。", "Only the newest are shown.";
    WHEN: "日時", "When";

    // Quarantine
    QUARANTINE_LONG: "取り込みで拒否された項目です。元の内容は消さずに取ってあります。直したファイルをもう一度取り込めば足されます。", "Items an import refused. What came is kept. Correct the file and import it again to add them.";
    QUARANTINE_EMPTY: "拒否された項目はありません", "Nothing was refused";
    QUARANTINE_EMPTY_LONG: "取り込んだものは、すべて規則どおりでした。", "Everything that came was as the rules ask.";
    PLACE: "場所", "Place";
    LINE: "行", "line";
    BYTE: "バイト", "byte";
    RULE: "規則", "Rule";
    OPEN: "開く", "Open";
    OLDER: "より古いもの", "Older";
    KEPT_BYTES: "取ってある内容", "What was kept";
    KEPT_PART: "先頭だけを表示しています。", "Only the beginning is shown.";
    BYTES: "バイト", "bytes";
    BINARY: "文字ではない内容です。先頭を16進数で示します。", "This is no text. Its head in hexadecimal:";
    BACK_TO_LIST: "一覧へ戻る", "Back to the list";
    IDENTIFIES: "患者を特定できる内容が含まれることがあります。", "This may identify a patient.";

    // Unlinked
    UNLINKED_LONG: "患者番号から患者を1人に決められなかった記録です。推測ではつなぎません。取り込みのたびに、もう一度試します。", "Records whose patient number did not lead to exactly one patient. Nothing is guessed. Each import tries them again.";
    UNLINKED_EMPTY: "すべての記録の患者が決まっています", "Every record has its patient";
    UNLINKED_EMPTY_LONG: "患者の決まらない画像・文書・レセプトはありません。", "There is no image, document or claim without one.";
    WHY_NO_NUMBER: "患者番号がありません", "there is no patient number";
    WHY_NO_ISSUER: "患者番号の発行者が書かれていません", "it does not say whose patient number it is";
    WHY_FOREIGN: "ほかの施設の患者番号です", "the patient number is another institution's";
    WHY_UNKNOWN: "この番号の患者がいません", "no patient has this number";
    WHY_AMBIGUOUS: "この番号の患者が2人以上います", "more than one patient has this number";
    WHY_STUDY_CONFLICT: "一つの検査の画像が別々の患者を名乗っています。人の確認が要ります", "objects of one study name different patients; a person has to look";
    WHY_BIRTH: "生年月日が患者の記録と違います", "the birth date differs from the patient's";
    WHY_SEX: "性別が患者の記録と違います", "the sex differs from the patient's";
    FIRST_OF: "種類ごとに先頭だけを表示しています。", "Only the first of each kind are shown.";

    // Patients
    FIND_PATIENT: "患者を探す", "Find a patient";
    FIND_HINT: "氏名(漢字・かな・ローマ字)、患者番号、生年月日(1950-04-04、S25.4.4、昭和25年4月4日)。空白で区切ると、すべてに合う人を探します。", "Name (kanji, kana or Latin letters), patient number, birth date (1950-04-04, S25.4.4, 昭和25年4月4日). Several words must all match.";
    SEARCH: "検索", "Search";
    MATCHES: "人が該当", "found";
    ALL_PATIENTS: "人の患者", "patients";
    NO_MATCH: "該当する患者はいません", "No patient matches";
    NO_MATCH_LONG: "姓だけ、よみがな、または患者番号で試してください。", "Try the family name alone, the reading, or the patient number.";
    NO_PATIENTS: "患者はまだいません", "There are no patients yet";
    NEXT_PAGE: "次の人たち", "Next";
    MALE: "男", "male";
    FEMALE: "女", "female";
    SEX_OTHER: "その他", "other";
    SEX_UNKNOWN: "不明", "unknown";
    DECEASED: "死亡", "deceased";
    NO_NAME: "氏名なし", "no name";
    KEYS_HINT: "↑↓で選び、Enterで開く", "↑↓ to choose, Enter to open";

    // A record before and after a policy
    PROCESSED: "加工の前と後", "Before and after processing";
    PROCESSED_LONG: "この方針でデータセットに入るとき、この患者の記録の各項目がどう変わるかを規則ごとに示します。ここに出る仮の番号と日付のずれはこのページのためだけに作られ、どのデータセットとも一致しません。", "What becomes of each element of this patient's record in a data set under this policy, and by which rule. The stand-ins and the shift of dates are made for this page alone; no data set has them.";
    PROCESSED_LINK: "データセットに入るときの姿（加工の前と後）", "How it would leave in a data set (before and after)";
    POLICY: "加工の方針", "Policy";
    STAYS_INSIDE: "持ち出さない", "stays inside";
    SURVEYED_AMONG: "まれな値は次の患者数の中で数えました（データセットではその全員の中で数えます）:", "What is rare was counted among so many patients (a data set counts among all of its own):";
    NOT_APPROVED: "この方針はどの審査委員会もまだ承認していません。このままではデータセットは作れません。", "No board has approved this policy yet: no data set is built under it.";
    APPROVED_FOR: "承認された研究計画:", "Approved for the project";
    WITH_TEXTS: "文章を含む", "texts included";
    TEXTS_CLEANED: "文章は、研究計画が求め、審査委員会が承認した場合の姿で示しています。それ以外では削除されます。", "Texts are shown as they leave where a project asks for them and a board approved it. Otherwise they go.";
    NO_WORDS: "辞書(mecab-ipadic)がないため、文章は削除した姿で示しています。", "There is no dictionary (mecab-ipadic): texts are shown as they are without one, gone.";
    LEFT_AS_IT_IS: "PS3.15 の表が触れない、誰も指さない属性", "an attribute that PS3.15's table leaves, and that names nobody";
    IMAGES_PROCESSED: "画像の加工前と加工後を見る:", "Look at images before and after:";
    BACK_TO_RECORDS: "この患者の記録に戻る", "Back to this patient's records";
    FACE_PROCESSED: "頭部の画像です。持ち出すときはシリーズ全体から顔と耳を取り除きます(この頁では行いません)。", "This shows a head: before it leaves, face and ears are taken out of its whole series (not on this page).";
    TEXT_PROCESSED: "文字を探して塗りつぶしています(数秒かかります)", "text is looked for and masked; this takes seconds";
    PICTURE_PROCESSED: "加工後の画像。ここに現れない場合、この画像は持ち出されません。", "The picture after processing. Where none appears, the image stays inside.";
    NONE_OF_KIND: "この患者にはこの種類の記録がありません。上から別の種類を選んでください。", "This patient has no record of this kind. Choose another above.";
    HELD_BACK: "持ち出さない:", "Held back:";
    ELEMENT: "項目", "Element";
    BEFORE: "加工前", "Before";
    AFTER: "加工後", "After";
    GOES: "消去", "goes";
    AS_IT_IS: "そのまま", "as it is";
    NOT_LISTED: "どの規則にもない項目は消去", "named by no rule: it goes";
    AS_IT_LEAVES: "加工後の全体（FHIR）", "The whole as it leaves (FHIR)";
    EARLIER_ROWS: "前の記録", "Records before";

    // One patient
    TIME_LINE: "経過", "Time line";
    PROBLEMS: "病名", "Problems";
    ALLERGIES: "アレルギー", "Allergies";
    NONE_RECORDED: "記録なし", "none recorded";
    PAST: "過去", "past";
    HIGH_RISK: "重篤化のおそれ", "high risk";
    MONTHS: "月ごとの記録", "Months";
    MONTHS_EARLIER: "以前の年", "Earlier years";
    SHOW: "表示", "Show";
    NEWER_MONTH: "次の月", "Later";
    OLDER_MONTH: "前の月", "Earlier";
    EMPTY_RECORD: "この患者の記録はまだありません", "There is nothing in this record yet";
    EMPTY_MONTH: "この月の記録はありません", "There is nothing in this month";
    MONTH_CUT: "この月は記録が多いため、一部だけを表示しています。", "There is more in this month than is shown.";
    LANE_ENCOUNTER: "受診", "Visits";
    LANE_CONDITION: "病名", "Problems";
    LANE_ALLERGY: "アレルギー", "Allergies";
    LANE_LABORATORY: "検体検査", "Laboratory";
    LANE_MEASUREMENT: "バイタル・評価", "Vitals, scores";
    LANE_MEDICINE: "薬", "Medicines";
    LANE_PROCEDURE: "処置・手術", "Procedures";
    LANE_VACCINATION: "予防接種", "Vaccinations";
    LANE_IMAGE: "画像", "Images";
    LANE_GENOME: "ゲノム", "Genome";
    LANE_DOCUMENT: "文書", "Documents";
    LANE_CLAIM: "レセプト", "Claims";
    CLASS_AMB: "外来", "outpatient";
    CLASS_EMER: "救急", "emergency";
    CLASS_IMP: "入院", "inpatient";
    CLASS_OTHER: "受診", "visit";
    IN_HOSPITAL: "入院中", "in hospital";
    GIVEN: "投与", "Given";
    LAB_CHARTS: "検査の推移", "Laboratory over time";
    LAB_CHARTS_HINT: "帯は基準範囲、点は値です。", "The band is the reference range.";
    MORE_TESTS: "ほかの検査", "Other tests";
    HIGH: "高", "H";
    LOW: "低", "L";
    ABNORMAL: "異常", "A";
    HIGH_LONG: "基準範囲より高い", "above the reference range";
    LOW_LONG: "基準範囲より低い", "below the reference range";
    ABNORMAL_LONG: "基準から外れる", "outside what is usual";
    MEDICINES_OVER_TIME: "薬の期間", "Medicines over time";
    IMAGES: "画像検査", "Images";
    NO_OBJECTS: "画像本体なし", "no image here";
    OBJECT: "枚", "object";
    OBJECTS: "枚", "objects";
    GENOME: "ゲノム", "Genome";
    VARIANTS: "変異の一覧", "List variants";
    POINTS: "点", "points";
    SOURCE: "元データ", "Source";
    SOURCE_LONG: "FHIRリソースと、取り込み元のファイル", "The FHIR resource and the file it came from";
    BACK_TO_PATIENT: "患者の経過へ戻る", "Back to the time line";
    CAME_FROM: "取り込み元", "Came from";
    NOT_IMPORTED: "取り込みではなく、バンクの中で作られました", "made in the bank, not imported";
    VERSION: "版", "Version";
    WRITTEN_AT: "書き込み日時", "Written";
    NO_TEXT: "この記録に本文はありません。", "This record holds no text.";
    AUTHOR: "記載", "By";
    CATEGORY: "区分", "Category";
    ITEM_NAME: "名称", "Name";
    QUANTITY: "数量", "Quantity";
    REPEATS: "回数", "Times";
    TOTAL: "合計", "Total";
    DATE: "日付", "Date";

    // Variants
    CHROMOSOME: "染色体", "Chromosome";
    POSITION: "位置", "Position";
    REF_ALT: "参照→変異", "Ref → alt";
    GENOTYPE: "遺伝型", "Genotype";
    DEPTH: "深度", "Depth";
    FILTER: "フィルター", "Filter";
    GENE: "遺伝子", "Gene";
    CONSEQUENCE: "影響", "Consequence";
    NO_VARIANTS: "この検体に変異はありません", "This sample carries no variant";
    NEXT_VARIANTS: "次の変異", "Next variants";

    // Image viewer
    SERIES: "シリーズ", "Series";
    FRAME: "フレーム", "Frame";
    WINDOW: "濃度", "Window";
    PRESET: "既定値", "Preset";
    PRESET_FILE: "画像の指定", "From the image";
    PRESET_FULL: "全範囲", "Full range";
    PRESET_SOFT: "軟部", "Soft tissue";
    PRESET_LUNG: "肺", "Lung";
    PRESET_BONE: "骨", "Bone";
    PRESET_BRAIN: "脳", "Brain";
    ZOOM: "拡大", "Zoom";
    FIT: "全体", "Fit";
    INVERT: "白黒反転", "Invert";
    NO_IMAGES: "この検査の画像本体はバンクにありません", "The images of this study are not in the bank";
    NO_IMAGES_LONG: "検査の記録だけが届いています。PACSからDICOMファイルを取り込むと、ここに表示されます。", "Only the record of the study arrived. Import its DICOM files from the PACS, and they appear here.";
    NO_SCRIPT_IMAGE: "スクリプトが使えないため、既定の濃度で1枚目を表示しています。", "Scripts are off: the first frame is shown in its default window.";
    LOADING: "読み込み中", "Loading";
    FRAME_FAILED: "このフレームは表示できません", "This frame cannot be shown";
    PATIENT_UNKNOWN: "患者未確定", "Patient not known";

    // Performance tests
    TRIALS: "性能評価試験", "Trials";
    TRIALS_HINT: "AIモデルの性能評価試験です。プロトコルと症例は読影の前に固定され、ハッシュ値で呼ばれます。", "Performance tests of AI models. Protocol and cases are fixed before anybody reads, and called by their hash.";
    TRIALS_NONE: "性能評価試験はまだありません", "There is no performance test yet";
    TRIALS_NONE_LONG: "プロトコルと症例を次の命令で固定すると、ここに並び、このページで読影できます。画像を見せるにはデータセットを、AIありの読影にはモデルの答えを添えます。", "Fix a protocol and its cases with this command: the test then appears here and is read on its page. Add a data set to show its images, and the model's answers to read with the AI.";
    TRIAL_QUESTION: "問い", "Question";
    QUESTION_ALONE: "AI単独の成績", "The model alone";
    QUESTION_AGAINST: "AIと読影者の比較", "The model against readers";
    QUESTION_WITH: "AIなし・AIありの読影の比較", "Readers without against with the model";
    TRIAL_ENDPOINT: "主要評価項目", "Primary endpoint";
    ENDPOINT_AUC: "ROC曲線下面積", "area under the ROC curve";
    ENDPOINT_SENSITIVITY: "感度", "sensitivity";
    ENDPOINT_SPECIFICITY: "特異度", "specificity";
    ENDPOINT_ACCURACY: "正診率", "accuracy";
    TRIAL_HYPOTHESIS: "仮説", "Hypothesis";
    HYPOTHESIS_SUPERIOR: "優越性", "superiority";
    HYPOTHESIS_NOT_INFERIOR: "非劣性", "non-inferiority";
    TRIAL_MARGIN: "マージン", "margin";
    TRIAL_TARGET: "対象とする状態", "Target condition";
    TRIAL_STANDARD: "参照標準", "Reference standard";
    TRIAL_WASH_OUT: "ウォッシュアウト", "Wash-out";
    TRIAL_CASES: "症例", "Cases";
    TRIAL_POSITIVE: "うち陽性", "of them positive";
    TRIAL_IMAGES: "画像", "Images";
    TRIAL_NO_IMAGES: "なし:紙か別のビューアで読み、症例名を見て答えます", "none: read from paper or another viewer, and answer by the case's name";
    TRIAL_ANSWERS: "AIの答え", "The model's answers";
    TRIAL_LOCKED: "固定済み", "locked";
    TRIAL_NOT_LOCKED: "固定されていません", "not locked";
    TRIAL_FIXED: "固定", "Fixed";
    TRIAL_PROTOCOL: "プロトコル", "Protocol";
    TRIAL_PROTOCOL_HASH: "プロトコルのハッシュ", "Hash of the protocol";
    TRIAL_CASES_HASH: "症例のハッシュ", "Hash of the cases";
    TRIAL_ID: "試験のハッシュ", "Hash of the trial";
    TRIAL_READERS: "読影者", "Readers";
    TRIAL_READINGS: "読影", "Readings";
    TRIAL_NO_READERS: "まだ誰も読影していません", "Nobody has read yet";
    TRIAL_OPEN: "読影中", "open for reading";
    TRIAL_CLOSED: "解析済み", "analysed";
    TRIAL_ALONE: "読影なし", "no readers";
    TRIAL_CLOSED_LONG: "解析されたため、読影は締め切られました。", "It was analysed; nothing is read any more.";
    TRIAL_READ_LONG: "症例は読影者ごとに無作為な順で1例ずつ示されます。答えは確定すると保存され、戻って直すことはできません。途中でやめても、次はその続きから始まります。", "Cases come one by one, in a random order of your own. An answer is kept once it is confirmed, and nobody goes back to it. You may stop at any time and go on from there.";
    TRIAL_BEGIN: "読影を始める", "Begin to read";
    TRIAL_CONTINUE: "続きを読む", "Continue";
    TRIAL_START: "始める", "Start";
    TRIAL_CODE: "読影者コード", "Reader's code";
    TRIAL_CODE_HINT: "試験事務局から渡されたコード(例 R1)。名前は入れません。", "As the trial office gave it (such as R1). No name.";
    TRIAL_EXPERIENCE: "経験の区分", "Group of experience";
    TRIAL_EXPERIENCE_HINT: "報告書で読影者をまとめる区分です。試験の中で同じ言葉を使います。", "By which the report groups readers; the same words within a trial.";
    EXPERIENCE_SPECIALIST: "専門医", "specialist";
    EXPERIENCE_RESIDENT: "専攻医", "resident";
    EXPERIENCE_OTHER: "非専門医", "non-specialist";
    TRIAL_CONDITION: "条件", "Condition";
    CONDITION_UNAIDED: "AIなし", "without the AI";
    CONDITION_AIDED: "AIあり", "with the AI";
    TRIAL_NEW_READER: "新しい読影者", "A new reader";
    TRIAL_OWN: "あなたのコード", "Your code";
    TRIAL_LAST: "最後の読影", "Last read";
    OPENING_READ: "完了", "complete";
    OPENING_FROM: "から読めます", "from";
    OPENING_OTHER: "もう一方の条件が終わってから", "after the other condition";
    OPENING_NOT_ASKED: "プロトコルにありません", "not in the protocol";
    OPENING_NO_ANSWERS: "AIの答えが固定されていないため読めません", "the model's answers were not locked";
    OPENING_NO_SCALE: "スコアの尺度がプロトコルにないため読めません", "the protocol has no scale for scores";
    TRIAL_ANALYSES: "解析", "Analyses";
    TRIAL_NOT_ANALYSED: "まだ解析されていません。すべての読影が終わったら、次の命令で解析します。解析の後は誰も読影できません。", "Not analysed yet. When everything is read, this command does it; nobody reads after that.";
    TRIAL_REPORT: "報告書", "Report";
    TRIAL_NUMBERS: "数値(JSON)", "Numbers (JSON)";
    TRIAL_REPORT_HINT: "報告書は印刷でPDFにできます。", "A report prints to PDF.";
    ANALYSIS_MET: "仮説は示された", "hypothesis shown";
    ANALYSIS_NOT_MET: "仮説は示されなかった", "hypothesis not shown";
    ANALYSIS_NOT_CONFIRMATORY: "検証とは言えない", "not confirmatory";
    ANALYSIS_REFUSED: "解析できず", "could not be made";
    ANALYSIS_RUNNING: "結果なし", "no result";
    TRIAL_REFUSED: "始められません。", "This cannot begin.";
    READING_REFUSED: "保存しませんでした。", "Nothing was kept.";
    READING_AGAIN: "この症例の答えはすでに保存されています。最初の答えが有効です。次の症例に進みました。", "This case had been answered already; the first answer counts. Here is the next case.";
    READING_CASE: "症例", "Case";
    READING_ASK_SCORE: "はどの程度疑われますか", "how much do you suspect it?";
    READING_ASK_DECISION: "はありますか", "is it there?";
    READING_LOW: "確かにない", "surely not";
    READING_HIGH: "確かにある", "surely";
    READING_YES: "ある", "Yes";
    READING_NO: "ない", "No";
    READING_SCORE: "スコア", "Score";
    READING_CONFIRM: "確定して次へ", "Confirm, next";
    READING_CONFIRM_LAST: "確定して終わる", "Confirm, finish";
    READING_PAUSE: "中断", "Pause";
    READING_PAUSED: "中断しています", "Paused";
    READING_PAUSED_LONG: "画像は隠れ、時間は数えません。", "The image is hidden, and no time is counted.";
    READING_LEAVE: "試験のページへ", "To the trial";
    READING_AI: "AIの答え", "The model says";
    READING_AI_POSITIVE: "陽性", "positive";
    READING_AI_NEGATIVE: "陰性", "negative";
    READING_AI_THRESHOLD: "閾値", "threshold";
    READING_BY_NAME: "この症例を紙か別のビューアで読んでください", "Read this case from paper or in another viewer";
    READING_THANKS: "ありがとうございました", "Thank you";
    READING_THANKS_LONG: "この条件の症例はすべて読み終わり、保存されています。", "Every case of this condition is read and kept.";
    READING_ALL_DONE: "あなたの読影はこれですべてです。結果は試験事務局が解析した後に公開されます。", "That was all of your reading. The results are shown once the trial office has analysed them.";
    READING_NEXT_FROM: "次の条件を読めるようになる日", "The other condition opens on";
    READING_NEXT_NOW: "もう一方の条件を、今から読めます。", "The other condition is open now.";
    READING_NOT_OPEN: "この条件は今は読めません", "This condition is not open now";
    KEY_CHOOSE: "選ぶ", "choose";
    KEY_CONFIRM: "確定", "confirm";
    KEY_PAUSE: "中断", "pause";

    // Models
    MODELS: "AIモデル", "Models";
    MODELS_HINT: "AIモデルの版です。答えは提案で、診断と治療を決めるのは医師です。", "Versions of AI models. What they answer is a proposal: the doctor decides on diagnosis and treatment.";
    MODELS_NONE: "AIモデルはまだありません", "There is no model yet";
    MODELS_NONE_LONG: "データセットを作って学習し、できたフォルダーを登録すると、ここに並びます。", "Build a data set, train on it and register the folder: the model then appears here.";
    MODELS_NONE_SET: "データセットを作る", "Build a data set";
    MODELS_NONE_TRAIN: "学習する", "Train";
    MODELS_NONE_REGISTER: "登録する", "Register";
    MODEL_TRAIN: "モデルを学習する", "Train a model";
    MODELS_ALL: "すべての版", "All versions";
    MODEL_TO_DECIDE: "決めること", "To decide";
    MODEL_PATIENTS: "学習した患者", "Patients learnt from";
    MODEL_AUC_CV: "交差検証AUC", "AUC, cross-validation";
    MODEL_BEST_BASELINE: "比較対象の最良", "Best plain baseline";
    MODEL_LOOKS_SHORT: "試験の開封", "Looks at test";
    MODEL_NOT_ABOVE: "単純な比較対象を上回っていません", "no better than a plain baseline";
    MODEL_OTHER_VERSIONS: "ほかの版", "Other versions";
    STATE_DRAFT: "下書き", "draft";
    STATE_EVALUATED: "試験済み", "evaluated";
    STATE_APPROVED: "承認済み", "approved";
    STATE_IN_USE: "使用中", "in use";
    STATE_SUSPENDED: "停止中", "suspended";
    STATE_RETIRED: "廃止", "retired";
    MODEL_SHADOW: "研究用", "shadow";
    STEP_DRAFT: "登録", "Registered";
    STEP_EVALUATED: "試験", "Tested";
    STEP_APPROVED: "承認", "Approved";
    STEP_IN_USE: "使用開始", "Put to use";
    STEP_SUSPENDED: "停止", "Suspended";
    STEP_RETIRED: "廃止", "Retired";
    STEP_SHADOW_ON: "研究用を開始", "Shadow begun";
    STEP_SHADOW_OFF: "研究用を終了", "Shadow ended";
    STEP_PROPOSED: "変更の提案", "Change proposed";
    STEP_PROMOTED: "交代して使用開始", "Promoted";
    STEP_REPLACED: "交代により停止", "Replaced";
    STEP_WATCHED: "見張りの報告", "Watched";
    STEP_ROLLED_BACK: "切り戻しにより使用再開", "Rolled back to this";
    WAITS_APPROVE: "承認するかどうか", "Approve it or not";
    WAITS_USE: "使い始めるかどうか", "Put it to use or not";
    WAITS_PROMOTE: "計画の範囲内。使用中の版と交代させるかどうか", "Inside the plan: put it in the place of the version in use or not";
    WAITS_OUTSIDE: "計画の範囲外。廃止するか、学習し直す", "Outside the plan: retire it, or train again";
    WAITS_RESUME: "使用中の版がない。再開か廃止か", "No version is in use: resume this one or retire it";

    MODEL_USE: "用途と、決める人", "Use, and who decides";
    MODEL_DOCTOR: "診断と治療を決めるのは医師です(医師法第17条)。このモデルの答えは提案として示され、医師が採否を記録します。", "The doctor decides on diagnosis and treatment (Medical Practitioners' Act, article 17). What this model answers is shown as a proposal, and the doctor records whether it is followed.";
    MODEL_SHADOW_LONG: "研究用:動いて答えを残しますが、提案としては表示しません。", "Shadow (研究用): it is asked and its answers are kept, but never shown as proposals.";
    MODEL_OUTCOME: "予測するもの", "Foresees";
    MODEL_AHEAD: "予測の範囲", "Looks ahead";
    MODEL_THRESHOLD: "知らせる確率", "Speaks from";
    MODEL_REGISTERED_BY: "登録した人", "Registered by";
    MODEL_MADE: "作り方", "How it was made";
    MODEL_LEARNER: "学習器", "Learner";
    LEARNER_LOGISTIC: "ロジスティック回帰", "logistic regression";
    LEARNER_NETWORK: "畳み込みニューラルネットワーク", "convolutional network";
    LEARNER_TREES: "決定木のブースティング", "boosted trees";
    MODEL_SETTINGS: "設定", "Settings";
    MODEL_SEED: "乱数の種", "Seed";
    MODEL_MADE_WITH: "作成", "Made with";
    MODEL_ONNX_DIFFERENCE: "ONNXと学習結果の差", "ONNX against the trained model";
    MODEL_ONNX_UNCHECKED: "学習時に照合していません", "not compared when it was trained";
    MODEL_AT_MOST: "最大", "at most";
    MODEL_DATA: "データ", "Data";
    MODEL_SET: "データセット", "Data set";
    MODEL_MANIFEST: "目録のハッシュ", "Manifest";
    MODEL_CASES: "症例", "Cases";
    MODEL_POSITIVE: "陽性", "Positive";
    MODEL_TRAINING: "学習", "Training";
    MODEL_LOCKED: "封印した試験", "Locked test";
    MODEL_LEFT_OUT: "除いた症例", "Left out";
    MODEL_UNOBSERVED: "観察が足りない", "not observed long enough";
    MODEL_UNJUDGED: "判定がない", "nobody judged";
    MODEL_BY_TRIAL: "性能評価試験で評価しました。", "Judged by a performance test.";
    MODEL_TRIAL_OPEN: "試験を開く", "Open the test";
    MODEL_TRIAL_MET: "あらかじめ定めた仮説の基準を満たしました。", "The criterion of the hypothesis, fixed before, was met.";
    MODEL_TRIAL_NOT_MET: "あらかじめ定めた仮説の基準を満たしませんでした。", "The criterion of the hypothesis, fixed before, was not met.";
    MODEL_TRIAL_DESCRIBES: "計画書どおりでない点があるため、結果は記述にとどまります。", "The protocol was not kept in every point: the result only describes.";
    WATCH_REPORT: "報告書を開く", "Open the report";
    WATCH_REPORT_LONG: "印刷できます(PDFにも)。", "It can be printed, also to PDF.";
    MODEL_ELSEWHERE: "外部で作られたモデル", "Made elsewhere";
    MODEL_ELSEWHERE_LONG: "学習に使われたデータは作成者の申告によります。この蔵では確かめられません。", "What it was trained on is its maker's word; this bank cannot check it.";
    MODEL_MAKER: "作成者", "Maker";
    MODEL_LICENCE: "ライセンス", "Licence";
    MODEL_TRAINED_ON: "学習データ(申告)", "Trained on, by its maker's word";
    MODEL_SEGMENTS: "分ける領域", "Regions it finds";
    MODEL_TAKES: "入力", "Takes";
    MODEL_TAKES_IMAGE: "シリーズの最初の画像", "The first image of a series";
    MODEL_TAKES_VOLUME: "シリーズ全体(ボリューム)", "A whole series as a volume";
    MODEL_ENCODER: "画像を数値にする別のモデル", "Another network makes numbers of it";
    MODEL_SIZE: "大きさ", "Size";
    MODEL_SPACING: "間隔と向き", "Spacing and orientation";
    MODEL_RANGE: "0–1 にする明るさ", "Brightness that becomes 0 to 1";
    MODEL_FEATURES_MORE: "ほか", "more:";
    MODEL_SQL: "症例・結果・特徴量の作り方(SQL)", "How cases, outcome and features are made (SQL)";
    MODEL_FEATURES: "特徴量", "Features";
    MODEL_UNIT: "単位", "Unit";
    MODEL_TAKE: "取る値", "Which value";
    MODEL_WINDOW: "さかのぼる時間", "Looks back";
    MODEL_WHOLE_PAST: "すべて", "all";
    TAKE_LAST: "最新", "newest";
    TAKE_FIRST: "最古", "oldest";
    TAKE_MIN: "最小", "least";
    TAKE_MAX: "最大", "largest";
    TAKE_MEAN: "平均", "mean";
    TAKE_COUNT: "回数", "count";
    TAKE_CHANGE: "変化", "change";
    MODEL_CV: "交差検証", "Cross-validation";
    MODEL_CV_LONG: "学習用の患者を分け、見ていない患者で確かめた値です。", "On patients of the training part that each model had not seen.";
    MODEL_ABOVE: "単純な比較対象を上回りました。決め手は封印した試験です。", "Better than the plain baselines. The locked test decides.";
    MODEL_NO_REASON: "単純な比較対象を上回っていません。比較対象より複雑なものを使う理由が、ここにはありません。", "No better than a plain baseline: nothing here is a reason to use something more intricate.";
    MODEL_NOT_REPORTED: "このモデルには学習の記録がありません。", "This model came without a record of its training.";
    MODEL_THIS: "このモデル", "This model";
    MODEL_PREVALENCE: "有病率だけ", "Prevalence alone";
    MODEL_SINGLE: "特徴量一つ", "One feature";
    MODEL_SHUFFLED: "結果を並べ替えたときのAUC。0.5から大きく離れていれば、どこかから答えが漏れています。", "AUC with shuffled outcomes. Far from 0.5, the answer leaks from somewhere.";
    MODEL_PER_FOLD: "分割ごと", "Per fold";
    MODEL_FOLD: "分割", "Fold";
    MODEL_CURVE: "学習曲線", "Learning curve";
    MODEL_CURVE_LONG: "縦はAUC、横は学習に使った患者の割合です。二つの線が離れたままなら、データが足りません。", "AUC by the share of patients learnt from. Lines that stay apart ask for more data.";
    MODEL_ON_SEEN: "学習に使った症例", "cases learnt from";
    MODEL_ON_UNSEEN: "見ていない患者", "patients not seen";
    MODEL_TEST: "封印した試験", "Locked test";
    MODEL_TEST_NONE: "まだ試験していません", "Not tested yet";
    MODEL_TEST_NONE_LONG: "封印した患者で試験すると、承認できるようになります。", "Once tested on the locked patients it can be approved.";
    MODEL_TEST_LONG: "学習のあいだ誰も見ていない患者での成績です。棒は95 %区間です。", "On patients nobody looked at in training. Bars are 95 % intervals.";
    MODEL_MEASURE: "指標", "Measure";
    MODEL_INTERVAL: "95 %区間", "95 % interval";
    MODEL_LOOK: "開封回数", "look no.";
    MEASURE_SENSITIVITY: "感度", "Sensitivity";
    MEASURE_SPECIFICITY: "特異度", "Specificity";
    MEASURE_PPV: "陽性的中率", "Positive predictive value";
    MEASURE_NPV: "陰性的中率", "Negative predictive value";
    MEASURE_AUC: "AUC", "AUC";
    MEASURE_BRIER: "Brierスコア", "Brier score";
    MEASURE_SLOPE: "較正の傾き(理想は1)", "Calibration slope (ideal 1)";
    MEASURE_INTERCEPT: "較正の切片(理想は0)", "Calibration intercept (ideal 0)";
    MODEL_LOWER_BETTER: "小さいほどよい", "lower is better";
    MODEL_TWO_BY_TWO: "知らせと結果", "What it said, what came";
    MODEL_SPOKE: "知らせた", "It spoke";
    MODEL_SILENT: "知らせなかった", "It was silent";
    MODEL_CAME: "起きた", "It came";
    MODEL_CAME_NOT: "起きなかった", "It did not";
    MODEL_REMARKS: "統計の注意", "Remarks on the statistics";
    MODEL_PLAN: "変更計画", "Plan of change";
    MODEL_PLAN_NONE: "この版は、変更計画のもとで使用中の版と比べられていません。", "This version has not been compared with one in use under a plan of change.";
    MODEL_PLAN_NONE_FIRST: "最初に使う版に比較の相手はありません。次の版からは、計画の範囲内でだけ交代できます。", "The first version in use has nothing to be compared with. Any later one can take its place inside a plan only.";
    MODEL_INSIDE: "範囲内", "inside";
    MODEL_OUTSIDE: "範囲外", "outside";
    MODEL_COMPARED: "比べた相手", "Compared with";
    MODEL_CHANGED: "変わったもの", "What changed";
    CHANGE_TRAINING_DATA: "学習データ", "training data";
    CHANGE_LEARNER: "学習器", "learner";
    CHANGE_THRESHOLD: "しきい値", "threshold";
    CHANGE_FEATURES: "特徴量", "features";
    MODEL_LOOKS_ALLOWED: "開封(計画の上限)", "Looks (allowed by the plan)";
    MODEL_PLAN_HASH: "計画のハッシュ", "Plan";
    MODEL_DEVICE: "医療機器の確認番号", "Confirmation number of the device";
    MODEL_WAIT_DAYS: "届出からの待機日数", "Days to wait after the notification";
    MODEL_BOUND: "範囲", "Bound";
    MODEL_FOUND: "結果", "Found";
    MODEL_HOLDS: "満たす", "holds";
    MODEL_BROKEN: "外れる", "broken";
    MODEL_NO_ESTIMATE: "推定できず", "no estimate";
    MODEL_GROUP: "群", "Group";
    CHECK_PATIENTS: "患者数", "patients";
    CHECK_DIFFERENCE: "使用中の版とのAUC差、95 %区間の下端", "AUC less that of the version in use, lower end of the 95 % interval";
    MODEL_BESIDE: "使用中の版と並べて", "Beside the version in use";
    MODEL_CANDIDATE: "この版", "This version";
    MODEL_IN_USE_THEN: "使用中", "In use";
    MODEL_LIMITS: "限界と注意", "Limits and warnings";
    LIMIT_ELSEWHERE: "ほかの施設で作られました。この施設の患者での成績は、試験するまで分かりません。", "It was made elsewhere. What it is worth for the patients of this hospital is not known until tested.";
    MODEL_NEXT_TRIAL: "次は、読影者と比べる性能評価試験。その結果が根拠になります。", "Next: a performance test beside readers; its result is the evidence.";
    MODEL_TEST_NONE_TRIAL: "性能評価試験で確かめると、承認できるようになります。", "Once a performance test has judged it, it can be approved.";
    LIMIT_PLACE: "このバンクの患者だけから学んでいます。別の施設や別の患者での成績は、試験するまで分かりません。", "It learnt from patients of this bank only. What it is worth elsewhere or for others is not known until tested.";
    LIMIT_BASELINE: "交差検証で、単純な比較対象を上回っていません。", "In cross-validation it is no better than a plain baseline.";
    LIMIT_FEW: "患者が少ないため、95 %区間が当てになりにくい指標があります。", "So few patients that the 95 % intervals of these are hardly to be relied on.";
    LIMIT_UNTESTED: "封印した試験をまだ受けていません。", "It has not been through the locked test.";
    LIMIT_LOOKS: "試験データは2回以上開かれています。開くほど、たまたま良い版が選ばれやすくなります。", "The test set was opened more than once. The more often, the likelier a version is chosen that fits by chance.";
    LIMIT_SUBGROUPS: "年齢などの群ごとの成績は、変更計画で比べたときだけ確かめられます。この版にはありません。", "How it does in groups such as age is proved by a plan of change only; this version has none.";
    LIMIT_FINDINGS: "学習時に見つかったこと", "Found while training";
    MODEL_IMPORTANCE: "特徴量の重要度", "What each feature is worth";
    MODEL_IMPORTANCE_LONG: "その値を並べ替えたときのAUCの低下(±標準偏差)です。0以下なら、確かめた患者では役に立っていません。", "Fall of the AUC when it is shuffled (± standard deviation). At 0 or below it was of no use for the patients it was tried on.";
    MODEL_FALL: "AUCの低下", "Fall of the AUC";
    MODEL_LOOKS: "試験データの開封", "Looks at the test set";
    MODEL_LOOKS_NONE: "まだ開かれていません。", "Nobody has opened it.";
    MODEL_TIMES: "回", "×";
    MODEL_STEPS: "これまでの歩み", "What happened to it";
    EVIDENCE: "証拠", "Evidence";
    EVIDENCE_LONG: "書かれたときのままの内容です。ハッシュが名前なので、変えられません。", "As it was written. Its hash is its name: it cannot be changed.";
    EVIDENCE_REPORT: "試験の報告", "Test report";
    EVIDENCE_WATCH: "見張りの報告", "Report of the watch";
    EVIDENCE_PROPOSAL: "変更の比較", "Comparison under the plan";
    EVIDENCE_FILE: "モデルの記述", "Description of the model";
    EVIDENCE_NAMED_BY: "これを挙げる歩み", "Named by";
    HASH: "ハッシュ", "Hash";
    DOWNLOAD: "JSONを保存", "Save the JSON";
    BACK_TO_MODEL: "モデルへ戻る", "Back to the model";

    MODEL_REASON: "理由", "Reason";
    MODEL_ONLY_LOOK: "この役割では見ることだけができます。決めるのは医師か管理者です。", "Your role may look. Doctors and administrators decide.";
    MODEL_NOTHING_TO_DO: "この版について決めることはありません。", "There is nothing to decide about this version.";
    MODEL_NEXT_TEST: "次は、封印した患者での試験です。", "Next: the test on the locked patients.";
    MODEL_NEXT_PROPOSE: "ほかの版が使用中です。変更計画のもとで比べると、範囲内なら交代できます。", "Another version is in use. Compare them under a plan of change; inside its bounds this one can take its place.";
    MODEL_STALE: "比べた相手はもう使用中ではありません。もう一度、提案してください。", "What it was compared with is no longer in use: propose it again.";
    MODEL_NOT_BY_YOU: "登録した人は承認できません。ほかの人に頼んでください。", "Who registered a version does not approve it: ask somebody else.";
    MODEL_REFUSED: "記録しませんでした。", "Nothing was recorded.";
    ACT_APPROVE: "承認する", "Approve";
    ACT_APPROVE_LONG: "試験の結果を認めます。まだ使われません。", "Accepts what the test found. It is not used yet.";
    ACT_USE: "使い始める", "Put to use";
    ACT_USE_LONG: "新しいデータが届くたびに答え、提案として表示します。", "It answers whenever new data arrive, and its answers are shown as proposals.";
    ACT_RESUME_LONG: "止めていた版を、また使います。", "Uses again what was suspended.";
    ACT_SUSPEND: "停止する", "Suspend";
    ACT_SUSPEND_LONG: "答えるのをやめます。あとで再開できます。", "It stops answering. It can be resumed.";
    ACT_RETIRE: "廃止する", "Retire";
    ACT_RETIRE_LONG: "二度と使いません。取り消せません。", "Never used again. This cannot be undone.";
    ACT_SHADOW_ON: "研究用に動かす", "Run in shadow";
    ACT_SHADOW_ON_LONG: "答えを研究用として残しますが、提案としては表示しません。", "Its answers are kept for research (研究用) and never shown as proposals.";
    ACT_SHADOW_OFF: "研究用を終える", "End the shadow";
    ACT_SHADOW_OFF_LONG: "研究用の答えを残すのをやめます。", "It no longer answers for research.";
    ACT_PROMOTE: "交代させる", "Promote";
    ACT_PROMOTE_LONG: "使用中の版を止め、この版を使います。一度に行います。", "Suspends the version in use and puts this one in its place, at once.";
    ACT_ROLL_BACK: "前の版に戻す", "Roll back";
    ACT_ROLL_BACK_LONG: "この版を止め、交代する前の版をまた使います。", "Suspends this version and uses again the one it replaced:";
    NOTICE_NUMBER: "確認番号", "Confirmation number (確認番号)";
    NOTICE_DAY: "届出の日", "Day of the notification (届出)";
}

/// What a kind of record is called by people; `None` for kinds that have no name of ours.
pub(crate) fn kind(kind: &str, lang: Lang) -> Option<&'static str> {
    let (ja, en) = match kind {
        "Patient" => ("患者", "Patients"),
        "Encounter" => ("受診", "Visits"),
        "Condition" => ("病名", "Problems"),
        "Observation" => ("検査・観察", "Observations"),
        "DiagnosticReport" => ("検査報告", "Diagnostic reports"),
        "MedicationRequest" => ("処方・オーダー", "Prescriptions"),
        "MedicationAdministration" => ("与薬", "Medicines given"),
        "MedicationDispense" => ("調剤", "Medicines dispensed"),
        "MedicationStatement" => ("服薬情報", "Medicines taken"),
        "AllergyIntolerance" => ("アレルギー", "Allergies"),
        "Immunization" => ("予防接種", "Vaccinations"),
        "Procedure" => ("処置・手術", "Procedures"),
        "Composition" => ("文書", "Documents"),
        "DocumentReference" => ("文書ファイル", "Document files"),
        "ClinicalImpression" => ("経過の評価", "Clinical impressions"),
        "ImagingStudy" => ("画像検査", "Imaging studies"),
        "DicomInstance" => ("DICOM画像", "DICOM objects"),
        "PendingStudy" => ("受信中の画像検査", "Studies being received"),
        "Claim" => ("レセプト", "Claims"),
        "Coverage" => ("保険", "Insurance"),
        "ServiceRequest" => ("依頼", "Orders"),
        "Specimen" => ("検体", "Specimens"),
        "Sample" => ("ゲノム検体", "Sequenced samples"),
        "FamilyMemberHistory" => ("家族歴", "Family history"),
        "CareTeam" => ("ケアチーム", "Care teams"),
        "Practitioner" => ("医療者", "Practitioners"),
        "PractitionerRole" => ("医療者の役割", "Practitioner roles"),
        "Organization" => ("組織", "Organizations"),
        "Location" => ("場所", "Locations"),
        "Device" => ("機器", "Devices"),
        "DeviceUseStatement" => ("機器の使用", "Device use"),
        "Endpoint" => ("接続先", "Endpoints"),
        "Consent" => ("同意", "Consents"),
        "Questionnaire" => ("テンプレート", "Templates"),
        "QuestionnaireResponse" => ("テンプレートの回答", "Template answers"),
        "RiskAssessment" => ("リスク評価", "Risk assessments"),
        "Medication" => ("医薬品", "Drugs"),
        "Bundle" => ("文書束", "Bundles"),
        _ => return None,
    };
    Some(match lang {
        Lang::Ja => ja,
        Lang::En => en,
    })
}

/// 診療識別コード of the payers' record format: the tens tell the kind of care.
pub(crate) fn claim_category(code: &str, lang: Lang) -> &'static str {
    let (ja, en) = match code {
        "11" => ("初診", "first visit"),
        "12" => ("再診", "return visit"),
        "13" => ("医学管理", "management"),
        "14" => ("在宅", "home care"),
        _ => match code.as_bytes().first() {
            Some(b'2') => ("投薬", "medicines"),
            Some(b'3') => ("注射", "injection"),
            Some(b'4') => ("処置", "treatment"),
            Some(b'5') => ("手術・麻酔", "surgery"),
            Some(b'6') => ("検査・病理", "tests"),
            Some(b'7') => ("画像診断", "imaging"),
            Some(b'8') => ("その他", "other"),
            Some(b'9') => ("入院", "hospital stay"),
            _ => ("", ""),
        },
    };
    match lang {
        Lang::Ja => ja,
        Lang::En => en,
    }
}

/// What a format of import is called.
pub(crate) fn format(format: &str, lang: Lang) -> &str {
    match (format, lang) {
        ("fhir-ndjson", Lang::Ja) => "FHIR(NDJSON)",
        ("fhir-ndjson", Lang::En) => "FHIR (NDJSON)",
        ("fhir-json" | "fhir", Lang::Ja) => "FHIR(JSON)",
        ("fhir-json" | "fhir", Lang::En) => "FHIR (JSON)",
        ("dicom", _) => "DICOM",
        ("dicom-network", Lang::Ja) => "DICOM通信",
        ("dicom-network", Lang::En) => "DICOM network",
        ("vcf", _) => "VCF",
        ("bcf", _) => "BCF",
        ("uke", Lang::Ja) => "レセプト(UKE)",
        ("uke", Lang::En) => "Claims (UKE)",
        ("cats", Lang::Ja) => "がん遺伝子パネル(CATS)",
        ("cats", Lang::En) => "Cancer gene panel (CATS)",
        ("sample-sheet" | "samples", Lang::Ja) => "検体表",
        ("sample-sheet" | "samples", Lang::En) => "Sample sheet",
        ("zip", _) => "ZIP",
        ("unknown", Lang::Ja) => "不明",
        (other, _) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_empty() {
        for (name, text) in ALL {
            assert!(!text.ja.is_empty() && !text.en.is_empty(), "{name}");
        }
    }

    #[test]
    fn the_browser_chooses_the_language() {
        assert_eq!(Lang::accepted("ja,en-US;q=0.9"), Some(Lang::Ja));
        assert_eq!(
            Lang::accepted("fr-FR, en-GB;q=0.8, ja;q=0.5"),
            Some(Lang::En)
        );
        assert_eq!(Lang::accepted("fr"), None);
        assert_eq!(Lang::accepted("あ"), None);
    }
}
