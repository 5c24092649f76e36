//! The registry: a version of a model is a FHIR `Device`; each step it takes is a `Provenance`
//! that nobody can take back. Artefacts are blobs, named by their hash.

use std::path::Path;
use std::time::Duration;

use kura_fhir::{Resource, date, view};
use kura_inference::Runtime;
use kura_model::{Category, ContentHash, Error, RecordKey, RequestContext, Result, Role};
use kura_store::{AuditEntry, Commit, Predicate, Put, Query, Version, Write};
use serde::Serialize;
use serde_json::{Value, json};

use super::asked::Asked;
use super::file::{self, ModelFile};
use super::foreign;
use super::state::State;
use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::{Bank, import};

/// `Device.identifier.system` of a model's name.
pub const MODEL_SYSTEM: &str = "urn:kura:model";
const STATE_URL: &str = "urn:kura:model-state";
const ONNX_URL: &str = "urn:kura:model-onnx";
const FILE_URL: &str = "urn:kura:model-file";
const MAKER_URL: &str = "urn:kura:model-registered-by";
const SHADOW_URL: &str = "urn:kura:model-shadow";

/// A version of a model, as the registry knows it.
#[derive(Debug, Clone, Serialize)]
pub struct Model {
    pub name: String,
    pub version: u32,
    pub title: String,
    pub state: State,
    /// Asked for live work without being shown as a proposal: 研究用.
    pub shadow: bool,
    pub onnx: ContentHash,
    pub file: ContentHash,
    pub registered_by: String,
    /// Logical version of the record: a step that was decided on an older one is refused.
    #[serde(skip)]
    pub(crate) record: u64,
}

/// One step of a version.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    pub state: String,
    pub who: String,
    pub why: String,
    /// RFC 3339.
    pub at: String,
    pub evidence: Option<ContentHash>,
}

/// `deterioration@2`, or `deterioration` for the newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Which {
    pub name: String,
    pub version: Option<u32>,
}

impl std::str::FromStr for Which {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, version) = match text.split_once('@') {
            None => (text, None),
            Some((name, version)) => {
                let version = version
                    .parse()
                    .map_err(|_| Error::invalid("a version is a number: NAME@2"))?;
                (name, Some(version))
            }
        };
        file::check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            version,
        })
    }
}

pub(crate) fn key(name: &str, version: u32) -> RecordKey {
    RecordKey::new("Device", format!("model-{name}-{version}"))
}

fn extension<'a>(device: &'a Value, url: &str, value: &str) -> Option<&'a str> {
    view::items(device, "extension")
        .find(|extension| view::text(extension, "url") == Some(url))
        .and_then(|extension| view::text(extension, value))
}

fn read(version: &Version) -> Result<(Model, Value)> {
    let device: Value = serde_json::from_slice(&version.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
    let damaged = || Error::internal("a stored model is damaged");
    let hash = |url| {
        extension(&device, url, "valueString")
            .and_then(|text| text.parse().ok())
            .ok_or_else(damaged)
    };
    let model = Model {
        name: view::identifiers(&device, MODEL_SYSTEM)
            .next()
            .ok_or_else(damaged)?
            .to_owned(),
        version: device
            .pointer("/version/0/value")
            .and_then(Value::as_str)
            .and_then(|number| number.parse().ok())
            .ok_or_else(damaged)?,
        title: device
            .pointer("/deviceName/0/name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        state: extension(&device, STATE_URL, "valueCode")
            .and_then(State::parse)
            .ok_or_else(damaged)?,
        shadow: extension(&device, SHADOW_URL, "valueCode") == Some("on"),
        onnx: hash(ONNX_URL)?,
        file: hash(FILE_URL)?,
        registered_by: extension(&device, MAKER_URL, "valueString")
            .unwrap_or_default()
            .to_owned(),
        record: version.version,
    };
    Ok((model, device))
}

/// Versions of one model, or of all; by name, then number.
pub(crate) fn all(bank: &Bank, name: Option<&str>) -> Result<Vec<Model>> {
    let query = Query::all("Device").and(Predicate::Token {
        param: "Device.identifier".to_owned(),
        system: Some(Some(MODEL_SYSTEM.to_owned())),
        code: name.map(str::to_owned),
    });
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), 500))?;
        for version in &page.versions {
            match read(version) {
                Ok((model, _)) => found.push(model),
                // One that cannot be read must not hide the others.
                Err(error) => tracing::error!(%error, "a model record cannot be read"),
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
    Ok(found)
}

/// The versions of every model.
pub fn list(bank: &Bank, context: &RequestContext) -> Result<Vec<Model>> {
    authorize(bank, context, Action::ReadStatus)?;
    bank.clinical
        .audit(AuditEntry::new(context, "model_list", ""));
    all(bank, None)
}

pub(crate) fn find(bank: &Bank, which: &Which) -> Result<Model> {
    let mut all = all(bank, Some(&which.name))?;
    match which.version {
        None => all.pop(),
        Some(number) => all.into_iter().find(|model| model.version == number),
    }
    .ok_or_else(|| {
        Error::not_found(format!(
            "there is no model '{}' of that version",
            which.name
        ))
    })
}

/// One version, its file and the steps it took, oldest first.
pub fn show(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
) -> Result<(Model, ModelFile, Vec<Step>)> {
    authorize(bank, context, Action::ReadStatus)?;
    let model = find(bank, which)?;
    bank.clinical.audit(AuditEntry::new(
        context,
        "model_read",
        key(&model.name, model.version).to_string(),
    ));
    let file = model_file(bank, &model)?;
    let steps = steps(bank, &model)?;
    Ok((model, file, steps))
}

pub(crate) fn model_file(bank: &Bank, model: &Model) -> Result<ModelFile> {
    ModelFile::parse(&bank.clinical.blobs().read(model.file)?)
}

/// The steps of a version, oldest first.
pub(crate) fn steps(bank: &Bank, model: &Model) -> Result<Vec<Step>> {
    let mut out = Vec::new();
    for number in 1.. {
        let key = step_key(model, number);
        let Some(version) = bank.clinical.read(|reader| reader.current(&key))? else {
            break;
        };
        let value: Value = serde_json::from_slice(&version.body)
            .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
        let text = |path: &str| {
            value
                .pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        out.push(Step {
            state: text("/activity/coding/0/code"),
            who: text("/agent/0/who/display"),
            why: text("/reason/0/text"),
            at: text("/recorded"),
            evidence: text("/entity/0/what/identifier/value").parse().ok(),
        });
    }
    Ok(out)
}

fn step_key(model: &Model, number: usize) -> RecordKey {
    RecordKey::new(
        "Provenance",
        format!("model-{}-{}-{number}", model.name, model.version),
    )
}

/// The evidence a step of this version names: a [`super::TestReport`] or a [`super::Proposal`], as
/// it was written.
pub fn evidence(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
    hash: ContentHash,
) -> Result<Vec<u8>> {
    authorize(bank, context, Action::ReadStatus)?;
    let model = find(bank, which)?;
    // Only what a step names: not any blob of the bank.
    if !steps(bank, &model)?
        .iter()
        .any(|step| step.evidence == Some(hash))
    {
        return Err(Error::not_found(
            "no step of this version names that evidence",
        ));
    }
    bank.clinical.audit(AuditEntry::new(
        context,
        "model_evidence",
        key(&model.name, model.version).to_string(),
    ));
    bank.clinical.blobs().read(hash)
}

/// What is done to a version in one commit.
pub(crate) struct Change<'a> {
    pub(crate) to: Option<State>,
    pub(crate) shadow: Option<bool>,
    /// What the step is called in the `Provenance`.
    pub(crate) code: &'a str,
    pub(crate) why: &'a str,
    pub(crate) evidence: Option<ContentHash>,
    pub(crate) blobs: Vec<(ContentHash, u64)>,
}

/// Writes steps of versions, all or none. Each version must still be as `model` says it is.
pub(crate) fn write_steps(
    bank: &Bank,
    context: &RequestContext,
    changes: Vec<(&Model, Change<'_>)>,
) -> Result<()> {
    // Two at once: the second finds the version changed.
    let _writing = bank.writing()?;
    let mut commit = Commit::default();
    for (model, change) in changes {
        let key = key(&model.name, model.version);
        let current = bank
            .clinical
            .read(|reader| reader.current(&key))?
            .ok_or_else(|| Error::not_found("the version is gone"))?;
        let (now, mut device) = read(&current)?;
        if now.record != model.record {
            return Err(Error::conflict(format!(
                "{}@{} has changed meanwhile: it is {} now",
                model.name,
                model.version,
                now.state.as_str()
            )));
        }
        if let Some(to) = change.to {
            now.state.step(to)?;
            set_extension(&mut device, STATE_URL, "valueCode", to.as_str());
            device["status"] = json!(match to {
                State::Retired | State::Suspended => "inactive",
                _ => "active",
            });
        }
        if let Some(on) = change.shadow {
            let text = if on { "on" } else { "off" };
            set_extension(&mut device, SHADOW_URL, "valueCode", text);
        }
        let number = steps(bank, model)?.len() + 1;
        let mut blobs = bank.clinical.read(|reader| reader.blobs(&key))?;
        blobs.extend(change.blobs.iter().map(|(hash, _)| *hash));
        commit.writes.push(put(bank, device, &blobs)?);
        commit.writes.push(put(
            bank,
            provenance(context, &key, &step_key(model, number), &change),
            &change.evidence.into_iter().collect::<Vec<_>>(),
        )?);
        commit.audit.push(
            AuditEntry::new(context, "model_step", key.to_string())
                .detail(json!({ "step": change.code }).to_string()),
        );
        commit.blobs.extend(change.blobs);
    }
    bank.clinical.commit(commit).map(drop)
}

fn set_extension(device: &mut Value, url: &str, kind: &str, value: &str) {
    if !device["extension"].is_array() {
        device["extension"] = json!([]);
    }
    if let Value::Array(all) = &mut device["extension"] {
        all.retain(|extension| view::text(extension, "url") != Some(url));
        all.push(json!({ "url": url, kind: value }));
    }
}

fn put(bank: &Bank, resource: Value, blobs: &[ContentHash]) -> Result<Write> {
    let resource = Resource::from_value(resource)
        .map_err(|refusal| Error::internal("a resource of ours is not sound").because(refusal))?;
    let mut put: Put = import::fhir_put(&*bank.search_parameters()?, &resource, None);
    put.once = false;
    put.blobs = blobs.to_vec();
    Ok(Write::Put(put))
}

fn provenance(
    context: &RequestContext,
    target: &RecordKey,
    key: &RecordKey,
    change: &Change<'_>,
) -> Value {
    let mut out = json!({
        "resourceType": "Provenance",
        "id": key.id,
        "target": [{ "reference": target.to_string() }],
        "recorded": date::instant(now()),
        "reason": [{ "text": change.why }],
        "activity": { "coding": [{ "system": STATE_URL, "code": change.code }] },
        "agent": [{ "who": { "display": context.actor.name } }],
    });
    if let Some(evidence) = change.evidence {
        out["entity"] = json!([{
            "role": "source",
            "what": { "identifier": { "system": "urn:kura:blake3", "value": evidence.to_hex() } },
        }]);
    }
    out
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// The runtime that models are asked with, as the configuration names it.
pub(crate) fn runtime(bank: &Bank) -> Result<&'static Runtime> {
    Runtime::load(bank.config.inference.runtime.as_deref())
}

/// How long one answer may take.
pub(crate) fn limit(bank: &Bank) -> Duration {
    Duration::from_secs_f64(bank.config.inference.seconds.clamp(0.01, 3600.0))
}

/// Registers the model of a folder as a new version, a draft: one that `kura train` wrote, or
/// `model.onnx` of another maker beside `model.toml`, which describes it.
///
/// # Errors
/// Files that do not fit each other, an ONNX that cannot be run, no runtime library.
pub fn register(bank: &Bank, context: &RequestContext, folder: &Path) -> Result<Model> {
    authorize(bank, context, Action::BuildModel)?;
    let load = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|error| file_error(&path, error))
    };
    let onnx = load(file::ONNX)?;
    let (text, described) = match foreign::of_folder(folder, ContentHash::of(&onnx))? {
        Some(described) => (described.to_json()?, described),
        None => {
            let text = load(file::FILE)?;
            let described = ModelFile::parse(&text)?;
            (text, described)
        }
    };
    if ContentHash::of(&onnx) != described.onnx {
        return Err(Error::invalid(format!(
            "{} is not the model that {} describes: its hash differs",
            file::ONNX,
            file::FILE
        )));
    }
    let encoder = match &described.encoder {
        Some(_) => Some(load(file::ENCODER)?),
        None => None,
    };
    Asked::open(bank, &onnx, &described, encoder.as_deref())?;
    let mut parts = Vec::new();
    parts.extend(
        described
            .encoder
            .as_ref()
            .map(|encoder| (file::ENCODER, encoder.onnx)),
    );
    parts.extend(
        described
            .data
            .as_ref()
            .map(|data| (file::PATIENTS, data.training_patients)),
    );
    parts.extend(described.numbers.map(|hash| (file::NUMBERS, hash)));
    parts.extend(described.reference.map(|hash| (file::REFERENCE, hash)));
    let blobs = bank.clinical.blobs();
    let (onnx_hash, onnx_size) = blobs.put(&onnx[..])?;
    let (file_hash, file_size) = blobs.put(&text[..])?;
    let mut kept = vec![(onnx_hash, onnx_size), (file_hash, file_size)];
    for (name, expected) in parts {
        let bytes = load(name)?;
        if ContentHash::of(&bytes) != expected {
            return Err(Error::invalid(format!(
                "{name} is not what {} describes: its hash differs",
                file::FILE
            )));
        }
        kept.push(blobs.put(&bytes[..])?);
    }
    let all_hashes: Vec<ContentHash> = kept.iter().map(|(hash, _)| *hash).collect();

    let _writing = bank.writing()?;
    let known = all(bank, Some(&described.name))?;
    if let Some(twin) = known
        .iter()
        .find(|model| model.onnx == onnx_hash && model.file == file_hash)
    {
        return Err(Error::conflict(format!(
            "this model is registered already: {}@{}",
            twin.name, twin.version
        )));
    }
    if described.foreign.is_some() {
        // A model that was trained here has its locked patients; by another name it has them too.
        for other in all(bank, None)? {
            if other.onnx == onnx_hash && model_file(bank, &other)?.data.is_some() {
                return Err(Error::conflict(format!(
                    "this ONNX was trained here: it is {}@{}, and not from elsewhere",
                    other.name, other.version
                )));
            }
        }
    }
    let version = known.last().map_or(1, |last| last.version + 1);
    let key = key(&described.name, version);
    let device = json!({
        "resourceType": "Device",
        "id": key.id,
        "extension": [
            { "url": STATE_URL, "valueCode": State::Draft.as_str() },
            { "url": ONNX_URL, "valueString": onnx_hash.to_hex() },
            { "url": FILE_URL, "valueString": file_hash.to_hex() },
            { "url": MAKER_URL, "valueString": context.actor.name },
        ],
        "identifier": [{ "system": MODEL_SYSTEM, "value": described.name }],
        "status": "active",
        "manufactureDate": date::instant(now()),
        "deviceName": [{ "name": described.title, "type": "user-friendly-name" }],
        "type": { "coding": [{ "system": "urn:kura:device-type", "code": "model" }], "text": "AI model" },
        "version": [{ "value": version.to_string() }],
        "note": [{ "text": described.intended_use }],
    });
    let first = Change {
        to: None,
        shadow: None,
        code: State::Draft.as_str(),
        why: "registered",
        evidence: Some(file_hash),
        blobs: Vec::new(),
    };
    let step = RecordKey::new("Provenance", format!("{}-1", key.id));
    bank.clinical.commit(Commit {
        writes: vec![
            put(bank, device, &all_hashes)?,
            put(bank, provenance(context, &key, &step, &first), &[file_hash])?,
        ],
        blobs: kept,
        audit: vec![AuditEntry::new(context, "model_register", key.to_string())],
        ..Commit::default()
    })?;
    find(
        bank,
        &Which {
            name: described.name,
            version: Some(version),
        },
    )
}

/// Steps that bring a version to use.
fn is_use(code: &str) -> bool {
    ["in-use", "promoted", "rolled-back"].contains(&code)
}

/// The last step that changed the state; reports and looks change nothing.
pub fn last_state_step(steps: &[Step]) -> Option<&Step> {
    steps.iter().rev().find(|step| {
        !["watched", "proposed", "shadow-on", "shadow-off"].contains(&step.state.as_str())
    })
}

/// Once people sign in, what brings a model to use is for somebody who has: the name at the
/// command line is only a word.
pub(crate) fn named(bank: &Bank, context: &RequestContext, to: State) -> Result<()> {
    if context.actor.role == Role::SingleUser
        && matches!(to, State::Approved | State::InUse)
        && crate::accounts::sign_in_needed(bank)?
    {
        return Err(Error::new(
            Category::Forbidden,
            "this bank has accounts: approve and use on the page of models, signed in",
        ));
    }
    Ok(())
}

/// The person behind an actor: the command line marks its own.
fn person(actor: &str) -> &str {
    actor.strip_prefix("cli:").unwrap_or(actor)
}

/// A step that a person takes with a reason: approve, suspend, resume, retire.
///
/// # Errors
/// The state cannot be reached; the person may not; approval by whoever registered the version,
/// unless there is only one person.
pub fn step(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
    to: State,
    why: &str,
) -> Result<Model> {
    authorize(bank, context, Action::ReleaseModel)?;
    let why = why.trim();
    if why.is_empty() {
        return Err(Error::invalid("say why: a step without a reason is none"));
    }
    let model = find(bank, which)?;
    if to == State::Approved
        && context.actor.role != Role::SingleUser
        && person(&context.actor.name) == person(&model.registered_by)
    {
        return Err(Error::new(
            Category::Forbidden,
            "who registered a version does not approve it; somebody else has to",
        ));
    }
    if to == State::Evaluated || to == State::Draft {
        return Err(Error::invalid(
            "a version is evaluated by its test, not by a word",
        ));
    }
    named(bank, context, to)?;
    if to == State::InUse {
        for other in all(bank, Some(&model.name))? {
            if other.version == model.version {
                continue;
            }
            // The first version comes to use by its approval, every other one by a plan of change;
            // a version that was in use before comes back when no other is.
            let was_used = steps(bank, &other)?.iter().any(|step| is_use(&step.state));
            if other.state == State::InUse || (was_used && model.state == State::Approved) {
                return Err(Error::conflict(format!(
                    "{}@{} is or was in use: another version comes to use by the plan of change (propose and promote)",
                    other.name, other.version
                )));
            }
        }
    }
    let evidence = steps(bank, &model)?.iter().rev().find_map(|step| {
        step.evidence
            .filter(|_| step.state == State::Evaluated.as_str())
    });
    write_steps(
        bank,
        context,
        vec![(
            &model,
            Change {
                to: Some(to),
                // A version that is never asked again runs in no shadow either.
                shadow: (to == State::Retired && model.shadow).then_some(false),
                code: to.as_str(),
                why,
                evidence,
                blobs: Vec::new(),
            },
        )],
    )?;
    find(
        bank,
        &Which {
            name: model.name,
            version: Some(model.version),
        },
    )
}

/// Lets a version run in shadow, or ends it: asked, stored, marked 研究用, never shown as a proposal.
pub fn shadow(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
    on: bool,
    why: &str,
) -> Result<Model> {
    authorize(bank, context, Action::ReleaseModel)?;
    let model = find(bank, which)?;
    if on && matches!(model.state, State::Retired | State::InUse) {
        return Err(Error::conflict(format!(
            "a version that is {} does not run in shadow",
            model.state.as_str()
        )));
    }
    write_steps(
        bank,
        context,
        vec![(
            &model,
            Change {
                to: None,
                shadow: Some(on),
                code: if on { "shadow-on" } else { "shadow-off" },
                why,
                evidence: None,
                blobs: Vec::new(),
            },
        )],
    )?;
    find(
        bank,
        &Which {
            name: model.name,
            version: Some(model.version),
        },
    )
}
