//! REF and ALT, VCFv4.3 1.6.1 and 5.4.

/// What an alternate allele is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Snv,
    Mnv,
    Insertion,
    Deletion,
    /// Bases replaced by another number of bases, neither a prefix of the other.
    Delins,
    /// `<DEL>`, `<DUP:TANDEM>` …
    Symbolic,
    Breakend,
    /// `*`, `<*>`, `<NON_REF>`: an allele that says nothing changed here.
    Other,
}

/// REF is one or more of A, C, G, T, N in either case.
pub(super) fn reference(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|b| base(*b))
}

/// IUPAC codes, which versions before 4.3 did not rule out in so many words.
pub(super) fn ambiguous(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes
            .iter()
            .all(|b| base(*b) || b"MRWSYKVHDBmrwsykvhdb".contains(b))
}

fn base(byte: u8) -> bool {
    matches!(
        byte,
        b'A' | b'C' | b'G' | b'T' | b'N' | b'a' | b'c' | b'g' | b't' | b'n'
    )
}

/// One alternate allele (not the lone dot), or `None` where it is written wrongly.
pub(super) fn alternate(reference: &[u8], allele: &[u8]) -> Option<Kind> {
    match allele {
        [] | b"." => None,
        b"*" | b"<*>" | b"<NON_REF>" => Some(Kind::Other),
        [b'<', inside @ .., b'>'] => {
            let good = !inside.is_empty()
                && !inside
                    .iter()
                    .any(|b| matches!(b, b'<' | b'>' | b',') || b.is_ascii_whitespace());
            good.then_some(Kind::Symbolic)
        }
        _ if allele.contains(&b'[') || allele.contains(&b']') => {
            breakend(allele).then_some(Kind::Breakend)
        }
        // VCFv4.3 5.4.9: single breakends.
        [b'.', bases @ ..] | [bases @ .., b'.'] if self::reference(bases) => Some(Kind::Breakend),
        _ if ambiguous(allele) => Some(compare(reference, allele)),
        _ => None,
    }
}

fn compare(reference: &[u8], allele: &[u8]) -> Kind {
    match (reference.len(), allele.len()) {
        (1, 1) => Kind::Snv,
        (r, a) if r == a => Kind::Mnv,
        (r, a) if a > r && allele[..r].eq_ignore_ascii_case(reference) => Kind::Insertion,
        (r, a) if r > a && reference[..a].eq_ignore_ascii_case(allele) => Kind::Deletion,
        _ => Kind::Delins,
    }
}

/// VCFv4.3 5.4: `t[p[`, `t]p]`, `]p]t`, `[p[t`.
fn breakend(allele: &[u8]) -> bool {
    let bracket = if allele.contains(&b'[') { b'[' } else { b']' };
    let mut parts = allele.split(|b| *b == bracket);
    let (Some(before), Some(mate), Some(after), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let piece = |bases: &[u8]| !bases.is_empty() && bases.iter().all(|b| base(*b) || *b == b'.');
    let joined = (piece(before) && after.is_empty()) || (before.is_empty() && piece(after));
    let place = mate.iter().rposition(|b| *b == b':').is_some_and(|at| {
        at > 0 && at + 1 < mate.len() && mate[at + 1..].iter().all(u8::is_ascii_digit)
    });
    let symbolic = mate.starts_with(b"<") && mate.ends_with(b">");
    joined && (place || symbolic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (r, a, kind) in [
            ("A", "G", Some(Kind::Snv)),
            ("AC", "GT", Some(Kind::Mnv)),
            ("A", "AT", Some(Kind::Insertion)),
            ("AT", "A", Some(Kind::Deletion)),
            ("AT", "C", Some(Kind::Delins)),
            ("A", "<DEL>", Some(Kind::Symbolic)),
            ("A", "*", Some(Kind::Other)),
            ("A", "A]HLA-A*01:01:9]", Some(Kind::Breakend)),
            ("A", "[<ctg>[A", Some(Kind::Breakend)),
            ("A", ".A", Some(Kind::Breakend)),
            ("A", "<INS>B>", None),
            ("A", "A T", None),
            ("A", "", None),
            ("A", "A[1[", None),
        ] {
            assert_eq!(alternate(r.as_bytes(), a.as_bytes()), kind, "{r} {a}");
        }
    }
}
