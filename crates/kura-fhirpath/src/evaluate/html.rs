//! The limits on a narrative (FHIR R4 narrative.html, invariants txt-1 and txt-2).

/// Elements that narrative.html#xhtml allows: HTML 4.0 chapters 7 to 11 and 15 without what runs.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "map",
    "area",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "ul",
    "var",
];

/// Whether the text is one `div` of allowed elements without event handlers. What is inside tags
/// is looked at, the XML is not parsed.
pub(super) fn is_narrative(text: &str) -> bool {
    let text = text.trim();
    if !text.starts_with("<div") || !text.ends_with('>') {
        return false;
    }
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            let Some(end) = comment.find("-->") else {
                return false;
            };
            rest = &comment[end + 3..];
            continue;
        }
        let Some(end) = rest.find('>') else {
            return false;
        };
        let tag = rest[..end].trim_start_matches('/');
        rest = &rest[end + 1..];
        let name_end = tag
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(tag.len());
        if !ELEMENTS.contains(&&tag[..name_end]) {
            return false;
        }
        let attributes = tag[name_end..].split_ascii_whitespace();
        let mut names = attributes
            .filter_map(|one| one.split_once('='))
            .map(|(name, _)| name);
        if names.any(|name| name.starts_with("on")) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_narrative;

    #[test]
    fn a_div_of_text_passes_and_a_script_does_not() {
        // FHIR R4 narrative.html: no script, no event attributes.
        assert!(is_narrative(
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>山田 <b>x</b></p></div>"
        ));
        assert!(!is_narrative("<div><script>x</script></div>"));
        assert!(!is_narrative("<div><p onclick=\"x\">x</p></div>"));
        assert!(!is_narrative("text"));
    }
}
