//! Packages of definitions: npm-style `.tgz` files, kept as resources of the bank.

use std::io::{BufWriter, Read, Write as _};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use flate2::read::GzDecoder;
use kura_model::{Error, RecordKey, RequestContext, Result};
use serde::Serialize;
use serde_json::{Value, json};

use crate::access::{Action, authorize};
use crate::{Bank, import};

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
    authorize(bank, context, Action::Import)?;
    let package = Package::read(file)?;
    let mut report = PackageReport {
        name: package.name,
        version: package.version,
        kept: package.resources.len() as u64,
        passed_over: package.passed_over,
        accepted: 0,
        unchanged: 0,
        refused: 0,
    };
    let done = add_definitions(bank, context, &package.resources)?;
    report.accepted = done.accepted;
    report.refused = done.refused;
    // A package that was read before is not read again.
    report.unchanged = report.kept.saturating_sub(done.accepted + done.refused);
    Ok(report)
}

/// Brings in the packages that the configuration names, as far as they are not here; how many were.
pub fn packages_add(bank: &Bank, context: &RequestContext) -> Result<usize> {
    let mut added = 0;
    for file in &bank.config.validation.packages {
        let package = Package::read(file)?;
        let is_here = bank.clinical.read(|reader| {
            for resource in &package.resources {
                let text = |key: &str| resource[key].as_str().unwrap_or_default();
                // What was deleted on purpose does not come back.
                let key = RecordKey::new(text("resourceType"), text("id"));
                if reader.current(&key)?.is_none() {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        if !is_here {
            add_definitions(bank, context, &package.resources)?;
            added += 1;
        }
    }
    Ok(added)
}

/// Definitions on the way of an import; they are not themselves held against rules of this bank.
pub(crate) fn add_definitions(
    bank: &Bank,
    context: &RequestContext,
    resources: &[Value],
) -> Result<import::Report> {
    let unwritten = |error| Error::internal("the temporary file cannot be written").because(error);
    let lines = tempfile::Builder::new()
        .prefix("definitions-")
        .suffix(".ndjson")
        .tempfile()
        .map_err(|error| Error::internal("no temporary file can be made").because(error))?;
    let mut out = BufWriter::new(lines.as_file());
    for resource in resources {
        writeln!(out, "{resource}").map_err(unwritten)?;
    }
    out.flush().map_err(unwritten)?;
    drop(out);
    let paths = [lines.path().to_owned()];
    let never = AtomicBool::new(false);
    import::definitions(bank, context, &paths, &import::Quiet, &never)
}

/// What is kept of a package.
struct Package {
    name: String,
    version: String,
    resources: Vec<Value>,
    passed_over: u64,
}

impl Package {
    fn read(file: &Path) -> Result<Package> {
        let broken =
            |error| Error::invalid("this is no package: a .tgz of FHIR resources").because(error);
        let (name, version) = manifest(file)?;
        let tag = format!("{name}#{version}");
        let mut package = Package {
            name,
            version,
            resources: Vec::new(),
            passed_over: 0,
        };
        let mut archive = open(file)?;
        for entry in archive.entries().map_err(broken)? {
            let Some((path, text)) = text_of(entry.map_err(broken)?)? else {
                continue;
            };
            // Examples lie in a folder of their own.
            let mut resource = match serde_json::from_str::<Value>(&text) {
                Ok(resource) if !path.contains("/example") => resource,
                _ => {
                    package.passed_over += 1;
                    continue;
                }
            };
            let kind = resource["resourceType"].as_str().unwrap_or_default();
            if !KEPT.contains(&kind) || !resource["url"].is_string() {
                package.passed_over += 1;
                continue;
            }
            identify(&mut resource, PACKAGE_SYSTEM, &tag);
            package.resources.push(resource);
        }
        if package.resources.is_empty() {
            return Err(Error::invalid("this package has no definitions"));
        }
        Ok(package)
    }
}

/// An id of its own: packages name their resources as they like, and two may have the same. The same
/// definition in the same version is the same resource, so adding a package again adds nothing.
pub(crate) fn identify(resource: &mut Value, system: &str, tag: &str) {
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
    let tag = json!({ "system": system, "code": tag });
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
