//! Text in pictures masked from the command line, as pydicom sees what is left.

use std::process::Command;

use serde_json::Value;

use crate::support::{TestBank, shared, tool};

/// For each file: whether the areas are one value in every frame, what is outside as it was, and
/// the share of the picture that is not.
const JUDGE: &str = r#"
import json, sys, numpy, pydicom
before, after, areas = pydicom.dcmread(sys.argv[1]), pydicom.dcmread(sys.argv[2]), json.loads(sys.argv[3])
a, b = before.pixel_array, after.pixel_array
frames = int(getattr(after, 'NumberOfFrames', 1))
shape = (frames, after.Rows, after.Columns, -1)
a, b = a.reshape(shape), b.reshape(shape)
mask = numpy.zeros((after.Rows, after.Columns), bool)
for one in areas:
    mask[one['y']:one['y'] + one['height'], one['x']:one['x'] + one['width']] = True
inside = b[:, mask]
print(json.dumps({
    'native': str(after.file_meta.TransferSyntaxUID),
    'one_value': bool((inside == inside[:1, :1]).all()),
    'outside': int(numpy.abs(a[:, ~mask].astype(int) - b[:, ~mask].astype(int)).max()),
    'share': float(mask.mean()),
}))
"#;

#[test]
fn text_in_pictures_is_masked() {
    let (Some(python), Some(_), Some(_)) = (
        tool("KURA_PYTHON", "python3"),
        tool("KURA_OCR__MODELS", "the models of scripts/ocr.sh"),
        tool(
            "KURA_INFERENCE__RUNTIME",
            "the runtime of scripts/runtime.sh",
        ),
    ) else {
        return;
    };
    let (Some(scout), Some(colour), Some(film)) = (
        shared("imaging/burned-in/ct.dcm"),
        shared("imaging/burned-in/rgb_no_text.dcm"),
        shared("imaging/burned-in/cr_compressed.dcm"),
    ) else {
        return;
    };
    let bank = TestBank::place().reading_pictures();
    let junk = bank.file("junk.dcm", b"no DICOM at all");
    let names = bank.file("names.txt", "DAVIDSON^DOUGLAS\n".as_bytes());
    let out = bank.folder.path().join("cleaned");
    let look = bank.folder.path().join("look");
    let path = |path: &std::path::Path| path.display().to_string();
    let run = bank
        .kura(&[
            "deid",
            "pixels",
            &path(&scout),
            &path(&junk),
            &path(&film),
            &path(&colour),
            "--out",
            &path(&out),
            "--identifiers",
            &path(&names),
            "--review",
            &path(&look),
            "--format",
            "json",
        ])
        .exits(3);
    let all = run.json();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 4);
    assert!(all[1]["refused"].as_str().is_some() && all[1]["done"] == Value::Null);
    assert!(!out.join("junk.dcm").exists());
    for (one, file) in [(&all[0], &scout), (&all[2], &film), (&all[3], &colour)] {
        let name = file.file_name().unwrap();
        let areas = one["done"]["masked"].to_string();
        let told = Command::new(&python)
            .args(["-c", JUDGE])
            .args([file.as_os_str(), out.join(name).as_os_str()])
            .arg(&areas)
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&told.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told.stderr)));
        assert_eq!(told["native"], "1.2.840.10008.1.2.1");
        assert_eq!(told["one_value"], true, "{told}");
        assert_eq!(told["outside"], 0, "{told}");
        let share = told["share"].as_f64().unwrap();
        assert!(share < 0.15, "{told}");
        assert!((share - one["done"]["share"].as_f64().unwrap()).abs() < 1e-6);
        assert!(look.join(format!("{}.png", name.display())).exists());
    }
    assert!(all[0]["done"]["masked"].as_array().unwrap().len() > 1);
    assert!(
        all[2]["done"]["identifiers"].as_u64().unwrap() > 0,
        "{}",
        all[2]
    );
    // What is there is not written over, and without models nothing is done.
    let again = bank
        .kura(&["deid", "pixels", &path(&scout), "--out", &path(&out)])
        .exits(1);
    assert!(again.err.contains("is there already"), "{}", again.err);
    let bare = bank
        .command(&["deid", "pixels", &path(&scout), "--out", &path(&look)])
        .env_remove("KURA_OCR__MODELS")
        .output()
        .unwrap();
    assert!(!bare.status.success());
    assert!(String::from_utf8_lossy(&bare.stderr).contains("scripts/ocr.sh"));
}
