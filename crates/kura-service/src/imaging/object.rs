//! An object that is no picture: what it is, and the page it gets.

use kura_model::{RequestContext, Result};

use super::series::{is_video, meaning, open_object};
use super::studies;
use crate::Bank;
use crate::imaging_study::attribute::{text, texts};

/// What sort of thing an object without pictures is, by its SOP class and its transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Report,
    Document,
    Segmentation,
    Waveform,
    Video,
    Image,
    Other,
}

pub fn sort(class: &str, frames: u32, video: bool) -> Sort {
    let storage = class.strip_prefix("1.2.840.10008.5.1.4.1.1.");
    match storage {
        _ if video => Sort::Video,
        Some("66.4" | "66.7") => Sort::Segmentation,
        _ if frames > 0 => Sort::Image,
        Some(rest) if rest.starts_with("88.") => Sort::Report,
        Some("104.1") => Sort::Document,
        Some(rest) if rest.starts_with("9.") => Sort::Waveform,
        _ => Sort::Other,
    }
}

/// An object that is shown on a page of its own: where it belongs and what it is.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Id of the `ImagingStudy`.
    pub study: String,
    pub sort: Sort,
    pub title: String,
    pub class: String,
    pub transfer_syntax: String,
    /// MIME Type of Encapsulated Document (0042,0012)
    pub document: Option<String>,
    pub date: Option<String>,
}

pub fn shown(bank: &Bank, context: &RequestContext, object: &str) -> Result<Shown> {
    let opened = open_object(bank, context, "object_read", object)?;
    let header = &opened.header;
    let class = text(header, "00080016").unwrap_or_default();
    let video = is_video(&opened.transfer_syntax);
    let title = text(header, "00420010")
        .or_else(|| meaning(header, "0040A043"))
        .or_else(|| text(header, "0008103E"))
        .or_else(|| texts(header, "00080060").into_iter().next())
        .unwrap_or_default();
    let study = studies::id_of(bank, &opened.study)?;
    Ok(Shown {
        study,
        sort: sort(&class, opened.frames, video),
        title,
        class,
        transfer_syntax: opened.transfer_syntax,
        document: text(header, "00420012"),
        date: text(header, "00080023")
            .or_else(|| text(header, "00080020"))
            .map(|date| super::report::day(&date)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts() {
        assert_eq!(
            sort("1.2.840.10008.5.1.4.1.1.88.33", 0, false),
            Sort::Report
        );
        assert_eq!(
            sort("1.2.840.10008.5.1.4.1.1.104.1", 0, false),
            Sort::Document
        );
        assert_eq!(
            sort("1.2.840.10008.5.1.4.1.1.66.4", 3, false),
            Sort::Segmentation
        );
        assert_eq!(
            sort("1.2.840.10008.5.1.4.1.1.9.1.1", 0, false),
            Sort::Waveform
        );
        assert_eq!(sort("1.2.840.10008.5.1.4.1.1.2", 1, false), Sort::Image);
        assert_eq!(
            sort("1.2.840.10008.5.1.4.1.1.77.1.4.1", 1, true),
            Sort::Video
        );
    }
}
