//! Pictures of objects as a viewport asks for them. PS3.18 8.3.5 and 10.4.1.1.3.

use kura_dicom::{Limits, Region, VoiFunction, decode_frame};
use kura_model::{Category, Error, Refusal, RequestContext, Result};
use serde_json::Value;

use crate::access::{Action, reach};
use crate::dicom_header::Wanted;
use crate::dicom_read::{Picture, Target, each_of, targeted};
use crate::imaging_study::attribute;
use crate::{Bank, imaging};

/// How a frame becomes a picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendering {
    /// 8.3.5.1.4: center, width, function; the object's own where absent.
    pub window: Option<(f64, f64, Option<VoiFunction>)>,
    pub viewport: Option<Viewport>,
    /// 8.3.5.1.2: 1 to 100, of JPEG.
    pub quality: Option<u8>,
}

/// 8.3.5.1.3: pixels of the screen, and the part of the picture shown in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Viewport {
    pub width: u32,
    pub height: u32,
    pub source: Option<Region>,
    /// Not larger than the picture is: a thumbnail.
    pub only_smaller: bool,
}

/// A side of a picture that was made larger than it is.
const SIDE_AT_MOST: u32 = 4096;
const QUALITY: u8 = 90;

fn cannot(refusal: Refusal) -> Error {
    let category = match &refusal.rule[..] {
        "dicom-frame" | "dicom-no-pixels" => Category::NotFound,
        _ => Category::Unsupported,
    };
    Error::new(category, refusal.message.clone()).because(refusal)
}

/// The objects with pixels that a path names, in the order of series and number.
pub fn pictured(bank: &Bank, context: &RequestContext, target: &Target) -> Result<Vec<Target>> {
    let wanted = Wanted::these(["00200011", "0020000E", "00200013"].into_iter());
    let mut found = Vec::new();
    each_of(bank, context, "dicom_render", target, |line| {
        if line.frames > 0 {
            let header = wanted.read(line.header)?;
            let number = |tag| attribute::number(&header, tag).unwrap_or(i64::MAX);
            let series = attribute::text(&header, "0020000E").unwrap_or_default();
            let place = (number("00200011"), series, number("00200013"));
            found.push((place, line.uid.to_owned()));
        }
        Ok(())
    })?;
    found.sort();
    if found.is_empty() {
        return Err(Error::not_found("none of the objects has pixels"));
    }
    Ok(found
        .into_iter()
        .map(|((_, series, _), uid)| Target {
            study: target.study.clone(),
            series: Some(series),
            instance: Some(uid),
        })
        .collect())
}

/// The object whose picture stands for a study: the one in the middle, for a stack begins with air.
pub fn middle(bank: &Bank, context: &RequestContext, study_uid: &str) -> Result<String> {
    let target = Target {
        study: study_uid.to_owned(),
        series: None,
        instance: None,
    };
    let mut found = pictured(bank, context, &target)?;
    let middle = found.swap_remove(found.len() / 2);
    Ok(middle.instance.unwrap_or_default())
}

/// One frame of one object, from 1.
pub fn rendered(
    bank: &Bank,
    context: &RequestContext,
    target: &Target,
    frame: u32,
    rendering: &Rendering,
    picture: Picture,
) -> Result<Vec<u8>> {
    let named = targeted(bank, context, "dicom_render", target)?;
    let (_, record) = named
        .first()
        .ok_or_else(|| Error::not_found("no such instance in this bank"))?;
    of_record(bank, record, frame, rendering, picture)
}

fn of_record(
    bank: &Bank,
    record: &Value,
    frame: u32,
    rendering: &Rendering,
    picture: Picture,
) -> Result<Vec<u8>> {
    let index = frame
        .checked_sub(1)
        .ok_or_else(|| Error::not_found("frames count from 1"))?;
    let path = bank.clinical.blobs().path(imaging::blob_of(record)?);
    let mut decoded = decode_frame(&path, index, &Limits::default()).map_err(cannot)?;
    let mut window = None;
    if let Some((center, width, function)) = rendering.window {
        window = Some((center, width));
        decoded.voi_function = function.unwrap_or(decoded.voi_function);
    }
    let mut image = decoded.render(window);
    drop(decoded);
    if let Some(viewport) = rendering.viewport {
        if let Some(source) = viewport.source {
            image = image.region(source).ok_or_else(|| {
                Error::invalid("the source region of the viewport lies outside of the picture")
            })?;
        }
        let most = |own: u32| match viewport.only_smaller {
            true => own,
            false => own.max(SIDE_AT_MOST),
        };
        image = image.fit(
            viewport.width.min(most(image.width)),
            viewport.height.min(most(image.height)),
        );
    }
    match picture {
        Picture::Png => Ok(image.to_png(None)),
        Picture::Jpeg => image
            .to_jpeg_of(rendering.quality.unwrap_or(QUALITY))
            .map_err(cannot),
    }
}

/// Columns and rows of an object, for a caller that is about to render it.
pub fn size(bank: &Bank, context: &RequestContext, target: &Target) -> Result<(u32, u32)> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let uid = target.instance.as_deref().unwrap_or_default();
    let key = kura_model::RecordKey::new(crate::kind::DICOM_INSTANCE, uid);
    let found = bank.clinical.read(|reader| reader.current(&key))?;
    let absent = || Error::not_found("no such instance in this bank");
    let version = found
        .filter(|version| !version.deleted)
        .ok_or_else(absent)?;
    let record = imaging::decode(&version.body)?;
    let study = attribute::text(&record["header"], "0020000D").unwrap_or_default();
    if !reach.has_study(bank, &study)? {
        return Err(absent());
    }
    let number = |tag| attribute::number(&record["header"], tag).and_then(|n| n.try_into().ok());
    match (number("00280011"), number("00280010")) {
        (Some(columns), Some(rows)) => Ok((columns, rows)),
        _ => Err(Error::not_found("the object has no pixels")),
    }
}
