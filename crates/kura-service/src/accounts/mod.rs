//! Accounts of people: names, roles, who they are in the records, and how they prove it. Kept in
//! the identity zone. [`sign_in`] checks proofs, [`session`] keeps browsers signed in, [`token`]
//! lets programs in.

mod second;
mod session;
mod sign_in;
mod token;

use kura_credentials::{Token as Random, password};
use kura_model::{
    Actor, Assurance, ContentHash, Error, IndexEntry, IndexValue, RecordKey, RequestContext,
    Result, Role, Standing,
};
use kura_store::{AuditEntry, Commit, Put, Query, Write};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::access::{Action, authorize};
use crate::{Bank, kind};

pub use second::{Enrolment, SecondFactors, second_factors, totp_begin, totp_confirm, totp_remove};
pub use session::{
    Browser, session_act_as, session_close, session_close_all, session_context, session_open,
    sessions,
};
pub use sign_in::{SignedIn, sign_in, sign_in_at_once, sign_in_second};
pub use token::{Issued, Token, token_context, token_issue, token_revoke, tokens};

/// Letters a password has at least.
pub const PASSWORD_LENGTH: usize = password::SHORTEST;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Account {
    name: String,
    /// The role of the first release, which had one.
    #[serde(default, skip_serializing)]
    role: Option<Role>,
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    standing: Whose,
    /// PHC string of argon2id; none, where others vouch for the person.
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    disabled: bool,
    /// Wrong proofs in a row.
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    locked_until: i64,
    #[serde(default)]
    second: second::Kept,
}

/// [`Standing`] as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Whose {
    practitioner: Option<String>,
    patient: Option<String>,
    acts_for: Vec<String>,
    organization: Option<String>,
}

impl From<&Standing> for Whose {
    fn from(standing: &Standing) -> Self {
        Self {
            practitioner: standing.practitioner.clone(),
            patient: standing.patient.clone(),
            acts_for: standing.acts_for.clone(),
            organization: standing.organization.clone(),
        }
    }
}

impl From<&Whose> for Standing {
    fn from(kept: &Whose) -> Self {
        Self {
            practitioner: kept.practitioner.clone(),
            patient: kept.patient.clone(),
            acts_for: kept.acts_for.clone(),
            organization: kept.organization.clone(),
        }
    }
}

impl Account {
    fn roles(&self) -> Vec<Role> {
        self.role.iter().chain(&self.roles).copied().collect()
    }

    /// The context of the person in one of their roles: the first, unless another is named.
    fn context(&self, role: Option<Role>, assurance: Assurance) -> Option<RequestContext> {
        let roles = self.roles();
        let role = match role {
            Some(role) => roles.contains(&role).then_some(role)?,
            None => *roles.first()?,
        };
        Some(RequestContext {
            actor: Actor {
                name: self.name.clone(),
                role,
            },
            purpose: role.purpose(),
            assurance,
            standing: Arc::new(Standing::from(&self.standing)),
        })
    }
}

/// An account as others see it.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    pub name: String,
    pub roles: Vec<Role>,
    #[serde(skip)]
    pub standing: Standing,
    pub disabled: bool,
    /// Until when nobody gets in after too many wrong proofs; milliseconds since 1970.
    pub locked_until: Option<i64>,
    pub second_factor: bool,
}

impl From<Account> for Person {
    fn from(account: Account) -> Self {
        Self {
            roles: account.roles(),
            standing: Standing::from(&account.standing),
            disabled: account.disabled,
            second_factor: account.second.any(),
            locked_until: (account.locked_until > now_millis()).then_some(account.locked_until),
            name: account.name,
        }
    }
}

/// Makes an account. The first one ends single-user mode.
pub fn user_add(
    bank: &Bank,
    context: &RequestContext,
    name: &str,
    roles: &[Role],
    standing: &Standing,
    password: &str,
) -> Result<()> {
    authorize(bank, context, Action::ManageAccounts)?;
    sound(roles)?;
    known(bank, standing)?;
    if !(1..=64).contains(&name.len())
        || !name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.@".contains(letter))
    {
        return Err(Error::invalid(
            "an account's name is 1 to 64 letters, digits, '-', '_', '.' and '@'",
        ));
    }
    let hash = hashed(name, password)?;
    let _held = crate::bank::alone(&bank.identity, "accounts")?;
    if find(bank, name)?.is_some() {
        return Err(Error::conflict(format!(
            "there is an account {name} already"
        )));
    }
    let account = Account {
        name: name.to_owned(),
        role: None,
        roles: roles.to_vec(),
        standing: Whose::from(standing),
        password: Some(hash),
        disabled: false,
        failures: 0,
        locked_until: 0,
        second: second::Kept::default(),
    };
    let audit = AuditEntry::new(context, "user_add", name).detail(names(roles));
    save(bank, &account, vec![audit])
}

fn sound(roles: &[Role]) -> Result<()> {
    let twice = |role| roles.iter().filter(|other| *other == role).count() > 1;
    if roles.is_empty()
        || roles
            .iter()
            .any(|role| !Role::ALL.contains(role) || twice(role))
    {
        return Err(Error::invalid(
            "an account has a role, or several, each once",
        ));
    }
    Ok(())
}

fn names(roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    names.join(" ")
}

fn hashed(name: &str, chosen: &str) -> Result<String> {
    password::check(chosen, name).map_err(|refused| Error::invalid(refused.message()))?;
    password::hash(chosen)
        .map(|hash| hash.expose().to_owned())
        .map_err(|refused| Error::internal("the password cannot be hashed").because(refused))
}

/// All accounts, by name.
pub fn users(bank: &Bank, context: &RequestContext) -> Result<Vec<Person>> {
    authorize(bank, context, Action::ManageAccounts)?;
    bank.identity
        .audit(AuditEntry::new(context, "user_list", ""));
    people(bank)
}

fn people(bank: &Bank) -> Result<Vec<Person>> {
    let mut people: Vec<Person> = bank.identity.read(|reader| {
        let page = reader.search(&Query::all(kind::ACCOUNT), None, 10_000)?;
        page.versions
            .iter()
            .map(|version| decode::<Account>(&version.body).map(Person::from))
            .collect::<Result<_>>()
    })?;
    people.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(people)
}

/// What an administrator changes of an account; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    pub roles: Option<Vec<Role>>,
    pub standing: Option<Standing>,
    pub disabled: Option<bool>,
    /// Lets somebody in again before the quarter of an hour is over.
    pub unlock: bool,
    /// Takes the second factor away: of somebody who has lost it, and the recovery codes.
    pub reset_second_factor: bool,
    pub password: Option<String>,
}

/// Changes an account. Whoever is signed in with it is signed out, unless it was only unlocked.
///
/// # Errors
/// `NotFound`; `Invalid` without a role, or with a record that is not in the bank; `Conflict` if
/// nobody would be left who may keep accounts.
pub fn user_change(
    bank: &Bank,
    context: &RequestContext,
    name: &str,
    change: &Change,
) -> Result<()> {
    authorize(bank, context, Action::ManageAccounts)?;
    if let Some(standing) = &change.standing {
        known(bank, standing)?;
    }
    let hash = change
        .password
        .as_deref()
        .map(|password| hashed(name, password))
        .transpose()?;
    let _held = crate::bank::alone(&bank.identity, "accounts")?;
    let mut account =
        find(bank, name)?.ok_or_else(|| Error::not_found(format!("there is no account {name}")))?;
    let mut what = Vec::new();
    if let Some(roles) = &change.roles {
        sound(roles)?;
        account.role = None;
        account.roles.clone_from(roles);
        what.push(format!("roles {}", names(roles)));
    }
    if let Some(standing) = &change.standing {
        account.standing = Whose::from(standing);
        what.push("standing".to_owned());
    }
    if let Some(disabled) = change.disabled {
        account.disabled = disabled;
        what.push(if disabled { "disabled" } else { "enabled" }.to_owned());
    }
    if let Some(hash) = hash {
        account.password = Some(hash);
        what.push("password".to_owned());
    }
    if change.reset_second_factor {
        account.second = second::Kept::default();
        what.push("second factor reset".to_owned());
    }
    let out = !what.is_empty();
    if change.unlock {
        account.failures = 0;
        account.locked_until = 0;
        what.push("unlocked".to_owned());
    }
    let keeps = |person: &Person| !person.disabled && person.roles.contains(&Role::Administrator);
    if change.roles.is_some() || change.disabled.is_some() {
        let before = people(bank)?;
        let after = Person::from(account.clone());
        let others = before
            .iter()
            .any(|person| person.name != name && keeps(person));
        let was = before
            .iter()
            .any(|person| person.name == name && keeps(person));
        if was && !others && !keeps(&after) {
            return Err(Error::conflict(
                "this is the last account that may keep accounts; make another administrator first",
            ));
        }
    }
    let audit = AuditEntry::new(context, "user_change", name).detail(what.join(", "));
    save(bank, &account, vec![audit])?;
    if out {
        session::end_all(bank, name)?;
    }
    Ok(())
}

/// The records a person is linked with must be there: a spelling mistake would be another's.
fn known(bank: &Bank, standing: &Standing) -> Result<()> {
    let patients = standing.patient.iter().chain(&standing.acts_for);
    let keys = patients
        .map(|id| RecordKey::new("Patient", id))
        .chain(
            standing
                .practitioner
                .iter()
                .map(|id| RecordKey::new("Practitioner", id)),
        )
        .chain(
            standing
                .organization
                .iter()
                .map(|id| RecordKey::new("Organization", id)),
        );
    for key in keys {
        let found = bank.clinical.read(|reader| reader.current(&key))?;
        if found.is_none_or(|version| version.deleted) {
            return Err(Error::invalid(format!("{key} is not in this bank")));
        }
    }
    Ok(())
}

/// Changes one's own password. Every other browser is signed out.
///
/// # Errors
/// `Unauthenticated` if the present one is wrong; `Invalid` if the new one is too weak.
pub fn password_change(
    bank: &Bank,
    context: &RequestContext,
    present: &str,
    new: &str,
) -> Result<()> {
    let name = &context.actor.name;
    sign_in::proven(bank, name, present)?;
    if present == new {
        return Err(Error::invalid("the new password is the present one"));
    }
    let hash = hashed(name, new)?;
    let _held = crate::bank::alone(&bank.identity, "accounts")?;
    let mut account = own(bank, context)?;
    account.password = Some(hash);
    let audit = AuditEntry::new(context, "password_change", name);
    save(bank, &account, vec![audit])?;
    session::end_all(bank, name)
}

/// The account of whoever asks.
fn own(bank: &Bank, context: &RequestContext) -> Result<Account> {
    find(bank, &context.actor.name)?
        .filter(|account| !account.disabled)
        .ok_or_else(|| Error::forbidden("this is only for whoever has an account"))
}

/// The roles one has, for choosing in which to act.
pub fn own_roles(bank: &Bank, context: &RequestContext) -> Result<Vec<Role>> {
    Ok(own(bank, context)?.roles())
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

/// A number that changes whenever an account, a session or a token does, also by another process:
/// what was found out about a caller before is to be found out again.
pub fn generation(bank: &Bank) -> Result<u64> {
    bank.identity.read(|reader| {
        let mut sum = 0;
        for kind in [kind::ACCOUNT, kind::SESSION, kind::TOKEN] {
            sum += reader.versions_of(kind)?;
        }
        Ok(sum)
    })
}

/// The same as far as this process knows; costs nothing.
pub fn generation_here(bank: &Bank) -> u64 {
    bank.people.load(Ordering::Acquire)
}

/// The version of an account, for whoever remembers that its password was right.
pub fn account_version(bank: &Bank, name: &str) -> Result<Option<u64>> {
    let key = RecordKey::new(kind::ACCOUNT, name);
    let found = bank.identity.read(|reader| reader.current(&key))?;
    Ok(found
        .filter(|version| !version.deleted)
        .map(|version| version.version))
}

fn find(bank: &Bank, name: &str) -> Result<Option<Account>> {
    let key = RecordKey::new(kind::ACCOUNT, name);
    match bank.identity.read(|reader| reader.current(&key))? {
        Some(version) if !version.deleted => decode(&version.body).map(Some),
        _ => Ok(None),
    }
}

fn save(bank: &Bank, account: &Account, audit: Vec<AuditEntry>) -> Result<()> {
    let key = RecordKey::new(kind::ACCOUNT, &account.name);
    put(bank, key, account, Vec::new(), audit)
}

/// Writes a record of the identity zone; from then on callers are looked up anew.
fn put(
    bank: &Bank,
    key: RecordKey,
    value: &impl Serialize,
    index: Vec<IndexEntry>,
    audit: Vec<AuditEntry>,
) -> Result<()> {
    let body = serde_json::to_vec(value)
        .map_err(|error| Error::internal("a record cannot be written").because(error))?;
    commit(
        bank,
        vec![Write::Put(Put {
            index,
            ..Put::plain(key, body)
        })],
        audit,
    )
}

fn commit(bank: &Bank, writes: Vec<Write>, audit: Vec<AuditEntry>) -> Result<()> {
    let done = bank.identity.commit(Commit {
        writes,
        audit,
        ..Commit::default()
    });
    bank.people.fetch_add(1, Ordering::AcqRel);
    done.map(drop)
}

/// By which records of an account are found.
fn of_account(param: &'static str, name: &str) -> Vec<IndexEntry> {
    vec![IndexEntry {
        param,
        value: IndexValue::Token {
            system: None,
            code: name.to_owned(),
        },
    }]
}

/// The record of a secret that only its holder knows: nobody who reads the store can use it.
fn id_of(secret: &str) -> String {
    ContentHash::of(secret.as_bytes()).to_hex()
}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|error| Error::internal("a stored record is damaged").because(error))
}

pub(crate) fn now_millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// 256 bits that nobody guesses, in letters that a cookie and a header take.
fn random_token() -> Result<String> {
    Random::generate()
        .map(|token| token.expose().to_owned())
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))
}
