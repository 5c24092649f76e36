//! The two public tables: pROC's aSAH and the VanDyke reader study. A missing file is said, not
//! passed over in silence.

use std::fs;

fn read(name: &str) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let path = format!(
        "{}/../../../shared/data/ai/statistics/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {name} is not at shared/data/ai/statistics, nothing was checked");
        return None;
    };
    let row = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut lines = text.lines();
    let header = row(lines.next()?);
    Some((header, lines.map(row).collect()))
}

/// One patient of aSAH: outcome poor (diseased) or good, and three markers.
pub struct Patient {
    pub poor: bool,
    pub wfns: f64,
    pub s100b: f64,
    pub ndka: f64,
}

pub fn asah() -> Option<Vec<Patient>> {
    let (header, rows) = read("aSAH.csv")?;
    let column = |name: &str| header.iter().position(|h| h == name).unwrap();
    let (outcome, wfns, s100b, ndka) = (
        column("outcome"),
        column("wfns"),
        column("s100b"),
        column("ndka"),
    );
    let patients: Vec<Patient> = rows
        .iter()
        .map(|r| Patient {
            poor: r[outcome] == "Poor",
            wfns: r[wfns].parse().unwrap(),
            s100b: r[s100b].parse().unwrap(),
            ndka: r[ndka].parse().unwrap(),
        })
        .collect();
    assert_eq!(patients.len(), 113);
    Some(patients)
}

/// VanDyke: reader, treatment, case, truth, rating.
pub fn van_dyke() -> Option<kura_evaluation::mrmc::ReaderStudy> {
    use kura_evaluation::mrmc::{ReaderStudy, Reading};
    let (header, rows) = read("VanDyke.csv")?;
    assert_eq!(
        header[..5],
        ["reader", "treatment", "case", "truth", "rating"]
    );
    let readings: Vec<Reading<'_>> = rows
        .iter()
        .map(|r| Reading {
            reader: &r[0],
            modality: &r[1],
            case: r[2].parse().unwrap(),
            diseased: r[3] == "1",
            rating: r[4].parse().unwrap(),
        })
        .collect();
    assert_eq!(readings.len(), 1140);
    Some(ReaderStudy::from_readings(&readings).unwrap())
}
