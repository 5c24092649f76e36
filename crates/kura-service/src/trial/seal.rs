//! Who reads in which condition, in an address that tells nobody.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit, Nonce};
use kura_model::{ContentHash, Error, RecordKey, Result};
use kura_trial::Condition;

use crate::{Bank, kind};

const KEY: &str = "trial-seat";

fn cipher(bank: &Bank) -> Result<ChaCha20Poly1305> {
    let secret = bank.secret(&RecordKey::new(kind::SERVER_KEY, KEY))?;
    Ok(ChaCha20Poly1305::new(&Key::from(secret)))
}

/// Good for this trial only. The same seat always has the same address, so that a page that was
/// loaded again is the same page: the nonce is a keyed hash of what is sealed (RFC 8452 section 1
/// calls this a synthetic initialisation vector).
pub(super) fn seal(
    bank: &Bank,
    trial: ContentHash,
    reader: &str,
    condition: Condition,
) -> Result<String> {
    let secret = bank.secret(&RecordKey::new(kind::SERVER_KEY, KEY))?;
    let text = format!("{} {reader}", condition.as_str());
    let mut hasher = blake3::Hasher::new_derive_key("kura 2026 nonce of a trial's seat");
    hasher.update(&secret);
    hasher.update(&trial.0);
    hasher.update(text.as_bytes());
    let mut nonce = [0; 12];
    nonce.copy_from_slice(&hasher.finalize().as_bytes()[..12]);
    let payload = Payload {
        msg: text.as_bytes(),
        aad: &trial.0,
    };
    let sealed = cipher(bank)?
        .encrypt(&Nonce::from(nonce), payload)
        .map_err(|_| Error::internal("an address cannot be sealed"))?;
    Ok(nonce
        .iter()
        .chain(&sealed)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// Reader and condition of a sealed address.
///
/// # Errors
/// `NotFound` for anything we did not seal for this trial.
pub(super) fn open(bank: &Bank, trial: ContentHash, sealed: &str) -> Result<(String, Condition)> {
    let strange = || Error::not_found("this address is not one of ours; begin from the trial");
    let bytes = unhex(sealed).ok_or_else(strange)?;
    let (nonce, sealed) = bytes.split_at_checked(12).ok_or_else(strange)?;
    let nonce = Nonce::try_from(nonce).map_err(|_| strange())?;
    let payload = Payload {
        msg: sealed,
        aad: &trial.0,
    };
    let text = cipher(bank)?
        .decrypt(&nonce, payload)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(strange)?;
    let (condition, reader) = text.split_once(' ').ok_or_else(strange)?;
    Ok((reader.to_owned(), condition.parse()?))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 1024 || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}
