//! Objects larger than memory, damaged ones, and what becomes of attributes.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Write};
use std::path::Path;
use std::process::Command;

use dicom_dictionary_std::tags;
use kura_dicom::{
    BulkPath, Frames, Limits, Target, bulk_value, can_transcode, read_header, transcode,
};

use crate::build::{EXPLICIT, ct, element, part10, us};
use crate::conformance::pydicom_files;
use crate::hostile::Dice;

const ADDRESS_SPACE_KB: u64 = 400_000;
const FRAMES: u32 = 600;

/// A head of 512 × 1024 pixels of 16 bits, whose pixel data are not there yet.
fn head(frames: u32) -> Vec<u8> {
    let mut out = part10(EXPLICIT);
    out.extend(element(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.7.3"));
    out.extend(element(8, 0x18, "UI", b"1.2.3.4"));
    out.extend(us(0x28, 2, 1));
    out.extend(element(0x28, 4, "CS", b"MONOCHROME2"));
    out.extend(element(0x28, 8, "IS", frames.to_string().as_bytes()));
    out.extend(us(0x28, 0x10, 512));
    out.extend(us(0x28, 0x11, 1024));
    out.extend(us(0x28, 0x100, 16));
    out.extend(us(0x28, 0x101, 16));
    out.extend(us(0x28, 0x102, 15));
    out.extend(us(0x28, 0x103, 0));
    out.extend(b"\xE0\x7F\x10\0OW\0\0");
    out.extend((frames << 20).to_le_bytes());
    out
}

#[test]
fn an_object_larger_than_memory_goes_there_and_back() {
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "ulimit -v {ADDRESS_SPACE_KB}; exec \"$0\" transcoding_edges::child --exact --nocapture --test-threads=1"
        ))
        .arg(std::env::current_exe().expect("a path"))
        .env("KURA_LIMITED_TRANSCODER", "1")
        .output()
        .expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    eprintln!("{}", text(&output.stdout));
}

/// The other half of the test above, which runs it with its memory limited; alone it does nothing.
#[test]
fn child() {
    if std::env::var_os("KURA_LIMITED_TRANSCODER").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let native = folder.path().join("native.dcm");
    let mut file = File::create(&native).expect("a file");
    let head = head(FRAMES);
    file.write_all(&head).expect("it writes");
    // Pixels of zeros that take no room on the disk, but for the last.
    let end = head.len() as u64 + (u64::from(FRAMES) << 20);
    file.set_len(end).expect("a long file");
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(end - 2)).expect("it seeks");
    file.write_all(&[7, 9]).expect("it writes");
    drop(file);
    let (rle, back) = (
        folder.path().join("rle.dcm"),
        folder.path().join("back.dcm"),
    );
    for (from, to, target) in [
        (&native, &rle, Target::RleLossless),
        (&rle, &back, Target::ExplicitVrLittleEndian),
    ] {
        let header = read_header(File::open(from).expect("a file"), &Limits::default());
        let header = header.expect("a header");
        let mut out = File::create(to).expect("a file");
        transcode(from, &header, target, &Limits::default(), &mut out).expect("it is made");
    }
    let compressed = std::fs::metadata(&rle).expect("a file").len();
    assert!(
        compressed > 8 << 20 && compressed < 64 << 20,
        "{compressed}"
    );
    // What came back ends as the first did, byte for byte.
    let made = File::open(&back).expect("a file");
    let length = made.metadata().expect("a file").len();
    let mut made = BufReader::new(made);
    std::io::Seek::seek(
        &mut made,
        std::io::SeekFrom::Start(length - (u64::from(FRAMES) << 20)),
    )
    .expect("it seeks");
    let (mut piece, mut sum, mut last) = (vec![0; 1 << 20], 0_u64, [0; 2]);
    while made.read_exact(&mut piece).is_ok() {
        sum += piece.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        last.copy_from_slice(&piece[piece.len() - 2..]);
    }
    assert_eq!((sum, last), (16, [7, 9]));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak_kb: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse().ok())
        .unwrap_or(0);
    let said = format!(
        "{FRAMES} MiB there and back, peak memory {} MB\n",
        peak_kb / 1024
    );
    std::io::stdout()
        .write_all(said.as_bytes())
        .expect("it writes");
    assert!(peak_kb < 64 * 1024, "{peak_kb}");
}

#[test]
fn native_pixel_data_of_four_gigabytes_have_no_length() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rle.dcm");
    let mut bytes = head(4096);
    // RLE by its meta information; what lies behind is not asked for.
    let at = bytes.windows(19).position(|w| w == EXPLICIT.as_bytes());
    let at = at.expect("a transfer syntax");
    bytes[at..at + 20].copy_from_slice(b"1.2.840.10008.1.2.5\0");
    let length = bytes.len();
    bytes[length - 4..].copy_from_slice(&[0xFF; 4]);
    bytes.extend(b"\xFE\xFF\x00\xE0\0\0\0\0");
    std::fs::write(&path, &bytes).expect("a file");
    let header = read_header(Cursor::new(&bytes), &Limits::default()).expect("a header");
    let from = header.transfer_syntax_uid();
    let refusal = can_transcode(&from, EXPLICIT, &header).unwrap_err();
    assert_eq!(refusal.rule, "transcode-too-long");
    let unknown = can_transcode(&from, "1.2.840.10008.1.2.4.70", &header).unwrap_err();
    assert_eq!(unknown.rule, "transcode-target");
    assert!(can_transcode(&from, "1.2.840.10008.1.2.5", &header).is_ok());
    assert!(can_transcode(&from, &from, &header).is_ok());
}

/// The object in a file, in another transfer syntax.
fn made(bytes: &[u8], target: Target) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("one.dcm");
    std::fs::write(&path, bytes).expect("a file");
    let header = read_header(Cursor::new(bytes), &Limits::default()).expect("a header");
    let mut out = Vec::new();
    transcode(&path, &header, target, &Limits::default(), &mut out).expect("it is made");
    out
}

#[test]
fn text_is_copied_and_not_decoded() {
    let source = ct();
    let name = b"\x1b$B;3ED\x1b(B^";
    for target in [Target::ImplicitVrLittleEndian, Target::RleLossless] {
        let out = made(&source, target);
        assert!(out.windows(name.len()).any(|window| window == name));
        let header = read_header(Cursor::new(&out), &Limits::default()).expect("a header");
        assert_eq!(header.character_sets(), ["", "ISO 2022 IR 87"]);
        assert_eq!(header.transfer_syntax_uid(), target.uid());
    }
}

#[test]
fn what_follows_the_pixels_stays_if_it_is_an_element() {
    let mut source = ct();
    source.extend(element(0xFFFC, 0xFFFC, "OB", &[0; 6]));
    let out = made(&source, Target::RleLossless);
    assert!(out.ends_with(b"\xFC\xFF\xFC\xFFOB\0\0\x06\0\0\0\0\0\0\0\0\0"));
    let mut source = ct();
    source.extend([0; 9]);
    let out = made(&source, Target::RleLossless);
    assert!(out.ends_with(b"\xFE\xFF\xDD\xE0\0\0\0\0"));
}

#[test]
fn lossy_compression_is_said_and_adds_up() {
    let mut bytes = part10(EXPLICIT);
    bytes.extend(element(8, 8, "CS", b"ORIGINAL\\PRIMARY"));
    bytes.extend(element(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.7"));
    bytes.extend(element(8, 0x18, "UI", b"1.2.3.4"));
    bytes.extend(element(8, 0x2111, "ST", b"cropped"));
    bytes.extend(us(0x28, 2, 1));
    bytes.extend(element(0x28, 4, "CS", b"MONOCHROME2"));
    for (number, value) in [
        (0x10, 16),
        (0x11, 16),
        (0x100, 8),
        (0x101, 8),
        (0x102, 7),
        (0x103, 0),
    ] {
        bytes.extend(us(0x28, number, value));
    }
    bytes.extend(element(0x28, 0x2110, "CS", b"01"));
    bytes.extend(element(0x28, 0x2112, "DS", b"4.5"));
    bytes.extend(element(0x28, 0x2114, "CS", b"ISO_15444_1"));
    bytes.extend(element(0x7FE0, 0x10, "OB", &[77; 256]));
    let out = made(&bytes, Target::JpegBaseline { quality: 80 });
    let header = read_header(Cursor::new(&out), &Limits::default()).expect("a header");
    assert_eq!(header.texts(tags::IMAGE_TYPE), ["DERIVED", "PRIMARY"]);
    assert_eq!(header.texts(tags::LOSSY_IMAGE_COMPRESSION), ["01"]);
    let ratios = header.texts(tags::LOSSY_IMAGE_COMPRESSION_RATIO);
    assert_eq!((ratios.len(), ratios[0].as_str()), (2, "4.5"));
    assert!(ratios[1].parse::<f64>().is_ok_and(|ratio| ratio > 0.1));
    assert_eq!(
        header.texts(tags::LOSSY_IMAGE_COMPRESSION_METHOD),
        ["ISO_15444_1", "ISO_10918_1"]
    );
    let derived = header.text(tags::DERIVATION_DESCRIPTION);
    assert!(derived.is_some_and(|text| text.starts_with("cropped; JPEG Baseline, quality 80")));
    assert_eq!(header.sop_instance_uid().as_deref(), Some("1.2.3.4"));
}

#[test]
fn damaged_objects_are_refused_or_made_but_nothing_panics() {
    let Some(files) = pydicom_files() else {
        return;
    };
    let chosen = [
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
        "SC_rgb_rle_2frame.dcm",
        "rtdose_expb.dcm",
        "nested_priv_SQ.dcm",
        "waveform_ecg.dcm",
        "UN_sequence.dcm",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("damaged.dcm");
    let mut dice = Dice(4711);
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if !chosen.contains(&name.as_ref()) {
            continue;
        }
        let whole = std::fs::read(&file).expect("a file");
        for round in 0..150 {
            let mut damaged = whole.clone();
            for _ in 0..1 + dice.roll(4) {
                let range = if dice.roll(2) == 0 { 1500 } else { whole.len() };
                let at = dice.roll(range.min(whole.len()));
                damaged[at] = dice.roll(256) as u8;
            }
            if round % 10 == 0 {
                damaged.truncate(dice.roll(whole.len()));
            }
            std::fs::write(&path, &damaged).expect("a file");
            survive(&path, round);
        }
    }
}

fn survive(path: &Path, round: usize) {
    let limits = Limits {
        max_frame_bytes: 8 << 20,
        ..Limits::default()
    };
    let Ok(header) = read_header(File::open(path).expect("a file"), &limits) else {
        return;
    };
    let target = [
        Target::ExplicitVrLittleEndian,
        Target::RleLossless,
        Target::ImplicitVrLittleEndian,
        Target::JpegBaseline { quality: 50 },
    ][round % 4];
    if header.number_of_frames() < 1000 {
        let _ = transcode(path, &header, target, &limits, &mut std::io::sink());
    }
    if let Ok(mut frames) = Frames::open(path, header.clone(), &limits) {
        let _ = frames.get(0);
        let _ = frames.get(1);
    }
    for at in ["7FE00010", "54000100/1/54001010", "00080005/0/00080016"] {
        let at: BulkPath = at.parse().expect("a path");
        if let Ok(mut value) = bulk_value(path, &header, &at, &limits) {
            let _ = std::io::copy(&mut value, &mut std::io::sink());
        }
    }
}
