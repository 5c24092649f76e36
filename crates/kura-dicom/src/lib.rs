//! DICOM headers, frames and DICOM JSON behind memory limits.
//!
//! Bytes that arrive are hostile until read: every length is checked against the bytes that are
//! left and against [`Limits`] before anything is allocated, by a walker of our own
//! ([`read_header`]). dicom-rs gives the object model, the dictionary and the codecs; it is never
//! handed a length that was not checked, and what it decodes is decoded under `catch_unwind`.
//!
//! * [`sniff`] says whether a prefix looks like DICOM.
//! * [`read_header`] reads everything before the pixel data and says where that lies.
//! * [`decode_frame`] decodes one frame; [`Frame::render`] windows it.
//! * [`read_volume`] makes one volume of a series; [`Volume::resample`] puts it on another grid.
//! * [`derived`] writes what a model found as Segmentations and structured reports.
//! * [`Header::to_dicom_json`] writes PS3.18 Annex F; [`Identifier`] reads what a peer asks for and
//!   writes the answers.
//! * [`transcode`] writes an object in another transfer syntax; [`Frames`] and [`bulk_value`] give it
//!   piece by piece; [`assemble`] makes one of pieces.
//! * [`codestream`] walks JPEG, JPEG 2000 and RLE streams, for sizes and for what hides in them.

mod assemble;
pub mod bulk;
mod charset;
mod charset_write;
pub mod codestream;
pub mod derived;
mod header;
mod identifier;
mod json;
mod json_read;
mod limits;
mod matching;
pub mod multipart;
pub mod part10;
mod person_name;
mod picture;
pub mod pixel;
mod read;
mod same;
mod sniff;
mod sop_class;
mod source;
mod syntax;
mod transcode;
pub mod ultrasound;
mod value;
mod volume;
mod write;
pub mod xml;

pub use assemble::{Assembled, BulkPart, BulkParts, assemble};
pub use header::{Header, Meta};
pub use identifier::{Identifier, write as write_json_dataset};
pub use kura_model::Refusal;
pub use limits::Limits;
pub use matching::{MatchingKey, NameMatch, key_element, keyword_of, name_matches, tag_of};
pub use person_name::PersonName;
pub use picture::Region;
pub use pixel::frame::{Frame, Pixels, Stored, VoiFunction, Window};
pub use pixel::lut::VoiLut;
pub use pixel::overlay::Overlay;
pub use pixel::render::{Image8, Overlays, Rendering};
pub use pixel::samples::Samples;
pub use pixel::{PixelLocation, decode_frame, decode_frame_from, decode_samples};
pub use read::{DatasetStart, dataset_start, read_header};
pub use same::same_object;
pub use sniff::{Kind, sniff};
pub use sop_class::storage_sop_classes;
pub use syntax::Encoding;
pub use transcode::{
    BulkPath, BulkValue, Frames, Target, bulk_value, can_transcode, film, transcode,
};
pub use volume::{Geometry, Interpolation, MAX_VOXELS, SliceRef, Volume, labels_on, read_volume};
pub use write::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, file_head, write_dataset};

/// `(gggg,eeee)`, or a path of them: how this crate names a place in a [`Refusal`].
pub(crate) fn tag_text(tag: dicom_core::Tag) -> String {
    tag.to_string()
}
