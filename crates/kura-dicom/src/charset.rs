//! Text of DICOM: Specific Character Set (0008,0005), PS3.3 C.12.1.1.2 and PS3.5 6.1.

use encoding_rs::{
    EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5,
    ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1252,
    WINDOWS_1254,
};

/// What is designated to G0 or G1 (PS3.5 6.1.2.5, ISO/IEC 2022).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Designated {
    Nothing,
    Ascii,
    /// JIS X 0201: G0 romaji, G1 half-width katakana.
    JisX0201,
    JisX0208,
    JisX0212,
    KsX1001,
    Gb2312,
    Single(&'static Encoding),
}

/// How the text values of a data set are to be read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Charset {
    /// None declared, or ISO_IR 6: ASCII. Bytes above 7F are then outside the standard; see
    /// [`undeclared`].
    Default,
    /// One encoding without code extensions.
    Whole(&'static Encoding),
    /// Code extensions; the initial state comes from the first value.
    Extended { g1: DesignatedG1 },
}

/// The initial G1 set of a data set with code extensions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DesignatedG1(Designated);

impl Charset {
    /// From the values of (0008,0005). A term that is not known is read as if undeclared.
    pub(crate) fn of(terms: &[&str]) -> Self {
        let first = terms.first().map_or("", |t| t.trim());
        let extended = terms.len() > 1 || terms.iter().any(|t| t.trim().starts_with("ISO 2022"));
        if extended {
            let g1 = match first {
                "ISO 2022 IR 13" | "ISO_IR 13" => Designated::JisX0201,
                "ISO 2022 IR 149" => Designated::KsX1001,
                "ISO 2022 IR 58" => Designated::Gb2312,
                other => single(other).map_or(Designated::Nothing, Designated::Single),
            };
            return Self::Extended {
                g1: DesignatedG1(g1),
            };
        }
        match first {
            "" | "ISO_IR 6" => Self::Default,
            // Files that declare ISO_IR 13 and hold Shift_JIS are common in Japan; half-width
            // katakana read the same in both.
            "ISO_IR 13" => Self::Whole(SHIFT_JIS),
            other => single(other).map_or(Self::Default, Self::Whole),
        }
    }

    /// Bytes to text; never fails, what cannot be read becomes U+FFFD.
    pub(crate) fn decode(&self, bytes: &[u8]) -> String {
        if bytes.iter().all(|b| b.is_ascii() && *b != 0x1B) {
            return bytes.iter().map(|b| char::from(*b)).collect();
        }
        match self {
            // An undeclared escape still says what it means.
            Self::Default if bytes.contains(&0x1B) => extended(bytes, Designated::Nothing),
            Self::Default => undeclared(bytes),
            Self::Whole(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            Self::Extended { g1 } => extended(bytes, g1.0),
        }
    }
}

/// Defined terms that are one encoding each: PS3.3 Tables C.12-2, C.12-3 (the single-byte part)
/// and C.12-5.
pub(crate) fn single(term: &str) -> Option<&'static Encoding> {
    let number = term
        .strip_prefix("ISO_IR ")
        .or_else(|| term.strip_prefix("ISO 2022 IR "));
    Some(match number {
        Some("100") => WINDOWS_1252,
        Some("101") => ISO_8859_2,
        Some("109") => ISO_8859_3,
        Some("110") => ISO_8859_4,
        Some("144") => ISO_8859_5,
        Some("127") => ISO_8859_6,
        Some("126") => ISO_8859_7,
        Some("138") => ISO_8859_8,
        Some("148") => WINDOWS_1254,
        Some("203") => ISO_8859_15,
        Some("166") => WINDOWS_874,
        Some("192") => UTF_8,
        Some(_) => return None,
        None => match term {
            "GB18030" => GB18030,
            "GBK" => GBK,
            _ => return None,
        },
    })
}

/// Bytes above 7F without a declaration: UTF-8 if they are valid UTF-8, else Shift_JIS if they
/// are valid Shift_JIS, else Latin-1, which loses nothing.
fn undeclared(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    SHIFT_JIS
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map_or_else(
            || bytes.iter().map(|b| char::from(*b)).collect(),
            |text| text.into_owned(),
        )
}

fn extended(bytes: &[u8], initial_g1: Designated) -> String {
    let mut text = String::with_capacity(bytes.len());
    let (mut g0, mut g1) = (Designated::Ascii, initial_g1);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == 0x1B {
            let (set, is_g1, length) = escape(&bytes[at + 1..]);
            match set {
                Some(set) if is_g1 => g1 = set,
                Some(set) => g0 = set,
                None => {}
            }
            at += 1 + length;
            continue;
        }
        let set = if byte < 0x80 { g0 } else { g1 };
        match set {
            // PS3.5 6.1.2.5.3: control characters and, in single-byte G0, delimiters reset
            _ if byte < 0x21 => {
                if matches!(byte, b'\t' | b'\n' | 0x0C | b'\r') {
                    (g0, g1) = (Designated::Ascii, initial_g1);
                }
                text.push(char::from(byte));
                at += 1;
            }
            Designated::JisX0208
            | Designated::JisX0212
            | Designated::KsX1001
            | Designated::Gb2312 => {
                at += double(set, byte, bytes.get(at + 1).copied(), &mut text);
            }
            Designated::Ascii | Designated::Nothing if byte < 0x80 => {
                if matches!(byte, b'\\' | b'^' | b'=') {
                    (g0, g1) = (Designated::Ascii, initial_g1);
                }
                text.push(char::from(byte));
                at += 1;
            }
            Designated::JisX0201 => {
                push_decoded(SHIFT_JIS, &[byte], &mut text);
                at += 1;
            }
            Designated::Single(encoding) => {
                push_decoded(encoding, &[byte], &mut text);
                at += 1;
            }
            Designated::Ascii | Designated::Nothing => {
                text.push('\u{FFFD}');
                at += 1;
            }
        }
    }
    text
}

/// Decodes one two-byte character and says how many bytes it took.
fn double(set: Designated, first: u8, second: Option<u8>, text: &mut String) -> usize {
    let Some(second) = second.filter(|b| *b & 0x7F >= 0x21) else {
        text.push('\u{FFFD}');
        return 1;
    };
    let (first, second) = (first | 0x80, second | 0x80);
    match set {
        // encoding_rs refuses JIS X 0212 in ISO-2022-JP; in EUC-JP it is code set 3.
        Designated::JisX0212 => push_decoded(EUC_JP, &[0x8F, first, second], text),
        Designated::KsX1001 => push_decoded(EUC_KR, &[first, second], text),
        Designated::Gb2312 => push_decoded(GBK, &[first, second], text),
        _ => push_decoded(EUC_JP, &[first, second], text),
    }
    2
}

fn push_decoded(encoding: &'static Encoding, bytes: &[u8], text: &mut String) {
    text.push_str(&encoding.decode_without_bom_handling(bytes).0);
}

/// What follows ESC: the set, whether it goes to G1, and how many bytes that took
/// (PS3.3 Tables C.12-3 and C.12-4).
fn escape(after: &[u8]) -> (Option<Designated>, bool, usize) {
    use Designated::*;
    let latin = |encoding| (Some(Single(encoding)), true, 2);
    match after {
        [b'(', b'B', ..] => (Some(Ascii), false, 2),
        [b'(', b'J', ..] => (Some(JisX0201), false, 2),
        [b')', b'I', ..] => (Some(JisX0201), true, 2),
        [b'$', b'B' | b'@', ..] => (Some(JisX0208), false, 2),
        [b'$', b'(', b'D', ..] => (Some(JisX0212), false, 3),
        [b'$', b'(', b'B' | b'@', ..] => (Some(JisX0208), false, 3),
        [b'$', b')', b'C', ..] => (Some(KsX1001), true, 3),
        [b'$', b')', b'A', ..] => (Some(Gb2312), true, 3),
        [b'-', b'A', ..] => latin(WINDOWS_1252),
        [b'-', b'B', ..] => latin(ISO_8859_2),
        [b'-', b'C', ..] => latin(ISO_8859_3),
        [b'-', b'D', ..] => latin(ISO_8859_4),
        [b'-', b'L', ..] => latin(ISO_8859_5),
        [b'-', b'G', ..] => latin(ISO_8859_6),
        [b'-', b'F', ..] => latin(ISO_8859_7),
        [b'-', b'H', ..] => latin(ISO_8859_8),
        [b'-', b'M', ..] => latin(WINDOWS_1254),
        [b'-', b'b', ..] => latin(ISO_8859_15),
        [b'-', b'T', ..] => latin(WINDOWS_874),
        _ => (None, false, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_examples_of_annex_h() {
        // PS3.5 H.3.1
        let one = Charset::of(&["", "ISO 2022 IR 87"]);
        assert_eq!(
            one.decode(b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"),
            "Yamada^Tarou=山田^太郎=やまだ^たろう"
        );
        // PS3.5 H.3.2
        let two = Charset::of(&["ISO 2022 IR 13", "ISO 2022 IR 87"]);
        assert_eq!(
            two.decode(b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J"),
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎"
        );
    }

    #[test]
    fn korean_and_supplementary_kanji() {
        // PS3.5 I.2
        let korean = Charset::of(&["", "ISO 2022 IR 149"]);
        assert_eq!(
            korean.decode(b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7"),
            "Hong^Gildong=洪^吉洞"
        );
        // JIS X 0212 row 16 cell 1 (ISO-IR 159) is U+4E02
        let supplement = Charset::of(&["", "ISO 2022 IR 159"]);
        assert_eq!(supplement.decode(b"\x1b$(D\x30\x21\x1b(B"), "\u{4E02}");
    }

    #[test]
    fn undeclared_bytes_lose_nothing() {
        let none = Charset::of(&[]);
        assert_eq!(none.decode("山田".as_bytes()), "山田");
        assert_eq!(none.decode(b"\x8eR\x93c"), "山田");
        assert_eq!(none.decode(b"\xfcber"), "über");
    }
}
