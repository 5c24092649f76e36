//! Narratives (FHIR R4 narrative.html) as plain text, and plain text as a narrative.

/// The text of a narrative. Elements are dropped, not cleaned: nothing of the input can reach
/// a page as markup, whatever it holds.
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

/// Plain text as the `div` of a narrative: a paragraph a line.
pub fn of_text(text: &str) -> String {
    let mut out = String::from("<div xmlns=\"http://www.w3.org/1999/xhtml\">");
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        out.push_str("<p>");
        for letter in line.chars() {
            match letter {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                // XML 1.0 knows no other controls.
                '\t' => out.push(' '),
                letter if letter.is_control() => {}
                letter => out.push(letter),
            }
        }
        out.push_str("</p>");
    }
    out.push_str("</div>");
    out
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
    fn text_becomes_a_narrative_and_comes_back() {
        let text = "血圧 129/73\n<b> & CRP > 3";
        let div = of_text(text);
        assert_eq!(
            div,
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>血圧 129/73</p><p>&lt;b&gt; &amp; CRP &gt; 3</p></div>"
        );
        assert_eq!(plain_text(&div), text);
    }
}
