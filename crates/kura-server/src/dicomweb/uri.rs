//! WADO-URI: one object named by the query. PS3.18 clause 9.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kura_dicom::{Region, Target as Syntax};
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::dicom_read::{self, Picture, Target};
use kura_service::dicom_render::{self, Rendering, Viewport};

use super::media::{MediaRange, Offer, accepted, choose};
use super::multipart::Rewriting;
use super::retrieve::can_be_written;
use super::{blocking, multipart, not_acceptable, params, refuse};
use crate::App;

/// What a query asks for.
#[derive(Debug, PartialEq)]
struct Asked {
    target: Named,
    /// As the client orders them.
    kinds: Vec<String>,
    transfer_syntax: Option<String>,
    frame: Option<u32>,
    rendering: Rendering,
    /// 9.1.2.2.6: left, top, right, bottom as parts of 1.
    region: Option<[f64; 4]>,
}

/// Study, series, instance.
type Named = (String, Option<String>, String);

fn asked(query: Option<&str>) -> Result<Asked> {
    let mut given = std::collections::BTreeMap::new();
    for (name, value) in params(query)? {
        given.insert(name, value);
    }
    let text = |name: &str| {
        given
            .get(name)
            .map(|value| value.trim())
            .filter(|v| !v.is_empty())
    };
    let wrong = |what: &'static str| Error::invalid(what);
    if text("requestType") != Some("WADO") {
        return Err(wrong("requestType is WADO"));
    }
    for name in ["anonymize", "annotation", "presentationUID"] {
        if text(name).is_some() {
            return Err(Error::new(
                Category::Unsupported,
                "anonymize, annotation and presentationUID are not served",
            ));
        }
    }
    let uid = |name: &str| text(name).map(str::to_owned);
    let (Some(study), Some(object)) = (uid("studyUID"), uid("objectUID")) else {
        return Err(wrong("studyUID, seriesUID and objectUID name the object"));
    };
    let number = |name: &str| match text(name) {
        None => Ok(None),
        Some(value) => match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(wrong("a number is expected in a parameter")),
        },
    };
    let side = |name: &str| match number(name)? {
        None => Ok(None),
        Some(side) if (1.0..=65_535.0).contains(&side) => Ok(Some(side as u32)),
        Some(_) => Err(wrong("rows and columns are 1 to 65535")),
    };
    let window = match (number("windowCenter")?, number("windowWidth")?) {
        (None, None) => None,
        (Some(center), Some(width)) if width > 0.0 => Some((center, width, None)),
        // 9.1.2.2.7: each needs the other.
        _ => return Err(wrong("windowCenter and windowWidth go together")),
    };
    let viewport = match (side("rows")?, side("columns")?) {
        (None, None) => None,
        (rows, columns) => Some(Viewport {
            width: columns.unwrap_or(u32::from(u16::MAX)),
            height: rows.unwrap_or(u32::from(u16::MAX)),
            source: None,
            only_smaller: false,
        }),
    };
    let region = match text("region") {
        None => None,
        Some(region) => {
            let corners: Vec<f64> = region
                .split(',')
                .filter_map(|corner| corner.trim().parse().ok())
                .collect();
            match corners[..] {
                [left, top, right, bottom]
                    if 0.0 <= left
                        && left < right
                        && right <= 1.0
                        && 0.0 <= top
                        && top < bottom
                        && bottom <= 1.0 =>
                {
                    Some([left, top, right, bottom])
                }
                _ => return Err(wrong("region is left,top,right,bottom in parts of 1")),
            }
        }
    };
    let quality = match number("imageQuality")? {
        None => None,
        Some(quality) if (1.0..=100.0).contains(&quality) => Some(quality as u8),
        Some(_) => return Err(wrong("imageQuality is 1 to 100")),
    };
    let frame = match text("frameNumber") {
        None => None,
        Some(frame) => Some(
            frame
                .parse()
                .map_err(|_| wrong("frameNumber counts from 1"))?,
        ),
    };
    Ok(Asked {
        target: (study, uid("seriesUID"), object),
        kinds: text("contentType")
            .map(|kinds| {
                kinds
                    .split(',')
                    .map(|kind| kind.trim().to_owned())
                    .collect()
            })
            .unwrap_or_default(),
        transfer_syntax: uid("transferSyntax"),
        frame,
        rendering: Rendering {
            window,
            viewport,
            quality,
        },
        region,
    })
}

pub(super) async fn wado(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answered = blocking(move || {
        let asked = asked(query.as_deref())?;
        answer(&app, &context, asked, &headers)
    });
    match answered.await {
        Ok(response) => response,
        Err(error) => refuse(&error),
    }
}

fn answer(
    app: &App,
    context: &RequestContext,
    asked: Asked,
    headers: &HeaderMap,
) -> Result<Response> {
    let (study, series, instance) = asked.target;
    let target = Target {
        study,
        series,
        instance: Some(instance),
    };
    let ranges = match asked.kinds.is_empty() {
        true => accepted(headers, None)?,
        false => asked
            .kinds
            .iter()
            .map(|kind| MediaRange::parse(kind))
            .collect(),
    };
    let mut offers = vec![Offer::single("image/jpeg"), Offer::single("image/png")];
    let shown = dicom_render::pictured(&app.bank, context, &target);
    match &shown {
        Ok(_) => offers.push(Offer::single("application/dicom")),
        // 9.1.2.2.1: what has no picture is an object.
        Err(error) if error.category == Category::NotFound => {
            offers = vec![Offer::single("application/dicom")];
        }
        Err(_) => {}
    }
    let offer = choose(&ranges, offers).ok_or_else(|| {
        not_acceptable("an object is given as image/jpeg or image/png where it has pixels, or as application/dicom")
    })?;
    if offer.media_type == "application/dicom" {
        let objects = dicom_read::retrieve(&app.bank, context, &target)?;
        // 9.1.2.2.4 with 8.7.3.5.2
        let stored = |syntax: &String| objects.iter().all(|o| o.transfer_syntax_uid == *syntax);
        let rewriting = match asked.transfer_syntax.filter(|syntax| !stored(syntax)) {
            None => None,
            Some(syntax) if can_be_written(&objects, &syntax) => {
                let spool = app.bank.clinical.blobs().spool().to_owned();
                Syntax::of(&syntax).map(|target| Rewriting { target, spool })
            }
            Some(_) => return Err(not_acceptable("stored in another transfer syntax")),
        };
        return multipart::send_one(objects, rewriting);
    }
    let picture = match offer.media_type {
        "image/png" => Picture::Png,
        _ => Picture::Jpeg,
    };
    let mut rendering = asked.rendering;
    if let Some(region) = asked.region {
        let size = dicom_render::size(&app.bank, context, &target)?;
        let source = region_of(region, size);
        let viewport = rendering.viewport.get_or_insert(Viewport {
            width: source.width,
            height: source.height,
            source: None,
            only_smaller: false,
        });
        viewport.source = Some(source);
    }
    let frame = asked.frame.unwrap_or(1);
    let bytes = dicom_render::rendered(&app.bank, context, &target, frame, &rendering, picture)?;
    let kind = HeaderValue::from_static(offer.media_type);
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

fn region_of([left, top, right, bottom]: [f64; 4], (width, height): (u32, u32)) -> Region {
    let at = |part: f64, side: u32| (part * f64::from(side)).round() as u32;
    let (x, y) = (at(left, width), at(top, height));
    Region {
        x,
        y,
        width: at(right, width).saturating_sub(x).max(1),
        height: at(bottom, height).saturating_sub(y).max(1),
        flip_horizontally: false,
        flip_vertically: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let base = "requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.4";
        let found = asked(Some(&format!(
            "{base}&contentType=image/png,image/jpeg&frameNumber=3&rows=20&windowCenter=40&windowWidth=400&region=0,0.5,1,1&imageQuality=50"
        )))
        .unwrap();
        assert_eq!(found.kinds, ["image/png", "image/jpeg"]);
        assert_eq!(found.frame, Some(3));
        assert_eq!(found.rendering.window, Some((40.0, 400.0, None)));
        assert_eq!(found.rendering.viewport.map(|v| v.height), Some(20));
        let region = region_of(found.region.unwrap(), (100, 50));
        assert_eq!(
            (region.x, region.y, region.width, region.height),
            (0, 25, 100, 25)
        );
        for wrong in [
            "studyUID=1.2&objectUID=1.4".to_owned(),
            "requestType=WADO&studyUID=1.2".to_owned(),
            format!("{base}&windowCenter=40"),
            format!("{base}&windowCenter=40&windowWidth=0"),
            format!("{base}&region=0,0,2,1"),
            format!("{base}&rows=0"),
            format!("{base}&frameNumber=x"),
            format!("{base}&anonymize=yes"),
        ] {
            assert!(asked(Some(&wrong)).is_err(), "{wrong}");
        }
    }
}
