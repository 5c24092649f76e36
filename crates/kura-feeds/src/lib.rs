//! What Japanese hospitals already have, read and mapped to FHIR.
//!
//! * [`uke`]: electronic receipts (claims) as hospitals send them to the payers.
//! * [`masters`]: the payer's code lists, as `CodeSystem`s.

pub mod masters;
pub mod systems;
pub mod uke;
