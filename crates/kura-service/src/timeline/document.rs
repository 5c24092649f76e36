//! The text of a record: what a person reads when they open it.

use kura_fhir::narrative::plain_text;
use kura_fhir::view;
use serde_json::Value;

/// A heading and what stands under it, as plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    pub title: String,
    pub text: String,
}

/// A line of a claim.
#[derive(Debug, Clone, Default)]
pub struct ClaimLine {
    /// 診療識別.
    pub category: String,
    pub code: String,
    pub name: String,
    pub quantity: String,
    /// 回数.
    pub times: String,
    pub date: String,
    /// Yen; ten yen are one point (点).
    pub yen: Option<i64>,
}

/// Characters of one section that are shown; the record itself holds the rest.
const SHOWN: usize = 200_000;

/// Headings and texts of a resource.
pub(super) fn sections(resource: &Value) -> Vec<Section> {
    let mut out = Vec::new();
    match view::text(resource, "resourceType").unwrap_or_default() {
        "Composition" => {
            for section in view::items(resource, "section") {
                composition(section, 0, &mut out);
            }
        }
        "DocumentReference" => {
            for content in view::items(resource, "content") {
                attachment(&content["attachment"], &mut out);
            }
        }
        "DiagnosticReport" => {
            push(
                &mut out,
                "",
                view::text(resource, "conclusion").unwrap_or_default(),
            );
            for form in view::items(resource, "presentedForm") {
                attachment(form, &mut out);
            }
        }
        "ClinicalImpression" => {
            push(
                &mut out,
                "",
                view::text(resource, "description").unwrap_or_default(),
            );
            push(
                &mut out,
                "",
                view::text(resource, "summary").unwrap_or_default(),
            );
        }
        _ => {}
    }
    if out.is_empty()
        && let Some(div) = resource.pointer("/text/div").and_then(Value::as_str)
    {
        push(&mut out, "", &plain_text(div));
    }
    for note in view::items(resource, "note") {
        push(&mut out, "", view::text(note, "text").unwrap_or_default());
    }
    out
}

fn push(out: &mut Vec<Section>, title: &str, text: &str) {
    let text: String = text.trim().chars().take(SHOWN).collect();
    if !text.is_empty() {
        out.push(Section {
            title: title.to_owned(),
            text,
        });
    }
}

/// Sections nest; what is deeper than this is in the source only.
const SECTION_DEPTH: usize = 8;

fn composition(section: &Value, depth: usize, out: &mut Vec<Section>) {
    let title = view::text(section, "title")
        .or_else(|| view::concept(&section["code"]))
        .unwrap_or_default();
    let div = section.pointer("/text/div").and_then(Value::as_str);
    let text = plain_text(div.unwrap_or_default());
    if text.is_empty() {
        let names: Vec<&str> = view::items(section, "entry")
            .filter_map(|entry| view::text(entry, "display"))
            .collect();
        push(out, title, &names.join("、"));
    } else {
        push(out, title, &text);
    }
    if depth < SECTION_DEPTH {
        for inner in view::items(section, "section") {
            composition(inner, depth + 1, out);
        }
    }
}

fn attachment(attachment: &Value, out: &mut Vec<Section>) {
    let kind = view::text(attachment, "contentType").unwrap_or_default();
    let title = view::text(attachment, "title").unwrap_or_default();
    let Some(bytes) = view::text(attachment, "data").and_then(base64) else {
        return;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let Ok(text) = String::from_utf8(bytes) else {
        return;
    };
    match kind {
        "text/html" | "application/xhtml+xml" => push(out, title, &plain_text(&text)),
        kind if kind.starts_with("text/") || kind == "application/json" => push(out, title, &text),
        _ => {}
    }
}

/// RFC 4648 section 4; white space is passed over, as FHIR R4 datatypes.html#base64Binary allows.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ if byte.is_ascii_whitespace() => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xFF) as u8);
        }
    }
    Some(out)
}

/// The lines of a Claim.
pub(super) fn claim_lines(claim: &Value) -> Vec<ClaimLine> {
    view::items(claim, "item")
        .map(|item| {
            let number = |value: &Value| value.as_number().map(ToString::to_string);
            ClaimLine {
                category: view::coding(&item["category"])
                    .map(|(_, code)| code.to_owned())
                    .unwrap_or_default(),
                code: view::coding(&item["productOrService"])
                    .map(|(_, code)| code.to_owned())
                    .unwrap_or_default(),
                name: view::text(&item["productOrService"], "text")
                    .unwrap_or_default()
                    .to_owned(),
                quantity: number(&item["quantity"]["value"]).unwrap_or_default(),
                times: number(&item["factor"]).unwrap_or_default(),
                date: view::text(item, "servicedDate")
                    .or_else(|| view::text(&item["servicedPeriod"], "start"))
                    .unwrap_or_default()
                    .to_owned(),
                yen: item["net"]["value"].as_f64().map(|yen| yen.round() as i64),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_are_decoded() {
        let resource = serde_json::json!({
            "resourceType": "DocumentReference",
            "content": [
                { "attachment": { "contentType": "text/plain", "data": "44GC\n" } },
                { "attachment": { "contentType": "text/html; charset=UTF-8", "data": "PGI+YjwvYj4=" } },
                { "attachment": { "contentType": "application/pdf", "data": "JVBERg==" } },
            ],
        });
        let texts: Vec<String> = sections(&resource).into_iter().map(|s| s.text).collect();
        assert_eq!(texts, ["あ", "b"]);
    }
}
