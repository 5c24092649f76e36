//! The performance test (性能評価試験) of a model: protocol, cases, images and the model's answers
//! are fixed and locked in the research zone, then readers read, then it is analysed once and for
//! all to see.
//!
//! * [`fix`](fn@fix): protocol, cases, and where they are given the images of a data set and the
//!   model's answers.
//! * [`begin`], [`next`], [`record`]: a reader reads, one case after the other, in an order of
//!   their own.
//! * [`analyse`](fn@analyse): counted, kept, and no reading comes after it.
//! * [`list`], [`show`], [`readings`], [`report`]: what there is.
//!
//! In the research zone a reader is a code and nothing else. Whose code it is stands in the
//! identity zone.

mod analyse;
mod fix;
mod reader;
mod reading;
mod record;
mod seal;
mod show;
mod turn;

pub use analyse::{Analysed, analyse, order};
pub use fix::{Fixed, fix};
pub use kura_trial::Condition as ReadingCondition;
pub use kura_trial::{
    Asked, Date, Endpoint, HypothesisKind, Lang, ModelName, Protocol, Question, Rating, Scale,
    Words,
};
pub use reader::{begin, resume};
pub use reading::{ModelAnswer, Next, Seat, Turn, image, next, picture, record};
pub use record::Image;
pub(crate) use show::first_analysis;
pub use show::{
    Analysis, ConditionProgress, Listed, ReaderProgress, Shown, list, readings, report, result,
    show,
};
pub use turn::Opening;
