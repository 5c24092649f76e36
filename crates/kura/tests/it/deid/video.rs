//! Text in videos masked from the command line: films made by ffmpeg, read back by pydicom.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{TestBank, tool};

/// Wraps a stream as a Video Endoscopic object.
const WRAP: &str = r#"
import sys, pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
stream, syntax, out, frames = open(sys.argv[1], 'rb').read(), sys.argv[2], sys.argv[3], sys.argv[4]
d = Dataset()
d.file_meta = FileMetaDataset()
d.file_meta.TransferSyntaxUID = syntax
d.SOPClassUID = d.file_meta.MediaStorageSOPClassUID = '1.2.840.10008.5.1.4.1.1.77.1.1.1'
d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
d.StudyInstanceUID, d.SeriesInstanceUID = pydicom.uid.generate_uid(), pydicom.uid.generate_uid()
d.Modality, d.PatientID, d.PatientName = 'ES', 'V-1', 'YAMADA^TARO'
d.ImageType = ['ORIGINAL', 'PRIMARY']
d.Rows, d.Columns, d.SamplesPerPixel, d.PlanarConfiguration = 240, 320, 3, 0
d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 8, 8, 7, 0
d.PhotometricInterpretation, d.NumberOfFrames = 'YBR_PARTIAL_420', frames
d.FrameIncrementPointer, d.FrameTime, d.CineRate = 0x00181063, 125, 8
d.LossyImageCompression = '01'
d.PixelData = encapsulate([stream], has_bot=False)
d['PixelData'].VR = 'OB'
d.save_as(out, enforce_file_format=True)
"#;

/// What a reader sees: how many frames, the lightest letter in the masked places, and how far the rest
/// is from what ffmpeg makes of the stream.
const JUDGE: &str = r#"
import json, sys, subprocess, numpy, pydicom
stream, after, areas = sys.argv[1], pydicom.dcmread(sys.argv[2]), json.loads(sys.argv[3])
raw = subprocess.run(['ffmpeg', '-v', 'error', '-i', stream, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
    capture_output=True, check=True).stdout
a = numpy.frombuffer(raw, numpy.uint8).reshape(-1, 240, 320, 3)
b = pydicom.pixels.pixel_array(after)
mask, near = numpy.zeros((240, 320), bool), numpy.zeros((240, 320), bool)
for one in areas:
    y, x, h, w = one['y'], one['x'], one['height'], one['width']
    mask[y:y + h, x:x + w] = True
    near[max(0, y - 8):y + h + 8, max(0, x - 16):x + w + 16] = True
print(json.dumps({
    'frames': len(b), 'of': len(a), 'said': int(after.NumberOfFrames),
    'syntax': str(after.file_meta.TransferSyntaxUID),
    'photometric': after.PhotometricInterpretation,
    'letters': int((a[3][mask] > 200).all(axis=1).sum()),
    'letters_outside': int((a[3][~mask] > 200).all(axis=1).sum()),
    'inside': int(numpy.percentile(b[:, mask], 99.9)),
    'outside': float(numpy.abs(a[:, ~near].astype(int) - b[:, ~near].astype(int)).mean()),
    'share': float(mask.mean()),
}))
"#;

struct Maker {
    python: PathBuf,
    ffmpeg: PathBuf,
    folder: PathBuf,
}

impl Maker {
    fn run(command: &mut Command) {
        let output = command.output().expect("it runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Eight frames, with a name in the third to the sixth.
    fn stream(&self, name: &str, codec: &[&str]) -> PathBuf {
        let file = self.folder.join(name);
        let letters = "drawtext=fontfile=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf:text='YAMADA TARO 1950-01-04':\
                       x=20:y=180:fontsize=20:fontcolor=white:enable='between(n\\,2\\,5)'";
        Self::run(
            Command::new(&self.ffmpeg)
                .args(["-v", "error", "-f", "lavfi"])
                .args(["-i", "color=c=0x502020:size=320x240:rate=8:duration=1"])
                .args(["-vf", letters, "-pix_fmt", "yuv420p"])
                .args(codec)
                .arg("-y")
                .arg(&file),
        );
        file
    }

    fn object(&self, stream: &Path, syntax: &str, frames: u32) -> PathBuf {
        let out = stream.with_extension("dcm");
        Self::run(
            Command::new(&self.python)
                .args(["-c", WRAP])
                .arg(stream)
                .arg(format!("1.2.840.10008.1.2.4.{syntax}"))
                .arg(&out)
                .arg(frames.to_string()),
        );
        out
    }
}

#[test]
fn text_in_videos_is_masked() {
    let (Some(python), Some(ffmpeg), Some(_), Some(_)) = (
        tool("KURA_PYTHON", "python3"),
        tool("KURA_FFMPEG", "ffmpeg"),
        tool("KURA_OCR__MODELS", "the models of scripts/ocr.sh"),
        tool(
            "KURA_INFERENCE__RUNTIME",
            "the runtime of scripts/runtime.sh",
        ),
    ) else {
        return;
    };
    let bank = TestBank::place().reading_pictures();
    let folder = bank.folder.path().join("films");
    std::fs::create_dir_all(&folder).unwrap();
    let maker = Maker {
        python: python.clone(),
        ffmpeg,
        folder: folder.clone(),
    };
    let films = [
        (
            maker.stream("h264.ts", &["-c:v", "libx264", "-f", "mpegts"]),
            "102",
        ),
        (
            maker.stream("mpeg2.m2v", &["-c:v", "mpeg2video", "-q:v", "2"]),
            "100",
        ),
        (
            maker.stream(
                "hevc.mp4",
                &["-c:v", "libx265", "-x265-params", "log-level=error"],
            ),
            "107",
        ),
    ];
    // One says a wrong number of frames; what is there counts.
    let mut objects: Vec<PathBuf> = films
        .iter()
        .map(|(stream, syntax)| maker.object(stream, syntax, if *syntax == "100" { 20 } else { 8 }))
        .collect();
    // A list in the place of a stream would have another file read, a stream of another size and one
    // that is cut short cannot be believed.
    let list = folder.join("list.m3u8");
    let first = films[0].0.display();
    std::fs::write(
        &list,
        format!("#EXTM3U\n#EXTINF:1,\nfile://{first}\n#EXT-X-ENDLIST\n"),
    )
    .unwrap();
    objects.push(maker.object(&list, "102", 1));
    let cut = folder.join("cut.mp4");
    let whole = std::fs::read(&films[2].0).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    objects.push(maker.object(&cut, "107", 8));
    let names = bank.file("names.txt", "YAMADA^TARO\n".as_bytes());
    let out = bank.folder.path().join("cleaned");
    let arguments: Vec<String> = ["deid", "pixels"]
        .map(str::to_owned)
        .into_iter()
        .chain(objects.iter().map(|path| path.display().to_string()))
        .chain([
            "--out".to_owned(),
            out.display().to_string(),
            "--identifiers".to_owned(),
            names.display().to_string(),
            "--format".to_owned(),
            "json".to_owned(),
        ])
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let all = bank.kura(&arguments).exits(3).json();
    for (at, (stream, _)) in films.iter().enumerate() {
        let done = &all[at]["done"];
        assert_eq!(done["frames"], 8, "{}", all[at]);
        assert!(done["identifiers"].as_u64().unwrap() > 0, "{done}");
        let told = Command::new(&python)
            .args(["-c", JUDGE])
            .args([
                stream.as_os_str(),
                out.join(objects[at].file_name().unwrap()).as_os_str(),
            ])
            .arg(done["masked"].to_string())
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&told.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told.stderr)));
        assert_eq!(told["syntax"], "1.2.840.10008.1.2.4.50", "{told}");
        assert_eq!(told["photometric"], "YBR_FULL_422", "{told}");
        for count in ["frames", "of", "said"] {
            assert_eq!(told[count], 8, "{told}");
        }
        // There were letters, all of them were covered, and nothing light is left in any frame.
        assert!(told["letters"].as_u64().unwrap() > 100, "{told}");
        assert_eq!(told["letters_outside"], 0, "{told}");
        assert!(told["inside"].as_u64().unwrap() < 40, "{told}");
        assert!(told["outside"].as_f64().unwrap() < 3.0, "{told}");
        assert!(told["share"].as_f64().unwrap() < 0.25, "{told}");
    }
    for at in [3, 4] {
        assert!(all[at]["refused"].as_str().is_some(), "{}", all[at]);
        assert!(!out.join(objects[at].file_name().unwrap()).exists());
    }
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().collect();
    assert_eq!(left.len(), 3);

    // Without what decodes it, a video is held back.
    let bare = bank
        .command(&["deid", "pixels", &objects[0].display().to_string(), "--out"])
        .arg(bank.folder.path().join("none"))
        .args(["--format", "json"])
        .env("KURA_OCR__FFMPEG", "/nowhere/ffmpeg")
        .output()
        .unwrap();
    assert_eq!(bare.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&bare.stdout).contains("ocr.ffmpeg"));
}
