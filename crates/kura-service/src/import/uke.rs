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
    let (blob, _) = sink.blob(open()?)?;
    let system = number_system(
        &feed.bank.config.hospital.patient_number_system,
        &header.institution,
    );
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
                    system: Some(system.clone()),
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

/// JP Core: the OID of patient numbers, then `1` and the institution's ten digits.
const NUMBERS: &str = "urn:oid:1.2.392.100495.20.3.51.1";

/// Whose record numbers these are: the hospital's own, unless the configured system names
/// another institution than the file does.
fn number_system(configured: &str, institution: &str) -> String {
    match configured.strip_prefix(NUMBERS) {
        Some(own) if own.len() == 10 && own != institution => format!("{NUMBERS}{institution}"),
        _ => configured.to_owned(),
    }
}

/// The same receipt, billed again in another file, is a new version of the same claim.
fn claim_id(header: &uke::Header, number: &str, month: (u32, u32)) -> String {
    let name = format!(
        "{}|{}|{}{:02}|{}{:02}|{number}",
        header.institution, header.payer, header.billed.0, header.billed.1, month.0, month.1
    );
    format!("uke-{}", &ContentHash::of(name.as_bytes()).to_hex()[..24])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_institutions_receipts_are_not_ours() {
        let own = format!("{NUMBERS}1310000000");
        assert_eq!(number_system(&own, "1310000000"), own);
        assert_ne!(number_system(&own, "2710000000"), own);
        // A bank that was not told its institution takes the file's word.
        assert_eq!(number_system(NUMBERS, "2710000000"), NUMBERS);
    }
}
