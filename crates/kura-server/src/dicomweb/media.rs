//! What a client takes, and what it is given: one table. PS3.18 8.7.

use axum::http::{HeaderMap, header};
use kura_dicom::Target;
use kura_model::Result;

use super::params;

/// One media range of an Accept header. RFC 9110 12.5.1, PS3.18 8.7.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MediaRange {
    pub(super) media_type: String,
    parameters: Vec<(String, String)>,
    /// Thousandths.
    quality: u16,
}

impl MediaRange {
    pub(super) fn parse(range: &str) -> Self {
        let mut parts = split(range, ';').into_iter();
        let media_type = named(parts.next().unwrap_or_default());
        let mut parameters: Vec<(String, String)> = parts
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| {
                (
                    name.trim().to_ascii_lowercase(),
                    value.trim().trim_matches('"').to_owned(),
                )
            })
            .collect();
        let quality = parameters
            .iter()
            .find(|(name, _)| name == "q")
            .and_then(|(_, value)| value.parse::<f32>().ok())
            .map_or(1000, |q| (q.clamp(0.0, 1.0) * 1000.0) as u16);
        parameters.retain(|(name, _)| name != "q");
        Self {
            media_type,
            parameters,
            quality,
        }
    }

    /// A range that names a kind of part means the parts.
    pub(super) fn in_parts(&mut self) {
        if !self.media_type.starts_with("multipart/") && self.media_type != "*/*" {
            let kind = std::mem::replace(&mut self.media_type, "multipart/related".to_owned());
            self.parameters.push(("type".to_owned(), kind));
        }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A media type by the name it has now: clients know some of the older ones.
fn named(media_type: &str) -> String {
    let name = media_type.to_ascii_lowercase();
    match &name[..] {
        "image/x-dicom-rle" => "image/dicom-rle".to_owned(),
        "image/x-jls" => "image/jls".to_owned(),
        _ => name,
    }
}

/// Splits where a quoted string does not hold the separator.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|letter| {
        quoted ^= letter == '"';
        letter == separator && !quoted
    })
    .map(str::trim)
    .collect()
}

/// The Accept header, or `accept` of the query (8.3.3.1), which wins; `*/*` where neither is.
/// Accept-Charset is not asked: everything is UTF-8 (8.8 allows it).
pub(super) fn accepted(headers: &HeaderMap, query: Option<&str>) -> Result<Vec<MediaRange>> {
    let asked = params(query)?
        .into_iter()
        .find(|(name, _)| name == "accept")
        .map(|(_, value)| value);
    let lines: Vec<String> = match asked {
        Some(value) => vec![value],
        None => headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .map(str::to_owned)
            .collect(),
    };
    let ranges: Vec<MediaRange> = lines
        .iter()
        .flat_map(|line| split(line, ','))
        .filter(|range| !range.is_empty())
        .map(MediaRange::parse)
        .collect();
    Ok(if ranges.is_empty() {
        vec![MediaRange::parse("*/*")]
    } else {
        ranges
    })
}

/// A form an answer can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    /// `multipart/related` around it.
    pub(super) multipart: bool,
    pub(super) media_type: &'static str,
    /// Of objects, frames and bulk data.
    pub(super) transfer_syntax: Option<String>,
    /// Only for a client that names this transfer syntax, or `*`.
    pub(super) on_demand: bool,
    /// Something is lost in it: `*` does not mean it.
    pub(super) lossy: bool,
}

impl Offer {
    pub(super) fn single(media_type: &'static str) -> Self {
        Self {
            multipart: false,
            media_type,
            transfer_syntax: None,
            on_demand: false,
            lossy: false,
        }
    }

    pub(super) fn multipart(media_type: &'static str) -> Self {
        Self {
            multipart: true,
            ..Self::single(media_type)
        }
    }

    pub(super) fn in_syntax(mut self, uid: impl Into<String>) -> Self {
        self.transfer_syntax = Some(uid.into());
        self
    }

    /// How exactly a range means this; `None` where it does not.
    fn fits(&self, range: &MediaRange) -> Option<u8> {
        let matches = |pattern: &str| -> Option<u8> {
            if pattern == "*/*" {
                return Some(1);
            }
            if pattern == self.media_type {
                return Some(3);
            }
            let family = pattern.strip_suffix("/*")?;
            let own = self.media_type.split('/').next()?;
            (family == own).then_some(2)
        };
        let exactness = match &range.media_type[..] {
            "*/*" => 0,
            "multipart/related" | "multipart/*" if self.multipart => {
                match range.parameter("type") {
                    None => 1,
                    Some(kind) => 1 + matches(&named(kind))?,
                }
            }
            // The older name of the JSON model.
            "application/json" if self.media_type == "application/dicom+json" => 3,
            _ if self.multipart => return None,
            pattern => matches(pattern)?,
        };
        match (range.parameter("transfer-syntax"), &self.transfer_syntax) {
            (None, _) if self.on_demand => None,
            (Some("*"), _) if self.lossy => None,
            // 8.7.3.5.2: `*` is whatever is stored.
            (None | Some("*"), _) | (Some(_), None) => Some(exactness),
            (Some(wanted), Some(own)) => (wanted == own).then_some(exactness + 5),
        }
    }
}

/// The offer the client likes best; among equals the one that stands first. 8.7.5.
pub(super) fn choose(ranges: &[MediaRange], offers: Vec<Offer>) -> Option<Offer> {
    let liked = |offer: &Offer| {
        ranges
            .iter()
            .filter_map(|range| Some((offer.fits(range)?, range.quality)))
            .max_by_key(|(exactness, _)| *exactness)
            .map_or(0, |(_, quality)| quality)
    };
    let mut best: Option<(u16, Offer)> = None;
    for offer in offers {
        let quality = liked(&offer);
        if quality > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((quality, offer));
        }
    }
    best.map(|(_, offer)| offer)
}

pub(super) const OCTETS: &str = "application/octet-stream";

/// The media type of a codec's frames. PS3.18 Tables 8.7.3-4 and 8.7.3-5.
fn frame_type(transfer_syntax: &str) -> &'static str {
    match transfer_syntax.strip_prefix("1.2.840.10008.1.2.") {
        Some("4.50" | "4.51" | "4.57" | "4.70") => "image/jpeg",
        Some("4.80" | "4.81") => "image/jls",
        Some("4.90" | "4.91") => "image/jp2",
        Some("4.92" | "4.93") => "image/jpx",
        Some("4.110" | "4.111" | "4.112") => "image/jxl",
        Some("4.201" | "4.202" | "4.203") => "image/jphc",
        Some("4.100" | "4.100.1" | "4.101" | "4.101.1") => "video/mpeg",
        Some(uid) if uid.starts_with("4.10") => "video/mp4",
        Some("5") => "image/dicom-rle",
        _ => OCTETS,
    }
}

/// Transfer syntaxes that frames are made in for whoever asks. 8.7.3.3: octets are Explicit VR
/// Little Endian and RLE is lossless unless something else is said; so neither has to be named.
pub(super) const MADE: [Target; 3] = [
    Target::ExplicitVrLittleEndian,
    Target::RleLossless,
    Target::JpegBaseline { quality: 90 },
];

/// How frames can be sent. The one place where their transfer syntax is negotiated (8.7.3.5.2): as
/// they are stored for whoever does not care, and in those of [`MADE`] that `can_be` says. What
/// loses something is made only for a client that names it.
pub(super) fn frame_offers(stored: &str, can_be: impl Fn(Target) -> bool, one: bool) -> Vec<Offer> {
    let mut offers = vec![Offer::multipart(frame_type(stored)).in_syntax(stored)];
    if frame_type(stored) != OCTETS {
        // Some viewers ask for octets in any syntax and read the syntax of the part.
        offers.push(Offer {
            on_demand: true,
            ..Offer::multipart(OCTETS).in_syntax(stored)
        });
    }
    for target in MADE {
        if target.uid() != stored && can_be(target) {
            offers.push(Offer {
                on_demand: target.is_lossy(),
                lossy: target.is_lossy(),
                ..Offer::multipart(frame_type(target.uid())).in_syntax(target.uid())
            });
        }
    }
    if one {
        let single = offers.clone().into_iter().map(|offer| Offer {
            multipart: false,
            ..offer
        });
        offers.extend(single.collect::<Vec<_>>());
    }
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str, offers: &[Offer]) -> Option<usize> {
        let ranges: Vec<_> = split(accept, ',')
            .into_iter()
            .map(MediaRange::parse)
            .collect();
        let found = choose(&ranges, offers.to_vec())?;
        offers.iter().position(|offer| *offer == found)
    }

    #[test]
    fn the_client_chooses() {
        let offers = [
            Offer::single("application/dicom+json"),
            Offer::multipart("application/dicom+xml"),
        ];
        for (accept, expected) in [
            ("*/*", Some(0)),
            ("application/json", Some(0)),
            ("application/*", Some(0)),
            ("multipart/related; type=\"application/dicom+xml\"", Some(1)),
            ("multipart/related", Some(1)),
            (
                "application/dicom+json;q=0.2, multipart/related;q=0.9",
                Some(1),
            ),
            ("*/*, application/dicom+json;q=0", Some(1)),
            ("application/dicom+json; q=0.5, */*; q=0.1", Some(0)),
            ("image/png", None),
            ("*/*;q=0", None),
        ] {
            assert_eq!(chosen(accept, &offers), expected, "{accept}");
        }
        const JLS: &str = "1.2.840.10008.1.2.4.80";
        const LE: &str = "1.2.840.10008.1.2.1";
        const RLE: &str = "1.2.840.10008.1.2.5";
        const JPEG: &str = "1.2.840.10008.1.2.4.50";
        let frames = frame_offers(JLS, |_| true, true);
        let native = frame_offers(LE, |to| to != Target::RleLossless, true);
        let one_of = |offers: &[Offer], accept: &str| {
            let at = chosen(accept, offers)?;
            let syntax = offers[at].transfer_syntax.clone()?;
            Some((offers[at].media_type, syntax, offers[at].multipart))
        };
        for (offers, accept, expected) in [
            (&frames, "*/*", Some(("image/jls", JLS, true))),
            (
                &frames,
                "multipart/related; type=\"image/x-jls\"",
                Some(("image/jls", JLS, true)),
            ),
            (
                &frames,
                "multipart/related; type=\"application/octet-stream\"",
                Some((OCTETS, LE, true)),
            ),
            (
                &frames,
                "multipart/related; type=application/octet-stream; transfer-syntax=*",
                Some((OCTETS, JLS, true)),
            ),
            (&frames, "image/jls", Some(("image/jls", JLS, false))),
            (&frames, "image/*", Some(("image/jls", JLS, false))),
            (
                &frames,
                "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.80",
                Some((OCTETS, JLS, false)),
            ),
            (
                &frames,
                "multipart/related; type=\"image/jls\"; transfer-syntax=1.2.840.10008.1.2.4.90",
                None,
            ),
            (
                &frames,
                "image/dicom-rle",
                Some(("image/dicom-rle", RLE, false)),
            ),
            // What loses something is asked for by its name.
            (&frames, "image/jpeg", None),
            (&native, "image/jpeg; transfer-syntax=*", None),
            (
                &native,
                "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50",
                Some(("image/jpeg", JPEG, false)),
            ),
            (&native, "image/dicom-rle", None),
            (
                &native,
                "application/octet-stream",
                Some((OCTETS, LE, false)),
            ),
        ] {
            let expected =
                expected.map(|(kind, uid, parts): (_, &str, _)| (kind, uid.to_owned(), parts));
            assert_eq!(one_of(offers, accept), expected, "{accept}");
        }
        let objects = [Offer::multipart("application/dicom").in_syntax("1.2.840.10008.1.2.1")];
        for (accept, expected) in [
            (
                "multipart/related; type=application/dicom; transfer-syntax=*",
                Some(0),
            ),
            (
                "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1",
                Some(0),
            ),
            (
                "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.4.80",
                None,
            ),
            ("multipart/related; type=\"image/jpeg\"", None),
        ] {
            assert_eq!(chosen(accept, &objects), expected, "{accept}");
        }
    }
}
