//! Passwords: what a new one must be, and how one is kept and verified (NIST SP 800-63B §5.1.1,
//! OWASP ASVS 4.0.3 V2.1 and V2.4, OWASP Password Storage Cheat Sheet).

mod rules;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::SecretText;
use crate::secret::random;

pub use rules::{LONGEST, SHORTEST, check};

refusals! {
    /// Why a password is not accepted.
    Short = "password-short", "a password has at least 13 characters";
    Long = "password-long", "a password has at most 128 characters";
    Control = "password-control", "a password has no control characters";
    Name = "password-name", "a password does not contain the name of its account";
    Common = "password-common", "this password is one of those that are tried first";
    Pattern = "password-pattern", "a password is more than a repetition or a row of keys";
    Wrong = "password-wrong", "the password is wrong";
    Stored = "password-stored", "the stored password is damaged";
    Hash = "password-hash", "the password cannot be hashed";
}

/// argon2id with 19 MiB, two passes and one lane: the first choice of the OWASP Password Storage
/// Cheat Sheet.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// A stored hash that asks for more is damaged, and would take the machine's memory.
const MEMORY_KIB_AT_MOST: u32 = 1024 * 1024;
const PASSES_AT_MOST: u32 = 16;
/// Bytes of a typed password that are looked at: 128 characters are at most 512, and a character
/// may be typed as several that NFKC puts together.
const BYTES_AT_MOST: usize = 4096;

/// A password that was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// It is kept by other parameters than today's: hash it anew while it is at hand.
    pub needs_rehash: bool,
}

/// The hash of a password as a PHC string (`$argon2id$v=19$m=…`), of its NFKC form (SP 800-63B
/// §5.1.1.2: the same characters typed on another keyboard are the same password).
///
/// It does not ask the [rules](check) of a new password.
///
/// # Errors
/// `password-long`; `password-hash` where there is no memory or no random numbers.
pub fn hash(password: &str) -> Result<SecretText, Refused> {
    let password = normal(password).ok_or(Refused::Long)?;
    let salt = random::<16>().map_err(|_| Refused::Hash)?;
    argon2()?
        .hash_password_with_salt(password.as_bytes(), &*salt)
        .map(|hash| SecretText::new(hash.to_string()))
        .map_err(|_| Refused::Hash)
}

/// Whether `password` is the one whose hash is `stored`.
///
/// # Errors
/// `password-wrong`; `password-stored` for what is no hash of ours.
pub fn verify(stored: &str, password: &str) -> Result<Verified, Refused> {
    let kept = PasswordHash::new(stored).map_err(|_| Refused::Stored)?;
    let params = params(&kept)?;
    let Some(normalised) = normal(password) else {
        return Err(Refused::Wrong);
    };
    let fits = |password: &str| {
        Argon2::default()
            .verify_password(password.as_bytes(), &kept)
            .is_ok()
    };
    if fits(&normalised) {
        return Ok(Verified {
            needs_rehash: outdated(&kept, &params),
        });
    }
    // Hashes of before passwords were normalised. What is typed decides whether this is asked,
    // not what is stored.
    if *normalised != password && fits(password) {
        return Ok(Verified { needs_rehash: true });
    }
    Err(Refused::Wrong)
}

/// Of random bytes that nobody kept, by the parameters above.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$\
                      YgJvYQ7JmVRmmVEu4qA0Tq8ZzFv3d3NwqYjJt0m1q2E";

/// As much work as [`verify`] has, for a name that has no account: so that names cannot be found
/// by the clock.
pub fn verify_nobody(password: &str) {
    let _ = verify(NOBODY, password);
}

/// Whether a stored hash was made by other parameters than today's.
///
/// # Errors
/// `password-stored`.
pub fn needs_rehash(stored: &str) -> Result<bool, Refused> {
    let kept = PasswordHash::new(stored).map_err(|_| Refused::Stored)?;
    let params = params(&kept)?;
    Ok(outdated(&kept, &params))
}

fn argon2() -> Result<Argon2<'static>, Refused> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Refused::Hash)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn params(kept: &PasswordHash) -> Result<Params, Refused> {
    let params = Params::try_from(kept).map_err(|_| Refused::Stored)?;
    if params.m_cost() > MEMORY_KIB_AT_MOST
        || params.t_cost() > PASSES_AT_MOST
        || kept.salt.is_none()
        || kept.hash.is_none()
    {
        return Err(Refused::Stored);
    }
    Ok(params)
}

fn outdated(kept: &PasswordHash, params: &Params) -> bool {
    kept.algorithm.as_str() != Algorithm::Argon2id.as_str()
        || kept.version != Some(u32::from(Version::V0x13))
        || (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY_KIB, PASSES, LANES)
}

/// The NFKC form (Unicode Standard Annex 15); `None` for what is longer than any password.
fn normal(password: &str) -> Option<Zeroizing<String>> {
    if password.len() > BYTES_AT_MOST {
        return None;
    }
    let normal: Zeroizing<String> = Zeroizing::new(password.nfkc().collect());
    (normal.chars().count() <= LONGEST).then_some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_however_it_is_typed() {
        let stored = hash("ｶﾞｶﾞの蔵 é ①②③").unwrap();
        assert!(
            stored
                .expose()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
        let fine = Verified {
            needs_rehash: false,
        };
        for typed in ["ｶﾞｶﾞの蔵 é ①②③", "ガガの蔵 e\u{301} 123"] {
            assert_eq!(verify(stored.expose(), typed), Ok(fine));
        }
        assert_eq!(verify(stored.expose(), "ガガの蔵"), Err(Refused::Wrong));
        assert_eq!(
            verify(stored.expose(), &"a".repeat(5000)),
            Err(Refused::Wrong)
        );
        assert_ne!(
            stored.expose(),
            hash("ガガの蔵 é 123").unwrap().expose(),
            "each has a salt of its own"
        );
        verify_nobody("ガガの蔵 é 123");
    }

    #[test]
    fn older_hashes_are_good_and_told() {
        // Weaker parameters, argon2i, and a password that was hashed as it was typed.
        let weak = Argon2::new(
            Algorithm::Argon2i,
            Version::V0x13,
            Params::new(1024, 1, 1, None).unwrap(),
        );
        let weak = weak
            .hash_password_with_salt(b"correct horse battery", b"saltsaltsalt")
            .unwrap()
            .to_string();
        assert_eq!(needs_rehash(&weak), Ok(true));
        assert_eq!(
            verify(&weak, "correct horse battery"),
            Ok(Verified { needs_rehash: true })
        );
        let raw = argon2()
            .unwrap()
            .hash_password_with_salt("ｶﾞｶﾞ".as_bytes(), b"saltsaltsalt")
            .unwrap()
            .to_string();
        assert_eq!(needs_rehash(&raw), Ok(false));
        assert_eq!(verify(&raw, "ｶﾞｶﾞ"), Ok(Verified { needs_rehash: true }));
        assert_eq!(verify(&raw, "ガガ"), Err(Refused::Wrong));
    }

    #[test]
    fn damaged_hashes_take_no_memory() {
        for stored in [
            "",
            "$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=19456,t=4000000000,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0",
            "$2b$12$abcdefghijklmnopqrstuv",
        ] {
            assert_eq!(verify(stored, "a"), Err(Refused::Stored), "{stored}");
            assert_eq!(needs_rehash(stored), Err(Refused::Stored));
        }
        // The hash that stands for nobody is read as any other.
        assert_eq!(verify(NOBODY, "a"), Err(Refused::Wrong));
        assert_eq!(needs_rehash(NOBODY), Ok(false));
    }
}
