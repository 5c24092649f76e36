//! DICOM objects, by PS3.15 Annex E.
//!
//! [`deidentify`] first asks whether the image may leave at all (`gate`), then processes every
//! attribute (`dataset`), walks the pixel data (`pixels`), and at the end looks for everything
//! that is known to name the patient (`scan`). It fails closed: where a question has no answer
//! the object is [`Withheld`], and there is no way to override that.
//!
//! It cleans no pixels itself: [`pixel_work`] says what must be done to them, and what was done
//! is told to [`deidentify`]. Text that is burned in although the object says that none is, or a
//! scan whose Body Part Examined is wrong, it cannot see.

mod dataset;
mod descriptor;
mod dummy;
mod gate;
mod options;
mod pixels;
mod policy;
mod report;
mod scan;

use std::io::{Read, Seek, SeekFrom, Write};

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_dicom::pixel::fragments::PixelStream;
use kura_dicom::{Encoding, Header, Limits, read_header, write_dataset};
use kura_model::Refusal;

use crate::keys::ProjectKey;
use dataset::Cleaner;
pub use gate::{PixelWork, PixelsDone};
pub use options::{DicomOption, OPTIONS};
pub use policy::{BASIC, DicomPolicy, TABLE};
pub use report::{Action, Change, Report, Withheld};
use scan::Scan;
pub use scan::texts;

/// Who the object is about, as the bank knows them.
pub struct PatientIdentity {
    patient_key: String,
    known: Vec<String>,
    names: scan::Names,
}

impl PatientIdentity {
    /// `patient_key`: id of the patient in the bank, what the pseudonym and the date shift are made
    /// of. `known`: every name in kanji, kana and romaji, number, phone, address fragment that is
    /// known. Made once for all objects of a patient.
    pub fn new(patient_key: impl Into<String>, known: Vec<String>) -> Self {
        Self {
            patient_key: patient_key.into(),
            names: scan::Names::new(&known),
            known,
        }
    }

    pub fn known(&self) -> &[String] {
        &self.known
    }
}

/// Without these nobody can read the pixels (PS3.3 C.7.6.3).
const PIXELS_NEED: [Tag; 6] = [
    tags::ROWS,
    tags::COLUMNS,
    tags::SAMPLES_PER_PIXEL,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::PHOTOMETRIC_INTERPRETATION,
];
const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";

/// What must be done to the pixels of an object before it may leave.
///
/// # Errors
/// [`Withheld`] where nothing could let it leave under this policy.
pub fn pixel_work(
    mut input: impl Read + Seek,
    policy: &DicomPolicy,
) -> Result<PixelWork, Withheld> {
    let header = header(&mut input, policy)?;
    gate::check(&header, policy)
}

fn header(input: &mut (impl Read + Seek), policy: &DicomPolicy) -> Result<Header, Withheld> {
    let header = read_header(input, &Limits::default())
        .map_err(|refusal| Withheld::refused(policy, "dicom-unreadable", &refusal))?;
    match header.left_out().first() {
        Some(tag) => Err(Withheld::new(policy, "dicom-unreadable", tag.to_string())),
        None => Ok(header),
    }
}

/// Processes one object, of whose pixels `done` was done. The same input, key, policy and patient give the same bytes.
///
/// The result keeps the transfer syntax (a deflated data set becomes Explicit VR Little Endian);
/// the preamble is zero, text is UTF-8, pixel values are untouched. Nothing is written before
/// every check is passed.
///
/// # Errors
/// [`Withheld`] with the rule that keeps the object back; rule `dicom-disk` where `out` fails.
pub fn deidentify(
    mut input: impl Read + Seek,
    mut out: impl Write,
    policy: &DicomPolicy,
    key: &ProjectKey,
    patient: &PatientIdentity,
    done: PixelsDone,
) -> Result<Report, Withheld> {
    let limits = Limits::default();
    let unreadable = |refusal: Refusal| Withheld::refused(policy, "dicom-unreadable", &refusal);
    let no_pixels = |refusal: Refusal| Withheld::refused(policy, "dicom-pixels", &refusal);

    let header = header(&mut input, policy)?;
    let work = gate::check(&header, policy)?;
    if let Some(withheld) = work.text.filter(|_| done.text.is_none()) {
        return Err(withheld);
    }
    if let Some(withheld) = work.face.filter(|_| !done.face) {
        return Err(withheld);
    }
    let Some(pixel) = header.pixel().copied() else {
        return Err(Withheld::new(policy, "dicom-pixels", "(7FE0,0010)"));
    };
    input
        .seek(SeekFrom::Start(0))
        .map_err(|_| Withheld::new(policy, "dicom-unreadable", "the file cannot be read again"))?;
    let mut stream = PixelStream::open(input, &header, &limits).map_err(no_pixels)?;
    let (plan, removed) = pixels::plan(&mut stream, &header, &limits).map_err(no_pixels)?;

    let mut cleaner = Cleaner::new(policy, key, &patient.patient_key, &header);
    let mut object = cleaner.top(header.object(), done);
    let sop_class = header.sop_class_uid().unwrap_or_default();
    let sop_instance = cleaner.uid(&header.sop_instance_uid().unwrap_or_default());
    let mut changes = cleaner.changes;
    for (happened, rule) in [(removed.comments, "D09"), (removed.tail, "D10")] {
        if happened {
            changes.push(Change {
                path: pixel.tag.to_string(),
                action: Action::Remove,
                rule,
            });
        }
    }
    for (times, rule) in [
        (done.text.unwrap_or_default(), "D16"),
        (u32::from(done.face), "D17"),
        (done.regions, "D18"),
    ] {
        for _ in 0..times {
            changes.push(Change {
                path: pixel.tag.to_string(),
                action: Action::Clean,
                rule,
            });
        }
    }

    for tag in PIXELS_NEED {
        if object.get(tag).is_none() {
            return Err(Withheld::new(policy, "dicom-pixels", tag.to_string()));
        }
    }
    let scan = Scan::new(&patient.names, cleaner.made);
    if let Some(tag) = scan.find(&object) {
        let place = tag.to_string();
        return Err(Withheld::new(policy, "dicom-identifier-remains", place));
    }
    // Strings are UTF-8 from here; a data set of ASCII needs no declaration (PS3.3 C.12.1.1.2).
    if !is_ascii(&object) {
        let utf8 = PrimitiveValue::from("ISO_IR 192");
        object.put(DataElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, utf8));
    }

    let (syntax, encoding) = if header.encoding().deflated {
        (EXPLICIT_LE.to_owned(), Encoding::EXPLICIT_LE)
    } else {
        declared(&header.transfer_syntax_uid(), header.encoding())
    };
    let dataset = write_dataset(&object, encoding).map_err(unreadable)?;
    let head = kura_dicom::file_head(&sop_class, &sop_instance, &syntax);
    for part in [head, dataset] {
        out.write_all(&part).map_err(|_| Withheld::disk())?;
    }
    pixels::write(
        &plan,
        &mut stream,
        pixel.tag,
        pixel.vr,
        encoding,
        &limits,
        &mut out,
    )
    .map_err(|stop| match stop {
        pixels::Stop::Output => Withheld::disk(),
        pixels::Stop::Input(refusal) => no_pixels(refusal),
    })?;
    out.flush().map_err(|_| Withheld::disk())?;
    Ok(Report {
        changes,
        sop_instance_uid: sop_instance,
    })
}

/// A file whose elements are not written as its transfer syntax says gets the syntax they are
/// written in; encapsulated ones are always Explicit VR Little Endian.
fn declared(syntax: &str, found: Encoding) -> (String, Encoding) {
    match Encoding::of(syntax) {
        Some(encoding) if encoding == found => (syntax.to_owned(), found),
        _ if kura_dicom::codestream::family(syntax).is_some() => {
            (syntax.to_owned(), Encoding::EXPLICIT_LE)
        }
        _ if found.big_endian => ("1.2.840.10008.1.2.2".to_owned(), found),
        _ if found.explicit_vr => (EXPLICIT_LE.to_owned(), found),
        _ => ("1.2.840.10008.1.2".to_owned(), found),
    }
}

fn is_ascii(object: &InMemDicomObject) -> bool {
    object.iter().all(|element| match element.items() {
        Some(items) => items.iter().all(is_ascii),
        None => match element.value().primitive() {
            Some(PrimitiveValue::Str(text)) => text.is_ascii(),
            Some(PrimitiveValue::Strs(texts)) => texts.iter().all(|text| text.is_ascii()),
            _ => true,
        },
    })
}
