//! Where text stands in pictures of a kind: outside of the regions that an ultrasound machine
//! declares, and at places that a rule file names for a device. These are masked whatever a
//! reader of text finds there.

use std::path::Path;

use kura_dicom::{Header, ultrasound};
use kura_model::Result;
use kura_ocr::Area;
use serde::Deserialize;

use crate::bank::file_error;
use crate::toml_file;

/// The rule file: `[[mask]]` tables.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceRules {
    #[serde(default)]
    mask: Vec<DeviceMask>,
}

/// Places that pictures of a device have text at. What is not given fits every picture.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceMask {
    /// Contained in Manufacturer (0008,0070), in any case.
    manufacturer: String,
    /// Contained in Manufacturer's Model Name (0008,1090), in any case.
    model: Option<String>,
    /// Modality (0008,0060).
    modality: Option<String>,
    rows: Option<u32>,
    columns: Option<u32>,
    /// Left, top, width, height in pixels.
    areas: Vec<[u32; 4]>,
}

impl DeviceRules {
    /// # Errors
    /// A file that cannot be read, or one with a mistake: it says the line.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| file_error(path, error))?;
        toml_file::parse(&path.display().to_string(), &text)
    }

    /// What of a picture is masked, in pixels.
    pub(crate) fn areas(&self, header: &Header) -> Vec<Area> {
        let (Some(width), Some(height)) = (header.columns(), header.rows()) else {
            return Vec::new();
        };
        let named = self
            .mask
            .iter()
            .filter(|mask| mask.fits(header, width, height))
            .flat_map(|mask| &mask.areas)
            .filter_map(|[x, y, w, h]| {
                let (x, y) = (*x.min(&width), *y.min(&height));
                let area = Area {
                    x,
                    y,
                    width: (*w).min(width - x),
                    height: (*h).min(height - y),
                };
                (area.size() > 0).then_some(area)
            });
        let regions: Vec<Area> = ultrasound::regions(header)
            .into_iter()
            .map(|region| Area {
                x: region.left,
                y: region.top,
                width: region.right - region.left + 1,
                height: region.bottom - region.top + 1,
            })
            .collect();
        outside(&regions, width, height)
            .into_iter()
            .chain(named)
            .collect()
    }
}

impl DeviceMask {
    fn fits(&self, header: &Header, width: u32, height: u32) -> bool {
        let says = |text: Option<String>, wanted: &str| {
            text.is_some_and(|text| text.to_lowercase().contains(&wanted.to_lowercase()))
        };
        says(header.manufacturer(), &self.manufacturer)
            && (self.model.as_ref())
                .is_none_or(|model| says(header.manufacturer_model_name(), model))
            && (self.modality.as_ref())
                .is_none_or(|modality| header.modality().as_ref() == Some(modality))
            && self.rows.is_none_or(|rows| rows == height)
            && self.columns.is_none_or(|columns| columns == width)
    }
}

/// What of a picture lies in no region; nothing where there are none.
fn outside(regions: &[Area], width: u32, height: u32) -> Vec<Area> {
    if regions.is_empty() {
        return Vec::new();
    }
    let cuts = |ends: [u32; 2], of: fn(&Area) -> [u32; 2]| {
        let mut cuts: Vec<u32> = regions.iter().flat_map(of).chain(ends).collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    };
    let columns = cuts([0, width], |area| [area.x, area.right()]);
    let rows = cuts([0, height], |area| [area.y, area.bottom()]);
    let mut areas = Vec::new();
    for row in rows.windows(2) {
        for column in columns.windows(2) {
            let cell = Area {
                x: column[0],
                y: row[0],
                width: column[1] - column[0],
                height: row[1] - row[0],
            };
            if regions
                .iter()
                .all(|area| area.intersection(&cell).is_none())
            {
                areas.push(cell);
            }
        }
    }
    areas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x: u32, y: u32, width: u32, height: u32) -> Area {
        Area {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn what_lies_in_no_region() {
        assert!(outside(&[], 640, 480).is_empty());
        assert!(outside(&[area(0, 0, 640, 480)], 640, 480).is_empty());
        let two = [area(0, 40, 300, 400), area(320, 40, 320, 400)];
        let outside = outside(&two, 640, 480);
        let covered: u64 = outside.iter().map(Area::size).sum();
        // The banners above and below, and the gap between.
        assert_eq!(covered, 640 * 80 + 20 * 400);
        for region in two {
            assert!(outside.iter().all(|a| a.intersection(&region).is_none()));
        }
    }

    #[test]
    fn a_rule_file_says_where_it_is_wrong() {
        let good = "[[mask]]\nmanufacturer = \"acme\"\nareas = [[0, 0, 640, 40]]\n";
        assert!(toml_file::parse::<DeviceRules>("rules", good).is_ok());
        let bad = toml_file::parse::<DeviceRules>("rules", &format!("{good}area = 1\n"));
        assert!(bad.unwrap_err().message().contains("line 4"));
    }
}
