//! A patient's consents, compiled.

use kura_fhir::resource::parse_json;
use kura_model::Refusal;
use serde_json::Value;

use crate::compile::compile;
use crate::consent::{Compiled, Consent, Verification};
use crate::decide::decide;
use crate::question::Question;
use crate::reference::Target;
use crate::verdict::Verdict;

/// Consents of one patient.
const CONSENTS_AT_MOST: usize = 1_000;

/// How this bank reads consents.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policy<'a> {
    pub verification: Verification,
    /// Addresses under which this server is known, without a slash at the end: a reference below
    /// one of them is the same as a relative one.
    pub bases: &'a [&'a str],
}

/// The consents of one patient, ready to be asked.
#[derive(Debug, Clone)]
pub struct Consents {
    /// Those that can say anything, the newest first.
    consents: Vec<Consent>,
    patient: Option<Target>,
    bases: Vec<Box<str>>,
    verification: Verification,
}

impl Consents {
    /// Compiles the Consent resources of one patient, in any order.
    ///
    /// # Errors
    /// A [`Refusal`] with the rule (`consent-status`, `consent-provision-type`, …), and as place
    /// which of the bodies and the element. A patient with a consent that is refused must be
    /// taken as one who permits nothing.
    pub fn compile(bodies: &[Value]) -> Result<Self, Refusal> {
        Self::compile_with(bodies, &Policy::default())
    }

    /// The same, of JSON texts.
    ///
    /// # Errors
    /// As [`Consents::compile`], and those of `kura_fhir::resource::parse_json`.
    pub fn parse<T: AsRef<str>>(bodies: &[T]) -> Result<Self, Refusal> {
        let values = bodies
            .iter()
            .enumerate()
            .map(|(at, body)| {
                parse_json(body.as_ref().as_bytes()).map_err(|refusal| in_body(at, refusal))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Self::compile(&values)
    }

    /// [`Consents::compile`] under a policy of the bank.
    ///
    /// # Errors
    /// As [`Consents::compile`].
    pub fn compile_with(bodies: &[Value], policy: &Policy) -> Result<Self, Refusal> {
        if bodies.len() > CONSENTS_AT_MOST {
            return Err(Refusal::new(
                "consent-size",
                "the patient has too many consents",
            ));
        }
        let bases: Vec<Box<str>> = policy.bases.iter().map(|base| (*base).into()).collect();
        let mut compiled: Vec<Compiled> = Vec::with_capacity(bodies.len());
        for (at, body) in bodies.iter().enumerate() {
            let one = compile(body, &bases).map_err(|refusal| in_body(at, refusal))?;
            add(&mut compiled, one).map_err(|refusal| in_body(at, refusal))?;
        }
        let patient = compiled.first().map(|first| first.patient.clone());
        let mut consents: Vec<Consent> =
            compiled.into_iter().filter_map(|one| one.consent).collect();
        consents.sort_by(|one, other| {
            let given = |consent: &Consent| consent.given.map(|given| given.low);
            given(other)
                .cmp(&given(one))
                .then_with(|| one.id.cmp(&other.id))
        });
        Ok(Self {
            consents,
            patient,
            bases,
            verification: policy.verification,
        })
    }

    /// Whose they are, such as `Patient/1`; `None` without consents, or where the patient is
    /// named by an identifier only. The caller compares it with the patient asked about.
    pub fn patient(&self) -> Option<&str> {
        self.patient.as_ref()?.url()
    }

    /// Whether none can say anything.
    pub fn is_empty(&self) -> bool {
        self.consents.is_empty()
    }

    /// Decides. Of a question without data it permits only what holds for every record of the
    /// patient; [`Verdict::extent`] tells whether some may be used.
    pub fn decide(&self, question: &Question) -> Verdict<'_> {
        decide(&self.consents, &self.bases, self.verification, question)
    }
}

fn in_body(at: usize, mut refusal: Refusal) -> Refusal {
    let place = refusal.location.path.take().unwrap_or_default();
    let place = match place.as_str() {
        "" => format!("[{at}]"),
        place => format!("[{at}] {place}"),
    };
    refusal.at_path(place)
}

/// Adds a consent, or puts it in place of an older version of itself.
fn add(all: &mut Vec<Compiled>, one: Compiled) -> Result<(), Refusal> {
    if all
        .first()
        .is_some_and(|first| !first.patient.same(&one.patient))
    {
        return Err(Refusal::new(
            "consent-patient",
            "the consents are not surely of one patient",
        )
        .at_path("Consent.patient"));
    }
    let Some(known) = all.iter_mut().find(|known| known.id == one.id) else {
        all.push(one);
        return Ok(());
    };
    let number = |of: &Compiled| of.version.as_deref()?.parse::<u64>().ok();
    match (number(known), number(&one)) {
        (Some(old), Some(new)) if new > old => *known = one,
        (Some(old), Some(new)) if new < old => {}
        _ => {
            return Err(Refusal::new(
                "consent-repeated",
                "a consent stands twice, and which is newer cannot be told",
            )
            .at_path("Consent.id"));
        }
    }
    Ok(())
}
