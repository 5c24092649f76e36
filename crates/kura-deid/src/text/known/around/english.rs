//! Capital words that are pieces of one name, one hospital or one street.

use std::sync::LazyLock;

use super::super::{Class, Piece, is_latin, latin};
use super::set;
use crate::text::vocabulary::QuickSet;

static ENGLISH_KINDS: LazyLock<QuickSet<&str>> = LazyLock::new(|| {
    "Hospital Hospitals Urgent Falls Springs Beach Heights Unit Clinic Clinics Center Centre Medical Health Healthcare Infirmary Pharmacy Hospice Home Manor Lodge \
     Institute University College School System Group Associates Practice Memorial General Regional Community Care Living \
     Rehabilitation Rehab Nursing Facility Surgery Street St Avenue Ave Road Rd Drive Dr Lane Ln Boulevard Blvd Court Ct \
     Way Place Pl Terrace Close Square Highway Hwy Parkway Gardens Grove Hill Park Mews Row Walk View Green County City \
     Town Township Village Island Valley House Children Women Family Physicians Partners Church Company Bank Library"
        .split_whitespace()
        .collect()
});
const DIRECTIONS: [&str; 19] = [
    "North", "South", "East", "West", "New", "Saint", "St", "Mount", "Fort", "Port", "Lake", "San",
    "Los", "Upper", "Lower", "Old", "Our", "The", "Great",
];
pub(super) fn is_word(text: &str, piece: &Piece) -> bool {
    piece
        .text(text)
        .starts_with(|c| is_latin(c) && !c.is_ascii_digit())
}

fn is_capital(text: &str, piece: &Piece) -> bool {
    is_word(text, piece) && piece.text(text).starts_with(|c: char| c.is_uppercase())
}

/// What may stand between two pieces of a name: Smith-Jones, O'Brien, J. Cole, de la Cruz.
fn joins(text: &str, pieces: &[Piece]) -> bool {
    let mut left = pieces;
    if let [point, rest @ ..] = left
        && point.text(text) == "."
    {
        left = rest;
    }
    match left {
        [] => !pieces.is_empty(),
        [one] => matches!(one.text(text), " " | "-" | "'" | "’" | "&"),
        [comma, gap] => comma.text(text) == "," && gap.text(text) == " ",
        [gap, of, next] => gap.text(text) == " " && of.text(text) == "of" && next.text(text) == " ",
        _ => false,
    }
}

const PARTICLES: [&str; 29] = [
    "DE", "LA", "VAN", "VON", "DER", "DEL", "DI", "de", "la", "van", "von", "der", "den", "del",
    "di", "da", "bin", "al", "st", "le", "du", "De", "La", "Van", "Von", "Der", "Del", "Di", "Da",
];

/// Capital words that an unknown one is a piece of.
pub(super) fn spread(text: &str, pieces: &mut [Piece]) {
    if !pieces.iter().any(|piece| is_word(text, piece)) {
        return;
    }
    titled(text, pieces);
    for index in 0..pieces.len() {
        if pieces[index].class == Class::Unknown && is_capital(text, &pieces[index]) {
            forward(text, pieces, index);
            backward(text, pieces, index);
        }
    }
    heads(text, pieces);
    postcodes(text, pieces);
}

/// Hospital San Telmo, The Old Forge, 22 Acacia: the kind, the article or the number before a name that went.
fn heads(text: &str, pieces: &mut [Piece]) {
    for index in (2..pieces.len()).rev() {
        let (own, gap, next) = (&pieces[index - 2], &pieces[index - 1], &pieces[index]);
        let word = own.text(text);
        let capital = is_capital(text, own)
            && (ENGLISH_KINDS.contains(word) || DIRECTIONS.contains(&word) && word != "Our");
        if gap.text(text) == " "
            && next.gone()
            && is_capital(text, next)
            && !own.gone()
            && (capital || own.class == Class::Number)
        {
            set(&mut pieces[index - 2..index]);
        }
    }
    // Lotus Women's Health, Maplewood Long-Term Care: the kind behind one.
    for index in 2..pieces.len() {
        let (before, gap, own) = (&pieces[index - 2], &pieces[index - 1], &pieces[index]);
        let possessive = before.text(text) == "s" && index > 3 && pieces[index - 4].gone();
        if gap.text(text) == " "
            && (before.gone() && before.text(text).ends_with(is_latin) || possessive)
            && !own.gone()
            && is_capital(text, own)
            && (ENGLISH_KINDS.contains(own.text(text)) || own.text(text) == "SNF")
        {
            set(&mut pieces[index..=index]);
        }
    }
}

/// Dr. Long: behind a title every word is a name.
fn titled(text: &str, pieces: &mut [Piece]) {
    const TITLES: [&str; 9] = [
        "Dr",
        "Mr",
        "Mrs",
        "Ms",
        "Mx",
        "Miss",
        "Prof",
        "Professor",
        "Nurse",
    ];
    for index in 1..pieces.len() {
        if !is_capital(text, &pieces[index]) || pieces[index].text(text).len() == 1 {
            continue;
        }
        let mut before = index;
        while before > 0 && matches!(pieces[before - 1].text(text), " " | ".") && index - before < 2
        {
            before -= 1;
        }
        if before > 0 && before < index && TITLES.contains(&pieces[before - 1].text(text)) {
            set(&mut pieces[index..=index]);
        }
    }
}

/// Whether a word is no abbreviation but may be of a name: Will, Long, Falls; no MD, RN, CT.
fn may_be_of_a_name(text: &str, piece: &Piece) -> bool {
    let word = piece.text(text);
    let small = word.bytes().skip(1).all(|c| c.is_ascii_lowercase());
    is_capital(text, piece)
        && (word.len() == 1 && !matches!(word, "A" | "I")
            || small && word.len() > 2
            || latin::is_name(word))
}

/// Oak Hill Medical Center of the Valley; Walter Long; Smith-Jones; Springfield, MA.
fn forward(text: &str, pieces: &mut [Piece], index: usize) {
    let mut end = index;
    let mut at = index + 1;
    while at < pieces.len().min(index + 16) {
        let piece = &pieces[at];
        let word = piece.text(text);
        let gap = &pieces[end + 1..at];
        // Tyler A. Kowalski.
        let initial = word.len() == 1
            && is_capital(text, piece)
            && pieces
                .get(at + 1)
                .is_some_and(|next| next.text(text) == ".");
        if is_capital(text, piece)
            && ENGLISH_KINDS.contains(word)
            && gap.iter().all(|one| one.text(text) != ",")
        {
            end = at;
        } else if joins(text, gap)
            && (piece.class == Class::Unknown
                || initial
                || may_be_of_a_name(text, piece) && end < index + 7)
        {
            // A sentence may begin behind a point and a space.
            let begins = gap.len() == 2
                && gap[0].text(text) == "."
                && piece.text(text).len() > 1
                && pieces[end].text(text).len() > 1
                && piece.class != Class::Unknown;
            let listed = gap.len() == 2 && piece.class != Class::Unknown && !latin::is_name(word);
            if begins || listed {
                break;
            }
            end = at;
        } else if !matches!(
            word,
            " " | "." | "-" | "&" | "'" | "’" | "," | "of" | "the" | "and" | "for" | "at" | "s"
        ) && !PARTICLES.contains(&word)
        {
            break;
        }
        at += 1;
    }
    set(&mut pieces[index..=end]);
    if let [comma, gap, next, ..] = &mut pieces[end + 1..]
        && comma.text(text) == ","
        && gap.text(text) == " "
        && next.text(text).len() == 2
        && next.text(text).bytes().all(|c| c.is_ascii_uppercase())
        && !matches!(
            next.text(text),
            "MD" | "RN" | "NP" | "PA" | "DO" | "PT" | "OT"
        )
    {
        next.class = Class::Unknown;
    }
}

/// 12 Oak Street; Will Kowalski; Long, Xiulan; North Elmwood; P.O. Box.
fn backward(text: &str, pieces: &mut [Piece], index: usize) {
    let mut first = index;
    for at in (index.saturating_sub(10)..index).rev() {
        let piece = &pieces[at];
        let word = piece.text(text);
        let gap = &pieces[at + 1..first];
        if piece.gone() && joins(text, gap) {
            break;
        }
        let number = piece.class == Class::Number
            && word.len() <= 5
            && gap.len() == 1
            && gap[0].text(text) == " ";
        let comma = gap.first().is_some_and(|one| one.text(text) == ",");
        let name = is_capital(text, piece)
            && (latin::is_name(word)
                || !comma
                    && (word.len() == 1 && !matches!(word, "A" | "I")
                        || DIRECTIONS.contains(&word)));
        let of = gap.len() == 3 && ENGLISH_KINDS.contains(word);
        let name = name && gap.len() < 3 || of;
        let particle = PARTICLES.contains(&word) && gap.len() == 1;
        if joins(text, gap) && (name || particle) {
            first = at;
        } else if number {
            first = at;
            break;
        } else if !matches!(word, " " | "." | "-" | "'" | "’" | "," | "of") {
            break;
        }
    }
    set(&mut pieces[first..index]);
}

/// BS9 3AB; Box 189.
fn postcodes(text: &str, pieces: &mut [Piece]) {
    for index in 2..pieces.len() {
        let (first, gap, second) = (&pieces[index - 2], &pieces[index - 1], &pieces[index]);
        if gap.text(text) != " " {
            continue;
        }
        let (a, b) = (first.text(text).as_bytes(), second.text(text).as_bytes());
        let outer = (2..=4).contains(&a.len())
            && a[0].is_ascii_uppercase()
            && a[1..].iter().any(u8::is_ascii_digit)
            && a.iter()
                .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
        let inner = matches!(b, [one, two, three] if one.is_ascii_digit() && two.is_ascii_uppercase() && three.is_ascii_uppercase());
        // M5V 1J8.
        let canada = matches!(a, [one, two, three] if one.is_ascii_uppercase() && two.is_ascii_digit() && three.is_ascii_uppercase())
            && matches!(b, [one, two, three] if one.is_ascii_digit() && two.is_ascii_uppercase() && three.is_ascii_digit());
        // H91 X5F7.
        let ireland = matches!(a, [one, rest @ ..] if one.is_ascii_uppercase() && rest.len() == 2 && rest.iter().all(u8::is_ascii_digit))
            && b.len() == 4
            && b[0].is_ascii_uppercase()
            && b.iter().any(u8::is_ascii_digit)
            && b.iter()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if outer && inner || canada || ireland {
            set(&mut pieces[index - 2..=index]);
        } else if first.text(text) == "Box" && second.class == Class::Number {
            let start = index.saturating_sub(7);
            set(&mut pieces[index - 2..=index]);
            for piece in &mut pieces[start..index - 2] {
                if matches!(piece.text(text), "P" | "O" | "PO") {
                    piece.class = Class::Unknown;
                }
            }
        }
    }
}
