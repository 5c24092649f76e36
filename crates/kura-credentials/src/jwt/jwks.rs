//! JWK sets, RFC 7517 with the keys of RFC 7518 §6 and RFC 8037 §2, and the thumbprint that is a
//! key's id (RFC 7638).

use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::{Algorithm, Refused};
use crate::{base64url, json};

/// Bytes of a set at most: a hundred RSA keys of 4096 bits with no certificate.
pub const JWKS_BYTES: usize = 128 * 1024;
const KEYS: usize = 100;
/// Bytes of a key's id; the longest seen are the 43 of a thumbprint and the 44 of base64.
const KID_BYTES: usize = 256;

/// The keys that an issuer or a client signs with.
#[derive(Debug, Clone, Default)]
pub struct Jwks {
    keys: Vec<Jwk>,
    left_out: Vec<Refused>,
}

#[derive(Debug, Clone)]
pub(super) struct Jwk {
    pub(super) kid: Option<String>,
    /// What the key says it is for; a token of another algorithm is refused.
    pub(super) algorithm: Option<Algorithm>,
    pub(super) key: Key,
}

/// A public key. Numbers are big-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256 { x: Vec<u8>, y: Vec<u8> },
    P384 { x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
}

impl Jwks {
    /// Reads a set. Keys for encryption, of unknown types and weak ones are left out
    /// ([`Jwks::left_out`]), as RFC 7517 §5 asks; a token signed with one is refused as
    /// `kid-unknown`.
    ///
    /// # Errors
    /// `jwks-length`, `jwks-syntax`, `jwks-duplicate-kid`, `jwk-private`: the set as a whole is not
    /// to be trusted.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        if bytes.len() > JWKS_BYTES {
            return Err(Refused::JwksLength);
        }
        let set = json::object(bytes).ok_or(Refused::JwksSyntax)?;
        let keys = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(Refused::JwksSyntax)?;
        if keys.len() > KEYS {
            return Err(Refused::JwksLength);
        }
        let mut read = Self::default();
        for key in keys {
            let key = key.as_object().ok_or(Refused::JwksSyntax)?;
            match Jwk::read(key) {
                Ok(key) => {
                    // One id, one key: else the order of the set would decide.
                    if key.kid.is_some() && read.keys.iter().any(|known| known.kid == key.kid) {
                        return Err(Refused::JwksDuplicate);
                    }
                    read.keys.push(key);
                }
                Err(Refused::JwkPrivate) => return Err(Refused::JwkPrivate),
                Err(why) => read.left_out.push(why),
            }
        }
        Ok(read)
    }

    /// How many keys can be verified with.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Why keys were left out, in the order of the set: for who registers a client.
    pub fn left_out(&self) -> &[Refused] {
        &self.left_out
    }

    /// The key of a token. Without an id, it is the only one that fits (OpenID Connect Core §10.1:
    /// with several, an id must be there).
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<&Key, Refused> {
        let fits = |key: &&Jwk| {
            algorithm.fits(&key.key) && key.algorithm.is_none_or(|own| own == algorithm)
        };
        let Some(kid) = kid else {
            let mut fitting = self.keys.iter().filter(fits);
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Ok(&key.key),
                (None, _) => Err(Refused::KidUnknown),
                _ => Err(Refused::KidMissing),
            };
        };
        let key = self
            .keys
            .iter()
            .find(|key| key.kid.as_deref() == Some(kid))
            .ok_or(Refused::KidUnknown)?;
        if !fits(&key) {
            return Err(Refused::KeyAlgorithm);
        }
        Ok(&key.key)
    }
}

impl Jwk {
    fn read(members: &Map<String, Value>) -> Result<Self, Refused> {
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(Refused::JwkForm),
        };
        let kty = text("kty")?.ok_or(Refused::JwkForm)?;
        // RFC 7518 §6.2.2, §6.3.2, §6.4: who publishes these has lost the key.
        if kty == "oct" || members.contains_key("d") || members.contains_key("k") {
            return Err(Refused::JwkPrivate);
        }
        // RFC 7517 §4.2, §4.3.
        if text("use")?.is_some_and(|usage| usage != "sig") {
            return Err(Refused::JwkUse);
        }
        if let Some(operations) = members.get("key_ops") {
            let operations = operations.as_array().ok_or(Refused::JwkForm)?;
            if !operations.iter().any(|operation| operation == "verify") {
                return Err(Refused::JwkUse);
            }
        }
        let bytes = |name: &str| {
            text(name)?
                .and_then(base64url::decode)
                .ok_or(Refused::JwkForm)
        };
        // RFC 7518 §6.2.1.2: coordinates have their full length.
        let coordinate = |name: &str, length: usize| {
            bytes(name).and_then(|bytes| {
                (bytes.len() == length)
                    .then_some(bytes)
                    .ok_or(Refused::JwkForm)
            })
        };
        let key = match (kty, text("crv")?) {
            ("RSA", _) => rsa(&bytes("n")?, &bytes("e")?)?,
            ("EC", Some("P-256")) => Key::P256 {
                x: coordinate("x", 32)?,
                y: coordinate("y", 32)?,
            },
            ("EC", Some("P-384")) => Key::P384 {
                x: coordinate("x", 48)?,
                y: coordinate("y", 48)?,
            },
            ("OKP", Some("Ed25519")) => Key::Ed25519 {
                x: coordinate("x", 32)?,
            },
            _ => return Err(Refused::JwkType),
        };
        let algorithm = match text("alg")? {
            None => None,
            Some(name) => {
                let algorithm = Algorithm::from_name(name).ok_or(Refused::JwkAlgorithm)?;
                if !algorithm.fits(&key) {
                    return Err(Refused::JwkAlgorithm);
                }
                Some(algorithm)
            }
        };
        let kid = text("kid")?;
        if kid.is_some_and(|kid| kid.is_empty() || kid.len() > KID_BYTES) {
            return Err(Refused::JwkForm);
        }
        Ok(Self {
            kid: kid.map(str::to_owned),
            algorithm,
            key,
        })
    }
}

/// RFC 7518 §3.3: 2048 bits or more; NIST SP 800-56B §6.2: an odd exponent above 2^16.
fn rsa(n: &[u8], e: &[u8]) -> Result<Key, Refused> {
    // RFC 7518 §6.3.1.1: some write a zero in front.
    let trimmed = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number[zeros..].to_vec()
    };
    let (n, e) = (trimmed(n), trimmed(e));
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let odd = e.last().is_some_and(|byte| byte & 1 == 1);
    // ring takes exponents of 33 bits at most.
    if !(2048..=8192).contains(&bits) || !odd || !(3..=4).contains(&e.len()) {
        return Err(Refused::JwkWeak);
    }
    Ok(Key::Rsa { n, e })
}

impl Key {
    /// The required members, in the order of their names: RFC 7638 §3.2, RFC 8037 §2.
    pub(super) fn members(&self) -> Value {
        let text = |bytes: &[u8]| base64url::encode(bytes);
        match self {
            Self::Rsa { n, e } => json!({"e": text(e), "kty": "RSA", "n": text(n)}),
            Self::P256 { x, y } => {
                json!({"crv": "P-256", "kty": "EC", "x": text(x), "y": text(y)})
            }
            Self::P384 { x, y } => {
                json!({"crv": "P-384", "kty": "EC", "x": text(x), "y": text(y)})
            }
            Self::Ed25519 { x } => json!({"crv": "Ed25519", "kty": "OKP", "x": text(x)}),
        }
    }

    /// RFC 7638 §3 with SHA-256. `serde_json` keeps the order of `members` and writes no spaces.
    pub(super) fn thumbprint(&self) -> String {
        let canonical = self.members().to_string();
        base64url::encode(digest(&SHA256, canonical.as_bytes()))
    }
}

/// The thumbprint of a public key in JSON, RFC 7638.
///
/// # Errors
/// What keeps the key from being used.
pub fn thumbprint(jwk: &[u8]) -> Result<String, Refused> {
    if jwk.len() > JWKS_BYTES {
        return Err(Refused::JwksLength);
    }
    let members = json::object(jwk).ok_or(Refused::JwkForm)?;
    Ok(Jwk::read(&members)?.key.thumbprint())
}
