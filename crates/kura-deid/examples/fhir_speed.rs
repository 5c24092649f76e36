//! `fhir_speed POLICY FILE.ndjson.gz…`: resources a second through the engine, one core: parsed,
//! processed, written. Memory holds one file.
#![allow(clippy::print_stdout, reason = "a measurement")]

use std::io::Read;
use std::time::Instant;

use kura_deid::fhir::{ChangeReport, Subject, Survey, process};
use kura_deid::keys::ProjectKey;
use kura_deid::known::KnownIdentifiers;
use kura_deid::policy::shipped;
use serde_json::Value;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().expect("a policy");
    let policy = shipped(&name).expect("a shipped policy").expect("sound");
    let lines: Vec<String> = arguments
        .flat_map(|path| {
            let mut text = String::new();
            let file = std::fs::File::open(&path).expect("a file");
            flate2::read::MultiGzDecoder::new(file)
                .read_to_string(&mut text)
                .expect("text");
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let parse = |line: &String| serde_json::from_str::<Value>(line).expect("JSON");
    let survey = policy.needs_survey().then(|| {
        let mut survey = Survey::new(&policy);
        for line in &lines {
            survey.patient(&policy, [parse(line)].iter());
        }
        survey
    });
    let key = ProjectKey::new([7; 32]);
    // As many as the bank knows of a patient.
    let known = KnownIdentifiers::new(
        [
            "小野 綾子",
            "小野",
            "綾子",
            "オノ アヤコ",
            "オノ",
            "アヤコ",
            "POP-000209",
            "090-1960-5585",
            "千葉県市川市栄4丁目5-13",
            "1950-01-04",
            "06139877",
            "1185",
            "onoayako",
            "鈴木 淑子",
        ]
        .map(str::to_owned),
    );
    let subject = Subject {
        key: &key,
        known: &known,
        shift_days: -10,
        reference_year: 2026,
        survey: survey.as_ref(),
        texts: None,
    };
    let mut report = ChangeReport::default();
    let started = Instant::now();
    let (mut left, mut bytes, mut read) = (0_u64, 0_u64, 0_u64);
    for line in &lines {
        read += line.len() as u64;
        if let Ok(out) = process(&policy, &parse(line), &subject, &mut report) {
            left += 1;
            bytes += out.to_string().len() as u64;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{name}: {} resources ({left} left), {:.1} MB in, {:.1} MB out, {seconds:.2} s, {:.0} resources/s",
        lines.len(),
        read as f64 / 1e6,
        bytes as f64 / 1e6,
        lines.len() as f64 / seconds
    );
}
