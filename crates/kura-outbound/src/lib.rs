//! What goes out to other servers: files are fetched (from folders of this machine too), and
//! notifications sent. Only where the operator allows; the bank speaks to nobody else on its own,
//! whoever asks it to.

mod client;
mod messenger;
mod sources;

pub use client::{Client, Fetched, Target};
pub use messenger::{Failure, Messenger};
pub use sources::{Address, Sources};
pub use ureq::http::Uri;
