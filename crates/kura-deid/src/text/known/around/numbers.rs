//! Numbers of houses, flats, telephones and records beside what is unknown.

use super::super::numbers::unit_follows;
use super::super::{Class, Piece};
use super::english::is_word;
use super::{is_japanese, set};

/// Pieces of an address behind a number.
const OF_ADDRESS: [&str; 12] = [
    "丁目", "番地", "番", "号", "号室", "号棟", "階", "棟", "室", "丁", "地割", "の",
];
/// Before the number of a flat.
const FLATS: [&str; 8] = [
    "Apt",
    "apt",
    "Suite",
    "suite",
    "Ste",
    "Flat",
    "flat",
    "Apartment",
];

/// What stands before the number of somebody or something.
pub(super) const CAPTIONS: [&str; 30] = [
    "ID",
    "No",
    "no",
    "NO",
    "MRN",
    "number",
    "Number",
    "#",
    "番号",
    "記号",
    "枝番",
    "内線",
    "番",
    "chart",
    "account",
    "Account",
    "Acct",
    "case",
    "Ref",
    "ref",
    "ext",
    "x",
    "Bed",
    "PHS",
    "Room",
    "カルテ",
    "ベッド",
    "病室",
    "部屋",
    "Lab",
];

/// Numbers behind what is unknown: of a house, a flat, a ward.
pub(super) fn spread(text: &str, pieces: &mut [Piece]) {
    for index in 1..pieces.len() {
        let last = &pieces[index - 1];
        let own = &pieces[index];
        let behind = last.class == Class::Unknown && is_japanese(text, last)
            || last.class == Class::Found
            || last.class == Class::Unknown
                && last
                    .text(text)
                    .starts_with(|letter: char| letter.is_ascii_digit());
        if !behind {
            // Apt 4B.
            let flat = index > 1 && FLATS.contains(&pieces[index - 2].text(text));
            if flat && own.class == Class::Number && last.class == Class::Mark {
                set(&mut pieces[index - 2..=index]);
            }
            continue;
        }
        let next = pieces.get(index + 1).map_or("", |next| next.text(text));
        let of_address = |word: &str| OF_ADDRESS.contains(&word);
        match own.class {
            Class::Number
                if of_address(next)
                    || own.text(text).contains('-')
                    || last.class == Class::Unknown =>
            {
                set(&mut pieces[index..=index]);
            }
            Class::Mark
                if own.text(text) == "-" && next.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                set(&mut pieces[index..=index + 1]);
            }
            Class::Found | Class::Unknown | Class::Mark | Class::Number => {}
            _ if last.class == Class::Unknown && of_address(own.text(text)) => {
                set(&mut pieces[index..=index]);
            }
            _ => {}
        }
    }
}

/// Four digits that no name of a measure stands before, numbers beside one, what a caption calls a number, a month
/// with its day.
pub(super) fn long(text: &str, pieces: &mut [Piece]) {
    const MONTHS: [&str; 24] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Sept",
        "Oct",
        "Nov",
        "Dec",
    ];
    let gap = |piece: &Piece| {
        piece.class == Class::Mark && !matches!(piece.text(text), "\n" | "。" | "、" | ",")
    };
    for index in 0..pieces.len() {
        if pieces[index].class != Class::Number {
            continue;
        }
        let own = pieces[index].text(text);
        let before = pieces[..index]
            .iter()
            .rev()
            .take(4)
            .find(|piece| !gap(piece));
        let behind = pieces[index + 1..].iter().take(3).find(|piece| !gap(piece));
        let said = before.map_or("", |piece| piece.text(text));
        let digits = own.bytes().all(|c| c.is_ascii_digit());
        let named = before.is_some_and(|piece| is_word(text, piece) && !piece.gone());
        let beside = |piece: Option<&Piece>| {
            piece.is_some_and(|piece| {
                piece.gone() && piece.text(text).starts_with(|c: char| c.is_ascii_digit())
            })
        };
        let unit = unit_follows(&text[pieces[index].range.end..]);
        let month = MONTHS.contains(&said)
            || behind.is_some_and(|piece| MONTHS.contains(&piece.text(text)));
        if CAPTIONS.contains(&said)
            || digits && own.len() >= 4 && !named && !unit
            || digits && own.len() >= 2 && beside(before) && !unit
            || month && own.len() <= 4
        {
            set(&mut pieces[index..=index]);
        }
    }
    for index in (1..pieces.len()).rev() {
        let own = &pieces[index - 1];
        let long = own.class == Class::Number
            && own.text(text).len() >= 2
            && own.text(text).bytes().all(|c| c.is_ascii_digit());
        let next = pieces[index..].iter().take(2).find(|piece| !gap(piece));
        let beside = next.is_some_and(|next| {
            next.class == Class::Unknown
                && next.text(text).len() >= 4
                && next.text(text).starts_with(|c: char| c.is_ascii_digit())
        });
        if long && beside {
            set(&mut pieces[index - 1..index]);
        }
    }
}
