//! Copies of a bank that is in use, and banks made from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::{TestBank, sample};

fn copies(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder.join("copies"))
        .expect("copies")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    found
}

/// The files under a folder by their names; folders that hold none do not count.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("under it").to_owned();
                found.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn a_copy_of_a_served_bank_is_a_bank() {
    let bank = TestBank::sample();
    let out = bank.folder.path().join("backup");
    let place = out.display().to_string();
    let server = bank.serve();
    // Somebody writes all the while.
    let stop = std::sync::atomic::AtomicBool::new(false);
    let first = std::thread::scope(|scope| {
        let writer = scope.spawn({
            let (server, stop) = (&server, &stop);
            move || {
                let mut written = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) || written < 5 {
                    let body = format!("{{\"resourceType\":\"Patient\",\"id\":\"new-{written}\"}}");
                    let answer = server.send(
                        "PUT",
                        &format!("/fhir/Patient/new-{written}"),
                        &[("Content-Type", "application/fhir+json")],
                        &body,
                    );
                    assert_eq!(answer.status, 201);
                    written += 1;
                }
                written
            }
        });
        let first = bank.kura(&["backup", "--out", &place, "--format", "json"]);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        writer.join().expect("it writes");
        first.ok().json()
    });
    assert!(first["blobs"].as_u64() > Some(0));
    assert_eq!(first["blobs"], first["new_blobs"]);
    // A second copy takes only what is new: of the zones the pieces that changed.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let second = bank
        .kura(&["backup", "--out", &place, "--format", "json"])
        .ok()
        .json();
    assert_eq!(
        (&second["blobs"], second["new_blobs"].as_u64()),
        (&first["blobs"], Some(0))
    );
    let bytes = |copy: &serde_json::Value| copy["new_bytes"].as_u64().expect("a number");
    assert!(bytes(&second) * 2 < bytes(&first), "{first} {second}");
    assert_eq!(copies(&out).len(), 2);
    assert_eq!(
        files(&out.join("blobs")).len() as u64,
        first["blobs"].as_u64().unwrap()
    );

    let restored = TestBank::place();
    let told = restored
        .kura(&["restore", "--from", &place, "--format", "json"])
        .ok()
        .json();
    assert_eq!(told["t"], second["t"]);
    restored.kura(&["audit", "verify"]).ok();
    for kind in ["Patient", "Observation", "DicomInstance", "ImagingStudy"] {
        assert_eq!(restored.live(kind), bank.live(kind), "{kind}");
    }
    // Its files are there, to the byte, and it goes on as a bank.
    let blobs = |bank: &TestBank| Path::new(&bank.path()).join("clinical/blobs");
    assert!(files(&blobs(&bank)) == files(&blobs(&restored)));
    let again = restored.serve();
    let studies = again.get("/dicom-web/studies").json();
    assert!(
        studies
            .as_array()
            .is_some_and(|studies| !studies.is_empty())
    );
    drop(again);
    restored.import(&[&sample("fhir/Patient.ndjson.gz")], 0);

    // The older copy is an older state.
    let older = TestBank::place();
    let from = copies(&out)[0].display().to_string();
    older.kura(&["restore", "--from", &from]).ok();
    assert!(older.live("Patient") <= restored.live("Patient"));
}

#[test]
fn a_damaged_copy_is_refused() {
    let bank = TestBank::new();
    bank.import(&[&sample("dicom")], 0);
    let out = bank.folder.path().join("backup");
    let place = out.display().to_string();
    bank.kura(&["backup", "--out", &place]).ok();
    let inside = format!("{}/clinical/backup", bank.path());
    let refused = bank.kura(&["backup", "--out", &inside]).exits(1);
    assert!(refused.err.contains("inside the bank"), "{}", refused.err);

    // Not over a bank that is there.
    let refused = TestBank::new()
        .kura(&["restore", "--from", &place])
        .exits(1);
    assert!(refused.err.contains("not empty"), "{}", refused.err);
    let to = TestBank::place();
    let copy = copies(&out).remove(0);
    let list = copy.join("clinical.chunks");
    let whole = std::fs::read(&list).unwrap();
    std::fs::write(&list, &whole[65..]).unwrap();
    let refused = to.kura(&["restore", "--from", &place]).exits(1);
    assert!(refused.err.contains("clinical.chunks"), "{}", refused.err);
    std::fs::write(&list, &whole).unwrap();
    // A piece of the last zone but one.
    let hash = String::from_utf8_lossy(&whole[..64]).into_owned();
    let piece = out.join("chunks").join(&hash[..2]).join(&hash[2..]);
    let bytes = std::fs::read(&piece).unwrap();
    let mut broken = bytes.clone();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    std::fs::write(&piece, &broken).unwrap();
    let refused = to.kura(&["restore", "--from", &place]).exits(1);
    assert!(refused.err.contains("damaged"), "{}", refused.err);
    to.kura(&["status"]).exits(1);
    std::fs::remove_dir_all(to.path()).unwrap();
    std::fs::write(&piece, &bytes).unwrap();

    let mut blob = None;
    for entry in std::fs::read_dir(out.join("blobs")).unwrap() {
        blob = std::fs::read_dir(entry.unwrap().path()).unwrap().next();
    }
    let blob = blob.expect("a blob").unwrap().path();
    let bytes = std::fs::read(&blob).unwrap();
    std::fs::write(&blob, &bytes[1..]).unwrap();
    let refused = to.kura(&["restore", "--from", &place]).exits(1);
    assert!(refused.err.contains("damaged"), "{}", refused.err);
    // What was begun is no bank.
    to.kura(&["status"]).exits(1);
    std::fs::remove_dir_all(to.path()).unwrap();
    std::fs::write(&blob, &bytes).unwrap();
    to.kura(&["restore", "--from", &place]).ok();
    assert_eq!(to.live("DicomInstance"), bank.live("DicomInstance"));

    // A copy without its manifest was never finished.
    std::fs::remove_file(copy.join("manifest.json")).unwrap();
    let to = TestBank::place();
    let refused = to.kura(&["restore", "--from", &place]).exits(1);
    assert!(refused.err.contains("no copy"), "{}", refused.err);
}
