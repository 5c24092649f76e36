//! DICOM files.

use std::fs::File;
use std::io;

use kura_dicom::{Limits, read_header};
use kura_model::Result;

use super::sink::{Item, Sink};
use super::{Feed, input};
use crate::imaging_study::NewInstance;

/// Reads one object.
pub(super) fn file(feed: &Feed<'_>, sink: &Sink) -> Result<()> {
    let read = File::open(feed.path).map_err(|error| input::disk(feed.path, error))?;
    let header = match read_header(io::BufReader::new(read), &Limits::default()) {
        Ok(header) => header,
        Err(refusal) => return sink.refuse_file(feed.path, refusal),
    };
    let read = File::open(feed.path).map_err(|error| input::disk(feed.path, error))?;
    let (blob, size) = sink.blob(read)?;
    let hospital = &feed.bank.config.hospital;
    let source = Some((sink.source(), 1));
    match NewInstance::of(&header, hospital, blob, size, source)? {
        Ok(instance) => {
            sink.push(Item::Instance(Box::new(instance)));
        }
        Err(refusal) => return sink.refuse_file(feed.path, refusal),
    }
    sink.reached(1)
}
