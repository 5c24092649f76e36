//! Code systems that are defined by a grammar.

pub(super) type Grammar = fn(&str) -> bool;

/// Systems that have a grammar instead of a list: what keeps the grammar is taken to be in.
pub(super) fn grammar(system: &str) -> Option<Grammar> {
    match system {
        // RFC 6838 section 4.2, with parameters; and what FHIR R4 capabilitystatement.html and
        // http.html#mime-type allow instead.
        "urn:ietf:bcp:13" => Some(|code| {
            if matches!(code, "xml" | "json" | "ttl") {
                return true;
            }
            let name = code.split(';').next().unwrap_or_default().trim();
            name.split_once('/').is_some_and(|(kind, subtype)| {
                let allowed = |part: &str| {
                    !part.is_empty()
                        && part
                            .chars()
                            .all(|one| one.is_ascii_alphanumeric() || "!#$&-^_.+*".contains(one))
                };
                allowed(kind) && allowed(subtype)
            })
        }),
        // RFC 5646 section 2.1: subtags of one to eight letters and digits, a language first.
        "urn:ietf:bcp:47" => Some(|code| {
            let mut parts = code.split('-');
            let first = parts.next().unwrap_or_default();
            (first.eq_ignore_ascii_case("x") || (2..=8).contains(&first.len()))
                && first.bytes().all(|one| one.is_ascii_alphabetic())
                && parts.all(|part| {
                    (1..=8).contains(&part.len())
                        && part.bytes().all(|one| one.is_ascii_alphanumeric())
                })
        }),
        "http://unitsofmeasure.org" => {
            Some(|code| code.len() <= 100 && octofhir_ucum::validate(code).is_ok())
        }
        _ => None,
    }
}
