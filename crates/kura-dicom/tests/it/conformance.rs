//! Every file of pydicom's test set, named by `KURA_PYDICOM_FILES`, in a child process whose
//! address space is limited.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use kura_dicom::{Limits, decode_frame, read_header};

const ADDRESS_SPACE_KB: u64 = 1_200_000;

pub fn pydicom_files() -> Option<Vec<PathBuf>> {
    let Some(root) = std::env::var_os("KURA_PYDICOM_FILES").map(PathBuf::from) else {
        eprintln!("skipped: KURA_PYDICOM_FILES does not name pydicom's data/test_files");
        return None;
    };
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    folders.extend(root.parent().map(|data| data.join("charset_files")));
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Some(files)
}

#[test]
fn reads_and_decodes_the_pydicom_files_in_bounded_memory() {
    if pydicom_files().is_none() {
        return;
    }
    let test = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "ulimit -v {ADDRESS_SPACE_KB}; exec \"$0\" conformance::child --exact --nocapture --test-threads=1"
        ))
        .arg(test)
        .env("KURA_LIMITED_CHILD", "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    eprintln!("{text}");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The other half of the test above, which runs it with its memory limited; alone it does nothing.
#[test]
fn child() {
    if std::env::var_os("KURA_LIMITED_CHILD").is_none() {
        return;
    }
    let limits = Limits::default();
    let mut table = String::new();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for path in pydicom_files().unwrap_or_default() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let header = std::fs::File::open(&path)
            .map_err(|e| e.to_string())
            .and_then(|file| read_header(file, &limits).map_err(|e| e.to_string()));
        let verdict = match &header {
            Err(why) => ("refused", why.clone()),
            Ok(header) => {
                let _ = header.to_dicom_json();
                match decode_frame(&path, 0, &limits) {
                    Ok(frame) => {
                        assert!(frame.to_png(Some(64)).starts_with(b"\x89PNG"));
                        ("rendered", format!("{}x{}", frame.columns, frame.rows))
                    }
                    Err(why) if why.rule == "dicom-no-pixels" => ("no pixels", String::new()),
                    Err(why) => ("accepted, not rendered", why.to_string()),
                }
            }
        };
        *counts.entry(verdict.0).or_default() += 1;
        writeln!(table, "{:<24} {name:<44} {}", verdict.0, verdict.1).unwrap();
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak_kb: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse().ok())
        .unwrap_or(0);
    writeln!(table, "{counts:?}, peak memory {} MB", peak_kb / 1024).unwrap();
    eprintln!("{table}");
    std::io::Write::write_all(&mut std::io::stdout(), table.as_bytes()).unwrap();
    assert!(peak_kb < 512 * 1024);
}
