//! Against a published outpatient receipt file.

use std::path::PathBuf;

use kura_feeds::uke::{Ids, Limits, Receipt, Rejected, Schedule, read, sniff, to_fhir};
use kura_model::Refusal;
use proptest::prelude::*;

fn file(part: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    match std::fs::read(root.join(part)) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            eprintln!("skipped: test data {part} are not here");
            None
        }
    }
}

fn published() -> Option<Vec<u8>> {
    file("../../../shared/data/claims/RECEIPTC_GAIRAI_SAMPLE.UKE")
}

fn all(bytes: &[u8]) -> Result<(Vec<Receipt>, Vec<Rejected>), Refusal> {
    let mut receipts = Vec::new();
    let mut rejected = Vec::new();
    for one in read(bytes, Limits::default())? {
        match one {
            Ok(receipt) => receipts.push(receipt),
            Err(refusal) => rejected.push(refusal),
        }
    }
    Ok((receipts, rejected))
}

#[test]
fn the_published_file_is_read_whole() {
    let Some(bytes) = published() else { return };
    assert_eq!(sniff(&bytes[..40]), Some(Schedule::Medical));
    let mut reader = read(&bytes[..], Limits::default()).expect("a header");
    let receipts: Vec<Receipt> = reader
        .by_ref()
        .collect::<Result<_, _>>()
        .expect("no refusal");
    assert_eq!(receipts.len(), 75);
    let footer = reader.footer().expect("totals");
    assert_eq!((footer.count, footer.points), (140, 86_392));
    assert_eq!(receipts.iter().map(Receipt::points).sum::<u64>(), 86_392);
    let last = receipts.last().expect("receipts");
    assert_eq!(last.lines.1, 635);
    // What was read, put together again, is the file.
    let mut again = reader.header().raw.clone();
    for receipt in &receipts {
        again.extend_from_slice(&receipt.raw);
    }
    again.extend_from_slice(&footer.raw);
    assert!(again == bytes);
}

#[test]
fn a_receipt_becomes_a_claim() {
    let Some(bytes) = published() else { return };
    let mut reader = read(&bytes[..], Limits::default()).expect("a header");
    let receipt = reader.next().expect("one").expect("valid");
    let mapped = to_fhir(&receipt, reader.header(), Ids { claim: "c1" });
    assert_eq!(mapped.patient_number.as_deref(), Some("00697"));
    assert_eq!(mapped.name, "テスト　汎用");
    assert_eq!(mapped.birth_date, "1991-11-21");
    let claim = &mapped.claim;
    assert!(!claim.to_string().contains("汎用"));
    assert_eq!(claim["patient"]["identifier"]["value"], "00697");
    assert_eq!(claim["billablePeriod"]["end"], "2021-10-31");
    assert_eq!(claim["provider"]["identifier"]["value"], "1210000000");
    assert_eq!(claim["total"]["value"].as_u64(), Some(136_420));
    assert_eq!(
        claim["diagnosis"][0]["type"][0]["coding"][0]["code"],
        "principal"
    );
    assert_eq!(claim["insurance"].as_array().map(Vec::len), Some(2));
    let net: u64 = claim["item"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|item| item["net"]["value"].as_u64())
        .sum();
    assert_eq!(net, 136_420);
    assert_eq!(claim["item"][0]["servicedDate"], "2021-10-01");
    let second = reader.next().expect("two").expect("valid");
    let mapped = to_fhir(&second, reader.header(), Ids { claim: "c2" });
    let extension = &mapped.claim["diagnosis"][0]["extension"][0];
    assert_eq!(
        extension["valueCodeableConcept"]["coding"][0]["code"],
        "8070"
    );
    assert_eq!(mapped.coverage[0]["extension"][2]["valueString"], "00");
}

const HEAD: &str = "IR,1,13,1,0000000,,,202604,00,0312345678\r\n";

fn re(number: u32) -> String {
    format!(
        "RE,{number},1112,202603,A B,1,19640325,,,,,,,P-{number}{},A B,\r\n",
        ",".repeat(22)
    )
}

fn sample(body: &str, count: u32, points: u32) -> Vec<u8> {
    format!("{HEAD}{body}GO,{count},{points},99\r\n").into_bytes()
}

const HO: &str = "HO,06130012,1,2,1,291,,,,,,,,,\r\n";

fn act(day: usize) -> String {
    format!(
        "SI,11,1,111000110,,291,1{}1{}\r\n",
        ",".repeat(6 + day),
        ",".repeat(31 - day)
    )
}

#[test]
fn what_breaks_a_rule_is_named_by_line_and_field() {
    let good = format!("{}{HO}{}", re(1), act(5));
    let (receipts, rejected) = all(&sample(&good, 1, 291)).expect("a header");
    assert_eq!((receipts.len(), rejected.len()), (1, 0));
    assert_eq!(receipts[0].items[0].days, [(5, 1)]);
    for (body, rule, line, path) in [
        (
            good.replace("202603", "202613"),
            "uke-date",
            2,
            Some("RE/診療年月"),
        ),
        (
            good.replace("19640325", "19640230"),
            "uke-date",
            2,
            Some("RE/生年月日"),
        ),
        (
            good.replace(",1,291,", ",1,x,"),
            "uke-field",
            3,
            Some("HO/合計点数"),
        ),
        (
            good.replace("SI,11,1,", "SI,11,1,9,"),
            "uke-fields",
            4,
            Some("SI"),
        ),
        (good.replace(HO, ""), "uke-order", 2, Some("HO")),
        (
            good.replace("202603", "202602").replace(&act(5), &act(30)),
            "uke-field",
            4,
            Some("SI/30日の情報"),
        ),
    ] {
        let (_, rejected) = all(&sample(&body, 1, 291)).expect("a header");
        let refusal = &rejected[0].refusal;
        assert_eq!(
            (refusal.rule.as_str(), refusal.location.line),
            (rule, Some(line))
        );
        assert_eq!(refusal.location.path.as_deref(), path);
        assert!(rejected[0].raw.starts_with(b"RE,"));
    }
}

#[test]
fn one_bad_receipt_does_not_stop_the_next() {
    let body = format!(
        "{}{HO}{}{}{HO}",
        re(1),
        act(5),
        re(2).replace("RE,2,1112", "RE,2,11")
    );
    let body = format!("{body}{}{HO}", re(3));
    let (receipts, rejected) = all(&sample(&body, 3, 873)).expect("a header");
    let numbers: Vec<_> = receipts.iter().map(|r| r.number.as_str()).collect();
    assert_eq!(numbers, ["1", "3"]);
    assert_eq!((rejected.len(), rejected[0].lines), (1, (5, 6)));
}

#[test]
fn unknown_records_stay_and_are_named() {
    let body = format!("{}{HO}ZZ,1,2\r\n", re(1));
    let (receipts, rejected) = all(&sample(&body, 1, 291)).expect("a header");
    assert_eq!(receipts[0].unknown, [(4, "ZZ".to_owned())]);
    assert!(receipts[0].raw.ends_with(b"ZZ,1,2\r\n"));
    assert_eq!(rejected[0].refusal.rule, "uke-unknown-record");
    assert_eq!(rejected[0].raw, b"ZZ,1,2\r\n");
}

#[test]
fn totals_encoding_and_order() {
    let good = format!("{}{HO}", re(1));
    let rules = |bytes: &[u8]| -> Vec<String> {
        let (_, rejected) = all(bytes).expect("a header");
        rejected.into_iter().map(|r| r.refusal.rule).collect()
    };
    assert_eq!(rules(&sample(&good, 2, 291)), ["uke-totals"]);
    assert_eq!(rules(&sample(&good, 1, 290)), ["uke-totals"]);
    assert_eq!(rules(format!("{HEAD}{good}").as_bytes()), ["uke-footer"]);
    assert_eq!(
        rules(&sample(&format!("{HO}{good}"), 1, 291)),
        ["uke-order"]
    );
    let mut bytes = sample(&good, 1, 291);
    let at = bytes.windows(3).position(|w| w == b"A B").expect("a name");
    bytes[at + 1] = 0xff;
    assert_eq!(rules(&bytes), ["uke-encoding"]);
    assert_eq!(all(b"").expect_err("empty").rule, "uke-header");
    assert_eq!(
        all(&[b'x'; 100_000]).expect_err("long").rule,
        "uke-line-size"
    );
    let dental = HEAD.replace(",13,1,", ",13,3,");
    assert_eq!(
        all(dental.as_bytes()).expect_err("dental").rule,
        "uke-schedule"
    );
}

#[test]
fn the_hospitals_file_is_clean() {
    let Some(bytes) = file("../../samples/hospital/claims/RECEIPTC.UKE") else {
        return;
    };
    let (receipts, rejected) = all(&bytes).expect("a header");
    assert!(rejected.is_empty(), "{}", rejected[0].refusal);
    assert_eq!(receipts.len(), 8);
    for receipt in receipts {
        let claimed: u64 = receipt
            .items
            .iter()
            .filter_map(|item| Some(item.points? * u64::from(item.times)))
            .sum();
        assert_eq!(claimed, receipt.points());
        assert!(
            receipt
                .patient_number
                .is_some_and(|number| number.starts_with("POP-"))
        );
    }
}

proptest! {
    #[test]
    fn mangled_bytes_never_panic(
        changes in prop::collection::vec((0usize..40_000, any::<u8>()), 1..8),
        cut in 0usize..40_000,
    ) {
        let mut bytes = published().unwrap_or_else(|| sample(&format!("{}{HO}{}", re(1), act(5)), 1, 291));
        let length = bytes.len();
        for (at, value) in changes {
            bytes[at % length] = value;
        }
        bytes.truncate(cut.max(100));
        let _ = sniff(&bytes);
        if let Ok(mut reader) = read(&bytes[..], Limits::default()) {
            while let Some(one) = reader.next() {
                if let Ok(receipt) = one {
                    let _ = to_fhir(&receipt, reader.header(), Ids { claim: "x" });
                }
            }
        }
    }
}
