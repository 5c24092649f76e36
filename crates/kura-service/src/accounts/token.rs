//! Tokens by which programs come in for a person: of one role and purpose, until a day.

use kura_model::{Assurance, Error, PurposeOfUse, RecordKey, RequestContext, Result, Role};
use kura_store::{AuditEntry, Predicate, Query, Write};
use serde::{Deserialize, Serialize};

use super::{commit, decode, find, id_of, now_millis, of_account, own, put, random_token};
use crate::{Bank, kind};

const BY_ACCOUNT: &str = "Token.account";
/// What a token begins with, so that one that was lost is known for what it is.
const MARK: &str = "kura_";
/// The longest a token is in force.
pub const DAYS_AT_MOST: u32 = 366;
/// Tokens of one account at most.
const AT_MOST: usize = 100;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    account: String,
    role: Role,
    purpose: PurposeOfUse,
    /// What it is for, in the words of whoever had it made.
    about: String,
    two_factors: bool,
    made: i64,
    expires: i64,
}

/// A token, for its owner to see: not what it is, only what it is for.
#[derive(Debug, Clone, Serialize)]
pub struct Token {
    /// Names it when it is to be revoked; no secret.
    pub id: String,
    pub about: String,
    pub role: Role,
    pub purpose: PurposeOfUse,
    /// Milliseconds since 1970.
    pub made: i64,
    pub expires: i64,
}

/// A token that was made. It is shown once.
#[derive(Debug)]
pub struct Issued {
    pub secret: String,
    pub token: Token,
}

/// Makes a token that acts as whoever asks, in the role and for the purpose they have now.
///
/// # Errors
/// `Invalid` without saying what it is for, or for longer than [`DAYS_AT_MOST`].
pub fn token_issue(
    bank: &Bank,
    context: &RequestContext,
    about: &str,
    days: u32,
) -> Result<Issued> {
    let account = own(bank, context)?;
    let about = about.trim();
    if !(3..=200).contains(&about.chars().count()) {
        return Err(Error::invalid(
            "say in 3 to 200 letters what the token is for",
        ));
    }
    if !(1..=DAYS_AT_MOST).contains(&days) {
        return Err(Error::invalid(format!(
            "a token is in force for 1 to {DAYS_AT_MOST} days"
        )));
    }
    if all(bank, &account.name)?.len() >= AT_MOST {
        return Err(Error::conflict(format!(
            "an account has at most {AT_MOST} tokens; revoke those that are not used"
        )));
    }
    let secret = format!("{MARK}{}", random_token()?);
    let now = now_millis();
    let kept = Kept {
        account: account.name.clone(),
        role: context.actor.role,
        purpose: context.purpose,
        about: about.to_owned(),
        two_factors: context.assurance == Assurance::TwoFactors,
        made: now,
        expires: now + i64::from(days) * 86_400_000,
    };
    let id = id_of(&secret);
    let audit = AuditEntry::new(context, "token_issue", &id[..16]);
    let key = RecordKey::new(kind::TOKEN, &id);
    put(
        bank,
        key,
        &kept,
        of_account(BY_ACCOUNT, &kept.account),
        vec![audit],
    )?;
    Ok(Issued {
        secret,
        token: shown(id, kept),
    })
}

fn shown(id: String, kept: Kept) -> Token {
    Token {
        id,
        about: kept.about,
        role: kept.role,
        purpose: kept.purpose,
        made: kept.made,
        expires: kept.expires,
    }
}

/// Who a token acts as, while it is in force, and the account is, and has the role.
pub fn token_context(bank: &Bank, secret: &str) -> Result<Option<RequestContext>> {
    if !secret.starts_with(MARK) {
        return Ok(None);
    }
    let key = RecordKey::new(kind::TOKEN, id_of(secret));
    let found = bank.identity.read(|reader| reader.current(&key))?;
    let Some(version) = found.filter(|version| !version.deleted) else {
        return Ok(None);
    };
    let kept: Kept = decode(&version.body)?;
    if kept.expires < now_millis() {
        return Ok(None);
    }
    let Some(account) = find(bank, &kept.account)?.filter(|account| !account.disabled) else {
        return Ok(None);
    };
    let assurance = if kept.two_factors {
        Assurance::TwoFactors
    } else {
        Assurance::OneFactor
    };
    Ok(account
        .context(Some(kept.role), assurance)
        .map(|context| RequestContext {
            purpose: kept.purpose,
            ..context
        }))
}

/// One's own tokens, the newest first, those that have run out among them.
pub fn tokens(bank: &Bank, context: &RequestContext) -> Result<Vec<Token>> {
    let mut found = all(bank, &own(bank, context)?.name)?;
    found.sort_by_key(|token| std::cmp::Reverse(token.made));
    Ok(found)
}

/// Revokes one of one's own tokens.
///
/// # Errors
/// `NotFound`, also for another's.
pub fn token_revoke(bank: &Bank, context: &RequestContext, id: &str) -> Result<()> {
    let own = all(bank, &own(bank, context)?.name)?;
    let token = own
        .iter()
        .find(|token| token.id == id)
        .ok_or_else(|| Error::not_found("you have no such token"))?;
    let audit = AuditEntry::new(context, "token_revoke", &token.id[..16]);
    commit(
        bank,
        vec![Write::Delete(RecordKey::new(kind::TOKEN, &token.id))],
        vec![audit],
    )
}

/// Revokes all tokens of an account.
pub(super) fn forget(bank: &Bank, name: &str) -> Result<()> {
    let gone = all(bank, name)?
        .into_iter()
        .map(|token| Write::Delete(RecordKey::new(kind::TOKEN, token.id)))
        .collect();
    commit(bank, gone, Vec::new())
}

fn all(bank: &Bank, name: &str) -> Result<Vec<Token>> {
    let query = Query::all(kind::TOKEN).and(Predicate::Token {
        param: BY_ACCOUNT.to_owned(),
        system: None,
        code: Some(name.to_owned()),
    });
    bank.identity.read(|reader| {
        let page = reader.search(&query, None, 1000)?;
        page.versions
            .into_iter()
            .map(|version| Ok(shown(version.key.id.clone(), decode(&version.body)?)))
            .collect()
    })
}
