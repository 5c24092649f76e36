//! Resources held against R4 and the profiles of the bank; packages of profiles brought in.

use std::io::{BufWriter, Read, Write as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::read::GzDecoder;
use kura_model::{Error, RequestContext, Result};
use kura_store::{Cursor, Query};
use kura_validation::{Definitions, Outcome, Validator};
use serde::Serialize;
use serde_json::{Value, json};

use crate::access::{Action, authorize};
use crate::{Bank, fhir_read, import};

/// What of a bank decides whether a resource conforms.
const KINDS: [&str; 3] = ["StructureDefinition", "ValueSet", "CodeSystem"];

/// What of a package is kept.
const KEPT: [&str; 5] = [
    "StructureDefinition",
    "ValueSet",
    "CodeSystem",
    "SearchParameter",
    "ConceptMap",
];

/// `meta.tag` of what a package brought: its code is `name#version`.
pub const PACKAGE_SYSTEM: &str = "urn:kura:fhir-package";

/// The most bytes of a package, unpacked, and of one file in it.
const PACKAGE_BYTES: u64 = 2 << 30;
const FILE_BYTES: u64 = 64 << 20;

/// The validator of a bank, made again when its definitions change.
#[derive(Debug, Default)]
pub struct Profiles {
    known: Mutex<Option<(u64, Arc<Validator>)>>,
}

impl Profiles {
    fn validator(&self, bank: &Bank) -> Result<Arc<Validator>> {
        let versions = bank.clinical.read(|reader| {
            KINDS
                .iter()
                .try_fold(0, |sum, kind| Ok(sum + reader.versions_of(kind)?))
        })?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, validator)) = known.as_ref()
            && *at == versions
        {
            return Ok(Arc::clone(validator));
        }
        let mut definitions = Definitions::r4();
        for kind in KINDS {
            let query = Query::all(kind);
            let mut after: Option<Cursor> = None;
            loop {
                let page = bank
                    .clinical
                    .read(|reader| reader.search(&query, after.as_ref(), 200))?;
                let bodies = page.versions.iter();
                definitions.add_package(
                    bodies.filter_map(|version| serde_json::from_slice(&version.body).ok()),
                );
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        let validator = Arc::new(Validator::new(definitions));
        *known = Some((versions, Arc::clone(&validator)));
        Ok(validator)
    }
}

/// FHIR R4 resource-operation-validate.html: a resource that was sent, alone or as `resource` of
/// `Parameters`, against its type, the profiles that it names and those that are asked for. Answers
/// an `OperationOutcome`.
pub fn resource_validate(
    bank: &Bank,
    profiles: &Profiles,
    context: &RequestContext,
    kind: Option<&str>,
    body: &[u8],
    asked: &[String],
) -> Result<Value> {
    authorize(context, Action::ReadClinical)?;
    let sent = kura_fhir::resource::parse_json(body).map_err(kura_fhir::outcome::refused)?;
    let mut asked = asked.to_vec();
    let resource = if sent["resourceType"] == "Parameters" && kind != Some("Parameters") {
        of_parameters(sent, &mut asked)?
    } else {
        sent
    };
    if let Some(kind) = kind
        && resource["resourceType"] != kind
    {
        return Err(Error::invalid(format!("the resource sent is no {kind}")));
    }
    let outcome = against(bank, profiles, &resource, &asked)?;
    let target = kind.unwrap_or("resource").to_owned();
    fhir_read::note(bank, context, "resource_validate", target, true);
    Ok(outcome.operation_outcome())
}

/// The same for a resource of the bank, its newest version.
pub fn instance_validate(
    bank: &Bank,
    profiles: &Profiles,
    context: &RequestContext,
    kind: &str,
    id: &str,
    asked: &[String],
) -> Result<Value> {
    let found = fhir_read::read(bank, context, kind, id)?;
    let resource: Value = serde_json::from_slice(&found.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
    let outcome = against(bank, profiles, &resource, asked)?;
    Ok(outcome.operation_outcome())
}

fn against(
    bank: &Bank,
    profiles: &Profiles,
    resource: &Value,
    asked: &[String],
) -> Result<Outcome> {
    let validator = profiles.validator(bank)?;
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    Ok(validator.validate(resource, &asked))
}

/// The resource of `Parameters`, and the profile that they ask for.
fn of_parameters(mut sent: Value, asked: &mut Vec<String>) -> Result<Value> {
    let mut resource = None;
    for parameter in sent["parameter"].as_array_mut().into_iter().flatten() {
        match parameter["name"].as_str() {
            Some("resource") => resource = Some(parameter["resource"].take()),
            Some("profile") => {
                let named = ["valueUri", "valueCanonical"];
                let named = named.iter().find_map(|key| parameter[*key].as_str());
                asked.extend(named.map(str::to_owned));
            }
            _ => {}
        }
    }
    resource.ok_or_else(|| Error::invalid("Parameters has no resource"))
}

/// What a package brought.
#[derive(Debug, Serialize)]
pub struct PackageReport {
    pub name: String,
    pub version: String,
    /// Resources of kinds that are kept.
    pub kept: u64,
    /// Files that are examples or of other kinds.
    pub passed_over: u64,
    pub accepted: u64,
    pub unchanged: u64,
    pub refused: u64,
}

/// Brings a package in: an npm-style `.tgz` of FHIR resources. Its definitions become resources of
/// the bank, tagged with the package's name and version.
///
/// <https://confluence.hl7.org/display/FHIR/NPM+Package+Specification>
pub fn package_add(bank: &Bank, context: &RequestContext, file: &Path) -> Result<PackageReport> {
    authorize(context, Action::Import)?;
    let broken =
        |error| Error::invalid("this is no package: a .tgz of FHIR resources").because(error);
    let lines = tempfile::Builder::new()
        .prefix("package-")
        .suffix(".ndjson")
        .tempfile()
        .map_err(|error| Error::internal("no temporary file can be made").because(error))?;
    let unwritten = |error| Error::internal("the temporary file cannot be written").because(error);
    let (name, version) = manifest(file)?;
    let mut report = PackageReport {
        name,
        version,
        kept: 0,
        passed_over: 0,
        accepted: 0,
        unchanged: 0,
        refused: 0,
    };
    let tag = format!("{}#{}", report.name, report.version);
    let mut out = BufWriter::new(lines.as_file());
    let mut archive = open(file)?;
    for entry in archive.entries().map_err(broken)? {
        let Some((path, text)) = text_of(entry.map_err(broken)?)? else {
            continue;
        };
        // Examples lie in a folder of their own.
        let mut resource = match serde_json::from_str::<Value>(&text) {
            Ok(resource) if !path.contains("/example") => resource,
            _ => {
                report.passed_over += 1;
                continue;
            }
        };
        let kind = resource["resourceType"].as_str().unwrap_or_default();
        if !KEPT.contains(&kind) || !resource["url"].is_string() {
            report.passed_over += 1;
            continue;
        }
        identify(&mut resource, &tag);
        writeln!(out, "{resource}").map_err(unwritten)?;
        report.kept += 1;
    }
    out.flush().map_err(unwritten)?;
    drop(out);
    if report.kept == 0 {
        return Err(Error::invalid("this package has no definitions"));
    }
    let paths = [lines.path().to_owned()];
    let never = AtomicBool::new(false);
    let done = import::import(bank, context, &paths, &import::Quiet, &never)?;
    report.accepted = done.accepted;
    report.refused = done.refused;
    // A package that was read before is not read again.
    report.unchanged = report.kept.saturating_sub(done.accepted + done.refused);
    Ok(report)
}

/// An id of its own: packages name their resources as they like, and two may have the same. The same
/// definition in the same version is the same resource, so adding a package again adds nothing.
fn identify(resource: &mut Value, tag: &str) {
    let mut hash = blake3::Hasher::new();
    for key in ["resourceType", "url", "version"] {
        hash.update(resource[key].as_str().unwrap_or_default().as_bytes());
        hash.update(b"\n");
    }
    let hash = hash.finalize().to_hex();
    resource["id"] = json!(format!("def-{}", &hash.as_str()[..32]));
    if !resource["meta"].is_object() {
        resource["meta"] = json!({});
    }
    let tag = json!({ "system": PACKAGE_SYSTEM, "code": tag });
    match resource["meta"]["tag"].as_array_mut() {
        Some(tags) => tags.push(tag),
        None => resource["meta"]["tag"] = json!([tag]),
    }
}

type Archive = tar::Archive<std::io::Take<GzDecoder<std::fs::File>>>;

fn open(file: &Path) -> Result<Archive> {
    let opened = std::fs::File::open(file).map_err(|error| {
        Error::not_found(format!("{} cannot be read", file.display())).because(error)
    })?;
    Ok(tar::Archive::new(
        GzDecoder::new(opened).take(PACKAGE_BYTES),
    ))
}

/// Path and text of a JSON file.
fn text_of<R: Read>(mut entry: tar::Entry<'_, R>) -> Result<Option<(String, String)>> {
    let broken = |error| Error::invalid("the package is damaged").because(error);
    let path = entry.path().map_err(broken)?.to_string_lossy().into_owned();
    if !path.ends_with(".json") || path.ends_with(".index.json") {
        return Ok(None);
    }
    if entry.size() > FILE_BYTES {
        return Err(Error::invalid("a file of the package is too large"));
    }
    let mut text = String::new();
    match entry.read_to_string(&mut text) {
        Ok(_) => Ok(Some((path, text))),
        Err(error) => Err(broken(error)),
    }
}

/// Name and version, of `package.json`.
fn manifest(file: &Path) -> Result<(String, String)> {
    let broken =
        |error| Error::invalid("this is no package: a .tgz of FHIR resources").because(error);
    for entry in open(file)?.entries().map_err(broken)? {
        if let Some((path, text)) = text_of(entry.map_err(broken)?)?
            && path.ends_with("package.json")
        {
            let found: Value = serde_json::from_str(&text)
                .map_err(|error| Error::invalid("package.json is no JSON").because(error))?;
            let text = |key: &str| found[key].as_str().unwrap_or("unknown").to_owned();
            return Ok((text("name"), text("version")));
        }
    }
    Err(Error::invalid("the package has no package.json"))
}
