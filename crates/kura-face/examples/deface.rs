//! Takes the face out of a NIfTI file.
//!
//!     cargo run --release -p kura-face --example deface -- IN.nii.gz OUT.nii.gz [--pictures DIR]

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kura_face::{MAX_BYTES, Nifti, Options, View, Volume, deface, render};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("refused: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (input, output, pictures) = match arguments.as_slice() {
        [input, output] => (input, output, None),
        [input, output, option, folder] if option == Path::new("--pictures") => {
            (input, output, Some(folder))
        }
        _ => return Err("deface IN.nii.gz OUT.nii.gz [--pictures DIR]".into()),
    };
    let mut file = Nifti::read(BufReader::new(File::open(input)?), MAX_BYTES)?;
    let defaced = deface(&file.volume, Options::default())?;
    if let Some(folder) = pictures {
        std::fs::create_dir_all(folder)?;
        for (name, volume) in [("before", &file.volume), ("after", &defaced.volume)] {
            draw(folder, name, volume, defaced.report.air)?;
        }
    }
    file.volume = defaced.volume;
    let packed = output
        .extension()
        .is_some_and(|extension| extension == "gz");
    file.write(BufWriter::new(File::create(output)?), packed)?;
    writeln!(
        std::io::stdout(),
        "{}",
        serde_json::to_string_pretty(&defaced.report)?
    )?;
    Ok(())
}

fn draw(
    folder: &Path,
    name: &str,
    volume: &Volume,
    air: f64,
) -> Result<(), Box<dyn std::error::Error>> {
    for (view, side) in [
        (View::Front, "front"),
        (View::Left, "left"),
        (View::Right, "right"),
    ] {
        let file = File::create(folder.join(format!("{name}-{side}.png")))?;
        render(volume, air as f32, view)?.write_png(BufWriter::new(file))?;
    }
    Ok(())
}
