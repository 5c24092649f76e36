//! What came out, in a form that can be shown and audited.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::label::Obligations;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    Permit,
    Deny,
    /// No consent speaks. Under an opt-in model that is no permission.
    NotApplicable,
}

/// How much of what was asked for is permitted. For one record, all or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extent {
    Nothing,
    /// It depends on the record: ask for each.
    Some,
    All,
}

/// Why. The names are stable: an audit keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A provision, or the base policy, says so.
    Provision,
    /// A deny may mean this: something it names is not known of what was asked.
    ProvisionUnclear,
    /// It depends on the record.
    Partly,
    /// What a consent had permitted was withdrawn or rejected.
    Withdrawn,
    /// The consent has something this evaluator does not understand and that could change it.
    NotUnderstood,
    /// The consent has yet to be verified.
    NotVerified,
    /// The permit bears a later date than the moment asked for.
    NotYet,
    /// A proxy consented, and the patient has come of age since.
    CameOfAge,
    /// A proxy consented, and whether the patient has come of age is not known.
    MajorityUnknown,
    /// The record is labelled for other purposes than the one asked for.
    PurposeOfData,
    /// No consent speaks, and the model is opt-in.
    NoConsent,
    /// No consent objects, and the model is opt-out.
    NoObjection,
}

impl Reason {
    /// The word an audit keeps.
    pub const fn code(self) -> &'static str {
        match self {
            Reason::Provision => "provision",
            Reason::ProvisionUnclear => "provision-unclear",
            Reason::Partly => "partly",
            Reason::Withdrawn => "withdrawn",
            Reason::NotUnderstood => "not-understood",
            Reason::NotVerified => "not-verified",
            Reason::NotYet => "not-yet",
            Reason::CameOfAge => "came-of-age",
            Reason::MajorityUnknown => "majority-unknown",
            Reason::PurposeOfData => "purpose-of-data",
            Reason::NoConsent => "no-consent",
            Reason::NoObjection => "no-objection",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Reason::Provision => "a provision says so",
            Reason::ProvisionUnclear => "a denial may mean this, and nothing rules it out",
            Reason::Partly => "it depends on the record",
            Reason::Withdrawn => "the permission was withdrawn or rejected",
            Reason::NotUnderstood => "part of the consent is not understood",
            Reason::NotVerified => "the consent is not verified",
            Reason::NotYet => "the consent bears a later date",
            Reason::CameOfAge => "a proxy consented and the patient is of age now",
            Reason::MajorityUnknown => "a proxy consented and the patient's age is not known",
            Reason::PurposeOfData => "the record is labelled for other purposes",
            Reason::NoConsent => "no consent speaks of this",
            Reason::NoObjection => "no consent objects",
        }
    }
}

/// The place that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Basis<'a> {
    /// `Consent.id`.
    pub consent: &'a str,
    /// `Consent.meta.versionId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'a str>,
    /// Such as `Consent.provision.provision[0]`.
    pub provision: &'a str,
}

/// The answer. A permit whose obligations cannot be kept is no permit (XACML 3.0 section 7.18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verdict<'a> {
    /// [`Decision::Permit`] exactly where `extent` is [`Extent::All`].
    pub decision: Decision,
    pub extent: Extent,
    pub reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis<'a>>,
    #[serde(skip_serializing_if = "Obligations::is_empty")]
    pub obligations: Obligations,
}

impl Verdict<'_> {
    pub fn permits(&self) -> bool {
        self.decision == Decision::Permit
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.decision {
            Decision::Permit => "permit",
            Decision::Deny => "deny",
            Decision::NotApplicable => "not applicable",
        })?;
        write!(f, ": {}", self.reason.sentence())?;
        if let Some(basis) = &self.basis {
            write!(f, " (Consent/{}", basis.consent)?;
            if let Some(version) = basis.version {
                write!(f, "/_history/{version}")?;
            }
            write!(f, ", {})", basis.provision)?;
        }
        for (at, code) in self.obligations.codes().enumerate() {
            f.write_str(if at == 0 { "; under " } else { ", " })?;
            f.write_str(code)?;
        }
        Ok(())
    }
}

impl Serialize for Obligations {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.codes())
    }
}
