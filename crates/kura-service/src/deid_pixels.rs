//! Text burned into the pictures of a DICOM object: found, judged, and masked in every frame.
//!
//! The object is written in native samples first, so that what is masked is masked in what a
//! reader decodes, whatever it was compressed by. What cannot be decoded is refused.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kura_dicom::pixel::PixelDescription;
use kura_dicom::{
    Encoding, Header, Limits, Pixels, Target, decode_frame, film, read_header, transcode,
};
use kura_inference::Runtime;
use kura_model::{Error, Refusal, Result};
use kura_ocr::{
    Area, Decision, Found, Identifiers, KeepList, Layout, Picture, Samples, TextFinder, Verdict,
    mask, review, views_of_picture, views_of_values,
};
use serde::Serialize;

use crate::Config;
use crate::bank::file_error;
use crate::deid_regions::DeviceRules;
use crate::deid_video::{Video, is_video};

const DISK: &str = "dicom-disk";

/// What finds text in pictures, ready to look.
pub struct TextCleaner {
    finder: TextFinder,
    keep: KeepList,
    devices: DeviceRules,
    ffmpeg: PathBuf,
    limits: Limits,
}

/// What became of the pictures of one object.
#[derive(Debug, Serialize)]
pub struct Masked {
    pub frames: u32,
    /// Areas masked for text that was found, in every frame.
    pub masked: Vec<Area>,
    /// Areas masked whatever they show: outside of the regions of an ultrasound image, and where
    /// a rule for the device says so.
    pub regions: Vec<Area>,
    /// Areas with text that stays, by the keep-list.
    pub kept: Vec<Area>,
    /// Readings that hold an identifier of the patient: how many.
    pub identifiers: usize,
    /// Share of the picture that was masked.
    pub share: f64,
}

impl TextCleaner {
    /// # Errors
    /// Where the models or the runtime are missing: it says which, and what fetches them.
    pub fn open(config: &Config) -> Result<Self> {
        let models = config.ocr.models.as_deref().ok_or_else(|| {
            Error::invalid(
                "text in pictures is found by models: fetch them (scripts/ocr.sh) and name their folder in ocr.models",
            )
        })?;
        let runtime = Runtime::load(config.inference.runtime.as_deref())?;
        Ok(Self {
            finder: TextFinder::open(models, runtime)?,
            keep: KeepList::shipped()?,
            devices: match &config.ocr.regions {
                Some(file) => DeviceRules::read(file)?,
                None => DeviceRules::default(),
            },
            ffmpeg: config.ocr.ffmpeg.clone(),
            limits: Limits::default(),
        })
    }

    /// What can be read in the pictures of an object, every frame of it.
    ///
    /// # Errors
    /// A [`Refusal`] where a picture cannot be decoded.
    pub fn readings(&self, path: &Path) -> std::result::Result<Vec<String>, Refusal> {
        let header = header_of(path, &self.limits)?;
        let description = PixelDescription::of(&header, &self.limits)?;
        let found = if is_video(&header) {
            let video = self.video(path, &header, &description)?;
            self.find_in_video(&video, &description)?.1
        } else {
            self.find(path, &description)?
        };
        Ok(found
            .into_iter()
            .flat_map(|found| std::iter::once(found.text).chain(found.others))
            .filter(|reading| !reading.is_empty())
            .collect())
    }

    fn find(
        &self,
        path: &Path,
        description: &PixelDescription,
    ) -> std::result::Result<Vec<Found>, Refusal> {
        self.finder
            .find_in_frames(description.frames, |frame| {
                views(path, frame, &self.limits)
                    .map_err(|refusal| Error::invalid(refusal.to_string()))
            })
            .map(|all| all.found)
            .map_err(|error| refuse(error.message()))
    }

    /// Writes the object at `from` to `to`, in native samples, with the text in its pictures
    /// masked. With `picture`: the first frame goes there, with the boxes.
    ///
    /// # Errors
    /// A [`Refusal`] where a picture cannot be decoded or masked; `to` is not there then.
    pub fn clean(
        &self,
        from: &Path,
        to: &Path,
        identifiers: &Identifiers,
        picture: Option<&Path>,
    ) -> std::result::Result<Masked, Refusal> {
        let done = self.clean_into(from, to, identifiers, picture);
        if done.is_err() {
            drop(fs::remove_file(to));
        }
        done
    }

    fn clean_into(
        &self,
        from: &Path,
        to: &Path,
        identifiers: &Identifiers,
        picture: Option<&Path>,
    ) -> std::result::Result<Masked, Refusal> {
        let header = header_of(from, &self.limits)?;
        // Before anything is written: a picture that nobody can decode is not cleaned.
        let description = PixelDescription::of(&header, &self.limits)?;
        if is_video(&header) {
            let video = self.video(from, &header, &description)?;
            return self.clean_video((from, &header), &video, to, identifiers, picture);
        }
        let found = self.find(from, &description)?;
        let verdict = Verdict::of(&found, &self.keep, identifiers);
        let regions = self.devices.areas(&header);
        let all = [verdict.masked.as_slice(), &regions].concat();
        if let Some(file) = picture {
            let first = views(from, 0, &self.limits)?.swap_remove(0);
            let png =
                review(&first, &all, &verdict.kept).map_err(|error| refuse(error.message()))?;
            fs::write(file, png).map_err(disk)?;
        }
        native(from, &header, to, &self.limits)?;
        let share = fill(to, &all, &self.limits)?;
        Ok(Masked::of(description.frames, verdict, regions, share))
    }

    fn video(
        &self,
        path: &Path,
        header: &Header,
        description: &PixelDescription,
    ) -> std::result::Result<Video, Refusal> {
        let size = (description.columns, description.rows);
        Video::open(&self.ffmpeg, path, header, size)
    }

    /// How many frames a video has, and the text in them.
    fn find_in_video(
        &self,
        video: &Video,
        description: &PixelDescription,
    ) -> std::result::Result<(u32, Vec<Found>), Refusal> {
        let count = video.count()?;
        let mut frames = video.frames()?;
        let found = self
            .finder
            .find_in_frames(count, |_| {
                let next = frames
                    .next()
                    .map_err(|refusal| Error::invalid(refusal.to_string()))?
                    .ok_or_else(|| Error::invalid("the video is cut short"))?;
                let picture = Picture::rgb(description.columns, description.rows, next)?;
                Ok(views_of_picture(&picture))
            })
            .map_err(|error| refuse(error.message()))?;
        Ok((count, found.found))
    }

    /// A video becomes frames of JPEG: what was masked is masked in what a reader decodes, and no
    /// sound, no subtitle and no word of the stream's own goes with them.
    fn clean_video(
        &self,
        (from, header): (&Path, &Header),
        video: &Video,
        to: &Path,
        identifiers: &Identifiers,
        picture: Option<&Path>,
    ) -> std::result::Result<Masked, Refusal> {
        let description = PixelDescription::of(header, &self.limits)?;
        let (count, found) = self.find_in_video(video, &description)?;
        let verdict = Verdict::of(&found, &self.keep, identifiers);
        let regions = self.devices.areas(header);
        let all = [verdict.masked.as_slice(), &regions].concat();
        let layout = Layout {
            width: description.columns,
            height: description.rows,
            frames: 1,
            channels: 3,
            planar: false,
        };
        let mut share = 0.0;
        let mut frames = video.frames()?;
        let mut picture = picture;
        let mut next = || {
            let Some(mut frame) = frames.next()? else {
                return Ok(None);
            };
            if let Some(file) = picture.take() {
                let first = Picture::rgb(description.columns, description.rows, frame.clone())
                    .and_then(|first| review(&first, &all, &verdict.kept))
                    .map_err(|error| refuse(error.message()))?;
                fs::write(file, first).map_err(disk)?;
            }
            let runs = mask(Samples::Bits8(&mut frame), &layout, &all, &[0, 0, 0])
                .map_err(|error| refuse(error.message()))?;
            let filled: u64 = runs.iter().map(|run| u64::from(run.width)).sum();
            share = filled as f64 / description.pixels() as f64;
            Ok(Some(frame))
        };
        let mut out = BufWriter::new(File::create(to).map_err(disk)?);
        let written = film(from, header, &mut next, VIDEO_QUALITY, &mut out)?;
        out.flush().map_err(disk)?;
        if written != count {
            return Err(refuse("the video is decoded in two ways"));
        }
        Ok(Masked::of(count, verdict, regions, share))
    }
}

/// Of JPEG: little is lost beside what the video had lost before.
const VIDEO_QUALITY: u8 = 92;

impl Masked {
    fn of(frames: u32, verdict: Verdict, regions: Vec<Area>, share: f64) -> Self {
        let named = |decision: &&Decision| {
            matches!(
                decision,
                Decision::Mask {
                    why: kura_ocr::Why::Identifier
                }
            )
        };
        Self {
            frames,
            identifiers: verdict.decisions.iter().filter(named).count(),
            masked: verdict.masked,
            kept: verdict.kept,
            regions,
            share,
        }
    }
}

/// Nothing can be written: an error of the machine, not of the object.
pub(crate) fn disk(_: std::io::Error) -> Refusal {
    Refusal::new(DISK, "what was cleaned cannot be written")
}

/// Whether a refusal tells of the machine's disk, not of the object.
pub(crate) fn of_the_disk(refusal: &Refusal) -> bool {
    // The other one is `kura_dicom::transcode`'s.
    [DISK, "transcode-io"].contains(&refusal.rule.as_str())
}

pub(crate) fn refuse(message: &str) -> Refusal {
    Refusal::new("dicom-pixels", message)
}

pub(crate) fn header_of(path: &Path, limits: &Limits) -> std::result::Result<Header, Refusal> {
    let mut file = File::open(path).map_err(|_| refuse("the file cannot be read"))?;
    read_header(&mut file, limits)
}

/// What a frame looks like, in as many ways as text may be seen in.
fn views(path: &Path, frame: u32, limits: &Limits) -> std::result::Result<Vec<Picture>, Refusal> {
    let frame = decode_frame(path, frame, limits)?;
    let views = match &frame.pixels {
        Pixels::Rgb(data) => Picture::rgb(frame.columns, frame.rows, data.clone())
            .map(|picture| views_of_picture(&picture)),
        Pixels::Gray { .. } => views_of_values(&frame.values(), frame.columns, frame.rows),
    };
    views.map_err(|error| refuse(error.message()))
}

/// The object in native samples.
pub(crate) fn native(
    from: &Path,
    header: &Header,
    to: &Path,
    limits: &Limits,
) -> std::result::Result<(), Refusal> {
    let mut out = BufWriter::new(File::create(to).map_err(disk)?);
    transcode(
        from,
        header,
        Target::ExplicitVrLittleEndian,
        limits,
        &mut out,
    )?;
    out.flush().map_err(disk)
}

/// Fills areas of every frame of a native object, in place; the share of a picture that was.
fn fill(path: &Path, areas: &[Area], limits: &Limits) -> std::result::Result<f64, Refusal> {
    let mut share = 0.0;
    edit(path, limits, |_, description, frame| {
        let value = black(description)?;
        let layout = Layout {
            width: description.columns,
            height: description.rows,
            frames: 1,
            channels: u8::try_from(description.samples).unwrap_or(u8::MAX),
            planar: description.planar,
        };
        let samples = match frame {
            Words::Bits8(samples) => Samples::Bits8(samples),
            Words::Bits16(samples) => Samples::Bits16(samples),
        };
        let runs =
            mask(samples, &layout, areas, &value).map_err(|error| refuse(error.message()))?;
        let filled: u64 = runs.iter().map(|run| u64::from(run.width)).sum();
        share = filled as f64 / description.pixels() as f64;
        Ok(())
    })?;
    Ok(share)
}

/// The samples of one frame.
pub(crate) enum Words<'a> {
    Bits8(&'a mut [u8]),
    Bits16(&'a mut [u16]),
}

/// Changes the samples of a native object in place, frame by frame (from 0).
pub(crate) fn edit(
    path: &Path,
    limits: &Limits,
    mut change: impl FnMut(u32, &PixelDescription, Words<'_>) -> std::result::Result<(), Refusal>,
) -> std::result::Result<(), Refusal> {
    let header = header_of(path, limits)?;
    let description = PixelDescription::of(&header, limits)?;
    let Some(pixel) = header.pixel().copied() else {
        return Err(refuse("there are none"));
    };
    if header.encoding() != Encoding::EXPLICIT_LE {
        return Err(refuse("samples of this kind are not changed"));
    }
    let bytes =
        usize::try_from(description.frame_bytes()).map_err(|_| refuse("a frame is too large"))?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(disk)?;
    let mut frame = vec![0; bytes];
    for number in 0..description.frames {
        let at = pixel.offset + u64::from(number) * description.frame_bytes();
        file.seek(SeekFrom::Start(at)).map_err(disk)?;
        file.read_exact(&mut frame).map_err(disk)?;
        match description.bits_allocated {
            8 => change(number, &description, Words::Bits8(&mut frame))?,
            16 => {
                let mut words: Vec<u16> = frame
                    .chunks_exact(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                    .collect();
                change(number, &description, Words::Bits16(&mut words))?;
                for (pair, word) in frame.chunks_exact_mut(2).zip(&words) {
                    pair.copy_from_slice(&word.to_le_bytes());
                }
            }
            _ => return Err(refuse("samples of this size are not changed")),
        }
        file.seek(SeekFrom::Start(at)).map_err(disk)?;
        file.write_all(&frame).map_err(disk)?;
    }
    file.sync_all().map_err(disk)
}

/// What is masked is black; of a sample the darkest value that it holds.
fn black(description: &PixelDescription) -> std::result::Result<Vec<u16>, Refusal> {
    let bits = description.bits_stored.min(16);
    let most = u16::try_from((1_u32 << bits) - 1).unwrap_or(u16::MAX);
    // Two's complement in so many bits; the sign fills the rest of the word.
    let least = match description.signed {
        true => !(most >> 1),
        false => 0,
    };
    let most = match description.signed {
        true => most >> 1,
        false => most,
    };
    Ok(match description.photometric.as_str() {
        "MONOCHROME2" => vec![least],
        "MONOCHROME1" => vec![most],
        "RGB" => vec![0; 3],
        "YBR_FULL" => vec![0, 128, 128],
        // Of one colour, whichever the palette gives: nothing can be read.
        "PALETTE COLOR" => vec![least],
        _ => return Err(refuse("colours of this kind are not masked")),
    })
}

/// Objects cleaned into a folder, those that could not be among them.
#[derive(Debug, Serialize)]
pub struct Cleaned {
    pub file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<Masked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Masks the text in the pictures of files: each into `out` under its own name.
///
/// # Errors
/// A folder that cannot be made, models that are missing, a name that is there already. What is
/// refused of a file is told beside it, and the rest goes on.
pub fn clean_files(
    config: &Config,
    files: &[PathBuf],
    out: &Path,
    identifiers: &[String],
    pictures: Option<&Path>,
    done: &mut dyn FnMut(&Cleaned),
) -> Result<Vec<Cleaned>> {
    let cleaner = TextCleaner::open(config)?;
    let identifiers = Identifiers::new(identifiers);
    for folder in [Some(out), pictures].into_iter().flatten() {
        fs::create_dir_all(folder).map_err(|error| file_error(folder, error))?;
    }
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        let to = out.join(file.file_name().unwrap_or_default());
        if to.exists() {
            return Err(Error::conflict(format!(
                "{} is there already",
                to.display()
            )));
        }
        let picture = pictures.map(|folder| {
            let mut name = file.file_name().unwrap_or_default().to_owned();
            name.push(".png");
            folder.join(name)
        });
        let cleaned = match cleaner.clean(file, &to, &identifiers, picture.as_deref()) {
            Ok(masked) => Cleaned {
                file: file.clone(),
                done: Some(masked),
                refused: None,
            },
            Err(refusal) => Cleaned {
                file: file.clone(),
                done: None,
                refused: Some(refusal.to_string()),
            },
        };
        done(&cleaned);
        all.push(cleaned);
    }
    Ok(all)
}
