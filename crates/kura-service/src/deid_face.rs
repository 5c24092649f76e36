//! Faces and ears taken out of volumes of the head: a NIfTI file, or the files of a DICOM series.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use kura_dicom::{Limits, Pixels, decode_frame, read_volume};
use kura_face::{
    MAX_BYTES, Mask, Modality, Nifti, Options, Report, View, Volume, deface, from_series, render,
    stored_fill,
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
    if let Some(folder) = pictures {
        fs::create_dir_all(folder).map_err(|error| file_error(folder, error))?;
    }
    match from.is_dir() {
        true => folder(from, to, pictures),
        false => nifti(from, to, pictures),
    }
}

fn nifti(from: &Path, to: &Path, pictures: Option<&Path>) -> Result<Report> {
    let said =
        |refused: kura_face::Refused| Error::invalid(format!("{}: {refused}", from.display()));
    let file = File::open(from).map_err(|error| file_error(from, error))?;
    let mut nifti = Nifti::read(BufReader::new(file), MAX_BYTES).map_err(said)?;
    let defaced = deface(&nifti.volume, Options::default()).map_err(said)?;
    if let Some(folder) = pictures {
        let air = defaced.report.air;
        draw(folder, "before", &nifti.volume, air).map_err(said)?;
        draw(folder, "after", &defaced.volume, air).map_err(said)?;
    }
    nifti.volume = defaced.volume;
    let out = File::create_new(to).map_err(|error| file_error(to, error))?;
    let packed = to.extension().is_some_and(|end| end == "gz");
    if let Err(refused) = nifti.write(BufWriter::new(out), packed) {
        drop(fs::remove_file(to));
        return Err(said(refused));
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
fn folder(from: &Path, to: &Path, pictures: Option<&Path>) -> Result<Report> {
    let limits = Limits::default();
    let mut files: Vec<PathBuf> = fs::read_dir(from)
        .map_err(|error| file_error(from, error))?
        .filter_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_file()))
        .collect();
    files.sort();
    let head = HeadSeries::open(&files, &limits, pictures.map(|folder| (folder, "")))
        .map_err(|refusal| Error::invalid(format!("{}: {refusal}", from.display())))?;
    let mut part = to.as_os_str().to_owned();
    part.push(".partial");
    let part = PathBuf::from(part);
    fs::create_dir(&part).map_err(|error| file_error(&part, error))?;
    let done = files.iter().try_for_each(|file| {
        let target = part.join(file.file_name().unwrap_or_default());
        head.clean(file, &target, &limits)
            .map_err(|refusal| Error::invalid(format!("{}: {refusal}", file.display())))
    });
    let settled = done.and_then(|()| fs::rename(&part, to).map_err(|error| file_error(to, error)));
    if settled.is_err() {
        // Half a series would have half a face.
        drop(fs::remove_dir_all(&part));
    }
    settled?;
    Ok(head.report)
}

/// A series of slices through a head, and where its face lies in them.
pub(crate) struct HeadSeries {
    /// Number of the slice in the volume, by SOP instance and frame (from 1).
    slices: HashMap<(String, u32), usize>,
    removed: Mask,
    pub(crate) report: Report,
}

impl HeadSeries {
    /// Finds the face in the files of one series. `pictures`: the folder, and the beginning of the
    /// names, of pictures of its surface before and after.
    ///
    /// # Errors
    /// Rule `dicom-face`: the files are no volume, it is no head, or the face is not found well
    /// enough.
    pub(crate) fn open(
        files: &[PathBuf],
        limits: &Limits,
        pictures: Option<(&Path, &str)>,
    ) -> std::result::Result<Self, Refusal> {
        let face = |refused: kura_face::Refused| Refusal::new("dicom-face", refused.to_string());
        let Some(first) = files.first() else {
            return Err(Refusal::new("dicom-face", "there are no files"));
        };
        let modality = match header_of(first, limits)?.modality() {
            Some(modality) if modality == "CT" => Modality::Ct,
            Some(modality) if modality == "MR" => Modality::Mr,
            _ => Modality::Unknown,
        };
        let read = read_volume(files, limits)?;
        let volume = from_series(&read).map_err(face)?;
        let slices = read
            .slices
            .into_iter()
            .enumerate()
            .map(|(at, slice)| ((slice.sop_instance, slice.frame.unwrap_or(1)), at))
            .collect();
        drop(read.values);
        let defaced = deface(&volume, Options { modality }).map_err(face)?;
        if let Some((folder, name)) = pictures {
            let air = defaced.report.air;
            draw(folder, &format!("{name}before"), &volume, air).map_err(face)?;
            draw(folder, &format!("{name}after"), &defaced.volume, air).map_err(face)?;
        }
        Ok(Self {
            slices,
            removed: defaced.removed,
            report: defaced.report,
        })
    }

    /// Writes one object of the series to `to`, in native samples, its part of the face gone.
    ///
    /// # Errors
    /// It is none of the volume's slices (a localizer may show the face), or cannot be decoded.
    pub(crate) fn clean(
        &self,
        from: &Path,
        to: &Path,
        limits: &Limits,
    ) -> std::result::Result<(), Refusal> {
        let done = self.clean_into(from, to, limits);
        if done.is_err() {
            drop(fs::remove_file(to));
        }
        done
    }

    fn clean_into(
        &self,
        from: &Path,
        to: &Path,
        limits: &Limits,
    ) -> std::result::Result<(), Refusal> {
        let header = header_of(from, limits)?;
        let uid = header.sop_instance_uid().unwrap_or_default();
        native(from, &header, to, limits)?;
        edit(to, limits, |frame, description, words| {
            let Some(at) = self.slices.get(&(uid.clone(), frame + 1)) else {
                return Err(Refusal::new("dicom-face", "no slice of the volume"));
            };
            let Some(mask) = self.removed.slice(*at) else {
                return Err(Refusal::new("dicom-face", "the mask has no such slice"));
            };
            // PS3.3 C.11.1; of an enhanced object each frame has its own.
            let Pixels::Gray {
                slope, intercept, ..
            } = decode_frame(from, frame, limits)?.pixels
            else {
                return Err(refuse("a volume is made of grey values"));
            };
            let fill = stored_fill(
                self.report.removed.fill,
                slope,
                intercept,
                u32::from(description.bits_stored),
                description.signed,
            )
            .ok_or_else(|| refuse("no stored number stands for air"))?;
            match words {
                Words::Bits8(samples) => blot(samples, mask, fill as u8),
                Words::Bits16(samples) => blot(samples, mask, fill as u16),
            }
            Ok(())
        })
    }
}

fn blot<T: Copy>(samples: &mut [T], mask: &[bool], fill: T) {
    for (sample, _) in samples.iter_mut().zip(mask).filter(|(_, gone)| **gone) {
        *sample = fill;
    }
}
