//! PneumoniaMNIST (J. Yang et al., "MedMNIST v2", Sci. Data 10 (2023) 41; chest films of children,
//! 28 × 28): a ridge probe on the pixels. The file tested with holds 2428 of the 4708 training
//! images and 468 of the 624 test images.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use kura_training::{Examples, Learner, Logistic, auc, brier, images_to_matrix, train};

use crate::support::shared;

/// The bytes of an array of unsigned bytes in an `.npz` (numpy.lib.format, version 1: magic, two
/// bytes of version, length of the header, header, data).
fn array(file: &Path, name: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(File::open(file).unwrap()).unwrap();
    let mut bytes = Vec::new();
    let mut entry = archive.by_name(&format!("{name}.npy")).unwrap();
    entry.read_to_end(&mut bytes).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = std::str::from_utf8(&bytes[10..10 + header]).unwrap();
    assert!(
        text.contains("'|u1'") && text.contains("'fortran_order': False"),
        "{text}"
    );
    bytes.split_off(10 + header)
}

fn part(file: &Path, name: &str) -> Examples {
    let images: Vec<f32> = array(file, &format!("{name}_images"))
        .iter()
        .map(|grey| f32::from(*grey) / 255.0)
        .collect();
    let labels = array(file, &format!("{name}_labels"));
    Examples {
        matrix: images_to_matrix(&images, 28, 28).unwrap(),
        outcome: labels.iter().map(|label| *label == 1).collect(),
        group: (0..labels.len())
            .map(|row| format!("{name} {row}"))
            .collect(),
        site: None,
        weight: None,
    }
}

#[test]
fn ridge_probe_reaches_scikit_learn() {
    let Some(file) = shared("ai/pneumoniamnist/pneumoniamnist.npz") else {
        return;
    };
    let (training, test) = (part(&file, "train"), part(&file, "test"));
    assert_eq!((training.matrix.rows, test.matrix.rows), (2428, 468));
    let learner = Learner::Logistic(Logistic {
        strength: 100.0,
        ..Logistic::default()
    });
    let model = train(&training, &learner, 1).unwrap();
    let probability = model.predict(&test.matrix).unwrap();
    let area = auc(&test.outcome, &probability).unwrap();
    let score = brier(&test.outcome, &probability);
    eprintln!("pneumonia, ridge 100: AUC {area:.5} Brier {score:.5}");
    // tests/python/data_figures.py, scikit-learn 1.9.1: StandardScaler and LogisticRegression with
    // C = 0.01.
    assert!((area - 0.93153).abs() < 1e-4, "{area}");
    assert!((score - 0.12594).abs() < 1e-4, "{score}");
}
