//! The data set, attribute by attribute, at every depth.

use std::collections::{BTreeSet, HashSet};

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::header::HasLength;
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, Length, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;

use kura_dicom::Header;

use super::dummy;
use super::gate::PixelsDone;
use super::options::DicomOption;
use super::policy::{Code, DicomPolicy, Effect};
use super::report::{Action, Change};
use crate::keys::{ProjectKey, shift_dicom};

/// Root of the UIDs that the standard itself gives out (PS3.6 Annex A): they name no instance.
const STANDARD_ROOT: &str = "1.2.840.10008.";

pub(super) struct Cleaner<'a> {
    policy: &'a DicomPolicy,
    key: &'a ProjectKey,
    pseudonym: String,
    shift_days: i32,
    /// Attributes whose VR the file does not say: their bytes may be anything.
    undeclared: &'a BTreeSet<Tag>,
    /// Enhanced multi-frame objects require (type 1) what others may leave out.
    enhanced: bool,
    path: Vec<Tag>,
    /// Inside a sequence of action D every text becomes a dummy.
    scrub: bool,
    pub(super) changes: Vec<Change>,
    pub(super) made: HashSet<String>,
}

impl<'a> Cleaner<'a> {
    pub(super) fn new(
        policy: &'a DicomPolicy,
        key: &'a ProjectKey,
        patient_key: &str,
        header: &'a Header,
    ) -> Self {
        let pseudonym = key.pseudonym("Patient", patient_key);
        Self {
            policy,
            key,
            made: HashSet::from([pseudonym.clone()]),
            pseudonym,
            shift_days: key.date_shift_days(patient_key),
            undeclared: header.undeclared(),
            enhanced: header
                .object()
                .get(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)
                .is_some(),
            path: Vec::new(),
            scrub: false,
            changes: Vec::new(),
        }
    }

    /// The whole data set, with what a de-identified one must say (PS3.15 E.1.1 steps 5 to 7).
    pub(super) fn top(&mut self, object: &InMemDicomObject, done: PixelsDone) -> InMemDicomObject {
        let mut clean = self.dataset(object);
        for (tag, vr) in [(tags::PATIENT_NAME, VR::PN), (tags::PATIENT_ID, VR::LO)] {
            clean.put(DataElement::new(
                tag,
                vr,
                PrimitiveValue::from(self.pseudonym.as_str()),
            ));
        }
        let mut put = |tag: Tag, vr: VR, text: &str| {
            clean.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
        };
        put(tags::PATIENT_IDENTITY_REMOVED, VR::CS, "YES");
        // PS3.15 E.3.1, E.3.2
        if done.text.is_some() {
            put(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
        }
        if done.face {
            put(tags::RECOGNIZABLE_VISUAL_FEATURES, VR::CS, "NO");
        }
        let method = format!("Kura {} {}", self.policy.id(), self.policy.version());
        put(tags::DEIDENTIFICATION_METHOD, VR::LO, &method);
        // PS3.3 C.12.1.1.8
        let dates = if self.policy.has(DicomOption::RetainModifiedDates) {
            "MODIFIED"
        } else if self.policy.has(DicomOption::RetainFullDates) {
            "UNMODIFIED"
        } else {
            "REMOVED"
        };
        put(
            tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
            VR::CS,
            dates,
        );
        // PS3.16 CID 7050
        let basic = ("113100", "Basic Application Confidentiality Profile");
        // Those of pixels are named where they were done.
        let in_force = |option: &&DicomOption| match option {
            DicomOption::CleanPixelData => done.text.is_some(),
            DicomOption::CleanRecognizableVisualFeatures => done.face,
            _ => true,
        };
        let chosen = self.policy.options().iter().filter(in_force);
        let chosen = chosen.map(|option| option.code());
        let methods = std::iter::once(basic).chain(chosen);
        let items: Vec<InMemDicomObject> = methods
            .map(|(code, meaning)| coded(code, "DCM", meaning))
            .collect();
        clean.put(DataElement::new(
            tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
            VR::SQ,
            DataSetSequence::new(items, Length::UNDEFINED),
        ));
        clean
    }

    fn dataset(&mut self, object: &InMemDicomObject) -> InMemDicomObject {
        let mut clean = InMemDicomObject::new_empty();
        let unpublished = self.unpublished_code(object);
        let safe = self.safe_private(object);
        for element in object {
            let tag = element.header().tag;
            self.path.push(tag);
            let kept = match (unpublished, tag) {
                (true, tags::CODE_VALUE) => self.code_part(tag, VR::SH, "REMOVED"),
                (true, tags::CODING_SCHEME_DESIGNATOR) => self.code_part(tag, VR::SH, "99KURA"),
                (true, tags::CODE_MEANING) => self.code_part(tag, VR::LO, "Removed"),
                _ if safe.contains(&tag) => {
                    self.note(Action::Keep, "D13");
                    Some(element.clone())
                }
                _ => self.element(element),
            };
            self.path.pop();
            if let Some(element) = kept {
                clean.put(element);
            }
        }
        clean
    }

    /// Private attributes of the list, and their creators. PS3.5 7.8.1: (gggg,00bb) says whose
    /// (gggg,bbxx) are.
    fn safe_private(&self, object: &InMemDicomObject) -> HashSet<Tag> {
        let mut safe = HashSet::new();
        if !self.policy.has(DicomOption::RetainSafePrivate) {
            return safe;
        }
        for element in object {
            let creator = element.header().tag;
            let block = creator.element();
            if creator.group().is_multiple_of(2) || !(0x10..=0xFF).contains(&block) {
                continue;
            }
            let name = element.to_str().unwrap_or_default();
            let of_creator = self.policy.private.iter().filter(|one| {
                one.group == creator.group() && one.creator == name.trim_matches([' ', '\0'])
            });
            for one in of_creator {
                let tag = Tag(one.group, (block << 8) | u16::from(one.element));
                let Some(found) = object.get(tag) else {
                    continue;
                };
                let harmless = match found.vr() {
                    VR::DS | VR::IS => values(found).iter().all(|text| {
                        text.is_empty() || text.parse::<f64>().is_ok_and(f64::is_finite)
                    }),
                    VR::CS => values(found).iter().all(|text| is_code_string(text)),
                    VR::FL | VR::FD | VR::SS | VR::US | VR::SL | VR::UL => true,
                    _ => false,
                };
                if harmless && !self.undeclared.contains(&tag) {
                    safe.extend([creator, tag]);
                }
            }
        }
        safe
    }

    /// PS3.3 Table 8.8-1: whether an item is a code of a scheme that is not on the list.
    fn unpublished_code(&self, object: &InMemDicomObject) -> bool {
        if object.get(tags::CODE_MEANING).is_none() && object.get(tags::CODE_VALUE).is_none() {
            return false;
        }
        let scheme = object
            .get(tags::CODING_SCHEME_DESIGNATOR)
            .and_then(|element| element.to_str().ok())
            .map(|text| text.trim().to_owned());
        self.scrub || scheme.is_none_or(|scheme| !self.policy.schemes.contains(&scheme))
    }

    fn code_part(&mut self, tag: Tag, vr: VR, text: &str) -> Option<InMemElement> {
        self.note(Action::Dummy, "D08");
        Some(DataElement::new(tag, vr, PrimitiveValue::from(text)))
    }

    fn note(&mut self, action: Action, rule: &'static str) {
        let path: Vec<String> = self.path.iter().map(Tag::to_string).collect();
        self.changes.push(Change {
            path: path.join("."),
            action,
            rule,
        });
    }

    fn removed(&mut self, rule: &'static str) -> Option<InMemElement> {
        self.note(Action::Remove, rule);
        None
    }

    fn element(&mut self, element: &InMemElement) -> Option<InMemElement> {
        let (tag, vr) = (element.header().tag, element.vr());
        match tag {
            tags::PATIENT_NAME | tags::PATIENT_ID => {
                self.note(Action::Pseudonym, "D01");
                let text = PrimitiveValue::from(self.pseudonym.as_str());
                return Some(DataElement::new(
                    tag,
                    if tag == tags::PATIENT_ID {
                        VR::LO
                    } else {
                        VR::PN
                    },
                    text,
                ));
            }
            // Written anew: what a former de-identification said, and the character set.
            tags::SPECIFIC_CHARACTER_SET
            | tags::PATIENT_IDENTITY_REMOVED
            | tags::DEIDENTIFICATION_METHOD
            | tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE
            | tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED => return None,
            // Written anew with the frames.
            tags::EXTENDED_OFFSET_TABLE | tags::EXTENDED_OFFSET_TABLE_LENGTHS => return None,
            _ => {}
        }
        if !self.recognised(tag, vr) {
            return self.removed("D07");
        }
        if let Some((code, effect)) = self.policy.entry(tag) {
            return match effect {
                // A date that another option keeps would tell by how much the others moved.
                Some(Effect::Keep(_))
                    if self.can_shift(tag, vr)
                        && self.policy.has(DicomOption::RetainModifiedDates) =>
                {
                    self.shift(element, Some(code))
                }
                Some(Effect::Keep(option)) => self.keep(element, code, option),
                Some(Effect::Clean(option)) => self.clean(element, code, option),
                None => self.coded_action(element, code),
            };
        }
        self.unlisted(element)
    }

    /// Private, repeating and unknown groups, and values that are not of their attribute's VR.
    fn recognised(&self, tag: Tag, vr: VR) -> bool {
        let group = tag.group();
        let standard = group.is_multiple_of(2)
            && tag.element() != 0
            && !(0x5000..=0x501E).contains(&group)
            && !(0x6000..=0x601E).contains(&group)
            && (0x0008..0xFFFA).contains(&group);
        let Some(entry) = StandardDataDictionary.by_tag(tag) else {
            return false;
        };
        let binary = |vr: VR| matches!(vr, VR::US | VR::SS | VR::OW | VR::OB);
        standard
            && vr != VR::UN
            && match entry.vr().exact() {
                Some(exact) => exact == vr || (binary(exact) && binary(vr)),
                None => binary(vr),
            }
    }

    /// Kept by an option, as far as it is what it says it is.
    fn keep(
        &mut self,
        element: &InMemElement,
        code: Code,
        option: DicomOption,
    ) -> Option<InMemElement> {
        if element.items().is_some() {
            self.note(Action::Keep, "D11");
            return self.sequence(element);
        }
        let (tag, vr) = (element.header().tag, element.vr());
        let texts = || values(element);
        let sound = match vr {
            VR::DA | VR::DT | VR::TM => option == DicomOption::RetainFullDates && is_when(element),
            VR::AS => return self.age(element, code),
            VR::UI => option == DicomOption::RetainUids,
            VR::CS => texts().iter().all(|text| is_code_string(text)),
            VR::DS | VR::IS => texts()
                .iter()
                .all(|text| text.is_empty() || text.parse::<f64>().is_ok_and(f64::is_finite)),
            // Words, where the policy's board asked for them by the option. The last look sees
            // them.
            VR::SH | VR::LO | VR::ST | VR::LT | VR::UT | VR::UC | VR::AE => true,
            VR::US | VR::SS | VR::UL | VR::SL | VR::FL | VR::FD => true,
            _ => false,
        };
        if !sound || self.undeclared.contains(&tag) {
            return self.coded_action(element, code);
        }
        self.note(Action::Keep, "D11");
        Some(element.clone())
    }

    /// Cleaned by an option: dates move, of descriptions known words stay, of sequences each item is
    /// looked at.
    fn clean(
        &mut self,
        element: &InMemElement,
        code: Code,
        option: DicomOption,
    ) -> Option<InMemElement> {
        let (tag, vr) = (element.header().tag, element.vr());
        match option {
            DicomOption::RetainModifiedDates if self.can_shift(tag, vr) => {
                self.shift(element, Some(code))
            }
            DicomOption::CleanStructuredContent | DicomOption::CleanGraphics
                if element.items().is_some() =>
            {
                self.note(Action::Clean, "D14");
                self.sequence(element)
            }
            DicomOption::CleanDescriptors | DicomOption::RetainPatientCharacteristics => {
                self.known_words(element, code)
            }
            _ => self.coded_action(element, code),
        }
    }

    fn known_words(&mut self, element: &InMemElement, code: Code) -> Option<InMemElement> {
        if element.items().is_some() {
            self.note(Action::Clean, "D12");
            return self.sequence(element);
        }
        let text = matches!(
            element.vr(),
            VR::SH | VR::LO | VR::ST | VR::LT | VR::UT | VR::UC
        );
        let words: Vec<String> = values(element)
            .iter()
            .map(|text| self.policy.words.of(text))
            .filter(|text| !text.is_empty())
            .collect();
        if !text || words.is_empty() || self.scrub {
            return self.coded_action(element, code);
        }
        self.note(Action::Clean, "D12");
        Some(text_element(element, words))
    }

    /// PS3.5 6.2 AS: `116Y`. From the limit on one group.
    fn age(&mut self, element: &InMemElement, code: Code) -> Option<InMemElement> {
        let texts = values(element);
        let [text] = texts.as_slice() else {
            return self.coded_action(element, code);
        };
        let number = text.get(..3).and_then(|digits| digits.parse::<u32>().ok());
        let years = match (number, text.get(3..)) {
            (Some(number), Some("Y")) => number,
            (Some(number), Some("M")) => number / 12,
            (Some(number), Some("W")) => number / 52,
            (Some(number), Some("D")) => number / 365,
            _ => return self.coded_action(element, code),
        };
        if years < self.policy.age_limit {
            self.note(Action::Keep, "D11");
            return Some(element.clone());
        }
        self.note(Action::Clean, "D15");
        let grouped = format!("{:03}Y", self.policy.age_limit);
        Some(text_element(element, vec![grouped]))
    }

    fn can_shift(&self, tag: Tag, vr: VR) -> bool {
        matches!(vr, VR::DA | VR::DT | VR::TM) || tag == tags::TIMEZONE_OFFSET_FROM_UTC
    }

    /// PS3.15 E.1.1: one action, or the choice among several by the attribute's type.
    fn coded_action(&mut self, element: &InMemElement, code: Code) -> Option<InMemElement> {
        let tag = element.header().tag;
        let kind = self
            .policy
            .type_of(tag)
            .filter(|kind| *kind < 3 || !self.enhanced);
        match (code, kind) {
            (Code::X, Some(1 | 2)) => self.valid_without_value(element, "D02"),
            (Code::X, _) | (Code::XorZ | Code::XorD | Code::XorZorD, Some(3)) => {
                self.removed("D02")
            }
            (Code::Z | Code::XorZ, _) | (Code::XorZorD | Code::ZorD, Some(2 | 3)) => {
                self.note(Action::Empty, "D03");
                Some(empty(element))
            }
            (Code::U | Code::XorZorU, _) => self.uids(element),
            (Code::D | Code::XorD | Code::ZorD | Code::XorZorD, _) => self.dummy(element),
        }
    }

    /// To be removed, but the IOD asks for it: empty (type 2) or without meaning (type 1).
    fn valid_without_value(
        &mut self,
        element: &InMemElement,
        rule: &'static str,
    ) -> Option<InMemElement> {
        let (tag, vr) = (element.header().tag, element.vr());
        if self.policy.type_of(tag) == Some(2) || vr == VR::SQ {
            self.note(Action::Empty, rule);
            return Some(empty(element));
        }
        self.note(Action::Dummy, rule);
        Some(dummy::element(tag, vr, &PrimitiveValue::Empty))
    }

    fn dummy(&mut self, element: &InMemElement) -> Option<InMemElement> {
        self.note(Action::Dummy, "D04");
        let (tag, vr) = (element.header().tag, element.vr());
        if element.items().is_some() {
            let before = std::mem::replace(&mut self.scrub, true);
            let sequence = self.sequence(element);
            self.scrub = before;
            return sequence;
        }
        let nothing = PrimitiveValue::Empty;
        let old = element.value().primitive().unwrap_or(&nothing);
        Some(dummy::element(tag, vr, old))
    }

    fn sequence(&mut self, element: &InMemElement) -> Option<InMemElement> {
        let items: Vec<InMemDicomObject> = element
            .items()
            .unwrap_or_default()
            .iter()
            .map(|item| self.dataset(item))
            .collect();
        let sequence = DataSetSequence::new(items, Length::UNDEFINED);
        Some(DataElement::new(element.header().tag, VR::SQ, sequence))
    }

    fn uids(&mut self, element: &InMemElement) -> Option<InMemElement> {
        if element.items().is_some() {
            return self.sequence(element);
        }
        if element.vr() != VR::UI {
            return self.removed("D02");
        }
        if element.is_empty() {
            return Some(empty(element));
        }
        let old = values(element);
        let new: Vec<String> = old.iter().map(|uid| self.uid(uid)).collect();
        if old != new {
            self.note(Action::Uid, "D05");
        }
        Some(text_element(element, new))
    }

    pub(super) fn uid(&mut self, uid: &str) -> String {
        let retained = self.policy.has(DicomOption::RetainUids);
        if uid.is_empty() || retained || self.is_standard(uid) {
            return uid.to_owned();
        }
        let new = self.key.uid(uid);
        self.made.insert(new.clone());
        new
    }

    /// Their number is small and their form short; a longer one only borrows the root.
    fn is_standard(&self, uid: &str) -> bool {
        uid.starts_with(STANDARD_ROOT)
            && uid.len() <= 36
            && uid.split('.').all(|part| part.len() <= 5)
    }

    /// Dates move, times stay. What is no date cannot be moved: it goes as the table says.
    fn shift(&mut self, element: &InMemElement, code: Option<Code>) -> Option<InMemElement> {
        if element.is_empty() {
            return Some(empty(element));
        }
        let old = values(element);
        let new: Option<Vec<String>> = old
            .iter()
            .map(|text| match element.vr() {
                _ if text.is_empty() => Some(String::new()),
                VR::DA if text.len() == 8 => shift_dicom(text, self.shift_days),
                VR::DT if is_time(text.get(8..)?) => shift_dicom(text, self.shift_days),
                VR::TM if is_time(text) => Some(text.clone()),
                VR::SH if is_offset(text) => Some(text.clone()),
                _ => None,
            })
            .collect();
        match (new, code) {
            (Some(new), _) => {
                if new != old {
                    self.note(Action::Shift, "D06");
                    self.made.extend(new.iter().cloned());
                }
                Some(text_element(element, new))
            }
            (None, Some(code)) => self.coded_action(element, code),
            (None, None) => self.removed("D08"),
        }
    }

    /// What the table does not name: decided by value representation.
    fn unlisted(&mut self, element: &InMemElement) -> Option<InMemElement> {
        let (tag, vr) = (element.header().tag, element.vr());
        if element.items().is_some() {
            return self.sequence(element);
        }
        if self.undeclared.contains(&tag) {
            return self.removed("D07");
        }
        let numeric =
            |text: &String| text.is_empty() || text.parse::<f64>().is_ok_and(f64::is_finite);
        let keep = match vr {
            VR::DA | VR::DT | VR::TM if self.policy.has(DicomOption::RetainModifiedDates) => {
                return self.shift(element, None);
            }
            // What the table does not name is a date all the same.
            VR::DA | VR::DT | VR::TM => {
                self.policy.has(DicomOption::RetainFullDates) && is_when(element)
            }
            VR::UI => return self.uids(element),
            VR::SH | VR::LO if self.scrub => false,
            VR::SH | VR::LO => {
                // A machine's words are ASCII; a text that is not was typed by a person.
                (self.policy.keep_text.contains(&tag)
                    && values(element).iter().all(|text| text.is_ascii()))
                    || matches!(
                        tag,
                        tags::CODE_VALUE
                            | tags::CODING_SCHEME_DESIGNATOR
                            | tags::CODING_SCHEME_VERSION
                            | tags::CODE_MEANING
                    )
            }
            VR::CS => values(element).iter().all(|text| is_code_string(text)),
            VR::DS | VR::IS => values(element).iter().all(numeric),
            VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::FL | VR::FD | VR::AT => true,
            VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV => {
                self.policy.keep_bulk.contains(&tag)
            }
            // PN, LT, ST, UT, UC, UR, AE, AS and what comes
            _ => false,
        };
        if keep {
            return Some(element.clone());
        }
        let bulk = matches!(vr, VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV);
        if !bulk && matches!(self.policy.type_of(tag), Some(1 | 2)) {
            return self.valid_without_value(element, "D08");
        }
        self.removed(if bulk { "D07" } else { "D08" })
    }
}

fn coded(value: &str, scheme: &str, meaning: &str) -> InMemDicomObject {
    let text = |tag: Tag, vr: VR, text: &str| DataElement::new(tag, vr, PrimitiveValue::from(text));
    InMemDicomObject::from_element_iter([
        text(tags::CODE_VALUE, VR::SH, value),
        text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme),
        text(tags::CODE_MEANING, VR::LO, meaning),
    ])
}

fn empty(element: &InMemElement) -> InMemElement {
    let (tag, vr) = (element.header().tag, element.vr());
    if vr == VR::SQ {
        let none: Vec<InMemDicomObject> = Vec::new();
        DataElement::new(tag, vr, DataSetSequence::new(none, Length::UNDEFINED))
    } else {
        DataElement::empty(tag, vr)
    }
}

fn text_element(element: &InMemElement, values: Vec<String>) -> InMemElement {
    let value = PrimitiveValue::Strs(values.into());
    DataElement::new(element.header().tag, element.vr(), value)
}

fn values(element: &InMemElement) -> Vec<String> {
    if element.is_empty() {
        return Vec::new();
    }
    let texts = element.to_multi_str().map(|v| v.into_owned());
    texts
        .unwrap_or_default()
        .iter()
        .flat_map(|text| text.split('\\'))
        .map(|text| text.trim_matches([' ', '\0']).to_owned())
        .collect()
}

/// PS3.5 6.2 CS.
fn is_code_string(text: &str) -> bool {
    text.len() <= 16
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b' ' | b'_'))
}

/// The time of a DT or TM: digits, a fraction, an offset.
fn is_time(text: &str) -> bool {
    text.len() <= 18
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b':'))
}

/// Whether the values of a DA, DT or TM are what they say they are.
fn is_when(element: &InMemElement) -> bool {
    values(element).iter().all(|text| match element.vr() {
        _ if text.is_empty() => true,
        VR::DA => text.len() == 8 && shift_dicom(text, 0).is_some(),
        VR::DT => shift_dicom(text, 0).is_some() && text.get(8..).is_some_and(is_time),
        _ => is_time(text),
    })
}

fn is_offset(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']);
    digits.is_some_and(|d| d.len() == 4 && d.bytes().all(|b| b.is_ascii_digit()))
}
