//! Proofs of who one is, and what wrong ones lead to.

use kura_model::{Assurance, Category, Error, RequestContext, Result};
use kura_store::AuditEntry;

use super::{Account, find, now_millis, password, save};
use crate::Bank;

/// Wrong proofs in a row before an account waits.
const FAILURES_ALLOWED: u32 = 10;
const LOCKED_MILLIS: i64 = 15 * 60 * 1000;

/// The context of someone whose name and password fit, in the account's first role.
///
/// # Errors
/// `Unauthenticated`, with the same words whether the name or the password is wrong, and whether
/// the account is disabled.
pub fn sign_in(bank: &Bank, name: &str, password: &str) -> Result<RequestContext> {
    let account = proven(bank, name, password)?;
    account
        .context(None, Assurance::OneFactor)
        .ok_or_else(wrong)
}

fn wrong() -> Error {
    Error::new(
        Category::Unauthenticated,
        "the name or the password is wrong",
    )
}

/// The account that the password is of.
pub(super) fn proven(bank: &Bank, name: &str, tried: &str) -> Result<Account> {
    let found = find(bank, name)?.filter(|account| !account.disabled);
    let (Some(account), true) = (found, tried.len() <= 1024) else {
        password::waste(tried.get(..64).unwrap_or_default());
        return Err(wrong());
    };
    if account.locked_until > now_millis() {
        return Err(locked());
    }
    let fits = match &account.password {
        Some(stored) => password::fits(tried, stored)?,
        None => {
            password::waste(tried);
            false
        }
    };
    settled(bank, name, fits)
}

fn locked() -> Error {
    Error::new(
        Category::Unauthenticated,
        "too many wrong passwords; wait a quarter of an hour",
    )
}

/// Counts a proof. Held alone, so that wrong ones that come together are all counted.
pub(super) fn settled(bank: &Bank, name: &str, fits: bool) -> Result<Account> {
    let _held = crate::bank::alone(&bank.identity, "accounts")?;
    let mut account = find(bank, name)?
        .filter(|account| !account.disabled)
        .ok_or_else(wrong)?;
    let now = now_millis();
    if account.locked_until > now {
        return Err(locked());
    }
    if fits {
        if account.failures > 0 {
            account.failures = 0;
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
