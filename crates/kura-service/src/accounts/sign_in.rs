//! Proofs of who one is, and what wrong ones lead to.

use kura_credentials::password;
use kura_model::{Assurance, Category, Error, RequestContext, Result};
use kura_store::AuditEntry;
use serde::{Deserialize, Serialize};

use super::{Account, find, now_millis, save, second};
use crate::{Bank, sealed};

/// Wrong proofs in a row before an account waits.
const FAILURES_ALLOWED: u32 = 10;
const LOCKED_MILLIS: i64 = 15 * 60 * 1000;
/// How long the second proof may come after the first.
const SECOND_WITHIN: i64 = 5 * 60 * 1000;

/// What a name and a password that fit lead to.
#[derive(Debug)]
pub enum SignedIn {
    /// In, in the account's first role.
    Whole(RequestContext),
    /// A second proof is asked for; this goes with it ([`sign_in_second`]).
    Half(String),
}

/// That a password was right, sealed, for whoever brings the second proof.
#[derive(Serialize, Deserialize)]
struct Half {
    account: String,
    until: i64,
}

const HALF: &str = "sign-in";

/// Looks at a name and a password.
///
/// # Errors
/// `Unauthenticated`, with the same words whether the name or the password is wrong, and whether
/// the account is disabled.
pub fn sign_in(bank: &Bank, name: &str, password: &str) -> Result<SignedIn> {
    let account = proven(bank, name, password)?;
    if account.second.any() {
        let half = Half {
            account: account.name,
            until: now_millis() + SECOND_WITHIN,
        };
        return sealed::seal(bank, HALF, &half).map(SignedIn::Half);
    }
    account
        .context(None, Assurance::OneFactor)
        .map(SignedIn::Whole)
        .ok_or_else(wrong)
}

/// The second proof: a code of the authenticator app, or of recovery.
///
/// # Errors
/// `Unauthenticated`.
pub fn sign_in_second(bank: &Bank, half: &str, code: &str) -> Result<RequestContext> {
    let half: Half = sealed::open(bank, HALF, half).map_err(|_| late())?;
    if half.until < now_millis() {
        return Err(late());
    }
    second(bank, &half.account, code)?
        .context(None, Assurance::TwoFactors)
        .ok_or_else(wrong)
}

/// Name and password for a program that has nobody to ask for more.
///
/// # Errors
/// `Unauthenticated`, also of an account with a second factor.
pub fn sign_in_at_once(bank: &Bank, name: &str, password: &str) -> Result<RequestContext> {
    match sign_in(bank, name, password)? {
        SignedIn::Whole(context) => Ok(context),
        SignedIn::Half(_) => Err(Error::new(
            Category::Unauthenticated,
            "this account has a second factor; a program uses a token of it",
        )),
    }
}

fn wrong() -> Error {
    Error::new(
        Category::Unauthenticated,
        "the name or the password is wrong",
    )
}

fn late() -> Error {
    Error::new(
        Category::Unauthenticated,
        "the code came too late; begin again with the password",
    )
}

fn locked() -> Error {
    Error::new(
        Category::Unauthenticated,
        "too many wrong passwords; wait a quarter of an hour",
    )
}

/// The account that the password is of.
pub(super) fn proven(bank: &Bank, name: &str, tried: &str) -> Result<Account> {
    let found = find(bank, name)?.filter(|account| !account.disabled);
    let stored = found.as_ref().and_then(|account| account.password.clone());
    let (Some(account), Some(stored)) = (found, stored) else {
        // As long as for a real one, so that names cannot be found by the clock.
        password::verify_nobody(tried);
        return Err(wrong());
    };
    if account.locked_until > now_millis() {
        password::verify_nobody(tried);
        return Err(locked());
    }
    let verified = password::verify(&stored, tried);
    let anew = match &verified {
        Ok(verified) if verified.needs_rehash => password::hash(tried).ok(),
        _ => None,
    };
    settled(bank, name, false, |account| {
        // Changed meanwhile: what was right is not any more.
        if account.password.as_ref() != Some(&stored) {
            return Ok(false);
        }
        if let Some(anew) = &anew {
            account.password = Some(anew.expose().to_owned());
        }
        Ok(verified.is_ok())
    })
}

/// The account that the code is of; the code is spent.
pub(super) fn second(bank: &Bank, name: &str, code: &str) -> Result<Account> {
    settled(bank, name, true, |account| {
        second::spend(bank, account, code)
    })
    .map_err(|error| match error.category {
        Category::Unauthenticated if error.message() != locked().message() => Error::new(
            Category::Unauthenticated,
            "the code is wrong, or was used before",
        ),
        _ => error,
    })
}

/// Looks at a proof and counts it. Held alone, so that wrong ones that come together are all
/// counted and none is taken twice.
fn settled(
    bank: &Bank,
    name: &str,
    of_second: bool,
    proof: impl FnOnce(&mut Account) -> Result<bool>,
) -> Result<Account> {
    let _held = crate::bank::alone(&bank.identity, "accounts")?;
    let mut account = find(bank, name)?
        .filter(|account| !account.disabled)
        .ok_or_else(wrong)?;
    let before = serde_json::to_vec(&account).ok();
    let now = now_millis();
    if account.locked_until > now {
        return Err(locked());
    }
    if proof(&mut account)? {
        // Half of a proof forgives no wrong codes: else codes could be guessed for ever.
        if of_second || !account.second.any() {
            account.failures = 0;
        }
        if serde_json::to_vec(&account).ok() != before {
            save(bank, &account, Vec::new())?;
        }
        return Ok(account);
    }
    account.failures += 1;
    let mut detail = "";
    if account.failures >= FAILURES_ALLOWED {
        account.failures = 0;
        account.locked_until = now + LOCKED_MILLIS;
        detail = "locked";
    }
    let audit = account
        .context(None, Assurance::OneFactor)
        .map(|context| {
            AuditEntry::new(&context, "sign_in", &account.name)
                .outcome("refused")
                .detail(detail)
        })
        .into_iter()
        .collect();
    save(bank, &account, audit)?;
    Err(wrong())
}
