//! Validates files and says what it found:
//! `cargo run -p kura-validation --example validate -- [--package FILE.tgz]... FILE...`, where a FILE
//! is a resource as JSON or resources as `.ndjson.gz`. For many, only counts are printed.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use kura_validation::{Definitions, Severity, Validator};
use serde_json::Value;

fn package(file: &str) -> Vec<Value> {
    let bytes = std::fs::File::open(file).expect("the package");
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    let mut resources = Vec::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        if path.ends_with(".json") {
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("text");
            resources.extend(serde_json::from_str::<Value>(&text).ok());
        }
    }
    resources
}

fn main() {
    let mut definitions = Definitions::r4();
    let mut files = Vec::new();
    let (mut profiles, mut quiet) = (Vec::new(), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--package" => {
                let file = arguments.next().expect("a package");
                let added = definitions.add_package(package(&file));
                println!("{file}: {added} definitions");
            }
            "--profile" => profiles.push(arguments.next().expect("a profile")),
            "--quiet" => quiet = true,
            _ => files.push(argument),
        }
    }
    let profiles: Vec<&str> = profiles.iter().map(String::as_str).collect();
    let start = Instant::now();
    let validator = Validator::new(definitions);
    println!("definitions read in {:?}", start.elapsed());
    let mut counts: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut issues: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for file in &files {
        let bytes = std::fs::read(file).expect("the file");
        let many = file.ends_with(".gz");
        let resources: Vec<Value> = if many {
            let mut text = String::new();
            let mut reader = GzDecoder::new(bytes.as_slice());
            reader.read_to_string(&mut text).expect("text");
            let lines = text.lines();
            lines
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect()
        } else {
            serde_json::from_slice(&bytes).into_iter().collect()
        };
        let mut spent = Duration::ZERO;
        for (at, resource) in resources.iter().enumerate() {
            let start = Instant::now();
            let outcome = validator.validate(resource, &profiles);
            // The first ones compile what the others use.
            if at >= resources.len().min(100) / 2 {
                spent += start.elapsed();
            }
            for profile in &outcome.profiles {
                let verdicts = counts.entry(profile.clone()).or_default();
                *verdicts.entry(outcome.verdict().code()).or_default() += 1;
            }
            let name = file.rsplit('/').next().unwrap_or(file);
            if !many && !quiet {
                println!("{name}: {}", outcome.verdict().code());
                outcome
                    .missing
                    .iter()
                    .for_each(|one| println!("    missing {one}"));
                outcome
                    .issues
                    .iter()
                    .for_each(|issue| println!("    {issue}"));
            }
            for issue in outcome
                .issues
                .iter()
                .filter(|one| !quiet || one.severity <= Severity::Error)
            {
                let place: String = issue
                    .path
                    .chars()
                    .filter(|one| !one.is_ascii_digit())
                    .collect();
                let key = format!(
                    "{} {} {place}: {} [{}]",
                    issue.severity.code(),
                    issue.code.code(),
                    issue.message,
                    issue.rule
                );
                let entry = issues
                    .entry(key)
                    .or_insert((0, format!("{name} {}", at + 1)));
                entry.0 += 1;
            }
        }
        if many {
            let count = resources.len() - resources.len().min(100) / 2;
            println!(
                "{file}: {} resources, {:.0} a second",
                resources.len(),
                count as f64 / spent.as_secs_f64()
            );
        }
    }
    println!("profile: verdicts");
    counts
        .iter()
        .for_each(|(profile, verdicts)| println!("  {profile}: {verdicts:?}"));
    let mut issues: Vec<_> = issues.into_iter().collect();
    issues.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    println!("issues: {}", issues.len());
    for (issue, (count, first)) in issues.iter().take(400) {
        println!("  {count} × {issue} (first {first})");
    }
}
