//! Files from other servers, and from folders of this machine: only from where the operator
//! allows. The server asks nobody else, whoever asks it to.

mod client;
mod sources;

pub use client::{Client, Fetched, Target};
pub use sources::{Address, Sources};
