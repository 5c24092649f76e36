//! Purposes of use and which of them contain which.
//!
//! Source: HL7 v3 Code System ActReason 2018-08-12 as FHIR R4 publishes it, the concepts under
//! `PurposeOfUse` (valueset v3-PurposeOfUse).

pub const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";

/// Code and broader code. A broader code comes before its narrower ones.
const PURPOSES: &[(&str, &str)] = &[
    ("PurposeOfUse", ""),
    ("HMARKT", "PurposeOfUse"),
    ("HOPERAT", "PurposeOfUse"),
    ("CAREMGT", "HOPERAT"),
    ("DONAT", "HOPERAT"),
    ("FRAUD", "HOPERAT"),
    ("GOV", "HOPERAT"),
    ("HACCRED", "HOPERAT"),
    ("HCOMPL", "HOPERAT"),
    ("HDECD", "HOPERAT"),
    ("HDIRECT", "HOPERAT"),
    ("HDM", "HOPERAT"),
    ("HLEGAL", "HOPERAT"),
    ("HOUTCOMS", "HOPERAT"),
    ("HPRGRP", "HOPERAT"),
    ("HQUALIMP", "HOPERAT"),
    ("HSYSADMIN", "HOPERAT"),
    ("LABELING", "HSYSADMIN"),
    ("METAMGT", "HSYSADMIN"),
    ("MEMADMIN", "HOPERAT"),
    ("MILCDM", "HOPERAT"),
    ("PATADMIN", "HOPERAT"),
    ("PATSFTY", "HOPERAT"),
    ("PERFMSR", "HOPERAT"),
    ("RECORDMGT", "HOPERAT"),
    ("SYSDEV", "HOPERAT"),
    ("HTEST", "SYSDEV"),
    ("TRAIN", "HOPERAT"),
    ("HPAYMT", "PurposeOfUse"),
    ("CLMATTCH", "HPAYMT"),
    ("COVAUTH", "HPAYMT"),
    ("COVERAGE", "HPAYMT"),
    ("ELIGDTRM", "COVERAGE"),
    ("ELIGVER", "COVERAGE"),
    ("ENROLLM", "COVERAGE"),
    ("MILDCRG", "COVERAGE"),
    ("REMITADV", "HPAYMT"),
    ("HRESCH", "PurposeOfUse"),
    ("BIORCH", "HRESCH"),
    ("CLINTRCH", "HRESCH"),
    ("CLINTRCHNPC", "CLINTRCH"),
    ("CLINTRCHPC", "CLINTRCH"),
    ("PRECLINTRCH", "CLINTRCH"),
    ("DSRCH", "HRESCH"),
    ("POARCH", "HRESCH"),
    ("TRANSRCH", "HRESCH"),
    ("PATRQT", "PurposeOfUse"),
    ("FAMRQT", "PATRQT"),
    ("PWATRNY", "PATRQT"),
    ("SUPNWK", "PATRQT"),
    ("PUBHLTH", "PurposeOfUse"),
    ("DISASTER", "PUBHLTH"),
    ("THREAT", "PUBHLTH"),
    ("TREAT", "PurposeOfUse"),
    ("CLINTRL", "TREAT"),
    ("COC", "TREAT"),
    ("ETREAT", "TREAT"),
    ("BTG", "ETREAT"),
    ("ERTREAT", "ETREAT"),
    ("POPHLTH", "TREAT"),
];

/// Where each code's broader code stands in the table; the first is its own.
const BROADER: [u8; PURPOSES.len()] = {
    let mut broader = [0; PURPOSES.len()];
    let mut at = 1;
    while at < PURPOSES.len() {
        broader[at] = place_of(PURPOSES[at].1);
        at += 1;
    }
    broader
};

const RESEARCH: Purpose = Purpose(place_of("HRESCH"));
const MARKETING: Purpose = Purpose(place_of("HMARKT"));
const EMERGENCY: Purpose = Purpose(place_of("ETREAT"));

/// Where a code stands in the table, which has it.
const fn place_of(code: &str) -> u8 {
    let code = code.as_bytes();
    let mut at = 0;
    while at < PURPOSES.len() {
        let known = PURPOSES[at].0.as_bytes();
        let mut same = known.len() == code.len();
        let mut byte = 0;
        while same && byte < code.len() {
            same = known[byte] == code[byte];
            byte += 1;
        }
        if same {
            #[allow(clippy::cast_possible_truncation, reason = "the table is short")]
            return at as u8;
        }
        at += 1;
    }
    panic!("the table has the code")
}

/// A code of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose(u8);

impl Purpose {
    /// `None` if it is no purpose of use of the table.
    pub fn of(system: &str, code: &str) -> Option<Self> {
        if system != ACT_REASON {
            return None;
        }
        let at = PURPOSES.iter().position(|(known, _)| *known == code)?;
        u8::try_from(at).ok().map(Self)
    }

    fn broader(self) -> Option<Self> {
        (self.0 != 0).then(|| Self(BROADER[usize::from(self.0)]))
    }

    /// How many codes are broader.
    pub fn depth(self) -> u8 {
        self.broader().map_or(0, |broader| broader.depth() + 1)
    }

    /// Whether this is `other` or narrower.
    pub fn is_a(self, other: Self) -> bool {
        self == other || self.broader().is_some_and(|broader| broader.is_a(other))
    }

    /// Whether it is research, or narrower.
    pub fn is_research(self) -> bool {
        self.is_a(RESEARCH)
    }

    /// Whether it is marketing.
    pub fn is_marketing(self) -> bool {
        self.is_a(MARKETING)
    }

    /// Whether it is treatment in an emergency, which is always asked for by its own code: who
    /// breaks the glass says so (PCF 1:53.2.1).
    pub fn is_emergency(self) -> bool {
        self.is_a(EMERGENCY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_once_and_its_broader_code_before() {
        for (at, (code, broader)) in PURPOSES.iter().enumerate() {
            assert!(PURPOSES[..at].iter().all(|(earlier, _)| earlier != code));
            assert!(at == 0 || PURPOSES[..at].iter().any(|(earlier, _)| earlier == broader));
        }
    }

    #[test]
    fn breaking_the_glass_is_treatment_and_research_is_not() {
        let of = |code| Purpose::of(ACT_REASON, code).unwrap();
        assert!(of("BTG").is_a(of("TREAT")) && !of("TREAT").is_a(of("BTG")));
        assert!(of("PRECLINTRCH").is_research() && !of("CLINTRL").is_research());
        assert_eq!(of("BTG").depth(), 3);
        assert!(Purpose::of("http://example.org", "TREAT").is_none());
    }
}
