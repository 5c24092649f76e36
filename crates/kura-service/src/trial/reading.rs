//! One case after the other: what is shown, and what is kept.

use std::io::Cursor;

use kura_dicom::{Frame, Limits, decode_frame_from};
use kura_model::{Category, ContentHash, Error, RequestContext, Result};
use kura_store::AuditEntry;
use kura_trial::{Asked, Condition, Rating, Words};
use serde::Serialize;

use super::record::{self, Image, Kept, Trial, as_reader, damaged};
use super::turn::{self, Opening};
use super::{reader, seal};
use crate::Bank;
use crate::access::{Action, authorize};
use crate::imaging::{self, RawFrame, RawKind};

/// Where a reader sits: one condition of one trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    pub trial: ContentHash,
    pub reader: String,
    pub condition: Condition,
}

impl Seat {
    /// Of a sealed address.
    ///
    /// # Errors
    /// `NotFound` for an address that is not of this trial.
    pub fn open(bank: &Bank, trial: ContentHash, sealed: &str) -> Result<Self> {
        let (reader, condition) = seal::open(bank, trial, sealed)?;
        Ok(Self {
            trial,
            reader,
            condition,
        })
    }
}

/// What the model said, for a reader who is to see it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ModelAnswer {
    pub probability: f64,
    /// At its operating point, where the protocol fixes one.
    pub threshold: Option<f64>,
}

/// The case whose turn it is. Nothing in here tells the truth of the case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    /// Its place in the reader's order, from 1.
    pub position: u64,
    /// What it is called; shown where there is no image to show.
    pub case: String,
    pub asked: Asked,
    /// Empty where the trial has no images.
    pub images: Vec<Image>,
    /// In the aided condition only.
    pub answer: Option<ModelAnswer>,
}

/// How far a reader is in a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Next {
    pub title: Words,
    pub target_condition: Words,
    pub done: u64,
    pub of: u64,
    pub opening: Opening,
    /// What is open in the other condition, where the question has two.
    pub other: Option<Opening>,
    /// There while the condition is open.
    pub turn: Option<Turn>,
}

/// The reader's next case in their random order, or why there is none.
pub fn next(
    bank: &Bank,
    context: &RequestContext,
    trial: ContentHash,
    reader: &str,
    condition: Condition,
) -> Result<Next> {
    authorize(bank, context, Action::Read)?;
    reader::check(bank, context, trial, reader)?;
    let opened = Trial::open(bank, trial)?;
    bank.research.audit(AuditEntry::new(
        &as_reader(context, reader),
        "trial_next",
        record::key(trial).to_string(),
    ));
    let past = record::readings_by(bank, trial, reader)?;
    let today = turn::today()?;
    let opening = turn::opening(&opened, &past, condition, today)?;
    let other = match opened.protocol.conditions() {
        [_, _] => Some(turn::opening(&opened, &past, condition.other(), today)?),
        _ => None,
    };
    let turn = match opening {
        Opening::Open => turn::upcoming(&opened, &past, reader, condition),
        _ => None,
    };
    let turn = match (turn, opened.protocol.asked()) {
        (Some((position, case)), Some(asked)) => Some(Turn {
            position,
            images: opened.images.get(&case).cloned().unwrap_or_default(),
            answer: match condition {
                Condition::Unaided => None,
                Condition::Aided => Some(answer(&opened, &case)?),
            },
            case,
            asked,
        }),
        _ => None,
    };
    Ok(Next {
        title: opened.protocol.title.clone(),
        target_condition: opened.protocol.target_condition.clone(),
        done: past.iter().filter(|one| one.condition == condition).count() as u64,
        of: opened.cases.cases.all().len() as u64,
        opening,
        other,
        turn,
    })
}

fn answer(trial: &Trial, case: &str) -> Result<ModelAnswer> {
    let answers = trial.answers.as_ref().map_or(&[][..], |all| all.all());
    answers
        .iter()
        .find(|(name, _)| name == case)
        .map(|(_, probability)| ModelAnswer {
            probability: *probability,
            threshold: trial.protocol.operating_threshold(),
        })
        .ok_or_else(|| damaged("a stored list of answers"))
}

/// Seconds a case can have been looked at; more is a clock that went wrong.
const SECONDS_AT_MOST: f64 = 86_400.0;

/// Keeps one reading of the case whose turn it is. When it returns, the reading is on disk; it is
/// never changed, and nobody goes back to it.
///
/// # Errors
/// `Conflict`: `position` is not the reader's turn (a second tab, a double click), or the
/// condition is not open. `Invalid`: an answer that was not asked.
#[allow(
    clippy::too_many_arguments,
    reason = "one reading of a trial, as it is said"
)]
pub fn record(
    bank: &Bank,
    context: &RequestContext,
    trial: ContentHash,
    reader: &str,
    condition: Condition,
    position: u64,
    rating: Rating,
    seconds: Option<f64>,
) -> Result<()> {
    authorize(bank, context, Action::Read)?;
    reader::check(bank, context, trial, reader)?;
    // Held over reading and writing: two answers to one case cannot both find it unread.
    let _writing = bank.writing()?;
    let opened = Trial::open(bank, trial)?;
    let past = record::readings_by(bank, trial, reader)?;
    turn::opening(&opened, &past, condition, turn::today()?)?.refused()?;
    let (turn, case) = turn::upcoming(&opened, &past, reader, condition)
        .ok_or_else(|| Error::conflict("every case was read in this condition"))?;
    if turn != position {
        return Err(Error::conflict(
            "this case was read already; the first reading counts",
        ));
    }
    if !opened
        .protocol
        .asked()
        .is_some_and(|asked| asked.takes(rating))
    {
        return Err(Error::invalid("this is no answer to what is asked"));
    }
    let (score, decision) = match rating {
        Rating::Score(score) => (Some(score), None),
        Rating::Decision(positive) => (None, Some(positive)),
    };
    let kept = Kept {
        trial,
        reader: reader.to_owned(),
        condition,
        case,
        position,
        score,
        decision,
        at: turn::now(),
        seconds: seconds.filter(|seconds| (0.0..=SECONDS_AT_MOST).contains(seconds)),
    };
    let key = kept.key();
    if bank.research.read(|store| store.current(&key))?.is_some() {
        return Err(Error::conflict(
            "this case was read already; the first reading counts",
        ));
    }
    let body = serde_json::to_vec(&kept)
        .map_err(|error| Error::internal("a reading cannot be written").because(error))?;
    let audit = AuditEntry::new(
        &as_reader(context, reader),
        "trial_record",
        record::key(trial).to_string(),
    );
    record::write(
        bank,
        key,
        body,
        record::reading_index(&kept),
        Vec::new(),
        Vec::new(),
        audit,
    )
}

/// A frame of an image of the case whose turn it is, decoded. `object` and `frame` count from 1.
fn frame(
    bank: &Bank,
    context: &RequestContext,
    seat: &Seat,
    position: u64,
    object: u32,
    frame: u32,
) -> Result<Frame> {
    authorize(bank, context, Action::Read)?;
    reader::check(bank, context, seat.trial, &seat.reader)?;
    bank.research.audit(AuditEntry::new(
        &as_reader(context, &seat.reader),
        "trial_image",
        record::key(seat.trial).to_string(),
    ));
    let opened = Trial::open(bank, seat.trial)?;
    let past = record::readings_by(bank, seat.trial, &seat.reader)?;
    turn::opening(&opened, &past, seat.condition, turn::today()?)?.refused()?;
    let (_, case) = turn::upcoming(&opened, &past, &seat.reader, seat.condition)
        .filter(|(turn, _)| *turn == position)
        .ok_or_else(|| Error::conflict("only the case whose turn it is can be seen"))?;
    let absent = || Error::not_found("the case has no image of that number");
    let at = |number: u32| number.checked_sub(1).ok_or_else(absent);
    let image = opened
        .images
        .get(&case)
        .and_then(|all| all.get(at(object).ok()? as usize))
        .ok_or_else(absent)?;
    let folder = opened.set.as_ref().ok_or_else(absent)?;
    let moved = || {
        Error::new(
            Category::Gone,
            "the image is no longer what was locked with the trial; fix it again with --set where the set lies now",
        )
    };
    let bytes = std::fs::read(folder.join(&image.path)).map_err(|error| moved().because(error))?;
    if ContentHash::of(&bytes) != image.hash {
        return Err(moved());
    }
    decode_frame_from(Cursor::new(bytes), at(frame)?, &Limits::default()).map_err(|refusal| {
        let category = match refusal.rule.as_ref() {
            "dicom-frame" => Category::NotFound,
            _ => Category::Unsupported,
        };
        Error::new(category, refusal.message.clone()).because(refusal)
    })
}

/// A frame for a page that windows on its own. Its overlays stay behind, and so do the names of its
/// windows and tables, which are free text: a reader of a trial sees the image and nothing that
/// others drew or wrote.
pub fn image(
    bank: &Bank,
    context: &RequestContext,
    seat: &Seat,
    position: u64,
    object: u32,
    number: u32,
) -> Result<RawFrame> {
    let mut raw = imaging::raw(frame(bank, context, seat, position, object, number)?)?;
    raw.overlays.clear();
    if let RawKind::Gray16 { windows, luts, .. } = &mut raw.kind {
        windows.iter_mut().for_each(|(.., name)| name.clear());
        luts.iter_mut().for_each(|lut| lut.name = None);
    }
    Ok(raw)
}

/// The same as PNG in its own window, not larger than `max_side`.
pub fn picture(
    bank: &Bank,
    context: &RequestContext,
    seat: &Seat,
    position: u64,
    object: u32,
    number: u32,
    max_side: u32,
) -> Result<Vec<u8>> {
    let frame = frame(bank, context, seat, position, object, number)?;
    Ok(frame.render(None).to_png(Some(max_side)))
}
