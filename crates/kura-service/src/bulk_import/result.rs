//! What became of each input: counts, and an OperationOutcome for each item that was refused.

use std::io::{BufWriter, Write as _};

use kura_fhir::{date, outcome};
use kura_model::{Refusal, Result};
use serde_json::{Value, json};

use super::asked::Asked;
use super::write::disk;
use crate::async_request::Task;
use crate::import::FileReport;

/// How one input ended.
pub(super) enum Outcome {
    /// It has no lines.
    Nothing,
    /// Nothing of it was taken.
    Refused(Refusal),
    /// It was read, as this file of the import.
    File(usize),
}

/// Items that were refused, read at a time.
const STEP: u32 = 1_000;

/// Writes the files of outcomes; the manifest. Proposal, "Response - Complete Status".
pub(super) fn manifest(
    task: &Task<'_>,
    asked: &Asked,
    outcomes: &[Outcome],
    reports: &[FileReport],
) -> Result<Value> {
    let mut output = Vec::new();
    let mut error = Vec::new();
    for (number, outcome) in outcomes.iter().enumerate() {
        let mut taken = 0;
        let mut refused = Refused::new(task, number);
        match outcome {
            Outcome::Nothing => {}
            Outcome::Refused(refusal) => refused.add(refusal)?,
            Outcome::File(file) => {
                // Of all the times it was read: before the server was stopped, or by another
                // request, if the bank knew these bytes already.
                let source = reports.get(*file).and_then(|report| report.source);
                if let Some(source) = source
                    && let Some(known) = task.bank.clinical.source_by_id(source)?
                {
                    taken = known.accepted + known.unchanged;
                    refused.all_of(source)?;
                }
            }
        }
        let url = asked
            .inputs
            .get(number)
            .and_then(|input| input.url.as_ref());
        output.push(json!({ "inputUrl": url, "count": taken }));
        if let Some((file, count)) = refused.finish()? {
            error.push(json!({
                "type": "OperationOutcome",
                "inputUrl": url,
                "count": count,
                "url": format!("{}/$import-file/{}/{file}", asked.base, task.id),
            }));
        }
    }
    let now = task.bank.clinical.read(|reader| {
        let t = reader.now()?;
        reader.commit_at(t)
    })?;
    let mut manifest = json!({
        "transactionTime": date::instant(now.unwrap_or(task.at)),
        "request": format!("{}/$import", asked.base),
        "requiresAccessToken": crate::accounts::sign_in_needed(task.bank)?,
        "output": output,
        "error": error,
    });
    // What was sent along has no address.
    for list in ["output", "error"] {
        for entry in manifest[list].as_array_mut().into_iter().flatten() {
            if let Some(entry) = entry.as_object_mut() {
                entry.retain(|_, value| !value.is_null());
            }
        }
    }
    Ok(manifest)
}

/// The OperationOutcomes of one input, in a file that is made with the first.
struct Refused<'a> {
    task: &'a Task<'a>,
    name: String,
    out: Option<BufWriter<std::fs::File>>,
    count: u64,
}

impl<'a> Refused<'a> {
    fn new(task: &'a Task<'a>, number: usize) -> Self {
        Self {
            task,
            name: format!("OperationOutcome.{}.ndjson", number + 1),
            out: None,
            count: 0,
        }
    }

    fn all_of(&mut self, source: i64) -> Result<()> {
        let mut after = 0;
        loop {
            let rows = self
                .task
                .bank
                .clinical
                .quarantine_of_source(source, after, STEP)?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.id;
            for row in &rows {
                self.add(&row.refusal)?;
            }
        }
    }

    fn add(&mut self, refusal: &Refusal) -> Result<()> {
        let out = match &mut self.out {
            Some(out) => out,
            None => self
                .out
                .insert(BufWriter::new(self.task.create(&self.name)?)),
        };
        self.count += 1;
        out.write_all(told(refusal).to_string().as_bytes())
            .and_then(|()| out.write_all(b"\n"))
            .map_err(disk)
    }

    fn finish(self) -> Result<Option<(String, u64)>> {
        let Some(mut out) = self.out else {
            return Ok(None);
        };
        out.flush()
            .and_then(|()| out.get_ref().sync_all())
            .map_err(disk)?;
        Ok(Some((self.name, self.count)))
    }
}

/// Rule and place of a refusal; it has no value.
fn told(refusal: &Refusal) -> Value {
    let mut out = outcome::of(&outcome::refused(refusal.clone()));
    let place = match refusal.location.line {
        Some(line) => format!("line {line}: "),
        None => String::new(),
    };
    let issue = &mut out["issue"][0];
    issue["diagnostics"] = format!("{place}{}", refusal.message).into();
    issue["details"] = json!({ "text": refusal.rule });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_rule_line_and_path() {
        let refusal = Refusal::new("fhir-id", "an id has 64 characters at most")
            .at_line(7)
            .at_path("Patient.id");
        assert_eq!(
            told(&refusal),
            json!({ "resourceType": "OperationOutcome", "issue": [{
                "severity": "error", "code": "value",
                "diagnostics": "line 7: an id has 64 characters at most",
                "expression": ["Patient.id"], "details": { "text": "fhir-id" },
            }] })
        );
    }
}
