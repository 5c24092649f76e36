//! The signature algorithms of RFC 7518 §3.1 and RFC 8037 that are accepted.

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

use super::Refused;
use super::jwks::Key;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    /// Ed25519; Ed448 is not used here.
    EdDSA,
}

impl Algorithm {
    pub const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// What SMART clients sign with (SMART App Launch 2.2, asymmetric client authentication).
    pub const SMART: [Self; 2] = [Self::RS384, Self::ES384];

    /// The value of `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// By its name, which is case-sensitive (RFC 7515 §4.1.1). `None` for `none`, for shared
    /// secrets and for what is unknown.
    pub fn from_name(name: &str) -> Option<Self> {
        // RFC 9864 §2.2 gives the algorithm of the one curve a name of its own.
        if name == "Ed25519" {
            return Some(Self::EdDSA);
        }
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Whether a signature may be judged with the key: RFC 8725 §3.1, the key says what it is for,
    /// not the token.
    pub(super) fn fits(self, key: &Key) -> bool {
        match key {
            Key::Rsa { .. } => self.rsa().is_some(),
            Key::P256 { .. } => self == Self::ES256,
            Key::P384 { .. } => self == Self::ES384,
            Key::Ed25519 { .. } => self == Self::EdDSA,
        }
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        match self {
            Self::RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
            Self::RS384 => Some(&RSA_PKCS1_2048_8192_SHA384),
            Self::RS512 => Some(&RSA_PKCS1_2048_8192_SHA512),
            Self::PS256 => Some(&RSA_PSS_2048_8192_SHA256),
            Self::PS384 => Some(&RSA_PSS_2048_8192_SHA384),
            Self::PS512 => Some(&RSA_PSS_2048_8192_SHA512),
            Self::ES256 | Self::ES384 | Self::EdDSA => None,
        }
    }

    pub(super) fn verify(self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), Refused> {
        let point = |algorithm: &'static dyn VerificationAlgorithm, point: &[u8]| {
            UnparsedPublicKey::new(algorithm, point).verify(message, signature)
        };
        let verified = match (key, self.rsa()) {
            (Key::Rsa { n, e }, Some(parameters)) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            // RFC 7518 §3.4: the two numbers side by side, not ASN.1.
            (Key::P256 { x, y }, None) if self == Self::ES256 => {
                point(&ECDSA_P256_SHA256_FIXED, &uncompressed(x, y))
            }
            (Key::P384 { x, y }, None) if self == Self::ES384 => {
                point(&ECDSA_P384_SHA384_FIXED, &uncompressed(x, y))
            }
            (Key::Ed25519 { x }, None) if self == Self::EdDSA => point(&ED25519, x),
            _ => return Err(Refused::KeyAlgorithm),
        };
        verified.map_err(|_| Refused::Signature)
    }
}

/// SEC 1 §2.3.3.
fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}
