//! What stays and what goes, from the pixels on; objects of many frames.

use kura_ocr::{Area, Decision, Identifiers, KeepList, Picture, Verdict, Why};

use crate::burn::{Canvas, Edge, Face, Stamp, faces};
use crate::support::{finder, missing};

const FONT: &str = "truetype/dejavu/DejaVuSans.ttf";

fn face() -> Option<Face> {
    let face = faces(&[FONT]).0.pop();
    if face.is_none() {
        missing(FONT);
    }
    face
}

/// Texts one below the other, white on black.
fn page(face: &Face, texts: &[&str]) -> (Picture, Vec<Area>) {
    let mut canvas = Canvas::flat(256, 56 * texts.len(), [0.0; 3]);
    let mut areas = Vec::new();
    for (line, text) in texts.iter().enumerate() {
        let stamp = Stamp::of(face, text, 26.0);
        let at = (30, line * 56 + 16);
        canvas.burn(&stamp, at, [255.0; 3], Edge::None);
        areas.push(Area {
            x: at.0 as u32,
            y: at.1 as u32,
            width: stamp.width as u32,
            height: stamp.height as u32,
        });
    }
    (canvas.gray(), areas)
}

fn covers(areas: &[Area], text: Area) -> bool {
    areas
        .iter()
        .any(|area| area.intersection(&text) == Some(text))
}

#[test]
fn units_stay_and_names_go() {
    let (Some(finder), Some(face)) = (finder(), face()) else {
        return;
    };
    let keep = KeepList::shipped().expect("the list");
    let nobody = Identifiers::default();
    let listed = ["120 kV", "200 mA", "MI 1.2", "3.5 MHz", "PA", "R"];
    let (picture, areas) = page(&face, &listed);
    let found = finder.find(&picture).expect("text");
    let verdict = Verdict::of(&found, &keep, &nobody);
    let kept = areas
        .iter()
        .filter(|area| covers(&verdict.kept, **area))
        .count();
    // One that is masked all the same is no harm; that most stay is what the list is for.
    assert!(kept >= 4, "{kept} of {} stay", listed.len());

    let others = [
        "YAMADA TARO",
        "1976-06-16",
        "0 5 10 15 20",
        "ID 00123",
        "L SATO",
        "12345",
    ];
    let (picture, areas) = page(&face, &others);
    let found = finder.find(&picture).expect("text");
    let verdict = Verdict::of(&found, &keep, &nobody);
    for (area, text) in areas.iter().zip(others) {
        assert!(
            !verdict
                .kept
                .iter()
                .any(|kept| kept.intersection(area).is_some()),
            "{text}"
        );
        assert!(covers(&verdict.masked, *area), "{text}");
    }
    // The patient's own are hunted: "PA" of the list, too, if it is the name.
    let (picture, areas) = page(&face, &["YAMADA TARO", "PA"]);
    let found = finder.find(&picture).expect("text");
    let verdict = Verdict::of(&found, &keep, &Identifiers::new(&["Yamada^Taro", "PA"]));
    let hunted = |area: &Area| {
        found
            .iter()
            .zip(&verdict.decisions)
            .any(|(found, decision)| {
                found.area.intersection(area) == Some(*area)
                    && *decision
                        == Decision::Mask {
                            why: Why::Identifier,
                        }
            })
    };
    assert!(areas.iter().all(hunted));
    assert_eq!(verdict.kept, []);
}

#[test]
fn text_of_any_frame_is_found() {
    let (Some(finder), Some(face)) = (finder(), face()) else {
        return;
    };
    let name = Stamp::of(&face, "SUZUKI", 18.0);
    let late = Stamp::of(&face, "ID 5521", 18.0);
    // The name is always there, something moves, and on the last frame but one is a number more.
    let frame = |number: u32| {
        let mut canvas = Canvas::flat(448, 256, [0.0; 3]);
        canvas.burn(&name, (8, 8), [255.0; 3], Edge::None);
        for y in 120..140 {
            for x in 0..20 {
                canvas.data[y * 448 + 60 + 2 * number as usize + x] = [40.0 + x as f32; 3];
            }
        }
        if number == 6 {
            canvas.burn(&late, (340, 220), [255.0; 3], Edge::None);
        }
        Ok(vec![canvas.gray()])
    };
    let all = finder.find_in_frames(8, frame).expect("text");
    let areas: Vec<Area> = all.found.iter().map(|found| found.area).collect();
    for (stamp, x, y) in [(&name, 8, 8), (&late, 340, 220)] {
        let area = Area {
            x,
            y,
            width: stamp.width as u32,
            height: stamp.height as u32,
        };
        assert!(covers(&areas, area), "{area:?} of {areas:?}");
    }
    assert_eq!(all.looked, 8, "something moves in each");
    assert!(
        all.share < 0.7,
        "what stands still is looked at once: {}",
        all.share
    );
}

#[test]
fn pictures_of_any_shape_are_looked_at() {
    let Some(finder) = finder() else {
        return;
    };
    for (width, height) in [(1, 1), (2, 300), (300, 3), (17, 17), (1201, 40)] {
        let data: Vec<u8> = (0..width * height)
            .map(|at| (at * 97 % 256) as u8)
            .collect();
        let gray = Picture::gray(width, height, data.clone()).expect("a picture");
        let rgb = Picture::rgb(
            width,
            height,
            data.iter().flat_map(|value| [*value, 9, 200]).collect(),
        );
        for picture in [gray, rgb.expect("a picture")] {
            for found in finder.find(&picture).expect("an answer") {
                assert_eq!(found.area.intersection(&picture.area()), Some(found.area));
            }
        }
    }
    assert!(finder.find_in_views(&[]).is_err());
    let two = [(8, 8), (9, 8)].map(|(width, height)| {
        Picture::gray(width, height, vec![0; (width * height) as usize]).expect("a picture")
    });
    assert!(finder.find_in_views(&two).is_err());
}
