//! Numbers: values, measures and counts stay; what may be the number of somebody or something goes.

use super::latin;
use super::{Class, Piece, is_latin};

/// More digits in a row are a number of something, unless a unit follows.
const DIGITS_AT_MOST: usize = 4;

/// Reads a number with what joins its groups, and letters glued to it; says where it ends.
pub(super) fn read(text: &str, start: usize, until: usize, pieces: &mut Vec<Piece>) -> usize {
    let bytes = text.as_bytes();
    let digits_from = |mut at: usize| {
        while at < until && bytes[at].is_ascii_digit() {
            at += 1;
        }
        at
    };
    let mut end = digits_from(start);
    while end + 1 < until
        && matches!(bytes[end], b'-' | b'.' | b'/' | b':' | b',')
        && bytes[end + 1].is_ascii_digit()
    {
        end = digits_from(end + 1);
    }
    let rest = &text[end..until];
    let tail = rest.find(|next| !is_latin(next)).unwrap_or(rest.len());
    let glued = &rest[..tail];
    let known = glued.is_empty() || tail_is_known(glued);
    // 217272K of a device is no measure.
    let code = is_code(glued) || glued.len() == 1 && end - start > DIGITS_AT_MOST + 1;
    let measured = known && !glued.is_empty() && !code || unit_follows(&rest[tail..]);
    let class = match known && plain(&text[start..end], measured) && !old(text, start, end) {
        true => Class::Number,
        false => Class::Unknown,
    };
    pieces.push(Piece {
        range: start..end + tail,
        class,
    });
    end + tail
}

/// mg, mmHg, st; 3D, 12h30.
fn tail_is_known(tail: &str) -> bool {
    latin::unit(tail)
        || tail.len() == 1
        || tail
            .split(|letter: char| letter.is_ascii_digit())
            .filter(|part| !part.is_empty())
            .all(|part| part.len() == 1 || latin::unit(part))
            && tail.bytes().filter(u8::is_ascii_digit).count() <= 2
}

/// A letter alone measures nothing: 12345A.
fn is_code(tail: &str) -> bool {
    tail.len() == 1
        && !matches!(
            tail,
            "g" | "h" | "m" | "L" | "U" | "V" | "W" | "G" | "J" | "A" | "K"
        )
}

pub(super) fn unit_follows(after: &str) -> bool {
    let near = after.strip_prefix(' ').unwrap_or(after);
    let sign = [
        "%", "/", "μ", "µ", "℃", "°", "×", "単位", "円", "回", "歩", "例", "個", "件", "倍", "万",
        "億", "ml", "mL", "mg", "kcal", "IU", "U/", "cells", "copies", "cm", "mm", "pg", "ng",
        "g ",
    ];
    // 94/M: of no unit, a person.
    let person = near
        .strip_prefix('/')
        .map(|rest| rest.trim_start_matches(' '))
        .is_some_and(|rest| {
            rest.starts_with(['M', 'F', 'm', 'f']) && !rest[1..].starts_with(is_latin)
        });
    // 回診, 個室, 件名: words that begin as what is counted does.
    let word = [
        "回診", "回答", "回復", "回転", "回収", "個室", "個人", "個別", "件名", "例え", "円形",
    ];
    !person
        && sign.iter().any(|unit| near.starts_with(unit))
        && !word.iter().any(|word| near.starts_with(word))
}

/// Whether a number is no telephone, no record's, no date.
fn plain(number: &str, measured: bool) -> bool {
    let groups: Vec<&str> = number.split(['-', '.', '/', ':', ',']).collect();
    let longest = groups
        .iter()
        .map(|group| group.len())
        .max()
        .unwrap_or_default();
    let joined = |mark: char| number.matches(mark).count();
    let thousands = joined(',') > 0
        && joined(',') + joined('.') + 1 == groups.len()
        && groups[1..]
            .iter()
            .take(joined(','))
            .all(|group| group.len() == 3);
    // 2025/12, 7/23: a year beside a month, a day; but 4/5 of a strength and 2/6 of a murmur.
    let year = |group: &&str| {
        matches!(
            group.as_bytes(),
            [b'1', b'9', _, _] | [b'2', b'0', b'0'..=b'4', _]
        )
    };
    if groups.len() > 1 && joined(':') == 0 && !measured && groups.iter().any(year) {
        return false;
    }
    if joined('/') == 1 && groups.len() == 2 && !measured && is_day(groups[0], groups[1]) {
        return false;
    }
    if joined('-') > 1 && !(measured && longest <= 2)
        || joined('/') > 1
        || joined('.') > 1 && joined('-') == 0 && joined('/') == 0
    {
        return false;
    }
    if joined('-') == 1 && longest >= DIGITS_AT_MOST && !measured && joined('.') == 0 {
        return false;
    }
    // 1998, 2024: a year, where nothing is counted by it.
    if groups.len() == 1 && number.len() == 4 && !measured {
        return !matches!(
            number.as_bytes(),
            [b'1', b'9', ..] | [b'2', b'0', b'0'..=b'4', _]
        );
    }
    if thousands {
        return groups.len() <= 4;
    }
    longest <= DIGITS_AT_MOST || measured && longest <= 7
}

/// Whether two numbers are a month and a day, and no score.
fn is_day(month: &str, day: &str) -> bool {
    const SCORES: [u32; 10] = [2, 3, 4, 5, 6, 8, 10, 15, 20, 30];
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    let (month, day) = (number(month), number(day));
    (1..=12).contains(&month) && (1..=31).contains(&day) && !(SCORES.contains(&day) && month <= day)
}

/// 92M, 94 F, 95-year: an age that few reach, however it is written.
fn old(text: &str, start: usize, end: usize) -> bool {
    let Ok(years) = text[start..end].parse::<u32>() else {
        return false;
    };
    let after = text[end..].trim_start_matches([' ', '-']);
    let person = [
        "M ", "F ", "M,", "F,", "M.", "F.", "M/", "F/", "yo", "y/o", "y.o", "yr", "year", "歳",
        "才", "さい", "男", "女", "♂", "♀", "代",
    ];
    let died = ["at ", "age ", "aged ", "turned ", "turning "]
        .iter()
        .any(|word| text[..start].ends_with(word))
        && !after.starts_with('%');
    (90..=120).contains(&years) && died
        || (90..=120).contains(&years) && person.iter().any(|word| after.starts_with(word))
}
