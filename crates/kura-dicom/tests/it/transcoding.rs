//! Every file of pydicom's test set, and those of `pixel_variants.py`, in every transfer syntax
//! that is written; read by pydicom, dcmtk and dciodvfy.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use kura_dicom::{Header, Limits, Target, can_transcode, read_header, transcode};

use crate::conformance::pydicom_files;
use crate::tools::{python, run, scripts};

const TARGETS: [Target; 4] = [
    Target::ImplicitVrLittleEndian,
    Target::ExplicitVrLittleEndian,
    Target::RleLossless,
    Target::JpegBaseline { quality: 90 },
];

/// What the header allows and the pixel data do not: their file, and the rule.
const DAMAGED: &[(&str, &str)] = &[(
    "JPEG2000-embedded-sequence-delimiter.dcm",
    "dicom-codestream",
)];

fn open(path: &Path) -> Option<Header> {
    read_header(File::open(path).ok()?, &Limits::default()).ok()
}

#[test]
fn every_file_in_every_transfer_syntax() {
    let Some(python) = python(&["pydicom", "numpy", "libjpeg", "openjpeg", "jpeg_ls"]) else {
        return;
    };
    let Some(mut files) = pydicom_files() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let variants = folder.path().join("variants");
    std::fs::create_dir(&variants).expect("a folder");
    run(Command::new(&python)
        .arg(scripts().join("pixel_variants.py"))
        .arg(&variants));
    files.extend(
        std::fs::read_dir(&variants)
            .expect("a folder")
            .map(|entry| entry.expect("a file").path())
            .filter(|path| path.extension().is_some_and(|e| e == "dcm")),
    );
    let mut lines = String::new();
    let mut refused: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut damaged = Vec::new();
    for (number, path) in files.iter().enumerate() {
        let Some(header) = open(path) else { continue };
        let name = path.file_name().expect("a name").to_string_lossy();
        for target in TARGETS {
            let from = header.transfer_syntax_uid();
            if let Err(why) = can_transcode(&from, target.uid(), &header) {
                *refused
                    .entry((target.uid().to_owned(), why.to_string()))
                    .or_default() += 1;
                continue;
            }
            let made = folder.path().join(format!("{number}-{}", target.uid()));
            let mut out = File::create(&made).expect("a file");
            match transcode(path, &header, target, &Limits::default(), &mut out) {
                Ok(()) => lines.push_str(&format!(
                    "{}\t{}\t{}\n",
                    path.display(),
                    target.uid(),
                    made.display()
                )),
                Err(why) => damaged.push((
                    name.to_string(),
                    why.rule.clone(),
                    format!("{name} to {}: {why}", target.uid()),
                )),
            }
        }
    }
    for ((target, why), count) in refused {
        eprintln!("refused {count:>4} to {target:<24} {why}");
    }
    let unexpected: Vec<&String> = damaged
        .iter()
        .filter(|(name, rule, _)| !DAMAGED.contains(&(name.as_str(), rule.as_str())))
        .map(|(.., why)| why)
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
    for (name, _) in DAMAGED {
        assert!(damaged.iter().any(|(file, ..)| file == name), "{name}");
    }
    let list = folder.path().join("list.tsv");
    std::fs::write(&list, lines).expect("a file");
    let said = run(Command::new(&python)
        .arg(scripts().join("transcoded.py"))
        .arg(&list));
    eprintln!("{said}");
}
