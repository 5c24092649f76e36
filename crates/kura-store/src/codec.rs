//! Bodies are compressed with a dictionary per kind: resources of one type repeat each other's
//! words, so a body of 1.8 KB takes about a tenth.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use kura_model::{Error, Result};
use zstd::zstd_safe::{CCtx, CDict, DCtx, DDict};

use crate::database::{Connection, values};

const LEVEL: i32 = 3;
/// zstd's own advice: a dictionary of about 100 KB, from a hundred times as much.
const DICTIONARY_BYTES: usize = 64 * 1024;
const SAMPLES_AT_LEAST: usize = 64;
const SAMPLE_BYTES_AT_MOST: usize = 8 * 1024 * 1024;
/// A body may not claim to be larger than this when it is opened.
pub(crate) const BODY_BYTES_AT_MOST: usize = 64 * 1024 * 1024;

/// Dictionary 0 is none.
const NONE: i64 = 0;

pub(crate) struct Compressor {
    context: CCtx<'static>,
    by_kind: HashMap<i64, (i64, CDict<'static>)>,
}

impl Compressor {
    pub(crate) fn new() -> Self {
        Self {
            context: CCtx::create(),
            by_kind: HashMap::new(),
        }
    }

    pub(crate) fn forget(&mut self) {
        self.by_kind.clear();
    }

    pub(crate) fn has_dictionary(&mut self, connection: &Connection, kind: i64) -> Result<bool> {
        if self.by_kind.contains_key(&kind) {
            return Ok(true);
        }
        let found: Option<(i64, Vec<u8>)> = connection.first(
            "SELECT dictionary, bytes FROM dictionary WHERE kind = ?1 ORDER BY dictionary DESC LIMIT 1",
            values![kind],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let Some((number, bytes)) = found else {
            return Ok(false);
        };
        self.by_kind
            .insert(kind, (number, CDict::create(&bytes, LEVEL)));
        Ok(true)
    }

    /// Makes a dictionary from the first batch that is large enough. A kind with few records
    /// goes without.
    pub(crate) fn train(
        &mut self,
        connection: &Connection,
        kind: i64,
        samples: &[&[u8]],
    ) -> Result<()> {
        if samples.len() < SAMPLES_AT_LEAST {
            return Ok(());
        }
        let total: usize = samples.iter().map(|sample| sample.len()).sum();
        let step = total.div_ceil(SAMPLE_BYTES_AT_MOST).max(1);
        let chosen: Vec<&[u8]> = samples.iter().copied().step_by(step).collect();
        let size = DICTIONARY_BYTES.min(total / step / 8);
        // Too little variety gives no dictionary; then there is none, which is no fault.
        let Ok(bytes) = zstd::dict::from_samples(&chosen, size) else {
            return Ok(());
        };
        let number = connection.one(
            "INSERT INTO dictionary (kind, bytes) VALUES (?1, ?2) RETURNING dictionary",
            values![kind, &bytes[..]],
            |row| row.get(0),
        )?;
        self.by_kind
            .insert(kind, (number, CDict::create(&bytes, LEVEL)));
        Ok(())
    }

    /// Returns the dictionary's number and the compressed bytes.
    pub(crate) fn compress(&mut self, kind: i64, body: &[u8]) -> Result<(i64, Vec<u8>)> {
        let mut out = Vec::with_capacity(zstd::zstd_safe::compress_bound(body.len()));
        let (number, outcome) = match self.by_kind.get(&kind) {
            Some((number, dictionary)) => (
                *number,
                self.context
                    .compress_using_cdict(&mut out, body, dictionary),
            ),
            None => (NONE, self.context.compress(&mut out, body, LEVEL)),
        };
        outcome.map_err(|code| codec_error("could not be compressed", code))?;
        Ok((number, out))
    }
}

/// Dictionaries as read, shared by all readers of one store.
#[derive(Default)]
pub(crate) struct Dictionaries(RwLock<HashMap<i64, Arc<DDict<'static>>>>);

impl Dictionaries {
    fn get(&self, connection: &Connection, number: i64) -> Result<Arc<DDict<'static>>> {
        if let Ok(map) = self.0.read()
            && let Some(found) = map.get(&number)
        {
            return Ok(found.clone());
        }
        let bytes: Vec<u8> = connection.one(
            "SELECT bytes FROM dictionary WHERE dictionary = ?1",
            values![number],
            |row| row.get(0),
        )?;
        let made = Arc::new(DDict::create(&bytes));
        if let Ok(mut map) = self.0.write() {
            map.insert(number, made.clone());
        }
        Ok(made)
    }

    pub(crate) fn decompress(
        &self,
        connection: &Connection,
        context: &mut DCtx<'static>,
        number: i64,
        size: usize,
        bytes: &[u8],
    ) -> Result<Vec<u8>> {
        if size > BODY_BYTES_AT_MOST {
            return Err(Error::internal("a stored body claims an impossible size"));
        }
        let mut out = Vec::with_capacity(size);
        let outcome = if number == NONE {
            context.decompress(&mut out, bytes)
        } else {
            let dictionary = self.get(connection, number)?;
            context.decompress_using_ddict(&mut out, bytes, &dictionary)
        };
        outcome.map_err(|code| codec_error("could not be opened", code))?;
        Ok(out)
    }
}

fn codec_error(what: &str, code: usize) -> Error {
    Error::internal(format!("a stored body {what}")).because(zstd::zstd_safe::get_error_name(code))
}
