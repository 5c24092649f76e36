//! Accounts and sign-in. Passwords are hashed with argon2id; a session is a random token of
//! which only the hash is kept.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use kura_model::{
    Actor, Category, ContentHash, Error, PurposeOfUse, RecordKey, RequestContext, Result, Role,
};
use kura_store::{AuditEntry, Commit, Put, Query, Write};
use serde::{Deserialize, Serialize};

use crate::access::{Action, authorize};
use crate::{Bank, kind};

/// Letters a password has at least.
pub const PASSWORD_LENGTH: usize = 13;
/// Wrong passwords in a row before an account waits.
const FAILURES_ALLOWED: u32 = 10;
const LOCKED_MILLIS: i64 = 15 * 60 * 1000;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Account {
    name: String,
    role: Role,
    password: String,
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    locked_until: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    account: String,
    /// Milliseconds since 1970.
    expires: i64,
}

/// Makes an account. The first one ends single-user mode.
pub fn user_add(
    bank: &Bank,
    context: &RequestContext,
    name: &str,
    role: Role,
    password: &str,
) -> Result<()> {
    authorize(bank, context, Action::ManageAccounts)?;
    if !Role::ALL.contains(&role) {
        return Err(Error::invalid("this is not a role of an account"));
    }
    if !(1..=64).contains(&name.len())
        || !name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.@".contains(letter))
    {
        return Err(Error::invalid(
            "an account's name is 1 to 64 letters, digits, '-', '_', '.' and '@'",
        ));
    }
    if password.chars().count() < PASSWORD_LENGTH {
        return Err(Error::invalid(format!(
            "a password has at least {PASSWORD_LENGTH} characters"
        )));
    }
    if find(bank, name)?.is_some() {
        return Err(Error::conflict(format!(
            "there is an account {name} already"
        )));
    }
    let password = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| Error::internal("the password cannot be hashed").because(error))?
        .to_string();
    let account = Account {
        name: name.to_owned(),
        role,
        password,
        failures: 0,
        locked_until: 0,
    };
    let audit = AuditEntry::new(context, "user_add", name).detail(role.as_str());
    save(bank, kind::ACCOUNT, name, &account, vec![audit])
}

/// The names and roles of all accounts.
pub fn users(bank: &Bank, context: &RequestContext) -> Result<Vec<(String, Role)>> {
    authorize(bank, context, Action::ManageAccounts)?;
    bank.identity
        .audit(AuditEntry::new(context, "user_list", ""));
    bank.identity.read(|reader| {
        let page = reader.search(&Query::all(kind::ACCOUNT), None, 10_000)?;
        page.versions
            .iter()
            .map(|version| {
                let account: Account = decode(&version.body)?;
                Ok((account.name, account.role))
            })
            .collect()
    })
}

/// How many accounts there are.
pub(crate) fn count(bank: &Bank) -> Result<u64> {
    bank.identity.read(|reader| {
        Ok(reader
            .tallies()?
            .iter()
            .find(|tally| tally.kind == kind::ACCOUNT)
            .map_or(0, |tally| tally.live))
    })
}

/// Whether anyone has an account: then everyone must sign in.
pub fn sign_in_needed(bank: &Bank) -> Result<bool> {
    Ok(count(bank)? > 0)
}

/// The context of someone whose name and password fit.
///
/// # Errors
/// `Unauthenticated`, with the same words whether the name or the password is wrong.
pub fn sign_in(bank: &Bank, name: &str, password: &str) -> Result<RequestContext> {
    let wrong = || {
        Error::new(
            Category::Unauthenticated,
            "the name or the password is wrong",
        )
    };
    let Some(mut account) = find(bank, name)? else {
        // Takes as long as a real one, so that names cannot be found by the clock.
        let _ = Argon2::default().hash_password(password.as_bytes());
        return Err(wrong());
    };
    let context = RequestContext::new(
        Actor {
            name: account.name.clone(),
            role: account.role,
        },
        PurposeOfUse::Treatment,
    );
    let now = now_millis();
    if account.locked_until > now {
        return Err(Error::new(
            Category::Unauthenticated,
            "too many wrong passwords; wait a quarter of an hour",
        ));
    }
    let stored = PasswordHash::new(&account.password)
        .map_err(|error| Error::internal("a stored password is damaged").because(error))?;
    if Argon2::default()
        .verify_password(password.as_bytes(), &stored)
        .is_err()
    {
        account.failures += 1;
        if account.failures >= FAILURES_ALLOWED {
            account.failures = 0;
            account.locked_until = now + LOCKED_MILLIS;
        }
        let audit = AuditEntry::new(&context, "sign_in", &account.name).outcome("refused");
        save(
            bank,
            kind::ACCOUNT,
            &account.name.clone(),
            &account,
            vec![audit],
        )?;
        return Err(wrong());
    }
    if account.failures > 0 {
        account.failures = 0;
        save(
            bank,
            kind::ACCOUNT,
            &account.name.clone(),
            &account,
            Vec::new(),
        )?;
    }
    Ok(context)
}

/// Opens a session; the returned token goes into the browser's cookie and nowhere else.
pub fn session_open(bank: &Bank, context: &RequestContext) -> Result<String> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    let token = ContentHash(random).to_hex();
    let session = Session {
        account: context.actor.name.clone(),
        expires: now_millis() + i64::from(bank.config.server.session_minutes) * 60_000,
    };
    let audit = AuditEntry::new(context, "sign_in", &context.actor.name);
    save(
        bank,
        kind::SESSION,
        &session_id(&token),
        &session,
        vec![audit],
    )?;
    Ok(token)
}

/// Who holds this token, if the session still runs.
pub fn session_context(bank: &Bank, token: &str) -> Result<Option<RequestContext>> {
    let key = RecordKey::new(kind::SESSION, session_id(token));
    let Some(version) = bank.identity.read(|reader| reader.current(&key))? else {
        return Ok(None);
    };
    if version.deleted {
        return Ok(None);
    }
    let session: Session = decode(&version.body)?;
    if session.expires < now_millis() {
        return Ok(None);
    }
    Ok(find(bank, &session.account)?.map(|account| {
        RequestContext::new(
            Actor {
                name: account.name,
                role: account.role,
            },
            PurposeOfUse::Treatment,
        )
    }))
}

pub fn session_close(bank: &Bank, context: &RequestContext, token: &str) -> Result<()> {
    bank.identity
        .commit(Commit {
            writes: vec![Write::Delete(RecordKey::new(
                kind::SESSION,
                session_id(token),
            ))],
            audit: vec![AuditEntry::new(context, "sign_out", &context.actor.name)],
            ..Commit::default()
        })
        .map(drop)
}

fn session_id(token: &str) -> String {
    ContentHash::of(token.as_bytes()).to_hex()
}

fn find(bank: &Bank, name: &str) -> Result<Option<Account>> {
    let key = RecordKey::new(kind::ACCOUNT, name);
    match bank.identity.read(|reader| reader.current(&key))? {
        Some(version) if !version.deleted => decode(&version.body).map(Some),
        _ => Ok(None),
    }
}

fn save(
    bank: &Bank,
    kind: &str,
    id: &str,
    value: &impl Serialize,
    audit: Vec<AuditEntry>,
) -> Result<()> {
    let body = serde_json::to_vec(value)
        .map_err(|error| Error::internal("a record cannot be written").because(error))?;
    bank.identity
        .commit(Commit {
            writes: vec![Write::Put(Put::plain(RecordKey::new(kind, id), body))],
            audit,
            ..Commit::default()
        })
        .map(drop)
}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|error| Error::internal("a stored record is damaged").because(error))
}

pub(crate) fn now_millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
