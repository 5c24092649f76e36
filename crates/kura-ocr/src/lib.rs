//! Text found in pictures: what is burned into an image, where it is, and what of it may stay.
//!
//! * [`views_of_values`] and [`views_of_picture`] make pictures of 8 bits in which a text can be
//!   seen, whatever its contrast.
//! * [`TextFinder`] finds text in them: a detector (PP-OCRv4, DB) over sizes, both polarities and
//!   two directions, and marks on quiet ground, which it passes over. `scripts/ocr.sh` fetches the
//!   models.
//! * [`KeepList`] and [`Identifiers`] decide: everything found is masked, unless it was read with
//!   confidence as something that is wholly on the list, its pixels bear that out, and it is no
//!   identifier. The recogniser's dictionary lacks kana and many kanji of names: what it does not
//!   know it reads as something else, so no reading lets a text stay by itself.
//! * [`TextFinder::find_in_frames`] looks at every frame of an object; [`mask`] fills its samples;
//!   [`review`] shows what was done.
//!
//! What is not found stays in the picture. How much was found of what the tests burn in is in
//! `tests/it/coverage.rs`: letters from 9 to 60 pixels that differ by 20 of 255 levels or more.
//! Handwriting, letters of film markers laid askew, and text in a picture of a picture were not
//! measured. An error of a model is an error of the call: then nothing is known of the picture.

mod detect;
mod finder;
mod frames;
mod hunt;
mod ink;
mod keep;
mod marks;
mod mask;
mod picture;
mod recognize;
mod review;
mod views;

pub use finder::{DETECTION, Effort, Found, Look, RECOGNITION, TextFinder};
pub use frames::{InFrames, Verdict};
pub use hunt::Identifiers;
pub use ink::Ink;
pub use keep::{Decision, KeepList, Reason, Why};
pub use mask::{Layout, Run, Samples, mask};
pub use picture::{Area, Direction, MAX_PIXELS, Picture};
pub use review::review;
pub use views::{views_of_picture, views_of_values};
