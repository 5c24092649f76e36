//! Notes written without looking at the rules of `kura_deid::text`, after those of `text_third` had been counted and
//! looked at.

use crate::text_notes::{Set, holds};

mod style;

const SET: Set = Set {
    seed: 0x466F_7572_7468_2120,
    style: style::STYLE,
    names: include_str!("../data/fourth_names.txt"),
    places: include_str!("../data/fourth_places.txt"),
    japanese: include_str!("../data/fourth_japanese.txt"),
    english: include_str!("../data/fourth_english.txt"),
    clean: include_str!("../data/fourth_clean.txt"),
};

/// Nothing yet: these notes have not been counted.
const FLOOR: &[(&str, f64)] = &[];

#[test]
fn counts_what_is_found_in_the_fourth_notes() {
    if let Some(strict) = SET.count() {
        holds(&strict, FLOOR);
    }
}
