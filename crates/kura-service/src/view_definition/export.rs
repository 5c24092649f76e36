//! `$viewdefinition-export`: several views into files, asked for and asked after.

use std::collections::HashSet;
use std::io::BufWriter;
use std::sync::Arc;

use kura_fhir::date;
use kura_fhir::view_definition::is_name;
use kura_model::{Error, RequestContext, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::asked::{Common, json, parts, text, unsupported};
use super::rows::{Filter, Source};
use super::{Format, compile, format, parquet};
use crate::Bank;
use crate::access::{Action, authorize};
use crate::async_request::{self, Task, now};
use crate::bank::file_error;

/// Views of one request.
const VIEWS: usize = 100;

/// A view, and what its table is called.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Named {
    name: String,
    view: Value,
}

/// A request to export views.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    views: Vec<Named>,
    format: Format,
    whose: Filter,
    tracking: Option<String>,
    /// The URL FHIR is served under.
    base: String,
}

impl Asked {
    /// Reads Parameters: `view` with `name` and `viewResource`, `_format`, `header`, `patient`,
    /// `group`, `_since`, `clientTrackingId`. NDJSON, if no format is asked for.
    ///
    /// # Errors
    /// As of [`super::Run::of`]; two views of one name.
    pub fn of(params: &[(String, String)], base: String, body: &[u8]) -> Result<Self> {
        let value = json(body)?;
        if value["resourceType"] != "Parameters" {
            return Err(
                Error::invalid("the body is Parameters, with a part view for each view")
                    .coded("structure"),
            );
        }
        let mut common = Common::new();
        let mut views = Vec::new();
        let mut tracking = None;
        for (name, value) in params {
            if !common.take(name, value)? {
                return Err(unsupported(name));
            }
        }
        for (name, parameter) in parts(&value, "parameter") {
            match name {
                "view" => views.push(named(parameter, views.len())?),
                "clientTrackingId" => tracking = text(parameter),
                _ => {
                    let value = text(parameter).ok_or_else(|| unsupported(name))?;
                    if !common.take(name, &value)? {
                        return Err(unsupported(name));
                    }
                }
            }
        }
        if views.is_empty() {
            return Err(Error::invalid("the Parameters have no view").coded("required"));
        }
        if views.len() > VIEWS {
            return Err(
                Error::invalid(format!("at most {VIEWS} views at a time")).coded("too-costly")
            );
        }
        let mut names = HashSet::new();
        if !views.iter().all(|view| names.insert(&view.name)) {
            return Err(Error::invalid("two views have the same name").coded("duplicate"));
        }
        let asked = Self {
            format: common.format(Format::NdJson),
            views,
            whose: common.whose,
            tracking,
            base,
        };
        for view in &asked.views {
            let compiled = compile(&view.view)?;
            if asked.format == Format::Parquet {
                parquet::fields(&compiled)?;
            }
        }
        Ok(asked)
    }

    /// What is told while the export is being written. `since`: when it was begun, milliseconds
    /// since 1970.
    pub fn accepted(&self, id: &str, status: &str, since: Option<i64>) -> Value {
        let mut out = self.parameters(id, status);
        if let Some(since) = since {
            out.push(json!({ "name": "exportStartTime", "valueInstant": date::instant(since) }));
        }
        json!({ "resourceType": "Parameters", "parameter": out })
    }

    fn parameters(&self, id: &str, status: &str) -> Vec<Value> {
        let place = format!("{}/$export-status/{id}", self.base);
        let mut out = vec![json!({ "name": "exportId", "valueString": id })];
        if let Some(tracking) = &self.tracking {
            out.push(json!({ "name": "clientTrackingId", "valueString": tracking }));
        }
        out.push(json!({ "name": "status", "valueCode": status }));
        out.push(json!({ "name": "location", "valueUri": place }));
        out.push(json!({ "name": "cancelUrl", "valueUri": place }));
        out.push(json!({ "name": "_format", "valueCode": self.format.code() }));
        out
    }
}

/// A part `view`. Its name is the one given, or the view's own, or made of its number.
fn named(parameter: &Value, number: usize) -> Result<Named> {
    let mut name = None;
    let mut view = None;
    for (part, value) in parts(parameter, "part") {
        match part {
            "name" => name = text(value),
            "viewResource" => view = value.get("resource").cloned(),
            other => return Err(unsupported(other)),
        }
    }
    let view = view.ok_or_else(|| {
        Error::invalid("a view has no viewResource")
            .coded("required")
            .at(format!("view[{number}]"))
    })?;
    let name = name
        .or_else(|| view["name"].as_str().map(str::to_owned))
        .unwrap_or_else(|| format!("view_{}", number + 1));
    if name.len() > 64 || !is_name(&name) {
        return Err(Error::invalid(
            "a view's name is of letters, digits and _, begins with a letter and has 64 at most",
        )
        .at(format!("view[{number}].name")));
    }
    Ok(Named { name, view })
}

/// Begins an export of views; its id, and what is told at once.
pub fn begin(bank: &Arc<Bank>, context: &RequestContext, asked: Asked) -> Result<(String, Value)> {
    authorize(bank, context, Action::ExportClinical)?;
    let t = bank.clinical.now()?;
    // What is wrong with the request is said now.
    for view in &asked.views {
        Source::bank(bank, &compile(&view.view)?, &asked.whose, t)?;
    }
    let detail = format!("{} views at t = {}", asked.views.len(), t.0);
    let told = asked.clone();
    let asked = async_request::Asked::Views(asked);
    let id = async_request::begin(bank, context, asked, t, detail)?;
    let told = told.accepted(&id, "accepted", None);
    Ok((id, told))
}

/// Writes the tables of an export; the Parameters that tell where they are.
pub(crate) fn write(task: &Task<'_>, asked: &Asked) -> Result<Option<Value>> {
    let mut written: u64 = 0;
    let mut output = Vec::new();
    for (number, view) in asked.views.iter().enumerate() {
        let compiled = compile(&view.view)?;
        let source = Source::bank(task.bank, &compiled, &asked.whose, task.t)?;
        let file = format!("{}.1.{}", view.name, asked.format.code());
        let out = task.create(&file)?;
        let whole = out
            .try_clone()
            .map_err(|error| file_error(&task.folder.join(&file), error))?;
        let mut table = format::table(
            asked.format,
            &compiled,
            Box::new(BufWriter::with_capacity(1 << 20, out)),
        )?;
        source.each(task.bank, &compiled, &mut |rows| {
            for row in rows {
                table.row(row)?;
                written += 1;
                if written.is_multiple_of(1_000) {
                    task.say(format!(
                        "{written} rows written, table {} of {}",
                        number + 1,
                        asked.views.len()
                    ));
                }
            }
            Ok(!task.cancelled())
        })?;
        if task.cancelled() {
            return Ok(None);
        }
        table.finish()?;
        whole
            .sync_all()
            .map_err(|error| file_error(&task.folder.join(&file), error))?;
        output.push(json!({ "name": "output", "part": [
            { "name": "name", "valueString": view.name },
            { "name": "location",
              "valueUri": format!("{}/$export-file/{}/{file}", asked.base, task.id) },
        ] }));
    }
    let end = now();
    let mut parameters = asked.parameters(task.id, "completed");
    parameters.extend([
        json!({ "name": "exportStartTime", "valueInstant": date::instant(task.at) }),
        json!({ "name": "exportEndTime", "valueInstant": date::instant(end) }),
        json!({ "name": "exportDuration", "valueInteger": (end - task.at).max(0) / 1000 }),
    ]);
    parameters.extend(output);
    Ok(Some(
        json!({ "resourceType": "Parameters", "parameter": parameters }),
    ))
}
