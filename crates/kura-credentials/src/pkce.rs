//! Proof Key for Code Exchange, RFC 7636: whoever brings an authorization code also brings the
//! secret whose hash asked for it.

use ring::digest;

use crate::base64url;
use crate::secret::{NoRandomness, SecretText};
use crate::token::{Token, equal};

refusals! {
    /// Why a code verifier is not accepted.
    Method = "pkce-method", "the code challenge method is not S256";
    Challenge = "pkce-challenge", "a code challenge of S256 is 43 letters of base64url";
    Form = "pkce-form", "a code verifier is 43 to 128 letters, digits, '-', '.', '_' and '~'";
    Verifier = "pkce-verifier", "the code verifier does not fit the challenge";
}

/// A new `code_verifier` of 256 bits (RFC 7636 §4.1, §7.1).
///
/// # Errors
/// The system gives no random numbers.
pub fn verifier() -> Result<SecretText, NoRandomness> {
    Ok(SecretText::new(Token::generate()?.expose()))
}

/// `BASE64URL(SHA256(ASCII(code_verifier)))`, RFC 7636 §4.2.
pub fn challenge(verifier: &str) -> String {
    base64url::encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// Whether what an authorization request brought can be verified later: SMART App Launch 2.2
/// takes S256 only, and a request without a method means `plain` (RFC 7636 §4.3).
///
/// # Errors
/// `pkce-method`, `pkce-challenge`.
pub fn check_challenge(method: Option<&str>, challenge: &str) -> Result<(), Refused> {
    if method != Some("S256") {
        return Err(Refused::Method);
    }
    if challenge.len() != 43 || base64url::decode(challenge).is_none() {
        return Err(Refused::Challenge);
    }
    Ok(())
}

/// Whether the verifier is the one whose challenge asked for the code (RFC 7636 §4.6).
///
/// # Errors
/// `pkce-form`, `pkce-verifier`.
pub fn verify(expected_challenge: &str, verifier: &str) -> Result<(), Refused> {
    // RFC 7636 §4.1: 43 to 128 unreserved characters.
    if !(43..=128).contains(&verifier.len())
        || !verifier
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    {
        return Err(Refused::Form);
    }
    if equal(
        challenge(verifier).as_bytes(),
        expected_challenge.as_bytes(),
    ) {
        Ok(())
    } else {
        Err(Refused::Verifier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 Appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn appendix_b() {
        assert_eq!(challenge(VERIFIER), CHALLENGE);
        assert_eq!(check_challenge(Some("S256"), CHALLENGE), Ok(()));
        assert_eq!(verify(CHALLENGE, VERIFIER), Ok(()));
    }

    #[test]
    fn what_does_not_fit() {
        for method in [None, Some("plain"), Some("s256")] {
            assert_eq!(check_challenge(method, CHALLENGE), Err(Refused::Method));
        }
        for challenge in [
            "",
            &CHALLENGE[1..],
            &format!("{CHALLENGE}A"),
            &"+".repeat(43),
        ] {
            assert_eq!(
                check_challenge(Some("S256"), challenge),
                Err(Refused::Challenge)
            );
        }
        for verifier in [&VERIFIER[1..], &"a".repeat(129), &format!("{VERIFIER}=")] {
            assert_eq!(verify(CHALLENGE, verifier), Err(Refused::Form));
        }
        let other = super::verifier().unwrap();
        assert_eq!(verify(CHALLENGE, other.expose()), Err(Refused::Verifier));
        assert_eq!(verify(&challenge(other.expose()), other.expose()), Ok(()));
        // The plain method's challenge is the verifier itself.
        assert_eq!(verify(VERIFIER, VERIFIER), Err(Refused::Verifier));
    }
}
