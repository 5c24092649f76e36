//! Recovery codes: for whoever lost the telephone. Ten codes, each good once (NIST SP 800-63B
//! §5.1.2 look-up secrets, ASVS 4.0.3 V2.6).

use kura_model::ContentHash;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::secret::{NoRandomness, SecretText};
use crate::token::{self, LETTERS};

/// How many are given out at a time.
pub const COUNT: usize = 10;
/// 24 letters of 5 bits are 120 bits: above the 112 from which ASVS 4.0.3 V2.6.2 and SP 800-63B
/// §5.1.2.2 ask for no salt and no slow hash, so a look-up needs one hash and not ten of argon2.
const LENGTH: usize = 24;
const GROUP: usize = 6;

/// New codes to be shown once, with the hashes to be kept.
#[derive(Debug)]
pub struct RecoveryCodes {
    pub codes: Vec<SecretText>,
    pub hashes: Vec<ContentHash>,
}

impl RecoveryCodes {
    /// Ten of them, such as `7k2m9p-x4c8vn-0qhj3s-b6dtzw`.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut new = Self {
            codes: Vec::with_capacity(COUNT),
            hashes: Vec::with_capacity(COUNT),
        };
        for _ in 0..COUNT {
            let letters = token::letters(LENGTH)?;
            new.hashes.push(hash(&letters));
            let mut code = String::with_capacity(LENGTH + LENGTH / GROUP);
            for (place, letter) in letters.chars().enumerate() {
                if place > 0 && place % GROUP == 0 {
                    code.push('-');
                }
                code.push(letter);
            }
            new.codes.push(SecretText::new(code));
        }
        Ok(new)
    }
}

/// Which of the kept hashes this code belongs to; the caller takes that one away. Capitals,
/// hyphens and spaces do not matter, and letters that look like digits are those digits.
pub fn redeem(hashes: &[ContentHash], typed: &str) -> Option<usize> {
    let letters = read(typed)?;
    let typed = hash(&letters);
    // Each is compared, so that the time does not tell which one is near.
    let (mut place, mut found) = (0_u32, Choice::from(0));
    for (index, kept) in (0_u32..).zip(hashes) {
        let same = kept.0.ct_eq(&typed.0);
        place = u32::conditional_select(&place, &index, same);
        found |= same;
    }
    bool::from(found).then_some(place as usize)
}

fn read(typed: &str) -> Option<String> {
    if typed.len() > 128 {
        return None;
    }
    let mut letters = String::with_capacity(LENGTH);
    for letter in typed.chars() {
        let letter = match letter.to_ascii_lowercase() {
            '-' => continue,
            letter if letter.is_whitespace() => continue,
            // Crockford's base 32: what is misread is forgiven.
            'o' => '0',
            'i' | 'l' => '1',
            letter => letter,
        };
        if !LETTERS.contains(&u8::try_from(letter).ok()?) {
            return None;
        }
        letters.push(letter);
    }
    (letters.len() == LENGTH).then_some(letters)
}

/// The words in front keep the hash apart from those of tokens.
fn hash(letters: &str) -> ContentHash {
    ContentHash::of(format!("kura recovery code {letters}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_found_and_no_other() {
        let RecoveryCodes { codes, mut hashes } = RecoveryCodes::generate().unwrap();
        assert_eq!(codes.len(), COUNT);
        for (place, code) in codes.iter().enumerate() {
            let code = code.expose();
            assert_eq!(code.len(), 27);
            assert_eq!(redeem(&hashes, code), Some(place));
            let shouted = code.to_uppercase().replace('-', " ").replace('0', "O");
            assert_eq!(redeem(&hashes, &shouted.replace('1', "l")), Some(place));
            assert_eq!(redeem(&hashes, &code[1..]), None);
        }
        hashes.remove(3);
        assert_eq!(redeem(&hashes, codes[3].expose()), None);
        for wrong in ["", "000000-000000-000000-000000", "ü", &"0".repeat(200)] {
            assert_eq!(redeem(&hashes, wrong), None);
        }
    }
}
