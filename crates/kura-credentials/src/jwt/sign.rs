//! Tokens of ours, and the keys that others verify them with.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Map, Value, json};

use super::jwks::Key;
use super::{Algorithm, Refused};
use crate::base64url;
use crate::secret::SecretBytes;

/// A private key of ours: Ed25519, ES256 or ES384. RSA is not signed with.
pub struct SigningKey {
    pair: Pair,
    algorithm: Algorithm,
    public: Key,
    kid: String,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl SigningKey {
    /// A new key as PKCS#8 (RFC 5958), to be kept sealed.
    ///
    /// # Errors
    /// `signing-key` for an algorithm of RSA, or where the system gives no random numbers.
    pub fn generate(algorithm: Algorithm) -> Result<SecretBytes, Refused> {
        let random = SystemRandom::new();
        let document = match ecdsa(algorithm) {
            Some(curve) => EcdsaKeyPair::generate_pkcs8(curve, &random),
            None if algorithm == Algorithm::EdDSA => Ed25519KeyPair::generate_pkcs8(&random),
            None => return Err(Refused::SigningKey),
        };
        let document = document.map_err(|_| Refused::SigningKey)?;
        Ok(SecretBytes::new(document.as_ref()))
    }

    /// One that was kept.
    ///
    /// # Errors
    /// `signing-key`.
    pub fn from_pkcs8(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, Refused> {
        let pair = match ecdsa(algorithm) {
            Some(curve) => EcdsaKeyPair::from_pkcs8(curve, pkcs8, &SystemRandom::new())
                .map(Pair::Ecdsa)
                .map_err(|_| Refused::SigningKey)?,
            // The public key is in there too (version 2), or is worked out (version 1).
            None if algorithm == Algorithm::EdDSA => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)
                    .map(Pair::Ed25519)
                    .map_err(|_| Refused::SigningKey)?
            }
            None => return Err(Refused::SigningKey),
        };
        Self::of(pair, algorithm)
    }

    /// An Ed25519 key made of 32 secret bytes (RFC 8032 §5.1.5), which a key of the bank's may
    /// have been derived to.
    ///
    /// # Errors
    /// `signing-key`.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, Refused> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Refused::SigningKey)?;
        Self::of(Pair::Ed25519(pair), Algorithm::EdDSA)
    }

    fn of(pair: Pair, algorithm: Algorithm) -> Result<Self, Refused> {
        let bytes = match &pair {
            Pair::Ed25519(pair) => pair.public_key().as_ref(),
            // SEC 1 §2.3.3: a four, then both coordinates.
            Pair::Ecdsa(pair) => pair.public_key().as_ref().get(1..).unwrap_or_default(),
        };
        let (x, y) = bytes.split_at(bytes.len() / 2);
        let (x, y) = (x.to_vec(), y.to_vec());
        let public = match algorithm {
            Algorithm::ES256 => Key::P256 { x, y },
            Algorithm::ES384 => Key::P384 { x, y },
            _ => Key::Ed25519 { x: bytes.to_vec() },
        };
        Ok(Self {
            pair,
            algorithm,
            kid: public.thumbprint(),
            public,
        })
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// A token with these claims. `typ` says what it is for (RFC 8725 §3.11), such as `JWT` or
    /// `at+jwt`.
    ///
    /// # Errors
    /// `signing` where the system gives no random numbers.
    pub fn sign(&self, typ: &str, claims: &Map<String, Value>) -> Result<String, Refused> {
        let header = json!({"alg": self.algorithm.name(), "typ": typ, "kid": self.kid});
        let payload = serde_json::to_vec(claims).map_err(|_| Refused::Signing)?;
        let mut token = format!(
            "{}.{}",
            base64url::encode(header.to_string()),
            base64url::encode(payload)
        );
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.sign(token.as_bytes()),
            Pair::Ecdsa(pair) => pair
                .sign(&SystemRandom::new(), token.as_bytes())
                .map_err(|_| Refused::Signing)?,
        };
        token.push('.');
        token.push_str(&base64url::encode(signature));
        Ok(token)
    }

    /// The public key as a JWK, RFC 7517 §4.
    pub fn public_jwk(&self) -> Value {
        let mut jwk = self.public.members();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm.name().into();
        jwk["kid"] = self.kid.as_str().into();
        jwk
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, {})", self.algorithm, self.kid)
    }
}

fn ecdsa(algorithm: Algorithm) -> Option<&'static EcdsaSigningAlgorithm> {
    match algorithm {
        Algorithm::ES256 => Some(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::ES384 => Some(&ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => None,
    }
}

/// The set that is published: today's key, and those whose tokens still run (RFC 7517 §5).
pub fn public_jwks<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Value {
    json!({
        "keys": keys.into_iter().map(SigningKey::public_jwk).collect::<Vec<_>>(),
    })
}
