//! Tests of `kura-deid` over whole objects.

mod build;
mod dicom;
mod policies;
mod pydicom;
mod tables;
mod text;
mod text_fifth;
mod text_fourth;
mod text_held_out;
mod text_known;
mod text_notes;
mod text_score;
mod text_third;
mod text_unseen;
