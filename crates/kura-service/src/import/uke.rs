//! UKE claims files: a `Claim` for each receipt, the file itself kept whole.

use std::fs::File;
use std::io::BufReader;

use kura_feeds::uke::{self, Ids, Limits, Schedule};
use kura_model::{ContentHash, Refusal, Result};

use super::sink::{Item, Sink};
use super::{Feed, input};
use crate::link::{Claimed, Linkable};

pub(super) fn file(feed: &Feed<'_>, sink: &Sink) -> Result<()> {
    let open = || File::open(feed.path).map_err(|error| input::disk(feed.path, error));
    let reader = match uke::read(BufReader::new(open()?), Limits::default()) {
        Ok(reader) => reader,
        Err(refusal) => return sink.refuse_file(feed.path, refusal),
    };
    let header = reader.header().clone();
    if header.schedule != Schedule::Medical {
        return sink.refuse_file(
            feed.path,
            Refusal::new("uke-schedule", "only 医科 and DPC receipts are read"),
        );
    }
    let (blob, size) = feed.bank.clinical.blobs().put(open()?)?;
    sink.push(Item::Blob(blob, size));
    let mut position = 0;
    for next in reader {
        if feed.cancelled() {
            return Ok(());
        }
        position += 1;
        if position <= feed.position {
            continue;
        }
        match next {
            Ok(receipt) => {
                let id = claim_id(&header, &receipt.number, receipt.month);
                let mapped = uke::to_fhir(&receipt, &header, Ids { claim: &id });
                let claimed = Claimed {
                    number: mapped.patient_number,
                    // The receipt is this hospital's own: so is its record number.
                    system: Some(feed.bank.config.hospital.patient_number_system.clone()),
                    birth_date: Some(mapped.birth_date),
                    sex: Some(mapped.sex.code().to_owned()),
                };
                let source = Some((sink.source(), receipt.lines.0));
                for (index, resource) in std::iter::once(mapped.claim)
                    .chain(mapped.coverage)
                    .enumerate()
                {
                    sink.push(Item::Linkable(Box::new(Linkable {
                        resource,
                        claimed: claimed.clone(),
                        blobs: if index == 0 { vec![blob] } else { Vec::new() },
                        source,
                    })));
                }
            }
            Err(rejected) => {
                let size = rejected.raw.len() as u64;
                sink.push(Item::Refused {
                    refusal: rejected.refusal,
                    item: rejected.raw,
                    size,
                });
            }
        }
        sink.reached(position)?;
    }
    Ok(())
}

/// The same receipt, billed again in another file, is a new version of the same claim.
fn claim_id(header: &uke::Header, number: &str, month: (u32, u32)) -> String {
    let name = format!(
        "{}|{}|{}{:02}|{}{:02}|{number}",
        header.institution, header.payer, header.billed.0, header.billed.1, month.0, month.1
    );
    format!("uke-{}", &ContentHash::of(name.as_bytes()).to_hex()[..24])
}
