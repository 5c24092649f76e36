//! Notes written without looking at the rules of `kura_deid::text`, after those of `text_fourth` had been counted and
//! looked at.

use crate::text_notes::{Set, holds};

mod style;

const SET: Set = Set {
    seed: 0x4669_6674_6820_5365,
    style: style::STYLE,
    names: include_str!("../data/fifth_names.txt"),
    places: include_str!("../data/fifth_places.txt"),
    japanese: include_str!("../data/fifth_japanese.txt"),
    english: include_str!("../data/fifth_english.txt"),
    clean: include_str!("../data/fifth_clean.txt"),
};

/// Nothing is held yet: nobody has mended rules by these.
const FLOOR: &[(&str, f64)] = &[];

#[test]
fn counts_what_is_found_in_the_fifth_notes() {
    if let Some(strict) = SET.count() {
        holds(&strict, FLOOR);
    }
}
