//! A training specification, written step by step for somebody who writes no SQL.
//!
//! * [`sets`]: the data sets that were built and still lie where they were written.
//! * [`survey`](fn@survey): what a set holds, in figures that are about nobody.
//! * [`Draft`]: what is chosen, and [`Draft::to_toml`] what `kura train` takes.
//! * [`try_out`]: the cases gathered, nothing trained.
//! * [`Trainings`]: the one training in the background.

mod code;
mod draft;
mod fields;
mod names;
mod sets;
mod sql;
mod survey;
mod training;
mod try_out;
mod write;

pub use code::{Code, Holder};
pub use draft::{
    Aim, Chosen, Direction, Draft, Foreseen, LearnerKind, Material, Problem, Rule, Start, Strength,
};
pub use kura_cases::Take;
pub use names::{name, system};
pub use sets::{Set, open, sets};
pub use survey::{CodeRow, Count, Series, Survey, survey};
pub use training::{Outcome, Progress, Training, Trainings};
pub use try_out::{Part, Short, TooFew, TryOut, try_out};

#[cfg(test)]
mod tests;
