//! Texts of a set: who must agree that they leave, what becomes of them, what a person reads.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

pub(super) fn approve(bank: &TestBank, policy: &str) -> Run {
    decide(bank, policy, ("p", "2026-04-01"), &["--texts"])
}

fn refused(bank: &TestBank, policy: &str, more: &[&str]) -> String {
    let asks = specification(policy, "[data]\nfhir = true\ntext = true\n");
    let spec = bank.file("asks.toml", asks.as_bytes());
    let spec = spec.display().to_string();
    let out = bank.folder.path().join("asks").display().to_string();
    let run = bank.kura(&[&["dataset", "build", &spec, "--out", &out], more].concat());
    assert!(!Path::new(&out).exists());
    run.exits(1).err
}

#[test]
fn a_text_leaves_only_where_a_board_approved_it() {
    let bank = TestBank::sample();
    for policy in ["kamei", "hipaa-safe-harbor", "coded"] {
        let told = refused(&bank, policy, &[]);
        assert!(
            told.contains("no board approved that texts leave under"),
            "{told}"
        );
    }
    let never = "no rule of the policy tokumei lets one leave";
    assert!(refused(&bank, "tokumei", &[]).contains(never));
    let none = approve(&bank, "tokumei").exits(1).err;
    assert!(
        none.contains("no rule of tokumei lets a text leave"),
        "{none}"
    );
    let plain = decide(&bank, "kamei", ("p", "2026-04-01"), &[]);
    assert!(plain.exits(1).err.contains("--texts"));

    let told = approve(&bank, "kamei").ok().out;
    assert!(told.contains("approved for p, with texts"), "{told}");
    approve(&bank, "kamei").exits(1);
    // Of another policy, and of another project, it says nothing.
    assert!(refused(&bank, "coded", &[]).contains("no board approved"));
    let withdrawn = [
        "deid",
        "withdraw",
        "kamei",
        "--project",
        "p",
        "--why",
        "ended",
    ];
    bank.kura(&withdrawn).ok();
    assert!(refused(&bank, "kamei", &[]).contains("no board approved"));

    // A bank's own policy may be approved without them first.
    let folder = bank.folder.path().join("bank/policies");
    std::fs::create_dir_all(&folder).unwrap();
    let own = "id = \"own\"\nversion = \"1\"\nextends = \"kamei\"\nja = \"厳\"\nen = \"Stricter\"\nsource = \"board\"\n\
         [[rule]]\nid = \"B01\"\naction = \"remove\"\nja = \"あ\"\nen = \"a\"\nsource = \"board\"\npaths = [\"Annotation\"]\n";
    std::fs::write(folder.join("own.toml"), own).unwrap();
    super::approve(&bank, "p", "2026-04-01").ok();
    let told = refused(&bank, "own", &[]);
    assert!(
        told.contains("approved for the project p without them"),
        "{told}"
    );
    approve(&bank, "own").ok();
    let listed = bank
        .kura(&["deid", "policies", "--bank", &bank.path()])
        .ok()
        .out;
    assert!(listed.contains("approved for p, with texts"), "{listed}");
}

/// Documents, notes and what stands beside codes: cleaned, with words of the code systems that the bank
/// holds, and a sample of them for a person.
#[test]
fn texts_of_a_set_are_cleaned_and_a_person_reads_some() {
    if !dictionary() {
        return;
    }
    let bank = TestBank::sample();
    let patient = "pt-d3b1efb225b7";
    let entries = [
        // Words of a published system are known to name nobody; those of any other are not.
        json!({"resourceType": "CodeSystem", "id": "c1", "url": "http://medis.or.jp/CodeSystem/master-HOT9", "status": "active",
            "content": "complete", "concept": [{"code": "1", "display": "ゾルタキシブル錠"}]}),
        json!({"resourceType": "CodeSystem", "id": "c2", "url": "urn:local", "status": "active",
            "content": "complete", "concept": [{"code": "1", "display": "ボルカディア"}]}),
        json!({"resourceType": "Condition", "id": "n1", "subject": {"reference": format!("Patient/{patient}")},
            "code": {"text": "大石麻衣さんの肺炎"},
            "note": [{"text": "ゾルタキシブルを開始。ボルカディアは中止。カルテ 48213。94歳の祖母と同居。"}]}),
        json!({"resourceType": "DocumentReference", "id": "d1", "status": "current", "subject": {"reference": format!("Patient/{patient}")},
            "content": [
                {"attachment": {"contentType": "text/plain", "data": STANDARD.encode("大石 麻衣様、血圧 128/74 mmHg。")}},
                {"attachment": {"contentType": "application/pdf", "data": STANDARD.encode("大石")}}]}),
    ];
    let lines: String = entries.iter().map(|one| format!("{one}\n")).collect();
    let file = bank.file("more.ndjson", lines.as_bytes());
    bank.kura(&["import", &file.display().to_string()]).ok();
    approve(&bank, "kamei").ok();

    let spec = specification("kamei", "[data]\nfhir = true\ntext = true\n");
    let spec = bank.file("texts.toml", spec.as_bytes());
    let spec = spec.display().to_string();
    let place = |name: &str| bank.folder.path().join(name);
    let out = place("set").display().to_string();
    let review = place("review").display().to_string();
    let build = [
        "dataset", "build", &spec, "--out", &out, "--review", &review,
    ];
    let mut command = bank.command(&build);
    command.env("KURA_TEXT__DICTIONARY", "/nowhere");
    let refused = Run::of(command.output().unwrap()).exits(1).err;
    assert!(refused.contains("mecab-ipadic"), "{refused}");
    bank.kura(&build).ok();

    let read = |set: &str, kind: &str| {
        let file = Path::new(set).join(format!("fhir/{kind}.ndjson"));
        std::fs::read_to_string(file).unwrap()
    };
    let conditions = read(&out, "Condition");
    let note = "ゾルタキシブルを開始。[語]は中止。カルテ [語]。[高齢]の祖母と同居。";
    assert!(conditions.contains(note), "{conditions}");
    assert!(conditions.contains("\"text\":\"[氏名]さんの肺炎\""));
    let plain = STANDARD.encode("[氏名]様、血圧 128/74 mmHg。");
    let documents = read(&out, "DocumentReference");
    assert!(documents.contains(&plain));
    assert!(
        documents
            .lines()
            .all(|line| !line.contains("application/pdf"))
    );
    assert!(read(&out, "Composition").contains("<p>"));

    let report: Value =
        serde_json::from_slice(&std::fs::read(place("set/report.json")).unwrap()).unwrap();
    assert_eq!(report["policy"]["approval"]["texts"], true);
    assert!(
        report["texts"]["labels"]["[氏名]"].as_u64().unwrap() > 1,
        "{}",
        report["texts"]
    );
    let card = |set: &str| std::fs::read_to_string(Path::new(set).join("card.md")).unwrap();
    assert!(card(&out).contains("Of free text and documents only words stay"));
    let page = place("review/texts.html");
    assert_eq!(page.metadata().unwrap().permissions().mode() & 0o077, 0);
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.matches("<tr>").count();
    assert!(
        (50..=201).contains(&rows) && page.contains("[氏名]"),
        "{rows}"
    );

    // Nobody asked: no word leaves.
    let (bare, report) = super::build(&bank, "kamei", "[data]\nfhir = true\n");
    assert!(report.get("texts").is_none());
    assert!(card(&bare).contains("No free text, documents or genomic information."));
    let text = read(&bare, "Condition");
    assert!(!text.contains("[氏名]") && !text.contains("\"note\""));
    for kind in ["DocumentReference", "Composition"] {
        let file = Path::new(&bare).join(format!("fhir/{kind}.ndjson"));
        assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), "");
        let counted = &report["resources"][kind];
        assert!(counted["left"] == 0 && counted["seen"] != 0, "{counted}");
    }
}
