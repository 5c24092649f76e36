//! What bare SQLite does with the same index rows: the ceiling an import can reach.
//!
//! Everything is parsed before the clock starts. The clock covers inserting the uncompressed
//! body and every index row as text, sorted by batch, with the same journal and sync settings.

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use kura_fhir::Resource;
use kura_fhir::search_parameter::Registry;
use kura_model::IndexValue;
use rusqlite::Connection;

/// `sqlite-ceiling FILE.ndjson.gz DATABASE`
pub fn measure(arguments: &[String]) -> Result<(), String> {
    let [from, database] = arguments else {
        return Err(
            "usage: cargo run -p xtask -- sqlite-ceiling FILE.ndjson.gz DATABASE".to_owned(),
        );
    };
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let file = std::fs::File::open(Path::new(from)).map_err(|error| text(&error))?;
    let mut records = Vec::new();
    for line in std::io::BufReader::new(flate2::read::MultiGzDecoder::new(file)).lines() {
        let line = line.map_err(|error| text(&error))?;
        let resource = Resource::parse(line.as_bytes()).map_err(|error| text(&error))?;
        let found = Registry::r4().extract(resource.kind(), resource.id(), resource.value());
        let rows: Vec<(&'static str, String)> = found
            .index
            .into_iter()
            .map(|entry| (entry.param, key(entry.value)))
            .collect();
        records.push((resource.id().to_owned(), resource.to_stored(), rows));
    }
    let connection = Connection::open(database).map_err(|error| text(&error))?;
    connection
        .execute_batch(
            "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-262144;
             CREATE TABLE record (pk INTEGER PRIMARY KEY, id TEXT, body BLOB);
             CREATE TABLE ix (param TEXT, value TEXT, pk INTEGER, PRIMARY KEY (param, value, pk)) WITHOUT ROWID;",
        )
        .map_err(|error| text(&error))?;
    let started = Instant::now();
    let mut pk = 0i64;
    let mut index_rows = 0;
    for batch in records.chunks(5_000) {
        connection
            .execute_batch("BEGIN")
            .map_err(|error| text(&error))?;
        let mut sorted = Vec::new();
        for (id, body, rows) in batch {
            pk += 1;
            connection
                .prepare_cached("INSERT INTO record VALUES (?1, ?2, ?3)")
                .and_then(|mut statement| statement.execute((pk, id, body)))
                .map_err(|error| text(&error))?;
            sorted.extend(rows.iter().map(|(param, value)| (*param, value, pk)));
        }
        sorted.sort_unstable();
        index_rows += sorted.len();
        let mut statement = connection
            .prepare_cached("INSERT OR IGNORE INTO ix VALUES (?1, ?2, ?3)")
            .map_err(|error| text(&error))?;
        for row in sorted {
            statement.execute(row).map_err(|error| text(&error))?;
        }
        drop(statement);
        connection
            .execute_batch("COMMIT")
            .map_err(|error| text(&error))?;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "bare SQLite: {} records, {index_rows} index rows, {seconds:.2} s, {:.0} records/s",
        records.len(),
        records.len() as f64 / seconds
    );
    Ok(())
}

fn key(value: IndexValue) -> String {
    match value {
        IndexValue::Token { system, code } => format!("{code}|{}", system.unwrap_or_default()),
        IndexValue::Text(text) | IndexValue::Term(text) => text,
        IndexValue::Date { low, high } => format!("{low:012}{high:012}"),
        IndexValue::Number(number) => number.to_string(),
        IndexValue::Quantity { value, code, .. } => {
            format!("{}|{value}", code.unwrap_or_default())
        }
        IndexValue::Reference(target) => target.to_string(),
        IndexValue::Member { group, value } => format!("{group}|{}", key(*value)),
    }
}
