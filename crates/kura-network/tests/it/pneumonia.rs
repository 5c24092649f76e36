//! PneumoniaMNIST (J. Yang et al., "MedMNIST v2", Sci. Data 10 (2023) 41; chest films of children,
//! 28 × 28) with a network, beside the linear probe. The file tested with holds 2428 of the 4708
//! training images and 468 of the 624 test images; the network learns from 600 of them. MedMNIST
//! v2 publishes an AUC of .944 for ResNet-18 (28) that learnt from all: another network, other
//! images, and no figure to equal.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use kura_network::{ImageNetwork, ImageShape, Network, train};
use kura_training::{Examples, Fit, auc, brier, images_to_matrix};

use crate::support::shared;

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 28,
    width: 28,
};

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

/// Every image is another patient: the file does not say whose it is.
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
fn a_network_learns_pneumonia_from_six_hundred_images() {
    let Some(file) = shared("ai/pneumoniamnist/pneumoniamnist.npz") else {
        return;
    };
    let all = part(&file, "train");
    // The file has the images with the outcome first.
    let training = all.select(&(0..2400).step_by(4).collect::<Vec<_>>());
    let test = part(&file, "test");
    let cancel = AtomicBool::new(false);
    // Fewer epochs than by default: 16 take some ten seconds.
    let network = Network {
        epochs: 16,
        ..Network::default()
    };
    let started = Instant::now();
    let trained = train(&training, SHAPE, &network, 1, &mut |_, _| {}, &cancel).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let learner = ImageNetwork {
        network,
        shape: SHAPE,
    };
    let probe = learner.baseline(&training).expect("a linear probe");
    let started = Instant::now();
    let probe = kura_training::train(&training, &probe, 1).unwrap();
    let probe_seconds = started.elapsed().as_secs_f64();
    let judge = |name: &str, probability: Vec<f32>| {
        let area = auc(&test.outcome, &probability).unwrap();
        let score = brier(&test.outcome, &probability);
        eprintln!("pneumonia, 600 images, {name}: AUC {area:.4} Brier {score:.4}");
        area
    };
    let network = judge("network", trained.predict(&test.matrix).unwrap());
    let probe = judge("linear probe", probe.predict(&test.matrix).unwrap());
    eprintln!(
        "{} epochs in {seconds:.1} s, epoch {} kept; the probe in {probe_seconds:.1} s",
        trained.epochs.len(),
        trained.kept
    );
    assert!(network > 0.88, "{network}");
    assert!(probe > 0.85, "{probe}");
}
