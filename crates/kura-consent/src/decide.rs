//! The decision: what each consent says, and which of them stands.

use smallvec::SmallVec;

use crate::consent::{Consent, Kind, Provision, Standing, Verification};
use crate::criteria::{Asked, AskedPurpose, Held};
use crate::label::{self, Labels, Obligations};
use crate::purpose::Purpose;
use crate::question::{Coding, Model, Question, Scope};
use crate::verdict::{Decision, Extent, Reason, Verdict};

/// What may come out, as bits: of one record it is exactly one of them.
mod may {
    pub(super) const PERMIT: u8 = 1;
    pub(super) const DENY: u8 = 2;
    pub(super) const NOTHING: u8 = 4;
}

/// What a provision with its nested ones says.
#[derive(Clone, Copy)]
struct Outcome<'c> {
    may: u8,
    permit: Option<&'c Provision>,
    deny: Option<&'c Provision>,
    /// Something the denial names is not known of what was asked.
    unclear: bool,
}

impl Outcome<'_> {
    const NOTHING: Self = Self {
        may: may::NOTHING,
        permit: None,
        deny: None,
        unclear: false,
    };
}

/// What a consent says to a question.
struct Said<'c> {
    consent: &'c Consent,
    outcome: Outcome<'c>,
    /// It denies because it permitted once.
    withdrawn: bool,
    deny_reason: Reason,
    /// Why a permit of its does not count.
    withheld: Option<(Reason, &'c str)>,
}

/// Evaluates a provision. `gate` is whether the denials hold that it is an exception within.
fn evaluate<'c>(
    provision: &'c Provision,
    asked: &Asked,
    scope: Option<Scope>,
    gate: Held,
) -> Outcome<'c> {
    // What lapsed, lapsed with its exceptions.
    if provision
        .period
        .is_some_and(|period| !period.contains(asked.question.at))
    {
        return Outcome::NOTHING;
    }
    let permit = provision.kind != Some(Kind::Deny);
    let held = provision.criteria.held(asked, permit, scope);
    let mut out = own(provision, held, gate);
    if provision.nested.is_empty() {
        return out;
    }
    let gate = if permit { gate } else { held };
    let (mut any, mut never, mut always) = (Outcome::NOTHING, true, false);
    any.may = 0;
    let mut surely_denied = false;
    for nested in &provision.nested {
        let mut one = evaluate(nested, asked, scope, gate);
        // A permit within a nested denial lifts that denial; what lies around it decides.
        if nested.kind == Some(Kind::Deny) && one.may & may::PERMIT != 0 {
            one.may = (one.may & !may::PERMIT) | may::NOTHING;
            one.permit = None;
        }
        if one.may & may::DENY != 0 && (any.deny.is_none() || one.may == may::DENY) {
            any.deny = one.deny;
            any.unclear = one.unclear;
        }
        if one.may & may::PERMIT != 0 && any.permit.is_none() {
            any.permit = one.permit;
        }
        any.may |= one.may & (may::PERMIT | may::DENY);
        surely_denied |= one.may == may::DENY;
        always |= one.may == may::PERMIT;
        never &= one.may & (may::PERMIT | may::DENY) == 0;
    }
    if never {
        return out;
    }
    // Of several exceptions a denial stands before a permit, and both before the rule itself.
    if surely_denied {
        return Outcome {
            may: may::DENY,
            permit: None,
            ..any
        };
    }
    let around = if always { 0 } else { out.may };
    if any.permit.is_some() {
        out.permit = any.permit;
    }
    if any.deny.is_some() {
        out.deny = any.deny;
        out.unclear = any.unclear;
    }
    out.may = around | any.may;
    out
}

/// What a provision says without its nested ones.
fn own(provision: &Provision, held: Held, gate: Held) -> Outcome<'_> {
    let mut out = Outcome::NOTHING;
    match provision.kind {
        Some(Kind::Permit) => {
            // What is not known does not help a permit.
            if held.no || held.unknown || gate.no || gate.unknown {
                return out;
            }
            out.may = may::PERMIT;
            if held.depends || gate.depends {
                out.may |= may::NOTHING;
            }
            out.permit = Some(provision);
        }
        Some(Kind::Deny) => {
            // What is not known does not help against a denial.
            if held.no {
                return out;
            }
            out.may = may::DENY;
            if held.depends {
                out.may |= may::NOTHING;
            }
            out.deny = Some(provision);
            out.unclear = held.unknown;
        }
        None => {}
    }
    out
}

/// Whether a consent of this scope has a say.
fn speaks(consent: Option<Scope>, asked: &Asked) -> bool {
    let research = asked.question.scope == Scope::Research
        || asked
            .purpose
            .and_then(|purpose| purpose.known)
            .is_some_and(Purpose::is_research);
    match consent {
        // In a vocabulary that we do not know it may be about this.
        None => true,
        Some(Scope::Research) => research,
        // PCF 3:5.8.3 has a privacy consent that names a research purpose.
        Some(Scope::PatientPrivacy) => asked.question.scope != Scope::Treatment,
        Some(Scope::Treatment) => asked.question.scope == Scope::Treatment,
    }
}

fn said<'c>(consent: &'c Consent, asked: &Asked, policy: Verification) -> Option<Said<'c>> {
    if !speaks(consent.scope, asked) {
        return None;
    }
    let mut said = Said {
        consent,
        outcome: evaluate(&consent.root, asked, consent.scope, Held::default()),
        withdrawn: false,
        deny_reason: Reason::Provision,
        withheld: None,
    };
    let outcome = &mut said.outcome;
    if outcome.unclear {
        said.deny_reason = Reason::ProvisionUnclear;
    }
    if consent.standing == Standing::Withdrawn {
        // What it permitted is not permitted any more; what it denied, it denies no more.
        let permitted = outcome.may & may::PERMIT != 0;
        let else_nothing = outcome.may & (may::DENY | may::NOTHING) != 0;
        outcome.deny = outcome.permit.take();
        outcome.may = if permitted { may::DENY } else { 0 };
        if else_nothing {
            outcome.may |= may::NOTHING;
        }
        said.withdrawn = true;
        said.deny_reason = Reason::Withdrawn;
        return (outcome.may != may::NOTHING).then_some(said);
    }
    if let Some(unclear) = consent.unclear.as_ref().filter(|unclear| unclear.modifies) {
        // A modifier may mean the opposite, of anything that is said here.
        let objects = outcome.may != may::NOTHING || asked.question.model == Model::OptOut;
        if !objects {
            return None;
        }
        said.withheld = Some((Reason::NotUnderstood, &unclear.place));
        said.deny_reason = Reason::NotUnderstood;
        outcome.may = may::DENY;
        outcome.deny = Some(&consent.root);
        outcome.permit = None;
        return Some(said);
    }
    if outcome.may & may::PERMIT != 0
        && let Some(reason) = consent.withheld(asked.question, policy)
    {
        let place = match (&consent.unclear, reason) {
            (Some(unclear), Reason::NotUnderstood) => &*unclear.place,
            (None, Reason::NotUnderstood) => "Consent.scope",
            (_, Reason::NotVerified) => "Consent.verification",
            (_, Reason::NotYet) => "Consent.dateTime",
            _ => "Consent.performer",
        };
        said.withheld = Some((reason, place));
        outcome.may = (outcome.may & !may::PERMIT) | may::NOTHING;
        outcome.permit = None;
    }
    (outcome.may != may::NOTHING || said.withheld.is_some()).then_some(said)
}

/// Whether a denial stands against a permit. See the table in the crate's documentation.
fn stands(denial: &Said, permit: &Said, asked: &Asked) -> bool {
    let shared = denial.consent.shares_category(permit.consent);
    let newer = permit.consent.is_newer(denial.consent);
    if denial.withdrawn {
        return shared != Some(false) && !newer;
    }
    if denial.consent.scope != permit.consent.scope {
        return true;
    }
    if !newer || shared != Some(true) {
        return true;
    }
    let (Some(deny), Some(permit)) = (denial.outcome.deny, permit.outcome.permit) else {
        return true;
    };
    // The permit has to be at least as narrow in everything the denial names.
    deny.criteria
        .weight(asked)
        .iter()
        .zip(permit.criteria.weight(asked))
        .any(|(deny, permit)| *deny > permit)
}

/// Decides for one purpose. `consents` are the newest first.
fn one<'c>(consents: &'c [Consent], asked: &Asked, policy: Verification) -> Verdict<'c> {
    let known = asked.purpose.and_then(|purpose| purpose.known);
    if asked
        .question
        .data
        .is_some_and(|data| label::is_for_another_purpose(&data, known))
    {
        return plain(Decision::Deny, Extent::Nothing, Reason::PurposeOfData);
    }
    let all: SmallVec<[Said<'c>; 12]> = consents
        .iter()
        .filter_map(|consent| said(consent, asked, policy))
        .collect();
    let denials = || all.iter().filter(|said| said.outcome.may & may::DENY != 0);
    let permits = || {
        all.iter()
            .filter(|said| said.outcome.may & may::PERMIT != 0)
    };
    let same = |one: &Said, other: &Said| std::ptr::eq(one.consent, other.consent);
    let sure = |said: &Said| said.outcome.may & (said.outcome.may - 1) == 0;

    let standing = permits()
        .filter(|permit| sure(permit))
        .find(|permit| denials().all(|denial| !stands(denial, permit, asked)));
    if let Some(permit) = standing {
        return permitted(permit, Extent::All);
    }
    let possible = permits().find(|permit| {
        denials()
            .filter(|denial| sure(denial) && !same(denial, permit))
            .all(|denial| !stands(denial, permit, asked))
    });
    let opt_out = asked.question.model == Model::OptOut;
    if opt_out && denials().next().is_none() {
        return plain(Decision::Permit, Extent::All, Reason::NoObjection);
    }
    let denial = denials()
        .find(|denial| sure(denial))
        .or_else(|| denials().next());
    if let Some(permit) = possible {
        return match denial {
            Some(denial) => denied(denial, Extent::Some),
            None => permitted(permit, Extent::Some),
        };
    }
    if let Some(denial) = denial {
        let extent = if opt_out && denials().all(|denial| !sure(denial)) {
            Extent::Some
        } else {
            Extent::Nothing
        };
        return denied(denial, extent);
    }
    let withheld = all
        .iter()
        .find_map(|said| Some((said.consent, said.withheld?)));
    match withheld {
        Some((consent, (reason, place))) => Verdict {
            basis: Some(consent.basis(place)),
            ..plain(Decision::NotApplicable, Extent::Nothing, reason)
        },
        None => plain(Decision::NotApplicable, Extent::Nothing, Reason::NoConsent),
    }
}

fn plain<'c>(decision: Decision, extent: Extent, reason: Reason) -> Verdict<'c> {
    Verdict {
        decision,
        extent,
        reason,
        basis: None,
        obligations: Obligations::default(),
    }
}

fn permitted<'c>(said: &Said<'c>, extent: Extent) -> Verdict<'c> {
    let verdict = match extent {
        Extent::All => plain(Decision::Permit, extent, Reason::Provision),
        _ => plain(Decision::NotApplicable, extent, Reason::Partly),
    };
    match said.outcome.permit {
        Some(provision) => Verdict {
            basis: Some(said.consent.basis(&provision.place)),
            obligations: provision.obligations,
            ..verdict
        },
        None => verdict,
    }
}

fn denied<'c>(said: &Said<'c>, extent: Extent) -> Verdict<'c> {
    let reason = match extent {
        Extent::Nothing => said.deny_reason,
        _ => Reason::Partly,
    };
    let place = match (said.withheld, said.outcome.deny) {
        (Some((_, place)), _) => Some(place),
        (None, Some(provision)) => Some(&*provision.place),
        (None, None) => None,
    };
    Verdict {
        basis: place.map(|place| said.consent.basis(place)),
        ..plain(Decision::Deny, extent, reason)
    }
}

/// Decides for every purpose; the worst answer is the answer.
pub(crate) fn decide<'c>(
    consents: &'c [Consent],
    bases: &[Box<str>],
    policy: Verification,
    question: &Question,
) -> Verdict<'c> {
    let mut asked = Asked {
        question,
        purpose: None,
        labels: question.data.as_ref().map(Labels::of),
        bases,
    };
    let mut answer: Option<Verdict<'c>> = None;
    let mut obligations = Obligations::default();
    for purpose in question.purposes {
        asked.purpose = Some(looked_up(*purpose));
        let verdict = one(consents, &asked, policy);
        obligations = obligations.and(verdict.obligations);
        if answer.is_none_or(|answer| rank(&verdict) < rank(&answer)) {
            answer = Some(verdict);
        }
    }
    match answer {
        Some(mut verdict) if verdict.permits() => {
            verdict.obligations = obligations;
            verdict
        }
        Some(verdict) => verdict,
        None => one(consents, &asked, policy),
    }
}

fn looked_up(coding: Coding) -> AskedPurpose {
    AskedPurpose {
        coding,
        known: Purpose::of(coding.system, coding.code),
    }
}

/// Nothing before some before all; a denial before silence.
fn rank(verdict: &Verdict) -> (Extent, bool) {
    (verdict.extent, verdict.decision != Decision::Deny)
}
