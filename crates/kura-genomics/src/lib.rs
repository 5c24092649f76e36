//! Variant files and cancer gene panel reports: recognised, checked, counted, paged.
//!
//! * [`sniff`] tells what leading bytes are: VCF, BCF or C-CAT's CATS, in gzip or not.
//! * [`vcf::check`] reads a whole VCF or BCF once in flat memory and refuses what breaks the
//!   specification, naming line, column and rule.
//! * [`vcf::variants`] reads one page of variants for a screen.
//! * [`cats::parse`] gives a typed view of a CATS report, [`cats::to_fhir`] its Observations.
//!
//! VCF rules cite "The Variant Call Format Specification VCFv4.3 and BCFv2.2"
//! (samtools/hts-specs). Positions are 1-based, as in VCF.

pub mod cats;
mod compression;
mod limits;
mod sniff;
pub mod vcf;

pub use limits::Limits;
pub use sniff::{Format, sniff};
