//! Pictures: rendered resources and thumbnails. PS3.18 8.3.5, 10.4.1.1.3 and 10.4.1.1.4.

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kura_dicom::{Region, VoiFunction};
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::dicom_read::{Picture, Target};
use kura_service::dicom_render::{self, Rendering, Viewport};

use super::bulk::frame_numbers;
use super::media::{Offer, accepted, choose};
use super::multipart::{self, Part};
use super::{Uids, blocking, not_acceptable, params, refuse, target, uid};
use crate::App;

/// A side of a thumbnail, where the caller names none.
const THUMBNAIL: u32 = 128;

pub(super) async fn rendered(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let list = uid(&uids, "frames");
    let whole = uid(&uids, "instance").is_none();
    let asked = || -> Result<_> {
        let numbers = match list {
            Some(list) => frame_numbers(list)?,
            None => vec![1],
        };
        let several = whole || numbers.len() > 1;
        let offer = form(&headers, query.as_deref(), several)?;
        Ok((numbers, offer, rendering(query.as_deref())?))
    };
    let (numbers, offer, rendering) = match asked() {
        Ok(asked) => asked,
        Err(error) => return refuse(&error),
    };
    let target = target(&uids);
    if !offer.multipart {
        return one(app, context, target, numbers[0], rendering, offer).await;
    }
    let found = blocking({
        let (bank, context) = (app.bank.clone(), context.clone());
        move || match whole {
            true => dicom_render::pictured(&bank, &context, &target),
            false => Ok(vec![target]),
        }
    })
    .await;
    let targets = match found {
        Ok(targets) => targets,
        Err(error) => return refuse(&error),
    };
    let pictures = targets.into_iter().flat_map(move |target| {
        numbers
            .clone()
            .into_iter()
            .map(move |n| (target.clone(), n))
    });
    let picture = picture(&offer);
    let parts = pictures.map(move |(target, number)| {
        let bytes =
            dicom_render::rendered(&app.bank, &context, &target, number, &rendering, picture)?;
        Ok(Part {
            content_type: offer.media_type.to_owned(),
            bytes,
        })
    });
    multipart::parts(offer.media_type, parts).await
}

/// 10.4.1.1.4: of a study or a series, its middle picture.
pub(super) async fn thumbnail(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = || -> Result<_> {
        let number = match uid(&uids, "frames") {
            Some(list) => frame_numbers(list)?.first().copied().unwrap_or(1),
            None => 1,
        };
        let mut rendering = rendering(query.as_deref())?;
        let viewport = rendering.viewport.get_or_insert(Viewport {
            width: THUMBNAIL,
            height: THUMBNAIL,
            source: None,
            only_smaller: true,
        });
        viewport.only_smaller = true;
        let offer = form(&headers, query.as_deref(), false)?;
        Ok((number, rendering, offer))
    };
    let (number, rendering, offer) = match asked() {
        Ok(asked) => asked,
        Err(error) => return refuse(&error),
    };
    let mut target = target(&uids);
    if target.instance.is_none() {
        let (bank, context) = (app.bank.clone(), context.clone());
        let found = blocking(move || dicom_render::pictured(&bank, &context, &target)).await;
        target = match found {
            Ok(mut found) => found.swap_remove(found.len() / 2),
            Err(error) => return refuse(&error),
        };
    }
    one(app, context, target, number, rendering, offer).await
}

async fn one(
    app: App,
    context: RequestContext,
    target: Target,
    number: u32,
    rendering: Rendering,
    offer: Offer,
) -> Response {
    let picture = picture(&offer);
    let made = blocking(move || {
        dicom_render::rendered(&app.bank, &context, &target, number, &rendering, picture)
    })
    .await;
    let kind = HeaderValue::from_static(offer.media_type);
    match made {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], Body::from(bytes)).into_response(),
        Err(error) => refuse(&error),
    }
}

fn picture(offer: &Offer) -> Picture {
    match offer.media_type {
        "image/png" => Picture::Png,
        _ => Picture::Jpeg,
    }
}

/// Table 8.7.4-1: JPEG is the default.
fn form(headers: &HeaderMap, query: Option<&str>, several: bool) -> Result<Offer> {
    let kinds = ["image/jpeg", "image/png"];
    let offers = match several {
        true => kinds.map(Offer::multipart).to_vec(),
        false => [kinds.map(Offer::single), kinds.map(Offer::multipart)].concat(),
    };
    let mut ranges = accepted(headers, query)?;
    // Pictures of many objects are parts, also for a client that only names what they are.
    if several {
        ranges
            .iter_mut()
            .for_each(super::media::MediaRange::in_parts);
    }
    choose(&ranges, offers).ok_or_else(|| not_acceptable("pictures are image/jpeg or image/png"))
}

/// The parameters of 8.3.5.1.
pub(super) fn rendering(query: Option<&str>) -> Result<Rendering> {
    let mut rendering = Rendering::default();
    for (name, value) in params(query)? {
        match &name[..] {
            "window" => rendering.window = Some(window(&value)?),
            "viewport" => rendering.viewport = Some(viewport(&value)?),
            "quality" => {
                let quality = value.parse().ok().filter(|q| (1..=100).contains(q));
                rendering.quality =
                    Some(quality.ok_or_else(|| Error::invalid("quality is 1 to 100"))?);
            }
            // 8.3.5.1.1: burning in a patient's name is not done.
            "annotation" => {
                return Err(Error::new(
                    Category::Unsupported,
                    "annotations are not drawn on pictures",
                ));
            }
            "iccprofile" if value != "no" => {
                return Err(Error::new(
                    Category::Unsupported,
                    "pictures carry no colour profile; iccprofile=no",
                ));
            }
            _ => {}
        }
    }
    Ok(rendering)
}

/// 8.3.5.1.4: center, width, function.
fn window(value: &str) -> Result<(f64, f64, Option<VoiFunction>)> {
    let wrong = || {
        Error::invalid(
            "window takes center,width,function; functions: linear, linear-exact, sigmoid",
        )
    };
    let mut parts = value.split(',').map(str::trim);
    let mut number = || -> Option<f64> {
        parts
            .next()?
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    };
    let (Some(center), Some(width)) = (number(), number()) else {
        return Err(wrong());
    };
    // PS3.3 C.11.2.1.2.1
    if width <= 0.0 {
        return Err(wrong());
    }
    let function = match parts.next() {
        None => None,
        Some("linear") => Some(VoiFunction::Linear),
        Some("linear-exact") => Some(VoiFunction::LinearExact),
        Some("sigmoid") => Some(VoiFunction::Sigmoid),
        Some(_) => return Err(wrong()),
    };
    match parts.next() {
        None => Ok((center, width, function)),
        Some(_) => Err(wrong()),
    }
}

/// 8.3.5.1.3: width, height of the viewport; then the left upper corner, width and height of the
/// part that is shown, negative where it is to be turned over. What is not given is the default.
fn viewport(value: &str) -> Result<Viewport> {
    let wrong = || Error::invalid("viewport takes width,height and then x,y,width,height");
    let parts: Vec<Option<f64>> = value
        .split(',')
        .map(str::trim)
        .map(|part| match part {
            "" => Ok(None),
            part => part
                .parse()
                .map(Some)
                .map_err(|_| wrong())
                .and_then(|number: Option<f64>| match number {
                    Some(number) if number.abs() <= f64::from(u16::MAX) => Ok(Some(number)),
                    _ => Err(wrong()),
                }),
        })
        .collect::<Result<_>>()?;
    let (size, source) = parts.split_at_checked(2).ok_or_else(wrong)?;
    let side = |side: Option<f64>| side.filter(|side| *side >= 1.0).ok_or_else(wrong);
    let source = match source {
        [] => None,
        [x, y, rest @ ..] if rest.is_empty() || rest.len() == 2 => {
            let extent = |at: usize| rest.get(at).copied().flatten();
            let corner = |corner: &Option<f64>| match corner.unwrap_or(0.0) {
                corner if corner >= 0.0 => Ok(corner as u32),
                _ => Err(wrong()),
            };
            let length = |extent: Option<f64>| match extent.map(f64::abs) {
                None => Ok(u32::MAX),
                Some(length) if length >= 1.0 => Ok(length as u32),
                Some(_) => Err(wrong()),
            };
            Some(Region {
                x: corner(x)?,
                y: corner(y)?,
                width: length(extent(0))?,
                height: length(extent(1))?,
                flip_horizontally: extent(0).is_some_and(|width| width < 0.0),
                flip_vertically: extent(1).is_some_and(|height| height < 0.0),
            })
        }
        _ => return Err(wrong()),
    };
    Ok(Viewport {
        width: side(size[0])? as u32,
        height: side(size[1])? as u32,
        source,
        only_smaller: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_viewports() {
        assert_eq!(window("40,400").unwrap(), (40.0, 400.0, None));
        assert_eq!(
            window("-600, 1500, sigmoid").unwrap(),
            (-600.0, 1500.0, Some(VoiFunction::Sigmoid))
        );
        for wrong in [
            "",
            "1",
            "1,0",
            "1,2,cubic",
            "1,2,linear,3",
            "a,b",
            "nan,1",
            "1,inf",
        ] {
            assert!(window(wrong).is_err(), "{wrong}");
        }
        let plain = viewport("512,256").unwrap();
        assert_eq!((plain.width, plain.height, plain.source), (512, 256, None));
        let part = viewport("64,64,10,,-20,30").unwrap().source.unwrap();
        assert_eq!((part.x, part.y, part.width, part.height), (10, 0, 20, 30));
        assert!(part.flip_horizontally && !part.flip_vertically);
        for wrong in [
            "",
            "5",
            "0,5",
            "5,5,1",
            "5,5,1,1,1",
            "5,5,-1,0",
            "5,5,0,0,0,5",
            "1e9,5",
            "5,5,x,y",
        ] {
            assert!(viewport(wrong).is_err(), "{wrong}");
        }
    }
}
