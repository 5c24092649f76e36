//! A whole-slide image: the levels of a pyramid, and in which frame each tile lies.
//! PS3.3 C.8.12.4 and C.7.6.17.

use serde::Serialize;
use serde_json::Value;

use super::series::count;
use crate::imaging_study::attribute::{decimals, item, items, number, text, texts};

/// VL Whole Slide Microscopy Image Storage.
const CLASS: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";

#[derive(Debug, Clone, Default, Serialize)]
pub struct Slide {
    /// The finest first.
    pub levels: Vec<Level>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Level {
    pub object: String,
    /// Pixels of the whole level.
    pub columns: u32,
    pub rows: u32,
    /// Pixels of a tile.
    pub tile: [u32; 2],
    /// mm between rows, then columns.
    pub spacing: Option<[f64; 2]>,
    /// TILED_SPARSE: first column and row (from 0) of each tile there is, and its frame. Empty for
    /// TILED_FULL, where tiles follow each other row by row.
    pub tiles: Vec<[u32; 3]>,
    pub full: bool,
}

pub(super) fn is_slide(header: &Value) -> bool {
    text(header, "00080016").as_deref() == Some(CLASS)
}

impl Slide {
    /// Takes an object as a level; a label or an overview is none (Image Type value 3), and stays
    /// an image by itself.
    pub(super) fn add(&mut self, uid: &str, header: &Value) -> bool {
        let kind = texts(header, "00080008");
        if !matches!(
            kind.get(2).map(String::as_str),
            Some("VOLUME" | "THUMBNAIL")
        ) {
            return false;
        }
        let tile = [count(header, "00280011"), count(header, "00280010")];
        let (columns, rows) = (count(header, "00480006"), count(header, "00480007"));
        if tile.contains(&0) || columns == 0 || rows == 0 {
            return false;
        }
        let full = text(header, "00209311").as_deref() != Some("TILED_SPARSE");
        let tiles = if full { Vec::new() } else { sparse(header) };
        self.levels.push(Level {
            object: uid.to_owned(),
            columns,
            rows,
            tile,
            spacing: spacing(header),
            tiles,
            full,
        });
        true
    }

    pub(super) fn finished(mut self) -> Option<Self> {
        self.levels
            .sort_by(|a, b| (b.columns, &a.object).cmp(&(a.columns, &b.object)));
        (!self.levels.is_empty()).then_some(self)
    }
}

fn spacing(header: &Value) -> Option<[f64; 2]> {
    let group = item(header, "52009229").or_else(|| item(header, "52009230"))?;
    match decimals(item(group, "00289110")?, "00280030")[..] {
        [rows, columns] if rows > 0.0 && columns > 0.0 => Some([rows, columns]),
        _ => None,
    }
}

/// The first frame at each place: further ones are other focal planes or optical paths.
fn sparse(header: &Value) -> Vec<[u32; 3]> {
    let mut seen = std::collections::HashSet::new();
    (1_u32..)
        .zip(items(header, "52009230"))
        .filter_map(|(frame, group)| {
            let plane = item(group, "0048021A")?;
            let from_one = |tag| {
                let place = number(plane, tag)?.checked_sub(1)?;
                u32::try_from(place).ok()
            };
            let (column, row) = (from_one("0048021E")?, from_one("0048021F")?);
            seen.insert((column, row)).then_some([column, row, frame])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn header(organization: &str, kind: &str) -> Value {
        let tile = |column: u32, row: u32| {
            json!({ "0048021A": { "vr": "SQ", "Value": [{
                "0048021E": { "vr": "SL", "Value": [column] }, "0048021F": { "vr": "SL", "Value": [row] },
            }] } })
        };
        json!({
            "00080008": { "vr": "CS", "Value": ["ORIGINAL", "PRIMARY", kind, "NONE"] },
            "00280010": { "vr": "US", "Value": [64] }, "00280011": { "vr": "US", "Value": [32] },
            "00480006": { "vr": "UL", "Value": [100] }, "00480007": { "vr": "UL", "Value": [200] },
            "00209311": { "vr": "CS", "Value": [organization] },
            "52009230": { "vr": "SQ", "Value": [tile(1, 1), tile(33, 1), tile(1, 1)] },
        })
    }

    #[test]
    fn tiles_by_their_place() {
        let mut slide = Slide::default();
        assert!(slide.add("1.2", &header("TILED_SPARSE", "VOLUME")));
        assert!(slide.add("1.3", &header("TILED_FULL", "THUMBNAIL")));
        assert!(!slide.add("1.4", &header("TILED_FULL", "LABEL")));
        let slide = slide.finished().unwrap();
        assert_eq!(slide.levels[0].tile, [32, 64]);
        // The second focal plane at the first place is left out.
        assert_eq!(slide.levels[0].tiles, [[0, 0, 1], [32, 0, 2]]);
        assert!(slide.levels[1].full && slide.levels[1].tiles.is_empty());
    }
}
