//! Security labels: how confidential, how sensitive, and what must be kept in return.
//!
//! FHIR R4 security-labels.html, consent-definitions.html#Consent.provision.securityLabel; the
//! codes are those of v3-Confidentiality and v3-ActCode 2018-08-12 as R4 publishes them.

use crate::purpose::Purpose;
use crate::question::{Coding, Data};

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// From unrestricted to very restricted.
const LEVELS: [&str; 6] = ["U", "L", "M", "N", "R", "V"];
/// Most data are normal, and nobody labels them (PCF 1:P.4).
const NORMAL: u8 = 3;
/// What is sensitive is restricted (PCF 1:P, "Restricted Health Data").
const RESTRICTED: u8 = 4;

/// Sensitivities with what they are a kind of. PCF's table of tags counts `ETHUD` and `OPIOIDUD`
/// to `ETH`, ActCode to `SUD`; here they are both.
const SENSITIVITIES: &[(&str, &[&str])] = &[
    ("ETH", &[]),
    ("GDIS", &[]),
    ("HIV", &[]),
    ("MST", &[]),
    ("SCA", &[]),
    ("SICKLE", &[]),
    ("SDV", &[]),
    ("SEX", &[]),
    ("SPI", &[]),
    ("BH", &["SPI"]),
    ("COGN", &["BH"]),
    ("DVD", &["BH"]),
    ("EMOTDIS", &["BH"]),
    ("MH", &["SPI"]),
    ("PSY", &["SPI"]),
    ("PSYTHPN", &["SPI"]),
    ("SUD", &["SPI"]),
    ("ETHUD", &["SUD", "ETH"]),
    ("OPIOIDUD", &["SUD", "ETH"]),
    ("STD", &[]),
    ("TBOO", &[]),
    ("VIO", &[]),
    ("B", &[]),
    ("EMPL", &[]),
    ("LOCIS", &[]),
    ("SSP", &[]),
    ("ADOL", &[]),
    ("CEL", &[]),
    ("DIA", &[]),
    ("DRGIS", &[]),
    ("EMP", &[]),
    ("PDS", &[]),
    ("PHY", &[]),
    ("PRS", &[]),
];

/// Obligation and refrain policies: not which data, but what must and must not be done.
const OBLIGATIONS: &[&str] = &[
    "ANONY",
    "AOD",
    "AUDIT",
    "AUDTR",
    "CPLYCC",
    "CPLYCD",
    "CPLYJPP",
    "CPLYOPP",
    "CPLYOSP",
    "CPLYPOL",
    "DECLASSIFYLABEL",
    "DEID",
    "DELAU",
    "DOWNGRDLABEL",
    "DRIVLABEL",
    "ENCRYPT",
    "ENCRYPTR",
    "ENCRYPTT",
    "ENCRYPTU",
    "HUAPRV",
    "LABEL",
    "MASK",
    "MINEC",
    "PERSISTLABEL",
    "PRIVMARK",
    "PSEUD",
    "REDACT",
    "UPGRDLABEL",
    "NOAUTH",
    "NOCOLLECT",
    "NODSCLCD",
    "NODSCLCDS",
    "NOINTEGRATE",
    "NOLIST",
    "NOMOU",
    "NOORGPOL",
    "NOPAT",
    "NOPERSISTP",
    "NORDSCLCD",
    "NORDSCLCDS",
    "NORDSCLW",
    "NORELINK",
    "NOREUSE",
    "NOVIP",
    "ORCON",
];

/// Codes of v3-ActCode's `ObligationPolicy` and `RefrainPolicy` that go with a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Obligations(u64);

impl Obligations {
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    pub fn codes(self) -> impl Iterator<Item = &'static str> {
        OBLIGATIONS
            .iter()
            .enumerate()
            .filter(move |(at, _)| self.0 >> at & 1 == 1)
            .map(|(_, code)| *code)
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

fn level_of(code: &str) -> Option<u8> {
    let at = LEVELS.iter().position(|level| *level == code)?;
    u8::try_from(at).ok()
}

fn sensitivity_of(code: &str) -> Option<usize> {
    SENSITIVITIES.iter().position(|(known, _)| *known == code)
}

/// The bits of a sensitivity and of every kind of it.
fn kinds_of(at: usize) -> u64 {
    let mut mask = 1_u64 << at;
    // A kind stands after what it is a kind of, so one walk finds the kinds of kinds.
    for (kind, (_, broader)) in SENSITIVITIES.iter().enumerate().skip(at + 1) {
        let known = broader
            .iter()
            .filter_map(|code| sensitivity_of(code))
            .any(|broader| mask >> broader & 1 == 1);
        if known {
            mask |= 1 << kind;
        }
    }
    mask
}

/// One label of a provision or a record, told apart.
enum Label {
    Level(u8),
    Sensitivity(usize),
    Obligation(usize),
    /// A word of v3-Confidentiality that is no level: it says sensitive, not what.
    Sensitive,
    Other,
}

fn label_of(system: &str, code: &str) -> Label {
    match system {
        CONFIDENTIALITY => match (level_of(code), sensitivity_of(code)) {
            (Some(level), _) => Label::Level(level),
            // ETH, HIV, PSY and SDV stood here before ActCode had them. `B` was business then.
            (None, Some(at)) if code != "B" => Label::Sensitivity(at),
            _ => Label::Sensitive,
        },
        ACT_CODE => match sensitivity_of(code) {
            Some(at) => Label::Sensitivity(at),
            None => match OBLIGATIONS.iter().position(|known| *known == code) {
                Some(at) => Label::Obligation(at),
                None => Label::Other,
            },
        },
        _ => Label::Other,
    }
}

/// The labels of one record, worked out once for a question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels<'a> {
    level: u8,
    sensitivities: u64,
    /// The level, raised where the record is sensitive.
    raised: u8,
    all: &'a [Coding<'a>],
}

/// Whether the record is labelled for other purposes than the one asked for: "access request
/// purpose of use shall not conflict", FHIR R4 consent-definitions.html. `HTEST` says what the
/// record is, test data, and bounds nothing.
pub(crate) fn is_for_another_purpose(data: &Data, purpose: Option<Purpose>) -> bool {
    let mut bounds = data
        .security
        .iter()
        .filter(|label| label.code != "HTEST")
        .filter_map(|label| Purpose::of(label.system, label.code))
        .peekable();
    bounds.peek().is_some()
        && !bounds.any(|bound| purpose.is_some_and(|purpose| purpose.is_a(bound)))
}

impl<'a> Labels<'a> {
    pub(crate) fn of(data: &Data<'a>) -> Self {
        let mut level = None;
        let mut sensitivities = 0_u64;
        let mut sensitive = false;
        for label in data.security {
            match label_of(label.system, label.code) {
                // The highest of several. FHIR R4 security-labels.html#confidentiality
                Label::Level(one) => level = level.max(Some(one)),
                Label::Sensitivity(at) => sensitivities |= 1 << at,
                Label::Sensitive => sensitive = true,
                Label::Obligation(_) | Label::Other => {}
            }
        }
        let level = level.unwrap_or(NORMAL);
        let raised = if sensitive || sensitivities != 0 {
            level.max(RESTRICTED)
        } else {
            level
        };
        Self {
            level,
            sensitivities,
            raised,
            all: data.security,
        }
    }
}

/// The labels of a provision, as they bound data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelCriterion {
    highest: Option<u8>,
    lowest: Option<u8>,
    /// What is listed, and every kind of it.
    sensitivities: u64,
    /// What something listed is a kind of.
    broader: u64,
    others: Vec<(Box<str>, Box<str>)>,
}

/// Labels of a provision: which data, and what in return.
pub(crate) fn criterion<'a>(
    labels: impl Iterator<Item = (&'a str, &'a str)>,
) -> (Option<LabelCriterion>, Obligations) {
    let mut criterion = LabelCriterion::default();
    let mut bounds = false;
    let mut obligations = 0_u64;
    for (system, code) in labels {
        match label_of(system, code) {
            Label::Level(level) => {
                criterion.highest = criterion.highest.max(Some(level));
                criterion.lowest = Some(criterion.lowest.map_or(level, |at| at.min(level)));
            }
            Label::Sensitivity(at) => {
                criterion.sensitivities |= kinds_of(at);
                for broader in 0..SENSITIVITIES.len() {
                    if broader != at && kinds_of(broader) >> at & 1 == 1 {
                        criterion.broader |= 1 << broader;
                    }
                }
            }
            Label::Obligation(at) => {
                obligations |= 1 << at;
                continue;
            }
            Label::Sensitive | Label::Other => {
                criterion.others.push((system.into(), code.into()));
            }
        }
        bounds = true;
    }
    (bounds.then_some(criterion), Obligations(obligations))
}

impl LabelCriterion {
    fn lists(&self, labels: &Labels) -> bool {
        self.others.iter().any(|(system, code)| {
            labels
                .all
                .iter()
                .any(|label| label.system == &**system && label.code == &**code)
        })
    }

    /// Whether a permit of these labels is meant for the record.
    pub(crate) fn permits(&self, labels: &Labels) -> bool {
        // consent-definitions.html#Consent.provision.securityLabel: "R" is R and lower.
        if self.highest.is_some_and(|highest| labels.raised <= highest) {
            return true;
        }
        // Subsumption; each sensitivity of the record must be a listed one.
        let named = labels.sensitivities != 0 && labels.sensitivities & !self.sensitivities == 0;
        if named && labels.level <= self.highest.unwrap_or(RESTRICTED).max(RESTRICTED) {
            return true;
        }
        self.lists(labels) && labels.raised <= self.highest.unwrap_or(NORMAL).max(NORMAL)
    }

    /// Whether a denial of these labels is meant for the record; `None` if it may be.
    pub(crate) fn denies(&self, labels: &Labels) -> Option<bool> {
        // The mark turned round: who denies R denies V, and not N. So PCF's own example of
        // normal data without restricted ones works.
        if self.lowest.is_some_and(|lowest| labels.raised >= lowest)
            || labels.sensitivities & self.sensitivities != 0
            || self.lists(labels)
        {
            return Some(true);
        }
        // A record labelled by the broader word may well be of the denied kind.
        (labels.sensitivities & self.broader == 0).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_suffice() {
        assert!(SENSITIVITIES.len() <= 64 && OBLIGATIONS.len() <= 64);
    }

    #[test]
    fn a_kind_of_a_kind_is_a_kind() {
        let spi = kinds_of(sensitivity_of("SPI").unwrap());
        for code in ["BH", "COGN", "SUD", "OPIOIDUD", "PSY"] {
            assert_eq!(spi >> sensitivity_of(code).unwrap() & 1, 1, "{code}");
        }
        assert_eq!(spi >> sensitivity_of("HIV").unwrap() & 1, 0);
    }
}
