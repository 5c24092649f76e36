//! Time-based one-time passwords, RFC 6238 on HOTP (RFC 4226): six digits that an authenticator
//! app shows for thirty seconds.

use ring::hmac;

use crate::secret::{NoRandomness, SecretBytes, SecretText, random};
use crate::token::equal;

refusals! {
    /// Why a one-time password is not accepted.
    Secret = "totp-secret", "a secret of TOTP is 16 to 64 bytes";
    Name = "totp-name", "issuer and account are 1 to 64 characters without a colon";
    Form = "totp-form", "a one-time password is six digits";
    Wrong = "totp-wrong", "the one-time password is wrong or too old";
    Replayed = "totp-replayed", "the one-time password was used already";
}

/// Seconds of a step, RFC 6238 §5.2.
pub const STEP: u64 = 30;
const DIGITS: usize = 6;

/// Which thirty seconds since 1970 a password belongs to. The caller keeps the last one that was
/// accepted, for [`Secret::verify`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Step(pub u64);

impl Step {
    /// The one that runs, in seconds since 1970.
    pub fn at(now: u64) -> Self {
        Self(now / STEP)
    }
}

/// What the app and the bank share. The bank keeps it sealed: it is no hash, it makes passwords.
#[derive(Debug, Clone)]
pub struct Secret(SecretBytes);

impl Secret {
    /// 160 random bits, as RFC 4226 §4 (R6) recommends.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(SecretBytes::new(*random::<20>()?)))
    }

    /// One that was kept.
    ///
    /// # Errors
    /// `totp-secret`: RFC 4226 §4 (R6) asks for 128 bits at least.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refused> {
        if (16..=64).contains(&bytes.len()) {
            Ok(Self(SecretBytes::new(bytes)))
        } else {
            Err(Refused::Secret)
        }
    }

    /// To be kept sealed.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// Base 32 (RFC 4648 §6) without padding: for those who type it in.
    pub fn base32(&self) -> SecretText {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut text = String::with_capacity(self.expose().len().div_ceil(5) * 8);
        let (mut bits, mut held) = (0_u32, 0_u32);
        for byte in self.expose() {
            bits = (bits << 8) | u32::from(*byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                text.push(char::from(LETTERS[(bits >> held & 31) as usize]));
            }
            bits &= (1 << held) - 1;
        }
        if held > 0 {
            text.push(char::from(LETTERS[(bits << (5 - held) & 31) as usize]));
        }
        SecretText::new(text)
    }

    /// The `otpauth://` URI that apps read from a QR code ([`crate::qr::svg`]): the Key Uri Format
    /// of Google Authenticator. Algorithm, digits and period are the ones every app knows.
    ///
    /// # Errors
    /// `totp-name`.
    pub fn uri(&self, issuer: &str, account: &str) -> Result<SecretText, Refused> {
        for name in [issuer, account] {
            // A colon parts issuer and account.
            if !(1..=64).contains(&name.chars().count()) || name.contains(':') {
                return Err(Refused::Name);
            }
        }
        Ok(SecretText::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1\
             &digits={DIGITS}&period={STEP}",
            self.base32().expose(),
            issuer = percent(issuer),
            account = percent(account),
        )))
    }

    /// Whether this is the password of now, of the step before or of the one after (RFC 6238 §5.2:
    /// clocks differ, people type slowly), and which step's. Spaces are dropped, and the wide
    /// digits of a Japanese keyboard are digits.
    ///
    /// `last` is the step of the last password that was accepted: neither it nor an older one is
    /// accepted again (RFC 6238 §5.2, ASVS 4.0.3 V2.8.4). The caller counts wrong ones: a million
    /// passwords are soon tried.
    ///
    /// # Errors
    /// `totp-form`, `totp-wrong`, `totp-replayed`.
    pub fn verify(&self, typed: &str, now: u64, last: Option<Step>) -> Result<Step, Refused> {
        let typed = digits(typed).ok_or(Refused::Form)?;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose());
        let step = Step::at(now).0;
        let mut fits = None;
        // Each is compared, so that the time tells nothing; of several, the newest is meant.
        for candidate in step.saturating_sub(1)..=step.saturating_add(1) {
            if equal(hotp(&key, candidate, DIGITS).as_bytes(), &typed) {
                fits = Some(Step(candidate));
            }
        }
        match fits {
            None => Err(Refused::Wrong),
            Some(fit) if last.is_some_and(|last| fit <= last) => Err(Refused::Replayed),
            Some(fit) => Ok(fit),
        }
    }
}

/// RFC 4226 §5.3: a number of four bytes out of the HMAC, its last decimal digits.
fn hotp(key: &hmac::Key, counter: u64, digits: usize) -> String {
    let tag = hmac::sign(key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 15);
    let number = tag[offset..offset + 4]
        .iter()
        .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte))
        & 0x7fff_ffff;
    format!("{:0digits$}", u64::from(number) % 10_u64.pow(digits as u32))
}

fn digits(typed: &str) -> Option<[u8; DIGITS]> {
    // Six wide digits are 18 bytes; some room for spaces.
    if typed.len() > 64 {
        return None;
    }
    let mut digits = [0; DIGITS];
    let mut count = 0;
    for letter in typed.chars().filter(|letter| !letter.is_whitespace()) {
        let digit = match letter {
            '0'..='9' => letter as u32 - '0' as u32,
            '０'..='９' => letter as u32 - '０' as u32,
            _ => return None,
        };
        *digits.get_mut(count)? = b'0' + digit as u8;
        count += 1;
    }
    (count == DIGITS).then_some(digits)
}

/// RFC 3986 §2.1 on all but unreserved characters.
fn percent(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6238_appendix_b() {
        let seed = b"1234567890123456789012345678901234567890123456789012345678901234";
        let keys = [
            hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &seed[..20]),
            hmac::Key::new(hmac::HMAC_SHA256, &seed[..32]),
            hmac::Key::new(hmac::HMAC_SHA512, seed),
        ];
        for (time, codes) in [
            (59, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ] {
            for (key, code) in keys.iter().zip(codes) {
                assert_eq!(hotp(key, Step::at(time).0, 8), code, "{time}");
            }
        }
    }

    #[test]
    fn rfc_4226_appendix_d() {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345678901234567890");
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (counter, code) in codes.iter().enumerate() {
            assert_eq!(hotp(&key, counter as u64, 6), *code);
        }
    }

    #[test]
    fn one_step_either_side_and_never_twice() {
        let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
        // Step 3 is 969429 by RFC 4226 Appendix D.
        for now in [60, 90, 119, 120, 149] {
            assert_eq!(secret.verify("969429", now, None), Ok(Step(3)), "{now}");
        }
        for now in [0, 59, 150] {
            assert_eq!(secret.verify("969429", now, None), Err(Refused::Wrong));
        }
        assert_eq!(secret.verify("969 429", 90, Some(Step(2))), Ok(Step(3)));
        assert_eq!(secret.verify("９６９４２９", 90, None), Ok(Step(3)));
        for last in [3, 4] {
            assert_eq!(
                secret.verify("969429", 90, Some(Step(last))),
                Err(Refused::Replayed)
            );
        }
        for typed in ["", "96942", "9694290", "96942a", "٩٦٩٤٢٩", "-69429"] {
            assert_eq!(secret.verify(typed, 90, None), Err(Refused::Form));
        }
        assert_eq!(secret.verify("000000", u64::MAX, None), Err(Refused::Wrong));
        assert!(Secret::from_bytes(&[0; 15]).is_err());
        assert!(!format!("{secret:?}").contains('1'));
    }

    #[test]
    fn uris_for_apps() {
        let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
        assert_eq!(
            secret.uri("Kura 蔵", "sato@example.org").unwrap().expose(),
            "otpauth://totp/Kura%20%E8%94%B5:sato%40example.org\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Kura%20%E8%94%B5\
             &algorithm=SHA1&digits=6&period=30"
        );
        for (issuer, account) in [("a:b", "c"), ("a", ""), ("a", "b:c")] {
            assert_eq!(secret.uri(issuer, account).unwrap_err(), Refused::Name);
        }
        // RFC 4648 §10: FOOBAR in base 32, and bytes that leave bits over.
        let texts = [("foobarfoobarfoob", "MZXW6YTBOJTG633CMFZGM33PMI")];
        for (bytes, text) in texts {
            let secret = Secret::from_bytes(bytes.as_bytes()).unwrap();
            assert_eq!(secret.base32().expose(), text);
        }
        let new = Secret::generate().unwrap();
        assert_eq!(new.expose().len(), 20);
        assert_eq!(new.base32().expose().len(), 32);
    }
}
