//! Lines that are sent with the request itself.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kura_model::{Category, Error, RequestContext, Result};

use super::asked::Asked;
use super::write::{Part, disk, spool};
use crate::Bank;
use crate::access::{Action, authorize};
use crate::async_request::{self, Kind, Place};

/// Uploads at one time: each may hold a thread, and the disk, for as long as its sender takes.
const OPEN_AT_ONCE: usize = 4;
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// One of those that are open.
struct Open;

impl Open {
    fn new() -> Result<Self> {
        if OPEN.fetch_add(1, Ordering::AcqRel) < OPEN_AT_ONCE {
            return Ok(Self);
        }
        OPEN.fetch_sub(1, Ordering::AcqRel);
        Err(Error::new(
            Category::Exhausted,
            "others are sending inputs; try again when they are done",
        )
        .coded("throttled"))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An input on its way to disk. Dropped before it is whole, it leaves nothing.
pub struct Upload {
    place: Option<Place>,
    part: Part,
    size: u64,
    limit: u64,
    _open: Open,
}

impl Upload {
    /// # Errors
    /// `Exhausted`, if there are too many requests already.
    pub fn new(bank: &Bank, context: &RequestContext) -> Result<Self> {
        use std::io::Write as _;
        authorize(bank, context, Action::Import)?;
        async_request::room(Kind::Import)?;
        let open = Open::new()?;
        let place = Place::make(bank, Kind::Import)?;
        let mut part = Part::create(&place.folder.join(spool(0)))?;
        part.flush().map_err(disk)?;
        Ok(Self {
            place: Some(place),
            part,
            size: 0,
            limit: bank.config.import.input_bytes,
            _open: open,
        })
    }

    /// Adds bytes; `TooLarge` beyond `import.input_bytes`.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        use std::io::Write as _;
        self.size += bytes.len() as u64;
        if self.size > self.limit {
            return Err(Error::new(
                Category::TooLarge,
                format!(
                    "more than import.input_bytes were sent, {} bytes",
                    self.limit
                ),
            ));
        }
        self.part.write_all(bytes).map_err(disk)
    }

    /// Begins the import of what was sent; its id.
    pub fn begin(
        mut self,
        bank: &Arc<Bank>,
        context: &RequestContext,
        base: String,
    ) -> Result<String> {
        self.part.finish()?;
        let Some(place) = self.place.take() else {
            return Err(Error::internal("an upload has no place"));
        };
        let asked = async_request::Asked::Import(Asked::sent(base));
        let t = bank.clinical.now()?;
        let detail = format!("{} bytes sent", self.size);
        let id = place.id.clone();
        let folder = place.folder.clone();
        if let Err(error) = async_request::begin_in(bank, context, place, asked, t, detail) {
            let _ = fs::remove_dir_all(folder);
            return Err(error);
        }
        Ok(id)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(place) = &self.place {
            let _ = fs::remove_dir_all(&place.folder);
        }
    }
}
