//! The words every room shares: ids that cannot be mixed up, who asks and why,
//! where in an input something was wrong. No I/O lives here.

mod context;
mod error;
mod id;
mod index;
mod number;
mod refusal;

pub use context::{Actor, Assurance, PurposeOfUse, RequestContext, Role, Standing, Zone};
pub use error::{Category, Error, Issue, Result};
pub use id::{ContentHash, LogicalTime, ParseHashError, RecordKey};
pub use index::{IndexEntry, IndexValue, Seconds};
pub use number::thousands;
pub use refusal::{Location, Refusal};
