//! FROC, AFROC and JAFROC on an example small enough to work by hand.

use kura_evaluation::froc::{
    FreeResponse, FreeResponseStudy, JafrocFigure, Lesion, LesionWeights, LocalisationCase,
    NegativeCases, jafroc_analysis,
};
use kura_evaluation::interval::Level;
use kura_evaluation::mrmc::Generalization;
use kura_evaluation::observation::ClusterId;
use kura_evaluation::random::Generator;

use crate::close;

fn case(cluster: u64, lesions: &[Option<f64>], false_marks: &[f64]) -> LocalisationCase {
    LocalisationCase {
        cluster: ClusterId(cluster),
        lesions: lesions
            .iter()
            .map(|&rating| Lesion {
                weight: 1.0,
                rating,
            })
            .collect(),
        false_marks: false_marks.to_vec(),
    }
}

/// Normal cases: no mark; marks 1 and 2. Abnormal: lesions rated 3 and not marked, a false mark 4;
/// a lesion rated 2.
fn small() -> FreeResponse {
    FreeResponse::new(vec![
        case(0, &[], &[]),
        case(1, &[], &[1.0, 2.0]),
        case(2, &[Some(3.0), None], &[4.0]),
        case(3, &[Some(2.0)], &[]),
    ])
    .unwrap()
}

#[test]
fn by_hand() {
    let data = small();
    // Against {none, 2}: lesion 3 → 1; unmarked → (½ + 0)/2; lesion 2 → (1 + ½)/2.
    close(data.jafroc_value(JafrocFigure::JAFROC), 2.0 / 3.0, 1e-15);
    close(
        data.jafroc_value(JafrocFigure::WAFROC),
        (1.25 / 2.0 + 0.75) / 2.0,
        1e-15,
    );
    // Against {none, none, 2, 4}: 3 → ¾; unmarked → ¼; 2 → 2½/4.
    let all = JafrocFigure {
        negatives: NegativeCases::All,
        weights: LesionWeights::Equal,
    };
    close(data.jafroc_value(all), (0.75 + 0.25 + 0.625) / 3.0, 1e-15);
    let froc = data.froc();
    assert_eq!(froc.len(), 4);
    assert_eq!(
        (froc[3].threshold, froc[3].false_marks_per_case),
        (1.0, 0.75)
    );
    close(froc[3].lesions_found, 2.0 / 3.0, 1e-15);
    let estimate = data.jafroc(JafrocFigure::JAFROC, Level::NINETY_FIVE);
    // Leaving out one of two normal cases still leaves one.
    assert!(estimate.is_ok());
}

fn random(seed: u64, skill: f64) -> FreeResponse {
    // Lesions depend on the case alone, so that all readers see the same cases.
    let mut generator = Generator::new(seed);
    let mut cases = Vec::new();
    for i in 0..60 {
        let lesions = [0, 1, 0, 2, 0, 3][i % 6];
        let lesions: Vec<Option<f64>> = (0..lesions)
            .map(|_| {
                let rating = (generator.normal() + skill).round();
                (generator.uniform() < 0.8).then_some(rating)
            })
            .collect();
        let marks: Vec<f64> = (0..generator.below(3))
            .map(|_| generator.normal().round())
            .collect();
        cases.push(case(i as u64, &lesions, &marks));
    }
    FreeResponse::new(cases).unwrap()
}

/// The figure is the area under the AFROC curve closed by a straight line to (1, 1).
#[test]
fn figure_is_the_area() {
    for seed in 0..20 {
        let data = random(seed, 1.0);
        for negatives in [NegativeCases::Normal, NegativeCases::All] {
            for weights in [LesionWeights::Equal, LesionWeights::PerCase] {
                let mut points: Vec<(f64, f64)> = data
                    .afroc(negatives, weights)
                    .iter()
                    .map(|p| (p.false_positive_fraction, p.lesions_found))
                    .collect();
                points.push((1.0, 1.0));
                let area: f64 = points
                    .windows(2)
                    .map(|w| (w[1].0 - w[0].0) * (w[1].1 + w[0].1) / 2.0)
                    .sum();
                let figure = JafrocFigure { negatives, weights };
                close(data.jafroc_value(figure), area, 1e-12);
                let estimate = data.jafroc(figure, Level::NINETY_FIVE).unwrap();
                assert!(estimate.interval.contains(area));
            }
        }
    }
}

#[test]
fn reader_study() {
    let names = |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect();
    let cells: Vec<FreeResponse> = (0..8)
        .map(|cell| random(100 + cell, if cell < 4 { 2.0 } else { 0.3 }))
        .collect();
    let study = FreeResponseStudy::new(names("m", 2), names("r", 4), cells).unwrap();
    let result = jafroc_analysis(
        &study,
        JafrocFigure::WAFROC,
        Generalization::ReadersAndCases,
        Level::NINETY_FIVE,
    )
    .unwrap();
    assert_eq!(result.figure, "weighted JAFROC");
    assert!(*result.p.value().unwrap() < 0.05);
    assert!(result.differences[0].interval.lower > 0.0);
}

#[test]
fn bad_marks_are_refused() {
    let error = FreeResponse::new(vec![case(0, &[], &[f64::NAN])]).unwrap_err();
    assert!(error.to_string().contains("not a finite number"));
    let only_normal = vec![case(0, &[], &[]), case(1, &[], &[])];
    assert!(FreeResponse::new(only_normal).is_err());
    let mut weightless = small().cases().to_vec();
    weightless[2].lesions[0].weight = 0.0;
    assert!(FreeResponse::new(weightless).is_err());
}
