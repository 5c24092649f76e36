//! The signature of a data set: over `manifest.json`, which has the hash of every other file, in
//! the format of minisign, so that whoever gets the set can check it without Kura.
//! <https://jedisct1.github.io/minisign/#signature-format>

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest};
use kura_model::{ContentHash, Error, Result};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::Serialize;

/// Beside the manifest.
pub const FILE: &str = "manifest.json.minisig";

/// Of a public key.
const KEY: [u8; 2] = *b"Ed";
/// Of a signature over the BLAKE2b-512 of the file.
const PREHASHED: [u8; 2] = *b"ED";

const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";

/// What a set is signed with; it stays in the bank's identity zone.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// What a signature is checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: [u8; 8],
    key: [u8; 32],
}

impl SigningKey {
    pub fn new(seed: &[u8; 32]) -> Result<Self> {
        let broken = || Error::internal("the key that data sets are signed with is damaged");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| broken())?;
        let key: [u8; 32] = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| broken())?;
        // minisign draws it by lot; it only tells keys apart.
        let mut id = [0; 8];
        id.copy_from_slice(&ContentHash::of(&key).0[..8]);
        let public = PublicKey { id, key };
        Ok(Self { pair, public })
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// `comment` is signed too; one line.
    pub fn sign(&self, bytes: &[u8], comment: &str) -> String {
        let comment = comment.replace(['\r', '\n'], " ");
        let signature = self.pair.sign(&Blake2b512::digest(bytes));
        let mut first = [PREHASHED.as_slice(), &self.public.id].concat();
        first.extend(signature.as_ref());
        let second = [signature.as_ref(), comment.as_bytes()].concat();
        let second = self.pair.sign(&second);
        format!(
            "{UNTRUSTED}signature of a data set, by Kura\n{}\n{TRUSTED}{comment}\n{}\n",
            STANDARD.encode(first),
            STANDARD.encode(second.as_ref())
        )
    }
}

impl fmt::Display for PublicKey {
    /// The line that `minisign -P` takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [KEY.as_slice(), &self.id, &self.key].concat();
        f.write_str(&STANDARD.encode(bytes))
    }
}

impl FromStr for PublicKey {
    type Err = Error;

    /// The line, or the two lines of a file of minisign.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(
                "that is no public key of minisign: a line of 56 letters that begins with RW",
            )
        };
        let line = text
            .lines()
            .map(str::trim)
            .rfind(|line| !line.is_empty())
            .ok_or_else(wrong)?;
        let bytes = STANDARD.decode(line).map_err(|_| wrong())?;
        let bytes: [u8; 42] = bytes.try_into().map_err(|_| wrong())?;
        if bytes[..2] != KEY {
            return Err(wrong());
        }
        let mut out = Self {
            id: [0; 8],
            key: [0; 32],
        };
        out.id.copy_from_slice(&bytes[2..10]);
        out.key.copy_from_slice(&bytes[10..]);
        Ok(out)
    }
}

/// Whether a data set was signed with a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "comment")]
pub enum Signed {
    /// With this key; what was signed beside the manifest.
    Good(String),
    /// There is no signature.
    Unsigned,
    /// With another key: the set is of another bank, or somebody signed it anew.
    OtherKey,
    /// The manifest or its signature was changed.
    Wrong,
}

/// Whether the manifest of a folder was signed with a key.
pub fn check(folder: &Path, key: &PublicKey) -> Result<Signed> {
    let read = |name: &str| {
        let file = folder.join(name);
        match std::fs::read(&file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::invalid(format!("{}: {error}", file.display()))),
        }
    };
    let (Some(manifest), Some(signature)) = (read(crate::manifest::FILE)?, read(FILE)?) else {
        return Ok(Signed::Unsigned);
    };
    Ok(signed(&manifest, &signature, key))
}

fn signed(bytes: &[u8], signature: &[u8], key: &PublicKey) -> Signed {
    let Some((first, comment, second)) = std::str::from_utf8(signature).ok().and_then(parts) else {
        return Signed::Wrong;
    };
    let (head, signature) = first.split_at(10);
    if head[..2] != PREHASHED {
        return Signed::Wrong;
    }
    if head[2..] != key.id {
        return Signed::OtherKey;
    }
    let public = UnparsedPublicKey::new(&ED25519, key.key);
    let both = [signature, comment.as_bytes()].concat();
    let good = public.verify(&Blake2b512::digest(bytes), signature).is_ok()
        && public.verify(&both, &second).is_ok();
    if good {
        Signed::Good(comment.to_owned())
    } else {
        Signed::Wrong
    }
}

/// The kind, key and signature of the file; the trusted comment; the signature of both.
fn parts(text: &str) -> Option<([u8; 74], &str, [u8; 64])> {
    let mut lines = text.lines();
    lines.next()?.strip_prefix(UNTRUSTED)?;
    let first = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    let comment = lines.next()?.strip_prefix(TRUSTED)?;
    let second = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    Some((first, comment, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_seen() {
        let key = SigningKey::new(&[7; 32]).unwrap();
        let other = SigningKey::new(&[8; 32]).unwrap();
        let signature = key.sign(b"manifest", "kura data set first\nt=3");
        let look = |bytes: &[u8], signature: &str, key: &SigningKey| {
            signed(bytes, signature.as_bytes(), key.public())
        };
        assert_eq!(
            look(b"manifest", &signature, &key),
            Signed::Good("kura data set first t=3".to_owned())
        );
        assert_eq!(look(b"manifesT", &signature, &key), Signed::Wrong);
        assert_eq!(look(b"manifest", &signature, &other), Signed::OtherKey);
        // Another's signature under this key's name.
        let mut forged = other.public().clone();
        forged.id = key.public().id;
        assert_eq!(
            signed(b"manifest", signature.as_bytes(), &forged),
            Signed::Wrong
        );
        for changed in [
            signature.replace("t=3", "t=4"),
            signature.replace(TRUSTED, ""),
            signature.lines().take(3).collect::<Vec<_>>().join("\n"),
            String::new(),
        ] {
            assert_eq!(look(b"manifest", &changed, &key), Signed::Wrong);
        }
    }

    #[test]
    fn a_key_is_written_and_read() {
        let key = SigningKey::new(&[7; 32]).unwrap();
        let line = key.public().to_string();
        assert!(line.starts_with("RW") && line.len() == 56, "{line}");
        let file = format!("untrusted comment: a bank\n{line}\n");
        for text in [line.as_str(), file.as_str()] {
            assert_eq!(&text.parse::<PublicKey>().unwrap(), key.public());
        }
        for text in ["", "RW", "untrusted comment: a bank", &line[..50]] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
    }
}
