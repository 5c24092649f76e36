//! Whether given identifiers stand in an output: in its bytes, in any of the encodings that
//! Japanese systems write, and in its text, however the words are written there.

use std::collections::{BTreeSet, HashMap};

use aho_corasick::{AhoCorasick, MatchKind};
use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS};
use kura_fhir::{romaji, text::fold};

/// A shorter ASCII word is anywhere by chance; so are two kana, and one kanji.
const ASCII_FROM: usize = 5;
const KANA_FROM: usize = 3;
const OTHERS_FROM: usize = 2;
/// From here on kana mean a name however they are written; fewer only as they stand in the list:
/// ただし is a word, タダシ a name.
const EITHER_KANA_FROM: usize = 5;
/// From here on an ASCII word means itself also within a longer one.
const WITHIN_FROM: usize = 10;
/// In bytes that may be pixels, shorter runs come by chance.
const BYTES_FROM: usize = 6;

/// How far before a word the escape to its kanji may stand.
const ESCAPE_WITHIN: usize = 4096;

/// How an identifier is written in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Written {
    /// Letters and digits, which may be a part of others.
    Plain,
    AsItIs,
    /// ISO-2022-JP, whose kanji are bytes of ASCII: they are kanji only after an escape.
    Escaped,
}

/// Identifiers, ready to be looked for.
#[derive(Debug)]
pub struct Hunt {
    text: AhoCorasick,
    /// The identifier of each pattern, and whether it is ASCII.
    text_of: Vec<(usize, bool)>,
    /// Names by their sound: however they are romanised, they have one key.
    sounds: HashMap<String, Vec<usize>>,
    bytes: AhoCorasick,
    bytes_of: Vec<(usize, Written)>,
    /// Identifiers too short to be told from chance, by their place in the list.
    pub too_short: Vec<usize>,
}

/// Too many patterns to hold.
#[derive(Debug, thiserror::Error)]
#[error("there are too many identifiers to look for at once")]
pub struct TooMany;

impl Hunt {
    /// # Errors
    /// More identifiers than memory holds.
    pub fn new<S: AsRef<str>>(identifiers: &[S]) -> Result<Self, TooMany> {
        let mut text = Vec::new();
        let mut text_of = Vec::new();
        let mut bytes = Vec::new();
        let mut bytes_of = Vec::new();
        let mut too_short = Vec::new();
        let mut sounds: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, identifier) in identifiers.iter().enumerate() {
            let identifier = identifier.as_ref().trim();
            if identifier.is_empty() {
                continue;
            }
            for key in sound_keys(identifier) {
                sounds.entry(key).or_default().push(place);
            }
            let forms = forms(identifier);
            let folded: BTreeSet<String> = forms
                .iter()
                .map(|form| folded(form))
                .filter(|form| is_long(form, EITHER_KANA_FROM))
                .collect();
            let written: BTreeSet<(Vec<u8>, Written)> = forms
                .iter()
                .filter(|form| is_long(&self::folded(form), KANA_FROM))
                .flat_map(|form| encoded(form))
                .collect();
            if folded.is_empty() && written.is_empty() {
                too_short.push(place);
                continue;
            }
            for form in &folded {
                text_of.push((place, form.is_ascii()));
                text.push(form.clone());
            }
            for (form, how) in written {
                bytes_of.push((place, how));
                bytes.push(form);
            }
        }
        let build = |patterns: &[Vec<u8>]| {
            AhoCorasick::builder()
                .match_kind(MatchKind::Standard)
                .ascii_case_insensitive(true)
                .build(patterns)
                .map_err(|_| TooMany)
        };
        let text: Vec<Vec<u8>> = text.into_iter().map(String::into_bytes).collect();
        Ok(Self {
            text: build(&text)?,
            text_of,
            sounds,
            bytes: build(&bytes)?,
            bytes_of,
            too_short,
        })
    }

    /// The identifiers that a text holds, by their places.
    pub fn in_text(&self, text: &str) -> BTreeSet<usize> {
        // Words apart, so that a short number is told from a part of a longer one; and together, as
        // names of Japanese are written either way.
        let apart = spaced(text);
        let together = fold(text);
        let mut out = found(&self.text, &self.text_of, apart.as_bytes(), true);
        out.extend(found(&self.text, &self.text_of, together.as_bytes(), false));
        out.extend(
            self.in_bytes(text.as_bytes())
                .into_iter()
                .map(|(identifier, _)| identifier),
        );
        self.by_sound(text, &mut out);
        // 090-1960-5585, 090 1960 5585 and 09019605585 are one number.
        if apart.contains(['-', '/', '.', '−', '―']) {
            let bare: String = apart
                .chars()
                .filter(|c| !matches!(c, '-' | '/' | '.' | '−' | '―'))
                .collect();
            out.extend(found(&self.text, &self.text_of, bare.as_bytes(), true));
        }
        out
    }

    /// YOSHIDA^Chizuru, Yosida Tizuru: words of Latin letters by their sound, one or two together.
    fn by_sound(&self, text: &str, out: &mut BTreeSet<usize>) {
        if self.sounds.is_empty() {
            return;
        }
        let latin = |c: char| c.is_alphabetic() && !is_japanese(c) || c == '\'';
        // Words stand together that nothing but spaces and marks parts: abe7dae is one number.
        for run in text.split(|c: char| c.is_numeric() || is_japanese(c)) {
            let mut before = String::new();
            for word in run
                .split(|c: char| !latin(c))
                .filter(|word| !word.is_empty())
            {
                let key = romaji::key(word);
                for sound in [&key, &format!("{before}{key}")] {
                    out.extend(self.sounds.get(sound).into_iter().flatten());
                }
                before = key;
            }
        }
    }

    /// The identifiers that a piece of bytes holds as they are, each with the place of its first
    /// byte.
    pub fn in_bytes(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut out: Vec<(usize, usize)> = self
            .bytes
            .find_overlapping_iter(bytes)
            .filter(|hit| match self.bytes_of[hit.pattern().as_usize()].1 {
                Written::Plain => stands_alone(bytes, hit.start(), hit.end()),
                Written::AsItIs => true,
                Written::Escaped => within_escape(&bytes[..hit.start()]),
            })
            .map(|hit| (self.bytes_of[hit.pattern().as_usize()].0, hit.start()))
            .collect();
        out.sort_unstable();
        out.dedup_by_key(|(identifier, _)| *identifier);
        out
    }

    /// The most bytes that decide whether an identifier stands at a place: pieces of a stream
    /// overlap by as many.
    pub fn longest(&self) -> usize {
        self.bytes.max_pattern_len() + ESCAPE_WITHIN
    }
}

/// `apart`: the words of the text still are.
fn found(
    patterns: &AhoCorasick,
    of: &[(usize, bool)],
    text: &[u8],
    apart: bool,
) -> BTreeSet<usize> {
    patterns
        .find_overlapping_iter(text)
        .filter(|hit| {
            let (_, ascii) = of[hit.pattern().as_usize()];
            let long = hit.end() - hit.start() >= WITHIN_FROM;
            !ascii || long || (apart && stands_alone(text, hit.start(), hit.end()))
        })
        .map(|hit| of[hit.pattern().as_usize()].0)
        .collect()
}

/// Whether a word of ASCII is no part of another one; a long one always counts.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let inner = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    end - start >= WITHIN_FROM
        || (!inner(start.checked_sub(1).and_then(|at| text.get(at))) && !inner(text.get(end)))
}

/// Whether ISO-2022-JP text goes on in kanji after these bytes: an escape says so, and nothing but
/// kanji stands since.
fn within_escape(before: &[u8]) -> bool {
    let before = &before[before.len().saturating_sub(ESCAPE_WITHIN)..];
    let last = before.iter().rposition(|byte| *byte == 0x1b);
    last.is_some_and(|at| {
        let since = &before[at + 1..];
        let kanji = since.strip_prefix(b"$B").or(since.strip_prefix(b"$@"));
        kanji.is_some_and(|kanji| {
            kanji.len().is_multiple_of(2) && kanji.iter().all(u8::is_ascii_graphic)
        })
    })
}

/// Folded word by word.
fn spaced(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(fold).collect();
    words.join(" ")
}

/// The form a word is looked for in: words of ASCII stay apart.
fn folded(form: &str) -> String {
    if form.is_ascii() {
        spaced(form)
    } else {
        fold(form)
    }
}

fn is_long(folded: &str, kana_from: usize) -> bool {
    // Folded, katakana is hiragana.
    let kana = |letter: char| matches!(letter, 'ぁ'..='ゖ' | 'ー');
    let least = if folded.is_ascii() {
        ASCII_FROM
    } else if folded.chars().all(kana) {
        kana_from
    } else {
        OTHERS_FROM
    };
    folded.chars().count() >= least
}

fn is_japanese(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff66}'..='\u{ff9f}')
}

/// The sounds of a name in kana, either way round; of one word if it is long.
fn sound_keys(identifier: &str) -> Vec<String> {
    let words: Vec<&str> = identifier.split_whitespace().collect();
    let keys: Vec<String> = words
        .iter()
        .filter_map(|word| romaji::kana_key(word))
        .collect();
    if keys.is_empty() || keys.len() != words.len() {
        return Vec::new();
    }
    let mut out = vec![
        keys.concat(),
        keys.iter().rev().map(String::as_str).collect(),
    ];
    out.retain(|key| key.len() >= ASCII_FROM);
    out
}

/// The ways in which an identifier may be written.
fn forms(identifier: &str) -> Vec<String> {
    let mut out = vec![identifier.to_owned()];
    let bare: String = identifier
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '−' | 'ー' | '/' | '.'))
        .collect();
    // ー belongs to a name in kana.
    if identifier.is_ascii() && bare != identifier {
        out.push(bare);
    }
    let words: Vec<&str> = identifier.split_whitespace().collect();
    if words.len() > 1 {
        out.push(words.concat());
        out.push(words.join(" "));
        out.push(words.join("^"));
    }
    out.extend(dates(identifier));
    out.sort();
    out.dedup();
    out
}

/// The ways in which a date is written, if it is one: 1950-01-04.
fn dates(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let &[year, month, day] = parts.as_slice() else {
        return Vec::new();
    };
    let number = |text: &str, length: usize| {
        (text.len() == length)
            .then(|| text.parse::<i64>().ok())
            .flatten()
    };
    let (Some(y), Some(m), Some(d)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return Vec::new();
    };
    let mut out = vec![
        format!("{y:04}{m:02}{d:02}"),
        format!("{y:04}/{m:02}/{d:02}"),
        format!("{y}/{m}/{d}"),
        format!("{y}年{m}月{d}日"),
        format!("{y}年{m:02}月{d:02}日"),
        format!("{y:04}.{m:02}.{d:02}"),
    ];
    // The first day of an era; the year of the era is counted from 1.
    for (era, letter, first, start) in [
        ("令和", 'R', 2019, (5, 1)),
        ("平成", 'H', 1989, (1, 8)),
        ("昭和", 'S', 1926, (12, 25)),
        ("大正", 'T', 1912, (7, 30)),
        ("明治", 'M', 1868, (1, 25)),
    ] {
        if y > first || (y == first && (m, d) >= start) {
            let n = y - first + 1;
            let written = if n == 1 {
                "元".to_owned()
            } else {
                n.to_string()
            };
            out.push(format!("{era}{written}年{m}月{d}日"));
            out.push(format!("{era}{written}年{m:02}月{d:02}日"));
            out.push(format!("{era}{n:02}年{m:02}月{d:02}日"));
            out.push(format!("{letter}{n:02}.{m:02}.{d:02}"));
            out.push(format!("{letter}{n}.{m}.{d}"));
            break;
        }
    }
    out
}

/// A form in each encoding that can write it.
fn encoded(form: &str) -> BTreeSet<(Vec<u8>, Written)> {
    let how = match form.is_ascii() {
        true => Written::Plain,
        false => Written::AsItIs,
    };
    let wide: Vec<u16> = form.encode_utf16().collect();
    let mut out = BTreeSet::from([
        (form.as_bytes().to_vec(), how),
        (
            wide.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            how,
        ),
        (
            wide.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            how,
        ),
    ]);
    for encoding in [SHIFT_JIS, EUC_JP, ISO_2022_JP] {
        let encoding: &'static Encoding = encoding;
        let (bytes, _, lossy) = encoding.encode(form);
        if lossy {
            continue;
        }
        // Without the escapes at both ends: other kanji may stand beside it.
        let inner = bytes
            .strip_prefix(b"\x1b$B")
            .and_then(|rest| rest.strip_suffix(b"\x1b(B"));
        out.insert(match inner {
            Some(inner) => (inner.to_vec(), Written::Escaped),
            None => (bytes.into_owned(), how),
        });
    }
    out.retain(|(bytes, how)| {
        let least = match (bytes.is_ascii(), how) {
            // The escape before it says that it is a word.
            (_, Written::Escaped) => 2 * OTHERS_FROM,
            (true, _) => ASCII_FROM,
            (false, _) => BYTES_FROM,
        };
        bytes.len() >= least
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_written() {
        let identifiers = [
            "小野 綾子",
            "オノ アヤコ",
            "POP-000209",
            "090-1960-5585",
            "1950-01-04",
            "1185",
            "林",
            "ナカ",
            "タダシ",
            "ヨシダ チヅル",
        ];
        let hunt = Hunt::new(&identifiers).unwrap();
        assert_eq!(hunt.too_short, [5, 6, 7]);
        for (text, found) in [
            ("患者は小野綾子様", 0),
            ("小野　綾子", 0),
            ("ｵﾉ･ｱﾔｺ", 1),
            ("ONO^AYAKO", 1),
            ("Ayako Ono", 1),
            ("YOSHIDA, Chizuru", 9),
            ("Tizuru^YOSIDA", 9),
            ("1950年01月04日", 4),
            ("xPOP-000209y", 2),
            ("tel 09019605585", 3),
            ("090.1960.5585", 3),
            ("born 19500104", 4),
            ("1950/1/4生", 4),
            ("昭和25年1月4日", 4),
            ("S25.1.4", 4),
            ("名はタダシ", 8),
        ] {
            assert_eq!(hunt.in_text(text), BTreeSet::from([found]), "{text}");
        }
        for text in [
            "小野寺 綾",
            "POP-00020",
            "719500104",
            "1950-01-05",
            "1185",
            "林檎",
            "ただし値が合う場合",
        ] {
            assert!(hunt.in_text(text).is_empty(), "{text}");
        }
        let (sjis, _, _) = SHIFT_JIS.encode("xx小野 綾子xx");
        assert_eq!(hunt.in_bytes(&sjis), [(0, 2)]);
        let (jis, _, _) = ISO_2022_JP.encode("オノ アヤコ");
        assert_eq!(hunt.in_bytes(&jis), [(1, 3)]);
        let (kanji, _, _) = ISO_2022_JP.encode("x小野綾子x");
        assert_eq!(hunt.in_bytes(&kanji), [(0, 4)]);
        // The same bytes where no escape says that they are kanji: a number.
        assert!(hunt.in_bytes(b"\x1b$B9b\x1b(B>.Ln0=;R").is_empty());
        let bare = String::from_utf8(kanji[4..kanji.len() - 4].to_vec()).unwrap();
        assert!(hunt.in_bytes(bare.as_bytes()).is_empty());
        let wide: Vec<u8> = "POP-000209"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(hunt.in_bytes(&wide), [(2, 0)]);
        assert!(hunt.in_bytes(b"a19500104b").is_empty());
        assert_eq!(hunt.in_bytes(b"a 19500104"), [(4, 2)]);
    }
}
