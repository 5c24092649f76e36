//! 76 colorectal lesions seen in white light and narrow band, and the opinion of four expert and
//! three beginner endoscopists beside histology: P. Mesejo et al., IEEE Trans. Med. Imaging 35
//! (2016) 2051–2063.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use kura_training::{
    CrossValidationOptions, Examples, Feature, Folds, GroupFolds, Learner, Logistic, Matrix,
    cross_validate,
};
use kura_trial::{
    Answers, Cases, Condition, Figure, Finding, Lang, Protocol, Readings, Severity, Standing,
    TrialResult, analyse, lock, report_html, report_markdown,
};

use crate::close;
use crate::data::{first_sheet, keep, shared};

/// Letters of the workbook's columns: reader, three-class opinion, resection.
const READERS: [(&str, &str, &str, &str); 7] = [
    ("Expert 1", "expert", "D", "R"),
    ("Expert 2", "expert", "E", "S"),
    ("Expert 3", "expert", "F", "T"),
    ("Expert 4", "expert", "G", "U"),
    ("Beginner 1", "beginner", "H", "V"),
    ("Beginner 2", "beginner", "I", "W"),
    ("Beginner 3", "beginner", "J", "X"),
];

/// A lesion: its histology, and what each reader said, three-class and resect or not.
struct Lesion {
    name: String,
    histology: String,
    resect: bool,
    opinions: Vec<(String, bool)>,
}

fn lesions() -> Option<Vec<Lesion>> {
    let cells = first_sheet(&shared("colonoscopy/HumanEvaluation.xlsx")?);
    let cell = |row: u32, column: &str| cells.get(&(row, column.to_owned())).cloned();
    let rows = cells.keys().map(|(row, _)| *row).max()?;
    let lesions: Vec<Lesion> = (4..=rows)
        .filter_map(|row| {
            let name = cell(row, "P")?;
            assert_eq!(Some(&name), cell(row, "B").as_ref());
            let resects = |column: &str| match cell(row, column).as_deref() {
                Some("resection") => true,
                Some("no-resection") => false,
                other => panic!("row {row}, {column}: {other:?}"),
            };
            Some(Lesion {
                histology: cell(row, "C").unwrap(),
                resect: resects("Q"),
                opinions: READERS
                    .iter()
                    .map(|(_, _, class, decision)| (cell(row, class).unwrap(), resects(decision)))
                    .collect(),
                name: name.to_lowercase(),
            })
        })
        .collect();
    assert_eq!(lesions.len(), 76);
    Some(lesions)
}

fn cases(lesions: &[Lesion], positive: impl Fn(&Lesion) -> bool) -> Cases {
    let mut text = "case,cluster,truth,histology\n".to_owned();
    for l in lesions {
        let truth = u8::from(positive(l));
        text.push_str(&format!("{0},{0},{truth},{1}\n", l.name, l.histology));
    }
    Cases::parse(text.as_bytes()).unwrap()
}

fn readings(lesions: &[Lesion], positive: impl Fn(&(String, bool)) -> bool) -> Readings {
    let mut text = "reader,experience,case,condition,decision,read_at\n".to_owned();
    for (index, (reader, experience, ..)) in READERS.iter().enumerate() {
        for l in lesions {
            let decision = u8::from(positive(&l.opinions[index]));
            text.push_str(&format!(
                "{reader},{experience},{},unaided,{decision},\n",
                l.name
            ));
        }
    }
    Readings::parse(text.as_bytes()).unwrap()
}

/// A logistic regression on all 698 features, cross-validated by lesion: both lights of a lesion
/// stay in one fold, and their out-of-fold probabilities are averaged.
fn cross_validated(positive: impl Fn(&str) -> bool) -> Option<Answers> {
    let text = String::from_utf8(shared("colonoscopy/feature_data.csv")?).unwrap();
    let (mut values, mut group, mut outcome) = (Vec::new(), Vec::new(), Vec::new());
    let mut width = 0;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let mut cells = line.split(',');
        let lesion = cells.next().unwrap().to_lowercase();
        outcome.push(positive(&lesion));
        group.push(lesion);
        // Class and light are no features.
        let row: Vec<f32> = cells.skip(2).map(|c| c.trim().parse().unwrap()).collect();
        width = row.len();
        values.extend(row);
    }
    assert_eq!((width, group.len()), (698, 152));
    let examples = Examples {
        matrix: Matrix::new(
            (0..width)
                .map(|i| Feature::named(format!("f{i}")))
                .collect(),
            group.len(),
            values,
        )
        .unwrap(),
        outcome,
        group: group.clone(),
        site: None,
        weight: None,
    };
    let learner = Learner::Logistic(Logistic {
        strength: 100.0,
        ..Logistic::default()
    });
    let folds = Folds::Groups(GroupFolds {
        k: 10,
        stratified: true,
        seed: 20_160_401,
    });
    let options = CrossValidationOptions {
        seed: 1,
        learning_curve: Vec::new(),
        shuffles: 0,
    };
    let run = AtomicBool::new(false);
    let result =
        cross_validate(&examples, &learner, &folds, &options, &mut |_, _| {}, &run).unwrap();
    let mut lights: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (lesion, probability) in group.iter().zip(&result.result.probability) {
        lights
            .entry(lesion)
            .or_default()
            .push(f64::from(*probability));
    }
    let mut csv = "case,probability\n".to_owned();
    for (lesion, both) in lights {
        assert_eq!(both.len(), 2, "{lesion} is seen in two lights");
        csv.push_str(&format!("{lesion},{}\n", (both[0] + both[1]) / 2.0));
    }
    Some(Answers::parse(csv.as_bytes()).unwrap())
}

const PROTOCOL: &str = r#"
question = "ai_against_readers"
intended_use = { ja = "内視鏡画像から切除すべき大腸病変を選ぶ医師の支援", en = "Support for endoscopists who choose which colorectal lesions to resect" }
target_condition = { ja = "切除すべき病変（腺腫または鋸歯状腺腫）", en = "A lesion to be resected (adenoma or serrated adenoma)" }
reference_standard = { ja = "切除または生検標本の病理診断", en = "Histology of the resected or biopsied lesion" }
exclusion_rules = [{ ja = "なし（公開データの76病変すべて）", en = "None: all 76 lesions of the public data" }]
fixed_on = "2026-04-01"
fixed_by = "Kura test suite"
reading_order_seed = 20260401
endpoint = "accuracy"

[title]
ja = "大腸病変の切除判断：AIと内視鏡医7名の比較"
en = "Which colorectal lesions to resect: an AI against seven endoscopists"

[model]
name = "lesion-logistic"
version = "1"

[thresholds]
ai = [0.5]

[hypothesis]
kind = "non_inferiority"
margin = 0.1
alpha_one_sided = 0.025
power = 0.8

[minimum]
cases = 70
positive_cases = 50
readers = 7

[assumptions]
design = "paired_proportions"
ai_only = 0.15
reader_only = 0.10

[subgroups]
columns = ["histology"]
smallest = 10

[statements]
training_data = { ja = "同じ76病変での病変単位10分割交差検証。外部データでの評価ではない。", en = "Ten-fold cross-validation by lesion on the same 76 lesions; not an external evaluation." }
preprocessing = { ja = "公開された698特徴量（テクスチャ422、色76、形状200）を標準化。", en = "The 698 published features (texture 422, colour 76, shape 200), standardised." }
ai_description = { ja = "L2正則化ロジスティック回帰。白色光と狭帯域光の確率の平均。", en = "Logistic regression with an L2 penalty; mean of the probabilities in white light and narrow band." }
"#;

fn resection() -> Option<TrialResult> {
    let lesions = lesions()?;
    let truth: BTreeMap<&str, bool> = lesions
        .iter()
        .map(|l| (l.name.as_str(), l.resect))
        .collect();
    let answers = cross_validated(|lesion| truth[lesion])?;
    let protocol = Protocol::parse(PROTOCOL).unwrap();
    let cases = lock(cases(&lesions, |l| l.resect));
    let readings = readings(&lesions, |o| o.1);
    Some(analyse(&protocol, &cases, Some(&readings), Some(&answers)).unwrap())
}

/// Sensitivity and specificity of resection: Mesejo et al. (2016), from the same opinions; counts
/// checked by a script of its own over the workbook.
#[test]
fn the_published_figures_of_the_seven_endoscopists() {
    let Some(result) = resection() else { return };
    let published = [
        ("Expert 1", 49, 13, 0.891, 0.619),
        ("Expert 2", 45, 18, 0.818, 0.857),
        ("Expert 3", 45, 14, 0.818, 0.667),
        ("Expert 4", 46, 12, 0.836, 0.571),
        ("Beginner 1", 50, 9, 0.909, 0.429),
        ("Beginner 2", 55, 10, 1.0, 0.476),
        ("Beginner 3", 43, 14, 0.782, 0.667),
    ];
    assert_eq!(result.readers.len(), published.len());
    for (reader, (name, tp, tn, sensitivity, specificity)) in result.readers.iter().zip(published) {
        let accuracy = reader.accuracy.as_ref().unwrap();
        assert_eq!(reader.reader, name);
        assert_eq!(
            (accuracy.table.true_positive, accuracy.table.true_negative),
            (tp, tn)
        );
        close(
            accuracy.sensitivity.value().unwrap().estimate,
            sensitivity,
            5e-4,
        );
        close(
            accuracy.specificity.value().unwrap().estimate,
            specificity,
            5e-4,
        );
    }
    // The workbook's own means: accuracy of experts 79.605 %, of beginners 79.386 %.
    for (group, mean) in [("expert", 0.79605), ("beginner", 0.79386)] {
        let group = result
            .groups
            .iter()
            .find(|g| g.experience.as_deref() == Some(group))
            .unwrap();
        let accuracy = group.figures[&Figure::Accuracy].value().unwrap();
        close(accuracy.mean, mean, 5e-6);
    }
}

/// The workbook's three-class accuracies, and one class against the others through the same
/// analysis.
#[test]
fn three_classes() {
    let Some(lesions) = lesions() else { return };
    let published = [63.158, 68.421, 64.474, 57.895, 59.211, 67.105, 50.0];
    for (index, percent) in published.into_iter().enumerate() {
        let right = lesions
            .iter()
            .filter(|l| l.opinions[index].0 == l.histology)
            .count();
        close(100.0 * right as f64 / 76.0, percent, 5e-4);
    }
    // Histology, not the name: adenoma_30 is serrated in the workbook.
    let adenoma: BTreeMap<&str, bool> = lesions
        .iter()
        .map(|l| (l.name.as_str(), l.histology == "adenoma"))
        .collect();
    let Some(answers) = cross_validated(|lesion| adenoma[lesion]) else {
        return;
    };
    let protocol =
        Protocol::parse(&PROTOCOL.replace("positive_cases = 50", "positive_cases = 30")).unwrap();
    let cases = lock(cases(&lesions, |l| l.histology == "adenoma"));
    let readings = readings(&lesions, |o| o.0 == "adenoma");
    let result = analyse(&protocol, &cases, Some(&readings), Some(&answers)).unwrap();
    assert_eq!((result.cases.positive, result.cases.negative), (39, 37));
    for (index, reader) in result.readers.iter().enumerate() {
        let of = |adenoma: bool| {
            let class = || {
                lesions
                    .iter()
                    .filter(|l| (l.histology == "adenoma") == adenoma)
            };
            let right = |l: &&Lesion| (l.opinions[index].0 == "adenoma") == adenoma;
            class().filter(right).count() as f64 / class().count() as f64
        };
        let accuracy = reader.accuracy.as_ref().unwrap();
        close(
            accuracy.sensitivity.value().unwrap().estimate,
            of(true),
            1e-12,
        );
        close(
            accuracy.specificity.value().unwrap().estimate,
            of(false),
            1e-12,
        );
    }
}

/// The model beside each reader: differences that the two-by-two tables give, matched points that
/// keep what they match, and a trial that is too small and says so.
#[test]
fn the_model_stands_beside_each_reader() {
    let Some(result) = resection() else { return };
    let alone = result.stand_alone.as_ref().unwrap();
    let point = &alone.operating_points[0].accuracy;
    let (se, sp) = (
        point.sensitivity.value().unwrap().estimate,
        point.specificity.value().unwrap().estimate,
    );
    let auc = alone.auc.value().unwrap();
    eprintln!(
        "AUC {:.3} ({:.3} to {:.3}), sensitivity {se:.3}, specificity {sp:.3}",
        auc.auc,
        auc.interval().lower,
        auc.interval().upper
    );
    // Above chance with its whole interval: the features do tell lesions apart.
    assert!(auc.interval().lower > 0.5);
    for reader in &result.readers {
        let own = reader.accuracy.as_ref().unwrap();
        let beside = reader.beside_ai.as_ref().unwrap();
        let reader_se = own.sensitivity.value().unwrap().estimate;
        let reader_sp = own.specificity.value().unwrap().estimate;
        let difference = beside.sensitivity.as_ref().unwrap().value().unwrap();
        close(difference.difference.estimate, se - reader_se, 1e-12);
        assert!(difference.difference.contains(se - reader_se));
        let difference = beside.specificity.as_ref().unwrap().value().unwrap();
        close(difference.difference.estimate, sp - reader_sp, 1e-12);
        let matched = beside.at_readers_specificity.as_ref().unwrap();
        let matched = matched.value().unwrap();
        assert!(matched.ai_specificity >= reader_sp - 1e-12);
        close(
            matched.comparison.difference.estimate,
            matched.ai_sensitivity - reader_se,
            1e-12,
        );
        let other = beside.at_readers_sensitivity.as_ref().unwrap();
        assert!(other.value().unwrap().ai_sensitivity >= reader_se - 1e-12);
        // Better at the same specificity means that the curve passes above.
        if matched.ai_sensitivity > reader_se + 1e-12 {
            assert_eq!(
                beside.standing,
                Some(Standing::AiAbove),
                "{}",
                reader.reader
            );
        }
        assert_eq!(reader.condition, Condition::Unaided);
        eprintln!("{}: {:?}", reader.reader, beside.standing);
    }
    let study = &result.studies[0];
    assert!(study.primary && study.figure == Figure::Accuracy);
    let test = result.verdict.test.value().unwrap();
    // 79.5113 % is the mean of the workbook's seven accuracies.
    close(test.reference, 0.795_113, 5e-7);
    let reading = &result.findings;
    assert!(reading.iter().any(|f| matches!(
        f,
        Finding::BelowSampleSize { needs, has: 76, .. } if *needs > 76
    )));
    assert!(!result.verdict.confirmatory);
    assert!(reading.iter().any(|f| f.severity() == Severity::Note
        && matches!(f, Finding::ReadingDayMissing { count: 532, .. })));
    for lang in [Lang::Ja, Lang::En] {
        let page = report_html(&result, lang);
        for (name, ..) in READERS {
            assert!(page.contains(name));
        }
        keep(&format!("colonoscopy-{}.html", lang.tag()), &page);
        keep(
            &format!("colonoscopy-{}.md", lang.tag()),
            &report_markdown(&result, lang),
        );
    }
}
