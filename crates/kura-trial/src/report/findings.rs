//! A sentence for each finding.

use super::wording::condition as condition_name;
use crate::finding::{Finding, Input, SampleOf, Severity};
use crate::words::Lang;

pub(crate) fn finding_text(finding: &Finding, lang: Lang) -> String {
    match finding {
        Finding::CaseSetChanged { locked, found } => lang.pick(
            format!("症例セットが固定時と異なる（固定時のハッシュ {locked}、現在 {found}）。"),
            format!("The cases are not those that were locked (hash {locked} then, {found} now)."),
        ),
        Finding::CaseSetNotTheProtocols { protocol, found } => lang.pick(
            format!("症例セットがプロトコルの指定と異なる（指定 {protocol}、実際 {found}）。"),
            format!("The cases are not those the protocol names (hash {protocol}, found {found})."),
        ),
        Finding::TooFewOfOneKind { positive, negative } => lang.pick(
            format!("陽性{positive}例・陰性{negative}例。それぞれ2例以上が必要。"),
            format!(
                "There are {positive} positive and {negative} negative cases; two of each are needed."
            ),
        ),
        Finding::UnknownCase {
            input,
            count,
            first,
        } => {
            let file = match input {
                Input::Readings => lang.pick("読影結果", "readings"),
                Input::Answers => lang.pick("AIの出力", "AI's answers"),
            };
            lang.pick(
                format!("{file}に、固定した症例セットにない症例が{count}件ある（最初は{first}番目）。"),
                format!("The {file} name {count} case(s) that were not locked (the first is entry {first})."),
            )
        }
        Finding::DuplicateReading {
            reader,
            condition,
            count,
            first,
        } => lang.pick(
            format!(
                "{reader}の{}の読影が{count}件重複している（最初は{first}）。",
                condition_name(*condition, lang)
            ),
            format!(
                "{reader} read {count} case(s) twice {} (first: {first}).",
                condition_name(*condition, lang)
            ),
        ),
        Finding::DuplicateAnswer { count, first } => lang.pick(
            format!("AIの出力が{count}件重複している（最初は{first}）。"),
            format!("The AI answered {count} case(s) twice (first: {first})."),
        ),
        Finding::MissingReading {
            reader,
            condition,
            count,
            first,
        } => lang.pick(
            format!(
                "{reader}の{}の読影が{count}例で欠けている（最初は{first}）。",
                condition_name(*condition, lang)
            ),
            format!(
                "{reader} did not read {count} case(s) {} (first: {first}).",
                condition_name(*condition, lang)
            ),
        ),
        Finding::MissingAnswer { count, first } => lang.pick(
            format!("AIの出力が{count}例で欠けている（最初は{first}）。"),
            format!("The AI did not answer {count} case(s) (first: {first})."),
        ),
        Finding::NoAnswers => lang.pick(
            "AIの出力がない。".to_owned(),
            "The AI's answers are missing.".to_owned(),
        ),
        Finding::NoReadings { condition } => lang.pick(
            format!("{}の読影結果がない。", condition_name(*condition, lang)),
            format!(
                "There are no readings {}.",
                condition_name(*condition, lang)
            ),
        ),
        Finding::ExperienceContradicts { reader } => lang.pick(
            format!("{reader}の経験区分が読影結果の中で一致しない。"),
            format!("{reader} has two different groups of experience."),
        ),
        Finding::EndpointNeedsScores => lang.pick(
            "主要評価項目はAUCだが、読影結果はスコアではなく判定である。".to_owned(),
            "The endpoint is an area under the curve, but readers gave decisions, not scores."
                .to_owned(),
        ),
        Finding::EndpointNeedsReaderThreshold => lang.pick(
            "読影結果はスコアだが、読影者の閾値（thresholds.reader）が定められていない。".to_owned(),
            "Readers gave scores, but no threshold for them was fixed (thresholds.reader)."
                .to_owned(),
        ),
        Finding::SubgroupColumnMissing { column } => lang.pick(
            format!("プロトコルに定めたサブグループの列「{column}」が症例ファイルにない。"),
            format!("The case file lacks the subgroup column '{column}' that the protocol names."),
        ),
        Finding::ReadBeforeProtocol {
            reader,
            count,
            first,
            read_on,
            fixed_on,
        } => lang.pick(
            format!(
                "{reader}の{count}件の読影がプロトコル固定日（{fixed_on}）より前である（最初は{first}、{read_on}）。"
            ),
            format!(
                "{reader} made {count} reading(s) before the protocol was fixed on {fixed_on} \
                 (first: {first}, on {read_on})."
            ),
        ),
        Finding::ReadingDayMissing { count, paired } => {
            let more = if *paired {
                lang.pick("ウォッシュアウト期間を確かめられない。", " Wash-out cannot be checked.")
            } else {
                ""
            };
            lang.pick(
                format!("{count}件の読影に日付がなく、プロトコル固定後かを確かめられない。{more}"),
                format!(
                    "{count} reading(s) have no day, so it cannot be checked that the protocol was \
                     fixed before.{more}"
                ),
            )
        }
        Finding::WashOutViolated {
            reader,
            count,
            first,
            shortest_days,
            protocol_days,
        } => lang.pick(
            format!(
                "{reader}の{count}例で、2回の読影の間隔がウォッシュアウト期間（{protocol_days}日）に満たない（最短{shortest_days}日、最初は{first}）。"
            ),
            format!(
                "{reader} read {count} case(s) twice within the wash-out of {protocol_days} days \
                 (shortest {shortest_days} days; first: {first})."
            ),
        ),
        Finding::CasesLeftOut { count, of } => lang.pick(
            format!("読影またはAIの出力が欠けた{count}例（{of}例中）を、全員の解析から除いた。"),
            format!(
                "{count} of {of} cases lack a reading or an answer and were left out for everyone."
            ),
        ),
        Finding::FewerCases { needs, has } => lang.pick(
            format!("症例が少ない：最低{needs}例のところ{has}例。"),
            format!("Too few cases: needs {needs}, has {has}."),
        ),
        Finding::FewerPositiveCases { needs, has } => lang.pick(
            format!("陽性例が少ない：最低{needs}例のところ{has}例。"),
            format!("Too few positive cases: needs {needs}, has {has}."),
        ),
        Finding::FewerReaders { needs, has } => lang.pick(
            format!("読影者が少ない：最低{needs}人のところ{has}人。"),
            format!("Too few readers: needs {needs}, has {has}."),
        ),
        Finding::BelowSampleSize { what, needs, has } => {
            let what = match what {
                SampleOf::All => lang.pick("症例（患者単位）", "independent cases"),
                SampleOf::Positive => lang.pick("陽性例（患者単位）", "independent positive cases"),
                SampleOf::Negative => lang.pick("陰性例（患者単位）", "independent negative cases"),
                SampleOf::Readers => lang.pick("読影者", "readers"),
            };
            lang.pick(
                format!("必要例数に達していない：{what}は{needs}必要のところ{has}。"),
                format!(
                    "Below the sample size the protocol asks for: too few {what}: needs {needs}, \
                     has {has}."
                ),
            )
        }
        Finding::SampleSizeNotCalculated => lang.pick(
            "プロトコルに仮定値がなく、必要例数を算出していない。".to_owned(),
            "The protocol gives no assumptions, so no sample size was calculated.".to_owned(),
        ),
        Finding::OneReader => lang.pick(
            "読影者が1人のため、他の読影者へは一般化できない（読影者を固定して解析した）。".to_owned(),
            "There is one reader, so nothing extends to other readers; the reader was taken as \
             fixed."
                .to_owned(),
        ),
        Finding::ReadingsNotAsked { condition } => lang.pick(
            format!(
                "プロトコルの問いにない読影結果（{}）がある。示すが検定には用いない。",
                condition_name(*condition, lang)
            ),
            format!(
                "There are readings {} that the question does not ask for; they are shown, not \
                 tested.",
                condition_name(*condition, lang)
            ),
        ),
    }
}

pub(super) fn severity(severity: Severity, lang: Lang) -> &'static str {
    match severity {
        Severity::Note => lang.pick("留意", "note"),
        Severity::Breach => lang.pick("逸脱", "deviation"),
        Severity::Fatal => lang.pick("解析不能", "fatal"),
    }
}
