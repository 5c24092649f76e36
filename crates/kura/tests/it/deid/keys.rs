//! Keys: sealed under the key file, and the way back that only a coded set has.

use std::path::Path;

use serde_json::Value;

use super::{build, specification};
use crate::support::TestBank;

/// Keys lie sealed in the identity zone; without the key file nothing is made again or led back.
#[test]
fn keys_are_sealed_under_a_key_file() {
    let bank = TestBank::sample();
    let key = bank.folder.path().join("bank/identity.key");
    let text = std::fs::read_to_string(&key).unwrap();
    assert!(text.contains("AGE-SECRET-KEY-1") && text.contains("# public key: age1"));
    let data = "[data]\nfhir = true\n";
    let (out, _) = build(&bank, "coded", data);
    let ids = |folder: &str| {
        let text = std::fs::read_to_string(Path::new(folder).join("fhir/Patient.ndjson")).unwrap();
        let mut ids: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].to_string())
            .collect();
        ids.sort();
        ids
    };
    let first = ids(&out);

    // The bank's data elsewhere, with another bank's key or none: no pseudonym can be made.
    let aside = bank.folder.path().join("aside.key");
    std::fs::rename(&key, &aside).unwrap();
    let spec = bank.file("again.toml", specification("coded", data).as_bytes());
    let spec = spec.display().to_string();
    let again = bank.folder.path().join("again").display().to_string();
    let run = |code| {
        bank.kura(&["dataset", "build", &spec, "--out", &again])
            .exits(code)
    };
    let refused = run(1);
    assert!(
        refused.err.contains("identity.key is not there") && refused.err.contains("age1"),
        "{}",
        refused.err
    );
    assert!(!key.exists(), "no other key takes its place");
    let other = TestBank::new();
    std::fs::copy(other.folder.path().join("bank/identity.key"), &key).unwrap();
    let refused = run(1);
    assert!(refused.err.contains("another bank's"), "{}", refused.err);
    std::fs::copy(&aside, &key).unwrap();
    run(0);
    assert_eq!(ids(&again), first, "the same key, the same stand-ins");

    // A copy of the bank does not hold it.
    let place = bank.folder.path().join("backup").display().to_string();
    bank.kura(&["backup", "--out", &place]).ok();
    let restored = TestBank::place();
    let told = restored.kura(&["restore", "--from", &place]).ok();
    assert!(told.out.contains("identity.key"), "{}", told.out);
    let home = restored.folder.path().join("bank/identity.key");
    assert!(!home.exists());
    let secret = text.lines().last().unwrap();
    let found = walk(Path::new(&place)).iter().any(|file| {
        std::fs::read(file)
            .unwrap()
            .windows(secret.len())
            .any(|w| w == secret.as_bytes())
    });
    assert!(!found, "a copy holds the key");
    std::fs::copy(&aside, &home).unwrap();
    let third = restored.folder.path().join("third").display().to_string();
    restored
        .kura(&["dataset", "build", &spec, "--out", &third])
        .ok();
    assert_eq!(ids(&third), first);
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => out.extend(walk(&path)),
            false => out.push(path),
        }
    }
    out
}

/// Only of a coded set, only by an account of the role, with a reason, and noted.
#[test]
fn a_coded_set_is_led_back_and_no_other() {
    let bank = TestBank::sample();
    let data = "[data]\nfhir = true\n";
    let (coded, _) = build(&bank, "coded", data);
    let (kamei, _) = build(&bank, "kamei", data);
    let first = |folder: &str| {
        let text = std::fs::read_to_string(Path::new(folder).join("fhir/Patient.ndjson")).unwrap();
        let value: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        value["id"].as_str().unwrap().to_owned()
    };
    let (coded, kamei) = (first(&coded), first(&kamei));
    let word = "a password of thirteen";
    let password = bank.file("password", word.as_bytes()).display().to_string();
    let ask = |account: &str, policy: &str, reason: &str, one: &str| {
        bank.kura(&[
            "deid",
            "lead-back",
            "--project",
            "p",
            "--policy",
            policy,
            "--reason",
            reason,
            "--account",
            account,
            "--password-file",
            &password,
            "--format",
            "json",
            one,
        ])
    };
    let reason = "a finding to be told, decision 12";
    // A bank without accounts has nobody who may.
    ask("sato", "coded", reason, &coded).exits(1);
    for (name, role) in [
        ("sato", "data-manager"),
        ("mori", "researcher"),
        ("abe", "administrator"),
    ] {
        bank.kura(&[
            "user",
            "add",
            name,
            "--role",
            role,
            "--password-file",
            &password,
        ])
        .ok();
    }
    let noted = || {
        let told = bank
            .kura(&["audit", "verify", "--format", "json"])
            .ok()
            .json();
        let zones = told["zones"].as_array().unwrap();
        let identity = zones
            .iter()
            .find(|zone| zone["zone"] == "identity")
            .unwrap();
        identity["rows"].as_u64().unwrap()
    };
    let before = noted();
    let led = ask("sato", "coded", reason, &coded).ok().json();
    let patient = led[0]["patient"].as_str().unwrap();
    assert!(patient.starts_with("Patient/"), "{led}");
    for (account, policy, reason, one, says) in [
        ("mori", "coded", reason, coded.as_str(), "may not"),
        ("abe", "coded", reason, &coded, "may not"),
        ("sato", "kamei", reason, &kamei, "41条7項"),
        ("sato", "tokumei", reason, &kamei, "45条"),
        ("sato", "hipaa-safe-harbor", reason, &kamei, "ever led back"),
        ("sato", "coded", "  because ", &coded, "the reason"),
        ("sato", "coded", reason, "Patient/1", "32 digits"),
        ("nobody", "coded", reason, &coded, "wrong"),
    ] {
        let refused = ask(account, policy, reason, one).exits(1);
        assert!(
            refused.err.contains(says),
            "{account} {policy}: {}",
            refused.err
        );
        assert!(!refused.out.contains("Patient/"), "{}", refused.out);
    }
    // A stand-in of another policy's set is nobody's under this one.
    let none = ask("sato", "coded", reason, &kamei).exits(3).json();
    assert_eq!(none[0]["patient"], Value::Null);

    // Each of them is in the trail, answered or refused; who is no account has none.
    assert_eq!(noted() - before, 9);
}
