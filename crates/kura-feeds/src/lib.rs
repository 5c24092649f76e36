//! What Japanese hospitals already have, read and mapped to FHIR.
//!
//! * [`uke`]: electronic receipts (claims) as hospitals send them to the payers.

pub mod uke;
