//! Signed-in browsers. A session is a random token of which only the hash is kept; a new one with
//! every change of what it may do, so that a token that was known before is worth nothing after.

use kura_model::{Assurance, Error, RecordKey, RequestContext, Result, Role};
use kura_store::{AuditEntry, Predicate, Query, Write};
use serde::{Deserialize, Serialize};

use super::{commit, decode, find, id_of, now_millis, of_account, put, random_token};
use crate::{Bank, kind};

const BY_ACCOUNT: &str = "Session.account";

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    account: String,
    /// The role that is acted in; the account's first, of sessions of earlier releases.
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    two_factors: bool,
    #[serde(default)]
    opened: i64,
    /// When it was last used, within [`SEEN_EVERY`].
    #[serde(default)]
    seen: i64,
    /// Milliseconds since 1970.
    expires: i64,
}

/// How often the use of a session is written down.
const SEEN_EVERY: i64 = 5 * 60_000;

/// Opens a session; the returned token goes into the browser's cookie and nowhere else.
pub fn session_open(bank: &Bank, context: &RequestContext) -> Result<String> {
    let audit = AuditEntry::new(context, "sign_in", &context.actor.name);
    open(bank, context, None, audit)
}

/// Goes on in another role, under a new token.
///
/// # Errors
/// `Forbidden` if the account does not have the role.
pub fn session_act_as(
    bank: &Bank,
    context: &RequestContext,
    token: &str,
    role: Role,
) -> Result<String> {
    let account = super::own(bank, context)?;
    let context = account
        .context(Some(role), context.assurance)
        .ok_or_else(|| Error::forbidden(format!("this account does not have the role {role}")))?;
    let audit = AuditEntry::new(&context, "act_as", &context.actor.name).detail(role.as_str());
    open(bank, &context, Some(token), audit)
}

fn open(
    bank: &Bank,
    context: &RequestContext,
    instead_of: Option<&str>,
    audit: AuditEntry,
) -> Result<String> {
    let token = random_token()?;
    let now = now_millis();
    let until = match instead_of.map(|old| load(bank, old)).transpose()?.flatten() {
        // Changing the role is no way to stay signed in for ever.
        Some(session) => session.expires,
        None => now + i64::from(bank.config.server.session_minutes) * 60_000,
    };
    let session = Session {
        account: context.actor.name.clone(),
        role: Some(context.actor.role),
        two_factors: context.assurance == Assurance::TwoFactors,
        opened: now,
        seen: now,
        expires: until,
    };
    put(
        bank,
        key(&token),
        &session,
        of_account(BY_ACCOUNT, &session.account),
        vec![audit],
    )?;
    if let Some(old) = instead_of {
        commit(bank, vec![Write::Delete(key(old))], Vec::new())?;
    }
    Ok(token)
}

fn key(token: &str) -> RecordKey {
    RecordKey::new(kind::SESSION, id_of(token))
}

fn load(bank: &Bank, token: &str) -> Result<Option<Session>> {
    let found = bank.identity.read(|reader| reader.current(&key(token)))?;
    found
        .filter(|version| !version.deleted)
        .map(|version| decode(&version.body))
        .transpose()
}

/// Who holds this token, if the session still runs: not past its end, used lately, of an account
/// that is in force and still has the role.
pub fn session_context(bank: &Bank, token: &str) -> Result<Option<RequestContext>> {
    let Some(mut session) = load(bank, token)? else {
        return Ok(None);
    };
    let now = now_millis();
    let idle = i64::from(bank.config.server.idle_minutes) * 60_000;
    if session.expires < now || (session.seen > 0 && session.seen + idle + SEEN_EVERY < now) {
        return Ok(None);
    }
    let Some(account) = find(bank, &session.account)?.filter(|account| !account.disabled) else {
        return Ok(None);
    };
    let assurance = if session.two_factors {
        Assurance::TwoFactors
    } else {
        Assurance::OneFactor
    };
    let context = account.context(session.role, assurance);
    if context.is_some() && session.seen + SEEN_EVERY.min(idle / 2) < now {
        session.seen = now;
        let index = of_account(BY_ACCOUNT, &session.account);
        put(bank, key(token), &session, index, Vec::new())?;
    }
    Ok(context)
}

/// Signs a browser out.
pub fn session_close(bank: &Bank, context: &RequestContext, token: &str) -> Result<()> {
    commit(
        bank,
        vec![Write::Delete(key(token))],
        vec![AuditEntry::new(context, "sign_out", &context.actor.name)],
    )
}

/// A browser that is signed in, for its owner to see.
#[derive(Debug, Clone)]
pub struct Browser {
    pub role: Option<Role>,
    pub two_factors: bool,
    /// Milliseconds since 1970.
    pub opened: i64,
    pub seen: i64,
    /// The one that asks.
    pub this: bool,
}

/// One's own signed-in browsers, the newest first.
pub fn sessions(bank: &Bank, context: &RequestContext, token: &str) -> Result<Vec<Browser>> {
    let mut found = Vec::new();
    for (record, session) in all(bank, &context.actor.name)? {
        if session.expires >= now_millis() {
            found.push(Browser {
                role: session.role,
                two_factors: session.two_factors,
                opened: session.opened,
                seen: session.seen,
                this: record == key(token),
            });
        }
    }
    found.sort_by_key(|browser| std::cmp::Reverse(browser.opened));
    Ok(found)
}

/// Signs out every browser of one's own.
pub fn session_close_all(bank: &Bank, context: &RequestContext) -> Result<()> {
    forget(bank, &context.actor.name)?;
    bank.identity
        .audit(AuditEntry::new(context, "sign_out", &context.actor.name).detail("all browsers"));
    Ok(())
}

/// Ends all that an account is signed in by: sessions, and tokens, which may rest on a proof that
/// is not good any more.
pub(super) fn end_all(bank: &Bank, name: &str) -> Result<()> {
    forget(bank, name)?;
    super::token::forget(bank, name)
}

/// Ends all sessions of an account.
pub(super) fn forget(bank: &Bank, name: &str) -> Result<()> {
    let gone: Vec<Write> = all(bank, name)?
        .into_iter()
        .map(|(key, _)| Write::Delete(key))
        .collect();
    commit(bank, gone, Vec::new())
}

fn all(bank: &Bank, name: &str) -> Result<Vec<(RecordKey, Session)>> {
    let query = Query::all(kind::SESSION).and(Predicate::Token {
        param: BY_ACCOUNT.to_owned(),
        system: None,
        code: Some(name.to_owned()),
    });
    bank.identity.read(|reader| {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = reader.search(&query, after.as_ref(), 1000)?;
            for version in page.versions {
                found.push((version.key.clone(), decode(&version.body)?));
            }
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    })
}
