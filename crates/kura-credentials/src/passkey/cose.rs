//! The public key of a credential: COSE_Key (RFC 9052 §7) of the three algorithms that are asked
//! for, and a signature verified with it.

use ring::signature;

use super::Refused;
use super::cbor::Reader;
use crate::base64url;

/// COSE algorithm identifiers, in the order they are preferred (WebAuthn level 3 §5.4,
/// `pubKeyCredParams`).
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256: older Windows machines have no other.
    Rs256,
}

impl Algorithm {
    /// Its number in the IANA registry of COSE algorithms.
    pub const fn identifier(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
        }
    }
}

/// RSA keys of 2048 to 8192 bits: what `ring` verifies.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

pub(crate) enum PublicKey<'a> {
    Es256 { x: &'a [u8; 32], y: &'a [u8; 32] },
    EdDsa { x: &'a [u8; 32] },
    Rs256 { n: &'a [u8], e: &'a [u8] },
}

/// Labels of RFC 9052 §7.1 and RFC 9053 §7.
const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const RSA_N: i64 = -1;
const RSA_E: i64 = -2;

impl<'a> PublicKey<'a> {
    /// Reads one key; what follows it is left to the reader.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Refused> {
        let entries = reader.map().map_err(|_| Refused::Key)?;
        let (mut kty, mut alg, mut crv) = (None, None, None);
        let (mut first, mut second, mut third) = (None, None, None);
        let mut seen = Vec::new();
        for _ in 0..entries {
            let label = reader.integer().map_err(|_| Refused::Key)?;
            // Two readers may take different ones of two equal labels.
            if seen.contains(&label) || seen.len() == 16 {
                return Err(Refused::Key);
            }
            seen.push(label);
            match label {
                KTY => kty = Some(reader.integer().map_err(|_| Refused::Key)?),
                ALG => alg = Some(reader.integer().map_err(|_| Refused::Key)?),
                // -1 is a curve's number, or the modulus of RSA.
                -1 if kty == Some(3) => {
                    first = Some(reader.bytes().map_err(|_| Refused::Key)?);
                }
                CRV => crv = Some(reader.integer().map_err(|_| Refused::Key)?),
                X => second = Some(reader.bytes().map_err(|_| Refused::Key)?),
                Y => third = Some(reader.bytes().map_err(|_| Refused::Key)?),
                _ => reader.skip().map_err(|_| Refused::Key)?,
            }
        }
        const { assert!(RSA_N == CRV && RSA_E == X) };
        let alg = alg.ok_or(Refused::Key)?;
        if !ALGORITHMS.iter().any(|known| known.identifier() == alg) {
            return Err(Refused::Algorithm);
        }
        // WebAuthn level 3 §5.8.5: ES256 is on P-256 (1), uncompressed; EdDSA is on Ed25519 (6).
        match (kty, alg, crv) {
            (Some(2), -7, Some(1)) => Ok(Self::Es256 {
                x: fixed(second)?,
                y: fixed(third)?,
            }),
            (Some(1), -8, Some(6)) => Ok(Self::EdDsa { x: fixed(second)? }),
            (Some(3), -257, None) => {
                let (n, e) = (first.ok_or(Refused::Key)?, second.ok_or(Refused::Key)?);
                if !MODULUS_BYTES.contains(&n.len()) || (n[0] < 0x80 && n.len() == 256) {
                    return Err(Refused::Key);
                }
                if n[0] == 0 || !(1..=8).contains(&e.len()) || e[0] == 0 {
                    return Err(Refused::Key);
                }
                Ok(Self::Rs256 { n, e })
            }
            _ => Err(Refused::Key),
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256 { .. } => Algorithm::Es256,
            Self::EdDsa { .. } => Algorithm::EdDsa,
            Self::Rs256 { .. } => Algorithm::Rs256,
        }
    }

    /// WebAuthn level 3 §6.5.5: the signature of ES256 is ASN.1, that of EdDSA is RFC 8032's, that
    /// of RS256 is RFC 8017's. The algorithm is the key's; no message names another.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let verified = match self {
            Self::Es256 { x, y } => {
                let mut point = [4; 65];
                point[1..33].copy_from_slice(*x);
                point[33..].copy_from_slice(*y);
                signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_ASN1, point)
                    .verify(message, signature)
            }
            Self::EdDsa { x } => {
                signature::UnparsedPublicKey::new(&signature::ED25519, x).verify(message, signature)
            }
            Self::Rs256 { n, e } => signature::RsaPublicKeyComponents { n, e }.verify(
                &signature::RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.map_err(|_| Refused::Signature)
    }
}

fn fixed(bytes: Option<&[u8]>) -> Result<&[u8; 32], Refused> {
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Refused::Key)
}

/// A key as it is kept: the bytes of its COSE_Key.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CoseKey(#[serde(with = "base64url::bytes")] pub(crate) Vec<u8>);

impl CoseKey {
    /// Which algorithm it signs with.
    ///
    /// # Errors
    /// `passkey-key`, `passkey-algorithm`: what was kept is damaged.
    pub fn algorithm(&self) -> Result<Algorithm, Refused> {
        self.public_key().map(|key| key.algorithm())
    }

    pub(crate) fn public_key(&self) -> Result<PublicKey<'_>, Refused> {
        let mut reader = Reader::new(&self.0);
        let key = PublicKey::read(&mut reader)?;
        if !reader.rest().is_empty() {
            return Err(Refused::Key);
        }
        Ok(key)
    }
}

impl std::fmt::Debug for CoseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.algorithm() {
            Ok(algorithm) => write!(f, "CoseKey({algorithm:?})"),
            Err(_) => f.write_str("CoseKey(damaged)"),
        }
    }
}
