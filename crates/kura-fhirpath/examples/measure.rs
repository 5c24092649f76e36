//! How many evaluations a second of processor time: `cargo run --release -p kura-fhirpath --example measure FOLDER`,
//! where FOLDER has FHIR resources as `Type.ndjson.gz`.
#![allow(clippy::print_stdout, reason = "a command-line tool")]

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use kura_fhirpath::{Environment, Expression};
use serde_json::Value;

const EXPRESSIONS: &[(&str, &str)] = &[
    ("Observation", "Observation.code"),
    ("Observation", "(Observation.value as Quantity)"),
    ("Observation", "Observation.effective"),
    (
        "Observation",
        "Observation.subject.where(resolve() is Patient)",
    ),
    (
        "Observation",
        "Observation.component.value.as(Quantity) | Observation.value.as(Quantity)",
    ),
    // R4's clinical-code, a parameter of nine types.
    (
        "Observation",
        "AllergyIntolerance.code | AllergyIntolerance.reaction.substance | Condition.code | \
         (DeviceRequest.code as CodeableConcept) | DiagnosticReport.code | \
         FamilyMemberHistory.condition.code | List.code | Medication.code | \
         (MedicationAdministration.medication as CodeableConcept) | \
         (MedicationDispense.medication as CodeableConcept) | \
         (MedicationRequest.medication as CodeableConcept) | \
         (MedicationStatement.medication as CodeableConcept) | Observation.code | \
         Procedure.code | ServiceRequest.code",
    ),
    (
        "Patient",
        "Patient.name.where(extension('http://hl7.org/fhir/StructureDefinition/\
         iso21090-EN-representation').value.as(code)='SYL' and use='usual').text",
    ),
    (
        "Patient",
        "Patient.name.where(extension('http://hl7.org/fhir/StructureDefinition/\
         iso21090-EN-representation').value.as(code)='SYL' and use='official').text",
    ),
    ("Patient", "Patient.telecom.where(system='phone')"),
    ("Patient", "Patient.descendants().count()"),
];

const REPEATS: u64 = 10;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: measure FOLDER")?;
    let mut kind = "";
    let mut resources: Vec<Value> = Vec::new();
    for (of, text) in EXPRESSIONS {
        if *of != kind {
            let file = std::fs::File::open(Path::new(&folder).join(format!("{of}.ndjson.gz")))?;
            let mut lines = String::new();
            flate2::read::GzDecoder::new(file).read_to_string(&mut lines)?;
            resources = lines
                .lines()
                .take(5000)
                .map(serde_json::from_str)
                .collect::<Result<_, _>>()?;
            kind = of;
        }
        let expression = Expression::parse(text)?;
        let environment = Environment::default();
        let (mut evaluations, mut items) = (0u64, 0usize);
        let start = Instant::now();
        let before = on_cpu();
        while start.elapsed().as_millis() < 500 {
            for resource in &resources {
                // As when many parameters are asked of a resource that was just parsed.
                for _ in 0..REPEATS {
                    items += expression.evaluate(resource, &environment)?.len();
                }
            }
            evaluations += resources.len() as u64 * REPEATS;
        }
        let spent = match (before, on_cpu()) {
            (Some(before), Some(after)) => after - before,
            _ => start.elapsed(),
        };
        let each = spent.as_nanos() as f64 / evaluations as f64;
        println!(
            "{:>12.0}/s {each:>8.0} ns {:>6.2} items  {text}",
            1e9 / each,
            items as f64 / evaluations as f64
        );
    }
    Ok(())
}

/// Time this thread has had a processor (Linux); other work on the machine does not count.
fn on_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = text.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}
