//! De-identification from the command line: the rules explained, a whole hospital under each
//! policy, and the hunt for identifiers in what left.

mod images;
mod keys;
mod pixels;
mod tables;
mod texts;
mod video;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{Run, TestBank, sample, shared};

const POLICIES: [&str; 4] = ["kamei", "tokumei", "hipaa-safe-harbor", "coded"];

fn lines(file: &Path) -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(file).expect("the hospital"))
        .read_to_string(&mut text)
        .expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn strings(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            out.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Object(members) => {
            for (name, inner) in members {
                // What is the same for everyone.
                let common = [
                    "system",
                    "use",
                    "type",
                    "code",
                    "valueCode",
                    "url",
                    "country",
                    "state",
                    "relationship",
                    "period",
                    "assigner",
                    "gender",
                    "rank",
                    "display",
                    "text",
                ];
                if !common.contains(&name.as_str()) || (name == "text" && inner.is_string()) {
                    strings(inner, out);
                }
            }
        }
        _ => {}
    }
}

/// Everything that names somebody: patients, relatives, staff, insurance, visits and orders.
fn identifiers(fhir: &Path) -> Vec<String> {
    let mut out = BTreeSet::new();
    for (kind, elements) in [
        (
            "Patient",
            &["id", "name", "identifier", "telecom", "address", "contact"][..],
        ),
        ("Practitioner", &["id", "name", "telecom", "identifier"]),
        ("Coverage", &["identifier", "subscriberId"]),
        ("Encounter", &["id", "identifier"]),
        ("ServiceRequest", &["id", "identifier"]),
        ("Organization", &["telecom"]),
    ] {
        for resource in lines(&fhir.join(format!("{kind}.ndjson.gz"))) {
            for element in elements {
                let mut found = BTreeSet::new();
                match (*element, kind) {
                    // Of a contact the name and the number, not the word "wife".
                    ("contact", _) => {
                        for contact in resource["contact"].as_array().into_iter().flatten() {
                            strings(&contact["name"], &mut found);
                            strings(&contact["telecom"], &mut found);
                        }
                    }
                    _ => strings(&resource[*element], &mut found),
                }
                out.extend(found);
            }
            // The birth date of a child may be the moved date of anybody's examination.
            if let Some(born) = resource["birthDate"].as_str().filter(|born| *born < "1980") {
                out.insert(born.to_owned());
            }
        }
    }
    out.remove("1300000000"); // the hospital's own number is on every record, and says nothing of a person
    out.into_iter().collect()
}

fn specification(policy: &str, more: &str) -> String {
    format!(
        "name = \"whole\"\ntitle = \"All of it\"\npurpose = \"A test\"\nproject = \"p\"\npolicy = \"{policy}\"\n{more}"
    )
}

/// Whether there is what texts are cleaned by.
fn dictionary() -> bool {
    let there = Path::new("/usr/share/mecab/dic/ipadic").is_dir();
    if !there {
        assert!(
            std::env::var_os("KURA_TEST_TOOLS").is_none(),
            "no mecab-ipadic"
        );
        eprintln!("SKIPPED: no mecab-ipadic, texts are not asked for");
    }
    there
}

fn build(bank: &TestBank, policy: &str, more: &str) -> (String, Value) {
    let text = specification(policy, more);
    let spec = bank.file(&format!("{policy}.toml"), text.as_bytes());
    let out = bank.folder.path().join(policy).display().to_string();
    bank.kura(&[
        "dataset",
        "build",
        &spec.display().to_string(),
        "--out",
        &out,
    ])
    .ok();
    let report = std::fs::read(Path::new(&out).join("report.json")).unwrap();
    (out, serde_json::from_slice(&report).unwrap())
}

#[test]
fn a_whole_hospital_leaves_under_each_policy() {
    let Some(fhir) = shared("hospital-jp/fhir") else {
        return;
    };
    let bank = TestBank::new();
    bank.kura(&[
        "import",
        &fhir.display().to_string(),
        &sample("dicom").display().to_string(),
    ])
    .exits(3);
    let known = identifiers(&fhir);
    assert!(known.len() > 5_000, "{}", known.len());
    let list = bank.file("known.txt", known.join("\n").as_bytes());
    let tables = "[data]\ntables = [\"patient\", \"condition\", \"observation\", \"medication_request\", \"imaging_series\"]\nfhir = true\nimages = true\n";
    // The list finds what it names where nothing was done.
    let check = |folder: &str| {
        bank.kura(&[
            "deid",
            "check",
            folder,
            "--identifiers",
            &list.display().to_string(),
            "--format",
            "json",
        ])
    };
    let raw = check(&fhir.join("Patient.ndjson.gz").display().to_string())
        .exits(3)
        .json();
    assert!(raw["findings"].as_array().unwrap().len() > 500, "{raw}");

    let mut totals = Vec::new();
    for policy in POLICIES {
        // Texts, too, where a policy lets them leave.
        let texts = policy != "tokumei" && dictionary();
        if texts {
            texts::approve(&bank, policy).ok();
        }
        let (out, report) = build(&bank, policy, &format!("{tables}text = {texts}\n"));
        let cleaned = report["texts"]["texts"].as_u64().unwrap_or(0);
        assert_eq!(cleaned > 8_000, texts, "{policy}: {cleaned}");
        let run = check(&out);
        let found = run.json();
        // Told by what was found, which is made up, to see why.
        let named: Vec<String> = found["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let at = one["identifier"].as_u64().unwrap() as usize;
                format!("{one}: {:?}", known[at - 1])
            })
            .collect();
        assert!(named.is_empty(), "{policy}: {named:?}");
        run.ok();
        assert!(found["files"].as_u64().unwrap() > 20, "{found}");
        // For each element what happened and by which rule.
        let elements = report["elements"].as_array().unwrap();
        assert!(elements.len() > 150, "{policy}: {}", elements.len());
        let rules: BTreeSet<&str> = report["rules"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["id"].as_str().unwrap())
            .collect();
        for line in elements {
            // MedicationAdministration.dosage.doseAndRate is no element of R4.
            let unknown = line["path"].as_str().unwrap().ends_with("(unknown)");
            let known = line["rule"]
                .as_str()
                .is_some_and(|rule| rules.contains(rule));
            assert!(
                known != unknown && (known || line["kept"] == 0),
                "{policy}: {line}"
            );
        }
        let name = elements
            .iter()
            .find(|line| line["path"] == "Patient.name")
            .unwrap();
        assert_eq!((&name["rule"], &name["kept"]), (&json!("C01"), &json!(0)));
        assert_eq!(report["policy"]["id"], policy);
        let seen = &report["resources"]["Observation"];
        assert!(seen["seen"].as_u64().unwrap() > 29_000, "{seen}");
        totals.push(seen["left"].as_u64().unwrap());

        // What left is FHIR: each line is taken by a bank that checks R4 on writing.
        let other = TestBank::new();
        let file = other.folder.path().join("bank/kura.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let checked = [
            "Patient",
            "Observation",
            "Condition",
            "Encounter",
            "MedicationRequest",
            "MedicationAdministration",
            "Immunization",
            "AllergyIntolerance",
            "Procedure",
            "ImagingStudy",
            "DiagnosticReport",
            "ServiceRequest",
            "Specimen",
            "Coverage",
            "CareTeam",
            "ClinicalImpression",
            "FamilyMemberHistory",
            "DeviceUseStatement",
            "Composition",
            "DocumentReference",
        ];
        let types: String = checked
            .iter()
            .map(|kind| format!("{kind} = \"reject\"\n"))
            .collect();
        std::fs::write(
            &file,
            text.replace(
                "[validation.types]\n",
                &format!("[validation.types]\n{types}"),
            ),
        )
        .unwrap();
        let run = other.kura(&[
            "import",
            &Path::new(&out).join("fhir").display().to_string(),
            "--format",
            "json",
        ]);
        let refused = other.refused();
        assert_eq!(
            run.code,
            0,
            "{policy}: {:?} {}",
            refused.iter().take(5).collect::<Vec<_>>(),
            run.err
        );
    }
    // All of them hold back the same: proposals, genomes; nothing for want of a survey.
    assert!(totals.iter().all(|total| *total == totals[0]), "{totals:?}");
}

/// No set is built under a bank's own policy that no board approved, for the project, as it is.
#[test]
fn a_policy_of_the_bank_waits_for_its_board() {
    let bank = TestBank::sample();
    let folder = bank.folder.path().join("bank/policies");
    std::fs::create_dir_all(&folder).unwrap();
    let own = |version: &str| {
        let text = format!(
            "id = \"own\"\nversion = \"{version}\"\nextends = \"kamei\"\nja = \"厳\"\nen = \"Stricter\"\nsource = \"board\"\n\
             [[rule]]\nid = \"B01\"\naction = \"remove\"\nja = \"あ\"\nen = \"a\"\nsource = \"board\"\npaths = [\"Patient.gender\"]\n"
        );
        std::fs::write(folder.join("own.toml"), text).unwrap();
    };
    own("1");
    let spec = bank.file(
        "own.toml",
        specification("own", "[data]\nfhir = true\n").as_bytes(),
    );
    let spec = spec.display().to_string();
    let number = std::cell::Cell::new(0);
    let build = |expected: i32| {
        number.set(number.get() + 1);
        let out = bank.folder.path().join(format!("set-{}", number.get()));
        let out = out.display().to_string();
        let run = bank.kura(&["dataset", "build", &spec, "--out", &out]);
        run.exits(expected).err
    };
    assert!(build(1).contains("not approved for the project p"));
    // For another project it says nothing of this one.
    approve(&bank, "q", "2026-04-01").ok();
    assert!(build(1).contains("not approved for the project p"));
    for (date, said) in [
        ("2026", "a day"),
        ("2999-01-01", "has come"),
        ("2026-02-30", "a day"),
    ] {
        let run = approve(&bank, "p", date).exits(1);
        assert!(run.err.contains(said), "{}", run.err);
    }
    approve(&bank, "p", "2026-04-01").ok();
    build(0);
    let twice = approve(&bank, "p", "2026-04-02").exits(1);
    assert!(twice.err.contains("議事録 12"), "{}", twice.err);
    let listed = bank.kura(&["deid", "policies"]).ok().out;
    assert!(listed.contains("倫理審査委員会"), "{listed}");
    let shipped = bank.kura(&[
        "deid",
        "approve",
        "kamei",
        "--project",
        "p",
        "--board",
        "b",
        "--reference",
        "r",
        "--date",
        "2026-04-01",
    ]);
    assert!(shipped.exits(1).err.contains("comes with the bank"));

    // Another text is another policy.
    own("2");
    assert!(build(1).contains("was changed since"));
    let listed = bank.kura(&["deid", "policies"]).ok().out;
    assert!(listed.contains("not approved"), "{listed}");
    approve(&bank, "p", "2026-05-01").ok();
    build(0);
    let withdraw = || {
        bank.kura(&[
            "deid",
            "withdraw",
            "own",
            "--project",
            "p",
            "--why",
            "研究の終了",
        ])
    };
    // With what was approved of it before.
    assert_eq!(withdraw().ok().out.lines().count(), 2);
    assert!(build(1).contains("not approved for the project p"));
    withdraw().exits(1);
    own("1");
    assert!(build(1).contains("not approved for the project p"));
}

/// A board's decision about a policy.
fn decide(bank: &TestBank, policy: &str, (project, date): (&str, &str), more: &[&str]) -> Run {
    let told = [
        "deid",
        "approve",
        policy,
        "--project",
        project,
        "--board",
        "大学 倫理審査委員会",
        "--reference",
        "議事録 12",
        "--date",
        date,
    ];
    bank.kura(&[&told, more].concat())
}

fn approve(bank: &TestBank, project: &str, date: &str) -> Run {
    decide(bank, "own", (project, date), &[])
}

#[test]
fn a_stricter_policy_of_the_bank_is_used_and_a_looser_one_refused() {
    let bank = TestBank::sample();
    let folder = bank.folder.path().join("bank/policies");
    std::fs::create_dir_all(&folder).unwrap();
    let own = |action: &str, path: &str| {
        format!(
            "id = \"own\"\nversion = \"1\"\nextends = \"kamei\"\nja = \"厳\"\nen = \"Stricter\"\nsource = \"board\"\n\
             [[rule]]\nid = \"B01\"\naction = {action}\nja = \"あ\"\nen = \"a\"\nsource = \"board\"\npaths = [\"{path}\"]\n"
        )
    };
    std::fs::write(folder.join("own.toml"), own("\"remove\"", "Patient.gender")).unwrap();
    let data = "[data]\nfhir = true\n";
    approve(&bank, "p", "2026-04-01").ok();
    let (out, report) = build(&bank, "own", data);
    assert_eq!(report["policy"]["extends"], "kamei");
    assert_eq!(report["policy"]["approval"]["reference"], "議事録 12");
    let patients = std::fs::read_to_string(Path::new(&out).join("fhir/Patient.ndjson")).unwrap();
    assert_eq!(patients.lines().count(), 43);
    assert!(!patients.contains("gender"));
    let (_, kamei) = build(&bank, "kamei", data);
    assert_ne!(kamei["policy"]["hash"], report["policy"]["hash"]);
    // Sets of one project under two policies share no value that could join them.
    let other =
        std::fs::read_to_string(bank.folder.path().join("kamei/fhir/Patient.ndjson")).unwrap();
    let ids = |text: &str| -> BTreeSet<String> {
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].to_string())
            .collect()
    };
    assert!(ids(&patients).is_disjoint(&ids(&other)));
    bank.kura(&[
        "dataset",
        "verify",
        &out,
        "--bank",
        &bank.path(),
        "--rebuild",
    ])
    .ok();

    let explained = bank
        .kura(&[
            "deid", "explain", "own", "--type", "Patient", "--format", "json",
        ])
        .ok()
        .json();
    let gender = explained["elements"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["path"] == "Patient.gender");
    assert_eq!(gender.unwrap()["rule"], "B01");
    let text = bank
        .kura(&["deid", "explain", "kamei", "--lang", "ja"])
        .ok()
        .out;
    assert!(text.contains("個人識別符号") && !text.contains("Numbers of the patient"));

    std::fs::write(folder.join("own.toml"), own("\"descend\"", "HumanName")).unwrap();
    let spec = bank.file("looser.toml", specification("own", data).as_bytes());
    let spec = spec.display().to_string();
    let out = bank.folder.path().join("looser").display().to_string();
    let run = bank
        .kura(&["dataset", "build", &spec, "--out", &out])
        .exits(1);
    assert!(
        run.err.contains("own.toml, line 13") && run.err.contains("lets out more"),
        "{}",
        run.err
    );
    let listed = bank.kura(&["deid", "policies"]).ok().out;
    assert!(
        listed.contains("own") && listed.contains("refused"),
        "{listed}"
    );
    // A file cannot take the place of a shipped policy.
    std::fs::write(
        folder.join("kamei.toml"),
        own("\"remove\"", "Patient.gender"),
    )
    .unwrap();
    let (_, still) = {
        std::fs::remove_dir_all(bank.folder.path().join("kamei")).unwrap();
        build(&bank, "kamei", data)
    };
    assert_eq!(still["policy"]["hash"], kamei["policy"]["hash"]);
    bank.kura(&["deid", "explain", "nosuch"]).exits(1);
}

#[test]
fn the_hunt_finds_what_was_hidden() {
    let bank = TestBank::new();
    let place = bank.folder.path().join("out");
    std::fs::create_dir_all(&place).unwrap();
    let names = [
        "小野 綾子",
        "POP-000209",
        "090-1960-5585",
        "1950-01-04",
        "ﾔﾏﾀﾞ ﾀﾛｳ",
    ];
    let list = bank.file("names.txt", names.join("\n").as_bytes());
    let check = |code: i32| {
        bank.kura(&[
            "deid",
            "check",
            &place.display().to_string(),
            "--identifiers",
            &list.display().to_string(),
            "--format",
            "json",
        ])
        .exits(code)
        .json()
    };
    std::fs::write(place.join("clean.csv"), "id,date\n8f2c,1950-01-05\n").unwrap();
    assert_eq!(check(0)["findings"], json!([]));

    let gz = |bytes: &[u8]| {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let base64 = |text: &str| {
        let run = std::process::Command::new("base64")
            .arg("-w0")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        run.stdin
            .as_ref()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        String::from_utf8(run.wait_with_output().unwrap().stdout).unwrap()
    };
    // 小野 綾子 as Shift_JIS.
    let sjis = b"a,b\n1,\x8f\xac\x96\xec \x88\xbb\x8eq\n";
    for (file, bytes, line) in [
        (
            "escaped.json",
            br#"{"a": "\u5c0f\u91ce\u7dbe\u5b50"}"#.to_vec(),
            1,
        ),
        (
            "attached.ndjson",
            format!("{{\"data\": \"{}\"}}\n", base64("tel 09019605585")).into_bytes(),
            3,
        ),
        ("sjis.csv", sjis.to_vec(), 1),
        ("packed.gz", gz(b"x,POP-000209\n"), 2),
        ("twice.gz", gz(&gz("昭和25年1月4日生".as_bytes())), 4),
        ("romaji.txt", b"Taro Yamada was here".to_vec(), 5),
        (
            "wide.bin",
            "\u{0}x小野 綾子"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
            1,
        ),
        ("POP-000209.txt", b"nothing".to_vec(), 2),
    ] {
        let path = place.join(file);
        std::fs::write(&path, bytes).unwrap();
        let found = check(3);
        let findings = found["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{file}: {found}");
        assert_eq!(findings[0]["identifier"], line, "{file}: {found}");
        // A name that is an identifier is not repeated.
        let named = file.starts_with("POP");
        let shown = if named { "(file 1 by name)" } else { file };
        assert_eq!(findings[0]["file"], shown);
        // The report of the check names nobody.
        let told = findings[0]["place"].as_str().unwrap();
        assert!(names.iter().all(|name| !told.contains(name)), "{told}");
        std::fs::remove_file(path).unwrap();
    }
    // On a page of a PDF that another program wrote, whose letters are numbers of glyphs.
    if let Some(chromium) = crate::support::tool("KURA_CHROMIUM", "chromium") {
        let page = bank.file(
            "page.html",
            "<meta charset=utf-8><p>退院 小野 綾子 様".as_bytes(),
        );
        let printed = std::process::Command::new(chromium)
            .args(["--headless", "--no-sandbox", "--disable-gpu"])
            .arg(format!("--print-to-pdf={}", place.join("a.pdf").display()))
            .arg(&page)
            .output()
            .expect("chromium runs");
        assert!(printed.status.success());
        let found = check(3);
        let finding = &found["findings"][0];
        assert_eq!(
            (&finding["place"], &finding["identifier"]),
            (&json!("page 1"), &json!(1)),
            "{found}"
        );
        assert_eq!(found["unread"], json!([]));
        std::fs::remove_file(place.join("a.pdf")).unwrap();
    }
    // A DICOM file of a known patient.
    std::fs::copy(sample("dicom/01-ct-abdomen.dcm"), place.join("a.dcm")).unwrap();
    std::fs::write(&list, "POP-000016\n大石 麻衣\nオオイシ マイ\n").unwrap();
    let found = check(3);
    let findings = found["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 3, "{found}");
    assert!(
        findings
            .iter()
            .any(|finding| finding["place"] == "(0010,0010)"),
        "{found}"
    );
    std::fs::write(&list, "\n\n").unwrap();
    bank.kura(&[
        "deid",
        "check",
        &place.display().to_string(),
        "--identifiers",
        &list.display().to_string(),
    ])
    .exits(1);
}

/// What the page shows is what a data set would hold, but for stand-ins of its own.
#[test]
fn a_patients_record_is_shown_before_and_after() {
    let bank = TestBank::sample();
    let server = bank.serve();
    let set = build(&bank, "kamei", "[data]\nfhir = true\n").0;
    let set = std::fs::read_to_string(Path::new(&set).join("fhir/Patient.ndjson")).unwrap();
    let listed = server.get("/fhir/Condition?_count=1").json();
    let patient = listed["entry"][0]["resource"]["subject"]["reference"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = patient.strip_prefix("Patient/").unwrap();
    let name = server.get(&format!("/fhir/{patient}")).json()["name"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = |query: &str, lang: &str| {
        let path = format!("/patients/{id}/processed{query}");
        server.send("GET", &path, &[("Accept-Language", lang)], "")
    };
    let shown = page("?policy=kamei&kind=Patient", "en").body;
    for part in [name.as_str(), "C01", "goes", "Patient", "stays inside"] {
        assert!(shown.contains(part), "{part}");
    }
    // What stays is behind "The whole as it leaves"; the name is not in it.
    let leaves = shown.rsplit_once("<details>").unwrap().1;
    assert!(leaves.contains("birthDate") && !leaves.contains(&name));
    let standing = leaves.split("&quot;id&quot;: &quot;").nth(1).unwrap();
    let standing = &standing[..32];
    assert!(standing.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(!set.contains(standing), "the page shows a set's stand-in");
    assert!(!page("?kind=Patient", "en").body.contains(standing));

    let rare = page("?policy=tokumei&kind=Condition", "ja").body;
    assert!(rare.contains("T01") && rare.contains("加工前") && rare.contains("43"));
    let held = page("?policy=kamei&kind=QuestionnaireResponse", "en").body;
    assert!(held.contains("none recorded"));
    // What a text becomes, where there is what it is cleaned by.
    let note = page("?policy=kamei&kind=Composition", "en").body;
    if dictionary() {
        assert!(note.contains("Texts are shown as they leave"), "{note}");
        assert!(
            note.contains("C14") && note.contains("section.text"),
            "{note}"
        );
    }
    let anonymous = page("?policy=tokumei&kind=Composition", "en").body;
    assert!(anonymous.contains("not a kind that may leave"));
    assert!(!anonymous.contains("Texts are shown"));
    an_image_is_shown_before_and_after(&server);
    assert_eq!(page("?policy=nothing", "en").status, 400);
    assert_eq!(page("?kind=Nothing", "en").status, 404);
    assert_eq!(page("?from=x", "en").status, 400);
    assert!(
        page("?kind=Observation&from=999999", "en")
            .body
            .contains("none recorded")
    );
    assert_eq!(server.get("/patients/nobody/processed").status, 404);
}

/// An image of the sample: its attributes with the rule that decided, and its picture.
fn an_image_is_shown_before_and_after(server: &crate::support::Server) {
    let listed = server.get("/dicom-web/instances?Modality=DX").json();
    let of = |tag: &str| listed[0][tag]["Value"][0].clone();
    let object = of("00080018").as_str().unwrap().to_owned();
    let name = of("00100010")["Alphabetic"]
        .as_str()
        .unwrap_or("?")
        .to_owned();
    let number = of("00100020").as_str().unwrap().to_owned();
    let found = server
        .get(&format!("/fhir/Patient?identifier={number}"))
        .json();
    let id = found["entry"][0]["resource"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let studies = server
        .get(&format!("/patients/{id}/processed?kind=ImagingStudy"))
        .body;
    assert!(studies.contains(&format!("/processed/{object}?policy=kamei")));
    let shown = server.get(&format!("/patients/{id}/processed/{object}?policy=kamei"));
    assert_eq!(shown.status, 200);
    let row = shown.body.split("PatientName").nth(1).unwrap();
    let row = &row[..row.find("PatientID").unwrap()];
    assert!(row.contains(&name) && row.contains("D01"), "{row}");
    // Behind the name before stands what is there afterwards, which does not hold it.
    assert_eq!(row.matches(&name).count(), 1, "{row}");
    let picture = |policy: &str| {
        server.get(&format!(
            "/patients/{id}/processed/{policy}/{object}/picture"
        ))
    };
    // No models are there: the text in the picture cannot be masked, so it is not shown.
    let work = shown.body.contains("text is looked for") || shown.body.contains("文字を探して");
    assert_eq!(picture("kamei").status == 200, !work);
    // Of somebody else it is not.
    let other = server.get(&format!("/patients/nobody/processed/{object}"));
    assert_eq!(other.status, 404);
    assert_eq!(
        server
            .get(&format!("/patients/{id}/processed/1.2.3"))
            .status,
        404
    );
}

/// The schema is for editors; it must say what the reader of policies says.
#[test]
fn the_shipped_policies_are_of_the_schema() {
    let Some(python) = crate::support::tool("KURA_PYTHON", "python3") else {
        return;
    };
    let script = "import json,sys,tomllib,jsonschema,copy\n\
        f=sys.argv[1]+'/policies/'\n\
        v=jsonschema.Draft202012Validator(json.load(open(f+'policy.schema.json')))\n\
        for n in ['common','kamei','tokumei','hipaa-safe-harbor','coded']:\n\
        \x20   p=tomllib.load(open(f+n+'.toml','rb')); v.validate(p)\n\
        def bad(change):\n\
        \x20   q=copy.deepcopy(p); change(q); assert not v.is_valid(q), change.__code__.co_firstlineno\n\
        bad(lambda q: q.pop('source'))\n\
        bad(lambda q: q.update(colour='x'))\n\
        bad(lambda q: q['rule'][0].update(action='forget'))\n\
        bad(lambda q: q['rule'][0].pop('paths'))\n\
        bad(lambda q: q['rule'][0].update(paths=['Patient..name']))\n\
        bad(lambda q: [r.pop('to',0) for r in q['rule']])\n\
        bad(lambda q: q.update(rare={'id':'r','ja':'a','en':'a','source':'s','patients':1}))\n\
        print('ok')";
    let run = std::process::Command::new(python)
        .args([
            "-c",
            script,
            &crate::support::repository().display().to_string(),
        ])
        .output()
        .expect("python runs");
    assert_eq!(
        String::from_utf8_lossy(&run.stdout).trim(),
        "ok",
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}
