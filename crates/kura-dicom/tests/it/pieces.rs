//! Frames and bulk values as they are stored, against pydicom's bytes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;
use std::process::Command;

use dicom_core::{Tag, VR};
use dicom_object::InMemDicomObject;
use kura_dicom::{BulkPath, Frames, Limits, bulk_value, read_header};

use crate::build::{ct, element};
use crate::conformance::pydicom_files;
use crate::tools::{python, run, scripts};

/// The paths of all elements that are bytes.
fn bulky(object: &InMemDicomObject, above: &[(Tag, u32)], out: &mut Vec<BulkPath>) {
    for element in object {
        let tag = element.header().tag;
        if let Some(items) = element.items() {
            for (number, item) in items.iter().enumerate() {
                let mut path = above.to_vec();
                path.push((tag, number as u32));
                bulky(item, &path, out);
            }
        } else if matches!(
            element.vr(),
            VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV | VR::UN
        ) {
            out.push(BulkPath {
                items: above.to_vec(),
                tag,
            });
        }
    }
}

#[test]
fn frames_and_bulk_values_are_the_bytes_that_pydicom_finds() {
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
    let made = std::fs::read_dir(&variants).expect("a folder");
    files.extend(
        made.map(|entry| entry.expect("a file").path())
            .filter(|path| path.extension().is_some_and(|e| e == "dcm")),
    );
    let limits = Limits::default();
    let mut lines = String::new();
    let mut number = 0;
    let mut put = |path: &Path, what: &str, kind: &str, bytes: &[u8]| {
        number += 1;
        let file = folder.path().join(format!("{number}.bin"));
        std::fs::write(&file, bytes).expect("a file");
        writeln!(
            lines,
            "{}\t{what}\t{kind}\t{}",
            path.display(),
            file.display()
        )
        .expect("text");
    };
    for path in &files {
        let Some(header) = File::open(path)
            .ok()
            .and_then(|file| read_header(file, &limits).ok())
        else {
            continue;
        };
        if let Ok(mut frames) = Frames::open(path, header.clone(), &limits) {
            for frame in 0..frames.count() {
                let one = frames.get(frame).expect("a frame");
                let what = format!("frame {frame}");
                put(path, &what, frames.transfer_syntax(), &one);
            }
            // In any order, of a deflated object too.
            let last = frames.count() - 1;
            let again = [last, 0, last].map(|frame| frames.get(frame).expect("a frame"));
            assert_eq!(again[0], again[2], "{}", path.display());
            assert!(frames.get(frames.count()).is_err());
        }
        let mut paths = Vec::new();
        bulky(header.object(), &[], &mut paths);
        if header.pixel().is_some_and(|pixel| pixel.length.is_some()) {
            let tag = header.pixel().expect("pixels").tag;
            paths.push(BulkPath {
                items: Vec::new(),
                tag,
            });
        }
        for at in paths {
            let again: BulkPath = at.to_string().parse().expect("a path");
            assert_eq!(again, at);
            let Ok(mut value) = bulk_value(path, &header, &at, &limits) else {
                // An icon's pixels may be compressed.
                assert_eq!(at.tag, Tag(0x7FE0, 0x0010), "{}", path.display());
                continue;
            };
            let (mut bytes, length, vr) = (Vec::new(), value.length, value.vr);
            value.read_to_end(&mut bytes).expect("it reads");
            assert_eq!(bytes.len() as u64, length);
            if let Some(offset) = value.offset {
                let file = std::fs::read(path).expect("a file");
                let from = offset as usize;
                assert_eq!(file[from..from + bytes.len()], bytes);
            }
            put(path, &at.to_string(), vr.to_string(), &bytes);
        }
    }
    let list = folder.path().join("list.tsv");
    std::fs::write(&list, lines).expect("a file");
    let said = run(Command::new(&python)
        .arg(scripts().join("stored_pieces.py"))
        .arg(&list));
    eprintln!("{said}");
}

#[test]
fn a_path_names_an_item_and_what_is_not_there_is_refused() {
    let mut bytes = ct();
    let pixels = bytes.len() - 20;
    // A Waveform Sequence would be of group 5400: before the pixels
    let mut inner = Vec::new();
    for value in [b"one ", b"two "] {
        let data = element(0x5400, 0x1010, "OB", value);
        inner.extend(b"\xFE\xFF\x00\xE0");
        inner.extend((data.len() as u32).to_le_bytes());
        inner.extend(data);
    }
    let sequence = element(0x5400, 0x0100, "SQ", &inner);
    bytes.splice(pixels..pixels, sequence);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wave.dcm");
    std::fs::write(&path, &bytes).expect("a file");
    let limits = Limits::default();
    let header = read_header(Cursor::new(&bytes), &limits).expect("a header");
    let value = |at: &str| {
        let at: BulkPath = at.parse().expect("a path");
        bulk_value(&path, &header, &at, &limits)
            .map(|mut value| {
                let mut text = String::new();
                value.read_to_string(&mut text).expect("it reads");
                text
            })
            .map_err(|refusal| refusal.rule)
    };
    assert_eq!(value("54000100/0/54001010").as_deref(), Ok("one "));
    assert_eq!(value("54000100/1/54001010").as_deref(), Ok("two "));
    assert_eq!(value("54000100/2/54001010").unwrap_err(), "bulk-none");
    assert_eq!(value("54000100/0/54001011").unwrap_err(), "bulk-none");
    assert_eq!(value("00080060/0/54001010").unwrap_err(), "bulk-none");
    assert_eq!(value("54000100").unwrap_err(), "bulk-encapsulated");
    for wrong in ["", "5400", "54000100/0", "54000100/x/54001010", "+4000100"] {
        assert!(wrong.parse::<BulkPath>().is_err(), "{wrong}");
    }
}
