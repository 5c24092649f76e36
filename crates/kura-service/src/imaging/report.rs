//! A structured report as a reader reads it: the tree of its content. PS3.3 C.17.3.

use kura_model::{Error, RequestContext, Result};
use serde_json::Value;

use super::series::{Opened, has, meaning, open_object};
use crate::Bank;
use crate::imaging_study::attribute::{decimals, first, item, items, text};

#[derive(Debug, Clone)]
pub struct Report {
    /// The concept of the root.
    pub title: String,
    /// Completion Flag (0040,A491) is COMPLETE.
    pub complete: bool,
    /// Verification Flag (0040,A493) is VERIFIED.
    pub verified: bool,
    pub content: Vec<Item>,
    /// Items that were left out, because there are too many.
    pub cut: bool,
}

/// A content item.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it is about.
    pub name: String,
    pub value: Said,
    pub below: Vec<Item>,
}

/// Its value, by Value Type (0040,A040).
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// CONTAINER: a heading.
    Heading,
    Text(String),
    Measured {
        value: String,
        unit: String,
    },
    /// Images: objects in this bank or elsewhere, with their frames.
    Images(Vec<(String, Vec<i64>)>),
    /// SCOORD, SCOORD3D, TCOORD: what kind of shape, and of how many points.
    Shape(String, usize),
}

/// Content items shown of one report.
const ITEMS: usize = 5_000;
/// Levels of a tree; PS3.16 needs about ten.
const DEPTH: usize = 32;

pub fn report(bank: &Bank, context: &RequestContext, object: &str) -> Result<Report> {
    let Opened { header, .. } = open_object(bank, context, "report_read", object)?;
    read(&header).ok_or_else(|| Error::not_found("this object is no structured report"))
}

fn read(header: &Value) -> Option<Report> {
    if text(header, "0040A040").as_deref() != Some("CONTAINER") {
        return None;
    }
    let mut left = ITEMS;
    let mut content = Vec::new();
    let whole = gather(header, 0, &mut left, &mut content);
    Some(Report {
        title: meaning(header, "0040A043").unwrap_or_default(),
        complete: text(header, "0040A491").as_deref() == Some("COMPLETE"),
        verified: text(header, "0040A493").as_deref() == Some("VERIFIED"),
        content,
        cut: !whole,
    })
}

/// Whether all of it was taken.
fn gather(container: &Value, depth: usize, left: &mut usize, out: &mut Vec<Item>) -> bool {
    let mut whole = true;
    for one in items(container, "0040A730") {
        if *left == 0 || depth == DEPTH {
            return false;
        }
        *left -= 1;
        let mut below = Vec::new();
        whole &= gather(one, depth + 1, left, &mut below);
        let Some(value) = said(one) else {
            // By reference to another item (C.17.3.2.5): it is read where it stands.
            continue;
        };
        out.push(Item {
            name: meaning(one, "0040A043").unwrap_or_default(),
            value,
            below,
        });
    }
    whole
}

fn said(one: &Value) -> Option<Said> {
    let plain = |tag| Some(Said::Text(text(one, tag)?));
    match text(one, "0040A040")?.as_str() {
        "CONTAINER" => Some(Said::Heading),
        "TEXT" => plain("0040A160"),
        "CODE" => meaning(one, "0040A168").map(Said::Text),
        "UIDREF" => plain("0040A124"),
        "DATE" => text(one, "0040A121").map(|date| Said::Text(day(&date))),
        "TIME" => text(one, "0040A122").map(|time| Said::Text(clock(&time))),
        "DATETIME" => text(one, "0040A120").map(|moment| match moment.split_at_checked(8) {
            Some((date, time)) if !time.is_empty() => {
                Said::Text(format!("{} {}", day(date), clock(time)))
            }
            _ => Said::Text(day(&moment)),
        }),
        "PNAME" => match first(one, "0040A123")? {
            Value::Object(groups) => ["Ideographic", "Alphabetic", "Phonetic"]
                .iter()
                .find_map(|group| groups.get(*group)?.as_str())
                .map(|name| Said::Text(name.replace('^', " ").trim().to_owned())),
            _ => None,
        },
        "NUM" => {
            let measured = item(one, "0040A300");
            Some(match measured {
                // C.18.1: no value, and why.
                None => Said::Text(meaning(one, "0040A301").unwrap_or_default()),
                Some(measured) => Said::Measured {
                    value: first(measured, "0040A30A").map_or_else(String::new, |value| {
                        value
                            .as_str()
                            .map_or_else(|| value.to_string(), str::to_owned)
                    }),
                    unit: unit(measured),
                },
            })
        }
        "IMAGE" | "COMPOSITE" | "WAVEFORM" => Some(Said::Images(
            items(one, "00081199")
                .iter()
                .filter_map(|object| {
                    let frames = decimals(object, "00081160");
                    Some((
                        text(object, "00081155")?,
                        frames.iter().map(|frame| *frame as i64).collect(),
                    ))
                })
                .collect(),
        )),
        "SCOORD" | "SCOORD3D" => {
            let width = if has(one, "00700022") {
                decimals(one, "00700022").len()
            } else {
                0
            };
            let each = if text(one, "0040A040").as_deref() == Some("SCOORD") {
                2
            } else {
                3
            };
            Some(Said::Shape(
                text(one, "00700023").unwrap_or_default(),
                width / each,
            ))
        }
        "TCOORD" => Some(Said::Shape(text(one, "0040A130").unwrap_or_default(), 0)),
        _ => None,
    }
}

/// UCUM as people write it: `1` and annotations are no unit.
fn unit(measured: &Value) -> String {
    let Some(code) = item(measured, "004008EA") else {
        return String::new();
    };
    match text(code, "00080100").as_deref() {
        None | Some("1") => String::new(),
        Some(code) if code.starts_with('{') => code.trim_matches(['{', '}']).to_owned(),
        Some(code) => code.to_owned(),
    }
}

pub(super) fn day(date: &str) -> String {
    match date.get(..8) {
        Some(whole) if whole.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{}-{}-{}", &whole[..4], &whole[4..6], &whole[6..])
        }
        _ => date.to_owned(),
    }
}

fn clock(time: &str) -> String {
    match time.get(..4) {
        Some(whole) if whole.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{}:{}", &whole[..2], &whole[2..])
        }
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tree_is_bounded() {
        let mut item = json!({ "0040A040": { "vr": "CS", "Value": ["CONTAINER"] } });
        for _ in 0..100 {
            item = json!({
                "0040A040": { "vr": "CS", "Value": ["CONTAINER"] },
                "0040A730": { "vr": "SQ", "Value": [item] },
            });
        }
        let report = read(&item).unwrap();
        assert!(report.cut);
        assert!(read(&json!({})).is_none());
    }

    #[test]
    fn measured_values_have_their_unit() {
        let num = json!({
            "0040A040": { "vr": "CS", "Value": ["NUM"] },
            "0040A300": { "vr": "SQ", "Value": [{
                "0040A30A": { "vr": "DS", "Value": [12.5] },
                "004008EA": { "vr": "SQ", "Value": [{ "00080100": { "vr": "SH", "Value": ["mm"] } }] },
            }] },
        });
        let wanted = Said::Measured {
            value: "12.5".to_owned(),
            unit: "mm".to_owned(),
        };
        assert_eq!(said(&num), Some(wanted));
    }
}
