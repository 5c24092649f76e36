//! Imports that are killed and imports that are given up.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{LINES, Said, allow, done, home, manifest, many, place, post, progress, source};
use crate::support::TestBank;

/// A server that is killed in the middle of reading goes on after its last commit.
#[test]
fn an_import_outlives_its_server() {
    let bank = TestBank::new();
    let server = bank.serve();
    let lines = String::from_utf8(many(60_000)).expect("text");
    let place = place(&server.send("POST", "/fhir/$import", &LINES, &lines));
    let half = server.until(&place, |answer| {
        let said = progress(answer);
        answer.status == 200 || said.contains("resources written") && !said.starts_with("0 ")
    });
    assert_eq!(half.status, 202, "it was not killed in the middle");
    // As kill -9 does.
    drop(server);
    let before = bank.live("Observation");
    assert!(before > 0 && before < 60_000, "{before}");
    let server = bank.serve();
    let answer = done(&server, &place);
    assert_eq!(answer["output"], json!([{ "count": 60_000 }]));
    assert_eq!(answer["error"], json!([]));
    assert_eq!(bank.live("Observation"), 60_000);
    // Nothing was written twice.
    assert_eq!(bank.versions("Observation"), 60_000);
}

/// Killed while it fetches, it fetches what was not whole, and only that.
#[test]
fn an_import_that_is_killed_while_it_fetches() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let bank = TestBank::new();
    let asked = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let counted = asked.clone();
    let elsewhere = source(move |path| {
        let first = path == "/a";
        let times = counted[usize::from(!first)].fetch_add(1, Ordering::SeqCst);
        match (first, times) {
            (true, _) => Said::Body(many(10)),
            (false, 0) => Said::Slowly(many(3000), Duration::from_secs(1)),
            _ => Said::Body(many(3000)),
        }
    });
    allow(&bank, &[&elsewhere]);
    let server = bank.serve();
    let inputs = [format!("{elsewhere}/a"), format!("{elsewhere}/b")];
    let place = place(&post(
        &server,
        &manifest(&[("Observation", &inputs[0]), ("Observation", &inputs[1])]),
    ));
    let half = server.until(&place, |answer| {
        answer.status == 200 || progress(answer) == "fetching input 2 of 2"
    });
    assert_eq!(half.status, 202, "it was not killed in the middle");
    drop(server);
    assert_eq!(bank.live("Observation"), 0);
    let server = bank.serve();
    let answer = done(&server, &place);
    assert_eq!(answer["output"][0]["count"], 10);
    assert_eq!(answer["output"][1]["count"], 3000);
    assert_eq!(asked[0].load(Ordering::SeqCst), 1, "the first was whole");
    assert_eq!(bank.live("Observation"), 3000);
}

/// Given up, it stops after its batch; what was written stays, and the next import runs.
#[test]
fn an_import_is_given_up() {
    let bank = TestBank::new();
    let elsewhere = source(|_| Said::Slowly(many(3000), Duration::from_millis(200)));
    allow(&bank, &[&elsewhere]);
    let server = bank.serve();
    let lines = String::from_utf8(many(60_000)).expect("text");
    let reading = place(&server.send("POST", "/fhir/$import", &LINES, &lines));
    server.until(&reading, |answer| {
        let said = progress(answer);
        assert_eq!(
            answer.status, 202,
            "it was done before it could be given up"
        );
        said.contains("resources written") && !said.starts_with("0 ")
    });
    // While one reads, another fetches, and waits.
    let fetching = place(&post(
        &server,
        &manifest(&[("Observation", &format!("{elsewhere}/x"))]),
    ));
    for place in [&reading, &fetching] {
        assert_eq!(server.send("DELETE", place, &[], "").status, 202);
        assert_eq!(server.get(place).status, 404);
    }
    let since = Instant::now();
    while std::fs::read_dir(home(&bank)).expect("a folder").count() > 0 {
        assert!(since.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(20));
    }
    let stayed = bank.live("Observation");
    assert!(stayed > 0 && stayed < 60_000, "{stayed}");
    let more = server.send(
        "POST",
        "/fhir/$import",
        &LINES,
        "{\"resourceType\":\"Patient\",\"id\":\"p\"}",
    );
    assert_eq!(
        done(&server, &place(&more))["output"],
        json!([{ "count": 1 }])
    );
}
