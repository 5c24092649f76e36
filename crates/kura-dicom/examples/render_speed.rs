//! Milliseconds from a stored frame to a JPEG picture, as a viewer's request costs them.
//!
//! `cargo run --release -p kura-dicom --example render_speed -- FILE…`

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use kura_dicom::{Limits, Target, decode_frame, read_header, transcode};

const ROUNDS: u32 = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = Limits::default();
    let mut out = std::io::stdout();
    for file in std::env::args().skip(1) {
        let source = Path::new(&file);
        let header = read_header(std::fs::File::open(source)?, &limits)?;
        for target in [
            None,
            Some(Target::ExplicitVrLittleEndian),
            Some(Target::RleLossless),
        ] {
            let path = std::env::temp_dir().join("render_speed.dcm");
            let name = match target {
                None => {
                    std::fs::copy(source, &path)?;
                    header.transfer_syntax_uid()
                }
                Some(target) => {
                    let mut made = std::fs::File::create(&path)?;
                    let begin = Instant::now();
                    transcode(source, &header, target, &limits, &mut made)?;
                    let took = begin.elapsed().as_secs_f64() * 1000.0;
                    writeln!(out, "{took:8.2} ms to write {}", target.uid())?;
                    target.uid().to_owned()
                }
            };
            let begin = Instant::now();
            let mut bytes = 0;
            for _ in 0..ROUNDS {
                bytes = decode_frame(&path, 0, &limits)?
                    .render(None)
                    .to_jpeg(None)?
                    .len();
            }
            let each = begin.elapsed().as_secs_f64() * 1000.0 / f64::from(ROUNDS);
            writeln!(out, "{each:8.2} ms from {name}, {bytes} bytes of JPEG")?;
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}
