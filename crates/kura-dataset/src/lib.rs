//! A research data set: what was asked for, the tables, the manifest that pins it, and the card
//! a person reads. Everything here is already processed; this crate never sees a name.

pub mod card;
pub mod manifest;
pub mod parquet_texts;
pub mod parquet_writer;
pub mod report;
pub mod signature;
pub mod spec;
pub mod table;

pub use manifest::{FileEntry, Manifest};
pub use parquet_writer::ParquetWriter;
pub use spec::Spec;
pub use table::{TABLES, Table, TableWriter};
