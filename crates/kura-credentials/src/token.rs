//! What a client hands back: session tokens, codes, `state` and `nonce`.

use std::fmt;

use kura_model::ContentHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::secret::{NoRandomness, SecretText, random};
use crate::{base64url, secret};

/// 256 random bits as 43 letters that need no escape in a URL, a header or a cookie. More than the
/// 122 bits SMART App Launch asks of `state`, the 128 RFC 6749 §10.10 asks of codes and tokens,
/// and the 64 ASVS 4.0.3 V3.2.2 asks of session tokens.
#[derive(Clone)]
pub struct Token(SecretText);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, NoRandomness> {
        let bytes: Zeroizing<[u8; 32]> = random()?;
        Ok(Self(SecretText::new(base64url::encode(*bytes))))
    }

    /// For the client, and nobody else.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What the bank keeps in its place. 256 random bits need no salt and no slow hash (NIST
    /// SP 800-63B §5.1.2.2 asks for those below 112 bits).
    pub fn hash(&self) -> ContentHash {
        Self::hash_of(self.expose())
    }

    /// The hash of a token that someone brings, to look it up by: how long the look-up takes tells
    /// of hashes, which nobody can choose.
    pub fn hash_of(brought: &str) -> ContentHash {
        ContentHash::of(brought.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Whether two texts are the same, in a time that tells of their lengths only.
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Letters of Crockford's base 32: none that is read as another.
pub(crate) const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `letters` random ones of them, 5 bits each.
pub(crate) fn letters(letters: usize) -> Result<Zeroizing<String>, NoRandomness> {
    let mut text = Zeroizing::new(String::with_capacity(letters));
    while text.len() < letters {
        let bytes = secret::random::<32>()?;
        for byte in bytes.iter().take(letters - text.len()) {
            text.push(char::from(LETTERS[usize::from(byte & 31)]));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_256_bits_and_shows_none() {
        let token = Token::generate().unwrap();
        assert_eq!(base64url::decode(token.expose()).unwrap().len(), 32);
        assert_ne!(token.expose(), Token::generate().unwrap().expose());
        assert_eq!(format!("{token:?}"), "Token(..)");
        assert_eq!(token.hash(), Token::hash_of(token.expose()));
        assert!(equal(token.expose().as_bytes(), token.expose().as_bytes()));
        assert!(!equal(token.expose().as_bytes(), b""));
    }
}
