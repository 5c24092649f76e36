//! Faces and ears taken out of volumes of the head: a NIfTI file, or the files of a DICOM series.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use kura_dicom::{Limits, Pixels, SliceRef, decode_frame, read_volume};
use kura_face::{
    Defaced, MAX_BYTES, Modality, Nifti, Options, Report, View, Volume, deface, from_series,
    render, stored_fill,
};
use kura_model::{Error, Refusal, Result};

use crate::bank::file_error;
use crate::deid_pixels::{Words, edit, header_of, native, refuse};

/// Takes the face out of what is at `from` (a NIfTI file, or a folder with the files of one DICOM
/// series) and writes it to `to`, which must not be there. `pictures`: a folder for what the
/// surface looks like before and after, from three sides.
///
/// # Errors
/// What is no volume of a head, or one whose fit to the template is poor: nothing is written then.
pub fn face(from: &Path, to: &Path, pictures: Option<&Path>) -> Result<Report> {
    if to.exists() {
        return Err(Error::conflict(format!(
            "{} is there already",
            to.display()
        )));
    }
    let said =
        |refused: kura_face::Refused| Error::invalid(format!("{}: {refused}", from.display()));
    let (before, defaced) = if from.is_dir() {
        series(from, to)?
    } else {
        let file = File::open(from).map_err(|error| file_error(from, error))?;
        let mut nifti = Nifti::read(BufReader::new(file), MAX_BYTES).map_err(said)?;
        let defaced = deface(&nifti.volume, Options::default()).map_err(said)?;
        let before = std::mem::replace(&mut nifti.volume, defaced.volume.clone());
        let out = File::create_new(to).map_err(|error| file_error(to, error))?;
        let packed = to.extension().is_some_and(|end| end == "gz");
        if let Err(refused) = nifti.write(BufWriter::new(out), packed) {
            drop(fs::remove_file(to));
            return Err(said(refused));
        }
        (before, defaced)
    };
    if let Some(folder) = pictures {
        fs::create_dir_all(folder).map_err(|error| file_error(folder, error))?;
        for (name, volume) in [("before", &before), ("after", &defaced.volume)] {
            draw(folder, name, volume, defaced.report.air).map_err(said)?;
        }
    }
    Ok(defaced.report)
}

fn draw(
    folder: &Path,
    name: &str,
    volume: &Volume,
    air: f64,
) -> std::result::Result<(), kura_face::Refused> {
    for (view, side) in [
        (View::Front, "front"),
        (View::Left, "left"),
        (View::Right, "right"),
    ] {
        let picture = render(volume, air as f32, view)?;
        let file = folder.join(format!("{name}-{side}.png"));
        let out = File::create(file)
            .map_err(|_| kura_face::Refused::Volume("a picture cannot be written"))?;
        picture.write_png(BufWriter::new(out))?;
    }
    Ok(())
}

/// The files of a series, each in native samples with its part of the face gone.
fn series(from: &Path, to: &Path) -> Result<(Volume, Defaced)> {
    let limits = Limits::default();
    let mut files: Vec<PathBuf> = fs::read_dir(from)
        .map_err(|error| file_error(from, error))?
        .filter_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_file()))
        .collect();
    files.sort();
    let in_series = |refusal: Refusal| Error::invalid(format!("{}: {refusal}", from.display()));
    let read = read_volume(&files, &limits).map_err(in_series)?;
    let before = from_series(&read)
        .map_err(|refused| Error::invalid(format!("{}: {refused}", from.display())))?;
    let modality = match header_of(&files[0], &limits).map_err(in_series)?.modality() {
        Some(modality) if modality == "CT" => Modality::Ct,
        Some(modality) if modality == "MR" => Modality::Mr,
        _ => Modality::Unknown,
    };
    let defaced = deface(&before, Options { modality })
        .map_err(|refused| Error::invalid(format!("{}: {refused}", from.display())))?;
    // Where each slice is stored.
    let slices: HashMap<(&str, u32), usize> = read
        .slices
        .iter()
        .enumerate()
        .map(|(at, slice)| {
            let SliceRef {
                sop_instance,
                frame,
                ..
            } = slice;
            ((sop_instance.as_str(), frame.unwrap_or(1)), at)
        })
        .collect();
    let part = to.with_extension("partial");
    fs::create_dir_all(&part).map_err(|error| file_error(&part, error))?;
    let done = files.iter().try_for_each(|file| {
        let target = part.join(file.file_name().unwrap_or_default());
        one(file, &target, &slices, &defaced, &limits)
            .map_err(|refusal| Error::invalid(format!("{}: {refusal}", file.display())))
    });
    let settled = done.and_then(|()| fs::rename(&part, to).map_err(|error| file_error(to, error)));
    if settled.is_err() {
        // Half a series would have half a face.
        drop(fs::remove_dir_all(&part));
    }
    settled?;
    Ok((before, defaced))
}

fn one(
    file: &Path,
    target: &Path,
    slices: &HashMap<(&str, u32), usize>,
    defaced: &Defaced,
    limits: &Limits,
) -> std::result::Result<(), Refusal> {
    let header = header_of(file, limits)?;
    let uid = header.sop_instance_uid().unwrap_or_default();
    native(file, &header, target, limits)?;
    edit(target, limits, |frame, description, words| {
        let Some(at) = slices.get(&(uid.as_str(), frame + 1)) else {
            // A localizer, which the volume leaves out, may show the face.
            return Err(refuse("the object is no slice of the volume"));
        };
        let Some(mask) = defaced.removed.slice(*at) else {
            return Err(refuse("the mask has no such slice"));
        };
        // PS3.3 C.11.1; of an enhanced object each frame has its own.
        let Pixels::Gray {
            slope, intercept, ..
        } = decode_frame(file, frame, limits)?.pixels
        else {
            return Err(refuse("a volume is made of grey values"));
        };
        let fill = stored_fill(
            defaced.report.removed.fill,
            slope,
            intercept,
            u32::from(description.bits_stored),
            description.signed,
        )
        .ok_or_else(|| refuse("no stored number stands for air"))?;
        match words {
            Words::Bits8(samples) => {
                for (sample, _) in samples.iter_mut().zip(mask).filter(|(_, gone)| **gone) {
                    *sample = fill as u8;
                }
            }
            Words::Bits16(samples) => {
                for (sample, _) in samples.iter_mut().zip(mask).filter(|(_, gone)| **gone) {
                    *sample = fill as u16;
                }
            }
        }
        Ok(())
    })
}
