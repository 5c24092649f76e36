//! Whose data set it is: the bank signs every manifest with a key of its own.

use kura_dataset::Manifest;
use kura_dataset::signature::{PublicKey, SigningKey};
use kura_model::{ContentHash, RecordKey, RequestContext, Result};

use crate::access::{Action, authorize};
use crate::{Bank, kind};

fn name() -> RecordKey {
    RecordKey::new(kind::SERVER_KEY, "data-sets")
}

fn key(bank: &Bank) -> Result<SigningKey> {
    SigningKey::new(&bank.secret(&name())?)
}

/// The same as [`public_key`], if the bank ever signed one.
pub fn known_key(bank: &Bank) -> Result<Option<PublicKey>> {
    let secret = bank.stored_secret(&name())?;
    let key = secret.map(|secret| SigningKey::new(&secret)).transpose()?;
    Ok(key.map(|key| key.public().clone()))
}

/// What the bank's data sets are checked with: published, so that whoever gets a set knows it.
pub fn public_key(bank: &Bank, context: &RequestContext) -> Result<PublicKey> {
    authorize(bank, context, Action::BuildDataSet)?;
    Ok(key(bank)?.public().clone())
}

/// The signature file of a manifest. It says nothing of when: the same set has the same bytes.
pub(super) fn sign(
    bank: &Bank,
    manifest: &Manifest,
    text: &[u8],
    hash: ContentHash,
) -> Result<Vec<u8>> {
    let comment = format!(
        "kura data set {}, project {}, t = {}, BLAKE3 {}",
        manifest.spec.name,
        manifest.spec.project,
        manifest.t,
        hash.to_hex()
    );
    Ok(key(bank)?.sign(text, &comment).into_bytes())
}
