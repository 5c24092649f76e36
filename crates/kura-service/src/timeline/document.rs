//! The text of a record: what a person reads when they open it.

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

/// The text of a narrative. Elements are dropped, not cleaned: nothing of the input can reach
/// the page as markup, whatever it holds.
pub fn plain_text(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with("<!--") {
            rest = rest.find("-->").map_or("", |end| &rest[end + 3..]);
        } else if rest.starts_with('<') {
            let Some(end) = rest.find('>') else {
                // An unclosed tag is no text.
                return tidy(&out);
            };
            let name: String = rest[1..end]
                .trim_start_matches('/')
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .flat_map(char::to_lowercase)
                .collect();
            let closing = rest[1..].starts_with('/');
            let lone = rest[..end].ends_with('/');
            rest = &rest[end + 1..];
            match name.as_str() {
                // ASCII lower case keeps byte positions.
                "script" | "style" if !closing && !lone => {
                    let close = format!("</{name}");
                    rest = rest
                        .to_ascii_lowercase()
                        .find(&close)
                        .map_or("", |at| &rest[at..]);
                }
                "br" => out.push('\n'),
                "td" | "th" if closing => out.push('\t'),
                "p" | "div" | "li" | "tr" | "ul" | "ol" | "table" | "h1" | "h2" | "h3" | "h4"
                | "h5" | "h6" => out.push('\n'),
                _ => {}
            }
        } else {
            let end = rest.bytes().take(12).position(|byte| byte == b';');
            match end.and_then(|end| Some((end, entity(&rest[1..end])?))) {
                Some((end, letter)) => {
                    out.push(letter);
                    rest = &rest[end + 1..];
                }
                None => {
                    out.push('&');
                    rest = &rest[1..];
                }
            }
        }
    }
    out.push_str(rest);
    tidy(&out)
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|letter| !letter.is_control() || *letter == '\n');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => return None,
    })
}

/// No spaces at the ends of lines, no more than one empty line.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
            if empty > 1 {
                out.push('\n');
            }
        }
        empty = 0;
        out.push_str(line);
    }
    out
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
    fn narrative_becomes_text_whatever_it_holds() {
        assert_eq!(
            plain_text("<div>血圧 129/73<br/>脈拍 71</div>"),
            "血圧 129/73\n脈拍 71"
        );
        assert_eq!(
            plain_text("a<script>alert(1)</script>b<STYLE>x</Style>c"),
            "abc"
        );
        assert_eq!(
            plain_text("<img src=x onerror=alert(1)>見え<b onclick='x'>る</b>"),
            "見える"
        );
        assert_eq!(
            plain_text("1 &lt; 2 &amp;&#x3042;&bogus; &"),
            "1 < 2 &あ&bogus; &"
        );
        assert_eq!(plain_text("<scr<script>ipt>x"), "ipt>x");
        assert_eq!(plain_text("x<!-- > <b> -->y<unclosed"), "xy");
        assert_eq!(
            plain_text("<table><tr><td>a</td><td>b</td></tr></table>"),
            "a\tb"
        );
    }

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
