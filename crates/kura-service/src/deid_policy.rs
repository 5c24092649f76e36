//! Policies of de-identification by name: those that come with the bank, and the stricter ones
//! in its folder `policies`, which a board has approved.

use std::path::PathBuf;

use kura_deid::policy;
pub use kura_deid::policy::{Policy, SHIPPED};
use kura_model::{Error, Result};

use crate::Bank;

/// Largest policy file: far above any that a person reads.
const BYTES_AT_MOST: u64 = 1024 * 1024;

fn file(bank: &Bank, name: &str) -> PathBuf {
    bank.folder().join("policies").join(format!("{name}.toml"))
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// The text of a bank's own policy.
fn own(bank: &Bank, name: &str) -> Option<String> {
    let path = file(bank, name);
    let size = std::fs::metadata(&path).ok()?.len();
    (is_name(name) && size <= BYTES_AT_MOST)
        .then(|| std::fs::read_to_string(&path).ok())
        .flatten()
}

/// The policy of this name. A shipped one cannot be replaced by a file.
pub(crate) fn named(bank: &Bank, name: &str) -> Result<Policy> {
    if let Some(found) = policy::shipped(name) {
        return found
            .map_err(|error| Error::internal("a shipped policy is damaged").because(error));
    }
    let Some(text) = own(bank, name) else {
        return Err(Error::invalid(format!(
            "there is no policy '{name}'; there are {}, and the files of {}",
            SHIPPED.join(", "),
            bank.folder().join("policies").display()
        )));
    };
    let found = parse(&format!("{name}.toml"), &text, &|base| {
        policy::text(base)
            .map(str::to_owned)
            .or_else(|| own(bank, base))
    })?;
    if found.id != name {
        return Err(Error::invalid(format!(
            "{name}.toml: its id is '{}'; the file must be named after it",
            found.id
        )));
    }
    Ok(found)
}

/// Reads a policy that stands in no bank: `file` may extend shipped ones and its neighbours.
pub fn read(path: &std::path::Path) -> Result<Policy> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::invalid(format!("{}: {error}", path.display())))?;
    let beside = path.parent().map(PathBuf::from).unwrap_or_default();
    parse(&path.display().to_string(), &text, &|base| {
        policy::text(base).map(str::to_owned).or_else(|| {
            let path = is_name(base).then(|| beside.join(format!("{base}.toml")))?;
            std::fs::read_to_string(path).ok()
        })
    })
}

fn parse(file: &str, text: &str, lookup: policy::Lookup<'_>) -> Result<Policy> {
    let found =
        Policy::parse(file, text, lookup).map_err(|error| Error::invalid(error.to_string()))?;
    // What everyone may use without asking is what the bank ships; anything else is held against it.
    if found.extends.is_none() {
        return Err(Error::invalid(format!(
            "{file}: a policy of your own extends one of {}",
            SHIPPED.join(", ")
        )));
    }
    Ok(found)
}

/// The names of the bank's own policies.
pub fn own_names(bank: &Bank) -> Vec<String> {
    let entries = std::fs::read_dir(bank.folder().join("policies"));
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".toml").map(str::to_owned)
        })
        .filter(|name| is_name(name) && !SHIPPED.contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

/// A policy by the name of a shipped one, of one of the bank's, or by the path of a file.
pub fn find(bank: Option<&Bank>, name: &str) -> Result<Policy> {
    let path = std::path::Path::new(name);
    if path.extension().is_some_and(|end| end == "toml") {
        return read(path);
    }
    match (bank, policy::shipped(name)) {
        (_, Some(found)) => {
            found.map_err(|error| Error::internal("a shipped policy is damaged").because(error))
        }
        (Some(bank), None) => named(bank, name),
        (None, None) => Err(Error::invalid(format!(
            "there is no policy '{name}'; there are {}. A file's name ends in .toml; for a bank's own give --bank",
            SHIPPED.join(", ")
        ))),
    }
}
