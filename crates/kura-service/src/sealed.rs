//! What a link of ours carries sealed, because it may name a patient: where a page ended, and what
//! was asked for.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use kura_model::{Error, RecordKey, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Bank, kind};

const PAGE_KEY: &str = "page";

/// The key pages are sealed with.
fn page_key(bank: &Bank) -> Result<Key> {
    bank.secret(&RecordKey::new(kind::SERVER_KEY, PAGE_KEY))
        .map(Key::from)
}

/// `what` is the operation the page belongs to; no other opens it.
pub(crate) fn seal(bank: &Bank, what: &str, state: &impl Serialize) -> Result<String> {
    let cipher = ChaCha20Poly1305::new(&page_key(bank)?);
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    let text = serde_json::to_vec(state)
        .map_err(|error| Error::internal("a page cannot be written").because(error))?;
    let sealed = cipher
        .encrypt(
            &Nonce::from(nonce),
            Payload {
                msg: &text,
                aad: what.as_bytes(),
            },
        )
        .map_err(|_| Error::internal("a page cannot be sealed"))?;
    Ok(hex(&nonce) + &hex(&sealed))
}

pub(crate) fn open<T: DeserializeOwned>(bank: &Bank, what: &str, sealed: &str) -> Result<T> {
    let wrong = || Error::invalid("this page link is not one of ours");
    let bytes = unhex(sealed).ok_or_else(wrong)?;
    let (nonce, sealed) = bytes.split_at_checked(12).ok_or_else(wrong)?;
    let nonce = Nonce::try_from(nonce).map_err(|_| wrong())?;
    let text = ChaCha20Poly1305::new(&page_key(bank)?)
        .decrypt(
            &nonce,
            Payload {
                msg: sealed,
                aad: what.as_bytes(),
            },
        )
        .map_err(|_| wrong())?;
    serde_json::from_slice(&text).map_err(|_| wrong())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}
