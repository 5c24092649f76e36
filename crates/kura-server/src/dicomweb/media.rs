//! What a client takes, and what it is given: one table. PS3.18 8.7.

use axum::http::{HeaderMap, header};
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
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
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

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
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
}

impl Offer {
    pub(super) fn single(media_type: &'static str) -> Self {
        Self {
            multipart: false,
            media_type,
            transfer_syntax: None,
        }
    }

    pub(super) fn multipart(media_type: &'static str) -> Self {
        Self {
            multipart: true,
            ..Self::single(media_type)
        }
    }

    #[cfg(test)]
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
                    Some(kind) => 1 + matches(&kind.to_ascii_lowercase())?,
                }
            }
            // The older name of the JSON model.
            "application/json" if self.media_type == "application/dicom+json" => 3,
            _ if self.multipart => return None,
            pattern => matches(pattern)?,
        };
        match (range.parameter("transfer-syntax"), &self.transfer_syntax) {
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
