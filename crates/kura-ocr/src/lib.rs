//! Text found in pictures: what is burned into an image, and where.

mod detect;
mod finder;
mod ink;
mod marks;
mod picture;
mod recognize;
mod review;
mod views;

pub use finder::{DETECTION, Effort, Found, Look, RECOGNITION, TextFinder};
pub use ink::Ink;
pub use picture::{Area, Direction, MAX_PIXELS, Picture};
pub use review::review;
pub use views::{views_of_picture, views_of_values};
