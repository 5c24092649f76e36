//! pydicom's test files (`KURA_PYDICOM_FILES`) and the sample images, checked with `dciodvfy`.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::CT;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use kura_deid::dicom::{
    BASIC, DicomOption, DicomPolicy, OPTIONS, PatientIdentity, PixelsDone, TABLE, deidentify,
};
use kura_deid::keys::ProjectKey;
use kura_dicom::{Limits, decode_frame_from, read_header, write_dataset};

fn files() -> Vec<PathBuf> {
    let shared =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/imaging/burned-in");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/hospital/dicom");
    let mut folders = vec![shared, sample];
    match std::env::var_os("KURA_PYDICOM_FILES") {
        Some(folder) => folders.push(folder.into()),
        None => eprintln!("KURA_PYDICOM_FILES does not name pydicom's data/test_files"),
    }
    let mut files: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "dcm"))
        .collect();
    files.sort();
    if files.is_empty() {
        eprintln!("skipped: neither pydicom's files nor the sample images are here");
    }
    files
}

/// The basic policy with every standard SOP class, modality and colour let through: what is
/// tested here is the processing, not the gate.
fn open_policy(class: &str, modality: &str) -> DicomPolicy {
    let text = BASIC
        .replace("sop_classes = [", &format!("sop_classes = [\"{class}\", "))
        .replace("modalities = [", &format!("modalities = [\"{modality}\", "))
        .replace("projections = [", &format!("projections = [\"{modality}\", "))
        .replace(
            "photometric = [",
            "photometric = [\"RGB\", \"YBR_FULL\", \"YBR_FULL_422\", \"YBR_RCT\", \"YBR_ICT\", \"PALETTE COLOR\", ",
        );
    DicomPolicy::parse(&text, TABLE).unwrap()
}

/// The file with what the gate asks for; the rest as it was.
fn let_through(path: &Path) -> Option<(Vec<u8>, DicomPolicy)> {
    let whole = std::fs::read(path).ok()?;
    let header = read_header(Cursor::new(&whole), &Limits::default()).ok()?;
    let pixel = *header.pixel()?;
    let class = header.sop_class_uid()?;
    if header.encoding().deflated {
        return None;
    }
    // What no policy lets through is called CT: both sides of the comparison are.
    let never = ["US", "ES", "XC", "GM", "SM", "OT", "SC"];
    let modality = header.modality().filter(|m| !never.contains(&m.as_str()));
    let capture = class.starts_with("1.2.840.10008.5.1.4.1.1.7");
    let class = if capture { CT.to_owned() } else { class };
    let modality = modality.unwrap_or_else(|| "CT".to_owned());
    let mut object = header.object().clone();
    let mut put = |tag: Tag, vr: VR, text: &str| {
        object.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
    };
    put(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
    put(tags::SOP_CLASS_UID, VR::UI, &class);
    put(tags::MODALITY, VR::CS, &modality);
    if header.text(tags::IMAGE_TYPE).is_none() {
        put(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY");
    }
    object.remove_element(tags::CONVERSION_TYPE);
    let head = header.dataset_offset() as usize;
    let element = pixel.offset as usize - if header.encoding().explicit_vr { 12 } else { 8 };
    let mut out = whole[..head].to_vec();
    out.extend(write_dataset(&object, header.encoding()).ok()?);
    out.extend(&whole[element..]);
    Some((out, open_policy(&class, &modality)))
}

/// Errors without the values they quote.
fn errors(bytes: &[u8]) -> Option<BTreeSet<String>> {
    let file = tempfile::NamedTempFile::new().ok()?;
    std::fs::write(file.path(), bytes).ok()?;
    let output = Command::new("dciodvfy").arg(file.path()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if text.contains("Assertion") {
        return None;
    }
    let errors = text.lines().filter(|line| line.contains("Error - "));
    Some(errors.map(str::to_owned).collect())
}

/// As it is; with no option, so that dates go; with every option that adds to the profile.
fn options() -> [(&'static str, BTreeSet<DicomOption>); 3] {
    let mut all = BTreeSet::from(OPTIONS);
    all.remove(&DicomOption::RetainFullDates);
    let modified = BTreeSet::from([DicomOption::RetainModifiedDates]);
    [
        ("modified", modified),
        ("none", BTreeSet::new()),
        ("all", all),
    ]
}

#[test]
fn no_error_is_added() {
    let checker = Command::new("dciodvfy").output().is_ok();
    if !checker {
        eprintln!("dciodvfy (Debian dicom3tools) is not here: only what we read back is checked");
    }
    let (mut processed, mut checked, mut failed) = (0, 0, Vec::new());
    for path in files() {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some((input, policy)) = let_through(&path) else {
            eprintln!("{name}: not an image that a policy could let through");
            continue;
        };
        let before = checker.then(|| errors(&input)).flatten();
        for (with, options) in options() {
            let policy = policy.with(&options, 90).unwrap();
            let name = format!("{name} ({with})");
            let mut out = Vec::new();
            let patient = PatientIdentity::new(name.clone(), Vec::new());
            let key = ProjectKey::new([3; 32]);
            if let Err(withheld) = deidentify(
                Cursor::new(&input),
                &mut out,
                &policy,
                &key,
                &patient,
                PixelsDone::default(),
            ) {
                assert!(out.is_empty());
                eprintln!("{name}: {} {}", withheld.rule, withheld.detail);
                continue;
            }
            processed += 1;
            if let Some(folder) = std::env::var_os("KURA_DEID_OUT") {
                std::fs::write(Path::new(&folder).join(&name), &out).unwrap();
            }
            // The picture is the same.
            let limits = Limits::default();
            let picture = |bytes: &[u8]| {
                decode_frame_from(Cursor::new(bytes), 0, &limits)
                    .map(|frame| frame.pixels)
                    .map_err(|refusal| refusal.rule)
            };
            assert_eq!(picture(&input), picture(&out), "{name}");
            if !checker {
                continue;
            }
            let (Some(before), Some(after)) = (&before, errors(&out)) else {
                eprintln!("{name}: dciodvfy fails on it");
                continue;
            };
            checked += 1;
            let added: Vec<_> = after.difference(before).collect();
            if !added.is_empty() {
                failed.push(format!("{name}: {added:#?}"));
            }
        }
    }
    eprintln!("{processed} processed, {checked} checked with dciodvfy");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_burned_in_samples_stay() {
    for path in files() {
        if path
            .parent()
            .is_none_or(|folder| !folder.ends_with("burned-in"))
        {
            continue;
        }
        let mut out = Vec::new();
        let done = deidentify(
            std::fs::File::open(&path).unwrap(),
            &mut out,
            &DicomPolicy::basic(),
            &ProjectKey::new([3; 32]),
            &PatientIdentity::new("1", Vec::new()),
            PixelsDone::default(),
        );
        assert!(done.is_err() && out.is_empty());
    }
}
