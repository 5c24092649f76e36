use std::io::Write;

use flate2::Compression;
use kura_genomics::vcf::{Summary, check, page, variants};
use kura_genomics::{Format, Limits, sniff};
use kura_model::Refusal;
use proptest::prelude::*;

use crate::{files, sample, shared};

fn run(bytes: &[u8]) -> Result<Summary, Refusal> {
    let format = sniff(bytes).unwrap_or(Format::Vcf);
    check(bytes, format, &Limits::default(), |_| {})
}

#[test]
fn every_valid_file_of_the_specification_passes() {
    let Some(folder) = shared("genomics/vcf/hts-specs-4.3/passed") else {
        return;
    };
    let mut failed = Vec::new();
    for path in files(&folder) {
        let bytes = std::fs::read(&path).expect("a file");
        if let Err(refusal) = run(&bytes) {
            failed.push(format!("{}: {refusal}", path.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Files of the suite that are taken in, each with the reason.
const TAKEN_IN: [(&str, &str); 7] = [
    (
        "failed_body_chrom_004.vcf",
        "the specification of today lets contig names hold * (HLA-A*01:01)",
    ),
    (
        "failed_body_duplicated_001.vcf",
        "nothing forbids a variant written twice",
    ),
    (
        "failed_body_duplicated_003.vcf",
        "nothing forbids a variant written twice",
    ),
    (
        "failed_meta_assembly_001.vcf",
        "we do not follow the address of an assembly",
    ),
    (
        "failed_meta_contig_003.vcf",
        "the specification of today lets contig names hold *",
    ),
    (
        "failed_meta_pedigreedb_002.vcf",
        "we do not follow the address of a pedigree database",
    ),
    (
        "failed_meta_sample_003.vcf",
        "nothing forbids * in a sample's name",
    ),
];

#[test]
fn invalid_files_of_the_specification_are_refused() {
    let Some(folder) = shared("genomics/vcf/hts-specs-4.3/failed") else {
        return;
    };
    let all = files(&folder);
    let mut taken = Vec::new();
    for path in &all {
        let bytes = std::fs::read(path).expect("a file");
        if run(&bytes).is_ok() {
            let name = path.file_name().unwrap_or_default();
            taken.push(name.to_string_lossy().into_owned());
        }
    }
    eprintln!("{} of {} refused", all.len() - taken.len(), all.len());
    for name in &taken {
        let reason = TAKEN_IN.iter().find(|(have, _)| have == name);
        eprintln!("taken in: {name}: {}", reason.map_or("?", |r| r.1));
    }
    let expected: Vec<&str> = TAKEN_IN.iter().map(|(name, _)| *name).collect();
    assert_eq!(taken, expected);
}

const HEAD: &str = "##fileformat=VCFv4.3\n\
##INFO=<ID=DP,Number=1,Type=Integer,Description=\"Depth\">\n\
##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n\
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n";

fn with(lines: &str) -> Vec<u8> {
    format!("{HEAD}{lines}").into_bytes()
}

#[test]
fn a_refusal_names_line_column_and_rule() {
    for (line, rule, path) in [
        ("1\tx\t.\tA\tG\t.\t.\t.\tGT\t0/1\t0/0", "vcf-pos", "POS"),
        (
            "1\t2147483648\t.\tA\tG\t.\t.\t.\tGT\t0/1\t0/0",
            "vcf-pos",
            "POS",
        ),
        (
            "1\t99999999999999999999999\t.\tA\tG\t.\t.\t.\tGT\t0/1\t0/0",
            "vcf-pos",
            "POS",
        ),
        (
            "1\t9\t.\tA\tG\t.\t.\tDP=ten\tGT\t0/1\t0/0",
            "vcf-info-value",
            "INFO/DP",
        ),
        (
            "1\t9\t.\tA\tG\t.\t.\tDP=1\tGT\t0/1\t0/2",
            "vcf-genotype",
            "column 11/GT",
        ),
        ("1\t9\t.\tA\tG,\t.\t.\tDP=1\tGT\t0/1\t0/0", "vcf-alt", "ALT"),
        ("1\t9\t.\tE\tG\t.\t.\tDP=1\tGT\t0/1\t0/0", "vcf-ref", "REF"),
    ] {
        let refusal = run(&with(&format!("{line}\n"))).expect_err(line);
        assert_eq!(
            (refusal.rule.as_str(), refusal.location.line),
            (rule, Some(5))
        );
        assert_eq!(refusal.location.path.as_deref(), Some(path));
    }
    let spaces = run(&with("1 9 . A G . . . GT 0/1 0/0\n")).expect_err("spaces");
    assert_eq!(spaces.rule, "vcf-columns");
}

#[test]
fn older_files_are_warned_about() {
    let text = HEAD.replace("4.3", "4.2") + "1\t9\t.\tR\tG\t.\t.\tDP=1;\tGT\t0/1\t0/0";
    let summary = run(text.as_bytes()).expect("tolerated");
    assert_eq!(summary.records, 1);
    // IUPAC REF, trailing semicolon, no line break at the end.
    assert_eq!(summary.warning_count, 3);
    assert_eq!(summary.warnings[0].location.line, Some(5));
}

fn body() -> Vec<u8> {
    let mut lines = String::new();
    for at in 1..4000 {
        lines += &format!(
            "1\t{}\trs{at}\tA\tG\t50\tPASS\tDP={at}\tGT\t0/{}\t0|0\n",
            at * 10,
            at % 2
        );
    }
    with(&lines)
}

#[test]
fn a_cut_file_is_refused_with_the_byte() {
    let whole = body();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&whole).expect("memory");
    let gzip = gzip.finish().expect("memory");
    assert_eq!(run(&gzip).expect("whole").records, 3999);
    let refusal = run(&gzip[..gzip.len() / 2]).expect_err("cut");
    assert_eq!(refusal.rule, "gzip-truncated");
    assert!(
        refusal
            .location
            .byte
            .is_some_and(|b| b > 0 && b <= gzip.len() as u64)
    );
}

/// BGZF by hand: blocks of stored bytes would do, but these are deflated like real ones.
fn bgzf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for block in bytes.chunks(20_000).chain([&[][..]]) {
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(block).expect("memory");
        let data = deflate.finish().expect("memory");
        let size = u16::try_from(data.len() + 25).expect("a small block");
        out.extend([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, b'B', b'C', 2, 0]);
        out.extend(size.to_le_bytes());
        out.extend(&data);
        let mut crc = flate2::Crc::new();
        crc.update(block);
        out.extend(crc.sum().to_le_bytes());
        out.extend((block.len() as u32).to_le_bytes());
    }
    out
}

#[test]
fn bgzf_without_its_end_is_cut() {
    let packed = bgzf(&body());
    assert_eq!(sniff(&packed[..1000]), Some(Format::Vcf));
    assert_eq!(run(&packed).expect("whole").records, 3999);
    // An empty deflate stream takes 2 bytes: the last block is 28 long.
    let edge = packed.len() - 28;
    let refusal = run(&packed[..edge]).expect_err("no marker");
    assert_eq!(
        (refusal.rule.as_str(), refusal.location.byte),
        ("gzip-truncated", Some(edge as u64))
    );
    let mut damaged = packed.clone();
    damaged[500] ^= 0x10;
    assert_eq!(run(&damaged).expect_err("damaged").rule, "gzip-corrupt");
    assert_eq!(
        run(&packed[..edge - 100]).expect_err("cut").rule,
        "gzip-truncated"
    );
}

#[test]
fn pages_hold_what_the_sample_carries() {
    let whole = body();
    let limits = Limits::default();
    let first = page(&whole[..], Format::Vcf, Some("S1"), 0, 10, &limits).expect("a page");
    assert_eq!(first.variants.len(), 10);
    assert_eq!(first.next, Some(10));
    assert_eq!(
        (first.variants[1].pos, first.variants[1].depth),
        (30, Some(3))
    );
    assert_eq!(first.variants[1].genotype.as_deref(), Some("0/1"));
    let last = page(&whole[..], Format::Vcf, Some("S1"), 1995, 10, &limits).expect("a page");
    assert_eq!((last.variants.len(), last.next), (5, None));
    let none = page(&whole[..], Format::Vcf, Some("S2"), 0, 10, &limits).expect("a page");
    assert!(none.variants.is_empty());
    assert!(page(&whole[..], Format::Vcf, Some("S3"), 0, 10, &limits).is_err());
    let all = page(&whole[..], Format::Vcf, None, 3990, 10, &limits).expect("a page");
    assert_eq!((all.variants.len(), all.next), (9, None));
}

#[test]
fn annotations_are_read_where_declared() {
    let text = "##fileformat=VCFv4.2\n\
##INFO=<ID=CSQ,Number=.,Type=String,Description=\"Consequence annotations. Format: Allele|Consequence|SYMBOL|HGVSc|HGVSp\">\n\
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n\
7\t55191822\trs121434568\tT\tG\t.\tPASS\tCSQ=G|missense_variant|EGFR|c.2573T>G|p.Leu858Arg,G|x|y||\n";
    let found = page(
        text.as_bytes(),
        Format::Vcf,
        None,
        0,
        10,
        &Limits::default(),
    )
    .expect("a page");
    let annotation = found.variants[0].annotation.clone().expect("annotated");
    assert_eq!(annotation.gene.as_deref(), Some("EGFR"));
    assert_eq!(annotation.consequence.as_deref(), Some("missense_variant"));
    assert_eq!(annotation.hgvs_p.as_deref(), Some("p.Leu858Arg"));
}

#[test]
fn bcf_says_what_its_vcf_says() {
    let (Some(text), Some(binary)) = (sample("cohort.vcf.gz"), sample("cohort.bcf")) else {
        return;
    };
    let read = |path: &std::path::Path| std::fs::read(path).expect("a file");
    let (one, two) = (read(&text), read(&binary));
    assert_eq!(sniff(&two), Some(Format::Bcf));
    assert_eq!(sniff(&one), Some(Format::Vcf));
    let (left, right) = (run(&one).expect("valid"), run(&two).expect("valid"));
    assert_eq!(
        (left.records, left.counts, &left.samples),
        (right.records, right.counts, &right.samples)
    );
    assert!(left.records > 100);
    let name = left.samples[0].clone();
    for offset in [0, 50] {
        let vcf = variants(&text, Format::Vcf, Some(&name), offset, 40).expect("a page");
        let bcf = variants(&binary, Format::Bcf, Some(&name), offset, 40).expect("a page");
        assert_eq!(vcf, bcf);
        assert!(!vcf.variants.is_empty());
    }
    assert_eq!(
        run(&two[..two.len() - 40]).expect_err("cut").rule,
        "gzip-truncated"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mangled_bytes_never_panic(at in 0usize..20_000, bits in any::<u8>(), cut in 0usize..20_000) {
        let mut text = body();
        text.truncate(20_000);
        text[at] ^= bits;
        text.truncate(cut.max(at));
        let _ = run(&text);
        let _ = page(&text[..], Format::Vcf, Some("S1"), 5, 5, &Limits::default());
    }

    #[test]
    fn mangled_bcf_never_panics(changes in prop::collection::vec((0usize..40_000, any::<u8>()), 1..6)) {
        let Some(path) = sample("cohort.bcf") else { return Ok(()); };
        let packed = std::fs::read(path).expect("a file");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&packed[..]), &mut bytes).expect("valid");
        for (at, value) in changes {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        let _ = check(&bytes[..], Format::Bcf, &Limits::default(), |_| {});
    }
}
