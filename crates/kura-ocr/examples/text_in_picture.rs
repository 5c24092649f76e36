//! `text_in_picture IN.(png|dcm) [--review OUT.png] [--identifier TEXT]… [--times N]`: what is
//! found in a picture, as JSON; with `--times` how long it takes.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use kura_dicom::{Limits, Pixels, decode_frame};
use kura_inference::Runtime;
use kura_ocr::{
    Identifiers, KeepList, Picture, TextFinder, Verdict, review, views_of_picture, views_of_values,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut input = None;
    let mut out = None;
    let mut times = 0_u32;
    let mut identifiers = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--review" => out = arguments.next().map(PathBuf::from),
            "--identifier" => identifiers.extend(arguments.next()),
            "--times" => times = arguments.next().unwrap_or_default().parse()?,
            _ => input = Some(PathBuf::from(argument)),
        }
    }
    let input = input.ok_or("text_in_picture IN.(png|dcm) [--review OUT.png]")?;
    let runtime = std::env::var_os("KURA_INFERENCE__RUNTIME").map(PathBuf::from);
    let models = std::env::var_os("KURA_OCR__MODELS").ok_or("KURA_OCR__MODELS is not set")?;
    let finder = TextFinder::open(Path::new(&models), Runtime::load(runtime.as_deref())?)?;
    let views = views(&input)?;
    let found = finder.find_in_views(&views)?;
    let verdict = Verdict::of(
        &found,
        &KeepList::shipped()?,
        &Identifiers::new(&identifiers),
    );
    if let Some(out) = out {
        fs::write(out, review(&views[0], &verdict.masked, &verdict.kept)?)?;
    }
    let texts: Vec<_> = found
        .iter()
        .zip(&verdict.decisions)
        .map(|(found, decision)| serde_json::json!({ "found": found, "verdict": decision }))
        .collect();
    println!("{}", serde_json::to_string_pretty(&texts)?);
    if times > 0 {
        let start = Instant::now();
        for _ in 0..times {
            finder.locate(&views)?;
        }
        let located = start.elapsed().as_secs_f64() / f64::from(times);
        let start = Instant::now();
        for _ in 0..times {
            finder.find_in_views(&views)?;
        }
        let found = start.elapsed().as_secs_f64() / f64::from(times);
        eprintln!(
            "{} × {}, {} views: {located:.3} s to find, {found:.3} s to find and read",
            views[0].width(),
            views[0].height(),
            views.len()
        );
    }
    Ok(())
}

fn views(path: &Path) -> Result<Vec<Picture>, Box<dyn Error>> {
    if path.extension().is_some_and(|extension| extension == "png") {
        let mut reader =
            png::Decoder::new(std::io::BufReader::new(fs::File::open(path)?)).read_info()?;
        let mut data = vec![0; reader.output_buffer_size().ok_or("the PNG is too large")?];
        let info = reader.next_frame(&mut data)?;
        data.truncate(info.buffer_size());
        let picture = match info.color_type {
            png::ColorType::Grayscale => Picture::gray(info.width, info.height, data)?,
            png::ColorType::Rgb => Picture::rgb(info.width, info.height, data)?,
            _ => return Err("only gray and RGB of 8 bits".into()),
        };
        return Ok(views_of_picture(&picture));
    }
    let frame = decode_frame(path, 0, &Limits::default())?;
    Ok(match &frame.pixels {
        Pixels::Rgb(data) => {
            views_of_picture(&Picture::rgb(frame.columns, frame.rows, data.clone())?)
        }
        Pixels::Gray { .. } => views_of_values(&frame.values(), frame.columns, frame.rows)?,
    })
}
