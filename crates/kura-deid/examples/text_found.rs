//! `text_found`: what the rules find in texts on standard input (one a line), by kind and piece,
//! with how often and what stands beside the first; then how fast. The record tells no name. An argument names the folder of IPADIC's
//! source (`/usr/share/mecab/dic/ipadic`): then names of the dictionary are found, too; `known` behind it, that only
//! what is known stays.
#![allow(clippy::print_stdout, reason = "a measurement")]

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Instant;

use kura_deid::text::{Dictionary, Record, find, find_unknown};

fn dictionary(folder: &str) -> Dictionary {
    let files = std::fs::read_dir(folder).expect("a folder").map(|entry| {
        let path = entry.expect("a file").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        (name, std::fs::read(&path).expect("a file of IPADIC"))
    });
    Dictionary::of_source(files).expect("a dictionary")
}

fn main() {
    let mut all = String::new();
    std::io::stdin().read_to_string(&mut all).expect("text");
    let record = Record::new();
    let dictionary = std::env::args().nth(1).map(|folder| dictionary(&folder));
    let only_known = std::env::args().nth(2).is_some_and(|word| word == "known");
    let mut pieces: BTreeMap<(String, String), (u64, String)> = BTreeMap::new();
    let started = Instant::now();
    for text in all.lines() {
        let found = match (&dictionary, only_known) {
            (Some(dictionary), true) => find_unknown(text, &[&record], dictionary, 90),
            _ => find(text, &[&record], dictionary.as_ref(), 90),
        };
        for one in found {
            let piece = text[one.range.clone()].to_owned();
            let before = text[..one.range.start].chars().rev().take(5);
            let before: String = before.collect::<Vec<_>>().into_iter().rev().collect();
            let after: String = text[one.range.end..].chars().take(5).collect();
            let (count, _) = pieces
                .entry((format!("{:?}", one.kind), piece))
                .or_insert_with(|| (0, format!("{before}⟦⟧{after}")));
            *count += 1;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut sorted: Vec<_> = pieces.into_iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(count.0));
    let most = std::env::args()
        .nth(3)
        .and_then(|most| most.parse().ok())
        .unwrap_or(80);
    for ((kind, piece), (count, beside)) in sorted.iter().take(most) {
        println!("{count:>6} {kind:<12} {piece}    {beside}");
    }
    println!(
        "{} pieces in {} characters, {:.1} MB, {:.2} s, {:.1} MB/s",
        sorted.iter().map(|(_, (count, _))| count).sum::<u64>(),
        all.chars().count(),
        all.len() as f64 / 1e6,
        seconds,
        all.len() as f64 / 1e6 / seconds
    );
}
