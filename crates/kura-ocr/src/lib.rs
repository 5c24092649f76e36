//! Text found in pictures: what is burned into an image, and where.

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
