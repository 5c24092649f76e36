//! What an ultrasound machine declares of its picture. PS3.3 C.8.5.5.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use crate::Header;
use crate::header::number;

/// A part of the picture that shows something measured, in pixels; both corners belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

/// Sequence of Ultrasound Regions (0018,6011). Empty where there is none, or where one of them
/// does not lie in the picture: then nothing is known.
pub fn regions(header: &Header) -> Vec<Region> {
    let sequence = header.object().get(tags::SEQUENCE_OF_ULTRASOUND_REGIONS);
    let (Some(items), Some(columns), Some(rows)) = (
        sequence.and_then(|element| element.items()),
        header.columns(),
        header.rows(),
    ) else {
        return Vec::new();
    };
    let region = |item: &InMemDicomObject| {
        let at = |tag: Tag| number(item, tag);
        let region = Region {
            left: at(tags::REGION_LOCATION_MIN_X0)?,
            top: at(tags::REGION_LOCATION_MIN_Y0)?,
            // Machines give the size of the picture here, too.
            right: at(tags::REGION_LOCATION_MAX_X1)?.min(columns.checked_sub(1)?),
            bottom: at(tags::REGION_LOCATION_MAX_Y1)?.min(rows.checked_sub(1)?),
        };
        (region.left < region.right && region.top < region.bottom).then_some(region)
    };
    items
        .iter()
        .map(region)
        .collect::<Option<Vec<_>>>()
        .unwrap_or_default()
}
