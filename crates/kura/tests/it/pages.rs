//! The pages, in a real browser.

use std::process::Command;

use crate::support::{TestBank, repository, tool};

#[test]
fn a_browser_walks_every_page() {
    let (Some(node), Some(_)) = (tool("KURA_NODE", "node"), tool("KURA_CHROMIUM", "chromium"))
    else {
        return;
    };
    let bank = TestBank::sample();
    let server = bank.serve();
    let shots = bank.folder.path().join("shots");
    let output = Command::new(node)
        .arg(repository().join("tests/browser/pages.mjs"))
        .arg(server.url())
        .arg(&shots)
        .output()
        .expect("node runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
