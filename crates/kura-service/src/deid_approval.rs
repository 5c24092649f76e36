//! What a board decided about a policy for a project: no data set is built under one of the bank's own,
//! and no text leaves under any, until it was approved for that project, as it is now.

use kura_deid::policy::Policy;
use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Put, Query, Write};
use serde::{Deserialize, Serialize};

use crate::access::{Action, authorize};
use crate::accounts::now_millis;
use crate::{Bank, deid_policy, kind};

/// Letters of a name or reason at most.
const LETTERS: usize = 500;
/// Read at a time.
const PAGE: u32 = 200;

/// What a board decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The board, by its name.
    pub board: String,
    /// Where the decision is written: the number of the minutes or of the notice.
    pub reference: String,
    /// The day, `2026-11-23`.
    pub date: String,
    /// Whether texts may leave, cleaned.
    #[serde(default)]
    pub texts: bool,
}

/// The approval of a policy for one project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Approval {
    pub policy: String,
    pub version: String,
    /// BLAKE3 of the policy's text and of those it extends: another text is not approved.
    pub hash: ContentHash,
    pub project: String,
    pub decision: Decision,
    /// Who entered it, and when.
    pub who: String,
    pub at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Withdrawal {
    pub why: String,
    pub who: String,
    pub at: String,
}

fn key(policy: &Policy, project: &str) -> RecordKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&policy.hash).update(project.as_bytes());
    let id = ContentHash(*hasher.finalize().as_bytes()).to_hex();
    RecordKey::new(kind::POLICY_APPROVAL, id)
}

/// A policy about which there is something to decide.
fn open(bank: &Bank, name: &str, texts: bool) -> Result<Policy> {
    let policy = deid_policy::named(bank, name)?;
    if texts && !policy.lets_texts() {
        return Err(Error::invalid(format!(
            "no rule of {name} lets a text leave"
        )));
    }
    if policy.extends.is_none() && !texts {
        return Err(Error::invalid(format!(
            "{name} comes with the bank; a board approves the bank's own policies, and of any policy that texts leave under it (--texts)"
        )));
    }
    Ok(policy)
}

fn words(name: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LETTERS || text.contains(char::is_control) {
        return Err(Error::invalid(format!(
            "{name}: 1 to {LETTERS} letters in one line"
        )));
    }
    Ok(text.to_owned())
}

/// Enters what a board decided about a policy, as it is now, for a project.
pub fn approve(
    bank: &Bank,
    context: &RequestContext,
    (policy, project): (&str, &str),
    decision: &Decision,
) -> Result<Approval> {
    authorize(bank, context, Action::ApprovePolicy)?;
    let policy = open(bank, policy, decision.texts)?;
    let now = now_millis();
    let decision = Decision {
        board: words("board", &decision.board)?,
        reference: words("reference", &decision.reference)?,
        date: decision.date.clone(),
        texts: decision.texts,
    };
    let day = kura_fhir::date::range(&decision.date).filter(|_| decision.date.len() == 10);
    // In seconds, of the day as it is in Japan.
    let (first, _) = day.ok_or_else(|| Error::invalid("date: a day, as 2026-11-23"))?;
    if first * 1000 > now {
        return Err(Error::invalid("date: a day that has come"));
    }
    let approval = Approval {
        policy: policy.id.clone(),
        version: policy.version.clone(),
        hash: ContentHash(policy.hash),
        project: words("project", project)?,
        decision,
        who: context.actor.name.clone(),
        at: kura_fhir::date::instant(now),
        withdrawn: None,
    };
    let key = key(&policy, &approval.project);
    let _writing = bank.writing()?;
    // A later decision may let texts leave besides.
    let decided = |known: &Approval| {
        known.withdrawn.is_none() && (known.decision.texts || !approval.decision.texts)
    };
    if let Some(known) = read(bank, &key)?.filter(decided) {
        return Err(Error::conflict(format!(
            "{} is approved for the project already: {} of {}",
            policy.id, known.decision.reference, known.decision.date
        )));
    }
    write(bank, context, key, &approval, "policy_approve")?;
    Ok(approval)
}

/// Takes an approval back: from now on no set is built by it. Those that were built stay.
pub fn withdraw(
    bank: &Bank,
    context: &RequestContext,
    (policy, project): (&str, &str),
    why: &str,
) -> Result<Vec<Approval>> {
    authorize(bank, context, Action::ApprovePolicy)?;
    let why = words("why", why)?;
    let _writing = bank.writing()?;
    // Also of texts that the policy had before.
    let mut taken: Vec<(RecordKey, Approval)> = read_all(bank)?
        .into_iter()
        .filter(|(_, one)| {
            one.policy == policy && one.project == project && one.withdrawn.is_none()
        })
        .collect();
    if taken.is_empty() {
        return Err(Error::not_found(format!(
            "the policy {policy} is not approved for the project {project}"
        )));
    }
    for (key, approval) in &mut taken {
        approval.withdrawn = Some(Withdrawal {
            why: why.clone(),
            who: context.actor.name.clone(),
            at: kura_fhir::date::instant(now_millis()),
        });
        write(bank, context, key.clone(), approval, "policy_withdraw")?;
    }
    Ok(taken.into_iter().map(|(_, approval)| approval).collect())
}

/// The approval by which a data set of a project may be built under a policy, and texts may leave if they
/// are asked for; for the rest none is needed under those that come with the bank.
pub(crate) fn required(
    bank: &Bank,
    policy: &Policy,
    project: &str,
    texts: bool,
) -> Result<Option<Approval>> {
    if policy.extends.is_none() && !texts {
        return Ok(None);
    }
    let id = &policy.id;
    let found = read(bank, &key(policy, project))?;
    match found.filter(|found| found.withdrawn.is_none()) {
        Some(found) if texts && !found.decision.texts => {
            return Err(Error::conflict(format!(
                "the specification asks for texts; the policy {id} is approved for the project {project} without them ({} of {}): \
                 kura deid approve {id} --project {project} --texts …",
                found.decision.reference, found.decision.date
            )));
        }
        Some(found) => return Ok(Some(found)),
        None => {}
    }
    let before = all(bank)?.into_iter().rev().find(|one| {
        let other = one.hash != ContentHash(policy.hash) && one.withdrawn.is_none();
        other && one.policy == policy.id && one.project == project
    });
    let with = if texts { " --texts" } else { "" };
    Err(Error::conflict(match before {
        Some(before) => format!(
            "the policy {id} was changed since it was approved for the project {project} ({} of {}); \
             a board approves it as it is now: kura deid approve {id} --project {project}{with} …",
            before.decision.reference, before.decision.date
        ),
        None if texts => format!(
            "the specification asks for texts; no board approved that texts leave under the policy {id} for the project {project}: \
             kura deid approve {id} --project {project} --texts …"
        ),
        None => format!(
            "the policy {id} is not approved for the project {project}: kura deid approve {id} --project {project} …"
        ),
    }))
}

/// Every approval, by policy and project, earlier ones first.
pub fn all(bank: &Bank) -> Result<Vec<Approval>> {
    let mut out: Vec<Approval> = read_all(bank)?.into_iter().map(|(_, one)| one).collect();
    out.sort_by(|a, b| (&a.policy, &a.project, &a.at).cmp(&(&b.policy, &b.project, &b.at)));
    Ok(out)
}

/// Those by which sets may be built under a policy as it is now.
pub fn in_force(bank: &Bank, policy: &Policy) -> Result<Vec<Approval>> {
    let mut found = all(bank)?;
    found.retain(|one| one.hash == ContentHash(policy.hash) && one.withdrawn.is_none());
    Ok(found)
}

fn decode(body: &[u8]) -> Result<Approval> {
    serde_json::from_slice(body)
        .map_err(|error| Error::internal("a stored approval is damaged").because(error))
}

fn read(bank: &Bank, key: &RecordKey) -> Result<Option<Approval>> {
    let found = bank.clinical.read(|reader| reader.current(key))?;
    found.map(|version| decode(&version.body)).transpose()
}

fn read_all(bank: &Bank) -> Result<Vec<(RecordKey, Approval)>> {
    let mut out = Vec::new();
    let mut after = None;
    loop {
        let query = Query::all(kind::POLICY_APPROVAL);
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), PAGE))?;
        for version in &page.versions {
            out.push((version.key.clone(), decode(&version.body)?));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(out),
        }
    }
}

fn write(
    bank: &Bank,
    context: &RequestContext,
    key: RecordKey,
    approval: &Approval,
    what: &'static str,
) -> Result<()> {
    let body = serde_json::to_vec(approval)
        .map_err(|error| Error::internal("an approval cannot be written").because(error))?;
    let detail = String::from_utf8_lossy(&body).into_owned();
    let audit = AuditEntry::new(context, what, key.to_string()).detail(detail);
    bank.clinical
        .commit(Commit {
            writes: vec![Write::Put(Put::plain(key, body))],
            audit: vec![audit],
            ..Commit::default()
        })
        .map(drop)
}
