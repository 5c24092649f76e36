//! What a new password must be. No rule asks for digits or signs (SP 800-63B §5.1.1.2, ASVS 4.0.3
//! V2.1.9); it is long, it is not the account's name, and it is none of those tried first.

use super::{Refused, normal};

/// Characters a new password has at least. ASVS 4.0.3 V2.1.1 asks for 12, MHLW's guideline for
/// medical information systems 6.0 for 13 where there is no second factor.
pub const SHORTEST: usize = 13;
/// And at most (ASVS 4.0.3 V2.1.2).
pub const LONGEST: usize = 128;

/// Passwords of lists of leaked ones, one a line, in small letters, without what stands before
/// their first letter and after their last.
const COMMON: &str = include_str!("common.txt");

/// Rows and columns of keyboards; letters and digits that follow each other are found without.
const KEYS: &[&str] = &[
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "8ik,",
    "9ol.",
    "!@#$%^&*()",
    "!\"#$%&'()",
    "いろはにほへと",
];

/// Whether somebody may choose this password for the account.
///
/// # Errors
/// `password-long`, `password-control`, `password-short`, `password-name`, `password-common`,
/// `password-pattern`; the first that is broken.
pub fn check(password: &str, account: &str) -> Result<(), Refused> {
    let password = normal(password).ok_or(Refused::Long)?;
    // ASVS 4.0.3 V2.1.4: any printable character. A control character came of a paste and cannot
    // be typed again.
    if password.chars().any(char::is_control) {
        return Err(Refused::Control);
    }
    // V2.1.1: spaces in a row count once; they stay in the password all the same (V2.1.3).
    let mut previous = ' ';
    let length = password
        .chars()
        .filter(|letter| {
            let counts = !(*letter == ' ' && previous == ' ');
            previous = *letter;
            counts
        })
        .count();
    if length < SHORTEST {
        return Err(Refused::Short);
    }
    let folded: String = password.chars().flat_map(char::to_lowercase).collect();
    // SP 800-63B §5.1.1.2: context-specific words. Two letters are in too many words.
    let names = [account, account.split('@').next().unwrap_or_default()];
    for name in names {
        let name: String = normal(name)
            .map(|name| name.chars().flat_map(char::to_lowercase).collect())
            .unwrap_or_default();
        if name.chars().count() >= 3 && folded.contains(&name) {
            return Err(Refused::Name);
        }
    }
    // ASVS 4.0.3 V2.1.7: "password" with a year behind it is still "password".
    let core = folded.trim_matches(|letter: char| !letter.is_alphabetic());
    if COMMON
        .lines()
        .any(|common| common == core || common == folded)
    {
        return Err(Refused::Common);
    }
    let letters: Vec<char> = folded.chars().collect();
    if repeated(&letters) || sequential(&letters) {
        return Err(Refused::Pattern);
    }
    Ok(())
}

/// A part said at least twice over, to the end or nearly; or four different letters at most.
fn repeated(letters: &[char]) -> bool {
    let mut different: Vec<char> = letters.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len() <= 4
        || (1..=letters.len() / 2).any(|part| {
            letters
                .iter()
                .zip(&letters[part..])
                .all(|(earlier, later)| earlier == later)
        })
}

/// Little is left when each row of four neighbours or more counts as two letters.
fn sequential(letters: &[char]) -> bool {
    const ROW: usize = 4;
    const LEFT: usize = 8;
    let mut left = letters.len();
    let mut start = 0;
    while start < letters.len() {
        // The longest row from here, up or down, by code or by keyboard.
        let row = [1, -1]
            .into_iter()
            .flat_map(|step| {
                let by_code = row(&letters[start..], |one, other| {
                    i64::from(u32::from(other)) - i64::from(u32::from(one)) == step
                        || (step == 1 && (one, other) == ('9', '0'))
                        || (step == -1 && (one, other) == ('0', '9'))
                });
                let by_key = row(&letters[start..], |one, other| {
                    KEYS.iter()
                        .any(|keys| beside(keys, one, other) == Some(step))
                });
                [by_code, by_key]
            })
            .chain([row(&letters[start..], |one, other| one == other)])
            .max()
            .unwrap_or(1);
        if row >= ROW {
            left -= row - 2;
        }
        start += row;
    }
    left < LEFT
}

/// Letters from the first on whose pairs all are neighbours.
fn row(letters: &[char], neighbours: impl Fn(char, char) -> bool) -> usize {
    1 + letters
        .windows(2)
        .take_while(|pair| neighbours(pair[0], pair[1]))
        .count()
}

fn beside(keys: &str, one: char, other: char) -> Option<i64> {
    let mut letters = keys.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = *letters.peek()?;
        if (letter, next) == (one, other) {
            return Some(1);
        }
        if (letter, next) == (other, one) {
            return Some(-1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones() {
        for password in [
            "correct horse battery staple",
            "蔵の鍵は裏の松の木の下に置く",
            "Efghi plants 7 trees",
            "🐎🔋📎 und ein Wal 1",
            "mumble-4711-forest",
            "kuramochi is fine",
            &"a long sentence of words, ".repeat(5)[..127],
        ] {
            let checked = check(password, "sato");
            // The last one is a sentence said five times.
            if password.len() == 127 {
                assert_eq!(checked, Err(Refused::Pattern));
            } else {
                assert_eq!(checked, Ok(()), "{password}");
            }
        }
    }

    #[test]
    fn each_rule_has_its_case() {
        for (password, account, refused) in [
            ("twelve chars", "sato", Refused::Short),
            ("ten       spaces", "sato", Refused::Short),
            ("①②③④⑤⑥⑦⑧⑨", "sato", Refused::Short),
            ("a tab\tinside here", "sato", Refused::Control),
            ("sato likes his tea", "sato", Refused::Name),
            ("ＳＡＴＯ likes his tea", "Sato", Refused::Name),
            ("sato likes his tea", "sato@example.org", Refused::Name),
            ("PasswordPassword", "sato", Refused::Common),
            ("password12345678!", "sato", Refused::Common),
            ("iloveyouforever", "sato", Refused::Common),
            ("aaaaaaaaaaaaaaaa", "sato", Refused::Pattern),
            ("kura-kura-kura-kura", "sato", Refused::Pattern),
            ("Kx7!Kx7!Kx7!Kx", "sato", Refused::Pattern),
            ("1234567890123", "sato", Refused::Pattern),
            ("3210987654321", "sato", Refused::Pattern),
            ("abcdefg1234567", "sato", Refused::Pattern),
            ("qwertyuiop1234", "sato", Refused::Common),
            ("sdfghjkl-123456", "sato", Refused::Pattern),
            ("1qaz2wsx3edc4", "sato", Refused::Pattern),
            ("あいうえおあいうえおあい", "sato", Refused::Short),
            ("あいうえおあいうえおあいう", "sato", Refused::Pattern),
            ("0101010110101", "sato", Refused::Pattern),
        ] {
            assert_eq!(check(password, account), Err(refused), "{password}");
        }
        assert_eq!(check(&"ab1-".repeat(33), "sato"), Err(Refused::Long));
        assert_eq!(check(&"x".repeat(10_000), "sato"), Err(Refused::Long));
        // One letter of NFKC may become eighteen.
        assert_eq!(check(&"\u{fdfa}".repeat(13), "sato"), Err(Refused::Long));
    }

    #[test]
    fn the_list_is_as_it_is_looked_up() {
        for line in COMMON.lines() {
            assert_eq!(line.trim_matches(|c: char| !c.is_alphabetic()), line);
            assert_eq!(line.to_lowercase(), line);
            assert!(line.len() >= 4, "{line}");
        }
    }
}
