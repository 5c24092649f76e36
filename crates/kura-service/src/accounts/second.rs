//! The second factor: a one-time password of an authenticator app, and recovery codes for whoever
//! has lost it.

use kura_credentials::recovery::{RecoveryCodes, redeem};
use kura_credentials::totp::{Secret, Step};
use kura_credentials::{SecretText, qr};
use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::AuditEntry;
use serde::{Deserialize, Serialize};

use super::{Account, now_millis, own, save, session, sign_in};
use crate::{Bank, kind};

/// What an account keeps of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Kept {
    totp: Option<Totp>,
    /// Shown to the person, and not confirmed by a first code yet.
    begun: Option<[u8; 32]>,
    /// Hashes of the codes that were not used.
    recovery: Vec<ContentHash>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Totp {
    salt: [u8; 32],
    /// The step of the last code: none is taken twice.
    last: u64,
}

impl Kept {
    pub(super) fn any(&self) -> bool {
        self.totp.is_some()
    }
}

/// What one has of it, for its owner to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactors {
    pub totp: bool,
    pub recovery_codes: usize,
    /// Whether the policy lets nobody do anything without.
    pub needed: bool,
}

/// What an authenticator app is told, once.
#[derive(Debug)]
pub struct Enrolment {
    /// As a QR code, SVG.
    pub picture: SecretText,
    /// For typing, Base32.
    pub secret: SecretText,
}

/// The secret of an account: it follows from a salt that is kept and from a key of the server that
/// lies sealed under the key file, so that a copy of the database makes no codes.
fn secret(bank: &Bank, name: &str, salt: &[u8; 32]) -> Result<Secret> {
    let key = bank.secret(&RecordKey::new(kind::SERVER_KEY, "second-factor"))?;
    let mut hasher = blake3::Hasher::new_keyed(&key);
    hasher.update(salt);
    hasher.update(name.as_bytes());
    Secret::from_bytes(&hasher.finalize().as_bytes()[..20])
        .map_err(|error| Error::internal("a secret cannot be made").because(error))
}

pub fn second_factors(bank: &Bank, context: &RequestContext) -> Result<SecondFactors> {
    let account = own(bank, context)?;
    Ok(SecondFactors {
        totp: account.second.totp.is_some(),
        recovery_codes: account.second.recovery.len(),
        needed: bank.second_factor_needed(),
    })
}

/// Begins an enrolment; it counts once a code was shown to fit ([`totp_confirm`]).
///
/// # Errors
/// `Unauthenticated` if the password is wrong; `Conflict` if there is one already.
pub fn totp_begin(bank: &Bank, context: &RequestContext, password: &str) -> Result<Enrolment> {
    sign_in::proven(bank, &context.actor.name, password)?;
    let _held = crate::bank::alone(&bank.identity, "accounts")?;
    let mut account = own(bank, context)?;
    if account.second.totp.is_some() {
        return Err(Error::conflict(
            "this account has an authenticator app; take it away first",
        ));
    }
    let mut salt = [0; 32];
    getrandom::fill(&mut salt)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    account.second.begun = Some(salt);
    let secret = secret(bank, &account.name, &salt)?;
    save(bank, &account, Vec::new())?;
    let failed = |error| Error::internal("a secret cannot be shown").because(error);
    let uri = secret
        .uri(&bank.config.hospital.name, &account.name)
        .map_err(|error| Error::internal("a secret cannot be shown").because(error))?;
    Ok(Enrolment {
        picture: qr::svg(uri.expose(), "QR").map_err(failed)?,
        secret: secret.base32(),
    })
}

/// Ends an enrolment with the first code of the app. Gives the recovery codes, which are shown
/// once; every other browser is signed out.
///
/// # Errors
/// `Invalid` if the code does not fit, or nothing was begun.
pub fn totp_confirm(bank: &Bank, context: &RequestContext, code: &str) -> Result<Vec<SecretText>> {
    let _held = crate::bank::alone(&bank.identity, "accounts")?;
    let mut account = own(bank, context)?;
    let Some(salt) = account.second.begun else {
        return Err(Error::invalid("begin with the QR code"));
    };
    let step = secret(bank, &account.name, &salt)?
        .verify(code, seconds(), None)
        .map_err(|error| Error::invalid(error.message()))?;
    let new = RecoveryCodes::generate()
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    account.second = Kept {
        totp: Some(Totp { salt, last: step.0 }),
        begun: None,
        recovery: new.hashes,
    };
    let audit = AuditEntry::new(context, "second_factor_add", &account.name);
    save(bank, &account, vec![audit])?;
    session::end_all(bank, &account.name)?;
    Ok(new.codes)
}

/// Takes the second factor away. Every browser is signed out.
///
/// # Errors
/// `Unauthenticated` if the password is wrong; `Invalid` if the code is.
pub fn totp_remove(
    bank: &Bank,
    context: &RequestContext,
    password: &str,
    code: &str,
) -> Result<()> {
    sign_in::proven(bank, &context.actor.name, password)?;
    sign_in::second(bank, &context.actor.name, code)?;
    let _held = crate::bank::alone(&bank.identity, "accounts")?;
    let mut account = own(bank, context)?;
    account.second = Kept::default();
    let audit = AuditEntry::new(context, "second_factor_remove", &account.name);
    save(bank, &account, vec![audit])?;
    session::end_all(bank, &account.name)
}

/// Whether this is a code of the account, of the app or of recovery; it is spent.
pub(super) fn spend(bank: &Bank, account: &mut Account, code: &str) -> Result<bool> {
    let Some(totp) = &mut account.second.totp else {
        return Ok(false);
    };
    let secret = secret(bank, &account.name, &totp.salt)?;
    if let Ok(step) = secret.verify(code, seconds(), Some(Step(totp.last))) {
        totp.last = step.0;
        return Ok(true);
    }
    let Some(place) = redeem(&account.second.recovery, code) else {
        return Ok(false);
    };
    account.second.recovery.remove(place);
    Ok(true)
}

fn seconds() -> u64 {
    (now_millis() / 1000).max(0) as u64
}
