//! The pages, in a real browser.

use std::path::Path;
use std::process::Command;

use crate::models::Ward;
use crate::support::{TestBank, repository, tool};

#[test]
fn a_browser_walks_every_page() {
    let (Some(node), Some(_)) = (tool("KURA_NODE", "node"), tool("KURA_CHROMIUM", "chromium"))
    else {
        return;
    };
    walk(&node, &TestBank::sample(), &[]);
}

#[test]
fn a_browser_decides_about_models() {
    let (Some(node), Some(_)) = (tool("KURA_NODE", "node"), tool("KURA_CHROMIUM", "chromium"))
    else {
        return;
    };
    let Some(ward) = Ward::new() else { return };
    let model = |arguments: &[&str]| ward.model(arguments).ok();
    let first = ward.spec("first.toml", |text| text);
    ward.train(&first, "m1").ok();
    model(&["register", &ward.out("m1")]);
    model(&["test", "deterioration@1", "--set", &ward.set()]);
    model(&["approve", "deterioration@1", "--why", "x"]);
    model(&["use", "deterioration@1", "--why", "x"]);
    let second = ward.spec("second.toml", |text| text.replace("= 0.85", "= 0.9"));
    ward.train(&second, "m2").ok();
    model(&["register", &ward.out("m2")]);
    let plan = repository().join("samples/plan-deterioration.toml");
    model(&["plan", &plan.display().to_string(), "--why", "confirmed"]);
    let found = model(&[
        "propose",
        "deterioration@2",
        "--plan",
        &plan.display().to_string(),
        "--set",
        &ward.set(),
    ]);
    assert_eq!(found.json()["inside"], true);
    walk(&node, &ward.bank, &["models"]);
}

fn walk(node: &Path, bank: &TestBank, what: &[&str]) {
    let server = bank.serve();
    let shots = bank.folder.path().join("shots");
    let output = Command::new(node)
        .arg(repository().join("tests/browser/pages.mjs"))
        .arg(server.url())
        .arg(&shots)
        .args(what)
        .output()
        .expect("node runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
