//! Pictures of others (Microsoft's Presidio, MIT): text that was burned in by them.

use std::path::Path;

use kura_dicom::{Limits, Pixels, decode_frame};
use kura_inference::Runtime;
use kura_ocr::{
    Area, Identifiers, KeepList, Picture, TextFinder, Verdict, Why, views_of_picture,
    views_of_values,
};
use serde_json::Value;

use crate::support::{finder, shared};

fn views(path: &Path) -> Vec<Picture> {
    let frame = decode_frame(path, 0, &Limits::default()).expect("a frame");
    match &frame.pixels {
        Pixels::Rgb(data) => {
            let picture = Picture::rgb(frame.columns, frame.rows, data.clone());
            views_of_picture(&picture.expect("a picture"))
        }
        Pixels::Gray { .. } => {
            views_of_values(&frame.values(), frame.columns, frame.rows).expect("views")
        }
    }
}

/// Share of an area that lies in others.
fn covered(area: Area, by: &[Area]) -> f64 {
    let inside = (area.y..area.bottom())
        .flat_map(|y| (area.x..area.right()).map(move |x| (x, y)))
        .filter(|(x, y)| {
            by.iter().any(|other| {
                (other.x..other.right()).contains(x) && (other.y..other.bottom()).contains(y)
            })
        })
        .count();
    inside as f64 / area.size() as f64
}

fn verdict(finder: &TextFinder, views: &[Picture], identifiers: &[&str]) -> Verdict {
    let found = finder.find_in_views(views).expect("text");
    Verdict::of(
        &found,
        &KeepList::shipped().expect("the list"),
        &Identifiers::new(identifiers),
    )
}

#[test]
fn a_chest_film() {
    let (Some(finder), Some(path), Some(boxes)) = (
        finder(),
        shared("imaging/burned-in/cr_compressed.dcm"),
        shared("imaging/burned-in/boxes.json"),
    ) else {
        return;
    };
    let views = views(&path);
    let verdict = verdict(&finder, &views, &["DAVIDSON^DOUGLAS"]);
    let boxes: Value =
        serde_json::from_slice(&std::fs::read(boxes).expect("boxes")).expect("boxes");
    let boxes = boxes["ground_truth"].as_array().expect("boxes");
    assert_eq!(boxes.len(), 5);
    for truth in boxes {
        // They were measured with 25 pixels around the picture.
        let at = |key: &str| truth[key].as_u64().expect("a number") as i64;
        let left = (at("left") - 25).max(0);
        let top = (at("top") - 25).max(0);
        let area = Area {
            x: left as u32,
            y: top as u32,
            width: (at("left") - 25 + at("width") - left) as u32,
            height: (at("top") - 25 + at("height") - top) as u32,
        };
        let share = covered(area, &verdict.masked);
        assert!(share >= 0.95, "{}: {share:.3}", truth["label"]);
    }
    let share = covered(views[0].area(), &verdict.masked);
    eprintln!("cr_compressed: {:.2} % masked", share * 100.0);
    assert!(share < 0.12, "{share}");
}

#[test]
fn a_scout_view() {
    let (Some(finder), Some(path)) = (finder(), shared("imaging/burned-in/ct.dcm")) else {
        return;
    };
    let views = views(&path);
    let verdict = verdict(&finder, &views, &["KAUFMAN^SCOTT"]);
    // Read off the picture: the name with sex and date, the date of birth.
    for (x, y, width, height) in [(0, 0, 230, 13), (5, 14, 110, 13)] {
        let area = Area {
            x,
            y,
            width,
            height,
        };
        assert!(covered(area, &verdict.masked) >= 0.95, "{area:?}");
    }
    let identifier = |decision: &&kura_ocr::Decision| {
        **decision
            == kura_ocr::Decision::Mask {
                why: Why::Identifier,
            }
    };
    assert!(
        verdict
            .decisions
            .iter()
            .any(|decision| identifier(&decision))
    );
    let share = covered(views[0].area(), &verdict.masked);
    eprintln!("ct: {:.2} % masked", share * 100.0);
    assert!(share < 0.35, "{share}");
}

#[test]
fn a_picture_without_text() {
    let (Some(finder), Some(path)) = (finder(), shared("imaging/burned-in/rgb_no_text.dcm")) else {
        return;
    };
    let views = views(&path);
    let verdict = verdict(&finder, &views, &[]);
    let share = covered(views[0].area(), &verdict.masked);
    eprintln!("rgb_no_text: {:.2} % masked", share * 100.0);
    assert!(share < 0.08, "{share}");
}

#[test]
fn what_is_missing_is_named() {
    let folder = std::env::temp_dir().join("no-models-of-kura");
    let Some(library) = std::env::var_os("KURA_INFERENCE__RUNTIME") else {
        crate::support::missing("KURA_INFERENCE__RUNTIME");
        return;
    };
    let runtime = Runtime::load(Some(Path::new(&library))).expect("ONNX Runtime");
    let error = TextFinder::open(&folder, runtime).err().expect("an error");
    let message = error.to_string();
    assert!(message.contains("ch_PP-OCRv4_det_infer.onnx"), "{message}");
    assert!(message.contains("scripts/ocr.sh"), "{message}");
}
