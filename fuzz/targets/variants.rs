//! VCF, BCF and CATS, whichever the bytes claim to be.
#![no_main]

use kura_genomics::{Format, Limits, cats, sniff, vcf};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    match sniff(bytes) {
        Some(format @ (Format::Vcf | Format::Bcf)) => {
            let _ = vcf::check(bytes, format, &limits, |_| {});
            let _ = vcf::page(bytes, format, None, 0, 10, &limits);
        }
        Some(_) => {
            if let Ok(report) = cats::parse(bytes, &limits) {
                cats::to_fhir(&report, &serde_json::json!({}), "x");
            }
        }
        None => {}
    }
});
