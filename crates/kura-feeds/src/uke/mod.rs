//! Electronic receipts: the record format of Japan's claims to its payers (レセプト電算処理
//! システム 電子レセプトの作成手引き, 記録条件仕様（医科用）). A file is CP932 text, a record a line,
//! fields with commas between: `IR` (institution), receipts from `RE` to the next, `GO` (totals).
//!
//! [`read`] streams one [`Receipt`] at a time; [`to_fhir`] maps it to a `Claim` and `Coverage`s.

mod date;
mod fhir;
mod layout;
mod parse;
mod reader;
mod record;

pub use date::{month_days, parse_date, parse_month};
pub use fhir::{Ids, Mapped, to_fhir};
pub use reader::{Footer, Limits, Reader, Rejected, read};
pub use record::{Comment, Diagnosis, Header, Insurance, Line, LineKind, Receipt, Schedule, Sex};

/// Tells from leading bytes whether they begin a receipt file, and of which schedule.
///
/// The first record is `IR`, or `UK` (受付情報) in front of it; its third field is the fee
/// schedule (点数表). A DPC file has the same `IR` as 医科.
pub fn sniff(prefix: &[u8]) -> Option<Schedule> {
    for line in prefix.split(|b| *b == b'\n').take(3) {
        let mut fields = line.split(|b| *b == b',');
        match fields.next()? {
            b"IR" => {
                let payer = fields.next()?;
                let prefecture = fields.next()?;
                let digits = |text: &[u8], most: usize| {
                    !text.is_empty() && text.len() <= most && text.iter().all(u8::is_ascii_digit)
                };
                if !digits(payer, 1) || !digits(prefecture, 2) {
                    return None;
                }
                return Schedule::of(fields.next()?);
            }
            b"UK" => {}
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_the_first_record() {
        assert_eq!(
            sniff(b"IR,1,12,1,0000000,,,202111,00,\r\nRE,"),
            Some(Schedule::Medical)
        );
        assert_eq!(sniff(b"IR,1,12,3,0000000"), Some(Schedule::Dental));
        assert_eq!(sniff(b"UK,1\r\nIR,2,01,1,"), Some(Schedule::Medical));
        for other in [
            &b"RE,1,1112"[..],
            b"",
            b"IR",
            b"IR,x,y,1",
            b"a,b,c\n",
            b"{}",
        ] {
            assert_eq!(sniff(other), None);
        }
    }
}
