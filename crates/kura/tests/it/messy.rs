//! Bad input: a clear reason, the rest goes on, nothing acknowledged is lost.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::support::{TestBank, repository, sample, shared, tool};

const GOOD: &str = r#"{"resourceType":"Patient","id":"good"}"#;

/// Imports one messy file; gives the first refusal.
#[track_caller]
fn refusal(bank: &TestBank, file: &Path) -> serde_json::Value {
    let report = bank.import(&[file], 3);
    assert!(report["refused"].as_u64().unwrap() >= 1);
    let rows = bank.refused();
    let row = rows[0].clone();
    assert!(
        row["name"]
            .as_str()
            .unwrap()
            .contains(file.file_name().unwrap().to_str().unwrap())
    );
    assert!(!row["message"].as_str().unwrap().is_empty());
    row
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .args(["-c", "-n"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("gzip");
    let mut input = child.stdin.take().expect("standard input");
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = input.write_all(&bytes);
    });
    let output = child.wait_with_output().expect("gzip ends");
    writer.join().expect("the writer ends");
    output.stdout
}

#[test]
fn half_a_line_wrong_encoding_and_no_type() {
    let bank = TestBank::new();
    let text = [
        GOOD.as_bytes(),
        b"{\"resourceType\":\"Patient\",\"id\":\"ha",
        b"{\"resourceType\":\"Patient\",\"id\":\"sjis\",\"name\":[{\"text\":\"\x8f\xac\x96\xec\"}]}",
        b"{\"id\":\"no-type\"}",
        b"{\"resourceType\":\"Patint\",\"id\":\"x\"}",
        b"{\"resourceType\":\"Patient\",\"id\":\"a b\"}",
        b"{\"resourceType\":\"Patient\",\"id\":\"good-too\"}",
    ]
    .join(&b"\n"[..]);
    let file = bank.file("mess.ndjson", &text);
    let report = bank.import(&[&file], 3);
    assert_eq!(report["accepted"], 2);
    assert_eq!(report["refused"], 5);
    let found: Vec<(String, u64)> = bank
        .refused()
        .iter()
        .rev()
        .map(|row| {
            (
                row["rule"].as_str().unwrap().to_owned(),
                row["location"]["line"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("json-syntax", 2),
        ("json-encoding", 3),
        ("fhir-resource-type", 4),
        ("fhir-resource-type", 5),
        ("fhir-id", 6),
    ];
    assert_eq!(found, expected.map(|(rule, line)| (rule.to_owned(), line)));
    // The item itself is kept.
    let id = bank.refused()[4]["id"].to_string();
    let item = bank.kura(&["import", "--item", &id]).ok();
    assert_eq!(item.out, "{\"resourceType\":\"Patient\",\"id\":\"ha");
    // No message repeats what stood in the file.
    assert!(
        bank.refused()
            .iter()
            .all(|row| !row["message"].as_str().unwrap().contains("sjis"))
    );
}

#[test]
fn a_truncated_gzip_gives_what_came_before() {
    let bank = TestBank::new();
    let lines: String = (0..20_000)
        .map(|id| format!("{{\"resourceType\":\"Patient\",\"id\":\"p{id}\",\"birthDate\":\"19{:02}-01-01\"}}\n", id * 7919 % 100))
        .collect();
    let packed = gzip(lines.as_bytes());
    let file = bank.file("cut.ndjson.gz", &packed[..packed.len() / 2]);
    let row = refusal(&bank, &file);
    assert_eq!(row["rule"], "gzip-truncated");
    assert!(row["location"]["byte"].as_u64().unwrap() > 0);
    assert!(bank.live("Patient") > 1000);

    let mut damaged = packed.clone();
    let middle = damaged.len() / 2;
    for byte in &mut damaged[middle..middle + 64] {
        *byte ^= 0xA5;
    }
    let row = refusal(&bank, &bank.file("damaged.ndjson.gz", &damaged));
    let rule = row["rule"].as_str().unwrap();
    assert!(
        [
            "gzip-damaged",
            "gzip-truncated",
            "json-syntax",
            "json-encoding"
        ]
        .contains(&rule),
        "{rule}"
    );
}

/// The highest resident memory of an import, in KiB, by /proc.
fn peak_of_import(bank: &TestBank, path: &Path) -> (u64, i32) {
    let mut child = bank
        .command(&["import"])
        .arg(path)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("kura runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Ok(text) = std::fs::read_to_string(&status) {
            let resident = text
                .lines()
                .find_map(|line| line.strip_prefix("RssAnon:"))
                .and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse().ok());
            peak = peak.max(resident.unwrap_or(0));
        }
        if let Some(status) = child.try_wait().expect("kura runs") {
            return (peak, status.code().unwrap_or(-1));
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn a_line_of_two_gigabytes_is_passed_over() {
    let bank = TestBank::new();
    let file = bank.file(
        "long.ndjson",
        b"{\"resourceType\":\"Patient\",\"id\":\"before\"}\n{\"resourceType\":\"",
    );
    let handle = std::fs::OpenOptions::new()
        .append(true)
        .open(&file)
        .unwrap();
    // A hole in the file: two gigabytes of zeros that take no disk.
    handle.set_len(2 << 30).unwrap();
    let mut handle = handle;
    handle.write_all(format!("\n{GOOD}\n").as_bytes()).unwrap();
    drop(handle);
    let (peak, code) = peak_of_import(&bank, &file);
    assert_eq!(code, 3);
    assert!(peak < 512 * 1024, "{peak} KiB");
    assert_eq!(bank.refused()[0]["rule"], "item-size");
    assert_eq!(bank.refused()[0]["location"]["line"], 2);
    assert!(bank.refused()[0]["item_size"].as_u64().unwrap() > 2_000_000_000);
    assert_eq!(bank.live("Patient"), 2);
}

#[test]
fn bombs_are_not_blown_up() {
    let bank = TestBank::new();
    // Small limits, so that the test needs no gigabytes.
    let limited = |file: &Path| {
        let output = bank
            .command(&["import", "--format", "json"])
            .arg(file)
            .env("KURA_IMPORT__EXPANDED_BYTES", "10000000")
            .env("KURA_IMPORT__EXPANSION", "50")
            .output()
            .expect("kura runs");
        assert_eq!(output.status.code(), Some(3));
        bank.refused()[0]["rule"].as_str().unwrap().to_owned()
    };
    let line = format!("{GOOD}\n").repeat(3_000_000);
    assert_eq!(
        limited(&bank.file("bomb.ndjson.gz", &gzip(line.as_bytes()))),
        "expansion"
    );

    let Some(python) = tool("KURA_PYTHON", "python3") else {
        return;
    };
    let zip = bank.folder.path().join("bomb.zip");
    let made = Command::new(python)
        .args(["-c", "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1],'w',zipfile.ZIP_DEFLATED)\nz.writestr('a.ndjson','{\"resourceType\":\"Patient\",\"id\":\"in-zip\"}')\nz.writestr('b.dcm',b'\\0'*50_000_000)\nz.close()"])
        .arg(&zip)
        .status()
        .expect("python runs");
    assert!(made.success());
    assert_eq!(limited(&zip), "expansion");
    // What came before the bomb is there, and the refusal names the member.
    assert!(
        bank.refused()[0]["name"]
            .as_str()
            .unwrap()
            .ends_with("bomb.zip!/b.dcm")
    );
    let server = bank.serve();
    assert_eq!(server.get("/fhir/Patient/in-zip").status, 200);
}

#[test]
fn two_versions_of_one_id_are_two_versions() {
    let bank = TestBank::new();
    let text = "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"male\"}\n{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"female\"}\n";
    bank.import(&[&bank.file("two.ndjson", text.as_bytes())], 0);
    // An older export that comes later brings nothing back.
    let old = "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"male\"}\n\n";
    bank.import(&[&bank.file("old.ndjson", old.as_bytes())], 0);
    let server = bank.serve();
    assert_eq!(server.get("/fhir/Patient/p").json()["gender"], "female");
    assert_eq!(
        server.get("/fhir/Patient/p/_history/1").json()["gender"],
        "male"
    );
    assert_eq!(
        server.get("/fhir/Patient/p/_history").json()["entry"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn dicom_without_preamble_and_hostile_dicom() {
    let bank = TestBank::new();
    let whole = std::fs::read(sample("dicom/01-ct-abdomen.dcm")).unwrap();
    // Without the 128 bytes and "DICM" it begins with its meta group.
    bank.import(&[&bank.file("bare", &whole[132..])], 0);
    assert_eq!(bank.live("DicomInstance"), 1);
    let row = refusal(&bank, &bank.file("cut.dcm", &whole[..700]));
    assert!(row["rule"].as_str().unwrap().starts_with("dicom-"), "{row}");
    assert!(row["location"]["byte"].is_u64(), "{row}");

    let Some(files) = std::env::var_os("KURA_PYDICOM_FILES") else {
        eprintln!("SKIPPED: KURA_PYDICOM_FILES is not set; run make test");
        return;
    };
    let hostile = Path::new(&files).join("UN_sequence.dcm");
    assert!(hostile.exists());
    let (peak, code) = peak_of_import(&bank, &hostile);
    assert!(code == 0 || code == 3, "{code}");
    assert!(peak < 512 * 1024, "{peak} KiB");
    let (peak, code) = peak_of_import(&bank, Path::new(&files));
    assert!(code == 0 || code == 3, "{code}");
    assert!(peak < 512 * 1024, "{peak} KiB");
    assert!(bank.live("DicomInstance") > 50);
}

#[test]
fn vcf_with_wrong_columns_and_uke_with_an_unknown_record() {
    let bank = TestBank::new();
    let vcf = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t100\t.\tA\tC\t.\t.\t.\n1\t200\t.\tA\n";
    let row = refusal(&bank, &bank.file("columns.vcf", vcf.as_bytes()));
    assert!(row["rule"].as_str().unwrap().starts_with("vcf-"), "{row}");
    assert_eq!(row["location"]["line"], 4);

    let claims = std::fs::read(sample("claims/RECEIPTC.UKE")).unwrap();
    let end = claims
        .windows(4)
        .position(|window| window == b"\r\nRE")
        .unwrap()
        + 2;
    let next = end
        + claims[end..]
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap()
        + 1;
    let mut mangled = claims[..next].to_vec();
    mangled.extend_from_slice(b"QQ,1,2,3\r\n");
    mangled.extend_from_slice(&claims[next..]);
    let row = refusal(&bank, &bank.file("unknown.UKE", &mangled));
    assert_eq!(row["rule"], "uke-unknown-record");
    assert!(bank.live("Claim") > 1);
}

#[test]
fn nested_and_damaged_archives() {
    let bank = TestBank::new();
    let row = refusal(
        &bank,
        &bank.file("broken.zip", b"PK\x03\x04 and then nothing"),
    );
    assert_eq!(row["rule"], "zip-damaged");
    let row = refusal(&bank, &bank.file("notes.txt", b"Dear colleague"));
    assert_eq!(row["rule"], "format-unknown");
    let row = refusal(&bank, &bank.file("empty", b""));
    assert_eq!(row["rule"], "format-unknown");
}

#[test]
fn a_full_disk_stops_cleanly_and_loses_nothing() {
    let Some(hospital) = shared("hospital-jp/fhir/Observation.ndjson.gz") else {
        return;
    };
    let small = tempfile::TempDir::new().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"])
        .arg(small.path())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("SKIPPED: a small file system cannot be mounted here");
        return;
    }
    struct Unmount<'a>(&'a Path);
    impl Drop for Unmount<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0).status();
        }
    }
    let guard = Unmount(small.path());
    let folder = small.path().join("bank").display().to_string();
    let kura = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_kura"))
            .args(arguments)
            .env("KURA_BANK", &folder)
            .output()
            .expect("kura runs")
    };
    assert!(kura(&["init", &folder]).status.success());
    let file = small.path().join("p.ndjson");
    std::fs::write(&file, format!("{GOOD}\n")).unwrap();
    assert!(
        kura(&["import", &file.display().to_string()])
            .status
            .success()
    );
    let output = kura(&["import", &hospital.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("disk is full"), "{message}");
    // Room again: the bank is whole, and the import completes.
    let grown = Command::new("mount")
        .args(["-o", "remount,size=256m"])
        .arg(small.path())
        .status()
        .is_ok_and(|status| status.success());
    assert!(grown);
    let audit = kura(&["audit", "verify"]);
    assert!(
        audit.status.success(),
        "{}",
        String::from_utf8_lossy(&audit.stdout)
    );
    let output = kura(&["import", &hospital.display().to_string()]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let status: serde_json::Value =
        serde_json::from_slice(&kura(&["status", "--format", "json"]).stdout).unwrap();
    let live = |kind: &str| {
        status["records"]
            .as_array()
            .unwrap()
            .iter()
            .find(|tally| tally["kind"] == kind)
            .unwrap()["live"]
            .clone()
    };
    assert_eq!(live("Patient"), 1);
    assert_eq!(live("Observation"), 29_154);
    drop(guard);
}

#[test]
fn the_published_examples_of_japanese_profiles_import() {
    let Some(examples) = shared("fhir-jp") else {
        return;
    };
    let bank = TestBank::new();
    let report = bank.import(&[&examples.join("examples"), &examples.join("checkup")], 0);
    assert!(report["accepted"].as_u64().unwrap() > 90, "{report}");
    // Three health checks share their ids; the other two Bundles are documents as well.
    assert!(bank.live("Bundle") >= 3);
    assert!(repository().join("samples/dataset.toml").exists());
}

#[test]
fn a_sample_that_two_sheets_give_to_two_patients_stays_where_it_was() {
    let bank = TestBank::new();
    bank.import(
        &[&bank.file("a.csv", b"sample,patient_number\nS1,1\nS2,2\n")],
        0,
    );
    let row = refusal(
        &bank,
        &bank.file("b.csv", b"sample,patient_number\nS1,9\nS3,3\n,4\n"),
    );
    assert_eq!(row["rule"], "sheet-row");
    assert_eq!(bank.refused()[1]["rule"], "sheet-conflict");
    assert_eq!(bank.live("Sample"), 3);
}
