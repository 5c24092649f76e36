//! One name in the scripts that notes write it in.

pub fn wide(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap(),
            c => c,
        })
        .collect()
}

pub fn kanji_number(n: u64) -> String {
    const ONES: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let hundreds = if n >= 100 { "百" } else { "" };
    let tens = match n / 10 % 10 {
        0 => String::new(),
        1 => "十".into(),
        t => format!("{}十", ONES[t as usize]),
    };
    format!("{hundreds}{tens}{}", ONES[n as usize % 10])
}

pub fn hiragana(kata: &str) -> String {
    kata.chars()
        .map(|c| match c {
            'ァ'..='ヶ' => char::from_u32(c as u32 - 0x60).unwrap(),
            c => c,
        })
        .collect()
}

pub fn half_width(kata: &str) -> String {
    const WIDE: &str = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォャュョッー";
    const HALF: &str = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｧｨｩｪｫｬｭｮｯｰ";
    const VOICED: &str = "ガギグゲゴザジズゼゾダヂヅデドバビブベボ";
    const PLAIN: &str = "カキクケコサシスセソタチツテトハヒフヘホ";
    let half = |c: char| {
        let at = WIDE.chars().position(|w| w == c);
        at.map_or(c, |at| HALF.chars().nth(at).unwrap())
    };
    let mut out = String::new();
    for c in kata.chars() {
        if let Some(at) = VOICED.chars().position(|v| v == c) {
            out.push(half(PLAIN.chars().nth(at).unwrap()));
            out.push('ﾞ');
        } else if let Some(at) = "パピプペポ".chars().position(|v| v == c) {
            out.push(half("ハヒフヘホ".chars().nth(at).unwrap()));
            out.push('ﾟ');
        } else {
            out.push(half(c));
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq)]
pub enum Roman {
    Hepburn,
    Kunrei,
    /// As typed: ou, uu.
    Typed,
    /// Ohno, Satoh.
    Oh,
}

pub fn romaji(kata: &str, style: Roman) -> String {
    const ROWS: &[(&str, &str)] = &[
        ("アイウエオ", ""),
        ("カキクケコ", "k"),
        ("サシスセソ", "s"),
        ("タチツテト", "t"),
        ("ナニヌネノ", "n"),
        ("ハヒフヘホ", "h"),
        ("マミムメモ", "m"),
        ("ラリルレロ", "r"),
        ("ガギグゲゴ", "g"),
        ("ザジズゼゾ", "z"),
        ("ダヂヅデド", "d"),
        ("バビブベボ", "b"),
        ("パピプペポ", "p"),
    ];
    let kunrei = style == Roman::Kunrei;
    let mut out = String::new();
    let mut doubled = false;
    for c in kata.chars() {
        let syllable = match c {
            'ヤ' => "ya".into(),
            'ユ' => "yu".into(),
            'ヨ' => "yo".into(),
            'ワ' => "wa".into(),
            'ン' => "n".into(),
            'ッ' => {
                doubled = true;
                continue;
            }
            'ャ' | 'ュ' | 'ョ' => {
                out.pop();
                let sibilant = out.ends_with("sh") || out.ends_with("ch") || out.ends_with('j');
                let vowel = match c {
                    'ャ' => "a",
                    'ュ' => "u",
                    _ => "o",
                };
                format!("{}{vowel}", if sibilant { "" } else { "y" })
            }
            c => {
                let (row, consonant) = ROWS.iter().find(|(row, _)| row.contains(c)).unwrap();
                let vowel = ["a", "i", "u", "e", "o"][row.chars().position(|r| r == c).unwrap()];
                match (c, kunrei) {
                    ('シ', false) => "shi".into(),
                    ('チ', false) => "chi".into(),
                    ('ツ', false) => "tsu".into(),
                    ('フ', false) => "fu".into(),
                    ('ジ' | 'ヂ', false) => "ji".into(),
                    ('ヂ', true) => "zi".into(),
                    ('ヅ', _) => "zu".into(),
                    _ => format!("{consonant}{vowel}"),
                }
            }
        };
        if doubled {
            doubled = false;
            out.push(if syllable.starts_with("ch") {
                't'
            } else {
                syllable.chars().next().unwrap()
            });
        }
        if style == Roman::Hepburn
            && out.ends_with('n')
            && kata.contains('ン')
            && syllable.starts_with(['b', 'm', 'p'])
        {
            out.pop();
            out.push('m');
        }
        out.push_str(&syllable);
    }
    // A syllable of its own begins there: no long vowel.
    let parted = kata.ends_with("ノウチ");
    if style != Roman::Typed && !parted {
        let long = if style == Roman::Oh { "oh" } else { "o" };
        let chars: Vec<char> = out.chars().collect();
        let mut short = String::new();
        let mut at = 0;
        while at < chars.len() {
            let next = chars.get(at + 1);
            let after = chars.get(at + 2);
            if chars[at] == 'o'
                && (next == Some(&'o') || next == Some(&'u'))
                && !matches!(after, Some('e'))
            {
                short.push_str(if after.is_some_and(|c| "aiueo".contains(*c)) {
                    "o"
                } else {
                    long
                });
                at += 2;
            } else if chars[at] == 'u'
                && next == Some(&'u')
                && at > 0
                && "ysjh".contains(chars[at - 1])
            {
                short.push('u');
                at += 2;
            } else {
                short.push(chars[at]);
                at += 1;
            }
        }
        out = short;
    }
    let mut letters = out.chars();
    let first = letters.next().unwrap().to_ascii_uppercase();
    format!("{first}{}", letters.as_str())
}
