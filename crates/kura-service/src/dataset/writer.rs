//! The files of a build.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use kura_dataset::{FileEntry, Spec, TableWriter, manifest, table};
use kura_deid::policy::Policy;
use kura_model::Result;
use serde_json::Value;

use crate::bank::file_error;

/// The files of a build, as they are written.
pub(super) struct Writer<'a> {
    pub(super) folder: &'a Path,
    tables: Vec<TableWriter<File>>,
    /// `fhir/TYPE.ndjson`, opened when the first line comes; with the lines in it.
    lines: BTreeMap<String, (BufWriter<File>, u64)>,
    /// Kinds of resource that the set asks for.
    pub(super) kinds: BTreeSet<String>,
    fhir: bool,
    pub(super) files: Vec<FileEntry>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(spec: &Spec, policy: &Policy, folder: &'a Path) -> Result<Self> {
        let mut tables = Vec::new();
        for name in &spec.data.tables {
            let Some(table) = table::by_name(name) else {
                continue;
            };
            let file = folder.join(format!("{name}.parquet"));
            let file = File::create(&file).map_err(|error| file_error(&file, error))?;
            tables.push(TableWriter::create(table, file)?);
        }
        Ok(Self {
            folder,
            tables,
            lines: BTreeMap::new(),
            kinds: kinds(spec, policy),
            fhir: spec.data.fhir,
            files: Vec::new(),
        })
    }

    /// Writes a processed resource wherever it is asked for.
    pub(super) fn resource(&mut self, kind: &str, resource: &Value) -> Result<()> {
        for table in self
            .tables
            .iter_mut()
            .filter(|table| table.table().kind == kind)
        {
            table.add(resource)?;
        }
        if self.fhir {
            if !self.lines.contains_key(kind) {
                let folder = self.folder.join("fhir");
                fs::create_dir_all(&folder).map_err(|error| file_error(&folder, error))?;
                let file = folder.join(format!("{kind}.ndjson"));
                let out = File::create(&file).map_err(|error| file_error(&file, error))?;
                let out = (BufWriter::new(out), 0);
                self.lines.insert(kind.to_owned(), out);
            }
            if let Some((out, count)) = self.lines.get_mut(kind) {
                let mut line = resource.to_string();
                line.push('\n');
                out.write_all(line.as_bytes())
                    .map_err(|error| file_error(self.folder, error))?;
                *count += 1;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<FileEntry>> {
        for (kind, (mut out, rows)) in self.lines {
            out.flush()
                .map_err(|error| file_error(self.folder, error))?;
            drop(out);
            let path = format!("fhir/{kind}.ndjson");
            let (hash, bytes) = manifest::hash_file(&self.folder.join(&path))?;
            self.files.push(FileEntry {
                path,
                bytes,
                hash,
                rows: Some(rows),
            });
        }
        for table in self.tables {
            let path = format!("{}.parquet", table.table().name);
            let (rows, file) = table.finish()?;
            drop(file);
            let (hash, bytes) = manifest::hash_file(&self.folder.join(&path))?;
            self.files.push(FileEntry {
                path,
                bytes,
                hash,
                rows: Some(rows),
            });
        }
        Ok(self.files)
    }
}

/// The kinds of resource that a set asks for.
pub(super) fn kinds(spec: &Spec, policy: &Policy) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    if spec.data.fhir {
        kinds.extend(policy.types().map(str::to_owned));
    }
    let tables = spec
        .data
        .tables
        .iter()
        .filter_map(|name| table::by_name(name));
    kinds.extend(tables.map(|table| table.kind.to_owned()));
    kinds
}
