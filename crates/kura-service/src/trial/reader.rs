//! Readers: a code, their group of experience, and, with accounts, whose code it is.

use std::collections::BTreeMap;

use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result, Role};
use kura_store::{AuditEntry, Commit, Put, Write};
use kura_trial::Condition;

use super::record::{self, ReaderRecord, Trial, as_reader, damaged};
use super::{seal, turn};
use crate::access::{Action, authorize};
use crate::{Bank, kind};

/// Letters a reader's code may have.
const CODE_AT_MOST: usize = 16;
/// Letters the name of a group of experience may have.
const EXPERIENCE_AT_MOST: usize = 40;

/// Reader's code → account, of one trial. In the identity zone only.
type Bindings = BTreeMap<String, String>;

fn bindings_key(trial: ContentHash) -> RecordKey {
    RecordKey::new(kind::TRIAL_READERS, trial.to_hex())
}

fn bindings(bank: &Bank, trial: ContentHash) -> Result<Bindings> {
    let found = bank
        .identity
        .read(|reader| reader.current(&bindings_key(trial)))?;
    match found {
        Some(version) => serde_json::from_slice(&version.body)
            .map_err(|error| damaged("a stored list of readers").because(error)),
        None => Ok(Bindings::new()),
    }
}

/// The code under which whoever asks reads, if they have an account and began.
pub(super) fn own(
    bank: &Bank,
    context: &RequestContext,
    trial: ContentHash,
) -> Result<Option<String>> {
    if context.actor.role == Role::SingleUser {
        return Ok(None);
    }
    Ok(bindings(bank, trial)?
        .into_iter()
        .find(|(_, account)| *account == context.actor.name)
        .map(|(code, _)| code))
}

/// Whether whoever asks reads under this code.
pub(super) fn check(
    bank: &Bank,
    context: &RequestContext,
    trial: ContentHash,
    reader: &str,
) -> Result<ReaderRecord> {
    if context.actor.role != Role::SingleUser
        && own(bank, context, trial)?.as_deref() != Some(reader)
    {
        return Err(Error::forbidden("this reader's code is not yours"));
    }
    known(bank, trial, reader)?
        .ok_or_else(|| Error::conflict("nobody has begun under this reader's code"))
}

fn known(bank: &Bank, trial: ContentHash, reader: &str) -> Result<Option<ReaderRecord>> {
    let key = record::reader_key(trial, reader);
    bank.research
        .read(|store| store.current(&key))?
        .map(|version| {
            serde_json::from_slice(&version.body)
                .map_err(|error| damaged("a stored reader").because(error))
        })
        .transpose()
}

/// Begins to read under a code, and gives the sealed address of the seat. The first use of a code
/// binds it to the account that used it, and the account to the code; nobody else reads under it.
///
/// `experience` is the group the report counts the reader to (specialist, resident …).
///
/// # Errors
/// A code that is none, that is an account's name, or that another account reads under; an
/// account that reads under another code; a code that is known with another experience; a trial
/// that cannot be read in this condition (`Conflict`, says from when).
pub fn begin(
    bank: &Bank,
    context: &RequestContext,
    trial: ContentHash,
    reader: &str,
    experience: &str,
    condition: Condition,
) -> Result<String> {
    authorize(bank, context, Action::Read)?;
    let experience = experience.trim();
    check_words(bank, reader, experience)?;
    let writing = bank.writing()?;
    let opened = Trial::open(bank, trial)?;
    // Who fixed it has seen the truth.
    if context.actor.role != Role::SingleUser
        && opened.value["by"]
            .as_str()
            .is_some_and(|by| by.strip_prefix("cli:").unwrap_or(by) == context.actor.name)
    {
        return Err(Error::forbidden(
            "whoever fixed a trial knows the truth of its cases, and does not read in it",
        ));
    }
    let past = record::readings_by(bank, trial, reader)?;
    // A condition that is wrong leaves no reader behind.
    turn::opening(&opened, &past, condition, turn::today()?)?.refused()?;
    bind(bank, context, trial, reader)?;
    let audit = AuditEntry::new(
        &as_reader(context, reader),
        "trial_begin",
        record::key(trial).to_string(),
    );
    match known(bank, trial, reader)? {
        Some(before) if before.experience != experience => {
            return Err(Error::conflict(
                "this reader's code is in use with another experience; continue it from the list, or take another code",
            ));
        }
        Some(_) => bank.research.audit(audit),
        None => {
            let body = serde_json::to_vec(&ReaderRecord {
                trial,
                reader: reader.to_owned(),
                experience: experience.to_owned(),
                since: turn::now(),
            })
            .map_err(|error| Error::internal("a reader cannot be written").because(error))?;
            record::write(
                bank,
                record::reader_key(trial, reader),
                body,
                record::reader_index(trial),
                Vec::new(),
                Vec::new(),
                audit,
            )?;
        }
    }
    drop(writing);
    seal::seal(bank, trial, reader, condition)
}

/// Goes on under a code that has begun; gives the sealed address of the seat.
pub fn resume(
    bank: &Bank,
    context: &RequestContext,
    trial: ContentHash,
    reader: &str,
    condition: Condition,
) -> Result<String> {
    authorize(bank, context, Action::Read)?;
    let opened = Trial::open(bank, trial)?;
    check(bank, context, trial, reader)?;
    let past = record::readings_by(bank, trial, reader)?;
    bank.research.audit(AuditEntry::new(
        &as_reader(context, reader),
        "trial_resume",
        record::key(trial).to_string(),
    ));
    turn::opening(&opened, &past, condition, turn::today()?)?.refused()?;
    seal::seal(bank, trial, reader, condition)
}

fn check_words(bank: &Bank, reader: &str, experience: &str) -> Result<()> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if !(1..=CODE_AT_MOST).contains(&reader.len()) || !reader.chars().all(plain) {
        return Err(Error::invalid(
            "a reader's code is 1 to 16 letters, digits, '-' and '_', such as R1",
        ));
    }
    let account = RecordKey::new(kind::ACCOUNT, reader);
    if bank
        .identity
        .read(|store| store.current(&account))?
        .is_some()
    {
        return Err(Error::invalid(
            "this is the name of an account; a reader's code names nobody",
        ));
    }
    if experience.is_empty()
        || experience.chars().count() > EXPERIENCE_AT_MOST
        || experience.chars().any(char::is_control)
    {
        return Err(Error::invalid(
            "an experience is 1 to 40 letters, such as specialist",
        ));
    }
    Ok(())
}

/// Under [`Bank::writing`].
fn bind(bank: &Bank, context: &RequestContext, trial: ContentHash, reader: &str) -> Result<()> {
    if context.actor.role == Role::SingleUser {
        return Ok(());
    }
    let mut all = bindings(bank, trial)?;
    let name = &context.actor.name;
    match all.get(reader) {
        Some(account) if account == name => return Ok(()),
        Some(_) => return Err(Error::forbidden("somebody else reads under this code")),
        None => {}
    }
    if all.values().any(|account| account == name) {
        return Err(Error::conflict(
            "you read under another code in this trial; nobody reads twice",
        ));
    }
    all.insert(reader.to_owned(), name.clone());
    let body = serde_json::to_vec(&all)
        .map_err(|error| Error::internal("a reader cannot be written").because(error))?;
    let key = bindings_key(trial);
    let audit = AuditEntry::new(context, "trial_begin", key.to_string());
    bank.identity
        .commit(Commit {
            writes: vec![Write::Put(Put::plain(key, body))],
            audit: vec![audit],
            ..Commit::default()
        })
        .map(drop)
}
